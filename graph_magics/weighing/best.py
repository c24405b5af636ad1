"""`best_weights`: searches the weights of a vote, and says honestly what they gain."""

from __future__ import annotations

import html
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..comparison.bounds import of_difference
from ..comparison.paired import mcnemar
from ..errors import GraphError, counted
from ..scores import Task
from ..whatif import WhatIf
from .beside import Beside, beside, order_of
from .losses import PROBABILITIES, Metric, metric_of, probability_metric
from .probable import columns_of, probabilities_of, wide
from .searching import Majority, Means, Probabilities, Vote

if TYPE_CHECKING:
    from ..recorded import Recorded

_WHY = "weights are searched for the mean of something that each event has"
#: A gain with a smaller p-value is taken for more than noise.
SIGNIFICANT = 0.05
_TASKS: dict[str | None, Task] = {
    "classification": "classification",
    "regression": "regression",
    "soft": "classification",
}
_BEST, _EQUAL, _PRESENT, _MODEL = "best weights", "equal weights", "present weights", "best model"


@dataclass(frozen=True, repr=False, eq=False)
class BestWeights:
    """The best weights of a vote, and what they gain on events that they were not searched on.

    Attributes
    ----------
    router : str
        Its dotted path.
    metric : str
    weights : dict of str to float
        Route to weight: the best for all events together. Of a vote on labels, small whole
        numbers; else shares.
    summary : DataFrame
        A row for the best, the equal and the present weights, for the model that was best
        where the weights were searched, and for each model alone. The metric is told of events
        that were not searched on: those weights are used for each part of the events that were
        found on the others. ``gain`` is how much better the best weights are than the row (a
        positive one is better for every metric), with its 95 % interval ``low`` to ``high``
        and ``p_value``: McNemar's exact test for the accuracy, else the paired t test. No
        interval (NaN) where all events say the same.
    folds : DataFrame
        The weights found for each part, on the others, and the metric on the part: weights
        that differ much from part to part are noise.
    events : int
        How many events (or samples) it stands on: those with a target that all routes answered.
    left_out : int
        How many others the run has.
    is_gain : bool
        Whether the gain over equal weights is more than noise.
    """

    router: str
    metric: str
    weights: dict[str, float]
    summary: pd.DataFrame
    folds: pd.DataFrame
    events: int
    left_out: int
    is_gain: bool
    _kind: str

    @property
    def verdict(self) -> str:
        """What came of the search, in a few sentences."""
        row = self.summary.loc[_EQUAL].astype(float).to_dict()
        best = float(self.summary[self.metric].loc[_BEST])
        told = f"{self.metric} {best:.4g}, with equal weights {row[self.metric]:.4g}"
        gain = f"gain {_shown(row['gain'])}, {_interval(row)}"
        where = "on events that they were not searched on"
        if self.is_gain:
            text = f"They are better than equal weights {where}: {told} ({gain})."
            text += " That is more than noise."
        elif len(set(self.weights.values())) == 1 and row["gain"] == 0:
            text = f"No weights were found that are better than equal ones ({told})."
        elif row["gain"] > 0:
            text = f"That may be noise: {told}, {where} ({gain})."
        else:
            text = f"That was noise: {told}, {where} ({gain})."
        alone = self.summary.loc[_MODEL].astype(float).to_dict()
        figure = f"{alone[self.metric]:.4g}; gain {_shown(alone['gain'])}, {_interval(alone)}"
        if alone["gain"] == 0 and np.isnan(alone["low"]):
            return f"{text} The best model alone does the same ({alone[self.metric]:.4g})."
        if alone["gain"] > 0 and alone["p_value"] < SIGNIFICANT:
            return f"{text} They are better, too, than the best model alone ({figure})."
        if alone["gain"] < 0 and alone["p_value"] < SIGNIFICANT:
            return f"{text} The best model alone is better ({figure})."
        return f"{text} The best model alone may do as well ({figure})."

    @property
    def _caption(self) -> str:
        weights = ", ".join(f"{route} {weight:.4g}" for route, weight in self.weights.items())
        text = f"Best weights of {self.router} by {self.metric}: {weights}"
        text += f"; {counted(self.events, self._kind)}"
        return text + (f", {self.left_out:,} left out" if self.left_out else "")

    def __repr__(self) -> str:
        table = self.summary.to_string(float_format=_shown)
        return f"{self._caption}\n{table}\n{self.verdict}"

    def _repr_html_(self) -> str:
        table = self.summary.to_html(float_format=_shown, border=0, escape=True)
        told = f"<p>{html.escape(self.verdict)}</p>"
        return f"<p>{html.escape(self._caption)}</p>\n{table}\n{told}"


