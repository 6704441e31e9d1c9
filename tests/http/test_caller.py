"""
What a good token makes of its bearer: a person with roles, or a service.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

Api = Any
MakePayment = Callable[[str], str]

CLIENT = "fulfillment-service"
ACCOUNT = f"service-account-{CLIENT}"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 403),
        ({"client_id": CLIENT}, 202),
        ({"preferred_username": ACCOUNT}, 202),
        # As Keycloak issues them.
        ({"preferred_username": ACCOUNT, "client_id": CLIENT, "email_verified": False}, 202),
        ({"preferred_username": ACCOUNT, "clientHost": "10.0.0.1"}, 202),
        # RFC 9068 puts client_id into the tokens of people too.
        ({"client_id": CLIENT, "preferred_username": "mallory"}, 403),
        ({"client_id": CLIENT, "sid": "0b9c"}, 403),
        ({"client_id": CLIENT, "session_state": "0b9c"}, 403),
        ({"client_id": CLIENT, "email": "mallory@example.com"}, 403),
        ({"client_id": CLIENT, "name": "Mallory"}, 403),
        ({"client_id": CLIENT, "name": None, "preferred_username": ""}, 403),
        ({"client_id": "catalog-service"}, 403),
        ({"client_id": [CLIENT]}, 403),
        ({"preferred_username": "service-account-catalog-service"}, 403),
        ({"azp": "catalog-service", "client_id": CLIENT, "preferred_username": ACCOUNT}, 403),
    ],
)
def test_service_or_person(
    api: Api, payment_in: MakePayment, claims: dict[str, object], status: int
) -> None:
    """
    A client that asks for itself is a service; a person who logs in through it is none.
    """
    api.token = api.issuer.token("Customer", **({"azp": CLIENT} | claims))
    answer = api.post("/internal/payments/capture", {"paymentId": payment_in("Authorized")})

    assert answer.status_code == status


def test_mapping_is_a_setting(
    api: Api,
    payment_in: MakePayment,
    client_with: Callable[[Mapping[str, str]], FlaskClient],
    tmp_path: Path,
) -> None:
    """
    What roles and services may do is the settings' word: theirs instead of the default.
    """
    file = tmp_path / "settings.toml"
    file.write_text("""
        [keycloak.roles]
        Teller = ["refund:any", "read"]
        Admin = []
        [keycloak.services]
        till = ["capture:any"]
    """)
    path = f"/api/payments/{payment_in('Succeeded')}"
    held = f"/api/payments/{payment_in('Authorized')}"
    api.client = client_with({"SETTINGS_FILE": str(file)})

    assert api.of("Teller", sub="t").post(f"{path}/refund", {}, key="a").status_code == 201
    assert api.of("Teller", sub="t").get(path).status_code == 404
    assert api.of("Teller").get(path).status_code == 200
    assert api.of("Teller", sub="t").get("/api/payments").status_code == 403
    assert api.of("Admin").get("/api/payments").status_code == 403
    assert api.of("Customer").get(path).status_code == 403
    assert api.of_service("till").post(f"{held}/capture", {}, key="b").status_code == 200
    assert api.of_service("order-service").get(path).status_code == 403


def test_client_roles_count(api: Api) -> None:
    """
    Roles of this service's own client count; those of other clients do not.
    """
    ours = {"payment-service": {"roles": ["Ops"]}}
    theirs = {"shop": {"roles": ["Ops"]}}
    for access, expected in ((ours, 200), (theirs, 403)):
        api.token = api.issuer.token(resource_access=access)

        assert api.get("/api/payments").status_code == expected


@pytest.mark.parametrize(
    "junk", [5, "Admin", ["Admin"], {"roles": "Admin"}, {"roles": [["Admin"]]}]
)
def test_odd_claims_give_no_role(api: Api, junk: object) -> None:
    """
    Roles in another shape than Keycloak's are no roles, and no error.
    """
    claims = api.issuer.claims(realm_access=junk, resource_access=junk)
    api.token = api.issuer.sign(claims)

    assert api.get("/api/payments").status_code == 403
