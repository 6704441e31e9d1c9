"""
Being stopped between two steps.
"""

from collections.abc import Callable

GoOn = Callable[[], bool]
"""
Asked before each step of long work: False leaves the rest to whoever comes next.
"""


def always() -> bool:
    """
    Go on to the end.
    """
    return True
