"""`Context`: what a node knows of the run, and how it runs others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from threading import Lock
from time import perf_counter
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import numpy as np

from .batch import Batch
from .errors import Unanswered, place_of
from .failures import Failure, error_status
from .responses import with_raised
from .votes import Tally

MAX_DEPTH = 250
"""How many nodes an event may be in at once, those that it comes to again included."""

MAX_ROUNDS = 1_000
"""How often an event may be sent back to a node that it is in: a circle may branch, too."""

MAX_JUMPS = 10_000
"""How often an event may be sent to a node that stands elsewhere."""

_TOO_DEEP = "nodes that call each other need a condition that once holds no more"
#: So many nodes inside each other are run on one thread, lest Python's own bound is met.
_ON_ONE_THREAD = 24


class Runnable(Protocol):
    """What a context asks of a node."""

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event of a batch."""
        ...


class Recalls(Protocol):
    """Answers for nodes that have answered the same before."""

    def run(self, node: Runnable, batch: Batch, context: Context) -> Batch:
        """Answer as the node would."""
        ...

    def tally(self, ballots: Sequence[Any]) -> Tally:
        """Make labels ready to be voted on; they come again, with other weights."""
        ...


_NOTHING: Mapping[int, Failure] = MappingProxyType({})


class Visit:
    """What one node was sent and answered, once.

    Attributes
    ----------
    source : str
        The path of the node that sent it: the one around it, or the step before it in a flow,
        or a jump.
    raised : mapping of int to Failure
        What a service raised that was answered all the same, by position.
    """

    __slots__ = ("answered", "choice", "choices", "path", "raised", "received", "seconds", "source")

    def __init__(self, path: str, received: Batch, answered: Batch, source: str) -> None:
        self.path = path
        self.source = source
        self.received = received
        self.answered = answered
        self.seconds = 0.0
        self.choices: Sequence[str] | None = None
        self.choice: Any = None
        self.raised: Mapping[int, Failure] = _NOTHING


class AsyncMap(Protocol):
    """Runs an async function over events, at most some at a time; gives results or exceptions."""

    def __call__(
        self,
        function: Callable[[Any], Awaitable[Any]],
        events: Sequence[Any],
        limit: int = ...,
        loop: str = ...,
    ) -> list[Any]:
        """Await the function for every event."""
        ...


#: Runs functions at the same time, and gives what they give.
AtOnce = Callable[[Sequence[Callable[[], Any]]], list[Any]]
#: Runs a node in another process.
Elsewhere: TypeAlias = "Callable[[Runnable, Batch, Context], Batch]"


