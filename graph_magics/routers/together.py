"""How a router runs its routes: one after the other, at the same time, or in processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter, process_time
from typing import Any, Literal, TypeAlias, get_args

from ..batch import Batch
from ..context import Context
from ..cores import sharing
from ..errors import GraphError, listed, near
from ..nodes import Node, walk

ExecutorType: TypeAlias = Literal["thread", "process", "array"]
Send: TypeAlias = Callable[[str, Context], Batch]

#: Routes that take less, in seconds, are not worth a thread each.
WORTH = 0.002
#: Who uses less of the processor than this, of the time that passes, waits for something.
WAITING = 0.2
#: Or for the processor, where the machine is busy; so it must be seen so often in a row.
SIGHTINGS = 3
#: Once is enough of what takes so many seconds.
LONG = 0.5


def checked(executor_type: Any, name: str | None) -> ExecutorType | None:
    """An executor type that is one of MLRun's.

    Raises
    ------
    GraphError
        If it is none.
    """
    known = get_args(ExecutorType)
    if executor_type is not None and executor_type not in known:
        raise GraphError(
            f"executor_type must be one of {listed(known)}, got {executor_type!r}"
            f"{near(str(executor_type), known)}",
            node=name,
        )
    return executor_type


class Together:
    """Runs all routes of one router.

    Parameters
    ----------
    routes : mapping of str to Node
    executor_type : {"thread", "process", "array"}, optional
        As MLRun's routers have it: each route on a thread or in a process, or one after the
        other. If absent, routes that wait for something outside are run at the same time, each
        on a thread, and those that compute one after the other beside them. Which wait is known
        of remote and async steps, and of others seen by measuring: all of a router's routes, if
        together they took 2 ms and more, and the processor less than a fifth of that, three
        times in a row; or once, if they took half a second.
    """

    def __init__(self, routes: Mapping[str, Node], executor_type: ExecutorType | None) -> None:
        self._names = list(routes)
        nodes = {name: [node, *dict(walk(node)).values()] for name, node in routes.items()}
        if any(node.stays for some in nodes.values() for node in some):
            executor_type = "array"
        self._how = executor_type if executor_type or len(routes) > 1 else "array"
        waiting = [any(node.waits for node in some) for some in nodes.values()]
        #: The places of routes that share a thread, where some are known to wait.
        self._groups = [[place] for place, waits in enumerate(waiting) if waits]
        computing = [place for place, waits in enumerate(waiting) if not waits]
        if computing and self._groups:
            self._groups.append(computing)
        self._sightings = 0

    def run(self, send: Send, context: Context) -> list[Batch]:
        """Send something to all routes, and give their answers in order."""
        if self._how == "array":
            return [send(name, context) for name in self._names]
        if self._how is not None:
            return self._asked_for(send, context)
        if self._groups:
            return context.run_all(self._calls(send), self._groups)
        if self._sightings < SIGHTINGS:
            return self._timed(send, context)
        return context.run_all(self._calls(send))

    def _asked_for(self, send: Send, context: Context) -> list[Batch]:
        if self._how == "process":
            return context.run_all(self._calls(send), away=True)
        number = len(self._names)
        return context.run_all([sharing(call, number) for call in self._calls(send)])

    def _timed(self, send: Send, context: Context) -> list[Batch]:
        begun, used = perf_counter(), process_time()
        answers = [send(name, context) for name in self._names]
        seconds = perf_counter() - begun
        is_waiting = seconds > WORTH and process_time() - used < WAITING * seconds
        if is_waiting:
            self._sightings += SIGHTINGS if seconds > LONG else 1
        elif self._sightings:
            self._sightings = 0
        return answers

    def _calls(self, send: Send) -> list[Callable[[Context], Batch]]:
        return [partial(send, name) for name in self._names]
