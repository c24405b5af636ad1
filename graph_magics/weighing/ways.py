"""The ways in which the Splitters of a run may draw for one event, and how likely each is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import GraphError, listed
from ..nodes import Node
from ..recorded import Recorded
from ..routers import Router, Splitter
from ..routers import Sequence as Steps
from ..routers.jump import Jump
from ..whatif import others_of

#: So many ways are gone, each of them a run that is gone through again.
_MOST = 256


@dataclass(frozen=True)
class Way:
    """One way in which Splitters may draw.

    Attributes
    ----------
    share : float
        How likely it is.
    choice : mapping of str to str
        The route that each Splitter draws, by its path.
    """

    share: float
    choice: Mapping[str, str]

    def __and__(self, other: Way) -> Way:
        return Way(self.share * other.share, {**self.choice, **other.choice})


_NOTHING_DRAWN = Way(1.0, {})


@dataclass(frozen=True)
class Ways:
    """The ways of an event to a Splitter, and on through each of its routes.

    Attributes
    ----------
    there : sequence of Way
        How the Splitters before it and around it draw; by other draws no event comes to it.
    inside : mapping of str to sequence of Way
        By route, how those in it draw, once an event is there.
    """

    there: Sequence[Way]
    inside: Mapping[str, Sequence[Way]]


def ways_of(run: Recorded, path: str) -> Ways:
    """Find the ways that events may go to a Splitter and through it, by the run's weights.

    Raises
    ------
    GraphError
        If there are too many, or steps may jump, so that an event has several draws of one
        Splitter.
    """
    turned = others_of(run, {})[1]
    splitters = {
        at: turned.get(at, node) for at, node in run._nodes.items() if isinstance(node, Splitter)
    }
    others = [at for at in splitters if at != path]
    if others and any(isinstance(node, Jump) for node in run._nodes.values()):
        raise GraphError(
            f"the draws of {listed(others)} cannot be gone through where steps may jump; "
            "compare runs with several seeds",
            node=path,
        )
    there = _to(path, run._root, splitters)
    if not any(way.share for way in there):
        raise GraphError("no event comes to it: a Splitter before it gives it no weight", node=path)
    inside = {route: _within(f"{path}.{route}", splitters) for route in splitters[path].children}
    if len(there) * sum(map(len, inside.values())) > _MOST:
        raise _too_many(others).at(node=path)
    return Ways(there, inside)


def _too_many(splitters: Sequence[str]) -> GraphError:
    return GraphError(
        f"{listed(splitters)} may draw in more than {_MOST} ways, which are not gone through; "
        "compare runs with several seeds"
    )


def _to(path: str, root: Node, splitters: Mapping[str, Node]) -> list[Way]:
    """How the Splitters draw that an event passes on the way to a node."""
    found, node, here = [_NOTHING_DRAWN], root, ""
    while here != path:
        name = next(n for n in node.children if f"{path}.".startswith(f"{_inside(here, n)}."))
        for before in _before(node, name):
            found = _times(found, _within(_inside(here, before), splitters), splitters)
        if here in splitters:
            share = _shares(splitters[here])[name]
            found = [way & Way(share, {here: name}) for way in found]
        node, here = node.children[name], _inside(here, name)
    return found


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _before(node: Node, name: str) -> Iterator[str]:
    """The children that an event may have passed before it comes to one of them."""
    if isinstance(node, Steps):
        names = list(node.children)
        yield from names[: names.index(name)]
    elif not isinstance(node, Router):
        waiting, seen = [name], {name}
        while waiting:
            after = waiting.pop()
            for source, target in node.edges:
                if target == after and source not in seen:
                    seen.add(source)
                    waiting.append(source)
                    yield source


def _within(path: str, splitters: Mapping[str, Node]) -> list[Way]:
    """How the Splitters draw that stand at a path and inside of it."""
    found, outer = [_NOTHING_DRAWN], ""
    for at, splitter in splitters.items():  # Parents first.
        is_nested = outer and at.startswith(f"{outer}.")
        if not is_nested and f"{at}.".startswith(f"{path}."):
            outer = at
            drawn = [
                Way(share, {at: route}) & way
                for route, share in _shares(splitter).items()
                if share
                for way in _within(f"{at}.{route}", splitters)
            ]
            found = _times(found, drawn, splitters)
    return found


def _shares(splitter: Node) -> dict[str, float]:
    assert isinstance(splitter, Splitter)
    return {route: share or 0.0 for route, share in splitter.weights.items()}


def _times(some: Sequence[Way], others: Sequence[Way], splitters: Mapping[str, Node]) -> list[Way]:
    if len(some) * len(others) > _MOST:
        raise _too_many(list(splitters))
    return [one & other for one in some for other in others]
