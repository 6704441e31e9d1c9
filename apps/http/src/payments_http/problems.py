"""
Every refusal as ``application/problem+json`` (RFC 9457), from one table.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, TypeVar

import attrs
from flask import Flask, Response, g, json
from werkzeug.exceptions import HTTPException

from payments_core.domain.errors import (
    CaptureExceedsAuthorized,
    Conflict,
    DomainError,
    InvalidMoney,
    InvalidState,
    InvalidTransition,
    NotFound,
    OperationRefused,
    PaymentsError,
    RefundExceedsCaptured,
    RequestKeyReused,
    StorageUnavailable,
    UnknownProvider,
)
from payments_core.ports.errors import ProviderError, WebhookInvalid

T = TypeVar("T")

_log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[type[PaymentsError], HTTPStatus]] = {
    InvalidMoney: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefundExceedsCaptured: HTTPStatus.UNPROCESSABLE_ENTITY,
    CaptureExceedsAuthorized: HTTPStatus.UNPROCESSABLE_ENTITY,
    OperationRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidState: HTTPStatus.CONFLICT,
    InvalidTransition: HTTPStatus.CONFLICT,
    DomainError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownProvider: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    RequestKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Conflict: HTTPStatus.CONFLICT,
    StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    WebhookInvalid: HTTPStatus.BAD_REQUEST,
    ProviderError: HTTPStatus.BAD_GATEWAY,
    PaymentsError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""
The status of each error; the nearest ancestor in the table counts.
"""

_SILENT: Final[Mapping[type[PaymentsError], str]] = {
    UnknownProvider: "No provider of this name is configured here.",
    NotFound: "There is no such thing, or you may not see it.",
    WebhookInvalid: "The delivery was refused.",
    StorageUnavailable: "The service cannot reach its database; try again soon.",
    ProviderError: "The payment provider did not answer as expected; try again soon.",
}
"""
What is said instead of an error's own text, which would tell too much.
"""

_UNEXPECTED: Final = "Something went wrong here; the request id finds it in the log."
"""
What is said of every mistake of our own, which is for the log alone.
"""

_CODES: Final = {
    400: "request_invalid",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}

_DETAILS: Final = {
    405: "This path does not take this method; the header Allow says which it takes."
}


@attrs.frozen
class FieldError:
    """
    What is wrong with one field of a request; the value is not repeated.
    """

    field: str
    code: str
    message: str


_ABBREVIATIONS: Final = {"json", "uri", "url"}


@attrs.frozen
class Problem(Exception):
    """
    A refusal, by this layer or by what it calls.

    Attributes:
        code: A stable word for programs.

        errors: Where single fields are at fault.
    """

    status: int
    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def response(self) -> Response:
        """
        Return it as the answer to the current request.
        """
        body = self.document(g.get("request_id", ""))
        return Response(json.dumps(body), self.status, self.headers, content_type=CONTENT_TYPE)

    def document(self, request_id: str) -> dict[str, object]:
        """
        Return it as RFC 9457 writes it, for the request of this id.
        """
        body: dict[str, object] = {
            "type": f"urn:payments:problem:{self.code}",
            "title": _title(self.code),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "requestId": request_id,
        }
        if self.errors:
            body["errors"] = [attrs.asdict(e) for e in self.errors]
        return body


def _title(code: str) -> str:
    words = [w.upper() if w in _ABBREVIATIONS else w for w in code.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def problem_of(error: PaymentsError) -> Problem:
    """
    Return the refusal that an error of the core becomes.
    """
    status = _nearest(STATUS, error, HTTPStatus.INTERNAL_SERVER_ERROR)
    bug = status == HTTPStatus.INTERNAL_SERVER_ERROR
    detail = _UNEXPECTED if bug else _nearest(_SILENT, error, str(error))
    headers = {"Retry-After": "1"} if error.retryable else {}
    code = error.code
    if status == HTTPStatus.NOT_FOUND:
        code = NotFound.code
    return Problem(status, code, detail, headers=headers)


def _nearest(table: Mapping[type[PaymentsError], T], error: PaymentsError, default: T) -> T:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), default)


def register(app: Flask) -> None:
    """
    Answer every error of the app with a problem.
    """
    app.register_error_handler(Problem, Problem.response)
    app.register_error_handler(PaymentsError, _from_core)
    app.register_error_handler(HTTPException, _from_werkzeug)
    app.register_error_handler(Exception, _unexpected)


def _from_core(error: PaymentsError) -> Response:
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        bug = problem.status == HTTPStatus.INTERNAL_SERVER_ERROR
        _log.error("%s: %s", error.code, error, exc_info=error if bug else None)
    return problem.response()


def _from_werkzeug(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        return problem_of(NotFound()).response()
    allow = {k: v for k, v in error.get_headers() if k.lower() in {"allow", "retry-after"}}
    code = _CODES.get(status, "request_refused")
    detail = _DETAILS.get(status, HTTPStatus(status).phrase)
    return Problem(status, code, detail, headers=allow).response()


def _unexpected(error: Exception) -> Response:
    _log.error("Unexpected error", exc_info=error)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", _UNEXPECTED).response()
