"""
``payments refund``.
"""

from uuid import UUID

import click

from payments_cli.changes import fresh_key, repeatable, request_key, write_refunded
from payments_cli.examples import examples
from payments_cli.session import PaymentId, Session, confirm, money, operator, with_session
from payments_core.application.refund_payment import RefundPaymentCommand, refund_request_key

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
    key = idempotency_key or fresh_key()
    asked = RefundPaymentCommand(
        payment_id=payment,
        amount=wanted,
        reason=reason,
        request_key=refund_request_key(request_id) if request_id else request_key(key),
        idempotency_key=request_key(key, payment),
        actor=operator(),
    )
    use_case = session.container.refund_payment()
    # Nobody is asked in vain: what cannot be done is refused first.
    left = use_case.preview(asked)
    if found.unresolved_operations and idempotency_key is None and request_id is None:
        click.echo(MAYBE_MADE, err=True)
    how_much = wanted or (f"the {left} that is left" if left else "what is left")
    confirm(f"Refund {how_much} of payment {payment}?", yes=yes)
    with repeatable(session, key):
        done = use_case.execute(asked)
    write_refunded(session, done.refund, key)
