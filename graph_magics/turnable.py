"""`Turnable`: a graph whose routers take other weights."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .binding import bound_flow
from .errors import GraphError
from .flow import Flow
from .mlrun.face import Served
from .nodes import Node, walk
from .reweighting import (
    Weighted,
    is_of_manifest,
    redeclare,
    reweighted,
    weighted_router,
    with_percents,
)

if TYPE_CHECKING:
    from .formats.kserve.building import Services
    from .run import Run
    from .widgets import WeightsPanel

#: Two threads that set weights of two routers would each leave out what the other does.
_TURN = threading.Lock()


class Turnable:
    """The weights of a graph's routers; a part of `Graph`."""

    name: str
    #: Whether a cell has declared another graph of its name since.
    is_replaced: bool = False
    root: Any
    manifest: Mapping[str, Any] | None
    _served: Served | None
    _root: Flow | None
    _warnings: list[str]
    #: Of a graph of a manifest: its services, and the manifest's node of each router's path.
    _built: tuple[Services, Mapping[str, str]] | None

    def set_weights(self, weights: Mapping[str, float], router: str | None = None) -> None:
        """Give the routes of a VotingEnsemble or a Splitter other weights.

        Runs and drawings from now on go by these. Runs that were made before keep what they
        ran, and so do nodes that you hold yourself: ``graph[...]`` gives the new ones. Of a
        manifest's Splitter the manifest changes, too. A graph declared by MLRun's calls makes
        its objects anew, as it does whenever it is declared otherwise.

        Parameters
        ----------
        weights : mapping of str to float
            Route to weight; only their ratios count. In a VotingEnsemble a route that is not
            named counts 0. In a manifest they are whole percents with the sum 100.
        router : str, optional
            Its name or path, as ``"vote"``; may be left out where one router alone has weights.

        Raises
        ------
        GraphError
            If there is no such router, or several; if a weight is missing, negative or no
            number, or all are 0. Nothing is changed then.

        Examples
        --------
        >>> from graph_magics import Graph, VotingEnsemble
        >>> graph = Graph("g", VotingEnsemble(a=lambda e: 1.0, b=lambda e: 3.0))
        >>> graph.test({"x": 5})
        2.0
        >>> graph.set_weights({"a": 3, "b": 1})
        >>> graph.test({"x": 5})
        1.5
        """
        path = None
        try:
            with _TURN:
                root = self.root
                nodes = dict(walk(root))
                path = weighted_router(nodes, router)
                if self._served is not None:
                    redeclare(self._served.declared, root, path, weights)
                elif is_of_manifest(nodes[path]):
                    self._rebuild(path, nodes[path], weights)
                else:
                    self._root = cast(Flow, reweighted(root, path, weights))
        except GraphError as error:
            raise error.at(graph=self.name, node=path) from None

    def weights_panel(
        self: Weighted,
        router: str | None = None,
        *,
        run: Run | None = None,
        y: Any = None,
        metric: str | None = None,
    ) -> WeightsPanel:
        """Turn the weights of a VotingEnsemble or a Splitter by hand, in a notebook.

        Parameters
        ----------
        router : str, optional
            Its name or path; may be left out where one router alone has weights.
        run : Run, optional
            Of this graph: the panel then tells which of its events would be answered otherwise.
        y : Series, array or list, optional
            The run's target: it then tells the metric, too, and can search the best weights.
        metric : str, optional
            A column of `Comparison.summary`; ``accuracy`` or ``mae`` if absent.

        Returns
        -------
        WeightsPanel
            Shows itself in a notebook. Its ``weights`` can be set, read and linked to.

        Raises
        ------
        GraphError
            If there is no such router, the run is of another graph, or the target does not fit.
        """
        from .widgets import WeightsPanel

        return WeightsPanel(self, router, run=run, y=y, metric=metric)

    def _rebuild(self, path: str, node: Node, weights: Mapping[str, float]) -> None:
        """Make the manifest with other weights, and the routers anew: others jump to them."""
        from .formats.kserve.building import build

        if self._built is None or self.manifest is None:
            raise GraphError(
                "it stands in a graph of a manifest; set its weights there, and declare this "
                "graph again"
            )
        services, names = self._built
        document = with_percents(self.manifest, names[path], list(node.children), weights)
        built = build(document, services)
        root = bound_flow(built.root, [{}])
        self._root, self.manifest, self._warnings = root, built.document, built.warnings
