"""`Router` and `Route`: what all routers share."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from numbers import Real
from typing import Any, ClassVar, Self

from ..batch import Batch
from ..context import Context
from ..errors import GraphError, listed, near
from ..naming import numbered, written_names
from ..nodes import Node, as_node
from .together import ExecutorType, Together

OPTIONS = ("weight", "condition", "data", "dependency", "map_predictions_to_instances")
"""What a `Route` may say; the names are those of KServe's fields, in snake case."""


class Route:
    """A node with what its router should know of it.

    Parameters
    ----------
    node : step, model, router or graph
        Whatever may stand where a step is expected.
    weight : float, optional
        Its share of a Splitter, or its weight in a VotingEnsemble.
    condition : callable or str, optional
        When a Switch sends an event here; or of the response before, when a Sequence goes on.
    data : {"$request", "$response"}, optional
        What a Sequence sends: its own request, or the response of the step before (if absent).
    dependency : {"Soft", "Hard"}, optional
        Of a Sequence or an Ensemble: what comes of a response that is no success. Soft: it is
        a response like any other. Hard: it is the answer. If absent, the event fails.
    map_predictions_to_instances : bool
        Whether a Sequence sends ``{"predictions": [...]}`` as ``{"instances": [...]}``.

    Examples
    --------
    >>> from graph_magics import Route, Splitter
    >>> Splitter(old=Route(abs, weight=90), new=Route(round, weight=10)).route_labels
    {'old': '90 %', 'new': '10 %'}
    """

    def __init__(
        self,
        node: Any,
        *,
        weight: float | None = None,
        condition: Any = None,
        data: str | None = None,
        dependency: str | None = None,
        map_predictions_to_instances: bool = False,
    ) -> None:
        (self.name,) = written_names((node,))
        self.node = node
        self.weight = weight
        self.condition = condition
        self.data = _one_of(data, ("$request", "$response"), "data")
        self.dependency = _one_of(dependency, ("Soft", "Hard"), "dependency")
        if not isinstance(map_predictions_to_instances, bool):
            raise GraphError(
                "map_predictions_to_instances must be True or False, "
                f"got {map_predictions_to_instances!r}"
            )
        self.map_predictions_to_instances = map_predictions_to_instances

    def given(self, option: str) -> Any:
        """What the route says of an option; None if nothing."""
        value = getattr(self, option)
        return None if value is False and option == "map_predictions_to_instances" else value


def _one_of(value: str | None, known: Sequence[str], what: str) -> str | None:
    if value is not None and value not in known:
        raise GraphError(f"{what} must be {' or '.join(map(repr, known))}, got {value!r}")
    return value


