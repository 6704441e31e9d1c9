"""
The adapter as a whole: over HTTP against the simulator with faults, or a server by script.
"""

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest

from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.domain.requests import (
    CaptureIntent,
    CaptureMethod,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)
from payments_core.ports.errors import (
    ProviderDeclined,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from payments_core.ports.provider import Window
from payments_stripe import StripePaymentProvider, StripeSettings, parameters
from payments_stripe.webhook import EVENT_TYPES
from stripe_simulator import Simulator
from tests.stripe.peers import Peer, answer, peer, settings_for, silence
from tests.stripe.shapes import a_list, a_refund, an_error, an_intent

TEN = Money.parse("10.00", "EUR")
FOUR = Money.parse("4.00", "EUR")
ALWAYS = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


def a_creation(**changes: Any) -> CreateIntent:
    """
    Return a request that pays 10.00 EUR at once.
    """
    fields: dict[str, Any] = {
        "payment_id": uuid4(),
        "operation_id": uuid4(),
        "order_id": uuid4(),
        "amount": TEN,
        "capture_method": CaptureMethod.AUTOMATIC,
        "payment_method_id": "pm_card_visa",
    }
    return CreateIntent(**fields | changes)


def create(provider: StripePaymentProvider, **changes: Any) -> ProviderPayment:
    """
    Pay 10.00 EUR.
    """
    return provider.create_intent(a_creation(**changes), idempotency_key=str(uuid4()))


def refund(payment: ProviderPayment, amount: Money = FOUR) -> RefundCapture:
    """
    Return a request to give a part back.
    """
    return RefundCapture(uuid4(), uuid4(), uuid4(), payment.id, amount)


@pytest.fixture
def hour(simulator: Simulator) -> Window:
    """
    The hour around the simulator's time.
    """
    now = datetime.fromtimestamp(simulator.clock.now(), UTC)
    return Window(now - timedelta(minutes=30), now + timedelta(minutes=30))


# ------------------------------------------------------------ what reaches Stripe


def test_keys_and_metadata_reach_stripe(
    simulator: Simulator, provider: StripePaymentProvider
) -> None:
    """
    The object bears our ids, so that it can be found again without its own.
    """
    request = a_creation()
    payment = provider.create_intent(request, idempotency_key="key-1")
    found = simulator.with_metadata("payment_intent", "operation_id", str(request.operation_id))

    assert [intent["id"] for intent in found] == [payment.id]
    assert found[0]["metadata"]["order_id"] == str(request.order_id)


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("500", "JPY", 500),
        ("5.250", "BHD", 5250),
        ("700", "ISK", 70_000),
        ("4000", "UGX", 400_000),
    ],
)
def test_amounts_on_the_wire(
    simulator: Simulator, provider: StripePaymentProvider, amount: str, currency: str, units: int
) -> None:
    """
    Stripe is asked for the amount in its own units.
    """
    payment = create(provider, amount=Money.parse(amount, currency))
    intents = simulator.objects("payment_intent", id=payment.id)

    assert [intent["amount"] for intent in intents] == [units]


def test_amount_that_cannot_be_sent_is_rejected(
    simulator: Simulator, provider: StripePaymentProvider
) -> None:
    """
    A part of an amount may be unsendable where the whole was not; nothing is sent then.
    """
    dinar = Money.parse("10.000", "BHD")
    payment = create(provider, amount=dinar, capture_method=CaptureMethod.MANUAL)
    before = len(simulator.requests())
    part = Money.parse("1.234", "BHD")

    with pytest.raises(ProviderRejected, match=r"steps of 0\.010"):
        provider.capture(CaptureIntent(payment.id, part), idempotency_key="key-1")
    with pytest.raises(ProviderRejected, match=r"steps of 0\.010"):
        provider.refund(refund(payment, part), idempotency_key="key-2")
    assert len(simulator.requests()) == before


def test_three_d_secure_without_return_url(provider: StripePaymentProvider) -> None:
    """
    Without a return URL the browser's script asks the customer: there is no page of ours.
    """
    payment = create(provider, payment_method_id="pm_card_threeDSecure2Required")

    assert payment.status is ProviderPaymentStatus.REQUIRES_ACTION
    assert payment.redirect_url is None
    assert payment.client_secret


# ------------------------------------------------------------ replays


def test_replayed_payment_is_read_again(
    simulator: Simulator, provider: StripePaymentProvider
) -> None:
    """
    An answer that Stripe repeats is a snapshot: what is returned is the object of now.
    """
    request = a_creation(payment_method_id="pm_card_threeDSecure2Required")
    first = provider.create_intent(request, idempotency_key="key-1")
    simulator.approve(first.id)
    second = provider.create_intent(request, idempotency_key="key-1")

    assert first.status is ProviderPaymentStatus.REQUIRES_ACTION
    assert (second.id, second.status) == (first.id, ProviderPaymentStatus.SUCCEEDED)


