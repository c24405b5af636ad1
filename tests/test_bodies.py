"""Bodies: columns and JSON, taken apart and put together again without changing a value."""

from __future__ import annotations

import gc
import math
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.bodies import (
    Samples,
    column,
    feature,
    has_objects,
    is_json,
    many_objects,
    objects,
    plain,
    retyped,
    stacked,
    table,
    take,
)
from graph_magics.copying import copies, fresh, unshared

from .models import BODY_KINDS, SCALARS, same


@st.composite
def samples(draw: Any, **options: Any) -> Samples:
    counts = draw(st.lists(st.integers(0, 3), max_size=6, **options))
    values = np.arange(2 * sum(counts)).reshape(sum(counts), 2)
    if set(counts) == {1} and draw(st.booleans()):
        return Samples(values, None, "inputs", {"id": "x"})
    return Samples(values, np.array(counts, dtype=np.int64), "inputs", {"id": "x"})


# --- samples --------------------------------------------------------------------------------


@given(samples(), st.data())
def test_taking_samples_is_taking_from_their_list(some, data):
    rows = data.draw(
        st.lists(st.integers(0, len(some) - 1), max_size=8) if len(some) else st.just([])
    )
    taken = some.take(np.array(rows, dtype=np.int64))
    assert len(taken) == len(rows)
    assert taken.tolist() == [some.tolist()[row] for row in rows]


@given(samples())
def test_samples_give_every_event_as_many_as_it_has(some):
    assert len(some.tolist()) == len(some)
    flat = [row for body in some.tolist() for row in body["inputs"]]
    assert flat == some.values.tolist()
    assert all(body["id"] == "x" for body in some.tolist())


def test_samples_of_a_frame_are_objects():
    frame = pd.DataFrame({"age": [30, 40, 50]})
    some = Samples(frame, np.array([2, 0, 1]), "instances")
    assert some.tolist() == [
        {"instances": [{"age": 30}, {"age": 40}]},
        {"instances": []},
        {"instances": [{"age": 50}]},
    ]


def test_samples_hold_other_values_for_the_same_events():
    some = Samples(np.zeros((3, 4)), np.array([1, 2]), "inputs", {"id": "x"})
    other = some.holding(np.array([7, 8, 9]), "outputs", {"model_name": "m"})
    assert other.tolist() == [
        {"model_name": "m", "outputs": [7]},
        {"model_name": "m", "outputs": [8, 9]},
    ]


# --- rows of every kind ---------------------------------------------------------------------


@given(st.lists(st.integers(0, 4), max_size=6))
def test_taking_rows_is_the_same_for_every_kind(rows):
    for kind in BODY_KINDS.values():
        bodies = kind([5, 6, 7, 8, 9])
        taken = take(bodies, np.array(rows, dtype=np.int64))
        assert type(taken) is type(bodies)
        assert same(objects(taken), [objects(bodies)[row] for row in rows])


# --- columns of values ----------------------------------------------------------------------


@given(st.lists(SCALARS, max_size=5))
def test_a_column_keeps_each_value_and_its_type(values):
    assert same(objects(column(values)), values)


@given(st.lists(SCALARS, max_size=4), SCALARS)
def test_what_a_value_becomes_in_a_column_does_not_hang_on_its_neighbours(values, value):
    assert same(objects(column([value]))[0], objects(column([value, *values]))[0])


def test_a_column_of_one_type_has_its_dtype():
    assert column([1, 2]).dtype == np.int64
    assert column([1.5, 2]).dtype == object
    assert column([1.5, 2.0]).dtype == float
    assert column([True]).dtype == bool
    assert column(["a"]).dtype == "str"
    assert column([2**70]).dtype == object


def test_a_column_of_numpy_scalars_keeps_their_dtype():
    assert column([np.float32(1.5), np.float32(2.5)]).dtype == np.float32
    assert column([np.int64(1), np.int64(2)]).dtype == np.int64


def test_a_feature_of_whole_and_broken_numbers_is_a_float():
    assert feature([1, 2.5]).dtype == float
    assert feature([1, 2]).dtype == np.int64
    assert same(objects(feature([2**53 + 1, 0.5])), [2**53 + 1, 0.5])
    assert same(objects(feature([1, None])), [1, None])
    assert same(objects(feature([True, 2])), [True, 2])


def test_moments_of_every_kind_stay_what_they_are():
    moments = [pd.Timestamp("2024-02-29", tz="UTC"), pd.NaT]
    assert column(moments).dtype.kind == "M"
    assert objects(column(moments))[0] == moments[0]
    assert objects(column(moments))[1] is pd.NaT
    zones = [pd.Timestamp("2024"), pd.Timestamp("2024", tz="UTC")]
    assert objects(column(zones)) == zones
    assert objects(np.array(["2024-01-01T00:00:00.000000001"], dtype="M8[ns]"))[0].nanosecond == 1


