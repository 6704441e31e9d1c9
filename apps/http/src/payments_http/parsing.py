"""
From a request to checked values, or to a problem that names each field at fault.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, NoReturn, Self

from flask import Request, request
from marshmallow import RAISE, Schema, ValidationError
from typing_extensions import override
from webargs.flaskparser import FlaskParser

from payments_http.body import read_json
from payments_http.problems import FieldError, Problem
from payments_http.strict_json import refuse_card_data

MAX_PARAMETERS: Final = 32


class Sentence(str):
    """
    What is wrong with a field, with the code that programs read.
    """

    __slots__ = ("code",)

    def __new__(cls, text: str, code: str = "validation_failed") -> Self:
        """
        Return the sentence with its code.
        """
        made = super().__new__(cls, text)
        made.code = code
        return made

    code: str


class StrictParser(FlaskParser):
    """
    Webargs with this service's own reading of bodies and its own errors.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": RAISE}  # noqa: RUF012 - declared so there

    @override
    def get_default_request(self) -> Request:
        """
        Return the request itself: what stands for it looks it up at each question.
        """
        found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it
        return found

    @override
    def load_json(self, req: Request, schema: Schema) -> Any:
        value = read_json(req)
        if value is None and any(field.required for field in schema.fields.values()):
            raise Problem(HTTPStatus.BAD_REQUEST, "body_missing", "A JSON body is required.")
        return {} if value is None else value

    @override
    def load_querystring(self, req: Request, schema: Schema) -> Any:
        pairs = list(req.args.items(multi=True))
        if len(pairs) != len(req.args) or len(pairs) > MAX_PARAMETERS:
            detail = "Each query parameter may be given once."
            raise Problem(HTTPStatus.BAD_REQUEST, "query_invalid", detail)
        refuse_card_data(text for pair in pairs for text in pair)
        return dict(pairs)

    @override
    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        ((location, messages),) = error.normalized_messages().items()  # type: ignore[no-untyped-call]  # webargs gives no type
        errors = tuple(_flat(messages, ""))
        codes = {e.code for e in errors}
        if location == "query" and "unknown_field" in codes:
            raise Problem(HTTPStatus.BAD_REQUEST, "unknown_parameter", _DETAIL, errors)
        code = codes.pop() if len(codes) == 1 else "validation_failed"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, _DETAIL, errors)


_DETAIL: Final = "The request is not valid; the errors say what to change."


def _flat(messages: Any, field: str) -> Iterator[FieldError]:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            own = "" if name == "_schema" else _shown(str(name))
            yield from _flat(inner, f"{field}.{own}".strip("."))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        yield FieldError(field, getattr(message, "code", "validation_failed"), str(message))


def _shown(name: str) -> str:
    plain = name.isascii() and name.isprintable()
    return name if plain and len(name) <= 64 else "(unprintable)"  # noqa: PLR2004 - no field of ours is as long
