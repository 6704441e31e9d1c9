"""
What is looked at in the arguments before any command is: the form of the output, and secrets.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import click

_ENVIRONMENT: Final = "the environment"
_STRIPE: Final = "PAYMENT_PROVIDERS__STRIPE__"

_OPTIONS: Final[Mapping[str, str]] = {
    "--api-key": f"{_ENVIRONMENT}, as {_STRIPE}API_KEY",
    "--stripe-key": f"{_ENVIRONMENT}, as {_STRIPE}API_KEY",
    "--webhook-secret": f"{_ENVIRONMENT}, as {_STRIPE}WEBHOOK_SECRET",
    "--secret": _ENVIRONMENT,
    "--password": f"{_ENVIRONMENT}, in DATABASE__URL",
    "--database-url": f"{_ENVIRONMENT}, as DATABASE__URL",
    "--rabbitmq-url": f"{_ENVIRONMENT}, as RABBITMQ__URL",
}
"""
Options that people try, and where what they hold belongs.
"""

_VALUES: Final[Mapping[re.Pattern[str], str]] = {
    re.compile(r"\b[sr]k_(test|live)_\w"): _OPTIONS["--api-key"],
    re.compile(r"\bwhsec_\w"): _OPTIONS["--webhook-secret"],
    re.compile(r"\w\+?\w*://[^/\s:@]*:[^@\s]+@"): _ENVIRONMENT,
    re.compile(r"\beyJ[\w-]+\.eyJ[\w-]+\."): "the header of a request",
}
"""
What secrets look like: keys and signing secrets of Stripe, addresses with a password, tokens.
"""


def wants_json(words: Sequence[str]) -> bool:
    """
    Return whether the arguments ask for documents, also where they are wrong otherwise.
    """
    return "--output=json" in words or ("--output", "json") in pairwise(words)


def refuse_secrets(words: Sequence[str]) -> None:
    """
    Return if there is no secret among the arguments.

    Raises:
        click.UsageError: There is one; it is not repeated.
    """
    for word in words:
        place = _place_of(word)
        if place:
            raise click.UsageError(
                "A secret does not belong on the command line: everybody on this machine can read"
                f" it there, and the shell keeps it. Put it into {place}, or into the file that"
                " SETTINGS_FILE names. If it was a real one, replace it."
            )


def _place_of(word: str) -> str | None:
    option = _OPTIONS.get(word.partition("=")[0])
    return option or next((place for form, place in _VALUES.items() if form.search(word)), None)
