"""
How what a dry run found is stored with it.
"""

import json
from collections.abc import Sequence
from functools import cache

from cattrs import Converter

from payments_core.contracts.converter import stored, to_json
from payments_core.domain.discrepancy import Discrepancy


def findings_to_json(findings: Sequence[Discrepancy]) -> str:
    """
    Return the stored form of differences.
    """
    return to_json(_sparse().unstructure(list(findings)))


def findings_from_json(text: str) -> tuple[Discrepancy, ...]:
    """
    Return the differences that were stored; the exact reverse of `findings_to_json`.
    """
    return tuple(stored().structure(json.loads(text), list[Discrepancy]))


@cache
def _sparse() -> Converter:
    # The release before this one reads these too, and knows no closing: nothing is said of none.
    return stored().copy(omit_if_default=True)
