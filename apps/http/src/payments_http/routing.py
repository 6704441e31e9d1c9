"""
One decorator for a route: where it is, who may use it, what goes in and what comes out.
"""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import flask_smorest  # type: ignore[import-untyped]  # ships no types
from flask import request
from marshmallow import Schema
from typing_extensions import override
from werkzeug.routing import UUIDConverter, ValidationError

from payments_bootstrap.permissions import Permission
from payments_http import schemas
from payments_http.access import Access, View, guarded
from payments_http.fields import UUID_PATTERN
from payments_http.parsing import StrictParser
from payments_http.problems import CONTENT_TYPE, Problem
from payments_http.strict_json import refuse_card_data

KEY_HEADER: Final = "Idempotency-Key"

_KEY_PARAMETER: Final = {
    "name": KEY_HEADER,
    "in": "header",
    "description": "The same key and request again give the same answer, without a second effect.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}

_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
}

_REPLAYED: Final = {
    "Idempotency-Replayed": {
        "description": "`true` if the request was made before under its key, and nothing was done.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}

UNKNOWN_OUTCOME: Final = (
    "What the provider did is not known yet; its webhook completes the payment. Ask again."
)


class CanonicalUUIDConverter(UUIDConverter):
    """
    A UUID in a path; what is none, or the one of zeros, is found nowhere.
    """

    regex = UUID_PATTERN

    @override
    def to_python(self, value: str) -> UUID:
        found = UUID(value)
        if not found.int:
            raise ValidationError
        return found


class Group(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest ships no types
    """
    Routes that belong together in the API's description.
    """

    ARGUMENTS_PARSER = StrictParser()


def endpoint(
    group: Group,
    method: str,
    rule: str,
    *,
    access: Access,
    answers: Mapping[int, str],
    schema: type[Schema] | None = None,
    body: type[Schema] | None = None,
    query: type[Schema] | None = None,
    problems: Collection[int] = (),
    example: Mapping[str, str] | None = None,
    key: bool | None = None,
) -> Callable[[View], View]:
    """
    Make a view the answer to a method and rule, and describe it.

    Args:
        answers: What each good status means; the first is what a view gives without saying so.

        schema: Writes what the view returns.

        body: Reads the body, query: the query string; the result is the view's first argument.

        problems: Other statuses that may come, besides those that follow from the rest.

        example: A body that works on a developer's machine.

        key: Whether an Idempotency-Key is required, or merely taken; None for neither.
    """

    def decorate(view: View) -> View:
        refusals = {
            status: _problem(status) for status in {*problems, *_usual(access, body, query)}
        }
        good = {
            s: _good(s, meaning, schema, keyed=key is not None) for s, meaning in answers.items()
        }
        described = _describe(group, view, access=access, key=key, responses=refusals | good)
        described = group.response(next(iter(answers)), schema)(described)
        # Schemas are made here, once: from a class, a new one would be made for each request.
        if body:
            reads = body()
            required = any(f.required for f in reads.fields.values())
            described = group.arguments(reads, required=required, example=example)(described)
        if query:
            described = group.arguments(query(), location="query")(described)
        described = guarded(access)(described)
        group.route(rule, methods=[method])(described)
        return described

    return decorate


def _describe(
    group: Group,
    view: View,
    *,
    access: Access,
    key: bool | None,
    responses: Mapping[int, Mapping[str, Any]],
) -> View:
    facts: dict[str, Any] = {"operationId": view.__name__}
    # At once: each decorator of its own would be gone through with each request.
    facts["responses"] = {status: responses[status] for status in sorted(responses)}
    facts["security"] = [{"bearer": []}] if isinstance(access, Permission) else []
    if key is not None:
        facts["parameters"] = [_KEY_PARAMETER | {"required": key}]
    described: View = group.doc(**facts)(view)
    return described


def _good(
    status: int, meaning: str, schema: type[Schema] | None, *, keyed: bool
) -> Mapping[str, Any]:
    headers = _RETRY_AFTER if status == HTTPStatus.ACCEPTED else {}
    headers = headers | (_REPLAYED if keyed else {})
    content = {"application/json": {"schema": schema}} if schema else {}
    described = {"description": meaning, "headers": headers, "content": content}
    return {name: value for name, value in described.items() if value}


def _problem(status: int) -> Mapping[str, Any]:
    content = {CONTENT_TYPE: {"schema": schemas.Problem}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _usual(
    access: Access, body: type[Schema] | None, query: type[Schema] | None
) -> Collection[int]:
    found = {401, 403, 429, 503} if isinstance(access, Permission) else set()
    return found | ({400, 413, 415, 422} if body else set()) | ({400, 422} if query else set())


def request_key(*, required: bool) -> str | None:
    """
    Return the caller's Idempotency-Key.

    Raises:
        Problem: It is missing although it is required, or no key.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None and required:
        detail = f"Send the header {KEY_HEADER}: the same key again gives the same answer."
        raise Problem(HTTPStatus.BAD_REQUEST, "idempotency_key_missing", detail)
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):  # noqa: PLR2004 - the API's limit
        detail = f"{KEY_HEADER} must be 1 to 255 printable ASCII characters."
        raise Problem(HTTPStatus.BAD_REQUEST, "idempotency_key_invalid", detail)
    refuse_card_data([key or ""])
    return key
