"""
What requests and answers look like, for checking, writing and the API's description.
"""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, fields, post_dump, post_load, validates_schema
from typing_extensions import override

from payments_core.contracts.converter import camel_case
from payments_core.domain.discrepancy import DiscrepancyKind, Repair
from payments_core.domain.errors import InvalidMoney
from payments_core.domain.money import Money
from payments_core.domain.reconciliation import RunStatus
from payments_core.domain.refund import RefundStatus
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.status import PaymentStatus
from payments_http.fields import (
    PROVIDER,
    Amount,
    CanonicalUUID,
    Currency,
    Digits,
    Flag,
    MoneyText,
    Note,
    Place,
    Provider,
    QueryFlag,
    ReturnUrl,
    Text,
    Time,
    default_provider,
    refuse,
)
from payments_http.parsing import Sentence

PAYMENT_METHOD: Final = r"[A-Za-z0-9_]{1,255}"


class CamelCase(Schema):
    """
    Names as in JSON outside, as in Python inside; unknown names are refused.
    """

    error_messages = {  # noqa: RUF012 - marshmallow declares it without ClassVar
        "unknown": Sentence("There is no such field.", "unknown_field"),
        "type": Sentence("It must be a JSON object.", "validation_failed"),
    }

    @override
    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = field_obj.data_key or camel_case(field_name)


# ---------------------------------------------------------------- requests


