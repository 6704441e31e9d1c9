"""
What a log line is, and what it may never show.
"""

import io
import json
import logging
import re
from datetime import UTC, datetime

import pytest

from payments_bootstrap.logging import configure, log_context
from payments_core.masking import one_line
from payments_core.ports.correlation import Correlation, correlated
from tests.conftest import LogLines

pytestmark = pytest.mark.usefixtures("restored_logging")

SECRETS = [
    ("key sk_live_51Habc", "51Habc"),
    ("key rk_test_51Habc", "51Habc"),
    ("whsec_abcDEF123", "abcDEF123"),
    ("pi_123_secret_abc", "secret_abc"),
    ("token eyJhbGciOi.eyJzdWIi.c2ln", "c2ln"),
    ("Authorization: Bearer abcdef", "abcdef"),
    ("{'Authorization': 'Basic dXNlcg=='}", "dXNlcg"),
    ("postgresql://app:p@ss:word@db/payments", "p@ss:word"),
    ("card 4242 4242 4242 4242", "4242"),
]


@pytest.mark.parametrize("text", ["a\r\nb", "a\x1b[31mb", "a\u2028b", "a\x00b", "\ud800"])
def test_one_line(text: str) -> None:
    """
    Nothing in a text can break a line of the log, colour it or end it.
    """
    assert one_line(text).isprintable()


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_no_record_shows_a_secret(text: str, secret: str, json_lines: bool) -> None:
    """
    Whatever way a secret takes into a record, it is masked: message, field or exception.
    """
    stream = io.StringIO()
    configure(json=json_lines, stream=stream)
    log = logging.getLogger("test")
    fields = {"field": text, "structure": {"inner": [text]}}
    log.error("%s", text, extra=fields, exc_info=ValueError(text))

    assert secret not in stream.getvalue()


@pytest.mark.parametrize("value", [4242424242424242, {"cvc": 123}, {"n": [4242424242424242]}])
def test_numbers_are_masked_too(value: object) -> None:
    """
    A card number is one as a number as well, and a security code is known by its name.
    """
    stream = io.StringIO()
    configure(json=True, stream=stream)
    logging.getLogger("test").warning("x", extra={"field": value})

    assert not {"4242424242424242", "123"} & set(re.findall("[0-9]+", stream.getvalue()))


HOSTILE = [
    "a\r\nb",
    "\x1b[31m",
    "\u2028",
    "\u2029",
    "\x85",
    "\x00",
    "x" * 65_536,
    "\ud800",
    '{"level": "info"}',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_json_stays_one_line(text: str) -> None:
    """
    Each record is one line of valid JSON, whatever is in it.
    """
    stream = io.StringIO()
    configure(json=True, stream=stream)
    fields = {"field": text, "structure": {text: [text]}}
    logging.getLogger("test").warning("%s", text, extra=fields, exc_info=ValueError(text))

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["level"] == "warning"


@pytest.mark.parametrize("library", ["aio_pika", "aiormq.connection", "stripe", "urllib3"])
def test_libraries_are_quiet(library: str) -> None:
    """
    Libraries whose records show what they send are not heard below a warning, at any level.
    """
    stream = io.StringIO()
    configure(json=True, level="DEBUG", stream=stream)
    logging.getLogger(library).info("b'\\x00guest\\x00password'")

    assert not stream.getvalue()


def test_context() -> None:
    """
    The fields of the context are in every record of the block, and in none after it.
    """
    stream = io.StringIO()
    configure(json=True, stream=stream)
    log = logging.getLogger("test")
    with log_context(request_id="r1"):
        log.warning("inside")
    log.warning("outside")

    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside["request_id"] == "r1"
    assert "request_id" not in outside


CORRELATION = Correlation("checkout-12", f"00-{'0af7' * 8}-b7ad6b7169203331-01")


def test_ids(log_lines: LogLines) -> None:
    """
    Each record says by whom and under which ids it was written, whatever fields of that name it was given.
    """
    log = logging.getLogger("test")
    with correlated(CORRELATION):
        others = dict.fromkeys(("correlation_id", "trace_id", "level", "logger"), "another")
        log.warning("inside", extra=others)
    log.warning("outside")
    inside, outside = log_lines()

    assert inside["correlation_id"] == "checkout-12"
    assert inside["trace_id"] == "0af7" * 8
    assert (inside["level"], inside["logger"]) == ("warning", "test")
    assert not {"correlation_id", "trace_id"} & outside.keys()


def test_a_card_number_in_the_name_of_an_id(log_lines: LogLines) -> None:
    """
    What somebody passes under the name of an id or of the moment is masked like everything else.
    """
    names = ("correlation_id", "trace_id", "timestamp", "request_id", "level", "_own")
    fields = dict.fromkeys(names, "4242424242424242")
    logging.getLogger("test").warning("x", extra=fields)

    assert "4242424242424242" not in json.dumps(log_lines())


@pytest.mark.parametrize("day", range(22, 28))
def test_moments_are_not_masked(log_lines: LogLines, day: int) -> None:
    """
    On days whose digits begin as a Mastercard does, moments are readable all the same.
    """
    moments = [datetime(2026, 11, day, hour, 5, 0, 123456, UTC) for hour in range(24)]
    log = logging.getLogger("test")
    for moment in moments:
        log.warning(
            "It waits since %s", moment, extra={"at": moment, "card": "4242 4242 4242 4242"}
        )

    assert [line["event"] for line in log_lines()] == [f"It waits since {m}" for m in moments]
    assert {line["card"] for line in log_lines()} == {"[card number]"}
    assert "[card number]" not in "".join(line["at"] + line["timestamp"] for line in log_lines())
