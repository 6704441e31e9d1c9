"""
A payment's story: every state in words, what is open, and what happens next.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

import attrs
import pytest

from payments_cli.colours import COLOURS, coloured
from payments_cli.story import (
    ANSWERED,
    ASKED,
    CHANNELS,
    RETURNED,
    STATUS,
    TOLD,
    TOLD_US,
    UNPROCESSED,
    UNRESOLVED,
    UNTOLD,
    Line,
    story_of,
    summary_of,
)
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.failure import Failure
from payments_core.domain.operation import OPEN, OperationKind, OperationState
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.audit import AuditEntry, AuditRecord
from payments_core.ports.outbox import BLOCKING, OutboxStatus
from payments_core.ports.queries import PaymentView, TimelineEntry
from payments_core.ports.webhooks import WebhookStatus
from payments_core.testing.builders import NOW, a_payment, answered, eur

THE_PAYMENT: Final = UUID(int=7)

TABLES: Final[list[tuple[Any, type[StrEnum]]]] = [
    (STATUS, PaymentStatus),
    (ASKED, OperationKind),
    (ANSWERED, OperationState),
    (RETURNED, RefundStatus),
    (TOLD_US, WebhookStatus),
    (TOLD, OutboxStatus),
    (CHANNELS, Channel),
]


@pytest.mark.parametrize(("table", "words"), TABLES)
def test_each_state_has_words(table: Any, words: type[StrEnum]) -> None:
    """
    Whatever a thing can be, there is a sentence for it.
    """
    assert set(table) == set(words)


def test_what_is_not_over_says_what_comes_next() -> None:
    """
    Everything that can still change says how, and nothing else does.
    """
    waits = {WebhookStatus.RECEIVED, WebhookStatus.PARKED, WebhookStatus.DEAD}

    assert set(UNRESOLVED) == set(OPEN)
    assert set(UNPROCESSED) == waits
    assert set(UNTOLD) == set(BLOCKING)


def view() -> PaymentView:
    """
    Return a payment whose answer was lost.
    """
    return attrs.evolve(PaymentView.of(a_payment()), id=THE_PAYMENT)


def entry(kind: str, name: str, state: str, **details: str) -> TimelineEntry:
    """
    Return something that happened.
    """
    return TimelineEntry(at=NOW, kind=kind, name=name, state=state, id="an-id", details=details)


def told(*entries: TimelineEntry, audit: Iterable[AuditRecord] = ()) -> list[Line]:
    """
    Return the story of these entries.
    """
    return list(story_of(view(), entries, audit))


SENTENCES: Final = [
    (
        entry(
            *("operation", "capture", "unknown"),
            amount="129.90 EUR",
            next_at="2026-11-22T12:01:06.000000Z",
            attempts="2",
        ),
        (
            "Asked fake to take 129.90 EUR of what is reserved. The answer was lost."
            " It was sent 2 times."
        ),
        "Nobody knows yet whether it was done. Recovery asks the provider at 12:01:06 UTC.",
    ),
    (
        entry("operation", "create", "sent", amount="1.00 EUR", lease_until="2026-11-23T00:00:00Z"),
        "Asked fake for a payment of 1.00 EUR. No answer is on record.",
        (
            "Nobody knows yet whether it was done."
            " Recovery asks the provider at 2026-11-23 00:00:00 UTC."
        ),
    ),
    (
        entry(
            *("operation", "confirm", "declined"),
            failure_message="Your card was declined.",
            failure_code="card_declined",
        ),
        (
            "Asked fake to charge the customer."
            " It was refused: Your card was declined. (card_declined)"
        ),
        None,
    ),
    (
        entry("operation", "cancel", "review"),
        "Asked fake to call the payment off. Looking could not settle what became of it.",
        (
            "A person must look at it, here and at the provider; nothing is sent again."
            f" Once it is mended: payments operations look-again {THE_PAYMENT} an-id"
        ),
    ),
    (
        entry("refund", "damaged", "Pending", amount="4.00 EUR"),
        "A refund of 4.00 EUR, damaged. It is on its way; its amount is kept aside.",
        "The provider says when it is there, by webhook.",
    ),
    (
        entry("webhook", "charge.refunded", "dead", backfilled="yes"),
        (
            "Fake told charge.refunded. It never arrived, and was found in the provider's list."
            " It could not be processed for a day and was given up."
        ),
        "Process it again: payments webhooks replay an-id",
    ),
    (
        entry("event", "IPaymentFailed", "parked", error="no such exchange"),
        "For other services: IPaymentFailed. It could not be sent: no such exchange",
        "It and later ones of its order wait: payments outbox requeue an-id",
    ),
    (
        entry("event", "IPaymentSucceeded", "pending", error="No queue is bound to it"),
        "For other services: IPaymentSucceeded. It has not left yet. No queue is bound to it.",
        "The relay sends it next, at ?.",
    ),
    (
        entry("event", "IRefundIssued", "unrouted"),
        "Told other services IRefundIssued. It left, and nobody listens to it.",
        None,
    ),
    (
        entry(
            *("discrepancy", "late_success", "open"),
            provider_object_id="pi_1",
            local_value="Failed",
            provider_value="10.00 EUR",
        ),
        "A difference was found: late success of pi_1. Here Failed, at fake 10.00 EUR.",
        (
            "It was reported and not believed; a person must look."
            " Once it is dealt with: payments discrepancies close an-id --note …"
        ),
    ),
    (
        entry(
            *("discrepancy", "duplicate_charge", "closed"),
            provider_object_id="pi_2",
            local_value="pi_1",
            provider_value="10.00 EUR",
            closed_by="anna",
            closed_at="2026-11-22T12:00:00.000000Z",
            note="refunded by hand {x}",
        ),
        (
            "A difference was found: duplicate charge of pi_2. Here pi_1, at fake 10.00 EUR."
            " It was closed by anna at 12:00:00 UTC: refunded by hand {x}"
        ),
        None,
    ),
    (
        entry(
            *("discrepancy", "webhook_gap", "repaired"),
            provider_object_id="evt_1",
            local_value="not received",
            provider_value="charge.refunded",
        ),
        (
            "A difference was found: webhook gap of evt_1."
            " Here not received, at fake charge.refunded. It is repaired."
        ),
        None,
    ),
]


@pytest.mark.parametrize(("happened", "text", "waits"), SENTENCES)
def test_sentences(happened: TimelineEntry, text: str, waits: str | None) -> None:
    """
    What happened is told with its facts, and so is what comes next.
    """
    (line,) = told(happened)

    assert (line.text, line.open) == (text, waits)


def test_a_message_waits_for_the_one_before_it() -> None:
    """
    Only the head of an order's messages is sent next; later ones say what they wait for.
    """
    second = attrs.evolve(entry("event", "IRefundIssued", "pending", sequence="10"), id="second")
    first = entry("event", "IPaymentSucceeded", "pending", sequence="9", error="Nobody is bound")
    left = {"sequence": "8", "published_at": "2026-11-22T12:01:06.000000Z"}
    gone = attrs.evolve(entry("event", "IPaymentAuthorized", "published", **left), id="gone")

    waits = {line.id: line.open for line in told(second, first, gone)}

    assert waits == {
        "gone": None,
        "an-id": "The relay sends it next, at ?.",
        "second": "It leaves after the message before it.",
    }


def asked(action: str, **changes: Any) -> AuditRecord:
    """
    Return what the log says of somebody at the command line.
    """
    actor = Actor(channel=Channel.CLI, issuer="host-1", subject="root")
    fields: dict[str, Any] = {"id": uuid4(), "at": NOW, "actor": actor, "action": action}
    return AuditRecord(AuditEntry(**fields | changes))


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            asked("refund", amount=eur("4.00"), reason="damaged"),
            "root asked for a refund of 4.00 EUR, at the command line of host-1: damaged.",
        ),
        (
            asked("webhook.replay", about="webhook evt_1"),
            "root let webhook evt_1 be processed again, at the command line of host-1.",
        ),
        (asked("new.thing"), "root did new.thing to it, at the command line of host-1."),
    ],
)
def test_who_asked(record: AuditRecord, text: str) -> None:
    """
    People are named with the way by which they came, and with their reason.
    """
    assert [line.text for line in told(audit=[record])] == [text]


def test_order_of_the_story() -> None:
    """
    Who asked comes before what was asked of the provider at the same moment.
    """
    late = asked("cancel", at=NOW + timedelta(seconds=1))
    lines = told(
        entry("operation", "create", "succeeded", amount="1.00 EUR"), audit=[late, asked("create")]
    )

    assert [line.kind for line in lines] == ["audit", "operation", "audit"]


def test_summaries() -> None:
    """
    The first lines say what the payment is and how much is open.
    """
    payment = a_payment()
    answered(payment)
    lost = told(entry("operation", "refund", "unknown", amount="4.00 EUR"))
    failed = a_payment()
    failed.status, failed.failure = PaymentStatus.FAILED, Failure("card_declined", "No.")

    assert summary_of(PaymentView.of(payment), lost) == (
        "Succeeded. 10.00 EUR was taken. 1 thing is open."
    )
    assert summary_of(PaymentView.of(failed), []) == (
        "Failed. It is over and no money was taken: No. (card_declined) Nothing is open."
    )


def test_states_have_colours() -> None:
    """
    What went wrong is red, what waits is yellow; what is over and needs nobody has none.
    """
    assert (COLOURS["dead"], COLOURS["parked"], COLOURS["processed"]) == ("red", "yellow", "green")
    assert coloured("superseded") == "superseded"
    assert coloured("Failed ") != "Failed "
