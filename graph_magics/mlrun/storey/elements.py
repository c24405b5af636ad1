"""The nodes of storey's steps: what they do with a batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ...batch import Batch
from ...bodies import many_objects
from ...context import Context
from ...failures import Failure
from ..base import Sent, ServedNode, Spread
from ..calling import each, own_bodies
from ..declaring import TaskStep
from ..events import GraphContext, events_of, failure_of, heads_of, ids_of
from ..fields import extracted
from ..lookup import THEIRS, Namespace
from .classes import SENT_ON, Flow
from .outlets import selected

#: Rows of a batch; None for all.
Rows = list[int] | None


class _Outlet:
    """What stands in ``_outlets`` of a user's own flow: a step that follows, by name."""

    def __init__(self, name: str) -> None:
        self.name = name


class StoreyNode(ServedNode):
    """A step of storey's; of the class `Flow` itself, one that a user has written."""

    needs_async = True
    #: Whether its function is all there is to it, so that it remembers no event.
    is_function: ClassVar[bool] = False

    def __init__(self, step: TaskStep, made_of: Any) -> None:
        super().__init__(step, made_of)
        kind: Any = made_of if inspect.isclass(made_of) else type(made_of)
        self._is_users_own = _is_users(kind) or type(self) is StoreyNode
        self.spreads = self.spreads or self._is_users_own
        self.full_event = False
        self.source: str | None = None
        self.target: str | None = None
        self.select: Callable[[Any], Any] | None = None

    @property
    def is_stateful(self) -> bool:
        """Whether it may remember events: an instance may, a function may not."""
        return self._is_users_own or not self.is_function

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object."""
        super().start(server, namespace, mode)
        made, step = self.object, self.step
        full = made._full_event
        self.full_event = bool(step.full_event if full is None else full)
        self.source = made._input_path or step.input_path
        self.target = made._result_path or step.result_path
        self.select = getattr(made, "_outlets_selector", None)
        if type(made).select_outlets is not Flow.select_outlets:
            self.select = made.select_outlets
        made._init()

    def _made(self, server: GraphContext, namespace: Namespace, **more: Any) -> Any:
        made = super()._made(server, namespace, **more)
        made.name = self.step.name
        made.logger = getattr(made, "logger", None) or server.logger
        made._outlets = [_Outlet(name) for name in self.outlets]
        return made

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event; one for which the step raises fails."""
        if self._is_users_own:
            return self._sent_on(batch, context)
        return self._answered(batch, context)

    def _answered(self, batch: Batch, context: Context) -> Batch:
        raise NotImplementedError

    def _given(
        self, bodies: list[Any], batch: Batch, context: Context, failures: dict[int, Failure]
    ) -> tuple[Sequence[Any], Rows]:
        """What the step is called with for each event, and of which rows."""
        if self.full_event:
            return events_of(batch, bodies, context), None
        if self.source:
            return each(partial(extracted, self.source), bodies, failures, context)
        return bodies, None

    def _going_on(self, answer: Batch, received: Batch, context: Context) -> Batch:
        """The answer, sent to the steps that the user's ``select_outlets`` gives."""
        if self.select is None or self.is_sync or not len(answer):
            return answer
        return selected(
            answer, answer.events(), self.select, context, self.outlets, received=received
        )

    def _sent_on(self, batch: Batch, context: Context) -> Batch:
        """Call the user's own ``_do`` for one event after the other."""
        do = self.object._do

        async def called(event: Any) -> list[Any]:
            sent: list[Any] = []
            SENT_ON.set(sent)
            await do(event)
            return sent

        events: list[Any] = events_of(batch, own_bodies(batch), context)
        here = object()
        for row, event in enumerate(events):
            event._row = row, here
        results = context.setup.async_map(called, events, 1)
        failures: dict[int, Failure] = {}
        bodies: list[list[Any]] = [[] for _ in events]
        heads: list[list[Any]] = [[] for _ in events]
        ways: list[list[Any]] = [[] for _ in events]
        for row, result in enumerate(results):
            if isinstance(result, Exception):
                failures[row] = failure_of(context, result)
                continue
            for body, event, way in result:
                # An event that was held back is answered, not the one that let it go.
                its_row, where = event.__dict__.pop("_row", (row, here))
                its_row = its_row if where is here else row
                bodies[its_row].append(body)
                heads[its_row].append(event)
                ways[its_row].append(way)
        return spread_of(batch, bodies, failures, events=heads, ways=ways)


