"""
What happens within a call of Stripe, for whoever counts it.
"""

from abc import abstractmethod
from typing import Protocol

from typing_extensions import override


class IStripeWatch(Protocol):
    """
    Hears what no answer tells. Called from any thread; it must be quick and raise nothing.
    """

    @abstractmethod
    def repeats(self, reason: str) -> None:
        """
        A request is sent once more, because of this: one of few words.
        """

    @abstractmethod
    def leaves_alone(self, *, so: bool) -> None:
        """
        Stripe is left alone from now on, or no longer.
        """


class NoStripeWatch(IStripeWatch):
    """
    Does not listen.
    """

    @override
    def repeats(self, reason: str) -> None:
        return

    @override
    def leaves_alone(self, *, so: bool) -> None:
        return
