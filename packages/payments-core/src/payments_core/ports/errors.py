"""
What a provider's adapter may raise, and nothing else.

::

    PaymentsError
    ├── ProviderError
    │   ├── ProviderDeclined · ProviderRejected · ProviderConflict
    │   ├── ProviderKeyMismatch · ProviderMisconfigured
    │   └── ProviderUnavailable (retryable): ProviderFailed
    └── WebhookInvalid: WebhookSignatureMissing · WebhookSignatureInvalid
                        · WebhookTimestampInvalid · WebhookPayloadInvalid
"""

from payments_core.domain.errors import PaymentsError
from payments_core.domain.facts import ProviderPayment
from payments_core.domain.failure import Failure


class ProviderError(PaymentsError):
    """
    The provider did not do what was asked.

    Attributes:
        failure: The provider's reason in our words' form.
    """

    code = "provider_error"

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.message} ({failure.code})")
        self.failure = failure


class ProviderDeclined(ProviderError):
    """
    The customer's bank or the provider's rules said no: an attempt was made and failed.

    Attributes:
        payment: The provider's object after the attempt, where there is one.
    """

    code = "provider_declined"

    def __init__(self, failure: Failure, payment: ProviderPayment | None = None) -> None:
        super().__init__(failure)
        self.payment = payment


class ProviderRejected(ProviderError):
    """
    The request itself is refused for good, and had no effect.
    """

    code = "provider_rejected"


class ProviderConflict(ProviderError):
    """
    The provider's object is not in the state that the request needs: read it.
    """

    code = "provider_conflict"


class ProviderKeyMismatch(ProviderError):
    """
    The key was used before with other parameters: a bug, which a person must look at.
    """

    code = "provider_key_mismatch"


class ProviderMisconfigured(ProviderError):
    """
    The provider refuses our credentials; nothing can be said about the request.
    """

    code = "provider_misconfigured"


class ProviderUnavailable(ProviderError):
    """
    No usable answer: what was asked for may or may not have been done.

    Attributes:
        retry_after: Seconds that the provider asks us to wait, where it says so.
    """

    code = "provider_unavailable"
    retryable = True

    def __init__(self, failure: Failure, retry_after: float | None = None) -> None:
        super().__init__(failure)
        self.retry_after = retry_after


class ProviderFailed(ProviderUnavailable):
    """
    The provider had an error of its own, which it keeps under the key.

    The request may have been done all the same; sent again it only brings that error again.
    """

    code = "provider_failed"


class WebhookInvalid(PaymentsError):
    """
    The delivery is not one that the provider signed for us.
    """

    code = "webhook_invalid"


class WebhookSignatureMissing(WebhookInvalid):
    """
    The delivery carries no signature.
    """

    code = "webhook_signature_missing"


class WebhookSignatureInvalid(WebhookInvalid):
    """
    No configured secret made this signature.
    """

    code = "webhook_signature_invalid"


class WebhookTimestampInvalid(WebhookInvalid):
    """
    The signature is too old or from the future.
    """

    code = "webhook_timestamp_out_of_tolerance"


class WebhookPayloadInvalid(WebhookInvalid):
    """
    The signed body is no event.
    """

    code = "webhook_payload_invalid"
