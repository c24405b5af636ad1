"""`Shipped`: a graph on its way to other processes, such as those of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from .engine import Events
from .engine.parcels import dumps, loads, unsendable
from .mlrun.base import ServedNode
from .mlrun.face import ServedGraph
from .run import Run
from .running import run_part


class Shipped:
    """A graph on its way to other processes: bytes, until a task there first runs it.

    Parameters
    ----------
    graph : Graph or None
    packed : bytes, optional
        The graph, where it is not opened yet.
    is_made_anew : bool
        Whether every task has one of its own, since it remembers what it has seen.
    """

    def __init__(
        self, graph: Any, packed: bytes | None = None, *, is_made_anew: bool = False
    ) -> None:
        self._graph = graph
        self._packed = packed
        self._is_made_anew = is_made_anew
        self._lock = Lock()

    def pack(self) -> bytes:
        """The graph as bytes.

        Raises
        ------
        GraphError
            If a part of it cannot be sent; which.
        """
        if self._packed is None:
            try:
                self._packed = dumps(self._graph)
            except Exception as error:
                raise unsendable(self._graph.nodes, error).at(graph=self._graph.name) from error
        return self._packed

    def run(self, events: Events, seed: int, **options: Any) -> Run:
        """Run a part of a run."""
        if self._is_made_anew:
            return run_part(loads(self.pack()), events, seed, **options)
        with self._lock:
            if self._graph is None and self._packed is not None:
                self._graph = loads(self._packed)
                self._packed = None  # A worker has no room for models twice.
            graph = self._graph
            if _is_served(graph):
                # Objects of MLRun's declarations see events in one thread at a time.
                return run_part(graph, events, seed, **options)
        return run_part(graph, events, seed, **options)

    def __reduce__(self) -> tuple[Callable[..., Shipped], tuple[bytes, bool]]:
        return _arrived, (self.pack(), self._is_made_anew)


def _arrived(packed: bytes, is_made_anew: bool) -> Shipped:
    return Shipped(None, packed, is_made_anew=is_made_anew)


def _is_served(graph: Any) -> bool:
    return any(isinstance(node, (ServedNode, ServedGraph)) for node in graph.nodes.values())
