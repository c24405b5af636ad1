"""KServe's routers: Sequence, Splitter, Switch and Ensemble."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..batch import Batch, Failure
from ..draws import uniform
from ..errors import GraphError
from ..nodes import Context
from .base import Router
from .conditions import Condition, as_condition, label_of
from .merging import by_name, kind_by_kind


class Sequence(Router):
    """Run its routes one after the other; each is given what the one before answered.

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs, in their order.

    Examples
    --------
    >>> from graph_magics import Graph, Sequence
    >>> Graph("g", Sequence(abs, hex)).test(-31)
    '0x1f'
    """

    kind = "Sequence"

    def __init__(self, *routes: Any, name: str | None = None, **named: Any) -> None:
        super().__init__(routes, named, name=name)

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer with what the last route answers."""
        for name, node in self._routes.items():
            batch = context.run(name, node, batch)
        return batch


class Splitter(Router):
    """Send each event to one route, drawn by weight.

    The draw is a function of the run's seed, the node's path and the event's position: the
    same event goes the same way whatever stands beside it.

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs.
    weights : mapping of str to float, optional
        Route to its share; only their ratios count. Equal shares if absent.

    Raises
    ------
    GraphError
        If a weight is missing, negative or no number, or if all are 0.

    Examples
    --------
    >>> from graph_magics import Graph, Splitter
    >>> split = Splitter(old=abs, new=round, weights={"old": 75, "new": 25})
    >>> run = Graph("canary", split).run([1.5] * 1000, seed=7)
    >>> run.frame["split.route"].value_counts().to_dict()
    {'old': 747, 'new': 253}
    """

    kind = "Splitter"
    takes = frozenset({"weight"})

    def __init__(
        self,
        *routes: Any,
        weights: Mapping[str, float] | None = None,
        name: str | None = None,
        **named: Any,
    ) -> None:
        super().__init__(routes, named, name=name)
        shares = np.array(self._weights(weights, missing=None))
        shares /= shares.sum()
        #: Share of each route, adding up to 1.
        self.weights = dict(zip(self._routes, shares.tolist(), strict=True))
        self._bounds = np.cumsum(shares)[:-1]

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The share of each route in percent."""
        return {name: f"{100 * share:.3g} %" for name, share in self.weights.items()}

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer each event by the route drawn for it."""
        draws = uniform(context.seed, context.path, batch.positions)
        choice = np.searchsorted(self._bounds, draws, side="right").astype(np.int16)
        context.chose(list(self._routes), choice)
        answers = []
        for route, (name, node) in enumerate(self._routes.items()):
            rows = np.flatnonzero(choice == route)
            if len(rows):
                chosen = batch.select(rows)
                answers.append((rows, context.run(name, node, chosen)))
                chosen.forget()
        return batch.merge(answers)


class NoRoute(GraphError):
    """No condition of a Switch holds for an event; as with KServe, a 404."""

    status = 404


class Switch(Router):
    """Send each event to the first route whose condition holds (KServe router).

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs.
    conditions : mapping of str to condition, optional
        Route to its condition: a pandas query such as ``"age > 30"``, a function of an event
        (or of a whole DataFrame, if annotated so), or a GJSON path that must exist in the
        event, as ``gjson.compile("instances.#(age>30)")``. The last route may go without one:
        it takes the rest. An event for which none holds fails with status 404.

    Raises
    ------
    GraphError
        If a condition is missing or is no query of columns, numbers and texts.

    Examples
    --------
    >>> import pandas as pd
    >>> from graph_magics import Graph, Switch
    >>> by_age = Switch(minor=lambda e: "no", adult=lambda e: "yes",
    ...                 conditions={"minor": "age < 18"})
    >>> Graph("entry", by_age).run(pd.DataFrame({"age": [7, 70]})).frame["response"].tolist()
    ['no', 'yes']
    """

    kind = "Switch"
    takes = frozenset({"condition"})

    def __init__(
        self,
        *routes: Any,
        conditions: Mapping[str, Any] | None = None,
        name: str | None = None,
        **named: Any,
    ) -> None:
        super().__init__(routes, named, name=name)
        #: Condition of each route, as declared; the last may lack one.
        self.conditions: Mapping[str, str | Callable[..., Any]] = {
            route: condition
            for route, condition in self._option("condition", conditions).items()
            if condition is not None
        }
        last = next(reversed(self._routes))
        self._conditions: dict[str, Condition | None] = {}
        for route in self._routes:
            if route not in self.conditions and route != last:
                raise GraphError(
                    f"the route {route!r} has no condition; only the last may go without, "
                    "and takes the rest",
                    node=name,
                )
            condition = self.conditions.get(route)
            try:
                self._conditions[route] = None if condition is None else as_condition(condition)
            except GraphError as error:
                raise error.at(node=name or route) from None

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The condition of each route."""
        return {
            route: label_of(self.conditions[route]) if route in self.conditions else "otherwise"
            for route in self._routes
        }

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer each event by the first route whose condition holds."""
        choice = np.full(len(batch), -1, dtype=np.int16)
        rows, answers = np.arange(len(batch)), []
        failures: dict[int, Failure] = {}
        for route, (name, condition) in enumerate(self._conditions.items()):
            if not len(rows):
                break
            matched, rest = rows, rows[:0]
            if condition is not None:
                asked = batch if len(rows) == len(batch) else batch.select(rows)
                verdict = condition.run(asked, context)
                failures.update(verdict.failures)
                known = np.searchsorted(batch.positions, verdict.positions)
                holds = np.asarray(verdict.bodies, dtype=bool)
                matched, rest = known[holds], known[~holds]
            choice[matched] = route
            chosen = batch if len(matched) == len(batch) else batch.select(matched)
            answers.append((matched, context.run(name, self._routes[name], chosen)))
            if chosen is not batch:
                chosen.forget()
            rows = rest
        context.chose(list(self._routes), choice)
        if len(rows):
            lost = context.failure(NoRoute("no condition holds for the event"))
            failures.update((position, lost) for position in batch.positions[rows].tolist())
        return batch.merge(answers, failures)


class Ensemble(Router):
    """Send every event to all routes, and answer with their answers by name (KServe router).

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs.

    Examples
    --------
    >>> from graph_magics import Ensemble, Graph
    >>> Graph("both", Ensemble(up=lambda x: x + 1, down=lambda x: x - 1)).test(5)
    {'up': 6, 'down': 4}
    """

    kind = "Ensemble"

    def __init__(self, *routes: Any, name: str | None = None, **named: Any) -> None:
        super().__init__(routes, named, name=name)

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer each event with an object of route to answer."""
        answers = [context.run(name, node, batch) for name, node in self._routes.items()]
        here, answers = batch.together(answers)
        if not len(here):
            return here
        return kind_by_kind(here, dict(zip(self._routes, answers, strict=True)), by_name)
