"""The drawing of a graph with one router's weights on its edges, whatever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..drawing.dot import to_dot
from ..drawing.looks import element_id, width_of
from ..drawing.rendering import to_svg
from ..nodes import Node


class _Shown:
    """A node as it is, but for what is written on the edges of one router under it."""

    def __init__(self, node: Node, way: list[str], shares: Mapping[str, float], unit: str) -> None:
        self._node = node
        self._way = way
        self._shares = shares
        self._unit = unit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    @property
    def children(self) -> Mapping[str, Any]:
        name, rest = (self._way[0], self._way[1:]) if self._way else (None, [])
        return {
            key: _Shown(child, rest, self._shares, self._unit) if key == name else child
            for key, child in self._node.children.items()
        }

    @property
    def route_labels(self) -> Mapping[str, str]:
        if self._way:
            return self._node.route_labels
        return {route: label(share, self._unit) for route, share in self._shares.items()}

    @property
    def route_shares(self) -> Mapping[str, float]:
        return self._node.route_shares if self._way else self._shares


def sketch(name: str, root: Node, router: str, shares: Mapping[str, float], unit: str) -> str:
    """Draw a graph, as SVG.

    Parameters
    ----------
    name : str
        Of the graph.
    root : Node
    router : str
        The path of the router whose weights are written on its edges, also where all are equal.
    shares : mapping of str to float
        Its routes' weights, adding up to 1.
    unit : {"%", ""}
        Whether they are written as percents.
    """
    shown: Any = _Shown(root, router.split("."), shares, unit)
    return to_svg(to_dot(name, shown))


def label(share: float, unit: str) -> str:
    """Write a share as the drawing does.

    >>> label(1 / 3, "%"), label(0.25, "")
    ('33.3 %', '0.25')
    """
    return f"{100 * share:.3g} %" if unit else f"{share:.3g}"


def edges(router: str, routes: Mapping[str, Any], *, is_choice: bool) -> dict[str, dict[str, Any]]:
    """Say where each route's edge stands in the drawing, and how thick it may be.

    Returns
    -------
    dict
        By route: ``part``, the edge's id; ``thin`` and ``span``, in points, from no share on to
        the whole; ``unit`` of the text on it.
    """
    thin, thick = (width_of(share, is_chosen=is_choice) for share in (0, 1))
    way = router.split(".")
    return {
        route: {
            "part": element_id("route", *way, route),
            "thin": thin,
            "span": round(thick - thin, 2),
            "unit": "%" if is_choice else "",
        }
        for route in routes
    }
