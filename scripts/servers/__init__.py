"""
The servers that the tests need, and how each machine comes to them.
"""

from typing import Final

from scripts.servers.postgres import Postgres
from scripts.servers.rabbitmq import RabbitMQ
from scripts.servers.redis import Redis
from scripts.servers.server import Server

SERVERS: Final[dict[str, Server]] = {
    "postgres": Postgres(),
    "rabbitmq": RabbitMQ(),
    "redis": Redis(),
}
REQUIRED: Final = (
    "postgres",
    "rabbitmq",
    "redis",
)  # The one place that says which of them the tests use today.
