"""What other weights would have given: the same as a real run with them, and nobody is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from graph_magics import (
    Graph,
    GraphError,
    RunInterrupted,
    Splitter,
    Step,
    VotingEnsemble,
    context,
    mlrun,
    replay,
)
from graph_magics import alike as alike_module
from graph_magics.alike import alike
from graph_magics.bodies import Mixed
from graph_magics.routers import weights_in
from graph_magics.sameness import same
from graph_magics.whatif import WhatIf

from . import strategies as some
from . import strategies_events as given_events
from . import strategies_kserve as of_kserve
from . import test_laws_mlrun as of_mlrun

EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "80"))
tried = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)


@pytest.fixture(scope="module", autouse=True)
def short_loops() -> Iterator[None]:
    """Let no event go through many nodes: those that go round are to be quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "MAX_DEPTH", 24)
        yield


@st.composite
def weighed(draw: Any) -> Graph:
    """Give graphs in which at least one router has weights."""
    inner = some.nodes(1, True, some.leaves())
    root = draw(st.one_of(some.votes(inner), some.splitters(inner)))
    for _ in range(draw(st.integers(0, 2))):
        other = draw(inner)
        root = some.join(other, root) if draw(st.booleans()) else some.join(root, other)
    if draw(st.booleans()):
        root = Graph("inner", root, namespace={})
    graph = Graph("random", root, namespace={})
    for path, node in graph.nodes.items():
        note(f"{path}: {node.kind} {node.title} {getattr(node, 'conditions', '')}")
    return graph


def other_weights(draw: Any, graph: Graph) -> tuple[str, dict[str, float]]:
    """Give one of a graph's routers with weights, and others for it."""
    path = draw(st.sampled_from(sorted(weights_in(graph.nodes))))
    routes = graph.nodes[path].children
    weights = {route: draw(st.sampled_from([0, 1, 2, 0.5])) for route in routes}
    assume(any(weights.values()))
    note(f"{path}: {weights}")
    return path, weights


@tried
@given(weighed(), given_events.events(), st.integers(0, 3), st.sampled_from([None, 2]), st.data())
def test_what_if_is_a_real_run_with_these_weights(
    graph: Graph, events: Any, seed: int, chunk_size: int | None, data: st.DataObject
) -> None:
    path, weights = other_weights(data.draw, graph)
    run = graph.run(events, seed=seed, chunk_size=chunk_size)
    before = run.frame.copy()
    given = run.what_if(weights, router=path)
    pd.testing.assert_frame_equal(graph.run(events, seed=seed, chunk_size=chunk_size).frame, before)
    turn(graph.nodes[path], weights)
    real = graph.run(events, seed=seed, chunk_size=chunk_size).frame
    pd.testing.assert_frame_equal(given, real)
    # The run is what it was, though the graph's weights were turned since.
    pd.testing.assert_frame_equal(run.frame, before)
    pd.testing.assert_frame_equal(run.what_if(run._weights[path], router=path), before)


def turn(node: Any, weights: dict[str, float]) -> None:
    """Turn the weights of a graph's own router, for a real run; nobody else may do so."""
    vars(node).update(vars(node.reweighted(weights)))


@tried
@given(
    of_kserve.graphs(), of_kserve.events(), st.integers(0, 3), st.sampled_from([None, 2]), st.data()
)
def test_what_if_is_a_real_run_of_kserves_splitters(
    graph: Graph, events: Any, seed: int, chunk_size: int | None, data: st.DataObject
) -> None:
    assume(weights_in(graph.nodes))
    path, weights = other_weights(data.draw, graph)
    run = graph.run(events, seed=seed, chunk_size=chunk_size)
    before = run.frame.copy()
    given = run.what_if(weights, router=path)
    turn(graph.nodes[path], weights)
    real = graph.run(events, seed=seed, chunk_size=chunk_size).frame
    pd.testing.assert_frame_equal(given, real)
    pd.testing.assert_frame_equal(run.frame, before)


class Named:
    """A model that answers with one text."""

    def predict(self, events: Any) -> Any:
        return np.array(["no"] * len(events))


