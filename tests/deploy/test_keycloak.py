"""
The realm and the compose file say what the code expects; neither holds a secret.
"""

import json
import logging
import re
from typing import Any, Final
from uuid import UUID

import pytest

from payments_bootstrap.configuration import load
from payments_bootstrap.permissions import ROLES, SERVICES
from payments_bootstrap.settings import KeycloakSettings
from scripts.env import filled
from tests.deploy.compose import COMPOSE, PLACEHOLDER, ROOT, VALUES, dotenv, environment

REALM: Final[dict[str, Any]] = json.loads(
    (ROOT / "deploy/keycloak/realm-export.json").read_text("utf-8")
)
CLIENTS: Final[dict[str, dict[str, Any]]] = {c["clientId"]: c for c in REALM["clients"]}


def test_roles_are_those_of_the_code() -> None:
    """
    The realm has every role that means something here, and no other.
    """
    assert {role["name"] for role in REALM["roles"]["realm"]} == set(ROLES)


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_tokens_are_for_this_service(name: str) -> None:
    """
    Each client's access tokens name this service's audience: without the mapper they are for `account`.
    """
    (mapper,) = CLIENTS[name]["protocolMappers"]

    assert mapper["protocolMapper"] == "oidc-audience-mapper"
    assert mapper["config"]["included.client.audience"] == KeycloakSettings().audience
    assert mapper["config"]["access.token.claim"] == "true"
    assert mapper["config"]["id.token.claim"] == "false"


@pytest.mark.parametrize("name", sorted(set(CLIENTS) - {"swagger-ui"}))
def test_services_are_services(name: str) -> None:
    """
    A service gets tokens for itself, with a secret; nobody logs in through it.
    """
    client = CLIENTS[name]

    assert client["serviceAccountsEnabled"]
    assert not client["publicClient"]
    assert not any(value for flow, value in client.items() if flow.endswith("FlowEnabled"))
    assert not client["directAccessGrantsEnabled"]


def test_pages_are_for_people() -> None:
    """
    The one public client has no token of its own, and no flow in which a password passes it.
    """
    client = CLIENTS["swagger-ui"]

    assert client["publicClient"]
    assert "secret" not in client
    assert not client["serviceAccountsEnabled"]
    assert not client["directAccessGrantsEnabled"]
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"


def test_clients_have_ids_of_their_own() -> None:
    """
    Some versions look each client up by its id after the import, and ids are unique in Keycloak.
    """
    ids = {UUID(client["id"]) for client in CLIENTS.values()}

    assert len(ids) == len(CLIENTS) == len(REALM["clients"])


def test_clients_are_those_of_the_code() -> None:
    """
    Every service that may do something here has its client, and so has this service.
    """
    assert {*SERVICES, KeycloakSettings().client_id} <= set(CLIENTS)


def test_realm_fits_the_settings() -> None:
    """
    Its signatures and the life of its tokens are accepted by default.
    """
    settings = KeycloakSettings()

    assert REALM["defaultSignatureAlgorithm"] in settings.algorithms
    assert REALM["accessTokenLifespan"] <= settings.lifetime.total_seconds()


def test_realm_keeps_keycloaks_own_scopes() -> None:
    """
    With scopes of its own an import would lose those that carry roles, subject and user name.
    """
    assert not {"clientScopes", "defaultDefaultClientScopes"} & set(REALM)


def test_users_are_the_services_accounts() -> None:
    """
    Keycloak 26 does not import a service without its account; other users are not in the file.
    """
    services = {name for name, client in CLIENTS.items() if client["serviceAccountsEnabled"]}
    accounts = [
        {"username": f"service-account-{name}", "enabled": True, "serviceAccountClientId": name}
        for name in CLIENTS
        if name in services
    ]

    assert REALM["users"] == accounts


def test_secrets_come_from_the_environment() -> None:
    """
    Each client's secret is a name that the compose file must be given a value for.
    """
    secrets = {c["secret"] for c in CLIENTS.values() if "secret" in c}
    keycloak = COMPOSE["services"]["keycloak"]["environment"]
    example = (ROOT / ".env.example").read_text("utf-8")
    names = {PLACEHOLDER.fullmatch(secret).group(1) for secret in secrets}  # type: ignore[union-attr]  # else it fails

    assert len(names) == len(CLIENTS) - 1
    for name in names:
        assert keycloak[name] == f"${{{name}:?see .env.example}}"
        assert f"\n{name}=\n" in example


def test_nothing_is_left_out_of_the_example() -> None:
    """
    Every value that the compose file asks for is in the example, and has none there.
    """
    asked = {name for name, _ in PLACEHOLDER.findall((ROOT / "docker-compose.yml").read_text())}
    example = (ROOT / ".env.example").read_text("utf-8")

    assert set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE)) == asked
    assert not re.search(r"^[A-Z_]+=.", example, re.MULTILINE)


def test_compose_imports_the_realm() -> None:
    """
    Keycloak is told to import, and finds the file where it looks.
    """
    keycloak = COMPOSE["services"]["keycloak"]
    mounted = dict(volume.split(":")[:2] for volume in keycloak["volumes"])

    assert "--import-realm" in keycloak["command"]
    assert mounted["./deploy/keycloak/realm-export.json"].startswith("/opt/keycloak/data/import/")


def test_compose_settings_start(caplog: pytest.LogCaptureFixture) -> None:
    """
    The API's settings start it, each name is a setting, and its issuer is Keycloak's own name.
    """
    with caplog.at_level(logging.WARNING):
        settings = load({**environment("api"), "HTTP__HOST": "0.0.0.0"})
    outside = COMPOSE["services"]["keycloak"]["environment"]["KC_HOSTNAME"]

    assert caplog.messages == []
    assert settings.keycloak.issuer == (f"{outside}/realms/{REALM['realm']}",)
    assert f"/realms/{REALM['realm']}/" in settings.keycloak.keys_url


def test_stripe_is_the_simulator_unless_one_says_otherwise() -> None:
    """
    The service and the simulator share keys and find each other; a .env can lead to Stripe itself.
    """
    simulator = environment("stripe")
    service, real = (
        load(environment("api", VALUES | {"STRIPE_API_BASE": base})).payment_providers.stripe
        for base in ("", "https://api.stripe.com")
    )

    assert service
    assert service.api_base == "http://stripe:12111"
    assert real
    assert real.api_base == "https://api.stripe.com"
    assert service.api_key == simulator["STRIPE_SIMULATOR_API_KEY"]
    assert service.webhook_secrets == (simulator["STRIPE_SIMULATOR_WEBHOOK_SECRET"],)
    assert simulator["STRIPE_SIMULATOR_WEBHOOK_URL"].startswith("http://api:8080/")


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_who_is_waited_for_says_when_it_is_there(name: str) -> None:
    """
    Each service that another waits for has a check of its health, or ends.
    """
    for other, how in COMPOSE["services"][name].get("depends_on", {}).items():
        waited_for = COMPOSE["services"][other]

        assert how["condition"] in {"service_healthy", "service_completed_successfully"}
        if how["condition"] == "service_healthy":
            assert waited_for["healthcheck"]["test"][0] == "CMD"
        else:
            assert waited_for["restart"] == "no"


def test_each_secret_is_made_afresh() -> None:
    """
    The printed .env has a value behind each name but the one that may stay empty.
    """
    again = dotenv(filled((ROOT / ".env.example").read_text("utf-8")))

    assert [name for name, value in VALUES.items() if not value] == ["STRIPE_API_BASE"]
    assert not {*again.values()} & {*VALUES.values()} - {""}
