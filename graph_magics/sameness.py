"""Whether events are the same in two batches: what a step that sees only them cannot tell apart."""

from __future__ import annotations

from math import copysign
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from .bodies import Bodies, Mixed, Samples, objects, plain, take


def same(one: Bodies, other: Bodies) -> np.ndarray:
    """Tell row for row whether two bodies are the same: value, type and the order of fields.

    Parameters
    ----------
    one, other : Bodies
        Of as many events each.

    Returns
    -------
    ndarray of bool, shape (n_events,)
        False also where they might be told apart only by their dtype.

    Examples
    --------
    >>> same(np.array([1.0, np.nan, 3.0]), np.array([1.0, np.nan, 4.0])).tolist()
    [True, True, False]
    >>> same([{"x": 1}, {"x": 1}], [{"x": 1}, {"x": True}]).tolist()
    [True, False]
    """
    size = len(one)
    if one is other:
        return np.ones(size, dtype=bool)
    if isinstance(other, Mixed):
        one, other = other, one
    if isinstance(one, Mixed):
        # Kind by kind: a text in a list is answered as JSON, and in an array as a column.
        alike = np.zeros(size, dtype=bool)
        for rows, bodies in one.apart():
            alike[rows] = same(bodies, take(other, rows))
        return alike
    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        return _same_frames(one, other)
    if isinstance(one, Samples) and isinstance(other, Samples):
        return _same_samples(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return _same_arrays(one, other)
    if isinstance(one, ExtensionArray) and isinstance(other, ExtensionArray):
        return _same_extensions(one, other)
    if isinstance(one, list) != isinstance(other, list):
        return np.zeros(size, dtype=bool)
    pairs = zip(objects(one), objects(other), strict=True)
    return np.fromiter((same_object(a, b) for a, b in pairs), bool, size)


def same_labels(one: Bodies, other: Bodies) -> bool:
    """Tell whether the rows have the same labels, which a step over a whole table sees."""
    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        return one.index is other.index or one.index.identical(other.index)
    return True


def same_object(one: Any, other: Any) -> bool:
    """Tell whether two JSON bodies, or whatever stands in one, cannot be told apart.

    >>> same_object(1, 1.0), same_object([float("nan")], [float("nan")])
    (False, True)
    """
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    try:
        if kind is dict:
            return list(one) == list(other) and all(
                same_object(value, other[key]) for key, value in one.items()
            )
        if kind is list or kind is tuple:
            return len(one) == len(other) and all(map(same_object, one, other))
        if kind is float:
            return (one == other and copysign(1, one) == copysign(1, other)) or (
                one != one and other != other
            )
        if isinstance(one, np.ndarray):
            alike = one.dtype == other.dtype and one.shape == other.shape
            return alike and bool(_same_arrays(one.ravel(), other.ravel()).all())
        return bool(one == other)
    except Exception:  # What cannot be compared, or nests too deep, is taken for another.
        return False


def _same_arrays(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    size = len(one)
    if one.dtype != other.dtype or one.shape[1:] != other.shape[1:]:
        return np.zeros(size, dtype=bool)
    if one.ndim > 1:
        flat = _same_arrays(one.ravel(), other.ravel())
        return np.asarray(flat.reshape(one.shape).all(axis=tuple(range(1, one.ndim))))
    kind = one.dtype.kind
    if kind == "f" and one.dtype.itemsize <= 8:
        # By their bits, so that NaN is itself and -0.0 is not 0.0.
        bits = f"u{one.dtype.itemsize}"
        return np.asarray(
            np.ascontiguousarray(one).view(bits) == np.ascontiguousarray(other).view(bits)
        )
    if kind in "mM":
        return np.asarray(one.view("i8") == other.view("i8"))
    if kind in "iubUS":
        return np.asarray(one == other)
    mine, theirs = one.tolist(), other.tolist()
    if set(map(type, mine)) == set(map(type, theirs)) == {str}:
        return np.asarray(np.equal(one, other, dtype=bool))  # Labels, most often.
    pairs = zip(mine, theirs, strict=True)
    return np.fromiter((same_object(a, b) for a, b in pairs), bool, size)


def _same_extensions(one: ExtensionArray, other: ExtensionArray) -> np.ndarray:
    if one.dtype != other.dtype:
        return np.zeros(len(one), dtype=bool)
    if one.dtype == pd.array([], dtype=object).dtype:
        return _same_arrays(np.asarray(one), np.asarray(other))
    gone, lost = np.asarray(one.isna()), np.asarray(other.isna())
    equal = pd.Series(one == other).fillna(False).to_numpy(dtype=bool)
    return np.where(gone | lost, gone & lost, equal)


def _same_frames(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    if not same_object(list(one.columns), list(other.columns)):
        return np.zeros(len(one), dtype=bool)
    alike = np.ones(len(one), dtype=bool)
    for place in range(one.shape[1]):
        alike &= same(plain(one.iloc[:, place]), plain(other.iloc[:, place]))
    return alike


def _same_samples(one: Samples, other: Samples) -> np.ndarray:
    size = len(one)
    told = ("key", "form")
    if any(getattr(one, name) != getattr(other, name) for name in told) or not same_object(
        dict(one.extra), dict(other.extra)
    ):
        return np.zeros(size, dtype=bool)
    alike = np.ones(size, dtype=bool)
    for mine, theirs in ((one.ids, other.ids), (one.times, other.times)):
        if (mine is None) != (theirs is None):
            return np.zeros(size, dtype=bool)
        if mine is not None and theirs is not None:
            alike &= same(mine, theirs)
    if one.counts is None and other.counts is None:
        return alike & same(one.values, other.values)
    if one.counts is None or other.counts is None or not np.array_equal(one.counts, other.counts):
        return alike & same(one.lists(), other.lists())
    event = np.repeat(np.arange(size), one.counts)
    apart = ~same(one.values, other.values)
    return alike & (np.bincount(event[apart], minlength=size) == 0)
