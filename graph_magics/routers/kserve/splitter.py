"""`Splitter`: each event to one route, drawn by weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...batch import Batch
from ...context import Context
from ...draws import uniform
from ...failures import Failure
from .base import KServeRouter, RouterError, lost


class Splitter(KServeRouter):
    """Send each event to one route, drawn by weight.

    The draw is a function of the run's seed, the node's path and the event's position: the
    same event goes the same way whatever stands beside it.

    Parameters
    ----------
    *routes, **named
        Steps, models, routers or graphs.
    weights : mapping of str to float, optional
        Route to its share; only their ratios count. Equal shares if absent.
    strict : bool
        Whether it draws as KServe's own router does, as in manifests: weights are percents,
        taken one after the other; what they leave of 100 fails.

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
    chooses = True
    weighs = True
    takes = frozenset({"weight"})

    def __init__(
        self,
        *routes: Any,
        weights: Mapping[str, float] | None = None,
        name: str | None = None,
        strict: bool = False,
        **named: Any,
    ) -> None:
        super().__init__(routes, named, name=name, strict=strict)
        self._weigh(weights)

    def _weigh(self, weights: Mapping[str, float] | None) -> None:
        #: Share of each route, adding up to 1; None for one without a weight.
        self.weights: dict[str, float | None] = {}
        if self.strict:
            said = self._option("weight", weights)
            self._counts = [said.get(route) for route in self._routes]
            drawn = _drawn(np.arange(100), self._counts)
            self.weights = {
                route: None if weight is None else float((drawn == place).mean())
                for place, (route, weight) in enumerate(
                    zip(self._routes, self._counts, strict=True)
                )
            }
            return
        self._counts = [*self._weights(weights, missing=None)]
        shares = np.array(self._counts)
        shares /= shares.sum()
        self.weights.update(zip(self._routes, shares.tolist(), strict=True))
        self._bounds = np.cumsum(shares)[:-1]

    @property
    def given_weights(self) -> Mapping[str, Any]:
        """Weight of each route, as it was given; percents, where it is strict."""
        return dict(zip(self._routes, self._counts, strict=True))

    def _other_weights(self, weights: Mapping[str, float]) -> Mapping[str, float]:
        """Percents of a strict one are whole numbers; other weights count by their ratios."""
        if not self.strict:
            return weights
        counts = self._weights(weights, missing=None)
        total = sum(counts)
        if total > 1 and not any(count % 1 for count in counts):
            return weights
        return {name: 100 * w / total for name, w in zip(self._routes, counts, strict=True)}

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The share of each route in percent."""
        return {
            name: "no weight" if share is None else f"{100 * share:.3g} %"
            for name, share in self.weights.items()
        }

    @property
    def route_shares(self) -> Mapping[str, float]:
        """The share of each route that has a weight."""
        return {name: share for name, share in self.weights.items() if share is not None}

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer each event by the route drawn for it."""
        setup = context.setup
        draws = uniform(setup.seed, context.way, batch.positions + setup.first)
        failures: dict[int, Failure] = {}
        if self.strict:
            choice = _drawn(np.floor(100 * draws), self._counts)
            failures = self._undrawn(batch, choice, context)
        else:
            choice = np.searchsorted(self._bounds, draws, side="right").astype(np.int16)
        context.chose(list(self._routes), choice)
        answers = []
        for route, name in enumerate(self._routes):
            rows = np.flatnonzero(choice == route)
            if len(rows):
                chosen = batch.select(rows)
                answers.append((rows, self.send(name, chosen, context)))
                chosen.forget()
        return batch.merge(answers, failures)

    def _undrawn(self, batch: Batch, choice: np.ndarray, context: Context) -> dict[int, Failure]:
        """Fail whom no route is drawn for, and whom one that has no weight."""
        nobody = RouterError("no route was selected by the splitter")
        failures = lost(batch, np.flatnonzero(choice < 0), nobody, context)
        for route, (name, weight) in enumerate(zip(self._routes, self._counts, strict=True)):
            if weight is None:
                here = choice == route
                crash = RouterError(f"the step {name!r} has no weight; KServe's router crashes")
                failures |= lost(batch, np.flatnonzero(here), crash, context)
                choice[here] = -1
        return failures


def _drawn(points: np.ndarray, weights: list[Any]) -> np.ndarray:
    """The route of each point from 0 to 99, as KServe's router goes along the weights.

    Notes
    -----
    It adds up weights until their sum is beyond the point; a step without a weight, which
    crashes it, is where all go that come so far.
    """
    choice = np.full(len(points), -1, dtype=np.int16)
    end = 0
    for route, weight in enumerate(weights):
        end += weight or 0
        here = choice < 0
        if weight is not None:
            here &= points < end
        choice[here] = route
        if weight is None:
            break
    return choice