class CreatePayment(CamelCase):
    """
    What is to be paid, and how.
    """

    order_id = CanonicalUUID(required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    payment_method_id = Text(
        pattern=PAYMENT_METHOD,
        metadata={
            "description": "The provider's token: the payment is confirmed at once. Without it"
            " the customer's browser confirms, with the client secret.",
            "example": "pm_card_visa",
        },
    )
    capture_method = fields.Enum(
        CaptureMethod,
        by_value=fields.String,
        load_default=CaptureMethod.AUTOMATIC,
        metadata={"type": "string"},
    )
    return_url = ReturnUrl()
    customer_id = Text(metadata={"description": "The owner. For service and Admin tokens only."})
    provider = Provider()

    @validates_schema
    def _check_money(self, data: Mapping[str, Any], **_: Any) -> None:
        try:
            Money.parse(data["amount"], data["currency"]).require_positive()
        except InvalidMoney as error:
            raise _at("amount", error) from None


def _at(field: str, error: InvalidMoney) -> Exception:
    found = refuse(f"{error}.", error.code)
    found.field_name = field
    return found


class ConfirmPayment(CamelCase):
    """
    How to try, if not as when the payment was made.
    """

    payment_method_id = Text(pattern=PAYMENT_METHOD)
    return_url = ReturnUrl()


class CapturePayment(CamelCase):
    """
    How much to take; everything if left out.
    """

    amount = Amount()


class CancelPayment(CamelCase):
    """
    Why, for the record.
    """

    reason = Text(500)


class RefundPayment(CamelCase):
    """
    How much to give back, everything that is left if left out, and why.
    """

    amount = Amount()
    reason = Text(500)
    refund_request_id = Text(
        metadata={
            "description": "The requester's own id of the refund. It is one refund of this payment,"
            " whoever asks for it, and over whichever channel.",
        },
    )


class InternalCapture(CapturePayment):
    """
    Which payment to capture, and how much.
    """

    payment_id = CanonicalUUID(required=True)


class ListPayments(CamelCase):
    """
    Which payments to list.
    """

    status = fields.Enum(PaymentStatus, by_value=fields.String, metadata={"type": "string"})
    created_from = Time(data_key="from", metadata={"description": "Inclusive."})
    created_to = Time(data_key="to", metadata={"description": "Exclusive."})
    order_id = CanonicalUUID()
    customer_id = Text()
    provider = Text(32, PROVIDER)
    provider_payment_id = Text(
        metadata={"description": "The provider's own id; of the default one if none is named."}
    )
    limit = Digits(1, 100, load_default=20)
    cursor = Place()

    @post_load
    def _name_the_provider(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "provider_payment_id" in data:
            data.setdefault("provider", default_provider())
        return data

    @validates_schema
    def _check_window(self, data: Mapping[str, Any], **_: Any) -> None:
        since, until = data.get("created_from"), data.get("created_to")
        if since and until and since > until:
            raise refuse("from must not be after to.", "window_invalid")


class Reconcile(CamelCase):
    """
    Which time to compare with which provider.
    """

    window_start = Time(data_key="from", required=True, metadata={"description": "Inclusive."})
    window_end = Time(
        data_key="to",
        required=True,
        metadata={
            "description": "Exclusive; at most 31 days later. The last minutes are left out."
        },
    )
    provider = Provider()
    dry_run = Flag(
        load_default=False,
        metadata={"description": "Only look: nothing is repaired, no difference is kept."},
    )


class ReadRun(CamelCase):
    """
    Which differences of a run to show.
    """

    limit = Digits(1, 100, load_default=20)
    cursor = Place()


class ListDiscrepancies(CamelCase):
    """
    Which differences to list.
    """

    kind = fields.Enum(DiscrepancyKind, by_value=fields.String, metadata={"type": "string"})
    payment_id = CanonicalUUID()
    ended = QueryFlag(
        load_default=False, metadata={"description": "Also those that are repaired or closed."}
    )
    limit = Digits(1, 100, load_default=20)
    cursor = Place()


class CloseDiscrepancy(CamelCase):
    """
    What was done about a difference, for the record.
    """

    note = Note()


# ---------------------------------------------------------------- answers


class Failure(CamelCase):
    """
    Why something did not work.
    """

    code = fields.String(required=True, metadata={"example": "card_declined"})
    message = fields.String(required=True)


class NextAction(CamelCase):
    """
    What the customer must do: go to an address and come back.
    """

    type = fields.Constant("redirect", metadata={"type": "string"})
    redirect_url = fields.String(required=True, metadata={"format": "uri"})

    @override
    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return obj


class Payment(CamelCase):
    """
    A payment.
    """

    payment_id = fields.UUID(attribute="id", required=True)
    order_id = fields.UUID(required=True)
    customer_id = fields.String(required=True)
    status = fields.Enum(
        PaymentStatus, by_value=fields.String, required=True, metadata={"type": "string"}
    )
    amount = MoneyText(required=True)
    currency = Currency(attribute="amount.currency", required=True)
    authorized_amount = MoneyText(attribute="authorized", required=True)
    captured_amount = MoneyText(attribute="captured", required=True)
    refunded_amount = MoneyText(attribute="refunded", required=True)
    capture_method = fields.Enum(
        CaptureMethod, by_value=fields.String, required=True, metadata={"type": "string"}
    )
    provider = fields.String(required=True)
    provider_payment_id = fields.String(required=True, allow_none=True)
    client_secret = fields.String(
        metadata={"description": "For the owner alone, and only while it is needed."}
    )
    next_action = fields.Nested(NextAction, attribute="redirect_url")
    failure = fields.Nested(Failure)
    unresolved_operations = fields.Integer(
        required=True, metadata={"description": "Above zero while an outcome is unknown."}
    )
    created_at = Time(required=True)
    updated_at = Time(required=True)

    @post_dump
    def _without_absent(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        optional = {"clientSecret", "nextAction", "failure"}
        return {k: v for k, v in data.items() if v is not None or k not in optional}


class PaymentList(CamelCase):
    """
    A page of payments, newest first.
    """

    items = fields.List(fields.Nested(Payment), required=True)
    next_cursor = Place(
        attribute="next",
        required=True,
        allow_none=True,
        metadata={"description": "Where the next page begins; null on the last one."},
    )


class Refund(CamelCase):
    """
    A refund.
    """

    refund_id = fields.UUID(attribute="id", required=True)
    payment_id = fields.UUID(required=True)
    amount = MoneyText(required=True)
    currency = Currency(attribute="amount.currency", required=True)
    status = fields.Enum(
        RefundStatus, by_value=fields.String, required=True, metadata={"type": "string"}
    )
    reason = fields.String(required=True, allow_none=True)
    provider_refund_id = fields.String(required=True, allow_none=True)
    failure = fields.Nested(Failure)
    created_at = Time(required=True)
    completed_at = Time(required=True, allow_none=True)

    @post_dump
    def _without_absent(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {k: v for k, v in data.items() if v is not None or k != "failure"}


class TimelineEntry(CamelCase):
    """
    Something that happened to a payment.
    """

    at = Time(required=True)
    kind = fields.String(required=True, metadata={"example": "operation"})
    name = fields.String(required=True, metadata={"example": "create"})
    state = fields.String(required=True, metadata={"example": "succeeded"})
    id = fields.String(required=True)
    details = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Timeline(CamelCase):
    """
    Everything that happened to a payment, oldest first.
    """

    items = fields.List(fields.Nested(TimelineEntry), required=True)


class Counts(CamelCase):
    """
    How much was compared, and how much differed.
    """

    checked = fields.Integer(required=True)
    found = fields.Integer(required=True, metadata={"description": "Differences there were."})
    new = fields.Integer(
        attribute="fresh",
        required=True,
        metadata={"description": "Of these, that no earlier run had found."},
    )
    repaired = fields.Integer(required=True)
    kinds = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class Run(CamelCase):
    """
    A comparison with the provider.
    """

    run_id = fields.UUID(attribute="id", required=True)
    provider = fields.String(required=True)
    window_start = Time(data_key="from", required=True)
    window_end = Time(
        data_key="to",
        required=True,
        metadata={"description": "What is younger than some minutes is left out."},
    )
    dry_run = fields.Boolean(required=True)
    status = fields.Enum(
        RunStatus,
        by_value=fields.String,
        required=True,
        metadata={
            "type": "string",
            "description": "`partial`: something could not be read, so nothing is said to be"
            " absent there; the next run makes it good. `failed`: a mistake of ours ended it.",
        },
    )
    error = fields.String(required=True, allow_none=True)
    requested_by = fields.String(required=True)
    requested_at = Time(required=True)
    started_at = Time(required=True, allow_none=True)
    finished_at = Time(required=True, allow_none=True)
    counts = fields.Nested(Counts, required=True)

    @override
    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return obj if attr == "counts" else super().get_attribute(obj, attr, default)


class Discrepancy(CamelCase):
    """
    Where the provider and this service did not say the same.
    """

    id = fields.UUID(required=True)
    kind = fields.Enum(
        DiscrepancyKind, by_value=fields.String, required=True, metadata={"type": "string"}
    )
    payment_id = fields.UUID(required=True, allow_none=True)
    provider_object_id = fields.String(required=True)
    local_value = fields.String(required=True)
    provider_value = fields.String(required=True)
    found_at = Time(required=True)
    repair = fields.Enum(
        Repair,
        by_value=fields.String,
        required=True,
        allow_none=True,
        metadata={
            "type": ["string", "null"],
            "description": "How it ended: what the provider says was taken over (`settled`), an"
            " operation that ends it was sent (`begun`), a lost event was fetched (`stored`);"
            " null if it did not end by itself.",
        },
    )
    repaired_at = Time(required=True, allow_none=True)
    closed_at = Time(
        required=True,
        allow_none=True,
        metadata={"description": "When somebody who looked at it said that it is done with."},
    )
    closed_by = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


class DiscrepancyList(CamelCase):
    """
    A page of differences, the last found first.
    """

    items = fields.List(fields.Nested(Discrepancy), required=True)
    next_cursor = Place(
        attribute="next",
        required=True,
        allow_none=True,
        metadata={"description": "Where the next page begins; null on the last one."},
    )


class RunAndFound(Run):
    """
    A comparison with the provider, and a page of what it was the first to find, oldest first.
    """

    discrepancies = fields.List(fields.Nested(Discrepancy), required=True)
    next_cursor = Place(
        attribute="next",
        required=True,
        allow_none=True,
        metadata={"description": "Where the next page begins; null on the last one."},
    )


class ReceivedWebhook(CamelCase):
    """
    What became of a delivery.
    """

    event_id = fields.String(required=True)
    status = fields.String(required=True, metadata={"example": "processed"})
    duplicate = fields.Boolean(required=True)


class Health(CamelCase):
    """
    How the service is, and what it stands on.
    """

    status = fields.String(required=True, metadata={"example": "ok"})
    checks = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class FieldError(CamelCase):
    """
    What is wrong with one field.
    """

    field = fields.String(required=True, metadata={"example": "amount"})
    code = fields.String(required=True, metadata={"example": "amount_format"})
    message = fields.String(required=True)


class Problem(CamelCase):
    """
    A refusal (RFC 9457).
    """

    type = fields.String(required=True, metadata={"format": "uri"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"example": "not_found"})
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldError))
