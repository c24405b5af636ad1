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
        together they took 2 ms and more, and the processor less than a fifth of that.
    """

    def __init__(self, routes: Mapping[str, Node], executor_type: ExecutorType | None) -> None:
        self._names = list(routes)
        self._executor_type = executor_type
        nodes = {name: [node, *dict(walk(node)).values()] for name, node in routes.items()}
        waiting = [name for name, some in nodes.items() if any(node.waits for node in some)]
        self._may = executor_type != "array" and not any(
            node.stays for some in nodes.values() for node in some
        )
        self._are_waited_for = False
        computing = [place for place, name in enumerate(self._names) if name not in waiting]
        self._groups = [[place] for place, name in enumerate(self._names) if name in waiting]
        if computing and self._groups:
            self._groups.append(computing)

    def run(self, send: Send, context: Context) -> list[Batch]:
        """Send something to all routes, and give their answers in order."""
        if self._may:
            if self._executor_type is not None:
                return self._asked_for(send, context)
            if self._groups:
                return context.run_all(self._calls(send), self._groups)
            if not self._are_waited_for:
                return self._timed(send, context)
            return context.run_all(self._calls(send))
        return [send(name, context) for name in self._names]

    def _asked_for(self, send: Send, context: Context) -> list[Batch]:
        if self._executor_type == "process":
            return context.run_all(self._calls(send), away=True)
        number = len(self._names)
        return context.run_all([sharing(call, number) for call in self._calls(send)])

    def _timed(self, send: Send, context: Context) -> list[Batch]:
        begun, used = perf_counter(), process_time()
        answers = [send(name, context) for name in self._names]
        seconds = perf_counter() - begun
        if seconds > WORTH and process_time() - used < WAITING * seconds:
            self._are_waited_for = len(self._names) > 1
        return answers

    def _calls(self, send: Send) -> list[Callable[[Context], Batch]]:
        return [partial(send, name) for name in self._names]
