"""
What others wrote, as it may be put on a terminal: it is read, and never obeyed.
"""

import json
import re
from typing import Any, Final

_UNSEEN: Final = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
"""
Controls of terminals, and marks that turn text round (Unicode TR 36): no JSON escapes these.
"""

_CONTROLS: Final = re.compile(rf"[\x00-\x1f{_UNSEEN}]")
_IN_LINES: Final = re.compile(rf"[\x00-\x09\x0b-\x1f{_UNSEEN}]")
_IN_JSON: Final = re.compile(f"[{_UNSEEN}]")


def visible(text: str) -> str:
    r"""
    Return a text in one line, with whatever a terminal would act upon as ``\x1b``.
    """
    return _CONTROLS.sub(_escaped, text)


def visible_lines(text: str) -> str:
    """
    Return the same of a text of several lines.
    """
    return _IN_LINES.sub(_escaped, text)


def visible_json(document: Any) -> str:
    """
    Return a document as JSON that says the same to programs, and does nothing to terminals.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
