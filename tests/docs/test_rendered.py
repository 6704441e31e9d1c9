"""
The pages that show the tables of the code.
"""

import re
from pathlib import Path

import pytest

from payments_core.domain.status import TRANSITIONS
from scripts.diagrams.drawing import STYLE
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


def test_the_site_gives_drawings_their_colours() -> None:
    """
    Who switches the site to dark has dark drawings, whatever the system says: no colour is left to it.
    """
    css = (DOCS.parent / "scripts/site/static/site.css").read_text("utf-8")
    (given,) = re.findall(r"^\.diagram \.drawing {\n(.*?)^}", css, re.MULTILINE | re.DOTALL)
    drawn = set(re.findall(r"var\((--\w+)\)", STYLE))

    assert drawn
    assert set(re.findall(r"(--\w+): var\(--color-", given)) == drawn
