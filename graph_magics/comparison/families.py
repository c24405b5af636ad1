"""Metrics as functions of sums over events, which is what resampling needs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..scores import ROUNDED

#: What rounding may leave of a sum, as a part of it, and of shares.
ROUNDING = 1e-12
#: Tables of more numbers are kept sparse.
_DENSE = 5_000_000


class Family(Protocol):
    """Metrics that come of the same sums.

    Attributes
    ----------
    metrics : tuple of str
    noise : ndarray of float, shape (metrics,)
    """

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured, in the order of the figures."""

    @property
    def noise(self) -> np.ndarray:
        """How far rounding alone may part two figures of each metric: (metrics,)."""

    def answered(self, model: int) -> np.ndarray:
        """Which events a model answered: (n_events,) bool."""

    def kinds(self, model: int) -> list[np.ndarray] | None:
        """Whole numbers by which events are alike in these sums; None if all are different."""

    def terms(self, model: int, known: np.ndarray, rows: Any) -> Any:
        """The terms of the sums, (rows, width), 0 where an event is not among the known.

        An ndarray, or a sparse array of SciPy's.
        """

    def measure(self, sums: np.ndarray) -> np.ndarray:
        """The metrics, (..., metrics), of sums (..., width)."""


@dataclass(frozen=True)
class Right:
    """The accuracy alone: which events are right."""

    truth: np.ndarray
    given: list[np.ndarray]
    weight: np.ndarray
    classes: np.ndarray
    metrics = ("accuracy",)
    noise = np.array([ROUNDING])

    def answered(self, model: int) -> np.ndarray:
        """Which events it answered."""
        return ~np.isnan(self.given[model])

    def kinds(self, model: int) -> list[np.ndarray]:
        """By weight, and by whether it is right, wrong or missing."""
        given = self.given[model]
        return [self.classes, np.where(np.isnan(given), 2, given == self.truth).astype(np.int64)]

    def terms(self, model: int, known: np.ndarray, rows: Any) -> Any:
        """Weight, and weight where it is right."""
        weight = np.where(known, self.weight, 0.0)[rows]
        right = self.given[model][rows] == self.truth[rows]
        return np.stack([weight, weight * right], axis=1)

    def measure(self, sums: np.ndarray) -> np.ndarray:
        """Share of the weight."""
        return over(sums[..., 1:], sums[..., :1])


@dataclass(frozen=True)
class Labels:
    """What comes of how often each label is right, true and given."""

    truth: np.ndarray
    given: list[np.ndarray]
    weight: np.ndarray
    classes: np.ndarray
    size: int
    metrics = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "matthews")
    noise = np.full(6, ROUNDING)

    def answered(self, model: int) -> np.ndarray:
        """Which events it answered."""
        return ~np.isnan(self.given[model])

    def kinds(self, model: int) -> list[np.ndarray]:
        """By weight, label and answer."""
        given = np.nan_to_num(self.given[model], nan=self.size)
        return [self.classes, self.truth.astype(np.int64), given.astype(np.int64)]

    def terms(self, model: int, known: np.ndarray, rows: Any) -> Any:
        """Of each label the weight where it is right, where it is true, where it is given."""
        weight = np.where(known, self.weight, 0.0)[rows]
        true = self.truth[rows].astype(np.int64)
        given = np.nan_to_num(self.given[model][rows]).astype(np.int64)
        data = [weight * (true == given), weight, weight]
        columns = [true, self.size + true, 2 * self.size + given]
        if len(weight) * 3 * self.size > _DENSE:
            from scipy.sparse import coo_array

            places = np.tile(np.arange(len(weight)), 3), np.concatenate(columns)
            shape = (len(weight), 3 * self.size)
            return coo_array((np.concatenate(data), places), shape=shape).tocsr()
        terms = np.zeros((len(weight), 3 * self.size))
        for values, column in zip(data, columns, strict=True):
            terms[np.arange(len(weight)), column] = values
        return terms

    def measure(self, sums: np.ndarray) -> np.ndarray:
        """The metrics as scikit-learn defines them."""
        right, true, given = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, self.size), -2, 0)
        # Differences of sums leave rounding behind where there is nothing.
        least = ROUNDING * sums.sum(axis=-1)[..., np.newaxis]
        right, true, given = (np.where(part > least, part, 0.0) for part in (right, true, given))
        events, hits = true.sum(axis=-1), right.sum(axis=-1)
        there = (true > 0) | (given > 0)
        recalls = over(right, true, 0.0)
        number = there.sum(axis=-1)
        expected = (true * given).sum(axis=-1)
        # As N^2 less a sum of squares, what rare labels add would be lost in rounding.
        rest = [(part * (events[..., np.newaxis] - part)).sum(axis=-1) for part in (true, given)]
        matthews = over(events * hits - expected, np.sqrt(rest[0]) * np.sqrt(rest[1]), 0.0)
        metrics = [
            over(hits, events),
            over(recalls.sum(axis=-1), (true > 0).sum(axis=-1)),
            over(over(right, given, 0.0).sum(axis=-1), number),
            over(recalls.sum(axis=-1), number),
            over(over(2 * right, true + given, 0.0).sum(axis=-1), number),
            np.where(events > 0, matthews, np.nan),
        ]
        return np.stack(metrics, axis=-1)


@dataclass(frozen=True)
class Numbers:
    """What comes of sums of errors and of squares."""

    truth: np.ndarray
    given: list[np.ndarray]
    weight: np.ndarray
    metrics = ("r2", "mae", "rmse", "bias")

    @property
    def noise(self) -> np.ndarray:
        """Of errors, some of the last digits that the target has."""
        digit = ROUNDED * np.abs(self.truth).max(initial=0.0)
        return np.array([ROUNDING, digit, digit, digit])

    def answered(self, model: int) -> np.ndarray:
        """Which events it answered."""
        return ~np.isnan(self.given[model])

    def kinds(self, model: int) -> None:
        """None: hardly two events have the same error."""

    def terms(self, model: int, known: np.ndarray, rows: Any) -> Any:
        """Weight, errors and squares."""
        weight = np.where(known, self.weight, 0.0)[rows]
        # Around the middle of all, or the squares of large targets would drown their spread.
        truth = self.truth[rows] - (self.truth.mean() if len(self.truth) else 0.0)
        error = np.where(known, self.given[model] - self.truth, 0.0)[rows]
        columns = [np.ones(len(weight)), error, abs(error), error**2, truth, truth**2]
        return np.stack(columns, axis=1) * weight[:, np.newaxis]

    def measure(self, sums: np.ndarray) -> np.ndarray:
        """The metrics as scikit-learn defines them."""
        weight, error, absolute, squared, truth, truth_squared = np.moveaxis(sums, -1, 0)
        spread = truth_squared - over(truth**2, weight)
        spread = np.where(spread > 1e-12 * truth_squared, spread, 0.0)
        # One value only: 1 if it is met, else 0, as in scikit-learn.
        flat = np.where(squared > 0, 0.0, 1.0)
        metrics = [
            np.where(spread > 0, 1 - over(squared, spread), np.where(weight > 0, flat, np.nan)),
            over(absolute, weight),
            np.sqrt(over(squared, weight).clip(min=0)),
            over(error, weight),
        ]
        return np.stack(metrics, axis=-1)


def over(part: np.ndarray, whole: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """Divide; give something else where there is nothing to divide by."""
    there = whole > 0
    return np.where(there, part / np.where(there, whole, 1.0), otherwise)
