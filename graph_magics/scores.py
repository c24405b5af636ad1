"""What one model's answers are worth, and two models' beside each other: arrays in, figures out."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

Task: TypeAlias = Literal["classification", "regression"]

METRICS = {
    "classification": ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "matthews"),
    "regression": ("r2", "mae", "rmse", "median_ae", "bias"),
}


def score(task: Task, truth: np.ndarray, given: np.ndarray) -> list[float]:
    """Give one row of the summary."""
    scored = ~np.isnan(given)
    events = int(scored.sum())
    metrics: list[float] = [np.nan] * len(METRICS[task])
    if events:
        measure = _label_metrics if task == "classification" else _number_metrics
        metrics = measure(truth[scored], given[scored])
    return [events, len(given) - events, *metrics]


def _label_metrics(truth: np.ndarray, given: np.ndarray) -> list[float]:
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support, recall_score

    # Events count only by (label, answer): scikit-learn gets every such pair once, weighted.
    size = int(max(truth.max(), given.max())) + 1
    pairs = truth.astype(np.int64) * size + given.astype(np.int64)
    pairs, weight = np.unique(pairs, return_counts=True)
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


def _number_metrics(truth: np.ndarray, given: np.ndarray) -> list[float]:
    from sklearn import metrics

    return [
        metrics.r2_score(truth, given) if len(truth) > 1 else np.nan,
        metrics.mean_absolute_error(truth, given),
        metrics.root_mean_squared_error(truth, given),
        metrics.median_absolute_error(truth, given),
        float(np.mean(given - truth)),
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
