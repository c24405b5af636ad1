"""Other weights for a graph's router: all of them or none, and no older run is touched."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import (
    Graph,
    GraphError,
    ParallelRun,
    Route,
    Sequence,
    Splitter,
    Step,
    VotingEnsemble,
    mlrun,
)

MANIFEST = """
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: canary}
spec:
  nodes:
    root:
      routerType: Sequence
      steps:
      - {nodeName: split}
      - {nodeName: split, data: $response}
    split:
      routerType: Splitter
      steps:
      - {serviceName: old, weight: 90}
      - {serviceName: new, weight: 10}
"""


def low(event: Any) -> float:
    return 0.0


def high(event: Any) -> float:
    return 1.0


def nested() -> Graph:
    """A vote in a Splitter in a Sequence, between steps."""
    vote = VotingEnsemble(low, high, name="vote")
    split = Splitter(vote, high, weights={"vote": 60, "high": 40}, name="split")
    first = Step(lambda event: event, name="first")
    inner = Sequence(split, Step(lambda event: event, name="same"), name="inner")
    return Graph("g", first >> [inner, Step(high, name="aside")])


weights = st.fixed_dictionaries({"low": st.floats(0, 100), "high": st.floats(0, 100)}).filter(
    lambda some: sum(some.values()) > 1e-3
)


@given(weights)
def test_a_graph_with_other_weights_answers_as_one_declared_with_them(some: dict[str, float]):
    changed = Graph("g", VotingEnsemble(low, high, name="vote"))
    changed.set_weights(some)
    declared = Graph("g", VotingEnsemble(low, high, weights=some, name="vote"))
    assert changed.run([1]).frame.equals(declared.run([1]).frame)
    assert changed.draw().svg == declared.draw().svg


@given(weights)
def test_a_splitter_with_other_weights_draws_as_one_declared_with_them(some: dict[str, float]):
    changed = Graph("g", Splitter(low=Route(low, weight=1), high=Route(high, weight=1), name="s"))
    changed.set_weights(some)
    declared = Graph("g", Splitter(low=low, high=high, weights=some, name="s"))
    events = list(range(50))
    assert changed.run(events).frame.equals(declared.run(events).frame)


def test_a_router_inside_others_changes_and_all_else_stays():
    graph = nested()
    before, paths = graph.nodes, list(graph.nodes)
    graph.set_weights({"low": 3, "high": 1}, "inner.split.vote")
    after = graph.nodes
    assert list(after) == paths
    assert repr(graph) == repr(nested())
    assert graph.run([1] * 40).frame["vote"].dropna().unique().tolist() == [0.25]
    changed = {path for path in paths if before[path] is not after[path]}
    assert changed == {"inner", "inner.split", "inner.split.vote"}
    assert graph.root.edges == nested().root.edges


def test_a_name_that_stands_once_will_do():
    graph = nested()
    graph.set_weights({"low": 1, "high": 0}, "vote")
    assert graph.inner.split.vote.weights == {"low": 1.0, "high": 0.0}


def test_a_run_made_before_keeps_its_weights():
    graph = Graph("g", Splitter(low, high, weights={"low": 75, "high": 25}, name="split"))
    run = graph.run([1] * 10)
    drawn = Graph("g", Splitter(low, high, weights={"low": 75, "high": 25}, name="split"))
    held = graph.split
    graph.set_weights({"low": 5, "high": 95})
    assert "75 %" in run.draw().svg
    assert "95 %" in graph.draw().svg
    assert held.weights == {"low": 0.75, "high": 0.25}
    assert held.route_labels == drawn.split.route_labels


@pytest.mark.parametrize(
    ("some", "told"),
    [
        ({"low": -1, "high": 2}, "the weight of 'low' must be a number from 0 on, got -1"),
        ({"low": float("nan"), "high": 2}, "must be a number from 0 on, got nan"),
        ({"low": True, "high": 2}, "must be a number from 0 on, got True"),
        ({"low": "9", "high": 2}, "must be a number from 0 on, got '9'"),
        ({"low": 0, "high": 0}, "the weights are all 0"),
        ({"low": 1}, "no weight is given for 'high'"),
        ({"low": 1, "hihg": 2}, "weights name 'hihg', which is no route; did you mean 'high'?"),
        ([1, 2], "weights must be a dict of route to weight"),
    ],
)
def test_weights_that_cannot_be_change_nothing(some: Any, told: str):
    graph = Graph("g", Splitter(low, high, weights={"low": 75, "high": 25}, name="split"))
    root = graph.root
    with pytest.raises(GraphError) as raised:
        graph.set_weights(some)
    assert str(raised.value).startswith("graph 'g', node 'split': ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert graph.root is root


@pytest.mark.parametrize(
    ("graph", "router", "told"),
    [
        (nested, None, "several routers have weights: say router=, one of 'inner.split', 'inner.s"),
        (nested, "votes", "no router is called 'votes'"),
        (nested, "inner", "'inner' is a Sequence without weights; those with weights are"),
        (nested, 3, "no router is called 3"),
        (lambda: Graph("g", ParallelRun(low, high)), None, "no router of it has weights"),
    ],
)
def test_a_router_that_is_not_there_is_told(graph: Callable[[], Graph], router: Any, told: str):
    with pytest.raises(GraphError, match=told):
        graph().set_weights({"low": 1, "high": 1}, router)


def test_weights_of_a_manifest_change_in_the_manifest_too():
    services = {"old": lambda body: {"by": "old"}, "new": lambda body: {"by": "new"}}
    graph = Graph.from_kserve(MANIFEST, services)
    first = graph.run([{}] * 300)
    graph.set_weights({"old": 20, "new": 80}, "split-1")
    again = Graph.from_kserve(MANIFEST.replace("90", "20").replace("10", "80"), services)
    assert graph.to_kserve() == again.to_kserve()
    assert graph.run([{}] * 300).frame.equals(again.run([{}] * 300).frame)  # Jumps lead there, too.
    assert first.draw().svg != graph.run([{}] * 300).draw().svg
    assert "90 %" in first.draw().svg


def test_services_of_a_manifest_stay_though_variables_change():
    variables: dict[str, Any] = {"old": lambda body: 1, "new": lambda body: 1}
    graph = Graph.from_kserve(MANIFEST, namespace=variables)
    variables.clear()
    graph.set_weights({"old": 20, "new": 80})
    assert graph.test(body={}) == 1


@pytest.mark.parametrize(
    ("some", "told"),
    [
        ({"old": 20, "new": 70}, "should be 100, and here it is 90"),
        ({"old": 20.5, "new": 79.5}, "must be a whole percent, as KServe has it, got 20.5"),
        ({"old": np.nan, "new": 50}, "must be a whole percent"),
        ({"old": 100}, "no weight is given for 'new'"),
        ({"odl": 20, "new": 80}, "which is no route; did you mean 'old'?"),
        (None, "weights must be a dict"),
    ],
)
def test_what_a_cluster_would_refuse_changes_no_manifest(some: Any, told: str):
    graph = Graph.from_kserve(MANIFEST, {"old": abs, "new": abs})
    text, root = graph.to_kserve(), graph.root
    with pytest.raises(GraphError, match=told):
        graph.set_weights(some)
    assert graph.to_kserve() == text
    assert graph.root is root


class Says(mlrun.V2ModelServer):
    """Answers as it is told."""

    def load(self) -> None:
        """Need no file."""

    def predict(self, body: Any) -> list[float]:
        """Answer as told."""
        return [self.get_param("says")] * len(body["inputs"])


def served(**router: Any) -> Graph:
    graph = Graph("g", topology="router", class_name="VotingEnsemble", namespace={}, **router)
    graph.add_route("low", class_name=Says, says=0.0)
    graph.add_route("high", class_name=Says, says=1.0)
    return graph


def test_weights_of_a_declaration_of_mlruns_change_in_it():
    graph = served()
    before = graph.run([{"inputs": [[1]]}])
    graph.set_weights({"low": 3, "high": 1})
    assert graph.test(body={"inputs": [[1]]})["outputs"] == [0.25]
    assert graph.to_mlrun() == served(weights={"low": 3, "high": 1}).to_mlrun()
    assert ">0.75<" in graph.draw().svg
    assert ">0.75<" not in before.draw().svg
    with pytest.raises(GraphError, match="from 0 on, got -3"):
        graph.set_weights({"low": -3, "high": 4})
    assert graph.test(body={"inputs": [[1]]})["outputs"] == [0.25]


def test_a_router_of_python_in_a_declaration_of_mlruns_changes():
    graph = Graph("g", engine="sync")
    graph.add_step(VotingEnsemble(low=low, high=high), name="vote").respond()
    graph.set_weights({"low": 3, "high": 1})
    assert graph.test(body={"x": 1}) == 0.25


def test_a_declaration_inside_a_graph_is_left_alone():
    graph = Graph("outer", Sequence(served(), name="inner"))
    with pytest.raises(GraphError, match="declared by MLRun's calls; set its weights there"):
        graph.set_weights({"low": 3, "high": 1})


def test_threads_that_set_weights_of_two_routers_lose_none():
    graph = nested()

    def turn(number: int) -> None:
        router = ("inner.split", "inner.split.vote")[number % 2]
        routes = graph.nodes[router].children
        graph.set_weights(dict(zip(routes, (number + 1.0, 1.0), strict=True)), router)

    for number in range(0, 60, 2):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(turn, (number, number + 1)))
        split = graph.inner.split
        assert split.weights["vote"] == pytest.approx((number + 1) / (number + 2))
        assert split.vote.weights["low"] == pytest.approx((number + 2) / (number + 3))


def test_an_output_is_not_gone_on_with_under_other_weights(tmp_path: Path):
    fuse = iter([False] * 5 + [True] + [False] * 50)

    def bursts(event: Any) -> float:
        if next(fuse):
            raise KeyboardInterrupt
        return 0.0

    graph = Graph("g", Splitter(bursts, high, weights={"bursts": 1, "high": 0}, name="split"))
    into = str(tmp_path / "out.csv")
    with pytest.raises(KeyboardInterrupt):
        graph.run([1] * 9, into=into, chunk_size=3)
    graph.set_weights({"bursts": 50, "high": 50})
    with pytest.raises(GraphError, match=r"begun with weights .*100.0.* this run has .*50.0"):
        graph.run([1] * 9, into=into, chunk_size=3, resume=True)
    graph.set_weights({"bursts": 1, "high": 0})
    assert len(graph.run([1] * 9, into=into, chunk_size=3, resume=True).frame) == 9
