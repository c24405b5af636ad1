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
    path, routes = what_if.router, what_if.routes
    if what_if.kind != "Splitter":
        raise GraphError(
            f"a {what_if.kind} draws nothing, so its answers are what is expected of it: "
            "run.compare(y), and of other weights run.what_if(weights)",
            node=path,
        )
    traffic = what_if.weights if weights is None else what_if.traffic(weights)
    shares = np.array(list(traffic.values()))
    alone = {
        route: (
            rerun(run, {path: {name: float(name == route) for name in routes}}),
            _judge_at(run, path, route),
        )
        for route in routes
    }
    told = beside(run, y, alone, task=task_of(run._nodes) or task_by(metric))
    if metric in PROBABILITIES and told.task == "classification":
        tables = {
            route: probabilities_of(other, f"{path}.{route}", told)
            for route, (other, _) in alone.items()
        }
        measure = probability_metric(metric)
        scores = [measure.of(told.truth, wide(tables, route)) for route in routes]
    else:
        measure = metric_of(metric, told.task, why=_WHY, roots=False, others=PROBABILITIES)
        scores = [measure.of(told.truth, told.answers[route]) for route in routes]
    mean, deviation = _over_draws(np.array(scores), shares)
    reached = _reached(run, path)
    rows = {
        route: [share, share * reached, int((~np.isnan(score)).sum()), measure.mean(score), np.nan]
        for route, share, score in zip(routes, shares.tolist(), scores, strict=True)
    }
    sent = float(shares.sum())
    answered = int((~np.isnan(np.array(scores))).any(axis=0).sum())
    rows["expected"] = [sent, sent * reached, answered, mean, deviation]
    columns = ["traffic", "events", "judged", measure.name, "deviation"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    frame["judged"] = frame["judged"].astype(np.int64)
    return frame.rename_axis("route")


def _judge_at(run: Recorded, path: str, route: str) -> str:
    """Where a route's answers are looked at: its own, if they are probabilities, or the router's.

    The router passes them on, but knows no label of them.
    """
    node = run._nodes[f"{path}.{route}"]
    has_labels = isinstance(node, Model) and node.method != "predict"
    return f"{path}.{route}" if has_labels else path


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
