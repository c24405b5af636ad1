"""`KServeRouter`: what KServe's four routers share, and when they are as strict as KServe's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...batch import Batch
from ...context import Context
from ...errors import GraphError
from ...failures import Failure
from ..base import OPTIONS, Router
from ..conditions import Condition, as_condition
from ..jump import Jump, NoNode


class RouterError(GraphError):
    """What KServe's router answers an event with instead of a response, in its own words."""


class KServeRouter(Router):
    """A router of KServe's.

    By itself it has the manners of a router in Python: what a step raises fails the event. A
    ``strict`` one has those of KServe's own router, in which everything is a response with a
    status; manifests are made of these.
    """

    def __init__(
        self,
        routes: Sequence[Any],
        named: Mapping[str, Any],
        *,
        name: str | None = None,
        strict: bool = False,
    ) -> None:
        if strict:
            self.takes = frozenset(OPTIONS)
        self.strict = strict
        super().__init__(routes, named, name=name, may_be_empty=strict)

    def send(self, name: str, batch: Batch, context: Context) -> Batch:
        """Run a route, with its responses and their statuses as they come."""
        node = self._routes[name]
        if not self.strict and self._said(name, "dependency") is None:
            return context.run(name, node, batch)
        is_service = not isinstance(node, (KServeRouter, Jump, NoNode))
        # What failed before did not come here, and is no response.
        answer = context.ask(name, node, batch.bare(), is_service=is_service)
        if not answer.failures:
            return answer
        # Whatever it was inside, around it KServe has only one status for it.
        return answer.with_failures(
            {at: replace(failure, status=500) for at, failure in answer.failures.items()}
        )

    def send_all(self, batch: Batch, context: Context) -> list[Batch]:
        """Run all routes on the same events."""
        return self._run_all(lambda name, here: self.send(name, batch, here), context)

    def _compiled(self, conditions: Mapping[str, Any]) -> dict[str, Condition]:
        """The conditions of routes, made ready; an error names the router or the route."""
        compiled = {}
        for route, condition in conditions.items():
            try:
                compiled[route] = as_condition(condition)
            except GraphError as error:
                raise error.at(node=self.name or route) from None
        return compiled

    def _said(self, name: str, option: str) -> Any:
        """What the route's `Route` says of an option."""
        route = self._options.get(name)
        return route.given(option) if route else None


def lost(batch: Batch, rows: np.ndarray, error: Exception, context: Context) -> dict[int, Failure]:
    """Make a failure of some events of a batch, by position."""
    if not len(rows):
        return {}
    failure = context.failure(error)
    waited = np.zeros(len(rows)) if batch.elapsed is None else batch.elapsed[rows]
    return {
        position: replace(failure, elapsed=seconds) if seconds else failure
        for position, seconds in zip(batch.positions[rows].tolist(), waited.tolist(), strict=True)
    }
