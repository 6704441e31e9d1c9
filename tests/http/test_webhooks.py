"""
What a provider delivers.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments_core.application.receive_webhook import ReceiveWebhook
from payments_core.domain.errors import ConcurrentUpdate
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.ports.provider import NoticeTopic
from payments_core.testing.fake_provider import FakePaymentProvider, Fault
from payments_core.testing.memory import InMemoryDatabase

Api = Any
MakePayment = Callable[[str], str]

PATH = "/api/payments/webhooks/stripe"


def _deliver(api: Api, payload: bytes, headers: dict[str, str]) -> Any:
    return api.post(PATH, data=payload, headers=headers, content_type="application/json")


def test_processed(
    api: Api, alice: Api, payment_in: MakePayment, provider: FakePaymentProvider
) -> None:
    """
    A delivery is 200 and acted on, without any token.
    """
    payment_id = payment_in("RequiresAction")
    provider.approve("stripe_pi_1")
    answer = _deliver(api, *provider.webhook("stripe_pi_1"))

    assert answer.status_code == 200
    assert answer.get_json()["status"] == "processed"
    assert alice.get(f"/api/payments/{payment_id}").get_json()["status"] == "Succeeded"


def test_twenty_at_once(
    api: Api, payment_in: MakePayment, provider: FakePaymentProvider, database: InMemoryDatabase
) -> None:
    """
    Twenty copies of a delivery, at once, are 200 each and have one effect.
    """
    payment_in("RequiresAction")
    provider.approve("stripe_pi_1")
    payload, headers = provider.webhook("stripe_pi_1")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _deliver(api, payload, headers), range(20)))

    assert [a.status_code for a in answers] == [200] * 20
    assert [a.get_json()["duplicate"] for a in answers].count(False) == 1
    assert [m.name for m in database.outbox] == ["IPaymentSucceeded"]


def test_ignored(api: Api, provider: FakePaymentProvider) -> None:
    """
    What concerns no payment is 200 and ignored.
    """
    answer = _deliver(api, *provider.webhook("x", NoticeTopic.OTHER))

    assert answer.get_json()["status"] == "ignored"


def test_locked_out(
    api: Api, provider: FakePaymentProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What could not be stored for others' locks is 503, as for a database that is down.
    """

    def locked(*_: object) -> None:
        raise ConcurrentUpdate("Somebody else was quicker")

    monkeypatch.setattr(ReceiveWebhook, "execute", locked)
    answer = _deliver(api, *provider.webhook("x", NoticeTopic.OTHER))

    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"]


def test_provider_is_down(
    api: Api, payment_in: MakePayment, provider: FakePaymentProvider, database: InMemoryDatabase
) -> None:
    """
    While the provider cannot be asked the delivery is stored, and is 200.
    """
    payment_in("RequiresAction")
    provider.faults.append(Fault("retrieve"))
    answer = _deliver(api, *provider.webhook("stripe_pi_1"))

    assert answer.status_code == 200
    assert answer.get_json()["status"] == "received"
    assert len(database.tables.webhooks) == 1


def _unsigned(_: FakePaymentProvider) -> tuple[bytes, dict[str, str]]:
    return b"{}", {}


def _garbage(_: FakePaymentProvider) -> tuple[bytes, dict[str, str]]:
    return b"{}", {"fake-signature": "garbage"}


def _changed(provider: FakePaymentProvider) -> tuple[bytes, dict[str, str]]:
    payload, headers = provider.webhook("stripe_pi_1")
    return payload + b"\n", headers


def _old(provider: FakePaymentProvider) -> tuple[bytes, dict[str, str]]:
    return provider.webhook("stripe_pi_1", at=datetime.now(UTC) - timedelta(seconds=302))


def _not_text(_: FakePaymentProvider) -> tuple[bytes, dict[str, str]]:
    return b"\xff\xfe", {"fake-signature": "1:x"}


REFUSED: list[tuple[Callable[[FakePaymentProvider], tuple[bytes, dict[str, str]]], str]] = [
    (_unsigned, "webhook_signature_missing"),
    (_garbage, "webhook_signature_invalid"),
    (_changed, "webhook_signature_invalid"),
    (_old, "webhook_timestamp_out_of_tolerance"),
    (_not_text, "webhook_signature_invalid"),
]


@pytest.mark.parametrize(("make", "code"), REFUSED)
def test_refused(
    api: Api,
    provider: FakePaymentProvider,
    database: InMemoryDatabase,
    make: Callable[[FakePaymentProvider], tuple[bytes, dict[str, str]]],
    code: str,
) -> None:
    """
    What the provider did not sign for us, just now, is 400 with nothing but a code, and not stored.
    """
    answer = _deliver(api, *make(provider))

    assert answer.status_code == 400
    assert answer.get_json()["code"] == code
    assert answer.get_json()["detail"] == "The delivery was refused."
    assert not database.tables.webhooks


