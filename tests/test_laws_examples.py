"""The laws of design.md, section 2, on events and graphs that once broke them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from graph_magics import (
    Ensemble,
    Graph,
    Model,
    ParallelRun,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
)

from .test_laws import outcomes

FEW = pd.DataFrame({"x": [1, 2, 3, 4]})
DUMMY = DummyClassifier().fit([[0], [1], [2]], [0, 1, 1])


class Sum:
    """A model that takes samples of any length."""

    def predict(self, X: Any) -> Any:
        return np.asarray(X, dtype=float).sum(axis=1)


class Zeroing:
    """A model that writes to what it is given."""

    def predict(self, X: Any) -> Any:
        answers = np.asarray(X, dtype=float).sum(axis=1)
        X[:] = 0
        return answers


def responses(graph: Any, events: Any, **options: Any) -> list[Any]:
    """Give what was answered, checked to be what each event is answered alone."""
    graph = graph if isinstance(graph, Graph) else Graph("g", graph, namespace={})
    assert outcomes(graph, events) == outcomes(graph, events, chunk_size=1)
    run = graph.run(events, **options)
    assert run.errors.empty, run.errors
    table = run.frame.filter(like="response.")
    return (run.frame["response"] if table.empty else table.rename(columns=lambda c: c[9:])).pipe(
        lambda found: found.to_dict("records") if isinstance(found, pd.DataFrame) else list(found)
    )


def failed(graph: Any, events: Any) -> list[bool]:
    """Tell who failed, checked to be as it would be alone."""
    graph = Graph("g", graph, namespace={})
    assert outcomes(graph, events) == outcomes(graph, events, chunk_size=1)
    return graph.run(events).frame["error"].notna().tolist()


# --- only the guilty fail --------------------------------------------------------------------


def test_only_the_guilty_rows_of_a_failing_table_function_fail() -> None:
    def strict(frame: pd.DataFrame) -> Any:
        assert not (frame["x"] % 10 == 3).any()
        return frame["x"] * 2

    frame = Graph("g", Step(strict, name="s")).run(pd.DataFrame({"x": range(100)})).frame
    guilty = np.arange(100) % 10 == 3
    assert (frame["error"].notna() == guilty).all()
    assert frame["s"][~guilty].tolist() == [2 * x for x in range(100) if x % 10 != 3]


def test_only_events_with_gaps_fail_in_a_model_that_refuses_them() -> None:
    model = LogisticRegression().fit(FEW, [0, 1, 0, 1])
    assert failed(model, pd.DataFrame({"x": [1.0, np.nan, 3.0]})) == [False, True, False]


def test_samples_of_several_widths_are_each_predicted() -> None:
    events = [{"inputs": [[1, 2]]}, {"inputs": [[3]]}, {"inputs": [[4, 5], [6, 7]]}]
    answers = responses(Model(Sum(), name="m"), events)
    assert [answer["outputs"] for answer in answers] == [[3], [3], [9, 13]]


def test_an_event_that_cannot_be_stacked_fails_alone() -> None:
    events = [{"inputs": [[1, 2]]}, {"inputs": [[1.5, 2]]}, {"inputs": 5}, 5, None, {}]
    assert failed(Model(Sum(), name="m"), events) == [False, False, True, True, True, True]


def test_an_event_without_samples_is_answered_beside_one_of_the_wrong_width() -> None:
    assert failed(DUMMY, [{"inputs": []}, {"inputs": [[1, 2]]}]) == [False, True]


def test_a_missing_value_does_not_make_objects_of_the_numbers_beside_it() -> None:
    def log(frame: pd.DataFrame) -> Any:
        return np.log(frame["x"])

    events = [{"x": 1.0}, {"x": None}, {"x": 2.0}, {"x": "text"}]
    assert failed(Step(log), events) == [False, True, False, True]
    gaps = Step(lambda event: {"x": event["x"] if event["x"] < 3 else None})
    assert failed(gaps >> Step(log), FEW) == [False, False, True, True]
    flag = Switch(a=lambda e: 1, b=lambda e: 2, conditions={"a": "x"})
    assert failed(flag, [{"x": True}, {"x": None}, {"x": False}]) == [False, True, False]


def test_routes_that_fail_on_different_events_stay_side_by_side() -> None:
    def but(number: int) -> Any:
        def answer(event: Any) -> Any:
            return event["x"] * 10 // (event["x"] != number)

        return answer

    for router in (Ensemble, ParallelRun, VotingEnsemble):
        graph = Graph("g", router(a=but(1), b=but(3), c=lambda e: e["x"] * 10), namespace={})
        frame = graph.run(FEW).frame
        assert frame["error"].notna().tolist() == [True, False, True, False]
        for name in frame.filter(like="response"):
            assert frame[name].tolist()[1::2] == [20, 40]


def test_a_route_that_nobody_takes_is_not_run() -> None:
    sizes: list[int] = []

    def counting(frame: pd.DataFrame) -> Any:
        sizes.append(len(frame))
        return frame["x"]

    class Counting:
        def predict(self, X: Any) -> Any:
            sizes.append(len(X))
            return np.zeros(len(X))

    def fail(event: Any) -> None:
        raise ValueError

    nobody = {"a": "x > 9", "b": "x > 9"}
    Graph("g", Switch(a=Step(counting), b=Counting(), conditions=nobody)).run(FEW)
    weights = {"a": 0, "b": 0, "c": 1}
    Graph("g", Splitter(a=Step(counting), b=Counting(), c=abs, weights=weights)).run(FEW)
    for then in (Step(counting), Counting(), Ensemble(a=Counting()), VotingEnsemble(b=Counting())):
        Graph("g", Step(fail) >> then).run(FEW)
    Graph("g", Step(counting)).run([{"inputs": []}, 5])
    Graph("g", Step(counting)).run(FEW[:0])
    assert sizes == []


# --- an answer goes on as it would alone -----------------------------------------------------


def test_none_beside_texts_stays_none() -> None:
    texts = Step(lambda event: {"s": "a" if event["x"] > 2 else None})
    is_none = Step(lambda event: event["s"] is None)
    assert responses(texts >> is_none, FEW) == [True, True, False, False]


def test_moments_stay_moments_through_steps_and_merges() -> None:
    def year(frame: pd.DataFrame) -> Any:
        return frame["t"].dt.year

    def halved(frame: pd.DataFrame) -> Any:
        return frame.assign(x=frame["x"] / 2)

    def as_array(frame: pd.DataFrame) -> Any:
        return frame["t"].to_numpy().astype("M8[ns]")

    events = FEW.assign(t=pd.date_range("2020-01-01", periods=4))
    canary = Splitter(a=Step(halved), b=lambda event: event)
    assert responses(canary >> Step(year), events) == [2020] * 4
    assert responses(Step(as_array) >> Step(lambda t: t.year), events) == [2020] * 4


@pytest.mark.parametrize(
    "unlike",
    [
        lambda e: e["x"],
        lambda e: [e["x"]],
        lambda e: {"w": e["x"]},
        lambda e: {"w": e["x"], "v": 1},
    ],
)
def test_unlike_routes_do_not_change_what_the_next_step_is_given(unlike: Any) -> None:
    def first(frame: pd.DataFrame) -> Any:
        return frame.iloc[:, 0] * 10

    split = Splitter(a=lambda e: {"v": e["x"], "w": 0}, b=unlike)
    for then in (Step(first), Ensemble(e=lambda e: e), ParallelRun(e=lambda e: e, f=lambda e: 1)):
        graph = Graph("g", split >> then, namespace={})
        assert outcomes(graph, FEW) == outcomes(graph, FEW, chunk_size=1)


def test_samples_of_several_models_stay_samples() -> None:
    def tenfold(frame: pd.DataFrame) -> Any:
        return frame.iloc[:, 0] * 10

    split = Splitter(a=Sum(), b=Sum())
    answers = responses(split >> Step(tenfold), [{"inputs": [[i]]} for i in range(6)])
    assert [answer["outputs"] for answer in answers] == [[0], [10], [20], [30], [40], [50]]


def test_the_names_of_an_ensembles_fields_do_not_hang_on_other_events() -> None:
    either = lambda e: {"v": 1} if e["x"] < 3 else {"w": [1]}  # noqa: E731
    assert responses(Ensemble(a=either, b=lambda e: 7), FEW) == [
        *([{"a.v": 1, "b": 7}] * 2),
        *([{"a": {"w": [1]}, "b": 7}] * 2),
    ]


def test_a_soft_vote_takes_requests_of_every_kind_at_once() -> None:
    vote = VotingEnsemble(a=DUMMY, b=DUMMY, vote_type="soft", name="v")
    events = [{"inputs": [[1]]}, {"instances": [[1], [2]]}, {"x": 1}, {"inputs": []}]
    one, two, three, four = responses(vote, events)
    assert (one["outputs"], two["predictions"], three, four["outputs"]) == ([1], [1, 1], 1, [])


def test_fields_in_another_order_are_not_mistaken_for_each_other() -> None:
    model = LogisticRegression().fit([[0, 1], [1, 0], [0, 2], [2, 0]], [0, 1, 0, 1])
    events = [{"inputs": [{"a": 0, "b": 1}]}, {"inputs": [{"b": 0, "a": 1}]}]
    assert [answer["outputs"] for answer in responses(model, events)] == [[0], [0]]


def test_large_whole_numbers_stay_exact_beside_broken_ones() -> None:
    first = Step(lambda frame: frame[0], batch=True)
    events = [{"inputs": [[2**53 + 1]]}, {"inputs": [[0.5]]}]
    assert [answer["inputs"] for answer in responses(first, events)] == [[2**53 + 1], [0.5]]


# --- rows keep their places ------------------------------------------------------------------


def test_a_function_that_numbers_its_rows_anew_moves_none() -> None:
    def anew(frame: pd.DataFrame) -> Any:
        return pd.DataFrame({"y": frame["x"].to_numpy() * 10})

    shuffled = FEW.set_axis([2, 0, 3, 1])
    assert responses(Step(anew), shuffled) == [{"y": 10}, {"y": 20}, {"y": 30}, {"y": 40}]


def test_rows_that_a_function_sorts_come_back_to_their_places() -> None:
    def descending(frame: pd.DataFrame) -> Any:
        return frame.sort_values("x", ascending=False)

    def anew(frame: pd.DataFrame) -> Any:
        return frame.reset_index(drop=True)

    expected = [{"x": x} for x in (1, 2, 3, 4)]
    for index in (range(4), list("dbca"), pd.date_range("2024", periods=4)):
        assert responses(Step(descending), FEW.set_axis(index)) == expected
    # Each route numbers its rows from 0: the labels of the merged rows would stand twice.
    split = Splitter(a=Step(anew), b=Step(anew)) >> Step(descending)
    assert responses(split, FEW) == expected


def test_fields_in_another_order_are_one_column_of_the_run() -> None:
    either = lambda e: {"v": 1, "w": 2.5} if e["x"] < 3 else {"v": 1.5, "w": 2}  # noqa: E731
    graph = Graph("g", Step(either), namespace={})
    for size in (None, 1, 3):
        frame = graph.run(FEW, chunk_size=size).frame
        assert frame["response.v"].tolist() == [1, 1, 1.5, 1.5]


# --- input is never changed ------------------------------------------------------------------


@pytest.mark.parametrize(
    "events",
    [
        [{"x": [1], "y": {"z": [2]}}],
        [OrderedDict(x=[1], y=({"z": 2},))],
        pd.Series([{"x": [1], "y": OrderedDict(z=[2])}]),
        np.array([{"x": [1], "y": {"z": [2]}}], dtype=object),
        pd.DataFrame({"x": [[1]], "y": [{"z": [2]}]}),
    ],
    ids=["dict", "OrderedDict", "Series", "array", "DataFrame"],
)
def test_a_function_may_change_its_event_however_it_came(events: Any) -> None:
    def spoil(value: Any) -> int:
        if isinstance(value, (dict, list, tuple)):
            for item in value.values() if isinstance(value, dict) else value:
                spoil(item)
        if hasattr(value, "clear"):
            value.clear()
        return 1

    def seen() -> str:
        return repr(events.to_dict() if isinstance(events, pd.DataFrame) else list(events))

    before = seen()
    Graph("g", [Step(spoil), Step(spoil)]).run(events)
    assert seen() == before


@pytest.mark.parametrize(
    "events", [np.ones((2, 2)), pd.DataFrame({"a": [1.0, 1.0], "b": [1.0, 1.0]})]
)
def test_a_model_may_change_its_features_and_no_route_sees_it(events: Any) -> None:
    both = ParallelRun(first=Zeroing(), second=Sum())
    assert responses(both, events) == [{"first": 2.0, "second": 2.0}] * 2
    assert (np.asarray(events) == 1).all()
    requests = [{"inputs": [[1, 1]]}]
    (answer,) = responses(Ensemble(first=Zeroing(), second=Sum()), requests)
    assert [part["outputs"] for part in answer.values()] == [[2.0], [2.0]]
    assert requests == [{"inputs": [[1, 1]]}]


def test_a_step_keeps_nothing_of_what_a_later_step_changes() -> None:
    constant = {"list": [1]}
    grow = Step(lambda event: event["list"].append(1) or len(event["list"]))
    graph = Graph("g", Step(lambda event: constant) >> [grow, grow >> Step(abs)], namespace={})
    assert graph.run([1, 2, 3]).frame["response"].tolist() == [2, 2, 2]
    assert constant == {"list": [1]}


def test_an_error_with_a_status_of_its_own_kind_is_still_a_row() -> None:
    class Strange(Exception):
        status = "bad"

    def fail(event: Any) -> None:
        raise Strange("x")

    assert Graph("g", Step(fail)).run([1]).frame["status"].tolist() == [500]
