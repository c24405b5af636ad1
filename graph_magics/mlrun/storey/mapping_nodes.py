"""The nodes of storey's steps of a function, and of `MapClass`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...batch import Batch
from ...context import Context
from ...copying import fresh
from ...errors import GraphError, near
from ...failures import Failure, united
from ...limits import CONCURRENCY
from ..base import Spread
from ..calling import answered, awaited, each, others, own_bodies, told, without_errors
from ..declaring import TaskStep
from ..events import GraphContext, events_of
from ..fields import updated
from ..lookup import Namespace
from .classes import IS_FILTERED
from .elements import Rows, StoreyNode, spread_of

_GONE = object()


@dataclass(slots=True)
class Called:
    """What became of a batch when a function was called for each of its events.

    Parameters
    ----------
    batch : Batch
    bodies : list
        The step's own, a body for each event.
    answers : list
        Of the function, for the rows that did not fail.
    rows : list of int or None
        Which those are; None for all.
    failures : dict of int to Failure
        By row.
    context : Context
    """

    batch: Batch
    bodies: list[Any]
    answers: list[Any]
    rows: Rows
    failures: dict[int, Failure]
    context: Context

    def pairs(self) -> list[tuple[Any, Any]]:
        """Body and answer of each that did not fail."""
        return list(zip(_of(self.bodies, self.rows), self.answers, strict=True))

    def each(self, function: Callable[[Any], Any], given: list[Any]) -> tuple[list[Any], Rows]:
        """Call a function for each that did not fail; who fails now is noted."""
        return each(function, given, self.failures, self.context, self.rows)

    def as_they_were(self) -> Batch:
        """The batch with its own bodies, but for those that failed."""
        return self.batch.fail(self.failures, others(self.bodies, self.failures))


class FunctionNode(StoreyNode):
    """A step that calls a function for each event."""

    is_function = True
    _function: Callable[..., Any]
    _is_async = False

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object and find the function."""
        super().start(server, namespace, mode)
        function: Callable[..., Any] = self._found()
        self._is_async = inspect.iscoroutinefunction(function)
        if getattr(self.object, "_pass_context", None):
            function = partial(function, context=server)
        self._function = function

    def _found(self) -> Callable[[Any], Any]:
        return self.object._fn

    def _answered(self, batch: Batch, context: Context) -> Batch:
        failures: dict[int, Failure] = {}
        bodies = own_bodies(batch)
        given, rows = self._given(bodies, batch, context, failures)
        answers, rows = self._results(given, rows, failures, context)
        answer = self._told(Called(batch, bodies, answers, rows, failures, context))
        return self._going_on(answer, batch, context)

    def _results(
        self, given: Sequence[Any], rows: Rows, failures: dict[int, Failure], context: Context
    ) -> tuple[list[Any], Rows]:
        """What the function gives for each, and of which rows."""
        return answered(self._function, given, failures, context, rows, is_async=self._is_async)

    def _told(self, called: Called) -> Batch:
        raise NotImplementedError

    def _written(self, called: Called) -> tuple[list[Any], Rows]:
        """The answers, where ``result_path`` has them."""
        target = self.target
        if not target:
            return called.answers, called.rows
        return called.each(lambda pair: updated(target, *pair), called.pairs())


class MapNode(FunctionNode):
    """`storey.Map`: the function's answer."""

    def _told(self, called: Called) -> Batch:
        if self.full_event:
            return told(
                called.batch, called.answers, called.rows, called.failures, called.context,
                step=self,
            )  # fmt: skip
        answers, _ = self._written(called)
        return called.batch.fail(called.failures, answers)


class MapClassNode(MapNode):
    """`storey.MapClass`: the answer of ``do``, unless it said that the event is to be filtered."""

    is_function = False

    def __init__(self, step: TaskStep, made_of: Any) -> None:
        super().__init__(step, made_of)
        self.needs_async = self._is_users_own

    def _found(self) -> Callable[[Any], Any]:
        made, name = self.object, self.step.handler or "do"
        do = getattr(made, name, None)
        if do is None:
            raise GraphError(
                f"the class {type(made).__name__} has no method {name!r}{near(name, dir(made))}",
                node=self.name,
            )
        if self.is_sync:
            return do
        if inspect.iscoroutinefunction(do):

            async def called_async(given: Any) -> Any:
                IS_FILTERED.set(False)
                answer = await do(given)
                return _GONE if IS_FILTERED.get() else answer

            return called_async

        def called(given: Any) -> Any:
            made._filter = False
            answer = do(given)
            return _GONE if made._filter else answer

        return called

    def _told(self, called: Called) -> Batch:
        if not any(answer is _GONE for answer in called.answers):
            return super()._told(called)
        batch, bodies, answers = called.batch, called.bodies, called.answers
        every = range(len(bodies)) if called.rows is None else called.rows
        kept = [p for p, answer in enumerate(answers) if answer is not _GONE]
        here = sorted([*(every[place] for place in kept), *called.failures])
        row_of = {row: place for place, row in enumerate(here)}
        some = Called(
            batch.select(np.array(here, dtype=np.int64)),
            [bodies[row] for row in here],
            [answers[place] for place in kept],
            [row_of[every[place]] for place in kept],
            {row_of[row]: failure for row, failure in called.failures.items()},
            called.context,
        )
        answer = super()._told(some)
        return answer.with_failures({**batch.failures, **answer.failures})


