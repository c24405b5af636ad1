"""`Sequence`, `Splitter`, `Switch` and `Ensemble`, as KServe's router has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graph_magics import (
    Ensemble,
    Graph,
    Model,
    Response,
    Route,
    Sequence,
    Splitter,
    Step,
    Switch,
    gjson,
)
from graph_magics.errors import Unanswered

from .models import (
    IRIS,
    SPECIES,
    Seen,
    answers,
    frame_of,
    has_words,
    mistake,
    on_array,
    on_frame,
    on_names,
    run,
)
from .strategies_kserve import NotFound
from .test_wire import told

# --- Sequence -------------------------------------------------------------------------------


def test_a_sequence_hands_each_answer_to_the_next_route():
    assert answers(Sequence(abs, hex, len), [-31, 300]) == [4, 5]


def test_a_sequence_runs_nobody_for_an_event_that_failed():
    seen = []
    given = answers(Sequence(lambda x: 10 // x, lambda x: seen.append(x) or x), [5, 0, 2])
    assert given[::2] == seen == [2, 5]
    assert has_words(given[1], ["sequence.step-1", "ZeroDivisionError"])


def fail(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(("data", "expected"), [("$request", 20), ("$response", 30), (None, 30)])
def test_a_route_is_sent_the_response_or_the_request(data, expected):
    ten = Route(lambda x: 10 * x, data=data)
    for events in ([2, 2], np.array([2, 2])):
        assert answers(Sequence(lambda x: x + 1, ten), events) == [expected] * 2


@pytest.mark.parametrize(
    "condition",
    [lambda r: r["s"] < 5, "s < 5", "@this|[s]|#(<5)", gjson.compile("[s].#(<5)")],
    ids=["function", "query", "path", "compiled"],
)
@pytest.mark.parametrize("events", [[1, 9], frame_of(x=[1, 9])["x"]], ids=["json", "table"])
def test_where_a_condition_does_not_hold_the_response_is_the_answer(condition, events):
    routes = {"one": lambda x: {"s": int(x)}, "two": lambda r: {"s": -1}}
    by_name = Sequence(**routes, conditions={"two": condition})
    by_route = Sequence(routes["one"], Route(routes["two"], condition=condition))
    assert answers(by_name, events) == answers(by_route, events) == [{"s": -1}, {"s": 9}]


def test_events_leave_a_sequence_where_their_condition_fails_and_keep_their_order():
    more = [Route(lambda x: x + 1, condition=lambda x, n=n: x != n) for n in (1, 2)]
    assert answers(Sequence(lambda x: x, *more), [1, 0, 1, 5, 1]) == [1, 2, 1, 7, 1]


def test_a_response_that_ends_a_sequence_has_status_200_whatever_it_had():
    gone = Route(lambda e: Response(404, [e]), dependency="Soft")
    assert told(Sequence(gone, Route(abs, condition=lambda r: False)), [1]) == [([1], 200, True)]


def test_predictions_may_be_sent_as_instances():
    mapped = Route(lambda r: r, map_predictions_to_instances=True)
    steps = Sequence(lambda x: {"predictions": [int(x)], "name": "m"}, mapped)
    assert answers(steps, [1]) == answers(steps, np.array([1])) == [{"instances": [1]}]


def test_bytes_that_are_no_json_may_be_the_answer_of_a_sequence_in_python():
    ends = Sequence(lambda e: b"text", Route(abs, condition=lambda r: False))
    assert told(ends, [1]) == [(b"text", 200, False)]


@pytest.mark.parametrize(
    ("dependency", "code", "expected"),
    [
        *[(None, code, (None, code, True)) for code in (400, 404, 503, 599)],
        *[(None, code, (None, 500, True)) for code in (100, 302, 304, 600)],
        *[(word, code, ("next", 200, False)) for word in (None, "Hard") for code in (200, 299)],
        *[("Soft", code, ("next", 200, code != 200)) for code in (100, 200, 302, 404, 503)],
        *[("Hard", code, ({"x": [1]}, code, True)) for code in (100, 302, 404, 503)],
    ],
)
@pytest.mark.parametrize("events", [[1], frame_of(x=[1])["x"]], ids=["json", "table"])
def test_what_comes_of_a_status_that_is_no_success(dependency, code, expected, events):
    first = Route(lambda e: Response(code, {"x": [1]}), dependency=dependency)
    steps = Sequence(first, lambda e: "next")
    ((body, status, has_error),) = told(steps, events)
    assert (None if body is None or body != body else body, status, has_error) == expected
    assert Graph("g", steps).test(events[0], get_body=False).status_code == status


RAISED = {"error": "NotFound: no such thing"}


@pytest.mark.parametrize("events", [[1], frame_of(x=[1])["x"]], ids=["json", "table"])
def test_what_a_route_raises_is_a_response_where_it_has_a_dependency(events):
    step = Step(lambda e: fail(NotFound("no such thing")))
    soft, hard = (Route(step, dependency=word) for word in ("Soft", "Hard"))
    kept = run(Sequence(a=soft, b=lambda r: [r]), events)
    assert kept.frame["response"].tolist() == [[RAISED]]
    assert kept.frame["error"].tolist() == ["sequence.a: NotFound: no such thing"]
    assert kept.errors[["step", "status"]].values.tolist() == [["sequence.a", 404]]
    assert "1 answered, 0 failed; 1 answered in spite of an error" in repr(kept)
    assert kept.trace(0)["status"].tolist() == [200, 404, 200]
    assert told(Sequence(a=hard, b=abs), events) == [(RAISED, 404, True)]
    assert told(Sequence(a=lambda e: e, b=soft), events) == [(RAISED, 404, True)]
    assert told(Sequence(a=step, b=abs), events)[0][1:] == (404, True)
    both = [({"a": RAISED, "b": 1}, 200, True)]
    assert told(Ensemble(a=soft, b=lambda e: 1), events) == both
    assert told(Ensemble(a=hard, b=lambda e: 1), events) == [(RAISED, 404, True)]


@pytest.mark.parametrize("router", [Sequence, Ensemble])
@pytest.mark.parametrize("dependency", [None, "Soft", "Hard"])
def test_no_answer_at_all_is_never_forgiven(router, dependency):
    nobody = Route(lambda e: fail(Unanswered("nobody is there")), dependency=dependency)
    given = told(router(a=nobody, b=lambda e: e), [1, 2])
    assert [row[1:] for row in given] == [(500, True)] * 2


def test_a_sequence_tells_its_options_to_the_drawing():
    steps = Sequence(
        a=abs,
        b=Route(abs, condition="x > 1", dependency="Hard", data="$request"),
        c=Route(abs, condition=gjson.compile("s"), data="$response"),
        d=Route(abs, dependency="Soft"),
    )
    assert steps.route_labels == {"b": "x > 1, $request, Hard", "c": "s"}
    assert steps.exits == ["a", "b"]
    assert Ensemble(a=Route(abs, dependency="Hard"), b=abs).route_labels == {"a": "Hard"}


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: Sequence(a=Route(abs, condition="x > 1")), ["'a'", "condition", "Switch"]),
        (lambda: Sequence(a=abs, conditions={"a": "x > 1"}), ["'a'", "condition", "Switch"]),
        (lambda: Sequence(a=Route(abs, data="$response")), ["'a'", "$request"]),
        (lambda: Sequence(a=abs, b=Route(abs, condition="")), ["''"]),
        (lambda: Sequence(a=abs, b=Route(abs, condition=False)), ["condition", "bool"]),
        (lambda: Sequence(a=abs, b=Route(abs, weight=1)), ["Sequence", "no weight"]),
        (lambda: Ensemble(a=Route(abs, condition="x > 1")), ["Ensemble", "no condition"]),
        (lambda: Ensemble(a=abs, keys={"z": "y"}), ["'z'", "no route"]),
        (lambda: Ensemble(a=abs, b=abs, keys={"a": "y", "b": "y"}), ["'y'"]),
        (lambda: Switch(a=Route(abs, dependency="Soft")), ["Switch", "no dependency"]),
        (lambda: Splitter(a=Route(abs, map_predictions_to_instances=True)), ["Splitter", "no map"]),
        (lambda: Route(abs, data="request"), ["data", "'$request'", "'request'"]),
        (lambda: Route(abs, dependency="soft"), ["dependency", "'Soft'", "'soft'"]),
        (lambda: Route(abs, map_predictions_to_instances=1), ["True or False", "1"]),
    ],
)
def test_options_that_cannot_be_are_refused_when_declared(declare, words):
    mistake(declare, *words)


# --- Splitter -------------------------------------------------------------------------------


def route_of(events: Any, seed: int = 0, **options: Any) -> list[str]:
    split = Splitter(a=lambda e: "a", b=lambda e: "b", c=lambda e: "c", **options)
    frame = Graph("g", split).run(events, seed=seed).frame
    assert frame["response"].tolist() == frame["split.route"].tolist()
    return frame["split.route"].tolist()


def test_events_are_split_by_weight():
    weights = {"a": 1, "b": 2, "c": 5}
    counts = pd.Series(route_of([0] * 8000, weights=weights)).value_counts()
    assert stats.chisquare(counts[["a", "b", "c"]], [1000, 2000, 5000]).pvalue > 1e-3
    assert stats.chisquare(pd.Series(route_of([0] * 6000)).value_counts()).pvalue > 1e-3


def test_only_the_ratio_of_the_weights_counts():
    first = route_of([0] * 100, weights={"a": 1, "b": 2, "c": 1})
    assert first == route_of([0] * 100, weights={"a": 25, "b": 50.0, "c": np.int64(25)})


def test_a_route_without_weight_gets_no_event():
    for alone in "abc":
        weights = {**dict.fromkeys("abc", 0), alone: 1}
        assert set(route_of([0] * 1000, weights=weights)) == {alone}


@settings(max_examples=25)
@given(st.integers(0, 5), st.integers(1, 30), st.integers(1, 30))
def test_an_event_goes_the_same_way_whatever_stands_beside_it(seed, size, chunk):
    whole = route_of([0] * 30, seed)
    assert route_of([0] * size, seed) == whole[:size]
    split = Splitter(a=abs, b=abs, c=abs)
    frame = Graph("g", split).run([0] * 30, seed=seed, chunk_size=chunk).frame
    assert frame["split.route"].tolist() == whole


def test_another_seed_or_another_node_draws_otherwise():
    assert route_of([0] * 100, seed=1) != route_of([0] * 100, seed=2)
    one, two = Splitter(a=abs, b=abs), Splitter(a=abs, b=abs)
    frame = Graph("g", one >> two).run([0] * 1000).frame
    together = (frame["one.route"] == frame["two.route"]).mean()
    assert 0.4 < together < 0.6


def test_splitting_keeps_rows_in_order_under_their_index():
    split = Splitter(a=on_frame(), b=on_array())
    frame = run(split, IRIS.set_axis([1] * 150)).frame
    assert frame.index.tolist() == [1] * 150
    assert (frame["response"] == on_frame().predict(IRIS)).mean() > 0.95
    assert frame["a"].notna().tolist() == (frame["splitter.route"] == "a").tolist()
    assert frame["a"].dtype == "Int64"


def test_weights_may_stand_on_the_routes_of_a_splitter():
    old, new = abs, round
    split = Splitter(Route(old, weight=3), Route(new, weight=1))
    assert split.weights == {"old": 0.75, "new": 0.25}
    assert split.route_labels == {"old": "75 %", "new": "25 %"}


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: Splitter(), ["Splitter", "at least one route"]),
        (lambda: Splitter(a=abs, b=abs, weights={"a": 1}), ["no weight", "'b'"]),
        (lambda: Splitter(a=Route(abs, weight=1), b=abs), ["no weight", "'b'"]),
        (lambda: Splitter(a=abs, b=abs, weights={}), ["no weight", "'a', 'b'"]),
        (lambda: Splitter(a=abs, weights={"a": 0}), ["all 0"]),
        (lambda: Splitter(a=abs, weights={"a": -1}), ["'a'", "-1"]),
        (lambda: Splitter(a=abs, weights={"a": "90%"}), ["'a'", "'90%'"]),
        (lambda: Splitter(a=abs, weights={"a": None}), ["'a'", "None"]),
        (lambda: Splitter(a=abs, weights=[1]), ["dict", "'a'", "list"]),
        (lambda: Splitter(a=abs, weights={"b": 1}), ["'b'", "no route"]),
        (lambda: Splitter(a=abs, weights={1: 1}), ["1", "no route"]),
        (lambda: Splitter(a=abs, weigths={"a": 1}), ["'weigths'", "did you mean 'weights'"]),
        (lambda: Splitter(a=Route(abs, condition="x > 1")), ["Splitter", "no condition"]),
        (lambda: Splitter(a=None), ["'a'", "None cannot be a step"]),
    ],
)
def test_a_splitter_that_cannot_be_is_refused_when_declared(declare, words):
    mistake(declare, *words)


# --- Switch ---------------------------------------------------------------------------------


def test_the_first_condition_that_holds_chooses_the_route():
    by_age = Switch(
        child=lambda e: "child",
        minor=lambda e: "minor",
        adult=lambda e: "adult",
        conditions={"child": "age < 12", "minor": "age < 18"},
    )
    frame = Graph("g", by_age).run(frame_of(age=[30, 15, 3, 17, 18])).frame
    assert frame["response"].tolist() == ["adult", "minor", "child", "minor", "adult"]
    assert frame["by_age.route"].tolist() == frame["response"].tolist()
    assert frame["by_age.route"].cat.categories.tolist() == ["child", "minor", "adult"]


def test_an_event_for_which_no_condition_holds_is_not_found():
    switch = Switch(a=abs, conditions={"a": lambda x: x > 0})
    frame = run(switch, [1, -1, 2]).frame
    assert frame["status"].tolist() == [200, 404, 200]
    assert has_words(frame["error"][1], ["switch", "no condition holds"])
    assert frame["switch.route"].isna().tolist() == [False, True, False]


def test_a_condition_is_asked_only_about_events_that_none_before_took():
    asked = []

    def second(x):
        asked.append(x)
        return x > 1

    switch = Switch(a=abs, b=abs, c=abs, conditions={"a": lambda x: x > 2, "b": second})
    run(switch, [3, 1, 2, 4])
    assert asked == [1, 2]


def test_a_condition_that_fails_fails_its_event_alone():
    switch = Switch(a=lambda x: "a", b=lambda x: "b", conditions={"a": lambda x: 1 // x > 0})
    given = answers(switch, [1, 0, 2])
    assert given[::2] == ["a", "b"]
    assert has_words(given[1], ["switch", "ZeroDivisionError"])


def test_routes_get_their_selection_as_columns():
    seen, other = Seen(), Seen()
    switch = Switch(a=seen, b=other, conditions={"a": "x > 1"})
    run(switch, frame_of(x=[1, 2, 3]))
    assert [batch["x"].tolist() for batch in (*seen.batches, *other.batches)] == [[2, 3], [1]]


def test_conditions_may_stand_on_the_routes():
    a, b = abs, round
    switch = Switch(Route(a, condition="x > 1"), b)
    assert switch.route_labels == {"a": "x > 1", "b": "otherwise"}


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: Switch(), ["Switch", "at least one route"]),
        (lambda: Switch(a=abs, b=abs), ["'a'", "no condition", "last"]),
        (lambda: Switch(a=abs, b=abs, conditions={"b": "x > 1"}), ["'a'", "no condition"]),
        (lambda: Switch(a=abs, b=abs, conditions={"a": None, "b": "x"}), ["'a'", "no condition"]),
        (lambda: Switch(a=abs, conditions={"z": "x > 1"}), ["'z'", "no route"]),
        (lambda: Switch(a=abs, conditions=["x > 1"]), ["dict", "list"]),
        (lambda: Switch(a=abs, conditions={"a": 5}), ["'a'", "condition", "int"]),
        (lambda: Switch(a=abs, conditions={"a": lambda: True}), ["'a'", "one argument"]),
        (lambda: Switch(a=abs, condition={"a": "x > 1"}), ["did you mean 'conditions'"]),
        (lambda: Switch(a=Route(abs, weight=1)), ["Switch", "no weight"]),
    ],
)
def test_a_switch_that_cannot_be_is_refused_when_declared(declare, words):
    mistake(declare, *words)


# --- Ensemble -------------------------------------------------------------------------------


def test_answers_stand_under_the_names_of_their_routes():
    both = Ensemble(up=lambda x: x + 1, down=lambda x: {"is": x - 1})
    assert answers(both, [5]) == [{"up": 6, "down": {"is": 4}}]
    assert answers(both, frame_of(x=[5]).iloc[:, 0]) == [{"up": 6, "down.is": 4}]


def test_answers_over_a_table_are_columns():
    sure = Model(on_frame(), "predict_proba")
    models = Ensemble(label=on_frame(), sure=sure, row=lambda row: {"a": 1, "b": "x"})
    result = run(models, IRIS.set_axis(range(150, 300)))
    table = result.output("ensemble")
    assert table.columns.tolist() == ["label", "sure.0", "sure.1", "sure.2", "row.a", "row.b"]
    assert table.index.tolist() == list(range(150, 300))
    np.testing.assert_allclose(
        table[["sure.0", "sure.1", "sure.2"]], on_frame().predict_proba(IRIS)
    )
    assert table["label"].dtype == SPECIES.dtype


def test_a_route_that_fails_fails_the_event_but_the_others_answers_are_seen():
    both = Ensemble(good=lambda x: x, bad=lambda x: 10 // x)
    frame = run(both, [5, 0]).frame
    assert frame["status"].tolist() == [200, 500]
    assert frame["good"].tolist() == [5, 0]
    assert has_words(frame["error"][1], ["ensemble.bad", "ZeroDivisionError"])


def test_routers_nest_to_any_depth():
    deep: Any = abs
    for _ in range(30):
        deep = Sequence(r=deep)
    graph = Graph("g", deep)
    assert graph.test(-3) == 3
    assert len(graph.nodes) == 31
    nested = Ensemble(
        s=Splitter(
            x=Switch(p=on_names(), q=on_frame(), conditions={"p": lambda row: True}), y=on_names()
        ),
        e=Ensemble(z=on_names()),
    )
    frame = run(nested, IRIS).frame
    assert frame["response.s"].tolist() == frame["response.e.z"].tolist()


def test_one_node_may_stand_on_several_routes():
    shared = Model(on_frame())
    both = Ensemble(a=shared, b=Sequence(c=shared))
    assert answers(both, IRIS.head(1)) == [{"a": 0, "b": 0}]
    assert list(Graph("g", both).nodes) == ["both", "both.a", "both.b", "both.b.c"]
