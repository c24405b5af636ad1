"""What probabilities are worth: log loss, Brier score, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..scores import brier_scores, log_losses
from .families import ROUNDING, over

BINS = 10


@dataclass(frozen=True)
class Probabilities:
    """What comes of the probabilities of each label.

    Parameters
    ----------
    truth : ndarray of float, shape (n_events,)
        The number of each event's label.
    given : list of ndarray of shape (n_events, n_labels), or None
        The probabilities by model, NaN where it did not answer; None where it answers no
        probabilities.
    weight : ndarray of float, shape (n_events,)
    """

    truth: np.ndarray
    given: list[np.ndarray | None]
    weight: np.ndarray
    metrics = ("log_loss", "brier")
    noise = np.full(2, ROUNDING)

    def answered(self, model: int) -> np.ndarray:
        """Which events a model answered with probabilities."""
        given = self.given[model]
        if given is None:
            return np.zeros(len(self.truth), dtype=bool)
        return ~np.isnan(given).any(axis=1)

    def kinds(self, model: int) -> None:
        """None: all events are different."""
        return None

    def terms(self, model: int, known: np.ndarray, rows: Any) -> np.ndarray:
        """Weight, and losses times weight."""
        weight = np.where(known, self.weight, 0.0)
        columns = [np.where(known, loss, 0.0) * weight for loss in self._losses(model)]
        return np.stack([weight, *columns], axis=1)[rows]

    def measure(self, sums: np.ndarray) -> np.ndarray:
        """Log loss and Brier score."""
        return over(sums[..., 1:], sums[..., :1])

    def _losses(self, model: int) -> tuple[np.ndarray, np.ndarray]:
        """Log loss and Brier score of each event, as scikit-learn has them."""
        given = self.given[model]
        if given is None:
            return np.full(len(self.truth), np.nan), np.full(len(self.truth), np.nan)
        return log_losses(self.truth, given), brier_scores(self.truth, given)


def calibration_of(
    family: Probabilities, models: pd.Index, labels: list[Any], bins: int = BINS
) -> pd.DataFrame:
    """Hold what was predicted against what came, in bins of equal width.

    Returns
    -------
    DataFrame
        Indexed by (model, label, bin); see `Comparison.calibration`.
    """
    rows = []
    edges = np.linspace(0, 1, bins + 1)
    # Of two labels the second: the first is its mirror.
    shown = range(1, 2) if len(labels) == 2 else range(len(labels))
    for model, name in enumerate(models):
        given = family.given[model]
        if given is None:
            continue
        known = family.answered(model)
        for label in shown:
            predicted, weight = given[known, label], family.weight[known]
            came = family.truth[known] == label
            # As scikit-learn's calibration_curve: a value on an edge is in the bin below it.
            places = np.searchsorted(edges[1:-1], predicted)
            for place in range(bins):
                here = places == place
                events, held = int(here.sum()), weight[here].sum()
                mean = weight[here] @ predicted[here] / held if held else np.nan
                observed = weight[here] @ came[here] / held if held else np.nan
                bounds = f"{edges[place]:.1f}-{edges[place + 1]:.1f}"
                rows.append((name, labels[label], bounds, mean, observed, events))
    columns = ["model", "label", "bin", "predicted", "observed", "events"]
    return pd.DataFrame(rows, columns=columns).set_index(["model", "label", "bin"])


def in_order(labels: list[Any]) -> list[int]:
    """The places of labels in their order; as they are where they have none.

    >>> in_order(["b", "c", "a"]), in_order(["b", 1])
    ([2, 0, 1], [0, 1])
    """
    try:
        return sorted(range(len(labels)), key=labels.__getitem__)
    except TypeError:
        return list(range(len(labels)))
