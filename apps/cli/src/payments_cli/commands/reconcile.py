"""
``payments reconcile``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from payments_cli.discrepancy_rows import discrepancy_row
from payments_cli.examples import examples
from payments_cli.moments import MOMENT
from payments_cli.output import Row, number_of, write_json, write_table
from payments_cli.progress import progress
from payments_cli.refusal import ExitCode, Refusal
from payments_cli.session import Session, operator, with_session
from payments_core.application.reconcile_payments import ReconcileCommand, Watch
from payments_core.contracts.converter import timestamp
from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.reconciliation import ReconciliationRun, RunStatus

TITLES = {
    "kind": "kind",
    "repair": "repaired",
    "paymentId": "payment",
    "providerObjectId": "at",
    "values": "here, and there",
}
PARTS = 1000
MOST_SHOWN = 1000

TEACHING = examples(
    "payments reconcile --since 2d --dry-run  # look, and change nothing",
    "payments reconcile --since 2026-11-01 --until 2026-11-08",
    "payments reconcile --since 1d --output json | jq .counts",
    more="""
Ends with 0 when everything was compared, also if it differed; with 1 when
something could not be read; with 6 while another run compares.""",
)


@click.command("reconcile", epilog=TEACHING)
@click.option(
    "--since", type=MOMENT, required=True, help="From when on: 2d, 12h, or a date in UTC."
)
@click.option("--until", type=MOMENT, help="Until when; until a few minutes ago if left out.")
@click.option("--provider", help="Which provider; the default one if left out.")
@click.option("--dry-run", is_flag=True, help="Only look: change nothing, here or there.")
@with_session
def command(
    session: Session,
    *,
    since: datetime,
    until: datetime | None,
    provider: str | None,
    dry_run: bool,
) -> None:
    """
    Compare a stretch of time with the provider, and repair what may be repaired.

    Payments, refunds, disputes, events, operations and messages are compared. What the
    provider shows is taken over as from a webhook; what a person must look at is listed.
    Ctrl-C loses nothing: the worker, or the next call, goes on where it stopped.
    """
    now = datetime.now(UTC)
    if until is not None and since >= until:
        raise click.BadParameter("It must be before --until.", param_hint="--since")
    asked = ReconcileCommand(
        provider=session.provider(provider),
        window_start=since,
        window_end=until or now,
        dry_run=dry_run,
        actor=operator(),
    )
    shown: list[Discrepancy] = []
    try:
        with watching(shown) as watch:
            run = session.container.reconcile_payments().execute(asked, watch)
    except KeyboardInterrupt:
        raise _interrupted(session, dry_run=dry_run) from None
    _write(session, run, shown)
    if run.status is not RunStatus.COMPLETED:
        raise SystemExit(ExitCode.FAILED)


@contextmanager
def watching(shown: list[Discrepancy]) -> Iterator[Watch]:
    """
    Show how far it is, and collect the first differences.
    """
    with progress("Comparing", lambda: PARTS) as step:
        done = 0

        def move(_: ReconciliationRun, part: float) -> None:
            nonlocal done
            now = int(part * PARTS)
            step(max(0, now - done))
            done = now

        def note(found: Discrepancy) -> None:
            if len(shown) < MOST_SHOWN:
                shown.append(found)

        yield Watch(move, note)


def _interrupted(session: Session, *, dry_run: bool) -> Refusal:
    kept = "What was repaired stays; the worker, or the same command again, goes on"
    message = f"Interrupted. {'Nothing was changed' if dry_run else kept}"
    return Refusal("interrupted", message, ExitCode.INTERRUPTED, as_json=session.as_json)


def _write(session: Session, run: ReconciliationRun, shown: list[Discrepancy]) -> None:
    rows = [_row(found) for found in shown]
    if session.as_json:
        write_json(_document(run, rows))
        return
    if rows:
        write_table(TITLES, rows)
        click.echo()
    click.echo(_summary(run))


def _summary(run: ReconciliationRun) -> str:
    window = f"{timestamp(run.window_start)[:16]} to {timestamp(run.window_end)[:16]} UTC"
    compared = f"{number_of(run.checked, 'thing')} compared, {window}."
    found = number_of(run.found, "difference")
    if not run.found:
        sentence = "Nothing differs."
    elif run.dry_run:
        sentence = f"{found}. Nothing was changed."
    else:
        left = run.found - run.repaired
        sentence = f"{found}, {run.fresh} new: {run.repaired} repaired, {left} not."
        sentence += "\nWhich stand: payments discrepancies list" * bool(left)
    return f"{sentence}\n{compared}" + (
        f"\nNot everything could be read: {run.error}" if run.error else ""
    )


def _row(found: Discrepancy) -> Row:
    values = f"{found.local_value}; {found.provider_value}"
    return {**discrepancy_row(found), "values": values}


def _document(run: ReconciliationRun, rows: list[Row]) -> Row:
    return {
        "runId": None if run.dry_run else str(run.id),
        "provider": run.provider,
        "from": timestamp(run.window_start),
        "to": timestamp(run.window_end),
        "dryRun": run.dry_run,
        "status": run.status.value,
        "error": run.error,
        "counts": {
            "checked": run.checked,
            "found": run.found,
            "new": run.fresh,
            "repaired": run.repaired,
            "kinds": dict(run.kinds),
        },
        "discrepancies": [{k: v for k, v in row.items() if k != "values"} for row in rows],
    }
