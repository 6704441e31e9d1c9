"""
Ten thousand tokens that are nearly good, through the real app.
"""

import binascii
from collections import Counter
from random import Random
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.http.mutations import Mutator, decoded

Api = Any

NUMBER: Final = 10_000
SEED: Final = 20_261_125
PLACE: Final = "/api/payments"


def _differs(mutant: str, good: str) -> bool:
    try:
        return decoded(mutant) != decoded(good)
    except binascii.Error:
        # A part of a length that no bytes have.
        return True


@pytest.mark.slow
def test_ten_thousand_mutants(api: Api) -> None:
    """
    None of them is accepted or an error; the good token is, before, between and after.
    """
    good = api.issuer.token("Admin", sub="root")
    strange = (RSAKey.generate_key(2048), ECKey.generate_key("P-256"))
    other = api.issuer.token("Customer")
    mutator = Mutator(good, other, api.issuer.key, strange, Random(SEED))
    answers: Counter[tuple[str, int, str]] = Counter()

    def status(token: str) -> tuple[int, str]:
        answer = api.client.get(PLACE, headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.get_json().get("code", "")

    for number, (kind, mutant) in enumerate(mutator.mutants(NUMBER)):
        if number % 500 == 0:
            assert status(good) == (200, "")
        assert _differs(mutant, good), (kind, mutant)
        answers[kind, *status(mutant)] += 1
    assert status(good) == (200, "")

    assert answers.total() == NUMBER
    assert min(answers.values()) > NUMBER / 50, answers
    assert {(code, word) for _, code, word in answers} == {(401, "token_invalid")}, answers
