"""`VotingEnsemble` and `ParallelRun`, as MLRun 1.12 has them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from graph_magics import Ensemble, Graph, Model, ParallelRun, Route, VotingEnsemble

from .models import (
    IRIS,
    KINDS,
    NAMES,
    SPECIES,
    Constant,
    answers,
    frame_of,
    has_words,
    mistake,
    on_array,
    on_frame,
    on_names,
    run,
    unfitted,
)


def voted(predictions: list[list[Any]], **options: Any) -> Any:
    """Let constant models m1, m2, ... vote over one request, as the recorded ones did."""
    models = {f"m{place + 1}": Constant(*values) for place, values in enumerate(predictions)}
    body = {"inputs": [[0.0]] * len(predictions[0])}
    return Graph("g", VotingEnsemble(**models, **options)).test(body)["outputs"]


# --- recorded from MLRun 1.12.1 -------------------------------------------------------------

WHOLE = [[1, 0, 2], [1, 2, 2], [0, 2, 1]]
BROKEN = [[1.5, 2.0], [2.5, 4.0], [5.0, 9.0]]
MIXED = [[2.5, 1], [4.5, 1], [6.5, 0]]
FLAGS = [[True, False], [True, True], [False, False]]
CLASSES = [[0, 2], [1, 1], [1, 0]]
NUMBERS = [[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]]
THIRDS = {"m1": 1 / 3, "m2": 1 / 3, "m3": 1 / 3}
NOISE = {"m1": 0.3, "m2": 0.1, "m3": 0.2, "m4": 0.2, "m5": 0.2}


@pytest.mark.parametrize(
    ("predictions", "weights", "vote_type", "outputs"),
    [
        (WHOLE, None, "classification", [1, 2, 2]),
        (BROKEN, None, "regression", [3.0, 5.0]),
        (WHOLE, None, "regression", [2 / 3, 4 / 3, 5 / 3]),
        (WHOLE, None, None, [1, 2, 2]),
        (BROKEN, None, None, [3.0, 5.0]),
        (MIXED, None, None, [4.5, 2 / 3]),
        (FLAGS, None, None, [1, 0]),
        ([[0, 1], [1, 0]], None, "classification", [0, 0]),
        ([[2, 1], [1, 2]], None, "classification", [1, 1]),
        ([[5, 3], [3, 5]], None, "classification", [3, 3]),
        ([[2, 0], [0, 1], [1, 2]], None, "classification", [0, 0]),
        ([[3], [1], [3], [1]], None, "classification", [1]),
        ([[1], [2], [2], [3], [4]], NOISE, "classification", [2]),
        (CLASSES, {"m1": 0.6, "m2": 0.3, "m3": 0.1}, "classification", [0, 2]),
        (CLASSES, THIRDS, "classification", [1, 0]),
        (CLASSES, dict.fromkeys(THIRDS, 0.333333), "classification", [1, 0]),
        (CLASSES, {"m1": 3, "m2": 1, "m3": 1}, "classification", [0, 2]),
        (CLASSES, {"m1": 1, "m2": 1, "m3": 1}, "classification", [1, 0]),
        (CLASSES, {"m1": 0.5, "m2": 0.4, "m3": 0.2}, "classification", [1, 2]),
        (CLASSES, {"m1": 0.75, "m2": 0.25}, "classification", [0, 2]),
        (CLASSES, {"m3": 1.0}, "classification", [1, 0]),
        (NUMBERS, None, "regression", [3.0, 30.0]),
        (NUMBERS, {"m1": 0.6, "m2": 0.3, "m3": 0.1}, "regression", [1.8, 18.0]),
        (NUMBERS, THIRDS, "regression", [3.0, 30.0]),
        (NUMBERS, {"m1": 0.75, "m2": 0.25}, "regression", [1.25, 12.5]),
        (NUMBERS, {"m3": 1.0}, "regression", [6.0, 60.0]),
    ],
)
def test_votes_are_those_recorded_from_mlrun(predictions, weights, vote_type, outputs):
    given = voted(predictions, weights=weights, vote_type=vote_type)
    assert given == pytest.approx(outputs, rel=1e-9)


def test_routes_may_have_the_names_of_versions_as_with_mlrun():
    vote = VotingEnsemble(
        vote_type="regression",
        weights={"m:v1": 0.25, "m:v2": 0.75},
        **{"m:v1": Constant(1.0), "m:v2": Constant(3.0)},
    )
    assert Graph("g", vote).test({"inputs": [[0.0]]})["outputs"] == [2.5]


#: What MLRun 1.12 refuses too, or answers by what its recording calls a defect.
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": {"m1": "1", "m2": "1"}}, ["'m1'", "number", "'1'"]),
        ({"weights": [0.5, 0.5]}, ["weights", "dict", "list"]),
        ({"weights": {}}, ["weights", "all 0"]),
        ({"weights": {"m1": 0, "m2": 0}}, ["weights", "all 0"]),
        ({"weights": {"m1": -1}}, ["'m1'", "-1"]),
        ({"weights": {"m1": True}}, ["'m1'", "True"]),
        ({"weights": {"m1": float("nan")}}, ["'m1'", "nan"]),
        ({"weights": {"m1": float("inf")}}, ["'m1'", "inf"]),
        ({"weights": {"m1": 1e308, "m2": 1e308}}, ["weights", "too large"]),
        ({"weights": {"ghost": 1}}, ["'ghost'", "no route. The routes are 'm1', 'm2'"]),
        ({"weights": {"m11": 1}}, ["'m11'", "did you mean 'm1'? The routes are"]),
        ({"vote_type": "banana"}, ["vote_type", "'banana'", "'classification'"]),
        ({"vote_type": "Classification"}, ["vote_type", "'Classification'"]),
        ({"vote_typ": "soft"}, ["'vote_typ'", "did you mean 'vote_type'"]),
        ({"weight": {"m1": 1}}, ["'weight'", "did you mean 'weights'"]),
    ],
    ids=repr,
)
def test_a_vote_that_cannot_be_is_refused_when_declared(options, words):
    mistake(lambda: VotingEnsemble(m1=abs, m2=round, **options), *words)


def test_weights_below_and_above_one_count_by_their_ratio():
    for factor in (0.1, 1, 5):
        weights = {"m1": 3 * factor, "m2": factor, "m3": factor}
        assert voted(NUMBERS, weights=weights, vote_type="regression") == pytest.approx([2.2, 22])
        vote = VotingEnsemble(m1=abs, m2=abs, m3=abs, weights=weights)
        assert list(vote.weights.values()) == pytest.approx([0.6, 0.2, 0.2])


def test_weights_may_stand_on_the_routes():
    vote = VotingEnsemble(m1=Route(Constant(1.0), weight=3), m2=Route(Constant(5.0), weight=1))
    assert answers(vote, [{"inputs": [[0]]}])[0]["outputs"] == [2.0]
    assert vote.route_labels == {"m1": "0.75", "m2": "0.25"}
    twice = {"m1": Route(abs, weight=1), "m2": abs, "weights": {"m2": 1}}
    mistake(lambda: VotingEnsemble(**twice), "either", "not both")


# --- voting over tables and JSON ------------------------------------------------------------


@functools.cache
def fitted(kind: str) -> tuple[VotingClassifier, dict[str, Any]]:
    """Scikit-learn's vote and its models; of too few events to learn from, so that they differ."""
    some = IRIS.index % 10 == 0
    target = np.asarray({"numbers": SPECIES, "names": NAMES}[kind])[some]
    estimators = list(zip("abc", map(unfitted, KINDS), strict=True))
    reference = VotingClassifier(estimators).fit(IRIS[some], target)
    # Its own models are fitted on numbered classes; ours are fitted as they are.
    return reference, {name: model.fit(IRIS[some], target) for name, model in estimators}


