"""
What the pages refer to is there.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("apps", "changelog.d", "deploy", "docs", "examples", "packages")
PAGES = [*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """
    Each link to a file of the repository has one.
    """
    linked = LINK.findall(page.read_text("utf-8"))

    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_list() -> None:
    """
    Who opens `docs` finds each page and each decision, under the title that it has.
    """
    docs = ROOT / "docs"
    index = (docs / "README.md").read_text("utf-8")
    pages = {path.name for path in docs.glob("*.md")} - {"README.md"}
    rows = dict(re.findall(r"^\| \[\d+\]\(decisions/(\S+)\) \| (.*) \|$", index, re.MULTILINE))
    titles = {
        path.name: path.read_text("utf-8").partition("\n")[0]
        for path in docs.glob("decisions/*.md")
    }

    assert {name for name in pages if f"]({name})" not in index} == set()
    assert {name: f"# {name[:4]}. {title}" for name, title in rows.items()} == titles
