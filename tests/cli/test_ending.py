"""
How every run ends: its exit code, one line or one document, and what it says to do next.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Final

import click
import pytest
from click.testing import CliRunner, Result

from payments_bootstrap.configuration import EXIT_CONFIGURATION
from payments_cli.ending import ending
from payments_cli.main import COMMANDS, main
from payments_cli.moments import Moment
from payments_cli.refusal import ExitCode, Refusal
from tests.cli.conftest import PAYMENTS, clean_environ

NOBODYS: Final = "0199f3c5-1c9a-7d44-a5e2-0f8a4d9f2c12"
STRIPE_KEY: Final = "sk_" + "live_51Habcdefghijklmnop"


def run(*words: str) -> Result:
    """
    Run a command in this process.
    """
    return CliRunner().invoke(main, words)


WRONG: Final = [
    (["refund"], "Missing argument 'PAYMENT'."),
    (["refund", "x", "--yes"], "It is no payment id; `payments list` shows them."),
    (["refund", NOBODYS, "--nonsense"], "No such option '--nonsense'."),
    (
        ["refund", NOBODYS, "--amont", "1"],
        "No such option '--amont'. (Did you mean one of: '--amount'",
    ),
    (["refnd", NOBODYS], "No such command 'refnd'. Did you mean 'refund'?"),
    (["outbox", "lst"], "No such command 'lst'. Did you mean 'list'?"),
    (["list", "--limit", "0"], "0 is not in the range 1<=x<=1000."),
    (["list", "--status", "Nope"], "'Nope' is not one of"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_wrong_use(words: list[str], message: str) -> None:
    """
    A wrong use is exit code 2, says what is wrong, and where help is.
    """
    result = run(*words)

    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
    assert "--help' for help." in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(("words", "message"), WRONG)
@pytest.mark.parametrize("output", [["--output", "json"], ["--output=json"]])
def test_wrong_use_for_programs(words: list[str], message: str, output: list[str]) -> None:
    """
    Where a document is asked for, a wrong use is one as well, and nothing else is written.
    """
    result = run(*words, *output)
    error = json.loads(result.stdout)["error"]

    assert result.exit_code == ExitCode.USAGE
    assert error["code"] == "usage"
    assert message in error["message"]
    assert result.stderr == ""


def test_nothing_is_asked_for() -> None:
    """
    Without a command there is help, and the code of a wrong use.
    """
    result = run()

    assert result.exit_code == ExitCode.USAGE
    assert "payments serve --development" in result.output


SECRETS: Final = [
    (["list", "--api-key", "x"], "PAYMENT_PROVIDERS__STRIPE__API_KEY"),
    (["list", "--customer", STRIPE_KEY], "PAYMENT_PROVIDERS__STRIPE__API_KEY"),
    ([f"--api-key={STRIPE_KEY}", "list"], "PAYMENT_PROVIDERS__STRIPE__API_KEY"),
    (["worker", "--webhook-secret=whsec_abc123"], "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET"),
    (["db", "migrate", "--database-url", "x"], "DATABASE__URL"),
    (["db", "migrate", "postgresql+psycopg://app:geheim@db/payments"], "the environment"),
    (["list", "--customer", "eyJhbGciOi.eyJzdWIiOi.c2ln"], "the header of a request"),
]


@pytest.mark.parametrize(("words", "place"), SECRETS)
def test_secret_in_the_arguments(words: list[str], place: str) -> None:
    """
    A secret on the command line is refused without repeating it, and its place is named.
    """
    result = run(*words)
    value = words[-1].partition("=")[2] or words[-1]

    assert result.exit_code == ExitCode.USAGE
    assert place in result.stderr
    assert "SETTINGS_FILE" in result.stderr
    assert len(value) == 1 or value not in result.output


@pytest.mark.parametrize("reason", ["a sk_etch", "see https://shop.example/a@b", "eyJ"])
def test_no_secret(reason: str) -> None:
    """
    What only resembles a secret passes.
    """
    assert "belong" not in run("refund", "x", "--reason", reason).output


def test_settings_exit_code() -> None:
    """
    The code for settings is the one that the API server ends with.
    """
    assert int(ExitCode.CONFIGURATION) == EXIT_CONFIGURATION


def interrupted() -> click.Abort:
    """
    Return what Click makes of Ctrl-C.
    """
    abort = click.Abort()
    abort.__cause__ = KeyboardInterrupt()
    return abort


ENDS: Final = [
    (click.Abort(), ExitCode.FAILED, "aborted"),
    (interrupted(), ExitCode.INTERRUPTED, "interrupted"),
    (Refusal("x", "y", ExitCode.REFUSED, as_json=True), ExitCode.REFUSED, "x"),
    (click.ClickException("y"), ExitCode.FAILED, "failed"),
    (KeyError("geheim"), ExitCode.FAILED, "unexpected"),
]


@pytest.mark.parametrize(("error", "exit_code", "code"), ENDS)
def test_ends(
    capsys: pytest.CaptureFixture[str], error: Exception, exit_code: int, code: str
) -> None:
    """
    Whatever ends a command, programs get one document, and a mistake of ours shows no value.
    """
    with pytest.raises(SystemExit) as ended, ending(as_json=True):
        raise error
    written = capsys.readouterr()

    assert ended.value.code == exit_code
    assert json.loads(written.out)["error"]["code"] == code
    assert "geheim" not in written.out + written.err


def test_mistakes_of_ours_can_be_looked_into(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A line names the place of a mistake, and a variable shows all of it.
    """
    monkeypatch.setenv("PAYMENTS_TRACEBACK", "1")
    with pytest.raises(SystemExit), ending(as_json=False):
        raise KeyError("x")
    written = capsys.readouterr().err

    assert "Traceback" in written
    assert "Error: An unexpected KeyError in test_ending.py, line " in written


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", timedelta(seconds=90)), ("3d", timedelta(days=3)), ("2w", timedelta(days=14))],
)
def test_moment_ago(text: str, ago: timedelta) -> None:
    """
    A number with a unit is so long ago.
    """
    found = Moment().convert(text, None, None)

    assert abs(datetime.now(UTC) - ago - found) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-02", datetime(2020, 1, 2, tzinfo=UTC)),
        ("2020-01-02T03:04", datetime(2020, 1, 2, 3, 4, tzinfo=UTC)),
        ("2020-01-02T03:04:05+02:00", datetime(2020, 1, 2, 1, 4, 5, tzinfo=UTC)),
    ],
)
def test_moment(text: str, expected: datetime) -> None:
    """
    A day or a time is one in UTC where no zone is said.
    """
    assert Moment().convert(text, None, None) == expected


