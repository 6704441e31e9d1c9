"""
A web server that hands out an issuer's public keys, counts the askers, and can be down.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
from joserfc.jwk import Key
from typing_extensions import override


@attrs.define
class KeyServer:
    """
    An issuer's door, as the service finds it.

    Attributes:
        keys: What is handed out.

        asked: The paths that were asked for.

        status: With which status.

        location: Where a redirection leads.

        padding: Spaces before the document.
    """

    keys: list[Key] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)
    status: int = 200
    location: str = ""
    padding: int = 0
    address: str = ""

    @property
    def url(self) -> str:
        """
        Where the keys are.
        """
        return f"{self.address}/certs"

    def document(self) -> bytes:
        """
        Return the keys as a JWK set.
        """
        keys = [key.as_dict(private=False) for key in self.keys]
        return b" " * self.padding + json.dumps({"keys": keys}).encode()


@contextmanager
def serving_keys(*keys: Key) -> Iterator[KeyServer]:
    """
    Serve these keys on a free port until the block ends.
    """
    door = KeyServer(list(keys))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """
            Answer with the keys.
            """
            door.asked.append(self.path)
            body = door.document()
            self.send_response(door.status)
            if door.location:
                self.send_header("Location", door.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """
            Say nothing.
            """

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        door.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield door
        finally:
            server.shutdown()
            thread.join()
