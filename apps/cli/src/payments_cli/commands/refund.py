"""
``payments refund``.
"""

from uuid import UUID

import click

from payments_cli.changes import fresh_key, repeatable, request_key, write_refunded
from payments_cli.examples import examples
from payments_cli.session import PaymentId, Session, confirm, money, operator, with_session
from payments_core.application.refund_payment import RefundPaymentCommand, refund_request_key
from payments_core.domain.errors import AlreadyRefunded, InvalidState
from payments_core.domain.money import Money
from payments_core.domain.refund import RefundStatus
from payments_core.ports.queries import PaymentView

MAYBE_MADE = (
    "A request on this payment has no answer yet. If it was this refund, repeat it with the"
    " --idempotency-key that was printed, or it may be paid twice."
)


TEACHING = examples(
    "payments refund PAYMENT                 # all that is left; asks first",
    "payments refund PAYMENT --amount 12.50 --reason damaged",
    "payments refund PAYMENT --amount 12.50 --yes --idempotency-key ticket-4711",
)


@click.command("refund", epilog=TEACHING)
@click.argument("payment", type=PaymentId())
@click.option("--amount", help="How much, such as 12.50; all that is left if left out.")
@click.option("--reason", help="Why, for the record.")
@click.option("--idempotency-key", help="The same key again is the same refund.")
@click.option(
    "--refund-request-id",
    "request_id",
    help="Its requester's id, as in a message: it is one refund, whoever asks for it.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def command(
    session: Session,
    *,
    payment: UUID,
    amount: str | None,
    reason: str | None,
    idempotency_key: str | None,
    request_id: str | None,
    yes: bool,
) -> None:
    """
    Give captured money back, in whole or in part.
    """
    found = session.container.get_payment().execute(payment)
    wanted = money(session, amount, found.amount.currency)
    left = _left(session, found)
    if idempotency_key is None and request_id is None:
        _check_new(found, left)
    how_much = wanted or (f"the {left} that is left" if left else "what is left")
    confirm(f"Refund {how_much} of payment {payment}?", yes=yes)
    key = idempotency_key or fresh_key()
    asked = RefundPaymentCommand(
        payment_id=payment,
        amount=wanted,
        reason=reason,
        request_key=refund_request_key(request_id) if request_id else request_key(key),
        idempotency_key=request_key(key, payment),
        actor=operator(),
    )
    with repeatable(session, key):
        done = session.container.refund_payment().execute(asked)
    write_refunded(session, done.refund, key)


def _check_new(payment: PaymentView, left: Money) -> None:
    """
    Accept a refund that is not the repetition of another one, so that nobody is asked in vain.

    Raises:
        InvalidState: Nothing was captured.
        AlreadyRefunded: All that was captured is refunded, or will be.
    """
    if not payment.captured:
        raise InvalidState(f"A payment that is {payment.status} cannot be refunded")
    if not left:
        raise AlreadyRefunded("Nothing is left to refund")
    if payment.unresolved_operations:
        click.echo(MAYBE_MADE, err=True)


def _left(session: Session, payment: PaymentView) -> Money:
    """
    Return what was captured and is neither returned nor on its way.
    """
    left = payment.captured - payment.refunded
    for entry in session.container.show_timeline().execute(payment.id):
        if entry.kind == "refund" and entry.state == RefundStatus.PENDING:
            left -= Money.parse(*entry.details["amount"].split())
    return left
