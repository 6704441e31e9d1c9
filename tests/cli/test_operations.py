"""
Looking after operations that wait for a person, on a service that really runs.
"""

import sqlite3
import time
from contextlib import closing
from typing import Any
from uuid import uuid4

from payments_cli.refusal import ExitCode

Service = Any


def in_review(service: Service) -> tuple[str, str]:
    """
    Return a payment, and its creation, which somebody must look at although it went well.
    """
    payment_id = service.pay()["paymentId"]
    # They would bring the truth at once.
    service.wait_for_webhooks(payment_id, 2)
    with closing(sqlite3.connect(service.home / "var/development/payments.db")) as database:
        database.execute("PRAGMA busy_timeout = 30000")
        database.execute(
            "UPDATE payment_operations SET state = 'review', next_at = NULL, resolved_at = NULL"
            " WHERE payment_id = ?",
            (payment_id.replace("-", ""),),
        )
        database.execute(
            "UPDATE payments SET unresolved_operations = 1 WHERE id = ?",
            (payment_id.replace("-", ""),),
        )
        database.commit()
    (found,) = [
        item
        for item in service.read("operations", "list")["items"]
        if item["paymentId"] == payment_id
    ]
    return payment_id, found["operationId"]


def test_an_operation_is_handed_back(service: Service) -> None:
    """
    It is listed while it waits; handed back it is due, on record, and refused a second time.
    """
    payment_id, operation_id = in_review(service)
    handed = service.on(
        *("operations", "look-again", payment_id, operation_id, "--reason", "seen at Stripe")
    )
    deadline = time.monotonic() + 120
    while service.read("show", payment_id)["unresolvedOperations"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    again = service.on("operations", "look-again", payment_id, operation_id)
    audit = service.read("audit", "list", "--payment", payment_id)

    assert handed.exit_code == 0, handed.output
    assert again.exit_code == ExitCode.REFUSED, again.output
    assert "not in review" in again.output
    assert "operation.look_again" in [entry["action"] for entry in audit["items"]]
    assert service.read("show", payment_id)["status"] == "Succeeded"


def test_nothing_of_that_name(service: Service) -> None:
    """
    A payment that is not there is not found.
    """
    ended = service.on("operations", "look-again", str(uuid4()), str(uuid4()))

    assert ended.exit_code == ExitCode.NOT_FOUND, ended.output