@pytest.mark.parametrize("weights", [None, {"a": 2, "b": 1, "c": 0.5}], ids=str)
@pytest.mark.parametrize("kind", ["numbers", "names"])
@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_a_vote_over_a_table_is_that_of_scikit_learn(voting, kind, weights):
    reference, models = fitted(kind)
    reference.set_params(voting=voting, weights=list(weights.values()) if weights else None)
    vote_type = "soft" if voting == "soft" else "classification"
    frame = run(VotingEnsemble(**models, vote_type=vote_type, weights=weights), IRIS).frame
    assert frame["response"].tolist() == reference.predict(IRIS).tolist()
    assert frame["response"].dtype == pd.Series(reference.predict(IRIS)).dtype


def test_models_say_themselves_how_they_vote():
    assert VotingEnsemble(on_frame(), on_names()).vote_type == "classification"
    assert VotingEnsemble(LinearRegression(), LinearRegression()).vote_type == "regression"
    assert VotingEnsemble(LinearRegression(), on_names()).vote_type is None
    assert VotingEnsemble(abs).vote_type is None
    assert VotingEnsemble(on_frame()).title == "classification"
    assert VotingEnsemble(abs).title == ""
    assert ParallelRun(abs, extend_event=True).title == "extend_event"


def test_whole_numbers_of_regressors_are_averaged():
    line = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    far = LinearRegression().fit([[0.0], [1.0]], [10.0, 11.0])
    assert answers(VotingEnsemble(line, far), np.array([[0.0], [1.0]])) == pytest.approx([5, 6])


