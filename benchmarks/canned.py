"""
A provider that answers at once with what is canned, or after a while.

``python -m benchmarks.canned PORT SECONDS KEYS``; it also tells the issuer's public keys.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from typing_extensions import override

_EMPTY: Final = (
    *("amount_details", "application", "application_fee_amount", "canceled_at", "confirmation"),
    *("cancellation_reason", "customer", "description", "last_payment_error", "next_action"),
    *("on_behalf_of", "processing", "receipt_email", "review", "setup_future_usage", "shipping"),
    *("source", "statement_descriptor", "statement_descriptor_suffix", "transfer_data"),
)

_NOTHING: Final = b'{"object": "list", "data": [], "has_more": false}'


def intent(payment_id: UUID, metadata: dict[str, str], amount: int = 1000) -> dict[str, Any]:
    """
    Return a paid PaymentIntent, about as long as Stripe's are.
    """
    id_ = f"pi_{payment_id.hex}"
    return {
        **dict.fromkeys(_EMPTY),
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": amount,
        "automatic_payment_methods": {"allow_redirects": "never", "enabled": True},
        "capture_method": "automatic",
        "client_secret": f"{id_}_secret_{payment_id.hex[:24]}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": "eur",
        "latest_charge": f"ch_{payment_id.hex[:24]}",
        "livemode": False,
        "metadata": metadata,
        "payment_method": "pm_card_visa",
        "payment_method_configuration_details": {"id": "pmc_1Bench", "parent": None},
        "payment_method_options": {
            "card": {"installments": None, "network": None, "request_three_d_secure": "automatic"},
            "link": {"persistent_token": None},
        },
        "payment_method_types": ["card", "link"],
        "status": "succeeded",
        "transfer_group": None,
    }


class _Provider(asyncio.Protocol):
    def __init__(self, seconds: float, keys: bytes) -> None:
        self._seconds = seconds
        self._keys = keys
        self._received = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _body_length(head):
            return
        self._received = b""
        answer = self._answer(head, body)
        asyncio.get_running_loop().call_later(self._seconds, self._transport.write, answer)

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET"):
            return _http(self._keys if head.startswith(b"GET /keys") else _NOTHING)
        given = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        metadata = {
            name.removeprefix("metadata[").removesuffix("]"): value
            for name, value in given.items()
            if name.startswith("metadata[")
        }
        paid = intent(UUID(metadata["payment_id"]), metadata, int(given["amount"]))
        return _http(json.dumps(paid).encode())


def _body_length(head: bytes) -> int:
    names = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in names if name == b"content-length"), 0)


def _http(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\nRequest-Id: req_bench\r\n\r\n" + body


async def _serve(port: int, seconds: float, keys: bytes) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Provider(seconds, keys), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """
    Answer until we are stopped.
    """
    port, seconds, keys = sys.argv[1:]
    asyncio.run(_serve(int(port), float(seconds), Path(keys).read_bytes()))


if __name__ == "__main__":
    main()
