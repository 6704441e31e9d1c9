"""
The page about errors says what the code says.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import payments_http
from payments_core.domain import errors
from payments_core.domain.errors import PaymentsError
from payments_core.ports import errors as provider_errors
from payments_http.problems import Problem, problem_of

PAGE = Path(__file__).parents[2] / "docs/errors.md"
SOURCES = Path(payments_http.__file__).parent

# Which argument of these is a code.
PLACES = {"Problem": 1, "refuse": 1, "Sentence": 1, "FieldError": 1}

# Roots of families: only their children are raised.
FAMILIES = {"amount_invalid", "conflict", "domain_error", "payments_error", "webhook_invalid"}


def _rows() -> dict[str, str]:
    text = PAGE.read_text("utf-8").partition("## Codes")[2].partition("## Limits")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE))


def _written() -> Iterator[str]:
    """
    Yield the codes that the sources spell out.
    """
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield from _texts(node.args[_place(node.func) :][:1])
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_CODES":
                assert isinstance(node.value, ast.Dict)
                yield from _texts(node.value.values)


def _place(called: ast.expr) -> int:
    return 1 if ast.unparse(called) == "_CODES.get" else PLACES.get(ast.unparse(called), 99)


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return (value for value in constants if isinstance(value, str))


def _family(kind: type[PaymentsError]) -> Iterator[type[PaymentsError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _family(child)


def _errors() -> list[type[PaymentsError]]:
    modules = {errors.__name__, provider_errors.__name__}
    found = [kind for kind in _family(PaymentsError) if kind.__module__ in modules]
    return [kind for kind in found if kind.code not in FAMILIES]


def test_every_code_has_a_row() -> None:
    """
    What the API can answer is on the page, and nothing else.
    """
    codes = {kind.code for kind in _errors()} | set(_written())

    assert set(_rows()) == codes


@pytest.mark.parametrize("kind", _errors(), ids=lambda kind: kind.__name__)
def test_status(kind: type[PaymentsError]) -> None:
    """
    The page names the status that an error of the core becomes.
    """
    problem = problem_of(kind.__new__(kind))

    assert _rows()[problem.code] == str(int(problem.status))


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("not_found", "Not found"),
        ("json_invalid", "JSON invalid"),
        ("return_url_not_allowed", "Return URL not allowed"),
    ],
)
def test_title(code: str, title: str) -> None:
    """
    A title is the code in words, with abbreviations in capitals.
    """
    assert Problem(400, code, "").document("")["title"] == title
