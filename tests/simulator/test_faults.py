"""
Faults by script: each kind, when it strikes, and that chance repeats with the seed.
"""

from __future__ import annotations

import time

import pytest
import requests
import stripe

from stripe_simulator import Rule, Simulator
from stripe_simulator.faults import KINDS
from tests.simulator.harness import RETURN_URL, Api, payment, wait_until

PATH = "/v1/payment_intents"


def charges(simulator: Simulator) -> int:
    """
    How many charges succeeded.
    """
    return len(simulator.objects("charge", status="succeeded"))


def send(api: Api, key: str = "k") -> requests.Response | None:
    """
    One payment; None when there was no answer.
    """
    try:
        return api.request("POST", PATH, payment(), Idempotency_Key=key)
    except requests.ConnectionError:
        return None


@pytest.mark.parametrize(
    ("kind", "done"),
    [("timeout", 0), ("effect_then_timeout", 1), ("reset", 0), ("effect_then_reset", 1)],
)
def test_no_answer(api: Api, simulator: Simulator, kind: str, done: int) -> None:
    """
    Without an answer the payment is made or not, as the kind says, and a repeat finds out.
    """
    simulator.faults.add(kind=kind, operation="payment_intents.create", seconds=0.1)

    lost = send(api)
    made = charges(simulator)
    again = send(api)

    assert lost is None
    assert made == done
    assert again is not None
    assert ("Idempotent-Replayed" in again.headers) is bool(done)
    assert charges(simulator) == 1


def test_reset_is_a_reset(api: Api, simulator: Simulator) -> None:
    """
    A reset ends the connection with a TCP RST, not with an orderly end.
    """
    simulator.faults.add(kind="reset")

    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        api.request("POST", PATH, payment())


def test_timeout_through_the_sdk(simulator: Simulator) -> None:
    """
    The SDK's own timeout ends the waiting.
    """
    simulator.faults.add(kind="effect_then_timeout", seconds=30)
    http = stripe.RequestsClient(timeout=(1, 0.2))
    client = stripe.StripeClient(
        simulator.api_key, base_addresses={"api": simulator.url}, http_client=http
    )

    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(
            {
                "amount": 1000,
                "currency": "usd",
                "confirm": True,
                "payment_method": "pm_card_visa",
                "return_url": RETURN_URL,
            }
        )
    http.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped

    wait_until(lambda: charges(simulator) == 1)


@pytest.mark.parametrize(("kind", "done"), [("error_500", 0), ("error_500_effect", 1)])
def test_server_error_is_kept(api: Api, simulator: Simulator, kind: str, done: int) -> None:
    """
    A 500 is kept under the key, with or without an effect, and no retry is advised.
    """
    simulator.faults.add(kind=kind)

    first, again = send(api), send(api)

    assert first is not None
    assert again is not None
    assert (first.status_code, again.status_code) == (500, 500)
    assert first.json()["error"]["type"] == "api_error"
    assert first.headers["Stripe-Should-Retry"] == "false"
    assert again.headers["Idempotent-Replayed"] == "true"
    assert charges(simulator) == done


def test_rate_limit_is_not_kept(api: Api, simulator: Simulator) -> None:
    """
    A 429 comes before the idempotency layer: a retry with the same key runs.
    """
    simulator.faults.add(kind="rate_limited")

    limited, again = send(api), send(api)

    assert limited is not None
    assert again is not None
    assert (limited.status_code, again.status_code) == (429, 200)
    assert limited.headers["Retry-After"] == "1"
    assert limited.headers["Stripe-Should-Retry"] == "true"
    assert "Idempotent-Replayed" not in again.headers


def test_rate_limit_through_the_sdk(client: stripe.StripeClient, simulator: Simulator) -> None:
    """
    The SDK raises its RateLimitError.
    """
    simulator.faults.add(kind="rate_limited")

    with pytest.raises(stripe.RateLimitError):
        client.v1.balance.retrieve()


@pytest.mark.parametrize(("kind", "done"), [("garbage", 0), ("effect_then_garbage", 1)])
def test_garbage(client: stripe.StripeClient, simulator: Simulator, kind: str, done: int) -> None:
    """
    An answer that is no JSON is an APIError of the SDK.
    """
    simulator.faults.add(kind=kind)

    with pytest.raises(stripe.APIError, match="Invalid response body"):
        client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})

    assert len(simulator.objects("payment_intent")) == done


