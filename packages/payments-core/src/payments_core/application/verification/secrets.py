"""
Whether anything is kept that may not be written down.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from payments_core.application.verification.terms import Check, Terms
from payments_core.contracts.requests import request_to_json
from payments_core.masking import mask_tree
from payments_core.ports.records import PaymentRecord


def _no_secrets(record: PaymentRecord, _: Terms) -> Iterator[str]:
    for where, text in _texts(record):
        if holds_secret(text):
            yield f"{where} holds a secret or a card number"


def holds_secret(text: str) -> bool:
    """
    Return whether masking would change a text; documents are read by the names of their fields.
    """
    try:
        document = json.loads(text)
    except ValueError:
        document = text
    return bool(mask_tree(document) != document)


def _texts(record: PaymentRecord) -> Iterator[tuple[str, str]]:
    payment = record.payment
    for failure in (payment.failure, *(o.failure for o in payment.operations)):
        if failure:
            yield "a failure", failure.message
    for refund in payment.refunds:
        yield "a refund's reason", refund.reason or ""
    for found in record.discrepancies:
        yield "the note of a discrepancy", found.note or ""
    for operation in payment.operations:
        yield "a request", request_to_json(operation.request)
    for message in record.messages:
        yield f"message {message.sequence}", message.body


CHECKS: Final[Mapping[str, Check]] = {"I22": _no_secrets}
