"""
The one place where asyncio runs: a thread with a loop, and a synchronous door to it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Coroutine, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

END_WITHIN = 5.0  # seconds that what is cancelled at the end may take


class LoopThread:
    """
    Runs coroutines in a thread of its own, which begins with the first of them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """
        Begin a coroutine, and return its future.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self._running())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run a coroutine, which must end by itself, and return what it returns.
        """
        return self.start(coroutine).result()

    def close(self) -> None:
        """
        Cancel what still runs, and end the thread, whether or not all of it obeys.
        """
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop and thread:
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name=self._name, daemon=True
                )
                self._thread.start()
            return self._loop


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=END_WITHIN)


async def outcomes(seconds: float, works: Iterable[Awaitable[T]]) -> list[T | Exception]:
    """
    Return what each work returned or raised; after so many seconds tell the rest to end.

    `asyncio.timeout` waits until what it cancels has ended. The library's calls need not end
    then: they tell the broker that they leave, and wait for its answer, which may never come.
    So they are left behind, and their outcome is a `TimeoutError`. What the library cancelled
    itself, as it does when a connection dies, is a `ConnectionAbortedError`.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        return list(map(_outcome, tasks))
    finally:
        for task in tasks:
            if not task.done():
                task.add_done_callback(_unheard)
                task.cancel()


async def within(seconds: float, work: Awaitable[T]) -> T:
    """
    Return what one work returns in time, as `outcomes` does, or raise what it raised.
    """
    (outcome,) = await outcomes(seconds, [work])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcome(task: "asyncio.Task[T] | asyncio.Future[T]") -> T | Exception:
    if not task.done():
        return TimeoutError()
    if task.cancelled():
        return ConnectionAbortedError()
    error = task.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    return error or task.result()


def _unheard(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()