def test_redirect(api: Api, simulator: Simulator) -> None:
    """
    A redirect leads away without an effect.
    """
    simulator.faults.add(kind="redirect")

    answer = send(api)

    assert answer is not None
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{simulator.url}/_simulator/elsewhere"
    assert charges(simulator) == 0


def test_slow(api: Api, simulator: Simulator) -> None:
    """
    A slow call answers rightly, after its seconds.
    """
    simulator.faults.add(kind="slow", seconds=0.3)
    began = time.monotonic()

    answer = send(api)

    assert answer is not None
    assert answer.status_code == 200
    assert time.monotonic() - began >= 0.3


def test_nth_call_only(api: Api, simulator: Simulator) -> None:
    """
    A rule with nth strikes that call and no other.
    """
    simulator.faults.add(kind="rate_limited", nth=3)

    statuses = [api.request("GET", "/v1/balance").status_code for _ in range(5)]

    assert statuses == [200, 200, 429, 200, 200]


def test_times(api: Api, simulator: Simulator) -> None:
    """
    A rule with times strikes that often.
    """
    simulator.faults.add(kind="rate_limited", times=2)

    statuses = [api.request("GET", "/v1/balance").status_code for _ in range(4)]

    assert statuses == [429, 429, 200, 200]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"operation": "balance.*"}, [429, 200]),
        ({"operation": "refunds.create"}, [200, 200]),
        ({"method": "POST"}, [200, 200]),
        ({"path": "/v1/events*"}, [200, 429]),
    ],
)
def test_match(api: Api, simulator: Simulator, rule: dict[str, str], expected: list[int]) -> None:
    """
    A rule strikes only the operations, methods and paths that it names.
    """
    simulator.faults.add(kind="rate_limited", **rule)

    statuses = [api.request("GET", path).status_code for path in ("/v1/balance", "/v1/events")]

    assert statuses == expected


def test_chance_repeats_with_the_seed() -> None:
    """
    With the same seed the same calls are struck; with another seed others.
    """

    def struck(seed: int) -> list[int]:
        with Simulator(seed=seed) as simulator:
            simulator.faults.add(kind="rate_limited", probability=0.5)
            api = Api(simulator.url, simulator.api_key)
            statuses = [api.request("GET", "/v1/balance").status_code for _ in range(40)]
            api.session.close()
            return statuses

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert set(struck(1)) == {200, 429}


def test_log_tells_the_fault(api: Api, simulator: Simulator) -> None:
    """
    The log names the fault that met a request, and has no status where none was sent.
    """
    simulator.faults.add(kind="effect_then_reset")
    send(api)
    send(api)

    lost, replayed = simulator.requests()
    assert (lost["fault"], lost["status"], lost["idempotency_key"]) == (
        "effect_then_reset",
        None,
        "k",
    )
    assert (replayed["fault"], replayed["status"], replayed["replayed"]) == (None, 200, True)


def test_unknown_kind_is_refused() -> None:
    """
    A rule that says nothing known is refused with what is known.
    """
    with pytest.raises(ValueError, match="use one of timeout"):
        Rule(kind="explode")
    with pytest.raises(ValueError, match="not \\['when'\\]"):
        Rule.from_json({"kind": "slow", "when": "now"})


def test_every_kind_says_effect_and_reply() -> None:
    """
    Of every broken reply that can hide an effect there is a kind with it and one without.
    """
    pairs = {(kind.reply, kind.effect) for kind in KINDS.values()}

    for reply in ("silence", "reset", "error_500", "garbage"):
        assert {(reply, True), (reply, False)} <= pairs


def test_the_sdk_retries_through_a_rate_limit(simulator: Simulator) -> None:
    """
    The SDK's own retries heed Stripe-Should-Retry, and the same key makes one payment.
    """
    simulator.faults.add(kind="rate_limited")
    http = stripe.RequestsClient(timeout=(3, 8))
    client = stripe.StripeClient(
        simulator.api_key,
        base_addresses={"api": simulator.url},
        http_client=http,
        max_network_retries=1,
    )

    client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    http.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped

    first, second = simulator.requests()
    assert (first["status"], second["status"]) == (429, 200)
    assert first["idempotency_key"] == second["idempotency_key"] is not None
