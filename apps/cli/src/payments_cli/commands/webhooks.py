"""
``payments webhooks``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import click

from payments_cli.examples import examples
from payments_cli.layout import write_entries
from payments_cli.moments import MOMENT
from payments_cli.output import number_of, short_time, tell_of_more, write_facts, write_json
from payments_cli.progress import progress
from payments_cli.refusal import ExitCode, Refusal
from payments_cli.session import PaymentId, Session, confirm, limit_option, operator, with_session
from payments_cli.webhook_rows import (
    event_row,
    gap_row,
    preview_lines,
    preview_row,
    short_event_row,
)
from payments_core.application.backfill_webhooks import Gap
from payments_core.ports.provider import Window
from payments_core.ports.webhook_queries import WebhookFilter
from payments_core.ports.webhooks import WebhookStatus

STATUSES = [status.value for status in WebhookStatus]

TEACHING = examples(
    "payments webhooks list --status dead       # what was given up",
    "payments webhooks replay EVENT --dry-run   # what it would change now",
    "payments webhooks backfill --since 3d      # fill what never arrived",
)

NONE_MISSING = "Every event that the provider still lists has arrived."

provider_option = click.option(
    "--provider", help="Whose events; the default provider's if left out."
)


@click.group("webhooks", epilog=TEACHING)
def command() -> None:
    """
    Look after what the provider told.

    Every webhook is stored before anything is done about it. An event only says which object
    changed: its state is read afresh, so any event may be processed again at any time.
    """


@command.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those of which that became.")
@click.option("--payment", type=PaymentId(), help="Only those about it.")
@click.option("--since", type=MOMENT, help="Only those received since: 90m, 12h, 3d, a date.")
@limit_option(20)
@with_session
def list_events(
    session: Session,
    *,
    status: str | None,
    payment: UUID | None,
    since: datetime | None,
    limit: int,
) -> None:
    """
    List what arrived, the last first.

    Parked: about a payment that is not here yet; it is tried again for a day. Dead: given up,
    a person must look. Ignored: about no payment of ours.
    """
    wanted = WebhookFilter(
        status=WebhookStatus(status) if status else None, payment_id=payment, since=since
    )
    page = session.container.list_webhooks().execute(wanted, limit)
    if session.as_json:
        rows = [event_row(event) for event in page.items]
        write_json({"items": rows, "more": page.next is not None})
        return
    write_entries([short_event_row(event) for event in page.items], "No webhooks.")
    if page.next:
        tell_of_more()


@command.command("show")
@click.argument("event")
@provider_option
@click.option("--payload", is_flag=True, help="Also what it said, with secrets masked.")
@with_session
def show(session: Session, *, event: str, provider: str | None, payload: bool) -> None:
    """
    Show one event whole.
    """
    found = session.container.list_webhooks().one(session.provider(provider), event)
    row = event_row(found, payload=payload or session.as_json)
    if session.as_json:
        write_json(row)
    else:
        write_facts({k: v for k, v in row.items() if k != "payload"})
        if payload:
            click.echo()
            write_json(row["payload"])


@command.command("replay")
@click.argument("events", metavar="EVENT...", nargs=-1, required=True)
@provider_option
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def replay(
    session: Session, *, events: tuple[str, ...], provider: str | None, dry_run: bool, yes: bool
) -> None:
    """
    Process stored events again.

    The provider's object is read now, and decides: an event that is already taken in changes
    nothing. A dry run reads it too, writes nothing and sends nothing. It asks if the provider
    would be asked for something, such as the refund of money that came too late.
    """
    use_case, name = session.container.replay_webhook(), session.provider(provider)
    previews = [use_case.preview(name, event) for event in events]
    if dry_run:
        rows = [preview_row(found) for found in previews]
        if session.as_json:
            write_json({"dryRun": True, "items": rows})
        else:
            click.echo("\n".join(preview_lines(previews)))
        return
    sends = [word for found in previews for word in found.sends]
    if sends:
        confirm(f"{name} would be asked for: {', '.join(sends)}. Go on?", yes=yes)
    done = [use_case.execute(name, event, operator()) for event in events]
    if session.as_json:
        write_json({"dryRun": False, "items": [event_row(event) for event in done]})
    else:
        write_entries([short_event_row(event) for event in done], "")


@command.command("backfill")
@click.option("--since", type=MOMENT, default="3d", show_default=True, help="How far back.")
@click.option("--until", type=MOMENT, help="Up to when; now if left out.")
@provider_option
@click.option("--dry-run", is_flag=True, help="Only show what is missing.")
@with_session
def backfill(
    session: Session,
    *,
    since: datetime,
    until: datetime | None,
    provider: str | None,
    dry_run: bool,
) -> None:
    """
    Find events that never arrived, and process them.

    The provider's own list of events is compared with what is stored; Stripe keeps 30 days.
    The worker looks at the last two hours by itself, every hour. It may be stopped at any
    time and run again: each event is taken in once.
    """
    window = Window(since, until or datetime.now(UTC))
    if window.start >= window.end:
        raise click.UsageError("--since must be before --until.")
    gaps: list[Gap] = []
    try:
        _fill(session, session.provider(provider), window, gaps, dry_run=dry_run)
    except KeyboardInterrupt:
        raise _interrupted(session, gaps) from None
    if session.as_json:
        write_json({"dryRun": dry_run, "items": [gap_row(gap) for gap in gaps]})
    else:
        write_entries([_short_gap_row(gap) for gap in gaps], NONE_MISSING)
        _summary(gaps, dry_run=dry_run)


def _fill(
    session: Session, provider: str, window: Window, gaps: list[Gap], *, dry_run: bool
) -> None:
    use_case, place = session.container.backfill_webhooks(), window.end
    length = int((window.end - window.start).total_seconds())
    with progress("Comparing events", lambda: length) as step:

        def seen(moment: datetime) -> None:
            nonlocal place
            step(max(0, int((place - moment).total_seconds())))
            place = min(place, moment)

        found = use_case.execute(provider, window, dry_run=dry_run, actor=operator(), seen=seen)
        # One by one: what was found before an interruption is told.
        for gap in found:
            gaps.append(gap)  # noqa: PERF402 - extend() would lose all at an interruption
        seen(window.start)


def _interrupted(session: Session, gaps: Sequence[Gap]) -> Refusal:
    message = (
        f"Interrupted. Nothing is lost: {number_of(len(gaps), 'gap')} found and taken in before."
        " Run the same command again for the rest"
    )
    items = [gap_row(gap) for gap in gaps]
    code = ExitCode.INTERRUPTED
    return Refusal("interrupted", message, code, as_json=session.as_json, items=items)


def _summary(gaps: Sequence[Gap], *, dry_run: bool) -> None:
    missed = f"\n{number_of(len(gaps), 'event')} never arrived"
    if gaps and dry_run:
        click.echo(f"{missed}. Nothing was changed; without --dry-run they are taken in.")
    elif gaps:
        click.echo(f"{missed}. What never arrived is taken in now.")


def _short_gap_row(gap: Gap) -> dict[str, str]:
    about = {"event": gap.notice.id, "object": gap.notice.provider_payment_id or ""}
    return {
        "at": short_time(gap.notice.created_at),
        "what": gap.notice.type,
        "state": gap.status or "missing",
        "details": ", ".join(f"{name}: {value}" for name, value in about.items() if value),
    }
