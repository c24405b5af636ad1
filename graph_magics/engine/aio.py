"""One private event loop, on a thread of its own, for the async steps of all graphs.

A kernel's own loop is busy while a cell runs, so a step cannot wait on it there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any

from ..errors import GraphError
from ..limits import CONCURRENCY
from .ending import Ended, end, heeding
from .kernel import PATIENCE, told, waited_for

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def async_map(
    function: Callable[[Any], Awaitable[Any]],
    events: Sequence[Any],
    limit: int = CONCURRENCY,
    loop: str = "own",
) -> list[Any]:
    """Await a function for every event, at most ``limit`` at a time.

    With ``loop="kernel"`` on the loop that runs in this thread, if one does. An interrupt of the
    waiting thread cancels what is under way. Context variables of the caller are seen by the
    function.

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
    if loop == "kernel" and (notebooks := asyncio._get_running_loop()) is not None:
        _private_loop()  # Begun before nest-asyncio changes how loops run, it stays as it was.
        return _raised(waited_for(_map(function, events, limit), notebooks))
    # Made first, so that it can be cancelled whenever an interrupt comes.
    future: Future[list[Any]] = Future()
    heeding(future)
    ours = _private_loop()
    try:
        start = partial(_start, future, partial(_map, function, events, limit))
        ours.call_soon_threadsafe(start)
        results = future.result()
    except BaseException as error:
        future.cancel()
        if isinstance(error, KeyboardInterrupt):
            _leave_if_busy(ours)
        raise
    return _raised(results)


def _raised(results: list[Any]) -> list[Any]:
    """Raise what ends a run, whichever event raised it."""
    for result in results:
        if isinstance(result, (SystemExit, KeyboardInterrupt)):
            raise result
    return results


def _start(future: Future[list[Any]], work: Callable[[], Coroutine[Any, Any, list[Any]]]) -> None:
    """Do some work on the loop that runs this, and cancel it with the future."""
    if future.cancelled():
        return
    loop = asyncio.get_running_loop()
    task = loop.create_task(work())

    def tell(task: asyncio.Task[list[Any]]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not future.set_running_or_notify_cancel():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())

    def heed(future: Future[list[Any]]) -> None:
        if future.cancelled():
            loop.call_soon_threadsafe(task.cancel)

    task.add_done_callback(tell)
    future.add_done_callback(heed)


def _leave_if_busy(loop: asyncio.AbstractEventLoop) -> None:
    """Let the next run have another loop, where a step keeps this one from anything else.

    Such a step sleeps or loops without ``await``, and cannot be cancelled.
    """
    global _loop, _thread
    free = threading.Event()
    loop.call_soon_threadsafe(free.set)
    if free.wait(PATIENCE):
        return
    with _lock:
        if _loop is not loop:
            return
        thread, _loop, _thread = _thread, None, None
    if thread is not None and thread.ident is not None:
        end(thread.ident)


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
            except Ended:
                raise
            except BaseException as error:
                # Whatever it is: raised here, a SystemExit would end the loop and its thread.
                results[row] = told(error)

    await asyncio.gather(*(work() for _ in range(min(limit, len(events)))))
    return results


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    with suppress(Ended):
        loop.run_forever()


def _private_loop() -> asyncio.AbstractEventLoop:
    global _loop, _thread
    with _lock:
        # Without its thread, which a fork leaves behind, nobody runs the loop.
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(
                target=_serve, args=(_loop,), name="graph-magics-async", daemon=True
            )
            _thread.start()
        return _loop
