"""Digests of events in memory: any change to any event is seen, and nothing else."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.engine.digests import digest_of

SIZE = 5_000
AT = 2_345
TABLES = {
    "whole": np.arange(SIZE),
    "real": np.arange(SIZE) / 7,
    "truth": np.arange(SIZE) % 2 == 0,
    "text": pd.array([f"t{n % 50}" for n in range(SIZE)], dtype="str"),
    "holed": pd.array([None, *range(1, SIZE)]),
    "category": pd.Categorical([f"t{n % 50}" for n in range(SIZE)]),
    "moment": pd.date_range("2026", periods=SIZE, tz="UTC"),
    "object": pd.Series([{"a": n} for n in range(SIZE)]),
}


def digest(bodies, index=None):
    return digest_of(bodies, pd.RangeIndex(len(bodies)) if index is None else index)


@pytest.mark.parametrize("column", TABLES)
def test_a_change_in_the_middle_of_a_column_is_seen(column):
    frame = pd.DataFrame({column: TABLES[column]})
    rows = np.arange(SIZE)
    rows[AT] += 1
    other = frame.take(rows).set_axis(frame.index)
    assert digest(frame) == digest(frame.copy()) != digest(other)
    array = frame[column].array
    assert digest(array) == digest(array.copy()) != digest(other[column].array)


def test_how_a_table_lies_in_memory_is_no_matter():
    values = np.arange(60.0).reshape(20, 3)
    one = pd.DataFrame(values, columns=list("abc"))
    other = pd.DataFrame({name: values[:, place].copy() for place, name in enumerate("abc")})
    assert digest(one) == digest(other) == digest(one[::-1][::-1])
    assert digest(one.to_numpy()) != digest(one.to_numpy().T.reshape(20, 3))


@pytest.mark.parametrize("storage", ["pyarrow", "python"])
def test_texts_are_told_by_value_wherever_they_lie(storage):
    dtype = pd.StringDtype(storage, na_value=np.nan)
    texts = pd.Series(["a", "bc", None, "", "é"] * 3, dtype=dtype)
    cut = pd.concat([pd.Series(["x"], dtype=dtype), texts]).iloc[1:]
    assert digest(texts.array) == digest(cut.array)
    parts = pd.concat([texts[:4], texts[4:5], texts[5:]])
    assert digest(texts.array) == digest(parts.array)
    assert digest(texts.array[:0]) == digest(cut.array[:0])
    for other in (["ab", "c"], ["a", "b"], ["a", None], [None, "a"], ["a", ""]):
        assert digest(pd.array(["a", "bc"], dtype=dtype)) != digest(pd.array(other, dtype=dtype))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(JSON, min_size=1, max_size=4), st.data())
def test_bodies_are_told_by_value_and_type(bodies, data):
    assert digest(bodies) == digest(copy.deepcopy(bodies))
    at, other = data.draw(st.integers(0, len(bodies) - 1)), data.draw(JSON)
    changed = [*bodies[:at], other, *bodies[at + 1 :]]
    same = repr(other) == repr(bodies[at])
    assert (digest(bodies) == digest(changed)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1], (1,)),
        (np.float32(1), np.float32(2)),
        (np.arange(2), np.arange(2.0)),
        (pd.Timestamp("2026"), pd.Timestamp("2027")),
        ({"x": {1, "a"}}, {"x": {1, "b"}}),
        (np.longdouble(1), np.longdouble(2)),
    ],
)
def test_what_is_not_json_is_told_too(one, other):
    assert digest([one, None]) == digest([one, None]) != digest([other, None])


@pytest.mark.parametrize(
    "other",
    [
        pd.RangeIndex(1, 4),
        pd.Index([0, 1, 3]),
        pd.RangeIndex(3, name="n"),
        pd.Index(list("abc")),
        pd.MultiIndex.from_product([[0], [0, 1, 2]]),
    ],
)
def test_labels_are_told(other):
    assert digest([1, 2, 3]) != digest([1, 2, 3], other) == digest([1, 2, 3], other.copy())


def test_it_is_the_same_in_another_process():
    code = """
import datetime, numpy as np, pandas as pd
from graph_magics.engine.digests import digest_of
class Other: pass
bodies = [{"x": {"a", "b", 1}}, Other(), np.array(["x", 1], dtype=object), np.longdouble(1) / 3,
          datetime.date(2026, 1, 1), b"x", [float("nan")]]
print(digest_of(bodies, pd.RangeIndex(7)), digest_of(np.ones(3, "longdouble"), pd.RangeIndex(3)))
print(digest_of(pd.DataFrame({"x": bodies}), pd.Index(list("abcdefg"), name="n")))
"""
    told = set()
    for seed in ("0", "1", "random"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        told.add(subprocess.check_output([sys.executable, "-c", code], env=env))
    assert len(told) == 1


def test_bodies_that_nest_too_deep_are_no_error():
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    assert digest([deep]) == digest([deep])
