"""
The pages that show the tables of the code.
"""

from pathlib import Path

import pytest

from payments_core.domain.status import TRANSITIONS
from scripts.render_pages import DOCS, DRAWINGS, PAGES, rendered


@pytest.mark.parametrize("page", [*PAGES, *DRAWINGS], ids=lambda page: page.name)
def test_the_page_shows_the_tables_of_the_code(page: Path) -> None:
    """
    A changed table changes the page: run `python -m scripts.render_pages`.
    """
    text = page.read_text(encoding="utf-8")

    assert rendered(page) == text
    assert all(f"<!-- {name} -->" in text for name in PAGES.get(page, ()))


def test_each_transition_is_an_arrow() -> None:
    """
    The drawing of a payment's states has an arrow for each transition of the code, and one to begin.
    """
    drawn = (DOCS / "diagrams" / "payment-states.svg").read_text("utf-8")

    assert drawn.count('class="arrow"') == sum(map(len, TRANSITIONS.values()))