def test_an_unknown_kind_of_vote_is_seen_event_by_event():
    vote = VotingEnsemble(a=lambda x: x, b=lambda x: 1)
    assert answers(vote, [1, 2, 2.5, "x"])[:3] == [1, 1, 1.75]
    assert answers(vote, [2.5]) == [1.75]
    flags = VotingEnsemble(a=lambda x: x > 1, b=lambda x: x > 2, c=lambda x: x > 3)
    assert answers(flags, [1, 3, 4]) == [False, True, True]


def test_any_float_among_objects_makes_its_vote_a_regression():
    vote = VotingEnsemble(a=lambda x: np.float32(x) if x == 2 else x, b=lambda x: 4)
    assert answers(vote, [2, 3]) == [3.0, 3]


def test_labels_without_order_fail_only_where_they_tie():
    vote = VotingEnsemble(a=lambda x: x, b=lambda x: 1, c=lambda x: 1 if x == "y" else 2)
    given = answers(vote, ["y", "x", 1])
    assert given[::2] == [1, 1]
    assert has_words(given[1], ["votingensemble", "TypeError"])


def test_a_route_that_fails_fails_the_event_and_is_named():
    vote = VotingEnsemble(a=lambda x: 1 // x, b=lambda x: x)
    given = answers(vote, [1, 0, 1])
    assert given[::2] == [1, 1]
    assert has_words(given[1], ["votingensemble.a", "ZeroDivisionError"])
    frame = run(vote, [1, 0]).frame
    assert frame["b"].tolist() == [1, 0]


def test_a_vote_fails_with_the_first_route_that_does():
    def refuse(word):
        raise ValueError(word)

    vote = VotingEnsemble(a=lambda x: refuse("a"), b=lambda x: refuse("b"))
    assert has_words(answers(vote, [1])[0], ["votingensemble.a", "ValueError: a"])


@pytest.mark.parametrize(
    ("routes", "events", "words"),
    [
        ({"a": lambda r: {"u": 1, "v": 2}}, frame_of(x=[1]), ["'a'", "table", "one value"]),
        ({"a": lambda r: {"u": 1}}, [1], ["'a'", "dict", "value"]),
        ({"a": lambda r: [1]}, [1], ["'a'", "list", "value"]),
        ({"a": Constant(1), "b": lambda r: 1}, [{"inputs": [[1]]}], ["samples", "single value"]),
        (
            {"a": Constant(1), "b": lambda r: {"outputs": [1, 2]}},
            [{"inputs": [[1]]}],
            ["'b'", "number of samples"],
        ),
    ],
    ids=["table", "object", "list", "single", "counts"],
)
def test_a_route_that_gives_no_vote_is_named(routes, events, words):
    (given,) = answers(VotingEnsemble(**routes), events)
    assert has_words(given, ["votingensemble", *words])


def test_samples_are_counted_each_and_answered_in_the_form_of_the_request():
    vote = VotingEnsemble(on_array(), on_array(GaussianNB), on_array(DecisionTreeClassifier))
    rows = IRIS.to_numpy().tolist()
    bodies = [
        {"inputs": rows[:2]},
        {"inputs": []},
        {"instances": rows[50:53]},
        {"inputs": rows[:1]},
    ]
    assert answers(vote, bodies) == [
        {"model_name": "votingensemble", "outputs": [0, 0]},
        {"model_name": "votingensemble", "outputs": []},
        {"predictions": [1, 1, 1]},
        {"model_name": "votingensemble", "outputs": [0]},
    ]


@pytest.mark.parametrize("vote_type", ["classification", "regression", "soft", None])
def test_a_request_without_samples_has_an_answer_without_outputs(vote_type):
    graph = Graph("g", VotingEnsemble(on_array(), vote_type=vote_type))
    assert graph.test({"inputs": []})["outputs"] == []


def test_an_answer_has_the_id_of_the_request():
    vote = VotingEnsemble(on_array())
    given = Graph("g", vote).test("/", {"inputs": [[1, 2, 3, 4]]}, event_id="evt-1")
    assert given == {"id": "evt-1", "model_name": "vote", "outputs": [2]}


def test_steps_may_vote_with_outputs_of_their_own():
    vote = VotingEnsemble(a=lambda b: {"outputs": [1, 2]}, b=lambda b: {"outputs": [1, 1]})
    assert answers(vote, [{}])[0]["outputs"] == [1, 1]


def test_a_soft_vote_asks_models_for_probabilities():
    vote = VotingEnsemble(on_names(), on_names(GaussianNB), vote_type="soft")
    frame = run(vote, IRIS.head(2)).frame
    assert frame.columns[0] == "logisticregression.setosa"
    assert frame["response"].tolist() == ["setosa", "setosa"]
    given = Model(on_names(), "predict_proba")
    assert VotingEnsemble(m=given, vote_type="soft").children["m"] is given


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (LinearSVC(), ["probabilities", "LinearSVC"]),
        (Constant(1), ["probabilities", "Constant"]),
        (Model(on_frame()), ["probabilities", "predict_proba"]),
    ],
    ids=["svc", "constant", "declared"],
)
def test_a_soft_vote_refuses_a_model_without_probabilities(route, words):
    mistake(lambda: VotingEnsemble(r=route, vote_type="soft"), "'r'", *words)


