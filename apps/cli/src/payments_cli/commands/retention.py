"""
``payments retention``.
"""

import click

from payments_cli.examples import examples
from payments_cli.output import Row, number_of, short_time, write_json, write_table
from payments_cli.session import Session, with_session
from payments_core.application.apply_retention import Applied
from payments_core.contracts.converter import timestamp
from payments_core.ports.retention import Removal

TITLES = {"history": "what", "before": "older than, UTC", "gone": "removed", "stays": "stays"}
WOULD = TITLES | {"gone": "would go"}

TEACHING = examples(
    "payments retention --dry-run   # which months would go",
    "payments retention             # remove them, and make the months to come",
)


@click.command("retention", epilog=TEACHING)
@click.option("--dry-run", is_flag=True, help="Only say which months would go.")
@with_session
def command(session: Session, *, dry_run: bool) -> None:
    """
    Remove what is older than it must be kept.

    How long that is, the settings RETENTION__* say. What has not left, and webhooks that
    are not over, stay. The worker does the same each night; on PostgreSQL the user must own
    the tables.
    """
    applied = session.container.apply_retention().execute(dry_run=dry_run)
    if session.as_json:
        write_json(_document(applied))
        return
    write_table(WOULD if dry_run else TITLES, [_row(removal) for removal in applied.removals])
    if applied.made:
        click.echo(f"New months: {', '.join(applied.made)}")


def _row(removal: Removal) -> Row:
    return {
        "history": removal.history.value,
        "before": short_time(removal.before),
        "gone": ", ".join((*removal.parts, number_of(removal.rows, "row"))),
        "stays": ", ".join(f"{name}: {why}" for name, why in removal.stays.items()) or "nothing",
    }


def _document(applied: Applied) -> Row:
    return {
        "made": list(applied.made),
        "histories": [
            {
                "history": removal.history.value,
                "before": timestamp(removal.before),
                "removed": list(removal.parts),
                "rows": removal.rows,
                "stays": dict(removal.stays),
            }
            for removal in applied.removals
        ],
    }
