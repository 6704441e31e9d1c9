"""
A bank that exists on paper only: what a provider's server would be, in one process and in its own words.
"""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import attrs

Record = dict[str, Any]
METHODS: Final = {"paper_note": "paid", "paper_torn": "refused", "paper_signed": "asks"}
OPEN: Final = frozenset({"new", "asks"})


class BankError(Exception):
    """
    The bank's no.

    Attributes:
        code: Its word for it.

        record: The payment after a refused attempt.
    """

    def __init__(self, code: str, record: Record | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.record = record


@attrs.define
class PaperBank:
    """
    Keeps payments and returns, answers each key once, and notes what happens.
    """

    secret: bytes
    payments: dict[str, Record] = attrs.field(factory=dict)
    returns: dict[str, Record] = attrs.field(factory=dict)
    events: list[Record] = attrs.field(factory=list)
    replies: dict[str, tuple[object, Record | BankError]] = attrs.field(factory=dict)
    lock: threading.RLock = attrs.field(factory=threading.RLock)

    def once(self, key: str, request: object, act: Callable[[], Record]) -> Record:
        """
        Do what is asked for under a key; asked again, say again what was said.
        """
        with self.lock:
            if key not in self.replies:
                try:
                    self.replies[key] = (request, act())
                except BankError as error:
                    self.replies[key] = (request, error)
            asked, reply = self.replies[key]
        if asked != request:
            raise BankError("key_reused")
        if isinstance(reply, BankError):
            raise reply
        return dict(reply)

    def open(self, record: Record, method: str | None) -> Record:
        """
        Begin a payment, and try to pay it if a method is named.
        """
        if method and method not in METHODS:
            raise BankError("no_such_method")
        number = f"pay_{len(self.payments) + 1}"
        new = {"state": "new", "held": 0, "taken": 0, "error": None, "made": _now()}
        self.payments[number] = {**record, **new, "id": number, "word": f"word_of_{number}"}
        self._note("payment", number)
        return self.pay(number, method) if method else dict(self.payments[number])

    def pay(self, number: str, method: str | None) -> Record:
        """
        Try a method on a payment that is open.
        """
        record = self._in(number, *OPEN)
        match METHODS.get(method or ""):
            case None:
                raise BankError("no_such_method")
            case "paid":
                return self._paid(record)
            case "asks":
                return self._change(record, state="asks", error=None)
            case _:
                refused = self._change(record, state="new", error="torn_paper")
                raise BankError("torn_paper", refused)

    def answer(self, number: str, *, yes: bool) -> Record:
        """
        Let the customer say yes or no on the bank's page.
        """
        record = self._in(number, "asks")
        return self._paid(record) if yes else self._change(record, state="new", error="not_signed")

    def take(self, number: str, cents: int) -> Record:
        """
        Take what is held, or a part of it; the rest is let go.
        """
        record = self._in(number, "held")
        if cents > record["held"]:
            raise BankError("too_much")
        return self._change(record, state="paid", taken=cents)

    def void(self, number: str) -> Record:
        """
        End a payment that took nothing.
        """
        return self._change(self._in(number, *OPEN, "held"), state="void")

    def give_back(self, number: str, cents: int, reference: str) -> Record:
        """
        Return taken money.
        """
        record = self._in(number, "paid")
        gone = sum(r["cents"] for r in self.returns.values() if r["payment"] == number)
        if cents > record["taken"] - gone:
            raise BankError("too_much")
        made = {"id": f"ret_{len(self.returns) + 1}", "payment": number, "made": _now()}
        given = {**made, "cents": cents, "currency": record["currency"], "reference": reference}
        self.returns[given["id"]] = given
        self._note("return", number)
        return dict(given)

    def find(self, number: str) -> Record:
        """
        Show a payment.
        """
        if number not in self.payments:
            raise BankError("no_such_payment")
        return dict(self.payments[number])

    def delivery(self, number: str) -> tuple[bytes, dict[str, str]]:
        """
        Return the last event about a payment as it is sent to its shop: a body, and its seal.
        """
        event = next(e for e in reversed(self.events) if e["payment"] == number)
        body = json.dumps(event).encode()
        return body, {"paper-seal": self.seal(body)}

    def seal(self, body: bytes) -> str:
        """
        Return what proves that a body is the bank's.
        """
        return hmac.new(self.secret, body, hashlib.sha256).hexdigest()

    def _paid(self, record: Record) -> Record:
        cents = record["cents"]
        if record["hold"]:
            return self._change(record, state="held", held=cents, error=None)
        return self._change(record, state="paid", held=cents, taken=cents, error=None)

    def _in(self, number: str, *states: str) -> Record:
        record = self.find(number)
        if record["state"] not in states:
            raise BankError("wrong_state")
        return record

    def _change(self, record: Record, **changes: Any) -> Record:
        self.payments[record["id"]] = {**record, **changes}
        self._note("payment", record["id"])
        return dict(self.payments[record["id"]])

    def _note(self, about: str, number: str) -> None:
        event = {"id": f"evt_{len(self.events) + 1}", "about": about, "payment": number}
        self.events.append({**event, "made": _now()})


def _now() -> float:
    return datetime.now(UTC).timestamp()
