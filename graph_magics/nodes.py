"""`Node` and its `Context`: the one interface of everything a batch runs through."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from .batch import Batch
from .errors import GraphError, Unanswered, a, listed, near, place_of
from .failures import Failure
from .responses import with_raised

MAX_DEPTH = 250
"""How many nodes an event may be in at once, those that it comes to again included."""

MAX_JUMPS = 1_000
"""How often an event may be sent to a node that stands elsewhere: a circle may branch, too."""

_TOO_DEEP = "nodes that call each other need a condition that once holds no more"
#: So many nodes inside each other are run on one thread, lest Python's own bound is met.
_ON_ONE_THREAD = 24


class Visit(NamedTuple):
    """What one node was sent and answered, once."""

    path: str
    received: Batch
    answered: Batch
    seconds: float
    choices: Sequence[str] | None
    choice: Any
    #: What a service raised that was answered all the same, by position.
    raised: Mapping[int, Failure]


class AsyncMap(Protocol):
    """Runs an async function over events, at most some at a time; gives results or exceptions."""

    def __call__(
        self, function: Callable[[Any], Awaitable[Any]], events: Sequence[Any], limit: int = ...
    ) -> list[Any]:
        """Await the function for every event."""
        ...


#: Runs functions at the same time, and gives what they give.
AtOnce = Callable[[Sequence[Callable[[], Any]]], list[Any]]


class Jumps:
    """Counts, for each event of a run by itself, how often it jumped."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def count(self, positions: np.ndarray) -> np.ndarray:
        """Count one more for each of these events; how often each has now jumped."""
        counts = self._counts
        for position in (places := positions.tolist()):
            counts[position] = counts.get(position, 0) + 1
        return np.array([counts[position] for position in places])


@dataclass(slots=True)
class Context:
    """What a node knows of the run besides its batch.

    Parameters
    ----------
    path : str
        Dotted path of the node that runs, such as ``vote.forest``.
    seed : int
        Of the run; a draw is a function of it, the path and an event's position.
    visits : list of Visit
        Every node's traffic, in the order in which they were begun.
    async_map : callable
        Runs an async function over many events at once.
    at_once : callable
        Runs several functions at the same time.
    event_id : str or None
        The id that the request came with.
    headers : sequence of (str, str)
        Those that the request came with.
    keep_tracebacks : bool
        Whether failures keep their traceback, and so everything that it holds in memory.
    trail : str
        The paths of the jumps on the way here, for nodes that are come to by several ways.
    depth : int
        How many nodes stand around this one.
    jumps : Jumps
        How often events were sent to nodes that stand elsewhere.
    """

    path: str
    seed: int
    visits: list[Visit]
    async_map: AsyncMap
    at_once: AtOnce
    event_id: str | None = None
    keep_tracebacks: bool = False
    headers: Sequence[tuple[str, str]] = ()
    trail: str = ""
    depth: int = 0
    jumps: Jumps = field(default_factory=lambda: Jumps())
    choices: Sequence[str] | None = None
    choice: Any = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def way(self) -> str:
        """The path, and how it was come to: what a draw is a function of."""
        return f"{self.trail}{self.path}" if self.trail else self.path

    def run(self, name: str, node: Node, batch: Batch) -> Batch:
        """Run a child on a batch, and keep a record of it. Nobody runs for no event.

        What the child answers is read, and an event that it answers with a status that is no
        success fails.
        """
        path = f"{self.path}.{name}" if self.path else name
        answer = self._visit(path, node, batch, self.trail)
        return (answer if answer.status is None else answer.settled(path)).as_read()

    def ask(self, name: str, node: Node, batch: Batch, *, is_service: bool) -> Batch:
        """Run a child on a batch, and take bodies and statuses as they come.

        What a service raises is a response, too.
        """
        path = f"{self.path}.{name}" if self.path else name
        return self._visit(path, node, batch, self.trail, is_service=is_service)

    def jump(self, path: str, node: Node, batch: Batch) -> Batch:
        """Run a node that stands elsewhere in the graph."""
        over = self.jumps.count(batch.positions) > MAX_JUMPS
        if not over.any():
            return self._visit(path, node, batch, f"{self.way} > ")
        told = f"was sent to nodes elsewhere {MAX_JUMPS:,} times: {_TOO_DEEP}"
        lost = dict.fromkeys(batch.positions[over].tolist(), self.failure(Unanswered(told)))
        rows = np.flatnonzero(~over)
        kept = self._visit(path, node, batch.select(rows), f"{self.way} > ")
        return batch.merge([(rows, kept)], lost)

    def run_all(self, runs: Sequence[Callable[[Context], Batch]], *, at_once: bool) -> list[Batch]:
        """Run several children, each with a context like this; in their order, or at once.

        The record has them in their order all the same.
        """
        if not at_once or len(runs) < 2:
            return [run(self) for run in runs]
        twins = [replace(self, visits=[]) for _ in runs]
        calls = [partial(run, twin) for run, twin in zip(runs, twins, strict=True)]
        answers = self.at_once(calls)
        for twin in twins:
            self.visits.extend(twin.visits)
        return answers

    def _visit(
        self, path: str, node: Node, batch: Batch, trail: str, *, is_service: bool = False
    ) -> Batch:
        if not len(batch.positions):
            return batch
        here = Context(
            path,
            self.seed,
            self.visits,
            self.async_map,
            self.at_once,
            self.event_id,
            self.keep_tracebacks,
            self.headers,
            trail,
            self.depth + 1,
            self.jumps,
        )
        if here.depth > MAX_DEPTH:
            lost = here.failure(Unanswered(f"came here through {MAX_DEPTH} nodes: {_TOO_DEEP}"))
            return batch.fail(dict.fromkeys(range(len(batch)), lost), [])
        place = len(self.visits)
        self.visits.append(Visit(path, batch, batch, 0.0, None, None, {}))
        started = perf_counter()
        if here.depth % _ON_ONE_THREAD:
            answer = node.run(batch, here)
        else:
            (answer,) = self.at_once([partial(node.run, batch, here)])
        seconds = perf_counter() - started
        raised: Mapping[int, Failure] = {}
        if is_service and answer.failures:
            answer, raised = with_raised(answer, batch)
        self.visits[place] = Visit(path, batch, answer, seconds, here.choices, here.choice, raised)
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
        if not self.keep_tracebacks:
            error.__traceback__ = None
            error.__context__ = error.__cause__ = None
        if status is None:
            status = getattr(error, "status", 500)
        if not (isinstance(status, int) and 400 <= status < 600):
            status = 500  # Another library's status, which is not HTTP's.
        return Failure(self.path, error, status, place, elapsed)


