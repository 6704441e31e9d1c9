"""
The audit log in memory.
"""

from uuid import UUID

from typing_extensions import override

from payments_core.domain.errors import ConcurrentUpdate
from payments_core.ports.audit import AuditEntry, IAuditLog

Audit = dict[UUID, AuditEntry]


class InMemoryAuditLog(IAuditLog):
    """
    Entries of one open unit of work.
    """

    def __init__(self, entries: Audit) -> None:
        self._entries = entries

    @override
    def add(self, entry: AuditEntry) -> None:
        if entry.id in self._entries:
            raise ConcurrentUpdate(f"Entry {entry.id} of the audit log is there already")
        self._entries[entry.id] = entry
