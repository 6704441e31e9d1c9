"""
How commands that move money end, also when the answer is lost.
"""

import getpass
import json
import os
import pty
import re
import socket
import sqlite3
import subprocess
from contextlib import closing
from typing import Any, Final
from uuid import UUID

import pytest

from payments_bootstrap import Container
from payments_cli.changes import NO_ANSWER, WAITS, repeatable
from payments_cli.commands.refund import MAYBE_MADE
from payments_cli.refusal import ExitCode, Refusal
from payments_cli.session import Session
from payments_core.domain.errors import StorageUnavailable
from tests.cli.conftest import PAYMENTS, clean_environ

Service = Any

LOST: Final = {"kind": "timeout", "times": 1}


def answered(service: Service, *arguments: str, answer: str) -> str:
    """
    Run a command whose question is answered at a terminal; return what it asked.
    """
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    ended = subprocess.run(
        [PAYMENTS, *arguments, "--development"],
        cwd=service.home,
        env=clean_environ(),
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    return ended.stderr


def test_lost_refund_is_repeated_by_its_key(impatient: Service) -> None:
    """
    Without an answer the key that was made up is told, and with it the refund stays one.
    """
    payment_id = impatient.pay()["paymentId"]
    impatient.fault(**LOST, operation="refunds.create")
    words = ("refund", payment_id, "--amount", "4.00", "--yes", "--output", "json")
    first = impatient.on(*words)
    lost = json.loads(first.stdout)
    again = json.loads(impatient.on(*words, "--idempotency-key", lost["idempotencyKey"]).stdout)

    assert first.exit_code == ExitCode.UNKNOWN
    assert lost["error"]["code"] == "outcome_unknown"
    assert again["refundId"] == lost["refundId"]


def test_people_are_told_the_key(impatient: Service) -> None:
    """
    What to add to the command is printed, and no recovery is promised that does not exist.
    """
    payment_id = impatient.pay()["paymentId"]
    impatient.fault(**LOST, operation="refunds.create")
    ended = impatient.on("refund", payment_id, "--yes")

    assert ended.exit_code == ExitCode.UNKNOWN
    assert NO_ANSWER in ended.stderr
    assert re.search(r"add: --idempotency-key [0-9a-f]{32}\n", ended.stderr)


def test_second_refund_is_warned_of(impatient: Service) -> None:
    """
    A refund with a new key while one has no answer says that it may be paid twice.
    """
    payment_id = impatient.pay()["paymentId"]
    impatient.fault(**LOST, operation="refunds.create")
    words = ("refund", payment_id, "--amount", "1.00", "--yes")
    impatient.on(*words, "--idempotency-key", "k")

    assert MAYBE_MADE not in impatient.on(*words, "--idempotency-key", "k").stderr
    assert MAYBE_MADE in impatient.on(*words).stderr


def test_old_question_is_not_this_commands(impatient: Service) -> None:
    """
    A capture that is done is done, whatever else of the payment has no answer.
    """
    payment_id = impatient.pay(captureMethod="manual")["paymentId"]
    impatient.on("capture", payment_id, "--amount", "6.00", "--yes")
    impatient.fault(**LOST, operation="refunds.create")
    impatient.on("refund", payment_id, "--amount", "1.00", "--yes")
    again = impatient.on("capture", payment_id)

    assert again.exit_code == ExitCode.OK
    assert again.stderr == "Nothing to do: already captured 6.00 EUR.\n"


def test_lost_capture(impatient: Service) -> None:
    """
    A capture without an answer is unknown, and can be repeated by its key.
    """
    payment_id = impatient.pay(captureMethod="manual")["paymentId"]
    impatient.fault(**LOST, operation="payment_intents.capture")
    ended = impatient.on("capture", payment_id, "--yes")

    assert ended.exit_code == ExitCode.UNKNOWN
    assert NO_ANSWER in ended.stderr
    assert "--idempotency-key" in ended.stderr


def test_lost_cancellation(impatient: Service) -> None:
    """
    A cancellation without an answer is unknown; it takes no key.
    """
    payment_id = impatient.pay(captureMethod="manual")["paymentId"]
    impatient.fault(**LOST, operation="payment_intents.cancel")
    ended = impatient.on("cancel", payment_id, "--yes")

    assert ended.exit_code == ExitCode.UNKNOWN
    assert ended.stderr.endswith(f"Error: {NO_ANSWER}\n")


def test_cancellation_that_waits(service: Service) -> None:
    """
    While an earlier answer is missing, it says that the wish is kept.
    """
    service.fault(kind="reset", operation="payment_intents.create", times=3)
    payment_id = service.pay()["paymentId"]
    ended = service.on("cancel", payment_id, "--yes")

    assert ended.exit_code == ExitCode.UNKNOWN
    assert ended.stderr == f"Error: {WAITS}\n"


def test_canceled_already(service: Service) -> None:
    """
    A second cancellation asks nobody, and says that nothing was done.
    """
    payment_id = service.pay(captureMethod="manual")["paymentId"]
    service.on("cancel", payment_id, "--yes")
    again = service.on("cancel", payment_id)

    assert (again.exit_code, again.stderr) == (0, "Nothing to do: already Canceled.\n")


def test_question_names_what_is_left(service: Service) -> None:
    """
    Whoever refunds the rest is asked about the rest.
    """
    payment_id = service.pay()["paymentId"]
    service.on("refund", payment_id, "--amount", "4.00", "--yes")
    asked = answered(service, "refund", payment_id, answer="n")

    assert asked.startswith(f"Refund the 6.00 EUR that is left of payment {payment_id}?")
    assert service.read("show", payment_id)["refundedAmount"] == "4.00"


def test_what_is_on_its_way_is_not_left(impatient: Service) -> None:
    """
    A refund without an answer keeps its amount.
    """
    payment_id = impatient.pay()["paymentId"]
    impatient.fault(**LOST, operation="refunds.create")
    impatient.on("refund", payment_id, "--amount", "3.00", "--yes")

    assert "Refund the 7.00 EUR" in answered(impatient, "refund", payment_id, answer="n")


def test_question_is_answered(service: Service) -> None:
    """
    A yes at the terminal moves the money.
    """
    payment_id = service.pay()["paymentId"]
    answered(service, "refund", payment_id, answer="y")

    assert service.read("show", payment_id)["status"] == "Refunded"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("automatic", "Nothing is left to refund"),
        ("manual", "A payment that is Authorized cannot be refunded"),
    ],
)
def test_nobody_is_asked_in_vain(service: Service, method: str, message: str) -> None:
    """
    Where nothing can be refunded it says so without a question.
    """
    payment_id = service.pay(captureMethod=method)["paymentId"]
    service.on("refund", payment_id, "--yes")
    ended = service.on("refund", payment_id)

    assert (ended.exit_code, ended.stderr) == (ExitCode.REFUSED, f"Error: {message}\n")


