"""
Messages, webhook events and the audit log by month on PostgreSQL, so that old months can go whole.

What is there becomes one part, `…_before`, without being copied; only its moments are read once.
Each part keeps the keys of the old table. The whole has none: PostgreSQL wants the moment in such
a key, and then the same thing could be kept twice at two moments of one month.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MOMENTS = {"outbox": "created_at", "webhook_events": "created_at", "audit_log": "at"}
_REFERENCES = {
    "outbox": ("fk_outbox_order_id", "fk_outbox_payment_id"),
    "webhook_events": ("fk_webhook_events_payment_id",),
    "audit_log": (),
}
_TRIGGERS = {
    "audit_log_append_only": "BEFORE UPDATE OR DELETE ON {} FOR EACH ROW",
    "audit_log_not_emptied": "BEFORE TRUNCATE ON {} FOR EACH STATEMENT",
}
_RIGHTS = """
DO $$ DECLARE given record; BEGIN
    FOR given IN SELECT grantee::regrole AS who FROM pg_class, aclexplode(relacl)
        WHERE oid = '{new}'::regclass AND grantee NOT IN (0, relowner)
    LOOP EXECUTE format('REVOKE ALL ON {new} FROM %s', given.who); END LOOP;
    FOR given IN SELECT grantee::regrole AS who, privilege_type AS what
        FROM pg_class, aclexplode(relacl)
        WHERE oid = '{old}'::regclass AND grantee NOT IN (0, relowner)
    LOOP EXECUTE format('GRANT %s ON {new} TO %s', given.what, given.who); END LOOP;
END $$
"""


def upgrade() -> None:
    """
    Make the whole around what is there, and remember from now on what was removed.
    """
    op.create_table(
        "retention",
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("removed_before", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("history", name=op.f("pk_retention")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _drop_references()
        return
    end = _end_of_month(datetime.now(UTC))
    late = {table for table in _MOMENTS if _any(f"{table} WHERE {_MOMENTS[table]} >= '{end}'")}
    _lock()
    for table in _MOMENTS:
        _divide(table, end, has_later=table in late)


def _drop_references() -> None:
    """
    Let both databases hold the same rules.
    """
    for table, names in _REFERENCES.items():
        with op.batch_alter_table(table) as changed:
            for name in names:
                changed.drop_constraint(op.f(name), type_="foreignkey")


def _end_of_month(moment: datetime) -> datetime:
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _any(rows: str) -> bool:
    return bool(op.get_bind().execute(sa.text(f"SELECT EXISTS (SELECT FROM {rows})")).scalar())


def _lock() -> None:
    """
    Take everything at once, and let go rather than make payments wait behind us.
    """
    connection = op.get_bind()
    tables = ", ".join(("payments", "orders", *_MOMENTS))
    for pause in _pauses():
        try:
            with connection.begin_nested():
                connection.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
                connection.execute(sa.text(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"))
            return
        except sa.exc.OperationalError:
            if pause is None:
                raise
            time.sleep(pause)


def _pauses() -> Iterator[float | None]:
    yield from [0.2] * 100
    yield None


def _divide(table: str, end: datetime, *, has_later: bool) -> None:
    moment, before, other = _MOMENTS[table], f"{table}_before", f"{table}_default"
    definitions = op.get_bind().execute(
        sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :table"
                " AND schemaname = current_schema() AND starts_with(indexname, 'ix_')"),
        {"table": table},
    ).all()  # fmt: skip
    _prepare(table, before, [index for index, _ in definitions])
    op.execute(f"CREATE TABLE {other} (LIKE {before} INCLUDING ALL)")
    op.execute(f"CREATE TABLE {table} (LIKE {before} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
               f" PARTITION BY RANGE ({moment})")  # fmt: skip
    for _, definition in definitions:
        op.execute(definition)
    op.execute(_RIGHTS.format(old=before, new=table))
    if not _any(before):
        op.execute(f"DROP TABLE {before}")
    else:
        if has_later:
            op.execute(f"WITH later AS (DELETE FROM {before} WHERE {moment} >= '{end}' RETURNING *)"
                       f" INSERT INTO {other} SELECT * FROM later")  # fmt: skip
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {before}"
                   f" FOR VALUES FROM (MINVALUE) TO ('{end}')")  # fmt: skip
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {other} DEFAULT")
    if table == "audit_log":
        _refuse_changes(table, before, other)


def _prepare(table: str, before: str, indexes: list[str]) -> None:
    """
    Put the table aside: its names are the whole's from now on.
    """
    for name in _REFERENCES[table]:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    if table == "audit_log":
        for name in _TRIGGERS:
            op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute(f"ALTER TABLE {table} RENAME TO {before}")
    for index in indexes:
        op.execute(f"ALTER INDEX {index} RENAME TO {index}_before")


def _refuse_changes(table: str, *parts: str) -> None:
    """
    Refuse changes again: of rows for all parts at once, of a whole part for each.
    """
    refuse = "EXECUTE FUNCTION audit_log_refuse()"
    for name, when in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when.format(table)} {refuse}")
    for part in parts:
        if _any(f"pg_tables WHERE tablename = '{part}' AND schemaname = current_schema()"):
            name, when = "audit_log_not_emptied", _TRIGGERS["audit_log_not_emptied"]
            op.execute(f"CREATE TRIGGER {name} {when.format(part)} {refuse}")
