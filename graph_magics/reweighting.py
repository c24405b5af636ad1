"""Other weights for a router of a graph: nothing that a run holds is changed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from numbers import Real
from typing import Any, Protocol

from .errors import GraphError, a, listed, near
from .flow import Flow
from .mlrun.declaring import RootFlowStep, RouterStep
from .mlrun.routing.polls import Poll
from .mlrun.routing.voting import VotingNode
from .nodes import Node, replaced
from .routers import Splitter, weights_in
from .routers.base import Router


class Weighted(Protocol):
    """What a panel asks of a graph whose weights it turns."""

    @property
    def root(self) -> Any:
        """The flow of its steps."""
        ...

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by its dotted path."""
        ...

    name: str
    is_replaced: bool

    def set_weights(self, weights: Mapping[str, float], router: str | None = None) -> None:
        """Give the routes of a router other weights."""
        ...


def weighted_router(nodes: Mapping[str, Node], name: str | None = None) -> str:
    """Find the path of a router whose routes have weights.

    Parameters
    ----------
    nodes : mapping of str to Node
        Of a graph, by path.
    name : str, optional
        The router's path, or its name where that stands once; may be left out where the graph
        has one such router.

    Raises
    ------
    GraphError
        If there is no such router, or several.

    Examples
    --------
    >>> from graph_magics import Graph, VotingEnsemble
    >>> vote = VotingEnsemble(low=abs, high=round)
    >>> weighted_router(Graph("g", abs >> vote).nodes)
    'vote'
    """
    paths = list(weights_in(nodes))
    if name is None:
        if not paths:
            raise GraphError(
                "no router of it has weights; a VotingEnsemble and a Splitter have them"
            )
        if len(paths) > 1:
            raise GraphError(f"several routers have weights: say router=, one of {listed(paths)}")
        return paths[0]
    if name in paths:
        return name
    named = [path for path in paths if path.rpartition(".")[2] == name]
    if len(named) == 1:
        return named[0]
    if named:
        raise GraphError(f"several routers are called {name!r}: say which of {listed(named)}")
    known = f"; those with weights are {listed(paths)}" if paths else "; no router has weights"
    others = [path for path in nodes if name in (path, path.rpartition(".")[2])]
    if others:
        raise GraphError(f"{name!r} is a {nodes[others[0]].kind} without weights{known}")
    raise GraphError(f"no router is called {name!r}{near(str(name), paths)}{known}")


def weights_of(node: Node) -> dict[str, float]:
    """Give a router's weights, a number for each route: of a Splitter, percents.

    Examples
    --------
    >>> from graph_magics import Splitter
    >>> weights_of(Splitter(a=abs, b=round, weights={"a": 3, "b": 1}))
    {'a': 75.0, 'b': 25.0}
    """
    if isinstance(node, VotingNode):
        told = Poll(list(node.children), node._said("weights")).told
        return {route: float(told[route]) if told else 1.0 for route in node.children}
    assert isinstance(node, Router)
    if isinstance(node, Splitter) and not node.strict:
        return {route: round(100 * (share or 0.0), 10) for route, share in node.weights.items()}
    return {route: float(weight or 0.0) for route, weight in node.given_weights.items()}


def weights_by_router(nodes: Mapping[str, Node]) -> dict[str, dict[str, float]]:
    """Give the weights of every router that has some, by its path; but for those that cannot be."""
    found = {}
    for path in weights_in(nodes):
        with suppress(GraphError):  # Told when the graph starts.
            found[path] = weights_of(nodes[path])
    return found


def checked(node: Node, weights: Mapping[str, float]) -> dict[str, float]:
    """Give weights as a router would take them, a number for each route.

    Raises
    ------
    GraphError
        If they cannot be.

    Examples
    --------
    >>> from graph_magics import VotingEnsemble
    >>> checked(VotingEnsemble(a=abs, b=round), {"a": 2})
    {'a': 2.0, 'b': 0.0}
    """
    if not isinstance(weights, Mapping):
        raise GraphError(f"weights must be a dict of route to weight, got {a(weights)}")
    if isinstance(node, VotingNode):
        return dict(zip(node.children, node._weights(weights, missing=0.0), strict=True))
    assert isinstance(node, Router)
    given = node.reweighted(weights).given_weights
    return {route: float(weight) for route, weight in given.items()}


