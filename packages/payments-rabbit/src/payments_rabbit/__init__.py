"""
RabbitMQ for payments-core, in the words of MassTransit.
"""

from payments_rabbit.consumer import RabbitConsumer
from payments_rabbit.envelope import MassTransitSerializer
from payments_rabbit.publisher import RabbitEventPublisher
from payments_rabbit.settings import RabbitSettings

__all__ = [
    "MassTransitSerializer",
    "RabbitConsumer",
    "RabbitEventPublisher",
    "RabbitSettings",
]
