"""Routers declared by MLRun's calls: what a batch, a user's hooks and a failing route come to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import EventError, Graph, GraphError, mlrun, votes
from graph_magics.batch import Batch
from graph_magics.context import Context
from graph_magics.nodes import Node

_NUMBERS = st.one_of(st.integers(-3, 3), st.floats(-5, 5), st.booleans())


def _ensemble(routes: Mapping[str, Any], kind: Any = "VotingEnsemble", **options: Any) -> Graph:
    graph = Graph("g")
    graph.set_topology("router", kind, **options)
    for name, route in routes.items():
        graph.add_route(name, handler=route)
    return graph


def _says(key: str) -> Any:
    """A route that predicts what the event says under a key."""
    return lambda body: {"outputs": [row[key] for row in body["inputs"]]}


def _fails(body: Any) -> Any:
    raise ValueError("model down")


def _field(name: str) -> Any:
    return lambda body: {name: body["x"]}


def _named(name: str) -> Any:
    return lambda body: {"k": name, name: 1}


# --- votes


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.tuples(
            st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=n, max_size=n),
            st.lists(st.floats(0.1, 2), min_size=n, max_size=n),
        )
    )
)
def test_few_labels_are_counted_as_many(case: tuple[list[list[int]], list[float]]) -> None:
    columns, weights = case
    assert votes.few_majority(columns, weights) == votes.majority(columns, weights).tolist()
    assert votes.few_totals(columns, weights) == votes.total(columns, weights).tolist()


@given(
    st.lists(st.lists(st.tuples(_NUMBERS, _NUMBERS, _NUMBERS), max_size=3), min_size=1, max_size=6),
    st.sampled_from([None, "classification", "regression"]),
    st.sampled_from([None, {"a": 2, "b": 1}, {"a": 0.2, "b": 0.2, "c": 0.2}]),
)
def test_an_ensemble_votes_on_a_batch_as_on_each_event_alone(
    events: list[list[tuple[Any, Any, Any]]], vote_type: str | None, weights: Any
) -> None:
    graph = _ensemble({name: _says(name) for name in "abc"}, vote_type=vote_type, weights=weights)
    bodies = [{"inputs": [dict(zip("abc", row, strict=True)) for row in rows]} for rows in events]
    at_once = graph.run(bodies).frame["response"].tolist()
    alone = [graph.test(body=body, event_id=str(at)) for at, body in enumerate(bodies)]
    assert at_once == alone
    assert [list(map(type, a["outputs"])) for a in at_once] == [
        list(map(type, a["outputs"])) for a in alone
    ]


def test_the_vote_type_is_deduced_event_by_event_and_does_not_stick() -> None:
    graph = _ensemble({"a": _says("a"), "b": _says("b")})
    labels = {"inputs": [{"a": 1, "b": 0}]}
    numbers = {"inputs": [{"a": 2.0, "b": 4.0}]}
    answers = [graph.test(body=body)["outputs"] for body in (labels, numbers, labels)]
    assert answers == [[0], [3.0], [0]]


def test_weights_are_scaled_to_one_and_those_of_strangers_do_not_count() -> None:
    routes = {"a": _says("a"), "b": _says("b")}
    body = {"inputs": [{"a": 1.0, "b": 5.0}]}
    for weights in ({"a": 3, "b": 1}, {"a": 0.3, "b": 0.1}, {"a": 0.3, "b": 0.1, "ghost": 0.6}):
        graph = _ensemble(routes, weights=weights)
        assert graph.test(body=body)["outputs"] == pytest.approx([2.0])


def test_weights_that_miss_scaling_by_rounding_are_used_as_they_are() -> None:
    graph = _ensemble({n: _says(n) for n in "ab"}, weights={"a": 0.499999, "b": 0.499999})
    answer = graph.test(body={"inputs": [{"a": 1.0, "b": 3.0}]})
    assert answer["outputs"] == pytest.approx([1.999996], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": {"ghost": 1.0}}, "must add up to more than 0"),
        ({"weights": {}}, "must add up to more than 0"),
        ({"weights": {"a": "1"}}, "the weight of 'a' must be a number, got '1'"),
        ({"weights": {"a": float("nan")}}, "must be a number"),
        ({"weights": [1, 2]}, "weights must be a dict"),
        ({"vote_type": "Classification"}, "did you mean 'classification'"),
        ({"executor_type": "fibers"}, "executor_type must be one of"),
        ({"on_missing": "skip"}, "on_missing must be one of"),
    ],
)
def test_a_wrong_option_is_told_before_the_first_event(options: Any, said: str) -> None:
    with pytest.raises(GraphError, match=said):
        _ensemble({"a": _says("a")}, **options).test(body={"inputs": []})


def test_the_users_weights_are_not_changed() -> None:
    weights = {"a": 1.0}
    graph = _ensemble({"a": _says("a"), "b": _says("b")}, weights=weights)
    told = graph.test("/v2/models/", method="GET")
    assert told == {"models": ["a", "b", "VotingEnsemble"], "weights": {"a": 1.0, "b": 0}}
    assert weights == {"a": 1.0}


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([1, 2], "the route 'b' answered 2 predictions, 'a' answered 1"),
        ("12", "the route 'b' answered a str, not a list"),
        (7, "the route 'b' answered an int"),
        ({"prediction": [1]}, "format_response_with_col_name_flag=True"),
        (["cat"], "the route 'b' answered 'cat', which is no label"),
        ([None], "which is no label"),
        ([float("nan")], "which is no label"),
        ([[1, 2]], 'several outputs a sample take vote_type="regression"'),
    ],
)
def test_what_cannot_be_counted_names_its_route(outputs: Any, said: str) -> None:
    routes = {"a": lambda body: {"outputs": [1]}, "b": lambda body: {"outputs": outputs}}
    graph = _ensemble(routes, vote_type="classification")
    with pytest.raises(EventError, match=said):
        graph.test(body={"inputs": [0]})


def test_what_cannot_be_counted_fails_its_own_event_only() -> None:
    graph = _ensemble({"a": _says("a"), "b": _says("b")})
    rows = [{"a": 1, "b": 1}, {"a": 1, "b": "cat"}, {"a": 2, "b": 2}]
    run = graph.run([{"inputs": [row]} for row in rows])
    assert run.frame["response"].map(type).tolist() == [dict, float, dict]
    assert list(run.errors.index) == [1]


def test_several_outputs_a_sample_are_answered_sample_by_sample() -> None:
    graph = _ensemble({"a": _says("a"), "b": _says("b")}, vote_type="regression")
    body = {"inputs": [{"a": [1.0, 2.0], "b": [3.0, 4.0]}, {"a": [5.0, 6.0], "b": [7.0, 8.0]}]}
    assert graph.test(body=body)["outputs"] == [[2.0, 3.0], [6.0, 7.0]]
    assert graph.run([body, body]).frame["response"][1]["outputs"] == [[2.0, 3.0], [6.0, 7.0]]


def test_a_failing_route_fails_the_event_and_names_itself() -> None:
    graph = _ensemble({"a": _says("a"), "b": _fails})
    run = graph.run([{"inputs": [{"a": 1}]}])
    assert run.errors["step"].tolist() == ["VotingEnsemble.b"]
    assert "model down" in run.errors["message"][0]


def test_the_others_vote_with_their_weights_where_that_was_asked_for() -> None:
    def picky(body: Any) -> Any:
        if body["inputs"][0]["b"] is None:
            raise ValueError("no b")
        return _says("b")(body)

    graph = _ensemble(
        {"a": _says("a"), "b": picky, "c": _says("c")},
        on_missing="vote",
        weights={"a": 1, "b": 2, "c": 1},
        vote_type="regression",
    )
    rows = [{"a": 1, "b": 2, "c": 5}, {"a": 1, "b": None, "c": 5}]
    run = graph.run([{"inputs": [row]} for row in rows])
    assert [body["outputs"] for body in run.frame["response"]] == [[2.5], [3.0]]
    assert run.frame["status"].tolist() == [200, 200]
    assert run.errors["step"].tolist() == ["VotingEnsemble.b"]  # Still to be seen.
    assert pd.isna(run.frame["b"][1])
    assert graph.test(body={"inputs": [rows[1]]})["outputs"] == [3.0]


def test_an_event_that_no_route_answered_fails_with_a_routes_error() -> None:
    graph = _ensemble({"a": _fails, "b": _fails}, on_missing="vote")
    assert (
        graph.run([{"inputs": [1]}, {"inputs": [2]}]).errors["step"].tolist()
        == ["VotingEnsemble.a"] * 2
    )


def test_of_the_routes_left_one_must_have_a_weight() -> None:
    graph = _ensemble({"a": _fails, "b": _says("b")}, on_missing="vote", weights={"a": 1})
    with pytest.raises(EventError, match="'b', have no weight"):
        graph.test(body={"inputs": [{"b": 1}]})
    run = graph.run([{"inputs": [{"b": 1}]}] * 3)
    assert run.frame["status"].tolist() == [400] * 3
    assert run.errors["message"].str.contains("'b', have no weight").all()


def test_the_body_names_the_answer_and_the_event_where_it_does_not() -> None:
    graph = _ensemble({"a": _says("a")})
    bodies = [{"inputs": [{"a": 1}]}, {"id": 0, "inputs": [{"a": 1}]}]
    assert [body["id"] for body in graph.run(bodies).frame["response"]] == ["0", 0]
    assert graph.test(body=bodies[0], event_id="e")["id"] == "e"


def test_a_given_name_is_the_ensembles_and_its_class_still_finds_it() -> None:
    graph = _ensemble({"a": _says("a")}, name="Ens")
    body = {"inputs": [{"a": 1}]}
    for path, name in [
        ("/v2/models/infer", "Ens"),
        ("/v2/models/Ens/infer", "Ens"),
        ("/v2/models/VotingEnsemble/infer", "VotingEnsemble"),
    ]:
        assert graph.test(path, body)["model_name"] == name


def test_rows_of_a_table_are_voted_on() -> None:
    class Sum(mlrun.V2ModelServer):
        def load(self) -> None:
            pass

        def predict(self, request: Any) -> Any:
            return [int(sum(row)) % 2 for row in request["inputs"]]

    graph = Graph("g")
    graph.set_topology("router", "VotingEnsemble")
    for name in "ab":
        graph.add_route(name, class_name=Sum)
    frame = graph.run(pd.DataFrame({"x": [1, 2], "y": [2, 2]}, index=["p", "q"])).frame
    assert frame["VotingEnsemble"].tolist() == frame["a"].tolist() == [1, 0]
    assert frame["VotingEnsemble"].dtype == "int64"
    assert frame["response"].tolist() == [
        {"id": "0", "model_name": "VotingEnsemble", "outputs": [1]},
        {"id": "1", "model_name": "VotingEnsemble", "outputs": [0]},
    ]
    assert list(frame.index) == ["p", "q"]


def test_a_cell_holds_the_outputs_also_where_a_class_counts_by_itself() -> None:
    class Largest(mlrun.VotingEnsemble):
        def logic(self, predictions: Any, weights: Any) -> Any:
            return [int(max(row)) for row in predictions]

    graph = Graph("g")
    graph.set_topology("router", Largest, name="largest")
    graph.add_route("a", handler="({'outputs': [row[0] for row in event['inputs']]})")
    graph.add_route("b", handler="({'outputs': [row[1] for row in event['inputs']]})")
    events = [{"inputs": [[1, 2]]}, {"inputs": [[4, 3], [5, 6]]}]
    assert graph.run(events).frame["largest"].tolist() == [[2], [4, 6]]
    table = pd.DataFrame({"inputs": [[[1, 2]], [[4, 3]]]})
    assert graph.run(table).frame["largest"].tolist() == [2, 4]


def test_functions_that_answer_rows_with_values_are_voted_on() -> None:
    graph = _ensemble({"a": lambda row: row["x"], "b": lambda row: row["y"], "c": lambda row: 7})
    frame = graph.run(pd.DataFrame({"x": [7, 2], "y": [1, 2]})).frame
    assert frame["VotingEnsemble"].tolist() == [7, 2]


def test_a_route_that_waits_lets_the_others_run_meanwhile() -> None:
    both = threading.Barrier(2, timeout=20)

    class Waiting(Node):
        waits = True

        def run(self, batch: Batch, context: Context) -> Batch:
            both.wait()  # Broken, if nobody else comes.
            return batch.answer([{"outputs": [1]}] * len(batch))

    graph = Graph("g")
    graph.set_topology("router", "VotingEnsemble")
    for name in "ab":
        graph.add_route(name, class_name=Waiting())
    assert graph.test(body={"inputs": [0]})["outputs"] == [1]


# --- what users override


def test_hooks_around_the_routes_see_each_event() -> None:
    class Hooks(mlrun.ModelRouter):
        def preprocess(self, event: Any) -> Any:
            event.body["inputs"].append(event.id)
            return event

        def postprocess(self, event: Any) -> Any:
            event.body["after"] = event.path
            return event

    graph = _ensemble({"a": lambda body: dict(body)}, Hooks)
    bodies = [{"inputs": [1]}, {"inputs": [2]}]
    assert graph.run(bodies).frame["response"].tolist() == [
        {"inputs": [1, "0"], "after": "infer"},
        {"inputs": [2, "1"], "after": "infer"},
    ]
    assert bodies == [{"inputs": [1]}, {"inputs": [2]}]


def test_a_router_of_the_users_own_runs_routes_on_record() -> None:
    class ByLength(mlrun.ModelRouter):
        def _handle_event(self, event: Any) -> Any:
            name = "many" if len(event.body["inputs"]) > 1 else "one"
            event.path = "infer"
            return self.routes[name].run(event)

    graph = Graph("g", engine="sync")
    router = graph.to(ByLength, name="router")
    for name in ("one", "many"):
        router.add_route(name, handler=f"({{'by': '{name}'}})")
    router.to(name="path", handler=lambda event: event, full_event=True).respond()
    run = graph.run([{"inputs": [1]}, {"inputs": [1, 2]}, {"x": 1}])
    assert run.frame["router.route"].tolist()[:2] == ["one", "many"]
    assert run.frame["one"].tolist()[0] == {"by": "one"}
    assert list(run.errors["step"]) == ["router"]


def test_what_a_route_raises_in_the_users_own_method_is_the_routes_failure() -> None:
    class Own(mlrun.ModelRouter):
        def _handle_event(self, event: Any) -> Any:
            return self.routes["a"].run(event)

    graph = _ensemble({"a": _fails}, Own)
    assert graph.run([{"inputs": []}]).errors["step"].tolist() == ["Own.a"]


def test_methods_of_the_class_may_be_called_by_those_that_override_them() -> None:
    class Own(mlrun.VotingEnsemble):
        def do_event(self, event: Any, *args: Any, **kwargs: Any) -> Any:
            event = super().do_event(event)
            event.body["seen"] = True
            return event

        def _parallel_run(self, event: Any) -> Any:
            results = super()._parallel_run(event)
            return {name: results[name] for name in ("a", "b")}

        def _apply_logic(self, results: Any, event: Any = None) -> Any:
            return [*super()._apply_logic(results, event), len(results)]

        def logic(self, predictions: Any, weights: Any) -> Any:
            assert isinstance(predictions, np.ndarray)
            return [*super().logic(predictions, weights), predictions.shape, weights.tolist()]

    graph = _ensemble({"a": _says("a"), "b": _says("b"), "c": _fails_not}, Own)
    body = {"inputs": [{"a": 1, "b": 2}]}
    expected = [1, (1, 2), [0.5, 0.5], 2]
    assert graph.test(body=body)["outputs"] == expected
    answers = graph.run([body, body]).frame["response"]
    assert [answer["outputs"] for answer in answers] == [expected] * 2
    assert [answer["seen"] for answer in answers] == [True, True]


def _fails_not(body: Any) -> Any:
    return {"outputs": [9] * len(body["inputs"])}


def test_a_route_may_be_chosen_by_the_users_own_rule() -> None:
    class Own(mlrun.ModelRouter):
        def _resolve_route(self, body: Any, urlpath: str) -> Any:
            return body["to"], self.routes[body["to"]], "infer"

    graph = _ensemble({"a": lambda body: {"a": 1}, "b": lambda body: {"b": 1}}, Own)
    run = graph.run([{"to": "b"}, {"to": "a"}, {"to": "c"}])
    assert run.frame["response"].tolist()[:2] == [{"b": 1}, {"a": 1}]
    assert list(run.errors.index) == [2]


def test_a_hook_that_gives_no_event_back_is_told() -> None:
    class Own(mlrun.ModelRouter):
        def preprocess(self, event: Any) -> Any:
            event.body["x"] = 1

    with pytest.raises(EventError, match="preprocess must return the event, it returned None"):
        _ensemble({"a": _says("a")}, Own).test(body={})


def test_a_router_that_leaves_out_the_init_of_its_class_is_told() -> None:
    class Own(mlrun.ModelRouter):
        def __init__(self, name: str | None = None) -> None:
            self.x = 1

    with pytest.raises(GraphError, match=r"must call super\(\).__init__"):
        _ensemble({"a": _says("a")}, Own).test(body={})


def test_a_router_that_is_in_no_graph_says_so() -> None:
    with pytest.raises(GraphError, match="not part of a graph yet"):
        mlrun.ModelRouter().do_event(mlrun.Event({}))


# --- paths


@pytest.mark.parametrize("path", ["/v2/modelsm1", "/v2/modelsm1/infer", "/models/m1", "/m1"])
def test_a_path_that_does_not_begin_with_the_prefix_is_refused(path: str) -> None:
    graph = _ensemble({"m1": lambda body: body}, "ModelRouter")
    with pytest.raises(EventError, match="illegal path prefix"):
        graph.test(path, {"x": 1})


def test_the_steps_after_a_router_have_the_path_of_the_request() -> None:
    graph = Graph("g", engine="async")
    last: Any = graph
    for name in ("first", "second"):
        last = last.to("*", name=name)
        last.add_route("m", handler="(event)", function=None)
    last.to(name="path", handler=_path, full_event=True).respond()
    assert graph.test("/v2/models/m/infer", {"x": 1}) == "/v2/models/m/infer"


def _path(event: Any) -> Any:
    event.body = event.path
    return event


def test_bodies_have_nothing_that_the_router_put_there() -> None:
    seen: list[Any] = []
    graph = _ensemble({"m": lambda body: seen.append(body) or body}, "ModelRouter")
    assert graph.test("/v2/models/m/infer", {"x": 1}) == {"x": 1}
    assert seen == [{"x": 1}]


def test_events_that_ask_for_different_routes_keep_their_order() -> None:
    graph = _ensemble({n: _field(n) for n in "ab"}, "ModelRouter")
    events = [{"x": at, "model": "ab"[at % 3 == 0]} for at in range(7)]
    answers = graph.run(events).frame["response"].tolist()
    assert answers == [{"ab"[at % 3 == 0]: at} for at in range(7)]


def test_the_ensemble_says_whether_all_its_models_are_ready() -> None:
    class Model(mlrun.V2ModelServer):
        def load(self) -> None:
            pass

        def predict(self, request: Any) -> Any:
            return request["inputs"]

    graph = Graph("g")
    graph.set_topology("router", "VotingEnsemble")
    graph.add_route("a", class_name=Model)
    said = graph.test("/v2/models/VotingEnsemble/ready", method="GET", event_id="e")
    assert b"VotingEnsemble is ready" in getattr(said, "body", said)
    with pytest.raises(EventError, match="to a POST"):
        graph.test("/v2/models/infer", {"inputs": [1]}, method="GET")


def test_every_route_can_read_an_image_from_its_beginning() -> None:
    def read(body: Any) -> Any:
        return {"outputs": [len(body["inputs"][0].read())]}

    graph = _ensemble({"a": read, "b": read})
    answer = graph.test("/v2/models/infer", b"\x89PNG..", content_type="image/png")
    assert answer["outputs"] == [6]


def test_a_data_url_is_read(tmp_path: Any) -> None:
    file = tmp_path / "picture"
    file.write_bytes(b"1234")
    graph = _ensemble({"a": lambda body: {"n": len(body["inputs"][0].read())}}, "ModelRouter")
    assert graph.test(body={"data_url": str(file)}) == {"n": 4}


# --- ParallelRun


def test_of_a_field_that_several_routes_answer_the_last_declared_counts() -> None:
    graph = _ensemble({n: _named(n) for n in "ba"}, "ParallelRun")
    assert graph.test(body={"x": 1}) == {"k": "a", "b": 1, "a": 1}
    assert graph.run([{"x": 1}] * 2).frame["response"][1] == {"k": "a", "b": 1, "a": 1}


def test_routes_do_not_see_what_others_change() -> None:
    def adds(body: Any) -> Any:
        body["p"] = 1
        return body

    graph = _ensemble(
        {"a": adds, "b": lambda body: {"keys": sorted(body)}}, "ParallelRun", extend_event=True
    )
    event = {"x": 8}
    assert graph.test(body=event) == {"x": 8, "p": 1, "keys": ["x"]}
    assert event == {"x": 8}


@pytest.mark.parametrize("returned", [True, False])
def test_what_a_merger_returns_is_the_answer_else_the_body_it_changed(returned: bool) -> None:
    class Own(mlrun.ParallelRun):
        def merger(self, body: Any, results: Any) -> Any:
            body["n"] = list(results)
            return {"other": len(results)} if returned else None

    graph = _ensemble({n: lambda body: {"x": 1} for n in "ab"}, Own)
    expected = {"other": 2} if returned else {"n": ["a", "b"]}
    assert graph.run([{}, {}]).frame["response"].tolist() == [expected] * 2


@pytest.mark.parametrize("answer", [None, 5, "ab", [1, 2]])
def test_an_answer_without_fields_cannot_be_merged(answer: Any) -> None:
    graph = _ensemble({"a": lambda body: answer}, "ParallelRun")
    with pytest.raises(EventError, match="the route 'a' gave"):
        graph.test(body={"x": 1})


def test_rows_of_a_table_become_columns_of_all_answers() -> None:
    graph = _ensemble({"a": lambda row: {"d": row["x"] * 2}}, "ParallelRun", extend_event=True)
    frame = graph.run(pd.DataFrame({"x": [1, 2]})).frame
    assert frame["response.d"].tolist() == [2, 4]


# --- the picture and the record


def test_weights_are_drawn_and_the_choice_is_a_column() -> None:
    graph = _ensemble({"a": _says("a"), "b": _says("b")}, weights={"a": 3, "b": 1})
    node = graph.nodes["VotingEnsemble"]
    assert dict(node.route_labels) == {"a": "0.75", "b": "0.25"}
    assert node.kind == "VotingEnsemble"
    assert "0.75" in graph.draw().svg


def test_a_router_of_an_instance_is_as_one_of_its_class() -> None:
    graph = Graph("g")
    graph.set_topology("router", mlrun.VotingEnsemble(vote_type="regression", name="v"))
    graph.add_route("a", handler=_says("a"))
    assert graph.test("/v2/models/v/infer", {"inputs": [{"a": 2}]})["outputs"] == [2.0]
