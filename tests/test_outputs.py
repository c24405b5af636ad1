"""Outputs: what each node answered, as columns under the events' index."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import (
    Ensemble,
    Graph,
    Model,
    ParallelRun,
    Sequence,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
)

from .models import BROKEN, IRIS, WIDTH, frame_of, iris, on_array, on_frame, on_names, run

# --- the frame ------------------------------------------------------------------------------


def test_the_frame_has_the_events_index_and_a_column_for_each_answer():
    frame = iris().run(BROKEN).frame
    assert frame.index.equals(BROKEN.index)
    assert frame.columns.tolist() == [
        "forest",
        "boosted",
        "vote",
        "label",
        "response",
        "status",
        "error",
    ]


def test_dtypes_say_what_stands_in_a_column():
    whole, broken = iris().run(IRIS).frame, iris().run(BROKEN).frame
    expected = {"forest": "int64", "vote": "int64", "label": "str", "response": "str"}
    expected |= {"status": "int16", "error": "str"}
    assert {name: str(whole[name].dtype) for name in expected} == expected
    assert {name: str(broken[name].dtype) for name in expected} == {
        **expected,
        "forest": "Int64",
        "vote": "Int64",
    }


@pytest.mark.parametrize(
    ("values", "dtype", "beside_missing"),
    [
        ([1, 2], "int64", "Int64"),
        ([1.5, 2], "float64", "float64"),
        ([True, False], "bool", "boolean"),
        (["a", "b"], "str", "str"),
        ([pd.Timestamp("2024"), pd.Timestamp("2025")], "datetime64[us]", "datetime64[us]"),
        ([{"a": [1]}, [2]], "object", "object"),
    ],
    ids=lambda value: str(value),
)
@pytest.mark.parametrize("form", [list, pd.Series], ids=["json", "column"])
def test_answers_keep_their_dtype_beside_a_failed_event(values, dtype, beside_missing, form):
    def give(place):
        return values[place]

    assert run(give, form([0, 1])).frame["response"].dtype == dtype
    frame = run(give, form([0, 5, 1])).frame
    assert frame["response"].dtype == beside_missing
    assert frame["response"].isna().tolist() == [False, True, False]
    assert frame["response"].tolist()[::2] == values


def test_a_router_that_chose_has_a_column_of_its_choices():
    split = Splitter(a=abs, b=abs)
    switch = Switch(c=abs, d=abs, conditions={"c": lambda x: x > 1})
    frame = Graph("g", split >> switch).run([1, 2, 3]).frame
    assert frame.columns.tolist()[:6] == ["a", "b", "split", "split.route", "c", "d"]
    assert frame["switch.route"].tolist() == ["d", "c", "c"]
    assert frame["switch.route"].dtype == "category"


def test_probabilities_have_a_column_for_each_class_and_are_missing_where_they_failed():
    sure = Model(on_names(), "predict_proba")
    frame = Graph("g", sure).run(BROKEN).frame
    columns = ["sure.setosa", "sure.versicolor", "sure.virginica"]
    assert frame.columns.tolist()[:3] == columns
    assert frame[columns].isna().all(axis=1).tolist() == [row % 10 == 0 for row in range(150)]
    good = BROKEN.dropna()
    np.testing.assert_allclose(frame.loc[good.index, columns], on_names().predict_proba(good))


def test_names_that_stand_twice_are_told_by_their_paths():
    both = Ensemble(one=Sequence(m=abs), two=Sequence(m=abs), three=hex)
    frame = Graph("g", both).run([1]).frame
    assert frame.columns.tolist()[:5] == ["both.one.m", "one", "both.two.m", "two", "three"]


def test_a_table_as_response_has_a_column_for_each_of_its_own():
    frame = Graph("g", Step(lambda row: {"u": row["x"], "v": "t"})).run(frame_of(x=[1, 2])).frame
    assert frame.columns.tolist() == ["response.u", "response.v", "status", "error"]


def test_steps_and_models_of_json_stand_as_lists_of_their_samples():
    vote = VotingEnsemble(forest=on_array(), boosted=on_frame())
    rows = IRIS.to_numpy().tolist()
    frame = Graph("g", vote).run([{"inputs": rows[:2]}, {"inputs": rows[100:101]}]).frame
    assert frame["forest"].tolist() == frame["vote"].tolist() == [[0, 0], [2]]
    assert frame["response"].tolist() == [
        {"model_name": "vote", "outputs": [0, 0]},
        {"model_name": "vote", "outputs": [2]},
    ]


# --- the index ------------------------------------------------------------------------------

INDEXES = {
    "twice": [1, 1, 2],
    "text": ["b", "a", "b"],
    "time": pd.date_range("2024", periods=3),
    "two levels": pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2)], names=["x", "y"]),
    "missing": [np.nan, np.nan, 1.0],
    "reversed": [2, 1, 0],
}


@pytest.mark.parametrize("kind", INDEXES)
@pytest.mark.parametrize(
    "root",
    [
        lambda: on_frame(),
        lambda: VotingEnsemble(on_frame(), on_array()),
        lambda: Splitter(a=on_frame(), b=on_array()),
        lambda: ParallelRun(a=on_frame(), extend_event=True),
        lambda: Ensemble(a=on_frame(), b=lambda row: {"x": 1}),
        lambda: Step(lambda frame: frame.sort_values(frame.columns[1]), batch=True) >> on_frame(),
    ],
    ids=["model", "vote", "split", "parallel", "ensemble", "sorted"],
)
def test_every_row_comes_back_in_order_whatever_the_index(kind, root):
    events = IRIS.iloc[[0, 60, 120]].set_axis(INDEXES[kind])
    frame = run(root(), events).frame
    assert frame.index.equals(events.index)
    assert frame.index.names == events.index.names
    assert frame["status"].tolist() == [200] * 3
    predicted = frame.filter(regex=r"response(\.a|\.logisticregression)?$").iloc[:, -1]
    assert predicted.tolist() == on_frame().predict(events).tolist()


def test_rows_that_a_table_function_reordered_are_told_apart_under_one_label():
    reverse = Step(lambda frame: frame.iloc[::-1], batch=True)
    result = run(reverse, frame_of(x=[1, 2]).set_axis([5, 5]))
    assert result.frame["response.x"].tolist() == [1, 2]
    assert result.frame.index.tolist() == [5, 5]


# --- an empty batch -------------------------------------------------------------------------

GRAPHS = {
    "model": lambda: on_names(),
    "vote": lambda: VotingEnsemble(on_names(), on_frame(), vote_type="classification"),
    "soft": lambda: VotingEnsemble(on_names(), vote_type="soft"),
    "split": lambda: Splitter(a=on_frame(), b=Model(on_names(), "predict_proba")) >> (lambda x: 1),
    "switch": lambda: Switch(a=on_frame(), b=on_names(), conditions={"a": f"`{WIDTH}` > 3"}),
    "step": lambda: Step(lambda row: 1),
}


@pytest.mark.parametrize("kind", GRAPHS)
def test_an_empty_batch_has_the_columns_of_a_full_one(kind):
    full, empty = (run(GRAPHS[kind](), events).frame for events in (IRIS, IRIS.head(0)))
    assert empty.columns.tolist() == full.columns.tolist()
    assert len(empty) == 0
    assert empty.index.equals(IRIS.head(0).index)
    assert (str(empty["status"].dtype), str(empty["error"].dtype)) == ("int16", "str")


@pytest.mark.parametrize("events", [[], np.empty((0, 4)), pd.Series([]), frame_of(x=[])], ids=type)
def test_an_empty_batch_calls_nobody(events):
    def never(event):
        raise AssertionError

    root = Sequence(never, Step(never, batch=True), Switch(a=never, conditions={"a": never}))
    result = run(root, events)
    assert len(result) == 0
    assert result.errors.empty
    assert "0 events" in repr(result)
    assert "0 events" in result._repr_html_()
    with pytest.raises(Exception, match="no event"):
        result.trace(position=0)


@pytest.mark.parametrize("kind", ["model", "vote", "soft", "split"])
def test_a_batch_of_which_every_event_failed_has_the_same_columns(kind):
    full, failed = (run(GRAPHS[kind](), events).frame for events in (IRIS, IRIS * np.nan))
    assert failed.columns.tolist() == full.columns.tolist()
    assert failed["status"].eq(500).all()


# --- what each node answered ----------------------------------------------------------------


def test_the_output_of_a_step_over_a_table_is_a_table():
    result = iris().run(BROKEN)
    pd.testing.assert_frame_equal(result.output("half"), BROKEN / 2)
    assert result.output("vote.forest").name == "forest"
    pd.testing.assert_series_equal(result.output("forest"), result.output("vote.forest"))
    assert result.output("label").dtype == "str"


def test_the_output_of_a_route_is_missing_where_no_event_came():
    split = Splitter(a=Step(lambda row: {"x": row["x"]}), b=lambda row: {"y": 1})
    result = Graph("g", split).run(frame_of(x=range(20)).set_axis(range(100, 120)))
    a = result.output("a")
    chosen = result.frame["split.route"] == "a"
    assert a.index.tolist() == list(range(100, 120))
    assert a["x"].notna().tolist() == chosen.tolist()
    assert a.loc[chosen, "x"].tolist() == np.flatnonzero(chosen).tolist()


def test_a_step_that_came_twice_gives_its_first_answer():
    flow = (
        Step(lambda x: x)
        >> [Step(lambda x: x + 1), Step(lambda x: x + 2)]
        >> Step(lambda x: x * 10, name="end")
    )
    assert run(flow, [0, 1]).output("end").tolist() == [10, 20]


def test_a_step_that_answers_with_a_wide_array_is_left_to_its_output():
    wide = Step(lambda frame: frame.to_numpy() * 2, batch=True)
    result = Graph("g", wide >> on_array()).run(IRIS.head(2))
    assert result.frame.columns.tolist()[0] == "logisticregression"
    table = result.output("wide")
    assert table.columns.tolist() == ["wide.0", "wide.1", "wide.2", "wide.3"]
    assert table.to_numpy().tolist() == (IRIS.head(2).to_numpy() * 2).tolist()


def test_an_unknown_output_names_those_that_are():
    with pytest.raises(Exception, match=r"'x'.*'half', 'vote.forest', 'vote.boosted', 'vote'"):
        iris().run(IRIS).output("x")


@pytest.mark.parametrize("size", [1, 7, 149, 150, 1000])
def test_chunks_change_no_output(size):
    graph = iris()
    whole, parts = graph.run(BROKEN), graph.run(BROKEN, chunk_size=size)
    pd.testing.assert_frame_equal(whole.frame, parts.frame)
    pd.testing.assert_frame_equal(whole.errors, parts.errors)
    pd.testing.assert_frame_equal(whole.output("half"), parts.output("half"))


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.integers(-(2**70), 2**70),
            st.integers(2**53 - 2, 2**53 + 2),
            st.floats(width=64),
            st.booleans(),
        ),
        min_size=1,
    )
)
def test_no_cell_is_changed_by_those_beside_it(answers):
    found = Graph("g", lambda event: answers[event]).run(list(range(len(answers)))).frame
    for cell, answer in zip(found["response"].tolist(), answers, strict=True):
        if answer is None or answer != answer:
            assert cell is None or cell is pd.NA or cell != cell
        else:
            assert cell == answer


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_whole_numbers_beside_a_missing_one_stay_whole(missing):
    response = Graph("g", lambda event: event or missing).run([2**53 + 1, 0]).frame["response"]
    assert response.dtype == "Int64"
    assert response.tolist() == [2**53 + 1, pd.NA]
