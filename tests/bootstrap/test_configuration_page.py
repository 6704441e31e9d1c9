"""
The page of all settings; that it is what the code says, `tests/docs/test_rendered.py` holds.
"""

import re
from pathlib import Path

from payments_bootstrap.configuration import load, variable
from payments_bootstrap.reading import every_option
from scripts.docstrings import meanings
from tests.bootstrap.test_readme import exports

PAGE = Path(__file__).parents[2] / "docs/configuration.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| [^|]+ \| `([^`]+)` \|", re.MULTILINE)


def test_every_setting_is_described() -> None:
    """
    The class of each setting says what it does: add it under "Attributes" of its docstring.
    """
    options = every_option()

    assert len(options) > 80
    assert [o.path for o in options if not meanings(o.parent_cls).get(o.name)] == []


def test_defaults_of_the_page() -> None:
    """
    Who sets each setting to the default that the page shows, as it stands there, changes nothing.
    """
    shown = dict(ROW.findall(PAGE.read_text("utf-8")))

    assert len(shown) > 60
    assert load(exports() | shown) == load(exports())


def test_every_setting_has_a_row() -> None:
    """
    The page names each setting, and no other; what only the file can say under its name there.
    """
    rows = re.findall(r"^\| `(\S+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    in_the_file = {
        "KEYCLOAK__ROLES": "[keycloak.roles]",
        "KEYCLOAK__SERVICES": "[keycloak.services]",
    }
    known = (variable(option.path) for option in every_option())

    assert sorted(rows) == sorted(in_the_file.get(name, name) for name in known)