class Jumps:
    """Counts, for each event of a run by itself, how often it jumped."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._lock = Lock()

    def are_too_many(self, positions: np.ndarray, *, is_back: bool) -> np.ndarray:
        """Count one more for each of these events; whether that is now too many for it."""
        counts, worth = self._counts, MAX_JUMPS // MAX_ROUNDS if is_back else 1
        places = positions.tolist()
        with self._lock:  # Routes that run at the same time may jump.
            for position in places:
                counts[position] = counts.get(position, 0) + worth
            return np.array([counts[position] > MAX_JUMPS for position in places])


@dataclass(slots=True)
class Setup:
    """What is the same for all nodes of a run.

    Parameters
    ----------
    seed : int
        A draw is a function of it, the path and an event's position.
    async_map : callable
        Runs an async function over many events at once.
    at_once : callable
        Runs several functions at the same time.
    elsewhere : callable or None
        Runs a node on a batch in another process; None in such a process, which begins no more.
    event_id : str or None
        The id that the request came with.
    headers : sequence of (str, str)
        Those that the request came with.
    keep_tracebacks : bool
        Whether failures keep their traceback, and so everything that it holds in memory.
    jumps : Jumps or None
        How often events were sent to nodes that stand elsewhere; None before the first.
    request : optional
        What the request is besides its body, for nodes that look at that.
    memory : dict
        What nodes keep from one chunk of the events to the next, and no longer than the run.
    first : int
        Where in the whole run the event of position 0 stands, where a part of it is run.
    replay : Recalls or None
        Who answers for the nodes, where a run is gone through again.
    """

    seed: int
    async_map: AsyncMap
    at_once: AtOnce
    elsewhere: Elsewhere | None
    event_id: str | None = None
    keep_tracebacks: bool = False
    headers: Sequence[tuple[str, str]] = ()
    jumps: Jumps | None = None
    request: Any = None
    memory: dict[Any, Any] = field(default_factory=dict)
    first: int = 0
    replay: Recalls | None = None


def _one_by_one(calls: Sequence[Callable[[], Batch]]) -> list[Batch]:
    return [call() for call in calls]


class Context:
    """What a node knows of the run besides its batch.

    Parameters
    ----------
    path : str
        Dotted path of the node that runs, such as ``vote.forest``.
    setup : Setup
    visits : list of Visit
        Every node's traffic, in the order in which they were begun.
    trail : str
        The paths of the jumps on the way here, for nodes that are come to by several ways.
    depth : int
        How many nodes stand around this one.
    request : optional
        What the request is to this node, besides its body; the setup's if absent.
    """

    __slots__ = (
        "away",
        "choice",
        "choices",
        "depth",
        "path",
        "request",
        "setup",
        "trail",
        "visits",
    )

    def __init__(
        self,
        path: str,
        setup: Setup,
        visits: list[Visit],
        trail: str = "",
        depth: int = 0,
        request: Any = None,
    ) -> None:
        self.path = path
        self.setup = setup
        self.visits = visits
        self.trail = trail
        self.depth = depth
        self.request = request if request is not None else setup.request
        self.choices: Sequence[str] | None = None
        self.choice: Any = None
        #: Whether children run in another process.
        self.away = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def way(self) -> str:
        """The path, and how it was come to: what a draw is a function of."""
        return f"{self.trail}{self.path}" if self.trail else self.path

    def run(self, name: str, node: Runnable, batch: Batch, *, after: str | None = None) -> Batch:
        """Run a child on a batch, and keep a record of it. Nobody runs for no event.

        What the child answers is read, and an event that it answers with a status that is no
        success fails. ``after`` names the child whose answer the batch is, in a flow.
        """
        path = self._path_of(name)
        answer = self._visit(path, node, batch, self.trail, self._path_of(after))
        return (answer if answer.status is None else answer.settled(path)).as_read()

    def ask(
        self,
        name: str,
        node: Runnable,
        batch: Batch,
        *,
        is_service: bool = False,
        after: str | None = None,
    ) -> Batch:
        """Run a child on a batch, and take bodies and statuses as they come.

        What a service raises is a response, too. ``after`` is as in `run`.
        """
        source = self._path_of(after)
        path = self._path_of(name)
        return self._visit(path, node, batch, self.trail, source, is_service=is_service)

    def _path_of(self, name: str | None) -> str:
        """The path of a child; without one, that of the node itself."""
        if name is None:
            return self.path
        return f"{self.path}.{name}" if self.path else name

    def jump(self, path: str, node: Runnable, batch: Batch) -> Batch:
        """Run a node that stands elsewhere in the graph."""
        is_back = f"{self.path}.".startswith(f"{path}.")
        if self.setup.jumps is None:
            self.setup.jumps = Jumps()
        over = self.setup.jumps.are_too_many(batch.positions, is_back=is_back)
        if not over.any():
            return self._visit(path, node, batch, f"{self.way} > ", self.path)
        lost = dict.fromkeys(
            batch.positions[over].tolist(),
            self.failure(Unanswered(f"was sent to {path!r} and others too often: {_TOO_DEEP}")),
        )
        rows = np.flatnonzero(~over)
        kept = self._visit(path, node, batch.select(rows), f"{self.way} > ", self.path)
        return batch.merge([(rows, kept)], lost)

    def asking(self, request: Any) -> Context:
        """A context like this whose children are sent another request."""
        return Context(self.path, self.setup, self.visits, self.trail, self.depth, request)

    def run_all(
        self,
        runs: Sequence[Callable[[Context], Batch]],
        groups: Sequence[Sequence[int]] | None = None,
        *,
        away: bool = False,
    ) -> list[Batch]:
        """Run several children at once, each with a context like this.

        The record has them in their order all the same.

        Parameters
        ----------
        runs : sequence of callable
        groups : sequence of sequence of int, optional
            Places of runs: those of a group go one after the other, on one thread.
        away : bool
            Whether each child runs in another process; in one, they go one after the other.
        """
        if away and self.setup.elsewhere is None:
            groups = [range(len(runs))]
        twins = [
            Context(self.path, self.setup, [], self.trail, self.depth, self.request) for _ in runs
        ]
        for twin in twins:
            twin.away = away
        calls = [partial(run, twin) for run, twin in zip(runs, twins, strict=True)]
        if groups is None:
            answers = self.setup.at_once(calls)
        else:
            places = [place for group in groups for place in group]
            given = self.setup.at_once(
                [partial(_one_by_one, [calls[place] for place in group]) for group in groups]
            )
            by_place = dict(zip(places, chain.from_iterable(given), strict=True))
            answers = [by_place[place] for place in range(len(runs))]
        for twin in twins:
            self.visits.extend(twin.visits)
        return answers

    def _visit(
        self,
        path: str,
        node: Runnable,
        batch: Batch,
        trail: str,
        source: str,
        *,
        is_service: bool = False,
    ) -> Batch:
        if not len(batch.positions):
            return batch
        here = Context(path, self.setup, self.visits, trail, self.depth + 1, self.request)
        if here.depth > MAX_DEPTH:
            lost = here.failure(Unanswered(f"came here through {MAX_DEPTH} nodes: {_TOO_DEEP}"))
            return batch.fail_all(lost)
        visit = Visit(path, batch, batch, source)
        self.visits.append(visit)
        replay = self.setup.replay
        run = node.run if replay is None else partial(replay.run, node)
        started = perf_counter()
        if self.away and self.setup.elsewhere and replay is None:
            answer = self.setup.elsewhere(node, batch, here)
        elif here.depth % _ON_ONE_THREAD:
            answer = run(batch, here)
        else:
            (answer,) = self.setup.at_once([partial(run, batch, here)])
        visit.seconds = perf_counter() - started
        if is_service and answer.failures:
            answer, visit.raised = with_raised(answer, batch)
        visit.answered, visit.choices, visit.choice = answer, here.choices, here.choice
        return answer

    def chose(self, routes: Sequence[str], choice: Any) -> None:
        """Record which route a router chose for each event of its batch.

        ``choice`` holds, row for row, an index into ``routes``, or -1 for none.
        """
        self.choices, self.choice = routes, choice

    def failure(
        self, error: Exception, status: int | None = None, *, elapsed: float = 0.0
    ) -> Failure:
        """Make an event's failure out of what this node raised."""
        place = place_of(error.__traceback__)
        if not self.setup.keep_tracebacks:
            error.__traceback__ = None
            error.__context__ = error.__cause__ = None
        if status is None:
            status = getattr(error, "status", 500)
        # Another library's status may be none of HTTP's.
        return Failure(self.path, error, error_status(status), place, elapsed)
