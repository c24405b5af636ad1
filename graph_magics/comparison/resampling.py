"""Resampling of events: bootstrap and paired swaps of any metric that is a function of sums.

A metric of a model is told by sums over the events: how many were right, the squared errors
added up, and so on. A resample of the events then is a vector of how often each event is in it,
and the sums of all resamples are one matrix product. Events that are alike in everything that
counts (the same label, the same answers) are one *cell*, and how often a cell is in a resample
is a multinomial draw: so a million events with ten labels cost what a thousand cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

#: Gives an array of sums (..., width) one figure, or several: (...) or (..., figures).
Measure: TypeAlias = Callable[[np.ndarray], np.ndarray]
#: Gives the terms of the sums, (rows, width), for the rows of events asked for.
Terms: TypeAlias = Callable[[Any], Any]

RESAMPLES = 2_000
#: The smallest p-value of a test by swaps is 1 / (SWAPS + 1).
SWAPS = 9_999
LEVEL = 0.95
#: More kinds of events than that are not counted by kind.
_MOST_CELLS = 500
#: More events than that are resampled in so many groups, drawn at random.
MOST_UNITS = 5_000
#: So many numbers at once are held of the resamples.
_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Units:
    """What is drawn as one: cells of equal events, single events, or groups of events.

    Parameters
    ----------
    counts : ndarray of int, shape (n_units,)
        How many draws of each there are: the events of a cell; 1 for an event or a group.
    rows : ndarray of int or None
        An event of each cell; None where units are events or groups.
    groups : ndarray of int, shape (n_events,), or None
        For groups: that of each event.
    """

    counts: np.ndarray
    rows: np.ndarray | None = None
    groups: np.ndarray | None = None

    @classmethod
    def of(cls, size: int, kinds: list[np.ndarray] | None = None, seed: int = 0) -> Units:
        """Choose what is drawn as one.

        Parameters
        ----------
        size : int
            How many events there are.
        kinds : list of ndarray, each of shape (size,), optional
            Whole numbers from 0; events that have all of them alike are alike.
        seed : int
            Of the groups.
        """
        if kinds is not None and size:
            key = np.zeros(size, dtype=np.int64)
            for kind in kinds:
                key = np.unique(key * (int(kind.max()) + 1) + kind, return_inverse=True)[1]
            _, rows, counts = np.unique(key, return_index=True, return_counts=True)
            if len(counts) <= _MOST_CELLS:
                return cls(counts, rows)
        if size <= MOST_UNITS:
            return cls(np.ones(size, dtype=np.int64))
        # Sums of groups of events drawn at random are as independent as the events are, and
        # their bootstrap has the same spread: the time no longer grows with the events.
        groups = np.random.default_rng(seed).permutation(size) % MOST_UNITS
        return cls(np.ones(MOST_UNITS, dtype=np.int64), groups=groups)

    def sums(self, terms: Terms) -> Any:
        """Add up the terms for one draw of each unit: (n_units, width), sparse if the terms are."""
        if self.rows is not None:
            return terms(self.rows)
        values = terms(slice(None))
        if self.groups is None:
            return values
        if isinstance(values, np.ndarray):
            columns = [np.bincount(self.groups, column, MOST_UNITS) for column in values.T]
            return np.stack(columns, axis=1)
        from scipy.sparse import coo_array

        # A row of ones and zeros for each group: the product adds up its events.
        ones, places = np.ones(len(self.groups)), np.arange(len(self.groups))
        shape = (MOST_UNITS, len(self.groups))
        return coo_array((ones, (self.groups, places)), shape=shape).tocsr() @ values

    def bootstrap(
        self, sums: Any, measure: Measure, *, resamples: int = RESAMPLES, seed: int = 0
    ) -> np.ndarray:
        """Measure resamples, drawn with replacement; gives (resamples, figures).

        The draws hang on the units and the seed only: all that is measured with the same ones
        is measured on the same resamples.
        """
        rng = np.random.default_rng(seed)
        return np.concatenate(
            [measure(counts @ sums) for counts in self._resampled(rng, resamples)]
        )

    def _resampled(self, rng: np.random.Generator, resamples: int) -> Iterator[np.ndarray]:
        draws, size = int(self.counts.sum()), len(self.counts)
        for number in _chunks(resamples, size):
            if self.rows is not None:
                yield rng.multinomial(draws, self.counts / draws, size=number).astype(float)
            else:
                places = rng.integers(0, size, (number, size), dtype=np.int64)
                places += np.arange(0, number * size, size)[:, np.newaxis]
                counts = np.bincount(places.ravel(), minlength=number * size)
                yield counts.reshape(number, size).astype(float)

    def swaps(
        self, one: Any, other: Any, measure: Measure, *, noise: float = 0.0, seed: int = 0
    ) -> tuple[float, float]:
        """Test whether two models differ by swapping their answers to events at random.

        Under the hypothesis that it makes no difference which of the two gave an answer, each
        swap of a part of the events is as likely as the events as they are. It is the test of
        ``scipy.stats.permutation_test`` with ``permutation_type="samples"``, by random swaps;
        groups of events are swapped together. Differences up to ``noise`` are none.

        Returns
        -------
        difference, p_value : float
            Both NaN where there is no difference to tell.
        """
        rng = np.random.default_rng(seed)
        total, apart = self.counts @ (one + other), one - other
        seen = measure(self.counts @ one) - measure(self.counts @ other)
        if np.isnan(seen):
            return np.nan, np.nan
        differ = np.flatnonzero(np.asarray(abs(apart).sum(axis=1)))
        if not len(differ):
            return float(seen), 1.0
        counts, apart = self.counts[differ], apart[differ]
        # Swaps that come to the same difference but for rounding are as extreme.
        bound, extreme = abs(seen) * (1 - 1e-9) - noise, 0
        for number in _chunks(SWAPS, len(counts)):
            if self.rows is not None:
                turned = rng.binomial(counts, 0.5, (number, len(counts))).astype(float)
            else:
                bits = np.frombuffer(rng.bytes(-(-number * len(counts) // 8)), dtype=np.uint8)
                bits = np.unpackbits(bits)[: number * len(counts)]
                # Single precision would part swaps that come to the same, and end at 1e38.
                turned = bits.reshape(number, -1).astype(float)
            moved = counts @ apart - 2 * (turned @ apart)
            swapped = measure((total + moved) / 2) - measure((total - moved) / 2)
            extreme += int((~(abs(swapped) < bound)).sum())  # NaN speaks for no difference.
        return float(seen), (extreme + 1) / (SWAPS + 1)

    def interval(
        self,
        sums: Any,
        measure: Measure,
        *,
        noise: np.ndarray,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> np.ndarray:
        """Give low and high of the 95 % interval of each figure: (figures, 2).

        ``noise``, of shape (figures,), is how far rounding alone may part two of each.

        The bias-corrected and accelerated bootstrap (BCa; Efron 1987), as
        ``scipy.stats.bootstrap`` has it; where it is not defined, the percentiles. NaN for a
        figure that no resample changes: events that are all alike do not tell how others would
        differ, and an interval of one point would claim that they cannot.
        """
        drawn = self.bootstrap(sums, measure, resamples=resamples, seed=seed)
        total = self.counts @ sums
        seen = measure(total)
        if drawn.ndim == 1:
            drawn, seen = drawn[:, np.newaxis], seen[..., np.newaxis]
        step = max(1, _AT_ONCE // max(1, sums.shape[1]))
        without = np.concatenate(
            [
                measure(total - _dense(sums[first : first + step])).reshape(-1, drawn.shape[1])
                for first in range(0, sums.shape[0], step)
            ]
        )
        return np.array(
            [
                _bca(drawn[:, figure], seen[figure], without[:, figure], self.counts, least)
                for figure, least in enumerate(noise)
            ]
        )


def beside(parts: list[Any]) -> Any:
    """Put sums of the same units beside each other."""
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts, axis=1)
    from scipy.sparse import csr_array, hstack

    return hstack([csr_array(part) for part in parts], format="csr")


def _dense(sums: Any) -> np.ndarray:
    return sums if isinstance(sums, np.ndarray) else sums.toarray()


def _chunks(number: int, size: int) -> Iterator[int]:
    most = max(1, _AT_ONCE // max(size, 1))
    while number > 0:
        yield min(most, number)
        number -= most


def _bca(
    drawn: np.ndarray, seen: float, without: np.ndarray, counts: np.ndarray, noise: float
) -> tuple[float, float]:
    from scipy.special import ndtr, ndtri

    if np.isnan(seen):
        return np.nan, np.nan
    drawn = drawn[~np.isnan(drawn)]  # Such as resamples without an event that was answered.
    if not len(drawn):
        return np.nan, np.nan
    tail = (1 - LEVEL) / 2
    levels = np.array([tail, 1 - tail])
    # Resamples that show the very same, but for rounding, lie half below.
    same = np.isclose(drawn, seen, rtol=1e-9, atol=noise)
    below = np.mean((drawn < seen) & ~same) + np.mean(same) / 2
    known = ~np.isnan(without)
    counts, without = counts[known], without[known]
    mean = counts @ without / counts.sum() if len(without) else np.nan
    apart = mean - without
    spread = counts @ apart**2
    # Rounding alone is no spread.
    if 0 < below < 1 and spread > len(counts) * (1e-13 * max(abs(seen), 1e-300)) ** 2:
        acceleration = counts @ apart**3 / (6 * spread**1.5)
        bias = ndtri(below)
        z = bias + ndtri(levels)
        scaled = 1 - acceleration * z
        if (scaled > 0).all():
            levels = ndtr(bias + z / scaled)
    bounds = np.quantile(drawn, levels)
    if np.isclose(bounds[0], bounds[1], rtol=1e-9, atol=noise):
        return np.nan, np.nan
    # What rounding leaves of a difference of nothing differs from machine to machine.
    low, high = np.where(abs(bounds) <= noise, 0.0, bounds).tolist()
    return low, high
