"""
Files that only their owner may read.
"""

import os
import tempfile
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """
    Write a file with mode 600 in a folder with mode 700, all of it or nothing.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)
