"""A manifest's nodes as routers: what KServe's router makes of a spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ... import gjson
from ...errors import GraphError, a, near
from ...naming import named_in, numbered
from ...nodes import Node, as_node
from ...outputs import RESERVED
from ...routers import Ensemble, Route, Sequence, Splitter, Switch
from ...routers.jump import Jump, NoNode
from ...routers.kserve import KServeRouter
from ...steps import Remote
from ...steps.unbound import Unbound
from .deadends import ROOT, warnings_of
from .manifests import admit, check_bare, is_bare, stored_spec

MOST_NESTED = 80
"""How many nodes may stand inside each other."""

# What a route cannot be called: columns of every run, and options of the routers.
_TAKEN = frozenset({*RESERVED, "route", "name", "strict", "weights", "conditions", "keys", "self"})
_KINDS: Mapping[str, Callable[..., KServeRouter]] = {
    "Sequence": Sequence,
    "Splitter": Splitter,
    "Switch": Switch,
    "Ensemble": Ensemble,
}
Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Services:
    """Where the services of a manifest are found.

    Parameters
    ----------
    bound : mapping of str to whatever may stand where a step is expected
        By ``serviceName``, ``serviceUrl``, the step's name or the URL's host.
    namespace : mapping
        A notebook's variables, in which a ``serviceName`` is looked up: ``sklearn-iris`` as
        ``sklearn_iris``.
    propagate_headers : str or None
        As KServe's ``PROPAGATE_HEADERS``.
    """

    bound: Mapping[str, Any]
    namespace: Mapping[str, Any]
    propagate_headers: str | None = None

    def over(self, other: Services) -> Services:
        """These, and those of others where these say nothing."""
        return Services(
            {**other.bound, **self.bound},
            {**other.namespace, **self.namespace},
            other.propagate_headers if self.propagate_headers is None else self.propagate_headers,
        )

    def needed_by(self, document: Any) -> Services:
        """These, with only those of the notebook's variables that a manifest may name."""
        return replace(self, namespace=named_in(document, self.namespace))


@dataclass(frozen=True)
class Built:
    """What became of a manifest: its name, its root, and what a user should know of it."""

    name: str
    root: Node
    warnings: list[str]
    document: Mapping[str, Any]
    #: The manifest's node of each router, by the router's path.
    nodes: Mapping[str, str]


def build(document: Mapping[str, Any], services: Services) -> Built:
    """Make the routers of a manifest.

    Parameters
    ----------
    document : mapping
        A manifest or a bare spec, as `manifests.read` gives it.
    services : Services

    Raises
    ------
    GraphError
        If a cluster would refuse it, or KServe's router not start with it or not answer any
        request; or if what is bound is no service.
    """
    if is_bare(document):
        spec = check_bare(document)
        warnings, name = warnings_of(spec["nodes"]), "graph"
    else:
        warnings = admit(document)
        spec = stored_spec(document)
        metadata = document["metadata"]
        name = metadata.get("name") or metadata["generateName"]
    builder = _Builder(spec, services, is_bare=is_bare(document))
    root = builder.node(ROOT, ROOT, ())
    builder.bind_jumps()
    root.name = ROOT
    warnings += builder.unused()
    return Built(name, root, warnings, document, builder.places)