def best_weights(
    run: Recorded,
    y: Any,
    *,
    router: str | None = None,
    metric: str | None = None,
    seed: int = 0,
    folds: int = 5,
) -> BestWeights:
    """Search the weights of a vote; see `Run.best_weights`."""
    for name, value, least in (("seed", seed, 0), ("folds", folds, 2)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise GraphError(f"{name} must be a whole number from {least} on, got {value!r}")
    what_if = WhatIf(run, router)
    path, routes = what_if.router, what_if.routes
    if what_if.kind == "Splitter":
        raise GraphError(
            "a Splitter sends each event to one route, so its best weights send all to the best "
            "one: run.expected(y) tells which that is",
            node=path,
        )
    if len(routes) < 2:
        raise GraphError("a vote of one route has no weights to search", node=path)
    vote_type = getattr(run._nodes[path], "vote_type", None)
    told = beside(
        run,
        y,
        {route: (run, f"{path}.{route}") for route in routes},
        task=_TASKS.get(vote_type),
        is_voted=True,
    )
    vote, known, measure = _vote(run, what_if, told, metric)
    if len(known) < 2 * folds:
        raise GraphError(
            f"{counted(len(known), 'event')} with a target and an answer of all routes are too "
            f"few for {folds} parts to search on: give {2 * folds} or more",
            node=path,
        )
    event = told.event[known]
    parts = _parts(told.truth[known], event, int(folds), int(seed))
    alone = np.eye(len(routes))
    per_model = np.array([vote.shares(weights) for weights in alone])
    crossed, chosen = np.empty(len(known)), np.empty(len(known))
    found = []
    for part in range(int(folds)):
        here = parts == part
        weights = vote.fit(np.flatnonzero(~here))
        crossed[here] = vote.shares(weights)[here]
        inside = [measure.mean(shares[~here]) for shares in per_model]
        best = int(np.argmax(inside) if measure.is_higher_better else np.argmin(inside))
        chosen[here] = per_model[best][here]
        found.append(
            [*weights.tolist(), int(here.sum()), measure.mean(crossed[here]), routes[best]]
        )
    present = np.array(list(what_if.given_weights.values()))
    rows = {
        _BEST: crossed,
        _EQUAL: vote.shares(np.ones(len(routes))),
        _PRESENT: vote.shares(present),
        _MODEL: chosen,
        **dict(zip(routes, per_model, strict=True)),
    }
    summary = pd.DataFrame(
        {name: _gain(measure, crossed, shares, event) for name, shares in rows.items()},
        index=[measure.name, "gain", "low", "high", "p_value"],
    ).T
    summary.loc[_BEST, ["gain", "low", "high", "p_value"]] = np.nan
    weights = vote.fit(np.arange(len(known)))
    gain = summary.loc[_EQUAL]
    kind = "event" if len(np.unique(told.event)) == len(told.event) else "sample"
    return BestWeights(
        router=path,
        metric=measure.name,
        weights=dict(zip(routes, weights.tolist(), strict=True)),
        summary=summary,
        folds=pd.DataFrame(found, columns=[*routes, f"{kind}s", measure.name, _MODEL]).rename_axis(
            "part"
        ),
        events=len(known),
        left_out=told.size - len(known),
        is_gain=bool(gain["gain"] > 0 and gain["p_value"] < SIGNIFICANT),
        _kind=kind,
    )


def _vote(
    run: Recorded, what_if: WhatIf[Recorded], told: Beside, metric: str | None
) -> tuple[Vote, np.ndarray, Metric]:
    """The vote over the samples that all routes answered, which these are, and the metric."""
    path, routes = what_if.router, what_if.routes
    vote_type = getattr(run._nodes[path], "vote_type", None)
    answers = np.stack([told.answers[route] for route in routes], axis=1)
    if vote_type == "soft":
        return _soft(run, what_if, told, metric)
    known = np.flatnonzero(~np.isnan(answers).any(axis=1))
    truth, answers = told.truth[known], answers[known]
    if told.task == "regression":
        measure = metric_of(metric, "regression", why=_WHY)
        return Means(truth, answers, measure), known, measure
    if metric in PROBABILITIES:
        raise GraphError(
            f'{metric} is of probabilities, which a vote on labels has not: vote_type="soft" has',
            node=path,
        )
    measure, held = _of_labels(metric, truth)
    ranks = order_of(told.labels)
    return (
        Majority(ranks[truth.astype(np.int64)], ranks[answers.astype(np.int64)], held),
        known,
        measure,
    )


def _soft(
    run: Recorded, what_if: WhatIf[Recorded], told: Beside, metric: str | None
) -> tuple[Vote, np.ndarray, Metric]:
    path = what_if.router
    found = {route: probabilities_of(run, f"{path}.{route}", told) for route in what_if.routes}
    columns = columns_of(found)
    tables = np.array([wide(found, route) for route in what_if.routes])
    known = np.flatnonzero(~np.isnan(tables).any(axis=(0, 2)))
    # A vote prefers the first label in order.
    ranks = order_of(list(columns))
    truth = ranks[told.truth[known].astype(np.int64)]
    tables = tables[:, known][:, :, np.argsort(ranks)]
    metric = "log_loss" if metric is None else metric
    if metric in PROBABILITIES:
        measure, held = probability_metric(metric), np.ones(len(known))
    else:
        measure, held = _of_labels(metric, truth, PROBABILITIES)
    vote = Probabilities(truth, tables, measure, held, of_labels=metric not in PROBABILITIES)
    return vote, known, measure


def _of_labels(
    metric: str | None, truth: np.ndarray, others: tuple[str, ...] = ()
) -> tuple[Metric, np.ndarray]:
    """The metric of labels, and how much each sample counts in it."""
    if metric != "balanced_accuracy":
        others = ("balanced_accuracy", *others)
        return metric_of(metric, "classification", why=_WHY, others=others), np.ones(len(truth))
    accuracy = metric_of(None, "classification", why=_WHY)
    label, count = np.unique(truth, return_counts=True)
    # The mean recall over the labels is the accuracy, where the samples of each count as much.
    held = (len(truth) / (len(label) * count))[np.searchsorted(label, truth)]
    return Metric("balanced_accuracy", accuracy.of, is_higher_better=True), held


def _parts(truth: np.ndarray, event: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The part of each sample: random, with as much of each label, and no event in two."""
    _, first, place = np.unique(event, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(first))
    order = order[np.argsort(truth[first][order], kind="stable")]
    parts = np.empty(len(first), dtype=np.int64)
    parts[order] = np.arange(len(first)) % folds
    return parts[place.ravel()]


def _gain(measure: Metric, best: np.ndarray, other: np.ndarray, event: np.ndarray) -> list[float]:
    """The metric of others, how much better the best weights are, its interval and p-value."""
    from scipy import stats

    figure, own = measure.mean(other), measure.mean(best)
    apart = best - other if measure.is_higher_better else other - best
    gain = own - figure if measure.is_higher_better else figure - own
    # What rounding leaves of equal votes is no gain.
    if np.abs(apart).max() <= 1e-9 * max(np.abs(best).mean(), np.abs(other).mean()):
        return [figure, 0.0, np.nan, np.nan, 1.0]
    # The samples of an event are not independent: their sum is what one event adds.
    _, place, counts = np.unique(event, return_inverse=True, return_counts=True)
    sums = np.bincount(place.ravel(), weights=apart)
    error = np.sqrt(len(sums)) * sums.std(ddof=1) / len(apart)
    if measure.root and own + figure:
        error /= own + figure  # As the difference of squares is that of roots times their sum.
    is_share = measure.name == "accuracy" and (counts == 1).all()
    p_value = low = high = np.nan
    if error:
        half = float(stats.t.ppf(0.975, len(sums) - 1) * error)
        low, high = gain - half, gain + half
        p_value = float(2 * stats.t.sf(abs(gain) / error, len(sums) - 1))
    elif is_share:
        low, high = of_difference(best > 0, other > 0, np.ones(len(best))) or (low, high)
    if is_share:
        p_value = mcnemar(apart > 0, apart < 0)
    return [figure, gain, low, high, p_value]


def _interval(row: dict[Any, float]) -> str:
    if np.isnan(row["low"]):
        return "the same on every event"
    p_value = "p < 0.0001" if row["p_value"] < 0.0001 else f"p = {row['p_value']:.2g}"
    return f"95 % interval {_shown(row['low'])} to {_shown(row['high'])}, {p_value}"


def _shown(value: float) -> str:
    return f"{value:.4g}" if abs(value) >= 1e-12 else "0"