@pytest.mark.parametrize("name", ["unknown", "STRIPE", "..", "stripe%00"])
def test_unknown_provider(api: Api, name: str) -> None:
    """
    A provider that is not configured has no place to deliver to.
    """
    answer = api.post(f"/api/payments/webhooks/{name}", data=b"{}")

    assert answer.status_code in {404, 405}


def test_too_long(api: Api) -> None:
    """
    256 KiB are the most.
    """
    assert _deliver(api, b" " * 262_145, {}).status_code == 413
    assert _deliver(api, b" " * 262_144, {}).status_code == 400


def test_long_header(api: Api) -> None:
    """
    No signature is 5 KiB long.
    """
    assert _deliver(api, b"{}", {"fake-signature": "x" * 5120}).status_code == 400


S = ProviderPaymentStatus

CONTRADICTIONS: list[tuple[str, str, dict[str, Any], str, list[str]]] = [
    (
        "W27 other amount",
        "RequiresAction",
        {"amount": Money.parse("11.00", "EUR"), "status": S.SUCCEEDED},
        "RequiresAction",
        ["IPaymentDiscrepancyFound"],
    ),
    (
        "W28 other currency",
        "RequiresAction",
        {"amount": Money.parse("10.00", "USD"), "status": S.SUCCEEDED},
        "RequiresAction",
        ["IPaymentDiscrepancyFound"],
    ),
    (
        "W31 failed after succeeded",
        "Succeeded",
        {"status": S.REQUIRES_PAYMENT_METHOD},
        "Succeeded",
        [],
    ),
    ("W32 processing after succeeded", "Succeeded", {"status": S.PROCESSING}, "Succeeded", []),
]


@pytest.mark.parametrize(
    ("before", "changes", "after", "told"),
    [pytest.param(*row, id=entry) for entry, *row in CONTRADICTIONS],
)
def test_what_contradicts_is_no_step(
    api: Api,
    alice: Api,
    payment_in: MakePayment,
    provider: FakePaymentProvider,
    database: InMemoryDatabase,
    before: str,
    changes: dict[str, Any],
    after: str,
    told: list[str],
) -> None:
    """
    What an event brings to light is 200 whatever it is; what cannot be is told, and changes nothing.
    """
    payment_id = payment_in(before)
    known = len(database.outbox)
    provider.change("stripe_pi_1", **changes)
    answer = _deliver(api, *provider.webhook("stripe_pi_1"))

    assert answer.status_code == 200
    assert alice.get(f"/api/payments/{payment_id}").get_json()["status"] == after
    assert [m.name for m in database.outbox][known:] == told


def test_late_success(
    api: Api,
    alice: Api,
    payment_in: MakePayment,
    provider: FakePaymentProvider,
    database: InMemoryDatabase,
) -> None:
    """
    W30: money that was taken after the payment failed is told and given back; it stays Failed.
    """
    payment_id = payment_in("Failed")
    ten = Money.parse("10.00", "EUR")
    provider.change("stripe_pi_1", status=S.SUCCEEDED, authorized=ten, captured=ten)
    answer = _deliver(api, *provider.webhook("stripe_pi_1"))
    shown = alice.get(f"/api/payments/{payment_id}").get_json()

    assert answer.status_code == 200
    assert (shown["status"], shown["capturedAmount"]) == ("Failed", "10.00")
    assert "IPaymentDiscrepancyFound" in [m.name for m in database.outbox]
    assert "IPaymentSucceeded" not in [m.name for m in database.outbox]
    assert "refund" in provider.calls


def test_refund_from_the_dashboard(
    api: Api,
    alice: Api,
    payment_in: MakePayment,
    provider: FakePaymentProvider,
    database: InMemoryDatabase,
) -> None:
    """
    W33: a refund that was made elsewhere becomes one here, and is told once.
    """
    payment_id = payment_in("Succeeded")
    provider.refund_outside("stripe_pi_1", Money.parse("4.00", "EUR"))
    for event in ("evt_one", "evt_two"):
        answer = _deliver(api, *provider.webhook("stripe_pi_1", NoticeTopic.REFUND, event_id=event))
        assert answer.status_code == 200

    assert alice.get(f"/api/payments/{payment_id}").get_json()["refundedAmount"] == "4.00"
    assert [m.name for m in database.outbox].count("IRefundIssued") == 1
