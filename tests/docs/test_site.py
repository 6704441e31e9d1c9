"""
The site that `make docs` makes of the pages.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs
import pytest
from typing_extensions import override

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SITE = ROOT / "var" / "site"
ASSETS = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("use", "href")}
ELSEWHERE = re.compile(r"^([a-z]+:)?//")


@attrs.define(eq=False)
class Page(HTMLParser):
    """
    What a page of the site refers to, and what of it can be referred to.
    """

    assets: list[str] = attrs.field(factory=list, init=False)
    links: list[str] = attrs.field(factory=list, init=False)
    names: set[str] = attrs.field(factory=set, init=False)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.names.add(value or "")
            elif (tag, name) in ASSETS:
                self.assets.append(value or "")
            elif (tag, name) == ("a", "href"):
                self.links.append(value or "")


def sphinx(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """
    Run the builder as `make docs` does, over other pages.
    """
    words = ("-qEaWn", "--keep-going", "-c", ROOT / "scripts/site", "-d", out / "read")
    command = (sys.executable, "-m", "sphinx", *words, source, out / "site")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    """
    Every page of the site, made anew.
    """
    subprocess.run(("make", "docs"), cwd=ROOT, check=True, capture_output=True)
    found = {}
    for path in SITE.rglob("*.html"):
        found[path] = page = Page()
        page.feed(path.read_text("utf-8"))
    return found


def broken(pages: dict[Path, Page]) -> Iterator[tuple[str, str]]:
    """
    Yield each page with a link of it that leads to no file of the site, or to no place in it.
    """
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[target].names if target in pages else set()
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in known):
                yield str(path.relative_to(SITE)), link


def test_nothing_comes_from_elsewhere(pages: dict[Path, Page]) -> None:
    """
    Who reads the site without a network misses nothing: no script, style, font or image is remote.
    """
    remote = {asset for page in pages.values() for asset in page.assets if ELSEWHERE.match(asset)}
    styles = "".join(style.read_text("utf-8") for style in SITE.rglob("*.css"))

    assert sum(len(page.assets) for page in pages.values()) > len(pages)
    assert remote == set()
    assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)\"']+", styles) == []


def test_every_link_arrives(pages: dict[Path, Page]) -> None:
    """
    Each link within the site leads to a page of it, and to a place on that page if it names one.
    """
    assert sum(len(page.links) for page in pages.values()) > 1000
    assert list(broken(pages)) == []


def test_every_page_is_there(pages: dict[Path, Page]) -> None:
    """
    Each page and each decision of `docs` has its page in the site.
    """
    written = {
        path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")
    }

    assert written <= {path.relative_to(SITE) for path in pages}


def test_a_broken_link_fails(tmp_path: Path) -> None:
    """
    A site with a link to nowhere is not made: the builder fails, and names each such link.
    """
    docs = tmp_path / "docs"
    docs.mkdir()
    planted = ("nowhere.md", "other.md#neverland", "#utopia")
    links = "".join(f"* [planted]({link})\n" for link in planted)
    (docs / "README.md").write_text(f"# Pages\n\n* [other](other.md#here)\n{links}", "utf-8")
    (docs / "other.md").write_text("# Other\n\n## Here\n", "utf-8")
    made = sphinx(tmp_path, tmp_path / "out")

    assert made.returncode == 1
    assert [word in made.stderr for word in ("nowhere", "neverland", "utopia")] == [True] * 3
    assert made.stderr.count("WARNING") == len(planted)
