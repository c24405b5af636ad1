"""`Replay`: a run gone through again, in which whoever is sent the same answers the same."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Protocol

import numpy as np

from .batch import Batch
from .bodies import take
from .context import Context, Visit
from .errors import GraphError, Unanswered
from .failures import Failure
from .nodes import Node, walk
from .routers import Splitter
from .routers.jump import Jump
from .sameness import same, same_labels, same_object
from .votes import Tally

#: So many times the events of a run are kept of what a node is asked later.
_KEPT = 10
#: And so many times the events, labels that are ready to be voted on.
_TALLIED = 3


class Known(Protocol):
    """What one node was sent and answered: a `Visit`, or what it was asked later."""

    received: Batch
    answered: Batch
    raised: Mapping[int, Failure]


@dataclass(slots=True)
class _Asked:
    received: Batch
    answered: Batch
    raised: Mapping[int, Failure] = field(default_factory=dict)


@dataclass
class _Later:
    """What was asked after a run; of all runs that were made of one."""

    #: By path and chunk.
    answers: dict[tuple[str, int], list[Known]] = field(default_factory=dict)
    #: For how many events, by path.
    sizes: dict[str, int] = field(default_factory=dict)
    #: The routers all of whose routes were asked for these events.
    asked: set[tuple[str, int, int]] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)


class Record:
    """What the nodes of a run were sent and answered, and what they are asked later.

    Parameters
    ----------
    visits : sequence of Visit
        Of the run, in their order.
    size : int
        How many events the run has.
    starts : sequence of int
        The position of the first event of each chunk.
    known : Record, optional
        Of another run of the same events through the same nodes, whose answers hold here, too.
    """

    def __init__(
        self,
        visits: Sequence[Visit],
        size: int,
        starts: Sequence[int],
        known: Record | None = None,
    ) -> None:
        self.visits = visits
        self._size = size
        self._starts = starts
        #: By path and chunk: a run may have many of these, and no batch is of two.
        self._places: dict[tuple[str, int], list[int]] = {}
        for place, visit in enumerate(visits):
            key = self._key(visit.path, visit.received.positions)
            self._places.setdefault(key, []).append(place)
        self._known = known
        self._later: _Later = _Later() if known is None else known._later
        #: Labels made ready to be voted on, by whose they are, and of how many events these are.
        self._tallies: dict[tuple[int, ...], tuple[Sequence[Any], Tally]] = {}
        self._tallied = 0

    @property
    def asked(self) -> set[tuple[str, int, int]]:
        """The routers all of whose routes were asked, and for which events."""
        return self._later.asked

    def of(self, path: str, positions: np.ndarray) -> Iterator[Known]:
        """Give everything that a node is known to have answered to events of the same chunk."""
        yield from (self.visits[place] for place in self._near(path, positions))
        if self._known is None:
            yield from tuple(self._later.answers.get(self._key(path, positions), ()))
        else:
            yield from self._known.of(path, positions)

    def _key(self, path: str, positions: np.ndarray) -> tuple[str, int]:
        return path, bisect_right(self._starts, int(positions[0]))

    def _near(self, path: str, positions: np.ndarray) -> Sequence[int]:
        """The visits of events of the same chunk."""
        return self._places.get(self._key(path, positions), ())

    def keep(self, path: str, asked: Known) -> None:
        """Keep what a node was asked later, unless that is too much by now."""
        later, size = self._later, len(asked.received)
        with later.lock:
            kept = later.sizes.get(path, 0)
            if kept < _KEPT * self._size:
                asked.received.forget()
                key = self._key(path, asked.received.positions)
                later.answers.setdefault(key, []).append(asked)
                later.sizes[path] = kept + size

    def tally(self, ballots: Sequence[Any]) -> Tally:
        """Make labels ready to be voted on, once for as long as they are the same arrays."""
        if self._known is not None:
            return self._known.tally(ballots)
        which = tuple(map(id, ballots))
        if which not in self._tallies:
            if self._tallied > _TALLIED * self._size:
                self._tallies.clear()
                self._tallied = 0
            # With the ballots: what is gone may leave its id to another.
            self._tallies[which] = ballots, Tally(ballots)
            self._tallied += len(ballots[0])
        return self._tallies[which][1]

    def whole(self, path: str, batch: Batch) -> Sequence[Visit]:
        """The one visit in which a node was sent just this in the run, and all inside of it."""
        for place in self._near(path, batch.positions):
            visit = self.visits[place]
            if _is_all(visit.received, batch) and not (batch.failures or visit.received.failures):
                end = place + 1
                while end < len(self.visits) and self.visits[end].path.startswith(f"{path}."):
                    end += 1
                return self.visits[place:end]
        return ()


@dataclass
class Replay:
    """Answers for nodes that were sent the same events before; runs the others.

    Routers put answers together anew, in NumPy. A step or a model is run for the events that
    came to it otherwise than in the run, or not at all: a function over a table for all, as it
    may look at all rows.

    Parameters
    ----------
    record : Record
    others : mapping of str to Router
        Routers that stand in for those of the run, by path.
    ask : bool
        Whether models, services and routes are asked for events that they were not sent.
    """

    record: Record
    others: Mapping[str, Node]
    root: Node
    ask: bool = True

    def __post_init__(self) -> None:
        self._is_asking = False
        self._has_jumps = any(isinstance(node, Jump) for _, node in walk(self.root))

    def run(self, node: Any, batch: Batch, context: Context) -> Batch:
        """Answer as the node would."""
        path = context.path
        node = self.others.get(path, node)
        if not (node.children or isinstance(node, Jump)):
            return self._recalled(node, batch, context)
        if not self._is_changed(path):
            visits = self.record.whole(path, batch)
            if visits:
                return _again(visits, batch, context)
        if self.ask and path in self.others and isinstance(node, Splitter):
            self._ask_all(node, batch, context)
        return node.run(batch, context)

    def tally(self, ballots: Sequence[Any]) -> Tally:
        """Make labels ready to be voted on."""
        return self.record.tally(ballots)

    def _is_changed(self, path: str) -> bool:
        """Whether a router that was replaced stands there or inside."""
        if self._has_jumps:  # Then anything may be inside.
            return True
        return any(f"{other}.".startswith(f"{path}.") for other in self.others)

    def _ask_all(self, splitter: Splitter, batch: Batch, context: Context) -> None:
        """Ask every route for all events, so that other weights need to ask nobody."""
        which = (context.way, int(batch.positions[0]), len(batch))
        # Routes may lead back here: then one goes on as the weights say.
        if self._is_asking or which in self.record.asked:
            return
        self._is_asking = True
        try:
            for name in splitter.children:
                setup = replace(context.setup, jumps=None)
                aside = Context(
                    context.path, setup, [], context.trail, context.depth, context.request
                )
                splitter.send(name, batch.bare(), aside)
        finally:
            self._is_asking = False
        self.record.asked.add(which)

    def _recalled(self, node: Any, batch: Batch, context: Context) -> Batch:
        whole = bool(getattr(node, "batch", False))
        waiting = np.arange(len(batch))
        parts: list[tuple[np.ndarray, Batch]] = []
        for visit in self.record.of(context.path, batch.positions):
            rows = _shared(batch, visit.received, waiting, whole=whole)
            if not len(rows):
                continue
            if len(rows) == len(batch) == len(visit.received) and not visit.raised:
                return _answered_by(visit, batch)
            if type(visit.answered) is not Batch:
                continue  # It says besides where its events go on, and cannot be taken apart.
            parts.append((rows, _of(visit, batch.positions[rows])))
            waiting = np.setdiff1d(waiting, rows, assume_unique=True)
            if not len(waiting):
                return batch.merge(parts)
        rest = batch if len(waiting) == len(batch) else batch.select(waiting)
        answer = self._fresh(node, rest, context)
        return batch.merge([*parts, (waiting, answer)]) if parts else answer

    def _fresh(self, node: Node, batch: Batch, context: Context) -> Batch:
        """Answer events that the node has not seen."""
        # What a function costs, it costs anywhere; in a route it may be what was not to be asked.
        is_dear = node.predicts or node.waits or self._is_in_route(context.path)
        if not self.ask and is_dear:
            return batch.fail_all(context.failure(Unanswered("was not asked for this event")))
        if getattr(node, "is_stateful", False):
            raise GraphError(
                "it may remember the events before, so it cannot be asked again; "
                "run the graph with the other weights",
                node=context.path,
            )
        answer = node.run(batch, context)
        if is_dear:
            self.record.keep(context.path, _Asked(batch, answer))
        return answer

    def _is_in_route(self, path: str) -> bool:
        """Whether a node is a route of a Splitter that was replaced, or stands in one.

        In a manifest, whose steps may jump anywhere, any node may.
        """
        return self._has_jumps or any(
            node.chooses and path.startswith(f"{other}.") for other, node in self.others.items()
        )


def _again(visits: Sequence[Visit], batch: Batch, context: Context) -> Batch:
    """What a router answered, with all that its routes did for it."""
    first = visits[0]
    context.visits.extend(visits[1:])
    if first.choices is not None:
        context.chose(first.choices, first.choice)
    if not first.raised:
        return first.answered
    return batch.merge([(np.arange(len(batch)), _of(first, batch.positions))])


def _is_all(received: Batch, batch: Batch) -> bool:
    """Whether a batch is just what was received, which takes no look at the events."""
    if received.positions is not batch.positions and not np.array_equal(
        received.positions, batch.positions
    ):
        return False
    if received.heads is not batch.heads:
        return False
    (mine, rows), (theirs, others) = batch.source, received.source
    if mine is not theirs:
        return False
    return rows is others or (
        rows is not None and others is not None and np.array_equal(rows, others)
    )


def _shared(batch: Batch, received: Batch, waiting: np.ndarray, *, whole: bool) -> np.ndarray:
    """Those of some rows of a batch that were received just so, or None if none was.

    ``whole``: all or nothing.
    """
    if len(waiting) == len(batch) and _is_all(received, batch):
        return waiting
    size = len(received)
    if not size or (whole and len(batch) != size):
        return waiting[:0]
    positions = batch.positions[waiting]
    at = np.searchsorted(received.positions, positions)
    at[at == size] = 0
    found = received.positions[at] == positions
    if not found.any() or (whole and not found.all()):
        return waiting[:0]
    rows, places = waiting[found], at[found]
    alike = _same_heads(batch, rows, received, places)
    (mine, chosen), (theirs, others) = batch.source, received.source
    rows_here = rows if chosen is None else chosen[rows]
    rows_there = places if others is None else others[places]
    if mine is theirs:
        alike &= rows_here == rows_there
    else:
        one, other = _taken(mine, rows_here), _taken(theirs, rows_there)
        alike &= same(one, other)
        if whole and not same_labels(one, other):
            return waiting[:0]
    if whole and not alike.all():
        return waiting[:0]
    return rows[alike]


def _taken(bodies: Any, rows: np.ndarray) -> Any:
    if len(rows) == len(bodies) and np.array_equal(rows, np.arange(len(bodies))):
        return bodies
    return take(bodies, rows)


def _same_heads(batch: Batch, rows: np.ndarray, received: Batch, places: np.ndarray) -> np.ndarray:
    """Whether what is known of events besides their bodies is the same."""
    if batch.heads is None and received.heads is None:
        return np.ones(len(rows), dtype=bool)
    mine = [None] * len(rows) if batch.heads is None else batch.heads[rows]
    theirs = [None] * len(rows) if received.heads is None else received.heads[places]
    pairs = zip(mine, theirs, strict=True)
    return np.fromiter((_is_same_head(one, other) for one, other in pairs), bool, len(rows))


def _is_same_head(one: Any, other: Any) -> bool:
    """Whether two events are the same but for their bodies, which are looked at apart."""
    if one is None or other is None or one is other:
        return one is other
    mine, theirs = ({**vars(head), "body": None} for head in (one, other))
    return type(one) is type(other) and same_object(mine, theirs)


def _own(visit: Known) -> dict[int, Failure]:
    """The events that failed in a node itself: others came along that had failed before."""
    before = visit.received.failures
    return {at: f for at, f in visit.answered.failures.items() if at not in before}


def _answered_by(visit: Known, batch: Batch) -> Batch:
    """What a node answered to all events of a batch."""
    if not (batch.failures or visit.received.failures):
        return visit.answered
    answered = copy(visit.answered)  # Of its own class.
    answered.failures = {**batch.failures, **_own(visit)}
    return answered


def _of(visit: Known, positions: np.ndarray) -> Batch:
    """What a node answered to some of its events, before a response was made of what it raised."""
    answered = visit.answered
    wanted = np.isin(answered.positions, positions)
    if visit.raised:
        wanted &= ~np.isin(answered.positions, list(visit.raised))
    some = answered.select(np.flatnonzero(wanted))
    failures = {**_own(visit), **visit.raised}
    if not failures:
        return some
    here = set(positions.tolist())
    return some.with_failures({at: f for at, f in failures.items() if at in here})
