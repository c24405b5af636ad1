"""Bounds that no resample can show: of few events, or all alike, and of a median."""

from __future__ import annotations

import numpy as np

from .resampling import LEVEL

#: What an interval leaves out at either end.
TAIL = (1 - LEVEL) / 2
#: Fewer events have no bootstrap interval: of n events even the lowest and the highest hold the
#: median between them in 1 - 2 / 2^n of all samples only, which is less than 95 % below six.
FEWEST = 6


def all_alike(weight: np.ndarray) -> float:
    """Give the least that a share can be, if all events seen are of it.

    The lower bound of the exact interval of a share (Clopper and Pearson 1934), of as many
    events as the weights are worth (Kish 1965): the square of their sum over that of squares.

    Parameters
    ----------
    weight : ndarray of float, shape (n_events,)

    Examples
    --------
    >>> round(all_alike(np.ones(3)), 4), round(all_alike(np.array([1.0, 1e-9])), 4)
    (0.2924, 0.025)
    """
    size = weight.sum() ** 2 / (weight**2).sum()
    return float(TAIL ** (1 / size))


def of_share(right: np.ndarray, weight: np.ndarray) -> tuple[float, float] | None:
    """Give the exact bounds of an accuracy of few events, or of events all alike; or None.

    Those of Clopper and Pearson (1934), for as many events as the weights are worth.

    Parameters
    ----------
    right : ndarray of bool, shape (n_events,)
    weight : ndarray of float, shape (n_events,)
        More than 0.

    Examples
    --------
    >>> [round(bound, 4) for bound in of_share(np.array([True, False, True]), np.ones(3))]
    [0.0943, 0.9916]
    """
    if not len(right) or (len(right) >= FEWEST and right.any() != right.all()):
        return None
    if right.any() == right.all():
        least = all_alike(weight)
        return (least, 1.0) if right.all() else (0.0, 1 - least)
    from scipy.special import betaincinv

    size = weight.sum() ** 2 / (weight**2).sum()
    hits = size * weight[right].sum() / weight.sum()
    low = betaincinv(hits, size - hits + 1, TAIL)
    return float(low), float(betaincinv(hits + 1, size - hits, 1 - TAIL))


def of_difference(
    one: np.ndarray, other: np.ndarray, weight: np.ndarray
) -> tuple[float, float] | None:
    """Give bounds of a difference of accuracies that is the same in all events; or None.

    NaN where events differ that are too few for any.

    At least the share L of all events is as those seen (`all_alike`), and the others may each
    speak for the opposite. If one model is always right where the other never is, that leaves
    2 L - 1 to 1, which holds 0 just where McNemar's exact test finds p > 0.05. If no event
    tells the two apart, it leaves L - 1 to 1 - L.

    Parameters
    ----------
    one, other : ndarray of bool, shape (n_events,)
        Whether each model is right.
    weight : ndarray of float, shape (n_events,)
        More than 0.

    Examples
    --------
    >>> right = np.ones(5, dtype=bool)
    >>> [round(bound, 3) for bound in of_difference(right, ~right, np.ones(5))]
    [-0.044, 1.0]
    """
    apart = one.astype(np.int64) - other
    if not len(apart) or (apart != apart[0]).any():
        return None if len(apart) >= FEWEST else (np.nan, np.nan)
    least = all_alike(weight)
    if apart[0] == 0:
        return least - 1, 1 - least
    return (2 * least - 1, 1.0) if apart[0] > 0 else (-1.0, 1 - 2 * least)


def of_median(errors: np.ndarray, seed: int) -> tuple[float, float]:
    """Bounds of a median: its bootstrap distribution is that of order statistics, drawn at once.

    The k-th smallest of n draws is the value at the k-th smallest of n uniform numbers. NaN
    where all errors are the same, or fewer than six.
    """
    size = len(errors)
    if size < FEWEST or errors.min() == errors.max():
        return np.nan, np.nan
    rng, errors = np.random.default_rng(seed), np.sort(errors)
    first = (size + 1) // 2
    lower = rng.beta(first, size - first + 1, 2_000)
    upper = lower
    if size % 2 == 0:
        upper = lower + (1 - lower) * rng.beta(1, size - first, 2_000)
    ranks = [np.minimum((size * each).astype(np.int64), size - 1) for each in (lower, upper)]
    low, high = np.quantile((errors[ranks[0]] + errors[ranks[1]]) / 2, [TAIL, 1 - TAIL])
    return float(low), float(high)
