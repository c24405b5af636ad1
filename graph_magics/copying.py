"""Copies of bodies, so that a step may change what it is given."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import pandas as pd

from .bodies import many_objects, object_array, object_columns


def copies(bodies: list[Any]) -> list[Any]:
    """Copy bodies, each as `fresh` does."""
    if len(bodies) == 1:
        try:
            return [fresh(bodies[0])]
        except RecursionError:
            return [_fresh_deep(bodies[0])]
    with many_objects(len(bodies)):
        try:
            return [fresh(body) for body in bodies]
        except RecursionError:
            return [_fresh_deep(body) for body in bodies]


def fresh(body: Any) -> Any:
    """Copy the dicts and lists of a JSON body, so that a step may change what it gets.

    >>> body = {"inputs": [[1, 2]]}
    >>> copy = fresh(body)
    >>> copy["inputs"][0].append(3)
    >>> body
    {'inputs': [[1, 2]]}
    """
    kind = type(body)
    if kind is dict:
        return {
            key: value if type(value) in _ATOMS else fresh(value) for key, value in body.items()
        }
    if kind is list:
        return [value if type(value) in _ATOMS else fresh(value) for value in body]
    if kind is np.ndarray:
        return body.copy() if body.dtype != object else unshared(body)
    if isinstance(body, (pd.DataFrame, pd.Series)):
        return body.copy(deep=False)
    if isinstance(body, dict):  # An OrderedDict, a defaultdict: no JSON, but events all the same.
        twin = copy(body)
        twin.update((key, fresh(value)) for key, value in body.items())
        return twin
    if kind is tuple:
        return tuple(map(fresh, body))
    return copy(body) if isinstance(body, (list, set, bytearray)) else body


def _fresh_deep(body: Any) -> Any:
    """Copy a JSON body as `fresh` does, however deep it nests."""
    if not isinstance(body, (dict, list)):
        return fresh(body)
    twin = _empty(body)
    waiting: list[tuple[Any, Any]] = [(body, twin)]
    while waiting:
        old, new = waiting.pop()
        is_list = isinstance(old, list)
        for key, value in enumerate(old) if is_list else old.items():
            kept = value
            if isinstance(value, (dict, list)):
                kept = _empty(value)
                waiting.append((value, kept))
            elif type(value) not in _ATOMS:
                kept = fresh(value)
            if is_list:
                new.append(kept)
            else:
                new[key] = kept
    return twin


def _empty(body: Any) -> Any:
    twin = copy(body)
    twin.clear()
    return twin


_ATOMS = frozenset({int, float, str, bool, type(None)})


def unshared(values: Any) -> Any:
    """Give a table or an array that a step may change, down to the lists and dicts in it."""
    if isinstance(values, list):
        return copies(values)
    if isinstance(values, pd.DataFrame):
        values = values.copy(deep=False)  # pandas copies what is written to.
        for place in object_columns(values):
            cells = unshared(values.iloc[:, place].to_numpy())
            values.isetitem(place, pd.Index(cells, dtype=object))
        return values
    if isinstance(values, np.ndarray) and values.dtype == object:
        return object_array(copies(values.ravel().tolist())).reshape(values.shape)
    return values.copy()
