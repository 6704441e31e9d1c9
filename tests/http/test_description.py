"""
The API's description and its pages.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_http.app import create_app

Api = Any
Json = dict[str, Any]


@pytest.fixture
def description(api: Api) -> Json:
    """
    The description as it is served.
    """
    found: Json = api.get("/swagger/v1/swagger.json").get_json()
    return found


def test_valid(description: Json) -> None:
    """
    It is valid OpenAPI 3.1, examples and defaults included.
    """
    validate(description)

    assert description["openapi"].startswith("3.1")


def _operations(description: Json) -> Iterator[tuple[str, Json]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post"}:
                yield f"{method.upper()} {path}", operation


def test_every_operation(description: Json) -> None:
    """
    Each operation has a name, a summary, and says whether it takes a token.
    """
    for _, operation in _operations(description):
        assert operation["operationId"]
        assert operation["summary"]
        assert "security" in operation


def test_where_a_token_comes_from(description: Json) -> None:
    """
    Swagger's Authorize tells how to get what it asks for.
    """
    bearer = description["components"]["securitySchemes"]["bearer"]

    assert "Keycloak" in bearer["description"]
    assert "payments token --role Customer --sub alice" in bearer["description"]


def test_tokens(description: Json) -> None:
    """
    Only health and webhooks are open.
    """
    open_ones = {name for name, o in _operations(description) if not o["security"]}

    assert open_ones == {
        "GET /health/live",
        "GET /health/ready",
        "POST /api/payments/webhooks/{provider}",
    }


def test_keys(description: Json) -> None:
    """
    The key is required where money moves, and only there.
    """
    required = {
        name
        for name, operation in _operations(description)
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "Idempotency-Key" and parameter["required"]
    }

    assert {name.rpartition("/")[2] for name in required} == {"capture", "refund"}


def test_amounts(description: Json) -> None:
    """
    Amounts in answers are described as text with a pattern.
    """
    amount = description["components"]["schemas"]["Payment"]["properties"]["amount"]

    assert amount["type"] == "string"
    assert re.fullmatch(amount["pattern"], "129.90")


def test_answers_are_as_described(alice: Api, description: Json) -> None:
    """
    A real answer has the described fields, all that are required and no other.
    """
    answer = alice.pay(paymentMethodId=None)
    schema = description["components"]["schemas"]["Payment"]

    assert set(schema["required"]) <= set(answer) <= set(schema["properties"])


def test_pages_need_nobody_else(api: Api) -> None:
    """
    The pages and what they load come from here.
    """
    page = api.get("/swagger/").text
    places = re.findall(r'(?:src|href)="([^"]+)"', page)
    statuses = []
    for place in places:
        with api.get(place) as answer:
            statuses.append(answer.status_code)

    assert places
    assert all(p.startswith("/swagger/") for p in places)
    assert set(statuses) == {200}


@pytest.mark.parametrize("path", ["/", "/swagger"])
def test_who_opens_the_address_finds_the_pages(api: Api, path: str) -> None:
    """
    The address that `make run` prints is no dead end in a browser.
    """
    answer = api.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/swagger/")


def test_off_in_production(environ: dict[str, str]) -> None:
    """
    Outside development the pages are there only if the settings say so.
    """
    public = environ | {"ENVIRONMENT": "production", "KEYCLOAK__JWKS_URL": "https://k.example"}
    for setting, status, root in (({}, 404, 404), ({"HTTP__SWAGGER": "true"}, 200, 302)):
        client = create_app(Container(settings=load(public | setting))).test_client()

        assert client.get("/swagger/v1/swagger.json").status_code == status
        assert client.get("/").status_code == root
