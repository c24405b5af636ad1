"""`Sequence`: steps one after the other, each with a request or a response."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Several
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...batch import Batch
from ...bodies import Mixed, has_objects, objects
from ...context import Context
from ...errors import GraphError
from ...failures import Failure, united
from ...gojson import valid_at_any_depth
from ...wire import Raw
from ..conditions import Condition, label_of
from .base import KServeRouter, RouterError, lost
from .mapping import as_instances


class Sequence(KServeRouter):
    """Run its routes one after the other; each is given what the one before answered.

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs, in their order; or a `Route` of one, with ``data``,
        ``condition``, ``dependency`` and ``map_predictions_to_instances``.
    conditions : mapping of str to condition, optional
        Route to a condition on the response before it, as a `Switch` takes them. Where it
        does not hold, that response is the answer, with status 200 (KServe router).
    strict : bool
        Whether it has the manners of KServe's own router, as in manifests: routes are given
        the Sequence's request unless they say ``data="$response"``, every dependency is Soft
        unless it is said to be Hard, a condition on the first step is never met.

    Raises
    ------
    GraphError
        If an option cannot be, such as a condition on the first route.

    Examples
    --------
    >>> from graph_magics import Graph, Route, Sequence, gjson
    >>> Graph("g", Sequence(abs, hex)).test(-31)
    '0x1f'
    >>> score = lambda event: {"score": event["x"] / 10}
    >>> unsure = gjson.compile("@this|[score]|#(<0.6)")
    >>> careful = Sequence(score, Route(lambda event: "ask", data="$request", condition=unsure))
    >>> Graph("g", careful).run([{"x": 9}, {"x": 2}]).frame["response"].tolist()
    [{'score': 0.9}, 'ask']
    """

    kind = "Sequence"
    takes = frozenset({"condition", "data", "dependency", "map_predictions_to_instances"})

    def __init__(
        self,
        *routes: Any,
        conditions: Mapping[str, Any] | None = None,
        name: str | None = None,
        strict: bool = False,
        **named: Any,
    ) -> None:
        super().__init__(routes, named, name=name, strict=strict)
        #: Condition of each route that has one, as declared.
        self.conditions: Mapping[str, Any] = self._option("condition", conditions)
        self._conditions = self._compiled(self.conditions)
        first = next(iter(self._routes), None)
        if not strict and first in self._conditions:
            raise GraphError(
                f"the first route {first!r} has a condition, and there is no response yet for it; "
                "let a Switch decide on the request",
                node=name,
            )
        if not strict and first and self._said(first, "data") == "$response":
            raise GraphError(
                f"the first route {first!r} has no response to be given; its data is $request",
                node=name,
            )

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The condition of each route, what it is sent if not the response, and if it is Hard."""
        labels = {}
        for place, name in enumerate(self._routes):
            words = [label_of(self.conditions[name])] if name in self.conditions else []
            if place and not self._takes_response(name):
                words.append("$request")
            if self._said(name, "dependency") == "Hard":
                words.append("Hard")
            if words:
                labels[name] = ", ".join(words)
        return labels

    @property
    def exits(self) -> Several[str]:
        """The routes whose response may end the Sequence."""
        ends = [before for before, name in pairwise(self._routes) if name in self.conditions]
        hard = [name for name in self._routes if self._said(name, "dependency") == "Hard"]
        return [name for name in self._routes if name in ends or name in hard]

    def _takes_response(self, name: str) -> bool:
        data = self._said(name, "data")
        return data == "$response" if self.strict or data else True

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer with what the last route answers, or with the response that ends it before."""
        if not self._routes:
            # No response, and so no status: who comes to that in KServe's router crashes it.
            return batch.answer([Raw(b"")] * len(batch), np.zeros(len(batch), dtype=np.int16))
        request = batch.bare()
        failures: list[Mapping[int, Failure]] = [batch.failures]
        ended: list[Batch] = []
        response: Batch | None = None
        for name in self._routes:
            condition = self._conditions.get(name)
            if condition is not None:
                response, unmet, invalid = self._decided(condition, response, request, context)
                ended.append(unmet)
                failures.append(invalid)
            given = self._given(name, request, response)
            if not len(given):
                response = given
                break
            answered = self.send(name, given, context)
            failures.append(_after(answered.failures, response))
            response = answered.waited(_waited(response, answered.positions))
            if self._said(name, "dependency") == "Hard":
                good = response.is_success
                if not good.all():
                    ended.append(response.select(np.flatnonzero(~good)))
                    response = response.select(np.flatnonzero(good))
        assert response is not None
        parts = [part for part in (*ended, response) if len(part)]
        if len(parts) == 1 and len(parts[0]) == len(batch):
            return parts[0].with_failures(united(failures))
        placed = [(np.searchsorted(request.positions, part.positions), part) for part in parts]
        return request.merge(placed, united(failures))

    def _given(self, name: str, request: Batch, response: Batch | None) -> Batch:
        """What a route is sent, of the events that are still under way."""
        if response is None:
            given = request
        elif self._takes_response(name):
            given = response.as_request()
        else:
            given = request.at(response.positions)
        return as_instances(given) if self._said(name, "map_predictions_to_instances") else given

    def _decided(
        self, condition: Condition, response: Batch | None, request: Batch, context: Context
    ) -> tuple[Batch, Batch, Mapping[int, Failure]]:
        """The responses that go on, those that are the answer, and what is no response at all."""
        invalid = RouterError("invalid response")
        if response is None:
            everyone = np.arange(len(request))
            nobody = request.select(everyone[:0])
            return nobody, nobody, lost(request, everyone, invalid, context)
        verdict = condition.run(response.as_request(), context)
        holds = np.zeros(len(response), dtype=bool)
        known = np.searchsorted(response.positions, verdict.positions)
        holds[known] = np.asarray(verdict.bodies, dtype=bool)
        rows = known[~holds[known]]
        broken = rows[_is_broken(response, rows)] if self.strict else rows[:0]
        unmet = response.select(np.setdiff1d(rows, broken, assume_unique=True)).with_status(None)
        failures = {**verdict.failures, **lost(response, broken, invalid, context)}
        return response.select(np.flatnonzero(holds)), unmet, failures


def _waited(before: Batch | None, positions: np.ndarray) -> np.ndarray | None:
    """How long these events had waited before."""
    if before is None or before.elapsed is None:
        return None
    return before.elapsed[np.searchsorted(before.positions, positions)]


def _after(failures: Mapping[int, Failure], before: Batch | None) -> Mapping[int, Failure]:
    """Failures, with what their events had waited before."""
    waited = _waited(before, np.array(list(failures), dtype=np.int64))
    if waited is None:
        return failures
    return {
        position: replace(failure, elapsed=failure.elapsed + seconds)
        for (position, failure), seconds in zip(failures.items(), waited.tolist(), strict=True)
    }


def _is_broken(batch: Batch, rows: np.ndarray) -> np.ndarray:
    """Which of these bodies are no JSON, of those that came over the wire."""
    bodies = batch.bodies
    if not len(rows) or not (isinstance(bodies, (list, Mixed)) or has_objects(bodies)):
        return np.zeros(len(rows), dtype=bool)
    raw = objects(bodies)
    return np.array(
        [isinstance(raw[row], bytes) and not valid_at_any_depth(raw[row]) for row in rows.tolist()]
    )
