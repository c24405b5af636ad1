"""Votes over the answers of several models: NumPy in, NumPy out.

Majority and mean are those of MLRun 1.12's ``VotingEnsemble``, the soft vote that of
scikit-learn's ``VotingClassifier``; recorded answers that are MLRun's defects are not followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .bodies import object_array, objects
from .joining import common_dtype

#: So few samples are quicker to count in Python than in NumPy.
_FEW = 4
#: For fewer samples than this nothing is gained by counting what models say together only once.
_SOME = 256
_MOST_MODELS = 16
_MOST_LABELS = 1000
#: So much is counted at once, samples times labels.
_AT_ONCE = 2**18


def majority(predictions: Sequence[Any], weights: Sequence[float]) -> np.ndarray:
    """Give the label with the greatest weight behind it; of several, the smallest label.

    Parameters
    ----------
    predictions : sequence of array-like, each of shape (n_samples,)
        The labels that each model predicts.
    weights : sequence of float
        One per model, not negative. Sums that differ by float rounding are no tie (MLRun 1.12).

    Returns
    -------
    ndarray of shape (n_samples,)
        In the labels' dtype, or object where the models' dtypes have none in common.

    Examples
    --------
    >>> majority([[0, 1, 2], [0, 2, 1], [1, 2, 0]], [1, 1, 1])
    array([0, 2, 0])
    """
    arrays = _alike(predictions)
    if len(arrays[0]) <= _FEW and arrays[0].dtype.kind in "iub":
        few = few_majority([array.tolist() for array in arrays], weights)
        return np.array(few, dtype=arrays[0].dtype)
    if len(arrays) > _MOST_MODELS:
        ballots = _encoded(arrays)
        return _counted(arrays, weights) if ballots is None else ballots.counted(weights)
    small = _small_numbers(arrays)
    if small is not None:
        return _counted(small.ballots, weights).take(small.place)
    return _counted(arrays, weights)


class Tally:
    """The labels of several models, made ready to be voted on with many weights.

    Parameters
    ----------
    predictions : sequence of array-like, each of shape (n_samples,)
        The labels that each model predicts.

    Examples
    --------
    >>> tally = Tally([["a", "b"], ["a", "c"], ["c", "b"]])
    >>> tally.majority([1, 1, 1]).tolist(), tally.majority([1, 1, 3]).tolist()
    (['a', 'b'], ['c', 'b'])
    """

    def __init__(self, predictions: Sequence[Any]) -> None:
        self._arrays = _alike(predictions)
        self._encoded: _Encoded | None = None
        self._distinct: _Distinct | None = None
        if len(self._arrays) > _MOST_MODELS:
            self._encoded = _encoded(self._arrays)
        else:
            self._distinct = _small_numbers(self._arrays) or _few_labels(self._arrays)

    def majority(self, weights: Sequence[float]) -> np.ndarray:
        """Give what `majority` does."""
        if self._encoded is not None:
            return self._encoded.counted(weights)
        if self._distinct is None:
            return _counted(self._arrays, weights)
        return _counted(self._distinct.ballots, weights).take(self._distinct.place)


class _Distinct(NamedTuple):
    """What models say together, each such ballot once, and which one each sample has."""

    ballots: list[np.ndarray]
    place: np.ndarray

    def of(self, dtype: np.dtype) -> _Distinct:
        """The same with labels of this dtype."""
        return _Distinct([labels.astype(dtype) for labels in self.ballots], self.place)


class _Encoded(NamedTuple):
    """What each model says, as numbers of labels in their order."""

    codes: list[np.ndarray]
    labels: np.ndarray

    def counted(self, weights: Sequence[float]) -> np.ndarray:
        """Count label by label: of many models, each is so looked at once."""
        if not any(weights):
            return np.asarray(self.labels[np.minimum.reduce(self.codes)])
        size, kinds = len(self.codes[0]), len(self.labels)
        step = max(_AT_ONCE // max(kinds, 1), 1)
        winner = np.empty(size, dtype=np.intp)
        for start in range(0, size, step):
            rows = np.arange(min(step, size - start)) * kinds
            support = np.zeros(len(rows) * kinds)
            for codes, weight in zip(self.codes, weights, strict=True):
                support[rows + codes[start : start + step]] += weight
            # Of several with the greatest weight the first, which is the smallest label.
            winner[start : start + step] = support.reshape(-1, kinds).argmax(axis=1)
        return np.asarray(self.labels[winner])


def _alike(predictions: Sequence[Any]) -> list[np.ndarray]:
    arrays = [_labels(labels) for labels in predictions]
    dtype = common_dtype(arrays)
    return [array.astype(dtype or object, copy=False) for array in arrays]


def _small_numbers(arrays: list[np.ndarray]) -> _Distinct | None:
    """Labels that are few whole numbers next to each other, as most classes are.

    None where they are not, or for so few samples that nothing is gained.
    """
    dtype, size = arrays[0].dtype, len(arrays[0])
    if dtype.kind not in "iub" or dtype == np.uint64 or len(arrays) > _MOST_MODELS:
        return None
    if size < _SOME:
        return None
    low = min(int(array.min()) for array in arrays)
    kinds = max(int(array.max()) for array in arrays) - low + 1
    if kinds ** len(arrays) > size // 4:
        return None
    key = np.zeros(size, dtype=np.intp)
    for array in reversed(arrays):
        key *= kinds
        key += array
        key -= low
    codes = np.arange(kinds ** len(arrays))
    return _Distinct([some + low for some in _digits(codes, kinds, len(arrays))], key).of(dtype)


def _few_labels(arrays: list[np.ndarray]) -> _Distinct | None:
    """Labels of any kind, if they are few; None where they are not.

    It takes longer than to count once.
    """
    encoded = _encoded(arrays)
    if encoded is None:
        return None
    kinds = len(encoded.labels)
    if kinds ** len(arrays) > np.iinfo(np.int64).max:
        return None
    key = np.zeros(len(arrays[0]), dtype=np.int64)
    for codes in reversed(encoded.codes):
        key = key * kinds + codes
    place, present = pd.factorize(key)
    digits = _digits(present, kinds, len(arrays))
    return _Distinct([encoded.labels[digit] for digit in digits], place)


def _encoded(arrays: list[np.ndarray]) -> _Encoded | None:
    """Labels as numbers; None where they are many, or of such kinds that equal ones may differ."""
    vocabulary: dict[Any, int] = {}
    coded = []
    for array in arrays:
        found = _coded(array)
        if found is None or len(vocabulary) + len(found[1]) > _MOST_LABELS:
            return None
        codes, labels = found
        known = [vocabulary.setdefault(label, len(vocabulary)) for label in labels.tolist()]
        coded.append(np.array(known, dtype=np.int64)[codes])
    words = np.empty(len(vocabulary), dtype=arrays[0].dtype)
    words[:] = list(vocabulary)
    order = np.argsort(words)
    rank = np.empty(len(words), dtype=np.int64)
    rank[order] = np.arange(len(words))
    return _Encoded([rank[codes] for codes in coded], words[order])


def _coded(array: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """A number for each label, and the labels; None where labels that are equal may differ."""
    kind = array.dtype.kind
    if kind == "f" and (np.isnan(array) | ((array == 0) & np.signbit(array))).any():
        return None
    if kind not in "iubfUO":
        return None
    codes, labels = pd.factorize(array.astype(object) if kind == "U" else array)
    if kind == "O" and (set(map(type, labels)) != {str} or (codes < 0).any()):
        return None
    return codes, labels


def _digits(codes: np.ndarray, base: int, number: int) -> Iterator[np.ndarray]:
    for _ in range(number):
        codes, digit = np.divmod(codes, base)
        yield digit


def _counted(arrays: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Count the votes, whatever the labels."""
    supports = [_support(arrays, weights, labels) for labels in arrays]
    best = np.maximum.reduce(supports)
    winner = arrays[0].copy()
    won = supports[0] == best
    for labels, support in zip(arrays[1:], supports[1:], strict=True):
        top = support == best
        better = top & ~won
        # Only where they tie: labels of mixed types cannot be ordered, and need not be elsewhere.
        (tied,) = np.nonzero(top & won & (labels != winner))
        if len(tied):
            better[tied] = labels[tied] < winner[tied]
        np.copyto(winner, labels, where=better)
        won |= top
    return winner


