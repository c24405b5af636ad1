"""`Step`: functions over one event and over a table, sync and async."""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from graph_magics import Graph, Step

from .models import answers, frame_of, has_words, mistake, run

# --- over one event -------------------------------------------------------------------------


def test_a_row_comes_as_an_object_and_objects_become_columns_again():
    kinds = []

    def double(row):
        kinds.append(type(row["x"]))
        return {"y": 2 * row["x"], "name": row["name"]}

    table = run(double, frame_of(x=[1, 2], name=["a", "b"]).set_axis([7, 8])).output("double")
    assert kinds == [int, int]
    pd.testing.assert_frame_equal(table, frame_of(y=[2, 4], name=["a", "b"]).set_axis([7, 8]))


def test_scalar_answers_keep_their_dtype_in_the_frame():
    frame = run(lambda row: row["x"] > 1, frame_of(x=[1, 2])).frame
    assert frame["response"].dtype == bool
    assert run(lambda row: str(row["x"]), frame_of(x=[1, 2])).frame["response"].dtype == "str"


def test_an_array_gives_lists_and_a_json_body_comes_as_it_is():
    assert answers(lambda row: row, np.array([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert answers(lambda body: type(body).__name__, [1, "x", None, [1], {}]) == [
        "int",
        "str",
        "NoneType",
        "list",
        "dict",
    ]


def test_one_failing_event_fails_alone_and_keeps_its_place():
    result = run(lambda x: 10 // x, [5, 0, 2])
    assert result.frame["status"].tolist() == [200, 500, 200]
    assert has_words(result.frame["error"][1], ["step", "ZeroDivisionError"])
    assert result.errors["place"].tolist()[0].startswith("line ")
    assert "lambda" in result.errors["place"].tolist()[0]


def test_a_stop_iteration_ends_no_batch():
    def first(body):
        return next(iter(body))

    given = answers(first, [[1], [], [2]])
    assert given[::2] == [1, 2]
    assert has_words(given[1], ["first", "StopIteration"])


def test_a_none_beside_text_stays_none_on_its_way():
    some = Step(lambda row: {"s": None if row["x"] else "text"}, name="some")
    events = frame_of(x=[0, 1])
    for chunk_size in (1, 2):
        assert answers(some >> (lambda row: repr(row["s"])), events, chunk_size=chunk_size) == [
            "'text'",
            "None",
        ]


def test_times_stay_times_on_their_way_to_a_table():
    events = frame_of(when=pd.to_datetime(["2024-02-29", None]))

    def year(frame: pd.DataFrame):
        return frame["when"].dt.year

    assert answers(Step(lambda row: row, name="same") >> year, events)[0] == 2024


MUTABLE = {
    "json": [{"tags": [1], "deep": {"x": [1]}}],
    "ordered": [OrderedDict(tags=[1], deep=({"x": [1]},))],
    "series": pd.Series([{"tags": [1], "deep": {"x": [1]}}]),
    "frame": frame_of(tags=[[1]], deep=[{"x": [1]}]),
}


@pytest.mark.parametrize("kind", MUTABLE)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_step_that_changes_its_event_changes_nobody_elses(kind, is_async):
    events = MUTABLE[kind]
    before = repr(events.to_dict() if hasattr(events, "to_dict") else events)

    def spoil(event):
        event["tags"].append(2)
        deep = event["deep"]
        (deep[0] if isinstance(deep, tuple) else deep)["x"].append(2)
        event["new"] = 1
        return len(event["tags"])

    async def spoil_later(event):
        return spoil(event)

    result = run([spoil_later if is_async else spoil, lambda event: len(event["tags"])], events)
    assert result.frame["step"].tolist() == [1]
    assert repr(events.to_dict() if hasattr(events, "to_dict") else events) == before


# --- over a table ---------------------------------------------------------------------------


def by_class(frame: pd.DataFrame):
    return frame["x"] * 2


def by_text(frame: pd.DataFrame) -> Any:
    return frame["x"] * 2


by_text.__annotations__["frame"] = "pd.DataFrame"


def array_by_class(array: np.ndarray):
    return array[:, 0] * 2


def array_by_alias(array: npt.NDArray[np.float64]):
    return array[:, 0] * 2


array_by_alias.__annotations__["array"] = npt.NDArray[np.float64]


def array_by_text(array: npt.NDArray[np.float64]):
    return array[:, 0] * 2


array_by_text.__annotations__["array"] = "npt.NDArray[np.float64]"


def array_in_full(array: Any):
    return array[:, 0] * 2


array_in_full.__annotations__["array"] = "numpy.ndarray[tuple[int, ...], np.dtype[np.float64]]"


class Method:
    """A bound method, whose self is no event."""

    def double(self, frame: pd.DataFrame):
        return frame["x"] * 2


@pytest.mark.parametrize(
    "function",
    [
        by_class,
        by_text,
        array_by_class,
        array_by_alias,
        array_by_text,
        array_in_full,
        Method().double,
        functools.partial(lambda k, frame: frame["x"] * k, 2),
    ],
    ids=lambda function: getattr(function, "__name__", "partial"),
)
def test_a_table_function_is_called_once_however_it_is_declared(function):
    calls = []

    @functools.wraps(function, assigned=("__annotations__",))
    def counted(table):
        calls.append(len(table))
        return function(table)

    batch = True if isinstance(function, functools.partial) else None
    step = Step(function, batch=batch)
    assert step.batch
    assert answers(Step(counted, batch=batch, name="s"), frame_of(x=[1, 2, 3])) == [2, 4, 6]
    assert calls == [3]


def test_a_table_function_declared_per_event_is_given_events():
    assert answers(Step(by_class, batch=False), [{"x": 1}, {"x": 4}]) == [2, 8]


@pytest.mark.parametrize(
    "give",
    [
        lambda frame: frame["x"] * 2,
        lambda frame: (frame["x"] * 2).to_numpy(),
        lambda frame: (frame["x"] * 2).tolist(),
        lambda frame: tuple(frame["x"] * 2),
        lambda frame: (frame["x"] * 2).reset_index(drop=True),
        lambda frame: (frame["x"] * 2).sort_index(ascending=False),
        lambda frame: (frame["x"] * 2).sample(frac=1, random_state=0),
        lambda frame: pd.array(frame["x"] * 2, dtype="Int64"),
    ],
    ids=["series", "array", "list", "tuple", "reset", "sorted", "shuffled", "nullable"],
)
def test_an_answer_over_a_table_may_be_anything_with_a_row_each(give):
    result = run(Step(give, batch=True), frame_of(x=[1, 2, 3]).set_axis(["a", "b", "c"]))
    assert result.frame["response"].tolist() == [2, 4, 6]
    assert result.frame.index.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda frame: frame.iloc[:0], ["0 rows", "1 event"]),
        (lambda frame: frame["x"].sum(), ["int64", "1 event", "a row for each"]),
        (lambda frame: None, ["NoneType", "1 event"]),
        (lambda frame: np.array(3), ["0 rows", "1 event"]),
        (lambda frame: [1, 2, 3], ["3 rows", "1 event"]),
        (lambda frame: "x", ["str", "1 event"]),
        (lambda frame: {"a": 1}, ["dict"]),
        (lambda frame: frame.set_axis(["u"]), ["index"]),
    ],
    ids=["fewer", "sum", "none", "scalar", "more", "text", "dict", "other index"],
)
def test_an_answer_without_a_row_each_says_so(give, words):
    (given,) = answers(Step(give, batch=True), frame_of(x=[1]))
    assert has_words(given, words)


def test_rows_that_a_table_function_drops_fail_and_no_others():
    given = answers(Step(pd.DataFrame.dropna, batch=True), frame_of(x=[1.0, None, 3.0]))
    assert given[::2] == [{"x": 1.0}, {"x": 3.0}]
    assert has_words(given[1], ["dropna", "0 rows", "1 event"])


def test_a_table_function_that_fails_is_tried_again_for_the_innocent():
    def strict(frame: pd.DataFrame):
        if (frame["x"] < 0).any():
            raise ValueError("negative")
        return frame["x"] * 2

    assert answers(strict, frame_of(x=[1, -1, 3, -4, 5]))[::2] == [2, 6, 10]
    assert run(strict, frame_of(x=[1, -1, 3, -4, 5])).errors.index.tolist() == [1, 3]


def test_a_table_function_that_changes_its_table_changes_nobody_elses():
    frame, array = frame_of(x=[1, 2]), np.array([[1, 2], [3, 4]])

    def spoil(table: pd.DataFrame):
        table["x"] = 0
        table.loc[:, "y"] = 5
        table.index.name = "spoiled"
        return table["x"]

    def spoil_array(table: np.ndarray):
        table[:] = 0
        return table[:, 0]

    run([spoil, by_class], frame)
    run([spoil_array, array_by_class], array)
    assert answers([spoil_array, array_by_class], [{"inputs": [[3, 4]]}]) == [{"inputs": [0]}]
    assert frame.to_dict("list") == {"x": [1, 2]}
    assert frame.index.name is None
    assert array.tolist() == [[1, 2], [3, 4]]


def test_a_table_function_over_json_bodies_answers_in_their_form():
    bodies = [{"inputs": [[1, 9], [2, 9]]}, {"inputs": [[3, 9]]}]
    assert answers(array_by_class, bodies) == [{"inputs": [2, 4]}, {"inputs": [6]}]
    assert answers(by_class, [{"x": 1}, {"x": 2, "y": 3}]) == [2, 4]


# --- declaring ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: Step(lambda: 1), ["one argument", "event"]),
        (lambda: Step(lambda a, b: 1), ["(a, b)", "one argument", "partial"]),
        (lambda: Step(lambda *, a: 1), ["one argument"]),
        (lambda: Step(5), ["an int", "cannot be called", "function"]),
        (lambda: Step("clean"), ["a str", "cannot be called"]),
        (lambda: Step(None), ["None", "cannot be called"]),
        (lambda: Step(dict), ["class dict", "instance"]),
        (lambda: Step(type("M", (), {"predict": 1})()), ["a M", "Model(...)"]),
    ],
)
def test_what_is_no_function_of_an_event_is_refused_when_declared(declare, words):
    mistake(declare, *words)


