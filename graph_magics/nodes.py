"""`Node`: the one interface of everything that a batch runs through."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from .batch import Batch
from .context import Context
from .errors import GraphError, a, listed, near


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
    #: Whether it is called for one event after the other, or asks for each by itself.
    goes_by_event: bool = False
    #: Whether it has to run on the thread that the run was begun on.
    stays: bool = False
    #: Whether it answers with what a target can judge: a model, or a router of such.
    predicts: ClassVar[bool] = False
    #: Whether it answers as MLRun's models do, with the predictions as the ``outputs``.
    answers_outputs: ClassVar[bool] = False
    #: Whether it sends each event to one of its routes, and records to which.
    chooses: ClassVar[bool] = False
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
    def route_shares(self) -> Mapping[str, float]:
        """The share of each route as its weight has it, adding up to 1; none without weights."""
        return {}

    @property
    def edges(self) -> Sequence[tuple[str, str]]:
        """The wires between the children of a flow."""
        return ()

    @property
    def edge_labels(self) -> Mapping[tuple[str, str], str]:
        """What is written on a wire of a flow."""
        return {}

    @property
    def entries(self) -> Collection[str] | None:
        """The children of a flow that events come in at; None for all that follow no other."""
        return None

    @property
    def dead_ends(self) -> Collection[str]:
        """The children of a flow whose answer goes nowhere."""
        return ()

    @property
    def exits(self) -> Sequence[str]:
        """The children of a Sequence whose answer may be the last, though others follow."""
        return ()

    def with_children(self, children: Mapping[str, Node]) -> Node:
        """Give the same node with other nodes inside, of the same names."""
        raise GraphError(
            "its parts were declared by MLRun's calls inside another graph, and cannot be "
            "replaced; run that graph by itself",
            node=self.name,
        )

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


def replaced(root: Node, others: Mapping[str, Node], path: str = "") -> Node:
    """Give a root with some nodes replaced, by their dotted paths; the root stays as it is.

    Raises
    ------
    GraphError
        If a node around one of them cannot have other nodes inside.
    """
    here = others.get(path, root)
    inside = f"{path}." if path else ""
    if not any(other.startswith(inside) and other != path for other in others):
        return here
    return here.with_children(
        {name: replaced(child, others, inside + name) for name, child in here.children.items()}
    )


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


def stateful_in(nodes: Mapping[str, Node]) -> list[str]:
    """The paths of nodes that may remember events: instances of classes of MLRun's users."""
    return [path for path, node in nodes.items() if getattr(node, "is_stateful", False)]