class ConcurrentNode(MapNode):
    """`storey.ConcurrentExecution`: the answers of functions that wait at the same time."""

    def _results(
        self, given: Sequence[Any], rows: Rows, failures: dict[int, Failure], context: Context
    ) -> tuple[list[Any], Rows]:
        made, function = self.object, self._function

        async def called(value: Any) -> Any:
            for attempt in range(made.retries + 1):
                try:
                    return await awaited(function(value))
                except Exception:
                    if attempt == made.retries:
                        raise
                await asyncio.sleep(min(120, made.backoff_factor * 2**attempt))
            raise AssertionError

        results = context.setup.async_map(called, given, made.max_in_flight or CONCURRENCY)
        return without_errors(results, failures, context, rows)


class MapWithStateNode(MapNode):
    """`storey.MapWithState`: the answer of a function that is given a state besides."""

    is_function = False

    def _given(
        self, bodies: list[Any], batch: Batch, context: Context, failures: dict[int, Failure]
    ) -> tuple[Sequence[Any], Rows]:
        given, rows = super()._given(bodies, batch, context, failures)
        if not self.object._group_by_key:
            return given, rows
        keys = [event.key for event in events_of(batch, bodies, context)]
        return list(zip(given, _of(keys, rows), strict=True)), rows

    def _results(
        self, given: Sequence[Any], rows: Rows, failures: dict[int, Failure], context: Context
    ) -> tuple[list[Any], Rows]:
        made, fn = self.object, self._function

        def next_of(given: Any) -> Any:
            answer, made._state = fn(given, made._state)
            return answer

        def next_of_key(pair: Any) -> Any:
            given, key = pair
            answer, made._state[key] = fn(given, made._state[key])
            return answer

        if not self._is_async:
            called = next_of_key if made._group_by_key else next_of
            return each(called, given, failures, context, rows)

        async def next_awaited(given: Any) -> Any:
            if made._group_by_key:
                given, key = given
                answer, made._state[key] = await fn(given, made._state[key])
            else:
                answer, made._state = await fn(given, made._state)
            return answer

        results = context.setup.async_map(next_awaited, given, 1)  # One after the other.
        return without_errors(results, failures, context, rows)


class FilterNode(FunctionNode):
    """`storey.Filter`: the events for which the function says so, as they were."""

    def _told(self, called: Called) -> Batch:
        kept, rows = called.each(bool, called.answers)
        answer = called.as_they_were()
        if all(kept):
            return answer
        every = range(len(called.bodies)) if rows is None else rows
        going = [row for row, keep in zip(every, kept, strict=True) if keep]
        some = called.batch.select(np.array(going, dtype=np.int64))
        return some.answer([called.bodies[row] for row in going]).with_failures(answer.failures)


class ExtendNode(FunctionNode):
    """`storey.Extend`: the body, with the fields that the function gives."""

    def _told(self, called: Called) -> Batch:
        answers, _ = called.each(_extended, called.pairs())
        return called.batch.fail(called.failures, answers)


class ForEachNode(FunctionNode):
    """`storey.ForEach`: the body as it was, or with the answer at ``result_path``."""

    def _told(self, called: Called) -> Batch:
        if not self.full_event:
            self._written(called)
        return called.as_they_were()


class FlatMapNode(FunctionNode):
    """`storey.FlatMap`: each item that the function gives, as an event of its own."""

    spreads = True

    def _told(self, called: Called) -> Batch:
        size = len(called.bodies)
        called.answers, called.rows = called.each(list, called.answers)
        events: list[list[Any]] | None = None
        if self.full_event:
            events = _by_row(called.answers, called.rows, size)
            called.answers, called.rows = called.each(_bodies_of, called.answers)
        elif self.target:
            called.answers, called.rows = called.each(self._placed, called.pairs())
        came = _by_row(called.answers, called.rows, size)
        return spread_of(called.batch, came, called.failures, events=events, is_list=True)

    def _placed(self, pair: tuple[Any, list[Any]]) -> list[Any]:
        """The items, each at ``result_path`` of a body of its own."""
        body, items = pair
        return [updated(self.target, fresh(body), item) for item in items]

    def _going_on(self, answer: Batch, received: Batch, context: Context) -> Batch:
        if self.select is None or not isinstance(answer, Spread):
            return answer
        rounds = [super(FlatMapNode, self)._going_on(r, received, context) for r in answer.rounds]
        failures = united([answer.failures, *(some.failures for some in rounds)])
        return Spread(answer.with_failures(failures), rounds)


def _extended(pair: tuple[Any, Any]) -> Any:
    body, more = pair
    for key, value in more.items():
        body[key] = value
    return body


def _of(values: Sequence[Any], rows: Rows) -> Sequence[Any]:
    return values if rows is None else [values[row] for row in rows]


def _by_row(values: list[Any], rows: Rows, size: int) -> list[Any]:
    if rows is None or len(rows) == size:
        return values
    every: list[Any] = [[] for _ in range(size)]
    for row, value in zip(rows, values, strict=True):
        every[row] = value
    return every


def _bodies_of(events: list[Any]) -> list[Any]:
    return [event.body for event in events]
