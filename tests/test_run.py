"""`Run`: the events of a run, their errors, and the way of each through the graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graph_magics import (
    Graph,
    GraphError,
    Sequence,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
)

from .models import (
    BROKEN,
    IRIS,
    SPECIES,
    WIDTH,
    Constant,
    frame_of,
    has_words,
    iris,
    on_array,
    on_frame,
    run,
)

# --- errors ---------------------------------------------------------------------------------


def test_a_failing_tenth_is_told_and_all_others_are_there():
    result = iris().run(BROKEN)
    frame, errors = result.frame, result.errors
    assert frame["status"].value_counts().to_dict() == {200: 135, 500: 15}
    assert frame["response"].isna().sum() == frame["error"].notna().sum() == 15
    assert errors.index.tolist() == list(range(1000, 1150, 10))
    assert errors["step"].unique().tolist() == ["vote.forest"]
    assert errors["error"].unique().tolist() == ["ValueError"]
    assert has_words(errors["message"].iloc[0], ["NaN"])
    good = frame["status"] == 200
    expected = on_frame().predict(BROKEN[good.to_numpy()] / 2)
    assert frame.loc[good, "vote"].tolist() == expected.tolist()
    told = repr(result)
    for word in ("'iris'", "150 events", "135 answered", "15 failed", "vote.forest", "NaN"):
        assert word in told


def test_the_place_of_an_error_is_in_the_users_code():
    def clean(row):
        return int(row["x"])

    result = run(clean, frame_of(x=["1", "a"]))
    line = clean.__code__.co_firstlineno + 1
    (place,) = result.errors["place"]
    assert place.startswith(f"line {line} of ")
    assert place.endswith("clean")


class Silent(Exception):
    """An exception that fails to say what it has to say."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("error", [Silent(), ValueError(), KeyError("x"), ValueError("a\nb")])
def test_whatever_is_raised_stands_in_the_frame(error):
    def refuse(event):
        raise error

    result = run(refuse, [1])
    assert has_words(result.frame["error"][0], ["refuse", type(error).__name__])
    assert "\n" not in result.frame["error"][0]
    assert result.errors["error"].tolist() == [type(error).__name__]
    assert "failed" in repr(result)


def test_several_errors_are_told_by_the_commonest():
    result = run(lambda x: 1 // x if x < 5 else {}[x], [0, 0, 0, 7])
    assert "3 with step: ZeroDivisionError" in repr(result)


def test_an_html_representation_escapes_names_and_texts():
    result = run(Step(lambda x: x, name="<b>"), ["<script>", 1])
    told = result._repr_html_()
    assert "<script>" not in told
    assert "<b>" not in told
    assert "&lt;b&gt;" in told
    many = run(abs, list(range(2000)))._repr_html_()
    assert "1,995 more" in many


# --- one event's way ------------------------------------------------------------------------


def test_a_trace_tells_everything_that_happened_to_an_event():
    trace = iris().run(BROKEN).trace(1051)
    assert trace["step"].tolist() == ["half", "vote", "vote.forest", "vote.boosted", "label"]
    assert trace["kind"].tolist() == ["Step", "VotingEnsemble", "Model", "Model", "Step"]
    row = BROKEN.loc[1051].to_dict()
    halves = {name: value / 2 for name, value in row.items()}
    assert trace["received"].tolist()[:3] == [row, halves, halves]
    assert trace["answered"][0] == halves
    assert trace["answered"].iloc[-1] == f"species {trace['received'].iloc[-1]}"
    assert trace["error"].isna().all()


def test_a_trace_ends_where_the_event_failed():
    trace = iris().run(BROKEN).trace(1050)
    assert trace["step"].tolist() == ["half", "vote", "vote.forest", "vote.boosted"]
    assert trace["answered"].isna().tolist() == [False, True, True, True]
    assert has_words(trace["error"][2], ["vote.forest", "NaN"])
    assert has_words(trace["error"][1], ["vote.forest", "NaN"])


def test_a_trace_tells_the_route_and_only_what_the_event_came_to():
    switch = Switch(a=Sequence(x=abs), b=hex, conditions={"a": lambda x: x < 0})
    result = Graph("g", switch).run([5, -5, 7], chunk_size=2)
    assert result.trace(1)[["step", "route"]].values.tolist() == [
        ["switch", "a"],
        ["switch.a", None],
        ["switch.a.x", None],
    ]
    assert result.trace(2)[["step", "answered"]].values.tolist() == [
        ["switch", "0x7"],
        ["switch.b", "0x7"],
    ]


def test_a_trace_shows_bodies_as_they_were_when_they_came():
    def spoil(body):
        body["x"].append(1)
        return body

    trace = run(Sequence(a=spoil, b=spoil), [{"x": []}]).trace(0)
    assert trace["received"].tolist() == [{"x": []}, {"x": []}, {"x": [1]}]
    assert trace["answered"].tolist() == [{"x": [1, 1]}, {"x": [1]}, {"x": [1, 1]}]


def test_an_event_is_found_by_label_or_by_position():
    result = run(abs, pd.Series([1, -2, 3], index=["a", "b", "b"]))
    assert result.trace("a")["received"].tolist() == [1]
    assert result.trace(position=1)["received"].tolist() == [-2]
    assert result.trace(position=-1)["received"].tolist() == [3]
    times = run(abs, pd.Series([1], index=pd.interval_range(0, 1)))
    assert len(times.trace(pd.Interval(0, 1))) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"event": "x"}, ["no event", "'x'"]),
        ({"event": ["a"]}, ["no event", "['a']"]),
        ({"event": "b"}, ["several", "'b'", "position"]),
        ({}, ["which event", "trace("]),
        ({"position": 3}, ["position 3", "3 events"]),
        ({"position": -4}, ["position -4"]),
    ],
    ids=repr,
)
def test_an_event_that_cannot_be_found_is_told(arguments, words):
    result = run(abs, pd.Series([1, -2, 3], index=["a", "b", "b"]))
    with pytest.raises(Exception) as caught:
        result.trace(**arguments)
    assert has_words(str(caught.value), ["graph 'g'", *words])


