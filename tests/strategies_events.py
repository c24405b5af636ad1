"""Random events of every sort: tables, arrays, JSON bodies."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

#: How many events: mostly several, or every law holds.
SIZES = st.sampled_from([1, 2, 3, 4, 5, 7])
_floats = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5, np.nan])
COLUMNS: dict[str, Callable[[int], st.SearchStrategy[Any]]] = {
    "a": lambda n: _column(n, st.integers(0, 5), "int64"),
    "b": lambda n: _column(n, _floats, "float64"),
    "s": lambda n: _column(n, st.sampled_from(["u", "v", "w w", None]), "str"),
    "f": lambda n: _column(n, st.booleans(), "bool"),
    "c": lambda n: _column(n, st.sampled_from(["k", "l"]), "category"),
    "t": lambda n: _column(n, st.sampled_from(["2024-01-01", "2024-02-03", None]), "M8[us]"),
    "d": lambda n: _column(n, st.sampled_from(["1 D", "2 h", None]), "m8[ns]"),
    "i": lambda n: _column(n, st.sampled_from([1, 2, None]), "Int64"),
    "o": lambda n: _column(n, st.sampled_from([1, 2.5, None, "x"]), object),
    "n": lambda n: st.lists(st.lists(_small, max_size=2), min_size=n, max_size=n).map(_cells),
}
_small = st.integers(0, 3)


def _column(n: int, values: st.SearchStrategy[Any], dtype: Any) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=n, max_size=n).map(lambda v: pd.Series(v, dtype=dtype).array)


def _cells(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype=object).array


def indexes(size: int) -> st.SearchStrategy[pd.Index]:
    """Give labels: fresh, shuffled, repeated, dates, of two levels."""
    days = pd.date_range("2024-01-01", periods=size)
    return st.one_of(
        st.just(pd.RangeIndex(size)),
        st.permutations(range(size)).map(lambda order: pd.Index(order, name="id")),
        st.lists(st.sampled_from([1, 2]), min_size=size, max_size=size).map(pd.Index),
        st.permutations(range(size)).map(lambda order: days[list(order)]),
        st.lists(st.sampled_from("xy"), min_size=size, max_size=size).map(
            lambda v: pd.MultiIndex.from_arrays([v, range(size)], names=["g", "k"])
        ),
    )


@st.composite
def frames(draw: Any) -> pd.DataFrame:
    size = draw(SIZES)
    rest = draw(st.lists(st.sampled_from(list("sfctdion")), unique=True, max_size=3))
    columns = {name: draw(COLUMNS[name](size)) for name in ["a", "b", *rest]}
    return pd.DataFrame(columns, index=draw(indexes(size)))


@st.composite
def arrays(draw: Any) -> np.ndarray:
    size = draw(SIZES)
    values = draw(st.sampled_from([_floats, _small]))
    rows = st.lists(values, min_size=2, max_size=2)
    return np.array(draw(st.lists(rows, min_size=size, max_size=size)))


_numbers_json = st.sampled_from([0, 1, 2, 0.5, 3.5])
_cells_json = st.one_of(_numbers_json, st.sampled_from([None, "u", True]))
_flat = st.fixed_dictionaries({"a": _numbers_json, "b": _numbers_json}, optional={"s": _cells_json})
_gappy = st.fixed_dictionaries({"a": _cells_json, "b": _cells_json})
_sample = st.lists(_numbers_json, min_size=2, max_size=2)
_records = st.fixed_dictionaries({"a": _numbers_json, "b": _cells_json})
_one = st.fixed_dictionaries({"inputs": st.lists(_sample, min_size=1, max_size=1)})
_many = st.fixed_dictionaries({"inputs": st.lists(_sample, max_size=3)})
_instances = st.fixed_dictionaries({"instances": st.lists(_sample, min_size=1, max_size=2)})
_objects = st.fixed_dictionaries({"inputs": st.lists(_records, min_size=1, max_size=2)})
_strange = st.one_of(
    st.sampled_from([None, 3, "text", [], {}, [1, 2], 2.5, True]).map(copy.deepcopy),
    st.sampled_from([{"inputs": 3}, {"inputs": [[1], [2, 3]]}, {"inputs": None}]).map(
        copy.deepcopy
    ),
    st.fixed_dictionaries({"inputs": st.lists(st.lists(_cells_json, max_size=3), max_size=2)}),
    st.fixed_dictionaries({"inputs": st.lists(_cells_json, max_size=2)}),
    st.fixed_dictionaries({"inputs": st.just([[1, 2]]), "id": _small}),
    st.fixed_dictionaries({"instances": st.just([[1, 2]]), "inputs": st.just([[3, 4]])}),
    st.fixed_dictionaries({"outputs": st.lists(_numbers_json, max_size=2)}),
    st.fixed_dictionaries({"b": _small, "a": _small}).map(OrderedDict),
    st.fixed_dictionaries({"a": st.lists(_small), "b": st.just({"x": 1})}),
)


def bodies() -> st.SearchStrategy[list[Any]]:
    """Give lists of JSON bodies: of one kind, or of several."""
    kinds = [_flat, _gappy, _one, _many, _instances, _objects]
    return st.sampled_from(
        [*kinds, st.one_of(*kinds, _strange), st.one_of(_one, _instances)]
    ).flatmap(lambda kind: SIZES.flatmap(lambda n: st.lists(kind, min_size=n, max_size=n)))


def events() -> st.SearchStrategy[Any]:
    """Give batches of events of every sort."""
    return st.one_of(frames(), arrays(), bodies(), bodies())
