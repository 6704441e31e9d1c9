"""
Every route says who may use it; nobody else gets in.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import UUID

from authlib.integrations.flask_oauth2 import (  # type: ignore[import-untyped]  # ships no types
    ResourceProtector,
)
from authlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]  # ships no types
from authlib.oauth2.rfc6750 import (  # type: ignore[import-untyped]  # ships no types
    BearerTokenValidator,
)
from flask import Flask, current_app, g, request
from typing_extensions import override

from payments_bootstrap import Container
from payments_bootstrap.permissions import Permission
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.errors import PaymentNotFound
from payments_core.ports.queries import PaymentView
from payments_http.caller import Caller
from payments_http.keys import IssuerKeys
from payments_http.limiting import Limited, counted
from payments_http.problems import Problem
from payments_http.tokens import TokenVerifier

View = Callable[..., Any]
EXTENSION: Final = "payments"
_ATTRIBUTE: Final = "__access__"


class Open(Enum):
    """
    Routes without a token: everybody's, or those whose request is signed itself.
    """

    PUBLIC = "public"
    SIGNED = "signed"


Access = Permission | Open


class _Validator(BearerTokenValidator):  # type: ignore[misc]  # Authlib ships no types
    def __init__(self, verifier: TokenVerifier) -> None:
        super().__init__()
        self._verifier = verifier

    @override
    def authenticate_token(self, token_string: str) -> Any:
        return self._verifier.verify(token_string)

    @override
    def validate_token(self, token: Any, scopes: Any, request: Any) -> None:
        return


class Guard(ResourceProtector):  # type: ignore[misc]  # Authlib ships no types
    """
    Takes the bearer token from the header, and only from there.
    """

    def __init__(self, verifier: TokenVerifier) -> None:
        super().__init__()
        self.register_token_validator(_Validator(verifier))

    def claims(self) -> Mapping[str, Any]:
        """
        Return what the token of the request says.

        `acquire` would make a request of Authlib's own first, for tokens that sign the address.

        Raises:
            Problem: There is none, or it is not good (401), or that cannot be told now (503).
        """
        try:
            claims: Mapping[str, Any] = self.validate_request(None, request)
        except OAuth2Error:
            detail = "Send an access token: Authorization: Bearer <token>"
            headers = {"WWW-Authenticate": "Bearer"}
            raise Problem(
                HTTPStatus.UNAUTHORIZED, "unauthenticated", detail, headers=headers
            ) from None
        return claims


def guard_of(container: Container) -> Guard:
    """
    Return the guard that the settings ask for.
    """
    settings = container.settings().keycloak
    return Guard(TokenVerifier(settings, IssuerKeys.of(settings)))


def guarded(access: Access) -> Callable[[View], View]:
    """
    Let only those in who may, and leave a mark that `require_access` finds.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if isinstance(access, Permission):
                _admit(access)
            return view(*args, **kwargs)

        setattr(wrapper, _ATTRIBUTE, access)
        return wrapper

    return decorate


def _admit(permission: Permission) -> None:
    guard: Guard = current_app.extensions[EXTENSION].guard
    with counted(Limited.BAD_TOKENS, Problem):
        claims = guard.claims()
    g.caller = who = Caller.of(claims, container().settings().keycloak)
    if not who.may(permission):
        detail = "Your roles do not allow this."
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", detail)


def require_access(app: Flask) -> None:
    """
    Return if every route of the app says who may use it.

    Raises:
        RuntimeError: One does not; the service must not start.
    """
    views = app.view_functions
    missing = [name for name, view in views.items() if not hasattr(view, _ATTRIBUTE)]
    if missing:
        raise RuntimeError(f"Routes without a policy: {', '.join(sorted(missing))}")


def container() -> Container:
    """
    Return the container of the running app.
    """
    return cast("Container", current_app.extensions[EXTENSION].container)


def caller() -> Caller:
    """
    Return who asks.
    """
    return cast("Caller", g.caller)


def actor() -> Actor:
    """
    Return who asks, as the audit log knows them.
    """
    who = caller()
    return Actor(
        channel=Channel.API,
        issuer=who.issuer,
        subject=who.subject,
        client=who.client,
        request_id=g.request_id,
    )


def reachable_payment(payment_id: UUID, permission: Permission) -> PaymentView:
    """
    Return a payment that the caller may do this with.

    Raises:
        PaymentNotFound: There is none, or it is another's: nobody can tell which.
    """
    payment = container().get_payment().execute(payment_id)
    if not caller().reaches(permission, payment):
        raise PaymentNotFound
    return payment
