"""
How what a use case returns becomes a status, headers and a body.
"""

import hashlib
from http import HTTPStatus
from typing import Any, Final

import attrs
from flask import request

from payments_bootstrap.permissions import Permission
from payments_core.application.create_payment import CreatedPayment
from payments_core.application.refund_payment import IssuedRefund
from payments_core.domain.money import Money
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import AWAITING_CONFIRMATION
from payments_core.ports.queries import PaymentView
from payments_http.access import caller
from payments_http.routing import request_key

Answer = tuple[Any, int, dict[str, str]]
"""
What a view returns: the value to write, the status, the headers.
"""

_ASK_AGAIN: Final = {"Retry-After": "2"}


def shown(payment: PaymentView) -> PaymentView:
    """
    Return what this caller may see of a payment that they may see.

    The client secret is the owner's alone, while the payment waits for it; where to approve is for whoever may confirm.
    """
    owner = caller().owns(payment)
    needed = owner and payment.status in AWAITING_CONFIRMATION
    confirms = owner or Permission.CONFIRM_ANY in caller().permissions
    return attrs.evolve(
        payment,
        client_secret=payment.client_secret if needed else None,
        redirect_url=payment.redirect_url if confirms else None,
    )


def changed(payment: PaymentView) -> Answer:
    """
    Return the answer to a change: done, or not known yet.
    """
    if payment.unresolved_operations:
        return shown(payment), HTTPStatus.ACCEPTED, _ASK_AGAIN
    return shown(payment), HTTPStatus.OK, {}


def created(done: CreatedPayment) -> Answer:
    """
    Return the answer to a creation.
    """
    place = {"Location": f"/api/payments/{done.payment.id}"}
    body, status, headers = changed(done.payment)
    if status == HTTPStatus.OK and done.created:
        status = HTTPStatus.CREATED
    return body, status, headers | (place if done.created else {})


def refunded(done: IssuedRefund) -> Answer:
    """
    Return the answer to a refund; one that the provider has taken in is created.
    """
    replayed = {} if done.created else {"Idempotency-Replayed": "true"}
    refund = done.refund
    if refund.status is RefundStatus.PENDING and refund.provider_refund_id is None:
        return refund, HTTPStatus.ACCEPTED, _ASK_AGAIN | replayed
    return refund, HTTPStatus.CREATED, replayed


def money(text: str | None, currency: str) -> Money | None:
    """
    Return the amount of a request in the payment's currency; None stays None.
    """
    return None if text is None else Money.parse(text, currency).require_positive()


def scoped_key(*, required: bool) -> str | None:
    """
    Return the caller's idempotency key, made unique to the caller and the route.
    """
    key = request_key(required=required)
    if key is None:
        return None
    who = caller()
    rule = request.url_rule.rule if request.url_rule else ""
    parts = (who.issuer, who.client, who.subject, request.method, rule, key)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
