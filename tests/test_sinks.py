"""Sinks: what a run's frame is in Parquet, CSV and JSON Lines, and read back."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import Graph
from graph_magics.sinks.formats import (
    read_csv,
    read_lines,
    write_csv,
    write_lines,
    write_parquet,
)
from graph_magics.sinks.tables import as_schema, to_frame, to_table, united
from graph_magics.sinks.texts import json_text

from .models import frame_of, mistake

EVERYTHING = frame_of(
    whole=[1, 2, 3],
    holed=pd.array([1, None, 3]),
    small=np.array([1, 2, 3], dtype=np.int16),
    real=[1.0, np.nan, -2.5],
    truth=[True, False, True],
    maybe=pd.array([True, None, False]),
    text=pd.array(["a", None, 'say "no",\n'], dtype="str"),
    empty_text=["", "a", ""],
    route=pd.Categorical(["b", None, "b"], categories=["a", "b"]),
    span=pd.to_timedelta(["1 day 00:00:00.000000001", None, "-1s"]),
    month=pd.PeriodIndex(["2026-01", None, "2026-03"], freq="M").array,
    between=pd.arrays.IntervalArray.from_tuples([(0, 1), None, (2, 3.5)]),
    moment=pd.to_datetime(["2026-01-01 00:00:00.5", None, "2026-01-02 03:04:05.000006"]),
    cells=[{"a": [1, None]}, np.nan, [1.5, "x"]],
    nothing=[np.nan, np.nan, np.nan],
    status=np.int16([200, 500, 200]),
)
EVERYTHING["nothing"] = EVERYTHING["nothing"].astype(object)


def parquet_again(tables, schema):
    stream = io.BytesIO()
    write_parquet(tables, schema, stream)
    stream.seek(0)
    return pq.read_table(stream)


def csv_again(tables, schema):
    stream = io.BytesIO()
    write_csv(tables, schema, stream)
    return read_csv(io.BytesIO(stream.getvalue()), schema)


def lines_again(tables, schema):
    stream = io.BytesIO()
    write_lines(tables, schema, stream)
    for line in stream.getvalue().splitlines():
        json.loads(line, parse_constant=pytest.fail)
    return read_lines(io.BytesIO(stream.getvalue()), schema)


AGAIN = pytest.mark.parametrize("again", [parquet_again, csv_again, lines_again])


@AGAIN
def test_a_frame_is_the_same_when_it_is_read_back(again):
    table = to_table(EVERYTHING)
    pd.testing.assert_frame_equal(to_frame(again([table], table.schema)), EVERYTHING)


@AGAIN
@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["x", "y", "z"], name="who"),
        pd.Index([5, 3, 3]),
        pd.Index(["x", "y", "z"], name="status"),
        pd.RangeIndex(4, 7),
        pd.RangeIndex(3, name="n"),
        pd.Index([5, 6, 8], name=0),
        pd.Index([5, 6, 8], name=("a", (1, None))),
        pd.MultiIndex.from_product([[1], [1.5, 2, 3]], names=[0, True]),
        pd.interval_range(0, 3),
        pd.interval_range(pd.Timestamp("2026"), periods=3, closed="left"),
        pd.period_range("2026", periods=3, freq="M"),
        pd.to_timedelta([1, 2, 5], unit="s"),
        pd.Index([time(1, 2), time(3, 4, 5, 6), None]),
        pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")], names=["n", None]),
    ],
)
def test_labels_are_kept(again, index):
    frame = EVERYTHING.set_axis(index)
    table = to_table(frame)
    read = to_frame(again([table], table.schema))
    pd.testing.assert_frame_equal(read, frame, check_index_type=False)


@AGAIN
@pytest.mark.parametrize(
    "cells",
    [
        [time(1, 2), None, time(3, 4, 5, 6)],
        [timedelta(days=400 * 365), None, timedelta(microseconds=1)],
        [date(2026, 1, 1), None, date(1, 1, 1)],
        [Decimal("1.50"), None, Decimal("-12345.6")],
        pd.array([[1, 2], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        pd.array([{"a": 1}, None, {"a": None}],
                 dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())]))),
        [None, None, None],
    ],
)  # fmt: skip
def test_values_that_json_has_not_are_read_back(again, cells):
    frame = pd.DataFrame({"x": cells})
    table = to_table(frame)
    read, known = (to_frame(t)["x"].tolist() for t in (again([table], table.schema), table))
    assert repr(read) == repr(known)


def test_what_cannot_be_read_back_is_told(tmp_path):
    run = Graph("g", abs).run([1, 2], into=f"{tmp_path}/out.csv")
    Path(f"{tmp_path}/out.csv").write_text('"abs","response","status","error"\nx,y,z,\n')
    mistake(lambda: run.frame, "out.csv", "cannot be read back", "pandas")


def test_the_number_of_an_event_is_no_column():
    frame = EVERYTHING.set_axis(pd.RangeIndex(30, 33))
    assert to_table(frame, number=30).column_names == list(EVERYTHING)


def test_pandas_reads_labels_as_the_index(tmp_path):
    frame = EVERYTHING.set_index(pd.Index(["x", "y", "z"], name="who"))
    pq.write_table(to_table(frame), tmp_path / "a.parquet")
    read = pd.read_parquet(tmp_path / "a.parquet")
    assert read.index.equals(frame.index) and read.index.name == "who"
    assert list(read) == list(frame)


OBJECTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(
        max_size=2) | st.sampled_from([np.float64(1), np.int8(1), date(2026, 1, 1), Decimal("1.5"),
        datetime(2026, 1, 1), pd.NA, pd.NaT, 1j, {1, 2}, np.arange(2)]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner,
        max_size=2) | st.dictionaries(st.tuples(st.integers()), inner, max_size=1),
    max_leaves=4,
)  # fmt: skip


@given(st.lists(OBJECTS, max_size=4))
def test_whatever_steps_answer_can_be_written(values):
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    table = to_table(pd.DataFrame({"response": cells}))
    for again in (parquet_again, csv_again, lines_again):
        assert len(to_frame(again([table], table.schema))) == len(values)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": float("nan"), "b": np.array([1, 2])}, '{"a":null,"b":[1,2]}'),
        ([np.float32(0.5), float("inf"), b"x"], '[0.5,null,"x"]'),
        ({1: "é", ("a",): date(2026, 1, 1)}, """{"1":"é","('a',)":"2026-01-01"}"""),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_values_without_json_are_told_as_near_as_can_be(value, text):
    assert json_text(value) == text


# --- chunks of unlike types -----------------------------------------------------------------


def chunks(*columns):
    tables = [to_table(pd.DataFrame({"x": column})) for column in columns]
    schema = united(table.schema for table in tables)
    return to_frame(pa.concat_tables([as_schema(table, schema) for table in tables]))["x"]


def objects(*values):
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells


@pytest.mark.parametrize(
    ("columns", "values", "dtype"),
    [
        ([objects(None, None), [1, 2]], [pd.NA, pd.NA, 1, 2], "Int64"),
        ([[1], objects(None)], [1, pd.NA], "Int64"),
        ([[1], [1.5]], [1.0, 1.5], "float64"),
        ([[2**60], objects(Decimal("1.5"))], [2**60, "1.5"], "object"),
        ([[0.5], objects(Decimal("1.5"))], [0.5, "1.5"], "object"),
        (
            [objects(Decimal("1.5")), objects(Decimal("12345.25"))],
            [Decimal("1.50"), Decimal("12345.25")],
            "object",
        ),
        ([objects(Decimal(10) ** 60), objects(Decimal("1e-30"))], [f"1{'0' * 60}", "1E-30"], "str"),
        ([objects(timedelta(1)), [1]], ["1 days 00:00:00", 1], "object"),
        (
            [objects(date(2026, 1, 1)), pd.to_datetime(["2026"])],
            ["2026-01-01", "2026-01-01T00:00:00"],
            "str",
        ),
        ([np.int16([1]), [2**40]], [1, 2**40], "int64"),
        ([["a"], pd.array(["b"], dtype="str")], ["a", "b"], "str"),
        ([[1], ["a"]], [1, "a"], "object"),
        ([["1"], [1], objects([1])], ["1", 1, [1]], "object"),
        ([[True], [1]], [True, 1], "object"),
        ([[1], objects({"a": 1})], [1, {"a": 1}], "object"),
        ([np.uint64([2**64 - 1]), [-1]], [2**64 - 1, -1], "object"),
        ([[2**53 + 1], [0.5]], [float(2**53), 0.5], "float64"),
        ([pd.Categorical(["a"]), pd.Categorical(["b"])], ["a", "b"], "category"),
        ([pd.Categorical(["a"]), ["b"]], ["a", "b"], "str"),
    ],
)
def test_types_of_chunks_are_put_together_and_no_value_is_lost(columns, values, dtype):
    together = chunks(*columns)
    assert str(together.dtype) == dtype
    assert [v if v is not pd.NA else None for v in together.tolist()] == [
        v if v is not pd.NA else None for v in values
    ]


def test_a_column_that_comes_later_is_missing_before():
    tables = [to_table(frame_of(a=[1])), to_table(frame_of(a=[2], b=["x"]))]
    schema = united(table.schema for table in tables)
    frame = to_frame(pa.concat_tables([as_schema(table, schema) for table in tables]))
    assert frame["b"].isna().tolist() == [True, False]
    assert frame["a"].tolist() == [1, 2]
