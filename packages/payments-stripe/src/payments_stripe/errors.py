"""
Stripe's errors in the core's words, in one table.

Source: https://docs.stripe.com/api/errors, https://docs.stripe.com/error-codes
"""

from collections.abc import Container, Mapping
from typing import Any, Final

import attrs
import stripe

from payments_core.domain.errors import PaymentsError
from payments_core.domain.facts import ProviderPayment
from payments_core.domain.failure import Failure
from payments_core.ports.errors import (
    ProviderConflict,
    ProviderDeclined,
    ProviderError,
    ProviderFailed,
    ProviderKeyMismatch,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from payments_stripe.retry import retry_after
from payments_stripe.translators import failure_of, payment_of

TRY_AGAIN: Final = frozenset({"idempotency_key_in_use", "lock_timeout", "rate_limit"})
"""
Something else is busy; nothing is said about the request.
"""

ATTEMPT_FAILED: Final = frozenset(
    {
        "authentication_required",
        "card_declined",
        "payment_intent_authentication_failure",
        "payment_intent_payment_attempt_expired",
        "payment_intent_payment_attempt_failed",
        "payment_method_customer_decline",
        "payment_method_provider_decline",
        "payment_method_provider_timeout",
    }
)
"""
An attempt was made and failed, also where the status is not 402.
"""

STATE_FORBIDS: Final = frozenset(
    {
        "charge_already_captured",
        "charge_already_refunded",
        "charge_disputed",
        "charge_expired_for_capture",
        "intent_invalid_state",
        "payment_intent_unexpected_state",
        "refund_disputed_payment",
    }
)
"""
The object has moved on: whoever asked must read it.
"""


@attrs.frozen(kw_only=True)
class Row:
    """
    Which answers are which error; what is None does not matter.

    Attributes:
        types: Of ``error.type``; "" where the body is not Stripe's.

        codes: Of ``error.code``.
    """

    error: type[ProviderError]
    statuses: Container[int] | None = None
    types: Container[str] | None = None
    codes: Container[str] | None = None

    def fits(self, status: int, type_: str, code: str) -> bool:
        """
        Return whether an answer is of this row.
        """
        asked = ((self.statuses, status), (self.types, type_), (self.codes, code))
        return all(wanted is None or value in wanted for wanted, value in asked)


TABLE: Final = (
    # Stripe keeps a 500 under the key. https://docs.stripe.com/api/idempotent_requests
    Row(statuses=frozenset({500}), types=frozenset({"api_error"}), error=ProviderFailed),
    Row(types=frozenset({"", "api_error"}), error=ProviderUnavailable),
    Row(codes=TRY_AGAIN, error=ProviderUnavailable),
    Row(statuses=frozenset({408, 409, 424, 425, 429}), error=ProviderUnavailable),
    Row(statuses=frozenset({401, 403}), error=ProviderMisconfigured),
    Row(
        statuses=frozenset({400}), types=frozenset({"idempotency_error"}), error=ProviderKeyMismatch
    ),
    Row(statuses=frozenset({402}), error=ProviderDeclined),
    Row(statuses=range(400, 500), codes=ATTEMPT_FAILED, error=ProviderDeclined),
    Row(statuses=range(400, 500), codes=STATE_FORBIDS, error=ProviderConflict),
    Row(statuses=range(400, 500), error=ProviderRejected),
    Row(error=ProviderUnavailable),
)
"""
The first row that fits an answer says which error it is; the last one always fits.
"""


def is_replay(headers: Mapping[str, str]) -> bool:
    """
    Return whether Stripe gave an answer before, under the same key.
    """
    return headers.get("Idempotent-Replayed") == "true"


def kind_of(status: int, type_: str | None, code: str | None) -> type[ProviderError]:
    """
    Return which error an answer of Stripe is.
    """
    return next(row.error for row in TABLE if row.fits(status, type_ or "", code or ""))


def core_error(error: stripe.StripeError) -> ProviderError:
    """
    Return the core's error for one of the SDK's.

    What support at Stripe would ask for is added as a note, which logs show.
    """
    status, said = error.http_status or 0, _said(error)
    type_, code = _word(said, "type"), _word(said, "code")
    translated = _made(kind_of(status, type_, code), status, said, error.headers or {})
    translated.add_note(f"Stripe request {error.request_id}: HTTP {status}, {type_}, {code}")
    return translated


def unreadable(error: Exception) -> ProviderUnavailable:
    """
    Return the error for an answer that is not what Stripe documents.
    """
    code, name = "unreadable_answer", type(error).__name__
    return ProviderUnavailable(Failure(code, f"Stripe's answer could not be read ({name})."))


def _said(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    said = body.get("error") if isinstance(body, Mapping) else None
    return said if isinstance(said, Mapping) else {}


def _word(said: Mapping[str, Any], name: str) -> str | None:
    word = said.get(name)
    return word if isinstance(word, str) else None


def _made(
    kind: type[ProviderError], status: int, said: Mapping[str, Any], headers: Mapping[str, str]
) -> ProviderError:
    code = _word(said, "code") or f"http_{status}"
    if issubclass(kind, ProviderUnavailable):
        # An error that is given again is kept, whatever its status.
        kind = ProviderFailed if is_replay(headers) else kind
        return kind(Failure(code, "Stripe gave no usable answer."), retry_after(headers))
    if kind is ProviderMisconfigured:
        text = "Stripe refuses our API key; check the key and what it is allowed to do."
        return ProviderMisconfigured(Failure(code, text))
    failure = failure_of(said) or Failure(code, "Stripe gave no reason.")
    if kind is ProviderDeclined:
        return ProviderDeclined(failure, _payment(said))
    return kind(failure)


def _payment(said: Mapping[str, Any]) -> ProviderPayment | None:
    try:
        return payment_of(said["payment_intent"])
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, PaymentsError):
        # The decline stands, also where the object beside it cannot be read.
        return None
