"""
How requests to a provider are stored, so that they can be sent again unchanged.
"""

import json
from collections.abc import Mapping
from typing import Final

from payments_core.contracts.converter import stored, to_json
from payments_core.domain.operation import KIND_OF, OperationKind
from payments_core.domain.requests import ProviderRequest

_TYPE_OF: Final[Mapping[OperationKind, type[ProviderRequest]]] = {
    kind: cls for cls, kind in KIND_OF.items()
}


def request_to_json(request: ProviderRequest) -> str:
    """
    Return the stored form of a request.
    """
    return to_json(stored().unstructure(request))


def request_from_json(kind: OperationKind, text: str) -> ProviderRequest:
    """
    Return the request that was stored; the exact reverse of `request_to_json`.
    """
    return stored().structure(json.loads(text), _TYPE_OF[kind])