@pytest.mark.parametrize("seed", range(4))
def test_an_event_that_came_in_a_list_is_no_event_that_comes_in_a_column(seed: int) -> None:
    routes = {"model": Named(), "step": lambda e: "no" if e["x"] != 3 else float("nan")}
    split = Splitter(**routes, name="split")
    graph = Graph("g", split >> Step(lambda answer: {"v": answer}, name="show"))
    events = [{"x": x} for x in range(4)]
    run = graph.run(events, seed=seed)
    given = run.what_if({"model": 1, "step": 0})
    turn(split, {"model": 1, "step": 0})
    pd.testing.assert_frame_equal(given, graph.run(events, seed=seed).frame)


# --- who is asked ----------------------------------------------------------------------------


class Counting:
    """A model that answers with its number, and counts how many events it was asked for."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    def predict(self, events: Any) -> Any:
        self.asked += len(events)
        return np.repeat(self.answer, len(events))


EVENTS = pd.DataFrame({"x": np.arange(40.0)}, index=[f"e{n}" for n in range(40)])


def models(*answers: Any) -> dict[str, Counting]:
    return {name: Counting(answer) for name, answer in zip("abcd", answers, strict=False)}


def voting(*answers: Any, **options: Any) -> tuple[Graph, dict[str, Counting]]:
    routes = models(*answers)
    return Graph("g", VotingEnsemble(**routes, name="vote", **options)), routes


def splitting(**options: Any) -> tuple[Graph, dict[str, Counting]]:
    routes = models(1.0, 2.0, 3.0)
    weights = {"a": 2, "b": 1, "c": 1}
    split = Splitter(**routes, weights=weights, name="split", **options)
    return Graph("g", split), routes


def test_a_vote_asks_no_model_again() -> None:
    graph, routes = voting(1.0, 2.0, 4.0, vote_type="regression")
    what_if = WhatIf(graph.run(EVENTS))
    assert what_if.answers({"a": 1, "b": 1}).tolist() == [1.5] * 40
    assert what_if.single("c").tolist() == [4.0] * 40
    assert [model.asked for model in routes.values()] == [40, 40, 40]


def test_only_what_stands_behind_the_router_runs_again_and_only_for_changed_events() -> None:
    seen: list[str] = []

    def before(event: dict[str, Any]) -> dict[str, Any]:
        seen.append("before")
        return event

    def behind(answer: Any) -> Any:
        seen.append("behind")
        return answer * 10

    vote = VotingEnsemble(
        low=lambda e: e["x"], high=lambda e: max(e["x"], 2), vote_type="regression"
    )
    graph = Graph("g", Step(before) >> vote >> Step(behind))
    run = graph.run(pd.DataFrame({"x": [0, 1, 2, 3]}))
    seen.clear()
    assert run.what_if({"low": 1})["response"].tolist() == [0.0, 10.0, 20.0, 30.0]
    assert seen == ["behind", "behind"]


def test_a_splitter_asks_each_route_once_for_the_events_it_did_not_get() -> None:
    graph, routes = splitting()
    run = graph.run(EVENTS, seed=3)
    run.what_if({"a": 0, "b": 1, "c": 1})
    assert [model.asked for model in routes.values()] == [40, 40, 40]
    run.what_if({"a": 1, "b": 0, "c": 5})
    again = WhatIf(run).run_with({"a": 1, "b": 1, "c": 1})
    WhatIf(again).frame({"a": 9, "b": 1, "c": 3})
    assert WhatIf(run).single("b").tolist() == [2.0] * 40
    assert [model.asked for model in routes.values()] == [40, 40, 40]


def test_looking_up_what_is_known_grows_with_the_chunks_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []

    def counting(*given: Any, **options: Any) -> Any:
        looked.append(1)
        return shared(*given, **options)

    shared = replay._shared
    monkeypatch.setattr(replay, "_shared", counting)

    def looks(chunks: int) -> list[int]:
        routes = models(1.0, 2.0, 3.0)
        graph = Graph("g", Splitter(**routes, name="split") >> Step(lambda answer: answer))
        run = graph.run(pd.DataFrame({"x": range(10 * chunks)}), chunk_size=10)
        counts = []
        for weights in ({"a": 0, "b": 1, "c": 1}, {"a": 2, "b": 1, "c": 1}):
            looked.clear()
            run.what_if(weights)
            counts.append(len(looked))
        assert [model.asked for model in routes.values()] == [10 * chunks] * 3
        return counts

    few, many = looks(8), looks(64)
    for once, more in zip(few, many, strict=True):
        assert 4 * once < more < 16 * once


def test_a_splitter_that_may_ask_nobody_says_whom_it_lacks() -> None:
    graph, routes = splitting()
    run = graph.run(EVENTS, seed=3)
    frame = run.what_if({"a": 0, "b": 1, "c": 1}, ask=False)
    real = run.what_if({"a": 0, "b": 1, "c": 1})
    asked = [model.asked for model in routes.values()]
    lacking = frame["response"].isna()
    moved = run.frame["split.route"] != real["split.route"]
    assert lacking.tolist() == moved.tolist()
    assert 0 < lacking.sum() < 40
    assert set(frame["error"][lacking]) <= {
        f"split.{route}: was not asked for this event" for route in "bc"
    }
    assert frame["response"][~lacking].equals(real["response"][~lacking])
    assert asked == [40, 40, 40]


def test_nested_routers_in_a_route_are_kept_too() -> None:
    inner = models(1.0, 3.0)
    vote = VotingEnsemble(**inner, vote_type="regression")
    graph = Graph("g", Splitter(vote=vote, other=Counting(9.0), name="split"))
    run = graph.run(EVENTS)
    for weights in ({"vote": 1, "other": 0}, {"vote": 1, "other": 2}):
        what_if = run.what_if(weights, router="split")
        other = {"vote": 9.0, "other": 2.0}
        assert set(what_if["response"]) <= set(other.values())
    assert [model.asked for model in inner.values()] == [40, 40]


# --- nothing is changed ----------------------------------------------------------------------


def test_neither_run_nor_graph_nor_router_is_changed() -> None:
    graph, _ = voting(1, 2, 2, vote_type="classification", weights={"a": 3, "b": 1, "c": 1})
    run = graph.run(EVENTS)
    frame, labels = run.frame.copy(), dict(graph["vote"].route_labels)
    given = run.what_if({"b": 1})
    given["vote"] = given["a"] = 0
    pd.testing.assert_frame_equal(run.frame, frame)
    assert graph["vote"].route_labels == labels
    assert graph["vote"].weights == {"a": 0.6, "b": 0.2, "c": 0.2}
    assert run.what_if({"b": 1})["vote"].tolist() == [2] * 40


def test_the_run_with_other_weights_draws_and_compares_as_a_run_does() -> None:
    graph, _ = voting(1, 2, 2, vote_type="classification")
    other = WhatIf(graph.run(EVENTS)).run_with({"a": 3, "b": 1, "c": 1})
    assert "0.6" in other.draw().svg
    assert other.compare([1] * 40).summary.loc["vote", "accuracy"] == 1
    assert other.trace("e3")["answered"].tolist()[0] == 1
    assert WhatIf(other).weights == {"a": 0.6, "b": 0.2, "c": 0.2}
    assert WhatIf(other).changed({"a": 1, "b": 1, "c": 1}).all()


# --- one router, many weights ----------------------------------------------------------------


def test_traffic_of_a_splitter_is_its_weights_and_of_a_vote_all() -> None:
    graph, _ = splitting()
    what_if = WhatIf(graph.run(EVENTS))
    assert what_if.weights == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert what_if.traffic({"a": 3, "b": 1, "c": 0}) == {"a": 0.75, "b": 0.25, "c": 0.0}
    graph, _ = voting(1, 2)
    assert WhatIf(graph.run(EVENTS)).traffic({"a": 1}) == {"a": 1.0, "b": 1.0}


def test_strict_splitters_take_shares_as_well_as_percents() -> None:
    graph, _ = splitting(strict=True)
    run = graph.run([{"instances": [[1]]}] * 40)
    what_if = WhatIf(run)
    shares = {"a": 0.5, "b": 0.25, "c": 0.25}
    assert what_if.traffic(shares) == shares
    assert what_if.traffic({"a": 50, "b": 20, "c": 20}) == {"a": 0.5, "b": 0.2, "c": 0.2}


def test_single_answers_where_another_route_failed() -> None:
    def half(event: Any) -> Any:
        return 1 // (event["x"] % 2)

    vote = VotingEnsemble(good=lambda e: 5, half=half, vote_type="regression")
    what_if = WhatIf(Graph("g", vote).run(pd.DataFrame({"x": [0, 1]})))
    assert what_if.answers({"good": 1}).isna().tolist() == [True, False]
    assert what_if.single("good").tolist() == [5.0, 5.0]
    assert what_if.single("half").isna().tolist() == [True, False]


def test_events_that_are_answered_here_or_there_only_are_changed() -> None:
    def behind(answer: float) -> float:
        return 1 / (answer - 1)

    graph = Graph("g", VotingEnsemble(a=lambda e: 1.0, b=lambda e: 3.0) >> Step(behind))
    what_if = WhatIf(graph.run(EVENTS.head(2)))
    assert what_if.changed({"a": 1}).tolist() == [True, True]
    assert what_if.changed({"a": 1, "b": 1}).tolist() == [False, False]


def over_table(values: Any) -> Step:
    """Answer a whole table with the first of some values, in their dtype."""
    return Step(lambda rows: values[: len(rows)], batch=True)


@pytest.mark.parametrize(
    ("one", "other", "is_other"),
    [
        (np.repeat("no", 40), np.repeat("maybe", 40), True),
        (np.repeat("no", 40), np.repeat("no", 40).astype("U9"), False),
        (np.ones(40, dtype=np.int64), np.ones(40), False),
        (np.ones(40, dtype=np.float32), np.ones(40), False),
        (np.ones(40, dtype=np.int64), np.full(40, 1.5), True),
        (np.ones(40, dtype=bool), np.ones(40, dtype=np.int64), False),
        (pd.array(["no"] * 40, dtype="str"), np.repeat("no", 40).astype(object), False),
    ],
)
def test_only_answers_of_another_value_are_changed_whatever_their_dtype(
    one: Any, other: Any, is_other: bool
) -> None:
    graph = Graph("g", Splitter(a=over_table(one), b=over_table(other), name="split"))
    run = graph.run(EVENTS, seed=1)
    to_the_other = (run.frame["split.route"] == "b").to_numpy()
    assert 0 < to_the_other.sum() < 40
    changed = WhatIf(run).changed({"a": 1, "b": 0})
    assert changed.tolist() == (to_the_other & is_other).tolist()


def test_several_routers_may_be_turned_at_once() -> None:
    first = VotingEnsemble(a=lambda e: 1.0, b=lambda e: 2.0, name="first")
    second = VotingEnsemble(c=lambda x: x, d=lambda x: -x, name="second")
    run = Graph("g", first >> second).run(EVENTS.head(1))
    frame = run.what_if({"first": {"b": 1}, "second": {"d": 1}})
    assert frame["response"].tolist() == [-2.0]
    assert run.what_if({"d": 1}, router="second")["response"].tolist() == [-1.5]


def test_a_response_that_is_a_table_is_told_row_by_row() -> None:
    graph = Graph("g", VotingEnsemble(a=lambda e: 1.0, b=lambda e: 2.0) >> Step(lambda v: {"v": v}))
    what_if = WhatIf(graph.run(EVENTS.head(2)))
    assert what_if.answers({"b": 1}).tolist() == [{"v": 2.0}, {"v": 2.0}]
    assert what_if.changed({"b": 1}).tolist() == [True, True]


def test_it_may_be_called_from_another_thread() -> None:
    graph, _ = splitting()
    what_if = WhatIf(graph.run(EVENTS))
    with ThreadPoolExecutor(1) as pool:
        frame = pool.submit(what_if.frame, {"a": 1, "b": 1, "c": 8}).result()
    pd.testing.assert_frame_equal(frame, what_if.frame({"a": 1, "b": 1, "c": 8}))


def test_a_run_with_few_columns_keeps_to_them() -> None:
    graph, _ = voting(1, 2)
    run = graph.run(EVENTS, columns=["vote", "error"])
    assert list(run.what_if({"a": 1}).columns) == ["vote", "error"]


def test_a_run_that_was_stopped_answers_for_what_is_there() -> None:
    def stopping(event: Any) -> Any:
        if event == 2:
            raise KeyboardInterrupt
        return event

    graph = Graph("g", Step(stopping) >> VotingEnsemble(a=abs, b=lambda x: -x))
    with pytest.raises(RunInterrupted) as stop:
        graph.run([0, 1, 2, 3], chunk_size=1)
    other = WhatIf(stop.value.run).run_with({"b": 1})
    assert other.frame["response"].tolist() == [0, -1]
    assert not other.complete


# --- MLRun's ---------------------------------------------------------------------------------


class Remainder(mlrun.V2ModelServer):
    def load(self) -> None:
        pass

    def predict(self, request: Any) -> list[int]:
        return [int(row[0]) % self.get_param("by") for row in request["inputs"]]


def served(**options: Any) -> Graph:
    graph = Graph("served", topology="router", class_name=mlrun.VotingEnsemble, **options)
    graph.add_route("a", class_name=Remainder, by=2)
    graph.add_route("b", class_name=Remainder, by=3)
    return graph


@pytest.mark.parametrize("vote_type", ["classification", "regression", None])
def test_mlruns_ensemble_is_turned_as_a_real_run_is(vote_type: Any) -> None:
    events = pd.DataFrame({"x": range(12)})
    run = served(vote_type=vote_type).run(events)
    for weights in ({"a": 1, "b": 3}, {"b": 1}):
        real = served(vote_type=vote_type, weights=weights).run(events).frame
        pd.testing.assert_frame_equal(run.what_if(weights), real)
    assert WhatIf(run).single("b").map(lambda answer: answer["outputs"][0]).tolist() == [
        0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2,
    ]  # fmt: skip


@settings(tried, max_examples=EXAMPLES // 2)
@given(of_mlrun.graphs(), of_mlrun.events, st.data())
def test_what_if_is_a_real_run_of_mlruns_graphs(
    declare: Any, some_events: list[Any], data: st.DataObject
) -> None:
    run = declare().run(some_events)
    assume(weights_in(run._nodes))
    routes = run._nodes["router"].children
    weights = {route: data.draw(st.sampled_from([1, 2, 0.5])) for route in routes}
    given = run.what_if(weights)
    other = declare()
    other.run([])  # It makes the objects.
    other._started().children["router"].object._update_weights(weights)
    real = other.run(some_events).frame
    assert list(given.columns) == list(real.columns)
    for name in real.columns:
        one, two = ([of_mlrun.plain(value) for value in frame[name]] for frame in (given, real))
        assert repr(one) == repr(two)


def test_mlruns_run_answers_by_what_it_ran_though_the_graph_was_declared_on() -> None:
    graph = served(vote_type="classification")
    run = graph.run(pd.DataFrame({"x": range(6)}))
    before = run.what_if({"b": 1})
    graph.add_route("c", class_name=Remainder, by=5)
    pd.testing.assert_frame_equal(run.what_if({"b": 1}), before)


def test_a_class_that_may_remember_events_is_not_asked_again() -> None:
    class Last:
        def do(self, body: Any) -> Any:
            return body

    graph = Graph("served")
    vote = graph.add_step("*mlrun.VotingEnsemble", name="vote", vote_type="classification")
    vote.add_route("a", class_name=Remainder, by=2)
    vote.add_route("b", class_name=Remainder, by=3)
    graph.add_step(Last, name="last", after="vote").respond()
    run = graph.run([{"inputs": [[2]]}])
    with pytest.raises(GraphError, match="may remember the events before"):
        run.what_if({"b": 1})


# --- what cannot be --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"a": 0, "b": 0}, "the weights are all 0"),
        ({"a": -1, "b": 1}, "the weight of 'a' must be a number from 0 on, got -1"),
        ({"a": float("nan")}, "the weight of 'a' must be a number from 0 on, got nan"),
        ({"a": float("inf")}, "got inf"),
        ({"a": "1"}, "got '1'"),
        ({"a": True}, "got True"),
        ({"aa": 1}, "weights name 'aa', which is no route; did you mean 'a'?"),
        ({}, "the weights are all 0"),
        ([1, 2], "weights must be a dict of route to weight, got a list"),
        (None, "weights must be a dict of route to weight, got None"),
        ({"a": {"b": 1}}, "'a' is a Model without weights; those with weights are 'vote'"),
        ({"a": 1, "vote": {"a": 1}}, "weights are either of routes"),
    ],
)
def test_weights_that_cannot_be_are_one_clear_line(weights: Any, words: str) -> None:
    graph, _ = voting(1, 2)
    run = graph.run(EVENTS)
    with pytest.raises(GraphError) as error:
        run.what_if(weights)
    assert words in str(error.value)
    assert str(error.value).startswith("graph 'g'")
    assert "\n" not in str(error.value)


def test_a_splitter_needs_a_weight_for_each_route() -> None:
    graph, _ = splitting()
    with pytest.raises(GraphError, match="node 'split': no weight is given for 'b', 'c'"):
        graph.run(EVENTS).what_if({"a": 1})


@pytest.mark.parametrize(
    ("router", "words"),
    [
        ("vot", "no router is called 'vot'; did you mean 'vote'?"),
        ("a", "'a' is a Model without weights; those with weights are 'vote'"),
        (5, "no router is called 5"),
    ],
)
def test_a_router_that_cannot_be_is_one_clear_line(router: Any, words: str) -> None:
    graph, _ = voting(1, 2)
    run = graph.run(EVENTS)
    for ask in (lambda: run.what_if({"a": 1}, router=router), lambda: WhatIf(run, router)):
        with pytest.raises(GraphError) as error:
            ask()
        assert words in str(error.value)


def test_a_graph_without_weights_and_one_with_several_say_so() -> None:
    with pytest.raises(GraphError, match="no router of it has weights"):
        Graph("g", abs).run([1]).what_if({"a": 1})
    several = VotingEnsemble(a=abs, b=abs, name="one") >> VotingEnsemble(c=abs, d=abs, name="two")
    run = Graph("g", several).run([1])
    with pytest.raises(GraphError, match="several routers have weights: say router=, one of 'one'"):
        run.what_if({"a": 1})
    with pytest.raises(GraphError, match=r"'z' is no route\. The routes are 'c', 'd'"):
        WhatIf(run, "two").single("z")


def test_runs_that_keep_no_answers_say_what_to_write_instead(tmp_path: Any) -> None:
    graph, _ = voting(1, 2)
    written = graph.run(EVENTS, into=tmp_path / "out.parquet")
    lazy = graph.run(EVENTS, engine="dask", chunk_size=20)
    for run in (written, lazy):
        for ask in (
            lambda run=run: run.what_if({"a": 1}),
            lambda run=run: WhatIf(run),
            lambda run=run: run.expected([1]),
            lambda run=run: run.best_weights([1]),
        ):
            with pytest.raises(GraphError, match=r"keeps no answers.*graph\.run\(events\)\."):
                ask()


# --- what is the same ------------------------------------------------------------------------

MIXED = Mixed([np.array(["a"]), ["b", "c"]], np.array([0, 1, 1]), np.array([0, 0, 1]))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ([1, True, 1.0, None], [1, 1, 1, None], [True, False, False, True]),
        (MIXED, np.array(["a", "b", "c"]), [True, False, False]),
        (MIXED, ["a", "b", "c"], [False, True, True]),
        (
            MIXED,
            Mixed([["b", "c"], np.array(["a"])], np.array([1, 0, 0]), np.array([0, 0, 1])),
            [True] * 3,
        ),
        ([{"a": 1, "b": 2}], [{"b": 2, "a": 1}], [False]),
        ([[1, [2]], (1,)], [[1, [2]], [1]], [True, False]),
        (np.array([0.0, np.nan]), np.array([-0.0, np.nan]), [False, True]),
        (np.array([1]), np.array([1.0]), [False]),
        (pd.array(["a", None], dtype="str"), pd.array(["a", "b"], dtype="str"), [True, False]),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), [True, False]),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), [False]),
        (np.zeros((2, 0)), np.zeros((2, 0)), [True, True]),
        (np.zeros((0, 2)), np.zeros((0, 2)), []),
        ([np.array([1, 2])], [np.array([1, 2])], [True]),
        ([float("nan"), object()], [float("nan"), object()], [True, False]),
    ],
)
def test_events_are_the_same_if_no_step_can_tell_them_apart(
    one: Any, other: Any, alike: list[bool]
) -> None:
    assert same(one, other).tolist() == alike


OBJECTS = np.array(["no", 1, None], dtype=object)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (np.array([1, 2]), np.array([1.0, 2.5]), [True, False]),
        (np.array([True, False]), np.array([1, 1]), [True, False]),
        (np.array([0.0, np.nan]), np.array([-0.0, np.nan], dtype=np.float32), [True, True]),
        (np.array([2**53 + 1, 2**53]), np.array([2.0**53, 2.0**53]), [False, True]),
        (np.array([np.inf, 1.0]), np.array([1, 1]), [False, True]),
        (np.array(["no", "ja"]), np.array(["no", "maybe"]), [True, False]),
        (OBJECTS, np.array(["no", True, np.nan], dtype=object), [True, True, True]),
        (OBJECTS, pd.array(["no", "1", None], dtype="str"), [True, False, True]),
        (pd.array([1, None]), np.array([1.0, np.nan]), [True, True]),
        (pd.array([1, None]), pd.array([1, 0]), [True, False]),
        (pd.Categorical(["a", "b"]), np.array(["a", "a"]), [True, False]),
        (np.array(["2020", "NaT"], "M8[s]"), np.array(["2020", "NaT"], "M8[D]"), [True, True]),
        ([{"a": 1, "b": None}], [{"b": float("nan"), "a": True}], [True]),
        ([{"a": 1}, {"a": [1]}], [{"a": 1, "b": 1}, {"a": (1.0,)}], [False, True]),
        ([{"a": 1}], pd.DataFrame({"a": [1.0]}), [True]),
        (pd.DataFrame({"a": [1], "b": ["x"]}), pd.DataFrame({"b": ["x"], "a": [1.0]}), [True]),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), [False]),
        (pd.DataFrame({"a": [1]}), np.array([1]), [False]),
        (np.zeros((2, 3)), np.array([[0, 0, 0], [0, 0, 1]]), [True, False]),
        (np.zeros((2, 3)), np.zeros((2, 2)), [False, False]),
        ([np.array([1, 2]), "1"], [[1, 2], 1], [True, False]),
        ([pd.Timestamp("2020"), object()], [pd.Timestamp("2020", tz="UTC"), 1], [False, False]),
        ([], np.empty(0), []),
    ],
)
def test_answers_are_alike_by_value(one: Any, other: Any, wanted: list[bool]) -> None:
    assert alike(one, other).tolist() == wanted
    assert alike(other, one).tolist() == wanted


def test_answers_in_columns_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(1000) % 3
    texts = np.array(["no", "yes", "maybe"])[rows]
    kinds = [rows, rows.astype(float), pd.array(rows), rows.astype(bool), OBJECTS[rows]]
    kinds += [texts, pd.array(texts, dtype="str"), texts.astype(object)]
    monkeypatch.setattr(alike_module, "_is_alike", lambda one, other: pytest.fail("one by one"))
    for one in kinds:
        for other in kinds:
            assert alike(one, other).shape == (1000,)


class Parity:
    """A model that can be sent to another process."""

    def __init__(self, by: int) -> None:
        self.by = by

    def predict(self, events: Any) -> Any:
        return np.asarray(events)[:, 0].astype(int) % self.by


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_runs_whose_chunks_ran_at_the_same_time_answer_too(executor: Any) -> None:
    vote = VotingEnsemble(two=Parity(2), three=Parity(3), vote_type="classification", name="vote")
    graph, events = Graph("g", vote), pd.DataFrame({"x": range(60)})
    weights = {"three": 1}
    there = graph.run(events, executor=executor, chunk_size=20)
    pd.testing.assert_frame_equal(there.what_if(weights), graph.run(events).what_if(weights))
    assert there.what_if(weights)["vote"].tolist() == [n % 3 for n in range(60)]


def test_what_is_done_to_a_frame_changes_no_other():
    vote = VotingEnsemble(a=Named(), b=Step(lambda table: np.full(len(table), "b"), batch=True))
    run = Graph("g", vote).run(pd.DataFrame({"x": range(8)}))
    right = run.what_if({"a": 1, "b": 3})
    own = Graph("g", vote).run(pd.DataFrame({"x": range(8)}))
    own.frame.loc[:, ["a", "b"]] = "changed"
    own.frame["b"].array[0] = "changed, too"
    pd.testing.assert_frame_equal(own.what_if({"a": 1, "b": 3}), right)
