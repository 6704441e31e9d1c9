"""
What a change came to, and how that is kept for whoever repeats the request.
"""

import json
from typing import Final, TypeVar

import attrs
from typing_extensions import override

from payments_core.contracts.converter import stored_results
from payments_core.domain.refund import RefundStatus
from payments_core.ports.queries import PaymentView, RefundView

_ASCII: Final = json.JSONEncoder(separators=(",", ":"))


@attrs.frozen(kw_only=True)
class Result:
    """
    The payment after a change.

    Attributes:
        replayed: The request was made before, and nothing was done for this repetition.
    """

    payment: PaymentView
    replayed: bool = False

    @property
    def known(self) -> bool:
        """
        Whether the outcome is known: from then on every repetition has this same result.
        """
        return not self.payment.unresolved_operations


@attrs.frozen(kw_only=True)
class ChangedPayment(Result):
    """
    The payment after it was confirmed, captured or cancelled.
    """


@attrs.frozen(kw_only=True)
class CreatedPayment(Result):
    """
    The payment, and whether this request made it.
    """

    created: bool


@attrs.frozen(kw_only=True)
class IssuedRefund(Result):
    """
    The refund, its payment, and whether this request made it.
    """

    refund: RefundView
    created: bool

    @property
    @override
    def known(self) -> bool:
        refund = self.refund
        return refund.status is not RefundStatus.PENDING or refund.provider_refund_id is not None


R = TypeVar("R", bound=Result)


def result_to_json(result: Result) -> str:
    """
    Return the form in which a result is kept: ASCII, so that every store keeps it as it is.

    No secret is in it.
    """
    kept = stored_results().unstructure(result) | {"replayed": False}
    kept["payment"] |= {"client_secret": None, "redirect_url": None}
    return _ASCII.encode(kept)


def result_from_json(kind: type[R], text: str) -> R:
    """
    Return the result that was kept; the reverse of `result_to_json`, secrets apart.
    """
    return stored_results().structure(json.loads(text), kind)
