"""Searches the weights of a vote: on some samples, for all three kinds of vote."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .. import votes
from ..scores import LEAST
from .losses import Metric

#: A share below this is none: weights are to be read.
_LEAST = 0.005
_DIGITS = 3
#: The greatest weight tried, by the number of models. Of up to five models, weights up to 3 give
#: every way in which a majority of them can be formed.
_GREATEST = {1: 1, 2: 2, 3: 3, 4: 3, 5: 3, 6: 2}
#: The weights tried one by one, where all together would be too many.
_LEVELS = 5
_ROUNDS = 10
#: How much is counted for the candidates of one search, and at once.
_WORK = 2_000_000_000
_AT_ONCE = 20_000_000
_MOST_PATTERNS = 2**62


class Vote(Protocol):
    """A vote of some models over samples, whose weights can be searched."""

    def fit(self, rows: np.ndarray) -> np.ndarray:
        """Give the best weights for some of the samples, shape (n_models,)."""
        ...

    def shares(self, weights: np.ndarray) -> np.ndarray:
        """Give what each sample adds to the metric under these weights, shape (n_samples,)."""
        ...


class Means:
    """A weighted mean of numbers.

    Parameters
    ----------
    truth : ndarray, shape (n_samples,)
    answers : ndarray, shape (n_samples, n_models)
    metric : Metric
        ``mae``, ``mse`` or ``rmse``.
    """

    def __init__(self, truth: np.ndarray, answers: np.ndarray, metric: Metric) -> None:
        self._truth, self._answers, self._metric = truth, answers, metric

    def fit(self, rows: np.ndarray) -> np.ndarray:
        """Minimise the error over the simplex of weights, which is a convex problem."""
        errors = self._answers[rows] - self._truth[rows, None]
        scale = float(np.abs(errors).mean()) or 1.0
        errors = errors / scale
        if self._metric.name != "mae":
            gram = errors.T @ errors / len(errors)
            return over_simplex(lambda w: (float(w @ gram @ w), 2 * gram @ w), errors.shape[1])
        smooth = 1e-3  # An absolute error has no slope at 0.

        def mean_error(w: np.ndarray) -> tuple[float, np.ndarray]:
            left = errors @ w
            size = np.sqrt(left**2 + smooth**2)
            return float(size.mean()), errors.T @ (left / size) / len(errors)

        return over_simplex(mean_error, errors.shape[1])

    def shares(self, weights: np.ndarray) -> np.ndarray:
        """Give the error of each sample."""
        return self._metric.of(self._truth, votes.mean(list(self._answers.T), weights.tolist()))


class Probabilities:
    """The likeliest label by a weighted mean of probabilities.

    Parameters
    ----------
    truth : ndarray of int, shape (n_samples,)
    tables : ndarray, shape (n_models, n_samples, n_labels)
        In the order in which a vote prefers labels.
    metric : Metric
    of_labels : bool
        Whether the metric is of the labels: then the log loss is searched, which says more.
    held : ndarray, shape (n_samples,)
        How much each sample counts.
    """

    def __init__(
        self,
        truth: np.ndarray,
        tables: np.ndarray,
        metric: Metric,
        held: np.ndarray,
        *,
        of_labels: bool,
    ) -> None:
        self._truth, self._tables, self._metric = truth, tables, metric
        self._held, self._of_labels = held, of_labels

    def fit(self, rows: np.ndarray) -> np.ndarray:
        """Minimise the log loss, or the Brier score, over the simplex: convex problems."""
        tables, truth, held = self._tables[:, rows], self._truth[rows], self._held[rows]
        if self._metric.name == "brier":
            wanted = np.zeros(tables.shape[1:])
            wanted[np.arange(len(truth)), truth] = 1.0
            errors = (tables - wanted).reshape(len(tables), -1)
            gram = errors @ errors.T / len(truth)
            return over_simplex(lambda w: (float(w @ gram @ w), 2 * gram @ w), len(tables))
        own = np.clip(tables[:, np.arange(len(truth)), truth], LEAST, 1.0)

        def log_loss(w: np.ndarray) -> tuple[float, np.ndarray]:
            mean = w @ own
            return float(-(held * np.log(mean)).mean()), -(own * (held / mean)).mean(axis=1)

        return over_simplex(log_loss, len(tables))

    def shares(self, weights: np.ndarray) -> np.ndarray:
        """Give the loss of each sample, or whether its label is right."""
        mean = votes.mean(list(self._tables), weights.tolist())
        given = mean.argmax(axis=1) if self._of_labels else mean
        return self._metric.of(self._truth, given) * self._held


class Majority:
    """The label with the greatest weight behind it.

    Parameters
    ----------
    truth : ndarray of int, shape (n_samples,)
    answers : ndarray of int, shape (n_samples, n_models)
        Labels as numbers, of which a vote prefers the smallest.
    held : ndarray, shape (n_samples,)
        How much each sample counts.
    """

    def __init__(self, truth: np.ndarray, answers: np.ndarray, held: np.ndarray) -> None:
        self._truth, self._held = truth, held
        # What all models say together, each such pattern once: there are few of them.
        kinds, models = int(answers.max()) + 1, answers.shape[1]
        if kinds**models < _MOST_PATTERNS:
            key = answers @ (kinds ** np.arange(models, dtype=np.int64))
            _, first, self._pattern = np.unique(key, return_index=True, return_inverse=True)
            patterns = answers[first]
        else:
            patterns, self._pattern = np.unique(answers, axis=0, return_inverse=True)
            self._pattern = self._pattern.ravel()
        self._patterns = np.sort(patterns, axis=1)
        # Who is behind each label of a pattern: all that decides which of them wins.
        behind = self._patterns[:, :, None] == patterns[:, None, :]
        packed = np.packbits(behind.reshape(len(behind), -1), axis=1)
        _, first, self._form = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        self._behind, self._form = behind[first].astype(float), self._form.ravel()
        self._decides = (self._patterns[:, 0] != self._patterns[:, -1])[first]

    def fit(self, rows: np.ndarray) -> np.ndarray:
        """Try weights of small whole numbers, those nearest to equal ones first."""
        worth = self._worth(rows)
        seen = self._decides & worth.any(axis=1)  # In the others all say the same.
        behind, worth = self._behind[seen], worth[seen]
        models = int(self._patterns.shape[1])
        most = max(_WORK // max(behind.size, 1), 4 * models)
        if models in _GREATEST:
            candidates = _near_equal_first(models, _GREATEST[models])[:most]
            alone = np.eye(models, dtype=np.int64)
            tried = np.concatenate([candidates, alone])
            return tried[int(np.argmax(_gains(tried, behind, worth)))].astype(float)
        return _one_by_one(models, behind, worth)

    def shares(self, weights: np.ndarray) -> np.ndarray:
        """Give whether the label of each sample is right, times how much it counts."""
        # Model after model, as votes are added: another order may round to another tie.
        support = np.zeros(self._behind.shape[:2])
        for model, weight in enumerate(weights.tolist()):
            support += weight * self._behind[:, :, model]
        place = support.argmax(axis=1)[self._form]
        winner = self._patterns[np.arange(len(place)), place]
        return (winner[self._pattern] == self._truth) * self._held

    def _worth(self, rows: np.ndarray) -> np.ndarray:
        """How much is right if one of the labels wins, shape (n_forms, n_models)."""
        pattern, truth, held = self._pattern[rows], self._truth[rows], self._held[rows]
        form = self._form[pattern]
        worth: np.ndarray = np.zeros(self._behind.shape[:2])
        for place in range(worth.shape[1]):
            right = self._patterns[pattern, place] == truth
            worth[:, place] = np.bincount(form[right], weights=held[right], minlength=len(worth))
        return worth


def over_simplex(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]], models: int
) -> np.ndarray:
    """Minimise a convex function, given with its slope, over weights that add up to 1.

    Examples
    --------
    >>> over_simplex(lambda w: (float((w - [0.2, 0.9]) @ (w - [0.2, 0.9])), 2 * (w - [0.2, 0.9])),
    ...              models=2).tolist()
    [0.15, 0.85]
    """
    from scipy.optimize import minimize

    start = np.full(models, 1 / models)
    if models == 1:
        return start
    found = minimize(
        function,
        start,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * models,
        constraints={
            "type": "eq",
            "fun": lambda w: w.sum() - 1,
            "jac": lambda w: np.ones(models),
        },
        options={"maxiter": 500, "ftol": 1e-12},
    )
    best: Any = found.x if np.isfinite(found.x).all() else start
    best = np.where(best < _LEAST * best.sum(), 0.0, best)
    weights = np.round(best / best.sum(), _DIGITS)
    # As they are to be read they may be worse than equal ones, by a little.
    if not weights.sum() or function(weights / weights.sum())[0] > function(start)[0]:
        return start
    return weights


def _near_equal_first(models: int, greatest: int) -> np.ndarray:
    """All weights up to some number that have no common divisor, nearest to equal ones first."""
    grid = np.array(list(itertools.product(range(greatest + 1), repeat=models))[1:])
    grid = grid[np.gcd.reduce(grid, axis=1) == 1]
    shares = grid / grid.sum(axis=1, keepdims=True)
    apart = np.abs(shares - 1 / models).sum(axis=1).round(9)
    return grid[np.lexsort([*grid.T[::-1], apart])]


def _gains(tried: np.ndarray, behind: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """How much is right under each of several weights."""
    gains = np.zeros(len(tried))
    step = max(_AT_ONCE // max(worth.size, 1), 1)
    rows = np.arange(len(worth))
    for start in range(0, len(tried), step):
        some = tried[start : start + step].astype(float)
        # Of equal weight behind them the first, which is the smallest label.
        place = (behind @ some.T).argmax(axis=1)
        gains[start : start + step] = worth[rows[:, None], place].sum(axis=0)
    return gains.round(9)


def _one_by_one(models: int, behind: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Turn one weight after the other, as long as that is of use."""
    weights = np.full(models, _LEVELS // 2)
    best = float(_gains(weights[None], behind, worth)[0])
    for _ in range(_ROUNDS):
        before = best
        for model in range(models):
            tried = np.repeat(weights[None], _LEVELS, axis=0)
            tried[:, model] = np.arange(_LEVELS)
            tried = tried[tried.any(axis=1)]
            gains = _gains(tried, behind, worth)
            if gains.max() > best:
                best, weights = float(gains.max()), tried[int(gains.argmax())]
        if best == before:
            break
    return (weights // max(int(np.gcd.reduce(weights)), 1)).astype(float)