class ChangeNode(StoreyNode):
    """`storey.Rename` and others that change a body."""

    is_function = True

    def _answered(self, batch: Batch, context: Context) -> Batch:
        failures: dict[int, Failure] = {}
        bodies = batch.bodies
        if isinstance(bodies, pd.DataFrame) and bodies.columns.is_unique:
            table = self.object._changed(bodies.copy(deep=False))
            return self._going_on(batch.answer(table), batch, context)
        answers, _ = each(self.object._change, own_bodies(batch), failures, context)
        return self._going_on(batch.fail(failures, answers), batch, context)


class ReifyNode(StoreyNode):
    """`storey.ReifyMetadata`: the body, with what is known of the event."""

    is_function = True

    def _answered(self, batch: Batch, context: Context) -> Batch:
        failures: dict[int, Failure] = {}
        bodies = own_bodies(batch)
        if batch.heads is None and context.setup.request is None:
            # Of a run's events all is known that is to be: of each its id, and one for the rest.
            (event,) = events_of(batch.select(np.arange(1)), bodies[:1], context)
            pairs = zip(ids_of(batch, context), bodies, strict=True)
            answers, _ = each(partial(self._written, event), list(pairs), failures, context)
        else:
            events = events_of(batch, bodies, context)
            answers, _ = each(self.object._change, events, failures, context)
        return self._going_on(batch.fail(failures, answers), batch, context)

    def _written(self, event: Any, pair: tuple[str, Any]) -> Any:
        event.id, event.body = pair
        return self.object._change(event)


def _is_users(kind: Any) -> bool:
    """Whether the ``_do`` of a class is neither one of ours nor storey's own."""
    owner = next(base for base in kind.__mro__ if "_do" in vars(base)).__module__
    return not (owner.startswith(__package__) or owner.partition(".")[0] in THEIRS)


def spread_of(
    batch: Batch,
    lists: Sequence[list[Any]],
    failures: dict[int, Failure],
    *,
    events: Sequence[list[Any]] | None = None,
    ways: Sequence[list[Any]] | None = None,
    is_list: bool = False,
) -> Spread:
    """What came of each event: bodies; their events and the steps they are for, if that is known.

    ``is_list`` says whether one body is kept as a list for the record, too.
    """
    rounds: list[Batch] = []
    size = len(lists)
    rows = [row for row in range(size) if row not in failures] if failures else list(range(size))
    place = 0
    with many_objects(size):
        while rows := [row for row in rows if len(lists[row]) > place]:
            some = batch.bare() if len(rows) == size else batch.select(np.array(rows))
            some = some.answer([lists[row][place] for row in rows])
            if events is not None:
                some = some.with_heads(heads_of([events[row][place] for row in rows]))
            if ways is not None and any(ways[row][place] is not None for row in rows):
                some = Sent(some, [ways[row][place] for row in rows])
            rounds.append(some)
            place += 1
        here = [row for row in range(size) if (lists[row] or is_list) and row not in failures]
        kept = [lists[row] if is_list or len(lists[row]) > 1 else lists[row][0] for row in here]
    failed = batch.fail(failures, []).failures if failures else batch.failures
    if len(here) == size:
        return Spread(batch.answer(kept), rounds)
    some = batch.select(np.array(here, dtype=np.int64)).answer(kept)
    return Spread(some.with_failures(failed), rounds)
