"""`WhatIf`: what other weights of a router would have given, of a run that is done."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import numpy as np
import pandas as pd

from .alike import alike
from .bodies import objects, take
from .errors import GraphError, a, listed, near
from .nodes import Node, replaced
from .outputs import Output
from .recorded import Recorded
from .reweighting import weighted_router
from .routers import Router, Splitter, VotingEnsemble
from .unkept import Unkept

R = TypeVar("R", bound=Recorded)


class WhatIf(Generic[R]):
    """What other weights of one router would have given, of a run.

    The run, its graph and the router stay as they are. It may be called from any thread, by
    one at a time.

    Parameters
    ----------
    run : Run
    router : str, optional
        The router's name or dotted path, if several routers of the graph have weights.
    ask : bool
        Whether a Splitter's routes are asked, once, for the events that they did not get.

    Attributes
    ----------
    router : str
        Its dotted path.
    kind : str
        ``"VotingEnsemble"`` or ``"Splitter"``.
    routes : tuple of str
    weights : dict of str to float
        The router's own in the run, adding up to 1.

    Raises
    ------
    GraphError
        If there is no such router, or it has no weights.

    Examples
    --------
    >>> from graph_magics import Graph, VotingEnsemble
    >>> vote = VotingEnsemble(a=lambda x: 1, b=lambda x: x % 2, c=lambda x: 0)
    >>> what_if = WhatIf(Graph("g", vote).run([2, 3]))
    >>> what_if.router, what_if.routes
    ('vote', ('a', 'b', 'c'))
    >>> what_if.answers({"a": 3, "b": 1, "c": 1}).tolist()
    [1, 1]
    >>> what_if.changed({"a": 3, "b": 1, "c": 1}).tolist()
    [True, False]
    >>> what_if.single("b").tolist()
    [0, 1]
    """

    def __init__(self, run: R, router: str | None = None, *, ask: bool = True) -> None:
        if isinstance(run, Unkept):
            run.refuse("what_if(weights)")
        self._run = run
        self._ask = ask
        try:
            self.router = weighing(run, router)
        except GraphError as error:
            raise error.at(graph=run.graph) from None
        self._node: Any = others_of(run, {})[1].get(self.router, run._nodes[self.router])
        self.kind: str = self._node.kind
        self.routes: tuple[str, ...] = tuple(self._node.children)

    @property
    def weights(self) -> dict[str, float]:
        """The router's own weights in the run, adding up to 1."""
        return {route: share or 0.0 for route, share in self._node.weights.items()}

    @property
    def given_weights(self) -> dict[str, float]:
        """The router's own weights in the run, as they were given.

        A vote is counted with these: made to add up to 1 they may make a tie, or break one.
        """
        given = self._node.given_weights
        if not given:  # MLRun's classes know when nobody gave any.
            return dict.fromkeys(self.routes, 1.0)
        return {route: float(given.get(route) or 0.0) for route in self.routes}

    def run_with(self, weights: Mapping[str, float]) -> R:
        """Give the whole run under other weights, with all that a run has."""
        try:
            return rerun(self._run, {self.router: weights}, ask=self._ask)
        except GraphError as error:
            raise error.at(graph=self._run.graph) from None

    def frame(self, weights: Mapping[str, float]) -> pd.DataFrame:
        """Give the frame of the run under other weights."""
        return self.run_with(weights).frame

    def answers(self, weights: Mapping[str, float]) -> pd.Series:
        """Give the response to each event under other weights, under the events' index.

        Missing where there is none; a row of a table that is the response is a dict.
        """
        return responses(self.run_with(weights))

    def changed(self, weights: Mapping[str, float]) -> np.ndarray:
        """Tell which events are answered otherwise under other weights, or only here or there.

        Answers are compared by value: 1, 1.0 and True are one, as they are one label where
        models are compared, and what is missing is like everything else that is missing.

        Returns
        -------
        ndarray of bool, shape (n_events,)
        """
        size = len(self._run)
        one, other = self._own_response, self.run_with(weights)._response()
        mine, theirs = _answered(one, size), _answered(other, size)
        both = mine & theirs
        changed = mine != theirs
        if both.any():
            found = alike(_bodies_at(one, mine, both), _bodies_at(other, theirs, both))
            changed[both] = ~found
        return changed

    def traffic(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Give the share of events that each route is expected to get under these weights.

        Those of a Splitter, over all draws; every route of a VotingEnsemble gets all events.
        """
        if not isinstance(self._node, Splitter):
            self._reweighted(weights)
            return dict.fromkeys(self.routes, 1.0)
        return {route: share or 0.0 for route, share in self._reweighted(weights).weights.items()}

    def single(self, route: str) -> pd.Series:
        """Give the response to each event if that route alone had answered.

        Raises
        ------
        GraphError
            If there is no such route.
        """
        if route not in self.routes:
            raise GraphError(
                f"{route!r} is no route{near(str(route), self.routes) or '.'} "
                f"The routes are {listed(self.routes)}",
                graph=self._run.graph,
                node=self.router,
            )
        alone = alone_of(self._node, route)
        return responses(_with(self._run, {self.router: alone}, ask=self._ask))

    def __repr__(self) -> str:
        weights = ", ".join(f"{route} {share:.3g}" for route, share in self.weights.items())
        return f"WhatIf({self._run.graph}.{self.router}: {weights})"

    def _reweighted(self, weights: Mapping[str, float]) -> Any:
        try:
            return self._node.reweighted(weights)
        except GraphError as error:
            raise error.at(graph=self._run.graph, node=self.router) from None

    @cached_property
    def _own_response(self) -> Output:
        return self._run._response()


def rerun(run: R, weights: Mapping[str, Mapping[str, float]], *, ask: bool = True) -> R:
    """Go through a run again with other weights of some routers, by path.

    Raises
    ------
    GraphError
        If the weights cannot be.
    """
    others = {}
    for path, some in weights.items():
        try:
            others[path] = _router(run, path).reweighted(some)
        except GraphError as error:
            error.node = path
            raise
    return _with(run, others, ask=ask)


def _with(run: R, others: Mapping[str, Node], *, ask: bool) -> R:
    root, found = others_of(run, others)
    return run._again(root, found, ask=ask)


def others_of(run: Recorded, others: Mapping[str, Node]) -> tuple[Node, Mapping[str, Node]]:
    """Give the root with some routers replaced, and all routers that are not as in the run.

    Besides those that are given, these are routers whose weights were turned after the run.
    """
    turned = {
        path: _router(run, path).reweighted(weights)
        for path, weights in run._weights.items()
        if path not in others and dict(_router(run, path).given_weights) != weights
    }
    found = {**turned, **others}
    return replaced(run._root, found), found


def _router(run: Recorded, path: str) -> Router:
    return cast(Router, run._nodes[path])


def alone_of(router: Router, route: str) -> Router:
    """Give a router by which one route alone answers."""
    if router.kind == "VotingEnsemble":
        return cast(VotingEnsemble, router).alone(route)
    return router.reweighted({name: float(name == route) for name in router.children})


def by_router(run: Recorded, weights: Any, router: str | None) -> Mapping[str, Mapping[str, float]]:
    """Give the path of each router that other weights are given for, and these.

    Raises
    ------
    GraphError
        If it is not clear which routers are meant.
    """
    if not isinstance(weights, Mapping):
        raise GraphError(f"weights must be a dict of route to weight, got {a(weights)}")
    are_routers = [isinstance(some, Mapping) for some in weights.values()]
    if not any(are_routers):
        return {weighing(run, router): weights}
    if not all(are_routers) or router is not None:
        raise GraphError(
            "weights are either of routes, {route: weight}, or of routers, "
            "{router: {route: weight}}, which then need no router="
        )
    found: dict[str, Mapping[str, float]] = {}
    for name, some in weights.items():
        path = weighing(run, name)
        if path in found:
            raise GraphError(f"the weights of {path!r} are given twice")
        found[path] = some
    return found


def weighing(run: Recorded, router: str | None) -> str:
    """Give the path of the router that is meant: one with weights.

    Raises
    ------
    GraphError
        If there is none, or several and none is named.
    """
    return weighted_router(run._nodes, router)


def responses(run: Recorded) -> pd.Series:
    """Give the response to each event of a run, as one column."""
    output = run._response()
    columns = output.columns()
    if list(columns) == ["response"]:
        return pd.Series(columns["response"], index=run._events.index, name="response")
    rows = np.full(len(run), None, dtype=object)
    if output.parts:
        found = objects(output.joined)
        for position, body in zip(output.positions.tolist(), found, strict=True):
            rows[position] = body
    return pd.Series(rows, index=run._events.index, name="response", dtype=object)


def _answered(output: Output, size: int) -> np.ndarray:
    answered = np.zeros(size, dtype=bool)
    if output.parts:
        answered[output.positions] = True
    return answered


def _bodies_at(output: Output, answered: np.ndarray, wanted: np.ndarray) -> Any:
    """What was answered to some of the answered events."""
    if wanted.sum() == answered.sum():
        return output.joined
    return take(output.joined, np.flatnonzero(wanted[answered]))
