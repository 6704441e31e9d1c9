"""
Who asks, and what they may do.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from payments_bootstrap.permissions import Permission
from payments_bootstrap.settings import KeycloakSettings
from payments_core.ports.queries import PaymentView

_OF_PEOPLE: Final = frozenset({"preferred_username", "sid", "session_state", "email", "name"})
"""
Claims that tell of a person, or of the session in which one logged in.
"""


@attrs.frozen
class Caller:
    """
    The person or service behind a verified token.

    Attributes:
        client: Through which client the token was issued, if the token says so.

        service: Whether the client asks for itself, and not for a person.
    """

    issuer: str
    subject: str
    client: str
    permissions: frozenset[Permission]
    service: bool = False

    @classmethod
    def of(cls, claims: Mapping[str, Any], settings: KeycloakSettings) -> "Caller":
        """
        Return the caller that verified claims describe.
        """
        client = claims.get("azp")
        return cls(
            issuer=claims["iss"],
            subject=claims["sub"],
            client=client if isinstance(client, str) else "",
            permissions=frozenset(_granted(claims, settings)),
            service=bool(_service(claims)),
        )

    def may(self, permission: Permission) -> bool:
        """
        Return whether this is allowed, at least for the caller's own payments.
        """
        return bool({permission, permission.everyones} & self.permissions)

    def reaches(self, permission: Permission, payment: PaymentView) -> bool:
        """
        Return whether it is allowed for this payment.
        """
        return permission.everyones in self.permissions or self.owns(payment)

    def owns(self, payment: PaymentView) -> bool:
        """
        Return whether the payment is the caller's own.
        """
        return payment.customer_id == self.subject


def _granted(claims: Mapping[str, Any], settings: KeycloakSettings) -> Iterator[Permission]:
    for role in _roles(claims, settings.client_id):
        yield from settings.roles.get(role, ())
    yield from settings.services.get(_service(claims), ())


def _roles(claims: Mapping[str, Any], client_id: str) -> Iterator[str]:
    access = claims.get("resource_access")
    of_client = access.get(client_id) if isinstance(access, dict) else None
    for source in (claims.get("realm_access"), of_client):
        roles = source.get("roles") if isinstance(source, dict) else None
        yield from (r for r in roles if isinstance(r, str)) if isinstance(roles, list) else ()


def _service(claims: Mapping[str, Any]) -> str:
    """
    Return the client that asks for itself; a person who came through it has the same ``azp``.

    ``client_id`` alone proves nothing: RFC 9068 (section 2.2) puts it into every access token.
    """
    client = claims.get("azp")
    if not isinstance(client, str) or not client:
        return ""
    account = claims.get("preferred_username") == f"service-account-{client}"
    itself = claims.get("client_id") == client and not _OF_PEOPLE & claims.keys()
    return client if account or itself else ""
