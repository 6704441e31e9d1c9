"""
The site's navigation is the list in `docs/README.md`: there is no second one to keep.

A heading of that page is a group, and each list entry under it that begins
with a link is a page of that group, under the link's words. What a page is
listed for again is passed over, and the decisions hang below the first one.
"""

import re
from collections.abc import Iterator

from sphinx.application import Sphinx

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
ENTRY = re.compile(r"^\* \[([^\]]+)\]\(([^)#]+)\.md\)", re.MULTILINE)
DECISION = "docs/decisions/"
FIRST_DECISION = f"{DECISION}0001-record-decisions"


def groups(index: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """
    Yield each heading with the title and the name of each page that is listed under it first.
    """
    _, *parts = HEADING.split(index)
    seen: set[str] = set()
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        pages = [(title, page) for title, page in ENTRY.findall(text) if page not in seen]
        seen |= {page for _, page in pages}
        if pages:
            yield heading, pages


def toctree(entries: list[str], *options: str) -> str:
    """
    Return the directive by which Sphinx puts pages into its tree, showing nothing on the page.
    """
    return "\n".join(["", "```{toctree}", ":hidden:", *options, "", *entries, "```", ""])


def navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """
    Add to a page that is about to be read the pages that hang below it.
    """
    if docname == app.config.root_doc:
        for heading, pages in groups(source[0]):
            entries = [f"{title} <{page}>" for title, page in pages]
            source[0] += toctree(entries, f":caption: {heading}")
    if docname == FIRST_DECISION:
        found = sorted(page for page in app.env.found_docs if page.startswith(DECISION))
        source[0] += toctree([f"/{page}" for page in found if page != docname])


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Register with Sphinx.
    """
    app.connect("source-read", navigation)
    return {"parallel_read_safe": True}
