"""`Merge`: the parts of an event that several branches bring, put together (MLRun 1.12)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ...batch import Batch
from ...context import Context
from ...copying import fresh
from ...errors import GraphError
from ...failures import Failure
from ..calling import each, own_bodies, told
from ..events import GraphContext, ids_of
from ..fields import updated
from ..lookup import Namespace, evaluated
from .classes import Flow
from .elements import StoreyNode

#: How many keys later an event is given up whose other parts have not come.
MAX_BEHIND = 64
#: Of how many keys that were given up it is known which parts are still to come.
_MOST_LATE = 1024


class Merge(Flow):
    """Waits for the parts of an event, one from each step before, and merges them (MLRun 1.12).

    Parameters
    ----------
    full_event : bool, optional
        Whether the parts are events, not bodies; so they are without a ``key_path``.
    key_path : str, optional
        An expression of ``event`` that is the same for parts that belong together, such as
        ``event["doc_id"]``: of several events, too. If absent, these are the parts of one event.
    max_behind : int, optional
        How many keys later an event is given up whose other parts have not come; 64 if absent.
    expected_num_events : int, optional
        How many parts there are; as many as steps before, if absent.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> start = graph.to(name="start", handler="(event)")
    >>> one = start.to(name="one", handler="(event + 1)")
    >>> two = start.to(name="two", handler="(event * 2)")
    >>> end = graph.add_step("mlrun.serving.merger.Merge", name="m", after=["one", "two"]).respond()
    >>> graph.test(body=5)
    [6, 10]
    """

    run_by: ClassVar[str] = "storey.merging.MergeNode"

    def __init__(
        self,
        full_event: bool | None = None,
        key_path: str | None = None,
        max_behind: int | None = None,
        expected_num_events: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._graph_step = kwargs.pop("graph_step", None)
        if full_event is None and not key_path:
            full_event = True
        super().__init__(full_event=full_event, **kwargs)
        for what, number in (
            ("max_behind", max_behind),
            ("expected_num_events", expected_num_events),
        ):
            if number is not None and (not isinstance(number, int) or number < 0):
                raise GraphError(f"{what} must be a whole number, got {number!r}")
        self.key_path = key_path
        self.max_behind = max_behind
        self.expected_num_events = expected_num_events
        self._get_join_key: Callable[[Any], Any] | None = None

    def get_join_key(self, event: Any) -> Any:
        """Give what parts that belong together have in common; a subclass may override it."""
        return event.id if self._get_join_key is None else self._get_join_key(event)

    def merge_function(self, last_event: Any, events: list[Any]) -> Any:
        """Make one of all parts; a subclass may override it. None is an event that is dropped."""
        if not self._full_event:
            return events
        last_event.body = [event.body for event in events]
        return last_event


class Waiting:
    """Parts of events that wait for others.

    Parameters
    ----------
    needed : int
        How many parts there are.
    most_behind : int or None
        How many keys later one is given up; never, if None.
    given_up : callable
        Told of a key that is given up.
    """

    def __init__(
        self,
        needed: int,
        most_behind: int | None = None,
        given_up: Callable[[Any], None] = lambda key: None,
    ) -> None:
        self._needed = needed
        self._most_behind = most_behind
        self._given_up = given_up
        self._parts: dict[Any, list[Any]] = {}
        self._numbers: dict[Any, int] = {}
        self._late: dict[Any, int] = {}
        self._count = 0

    def add(self, key: Any, part: Any) -> list[Any] | None:
        """Take a part; all parts of its key, if it was the last of them.

        >>> waiting = Waiting(2)
        >>> waiting.add("a", 1), waiting.add("b", 2), waiting.add("a", 3)
        (None, None, [1, 3])
        """
        parts = self._parts.get(key)
        if parts is None:
            if key not in self._late:
                self._parts[key] = [part]
                if self._most_behind is not None:
                    self._make_room(key, self._most_behind)
                return None
            self._late[key] -= 1
            if not self._late[key]:
                del self._late[key]
            return None
        parts.append(part)
        if len(parts) < self._needed:
            return None
        del self._parts[key]
        self._numbers.pop(key, None)
        return parts

    def _make_room(self, key: Any, most_behind: int) -> None:
        self._numbers[key] = self._count
        oldest = next(iter(self._numbers))
        if self._numbers[oldest] <= self._count - most_behind:
            del self._numbers[oldest]
            parts = self._parts.pop(oldest)
            if len(self._late) == _MOST_LATE:
                del self._late[next(iter(self._late))]
            self._late[oldest] = self._needed - len(parts)
            self._given_up(oldest)
        self._count += 1


class MergeNode(StoreyNode):
    """Merges the parts that the calls of `run` bring.

    Without a key, the parts of a run's event are told by its position, and wait no longer than
    the run; those of a request by its id.
    """

    kind = "Merge"
    _needed = 1
    _keys: Callable[[Any], Any] | None = None
    _waiting: Waiting

    @property
    def is_stateful(self) -> bool:
        """Whether parts of several events may belong together: with a key of the user's."""
        if self._is_users_own:
            return True
        kind: Any = self.made_of if isinstance(self.made_of, type) else type(self.made_of)
        given = self.step.class_args.get("key_path", getattr(self.made_of, "key_path", None))
        # What a class of the user's is made with may be a key.
        own = any(
            getattr(kind, what) is not getattr(Merge, what) for what in ("__init__", "get_join_key")
        )
        return bool(given) or own

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object, and find out how many parts there are."""
        super().start(server, namespace, mode)
        made = self.object
        self.full_event = bool(made._full_event)
        self._needed = made.expected_num_events or len(self.step.after)
        own_key = type(made).get_join_key is not Merge.get_join_key
        if made.key_path:
            made._get_join_key = evaluated(made.key_path, "key_path")
        elif not self.full_event and not own_key:
            raise GraphError(
                "full_event=False needs a key_path: a body has no id to be merged by",
                node=self.name,
            )
        self._keys = made.get_join_key if made.key_path or own_key else None
        self._waiting = Waiting(self._needed, made.max_behind or MAX_BEHIND, self._given_up)

    def _given_up(self, key: Any) -> None:
        message = f"missing parts for event key {key} after a long wait, dropping"
        if self.server is not None:
            self.server.push_error(None, message, source=self.name)

    def _answered(self, batch: Batch, context: Context) -> Batch:
        if self._needed <= 1:
            return self._going_on(batch.bare(), batch, context)
        failures: dict[int, Failure] = {}
        bodies, made = own_bodies(batch), self.object
        merges = type(made).merge_function is not Merge.merge_function
        parts: Sequence[Any] = bodies
        rows: list[int] | None = None
        if merges or self._keys is not None or self.source:
            parts, rows = self._given(bodies, batch, context, failures)
        whole, rows = self._whole(batch, parts, rows, failures, context)
        every = range(len(batch)) if rows is None else rows
        done = [row for row, some in zip(every, whole, strict=True) if some is not None]
        merged = [some for some in whole if some is not None]
        if merges:
            pairs = [(some[-1], some) for some in merged]
            merged, kept = each(
                lambda pair: made.merge_function(*pair), pairs, failures, context, done
            )
            done = done if kept is None else kept
        elif self.full_event and self._keys is not None:
            merged = [[event.body for event in some] for some in merged]
        return self._told_of(batch, bodies, merged, done, failures, context, merges=merges)

    def _whole(
        self,
        batch: Batch,
        parts: Sequence[Any],
        rows: list[int] | None,
        failures: dict[int, Failure],
        context: Context,
    ) -> tuple[list[Any], list[int] | None]:
        """For each part, all parts of its event if it was the last, else None."""
        is_request = context.setup.request is not None
        if self._keys is not None:
            keys, kept = each(self._keys, parts, failures, context, rows)
            if kept is not rows:
                at = range(len(batch)) if rows is None else rows
                by_row = dict(zip(at, parts, strict=True))
                parts = [by_row[row] for row in kept or ()]
            add = self._waiting.add
            return each(
                lambda pair: add(*pair),
                list(zip(keys, parts, strict=True)),
                failures,
                context,
                kept,
            )
        if is_request:
            waiting = self._waiting
        else:
            memory = context.setup.memory
            waiting = memory.get(self) or memory.setdefault(self, Waiting(self._needed))
        add = waiting.add
        keys = _keys_of(batch, context, is_request=is_request)
        return [add(key, part) for key, part in zip(keys, parts, strict=True)], None

    def _told_of(
        self,
        batch: Batch,
        bodies: list[Any],
        merged: list[Any],
        done: list[int],
        failures: dict[int, Failure],
        context: Context,
        *,
        merges: bool,
    ) -> Batch:
        """The merged events; of the others it is not known yet."""
        here = [(row, one) for row, one in zip(done, merged, strict=True) if one is not None]
        failed = batch.fail(failures, []).failures if failures else batch.failures
        rows = [row for row, _ in here]
        answers = [one for _, one in here]
        some = batch.bare() if len(rows) == len(batch) else batch.select(np.array(rows, np.int64))
        lost: dict[int, Failure] = {}
        if merges and self.full_event:
            answer = told(some, answers, None, lost, context, step=self)
        else:
            target = self.target
            if target and not self.full_event:
                pairs = [(fresh(bodies[row]), one) for row, one in here]
                answers, _ = each(lambda pair: updated(target, *pair), pairs, lost, context)
            answer = some.fail(lost, answers)
        answer = answer.with_failures({**failed, **answer.failures})
        return self._going_on(answer, batch, context)


def _keys_of(batch: Batch, context: Context, *, is_request: bool) -> list[Any]:
    """What tells apart the events of a run, whose ids are their positions, or requests."""
    if is_request:
        return ids_of(batch, context)
    keys: list[Any] = batch.positions.tolist()
    if batch.heads is not None:
        for row, head in enumerate(batch.heads):
            if head is not None and head.id not in (None, str(keys[row])):
                keys[row] = keys[row], head.id  # Changed by a step, as the other parts' must be.
    return keys
