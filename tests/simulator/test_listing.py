"""
Lists: newest first, paged by cursor, filtered by time and owner; and expansion.
"""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import Api, Receiver, payment, wait_until

PATH = "/v1/payment_intents"


def ids(page: dict[str, Any]) -> list[str]:
    """
    The ids of a page.
    """
    return [str(item["id"]) for item in page["data"]]


def make(api: Api, count: int) -> list[str]:
    """
    Makes PaymentIntents and gives their ids, newest first.
    """
    made = [api.post(PATH, {"amount": 1000, "currency": "usd"})["id"] for _ in range(count)]
    return made[::-1]


def test_newest_first(api: Api) -> None:
    """
    A list has ten objects, the newest first, and says whether there are more.
    """
    made = make(api, 11)

    page = api.get(PATH)

    assert ids(page) == made[:10]
    assert (page["has_more"], page["url"], page["object"]) == (True, PATH, "list")


def test_forwards(api: Api) -> None:
    """
    starting_after goes on where the last page ended.
    """
    made = make(api, 5)
    first = api.get(f"{PATH}?limit=3")

    second = api.get(f"{PATH}?limit=3&starting_after={ids(first)[-1]}")

    assert ids(first) + ids(second) == made
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_backwards(api: Api) -> None:
    """
    ending_before gives the page before a cursor, still newest first.
    """
    made = make(api, 5)

    page = api.get(f"{PATH}?limit=2&ending_before={made[3]}")

    assert ids(page) == made[1:3]
    assert page["has_more"] is True


def test_sdk_pages_through_all(client: stripe.StripeClient, api: Api) -> None:
    """
    The SDK's auto-paging sees every object once.
    """
    made = make(api, 7)

    found = [item.id for item in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]

    assert found == made


def test_paging_is_stable_while_objects_come(api: Api) -> None:
    """
    What is created between two pages does not shift the second.
    """
    made = make(api, 4)
    first = api.get(f"{PATH}?limit=2")
    make(api, 3)

    second = api.get(f"{PATH}?limit=2&starting_after={ids(first)[-1]}")

    assert ids(first) + ids(second) == made


def test_created_bounds(api: Api, simulator: Simulator) -> None:
    """
    Created takes gt, gte, lt, lte and an exact time.
    """
    early = api.post(PATH, {"amount": 1000, "currency": "usd"})
    simulator.clock.advance(1000)
    late = api.post(PATH, {"amount": 1000, "currency": "usd"})
    at = late["created"]

    assert ids(api.get(f"{PATH}?created[gte]={at}")) == [late["id"]]
    assert ids(api.get(f"{PATH}?created[gt]={at}")) == []
    assert ids(api.get(f"{PATH}?created[lt]={at}")) == [early["id"]]
    assert ids(api.get(f"{PATH}?created[lte]={at}")) == [late["id"], early["id"]]
    assert ids(api.get(f"{PATH}?created={at}")) == [late["id"]]
    assert ids(api.get(f"{PATH}?created[gte]={early['created']}&created[lt]={at}")) == [early["id"]]


def test_by_customer(api: Api) -> None:
    """
    A list can be limited to one customer.
    """
    mine = api.pay(form={"customer": "cus_1"})
    api.pay(form={"customer": "cus_2"})

    assert ids(api.get(f"{PATH}?customer=cus_1")) == [mine["id"]]
    assert ids(api.get("/v1/charges?customer=cus_1")) == [mine["latest_charge"]]


def test_refunds_by_owner(api: Api) -> None:
    """
    Refunds are listed by PaymentIntent or by charge.
    """
    first, second = api.pay(), api.pay()
    refund = api.post("/v1/refunds", {"payment_intent": first["id"]})
    api.post("/v1/refunds", {"payment_intent": second["id"]})

    assert ids(api.get(f"/v1/refunds?payment_intent={first['id']}")) == [refund["id"]]
    assert ids(api.get(f"/v1/refunds?charge={first['latest_charge']}")) == [refund["id"]]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "created[on]=1"])
def test_bad_query(api: Api, query: str) -> None:
    """
    A limit has to be 1 to 100, a bound one of the four.
    """
    assert api.request("GET", f"{PATH}?{query}").status_code == 400


def test_unknown_cursor(api: Api) -> None:
    """
    A cursor has to name an object.
    """
    error = api.request("GET", f"{PATH}?starting_after=pi_nothing").json()["error"]

    assert (error["code"], error["param"]) == ("resource_missing", "starting_after")