@pytest.mark.parametrize("text", ["", "3", "3y", "-1d", "2026-99-99", "9999999w", "9998-01-01"])
def test_no_moment(text: str) -> None:
    """
    Everything else is refused, and so is the future.
    """
    with pytest.raises(click.BadParameter):
        Moment().convert(text, None, None)


COMPLETE: Final = """
eval "$({payments} completion bash)"
COMP_WORDS=({line}); COMP_CWORD=$(({count} - 1))
_payments_completion {payments} "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ref"], ["refund"]),
        (["outbox", "re"], ["release", "requeue"]),
        (["refund", "--am"], ["--amount"]),
        (["list", "--output", "j"], ["json"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
)
def test_completion_in_bash(words: list[str], expected: list[str]) -> None:
    """
    What `payments completion bash` prints completes commands, options and choices in bash.
    """
    line = " ".join([PAYMENTS, *(word or "''" for word in words)])
    script = COMPLETE.format(payments=PAYMENTS, line=line, count=len(words) + 1)
    ended = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.stdout.split(), ended.stderr) == (expected, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_elsewhere(shell: str) -> None:
    """
    Other shells get scripts of their own.
    """
    result = run("completion", shell)

    assert result.exit_code == 0
    assert "_PAYMENTS_COMPLETE" in result.stdout


def test_each_command_is_taught() -> None:
    """
    Each command's help has an example that begins with its name.
    """
    for name in COMMANDS:
        assert f"payments {name}" in run(name, "--help").output.partition("Examples:")[2]


@pytest.mark.parametrize("name", [(), *((name,) for name in COMMANDS), ("outbox", "release")])
def test_help_is_not_cut(name: tuple[str, ...]) -> None:
    """
    On 80 columns no help is longer than a line, and none ends in dots.
    """
    result = CliRunner().invoke(main, [*name, "--help"], terminal_width=80)

    usage, *lines = result.output.splitlines()

    assert usage.startswith("Usage: payments")
    assert max(map(len, lines)) <= 80
    assert not any(line.endswith("...") for line in lines)


@pytest.mark.parametrize("words", [["completion", "bash"], ["health", "--help"]])
def test_full_disk(words: list[str]) -> None:
    """
    An answer that cannot be written is no mistake of the program: one line says what it was.
    """
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, not a file
        ended = subprocess.run(
            [PAYMENTS, *words],
            env=clean_environ(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )

    assert ended.returncode == ExitCode.FAILED
    assert ended.stderr == "Error: The answer could not be written: No space left on device\n"
