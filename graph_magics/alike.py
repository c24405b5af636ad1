"""Whether answers are alike to whoever reads them: by value, whatever their dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from .bodies import Bodies, Samples, has_objects, object_array, objects, plain

_NUMBERS = frozenset("biufc")
#: Up to here a float has every whole number.
_EXACT = 2**53
#: Objects of these types are compared by NumPy, all at once.
_PLAIN = frozenset({str, int, float, bool, type(None)})
_SEVERAL = (list, tuple, np.ndarray)


def alike(one: Bodies, other: Bodies) -> np.ndarray:
    """Tell row for row whether two answers have the same value.

    Unlike `same`, which tells whether any step could tell them apart, it looks at no dtype: 1,
    1.0 and True are one value, as they are one label where models are compared. What is missing
    is like everything else that is missing, a list like a tuple, and the order of an object's
    fields says nothing.

    Parameters
    ----------
    one, other : Bodies
        Of as many events each.

    Returns
    -------
    ndarray of bool, shape (n_events,)

    Examples
    --------
    >>> alike(np.array([1, 2]), np.array([1.0, 3.0])).tolist()
    [True, False]
    >>> alike(np.array(["no", "no"]), np.array(["no", "maybe"])).tolist()
    [True, False]
    >>> alike([{"x": 1, "y": None}], [{"y": float("nan"), "x": True}]).tolist()
    [True]
    """
    if one is other:
        return np.ones(len(one), dtype=bool)
    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        return _alike_frames(one, other)
    if isinstance(one, Samples) and isinstance(other, Samples):
        return _alike_samples(one, other)
    arrays = (np.ndarray, ExtensionArray)
    if isinstance(one, arrays) and isinstance(other, arrays):
        return _alike_arrays(one, other)
    if not (isinstance(one, list) or isinstance(other, list)):
        return np.zeros(len(one), dtype=bool)  # Such as a table beside single values.
    return _one_by_one(objects(one), objects(other))


def _alike_frames(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    if set(one.columns) != set(other.columns):
        return np.zeros(len(one), dtype=bool)
    found = np.ones(len(one), dtype=bool)
    for name in one.columns:
        found &= _alike_arrays(plain(one[name]), plain(other[name]))
    return found


def _alike_samples(one: Samples, other: Samples) -> np.ndarray:
    size = len(one)
    is_flat = one.counts is None and other.counts is None
    if not is_flat or one.ids is not None or other.ids is not None:
        return _one_by_one(one.tolist(), other.tolist())
    if one.key != other.key or not _is_alike(dict(one.extra), dict(other.extra)):
        return np.zeros(size, dtype=bool)
    return alike(one.values, other.values)


def _alike_arrays(one: Any, other: Any) -> np.ndarray:
    if one.shape[1:] != other.shape[1:]:
        return np.zeros(len(one), dtype=bool)
    if one.ndim > 1:
        flat = _alike_arrays(np.asarray(one).ravel(), np.asarray(other).ravel())
        return np.asarray(flat.reshape(one.shape).all(axis=tuple(range(1, one.ndim))))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        kinds = {one.dtype.kind, other.dtype.kind}
        if kinds <= _NUMBERS:
            return _alike_numbers(one, other)
        if kinds in ({"U"}, {"S"}):
            return np.asarray(one == other)
    elif _are_texts(one) and _are_texts(other):
        return _alike_extensions(pd.array(one, dtype="str"), pd.array(other, dtype="str"))
    elif one.dtype == other.dtype and not has_objects(one):
        return _alike_extensions(one, other)
    return _alike_objects(_as_objects(one), _as_objects(other))


def _alike_numbers(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    equal = np.asarray((one == other) | ((one != one) & (other != other)))
    floats = [some for some in (one, other) if some.dtype.kind in "fc"]
    if len(floats) == 1:
        # NumPy compares as floats, of which one may stand for several whole numbers.
        large = np.flatnonzero(equal & (np.abs(floats[0]) >= _EXACT))
        equal[large] = _one_by_one(one[large].tolist(), other[large].tolist())
    return equal


def _are_texts(values: Any) -> bool:
    return isinstance(values.dtype, pd.StringDtype) or values.dtype.kind == "U"


def _alike_extensions(one: ExtensionArray, other: ExtensionArray) -> np.ndarray:
    gone, lost = np.asarray(one.isna()), np.asarray(other.isna())
    equal = pd.Series(one == other).fillna(False).to_numpy(dtype=bool)
    return np.where(gone | lost, gone & lost, equal)


def _as_objects(values: Any) -> np.ndarray:
    is_told = isinstance(values, np.ndarray) and values.dtype.kind not in "mM"
    return values.astype(object) if is_told else object_array(objects(values))


def _alike_objects(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    mine, theirs = one.tolist(), other.tolist()
    if set(map(type, mine)) | set(map(type, theirs)) <= _PLAIN:
        equal = np.equal(one, other, dtype=bool)
        return np.asarray(equal | (pd.isna(one) & pd.isna(other)))
    return _one_by_one(mine, theirs)


def _one_by_one(one: list[Any], other: list[Any]) -> np.ndarray:
    pairs = zip(one, other, strict=True)
    return np.fromiter((_is_alike(a, b) for a, b in pairs), bool, len(one))


def _is_alike(one: Any, other: Any) -> bool:
    if one is other:
        return True
    try:
        if isinstance(one, dict) and isinstance(other, dict):
            return one.keys() == other.keys() and all(
                _is_alike(value, other[key]) for key, value in one.items()
            )
        if isinstance(one, _SEVERAL) and isinstance(other, _SEVERAL):
            return len(one) == len(other) and all(map(_is_alike, one, other))
        if pd.api.types.is_scalar(one) and pd.isna(one):
            return bool(pd.api.types.is_scalar(other) and pd.isna(other))
        return bool(one == other)
    except Exception:  # What cannot be compared, or nests too deep, is taken for another.
        return False
