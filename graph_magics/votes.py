"""Votes over the answers of several models: NumPy in, NumPy out.

Majority and mean are those of MLRun 1.12's ``VotingEnsemble``, the soft vote that of
scikit-learn's ``VotingClassifier``; recorded answers that are MLRun's defects are not followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .bodies import object_array, objects
from .joining import common_dtype

#: So few samples are quicker to count in Python than in NumPy.
_FEW = 4


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
    arrays = [_labels(labels) for labels in predictions]
    dtype = common_dtype(arrays)
    arrays = [array.astype(dtype or object, copy=False) for array in arrays]
    if len(arrays[0]) <= _FEW and dtype is not None and dtype.kind in "iub":
        return np.array(few_majority([array.tolist() for array in arrays], weights), dtype=dtype)
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
