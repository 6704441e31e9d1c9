"""
The sweeper: finding out what became of operations whose outcome nobody knows.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import attrs

from payments_core.application.look import find, not_seen, read, window_of
from payments_core.application.operations import Operations
from payments_core.application.send import send
from payments_core.application.stopping import GoOn, always
from payments_core.domain.errors import PaymentsError
from payments_core.domain.operation import Operation, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.recovery import Step, Visit
from payments_core.domain.settlement import Answer, Look
from payments_core.ports.errors import ProviderError
from payments_core.ports.faults import faultpoint
from payments_core.ports.provider import Window
from payments_core.ports.repositories import Claim

_log = logging.getLogger(__name__)


@attrs.frozen
class Turn:
    """
    What one sweep does with one operation.
    """

    claim: Claim
    visit: Visit

    @property
    def id(self) -> UUID:
        """
        The operation's id.
        """
        return self.claim.operation_id

    def after(self, step: Step) -> "Turn":
        """
        Return the turn in which a step is done.
        """
        return attrs.evolve(self, visit=attrs.evolve(self.visit, tried=self.visit.tried | {step}))


@attrs.frozen
class Listing:
    """
    Operations that only a listing can find, whose times lie together.
    """

    window: Window
    turns: Sequence[Turn]

    def joined(self, other: "Listing") -> "Listing":
        """
        Return both as one.
        """
        end = max(self.window.end, other.window.end)
        return Listing(Window(self.window.start, end), [*self.turns, *other.turns])


@attrs.define
class ResolveOperations:
    """
    Resolves operations whose sender is gone or heard nothing. Any number may run at once.

    What it does is decided by `payments_core.domain.recovery`, and what it learns goes the
    way of every other answer. No transaction is open while it asks a provider.

    Attributes:
        new_token: Makes the lease of each sweep.
    """

    operations: Operations
    new_token: Callable[[], UUID] = uuid4
    _paused: dict[str, datetime] = attrs.field(factory=dict, init=False)

    def execute(self, limit: int = 20, go_on: GoOn = always) -> int:
        """
        Take up what is due, and return how many operations that were.

        What is left when it shall not go on is due again when its lease is over.
        """
        token = self.new_token()
        claims = self._claim(token, limit)
        turns = [Turn(claim, Visit(claim.operation_id, token)) for claim in claims]
        listings = [found for turn in turns if go_on() and (found := self._begin(turn))]
        for listing in _together(listings):
            if go_on():
                self._list(listing)
        return len(claims)

    def _claim(self, token: UUID, limit: int) -> Sequence[Claim]:
        now = self.operations.clock.now()
        resting = [name for name, until in self._paused.items() if now < until]
        until = now + self.operations.policy.lease
        with self.operations.unit_of_work() as uow:
            claims = uow.payments.claim(token, now, until, limit, resting)
            faultpoint("sweeper.claim.precommit")
            uow.commit()
        faultpoint("sweeper.claim.commit")
        return claims

    def _begin(self, turn: Turn) -> Listing | None:
        if self._rests(turn.claim.provider):
            # Its lease ends with the pause: it is due again then.
            return None
        return self._go_on(turn, Answer(operation_id=turn.id))

    def _go_on(self, turn: Turn, answer: Answer) -> Listing | None:
        """
        Go on with a turn until it ends, or until only a listing helps.

        One operation's trouble must not stop the others: it is due again after its lease.
        """
        try:
            return self._until_listing(turn, answer)
        except PaymentsError as error:
            _log.warning("Operation %s must wait: %s: %s", turn.id, error.code, error)
        except Exception:  # noqa: BLE001 - a mistake of ours
            _log.exception("Operation %s could not be looked at", turn.id)
        return None

    def _until_listing(self, turn: Turn, answer: Answer) -> Listing | None:
        # Who is no longer configured is found out before anything is decided.
        self.operations.provider(turn.claim.provider)
        step: Step | None = Step.READ
        while step is not None:
            if answer.misconfigured:
                self._pause(turn.claim.provider)
            payment, step, following = self.operations.resume(
                turn.claim.payment_id, turn.visit, answer, place="sweeper"
            )
            for operation in following:
                payment = self.operations.perform(payment, operation)
            operation = payment.operation(turn.id)
            _note(payment, operation, answer)
            if step is Step.LIST:
                window = window_of(operation, self.operations.policy)
                return Listing(window, [turn.after(step)])
            if step is not None:
                turn = turn.after(step)
                faultpoint("sweeper.ask.before")
                answer = self._ask(turn, payment, operation, step)
                faultpoint("sweeper.ask.after")
        return None

    def _ask(self, turn: Turn, payment: Payment, operation: Operation, step: Step) -> Answer:
        provider = self.operations.provider(turn.claim.provider)
        now = self.operations.clock.now()
        if step is Step.READ:
            return read(provider, payment, operation, Look(turn.visit.token, now))
        if now >= operation.lease_until:
            # Somebody else may be sending it by now.
            return Answer(operation_id=turn.id)
        return send(provider, operation)

    def _list(self, listing: Listing) -> None:
        turns = {turn.id: turn for turn in listing.turns}
        name = listing.turns[0].claim.provider
        began = self.operations.clock.now()
        missing = dict(turns)
        try:
            for id_, fact in find(self.operations.provider(name), turns.keys(), listing.window):
                missing.pop(id_, None)
                look = Look(turns[id_].visit.token, began)
                self._go_on(turns[id_], Answer(payment=fact, operation_id=id_, look=look))
        except ProviderError as error:
            for turn in missing.values():
                self._go_on(turn, not_seen(turn.id, error))
        else:
            for turn in missing.values():
                look = Look(turn.visit.token, began)
                self._go_on(turn, Answer(operation_id=turn.id, look=look))

    def _rests(self, provider: str) -> bool:
        until = self._paused.get(provider)
        return until is not None and self.operations.clock.now() < until

    def _pause(self, provider: str) -> None:
        if not self._rests(provider):
            _log.error(
                "provider_paused: %s refuses our credentials; its operations wait. Check its key",
                provider,
            )
        self._paused[provider] = self.operations.clock.now() + self.operations.policy.pause


def _note(payment: Payment, operation: Operation, answer: Answer) -> None:
    if operation.state is OperationState.ABSENT and answer.look:
        _log.warning(
            "operation_absent: %s %s of payment %s had no effect, by looks of %s and %s",
            *(operation.kind, operation.id, payment.id),
            *(operation.first_pass_at, operation.second_pass_at),
        )


def _together(listings: Iterable[Listing]) -> Sequence[Listing]:
    """
    Return listings such that no time of a provider is gone through twice.
    """
    joined: list[Listing] = []
    for listing in sorted(listings, key=_place):
        last = joined[-1] if joined else None
        same = last and last.turns[0].claim.provider == listing.turns[0].claim.provider
        if last and same and listing.window.start <= last.window.end:
            joined[-1] = last.joined(listing)
        else:
            joined.append(listing)
    return joined


def _place(listing: Listing) -> tuple[str, datetime]:
    return listing.turns[0].claim.provider, listing.window.start
