"""
The pages that draw the tables of the code.
"""

from pathlib import Path

import pytest

from scripts.render_status import PAGES, rendered


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_draws_the_tables_of_the_code(page: Path) -> None:
    """
    A changed table changes the page: run scripts/render_status.py.
    """
    text = page.read_text(encoding="utf-8")

    assert rendered(page) == text
    assert all(f"<!-- {name} -->" in text for name in PAGES[page])
