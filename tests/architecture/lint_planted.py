"""
Run by test_contracts.py in a process of its own: lint a copy of the sources, once for each plant.

The arguments are the copy and the configuration; standard input is a JSON list
of [module, imported]; standard output gets a JSON list of what was printed.
A process that lints many times starts once, which is most of the time.
"""

import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from importlinter.application.output import console
from importlinter.cli import lint_imports


def lint(configuration: str) -> str:
    """
    Return what `lint-imports` prints.
    """
    console.width = 200  # A narrow one would break the lines.
    with redirect_stdout(StringIO()) as printed:
        lint_imports(config_filename=configuration, no_cache=True)
    return printed.getvalue()


def lint_planted(sources: Path, configuration: str, module: str, imported: str) -> str:
    """
    Return what `lint-imports` prints while the module with that import is there.
    """
    file = sources.joinpath(*module.split(".")).with_suffix(".py")
    file.write_text(f"import {imported}\n", encoding="utf-8")
    try:
        return lint(configuration)
    finally:
        file.unlink()


if __name__ == "__main__":
    copy, pyproject = sys.argv[1:]
    plants = json.load(sys.stdin)
    printed = [lint_planted(Path(copy), pyproject, *plant) for plant in plants]
    json.dump([lint(pyproject), *printed], sys.stdout)