def test_expand_in_lists(api: Api) -> None:
    """
    Objects in a list are expanded by data.…, as deep as asked.
    """
    api.pay(form={"capture_method": "automatic"})

    page = api.get(
        f"{PATH}?expand[]=data.latest_charge.balance_transaction&expand[]=data.payment_method"
    )

    (intent,) = page["data"]
    assert intent["latest_charge"]["balance_transaction"]["object"] == "balance_transaction"
    assert intent["payment_method"]["object"] == "payment_method"


def test_expand_refunds_of_a_charge(api: Api) -> None:
    """
    A charge shows its refunds only when they are expanded, as since API version 2022-11-15.
    """
    intent = api.pay()
    refund = api.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 300})
    path = f"/v1/charges/{intent['latest_charge']}"

    assert "refunds" not in api.get(path)
    assert ids(api.get(f"{path}?expand[]=refunds")["refunds"]) == [refund["id"]]


@pytest.mark.parametrize("path", ["colour", "latest_charge.colour", "a.b.c.d.e"])
def test_bad_expansion(api: Api, path: str) -> None:
    """
    What cannot be expanded is refused.
    """
    intent = api.pay()

    answer = api.request("GET", f"{PATH}/{intent['id']}?expand[]={path}")

    assert answer.status_code == 400


def test_events_by_type(api: Api) -> None:
    """
    Events are listed by one type or by several.
    """
    api.pay()

    one = api.get("/v1/events?type=charge.succeeded")["data"]
    two = api.get("/v1/events?types[]=charge.succeeded&types[]=payment_intent.created")["data"]

    assert [event["type"] for event in one] == ["charge.succeeded"]
    assert [event["type"] for event in two] == ["charge.succeeded", "payment_intent.created"]


def test_events_by_group(api: Api) -> None:
    """
    A type with an asterisk is a group of types, and its other characters are themselves.
    """
    api.pay()

    intents = api.get("/v1/events?type=payment_intent.*")["data"]

    assert {event["type"] for event in intents} == {
        "payment_intent.created",
        "payment_intent.succeeded",
    }
    assert api.get("/v1/events?type=payment%25intent.*")["data"] == []


def test_events_of_thirty_days(api: Api, simulator: Simulator) -> None:
    """
    What happened more than thirty days ago is neither listed nor read.
    """
    api.pay()
    event = api.get("/v1/events")["data"][0]
    simulator.clock.advance(29 * 86_400)
    before = [listed["id"] for listed in api.get("/v1/events")["data"]]
    simulator.clock.advance(2 * 86_400)
    gone = api.request("GET", f"/v1/events/{event['id']}")

    assert event["id"] in before
    assert event["id"] not in [listed["id"] for listed in api.get("/v1/events")["data"]]
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "resource_missing")


def test_events_by_delivery(receiver: Receiver) -> None:
    """
    What every endpoint took is told from what one did not take, or not yet.
    """
    receiver.answers = [500]
    with Simulator(seed=1, webhook_url=receiver.url, webhook_retry_delays=(3600,)) as simulator:
        api = Api(simulator.url, simulator.api_key)
        api.pay()
        receiver.wait_for(3)
        wait_until(lambda: len(api.get("/v1/events?delivery_success=true")["data"]) == 2)
        taken = api.get("/v1/events?delivery_success=true")["data"]
        missed = api.get("/v1/events?delivery_success=false")["data"]
        api.session.close()

    assert [event["id"] for event in missed] == [receiver.received[0].event["id"]]
    assert missed[0]["id"] not in {event["id"] for event in taken}


def test_event_is_a_snapshot(api: Api) -> None:
    """
    An event keeps the object as it was when it happened.
    """
    held = api.pay(form={"capture_method": "manual"})
    (event,) = api.get("/v1/events?type=payment_intent.amount_capturable_updated")["data"]
    api.post(f"{PATH}/{held['id']}/cancel")

    again = api.get(f"/v1/events/{event['id']}")
    (created,) = api.get("/v1/events?type=payment_intent.created")["data"]

    assert again["data"]["object"]["status"] == "requires_capture"
    assert created["data"]["object"]["status"] == "requires_confirmation"


def test_no_notes_leak(api: Api, simulator: Simulator) -> None:
    """
    What the simulator notes on its objects for itself is never shown.
    """
    api.pay("pm_card_createDispute")
    api.refused(402, PATH, payment("pm_card_visa_chargeDeclined"))

    shown = [
        api.get(f"/v1/{name}") for name in ("payment_intents", "charges", "events", "disputes")
    ]
    assert '"_' not in repr(shown).replace("'", '"')
    assert '"_' not in repr(simulator.objects("payment_method")).replace("'", '"')