def test_a_function_may_have_more_arguments_if_they_have_defaults():
    assert answers(lambda x, k=3: x * k, [1, 2]) == [3, 6]
    assert answers(functools.partial(lambda k, x: x * k, 5), [1, 2]) == [5, 10]
    assert answers(Step(max), [[1, 3]]) == [3]


@pytest.mark.parametrize(
    "function",
    [
        lambda frame: frame["agee"],
        lambda frame: frame.agee,
        lambda frame: frame[["age", "agee"]],
        lambda frame: frame.assign(b=frame["agee"]),
    ],
)
def test_a_column_that_the_table_lacks_is_asked_for_only_once(function):
    calls = []

    def counted(frame):
        calls.append(len(frame))
        return function(frame)

    run = Graph("g", Step(counted, batch=True)).run(pd.DataFrame({"age": range(50)}))
    assert calls == [50]
    assert (run.frame["status"] == 400).all()
    assert "agee" in run.errors["message"].iloc[0]
    assert "of counted" in run.errors["place"].iloc[0] or "lambda" in run.errors["place"].iloc[0]


def test_a_missing_key_of_another_table_is_the_events_own_fault():
    prices = pd.Series({"a": 1.0})
    look_up = Step(lambda frame: prices[list(frame["x"])].to_numpy(), batch=True)
    frame = Graph("g", look_up).run(pd.DataFrame({"x": ["a", "b", "a"]})).frame
    assert frame["status"].tolist() == [200, 500, 200]
