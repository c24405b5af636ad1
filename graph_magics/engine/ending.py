"""What ends the work of other threads that nobody waits for any more."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol


class Ended(BaseException):
    """Raised in a thread of ours whose work nobody waits for any more."""


class Cancellable(Protocol):
    """Something under way that can be ended."""

    def cancel(self) -> Any:
        """End it, if it is not done."""
        ...


class Group:
    """What several threads do and await, so that it can be ended from outside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: list[Cancellable] = []
        self._threads: set[int] = set()
        self._is_cancelled = False

    def add(self, future: Cancellable) -> None:
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
            for thread in self._threads:
                end(thread)

    def run(self, call: Callable[[], Any]) -> Any:
        """Call a function on this thread, unless or until the group is cancelled."""
        thread = threading.get_ident()
        with self._lock:
            if self._is_cancelled:
                raise Ended
            self._threads.add(thread)
        try:
            return call()
        finally:
            # Under the lock, so that whoever is ended is still in here.
            with self._lock:
                self._threads.discard(thread)


_group: ContextVar[Group | None] = ContextVar("group", default=None)


def heeding(future: Cancellable) -> None:
    """Cancel a future with the group that this thread is in, if it is in one."""
    group = _group.get()
    if group is not None:
        group.add(future)


def in_group(group: Group, call: Callable[[], Any]) -> Any:
    """Call a function, which is ended with the group, and with those around it."""
    outer = _group.get()
    if outer is not None:
        outer.add(group)
    _group.set(group)
    return group.run(call)


def end(thread: int) -> None:
    """Raise in a thread as soon as it runs Python code again, as an interrupt does in the first."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Ended))
