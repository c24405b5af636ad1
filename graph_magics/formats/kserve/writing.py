"""A graph of Python parts as the nodes of a spec, which answer as it does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import GraphError, listed
from ...flow import Flow
from ...nodes import Node, walk
from ...routers import Ensemble, ParallelRun, Router, Sequence, Splitter, Switch, VotingEnsemble
from ...routers.jump import Jump, NoNode
from ...routers.kserve import KServeRouter
from ...steps import Model, Remote, Step
from ...steps.unbound import Unbound
from .building import MOST_NESTED
from .deadends import ROOT
from .differences import of_ends, of_ensembles, of_remotes, of_rounding, whole_timeout
from .services import function_told, merge_told, model_told, vote_told
from .terms import Names, is_exact, legal_name, path_of, percents

Spec = dict[str, Any]


class Writer:
    """Writes the nodes of a spec, and what is to be known besides.

    A route that says nothing of its dependency is Hard: in Python an event fails with the step
    that fails.

    Parameters
    ----------
    root : Node
        The flow of a graph.

    Raises
    ------
    GraphError
        If KServe has no word for a part of it, which is named.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> written = Writer(Graph("g", Sequence(small=abs, text=hex)).root)
    >>> written.nodes["root"]["steps"][1]
    {'name': 'text', 'serviceName': 'text', 'data': '$response'}
    >>> written.services
    {'small': 'the function abs', 'text': 'the function hex'}
    """

    def __init__(self, root: Node) -> None:
        self.nodes: dict[str, Spec] = {}
        self.services: dict[str, str] = {}
        #: In what the spec differs from the graph.
        self.notes: list[str] = []
        self._ensembles: list[str] = []
        self._remotes: dict[str, Remote] = {}
        # One node of the spec, or one service, for a node that stands on several routes.
        self._known: dict[Node, str] = {}
        self._alike: dict[tuple[str, int, str], str] = {}
        self._node_names = Names([ROOT])
        self._service_names = Names(_spoken_for(root), legal_name)
        node, path = _unwrapped(root, "")
        self._known[node] = ROOT
        self._write(ROOT, node, path, 0)
        #: Seconds that a service may take, where that can be said.
        self.timeout = whole_timeout(self._remotes)
        self.notes += of_remotes(self._remotes, self.services)
        self.notes += of_ensembles(self._ensembles)

    # --- nodes

    def _write(self, name: str, node: Node, path: str, depth: int) -> None:
        self._check_depth(path, depth)
        self.nodes[name] = {}  # Its place is before those of the nodes inside it.
        match node:
            case Flow():
                kind, steps = "Sequence", self._flow(node, path, depth)
            case KServeRouter():
                kind, steps = node.kind, self._kserve(node, path, depth)
            case VotingEnsemble():
                kind, steps = "Sequence", self._vote(node, path, depth)
            case ParallelRun():
                kind, steps = "Sequence", self._merge(node, path, depth)
            case _:
                raise GraphError(
                    f"KServe has nothing like a {node.kind}; let a function do its work, which "
                    "becomes a service",
                    node=path,
                )
        self.nodes[name].update(routerType=kind, steps=steps)
        if kind == "Ensemble":
            self._note_ensemble(name, node)

    def _flow(self, flow: Flow, path: str, depth: int) -> list[Spec]:
        chain = _chain(flow, path)
        steps = []
        for place, name in enumerate(chain):
            data = "$response" if place else None
            dependency = "Hard" if place < len(chain) - 1 else None
            steps.append(self._route(flow, name, path, depth, data=data, dependency=dependency))
        return steps

    def _kserve(self, router: KServeRouter, path: str, depth: int) -> list[Spec]:
        weights = self._weights(router, path)
        return [
            self._route(
                router,
                name,
                path,
                depth,
                key=router._keys[place] if isinstance(router, Ensemble) else name,
                data=_data(router, name, place),
                condition=_condition(router, name, path),
                weight=weights.get(name),
                dependency=_dependency(router, name, place),
                mapPredictionsToInstances=router._said(name, "map_predictions_to_instances"),
            )
            for place, name in enumerate(router.children)
        ]

    def _weights(self, router: KServeRouter, path: str) -> Mapping[str, int | None]:
        if not isinstance(router, Splitter):
            return {name: router._said(name, "weight") for name in router.children}
        if router.strict:
            return dict(router.given_weights)
        shares = {name: share or 0.0 for name, share in router.weights.items()}
        try:
            weights = percents(shares)
        except GraphError as error:
            raise error.at(node=path) from None
        if not is_exact(weights, shares):
            self.notes.append(of_rounding(path, shares, weights))
        return weights

    def _vote(self, vote: VotingEnsemble, path: str, depth: int) -> list[Spec]:
        ensemble = self._ensemble(vote, path, depth)
        voter = self._service(f"{path}-tally", vote_told(vote, path))
        return [ensemble, {"name": voter, "serviceName": voter, "data": "$response"}]

    def _merge(self, merge: ParallelRun, path: str, depth: int) -> list[Spec]:
        more, event = [], None
        if merge.extend_event or merge.merger is not None:
            # An Ensemble's answer is without the event: a service has to hand it on.
            event = Names(merge.children).of("event")
            echo = self._service(f"{path}-event", "the very body that it is sent")
            more.append({"name": event, "serviceName": echo, "dependency": "Hard"})
        ensemble = self._ensemble(merge, path, depth, more)
        merger = self._service(f"{path}-merge", merge_told(merge, path, event))
        return [ensemble, {"name": merger, "serviceName": merger, "data": "$response"}]

    def _note_ensemble(self, name: str, router: Node) -> None:
        # A model server answers an object, whatever the model predicts.
        if not all(isinstance(node, Model) for node in router.children.values()):
            self._ensembles.append(name)

    def _ensemble(self, router: Router, path: str, depth: int, more: Iterable[Spec] = ()) -> Spec:
        """A step to the routes of a router, and their answers by name."""
        self._check_depth(path, depth + 1)
        name = self._node_names.of(f"{path}-routes")
        self._note_ensemble(name, router)
        self.nodes[name] = {}
        routes = [
            self._route(router, route, path, depth + 1, dependency="Hard")
            for route in router.children
        ]
        self.nodes[name].update(routerType="Ensemble", steps=[*more, *routes])
        return {"name": name, "nodeName": name, "dependency": "Hard"}

    def _check_depth(self, path: str, depth: int) -> None:
        if depth >= MOST_NESTED:
            raise GraphError(f"more than {MOST_NESTED} nodes stand inside each other", node=path)

    # --- steps

    def _route(
        self, around: Node, name: str, path: str, depth: int, *, key: str | None = None, **said: Any
    ) -> Spec:
        node, here = around.children[name], _below(path, name)
        step = {"name": key or name, **self._target(node, here, depth)}
        self.notes += of_ends(around, name, node, _unwrapped(node, here)[0], here)
        return step | {field: value for field, value in said.items() if value is not None}

    def _target(self, node: Node, path: str, depth: int) -> Spec:
        match node:
            case NoNode():
                raise GraphError(
                    f"it leads nowhere ({node.reason}), and no cluster takes that; "
                    "put a step there, or leave the route out",
                    node=path,
                )
            case Jump():
                return {"nodeName": self._node(node.target, node.path, depth)}
            case Remote():
                if not node.url:
                    raise GraphError("the service has no URL; bind something to it", node=path)
                self._remotes[path] = node
                return {"serviceUrl": node.url}
            case Unbound():
                told = "a service of this name, to which nothing was bound"
                self.services.setdefault(node.service, told)
                return {"serviceName": node.service}
            case Model():
                return {"serviceName": self._service_of(node, path, model_told(node))}
            case Step():
                return {"serviceName": self._service_of(node, path, function_told(node, path))}
        return {"nodeName": self._node(node, path, depth)}

    def _node(self, node: Node, path: str, depth: int) -> str:
        node, inner = _unwrapped(node, path)
        if node not in self._known:
            self._known[node] = name = self._node_names.of(path)
            self._write(name, node, inner, depth + 1)
        return self._known[node]

    def _service_of(self, node: Model | Step, path: str, told: str) -> str:
        """The service for a step; one for two that have the same thing and name."""
        if isinstance(node, Model):
            same = (path.rpartition(".")[2], id(node.model), node.method)
        else:
            same = (path.rpartition(".")[2], id(node.function), str(node.batch))
        known = self._known.get(node) or self._alike.get(same)
        self._known[node] = self._alike[same] = known or self._service(path, told)
        return self._known[node]

    def _service(self, path: str, told: str) -> str:
        name = self._service_names.of(path)
        self.services[name] = told
        return name


def _data(router: KServeRouter, name: str, place: int) -> str | None:
    said: str | None = router._said(name, "data")
    if router.strict or not isinstance(router, Sequence):
        return said
    return (said or "$response") if place else None


def _dependency(router: KServeRouter, name: str, place: int) -> str | None:
    said: str | None = router._said(name, "dependency")
    if said or router.strict:
        return said
    is_last = place == len(router.children) - 1
    ends_all = isinstance(router, Ensemble) or (isinstance(router, Sequence) and not is_last)
    return "Hard" if ends_all else None


def _condition(router: KServeRouter, name: str, path: str) -> str | None:
    if not isinstance(router, (Sequence, Switch)):
        return None
    is_switch = isinstance(router, Switch)
    if name not in router.conditions:
        # A Switch's last route takes the rest: everything that is JSON has this path.
        return "@this" if is_switch else None
    try:
        condition = path_of(router.conditions[name], "instances" if is_switch else "predictions")
        if not condition and not is_switch:
            raise GraphError("the condition '' is none to KServe's Sequence; leave it out")
    except GraphError as error:
        raise error.at(node=_below(path, name)) from None
    return condition


def _unwrapped(node: Node, path: str) -> tuple[Node, str]:
    """What a flow of a single router is: that router."""
    while isinstance(node, Flow) and len(node.children) == 1:
        ((name, step),) = node.children.items()
        if not isinstance(step, (Flow, Router)):
            break
        node, path = step, _below(path, name)
    return node, path


def _chain(flow: Flow, path: str) -> list[str]:
    """The steps of a flow one after the other; an error if it branches."""
    edges = flow.edges
    before = Counter(target for _, target in edges)
    after = Counter(source for source, _ in edges)
    instead = "KServe has no branches; let one step be an Ensemble of them"
    for name in flow.children:
        here = _below(path, name)
        if after[name] > 1:
            told = listed(target for source, target in edges if source == name)
            raise GraphError(f"{told} come after it, and {instead}", node=here)
        if before[name] > 1:
            told = listed(source for source, target in edges if target == name)
            raise GraphError(f"{told} come before it, and {instead}", node=here)
    starts = [name for name in flow.children if not before[name]]
    if len(starts) > 1:
        raise GraphError(
            f"the events come in here and at {listed(starts[1:])}, and {instead}",
            node=_below(path, starts[0]),
        )
    follower, chain = dict(edges), starts
    while chain[-1] in follower:
        chain.append(follower[chain[-1]])
    return chain


def _spoken_for(root: Node) -> Iterable[str]:
    """Words that a service bound by them would be put in place of another."""
    for path, node in walk(root):
        if isinstance(node, Unbound):
            yield from (node.service, path.rpartition(".")[2])
        elif isinstance(node, Remote):
            yield path.rpartition(".")[2]
            yield re.split(r"[./:?#]", node.title, maxsplit=1)[0]


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
