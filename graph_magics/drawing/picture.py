"""`Drawing`: a graph's picture, which shows itself in a notebook and writes itself to files."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import graphviz

from ..errors import GraphError
from ..traffic import Traffic
from .dot import to_dot
from .drawable import Drawable
from .rendering import save, to_svg

Renderer = Literal["wasm", "dot"]


class Drawing:
    """The picture of a graph; made by `Graph.draw` and `Run.draw`.

    Parameters
    ----------
    name : str
        Of the graph.
    root : Node
        Its flow.
    traffic : Traffic, optional
        What a run saw of it.
    renderer : {"wasm", "dot"}, optional
        What draws: Graphviz inside Python (the default), or the ``dot`` program.

    Raises
    ------
    GraphError
        If the renderer is neither of these.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> drawing = Graph("g", abs).draw()
    >>> drawing
    Drawing of graph 'g'
    >>> drawing.svg[:4]
    '<svg'
    """

    def __init__(
        self,
        name: str,
        root: Drawable,
        traffic: Traffic | None = None,
        *,
        renderer: Renderer | None = None,
    ) -> None:
        if renderer not in (None, "wasm", "dot"):
            raise GraphError(f'renderer must be "wasm" or "dot", got {renderer!r}', graph=name)
        self.name = name
        self._root = root
        self._traffic = traffic
        self._renderer = renderer

    @cached_property
    def dot(self) -> graphviz.Digraph:
        """The picture in Graphviz's language."""
        return to_dot(self.name, self._root, self._traffic)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG."""
        return to_svg(self.dot, self._renderer)

    def save(self, path: str | Path) -> None:
        """Write the picture, as its suffix says: ``.svg``, ``.png`` or ``.pdf``.

        Raises
        ------
        GraphError
            If the suffix is another, the folder does not exist, or ``dot``, which ``.png`` and
            ``.pdf`` need, is missing.
        """
        save(self.dot, path, self._renderer)

    def __repr__(self) -> str:
        return f"Drawing of graph {self.name!r}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.svg}
