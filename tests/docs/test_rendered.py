"""
The pages that show the tables of the code.
"""

from pathlib import Path

import pytest

from scripts.render_pages import PAGES, rendered


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_shows_the_tables_of_the_code(page: Path) -> None:
    """
    A changed table changes the page: run `python -m scripts.render_pages`.
    """
    text = page.read_text(encoding="utf-8")

    assert rendered(page) == text
    assert all(f"<!-- {name} -->" in text for name in PAGES[page])
