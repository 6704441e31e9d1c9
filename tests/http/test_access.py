"""
Who may do what: the whole table, cell by cell.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from payments_bootstrap import Container
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase
from payments_http.access import require_access
from payments_http.app import create_app

Api = Any
MakePayment = Callable[[str], str]

CALLERS = {
    "anonymous": lambda api: api,
    "owner": lambda api: api.of("Customer"),
    "owner as User": lambda api: api.of("User"),
    "other customer": lambda api: api.of("Customer", sub="mallory"),
    "other user": lambda api: api.of("User", sub="mallory"),
    "Ops": lambda api: api.of("Ops", sub="o"),
    "Finance": lambda api: api.of("Finance", sub="f"),
    "Admin": lambda api: api.of("Admin", sub="a"),
    "order-service": lambda api: api.of_service("order-service"),
    "fulfillment-service": lambda api: api.of_service("fulfillment-service"),
    "another service": lambda api: api.of_service("catalog-service"),
    "nobody's role": lambda api: api.of("Stranger", sub="s"),
}

ACTIONS: dict[str, tuple[str, str, str, object]] = {
    "create": ("POST", "/api/payments", "Succeeded", {}),
    "confirm": (
        "POST",
        "/api/payments/{}/confirm",
        "Waiting",
        {"paymentMethodId": "fake_approved"},
    ),
    "get": ("GET", "/api/payments/{}", "Succeeded", None),
    "timeline": ("GET", "/api/payments/{}/timeline", "Succeeded", None),
    "list": ("GET", "/api/payments", "Succeeded", None),
    "cancel": ("POST", "/api/payments/{}/cancel", "Authorized", {}),
    "refund": ("POST", "/api/payments/{}/refund", "Succeeded", {}),
    "capture": ("POST", "/api/payments/{}/capture", "Authorized", {}),
    "internal": ("POST", "/internal/payments/capture", "Authorized", {}),
}

GOOD = {"create": 201, "refund": 201, "internal": 202}

TABLE = """
                     create confirm get timeline list cancel refund capture internal
