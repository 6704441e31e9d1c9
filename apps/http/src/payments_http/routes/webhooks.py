"""
What payment providers tell us; their signature is their key.
"""

from http import HTTPStatus
from typing import Final

from flask import request

from payments_core.application.receive_webhook import ReceivedWebhook, ReceiveWebhookCommand
from payments_core.domain.errors import ConcurrentUpdate, NotFound, StorageUnavailable
from payments_core.ports.errors import WebhookInvalid
from payments_http import schemas
from payments_http.access import Open, container
from payments_http.body import WEBHOOK_LIMIT, read
from payments_http.limiting import Limited, counted
from payments_http.problems import Problem
from payments_http.routing import Group, endpoint

MAX_HEADER: Final = 4096

group = Group("Webhooks", __name__, description="For payment providers alone.")


@endpoint(
    group,
    "POST",
    "/api/payments/webhooks/<string:provider>",
    access=Open.SIGNED,
    schema=schemas.ReceivedWebhook,
    answers={200: "It is stored, also if it was before."},
    problems=(400, 404, 413, 429, 503),
)
def receive_webhook(provider: str) -> ReceivedWebhook:
    """
    Take in what a provider tells, signed over the raw bytes.
    """
    if provider not in container().payment_providers():
        raise NotFound
    payload = read(request, WEBHOOK_LIMIT)
    headers = {name.lower(): value for name, value in request.headers.items()}
    if any(len(value) > MAX_HEADER for value in headers.values()):
        detail = "A header is too long."
        raise Problem(HTTPStatus.BAD_REQUEST, "request_invalid", detail)
    command = ReceiveWebhookCommand(provider=provider, payload=payload, headers=headers)
    try:
        with counted(Limited.BAD_SIGNATURES, WebhookInvalid):
            return container().receive_webhook().execute(command)
    except ConcurrentUpdate as error:
        # A provider knows no conflict: it was not stored, and is to be sent again.
        raise StorageUnavailable("The event could not be stored; send it again") from error