def mean(predictions: Sequence[Any], weights: Sequence[float]) -> np.ndarray:
    """Give the weighted mean.

    Parameters
    ----------
    predictions : sequence of array-like, each of shape (n_samples,) or (n_samples, n_outputs)
    weights : sequence of float
        One per model, not negative, not all zero; only their ratios count.

    Returns
    -------
    ndarray of float64, of the shape of one model's predictions

    Examples
    --------
    >>> mean([[1.0, 10.0], [2.0, 20.0]], [3, 1])
    array([ 1.25, 12.5 ])
    """
    return total(predictions, weights) / sum(weights)


def total(predictions: Sequence[Any], weights: Sequence[float]) -> np.ndarray:
    """Give the weighted sum: the mean, where the weights add up to 1.

    Parameters
    ----------
    predictions : sequence of array-like, each of shape (n_samples,) or (n_samples, n_outputs)
    weights : sequence of float
        One per model; what a model of weight 0 predicts counts nothing, even if it is no number.

    Returns
    -------
    ndarray of float64, of the shape of one model's predictions

    Examples
    --------
    >>> total([[1.0, 10.0], [2.0, 20.0]], [0.75, 0.25])
    array([ 1.25, 12.5 ])
    """
    result = np.zeros(np.shape(predictions[0]))
    for values, weight in zip(predictions, weights, strict=True):
        if weight:
            result += weight * _numbers(values, result.shape)
    return result


