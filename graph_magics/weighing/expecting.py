"""`expected`: what a Splitter's weights give over all draws, not only over those of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import GraphError
from ..judging import task_of
from ..steps import Model
from ..whatif import WhatIf, rerun
from .beside import beside
from .losses import PROBABILITIES, metric_of, probability_metric, task_by
from .probable import probabilities_of, wide
from .ways import Way, ways_of

if TYPE_CHECKING:
    from ..recorded import Recorded

_WHY = (
    "only the mean of something that each event has can be told over all draws; "
    "of one draw, run.what_if(weights) and a comparison tell the others"
)


def expected(
    run: Recorded,
    y: Any,
    weights: Mapping[str, float] | None = None,
    *,
    router: str | None = None,
    metric: str | None = None,
) -> pd.DataFrame:
    """Tell what a Splitter's weights give over all draws; see `Run.expected`."""
    what_if = WhatIf(run, router)
    path = what_if.router
    if what_if.kind != "Splitter":
        raise GraphError(
            f"a {what_if.kind} draws nothing, so its answers are what is expected of it: "
            "run.compare(y), and of other weights run.what_if(weights)",
            node=path,
        )
    traffic = what_if.weights if weights is None else what_if.traffic(weights)
    draws = Draws(run, path, y, metric)
    rows = {
        route: [share, share * draws.reached, *draws.of({route: 1.0})]
        for route, share in traffic.items()
    }
    sent = sum(traffic.values())
    rows["expected"] = [sent, sent * draws.reached, *draws.of(traffic)]
    for route, ways in draws.ways.inside.items():
        if not any(way.choice for way in (*draws.ways.there, *ways)):
            rows[route][-1] = np.nan  # It answers so, whatever is drawn.
    rows["expected"][2] = draws.judged
    columns = ["traffic", "events", "judged", draws.metric.name, "deviation"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    frame["judged"] = frame["judged"].astype(np.int64)
    return frame.rename_axis("route")


class Draws:
    """A metric of all answers that a Splitter may give, by how its draws and others' may fall.

    Parameters
    ----------
    run : Run
    path : str
        Of the Splitter.
    y : Series, array or list
    metric : str, optional

    Attributes
    ----------
    metric : Metric
    ways : Ways
        How the Splitters before it, around it and inside its routes may draw.
    reached : float
        How many events are to come to the Splitter.
    judged : int
        How many events (or samples) any route answers.

    Raises
    ------
    GraphError
        If there is no such metric, the target does not fit, or there are too many ways.
    """

    def __init__(self, run: Recorded, path: str, y: Any, metric: str | None = None) -> None:
        self.ways = ways_of(run, path)
        found: dict[str, tuple[Recorded, str]] = {}
        self._route: list[str] = []
        shares: list[float] = []
        self.reached = 0.0
        for there in self.ways.there:
            for route, inside in self.ways.inside.items():
                for way in inside:
                    drawn = there & Way(1.0, {path: route}) & way
                    other = rerun(run, {at: _only(run, at, to) for at, to in drawn.choice.items()})
                    found[_told(drawn, path, found)] = other, _judge_at(run, path, drawn)
                    self._route.append(route)
                    shares.append(drawn.share)
            self.reached += there.share * _reached(other, path)
        self._shares = np.array(shares)
        told = beside(run, y, found, task=task_of(run._nodes) or task_by(metric))
        if metric in PROBABILITIES and told.task == "classification":
            tables = {
                name: probabilities_of(other, at if at != path else f"{path}.{route}", told)
                for (name, (other, at)), route in zip(found.items(), self._route, strict=True)
            }
            self.metric = probability_metric(metric)
            scores = [self.metric.of(told.truth, wide(tables, name)) for name in found]
        else:
            self.metric = metric_of(metric, told.task, why=_WHY, roots=False, others=PROBABILITIES)
            scores = [self.metric.of(told.truth, told.answers[name]) for name in found]
        self._scores = np.array(scores)
        self.judged = int((~np.isnan(self._scores)).any(axis=0).sum())

    def of(self, traffic: Mapping[str, float]) -> tuple[int, float, float]:
        """Give how many events are judged, the metric's mean and its deviation.

        Parameters
        ----------
        traffic : mapping of str to float
            Route to the share of events that it gets.
        """
        held = np.array([traffic.get(route, 0.0) for route in self._route])
        judged = (~np.isnan(self._scores[held > 0])).any(axis=0).sum()
        return int(judged), *_over_draws(self._scores, held * self._shares)


def _only(run: Recorded, path: str, route: str) -> dict[str, float]:
    return {name: float(name == route) for name in run._nodes[path].children}


def _told(way: Way, path: str, others: Mapping[str, Any]) -> str:
    """What an answer is called in an error: the route, and where others draw, which of theirs."""
    route = way.choice[path]
    if len(way.choice) == 1 and route not in others:
        return route
    return ", ".join(f"{at}.{drawn}" for at, drawn in way.choice.items())


def _judge_at(run: Recorded, path: str, way: Way) -> str:
    """Where an answer is looked at: at the model, if it is of probabilities, or at the router.

    The router passes them on, but knows no label of them.
    """
    at = path
    while at in way.choice:
        at = f"{at}.{way.choice[at]}"
    node = run._nodes[at]
    return at if isinstance(node, Model) and node.method != "predict" else path


def _reached(run: Recorded, path: str) -> int:
    """How many events came to a router."""
    came = np.zeros(len(run), dtype=bool)
    for visit in run._visits:
        if visit.path == path:
            came[visit.received.positions] = True
    return int(came.sum())


def _over_draws(scores: np.ndarray, shares: np.ndarray) -> tuple[float, float]:
    """The mean of a metric over all draws, and how far single draws lie from it.

    Each event is drawn by itself: it adds the mean of what its routes give it, and the
    variance of that. What a route does not answer does not count.
    """
    held = shares[:, None] * ~np.isnan(scores)
    total = held.sum()
    if not total:
        return float("nan"), float("nan")
    known = np.nan_to_num(scores)
    mean = float((held * known).sum() / total)
    apart = np.where(np.isnan(scores), 0.0, known - mean)
    first, second = (held * apart).sum(axis=0), (held * apart**2).sum(axis=0)
    return mean, float(np.sqrt(max((second - first**2).sum(), 0.0)) / total)
