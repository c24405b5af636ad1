"""One private event loop, on a thread of its own, for the async steps of all graphs.

A kernel's own loop is busy while a cell runs, so a step cannot wait on it there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any

from ..errors import GraphError

#: How many events an async step has under way at once.
CONCURRENCY = 32

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def async_map(
    function: Callable[[Any], Awaitable[Any]],
    events: Sequence[Any],
    limit: int = CONCURRENCY,
) -> list[Any]:
    """Await a function for every event, at most ``limit`` at a time.

    An interrupt of the waiting thread cancels what is under way. Context variables of the
    caller are seen by the function.

    Returns
    -------
    list
        For each event, in order, its result or the Exception that was raised.
    """
    if threading.current_thread() is _thread:
        # An async step runs a graph that has async steps: our loop cannot wait for itself.
        with ThreadPoolExecutor(1) as pool:
            context, coroutine = copy_context(), _map(function, events, limit)
            return pool.submit(context.run, asyncio.run, coroutine).result()
    future = asyncio.run_coroutine_threadsafe(_map(function, events, limit), _private_loop())
    group = _group.get()
    if group is not None:
        group.add(future)
    try:
        results = future.result()
    except BaseException:
        future.cancel()
        raise
    for result in results:
        if isinstance(result, (SystemExit, KeyboardInterrupt)):
            raise result
    return results


class Group:
    """What several threads await, so that it can be cancelled from outside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: list[Future[Any] | Group] = []
        self._is_cancelled = False

    def add(self, future: Future[Any] | Group) -> None:
        """Cancel this too, when the group is cancelled, or is already."""
        with self._lock:
            self._futures.append(future)
            if self._is_cancelled:
                future.cancel()

    def cancel(self) -> None:
        """Cancel whatever is under way, and whatever may come."""
        with self._lock:
            self._is_cancelled = True
            for future in self._futures:
                future.cancel()


_group: ContextVar[Group | None] = ContextVar("group", default=None)


def in_group(group: Group, call: Callable[[], Any]) -> Any:
    """Call a function, whose `async_map` is cancelled with the group, and with those around it."""
    outer = _group.get()
    if outer is not None:
        outer.add(group)
    _group.set(group)
    return call()


async def _map(
    function: Callable[[Any], Awaitable[Any]], events: Sequence[Any], limit: int
) -> list[Any]:
    results: list[Any] = [None] * len(events)
    waiting = iter(enumerate(events))

    async def work() -> None:
        for row, event in waiting:
            try:
                results[row] = await function(event)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # It is us who are cancelled, not what the step waits for.
                results[row] = GraphError("what the step waited for was cancelled")
            except BaseException as error:
                # Whatever it is: raised here, a SystemExit would end the loop and its thread.
                results[row] = error

    await asyncio.gather(*(work() for _ in range(min(limit, len(events)))))
    return results


def _private_loop() -> asyncio.AbstractEventLoop:
    global _loop, _thread
    with _lock:
        # Without its thread, which a fork leaves behind, nobody runs the loop.
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(
                target=_loop.run_forever, name="graph-magics-async", daemon=True
            )
            _thread.start()
        return _loop
