"""
``payments explain``.
"""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from uuid import UUID

import click

from payments_cli.examples import examples
from payments_cli.output import payment_row, short_time, terminal_width, write_json
from payments_cli.session import AnyPaymentId, Session, with_session
from payments_cli.story import Line, story_of, summary_of
from payments_cli.visible import visible
from payments_core.contracts.converter import timestamp
from payments_core.ports.audit import AuditFilter
from payments_core.ports.queries import PaymentView

TEACHING = examples(
    "payments explain PAYMENT",
    "payments explain PAYMENT --output json | jq -r '.open[].next'",
)

MOST_ASKED = 1000
PIPED = 100


@click.command("explain", epilog=TEACHING)
@click.argument("payment", type=AnyPaymentId())
@with_session
def command(session: Session, *, payment: UUID | str) -> None:
    """
    Tell a payment's story, what is open, and what happens next.

    Who asked for what, what the provider was asked and answered, what it told by webhook, what
    other services were told, and every difference that was found.
    """
    found = session.payment(payment)
    entries = session.container.show_timeline().execute(found.id)
    asked = session.container.list_audit().execute(AuditFilter(payment_id=found.id), MOST_ASKED)
    lines = story_of(found, entries, asked.items)
    if session.as_json:
        write_json(_document(found, lines))
    else:
        click.echo("\n".join(_lines(found, lines, terminal_width() or PIPED)))


def _document(payment: PaymentView, lines: Sequence[Line]) -> dict[str, object]:
    return {
        **payment_row(payment),
        "summary": summary_of(payment, lines),
        "open": [{"kind": n.kind, "id": n.id, "next": n.open} for n in lines if n.open],
        "story": [
            {"at": timestamp(n.at), "kind": n.kind, "id": n.id, "text": n.text, "open": n.open}
            for n in lines
        ],
    }


def _lines(payment: PaymentView, lines: Sequence[Line], width: int) -> Iterator[str]:
    yield click.style(f"Payment {payment.id}, {payment.amount}", bold=True)
    yield from _folded(summary_of(payment, lines), width, "")
    for day, found in groupby(lines, lambda line: short_time(line.at)[:10]):
        yield ""
        yield click.style(f"{day}, UTC", dim=True)
        for line in found:
            yield from _folded(line.text, width, f"  {short_time(line.at)[11:]}  ")
            if line.open:
                yield from _folded(line.open, width, " " * 10 + "→ ", fg="yellow")


def _folded(text: str, width: int, start: str, fg: str | None = None) -> Iterator[str]:
    for folded in textwrap.wrap(
        visible(text),
        max(width, 40),
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_on_hyphens=False,
        break_long_words=False,
    ):
        yield click.style(folded, fg=fg) if fg else folded