def test_a_table_keeps_none_beside_text():
    frame = table({"s": column(["a", None]), "n": column([1, 2])}, pd.Index([5, 5]))
    assert same(frame["s"].tolist(), ["a", None])
    assert frame["n"].dtype == np.int64
    assert frame.index.tolist() == [5, 5]
    assert len(table({})) == 0


def test_stacked_samples_keep_each_value():
    assert stacked([[1, 2], [3, 4]]).dtype == np.int64
    assert stacked([["a"], ["b"]]).tolist() == [["a"], ["b"]]
    assert same(stacked([[1, "a"]]).tolist(), [[1, "a"]])
    assert same(stacked([[2**53 + 1], [0.5]]).tolist(), [[2**53 + 1], [0.5]])
    with pytest.raises(ValueError, match="inhomogeneous"):
        stacked([[1], [1, 2]])


def test_columns_of_objects_are_typed_anew_for_those_that_are_left():
    assert retyped(np.array([1, None], dtype=object)[:1]).dtype == np.int64
    assert retyped(np.array([[1, 2], ["x", 3]], dtype=object)[:1]).dtype == np.int64
    frame = table({"a": column([1, None]), "b": column(["x", "y"])})
    assert retyped(frame.head(1))["a"].dtype == np.int64
    assert retyped(frame) is None
    assert retyped(np.array([1, 2])) is None


def test_what_is_unshared_may_be_changed_down_to_its_cells():
    frame = pd.DataFrame({"o": [[1]], "n": [2]})
    cells = np.array([[[1], 2]], dtype=object)
    mine, own = unshared(frame), unshared(cells)
    mine["o"][0].append(5)
    mine["n"] = 0
    mine["new"] = 1
    own[0, 1] = 0
    assert frame.to_dict("list") == {"o": [[1]], "n": [2]}
    assert cells[0, 1] == 2


def test_a_row_is_an_object_of_plain_python_values():
    frame = pd.DataFrame({"n": [1], "x": [0.5], "t": ["a"], 3: [True]})
    (row,) = objects(frame)
    assert same(row, {"n": 1, "x": 0.5, "t": "a", 3: True})


def test_a_table_without_columns_has_empty_objects():
    assert objects(pd.DataFrame(index=[1, 2])) == [{}, {}]


def test_a_series_keeps_its_dtype_and_loses_its_index():
    assert type(plain(pd.Series([1, 2], index=[5, 6]))) is np.ndarray
    assert plain(pd.Series([1, None], dtype="Int64")).dtype == "Int64"
    assert plain(pd.Series(["a", "b"], dtype="category")).dtype == "category"
    assert plain(pd.Series(["a", "b"])).dtype == "str"
    assert plain(pd.Series(["a", 1])).dtype == object


def test_lists_and_samples_are_json_and_columns_are_not():
    assert [kind for kind in BODY_KINDS if is_json(BODY_KINDS[kind]([1]))] == [
        "list",
        "samples",
        "several",
    ]


def test_only_object_columns_may_hold_things_to_change():
    assert has_objects(pd.DataFrame({"n": [1], "o": [[1]]}))
    assert has_objects(np.array([{}, 1], dtype=object))
    assert has_objects(Samples(np.array([[{}]], dtype=object), None, "inputs"))
    for kind in ("array", "wide", "text", "floats", "frame", "samples"):
        assert not has_objects(BODY_KINDS[kind]([1, 2]))


# --- copies ---------------------------------------------------------------------------------

BODIES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=2).map(OrderedDict),
    ),
    max_leaves=8,
)


def spoil(body: Any) -> None:
    """Change everything in a body that can be changed."""
    if isinstance(body, tuple):
        for item in body:
            spoil(item)
    elif isinstance(body, dict):
        for item in body.values():
            spoil(item)
        body["spoiled"] = True
    elif isinstance(body, list):
        for item in body:
            spoil(item)
        body.append("spoiled")


@given(BODIES)
def test_a_copy_may_be_changed_all_over(body):
    before = repr(body)
    copy = fresh(body)
    assert copy == body
    assert type(copy) is type(body)
    spoil(copy)
    assert repr(body) == before


@pytest.mark.parametrize(
    "body", [defaultdict(list, x=[1]), {1, 2}, bytearray(b"ab"), np.array([1, 2])], ids=repr
)
def test_other_containers_are_copied_too(body):
    copy = fresh(body)
    assert type(copy) is type(body)
    assert copy is not body
    assert np.all(copy == body)


def test_a_table_in_a_body_may_be_changed():
    frame = pd.DataFrame({"a": [1]})
    (copy,) = copies([{"table": frame}])
    copy["table"]["a"] = 5
    copy["table"]["b"] = 6
    assert frame.to_dict("list") == {"a": [1]}


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(enabled):
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        copies([{"x": 1}] * 1000)
        with pytest.raises(ZeroDivisionError), many_objects(1000):
            assert not gc.isenabled()
            _ = 1 / 0
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_other_objects_are_handed_on_as_they_are():
    thing = object()
    assert fresh({"thing": thing})["thing"] is thing
    assert math.isnan(fresh(math.nan))
