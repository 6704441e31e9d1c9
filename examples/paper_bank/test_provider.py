"""
The paper bank passes the suite that every provider passes.
"""

from collections.abc import Mapping

import pytest
from typing_extensions import override

from examples.paper_bank.bank import PaperBank
from examples.paper_bank.provider import PaperBankProvider
from payments_core.domain.facts import ProviderPayment
from payments_core.ports.provider import IPaymentProvider
from payments_core.testing.conformance.provider import ProviderConformance


class TestPaperBank(ProviderConformance):
    """
    Three payment methods, and four hooks: all that the suite has to be told.
    """

    approved = "paper_note"
    declined = "paper_torn"
    declined_code = "torn_paper"
    action = "paper_signed"

    @pytest.fixture
    @override
    def provider(self) -> IPaymentProvider:
        self.bank = PaperBank(secret=b"wax")
        return PaperBankProvider(self.bank)

    @override
    def approve(self, payment: ProviderPayment) -> None:
        self.bank.answer(payment.id, yes=True)

    @override
    def reject(self, payment: ProviderPayment) -> None:
        self.bank.answer(payment.id, yes=False)

    @override
    def delivery(self, payment: ProviderPayment) -> tuple[bytes, Mapping[str, str]]:
        return self.bank.delivery(payment.id)
