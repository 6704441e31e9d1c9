"""
Taking the raw body off the wire, never more of it than allowed.
"""

import re
from http import HTTPStatus
from typing import Any, Final

from flask import Request
from gunicorn.http.errors import (  # type: ignore[import-untyped]  # gunicorn ships no types
    ParseException,
)

from payments_http import strict_json
from payments_http.problems import Problem

JSON_LIMIT: Final = 64 * 1024
WEBHOOK_LIMIT: Final = 256 * 1024

_JSON_TYPE: Final = re.compile(
    r"""application/json(?:[ \t]*;[ \t]*[\w.-]+=(?:[\w.-]+|"[^"]*"))*""", re.ASCII | re.IGNORECASE
)


def read(request: Request, limit: int) -> bytes:
    """
    Return the raw body, however it was sent.

    Flask's own limit cuts a chunked body short without a word; reading one byte more
    than allowed does not.

    Raises:
        Problem: It is longer than `limit` bytes, or ends in the middle.
    """
    try:
        return _read(request, limit)
    except (ParseException, OSError):
        detail = "The body broke off, or its chunks are malformed; send it again."
        raise Problem(HTTPStatus.BAD_REQUEST, "body_unreadable", detail) from None


def _read(request: Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    while len(body) <= limit and (part := request.stream.read(limit + 1 - len(body))):
        body += part
    if len(body) > limit:
        raise _too_large(limit)
    return bytes(body)


def read_json(request: Request) -> Any:
    """
    Return the body as JSON, or None when there is none.

    Raises:
        Problem: It is too long, of another type, or no plain JSON.
    """
    body = read(request, JSON_LIMIT)
    if not body:
        return None
    if not _is_json(request):
        detail = "Send application/json in UTF-8."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    value = strict_json.decode(body)
    if value is None:
        detail = "The body must be a JSON object; leave it out where nothing is to be said."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "validation_failed", detail)
    return value


def _is_json(request: Request) -> bool:
    # Werkzeug passes over what it cannot read in the header; this does not.
    readable = _JSON_TYPE.fullmatch(request.headers.get("Content-Type", ""))
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    return readable is not None and charset in {"utf-8", "utf8"}


def _too_large(limit: int) -> Problem:
    detail = f"The body must not be longer than {limit} bytes."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)