def reweighted(root: Node, path: str, weights: Mapping[str, float]) -> Node:
    """Give a root like this one with other weights of a router in it; all else is the same.

    Parameters
    ----------
    root : Node
    path : str
        Dotted, of the router.
    weights : mapping of str to float

    Raises
    ------
    GraphError
        If the weights cannot be, or what stands around the router cannot be changed.
    """
    node = root
    for name in path.split("."):
        if not isinstance(node, (Flow, Router)):
            raise GraphError(
                "it stands in a graph that was declared by MLRun's calls; set its weights there, "
                "and declare this graph again"
            )
        node = node.children[name]
    assert isinstance(node, Router)
    return replaced(root, {path: node.reweighted(weights)})


def redeclare(declared: Any, root: Node, path: str, weights: Any) -> None:
    """Declare other weights of a router by MLRun's calls; the objects are then made anew.

    Parameters
    ----------
    declared : RootFlowStep or RootRouterStep
    root : Node
        What was made of it.
    path : str
        Of the router.
    weights : mapping of str to float

    Raises
    ------
    GraphError
        If they cannot be, or the router is an object of the user's own.
    """
    name, *rest = path.split(".")
    node = root.children[name]
    step = declared.steps[name] if isinstance(declared, RootFlowStep) else declared
    while rest and isinstance(step, RouterStep):
        name, *rest = rest
        node, step = node.children[name], step.routes[name]
    if isinstance(node, VotingNode):
        if not inspect.isclass(node.made_of):
            raise GraphError("it is an object of your own; change its weights, or give its class")
        # As in Python: MLRun's own check lets negative ones pass.
        checked(node, weights)
        step.class_args = {**step.class_args, "weights": Poll(list(node.children), weights).told}
    else:
        inner = step.class_name
        step.class_name = (
            reweighted(inner, ".".join(rest), weights) if rest else inner.reweighted(weights)
        )
    step._changed()


def is_of_manifest(node: Node) -> bool:
    """Tell whether a router's weights are percents that stand in a manifest."""
    return isinstance(node, Splitter) and node.strict


def with_percents(
    document: Mapping[str, Any], node_name: str, routes: Sequence[str], weights: Any
) -> dict[str, Any]:
    """Give a manifest like this one with other weights at a node.

    Parameters
    ----------
    document : mapping
        The manifest.
    node_name : str
        Of a Splitter in it.
    routes : sequence of str
        The names of its steps, in their order.
    weights : mapping of str to float
        A whole percent for each route.

    Raises
    ------
    GraphError
        If they are not that. Their sum is left to admission.
    """
    if not isinstance(weights, Mapping):
        raise GraphError(f"weights must be a dict of route to weight, got {a(weights)}")
    for name in weights:
        if name not in routes:
            hint = near(str(name), routes) or "."
            raise GraphError(
                f"weights name {name!r}, which is no route{hint} The routes are {listed(routes)}"
            )
    lacking = [name for name in routes if name not in weights]
    if lacking:
        raise GraphError(f"no weight is given for {listed(lacking)}")
    for name, weight in weights.items():
        is_number = isinstance(weight, Real) and not isinstance(weight, bool)
        if not is_number or weight != weight // 1 or not 0 <= weight <= 100:
            raise GraphError(
                f"the weight of {name!r} must be a whole percent, as KServe has it, got {weight!r}"
            )
    twin = deepcopy(dict(document))
    spec = twin.get("spec", twin)
    for name, step in zip(routes, spec["nodes"][node_name]["steps"], strict=True):
        step["weight"] = int(weights[name])
    return twin
