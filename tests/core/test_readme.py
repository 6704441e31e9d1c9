"""
What the package's front page tells to write.
"""

import re
from pathlib import Path

import payments_core

ROOT = Path(__file__).parents[2]
README = ROOT / "packages/payments-core/README.md"
SOURCES = Path(payments_core.__file__).parent


def test_usage_runs() -> None:
    """
    The lines under "Usage" run as they stand and end with a paid payment.
    """
    (usage,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(usage, names)  # noqa: S102 - it is our own page

    assert getattr(names["payment"], "status", None) == "Succeeded"


def test_every_port_and_use_case_is_listed() -> None:
    """
    The page names each port, and each use case that can be executed.
    """
    text = README.read_text("utf-8")
    ports = _classes("ports/*.py", r"class (I\w+(?<!Repository))\(Protocol\)")
    executable = r"class (\w+):\n(?:(?!\nclass ).)*?\n    def execute"
    use_cases = _classes("application/*.py", executable)

    assert {"IPaymentProvider", "IClock"} <= ports
    assert {"CreatePayment", "RelayOutbox"} <= use_cases
    assert {name for name in ports | use_cases if f"`{name}`" not in text} == set()


def _classes(files: str, pattern: str) -> set[str]:
    texts = (path.read_text("utf-8") for path in SOURCES.glob(files))
    return {name for text in texts for name in re.findall(pattern, text, re.DOTALL)}
