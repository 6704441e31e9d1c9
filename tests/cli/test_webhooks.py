"""
Looking after webhooks from the command line, on a service that really runs.
"""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from payments_cli.refusal import ExitCode

Service = Any


def rows(service: Service) -> list[tuple[Any, ...]]:
    """
    Return everything that a webhook could change.
    """
    with closing(sqlite3.connect(service.home / "var/development/payments.db")) as database:
        return [
            row
            for table in ("payments", "webhook_events", "outbox", "audit_log", "discrepancies")
            for row in database.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608 - constants
        ]


def a_lost_refund(service: Service) -> tuple[str, str]:
    """
    Return a payment and its refund at the provider, of which no answer and no webhook came.
    """
    payment_id = service.pay()["paymentId"]
    service.wait_for_webhooks(payment_id, 2)
    service.fault(kind="drop", event="*", times=3)
    service.fault(kind="effect_then_timeout", operation="refunds.create", times=1)
    ended = service.on("refund", payment_id, "--amount", "4.00", "--yes")
    assert ended.exit_code == ExitCode.UNKNOWN, ended.output
    return payment_id, service.read("show", payment_id)["providerPaymentId"]


def test_gaps_are_found_and_filled(impatient: Service) -> None:
    """
    A dry run finds what never arrived and changes nothing; filling completes the payment once.
    """
    payment_id, object_id = a_lost_refund(impatient)
    before, writes = rows(impatient), impatient.writes()
    looked = impatient.read("webhooks", "backfill", "--since", "1h", "--dry-run")
    unchanged = rows(impatient) == before and impatient.writes() == writes
    filled = impatient.read("webhooks", "backfill", "--since", "1h")
    again = impatient.read("webhooks", "backfill", "--since", "1h")
    shown = impatient.read("show", payment_id)

    assert {i["type"] for i in looked["items"]} >= {"refund.created", "charge.refunded"}
    assert {i["providerPaymentId"] for i in looked["items"]} == {object_id}
    assert unchanged
    assert [i["eventId"] for i in filled["items"]] == [i["eventId"] for i in looked["items"]]
    assert {i["status"] for i in filled["items"]} == {"processed"}
    assert again["items"] == []
    assert (shown["refundedAmount"], shown["unresolvedOperations"]) == ("4.00", 0)


def test_what_was_filled_is_told(impatient: Service) -> None:
    """
    Stored events say that they never arrived, the log says who looked, and so does the story.
    """
    payment_id, _ = a_lost_refund(impatient)
    waiting = impatient.read("explain", payment_id)
    impatient.on("webhooks", "backfill", "--since", "1h")
    listed = impatient.read("webhooks", "list", "--payment", payment_id)["items"]
    audit = impatient.read("audit", "list", "--since", "1h")["items"]
    story = impatient.read("explain", payment_id)

    assert [o["kind"] for o in waiting["open"]][:1] == ["operation"]
    assert "Recovery asks the provider at" in waiting["open"][0]["next"]
    assert any(event["backfilled"] for event in listed)
    assert {a["action"] for a in audit} >= {"webhook.backfill", "refund"}
    assert story["open"] == []
    assert any("never arrived" in line["text"] for line in story["story"])
    assert story["summary"].startswith("Succeeded. 10.00 EUR was taken, and 4.00 EUR of it")


def test_one_event_whole(service: Service) -> None:
    """
    An event is shown with what it said, secrets masked; to people only if they want it.
    """
    payment_id = service.pay()["paymentId"]
    service.wait_for_webhooks(payment_id, 1)
    (event, *_) = service.read("webhooks", "list", "--payment", payment_id)["items"]
    shown = service.read("webhooks", "show", event["eventId"])
    short = service.on("webhooks", "show", event["eventId"]).stdout
    long = service.on("webhooks", "show", event["eventId"], "--payload").stdout

    assert shown["payload"]["id"] == event["eventId"]
    assert shown["paymentId"] == payment_id
    assert "_secret_" not in json.dumps(shown)
    assert '"object": "event"' not in short
    assert '"object": "event"' in long


def test_replay_shows_before_what_it_would_change(impatient: Service) -> None:
    """
    A dry run names facts before and after and writes nothing; the replay does just that.
    """
    impatient.fault(kind="effect_then_timeout", operation="payment_intents.capture", times=1)
    payment_id = impatient.pay(captureMethod="manual")["paymentId"]
    impatient.wait_for_webhooks(payment_id, 1)
    impatient.fault(kind="drop", event="*", times=3)
    assert impatient.on("capture", payment_id, "--yes").exit_code == ExitCode.UNKNOWN
    (event, *_) = impatient.read("webhooks", "list", "--payment", payment_id)["items"]
    before, writes = rows(impatient), impatient.writes()
    words = ("webhooks", "replay", event["eventId"])
    (looked,) = impatient.read(*words, "--dry-run")["items"]
    people = impatient.on(*words, "--dry-run").stdout
    unchanged = rows(impatient) == before and impatient.writes() == writes
    (done,) = impatient.read(*words)["items"]
    (nothing,) = impatient.read(*words, "--dry-run")["items"]

    assert {"name": "status", "before": "Authorized", "after": "Succeeded"} in looked["changes"]
    assert looked["tells"] == ["IPaymentSucceeded"]
    assert "Authorized → Succeeded" in people
    assert people.endswith("Nothing was changed: this was a dry run.\n")
    assert unchanged
    assert done["status"] == "processed"
    assert impatient.read("show", payment_id)["status"] == "Succeeded"
    assert nothing["changes"] == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["show", "evt_none"], ExitCode.NOT_FOUND, "No event evt_none of stripe is stored"),
        (["replay", "evt_none"], ExitCode.NOT_FOUND, "No event evt_none of stripe is stored"),
        (["replay"], ExitCode.USAGE, "Missing argument 'EVENT...'"),
        (["list", "--status", "lost"], ExitCode.USAGE, "'lost' is not one of"),
        (["backfill", "--since", "2h", "--until", "3h"], ExitCode.USAGE, "before --until"),
        (["backfill", "--since", "9998-01-01"], ExitCode.USAGE, "is in the future"),
        (["backfill", "--provider", "x"], ExitCode.NOT_FOUND, "No provider 'x' is configured"),
    ],
)
def test_what_is_refused(service: Service, words: list[str], code: ExitCode, message: str) -> None:
    """
    Each wrong way has its code and says what is wrong.
    """
    ended = service.on("webhooks", *words)

    assert ended.exit_code == code
    assert message in ended.stderr


def test_event_about_no_payment(service: Service) -> None:
    """
    What is about no payment of ours is ignored, and cannot be replayed.
    """
    payment_id = service.pay()["paymentId"]
    service.wait_for_webhooks(payment_id, 2)
    service.fault(kind="reset", operation="events.list", times=9)
    ignored = service.read("webhooks", "list", "--status", "ignored")["items"]
    ended = service.on("webhooks", "replay", ignored[0]["eventId"])
    broken = service.on("webhooks", "backfill", "--since", "1h")

    assert ended.exit_code in {ExitCode.REFUSED, ExitCode.OK}
    assert broken.exit_code == ExitCode.FAILED
    assert len(broken.stderr.splitlines()) == 1
