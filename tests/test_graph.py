"""`Graph`: what is refused when it is declared, keyed access, and one event at a time."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from graph_magics import (
    Ensemble,
    EventError,
    Graph,
    GraphError,
    Model,
    ParallelRun,
    Response,
    Sequence,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
)

from .models import IRIS, Constant, frame_of, mistake, on_array, on_frame

ROUTERS = [Sequence, Splitter, Switch, Ensemble, VotingEnsemble, ParallelRun]

# --- declaring ------------------------------------------------------------------------------


def test_a_graph_says_what_it_is_in_one_line():
    clean, label = Step(abs), Step(repr)
    forest = logistic = Constant(1)
    vote = VotingEnsemble(forest, logistic)
    graph = Graph("churn", clean >> vote >> label)
    assert repr(graph) == "Graph 'churn': clean >> vote[forest, logistic] >> label"
    assert repr(Graph("two", [clean, label])) == "Graph 'two': clean, label"


@pytest.mark.parametrize(
    ("root", "words"),
    [
        (5, ["an int cannot be a step"]),
        ("forest", ["'forest'", "cannot be a step"]),
        ({"a": abs}, ["a dict cannot be a step"]),
        ([], ["empty list"]),
        (np, ["a module cannot be a step"]),
        (LogisticRegression, ["class LogisticRegression", "instance"]),
        (IRIS, ["a DataFrame cannot be a step"]),
        ([abs, [round, 5]], ["an int cannot be a step"]),
    ],
    ids=["number", "text", "dict", "empty", "module", "class", "frame", "nested"],
)
def test_what_is_no_step_is_refused_with_the_graphs_name(root, words):
    mistake(lambda: Graph("churn", root), "graph 'churn'", *words)


@pytest.mark.parametrize("name", [None, "", 5, b"x"], ids=repr)
def test_a_graph_needs_a_name(name):
    mistake(lambda: Graph(name, abs), "needs a name", repr(name))


@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize(
    ("route", "words"),
    [
        (None, ["None cannot be a step"]),
        (5, ["an int cannot be a step"]),
        (LogisticRegression, ["class LogisticRegression"]),
        (lambda: 1, ["one argument"]),
    ],
    ids=["none", "number", "class", "no argument"],
)
def test_a_router_refuses_what_is_no_step_and_names_the_route(router, route, words):
    mistake(lambda: router(forest=route), "node 'forest'", *words)
    mistake(lambda: router(abs, *[route]), f"route 2 of {router.__name__}", *words)


@pytest.mark.parametrize("router", ROUTERS)
def test_a_router_without_routes_is_refused(router):
    mistake(lambda: router(), router.__name__, "at least one route")
    mistake(lambda: router(name="vote"), "node 'vote'", "at least one route")


def test_a_name_may_hold_anything_but_a_dot():
    for name in ("<b>", 'a"b', "a:b", "a b", "🎉", "1", "größe", "response time"):
        graph = Graph(name, Ensemble(Step(abs, name=name)))
        assert graph["ensemble"][name] is graph.nodes[f"ensemble.{name}"]
        assert graph.test(-1) == {name: 1}


@pytest.mark.parametrize("router", [Splitter, Switch])
def test_a_route_called_route_would_hide_the_column_of_choices(router):
    mistake(lambda: Graph("g", router(route=abs)), "graph 'g'", "'route'", "rename")
    assert Graph("g", Ensemble(route=abs)).test(-1) == {"route": 1}


def test_a_mistake_shows_itself_in_one_line_in_a_notebook():
    error = mistake(lambda: Graph("g", 5))
    assert error._render_traceback_() == [f"GraphError: {error}"]


# --- keyed access ---------------------------------------------------------------------------


def test_parts_are_had_by_key_and_by_attribute():
    vote = VotingEnsemble(forest=Constant(1), other=Constant(2))
    graph = Graph("g", Step(abs) >> vote)
    assert graph["vote"] is graph.vote is vote
    assert graph["vote"]["forest"] is graph.vote.forest
    assert "vote" in dir(graph)
    assert graph._ipython_key_completions_() == ["abs", "vote"]


def test_a_part_that_is_not_there_is_named_with_what_is_near():
    graph = Graph("g", VotingEnsemble(forest=abs, other=abs, name="vote"))
    mistake(lambda: graph["vot"], "graph 'g'", "'vot'", "did you mean 'vote'? It has")
    mistake(lambda: graph["vote"]["x"], "node 'vote'", "'x'. It has 'forest', 'other'")
    mistake(lambda: graph["vote"]["forest"]["x"], "no parts")
    mistake(lambda: graph[0], "0. It has 'vote'")
    with pytest.raises(AttributeError, match="'vot'; did you mean 'vote'"):
        _ = graph.vot
    with pytest.raises(AttributeError, match="'x'"):
        _ = graph.vote.x


def test_parts_called_as_methods_are_had_by_key():
    graph = Graph("g", Step(abs, name="run") >> Step(hex, name="test"))
    assert graph["run"].function is abs
    assert graph.test(-3) == "0x3"


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))]
)
def test_a_graph_can_be_copied_and_kept(clone):
    graph = Graph("g", Step(abs) >> VotingEnsemble(a=Constant(1), b=on_frame()))
    assert repr(clone(graph)) == repr(graph)
    assert clone(graph["votingensemble"]).children.keys() == {"a", "b"}


# --- one event ------------------------------------------------------------------------------


def test_one_event_may_come_in_any_form():
    graph = Graph("g", on_frame())
    row = IRIS.iloc[70]
    expected = on_frame().predict(IRIS.iloc[[70]])[0]
    for event in (row, row.to_dict(), IRIS.iloc[[70]]):
        assert graph.test(event) == graph.test("/", event) == expected
    assert graph.test({"instances": [row.tolist()]}) == {"predictions": [expected]}


def test_a_path_may_be_left_out_and_an_event_may_be_anything():
    same = Graph("g", lambda event: event)
    for event in ({"x": 1}, [1, 2], "text", 5, None, 0, "", False):
        assert same.test(event) == event
        assert same.test("/", event) == event
        assert same.test("/v2/models", event) == event
    assert same.test() is None


def test_an_event_that_fails_raises_and_says_where():
    def clean(event):
        return {"rate": 1 / event["price"]}

    graph = Graph("shop", Sequence(clean, name="first"))
    with pytest.raises(EventError) as caught:
        graph.test({"price": 0})
    told = str(caught.value)
    for word in ("graph 'shop'", "node 'first.clean'", "ZeroDivisionError", "line", "clean"):
        assert word in told
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.__cause__.__traceback__ is not None
    assert isinstance(caught.value, GraphError)


def test_a_test_takes_one_event_only():
    for events in (IRIS.head(0), IRIS.head(2)):
        mistake(lambda: Graph("g", abs).test(events), "graph 'g'", "one event", "use run")  # noqa: B023


def test_a_draw_of_a_test_hangs_on_the_seed():
    graph = Graph("g", Splitter(a=lambda e: "a", b=lambda e: "b"))
    drawn = [graph.test(0, seed=seed) for seed in range(50)]
    assert set(drawn) == {"a", "b"}
    assert drawn == [graph.test(0, seed=seed) for seed in range(50)]


def test_a_test_changes_no_event():
    event, row = {"x": [1]}, pd.Series({"x": 1})
    graph = Graph("g", lambda e: e.clear() or 1)
    graph.test(event)
    graph.test(row)
    assert (event, row.to_dict()) == ({"x": [1]}, {"x": 1})


# --- one event, as HTTP has it --------------------------------------------------------------


def respond(root: object, body: object) -> tuple[int, object]:
    response = Graph("g", root).test("/", body, get_body=False)
    assert isinstance(response, Response)
    assert response.content_type == "application/json"
    return response.status_code, json.loads(response.body)


def test_a_response_has_the_answer_as_json():
    assert respond(lambda e: {"größe": e}, 5) == (200, {"größe": 5})
    assert respond(lambda e: None, 5) == (200, None)
    assert respond(on_array(), {"inputs": [[1, 2, 3, 4]]})[1]["outputs"] == [2]
    assert respond(Model(on_frame(), "predict_proba"), IRIS.iloc[0].to_dict())[0] == 200


def test_numpy_and_times_become_json():
    thing = {"n": np.int64(1), "a": np.array([1.5]), "t": pd.Timestamp("2024-02-29")}
    assert respond(lambda e: thing, 0) == (200, {"n": 1, "a": [1.5], "t": "2024-02-29 00:00:00"})


@pytest.mark.parametrize(
    ("root", "body", "status", "words"),
    [
        (lambda e: 1 / e, 0, 500, ["step", "ZeroDivisionError"]),
        (on_array(), 5, 400, ["logisticregression", "object"]),
        (on_array(), {"inputs": [[1]]}, 400, ["4 features"]),
        (Switch(a=abs, conditions={"a": "x > 1"}), {"x": 0}, 404, ["no condition"]),
        (lambda e: {np.int64(1): 2}, 0, 500, ["no JSON"]),
    ],
    ids=["broken", "no object", "width", "no route", "no json"],
)
def test_an_error_is_a_response_with_its_status(root, body, status, words):
    code, told = respond(root, body)
    assert code == status
    for word in words:
        assert word in told["error"]


class Refused(Exception):
    """An error that has a status of its own, as those of HTTP clients do."""

    def __init__(self, status: object) -> None:
        self.status = status


@pytest.mark.parametrize(
    ("own", "status"), [(503, 503), (404, 404), (200, 500), ("bad", 500), (None, 500), (7000, 500)]
)
def test_a_status_counts_only_if_it_is_that_of_an_http_error(own, status):
    def refuse(event):
        raise Refused(own)

    assert respond(refuse, 0)[0] == status
    assert Graph("g", refuse).run([0]).frame["status"].tolist() == [status]


# --- the arguments of a run -----------------------------------------------------------------


def test_a_structured_array_is_a_table():
    events = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", int), ("b", float)])
    frame = Graph("g", lambda row: row["a"] * row["b"]).run(events).frame
    assert frame["response"].tolist() == [2.5, 13.5]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (None, ["DataFrame", "NoneType"]),
        (5, ["int"]),
        ("data.csv", ["'data.csv'", "No such file"]),
        (b"{}", ["bytes"]),
        ({1, 2}, ["set"]),
        (range(3), ["range"]),
        (np.array(5), ["axes", "0"]),
        (np.zeros((2, 2, 2)), ["axes", "3"]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ["several columns", "'a'", "rename"]),
    ],
    ids=["none", "number", "text", "bytes", "set", "range", "scalar", "cube", "twice"],
)
def test_what_is_no_batch_of_events_is_refused(events, words):
    mistake(lambda: Graph("churn", abs).run(events), "graph 'churn'", *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_error": "ignore"}, ["on_error", '"keep"', "'ignore'"]),
        ({"seed": "x"}, ["seed", "whole number", "'x'"]),
        ({"seed": 1.5}, ["seed", "1.5"]),
        ({"seed": True}, ["seed", "True"]),
        ({"seed": None}, ["seed", "None"]),
        ({"chunk_size": 0}, ["chunk_size", "0"]),
        ({"chunk_size": 2.0}, ["chunk_size", "2.0"]),
    ],
    ids=repr,
)
def test_an_option_that_cannot_be_is_refused(options, words):
    mistake(lambda: Graph("g", abs).run([1], **options), *words)


def test_a_run_may_stop_at_the_first_failure():
    seen = []

    def divide(x):
        seen.append(x)
        return 10 // x

    graph = Graph("g", divide)
    with pytest.raises(EventError) as caught:
        graph.run(pd.Series([5, 0, 2, 0], index=list("abcd")), on_error="raise", chunk_size=2)
    for word in ("graph 'g'", "node 'divide'", "event 'b'", "ZeroDivisionError", "line"):
        assert word in str(caught.value)
    assert seen == [5, 0]
    assert graph.run([5], on_error="raise").frame["response"].tolist() == [2]
    assert graph.run(frame_of(x=[]), on_error="raise").frame.empty