def test_a_run_keeps_no_copy_of_the_rows_that_a_router_selected():
    split = Splitter(a=on_frame(), b=Switch(c=on_array(), conditions={"c": f"`{WIDTH}` > 0"}))
    result = run(split, IRIS)
    selected = [visit.received for visit in result._visits if visit.received.origin is not None]
    assert len(selected) == 3
    assert all(batch._bodies is None and not batch.memory for batch in selected)
    assert result.trace(0)["received"][0] == IRIS.iloc[0].to_dict()


# --- the events -----------------------------------------------------------------------------


def test_a_run_changes_no_event():
    events = BROKEN.copy()
    iris().run(events)
    pd.testing.assert_frame_equal(events, BROKEN)


def test_a_run_keeps_its_answers_when_the_events_change_afterwards():
    events = IRIS.copy()
    result = run(Sequence(a=lambda row: row[WIDTH], b=abs), events)
    first = result.frame["response"][0]
    events.iloc[0] = 0
    events["new"] = 1
    assert "new" not in result.trace(0)["received"][0]
    assert result.trace(0)["received"][0][WIDTH] == first


@pytest.mark.parametrize(
    "events",
    [
        [1, 2],
        (1, 2),
        np.array([1, 2]),
        pd.Series([1, 2]),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1, 2], dtype="category"),
    ],
    ids=lambda events: f"{type(events).__name__} {getattr(events, 'dtype', '')}",
)
def test_events_of_single_values_come_in_many_forms(events):
    assert run(lambda x: x * 2, events).frame["response"].tolist() == [2, 4]


def test_one_body_is_a_batch_of_one():
    assert run(lambda body: body["x"], {"x": 5}).frame["response"].tolist() == [5]


def test_a_frame_may_have_columns_of_any_label():
    events = pd.DataFrame([[1, 2, 3]], columns=[0, ("a", "b"), pd.Timestamp("2024")])
    (row,) = run(lambda row: [list(row), sum(row.values())], events).frame["response"]
    assert row == [list(events.columns), 6]
    assert run(Constant(1), events).frame["response"].tolist() == [1]


def test_species_are_compared_as_they_were_predicted():
    frame = Graph("g", VotingEnsemble(on_frame(), on_array())).run(IRIS).frame
    assert (frame["response"] == SPECIES).mean() > 0.9


def test_a_position_that_is_no_number_is_told():
    with pytest.raises(GraphError, match="whole number, got 'a'"):
        run(len, ["x"]).trace(position="a")


@pytest.mark.parametrize("size", [True, 0, 1.5, "2"])
def test_a_chunk_size_that_cannot_be_is_told(size):
    with pytest.raises(GraphError, match="chunk_size"):
        run(len, ["x"], chunk_size=size)


def test_a_chunk_size_may_be_numpys():
    assert run(len, ["x", "yy"], chunk_size=np.int64(1)).frame["response"].tolist() == [1, 2]