def test_a_soft_vote_refuses_single_values():
    (given,) = answers(VotingEnsemble(a=lambda x: 1, vote_type="soft"), [1])
    assert has_words(given, ["soft vote", "probability", "'a'"])


# --- ParallelRun ----------------------------------------------------------------------------


def test_fields_of_all_routes_are_put_together_and_the_last_declared_counts():
    both = ParallelRun(a=lambda e: {"x": 1, "y": 1}, b=lambda e: {"y": 2})
    assert answers(both, [{"z": 0}]) == [{"x": 1, "y": 2}]
    assert answers(both, frame_of(z=[0])) == [{"x": 1, "y": 2}]


@pytest.mark.parametrize("chunk_size", [None, 1])
def test_an_extended_event_begins_with_its_own_fields(chunk_size):
    both = ParallelRun(a=lambda e: {"y": e["x"]}, b=lambda e: {"x": -1}, extend_event=True)
    options = {"chunk_size": chunk_size}
    assert answers(both, [{"x": 1}, {"x": 2, "k": 0}], **options) == [
        {"x": -1, "y": 1},
        {"x": -1, "k": 0, "y": 2},
    ]
    objects = pd.Series(["a", None], dtype=object)
    events = frame_of(x=[1, 2], o=objects).set_axis([5, 5])
    given = answers(both >> (lambda row: repr(row)), events, **options)
    assert given == ["{'o': 'a', 'y': 1, 'x': -1}", "{'o': None, 'y': 2, 'x': -1}"]


