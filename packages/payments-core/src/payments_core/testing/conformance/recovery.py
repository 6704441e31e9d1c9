"""
What every `IPaymentRepository` promises to those who resolve operations.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply
from payments_core.ports.repositories import Claim
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, answered
from payments_core.testing.conformance.kept import OnPayments

DUE = NOW + Policy().lease
WAITS = ProviderPaymentStatus.REQUIRES_PAYMENT_METHOD


class RecoveryConformance(OnPayments):
    """
    Subclass it and override `make_uow`.
    """

    # ------------------------------------------------------------ steps

    def claim(
        self,
        make_uow: UnitOfWorkFactory,
        at: datetime,
        *,
        limit: int = 10,
        without: tuple[str, ...] = (),
    ) -> dict[UUID, Claim]:
        """
        Claim what is due for a minute; return it by payment.
        """
        with make_uow() as uow:
            claimed = uow.payments.claim(
                uuid4(), at, at + timedelta(minutes=1), limit, without=without
            )
            uow.commit()
        return {claim.payment_id: claim for claim in claimed}

    # ------------------------------------------------------------ operations

    def test_an_operation_is_due_after_its_lease(self, make_uow: UnitOfWorkFactory) -> None:
        """
        While its sender may send it, nobody else gets it; a claim says which it is and whose.
        """
        payment = self.keep(make_uow, a_payment())
        early = self.claim(make_uow, DUE - timedelta(seconds=1))
        claimed = self.claim(make_uow, DUE)

        assert early == {}
        assert claimed == {payment.id: Claim("fake", payment.id, payment.operations[0].id)}

    def test_a_claim_is_a_new_lease(self, make_uow: UnitOfWorkFactory) -> None:
        """
        The token and the end of the lease are stored; nothing else of the payment changes.
        """
        payment, token, until = self.keep(make_uow, a_payment()), uuid4(), DUE + Policy().lease
        with make_uow() as uow:
            uow.payments.claim(token, DUE, until, 10)
            uow.commit()
        with make_uow() as uow:
            found = uow.payments.get(payment.id)
        operation = payment.operations[0]
        operation.lease_token, operation.lease_until, operation.next_at = token, until, until

        assert found == payment

    def test_a_claim_without_commit_is_none(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A claimer that dies before its commit leaves everything due.
        """
        self.keep(make_uow, a_payment())
        with make_uow() as uow:
            uow.payments.claim(uuid4(), DUE, DUE + Policy().lease, 10)

        assert len(self.claim(make_uow, DUE)) == 1

    def test_what_a_dead_claimer_held_is_due_again(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Not before its lease is over, and then as before.
        """
        self.keep(make_uow, a_payment())
        counts = [
            len(self.claim(make_uow, DUE + timedelta(seconds=seconds))) for seconds in (0, 59, 61)
        ]

        assert counts == [1, 0, 1]

    def test_what_is_over_is_never_due(self, make_uow: UnitOfWorkFactory) -> None:
        """
        An operation that is resolved after its lease is nobody's business any more.
        """
        payment = self.keep(make_uow, a_payment())

        def resolve(p: Payment) -> None:
            refused = Answer(operation_id=p.operations[0].id, state=OperationState.DECLINED)
            apply(p, refused, DUE, Policy())

        self.change(make_uow, payment.id, resolve)

        assert self.claim(make_uow, DUE + timedelta(days=1)) == {}

    def test_the_longest_due_come_first(self, make_uow: UnitOfWorkFactory) -> None:
        """
        When more is due than is taken, what waits longest is taken.
        """
        made = [
            self.keep(make_uow, a_payment(now=NOW - timedelta(minutes=minutes)))
            for minutes in (3, 9, 1, 5)
        ]
        claimed = self.claim(make_uow, DUE, limit=2)

        assert set(claimed) == {made[1].id, made[3].id}

    def test_a_provider_may_be_left_alone(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Its operations stay due, and those of the others are claimed.
        """
        one = self.keep(make_uow, a_payment(provider="one"))
        other = self.keep(make_uow, a_payment(provider="other"))

        assert set(self.claim(make_uow, DUE, without=("one",))) == {other.id}
        assert set(self.claim(make_uow, DUE)) == {one.id}

    def test_claimers_never_share_operations(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Many at once get every due operation, each of them once.
        """
        made = {self.keep(make_uow, a_payment()).id for _ in range(24)}

        def take(_: int) -> list[UUID]:
            return list(self.claim(make_uow, DUE, limit=5))

        claimed: list[UUID] = []
        with ThreadPoolExecutor(4) as pool:
            for _ in range(6):
                for mine in pool.map(take, range(4)):
                    claimed += mine

        assert set(claimed) == made
        assert len(claimed) == len(made)

    def test_reviews_are_listed_oldest_first(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What waits for a person is found, and nothing else.
        """

        def hand_over(p: Payment) -> None:
            p.operations[0].resolve(OperationState.REVIEW, DUE)

        self.keep(make_uow, a_payment())
        made = [
            self.keep(make_uow, a_payment(now=NOW - timedelta(hours=hours))) for hours in (1, 3, 2)
        ]
        for payment in made:
            self.change(make_uow, payment.id, hand_over)
        with make_uow() as uow:
            found = uow.payments.in_review(2)

        assert [payment_id for payment_id, _ in found] == [made[1].id, made[2].id]
        assert [o.id for _, o in found] == [made[1].operations[0].id, made[2].operations[0].id]

    # ------------------------------------------------------------ customers who do not come

    def test_payments_expire_while_they_wait(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Those whose customer must act and whose time is over are found, longest first.
        """
        end = NOW + Policy().expire_after
        waiting = [
            self.keep(make_uow, a_payment(now=NOW - timedelta(hours=hours))) for hours in (1, 2)
        ]
        paid, young = (
            self.keep(make_uow, a_payment()),
            self.keep(make_uow, a_payment(now=NOW + timedelta(seconds=1))),
        )
        self.keep(make_uow, a_payment())
        for payment in (*waiting, young):
            self.change(make_uow, payment.id, lambda p: answered(p, WAITS))
        self.change(make_uow, paid.id, answered)
        with make_uow() as uow:
            found = uow.payments.expired(end, 10)
            one = uow.payments.expired(end, 1)

        assert list(found) == [waiting[1].id, waiting[0].id]
        assert list(one) == [waiting[1].id]
