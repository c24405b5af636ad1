"""The area under the ROC curve: how sure it is, by the placements of DeLong et al. (1988)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bounds import TAIL, all_alike

#: A spread, or a distance from 0 or 1, that rounding alone leaves.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Area:
    """The mean area of one model over the labels, each against the rest.

    Attributes
    ----------
    value : float
        NaN where no label has both events and others beside it.
    moved : ndarray of float, shape (n_events,)
        How far each event moves it: the root of the sum of squares is the standard error. NaN
        where a label has one event only, or all but one.
    least : float
        What the area is at least, if it is seen to be 1.
    """

    value: float
    moved: np.ndarray
    least: float

    def interval(self) -> tuple[float, float]:
        """Give the 95 % interval, on the logit scale, so that it lies between 0 and 1.

        It is the delta method on DeLong's standard error (Qin and Hotilovac 2008). An area of
        1, or of 0, has no such error. There the bound is exact, of as many pairs of events, no
        two with an event in common, as the smaller class has events: all of them are in order.
        NaN where a label has one event only, and where all events get the same.

        Simulated with normal scores it holds the area in 95 to 98 of 100 samples of 4 to 20
        events of a label, but in 87 to 91 where an area near 1 hangs on a few of 30 or more
        that lie among the others, where BCa bootstraps of the area itself reach 91 to 93.
        """
        if np.isnan(self.value):
            return np.nan, np.nan
        if self.value > 1 - _NOTHING:
            return self.least, 1.0
        if self.value < _NOTHING:
            return 0.0, 1 - self.least
        from scipy.special import expit, logit

        error = _root(self.moved)
        if not error > _NOTHING:
            return np.nan, np.nan
        half = _normal() * error / (self.value * (1 - self.value))
        low, high = expit(logit(self.value) + np.array([-half, half])).tolist()
        return low, high


def difference_of(one: Area, other: Area) -> tuple[float, float, float, float]:
    """Hold two areas of the same events against each other: the test of DeLong et al. (1988).

    Returns
    -------
    difference, low, high, p_value : float
        The interval is that of the test, so the two say the same. NaN where a label has one
        event only, whose spread cannot be told, and where both areas are without spread but
        differ; without a difference p is 1.
    """
    from scipy import stats

    difference = one.value - other.value
    error = _root(one.moved - other.moved)
    if np.isnan(difference) or np.isnan(error):
        return difference, np.nan, np.nan, np.nan
    if error <= _NOTHING:
        return difference, np.nan, np.nan, 1.0 if abs(difference) <= _NOTHING else np.nan
    half = _normal() * error
    low, high = np.clip([difference - half, difference + half], -1, 1).tolist()
    return difference, low, high, float(2 * stats.norm.sf(abs(difference) / error))


def area_of(truth: np.ndarray, given: np.ndarray, weight: np.ndarray) -> Area:
    """Measure the area of one model.

    Parameters
    ----------
    truth : ndarray of float, shape (n_events,)
        Labels as whole numbers from 0.
    given : ndarray of float, shape (n_events, n_labels)
        Probabilities; those of an event of weight 0 do not matter.
    weight : ndarray of float, shape (n_events,)

    Examples
    --------
    >>> held = np.array([0.9, 0.4, 0.6, 0.2, 0.1])
    >>> area = area_of(np.array([1, 1, 0, 0, 0]), np.stack([1 - held, held], axis=1), np.ones(5))
    >>> round(area.value, 4), [round(bound, 4) for bound in area.interval()]
    (0.8333, [0.1523, 0.9929])
    """
    counts = weight > 0
    moved, values, least = np.zeros(len(truth)), [], []
    # Of two labels the second, as in scikit-learn.
    for label in range(1 if given.shape[1] == 2 else 0, given.shape[1]):
        is_it = counts & (truth == label)
        sides = is_it, counts & ~is_it
        if not (sides[0].any() and sides[1].any()):
            continue
        held = [np.where(side, weight, 0.0) for side in sides]
        shares = [part / part.sum() for part in held]
        scores, place = np.unique(np.where(counts, given[:, label], 0.0), return_inverse=True)
        placed = [_below(shares[1], place, len(scores)), 1 - _below(shares[0], place, len(scores))]
        values.append(float(shares[0] @ placed[0]))
        for share, placement in zip(shares, placed, strict=True):
            apart = share * (placement - share @ placement)
            # The error of one's own mean is too small by one's own share in it: with equal
            # weights that is n - 1 in place of n, with others HC2 (MacKinnon and White 1985).
            rest = np.sqrt(np.clip(1 - share, 0, None))
            moved += np.divide(apart, rest, out=np.full(len(rest), np.nan), where=rest > _NOTHING)
        least.append(min(all_alike(part[side]) for part, side in zip(held, sides, strict=True)))
    if not values:
        return Area(np.nan, moved, np.nan)
    return Area(float(np.mean(values)), moved / len(values), float(np.mean(least)))


def _below(share: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    """What share lies below each event; ties count half."""
    held = np.bincount(place, share, minlength=size)
    return np.asarray((np.cumsum(held) - held / 2)[place])


def _root(moved: np.ndarray) -> float:
    return float(np.sqrt((moved**2).sum()))


def _normal() -> float:
    from scipy.special import ndtri

    return float(-ndtri(TAIL))
