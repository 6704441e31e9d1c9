"""
Points at which proofs let the process fail: each is listed, and each can be reached.
"""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from typing_extensions import override

from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.confirm_payment import ConfirmPaymentCommand
from payments_core.application.handle_message import HandleMessage, IMessageHandler, NotYet
from payments_core.application.received import ReceivedMessage
from payments_core.application.record_order import RecordOrder
from payments_core.application.relay_outbox import RelayOutbox
from payments_core.ports.faults import FAULT_POINTS, faultpoint, hooked
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import eur
from payments_core.testing.memory import InMemoryUnitOfWork
from payments_core.testing.recording_publisher import RecordingPublisher
from tests.core.application.service import Service

PACKAGES = Path(__file__).resolve().parents[2] / "packages"


def calls() -> Iterator[re.Pattern[str]]:
    """
    Yield, for each call of `faultpoint` in the code, what its name may be.
    """
    for path in PACKAGES.glob("*/src/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "faultpoint":
                yield re.compile(_pattern(node.args[0]))


def _pattern(name: ast.expr) -> str:
    if isinstance(name, ast.Constant):
        return re.escape(str(name.value))
    assert isinstance(name, ast.JoinedStr)
    parts = (_pattern(v) if isinstance(v, ast.Constant) else "[a-z]+" for v in name.values)
    return "".join(parts)


def test_code_and_list_agree() -> None:
    """
    Every call names a point of the list, and every point of the list has its call.
    """
    every = list(calls())
    unlisted = [p.pattern for p in every if not any(map(p.fullmatch, FAULT_POINTS))]
    unused = [name for name in FAULT_POINTS if not any(p.fullmatch(name) for p in every)]

    assert unlisted == []
    assert unused == []


class Refusing(IMessageHandler):
    """
    Handles nothing yet.
    """

    @override
    def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
        """
        Say so.
        """
        raise NotYet("not yet")


def everything(service: Service) -> None:
    """
    Use every use case once, each where it writes.
    """
    service.pay("fake_declined")
    waiting = service.pay(None)
    command = ConfirmPaymentCommand(payment_id=waiting.id, payment_method_id="fake_approved")
    service.confirm.execute(command)
    service.give_back(waiting, "1.00")
    service.take(service.pay(manual=True))
    service.cancel.execute(CancelPaymentCommand(payment_id=service.pay(None).id))
    service.webhook(service.object_of(waiting))
    service.provider.faults.clear()
    service.clock.advance(seconds=60)
    service.process.execute()
    service.provider.refund_outside(service.object_of(waiting), eur("1.00"))
    service.compare()
    service.lose("create_intent", effect=True)
    service.pay()
    service.clock.advance(seconds=10)
    service.resolve.execute()


def listen(service: Service) -> None:
    """
    Carry messages both ways.
    """
    units = partial(InMemoryUnitOfWork, service.database)
    RelayOutbox(units, RecordingPublisher(), service.clock).execute()
    handlers = {"IOrderCreated": RecordOrder(), "Refused": Refusing()}
    handle = HandleMessage(units, service.clock, handlers, (timedelta(seconds=1),))
    for name in handlers:
        body = {"orderId": str(uuid4())}
        handle.execute(ReceivedMessage(id=uuid4(), endpoint="e", name=name, body=body), "")


def test_every_point_is_reached() -> None:
    """
    Ordinary use passes every point of the list.
    """
    seen: set[str] = set()
    service = Service()
    with hooked(seen.add):
        everything(service)
        listen(service)

    assert set(FAULT_POINTS) - seen == set()


def test_a_hook_ends_with_its_block() -> None:
    """
    A hook may raise out of a point; outside of its block nothing happens there.
    """

    def fail(name: str) -> None:
        raise RuntimeError(name)

    with hooked(fail), pytest.raises(RuntimeError, match=r"create\.begin"):
        faultpoint("create.begin")
    faultpoint("create.begin")
