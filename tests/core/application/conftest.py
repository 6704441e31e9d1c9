"""
The service that the tests of the use cases drive.
"""

import pytest

from tests.core.application.service import Service


@pytest.fixture
def service() -> Service:
    """
    A service with nothing in it.
    """
    return Service()
