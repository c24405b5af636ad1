"""One private event loop, on a thread of its own, for the async steps of all graphs.

A kernel's own loop is busy while a cell runs, so a step cannot wait on it there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

#: How many events an async step has under way at once.
CONCURRENCY = 32

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


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
    future = asyncio.run_coroutine_threadsafe(_map(function, events, limit), _private_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def _map(
    function: Callable[[Any], Awaitable[Any]], events: Sequence[Any], limit: int
) -> list[Any]:
    results: list[Any] = [None] * len(events)
    waiting = iter(enumerate(events))

    async def work() -> None:
        for row, event in waiting:
            try:
                results[row] = await function(event)
            except Exception as error:
                results[row] = error

    await asyncio.gather(*(work() for _ in range(min(limit, len(events)))))
    return results


def _private_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(
                target=_loop.run_forever, name="graph-magics-async", daemon=True
            ).start()
        return _loop
