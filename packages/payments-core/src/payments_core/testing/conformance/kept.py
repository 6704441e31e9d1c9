"""
What the suites of a storage begin with: its units of work, and payments in them.
"""

from abc import abstractmethod
from collections.abc import Callable
from uuid import UUID

import pytest

from payments_core.domain.payment import Payment
from payments_core.ports.unit_of_work import UnitOfWorkFactory


class OnUnitsOfWork:
    """
    A suite whose tests work in units of work.
    """

    @pytest.fixture
    @abstractmethod
    def make_uow(self) -> UnitOfWorkFactory:
        """
        Return what gives a fresh unit of work at each call, on one empty database.
        """


class OnPayments(OnUnitsOfWork):
    """
    A suite whose tests begin with a payment that is kept.
    """

    def keep(self, make_uow: UnitOfWorkFactory, payment: Payment) -> Payment:
        """
        Add a payment and commit.
        """
        with make_uow() as uow:
            assert uow.payments.add(payment)
            uow.commit()
        return payment

    def change(
        self, make_uow: UnitOfWorkFactory, payment_id: UUID, act: Callable[[Payment], object]
    ) -> Payment:
        """
        Read a payment, change it, save it and commit.
        """
        with make_uow() as uow:
            payment = uow.payments.get(payment_id)
            assert payment is not None
            act(payment)
            uow.payments.save(payment)
            uow.commit()
        return payment
