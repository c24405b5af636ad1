"""GJSON conditions on samples that are columns, decided for all events in one NumPy pass."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..bodies import Samples

_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_QUERY = re.compile(
    rf"(?P<key>instances|inputs|predictions|outputs)\.#\((?P<field>[A-Za-z_]\w*)?"
    rf'(?P<op>==|!=|<=|>=|<|>)(?:(?P<number>{_NUMBER})|"(?P<text>[^"\\]*)")\)'
)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def decided(path: str, samples: Samples) -> np.ndarray | None:
    """Whether a path exists in each event, if it is a query that columns can tell.

    Such as ``instances.#(age>30)`` over samples with a column of numbers, or
    ``predictions.#(<0.5)``; a text is compared with ``==`` and ``!=`` only.

    Returns
    -------
    ndarray of bool, shape (n_events,), or None
        None where the events have to be looked at one by one.

    Examples
    --------
    >>> ages = Samples(pd.DataFrame({"age": [20, 40]}), None, "instances")
    >>> decided("instances.#(age>30)", ages)
    array([False,  True])
    """
    query = _QUERY.fullmatch(path)
    if query is None or query["key"] != samples.key:
        return None
    column = _column(samples.values, query["field"])
    if column is None:
        return None
    compare = _COMPARE[query["op"]]
    if query["number"] is not None and column.dtype.kind in "iuf":
        numbers = column.astype(float)
        if np.isnan(numbers).any():
            return None
        holds = compare(numbers, float(query["number"]))
    elif query["text"] is not None and query["op"] in ("==", "!=") and _are_texts(column):
        holds = compare(column, query["text"])
    else:
        return None
    if samples.counts is None:
        return holds
    event = np.repeat(np.arange(len(samples.counts)), samples.counts)
    return np.bincount(event[holds], minlength=len(samples.counts)) > 0


def _column(values: Any, field: str | None) -> np.ndarray | None:
    """The values that a query compares, as an array; None if they are no such column."""
    if isinstance(values, pd.DataFrame):
        if field is None or field not in values.columns:
            return None
        values = values[field]
    elif field is not None:
        return None
    array = values.to_numpy() if hasattr(values, "to_numpy") else values
    return array if isinstance(array, np.ndarray) and array.ndim == 1 else None


def _are_texts(column: np.ndarray) -> bool:
    return column.dtype.kind == "U" or (
        column.dtype == object and set(map(type, column.tolist())) <= {str}
    )