class BadEvent(GraphError):
    """An event is not what a step takes; as HTTP has it, a 400."""

    status = 400


class MissingColumns(BadEvent):
    """The events lack columns: the same for every event of a frame."""


class Node:
    """A part of a graph that answers batches: a step, a model, or a router of such.

    Nodes are joined to a flow with ``>>``. Whatever may stand where a step is expected (a
    function, a model, a graph) may stand on either side, and so may a list of them, for
    branches.
    """

    kind: ClassVar[str] = "Node"
    #: Whether it waits for something outside, so that others may run meanwhile.
    waits: bool = False
    name: str | None = None
    #: Who joins nodes to flows; set by ``flow.py``, which stands above nodes.
    join: ClassVar[Callable[[Any, Any], Node]]

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event of a batch: a body, or a failure."""
        raise NotImplementedError

    @property
    def children(self) -> Mapping[str, Node]:
        """The nodes inside this one, by name, in the order declared."""
        return {}

    @property
    def title(self) -> str:
        """What the node is made of, in a word."""
        return ""

    @property
    def route_labels(self) -> Mapping[str, str]:
        """What is written on the edge to each route."""
        return {}

    @property
    def edges(self) -> Sequence[tuple[str, str]]:
        """The wires between the children of a flow."""
        return ()

    @property
    def exits(self) -> Sequence[str]:
        """The children of a Sequence whose answer may be the last, though others follow."""
        return ()

    def natural_name(self) -> str:
        """Name the node after itself where the user has given it no name."""
        return type(self).__name__.lower()

    def __getitem__(self, name: str) -> Node:
        try:
            return self.children[name]
        except KeyError:
            raise GraphError(self._no_child(name), node=self.name) from None

    def __getattr__(self, name: str) -> Node:
        # Only for names that are no attribute; privates are what copy and pickle ask for.
        if not name.startswith("_") and name != "children" and name in self.children:
            return self.children[name]
        raise AttributeError(f"{type(self).__name__} {self.name!r} has no {name!r}")

    def _no_child(self, name: str) -> str:
        names = list(self.children)
        if not names:
            return f"it has no parts, so none called {name!r}"
        return f"no part is called {name!r}{near(name, names) or '.'} It has {listed(names)}"

    def __rshift__(self, other: Any) -> Node:
        return Node.join(self, other)

    def __rrshift__(self, other: Any) -> Node:
        return Node.join(other, self)

    def __bool__(self) -> bool:
        return True


def walk(root: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Give every node under a root with its dotted path, parents first."""
    for name, child in root.children.items():
        here = f"{path}.{name}" if path else name
        yield here, child
        yield from walk(child, here)


class _Kind(NamedTuple):
    matches: Callable[[Any], bool]
    make: Callable[[Any], Node]


_KINDS: list[_Kind] = []


def accepts(
    matches: Callable[[Any], bool],
) -> Callable[[Callable[[Any], Node]], Callable[[Any], Node]]:
    """Register what makes a node of a kind of thing; asked in the order of registration."""

    def register(make: Callable[[Any], Node]) -> Callable[[Any], Node]:
        _KINDS.append(_Kind(matches, make))
        return make

    return register


def as_node(thing: Any) -> Node:
    """Make a node of whatever may stand where a step is expected.

    Raises
    ------
    GraphError
        If it cannot be a step.
    """
    if isinstance(thing, Node):
        return thing
    for kind in _KINDS:
        if kind.matches(thing):
            return kind.make(thing)
    if inspect.isclass(thing):
        raise GraphError(
            f"the class {thing.__name__} cannot be a step; "
            f"make an instance of it: {thing.__name__}(...)"
        )
    if isinstance(thing, str):
        raise GraphError(f"the text {thing!r} cannot be a step; write the function or model itself")
    if callable(getattr(thing, "fit", None)) and callable(getattr(thing, "transform", None)):
        raise GraphError(
            f"{a(thing)} has no predict method; to transform with it write "
            'Model(..., method="transform")'
        )
    raise GraphError(
        f"{a(thing)} cannot be a step; "
        "use a function, an object with a predict method, a router or a graph"
    )
