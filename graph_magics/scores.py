"""What one model's answers are worth, and two models' beside each other: arrays in, figures out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

Task: TypeAlias = Literal["classification", "regression"]

METRICS = {
    "classification": ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "matthews"),
    "regression": ("r2", "mae", "rmse", "median_ae", "bias"),
}
#: What can be told of probabilities besides.
PROBABILITY_METRICS = ("log_loss", "brier", "roc_auc")
#: Probabilities are kept so far from 0 and 1, as log_loss of scikit-learn does it.
LEAST = float(np.finfo(float).eps)

#: So far may rounding take a number, or a probability, as a part of it.
ROUNDED = 8 * LEAST


def score(
    task: Task, truth: np.ndarray, given: np.ndarray, weight: np.ndarray | None = None
) -> list[float]:
    """Give one row of the summary: events, missing and the metrics, over the events answered."""
    scored = ~np.isnan(given)
    events = int(scored.sum())
    metrics: list[float] = [np.nan] * len(METRICS[task])
    weight = None if weight is None else weight[scored]
    if events and (weight is None or weight.any()):
        measure = _label_metrics if task == "classification" else _number_metrics
        metrics = measure(truth[scored], given[scored], weight)
    return [events, len(given) - events, *metrics]


def probability_scores(
    truth: np.ndarray, given: np.ndarray | None, weight: np.ndarray | None, asked: Sequence[str]
) -> list[float]:
    """Give log loss, Brier score and ROC AUC, if they are asked for.

    Parameters
    ----------
    truth : ndarray of float, shape (n_events,)
        Labels as whole numbers from 0.
    given : ndarray of float, shape (n_events, n_labels), or None
        Rows add up to 1, or are NaN for events without an answer. None: NaN for each metric.
    weight : ndarray of float, shape (n_events,), or None
    """
    if not set(PROBABILITY_METRICS) & set(asked):
        return []
    known = np.zeros(len(truth), dtype=bool) if given is None else ~np.isnan(given).any(axis=1)
    weight = np.ones(len(truth)) if weight is None else weight
    if given is None or not weight[known].any():
        return [np.nan] * len(PROBABILITY_METRICS)
    from sklearn import metrics

    true, held, weight = truth[known], given[known], weight[known]
    labels = np.arange(held.shape[1])
    areas = [
        metrics.roc_auc_score(true == label, held[:, label], sample_weight=weight)
        # Of two labels the second: the other's is the same but for ties that rounding broke.
        for label in (labels[1:] if len(labels) == 2 else labels)
        if (weight * (true == label)).any() and (weight * (true != label)).any()
    ]
    if len(labels) == 1:
        return [0.0, 0.0, np.nan]  # The only label, and no doubt of it.
    brier = metrics.brier_score_loss(true, held, labels=labels, sample_weight=weight)
    return [
        metrics.log_loss(true, held, labels=labels, sample_weight=weight),
        brier,
        float(np.mean(areas)) if areas else np.nan,
    ]


def log_losses(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Give the log loss of each event.

    Parameters
    ----------
    truth : ndarray, shape (n_events,)
        Labels as whole numbers from 0.
    given : ndarray of float, shape (n_events, n_labels)
        Probabilities; NaN where there is no answer, and then so is the loss.
    """
    own = given[np.arange(len(truth)), truth.astype(np.int64)]
    return np.asarray(-np.log(own.clip(LEAST, 1 - LEAST)))


def brier_scores(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Give the Brier score of each event, as ``brier_score_loss`` of scikit-learn has it.

    The squared errors of its probabilities, added up over the labels (Brier 1950); of two
    labels only one of the squares, as they are equal.

    Parameters
    ----------
    truth, given
        As in `log_losses`.

    Examples
    --------
    >>> brier_scores(np.array([1]), np.array([[0.5, 0.5]])).tolist()
    [0.25]
    >>> brier_scores(np.array([1]), np.array([[0.5, 0.5, 0.0]])).tolist()
    [0.5]
    """
    errors = given.copy()
    errors[np.arange(len(truth)), truth.astype(np.int64)] -= 1
    errors[np.abs(errors) <= ROUNDED] = 0.0
    squares = (errors**2).sum(axis=1)
    return np.asarray(squares / 2 if given.shape[1] == 2 else squares)


def _label_metrics(truth: np.ndarray, given: np.ndarray, held: np.ndarray | None) -> list[float]:
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support, recall_score

    # Events count only by (label, answer): scikit-learn gets every such pair once, weighted.
    size = int(max(truth.max(), given.max())) + 1
    pairs = truth.astype(np.int64) * size + given.astype(np.int64)
    pairs, places, weight = np.unique(pairs, return_inverse=True, return_counts=True)
    if held is not None:
        weight = np.bincount(places, held)
        pairs, weight = pairs[weight > 0], weight[weight > 0]
    true, answer = np.divmod(pairs, size)
    macro: dict[str, Any] = {"sample_weight": weight, "average": "macro", "zero_division": 0}
    return [
        accuracy_score(true, answer, sample_weight=weight),
        # What balanced_accuracy_score is, which warns of answers that the target has not.
        recall_score(true, answer, labels=np.unique(true), **macro),
        *precision_recall_fscore_support(true, answer, **macro)[:3],
        _matthews(true, answer, weight),
    ]


def _matthews(true: np.ndarray, answer: np.ndarray, weight: np.ndarray) -> float:
    """Give matthews_corrcoef, which takes memory for labels x labels and warns of one label."""
    t, p = np.bincount(true, weight), np.bincount(answer, weight)
    n, both = float(weight.sum()), min(len(t), len(p))
    scale = (n**2 - t @ t) * (n**2 - p @ p)
    covariance = n * weight[true == answer].sum() - t[:both] @ p[:both]
    return float(covariance / np.sqrt(scale)) if scale else 0.0


def _number_metrics(truth: np.ndarray, given: np.ndarray, held: np.ndarray | None) -> list[float]:
    from sklearn import metrics

    weighted = {"sample_weight": held}
    return [
        metrics.r2_score(truth, given, **weighted) if len(truth) > 1 else np.nan,
        metrics.mean_absolute_error(truth, given, **weighted),
        metrics.root_mean_squared_error(truth, given, **weighted),
        metrics.median_absolute_error(truth, given, **weighted),
        float(np.average(given - truth, weights=held)),
    ]


def agreements(task: Task, given: list[np.ndarray]) -> np.ndarray:
    """Give a table of how far any two agree: the diagonal is 1."""
    measure = _same_share if task == "classification" else _concordance
    table = np.full((len(given), len(given)), np.nan)
    for i, a in enumerate(given):
        table[i, i] = np.nan if np.isnan(a).all() else 1.0
        for j, b in enumerate(given[:i]):
            table[i, j] = table[j, i] = measure(a, b)
    return table


def _same_share(a: np.ndarray, b: np.ndarray) -> float:
    events = np.count_nonzero(~(np.isnan(a) | np.isnan(b)))
    return np.count_nonzero(a == b) / events if events else np.nan


def _concordance(a: np.ndarray, b: np.ndarray) -> float:
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    if len(a) < 2:
        return np.nan
    apart = np.mean((a - b) ** 2)
    uncorrelated = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(1 - apart / uncorrelated) if apart else 1.0


def spread_of(given: list[np.ndarray]) -> np.ndarray:
    """Give highest - lowest of the answers to each event, NaN below two answers."""
    answered = np.sum([~np.isnan(values) for values in given], axis=0)
    spread = np.fmax.reduce(given) - np.fmin.reduce(given)
    return np.where(answered > 1, spread, np.nan)
