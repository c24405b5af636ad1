"""`Batch`: the events that stand at one point of a graph, all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from .bodies import Bodies, Mixed, has_objects, is_json, objects, retyped, take
from .failures import Failure, Refusal, error_status, united
from .joining import columns_of, join
from .wire import Raw, read_all


class Batch:
    """Events in order, each with its position in the run and its body.

    Parameters
    ----------
    bodies : DataFrame, ndarray, ExtensionArray, Samples or list
        One row, item or group of samples per event; None for a selection, whose rows are
        taken when they are first asked for.
    positions : ndarray of int64, shape (n_events,)
        Where in the run each event stands; ascending, none twice.
    failures : mapping of int to Failure
        Events that came this far and failed, by position. They have no body here any more, so
        a step never sees them; they ride along until a router or the run takes them up.
    status : ndarray of int16, optional
        What each event was answered with, as HTTP has it; 200 where absent. It is data: who
        takes anything but a success for a failure says so with `settled`.
    elapsed : ndarray of float, optional
        How many seconds each event has waited for services; 0 where absent.
    heads : ndarray of object, optional
        What is known of each event besides its body, for systems whose steps look at that; None
        for an event that is as the request of its `Context` says, and where absent, for all.
    origin : tuple of (Bodies, ndarray), optional
        For a selection: what it was taken from, and which rows. Who keeps the batch for later
        keeps this instead, and so no copy of the rows.

    Examples
    --------
    >>> batch = Batch(["a", "b", "c"], np.arange(3))
    >>> chosen = batch.select(np.array([0, 2]))
    >>> chosen.bodies
    ['a', 'c']
    >>> other = np.array([1])
    >>> batch.merge([(np.array([0, 2]), chosen.answer(["A", "C"])),
    ...              (other, batch.select(other))]).bodies
    ['A', 'b', 'C']
    """

    __slots__ = (
        "_bodies",
        "elapsed",
        "failures",
        "heads",
        "memory",
        "origin",
        "positions",
        "status",
    )

    def __init__(
        self,
        bodies: Bodies | None,
        positions: np.ndarray,
        failures: Mapping[int, Failure] | None = None,
        origin: tuple[Bodies, np.ndarray] | None = None,
        status: np.ndarray | None = None,
        elapsed: np.ndarray | None = None,
        heads: np.ndarray | None = None,
    ) -> None:
        self._bodies = bodies
        self.heads = heads
        self.status = status
        self.elapsed = elapsed
        self.positions = positions
        self.failures: Mapping[int, Failure] = failures or {}
        self.origin = origin
        self.memory: dict[Any, Any] = {}

    @property
    def bodies(self) -> Bodies:
        """One row, item or group of samples per event."""
        if self._bodies is None and self.origin is not None:
            self._bodies = take(*self.origin)
        return self._bodies  # type: ignore[return-value]

    @property
    def source(self) -> tuple[Bodies, np.ndarray | None]:
        """What the bodies are rows of, and which rows; of no selection, the bodies, all."""
        if self.origin is None or isinstance(self.origin[0], Mixed):
            return self.bodies, None  # Rows of a mixture may be of one kind.
        return self.origin

    def __len__(self) -> int:
        return len(self.positions)

    def forget(self) -> None:
        """Give back what can be had again: the rows of a selection, and what was made of them."""
        self.memory = {}
        if self.origin is not None:
            self._bodies = None

    @property
    def is_json(self) -> bool:
        """Whether the events are JSON bodies, not columns."""
        return is_json(self.source[0])

    def events(self) -> list[Any]:
        """One Python object per event: what a per-event step is given, before copying."""
        events = self.memory.get("events")
        if events is None:
            bodies = self.bodies
            if isinstance(bodies, (list, Mixed)):
                # Read once for all routes of a router.
                events = self.memory["events"] = read_all(objects(bodies))
            else:
                events = objects(bodies)
        return events

    def select(self, rows: np.ndarray) -> Batch:
        """Some of the events, in ascending order; failures stay behind."""
        source, chosen = self.origin or (self.bodies, None)
        origin = (source, rows if chosen is None else chosen[rows])
        status = None if self.status is None else self.status[rows]
        elapsed = None if self.elapsed is None else self.elapsed[rows]
        heads = None if self.heads is None else self.heads[rows]
        return Batch(None, self.positions[rows], None, origin, status, elapsed, heads)

    def at(self, positions: np.ndarray) -> Batch:
        """Some of the events, by their positions; the batch itself, if those are all."""
        if len(positions) == len(self) and not self.failures:
            return self
        return self.select(np.searchsorted(self.positions, positions))

    def apart(self, run: Callable[[Batch], Batch]) -> Batch:
        """Answer bodies of several kinds kind by kind: each as it would be alone."""
        if not isinstance(self.bodies, Mixed):
            return run(self)
        parts = self.memory.get("apart")
        if parts is None:
            # Kept for the other routes of a router, so that they share what is made of it.
            parts = [(rows, self.select(rows)) for rows, _ in self.bodies.apart()]
            self.memory["apart"] = parts
        return self.merge([(rows, run(some)) for rows, some in parts])

    def answer(self, bodies: Bodies, status: np.ndarray | None = None) -> Batch:
        """The same events with other bodies."""
        return Batch(bodies, self.positions, self.failures, status=status, heads=self.heads)

    def fail(
        self,
        failures: Mapping[int, Failure],
        bodies: Bodies,
        status: np.ndarray | None = None,
    ) -> Batch:
        """Answer all events but some; ``failures`` by row, ``bodies`` and status of the others."""
        if not failures:
            return self.answer(bodies, status)
        kept = np.ones(len(self), dtype=bool)
        kept[list(failures)] = False
        positions = self.positions.tolist()
        failed = {positions[row]: failure for row, failure in failures.items()}
        failed = {**self.failures, **failed}
        heads = None if self.heads is None else self.heads[kept]
        return Batch(bodies, self.positions[kept], failed, status=status, heads=heads)

    def fail_all(self, failure: Failure) -> Batch:
        """Answer nobody: all fail with the same."""
        return self.fail(dict.fromkeys(range(len(self)), failure), [])

    def like(self, answers: list[Any]) -> Bodies:
        """Answers, a Python object each, as bodies like these: columns, if these are no JSON."""
        return answers if self.is_json else columns_of(read_all(answers))

    def bare(self) -> Batch:
        """The same events without the failures that ride along; the batch itself, without any."""
        return self._with(self.status, self.elapsed) if self.failures else self

    def as_request(self) -> Batch:
        """The same events and bodies, as something that is only now sent."""
        if self.status is None and self.elapsed is None:
            return self.bare()
        return self._with(None, None)

    def waited(self, seconds: np.ndarray | None) -> Batch:
        """The same events with more time that they waited for services; without failures."""
        if seconds is None:
            return self.bare()
        return self._with(self.status, seconds if self.elapsed is None else self.elapsed + seconds)

    def with_failures(self, failures: Mapping[int, Failure]) -> Batch:
        """The same events with these failures, and no others, riding along."""
        twin = self._with(self.status, self.elapsed)
        twin.failures = failures
        return twin

    def with_status(self, status: np.ndarray | None) -> Batch:
        """The same events and bodies with another status; without failures."""
        return self._with(status, self.elapsed)

    def with_heads(self, heads: np.ndarray | None) -> Batch:
        """The same events and bodies, with other things known of them."""
        twin = self.with_failures(self.failures)
        twin.heads = heads
        return twin

    def _with(self, status: np.ndarray | None, elapsed: np.ndarray | None) -> Batch:
        twin = Batch(self._bodies, self.positions, None, self.origin, status, elapsed, self.heads)
        twin.memory = self.memory  # Of the same bodies, whatever their status.
        return twin

    def as_read(self) -> Batch:
        """The same events with bodies that are read; the batch itself, if nothing is to be."""
        if self._bodies is not None and not isinstance(self._bodies, list):
            return self
        bodies = self.bodies
        if not isinstance(bodies, list) or Raw not in set(map(type, bodies)):
            return self
        return Batch(
            self.events(),
            self.positions,
            self.failures,
            None,
            self.status,
            self.elapsed,
            self.heads,
        )

    @property
    def is_success(self) -> np.ndarray:
        """Which events were answered with a status of 200 to 299."""
        if self.status is None:
            return np.ones(len(self), dtype=bool)
        return (self.status >= 200) & (self.status < 300)

    def code(self, row: int) -> int:
        """The status of one event."""
        return 200 if self.status is None else int(self.status[row])

    def refusals(self) -> dict[int, Refusal]:
        """What was answered with a status that is no success, by position."""
        rows = np.flatnonzero(~self.is_success)
        if self.status is None or not len(rows):
            return {}
        some = self.select(rows)
        told = zip(some.positions.tolist(), self.status[rows].tolist(), some.events(), strict=True)
        return {position: Refusal.of(code, body) for position, code, body in told}

    def settled(self, node: str) -> Batch:
        """Make a failure of every answer of ``node`` that is no success."""
        if self.status is None:
            return self
        refusals = self.refusals()
        if not refusals:
            return self.with_status(None).with_failures(self.failures)
        failures = {
            position: Failure(node, refusal, error_status(refusal.status_code))
            for position, refusal in refusals.items()
        }
        kept = self.select(np.flatnonzero(self.is_success)).with_status(None)
        return kept.with_failures({**self.failures, **failures})

    def merge(
        self,
        answers: Sequence[tuple[np.ndarray, Batch]],
        failures: Mapping[int, Failure] | None = None,
    ) -> Batch:
        """Put the answers of disjoint selections back in this batch's order.

        Each comes with the rows that were selected. Who is in no answer is gone, unless it is
        among the failures: those that came with the batches, and those given here.
        """
        failures = united([self.failures, failures or {}, *(a.failures for _, a in answers)])
        parts = []
        for rows, answer in answers:
            if len(answer) < len(rows):
                rows = rows[np.searchsorted(self.positions[rows], answer.positions)]
            parts.append((rows, answer.bodies))
        size = sum(len(rows) for rows, _ in parts)
        positions = self.positions
        if size < len(self):
            here = np.zeros(len(self), dtype=bool)
            for rows, _ in parts:
                here[rows] = True
            place = np.cumsum(here) - 1
            parts = [(place[rows], bodies) for rows, bodies in parts]
            positions = positions[here]
        places = [rows for rows, _ in parts]
        some = [answer for _, answer in answers]
        return Batch(
            join(parts, size),
            positions,
            failures,
            status=spread(places, [answer.status for answer in some], np.int16(200), size),
            elapsed=spread(places, [answer.elapsed for answer in some], np.float64(0), size),
            heads=spread(places, [answer.heads for answer in some], None, size),
        )

    def together(self, answers: Sequence[Batch]) -> tuple[Batch, list[Batch]]:
        """Keep what every one of several answers to this whole batch has.

        Returns
        -------
        batch : Batch
            The events that all have answered, with their bodies here and all failures.
        answers : list of Batch
            The answers for just these events, row for row.
        """
        failures = united([self.failures, *(answer.failures for answer in answers)])
        here = Batch(self._bodies, self.positions, failures, self.origin, heads=self.heads)
        if all(answer.positions is self.positions for answer in answers):
            return here, list(answers)
        positions = reduce(
            lambda one, other: np.intersect1d(one, other, assume_unique=True),
            [answer.positions for answer in answers],
        )
        here = self.select(np.searchsorted(self.positions, positions))
        here.failures = failures
        return here, [a.select(np.searchsorted(a.positions, positions)) for a in answers]

    def attempt(
        self,
        answer: Callable[[Batch], Bodies],
        failure: Callable[[Exception], Failure],
        *,
        final: Callable[[Exception], bool] = lambda error: False,
        suspects: Callable[[Batch], np.ndarray | None] = lambda batch: None,
    ) -> Batch:
        """Answer the whole batch at once; where that fails, let only the guilty events fail.

        A selection that fails is tried again in parts, down to single events, so that the
        others get the answer that they would have had alone.

        Parameters
        ----------
        answer : callable
            Gives the bodies for a selection, or raises.
        failure : callable
            Makes the failure of an event out of what was raised.
        final : callable
            Whether an error would be the same for every event, so that no retry is of use.
        suspects : callable
            A first guess at the guilty: a mask over the selection's rows, or None.
        """
        size = len(self)
        try:
            return self.answer(_answered(self, answer, retype=True))
        except Exception as error:
            if size < 2 or final(error):
                return self.fail_all(failure(error))
        retype = has_objects(self.bodies)
        waiting = list(_halves(np.arange(size), suspects(self)))
        parts: list[tuple[np.ndarray, Bodies]] = []
        failures: dict[int, Failure] = {}
        while waiting:
            rows = waiting.pop()
            try:
                parts.append((rows, _answered(self.select(rows), answer, retype=retype)))
            except Exception as error:
                if len(rows) == 1 or final(error):
                    failures.update(dict.fromkeys(rows.tolist(), failure(error)))
                else:
                    waiting.extend(_halves(rows))
        kept = np.setdiff1d(np.arange(len(self)), list(failures), assume_unique=True)
        placed = [(np.searchsorted(kept, rows), bodies) for rows, bodies in parts]
        return self.fail(failures, join(placed, len(kept)))


def _answered(batch: Batch, answer: Callable[[Batch], Bodies], *, retype: bool) -> Bodies:
    try:
        return answer(batch)
    except Exception:
        # A column may be objects only for what stands in it beside these events.
        typed = retyped(batch.bodies) if retype else None
        if typed is None:
            raise
        return answer(Batch(typed, batch.positions))


def spread(
    places: Sequence[np.ndarray],
    some: Sequence[np.ndarray | None],
    absent: Any,
    size: int,
) -> np.ndarray | None:
    """Put values of disjoint selections in order; None if none of them has any."""
    if all(values is None for values in some):
        return None
    joined = np.full(size, absent)
    for rows, values in zip(places, some, strict=True):
        if values is not None:
            joined[rows] = values
    return joined


def _halves(rows: np.ndarray, mask: np.ndarray | None = None) -> Iterable[np.ndarray]:
    if mask is not None and mask.any() and not mask.all():
        return rows[mask], rows[~mask]
    middle = len(rows) // 2
    return rows[middle:], rows[:middle]
