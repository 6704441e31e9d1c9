"""
Who did what over HTTP: named by their token, with the request id of the answer.
"""

from uuid import UUID

from payments_core.domain.actor import Actor, Channel
from payments_core.testing.memory import InMemoryDatabase
from tests.http.conftest import ISSUER, Api, MakePayment, a_body


def entries(database: InMemoryDatabase) -> dict[str, Actor]:
    """
    Return who did each action last.
    """
    return {e.action: e.actor for e in database.tables.audit.values()}


def test_every_write_names_its_caller(
    api: Api, payment_in: MakePayment, database: InMemoryDatabase
) -> None:
    """
    Each of the writes tells the token's issuer, subject and client.
    """
    anna = api.of("Admin", sub="anna", azp="back-office")
    anna.post("/api/payments", a_body())
    anna.post(
        f"/api/payments/{payment_in('Waiting')}/confirm", {"paymentMethodId": "fake_approved"}
    )
    anna.post(f"/api/payments/{payment_in('Authorized')}/capture", {}, key="k1")
    anna.post(f"/api/payments/{payment_in('Authorized')}/cancel", {"reason": "changed mind"})
    anna.post(f"/api/payments/{payment_in('Succeeded')}/refund", {"reason": "broken"}, key="k2")
    found = entries(database)

    assert set(found) == {"create", "confirm", "capture", "cancel", "refund"}
    for action in set(found) - {"create"}:
        actor = found[action]
        assert (actor.channel, actor.issuer) == (Channel.API, ISSUER)
        assert (actor.subject, actor.client) == ("anna", "back-office")
    reasons = {e.action: e.reason for e in database.tables.audit.values() if e.reason}
    assert reasons == {"cancel": "changed mind", "refund": "broken"}


def test_the_request_id_is_that_of_the_answer(alice: Api, database: InMemoryDatabase) -> None:
    """
    Whoever complains with a request id is found in the log.
    """
    answer = alice.post("/api/payments", a_body())

    (entry,) = database.tables.audit.values()
    assert entry.actor.request_id == answer.headers["X-Request-Id"]
    assert entry.payment_id == UUID(answer.get_json()["paymentId"])


def test_refusals_are_not_told(
    alice: Api, api: Api, admin: Api, payment_in: MakePayment, database: InMemoryDatabase
) -> None:
    """
    What is refused (403, 404, 409, 422) leaves no entry.
    """
    payment_id = payment_in("Failed")
    before = len(database.tables.audit)
    answers = [
        alice.post(f"/api/payments/{payment_id}/refund", {}, key="k").status_code,
        api.of("Customer", sub="bob").post(f"/api/payments/{payment_id}/cancel", {}).status_code,
        admin.post(f"/api/payments/{payment_id}/cancel", {}).status_code,
        admin.post("/api/payments", a_body(amount="0")).status_code,
    ]

    assert answers == [403, 404, 409, 422]
    assert len(database.tables.audit) == before
