"""
Whether long work shall go on.
"""

import threading


class Going:
    """
    True until somebody ends it; work that has steps asks between them.
    """

    def __init__(self) -> None:
        self._ended = threading.Event()

    def __call__(self) -> bool:
        """
        Whether to begin another step.
        """
        return not self._ended.is_set()

    def end(self) -> None:
        """
        Let the step that is under way be the last.
        """
        self._ended.set()