class _Builder:
    """Makes each node where it is first led to; every other step that leads there jumps."""

    def __init__(self, spec: Spec, services: Services, *, is_bare: bool) -> None:
        self._nodes: Mapping[str, Spec] = spec["nodes"]
        self._services = services
        self._is_bare = is_bare
        timeouts = spec.get("routerTimeouts") or {}
        self._timeout = timeouts.get("serviceClient") or None
        self._paths: dict[str, str] = {}
        self._jumps: list[tuple[Jump, str]] = []
        self._made: dict[str, Node] = {}

    def node(self, node_name: str, path: str, around: tuple[str, ...]) -> Node:
        """Make a manifest's node, with all that stands inside it."""
        spec = self._nodes.get(node_name, {})
        kind = spec.get("routerType", "")
        router = _KINDS.get(kind)
        if router is None:
            return NoNode(f"invalid route type: {kind}")
        if len(around) >= MOST_NESTED:
            raise GraphError(f"more than {MOST_NESTED} nodes stand inside each other", node=path)
        self._paths[node_name] = path
        steps = spec.get("steps") or []
        names = _names(steps)
        routes = {}
        for place, (name, step) in enumerate(zip(names, steps, strict=True)):
            try:
                made = self._step(step, f"{path}.{name}", (*around, node_name))
                routes[name] = _route(made, step, kind)
            except GraphError as error:
                raise error.at(node=f"{node_name}, step {place}") from None
        options: dict[str, Any] = dict(routes)
        if router is Ensemble:
            keys = [step.get("name") or str(place) for place, step in enumerate(steps)]
            options["keys"] = dict(zip(names, keys, strict=True))
        made = router(strict=True, **options)
        self._made[node_name] = made
        return made

    def bind_jumps(self) -> None:
        """Lead every jump to its node, now that all are made: it may lead to one around it."""
        for jump, target in self._jumps:
            jump.target = self._made[target]

    @property
    def places(self) -> Mapping[str, str]:
        """Where each node of the manifest was made, by path."""
        return {path: node_name for node_name, path in self._paths.items()}

    def unused(self) -> list[str]:
        """What is bound to no service of the manifest, a line each."""
        words = {
            word
            for node in self._nodes.values()
            for step in node.get("steps") or []
            for word in _words(step)
        }
        return [
            f"nothing in the graph is called {name!r}, which was bound{near(name, words)}"
            for name in self._services.bound
            if name not in words
        ]

    def _step(self, step: Spec, path: str, around: tuple[str, ...]) -> Node:
        target = step.get("nodeName")
        if not target:
            return self._service(step)
        if target not in self._paths:
            return self.node(target, path, around)
        placed = self._paths[target]
        jump = Jump(NoNode(""), placed, path.count("."))
        self._jumps.append((jump, target))
        return jump

    def _service(self, step: Spec) -> Node:
        name, url = step.get("serviceName"), step.get("serviceUrl")
        for word in _words(step):
            if word in self._services.bound:
                return _as_service(word, self._services.bound[word], self._remote)
        if url or (self._is_bare and not name):
            return self._remote(url or "")
        for word in (name or "", re.sub(r"\W", "_", name or "")):
            if word in self._services.namespace:
                return _as_service(word, self._services.namespace[word], self._remote)
        # To the router itself, a name without a URL is nothing: a cluster puts the URL there.
        return self._remote("") if self._is_bare else Unbound(name or "")

    def _remote(self, url: str) -> Node:
        return Remote.as_declared(
            url, timeout=self._timeout, headers=self._services.propagate_headers
        )


def _words(step: Spec) -> list[str]:
    """What a step's service is called: in the manifest, or by the host of its URL."""
    if step.get("nodeName"):
        return []
    words = [step[field] for field in ("serviceName", "serviceUrl", "name") if step.get(field)]
    host = re.match(r"https?://([^/:?#]+)", step.get("serviceUrl") or "", re.IGNORECASE)
    return [*words, host[1], host[1].partition(".")[0]] if host else words


def _as_service(name: str, thing: Any, remote: Any) -> Node:
    if isinstance(thing, str) and re.match(r"https?://", thing, re.IGNORECASE):
        return remote(thing)
    try:
        node = as_node(thing)
    except GraphError:
        raise GraphError(
            f"the service {name!r} cannot be {a(thing)}; bind a function, a model, a graph or a URL"
        ) from None
    return node


def _route(node: Node, step: Spec, kind: str) -> Route:
    condition = step.get("condition") or ""
    is_read = kind == "Switch" or (kind == "Sequence" and condition)
    return Route(
        node,
        weight=step.get("weight"),
        condition=gjson.compile(condition) if is_read else None,
        # Other words say nothing to the router.
        data=step["data"] if step.get("data") in ("$request", "$response") else None,
        dependency=step["dependency"] if step.get("dependency") in ("Soft", "Hard") else None,
        map_predictions_to_instances=bool(step.get("mapPredictionsToInstances")),
    )


def _names(steps: list[Spec]) -> list[str]:
    """What the steps are called here: a path has dots, and some names are taken."""
    names = []
    for place, step in enumerate(steps):
        fields = ("name", "serviceName", "nodeName")
        given = next((step[field] for field in fields if step.get(field)), str(place))
        name = given.replace(".", "_")
        names.append(f"{name}_" if name in _TAKEN else name)
    return list(numbered(names))