anonymous            401    401     401 401      401  401    401    401     401
owner                yes    yes     yes 403      403  yes    403    403     403
owner as User        yes    yes     yes 403      403  yes    403    403     403
other customer       yes    404     404 403      403  404    403    403     403
other user           yes    404     404 403      403  404    403    403     403
Ops                  403    403     yes yes      yes  403    403    403     403
Finance              403    403     yes yes      yes  yes    yes    yes     403
Admin                yes    yes     yes yes      yes  yes    yes    yes     403
order-service        yes    yes     yes 403      403  yes    yes    403     403
fulfillment-service  403    403     yes 403      403  403    yes    yes     yes
another service      403    403     403 403      403  403    403    403     403
nobody's role        403    403     403 403      403  403    403    403     403
"""


def _cells() -> list[tuple[str, str, int]]:
    head, *rows = TABLE.strip("\n").splitlines()
    actions = head.split()
    found = []
    for row in rows:
        cells = row[21:].split()
        for action, cell in zip(actions, cells, strict=True):
            expected = GOOD.get(action, 200) if cell == "yes" else int(cell)
            found.append((row[:21].strip(), action, expected))
    return found


CELLS = _cells()
CLOSED = [(who, action) for who, action, expected in CELLS if expected >= 400]
REJECTED_TOKENS = ["expired", "other audience", "ID token"]


def _request(payment_in: MakePayment, action: str) -> tuple[str, str, object]:
    method, path, state, body = ACTIONS[action]
    payment_id = payment_in(state)
    if action == "create":
        order = {"orderId": str(uuid4()), "amount": "1.00", "currency": "EUR"}
        body = order | {"paymentMethodId": "fake_approved"}
    if action == "internal":
        body = {"paymentId": payment_id}
    return method, path.format(payment_id), body


@pytest.mark.parametrize(("who", "action", "expected"), CELLS)
def test_matrix(api: Api, payment_in: MakePayment, who: str, action: str, expected: int) -> None:
    """
    Each cell of the table is as it says.
    """
    method, path, body = _request(payment_in, action)
    answer = CALLERS[who](api).call(method, path, body, key="k")

    assert answer.status_code == expected, answer.text


@pytest.mark.parametrize(("who", "action"), CLOSED)
def test_refused_callers_change_nothing(
    api: Api,
    payment_in: MakePayment,
    provider: FakePaymentProvider,
    database: InMemoryDatabase,
    who: str,
    action: str,
) -> None:
    """
    Whoever is refused leaves no row, calls no provider and causes no message.
    """
    method, path, body = _request(payment_in, action)
    before = (list(provider.calls), database.tables)
    CALLERS[who](api).call(method, path, body, key="k")

    assert (provider.calls, database.tables) == before


def _spoiled(api: Api, who: str, how: str) -> str:
    service = who.endswith("-service")
    roles = {"owner": "Customer"}.get(who, who)
    account = {"azp": who, "preferred_username": f"service-account-{who}"} if service else {}
    claims = api.issuer.claims(realm_access={"roles": [roles]}, **account)
    changes: dict[str, dict[str, object]] = {
        "expired": {"iat": claims["iat"] - 1000, "exp": claims["iat"] - 31},
        "other audience": {"aud": "account"},
        "ID token": {"typ": "ID"},
    }
    return str(api.issuer.sign(claims | changes[how]))


@pytest.mark.parametrize("how", REJECTED_TOKENS)
@pytest.mark.parametrize(
    ("who", "action"),
    [(w, a) for w, a, e in CELLS if e < 400 and w in {"owner", "Admin", "fulfillment-service"}],
)
def test_spoiled_tokens(api: Api, payment_in: MakePayment, who: str, action: str, how: str) -> None:
    """
    What a caller may do they may not do with an expired, foreign or ID token.
    """
    method, path, body = _request(payment_in, action)
    api.token = _spoiled(api, who, how)
    answer = api.call(method, path, body, key="k")

    assert answer.status_code == 401


CLIENT = "fulfillment-service"
ACCOUNT = f"service-account-{CLIENT}"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 403),
        ({"client_id": CLIENT}, 202),
        ({"preferred_username": ACCOUNT}, 202),
        # As Keycloak issues them.
        ({"preferred_username": ACCOUNT, "client_id": CLIENT, "email_verified": False}, 202),
        ({"preferred_username": ACCOUNT, "clientHost": "10.0.0.1"}, 202),
        # RFC 9068 puts client_id into the tokens of people too.
        ({"client_id": CLIENT, "preferred_username": "mallory"}, 403),
        ({"client_id": CLIENT, "sid": "0b9c"}, 403),
        ({"client_id": CLIENT, "session_state": "0b9c"}, 403),
        ({"client_id": CLIENT, "email": "mallory@example.com"}, 403),
        ({"client_id": CLIENT, "name": "Mallory"}, 403),
        ({"client_id": CLIENT, "name": None, "preferred_username": ""}, 403),
        ({"client_id": "catalog-service"}, 403),
        ({"client_id": [CLIENT]}, 403),
        ({"preferred_username": "service-account-catalog-service"}, 403),
        ({"azp": "catalog-service", "client_id": CLIENT, "preferred_username": ACCOUNT}, 403),
    ],
)
def test_service_or_person(
    api: Api, payment_in: MakePayment, claims: dict[str, object], status: int
) -> None:
    """
    A client that asks for itself is a service; a person who logs in through it is none.
    """
    api.token = api.issuer.token("Customer", **({"azp": CLIENT} | claims))
    answer = api.post("/internal/payments/capture", {"paymentId": payment_in("Authorized")})

    assert answer.status_code == status


def test_client_roles_count(api: Api) -> None:
    """
    Roles of this service's own client count; those of other clients do not.
    """
    ours = {"payment-service": {"roles": ["Ops"]}}
    theirs = {"shop": {"roles": ["Ops"]}}
    for access, expected in ((ours, 200), (theirs, 403)):
        api.token = api.issuer.token(resource_access=access)

        assert api.get("/api/payments").status_code == expected


@pytest.mark.parametrize(
    "junk", [5, "Admin", ["Admin"], {"roles": "Admin"}, {"roles": [["Admin"]]}]
)
def test_odd_claims_give_no_role(api: Api, junk: object) -> None:
    """
    Roles in another shape than Keycloak's are no roles, and no error.
    """
    claims = api.issuer.claims(realm_access=junk, resource_access=junk)
    api.token = api.issuer.sign(claims)

    assert api.get("/api/payments").status_code == 403


def test_not_there_and_not_yours_look_the_same(api: Api, payment_in: MakePayment) -> None:
    """
    Nobody can tell another's payment from one that does not exist.
    """
    mallory = api.of("Customer", sub="mallory")
    theirs = mallory.get(f"/api/payments/{payment_in('Succeeded')}").get_json()
    nobodys = mallory.get(f"/api/payments/{uuid4()}").get_json()
    no_id = mallory.get("/api/payments/not-a-uuid").get_json()
    for body in (theirs, nobodys, no_id):
        body.pop("requestId")

    assert theirs == nobodys == no_id


def test_route_without_policy(container: Container) -> None:
    """
    An app with a route that does not say who may use it does not start.
    """
    app = create_app(container)
    app.add_url_rule("/open", view_func=lambda: "", endpoint="forgotten")

    with pytest.raises(RuntimeError, match="forgotten"):
        require_access(app)


def test_policy_by_itself() -> None:
    """
    Flask's own static route would have no policy: it would be found too.
    """
    with pytest.raises(RuntimeError, match="static"):
        require_access(Flask("x"))
