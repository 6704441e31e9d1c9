"""
Stripe's published test payment methods and what each one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Json = dict[str, object]


@dataclass(frozen=True)
class Decline:
    """
    Why an attempt fails, in Stripe's words.
    """

    code: str
    decline_code: str | None
    message: str


GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.")
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds."
)
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


def bank_failure(code: str, message: str) -> Decline:
    """
    Why a debit fails days after it was sent.
    """
    return Decline(code, None, message)


@dataclass(frozen=True, kw_only=True)
class TestMethod:
    """
    One test payment method.

    Args:
        name: The id to send instead of card details, for example `pm_card_visa`.

        number: The card or account number that does the same.

        settles: `now`, or after a delay (`later`), or never (`stays` processing).

        refund: What becomes of refunds: they succeed, succeed `late`, or fail late.

        three_d_secure: Whether the customer has to authenticate; `on_session` only when present.

        dispute: The reason of the dispute that follows every charge.
    """

    __test__ = False  # pytest would collect a class of this name

    name: str
    number: str
    kind: Literal["card", "us_bank_account", "sepa_debit"] = "card"
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    three_d_secure: Literal["optional", "required", "on_session", "not_supported"] = "optional"
    settles: Literal["now", "later", "stays"] = "now"
    refund: Literal["succeeds", "late", "fails"] = "succeeds"
    dispute: str | None = None
    inquiry: bool = False
    available_at_once: bool = False
    risk: Literal["normal", "elevated", "highest"] = "normal"
    cvc_check: str = "pass"
    address_check: tuple[str | None, str | None] = (None, None)

    @property
    def last4(self) -> str:
        """
        The digits that Stripe shows.
        """
        return self.number[-4:]


def _cards() -> tuple[TestMethod, ...]:
    card = TestMethod
    return (
        card(name="pm_card_visa", number="4242424242424242"),
        card(name="pm_card_visa_debit", number="4000056655665556", funding="debit"),
        card(name="pm_card_mastercard", number="5555555555554444", brand="mastercard"),
        card(
            name="pm_card_mastercard_debit",
            number="5200828282828210",
            brand="mastercard",
            funding="debit",
        ),
        card(
            name="pm_card_mastercard_prepaid",
            number="5105105105105100",
            brand="mastercard",
            funding="prepaid",
        ),
        card(
            name="pm_card_amex",
            number="378282246310005",
            brand="amex",
            three_d_secure="not_supported",
        ),
        card(name="pm_card_discover", number="6011111111111117", brand="discover"),
        card(name="pm_card_diners", number="3056930009020004", brand="diners"),
        card(name="pm_card_jcb", number="3566002020360505", brand="jcb"),
        card(name="pm_card_unionpay", number="6200000000000005", brand="unionpay"),
        card(name="pm_card_gb", number="4000008260000000", country="GB"),
        card(name="pm_card_de", number="4000002760000016", country="DE"),
        card(name="pm_card_fr", number="4000002500000003", country="FR"),
        card(name="pm_card_ca", number="4000001240000000", country="CA"),
        card(name="pm_card_br", number="4000000760000002", country="BR"),
        card(name="pm_card_jp", number="4000003920000003", country="JP"),
        card(name="pm_card_in", number="4000003560000008", country="IN"),
        card(name="pm_card_bypassPending", number="4000000000000077", available_at_once=True),
        card(
            name="pm_card_bypassPendingInternational",
            number="4000003720000278",
            country="IE",
            available_at_once=True,
        ),
    )


def _declined() -> tuple[TestMethod, ...]:
    card = TestMethod
    return (
        card(name="pm_card_visa_chargeDeclined", number="4000000000000002", decline=GENERIC),
        card(
            name="pm_card_visa_chargeDeclinedInsufficientFunds",
            number="4000000000009995",
            decline=INSUFFICIENT_FUNDS,
        ),
        card(
            name="pm_card_visa_chargeDeclinedLostCard",
            number="4000000000009987",
            decline=Decline("card_declined", "lost_card", "Your card was declined."),
        ),
        card(
            name="pm_card_visa_chargeDeclinedStolenCard",
            number="4000000000009979",
            decline=Decline("card_declined", "stolen_card", "Your card was declined."),
        ),
        card(
            name="pm_card_chargeDeclinedExpiredCard",
            number="4000000000000069",
            decline=Decline("expired_card", "expired_card", "Your card has expired."),
        ),
        card(
            name="pm_card_chargeDeclinedIncorrectCvc",
            number="4000000000000127",
            decline=Decline(
                "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
            ),
            cvc_check="fail",
        ),
        card(
            name="pm_card_chargeDeclinedProcessingError",
            number="4000000000000119",
            decline=PROCESSING_ERROR,
        ),
        card(
            name="pm_card_visa_chargeDeclinedVelocityLimitExceeded",
            number="4000000000006975",
            decline=Decline(
                "card_declined",
                "card_velocity_exceeded",
                "Your card was declined for making repeated attempts too frequently or exceeding"
                " its amount limit.",
            ),
        ),
        card(name="pm_card_chargeCustomerFail", number="4000000000000341", decline=GENERIC),
        card(
            name="pm_card_radarBlock",
            number="4100000000000019",
            decline=Decline("card_declined", "fraudulent", "Your card was declined."),
            risk="highest",
        ),
        card(
            name="pm_card_riskLevelHighest",
            number="4000000000004954",
            decline=Decline("card_declined", "fraudulent", "Your card was declined."),
            risk="highest",
        ),
        card(name="pm_card_riskLevelElevated", number="4000000000009235", risk="elevated"),
        card(name="pm_card_cvcCheckFail", number="4000000000000101", cvc_check="fail"),
        card(name="pm_card_avsFail", number="4000000000000010", address_check=("fail", "fail")),
        card(
            name="pm_card_avsLine1Fail", number="4000000000000028", address_check=("fail", "pass")
        ),
        card(name="pm_card_avsZipFail", number="4000000000000036", address_check=("pass", "fail")),
    )


def _authenticated() -> tuple[TestMethod, ...]:
    card = TestMethod
    return (
        card(
            name="pm_card_threeDSecure2Required",
            number="4000000000003220",
            three_d_secure="required",
        ),
        card(
            name="pm_card_threeDSecureRequired",
            number="4000000000003063",
            three_d_secure="required",
        ),
        card(
            name="pm_card_authenticationRequired",
            number="4000002760003184",
            country="DE",
            three_d_secure="required",
        ),
        card(
            name="pm_card_authenticationRequiredOnSetup",
            number="4000002500003155",
            country="FR",
            three_d_secure="required",
        ),
        card(
            name="pm_card_authenticationRequiredSetupForOffSession",
            number="4000003800000446",
            three_d_secure="on_session",
        ),
        card(
            name="pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            number="4000008260003178",
            country="GB",
            three_d_secure="required",
            decline=INSUFFICIENT_FUNDS,
        ),
        card(
            name="pm_card_threeDSecureRequiredChargeDeclined",
            number="4000008400001629",
            three_d_secure="required",
            decline=GENERIC,
        ),
        card(
            name="pm_card_threeDSecureRequiredProcessingError",
            number="4000008400001280",
            decline=PROCESSING_ERROR,
        ),
        card(name="pm_card_threeDSecureOptional", number="4000000000003055"),
    )


def _afterwards() -> tuple[TestMethod, ...]:
    card = TestMethod
    return (
        card(name="pm_card_pendingRefund", number="4000000000007726", refund="late"),
        card(name="pm_card_refundFail", number="4000000000005126", refund="fails"),
        card(name="pm_card_createDispute", number="4000000000000259", dispute="fraudulent"),
        card(
            name="pm_card_createDisputeProductNotReceived",
            number="4000000000002685",
            dispute="product_not_received",
        ),
        card(
            name="pm_card_createDisputeInquiry",
            number="4000000000001976",
            dispute="fraudulent",
            inquiry=True,
        ),
    )


def _banks() -> tuple[TestMethod, ...]:
    def ach(name: str, number: str, failure: Decline | None = None) -> TestMethod:
        return TestMethod(
            name=f"pm_usBankAccount_{name}",
            number=number,
            kind="us_bank_account",
            decline=failure,
            settles="stays" if name == "processing" else "later",
            dispute="debit_not_authorized" if name == "dispute" else None,
        )

    def sepa(name: str, number: str, failure: Decline | None = None) -> TestMethod:
        return TestMethod(
            name=f"pm_{name}_de",
            number=number,
            kind="sepa_debit",
            country="DE",
            decline=failure,
            settles="later",
            dispute="fraudulent" if name == "disputed" else None,
        )

    closed = bank_failure("account_closed", "The customer's bank account has been closed.")
    unknown = bank_failure("no_account", "The bank account could not be located.")
    poor = bank_failure("insufficient_funds", "The customer's account has insufficient funds.")
    barred = bank_failure("debit_not_authorized", "The customer has not authorised this debit.")
    currency = bank_failure("invalid_currency", "The bank was unable to process this currency.")
    generic = bank_failure("generic_could_not_process", "The bank could not process this debit.")
    return (
        ach("success", "000123456789"),
        ach("accountClosed", "000111111113", closed),
        ach("noAccount", "000111111116", unknown),
        ach("insufficientFunds", "000222222227", poor),
        ach("debitNotAuthorized", "000333333335", barred),
        ach("invalidCurrency", "000444444440", currency),
        ach("dispute", "000555555559"),
        ach("processing", "000000000009"),
        sepa("success", "DE89370400440532013000"),
        sepa("successDelayed", "DE08370400440532013003"),
        sepa("failed", "DE62370400440532013001", generic),
        sepa("failedDelayed", "DE78370400440532013004", generic),
        sepa("disputed", "DE35370400440532013002"),
        sepa("insufficientFunds", "DE65370400440000343434", poor),
    )


TEST_METHODS = (*_cards(), *_declined(), *_authenticated(), *_afterwards(), *_banks())
ALIASES = {
    "pm_card_us": "pm_card_visa",
    "pm_card_chargeDeclined": "pm_card_visa_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedLostCard": "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_chargeDeclinedStolenCard": "pm_card_visa_chargeDeclinedStolenCard",
    "pm_card_visa_chargeDeclinedExpiredCard": "pm_card_chargeDeclinedExpiredCard",
    "pm_card_visa_chargeDeclinedIncorrectCvc": "pm_card_chargeDeclinedIncorrectCvc",
    "pm_card_visa_chargeDeclinedProcessingError": "pm_card_chargeDeclinedProcessingError",
    "pm_card_amex_threeDSecureNotSupported": "pm_card_amex",
    "pm_usBankAccount": "pm_usBankAccount_success",
}
BY_NAME = {method.name: method for method in TEST_METHODS}
BY_NUMBER = {method.number: method for method in TEST_METHODS} | {
    "2223003122003222": BY_NAME["pm_card_mastercard"],
    "4012888888881881": BY_NAME["pm_card_visa"],
    "371449635398431": BY_NAME["pm_card_amex"],
}


def find(name: str) -> TestMethod | None:
    """
    The test method of a `pm_card_…` or `tok_…` name.
    """
    if name.startswith("tok_"):
        name = f"pm_card_{name.removeprefix('tok_')}"
    return BY_NAME.get(ALIASES.get(name, name))
