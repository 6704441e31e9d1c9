"""
Draw the path of one payment: through the operation log, the outbox and the relay.
"""

import attrs

from scripts.diagrams.drawing import Box, Drawing

LANES = ("caller", "HTTP app", "use case", "database", "provider", "relay", "RabbitMQ")
STEP, TOP, LANE = 36.0, 66.0, 136.0


@attrs.frozen
class Message:
    """
    What goes from one lane to another.
    """

    start: str
    end: str
    text: str
    dashed: bool = False


@attrs.frozen
class Transaction:
    """
    What is written in one transaction of the database, all or nothing.
    """

    title: str
    rows: tuple[str, ...]


PATH: tuple[Message | Transaction, ...] = (
    Message("caller", "HTTP app", "POST /api/payments"),
    Message("HTTP app", "use case", "CreatePayment.execute"),
    Transaction("transaction 1", ("payment: Pending", "operation log: create, sent")),
    Message("use case", "provider", "create and confirm, key = operation"),
    Message("provider", "use case", "the object, a decline, or nothing", dashed=True),
    Transaction(
        "transaction 2: settle",
        ("operation log: succeeded", "payment: Succeeded", "outbox: IPaymentSucceeded"),
    ),
    Message("HTTP app", "caller", "201, or 202 if nobody knows yet", dashed=True),
    Message("relay", "database", "claims the first message of the order"),
    Message("relay", "RabbitMQ", "publishes"),
    Message("RabbitMQ", "relay", "confirms", dashed=True),
    Message("relay", "database", "outbox: sent"),
    Message("provider", "HTTP app", "signed webhook"),
    Transaction("transaction 3", ("webhook: received",)),
    Message("use case", "provider", "reads the object afresh"),
    Transaction("transaction 4: settle", ("what is new, if anything", "webhook: processed")),
)


def path() -> str:
    """
    Return the path.
    """
    heights = [height(part) for part in PATH]
    bottom = TOP + sum(heights)
    drawing = Drawing(LANE * len(LANES), bottom + 10, "A payment, from the request to its event")
    for lane in LANES:
        drawing.line((x_of(lane), 44), (x_of(lane), bottom), kind="life")
        drawing.box(Box(x_of(lane), 24, LANE - 16, 36), "key" if lane == "database" else "")
        drawing.words(x_of(lane), 24, lane, "strong")
    y = TOP
    for part, high in zip(PATH, heights, strict=True):
        if isinstance(part, Message):
            message(drawing, part, y + high - 10)
        else:
            transaction(drawing, part, y + 4, high - 10)
        y += high
    return drawing.svg()


def x_of(lane: str) -> float:
    """
    Return where a lane is.
    """
    return LANE * (LANES.index(lane) + 0.5)


def height(part: Message | Transaction) -> float:
    """
    Return how much room a part needs.
    """
    return STEP if isinstance(part, Message) else 40 + 18 * len(part.rows)


def message(drawing: Drawing, part: Message, y: float) -> None:
    """
    Draw an arrow, and what it says above its left end.
    """
    start, end = x_of(part.start), x_of(part.end)
    drawing.line((start, y), (end, y), kind="arrow dashed" if part.dashed else "arrow")
    drawing.words(min(start, end) + 8, y - 11, part.text, "soft", "start")


def transaction(drawing: Drawing, part: Transaction, y: float, high: float) -> None:
    """
    Draw what is written together.
    """
    x = x_of("database")
    drawing.line((x_of("use case"), y + 14), (x - 96, y + 14))
    drawing.box(Box(x, y + high / 2, 192, high), "good")
    drawing.words(x, y + 14, part.title, "strong")
    for number, row in enumerate(part.rows):
        drawing.words(x, y + 34 + 18 * number, row, "soft")