def test_all_is_refunded_and_the_key_again(service: Service) -> None:
    """
    The key of a refund of everything is still answered with that refund.
    """
    payment_id = service.pay()["paymentId"]
    words = ("refund", payment_id, "--yes", "--idempotency-key", "all")

    assert service.read(*words)["refundId"] == service.read(*words)["refundId"]


def test_a_named_refund_is_one(service: Service) -> None:
    """
    A refund that its requester named is one, whatever key comes with it, also from the API.
    """
    payment_id = service.pay()["paymentId"]
    words = ("refund", payment_id, "--amount", "1.00", "--yes", "--refund-request-id", "return-17")
    first = service.read(*words)
    second = service.read(*words, "--idempotency-key", "another")
    other = service.on(*words[:3], "2.00", *words[4:])

    assert first["refundId"] == second["refundId"]
    assert (other.exit_code, "another refund" in other.stderr) == (ExitCode.REFUSED, True)


def test_key_of_another_request(service: Service) -> None:
    """
    A key that made a refund makes no other one.
    """
    payment_id = service.pay()["paymentId"]
    words = ("refund", payment_id, "--yes", "--idempotency-key", "k", "--amount")
    service.on(*words, "1.00")
    ended = service.on(*words, "2.00")

    assert ended.exit_code == ExitCode.REFUSED
    assert "This Idempotency-Key was used for another refund" in ended.stderr


def test_who_it_was_is_kept(service: Service) -> None:
    """
    The audit log names the operating system's user, this machine, and the reason that was given.
    """
    payment_id = service.pay(captureMethod="manual")["paymentId"]
    service.on("cancel", payment_id, "--reason", "changed mind", "--yes")
    with closing(sqlite3.connect(service.home / "var/development/payments.db")) as database:
        rows = database.execute(
            "SELECT channel, issuer, subject, action, reason FROM audit_log WHERE payment_id = ?"
            " ORDER BY at",
            (UUID(payment_id).hex,),
        ).fetchall()

    assert rows[0][0] == "api"
    assert rows[1:] == [("cli", socket.gethostname(), getpass.getuser(), "cancel", "changed mind")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StorageUnavailable("The database is gone"), ExitCode.UNKNOWN),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    ],
)
def test_end_that_nobody_saw(error: BaseException, code: ExitCode) -> None:
    """
    Whatever ends a request before its answer is seen, its key is told.
    """
    with (
        pytest.raises(Refusal, match="--idempotency-key k1") as caught,
        repeatable(Session(Container(), as_json=True), "k1"),
    ):
        raise error

    assert caught.value.exit_code == code
    assert caught.value.details == {"idempotencyKey": "k1"}


@pytest.mark.parametrize("amount", ["ten", "0.00", "1.005"])
@pytest.mark.parametrize("command", ["refund", "capture"])
def test_no_amount(service: Service, command: str, amount: str) -> None:
    """
    What is no amount is a wrong use, and says of which option.
    """
    payment_id = service.pay()["paymentId"]
    ended = service.on(command, payment_id, "--amount", amount, "--yes")

    assert ended.exit_code == ExitCode.USAGE
    assert ended.stderr.startswith("Error: --amount: ")
