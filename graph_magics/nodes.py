"""`Node` and its `Context`: the one interface of everything a batch runs through."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar, NamedTuple

from .batch import Batch, Failure
from .errors import GraphError, a, listed, near, place_of


class Visit(NamedTuple):
    """What one node was sent and answered, once."""

    path: str
    received: Batch
    answered: Batch
    seconds: float
    choices: Sequence[str] | None
    choice: Any


#: Runs an async function over events, at most some at a time; gives results or exceptions.
AsyncMap = Callable[[Callable[[Any], Awaitable[Any]], Sequence[Any]], list[Any]]


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
    event_id : str or None
        The id that the request came with.
    keep_tracebacks : bool
        Whether failures keep their traceback, and so everything that it holds in memory.
    """

    path: str
    seed: int
    visits: list[Visit]
    async_map: AsyncMap
    event_id: str | None = None
    keep_tracebacks: bool = False
    choices: Sequence[str] | None = None
    choice: Any = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    def run(self, name: str, node: Node, batch: Batch) -> Batch:
        """Run a child on a batch, and keep a record of it. Nobody runs for no event."""
        if not len(batch.positions):
            return batch
        here = Context(
            f"{self.path}.{name}" if self.path else name,
            self.seed,
            self.visits,
            self.async_map,
            self.event_id,
            self.keep_tracebacks,
        )
        place = len(self.visits)
        self.visits.append(Visit(here.path, batch, batch, 0.0, None, None))
        started = perf_counter()
        answer = node.run(batch, here)
        seconds = perf_counter() - started
        self.visits[place] = Visit(here.path, batch, answer, seconds, here.choices, here.choice)
        return answer

    def chose(self, routes: Sequence[str], choice: Any) -> None:
        """Record which route a router chose for each event of its batch.

        ``choice`` holds, row for row, an index into ``routes``, or -1 for none.
        """
        self.choices, self.choice = routes, choice

    def failure(self, error: Exception, status: int | None = None) -> Failure:
        """Make an event's failure out of what this node raised."""
        place = place_of(error.__traceback__)
        if not self.keep_tracebacks:
            error.__traceback__ = None
            error.__context__ = error.__cause__ = None
        if status is None:
            status = getattr(error, "status", 500)
        if not (isinstance(status, int) and 400 <= status < 600):
            status = 500  # Another library's status, which is not HTTP's.
        return Failure(self.path, error, status, place)


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
