"""
What may be done, and by whom unless the settings say otherwise.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """
    Something that a caller may do.

    The plain ones reach the caller's own payments, those that end in ``:any`` everyone's.
    """

    CREATE = "create"
    CREATE_ANY = "create:any"
    CONFIRM = "confirm"
    CONFIRM_ANY = "confirm:any"
    READ = "read"
    READ_ANY = "read:any"
    CANCEL = "cancel"
    CANCEL_ANY = "cancel:any"
    CAPTURE_ANY = "capture:any"
    REFUND_ANY = "refund:any"
    LIST_ANY = "list:any"
    TIMELINE_ANY = "timeline:any"
    INTERNAL_CAPTURE_ANY = "internal-capture:any"
    RECONCILE_ANY = "reconcile:any"

    @property
    def everyones(self) -> "Permission":
        """
        The same for everyone's payments.
        """
        return self if self.endswith(":any") else Permission(f"{self}:any")


P = Permission

_OWN: Final = (P.CREATE, P.CONFIRM, P.READ, P.CANCEL)
_LOOK: Final = (P.READ_ANY, P.TIMELINE_ANY, P.LIST_ANY)
_MONEY: Final = (P.CANCEL_ANY, P.CAPTURE_ANY, P.REFUND_ANY, P.RECONCILE_ANY)
_PAY: Final = (P.CREATE_ANY, P.CONFIRM_ANY)

ROLES: Final[Mapping[str, tuple[Permission, ...]]] = {
    "Customer": _OWN,
    "User": _OWN,
    "Ops": _LOOK,
    "Finance": _LOOK + _MONEY,
    "Admin": _LOOK + _MONEY + _PAY,
}
"""
What the roles in a person's token allow.
"""

SERVICES: Final[Mapping[str, tuple[Permission, ...]]] = {
    "order-service": (*_PAY, P.READ_ANY, P.CANCEL_ANY, P.REFUND_ANY),
    "fulfillment-service": (P.READ_ANY, P.CAPTURE_ANY, P.REFUND_ANY, P.INTERNAL_CAPTURE_ANY),
}
"""
What other services may do, by the client whose token they show.
"""
