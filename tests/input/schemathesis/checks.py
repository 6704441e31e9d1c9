"""
What schemathesis checks besides its own: why a request of the right form is refused.
"""

from http import HTTPStatus
from typing import Any

import schemathesis

RULES = frozenset(
    {
        "already_refunded",
        "amount_format",  # of numbers: a schema has no word for how they are written
        "amount_not_supported",
        "amount_precision",
        "amount_too_large",
        "capture_exceeds_authorized",
        "card_data_not_allowed",
        "currency_invalid",
        "cursor_invalid",
        "idempotency_key_reused",
        "operation_refused",
        "order_amount_mismatch",
        "provider_unknown",
        "refund_exceeds_captured",
        "return_url_not_allowed",
        "webhook_signature_missing",
        "window_invalid",
    }
)
"""
Codes of rules that no schema can tell.
"""

REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@schemathesis.check
def refused_for_a_rule(
    _context: schemathesis.CheckContext,
    response: schemathesis.Response,
    case: schemathesis.Case[Any],
) -> None:
    """
    A request of the right form is refused for a rule alone, never for its form.
    """
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if positive and response.status_code in REFUSED:
        said = response.json()
        codes = {error["code"] for error in said.get("errors", [said])}
        assert codes <= RULES, f"The description allows what is refused as {codes - RULES}"


@schemathesis.check
def a_problem(
    _context: schemathesis.CheckContext,
    response: schemathesis.Response,
    _case: schemathesis.Case[Any],
) -> None:
    """
    Whatever is refused is a problem with a code, and shows nothing of the inside.
    """
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        said = response.json()
        assert response.headers["content-type"] == ["application/problem+json"], response.headers
        assert said["code"], said
        assert said["requestId"] == response.headers["x-request-id"][0]
        assert not any(word in response.text for word in ("Traceback", "sqlalchemy", "werkzeug"))