def test_over_a_table_a_single_value_is_a_column_of_the_routes_name():
    both = ParallelRun(
        model=on_frame(),
        step=lambda row: {"odd": True} if row[IRIS.columns[0]] > 5 else {"even": 1},
    )
    assert answers(both, IRIS.head(2)) == [{"model": 0, "odd": True}, {"model": 0, "even": 1}]
    same = ParallelRun(model=on_frame(), step=lambda row: {"odd": True})
    assert answers(same, IRIS.head(2)) == [{"model": 0, "odd": True}] * 2


def test_a_merger_gives_the_answer_and_may_change_what_it_is_given():
    def merge(body, results):
        body["seen"] = True
        results["a"]["list"].append(2)
        return {"body": body, **results}

    both = ParallelRun(a=lambda e: {"list": [1]}, b=lambda e: 5, merger=merge)
    events = [{"x": 1}]
    result = run(both, events)
    assert result.frame["response"].tolist() == [
        {"body": {"x": 1, "seen": True}, "a": {"list": [1, 2]}, "b": 5}
    ]
    assert result.frame["a"].tolist() == [{"list": [1]}]
    assert events == [{"x": 1}]


def test_a_merger_that_fails_fails_its_event_alone():
    both = ParallelRun(a=lambda x: x, merger=lambda body, results: 10 // results["a"])
    given = answers(both, [5, 0, 2])
    assert given[::2] == [2, 5]
    assert has_words(given[1], ["parallelrun", "ZeroDivisionError"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"merger": 5}, ["merger", "int"]),
        ({"merger": lambda b, r: b, "extend_event": True}, ["extend_event", "merger"]),
        ({"extend": True}, ["'extend'", "did you mean 'extend_event'"]),
        ({"r": Route(abs, weight=1)}, ["ParallelRun", "no weight"]),
        ({"r": Route(abs, condition="x > 1")}, ["ParallelRun", "no condition"]),
    ],
    ids=lambda value: str(list(value)),
)
def test_a_parallel_run_that_cannot_be_is_refused_when_declared(options, words):
    mistake(lambda: ParallelRun(a=abs, **options), *words)


@pytest.mark.parametrize("answer", [5, None, "x"], ids=repr)
def test_an_answer_without_fields_names_its_route(answer):
    (given,) = answers(ParallelRun(a=lambda e: answer, b=lambda e: {"x": 1}), [{}])
    assert has_words(given, ["parallelrun", "'a'", type(answer).__name__, "dict"])
    (given,) = answers(ParallelRun(a=lambda e: {"x": 1}, extend_event=True), [5])
    assert has_words(given, ["the event", "int"])


@pytest.mark.parametrize("router", [ParallelRun, Ensemble, VotingEnsemble])
@pytest.mark.parametrize("events", [frame_of(x=[1, 2]), [1, 2], np.array([1, 2])], ids=type)
def test_a_router_all_of_whose_events_failed_answers_nothing_and_names_the_route(router, events):
    result = run(router(a=lambda e: 1 / 0, b=lambda e: 1), events)
    assert result.errors["step"].tolist() == [f"{router.kind.lower()}.a"] * 2
