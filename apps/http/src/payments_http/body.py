"""
Taking the raw body off the wire, never more of it than allowed.
"""

from http import HTTPStatus
from typing import Any, Final

from flask import Request

from payments_http import strict_json
from payments_http.problems import Problem

JSON_LIMIT: Final = 64 * 1024
WEBHOOK_LIMIT: Final = 256 * 1024


def read(request: Request, limit: int) -> bytes:
    """
    Return the raw body, however it was sent.

    Flask's own limit cuts a chunked body short without a word; reading one byte more
    than allowed does not.

    Raises:
        Problem: It is longer than `limit` bytes.
    """
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
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
        detail = "Send application/json in UTF-8."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    return strict_json.decode(body)


def _too_large(limit: int) -> Problem:
    detail = f"The body must not be longer than {limit} bytes."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)
