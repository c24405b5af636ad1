"""What probabilities are worth: log loss, Brier score, area under the ROC curve, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .families import over

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
    metrics = ("log_loss", "brier", "roc_auc")

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
        """Losses, and for each label what DeLong et al. (1988) call structural components.

        The area under the curve is no sum, but up to a remainder that vanishes with 1 / n it is
        the mean over the positive events of the share of negatives below each, and the mean
        over the negative events of the share of positives above each: half of either here.
        """
        weight = np.where(known, self.weight, 0.0)
        losses = self._losses(model)
        columns = [weight, *(np.where(known, loss, 0.0) * weight for loss in losses)]
        for label in self._placed_labels:
            columns += self._placed(model, known, weight, label)
        return np.stack(columns, axis=1)[rows]

    def measure(self, sums: np.ndarray) -> np.ndarray:
        """Log loss, Brier score and the mean area over the labels that are there and not alone."""
        weight = sums[..., 0]
        areas = sums[..., 3:].reshape(*sums.shape[:-1], -1, 4)
        positive, above, negative, below = np.moveaxis(areas, -1, 0)
        area = over(above, positive) + over(below, negative)
        number = (~np.isnan(area)).sum(axis=-1)
        mean = over(np.where(np.isnan(area), 0.0, area).sum(axis=-1), number)
        return np.stack([over(sums[..., 1], weight), over(sums[..., 2], weight), mean], axis=-1)

    def influence(self, model: int, known: np.ndarray) -> np.ndarray:
        """How far each event moves the mean area: its terms, over how many there are of them."""
        moved, number = np.zeros(len(self.truth)), 0
        weight = np.where(known, self.weight, 0.0)
        for label in self._placed_labels:
            positive, above, negative, below = self._placed(model, known, weight, label)
            if positive.sum() > 0 and negative.sum() > 0:
                # Each part around its own mean, as the number of positives is as it is.
                for part, whole in ((above, positive), (below, negative)):
                    mean = part.sum() / whole.sum()
                    moved += (part - mean * whole) / whole.sum()
                number += 1
        return moved / max(number, 1)

    @property
    def _labels(self) -> int:
        return next(given.shape[1] for given in self.given if given is not None)

    @property
    def _placed_labels(self) -> range:
        """The labels that have an area: of two the second, as in scikit-learn."""
        return range(1 if self._labels == 2 else 0, self._labels)

    def _losses(self, model: int) -> tuple[np.ndarray, np.ndarray]:
        """Log loss and Brier score of each event, as scikit-learn has them."""
        given = self.given[model]
        if given is None:
            return np.full(len(self.truth), np.nan), np.full(len(self.truth), np.nan)
        place, true = np.arange(len(given)), self.truth.astype(np.int64)
        least = np.finfo(float).eps
        squares = (given**2).sum(axis=1) + 1 - 2 * given[place, true]
        # Of two labels the one square: the other is the same.
        halved = squares / 2 if self._labels == 2 else squares
        return -np.log(given[place, true].clip(least, 1 - least)), halved

    def _placed(
        self, model: int, known: np.ndarray, weight: np.ndarray, label: int
    ) -> list[np.ndarray]:
        given = self.given[model]
        if given is None:
            return [np.zeros(len(self.truth))] * 4
        values, place = np.unique(np.where(known, given[:, label], 0.0), return_inverse=True)
        positive = weight * (self.truth == label)
        negative = weight - positive
        shares = []
        for others in (negative, positive):
            held = np.bincount(place, others, minlength=len(values))
            # Ties count half.
            share = (np.cumsum(held) - held / 2) / (held.sum() or 1.0)
            shares.append(share[place])
        above, below = shares[0], 1 - shares[1]
        whole = positive @ above / (positive.sum() or 1.0)
        if not (positive.any() and negative.any()):
            return [np.zeros(len(weight))] * 4
        return [
            positive,
            positive * (above - whole / 2),
            negative,
            negative * (below - whole / 2),
        ]


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
