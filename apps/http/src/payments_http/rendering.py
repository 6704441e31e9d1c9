"""
How what a use case returns becomes a status, headers and a body.
"""

import hashlib
from http import HTTPStatus
from typing import Any, Final

import attrs
from flask import request

from payments_bootstrap.permissions import Permission
from payments_core.application.results import (
    ChangedPayment,
    CreatedPayment,
    IssuedRefund,
    Result,
)
from payments_core.domain.money import Money
from payments_core.domain.status import AWAITING_CONFIRMATION
from payments_core.ports.queries import PaymentView
from payments_http.access import caller
from payments_http.routing import request_key

Answer = tuple[Any, int, dict[str, str]]
"""
What a view returns: the value to write, the status, the headers.
"""

REPLAYED: Final = "Idempotency-Replayed"

_ASK_AGAIN: Final = {"Retry-After": "2"}


def shown(payment: PaymentView) -> PaymentView:
    """
    Return what this caller may see of a payment that they may see.

    The client secret is the owner's alone, while the payment waits for it; where to approve is for whoever may confirm.
    """
    # Most have neither, and need no copy.
    if payment.client_secret is None and payment.redirect_url is None:
        return payment
    owner = caller().owns(payment)
    needed = owner and payment.status in AWAITING_CONFIRMATION
    confirms = owner or Permission.CONFIRM_ANY in caller().permissions
    return attrs.evolve(
        payment,
        client_secret=payment.client_secret if needed else None,
        redirect_url=payment.redirect_url if confirms else None,
    )


def changed(done: ChangedPayment) -> Answer:
    """
    Return the answer to a change: done, or not known yet.
    """
    return _answer(shown(done.payment), done, HTTPStatus.OK)


def _answer(value: Any, done: Result, status: HTTPStatus) -> Answer:
    replayed = {REPLAYED: "true"} if done.replayed else {}
    if not done.known:
        return value, HTTPStatus.ACCEPTED, _ASK_AGAIN | replayed
    return value, status, replayed


def created(done: CreatedPayment) -> Answer:
    """
    Return the answer to a creation.
    """
    place = {"Location": f"/api/payments/{done.payment.id}"} if done.created else {}
    good = HTTPStatus.CREATED if done.created else HTTPStatus.OK
    body, status, headers = _answer(shown(done.payment), done, good)
    return body, status, headers | place


def refunded(done: IssuedRefund) -> Answer:
    """
    Return the answer to a refund; one that the provider has taken in is created.
    """
    return _answer(done.refund, done, HTTPStatus.CREATED)


def accepted(done: ChangedPayment) -> Answer:
    """
    Return the answer to what another service asked for: it is noted, whatever comes of it.
    """
    body, _, headers = changed(done)
    return body, HTTPStatus.ACCEPTED, headers


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
