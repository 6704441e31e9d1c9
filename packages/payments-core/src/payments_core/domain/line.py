"""
A line of text that a person wrote.
"""

import re
from typing import Final

_UNSEEN: Final = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f"
)
"""
Characters that end a line, steer a terminal, or show nothing (Cc, Cf, Zl, Zp of Unicode).
"""
_HALVES: Final = r"\ud800-\udfff"  # of a pair: no text by itself, and none in a JSON Schema


def _line(unseen: str) -> str:
    return rf"[^{unseen}]*[^\s{unseen}][^{unseen}]*"


LINE: Final = _line(_UNSEEN)
"""
What a line looks like, as a regular expression that JSON Schema and Python read alike.
"""
_LINE: Final = re.compile(_line(_UNSEEN + _HALVES))


def is_line(text: str, longest: int) -> bool:
    """
    Return whether this is one line that shows something, without characters that control or show nothing.
    """
    return len(text) <= longest and _LINE.fullmatch(text) is not None
