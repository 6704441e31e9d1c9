"""
Every command on a pseudo-terminal: what a person sees at two widths, is asked, and interrupts.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest

from payments_cli.main import COMMANDS
from payments_cli.refusal import ExitCode
from scripts.servers.process import free_port
from tests.cli.terminal import CTRL_C, Screen, Terminals, terminals

Service = Any

COLOURED: Final = "\x1b["


@attrs.frozen
class Place:
    """
    A running service, a payment with a webhook, and terminals to look at them.
    """

    service: Service
    terminals: Terminals
    payment: str
    event: str

    def run(self, *words: str, **options: Any) -> Screen:
        """
        Run a command on a terminal; names in braces are filled in.
        """
        filled = [word.format(payment=self.payment, event=self.event) for word in words]
        return self.terminals.run(*filled, "--development", **options)


@pytest.fixture(scope="module")
def place(service: Service) -> Iterator[Place]:
    """
    The same for all tests that only look.
    """
    payment = service.pay()["paymentId"]
    service.wait_for_webhooks(payment, 1)
    event = service.read("webhooks", "list", "--payment", payment)["items"][0]["eventId"]
    with terminals(service.home) as opened:
        yield Place(service, opened, payment, event)


LOOKING: Final = {
    "list": ["list", "--limit", "5"],
    "show": ["show", "{payment}"],
    "explain": ["explain", "{payment}"],
    "webhooks list": ["webhooks", "list", "--payment", "{payment}"],
    "webhooks show": ["webhooks", "show", "{event}"],
    "webhooks replay": ["webhooks", "replay", "{event}", "--dry-run"],
    "webhooks backfill": ["webhooks", "backfill", "--since", "1h"],
    "reconcile": ["reconcile", "--since", "1h", "--dry-run"],
    "audit list": ["audit", "list", "--payment", "{payment}"],
    "audit verify": ["audit", "verify", "--since", "1h"],
    "operations list": ["operations", "list"],
    "discrepancies list": ["discrepancies", "list", "--all"],
    "outbox list": ["outbox", "list"],
    "db status": ["db", "status"],
    "db migrate": ["db", "migrate"],
    "health": ["health"],
}
"""
Commands that change nothing, or nothing more.
"""

COLOURFUL: Final = {"list", "show", "explain", "webhooks list", "webhooks replay", "health"}

SLOW: Final = {
    "webhooks backfill": "Comparing events",
    "audit verify": "Checking payments",
    "reconcile": "Comparing",
}
"""
Those that show how far they are.
"""


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", LOOKING)
def test_looking(place: Place, name: str, width: int) -> None:
    """
    A terminal shows whole lines in its width, in colours, with a bar where it takes long.
    """
    screen = place.run(*LOOKING[name], width=width)

    assert screen.code == ExitCode.OK, screen.text
    assert max(map(len, screen.lines)) <= width, screen.text
    assert "Traceback" not in screen.text
    assert (COLOURED in screen.raw) or name not in COLOURFUL
    assert SLOW.get(name, "") in screen.raw


@pytest.mark.parametrize("name", LOOKING)
def test_piped(place: Place, name: str) -> None:
    """
    Where no terminal is, there is no colour and no bar, and nothing is told beside the answer.
    """
    words = [w.format(payment=place.payment, event=place.event) for w in LOOKING[name]]
    ended = place.service.on(*words)

    assert ended.exit_code == ExitCode.OK
    assert "\x1b" not in ended.output
    assert "\r" not in ended.output
    assert ended.stderr == "" or "There are more" in ended.stderr


def test_no_colour(place: Place) -> None:
    """
    Who sets NO_COLOR gets none on a terminal either.
    """
    screen = place.run("list", environ={"NO_COLOR": "1"})

    assert screen.code == ExitCode.OK
    assert COLOURED not in screen.raw


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", [80, 120])
def test_help(place: Place, name: str, width: int) -> None:
    """
    Help is in the terminal's width, and teaches by examples.
    """
    screen = place.terminals.run(name, "--help", width=width)

    assert screen.code == ExitCode.OK
    assert max(map(len, screen.lines)) <= width
    assert f"payments {name}" in screen.text.partition("Examples:")[2]


def test_token_and_completion(place: Place) -> None:
    """
    What is to be copied or evaluated is printed as it is.
    """
    token = place.terminals.run("token", "--role", "Customer")
    script = place.terminals.run("completion", "bash")

    assert (token.code, script.code) == (ExitCode.OK, ExitCode.OK)
    assert len(token.text.strip().split(".")) == 3
    assert "_payments_completion_setup;" in script.text


# ------------------------------------------------------------ questions


QUESTIONS: Final = [
    (["refund", "{payment}"], {}, "Refund the 10.00 EUR that is left of payment"),
    (["capture", "{payment}"], {"captureMethod": "manual"}, "Capture 10.00 EUR of payment"),
    (["cancel", "{payment}"], {"captureMethod": "manual"}, "Cancel payment"),
]


@pytest.mark.parametrize(("words", "kind", "question"), QUESTIONS)
@pytest.mark.parametrize(
    ("keys", "code", "end"),
    [
        (b"n\n", ExitCode.FAILED, "Error: Nothing was done"),
        (b"\n", ExitCode.FAILED, "Error: Nothing was done"),
        (CTRL_C, ExitCode.INTERRUPTED, "Error: Interrupted"),
    ],
)
def test_no_is_no(
    place: Place,
    words: list[str],
    kind: dict[str, str],
    question: str,
    keys: bytes,
    code: ExitCode,
    end: str,
) -> None:
    """
    Before money moves it asks; without a yes nothing is sent to the provider.
    """
    payment = place.service.pay(**kind)["paymentId"]
    before = place.service.writes()
    screen = attrs.evolve(place, payment=payment).run(*words, keys=keys, when="[y/N]")

    assert question in screen.text
    assert screen.code == code
    assert screen.lines[-1].endswith(end)
    assert place.service.writes() == before


@pytest.mark.parametrize(("words", "kind", "question"), QUESTIONS)
def test_yes_is_yes(place: Place, words: list[str], kind: dict[str, str], question: str) -> None:
    """
    A yes does it, and what came of it is shown.
    """
    payment = place.service.pay(**kind)["paymentId"]
    screen = attrs.evolve(place, payment=payment).run(*words, keys=b"y\n", when="[y/N]")

    assert screen.code == ExitCode.OK, screen.text
    assert question in screen.text
    assert payment in screen.text
    assert max(map(len, screen.lines)) <= 80 + len(payment)


@pytest.mark.parametrize(("verb", "keys"), [("requeue", b""), ("release", b"y\n")])
def test_outbox(place: Place, verb: str, keys: bytes) -> None:
    """
    A message that does not wait is not found.
    """
    screen = place.run("outbox", verb, str(uuid4()), keys=keys, when="[y/N]")

    assert screen.code == ExitCode.NOT_FOUND
    assert "Error: There is no message " in screen.text


# ------------------------------------------------------------ Ctrl-C


def asked(service: Service, path: str) -> Callable[[], bool]:
    """
    Return whether the provider has been asked for this since now.
    """
    before = sum(r["path"] == path for r in service.requests())
    return lambda: sum(r["path"] == path for r in service.requests()) > before


def test_interrupted_refund_is_not_lost(place: Place, impatient: Service) -> None:
    """
    Ctrl-C while the provider is asked says how to go on; the refund is on record, and is one.
    """
    payment = impatient.pay()["paymentId"]
    impatient.fault(kind="slow", operation="refunds.create", seconds=3, times=1)
    words = ("refund", "{payment}", "--amount", "4.00", "--idempotency-key", "ctrl-c", "--yes")
    looking = attrs.evolve(place, payment=payment)
    patient = {"PAYMENT_PROVIDERS__STRIPE__READ_TIMEOUT": "8"}
    when = asked(impatient, "/v1/refunds")
    screen = looking.run(*words, keys=CTRL_C, when=when, environ=patient)
    again = looking.run(*words, environ=patient)
    deadline = time.monotonic() + 60
    while impatient.read("show", payment)["refundedAmount"] == "0.00":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    timeline = impatient.read("show", payment)["timeline"]

    assert screen.code == ExitCode.INTERRUPTED
    assert "Nothing is lost" in screen.text
    assert "--idempotency-key ctrl-c" in screen.text
    assert again.code in {ExitCode.ALREADY_RUNNING, ExitCode.OK}
    assert sum(entry["kind"] == "refund" for entry in timeline) == 1


def test_interrupted_backfill_goes_on(place: Place, impatient: Service) -> None:
    """
    Ctrl-C in the middle of a backfill keeps what was filled; the same command does the rest.
    """
    impatient.fault(kind="slow", operation="events.list", seconds=3, times=1)
    when = asked(impatient, "/v1/events")
    screen = place.run("webhooks", "backfill", "--since", "1h", keys=CTRL_C, when=when)

    assert screen.code == ExitCode.INTERRUPTED
    assert "Nothing is lost" in screen.text
    assert "Run the same command again" in screen.text
    assert place.run("webhooks", "backfill", "--since", "1h").code == ExitCode.OK


def test_interrupted_reconciliation_goes_on(place: Place, impatient: Service) -> None:
    """
    Ctrl-C while it compares says that nothing is lost; the same command goes on.
    """
    # Twice: the service's own look at the provider may list payments at this moment too.
    impatient.fault(kind="slow", operation="payment_intents.list", seconds=3, times=2)
    when = asked(impatient, "/v1/payment_intents")
    words = ("reconcile", "--since", "1h")
    screen = place.run(*words, keys=CTRL_C, when=when)

    assert screen.code == ExitCode.INTERRUPTED
    assert "goes on" in screen.text


def test_interrupted_worker_finishes(place: Place) -> None:
    """
    Ctrl-C lets the worker finish what is under way, and says that nothing is lost.
    """
    screen = place.run("worker", "--only", "relay", keys=CTRL_C, when="Ctrl-C stops")

    assert screen.code == ExitCode.INTERRUPTED
    assert "Finishing what is under way" in screen.text
    assert "Nothing is lost" in screen.lines[-1]


@pytest.mark.slow
def test_serving(place: Place, tmp_path: Path) -> None:
    """
    The whole service says what to try, and Ctrl-C ends it.
    """
    port = str(free_port())
    opened = attrs.evolve(place.terminals, home=tmp_path)
    words = ("serve", "--development", "--port", port)
    screen = opened.run(*words, keys=CTRL_C, when="payments show", width=120)

    assert screen.code == ExitCode.OK
    assert f"http://localhost:{port}/swagger" in screen.text
    assert "Stopping" in screen.text
