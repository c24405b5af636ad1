"""`TaskNode`: a step that is a function or a class with ``do`` or ``do_event`` (MLRun 1.12)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from ..batch import Batch
from ..context import Context
from ..errors import GraphError, near
from ..failures import Failure
from .base import ServedNode
from .calling import answered, each, own_bodies, told
from .declaring import TaskStep
from .events import GraphContext, events_of
from .fields import extracted, updated
from .lookup import Namespace, function_of
from .storey.outlets import selected


class TaskNode(ServedNode):
    """A step of a user's: called for one event after the other."""

    def __init__(self, step: TaskStep, made_of: Any) -> None:
        super().__init__(step, made_of)
        self.full_event = bool(step.full_event)
        self._function: Callable[[Any], Any] | None = None
        self._select: Callable[[Any], Any] | None = None
        self._is_async = False

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Find the function, or make the object and find its handler."""
        super().start(server, namespace, mode)
        if self.made_of is None:
            function = function_of(self.step.handler, namespace)
        else:
            function = self._handler()
            if not self.is_sync:  # MLRun's sync engine does not ask.
                self._select = getattr(self.object, "select_outlets", None)
        self._is_async = inspect.iscoroutinefunction(function)
        if self.made_of is None and _takes_context(function):
            function = partial(function, context=server)
        self._function = function

    def _handler(self) -> Callable[[Any], Any]:
        made, name = self.object, self.step.handler
        if name is not None:
            found = getattr(made, name, None)
            if found is None:
                raise GraphError(
                    f"the class {type(made).__name__} has no method {name!r}"
                    f"{near(name, dir(made))}",
                    node=self.name,
                )
            return found
        if hasattr(made, "do_event"):
            self.full_event = True
            return made.do_event
        if hasattr(made, "do"):
            return made.do
        raise GraphError(
            f"the class {type(made).__name__} has neither do nor do_event; write one of them, or "
            "name a method with handler=",
            node=self.name,
        )

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event; one whose handler raises fails."""
        bodies = own_bodies(batch)
        run = self._full if self.full_event else self._plain
        answer = run(batch, bodies, context)
        if self._select is None or not len(answer):
            return answer
        return selected(
            answer, answer.events(), self._select, context, self.outlets, received=batch
        )

    def _plain(self, batch: Batch, bodies: list[Any], context: Context) -> Batch:
        failures: dict[int, Failure] = {}
        source, target = self.step.input_path, self.step.result_path
        given, rows = bodies, None
        if source:
            given, rows = each(partial(extracted, source), bodies, failures, context)
        answers, rows = self._called_for(given, rows, failures, context)
        if target:
            kept = bodies if rows is None else [bodies[row] for row in rows]
            pairs = list(zip(kept, answers, strict=True))
            answers, rows = each(
                lambda pair: updated(target, *pair), pairs, failures, context, rows
            )
        return batch.fail(failures, answers)

    def _full(self, batch: Batch, bodies: list[Any], context: Context) -> Batch:
        failures: dict[int, Failure] = {}
        events = events_of(batch, bodies, context)
        answers, rows = self._called_for(events, None, failures, context)
        return told(batch, answers, rows, failures, context, step=self)

    def _called_for(
        self,
        given: list[Any],
        rows: list[int] | None,
        failures: dict[int, Failure],
        context: Context,
    ) -> tuple[list[Any], list[int] | None]:
        """What the handler answers to each, and to which rows; who raises is a failure."""
        function = self._function
        assert function is not None
        return answered(function, given, failures, context, rows, is_async=self._is_async)


def _takes_context(function: Callable[..., Any]) -> bool:
    try:
        return "context" in inspect.signature(function).parameters
    except (ValueError, TypeError):
        return False
