"""`Ensemble`: every event to all routes, and their answers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import gojson
from ...batch import Batch, spread
from ...bodies import many_objects, objects
from ...context import Context
from ...errors import GraphError
from ...failures import Failure
from ...wire import Merged, read
from ..merging import by_name, kind_by_kind
from .base import KServeRouter, RouterError


class Ensemble(KServeRouter):
    """Send every event to all routes, and answer with their answers by name (KServe router).

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs; or a `Route` of one, with ``dependency``.
    strict : bool
        Whether it has the manners of KServe's own router, as in manifests: each answer must
        be a JSON object, or null, and every dependency is Soft unless it is said to be Hard.
    keys : mapping of str to str, optional
        What a route's answer is called, where not by its name.

    Notes
    -----
    A response of a Hard route that is no success is the answer. Where several routes end an
    event so, or with an error, it is the one for which it had to wait the shortest; KServe's
    router asks them all at once.

    Examples
    --------
    >>> from graph_magics import Ensemble, Graph
    >>> Graph("both", Ensemble(up=lambda x: x + 1, down=lambda x: x - 1)).test(5)
    {'up': 6, 'down': 4}
    """

    kind = "Ensemble"
    takes = frozenset({"dependency"})

    def __init__(
        self,
        *routes: Any,
        name: str | None = None,
        strict: bool = False,
        keys: Mapping[str, str] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(routes, named, name=name, strict=strict)
        keys = keys or {}
        for route in keys:
            if route not in self._routes:
                raise GraphError(f"keys name {route!r}, which is no route", node=name)
        self._keys = [keys.get(route, route) for route in self._routes]
        again = [key for key in self._keys if self._keys.count(key) > 1]
        if again and not strict:
            raise GraphError(f"two answers are called {again[0]!r}; rename one", node=name)
        self._is_hard = [self._said(route, "dependency") == "Hard" for route in self._routes]
        self._is_lenient = strict or any(
            self._said(route, "dependency") is not None for route in self._routes
        )

    @property
    def route_labels(self) -> Mapping[str, str]:
        """Which routes are Hard."""
        return {
            route: "Hard" for route, hard in zip(self._routes, self._is_hard, strict=True) if hard
        }

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer each event with an object of route to answer."""
        request = batch.bare() if self._is_lenient else batch
        answers = self.send_all(request, context)
        if self._is_lenient:
            merged = self._put_together(request, answers, context)
            return merged.with_failures({**batch.failures, **merged.failures})
        here, answers = batch.together(answers)
        if not len(here):
            return here
        return kind_by_kind(here, dict(zip(self._keys, answers, strict=True)), by_name)

    def _put_together(self, batch: Batch, answers: list[Batch], context: Context) -> Batch:
        """Merge responses, of which some may end their event."""
        routes = [self._responses(batch, answer, context) for answer in answers]
        odd = {row for route in routes for row in route.failures}
        for hard, route in zip(self._is_hard, routes, strict=True):
            if hard and route.status is not None:
                odd.update(np.flatnonzero((route.status < 200) | (route.status >= 300)).tolist())
        keys, kind = self._keys, Merged if self.strict else dict
        with many_objects(len(batch)):
            if routes:
                columns = [route.bodies for route in routes]
                bodies = [kind(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
            else:
                bodies = [kind() for _ in range(len(batch))]
        elapsed = _longest([route.elapsed for route in routes])
        if not odd:
            return batch.answer(bodies).waited(elapsed)
        status = np.full(len(batch), 200, dtype=np.int16)
        failures: dict[int, Failure] = {}
        for row in sorted(odd):
            end = self._end(row, routes)
            if isinstance(end, Failure):
                failures[row] = end
            else:
                status[row] = end.code(row)
                bodies[row] = _encoded_as_go(end.bodies[row]) if self.strict else end.bodies[row]
        kept = np.setdiff1d(np.arange(len(batch)), list(failures), assume_unique=True)
        answer = batch.fail(failures, [bodies[row] for row in kept.tolist()], status[kept])
        failed = answer.failures
        answer = answer.waited(None if elapsed is None else elapsed[kept])
        return answer.with_failures(failed)

    def _end(self, row: int, routes: list[_Responses]) -> Failure | _Responses:
        """Who ends an event: the first Hard route that failed it, unless an error is earlier."""
        errors = [route.failures[row] for route in routes if row in route.failures]
        waited = 0.0
        for hard, route in zip(self._is_hard, routes, strict=True):
            if row in route.failures:
                break
            waited = max(waited, route.seconds(row))
            if hard and not route.is_success(row):
                if errors and min(error.elapsed for error in errors) < waited:
                    break
                return route
        return min(errors, key=lambda error: error.elapsed)

    def _responses(self, batch: Batch, answer: Batch, context: Context) -> _Responses:
        """A route's responses as objects, row for row of the batch."""
        rows = np.searchsorted(batch.positions, answer.positions)
        failed = np.array(list(answer.failures), dtype=np.int64)
        failures = dict(
            zip(
                np.searchsorted(batch.positions, failed).tolist(),
                answer.failures.values(),
                strict=True,
            )
        )
        bodies = objects(answer.bodies)
        if not (self.strict and set(map(type, bodies)) == {dict}):
            bodies = list(bodies)
            for place, row in enumerate(rows.tolist()):
                try:
                    bodies[place] = (
                        _as_object(bodies[place]) if self.strict else read(bodies[place])
                    )
                except gojson.GoJSONError as error:
                    waited = 0.0 if answer.elapsed is None else float(answer.elapsed[place])
                    failures[row] = context.failure(RouterError(str(error)), elapsed=waited)
        status, elapsed = answer.status, answer.elapsed
        if len(answer) < len(batch):
            whole: list[Any] = [None] * len(batch)
            for row, body in zip(rows.tolist(), bodies, strict=True):
                whole[row] = body
            bodies = whole
            status = spread([rows], [status], np.int16(200), len(batch))
            elapsed = spread([rows], [elapsed], np.float64(0), len(batch))
        return _Responses(bodies, failures, status, elapsed)


class _Responses:
    """The responses of one route, row for row."""

    def __init__(
        self,
        bodies: list[Any],
        failures: dict[int, Failure],
        status: np.ndarray | None,
        elapsed: np.ndarray | None,
    ) -> None:
        self.bodies = bodies
        self.failures = failures
        self.status = status
        self.elapsed = elapsed

    def seconds(self, row: int) -> float:
        return 0.0 if self.elapsed is None else float(self.elapsed[row])

    def code(self, row: int) -> int:
        return 200 if self.status is None else int(self.status[row])

    def is_success(self, row: int) -> bool:
        return 200 <= self.code(row) < 300


def _as_object(body: Any) -> Any:
    """A response as KServe's router reads it: a JSON object or null, else an error."""
    if isinstance(body, bytes):
        return gojson.decode_object(body)
    if body is None or isinstance(body, dict):
        return body
    raise gojson.GoJSONError(gojson.no_object(body))


def _encoded_as_go(body: Any) -> Any:
    return Merged(body) if isinstance(body, dict) else body


def _longest(some: list[np.ndarray | None]) -> np.ndarray | None:
    known = [seconds for seconds in some if seconds is not None]
    return np.max(known, axis=0) if known else None
