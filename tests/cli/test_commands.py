"""
Looking after payments from the command line.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from payments_cli.errors import EXIT_CODES, refusal_of
from payments_cli.main import COMMANDS, main
from payments_cli.refusal import ExitCode
from payments_core.domain.errors import (
    InvalidState,
    OrderAlreadyHasPayment,
    PaymentNotFound,
    RefundExceedsCaptured,
    StorageRefused,
    StorageUnavailable,
)
from tests.cli.conftest import clean_environ

Service = Any


def test_help_is_quick() -> None:
    """
    Help comes within a quarter of a second of processor time.
    """
    code = (
        "import sys, time; sys.argv = ['payments', '--help']\n"
        "from payments_cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'stripe', 'flask', 'rich', 'structlog'} & set(sys.modules)\n"
        "sys.exit(f'{heavy} {time.process_time()}' if heavy or time.process_time() > 0.25 else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help(name: str) -> None:
    """
    Each command explains itself.
    """
    result = CliRunner().invoke(main, [name, "--help"])

    assert result.exit_code == 0
    assert COMMANDS[name].split(",")[0].rstrip(".")[:12] in result.output


def test_list_and_show(service: Service) -> None:
    """
    A payment is listed and shown, to people and to programs.
    """
    payment = service.pay()
    listed = service.read("list", "--order", payment["orderId"])
    shown = service.read("show", payment["paymentId"])

    assert [p["paymentId"] for p in listed["items"]] == [payment["paymentId"]]
    assert shown["status"] == "Succeeded"
    assert shown["timeline"]
    assert payment["paymentId"] in service.on("list").stdout
    assert "operation create" in service.on("show", payment["paymentId"]).stdout


def test_the_providers_id(service: Service) -> None:
    """
    What the provider's own page shows finds the payment: listed, shown and told.
    """
    payment = service.pay()
    service.pay()
    known_as = payment["providerPaymentId"]
    listed = service.read("list", "--provider-id", known_as)
    elsewhere = service.read("list", "--provider-id", known_as, "--provider", "other")

    assert [p["paymentId"] for p in listed["items"]] == [payment["paymentId"]]
    assert elsewhere["items"] == []
    assert service.read("show", known_as)["paymentId"] == payment["paymentId"]
    assert service.read("explain", known_as)["paymentId"] == payment["paymentId"]
    assert service.on("show", "pi_nobodys").stderr == (
        "Error: There is no payment pi_nobodys of stripe\n"
    )


def test_list_finds_by_status_in_any_case(service: Service) -> None:
    """
    A status may be typed in any case.
    """
    order = service.pay()["orderId"]

    assert len(service.read("list", "--status", "succeeded", "--order", order)["items"]) == 1


def test_list_tells_of_more(service: Service) -> None:
    """
    What the limit leaves out is told, where it does not disturb a program.
    """
    service.pay()
    service.pay()
    one, none = service.on("list", "--limit", "1"), service.on("list", "--order", NOBODYS)

    assert one.stderr == "There are more; --limit says how many are shown.\n"
    assert len(one.stdout.splitlines()) == 2
    assert (none.stdout, none.stderr) == ("No payments.\n", "")


def test_piped_values_are_whole(service: Service) -> None:
    """
    What goes to another program is neither cut, nor folded, nor shortened.
    """
    payment = service.pay()
    listed = service.cli("list", "--development", environ=clean_environ() | {"COLUMNS": "60"})
    lines = [ln for ln in listed.stdout.splitlines() if ln.startswith(payment["paymentId"])]

    assert re.fullmatch(
        r"\S{36} +Succeeded +10\.00 EUR +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +alice *", lines[0]
    )


def test_no_secret_is_shown(service: Service) -> None:
    """
    A client secret is nobody's business here.
    """
    payment = service.pay(paymentMethodId="pm_card_threeDSecure2Required")

    for output in ("json", "table"):
        shown = service.on("show", payment["paymentId"], "--output", output)
        assert "_secret_" not in shown.stdout


def test_capture_and_refund(service: Service) -> None:
    """
    A part is captured, and a part of that is refunded.
    """
    payment_id = service.pay(captureMethod="manual")["paymentId"]
    captured = service.read("capture", payment_id, "--amount", "6.00", "--yes")
    refund = service.read("refund", payment_id, "--amount", "1.00", "--reason", "x", "--yes")

    assert captured["capturedAmount"] == "6.00"
    assert (refund["status"], refund["amount"], refund["reason"]) == ("Succeeded", "1.00", "x")


def test_cancel(service: Service) -> None:
    """
    A payment is called off.
    """
    payment_id = service.pay(captureMethod="manual")["paymentId"]

    assert service.read("cancel", payment_id, "--yes")["status"] == "Canceled"


def test_same_key_same_refund(service: Service) -> None:
    """
    The same key again is the same refund.
    """
    payment_id = service.pay()["paymentId"]
    arguments = ("refund", payment_id, "--amount", "1.00", "--yes", "--idempotency-key", "k")
    first, second = service.read(*arguments), service.read(*arguments)

    assert first["refundId"] == second["refundId"]
    assert service.read("show", payment_id)["refundedAmount"] == "1.00"


def test_asks_first(service: Service) -> None:
    """
    Where nobody can be asked money moves only with --yes.
    """
    payment_id = service.pay()["paymentId"]
    ended = service.on("refund", payment_id)

    assert ended.exit_code == ExitCode.USAGE
    assert service.read("show", payment_id)["refundedAmount"] == "0.00"


NOBODYS = "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c12"

BAD = [
    (["refund"], ExitCode.USAGE),
    (["refund", "x", "--yes"], ExitCode.USAGE),
    (["refund", "--nonsense"], ExitCode.USAGE),
    (["list", "--status", "Nope"], ExitCode.USAGE),
    (["list", "--provider-id", "pi\x1b"], ExitCode.USAGE),
    (["show", "two words"], ExitCode.USAGE),
    (["show", "pi_nobodys"], ExitCode.NOT_FOUND),
    (["show", NOBODYS], ExitCode.NOT_FOUND),
    (["refund", NOBODYS, "--yes"], ExitCode.NOT_FOUND),
]


@pytest.mark.parametrize(("arguments", "code"), BAD)
def test_exit_codes(service: Service, arguments: list[str], code: ExitCode) -> None:
    """
    Each way to fail has its code, and no traceback.
    """
    ended = service.on(*arguments)

    assert ended.exit_code == code
    assert "Traceback" not in ended.stderr


def test_too_much(service: Service) -> None:
    """
    More than is left is refused, with one line.
    """
    ended = service.on("refund", service.pay()["paymentId"], "--amount", "10.01", "--yes")

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.stderr == "Error: Only 10.00 EUR is left to refund\n"


def test_errors_are_documents(service: Service) -> None:
    """
    For programs an error is one valid document.
    """
    ended = service.on("show", NOBODYS, "--output", "json")

    assert json.loads(ended.stdout)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PaymentNotFound(), ExitCode.NOT_FOUND),
        (InvalidState(), ExitCode.REFUSED),
        (RefundExceedsCaptured(), ExitCode.REFUSED),
        (OrderAlreadyHasPayment(), ExitCode.REFUSED),
        (StorageUnavailable(), ExitCode.FAILED),
        (StorageRefused(), ExitCode.FAILED),
    ],
)
def test_table(error: Any, code: ExitCode) -> None:
    """
    Errors of the core end a command with the code of their kind.
    """
    assert EXIT_CODES
    assert refusal_of(error, as_json=False).exit_code == code


def test_database_is_down(service: Service) -> None:
    """
    Without the database there is one line, no traceback and no password.
    """
    clean = {k: v for k, v in os.environ.items() if "__" not in k} | {
        "DATABASE__URL": "postgresql://app:geheim@127.0.0.1:9/payments",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
        "KEYCLOAK__ISSUER": "https://issuer.example",
    }
    ended = service.cli("list", environ=clean)

    assert ended.returncode == ExitCode.FAILED
    assert len(ended.stderr.splitlines()) == 1
    assert "geheim" not in ended.stderr


def test_nothing_is_configured(service: Service) -> None:
    """
    Without settings it says which are missing, and ends with 78.
    """
    ended = service.cli("list")

    assert ended.returncode == ExitCode.CONFIGURATION
    assert "DATABASE__URL: it is required" in ended.stderr
    assert ended.stderr.endswith("For the service of `make run`, add --development\n")


def test_no_development_here(service: Service, tmp_path: Path) -> None:
    """
    Where no development service was started it says how to.
    """
    ended = attrs.evolve(service, home=tmp_path).cli("list", "--development")

    assert ended.returncode == ExitCode.CONFIGURATION
    assert "make run" in ended.stderr
    assert "add --development" not in ended.stderr


def test_database_commands(service: Service) -> None:
    """
    The tables are up to date, and migrating again does nothing.
    """
    assert service.read("db", "status") == {"current": True}
    assert service.read("db", "migrate") == {"current": True}


def test_health(service: Service) -> None:
    """
    Everything that the service stands on answers.
    """
    checks = {"database": "ok", "stripe": "ok", "worker": "ok"}

    assert service.read("health") == {"status": "ok", "checks": checks}


@pytest.mark.parametrize(
    "arguments", [[], ["--role", "Admin", "--service", "order-service"], ["--lifetime", "0"]]
)
def test_token_usage(arguments: list[str]) -> None:
    """
    A token is a person's or a service's.
    """
    assert CliRunner().invoke(main, ["token", *arguments]).exit_code == ExitCode.USAGE


def test_token_of_unknown_role(service: Service) -> None:
    """
    A role that the service does not know is warned of; the token is printed alone.
    """
    known = service.cli("token", "--role", "Admin")
    unknown = service.cli("token", "--role", "Boss")

    assert (known.returncode, known.stderr) == (0, "")
    assert unknown.returncode == 0
    assert unknown.stdout.count(".") == 2
    assert "Boss" in unknown.stderr
    assert "Customer, User, Ops, Finance, Admin" in unknown.stderr


def test_token_of_no_service(service: Service, tmp_path: Path) -> None:
    """
    Where no development service was started no keys are made.
    """
    ended = attrs.evolve(service, home=tmp_path).cli("token", "--role", "Admin")

    assert ended.returncode == ExitCode.CONFIGURATION
    assert "make run" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_token_in_production(service: Service) -> None:
    """
    No token is printed where another environment is set.
    """
    environ = clean_environ() | {"ENVIRONMENT": "production"}
    ended = service.cli("token", "--role", "Admin", environ=environ)

    assert (ended.returncode, ended.stdout) == (ExitCode.CONFIGURATION, "")
    assert "ENVIRONMENT is production" in ended.stderr


def test_database_commands_are_quiet(tmp_path: Path, service: Service) -> None:
    """
    Also where the log tells more, the answer is all that is printed.
    """
    environ = clean_environ() | {
        "DATABASE__URL": f"sqlite:///{tmp_path}/payments.db",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
        "KEYCLOAK__ISSUER": "https://a.example",
    }
    migrated = service.cli("db", "migrate", environ=environ)

    assert (migrated.stdout, migrated.stderr) == ("The database is up to date.\n", "")


def test_service_token(service: Service) -> None:
    """
    A token of the Fulfillment Service captures by the internal route.
    """
    payment_id = service.pay(captureMethod="manual")["paymentId"]
    token = service.cli("token", "--service", "fulfillment-service").stdout.strip()
    body = {"paymentId": payment_id}
    status, payment = service.call("POST", "/internal/payments/capture", body, token)

    assert (status, payment["status"]) == (202, "Succeeded")