def test_replayed_decline_shows_the_object_of_now(provider: StripePaymentProvider) -> None:
    """
    The key's answer stays a decline; the object beside it may have been paid since.
    """
    request = a_creation(payment_method_id="pm_card_visa_chargeDeclined")
    with pytest.raises(ProviderDeclined) as first:
        provider.create_intent(request, idempotency_key="key-1")
    assert first.value.payment is not None
    again = ConfirmIntent(first.value.payment.id, "pm_card_visa")
    provider.confirm(again, idempotency_key="key-2")
    with pytest.raises(ProviderDeclined) as second:
        provider.create_intent(request, idempotency_key="key-1")

    assert second.value.payment is not None
    assert second.value.payment.status is ProviderPaymentStatus.SUCCEEDED


def test_replayed_refund_is_read_again(
    simulator: Simulator, provider: StripePaymentProvider
) -> None:
    """
    A refund that was pending when it was made may have arrived since.
    """
    payment = create(provider, payment_method_id="pm_card_pendingRefund")
    request = refund(payment)
    first = provider.refund(request, idempotency_key="key-1")
    simulator.clock.advance(120)
    second = provider.refund(request, idempotency_key="key-1")

    assert (first.status, second.status) == ("pending", "succeeded")
    assert first.id == second.id


# ------------------------------------------------------------ faults of the simulator


@pytest.mark.parametrize("kind", ["timeout", "effect_then_timeout"])
def test_lost_answer_is_unavailable_and_the_key_finds_it(
    simulator: Simulator, settings: StripeSettings, provider: StripePaymentProvider, kind: str
) -> None:
    """
    Whether a payment was made is open; the same key makes it once, or names it.
    """
    simulator.faults.add(kind=kind, operation="payment_intents.create", seconds=1.5)
    request = a_creation()
    impatient = StripePaymentProvider(attrs.evolve(settings, read_timeout=1.0))
    with pytest.raises(ProviderUnavailable, match="timeout"):
        impatient.create_intent(request, idempotency_key="key-1")
    impatient.close()
    payment = provider.create_intent(request, idempotency_key="key-1")

    assert payment.status is ProviderPaymentStatus.SUCCEEDED
    assert len(simulator.objects("payment_intent")) == 1


@pytest.mark.parametrize("kind", ["reset", "effect_then_reset", "rate_limited"])
def test_what_may_pass_is_sent_again(
    simulator: Simulator, provider: StripePaymentProvider, kind: str
) -> None:
    """
    A broken connection is bridged within the call, and money moves once.
    """
    simulator.faults.add(kind=kind, operation="payment_intents.create")
    payment = create(provider)

    assert payment.status is ProviderPaymentStatus.SUCCEEDED
    assert len(simulator.objects("payment_intent")) == 1


@pytest.mark.parametrize("kind", ["error_500", "error_500_effect", "garbage", "redirect"])
def test_what_stripe_would_repeat_is_not_sent_again(
    simulator: Simulator, provider: StripePaymentProvider, kind: str
) -> None:
    """
    After an answer that says nothing the write is left to whoever keeps the record.
    """
    simulator.faults.add(kind=kind, operation="payment_intents.create")
    with pytest.raises(ProviderUnavailable):
        create(provider)
    sent = [r for r in simulator.requests() if r["path"] == "/v1/payment_intents"]

    assert len(sent) == 1


