"""
A customer of the API whose payments the neighbours hear of.
"""

from collections.abc import Mapping
from uuid import UUID, uuid4

from payments_core.testing.fake_provider import APPROVED_METHOD
from tests.http.conftest import Api


def pay(api: Api, headers: Mapping[str, str]) -> UUID:
    """
    Take a payment and return its id.
    """
    body = {
        "orderId": str(uuid4()),
        "amount": "129.90",
        "currency": "EUR",
        "paymentMethodId": APPROVED_METHOD,
    }
    answer = api.post("/api/payments", body, headers=headers)

    assert answer.status_code == 201, answer.text
    return UUID(answer.get_json()["paymentId"])
