"""
The pages that a customer sees: authentication, to approve or to fail.
"""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, request

from stripe_simulator import attempts
from stripe_simulator.currencies import display
from stripe_simulator.simulation import Simulation

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { display: grid; place-items: center; min-height: 100vh; margin: 0; background: #f6f8fa; color: #1a1f36; }
main { width: min(26rem, 90vw); padding: 2rem; border-radius: 12px; background: #fff; box-shadow: 0 8px 32px #0002; }
h1 { margin: 0 0 .25rem; font-size: 1.25rem; } p { margin: .25rem 0; color: #4f566b; }
.amount { margin: 1rem 0; font-size: 2rem; font-weight: 600; color: inherit; }
form { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1; padding: .75rem; border: 0; border-radius: 8px; font: inherit; font-weight: 600; cursor: pointer; }
button[value=approve] { background: #0a7d3f; color: #fff; } button[value=fail] { background: #e3e8ee; color: #1a1f36; }
button:focus-visible { outline: 3px solid #635bff; outline-offset: 2px; }
@media (prefers-color-scheme: dark) { body { background: #10131c; color: #f6f8fa; } main { background: #1a1f2e; } p { color: #a3acb9; } }
"""
FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style></head><body><main>{content}</main></body></html>"""
CHALLENGE = """<h1>3D Secure authentication</h1>
<p>{merchant} asks you to confirm this payment with the card ending in {last4}.</p>
<p class="amount">{amount}</p><p>A simulated bank shows this page: no money moves.</p>
<form method="post"><button name="outcome" value="approve">Approve</button>
<button name="outcome" value="fail">Fail</button></form>"""


def blueprint(simulation: Simulation) -> Blueprint:
    """
    The routes of the pages.
    """
    pages = Blueprint("pages", __name__)

    @pages.get("/authenticate/<intent_id>")
    def challenge(intent_id: str) -> Response:
        with simulation.work() as work:
            intent = work.find("payment_intent", intent_id)
            if intent is None or intent["status"] != "requires_action":
                return _nothing_to_do()
            method = work.get("payment_method", intent["payment_method"])
        content = CHALLENGE.format(
            merchant=escape(simulation.settings.merchant),
            last4=escape(method[method["type"]]["last4"]),
            amount=escape(display(intent["amount"], intent["currency"])),
        )
        return _page("Authenticate", content)

    @pages.post("/authenticate/<intent_id>")
    def decide(intent_id: str) -> Response:
        with simulation.work() as work:
            intent = work.find("payment_intent", intent_id)
            if intent is None or intent["status"] != "requires_action":
                return _nothing_to_do()
            step = attempts.approve if request.form.get("outcome") == "approve" else attempts.refuse
            step(work, intent)
        if intent["_return_url"] is None:
            return _page(
                "Done", f"<h1>Done</h1><p>The payment is now {escape(intent['status'])}.</p>"
            )
        return Response(status=303, headers={"Location": return_url(intent)})

    return pages


def return_url(intent: Json) -> str:
    """
    Where the customer goes afterwards, with what Stripe adds to the query.
    """
    parts = urlsplit(intent["_return_url"])
    added = urlencode(
        {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "failed"
            if intent["status"] == "requires_payment_method"
            else "succeeded",
        }
    )
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def _nothing_to_do() -> Response:
    content = "<h1>Nothing to authenticate</h1><p>This payment does not wait for you.</p>"
    return _page("Nothing to do", content, 404)


def _page(title: str, content: str, status: int = 200) -> Response:
    html = FRAME.format(title=title, style=STYLE, content=content)
    return Response(html, status, mimetype="text/html")