def test_events_are_listed_page_by_page(
    simulator: Simulator, provider: StripePaymentProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However many pages there are, each event that an endpoint is sent comes once.
    """
    monkeypatch.setattr(parameters, "PAGE", 2)
    for _ in range(3):
        create(provider)
    now = datetime.now(UTC)
    listed = provider.list_events(Window(now - timedelta(minutes=1), now + timedelta(minutes=1)))
    types = [event.type for event in listed]

    assert types == ["payment_intent.succeeded"] * 3
    assert len(simulator.objects("event")) > 3


def test_a_listing_that_breaks_is_no_list(
    simulator: Simulator, provider: StripePaymentProvider
) -> None:
    """
    An error in a listing is raised: what was not listed is not missing.
    """
    create(provider)
    simulator.faults.add(kind="error_500", operation="events.list", times=5)
    now = datetime.now(UTC)

    with pytest.raises(ProviderUnavailable):
        list(provider.list_events(Window(now - timedelta(minutes=1), now)))


def test_readme_names_the_events_of_the_endpoint() -> None:
    """
    What the endpoint is to be sent is what is looked for when it was not.
    """
    readme = Path("packages/payments-stripe/README.md").read_text("utf-8")
    named = re.findall(r"`((?:payment_intent|charge|refund)\.[a-z_.]+)`", readme)

    assert sorted(named) == list(EVENT_TYPES)


def test_redirects_are_not_followed() -> None:
    """
    Our key is not sent to wherever an answer points.
    """
    with (
        peer(answer(200, an_intent())) as elsewhere,
        peer(answer(307, b"", Location=elsewhere.url + "/v1/payment_intents/pi_1")) as server,
    ):
        provider = StripePaymentProvider(settings_for(server.url))
        with pytest.raises(ProviderUnavailable):
            provider.retrieve("pi_1")
        provider.close()

        assert elsewhere.requests == []


def test_breaker_leaves_a_dead_provider_alone() -> None:
    """
    After some calls without an answer the next one ends at once, without a request.
    """
    with peer(answer(500, an_error(type="api_error"))) as server:
        provider = StripePaymentProvider(settings_for(server.url, breaker_failures=2))
        for _ in range(2):
            with pytest.raises(ProviderUnavailable, match="http_500"):
                create(provider)
        with pytest.raises(ProviderUnavailable, match="circuit_open") as refused:
            create(provider)
        provider.close()

        assert len(server.requests) == 2
        assert refused.value.retry_after is not None


def test_webhooks_are_read_while_the_breaker_is_open() -> None:
    """
    Reading a delivery asks nobody.
    """
    with peer(answer(500, b"")) as server:
        provider = StripePaymentProvider(settings_for(server.url, breaker_failures=1))
        with pytest.raises(ProviderUnavailable):
            provider.ping()
        with pytest.raises(ProviderError, match="circuit_open"):
            provider.ping()
        provider.close()

        with pytest.raises(Exception, match="Stripe-Signature is missing"):
            provider.parse_webhook(b"{}", {})


def test_wrong_key_is_misconfigured(simulator: Simulator) -> None:
    """
    A key that Stripe refuses is a fault of ours, and is not shown.
    """
    settings = settings_for(simulator.url, api_key="sk_test_nobody")
    provider = StripePaymentProvider(settings)
    with pytest.raises(ProviderMisconfigured) as refused:
        provider.ping()
    provider.close()

    assert "nobody" not in str(refused.value)


# ------------------------------------------------------------ listings


def test_listings_go_through_all_pages(
    simulator: Simulator, provider: StripePaymentProvider, hour: Window
) -> None:
    """
    More than a page of objects is listed whole and each once, and only as far as is asked.
    """
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: create(provider).id, range(105)))
    before = len(simulator.requests())
    listing = provider.list_payments(hour)
    first = next(listing)
    pages = len(simulator.requests()) - before
    listed = [first.id, *(payment.id for payment in listing)]

    assert pages == 1
    assert len(listed) == len(set(listed))
    assert set(listed) == set(made)


@pytest.fixture
def two_pages() -> Iterator[Peer]:
    """
    A listing whose second page is lost.
    """
    first = answer(200, a_list(an_intent(id="pi_2"), an_intent(id="pi_1"), more=True))
    with peer(first, answer(500, an_error(type="api_error"))) as server:
        yield server


def test_error_in_the_middle_is_raised(two_pages: Peer) -> None:
    """
    A listing that breaks off is never taken for a whole one.
    """
    provider = StripePaymentProvider(settings_for(two_pages.url))
    listing = provider.list_payments(ALWAYS)
    seen = [next(listing).id, next(listing).id]
    with pytest.raises(ProviderUnavailable):
        next(listing)
    provider.close()

    assert seen == ["pi_2", "pi_1"]
    assert "starting_after=pi_1" in two_pages.requests[1].line


@pytest.mark.parametrize(
    "page",
    [
        a_list(more=True),
        a_list(an_intent(), more=True),
        {"object": "list"},
        {"object": "list", "data": {}, "has_more": False},
        {"object": "list", "data": [], "has_more": None},
        {"object": "list", "data": [], "has_more": "false"},
        {"object": "list", "has_more": False},
    ],
)
def test_broken_page_is_no_answer(page: dict[str, Any]) -> None:
    """
    A page that is none is no empty page, and one that leads to itself is no loop.
    """
    with peer(*[answer(200, page)] * 3, answer(200, a_list())) as server:
        provider = StripePaymentProvider(settings_for(server.url))
        with pytest.raises(ProviderUnavailable):
            list(provider.list_payments(ALWAYS))
        provider.close()


def test_foreign_objects_are_passed_over() -> None:
    """
    One old object in a currency of the past does not end every listing.
    """
    old = an_intent(id="pi_old", metadata={}, currency="std")
    with peer(answer(200, a_list(old, an_intent()))) as server:
        provider = StripePaymentProvider(settings_for(server.url))
        listed = [payment.id for payment in provider.list_payments(ALWAYS)]
        provider.close()

        assert listed == ["pi_1"]


def test_unreadable_object_of_ours_ends_the_listing() -> None:
    """
    What bears our metadata is never passed over.
    """
    with peer(answer(200, a_list(an_intent(currency="std")))) as server:
        provider = StripePaymentProvider(settings_for(server.url))
        with pytest.raises(ProviderUnavailable, match="unreadable"):
            list(provider.list_payments(ALWAYS))
        provider.close()


# ------------------------------------------------------------ releases


def test_void_and_partial_capture_are_releases(provider: StripePaymentProvider) -> None:
    """
    The refund that Stripe makes for the rest is a release, and ours beside it is none.
    """
    payment = create(provider, capture_method=CaptureMethod.MANUAL)
    provider.capture(CaptureIntent(payment.id, FOUR), idempotency_key="key-1")
    ours = provider.refund(refund(payment), idempotency_key="key-2")
    seen = {r.id: r.releases_only for r in provider.refunds_of(payment.id)}

    assert seen.pop(ours.id) is False
    assert list(seen.values()) == [True]


def test_expired_hold(simulator: Simulator, provider: StripePaymentProvider) -> None:
    """
    A hold that nobody captured ends by itself and says so.
    """
    payment = create(provider, capture_method=CaptureMethod.MANUAL)
    simulator.clock.advance(timedelta(days=8).total_seconds())
    after = provider.retrieve(payment.id)

    assert (after.status, after.expired) == (ProviderPaymentStatus.CANCELED, True)
    assert all(r.releases_only for r in provider.refunds_of(payment.id))


# ------------------------------------------------------------ manners


def test_threads_share_one_provider(provider: StripePaymentProvider) -> None:
    """
    Calls from several threads do not meet each other's answers or deadlines.
    """
    requests = [a_creation() for _ in range(40)]

    def pay(request: CreateIntent) -> bool:
        payment = provider.create_intent(request, idempotency_key=str(request.operation_id))
        return payment.payment_id == request.payment_id

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(pay, requests))


def test_slow_thread_does_not_slow_another() -> None:
    """
    While one call waits for an answer, another one is answered.
    """
    with peer(silence, answer(200, an_intent())) as server:
        provider = StripePaymentProvider(settings_for(server.url, max_attempts=1))

        def ask() -> None:
            with suppress(ProviderError):
                provider.ping()

        slow = threading.Thread(target=ask)
        slow.start()
        while not server.requests:
            slow.join(0.01)
        quick = provider.retrieve("pi_1")

        assert slow.is_alive()
        assert quick.id == "pi_1"
        slow.join()
        provider.close()


def test_notices_of_stripe_do_not_become_errors() -> None:
    """
    The SDK warns of a Stripe-Notice; where warnings are errors a payment must not fail.
    """
    with peer(answer(200, an_intent(), Stripe_Notice="Upgrade!")) as server:
        provider = StripePaymentProvider(settings_for(server.url))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            payment = provider.retrieve("pi_1")
        provider.close()

        assert payment.id == "pi_1"


def test_no_secret_is_logged(
    provider: StripePaymentProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """
    At the finest level of the root logger no key and no client secret is written.
    """
    with caplog.at_level(logging.DEBUG):
        payment = create(provider)
        provider.retrieve(payment.id)

    assert payment.client_secret
    assert payment.client_secret not in caplog.text
    assert "sk_test_" not in caplog.text


def test_nothing_is_written_to_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: StripePaymentProvider
) -> None:
    """
    The SDK's telemetry would keep an id there, and fail where there is no home.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    provider.ping()

    assert list(tmp_path.iterdir()) == []


def test_netrc_does_not_replace_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: StripeSettings
) -> None:
    """
    A password for the host in a .netrc is not sent instead of the key.
    """
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    provider = StripePaymentProvider(settings)
    provider.ping()
    provider.close()


def test_refund_of_charge_without_intent_is_passed_over() -> None:
    """
    A refund that belongs to no PaymentIntent is none of ours.
    """
    loose = a_refund(id="re_loose", metadata={}, payment_intent=None)
    with peer(answer(200, a_list(loose, a_refund()))) as server:
        provider = StripePaymentProvider(settings_for(server.url))
        listed = [r.id for r in provider.list_refunds(ALWAYS)]
        provider.close()

        assert listed == ["re_1"]


def test_name_can_be_chosen(settings: StripeSettings) -> None:
    """
    Two accounts are two providers.
    """
    provider = StripePaymentProvider(settings, name="stripe-uk")

    assert provider.name == "stripe-uk"
    provider.close()
