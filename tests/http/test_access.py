"""
Who may do what: the whole table, cell by cell.
"""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from flask import Flask

from payments_bootstrap import Container
from payments_core.testing.conformance.reconciliation import a_difference
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase
from payments_http.access import EXTENSION, require_access
from payments_http.app import create_app

Api = Any
Json = dict[str, Any]
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
    "reconcile": (
        "POST",
        "/api/payments/reconcile",
        "Succeeded",
        {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"},
    ),
    "run": ("GET", "/api/payments/reconcile/{}", "Succeeded", None),
    "differences": ("GET", "/api/payments/discrepancies", "Succeeded", None),
    "close": ("POST", "/api/payments/discrepancies/{}/close", "Succeeded", {"note": "done"}),
}

GOOD = {"create": 201, "refund": 201, "internal": 202, "reconcile": 202}

TABLE = """
                     create confirm get timeline list cancel refund capture internal reconcile run differences close
anonymous            401    401     401 401      401  401    401    401     401      401       401 401         401
owner                yes    yes     yes 403      403  yes    403    403     403      403       403 403         403
owner as User        yes    yes     yes 403      403  yes    403    403     403      403       403 403         403
other customer       yes    404     404 403      403  404    403    403     403      403       403 403         403
other user           yes    404     404 403      403  404    403    403     403      403       403 403         403
Ops                  403    403     yes yes      yes  403    403    403     403      403       403 403         403
Finance              403    403     yes yes      yes  yes    yes    yes     403      yes       yes yes         yes
Admin                yes    yes     yes yes      yes  yes    yes    yes     403      yes       yes yes         yes
order-service        yes    yes     yes 403      403  yes    yes    403     403      403       403 403         403
fulfillment-service  403    403     yes 403      403  403    yes    yes     yes      403       403 403         403
another service      403    403     403 403      403  403    403    403     403      403       403 403         403
nobody's role        403    403     403 403      403  403    403    403     403      403       403 403         403
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


def _request(api: Api, payment_in: MakePayment, action: str) -> tuple[str, str, object]:
    method, path, state, body = ACTIONS[action]
    payment_id = payment_in(state)
    if action == "create":
        order = {"orderId": str(uuid4()), "amount": "1.00", "currency": "EUR"}
        body = order | {"paymentMethodId": "fake_approved"}
    if action == "internal":
        body = {"paymentId": payment_id}
    if action == "run":
        asked = CALLERS["Admin"](api).post(ACTIONS["reconcile"][1], ACTIONS["reconcile"][3])
        path = asked.headers["Location"]
    if action == "close":
        payment_id = str(_difference(api))
    return method, path.format(payment_id), body


def _difference(api: Api) -> UUID:
    found = a_difference()
    with api.client.application.extensions[EXTENSION].container.unit_of_work() as uow:
        uow.discrepancies.add(found)
        uow.commit()
    return found.id


@pytest.mark.parametrize(("who", "action", "expected"), CELLS)
def test_matrix(api: Api, payment_in: MakePayment, who: str, action: str, expected: int) -> None:
    """
    Each cell of the table is as it says.
    """
    method, path, body = _request(api, payment_in, action)
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
    method, path, body = _request(api, payment_in, action)
    before = (list(provider.calls), database.tables)
    CALLERS[who](api).call(method, path, body, key="k")

    assert (provider.calls, database.tables) == before


SPOILT: dict[str, Callable[[Json], Json]] = {
    "expired": lambda claims: {"iat": claims["iat"] - 1000, "exp": claims["iat"] - 31},
    "for another audience": lambda _: {"aud": "account"},
    "ID token": lambda _: {"typ": "ID"},
}


def _spoilt(caller: Api, how: str) -> Api:
    """
    Return the same caller with the same token, but for one thing.
    """
    _, text, _ = caller.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(f"{text}=="))
    token = caller.issuer.sign(claims | SPOILT[how](claims))
    return attrs.evolve(caller, token=token)


@pytest.mark.parametrize("how", sorted(SPOILT))
@pytest.mark.parametrize(("who", "action"), [(w, a) for w, a, _ in CELLS if w != "anonymous"])
def test_spoilt_tokens(
    api: Api,
    payment_in: MakePayment,
    provider: FakePaymentProvider,
    database: InMemoryDatabase,
    who: str,
    action: str,
    how: str,
) -> None:
    """
    In no cell of the table does an expired, foreign or ID token get anywhere: 401, nothing done.
    """
    method, path, body = _request(api, payment_in, action)
    before = (list(provider.calls), database.tables)
    answer = _spoilt(CALLERS[who](api), how).call(method, path, body, key="k")

    code = "token_expired" if how == "expired" else "token_invalid"
    assert (answer.status_code, answer.get_json()["code"]) == (401, code)
    assert (provider.calls, database.tables) == before


HIDDEN = ["get", "confirm", "cancel"]


@pytest.mark.parametrize("action", HIDDEN)
@pytest.mark.parametrize("who", ["other customer", "other user"])
def test_not_there_and_not_yours_look_the_same(
    api: Api, payment_in: MakePayment, who: str, action: str
) -> None:
    """
    Nobody can tell another's payment from one that does not exist: not by a byte or a header.
    """
    method, path, state, body = ACTIONS[action]
    ids = [payment_in(state), str(uuid4()), "00000000-0000-0000-0000-000000000000", "no-id"]
    same = {"X-Request-Id": "the-same-request"}
    caller = CALLERS[who](api)
    answers = [caller.call(method, path.format(i), body, headers=same) for i in ids]

    assert {a.status_code for a in answers} == {404}
    assert len({a.data for a in answers}) == 1
    assert len({str(a.headers) for a in answers}) == 1


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {*HIDDEN, "create", "list"}))
def test_refusals_do_not_tell_what_exists(api: Api, payment_in: MakePayment, action: str) -> None:
    """
    Who may not do a thing at all is told so before anything is looked up.
    """
    method, path, state, _ = ACTIONS[action]
    same = {"X-Request-Id": "the-same-request"}
    mallory = CALLERS["other customer"](api)
    answers = []
    for payment_id in (payment_in(state), str(uuid4())):
        body = {"paymentId": payment_id} if action == "internal" else ACTIONS[action][3]
        answers.append(mallory.call(method, path.format(payment_id), body, key="k", headers=same))

    assert [a.status_code for a in answers] == [403, 403]
    assert answers[0].data == answers[1].data
    assert str(answers[0].headers) == str(answers[1].headers)


def test_cancel_after_capture(api: Api, payment_in: MakePayment) -> None:
    """
    An owner may cancel until the money is taken, and not after that.
    """
    answer = api.of("Customer").post(f"/api/payments/{payment_in('Succeeded')}/cancel", {})

    assert (answer.status_code, answer.get_json()["code"]) == (409, "invalid_state")


@pytest.mark.parametrize("who", ["owner", "owner as User"])
def test_only_some_may_name_the_customer(api: Api, database: InMemoryDatabase, who: str) -> None:
    """
    Customers pay for themselves: one who names a customer, even themselves, is refused.
    """
    order = {"orderId": str(uuid4()), "amount": "1.00", "currency": "EUR"}
    for customer in ("alice", "bob"):
        answer = CALLERS[who](api).post("/api/payments", order | {"customerId": customer})

        assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_field")
    assert not database.tables.payments


@pytest.mark.parametrize("who", ["Admin", "order-service"])
def test_named_customer_owns_the_payment(api: Api, who: str) -> None:
    """
    The customer that a service or an administrator names owns the payment, and the caller not.
    """
    payment = CALLERS[who](api).pay(customerId="bob", paymentMethodId=None)
    path = f"/api/payments/{payment['paymentId']}"

    assert "clientSecret" not in payment
    assert "clientSecret" in api.of("Customer", sub="bob").get(path).get_json()
    assert api.of("Customer", sub="alice").get(path).status_code == 404


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
