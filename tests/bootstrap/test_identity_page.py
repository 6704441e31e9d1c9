"""
What the page about identity tells to write into the settings file.
"""

import re
from pathlib import Path

from payments_bootstrap.configuration import load
from payments_bootstrap.permissions import ROLES, SERVICES

PAGE = Path(__file__).parents[2] / "docs/identity.md"
REQUIRED = {
    "DATABASE__URL": "sqlite://",
    "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
    "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
    "KEYCLOAK__ISSUER": "https://sso.example.com/realms/ecommerce-realm",
}


def test_mapping_of_the_page(tmp_path: Path) -> None:
    """
    The page's example is a mapping; where it keeps a name of the default it keeps its rights.
    """
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(block)
    keycloak = load(REQUIRED | {"SETTINGS_FILE": str(file)}).keycloak

    assert set(keycloak.roles) == {"Customer", "Support", "Admin"}
    for default, found in ((ROLES, keycloak.roles), (SERVICES, keycloak.services)):
        for name in default.keys() & found.keys():
            assert set(found[name]) == set(default[name])
