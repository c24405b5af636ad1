"""`Switch`: each event to the first route whose condition holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...batch import Batch
from ...context import Context
from ...errors import GraphError
from ...failures import Failure
from ..conditions import label_of
from .base import KServeRouter, RouterError, lost


class NoRoute(RouterError):
    """No condition of a Switch holds for an event; as with KServe, a 404."""

    status = 404


class Switch(KServeRouter):
    """Send each event to the first route whose condition holds (KServe router).

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs.
    conditions : mapping of str to condition, optional
        Route to its condition: a pandas query such as ``"age > 30"``, a GJSON path that must
        exist in the event, such as ``"instances.#(age>30)"``, or a function of an event (or of
        a whole DataFrame, if annotated so). The last route may go without one: it takes the
        rest. An event for which none holds fails with status 404.
    strict : bool
        Whether it has the manners of KServe's own router, as in manifests: responses are
        answered with their status, whatever it is.

    Raises
    ------
    GraphError
        If a condition is missing or is neither a query of columns, numbers and texts nor a path.

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
    chooses = True
    takes = frozenset({"condition"})

    def __init__(
        self,
        *routes: Any,
        conditions: Mapping[str, Any] | None = None,
        name: str | None = None,
        strict: bool = False,
        **named: Any,
    ) -> None:
        super().__init__(routes, named, name=name, strict=strict)
        #: Condition of each route, as declared; the last may lack one.
        self.conditions: Mapping[str, str | Callable[..., Any]] = {
            route: condition
            for route, condition in self._option("condition", conditions).items()
            if condition is not None
        }
        last = next(reversed(self._routes), None)
        for route in self._routes:
            if route not in self.conditions and (strict or route != last):
                raise GraphError(
                    f"the route {route!r} has no condition; only the last may go without, "
                    "and takes the rest",
                    node=name,
                )
        self._conditions = self._compiled(self.conditions)

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
        for route, name in enumerate(self._routes):
            if not len(rows):
                break
            condition = self._conditions.get(name)
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
            answers.append((matched, self.send(name, chosen, context)))
            if chosen is not batch:
                chosen.forget()
            rows = rest
        context.chose(list(self._routes), choice)
        nowhere = "None of the routes matched with the switch condition"
        error = NoRoute(nowhere if self.strict else "no condition holds for the event")
        return batch.merge(answers, {**failures, **lost(batch, rows, error, context)})
