"""Events one by one through methods that a user's router overrides, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from ...batch import Batch
from ...bodies import many_objects
from ...context import Context
from ...copying import fresh
from ...errors import GraphError, a
from ...failures import Failure
from ...nodes import Node
from ..answers import is_response
from ..calling import own_bodies
from ..events import copied, events_of, failure_of, heads_of

#: For how many events Python's garbage collector is held.
_AT_ONCE = 10_000


class Here:
    """Where a router runs: what its routes are asked with, and what they were asked.

    Parameters
    ----------
    context : Context
        The router's.
    """

    __slots__ = ("asked", "chosen", "context", "position", "raised")

    def __init__(self, context: Context) -> None:
        self.context = context
        #: The event that a user's method has now, by its position.
        self.position = 0
        #: What the route raised that such a method ran last.
        self.raised: Failure | None = None
        #: The path that this route was sent.
        self.asked: str | None = None
        #: Positions, and the route that they went to.
        self.chosen: list[tuple[np.ndarray, str]] = []

    def within(self, context: Context) -> Here:
        """The same place, with another request."""
        there = Here(context)
        there.chosen = self.chosen
        return there

    def failure(self, error: Exception) -> Failure:
        """The failure of an event: of the route that raised it, if one did."""
        if self.raised is not None and self.raised.error is error:
            return self.raised
        return failure_of(self.context, error)

    def run(self, name: str, node: Node, event: Any) -> Any:
        """Run a route on one event, which then has its answer, and is given back."""
        self.asked = event.path
        batch = alone(event, self.position)
        self.chosen.append((batch.positions, name))
        return self.answered(event, self.context.run(name, node, batch))

    def answered(self, event: Any, answer: Batch) -> Any:
        """Put the answer of a batch of one into its event; raise what failed."""
        if answer.failures:
            self.raised = next(iter(answer.failures.values()))
            raise self.raised.error
        if not len(answer):
            return None
        if answer.heads is not None and answer.heads[0] is not None:
            event.__dict__.update(answer.heads[0].__dict__)
        event.body = answer.events()[0]
        return event


_HERE: ContextVar[Here | None] = ContextVar("the router that runs", default=None)


def here_now() -> Here:
    """Where the router runs whose method was called.

    Raises
    ------
    GraphError
        If none runs.
    """
    here = _HERE.get()
    if here is None:
        raise GraphError("a router answers events in a graph only: graph.test(...) or graph.run")
    return here


class RouteHandle:
    """A route as a user's router has it: ``self.routes[name].run(event)``.

    Attributes
    ----------
    name : str
    """

    def __init__(self, name: str, node: Node) -> None:
        self.name = name
        self._served = node

    @property
    def object(self) -> Any:
        """The instance of the route's class; None of a function."""
        return getattr(self._served, "object", None)

    _object = object

    def run(self, event: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer an event, whose path says the operation; gives the event with its answer."""
        return here_now().run(self.name, self._served, event)

    def __repr__(self) -> str:
        return f"RouteHandle({self.name!r})"


def alone(event: Any, position: int) -> Batch:
    """A batch of one event; a copy, as it is kept for the record."""
    head, body = copied(event), fresh(event.body)
    return Batch([body], np.array([position]), heads=heads_of([head]))


def one_by_one(
    call: Callable[[Any], Any], batch: Batch, here: Here, bodies: list[Any] | None = None
) -> tuple[list[Any], list[int], dict[int, Failure]]:
    """Call a method for each event; what it gives, for which rows, and who failed.

    ``bodies`` are copies that it may change, if there are such already.
    """
    events = events_of(batch, own_bodies(batch) if bodies is None else bodies, here.context)
    return called(call, events, batch.positions.tolist(), here)


def called(
    call: Callable[[Any], Any], given: Sequence[Any], positions: Sequence[int], here: Here
) -> tuple[list[Any], list[int], dict[int, Failure]]:
    """Call a method with one thing for each event, while it may run routes."""
    results: list[Any] = []
    rows: list[int] = []
    failures: dict[int, Failure] = {}
    token = _HERE.set(here)
    size = len(positions)
    try:
        for start in range(0, size, _AT_ONCE):
            # For so many only: what the method leaves behind may be garbage.
            with many_objects(size):
                for row in range(start, min(start + _AT_ONCE, size)):
                    here.position = positions[row]
                    try:
                        results.append(call(given[row]))
                        rows.append(row)
                    except Exception as error:
                        failures[row] = here.failure(error)
    finally:
        _HERE.reset(token)
    return results, rows, failures


def hooked(
    call: Callable[[Any], Any],
    batch: Batch,
    here: Here,
    bodies: list[Any] | None = None,
    *,
    may_answer_bodies: bool = False,
) -> Batch:
    """Call a method that gives the event back, changed or another, for each event of a batch."""

    def checked(event: Any) -> tuple[Any, Any]:
        path, here.asked = event.path, None
        answer = call(event)
        if hasattr(answer, "body") and not is_response(answer):
            head = answer if answer is event else copied(answer)
            if here.asked is not None and head.path == here.asked:
                head.path = path  # Set to tell a route its operation; not for the steps after.
            return answer.body, head
        if may_answer_bodies or is_response(answer):
            return answer, None
        name = getattr(call, "__name__", "the method")
        raise GraphError(f"{name} must return the event, it returned {a(answer)}")

    pairs, _, failures = one_by_one(checked, batch, here, bodies)
    answer = batch.fail(failures, [body for body, _ in pairs])
    return answer.with_heads(heads_of([head for _, head in pairs]))
