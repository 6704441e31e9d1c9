"""
Stripe's errors: one exception, and a constructor for each kind that the API answers with.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DOCUMENTATION = "https://stripe.com/docs/error-codes/"


class ApiError(Exception):
    """
    An answer that is not 200, with Stripe's body.

    Args:
        executed: Whether the endpoint had begun: only then is the answer kept under the
            idempotency key.

        keeps: Whether what was done so far stays done, as the failed charge of a decline does.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002 - Stripe's name
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
        keeps: bool = False,
        details: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self.keeps = keeps
        self.headers = headers or {}
        self._fields = {"code": code, "message": message, "param": param, "type": type}
        self._details = details or {}

    def add_detail(self, name: str, value: Any) -> None:
        """
        Puts one more field into the body.
        """
        self._details[name] = value

    def body(self) -> Json:
        """
        The JSON body, without the fields that say nothing.
        """
        error = {name: value for name, value in self._fields.items() if value is not None}
        if "code" in error:
            error["doc_url"] = DOCUMENTATION + str(error["code"]).replace("_", "-")
        return {"error": dict(sorted({**error, **self._details}.items()))}


def invalid_parameter(message: str, param: str | None, code: str | None = None) -> ApiError:
    """
    A request that is refused before anything runs.
    """
    return ApiError(message, code=code, param=param, executed=False)


def resource_missing(kind: str, identifier: str, param: str = "id", status: int = 404) -> ApiError:
    """
    An id that names nothing.
    """
    return ApiError(
        f"No such {kind}: '{identifier}'", status=status, code="resource_missing", param=param
    )


def unexpected_state(message: str, intent: Json) -> ApiError:
    """
    A step that the PaymentIntent's status does not allow.
    """
    return ApiError(
        message, code="payment_intent_unexpected_state", details={"payment_intent": intent}
    )


def card_error(failure: Json, intent: Json) -> ApiError:
    """
    A decline; what the attempt left behind stays.

    Args:
        failure: The PaymentIntent's `last_payment_error`.

        intent: The PaymentIntent after the attempt.
    """
    skipped = ("message", "type", "code", "param", "doc_url")
    details = {name: value for name, value in failure.items() if name not in skipped}
    return ApiError(
        str(failure["message"]),
        status=402,
        type=str(failure["type"]),
        code=failure.get("code"),
        param=failure.get("param"),
        keeps=True,
        details={**details, "payment_intent": intent},
    )
