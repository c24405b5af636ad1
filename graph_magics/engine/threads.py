"""Several functions at the same time, each on a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from .ending import Group, in_group


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Call all functions at the same time, and give what they give, in order.

    Context variables of the caller are seen by them. Where one raises, or the caller is
    interrupted, whatever the others await is cancelled, and Python code of theirs is ended.

    >>> at_once([lambda: 1, lambda: 2])
    [1, 2]
    """
    group = Group()
    pool = ThreadPoolExecutor(len(calls) or 1, thread_name_prefix="graph-magics-route")
    futures: list[Future[Any]] = []
    try:
        for call in calls:
            futures.append(pool.submit(copy_context().run, in_group, group, call))
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            if future.done():
                future.result()
        return [future.result() for future in futures]
    except BaseException:
        group.cancel()
        raise
    finally:
        # Not waiting: a function that is no coroutine may take its time to end.
        pool.shutdown(wait=False, cancel_futures=True)


def ahead(given: Iterator[Any]) -> Iterator[Any]:
    """Give what an iterator gives, which fetches the next on a thread meanwhile.

    >>> list(ahead(iter([1, 2, 3])))
    [1, 2, 3]
    """
    end = object()
    pool = ThreadPoolExecutor(1, thread_name_prefix="graph-magics-ahead")
    try:
        future = pool.submit(next, given, end)
        while (one := future.result()) is not end:
            future = pool.submit(next, given, end)
            yield one
            del one  # Not to be held while the next is waited for.
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Behind:
    """Does one thing after the other on a thread, while the next is made ready here.

    What one raises is raised when the next is handed over, or at the end, when all are waited for.

    Examples
    --------
    >>> done = []
    >>> with Behind() as behind:
    ...     behind.do(lambda: done.append(1))
    ...     behind.do(lambda: done.append(2))
    >>> done
    [1, 2]
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="graph-magics-behind")
        self._last: Future[Any] | None = None

    def __enter__(self) -> Behind:
        return self

    def do(self, call: Callable[[], Any]) -> None:
        """Wait for the last thing, and begin with this one."""
        self._wait()
        self._last = self._pool.submit(copy_context().run, call)

    def __exit__(self, kind: object, *raised: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._pool.shutdown()

    def _wait(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()


def in_order(calls: Sequence[Callable[[], Any]], number: int) -> Iterator[Any]:
    """Call functions on so many threads, and give what they give in their order.

    Whoever leaves off, or is interrupted, ends them as `at_once` does.

    >>> list(in_order([lambda: 1, lambda: 2, lambda: 3], 2))
    [1, 2, 3]
    """
    group = Group()
    pool = ThreadPoolExecutor(number, thread_name_prefix="graph-magics-chunk")
    try:
        futures = [pool.submit(copy_context().run, in_group, group, call) for call in calls]
        for future in futures:
            yield future.result()
    except BaseException:
        group.cancel()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
