"""storey's steps that gather events: `Batch`, `SampleWindow`, `Partition`, `Reduce`."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...batch import Batch as Events
from ...context import Context
from ...errors import GraphError, a
from ...failures import Failure
from ..calling import each, own_bodies
from ..events import GraphContext, copied, events_of
from ..lookup import Namespace
from .classes import Flow
from .elements import StoreyNode
from .mapping import checked_function


class _Gathering(Flow):
    """A step that takes one event after the other, and lets one go on or none."""

    run_by: ClassVar[str] = "storey.gathering.GatheringNode"

    def _take(self, event: Any) -> Any:
        raise NotImplementedError


class Batch(_Gathering):
    """Makes one event of several: their list goes on with the last of them (MLRun 1.12).

    Those that are left over wait for the next run.

    Parameters
    ----------
    max_events : int
        How many.
    flush_after_seconds : float, optional
        Taken, and without meaning here: nobody waits for time to pass.
    key_field : str or callable, optional
        Only events with the same key are put together: that of a field, or with ``$`` of an
        attribute such as ``$path``.
    drop_key_field : bool
        Whether the field is taken away.
    full_event : bool
        Whether the list is of events, not of bodies; True if absent.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.Batch", name="b", max_events=2, full_event=False).respond()
    >>> graph.run([1, 2, 3, 4]).frame["response"].dropna().tolist()
    [[1, 2], [3, 4]]
    """

    def __init__(
        self,
        max_events: int | None = None,
        flush_after_seconds: float | None = None,
        key_field: str | Callable[[Any], Any] | None = None,
        drop_key_field: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(max_events, int) or max_events < 1:
            raise GraphError(f"Batch needs max_events, a number above 0, got {max_events!r}")
        self._full_event = self._full_event is not False
        self._max_events = max_events
        self._key_of = _key_of(key_field, drop_key_field)
        self._waiting: dict[Any, list[Any]] = {}

    def _take(self, event: Any) -> Any:
        key = self._key_of(event)
        some = self._waiting.setdefault(key, [])
        some.append(self._get_event_or_body(event))
        if len(some) < self._max_events:
            return None
        del self._waiting[key]
        last = copied(event)
        last.body = some
        return last


class EmitPeriod(Enum):
    """Which event of a window goes on."""

    FIRST = 1
    LAST = 2


class SampleWindow(_Gathering):
    """Lets one event of each window go on (MLRun 1.12).

    Parameters
    ----------
    window_size : int
        Above 1.
    emit_period : EmitPeriod
        Whether the first goes on, or the last.
    emit_before_termination : bool
        Taken, and without meaning here.
    key : str or callable, optional
        As ``key_field`` of `Batch`: each key has windows of its own.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.SampleWindow", name="s", window_size=2).respond()
    >>> graph.run([1, 2, 3]).frame["status"].tolist()
    [200, 400, 200]
    """

    def __init__(
        self,
        window_size: int,
        emit_period: EmitPeriod = EmitPeriod.FIRST,
        emit_before_termination: bool = False,
        key: str | Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(window_size, int) or window_size <= 1:
            raise GraphError(f"window_size must be a whole number above 1, got {window_size!r}")
        if not isinstance(emit_period, EmitPeriod):
            raise GraphError(f"emit_period must be an EmitPeriod, got {emit_period!r}")
        self._window_size = window_size
        self._wanted = 1 if emit_period is EmitPeriod.FIRST else window_size
        self._key_of = _key_of(key, False)
        self._counts: dict[Any, int] = {}

    def _take(self, event: Any) -> Any:
        key = self._key_of(event)
        count = self._counts.get(key, 0) + 1
        self._counts[key] = count % self._window_size
        return event if count == self._wanted else None


class Partitioned(NamedTuple):
    """A body on the left, or on the right."""

    left: Any = None
    right: Any = None


class Partition(_Gathering):
    """Puts a body on the left or on the right, as a function of the event says (MLRun 1.12).

    Parameters
    ----------
    predicate : callable
        Given the whole event; in a declaration ``_predicate="(event.body > 3)"``.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.Partition", name="p", _predicate="(event.body > 3)").respond()
    >>> graph.test(body=5)
    Partitioned(left=5, right=None)
    """

    def __init__(self, predicate: Callable[[Any], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.predicate = checked_function(predicate, "predicate")

    def _take(self, event: Any) -> Any:
        is_left = self.predicate(event)
        event.body = Partitioned(event.body, None) if is_left else Partitioned(None, event.body)
        return event


class Reduce(_Gathering):
    """Keeps one value of all events, ``result``; none goes on (MLRun 1.12).

    Parameters
    ----------
    initial_value
    fn : callable
        Given the value and an event; gives the next value.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> import operator
    >>> graph = Graph("g")
    >>> step = graph.to("storey.Reduce", name="sum", initial_value=0, fn=operator.add)
    >>> run = graph.run([1, 2, 3])
    >>> graph.nodes["sum"].object.result
    6
    """

    def __init__(self, initial_value: Any, fn: Callable[[Any, Any], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._fn = checked_function(fn, "fn")
        self.result = initial_value

    def _take(self, event: Any) -> Any:
        self.result = self._fn(self.result, event if self._full_event else event.body)


class GatheringNode(StoreyNode):
    """Gives the events to a step that gathers them, one after the other."""

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object; nothing may follow a `Reduce`."""
        super().start(server, namespace, mode)
        if isinstance(self.object, Reduce) and (self.outlets or self.step.responder):
            raise GraphError("nothing comes of a Reduce: it cannot respond, and no step follows it")

    def _answered(self, batch: Events, context: Context) -> Events:
        failures: dict[int, Failure] = {}
        events = events_of(batch, own_bodies(batch), context)
        taken, rows = each(self.object._take, events, failures, context)
        every = range(len(events)) if rows is None else rows
        here = [(row, one) for row, one in zip(every, taken, strict=True) if one is not None]
        failed = batch.fail(failures, []).failures if failures else batch.failures
        some = batch.select(np.array([row for row, _ in here], dtype=np.int64))
        answer = some.answer([one.body for _, one in here])
        return self._going_on(answer.with_failures(failed), batch, context)


def _key_of(key: Any, is_dropped: bool) -> Callable[[Any], Any]:
    if key is None:
        return lambda event: None
    if callable(key):
        return key
    if not isinstance(key, str):
        raise GraphError(f"a key is a field, $attribute or a function, got {a(key)}")
    if key.startswith("$"):
        return lambda event: getattr(event, key[1:])
    if is_dropped:
        return lambda event: event.body.pop(key)
    return lambda event: event.body[key]
