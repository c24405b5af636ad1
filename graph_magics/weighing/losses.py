"""Metrics that are means over events, so that each event has its own share in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import GraphError, listed, near
from ..scores import ROUNDED, Task, brier_scores, log_losses


@dataclass(frozen=True)
class Metric:
    """A metric, as the mean of something that each event has.

    Attributes
    ----------
    name : str
    of : callable
        Of the truth and the answers, arrays of shape (n_events,), the share of each event; NaN
        where there is no answer.
    is_higher_better : bool
    root : bool
        Whether the metric is the square root of that mean.
    """

    name: str
    of: Callable[[np.ndarray, np.ndarray], np.ndarray]
    is_higher_better: bool = False
    root: bool = False

    def mean(self, shares: np.ndarray) -> float:
        """Give the metric over some events; NaN over none."""
        known = shares[~np.isnan(shares)]
        if not len(known):
            return float("nan")
        return float(np.sqrt(known.mean()) if self.root else known.mean())


def _right(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(given), np.nan, truth == given)


def _absolute(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    return np.abs(_errors(truth, given))


def _square(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    return _errors(truth, given) ** 2


def _errors(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    """What answers miss the truth by; nothing, where it is the rounding of a mean.

    A mean of answers that are all right is off by some of their last digits.
    """
    errors = given - truth
    return np.where(np.abs(errors) <= ROUNDED * np.abs(truth), 0.0, errors)


METRICS: dict[Task, tuple[Metric, ...]] = {
    "classification": (Metric("accuracy", _right, is_higher_better=True),),
    "regression": (
        Metric("mae", _absolute),
        Metric("mse", _square),
        Metric("rmse", _square, root=True),
    ),
}
_OF_PROBABILITIES = {
    "log_loss": Metric("log_loss", log_losses),
    "brier": Metric("brier", brier_scores),
}
PROBABILITIES = tuple(_OF_PROBABILITIES)
"""Metrics of probabilities, arrays of shape (n_events, n_labels), instead of answers."""


def probability_metric(name: str) -> Metric:
    """Give a metric of probabilities."""
    return _OF_PROBABILITIES[name]


def task_by(name: str | None) -> Task | None:
    """The task that a metric is of, where models do not say theirs; None if that is open."""
    for task, metrics in METRICS.items():
        if any(metric.name == name for metric in metrics):
            return task
    return "classification" if name in (*PROBABILITIES, "balanced_accuracy") else None


def metric_of(
    name: str | None, task: Task, *, why: str, roots: bool = True, others: tuple[str, ...] = ()
) -> Metric:
    """Give a metric by its name; the first of the task, if none is named.

    Raises
    ------
    GraphError
        If there is no such metric, or it is none of these: ``why`` says why only these. Others
        that the caller knows are named with them, for a classification.
    """
    known = [metric for metric in METRICS[task] if roots or not metric.root]
    for metric in known:
        if name in (None, metric.name):
            return metric
    names = [metric.name for metric in known]
    names += others if task == "classification" else ()
    raise GraphError(f"metric={name!r}: {why}{near(str(name), names)}; there are {listed(names)}")
