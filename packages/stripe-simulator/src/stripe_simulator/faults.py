"""
Faults by script: which call goes wrong, how, and how often; chance comes from the seed.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Literal

Json = dict[str, Any]
Reply = Literal["answer", "silence", "reset", "error_500", "rate_limited", "garbage", "redirect"]


@dataclass(frozen=True)
class Kind:
    """
    A named combination of what is done and what is answered.

    Args:
        effect: Whether the operation runs.

        waits: Whether `seconds` pass before it runs; the idempotency key is held meanwhile.
    """

    reply: Reply
    effect: bool
    waits: bool = False


KINDS = {
    "timeout": Kind("silence", effect=False),
    "effect_then_timeout": Kind("silence", effect=True),
    "error_500": Kind("error_500", effect=False),
    "error_500_effect": Kind("error_500", effect=True),
    "rate_limited": Kind("rate_limited", effect=False),
    "reset": Kind("reset", effect=False),
    "effect_then_reset": Kind("reset", effect=True),
    "slow": Kind("answer", effect=True, waits=True),
    "garbage": Kind("garbage", effect=False),
    "effect_then_garbage": Kind("garbage", effect=True),
    "redirect": Kind("redirect", effect=False),
}
WEBHOOK_KINDS = ("duplicate", "reorder", "delay", "drop")
SECONDS = {"timeout": 60.0, "effect_then_timeout": 60.0, "slow": 2.0, "delay": 5.0, "reorder": 0.5}


@dataclass(kw_only=True)
class Rule:
    """
    One line of a fault script.

    Args:
        kind: A name of `KINDS`, or of `WEBHOOK_KINDS` for events.

        operation: Which operations, as a pattern, for example `refunds.create` or `*.create`.

        method: Which HTTP method, when given.

        path: Which paths, as a pattern, when given.

        event: Which event types, as a pattern; webhook kinds only.

        nth: Only the nth matching call, counted from one.

        probability: Each matching call with this chance.

        times: How often it may happen; once with `nth` or without `probability`.

        seconds: How long `timeout`, `slow`, `delay` and `reorder` take.
    """

    kind: str
    operation: str = "*"
    method: str | None = None
    path: str | None = None
    event: str = "*"
    nth: int | None = None
    probability: float | None = None
    times: int | None = None
    seconds: float | None = None
    id: int = 0
    seen: int = 0
    fired: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in {*KINDS, *WEBHOOK_KINDS}:
            known = ", ".join([*KINDS, *WEBHOOK_KINDS])
            raise ValueError(f"Unknown fault kind {self.kind!r}: use one of {known}.")
        if self.times is None and self.probability is None:
            self.times = 1
        if self.seconds is None:
            self.seconds = SECONDS.get(self.kind, 0.0)

    @classmethod
    def from_json(cls, data: Json) -> Rule:
        """
        A rule of a script.

        Raises:
            ValueError: A field is unknown or the kind is missing.
        """
        known = {f.name for f in fields(cls)} - {"id", "seen", "fired", "_random"}
        unknown = set(data) - known
        if unknown or "kind" not in data:
            raise ValueError(
                f"A fault takes kind and {sorted(known - {'kind'})}, not {sorted(unknown)}."
            )
        return cls(**data)

    def to_json(self) -> Json:
        """
        The rule with what it saw so far.
        """
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "_random"}

    def fires(self) -> bool:
        """
        Counts one matching call and decides.
        """
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True


@dataclass(frozen=True)
class Fault:
    """
    What happens to one call.
    """

    name: str
    kind: Kind
    seconds: float


class Faults:
    """
    The rules in force; the first that fires decides.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rules: list[Rule] = []
        self._numbers = 0
        self._lock = threading.Lock()

    def add(self, rule: Rule | None = None, /, **fields: Any) -> Rule:
        """
        Puts a rule in force, given whole or by its fields.
        """
        rule = rule or Rule.from_json(fields)
        with self._lock:
            self._numbers += 1
            rule.id = self._numbers
            rule._random = random.Random(f"fault:{self._seed}:{rule.id}")  # noqa: S311, SLF001 - chance must repeat
            self._rules.append(rule)
        return rule

    def all(self) -> list[Json]:
        """
        The rules with their counts.
        """
        with self._lock:
            return [rule.to_json() for rule in self._rules]

    def remove(self, rule_id: int) -> bool:
        """
        Takes one rule away; False when there is none of this number.
        """
        with self._lock:
            kept = [rule for rule in self._rules if rule.id != rule_id]
            found = len(kept) < len(self._rules)
            self._rules = kept
        return found

    def clear(self) -> None:
        """
        Takes all rules away.
        """
        with self._lock:
            self._rules = []

    def for_call(self, operation: str, method: str, path: str) -> Fault | None:
        """
        The fault that meets this call, if any.
        """
        with self._lock:
            for rule in self._rules:
                if rule.kind in KINDS and _meets(rule, operation, method, path) and rule.fires():
                    return Fault(rule.kind, KINDS[rule.kind], rule.seconds or 0.0)
        return None

    def webhook_delays(self, event_type: str) -> list[float]:
        """
        When to deliver an event, in seconds from now: once at once, unless a rule says else.
        """
        with self._lock:
            for rule in self._rules:
                if (
                    rule.kind in WEBHOOK_KINDS
                    and fnmatchcase(event_type, rule.event)
                    and rule.fires()
                ):
                    seconds = rule.seconds or 0.0
                    return {"duplicate": [0.0, seconds], "drop": []}.get(rule.kind, [seconds])
        return [0.0]


def _meets(rule: Rule, operation: str, method: str, path: str) -> bool:
    return (
        fnmatchcase(operation, rule.operation)
        and rule.method in {None, method}
        and (rule.path is None or fnmatchcase(path, rule.path))
    )
