"""
The documented diagrams are those of the code.
"""

from scripts.render_status import PAGE, rendered


def test_the_page_shows_the_tables_of_the_code() -> None:
    """
    A changed table changes the page: run scripts/render_status.py.
    """
    page = PAGE.read_text(encoding="utf-8")

    assert rendered(page) == page
    assert "Pending --> RequiresAction" in page