class Router(Node):
    """A node that sends events to its routes and puts their answers together.

    Routes are given positionally, and then named as they are written (``forest``), or as
    keywords (``rf=forest``).
    """

    predicts = True
    #: Which options of `Route` this router understands.
    takes: frozenset[str] = frozenset()
    #: How the routes are run, as MLRun has it; None: as `Together` finds to be quicker.
    executor_type: ExecutorType | None = None
    #: Whether its routes have weights by which it answers.
    weighs: ClassVar[bool] = False

    def __init__(
        self,
        routes: Sequence[Any],
        named: Mapping[str, Any],
        *,
        name: str | None = None,
        may_be_empty: bool = False,
    ) -> None:
        self.name = name
        self._together: Together | None = None
        written = written_names(routes)
        declared = [
            *map(_Declared.of, routes, written),
            *(_Declared.of(thing, key) for key, thing in named.items()),
        ]
        if not declared and not may_be_empty:
            raise GraphError(f"a {self.kind} needs at least one route", node=name)
        for one in declared:
            self._check_options(one.route)
        nodes = []
        for place, one in enumerate(declared):
            try:
                nodes.append(self._route_node(one.thing))
            except GraphError as error:
                # A keyword that is no route may be an option with a slip of the pen.
                if one.name is not None and one.name in named:
                    error.message += near(one.name, inspect.signature(type(self)).parameters)
                raise error.at(node=one.name or f"route {place + 1} of {self.kind}") from None
        names = _names(declared[: len(routes)], nodes, list(named), self.kind)
        self._routes = dict(zip(names, nodes, strict=True))
        self._options = {
            name: one.route for name, one in zip(names, declared, strict=True) if one.route
        }

    def _route_node(self, thing: Any) -> Node:
        """Make a route's node; routers that want other answers of a model override this."""
        return as_node(thing)

    @property
    def children(self) -> Mapping[str, Node]:
        """The routes by name, in the order declared."""
        return self._routes

    def _run_all(self, send: Callable[[str, Context], Batch], context: Context) -> list[Batch]:
        """Send something to all routes, as their router runs them."""
        if self._together is None:
            self._together = Together(self._routes, self.executor_type)
        return self._together.run(send, context)

    def _check_options(self, route: Route | None) -> None:
        for option in OPTIONS:
            if route and route.given(option) is not None and option not in self.takes:
                raise GraphError(f"a {self.kind} has no {option} on its routes", node=self.name)

    def _option(self, option: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """One value a route: of ``weights={...}`` or ``conditions={...}``, or of the Routes."""
        values = {
            name: route.given(option)
            for name, route in self._options.items()
            if route.given(option) is not None
        }
        if given is None:
            return values
        if not isinstance(given, Mapping):
            raise GraphError(
                f"{option}s must be a dict of route to {option}, such as "
                f"{{{next(iter(self._routes))!r}: ...}}; got {type(given).__name__}",
                node=self.name,
            )
        if values:
            raise GraphError(f"give {option}s either on the routes or as {option}s=, not both")
        for name in given:
            if name not in self._routes:
                raise GraphError(
                    f"{option}s name {name!r}, which is no route"
                    f"{near(str(name), self._routes) or '.'} The routes are {listed(self._routes)}",
                    node=self.name,
                )
        return dict(given)

    def reweighted(self, weights: Mapping[str, float]) -> Self:
        """Give the same router with other weights; this one stays as it is.

        Parameters
        ----------
        weights : mapping of str to float
            Route to weight, as ``weights=`` takes them.

        Raises
        ------
        GraphError
            If it has no weights, or these cannot be.
        """
        if not self.weighs:
            raise GraphError(f"a {self.kind} has no weights", node=self.name)
        if weights is None:
            raise GraphError("say the weights, a dict of route to weight", node=self.name)
        twin = copy(self)
        twin._options = {}
        for name, route in self._options.items():
            twin._options[name] = copy(route)
            twin._options[name].weight = None
        twin._weigh(twin._other_weights(weights))
        return twin

    def _other_weights(self, weights: Mapping[str, float]) -> Mapping[str, float]:
        """Weights given for others, as the router takes them."""
        return weights

    @property
    def given_weights(self) -> Mapping[str, Any]:
        """Weight of each route, as it was given; nothing for a router without weights."""
        return {}

    def _weigh(self, weights: Mapping[str, float] | None) -> None:
        """Take weights; routers that have some override this."""
        raise NotImplementedError

    def with_children(self, children: Mapping[str, Node]) -> Self:
        """Give the same router with other routes of the same names."""
        twin = copy(self)
        twin._routes = dict(children)
        twin._together = None  # It knows of the others.
        return twin

    def _weights(self, given: Mapping[str, float] | None, missing: float | None) -> list[float]:
        """The weight of each route; equal where none is given at all."""
        weights = self._option("weight", given)
        if not weights and given is None:
            return [1.0] * len(self._routes)
        self._check_weights(weights)
        if missing is None and len(weights) < len(self._routes):
            lacking = [name for name in self._routes if name not in weights]
            raise GraphError(f"no weight is given for {listed(lacking)}", node=self.name)
        result = [float(weights.get(name, missing or 0.0)) for name in self._routes]
        if not sum(result):
            raise GraphError("the weights are all 0; give one route a greater one", node=self.name)
        if not math.isfinite(sum(result)):
            raise GraphError("the weights are too large to be added", node=self.name)
        return result

    def _check_weights(self, weights: Mapping[str, Any]) -> None:
        for name, weight in weights.items():
            number = isinstance(weight, Real) and not isinstance(weight, bool)
            if not number or not math.isfinite(weight) or weight < 0:
                raise GraphError(
                    f"the weight of {name!r} must be a number from 0 on, got {weight!r}",
                    node=self.name,
                )


def weights_in(nodes: Mapping[str, Node]) -> dict[str, Mapping[str, Any]]:
    """Give the weights, as they were given, of every router that has some, by path."""
    return {
        path: dict(node.given_weights)
        for path, node in nodes.items()
        if isinstance(node, Router) and node.weighs and node.children
    }


class _Declared:
    """A route as the user declared it."""

    def __init__(self, thing: Any, name: str | None, route: Route | None) -> None:
        self.thing = thing
        self.name = name
        self.route = route

    @classmethod
    def of(cls, thing: Any, name: str | None) -> _Declared:
        if isinstance(thing, Route):
            return cls(thing.node, name or thing.name, thing)
        return cls(thing, name, None)


def _names(
    positional: Sequence[_Declared], nodes: Sequence[Node], keywords: list[str], kind: str
) -> list[str]:
    """Names for all routes: given to the node, else as written, else after the thing itself."""
    given = [node.name for node in nodes[: len(positional)] if node.name] + keywords
    twice = {name for name in given if given.count(name) > 1}
    if twice and len({id(node) for node in nodes}) == len(nodes):
        raise GraphError(f"two routes of a {kind} are called {sorted(twice)[0]!r}; rename one")
    names = [
        node.name or one.name or node.natural_name()
        for one, node in zip(positional, nodes, strict=False)
    ]
    return [*numbered(names, keywords), *keywords]
