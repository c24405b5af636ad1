"""How parts of a graph look: shapes, colours, widths, their names in the picture, durations."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from .drawable import Drawable

# Everything that is drawn outside the nodes reads on white and on #111111 alike.
LINE = "#7b808a"
FAINT = "#7b808a80"
RED = "#e5484d"
INK = "#1b1f24"
#: From an edge that hardly an event takes to one that all of them take, in points.
_THIN, _THICK = 0.8, 4.0
#: All routes of a router that does not choose are taken: there a weight shows, but gently.
_GENTLY = 2.0


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


class Look(NamedTuple):
    """Shape and colours of a kind of node; of a router, those of its entry."""

    shape: str
    fill: str
    line: str
    sign: str = ""


_STEP = Look("box", "#bfd9f7", "#4a87c9")
_ROUTER = Look("hexagon", "#ddcdf5", "#8f6bc9")
_CHOOSER = Look("diamond", "#fbdc9f", "#bd8420")
_FLOW = Look("point", LINE, LINE)
_LOOKS = {
    "Step": _STEP,
    "Model": Look("component", "#c2e5c4", "#4b9b5b"),
    "Remote": Look("box3d", "#bfe6e6", "#3a979b"),
    "Service": Look("box3d", "#e6e6e6", LINE),
    "Jump": Look("box", "#e6e6e6", LINE),
    "Nowhere": Look("octagon", "#f7c6c7", RED),
    "Flow": _FLOW,
    "Sequence": _FLOW,
    "Splitter": _CHOOSER._replace(sign="%"),
    "Switch": _CHOOSER._replace(sign="?"),
    "ModelRouter": _CHOOSER._replace(sign="/"),
}


def thick(width: float) -> dict[str, str]:
    """Draw an edge so thick, whose arrow Graphviz makes the larger."""
    return {"penwidth": f"{width:.2f}", "arrowsize": f"{0.75 - 0.09 * width:.2f}"}


def look_of(node: Drawable) -> Look:
    """Give the look of a node by its kind."""
    return _LOOKS.get(node.kind) or (_ROUTER if node.children else _STEP)