def few_majority(predictions: Sequence[Sequence[Any]], weights: Sequence[float]) -> list[Any]:
    """Give what `majority` does, for labels in lists: quicker for a few samples.

    Examples
    --------
    >>> few_majority([[0, 1, 2], [0, 2, 1], [1, 2, 0]], [1, 1, 1])
    [0, 2, 0]
    """
    winners = []
    for labels in zip(*predictions, strict=True):
        if labels.count(labels[0]) == len(labels):
            winners.append(labels[0])
            continue
        support: dict[Any, float] = {}
        for label, weight in zip(labels, weights, strict=True):
            support[label] = support.get(label, 0.0) + weight
        best = max(support.values())
        winners.append(min(label for label, behind in support.items() if behind == best))
    return winners


def few_totals(predictions: Sequence[Sequence[float]], weights: Sequence[float]) -> list[float]:
    """Give what `total` does, for numbers in lists: quicker for a few samples.

    Examples
    --------
    >>> few_totals([[1.0, 10.0], [2.0, 20.0]], [0.75, 0.25])
    [1.25, 12.5]
    """
    totals = []
    for values in zip(*predictions, strict=True):
        result = 0.0
        for value, weight in zip(values, weights, strict=True):
            if weight:
                result += weight * value
        totals.append(result)
    return totals


def soft(
    probabilities: Sequence[Any], classes: Sequence[np.ndarray], weights: Sequence[float]
) -> np.ndarray:
    """Give the class with the greatest mean probability; of several, the first in order.

    Parameters
    ----------
    probabilities : sequence of array-like, each of shape (n_samples, n_classes)
    classes : sequence of ndarray, each of shape (n_classes,)
        The label of each column, model by model. A class that a model does not know has
        probability 0 there.
    weights : sequence of float
        One per model, not negative, not all zero.

    Returns
    -------
    ndarray of shape (n_samples,)
        In the labels' dtype.

    Examples
    --------
    >>> labels = np.array(["cat", "dog"])
    >>> soft([[[0.4, 0.6]], [[0.9, 0.1]]], [labels, labels], [1, 1]).tolist()
    ['cat']
    """
    known = classes[0]
    if any(len(some) != len(known) or (some != known).any() for some in classes[1:]):
        known = np.unique(np.concatenate(list(classes)))
        probabilities = [
            _spread(values, some, known)
            for values, some in zip(probabilities, classes, strict=True)
        ]
    return known[mean(probabilities, weights).argmax(axis=1)]


def _numbers(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind in "mM":
        raise TypeError("a vote takes the mean of numbers, got dates")
    if array.shape != shape:  # NumPy would stretch one over the other.
        raise ValueError("the models give another number of values for each sample")
    return array.astype(float, copy=False)


def _labels(labels: Any) -> np.ndarray:
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(f"a vote needs one label per sample, got an array of shape {array.shape}")
    # NumPy's own objects of dates may be whole numbers.
    return object_array(objects(array)) if array.dtype.kind in "mM" else array


def _support(
    arrays: Sequence[np.ndarray], weights: Sequence[float], labels: np.ndarray
) -> np.ndarray:
    """The weight behind each of these labels, summed in the order of the models."""
    support = np.zeros(len(labels))
    for array, weight in zip(arrays, weights, strict=True):
        if array is labels:
            support += weight
        else:
            np.add(support, weight, out=support, where=np.equal(array, labels, dtype=bool))
    return support


def _spread(values: Any, some: np.ndarray, known: np.ndarray) -> np.ndarray:
    wide = np.zeros((len(values), len(known)))
    wide[:, np.searchsorted(known, some)] = values
    return wide
