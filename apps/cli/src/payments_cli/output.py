"""
Payments as tables for people, and as JSON for programs, in the API's words.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from payments_cli.colours import COLOURS
from payments_cli.visible import visible, visible_json
from payments_core.contracts.converter import timestamp
from payments_core.domain.failure import Failure
from payments_core.ports.queries import PaymentView, RefundView, TimelineEntry

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

Row = Mapping[str, Any]

PIPED_WIDTH: Final = 10_000


def payment_row(payment: PaymentView) -> Row:
    """
    Return what is shown of a payment; its secrets are not.
    """
    return {
        "paymentId": str(payment.id),
        "orderId": str(payment.order_id),
        "customerId": payment.customer_id,
        "status": payment.status.value,
        "amount": payment.amount.text,
        "currency": payment.amount.currency,
        "authorizedAmount": payment.authorized.text,
        "capturedAmount": payment.captured.text,
        "refundedAmount": payment.refunded.text,
        "captureMethod": payment.capture_method.value,
        "provider": payment.provider,
        "providerPaymentId": payment.provider_payment_id,
        "failure": _failure(payment.failure),
        "unresolvedOperations": payment.unresolved_operations,
        "createdAt": timestamp(payment.created_at),
        "updatedAt": timestamp(payment.updated_at),
    }


def refund_row(refund: RefundView) -> Row:
    """
    Return what is shown of a refund.
    """
    return {
        "refundId": str(refund.id),
        "paymentId": str(refund.payment_id),
        "status": refund.status.value,
        "amount": refund.amount.text,
        "currency": refund.amount.currency,
        "reason": refund.reason,
        "providerRefundId": refund.provider_refund_id,
        "failure": _failure(refund.failure),
        "createdAt": timestamp(refund.created_at),
        "completedAt": timestamp(refund.completed_at) if refund.completed_at else None,
    }


def short_time(moment: datetime) -> str:
    """
    Return a moment in UTC to the second, for people.
    """
    return timestamp(moment)[:19].replace("T", " ")


def number_of(number: int, name: str) -> str:
    """
    Return how many there are, in words for people: 1 payment, 2 payments.
    """
    return f"{number:,} {name}" + "s" * (number != 1)


def tell_of_more() -> None:
    """
    Say that the limit left something out, where it does not disturb a program.
    """
    click.echo("There are more; --limit says how many are shown.", err=True)


def short_payment_row(payment: PaymentView) -> Row:
    """
    Return what tells one payment from another.
    """
    return {
        "paymentId": str(payment.id),
        "status": payment.status.value,
        "amount": str(payment.amount),
        "createdAt": short_time(payment.created_at),
        "customerId": payment.customer_id,
    }


def short_entry_row(entry: TimelineEntry) -> Row:
    """
    Return what people look for in an entry: no ids, no further times, no counts.
    """
    ids = ("_id", "_at", "_until", "number", "attempts", "sequence")
    details = {k: v for k, v in entry.details.items() if not k.endswith(ids)}
    return {
        "at": short_time(entry.at),
        "what": f"{entry.kind} {entry.name}".rstrip(),
        "state": entry.state,
        "details": ", ".join(f"{name}: {value}" for name, value in details.items()),
    }


def entry_row(entry: TimelineEntry) -> Row:
    """
    Return what is shown of an entry of a timeline.
    """
    return {
        "at": timestamp(entry.at),
        "kind": entry.kind,
        "name": entry.name,
        "state": entry.state,
        "id": entry.id,
        "details": dict(entry.details),
    }


def write_json(document: Any) -> None:
    """
    Write one document.
    """
    click.echo(visible_json(document))


def write_facts(row: Row) -> None:
    """
    Write one thing, a line for each fact that there is.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in row.items():
        if value not in (None, "", {}):
            table.add_row(Text(name, style="dim"), _cell(value))
    _print(table)


def write_table(titles: Mapping[str, str], rows: Sequence[Row]) -> None:
    """
    Write several things: a line for each, or a line for each fact where that is too wide.

    Args:
        titles: The title of each column, by the name of its value; only the last may be folded.
    """
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    *_, last = titles
    for name, title in titles.items():
        justify: Literal["left", "right"] = "right" if name == "amount" else "left"
        table.add_column(title, justify=justify, no_wrap=name != last, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in titles))
    if _fits(table):
        _print(table)
        return
    for number, row in enumerate(rows):
        click.echo("\n" * bool(number), nl=False)
        write_facts({title: row[name] for name, title in titles.items()})


def terminal_width() -> int | None:
    """
    Return how many characters a line of the terminal has; None if none is written to.
    """
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _fits(table: "Table") -> bool:
    from rich.console import Console

    least = Console(width=PIPED_WIDTH).measure(table).minimum
    return least <= (terminal_width() or PIPED_WIDTH)


def _print(table: "Table") -> None:
    from rich.console import Console

    # What goes to a file or another program is not folded at a width that nobody set.
    Console(width=terminal_width() or PIPED_WIDTH).print(table)


def _failure(failure: Failure | None) -> Row | None:
    return None if failure is None else {"code": failure.code, "message": failure.message}


def _cell(value: Any) -> "Text":
    from rich.text import Text

    text = visible(_text(value))
    return Text(text, style=COLOURS.get(text.lower(), ""))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    return str(value)
