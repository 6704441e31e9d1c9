"""
What the commands share: their options, the container, and how they end.
"""

import getpass
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import attrs
import click
from typing_extensions import override

from payments_bootstrap import ConfigurationError, Container, bootstrap, close
from payments_bootstrap.configuration import warn_of_strangers
from payments_cli.errors import refusal_of
from payments_cli.refusal import ExitCode, Refusal
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.errors import InvalidMoney, PaymentsError
from payments_core.domain.money import Money
from payments_core.ports.correlation import Correlation, correlated, current
from payments_core.ports.queries import PaymentView

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen
class Session:
    """
    One run of a command.

    Attributes:
        as_json: Write for programs.
    """

    container: Container
    as_json: bool

    def provider(self, name: str | None) -> str:
        """
        Return the name of the provider that is meant: the default one if none is named.
        """
        return name or self.container.settings().default_provider

    def payment(self, known_as: UUID | str) -> PaymentView:
        """
        Return a payment by its id, or by the id that the default provider knows it by.

        Raises:
            PaymentNotFound: There is no such payment.
        """
        if isinstance(known_as, UUID):
            return self.container.get_payment().execute(known_as)
        return self.container.find_payment().execute(self.provider(None), known_as)


def operator() -> Actor:
    """
    Return who sits at the command line: the operating system's user, on this machine.
    """
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # A container's user may have a number and no name.
        user = f"uid {os.getuid()}"
    run = current()
    return Actor(
        channel=Channel.CLI,
        issuer=socket.gethostname(),
        subject=user,
        client="payments-cli",
        request_id=run.id if run else "",
    )


class PaymentId(click.ParamType[UUID]):
    """
    A payment's id.
    """

    name = "payment"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        try:
            return UUID(str(value))
        except ValueError:
            self.fail("It is no payment id; `payments list` shows them.", param, ctx)


class AnyPaymentId(click.ParamType[UUID | str]):
    """
    A payment's id, or its provider's.
    """

    name = "payment"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> UUID | str:
        with suppress(ValueError):
            return UUID(str(value))
        return PROVIDER_ID.convert(value, param, ctx)


class ProviderId(click.ParamType[str]):
    """
    An id that a provider gave, such as ``pi_…``: up to 255 visible characters of ASCII.
    """

    name = "id"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[!-~]{1,255}", str(value)):
            self.fail("It is no id of a payment; `payments list` shows them.", param, ctx)
        return str(value)


PROVIDER_ID = ProviderId()

development_option = click.option(
    "--development", is_flag=True, help="Use the service that `make run` starts here."
)


def limit_option(default: int) -> Callable[[F], F]:
    """
    Return the option of lists that says how much they show.
    """
    return click.option(
        "--limit",
        type=click.IntRange(1, 1000),
        default=default,
        show_default=True,
        help="How many.",
    )


def environment(*, development: bool) -> dict[str, str]:
    """
    Return the settings' environment.

    Raises:
        ConfigurationError: There is no development service here.
    """
    if not development:
        return dict(os.environ)
    from payments_bootstrap.development.home import Home

    return Home().environ(os.environ)


def begin(*, development: bool) -> Container:
    """
    Return the container of the environment, and warn of what is set there and is no setting.

    Raises:
        ConfigurationError: The settings do not allow a start.
    """
    environ = environment(development=development)
    container = bootstrap(environ)
    warn_of_strangers(environ)
    return container


def with_session(view: F) -> Callable[..., None]:
    """
    Give a command a session as its first argument, with the options that it needs.
    """

    @development_option
    @click.option(
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        help="For people (table) or for programs (json).",
    )
    @wraps(view)
    def command(*, development: bool, output: str, **options: Any) -> None:
        as_json = output == "json"
        run = correlated(Correlation.begin())
        with run, refusals(as_json=as_json, development=development):
            container = begin(development=development)
            try:
                view(Session(container, as_json), **options)
            finally:
                close(container)

    return command


@contextmanager
def refusals(*, as_json: bool = False, development: bool = False) -> Iterator[None]:
    """
    Turn the errors of the block into ends of the command.

    Args:
        development: Whether it was asked to use the service of `make run`.
    """
    try:
        yield
    except PaymentsError as error:
        raise refusal_of(error, as_json=as_json) from None
    except ConfigurationError as error:
        message = "The settings do not allow a start:\n" + str(error)
        if not development:
            message += "\nFor the service of `make run`, add --development"
        code = ExitCode.CONFIGURATION
        raise Refusal("configuration", message, code, as_json=as_json) from None


def confirm(question: str, *, yes: bool) -> None:
    """
    Return if the person agrees.

    Raises:
        click.UsageError: Nobody is there to ask.
        click.Abort: They do not.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked; add --yes.")
    # On stderr, so that what is written to a file or a program is the answer alone.
    click.confirm(question, abort=True, err=True)


def money(session: Session, text: str | None, currency: str) -> Money | None:
    """
    Return an amount that was typed, in the payment's currency; None stays None.

    Raises:
        Refusal: It is no amount that could be asked for.
    """
    try:
        return None if text is None else Money.parse(text, currency).require_positive()
    except InvalidMoney as error:
        message = f"--amount: {error}"
        raise Refusal(error.code, message, ExitCode.USAGE, as_json=session.as_json) from None
