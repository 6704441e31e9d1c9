"""
How the tests of tokens ask, and what a refusal looks like.
"""

from typing import Any, Final

from werkzeug.test import TestResponse

Api = Any

PLACE: Final = "/api/payments"
GOOD_HEADER: Final = '{"alg": "RS256", "kid": "key-1"}'


def ask(api: Api, token: str) -> TestResponse:
    """
    Ask for the list with this token.
    """
    answer: TestResponse = api.get(PLACE, headers={"Authorization": f"Bearer {token}"})
    return answer


def assert_refused(answer: TestResponse, code: str) -> None:
    """
    Fail unless this is a refusal (401) with that code, and tells how to get in.
    """
    assert (answer.status_code, answer.get_json()["code"]) == (401, code)
    assert answer.content_type == "application/problem+json"
    challenge = "Bearer" if code == "unauthenticated" else 'Bearer error="invalid_token"'
    assert answer.headers["WWW-Authenticate"] == challenge
