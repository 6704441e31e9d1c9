"""
What the pages refer to is there.
"""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.site.navigation import groups

ROOT = Path(__file__).parents[2]
ROOMS = ("apps", "changelog.d", "deploy", "docs", "examples", "packages")
PAGES = [*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))]
BLOCK = re.compile(r"^```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
WRITTEN = re.compile(r"(?:> |-o |sqlite:///|file `)([a-z]+\.\w+)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    """
    Return a page without its blocks of code.
    """
    return BLOCK.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """
    Return the names that GitHub and the site give to the headings of a page.
    """
    titles = (
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in HEADING.findall(prose(page))
    )
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """
    Each link to a file of the repository has one, and each to a heading of a page has that heading.
    """
    linked = [
        (page.parent / path if path else page, name) for path, name in LINK.findall(prose(page))
    ]

    assert [str(target) for target, _ in linked if not target.exists()] == []
    assert [name for target, name in linked if name and name not in anchors(target)] == []


def test_every_page_is_in_the_list() -> None:
    """
    Who opens `docs`, or the site, finds each page; and each decision under the title that it has.
    """
    docs = ROOT / "docs"
    index = (docs / "README.md").read_text("utf-8")
    pages = {path.stem for path in docs.glob("*.md")} - {"README"}
    listed = {name for _, entries in groups(index) for _, name in entries}
    rows = dict(re.findall(r"^\| \[\d+\]\(decisions/(\S+)\) \| (.*) \|$", index, re.MULTILINE))
    titles = {
        path.name: path.read_text("utf-8").partition("\n")[0]
        for path in docs.glob("decisions/*.md")
    }

    assert pages - listed == set()
    assert {name: f"# {name[:4]}. {title}" for name, title in rows.items()} == titles


def test_what_a_reader_writes_is_not_in_the_way() -> None:
    """
    Who has done what the pages say lints and commits as before: git passes over those files.
    """
    pages = [(ROOT / "docs" / page).read_text("utf-8") for page in ("tutorial.md", "embedding.md")]
    written = {name for page in pages for name in WRITTEN.findall(page)}
    command = ("git", "check-ignore", "--no-index", *written)
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert {"servers.sh", "events.py", "payment.json", "shop.py", "shop.db"} <= written
    assert written - set(ignored.stdout.split()) == set()
