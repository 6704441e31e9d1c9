"""
The gateway forwards the caller's spelling: ``/api/Payments`` is ``/api/payments``.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_WORDS: Final = frozenset(
    {"api", "internal", "payments", "confirm", "capture", "cancel", "refund", "timeline"}
    | {"webhooks", "reconcile", "discrepancies", "close"}
)
_PREFIXES: Final = (["api", "payments"], ["internal", "payments"])


class AnySpelling:
    """
    Lowers the fixed words of this API's paths before they are routed; ids stay as they are.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """
        Pass the request on with its path respelled.
        """
        environ["PATH_INFO"] = respelled(environ.get("PATH_INFO", ""))
        return self._app(environ, start_response)


def respelled(path: str) -> str:
    """
    Return the path with the fixed words in lower case, if it is one of this API's.
    """
    parts = path.split("/")
    if [p.lower() for p in parts[1:3]] not in _PREFIXES:
        return path
    return "/".join(p.lower() if p.lower() in _WORDS else p for p in parts)
