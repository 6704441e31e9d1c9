"""
Draw the rooms and who may import whom, from the contracts that `make lint` holds.
"""

import tomllib
from pathlib import Path

from scripts.diagrams.drawing import Box, Drawing

CONTRACTS = Path(__file__).parents[2] / "pyproject.toml"
WIDTH, LEFT, ROW = 860.0, 180.0, 92.0
ABOUT = {
    "payments_http": "HTTP API",
    "payments_cli": "command line",
    "payments_bootstrap": "settings, wiring, health, worker",
    "payments_stripe": "provider",
    "payments_postgres": "storage",
    "payments_rabbit": "messages",
    "payments_redis": "cache",
    "testing": "fakes, conformance suites",
    "application": "use cases",
    "ports": "what the core needs",
    "contracts": "the wire",
    "domain": "the rules",
    "masking": "secrets",
}
SIDES = {0: "callers", 1: "composition root", 2: "adapters", 3: "core"}


def rooms() -> str:
    """
    Return the architecture.
    """
    layers, core = (contract["layers"] for contract in contracts())
    drawing = Drawing(WIDTH, ROW * 3 + 230, "The packages: each imports only what is below it")
    for row, layer in enumerate(layers[:-1]):
        names = layer.split(" | ")
        drawing.words(8, 40 + ROW * row, SIDES[row], "soft", "start")
        for name, box in zip(names, beside(names, 40 + ROW * row, 52), strict=True):
            room(drawing, box, name, "key" if row == 1 else "")
        downwards(drawing, 40 + ROW * row + 27)
    inner(drawing, core, ROW * 3)
    return drawing.svg()


def contracts() -> list[dict[str, list[str]]]:
    """
    Return the two contracts about layers: of the packages, and of the core's rooms.
    """
    found = tomllib.loads(CONTRACTS.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return [contract for contract in found if contract["type"] == "layers"][:2]


def beside(names: list[str], y: float, height: float) -> list[Box]:
    """
    Return a box for each name, side by side over the whole width.
    """
    share = (WIDTH - LEFT) / len(names)
    return [Box(LEFT + share * (n + 0.5), y, share - 14, height) for n in range(len(names))]


def room(drawing: Drawing, box: Box, name: str, kind: str) -> None:
    """
    Draw one room with its name and what it is for.
    """
    drawing.box(box, kind)
    drawing.words(box.x, box.y - 9, name, "code")
    drawing.words(box.x, box.y + 11, ABOUT[name], "soft")


def downwards(drawing: Drawing, y: float) -> None:
    """
    Draw the way that imports go.
    """
    middle = LEFT + (WIDTH - LEFT) / 2
    drawing.line((middle, y), (middle, y + ROW - 56))


def inner(drawing: Drawing, core: list[str], top: float) -> None:
    """
    Draw the core with its rooms, the outermost first.
    """
    height = 214.0
    drawing.words(8, top + height / 2, SIDES[3], "soft", "start")
    outside = Box(LEFT + (WIDTH - LEFT) / 2, top + 8 + height / 2, WIDTH - LEFT - 14, height)
    drawing.box(outside, "good")
    drawing.words(outside.x, top + 26, "payments_core", "code")
    for number, name in enumerate(core):
        y = top + 54 + 29 * number
        drawing.box(Box(outside.x, y, outside.width - 60 - 56 * number, 25))
        drawing.words(outside.x, y, f"{name}: {ABOUT[name]}", "soft code")
