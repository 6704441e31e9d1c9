"""
The service's own flows, run once to see which statements they are.
"""

import hashlib
import hmac
import json
import time
from typing import Final
from uuid import UUID

import attrs

from benchmarks.canned import intent
from benchmarks.instant import AMOUNT, APPROVED, WAITS
from benchmarks.recording import Recording, recorded
from payments_bootstrap import Container
from payments_core.application.create_payment import CreatePaymentCommand
from payments_core.application.receive_webhook import ReceiveWebhookCommand
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.ids import new_payment_id
from payments_core.ports.queries import PaymentView

WEBHOOK_SECRET: Final = "whsec_benchmark"  # noqa: S105 - nobody else has it


@attrs.frozen
class Flow:
    """
    A recorded flow, and the id in it by which a request is told from another.
    """

    recording: Recording
    named: UUID


def create(container: Container, method: str = APPROVED) -> tuple[Flow, PaymentView]:
    """
    Take a payment with an idempotency key, and return how; a request names its order.
    """
    order_id = new_payment_id(container.clock().now())
    key = UUID(bytes=hashlib.md5(order_id.bytes, usedforsecurity=False).digest())
    command = CreatePaymentCommand(
        order_id=order_id,
        customer_id="alice",
        amount=AMOUNT,
        provider="stripe",
        payment_method_id=method,
        # As long as the digest that the API makes of a caller's key.
        idempotency_key=order_id.hex * 2,
        actor=Actor(
            channel=Channel.API,
            issuer="https://issuer.example/realms/bench",
            subject=str(key),
            client="order-service",
            request_id=key.hex,
        ),
    )
    with recorded(container.engine(), Recording()) as recording:
        payment = container.create_payment().execute(command).payment
    return Flow(recording, order_id), payment


def webhook(container: Container) -> tuple[Flow, Flow]:
    """
    Take a payment that waits, then settle it by its webhook; return how both are done.

    A delivery names its payment.
    """
    created, payment = create(container, WAITS)
    payload = event(payment.id)
    command = ReceiveWebhookCommand(provider="stripe", payload=payload, headers=signed(payload))
    # The same ids mean the same in both.
    with recorded(container.engine(), Recording(ids=created.recording.ids)) as recording:
        container.receive_webhook().execute(command)
    return attrs.evolve(created, named=payment.id), Flow(recording, payment.id)


def event(payment_id: UUID) -> bytes:
    """
    Return the event that tells of a paid PaymentIntent.
    """
    document = {
        "id": f"evt_{payment_id.hex}",
        "object": "event",
        "api_version": "2026-01-01",
        "created": int(time.time()),
        "data": {"object": intent(payment_id, {"payment_id": str(payment_id)})},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "payment_intent.succeeded",
    }
    return json.dumps(document).encode()


def signed(payload: bytes) -> dict[str, str]:
    """
    Return the header by which a delivery is Stripe's.
    """
    now = int(time.time())
    text = b"%d.%s" % (now, payload)
    digest = hmac.new(WEBHOOK_SECRET.encode(), text, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={now},v1={digest}"}
