"""`Graph.from_kserve`: manifests with services from Python, run and asked."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from graph_magics import Graph, Response, Step
from graph_magics.errors import Unanswered
from graph_magics.formats.kserve.building import MOST_NESTED

from .models import IRIS, SPECIES, answers, frame_of, mistake, on_array, on_frame
from .test_jump import Spec, chain, graph_of, node, one, same, to


def manifest(**nodes: Spec) -> Spec:
    """A whole manifest, as a cluster takes it."""
    kind = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "InferenceGraph"}
    return {**kind, "metadata": {"name": "demo"}, "spec": {"nodes": nodes}}


def step(service: str, **fields: Any) -> Spec:
    return {"serviceName": service, **fields}


# --- what services are bound to -------------------------------------------------------------


def named(word: str) -> Any:
    return lambda body: {"by": word}


URL = "http://iris.default.svc:8080/v1"
# A bare spec, for a cluster wants either of them.
STEP = {"serviceName": "sk-iris", "serviceUrl": URL, "name": "s"}
CALLED = {"nodes": {"root": node("Sequence", STEP)}}


@pytest.mark.parametrize("word", ["sk-iris", URL, "s", "iris", "iris.default.svc"])
def test_a_service_is_bound_by_its_name_its_url_its_step_or_its_host(word):
    graph = Graph.from_kserve(CALLED, {word: named(word)})
    assert graph.test({}) == {"by": word}
    assert graph.warnings == []


def test_of_several_ways_to_bind_a_service_its_name_comes_first():
    words = ["sk-iris", URL, "s", "iris"]
    for first in range(4):
        services = {word: named(word) for word in words[first:]}
        assert Graph.from_kserve(CALLED, services).test({}) == {"by": words[first]}


@pytest.mark.parametrize("name", ["sklearn-iris", "sklearn_iris", "a.b", "größe"])
def test_a_service_is_found_in_the_namespace(name):
    spec = manifest(root=node("Sequence", name))
    variable = name.replace("-", "_").replace(".", "_")
    spaces = {variable: named("variable")}
    assert Graph.from_kserve(spec, namespace=spaces).test({}) == {"by": "variable"}
    bound = Graph.from_kserve(spec, {name: named("bound")}, namespace=spaces)
    assert bound.test({}) == {"by": "bound"}


def test_services_that_are_not_bound_are_named_in_one_error_when_it_runs():
    spec = manifest(root=node("Ensemble", "a", "b", "a", "c"))
    graph = Graph.from_kserve(spec, {"b": same})
    assert graph.draw().svg
    assert list(graph.nodes) == ["root", "root.a-1", "root.b", "root.a-2", "root.c"]
    for ask in (lambda: graph.run([{}]), lambda: graph.test({}), lambda: graph.run([])):
        error = mistake(ask, "'demo'", "'a', 'c'", "--bind a=", "services=")
        assert "'b'" not in str(error)
    assert graph.test("/readyz", get_body=False) == Response(200, b"", None)


def test_what_is_bound_to_nothing_is_told():
    spec = manifest(
        root=node("Sequence", "iris", to("b", name="lead")), b=node("Sequence", "forest")
    )
    services = {"iris": same, "forest": same, "forst": same, "lead": same, "b": same}
    forst, lead, b = Graph.from_kserve(spec, services).warnings
    assert "'forst'" in forst
    assert "did you mean 'forest'?" in forst
    assert "'lead'" in lead  # It leads to a node, and to no service.
    assert "'b'" in b


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ({"iris": 3}, ["'root, step 0'", "'iris'", "an int", "a function"]),
        ({"iris": "forest"}, ["'iris'", "a str"]),
        ({"iris": type(on_frame())}, ["'iris'"]),
        (["iris"], ["services", "list"]),
    ],
)
def test_what_cannot_be_a_service_is_refused(services, words):
    spec = manifest(root=node("Sequence", "iris"))
    mistake(lambda: Graph.from_kserve(spec, services), *words)


def test_a_graph_may_be_a_service_of_another():
    inner = Graph.from_kserve(
        manifest(root=node("Ensemble", step("only", name="x"))), {"only": same}
    )
    python = Graph("python", Step(lambda body: {"y": body}))
    spec = manifest(root=node("Sequence", "one", step("two", data="$response")))
    assert Graph.from_kserve(spec, {"one": inner, "two": python}).test({}) == {"y": {"x": {}}}


# --- names ----------------------------------------------------------------------------------

RESERVED = ["response", "status", "error", "route", "name", "strict", "weights", "keys"]


@pytest.mark.parametrize("kind", ["Sequence", "Ensemble", "Switch", "Splitter"])
@pytest.mark.parametrize("name", [*RESERVED, "conditions", "self", "a.b", "x y", "é", "0"])
def test_a_step_may_have_any_name(kind, name):
    fields = {"Switch": {"condition": "@this"}, "Splitter": {"weight": 100}}.get(kind, {})
    graph = graph_of({"root": node(kind, step("only", name=name, **fields))}, only=same)
    expected = {name: {"k": 1}} if kind == "Ensemble" else {"k": 1}
    assert graph.test({"k": 1}) == expected
    run = graph.run([{"k": 1}])
    assert run.frame["response"].tolist() == [expected]
    assert run.frame.columns.is_unique
    (path,) = [path for path in graph.nodes if path != "root"]
    assert graph[path.split(".")[0]][path.split(".")[1]] is graph.nodes[path]
    assert run.draw().svg


def test_steps_of_one_name_are_told_apart_and_the_last_one_counts_in_an_ensemble():
    names = {"x": "ab", "a.b": "a", "a_b": "b"}
    steps = [step(service, name=name) for name in names for service in names[name]]
    graph = graph_of({"root": node("Ensemble", *steps)}, a=named("a"), b=named("b"))
    assert graph.test({}) == {"x": {"by": "b"}, "a.b": {"by": "a"}, "a_b": {"by": "b"}}
    assert list(graph.nodes) == ["root", "root.x-1", "root.x-2", "root.a_b-1", "root.a_b-2"]


def test_so_many_nodes_may_stand_inside_each_other_and_no_more():
    for kind in ("Sequence", "Ensemble", "Switch", "Splitter"):
        nodes = chain(MOST_NESTED, kind)
        nodes[[*nodes][-1]] = node("Sequence", "same")
        graph = graph_of(nodes, same=same)
        assert answers(graph, [{"a": 1}] * 2)[0] == graph.test({"a": 1})
        assert graph.draw().svg
    mistake(lambda: graph_of(chain(MOST_NESTED + 1, "Sequence"), same=same), "more than 80 nodes")


# --- statuses -------------------------------------------------------------------------------


def refuse(body: Any) -> Any:
    return Response(404, {"no": body})


def broken(body: Any) -> Any:
    raise ValueError("broken")


def nobody(body: Any) -> Any:
    raise Unanswered("nobody is there")


NO_MATCH = "None of the routes matched with the switch condition"


@pytest.mark.parametrize(
    ("nodes", "body", "status"),
    [
        (node("Sequence", "refuse", "same"), {"k": 1}, 200),
        (node("Sequence", "same", "refuse"), {"no": {"k": 1}}, 404),
        (node("Sequence", step("refuse", dependency="Hard"), "same"), {"no": {"k": 1}}, 404),
        (node("Sequence", "refuse", step("same", condition="yes")), {"no": {"k": 1}}, 200),
        (node("Sequence", "refuse", step("same", data="$response")), {"no": {"k": 1}}, 200),
        (node("Sequence", "broken", "same"), {"k": 1}, 200),
        (node("Sequence", "broken"), {"error": "ValueError: broken"}, 500),
        (node("Sequence", step("same", condition="@this"), "same"), "invalid response", 500),
        (node("Sequence", "text", step("same", condition="yes")), "invalid response", 500),
        (node("Sequence", "nobody", "same"), "nobody is there", 500),
        (node("Ensemble", "refuse", step("same", name="s")),
         {"0": {"no": {"k": 1}}, "s": {"k": 1}}, 200),
        (node("Ensemble", step("refuse", dependency="Hard"), "same"), {"no": {"k": 1}}, 404),
        (node("Ensemble", "nobody", "same"), "nobody is there", 500),
        (node("Ensemble", "text"), "invalid character 'o' in literal null (expecting 'u')", 500),
        (node("Ensemble", "array"), "json: cannot unmarshal array into Go value of type"
         " map[string]interface {}", 500),
        (node("Ensemble", "null"), {"0": None}, 200),
        (node("Ensemble"), {}, 200),
        (node("Switch", step("same", condition="k")), {"k": 1}, 200),
        (node("Switch", step("refuse", condition="k")), {"no": {"k": 1}}, 404),
        (node("Switch", step("same", condition="no")), NO_MATCH, 404),
        (node("Sequence", to("inside")), NO_MATCH, 500),
        (node("Sequence", to("inside", dependency="Soft"), "same"), NO_MATCH, 500),
        (node("Splitter", step("refuse", weight=100)), {"no": {"k": 1}}, 404),
        (node("Splitter", step("same", weight=0)), "no route was selected by the splitter", 500),
        (node("Sequence", to("empty"), "same"), {"k": 1}, 200),
        (node("Sequence", to("empty"), step("length", data="$response")), {"length": 0}, 200),
        (node("Ensemble", to("empty")), "unexpected end of JSON input", 500),
    ],
)  # fmt: skip
def test_an_answer_has_the_routers_status_one_by_one_and_in_a_batch(nodes, body, status):
    more = {"inside": node("Switch", step("same", condition="no")), "empty": node("Sequence")}
    graph = graph_of(
        {"root": nodes, **more},
        **{"same": same, "refuse": refuse, "nobody": nobody, "null": lambda body: None},
        **{"text": lambda body: b"no JSON", "array": lambda body: [1], "broken": broken},
        length=lambda body: {"length": len(body)},
    )
    response = graph.test({"k": 1}, get_body=False)
    assert response.status_code == status
    told = {"error": "Failed to process request", "cause": body}
    assert json.loads(response.body) == (told if isinstance(body, str) else body)
    run = graph.run([{"k": 1}] * 2)
    assert run.frame["status"].tolist() == [status] * 2
    if isinstance(body, str):
        assert run.frame["error"].str.endswith(f": {body}").all()
    else:
        assert run.frame["response"].tolist() == [body] * 2


def test_a_request_that_ends_without_a_status_fails_where_the_router_would_crash():
    half = [step("same", weight=50), to("empty", weight=50)]
    graph = graph_of({"root": node("Splitter", *half), "empty": node("Sequence")}, same=same)
    run = graph.run([{}] * 50)
    assert set(run.frame["status"]) == {200, 500}
    assert run.frame["error"].dropna().str.contains("without steps.*crashes").all()
    statuses = [graph.test({}, seed=seed, get_body=False).status_code for seed in range(20)]
    assert set(statuses) == {200, 500}
    outer = Graph("outer", Step(same, name="first") >> graph.root["root"])
    assert set(outer.run([{}] * 50).frame["status"]) == {200, 500}
    assert set(outer.run([{}] * 50).errors["step"]) <= set(outer.nodes)


@pytest.mark.parametrize(
    ("weights", "shares"), [([60, 60], [0.6, 0.4, 0]), ([30, 30], [0.3, 0.3, 0.4])]
)
def test_weights_are_percents_taken_one_after_the_other(weights, shares):
    steps = [
        step("same", weight=weight, name=name) for weight, name in zip(weights, "ab", strict=True)
    ]
    graph = graph_of({"root": node("Splitter", *steps)}, same=same)
    assert graph.nodes["root"].weights == pytest.approx(dict(zip("ab", shares, strict=False)))
    frame = graph.run([{}] * 4000).frame
    counts = frame["root.route"].value_counts(normalize=True, dropna=False)
    assert [counts.get("a"), counts.get("b"), counts.get(np.nan, 0)] == pytest.approx(
        shares, abs=0.03
    )
    assert (frame["status"] == 500).tolist() == frame["root.route"].isna().tolist()


def test_an_ensemble_is_written_as_go_writes_it():
    given = {"z": 1.0, "a": "<", "big": 12345678901234567890, "of": [np.int64(1), np.float64(0.5)]}
    graph = graph_of({"root": node("Ensemble", "only")}, only=lambda body: given)
    expected = b'{"0":{"a":"\\u003c","big":12345678901234567000,"of":[1,0.5],"z":1}}'
    assert graph.test({}, get_body=False).body == expected
    raw = graph_of({"root": node("Ensemble", "only")}, only=lambda body: b' {"z":1.0,"a":"<"} ')
    assert raw.test({}, get_body=False).body == b'{"0":{"a":"\\u003c","z":1}}'


def test_predictions_become_instances_whatever_kind_of_list_they_are():
    sent = step("same", data="$response", mapPredictionsToInstances=True)
    for predictions in ([1, 2], (1, 2), np.array([1, 2]), Response(200, b'{"Predictions":[1,2]}')):
        answer = predictions if isinstance(predictions, Response) else {"predictions": predictions}
        graph = graph_of(
            {"root": node("Sequence", "only", sent)}, only=lambda b, a=answer: a, same=same
        )
        assert graph.test({}, get_body=False).body == b'{"instances":[1,2]}'


def test_what_was_raised_on_the_way_to_an_answer_is_told():
    run = graph_of({"root": node("Sequence", "broken", "same")}, broken=broken, same=same).run([{}])
    assert run.frame["error"].tolist() == ["root.broken: ValueError: broken"]
    assert run.frame["status"].tolist() == [200]
    assert run.trace(0)["status"].tolist() == [200, 500, 200]
    assert run.errors[["step", "status", "message"]].values.tolist() == [
        ["root.broken", 500, "broken"]
    ]
    assert repr(run).endswith("1 answered, 0 failed; 1 answered in spite of an error")


# --- events ---------------------------------------------------------------------------------


def instances(*rows: Any) -> list[dict[str, Any]]:
    return [{"instances": [row]} for row in rows]


@pytest.mark.parametrize(
    ("events", "sent"),
    [
        (frame_of(a=[1, 2], b=["x", "y"]), instances({"a": 1, "b": "x"}, {"a": 2, "b": "y"})),
        (np.array([[1, 2], [3, 4]]), instances([1, 2], [3, 4])),
        (np.array([1.5, 2]), instances(1.5, 2.0)),
        (pd.Series(["x", "y"], index=[7, 7]), instances("x", "y")),
        (frame_of(instances=[[1], [2, 3]]), [{"instances": [1]}, {"instances": [2, 3]}]),
        (frame_of(inputs=[[1]], id=["i"]), [{"inputs": [1], "id": "i"}]),
        ([{"a": 1}, [2], 3, None, "text"], [{"a": 1}, [2], 3, None, "text"]),
        ([b'{"a":1}', b"no JSON", b"", bytearray(b"[2]")], [{"a": 1}, b"no JSON", b"", [2]]),
        ({"a": 1}, [{"a": 1}]),
        (frame_of(a=[]), []),
        ([], []),
    ],
)
@pytest.mark.parametrize("chunk_size", [None, 1])
def test_events_are_sent_as_requests_and_keep_their_labels(events, sent, chunk_size):
    seen = []
    run = one(lambda body: seen.append(body) or {"k": 1}).run(events, chunk_size=chunk_size)
    assert seen == sent
    assert len(run.frame) == len(sent)
    labelled = isinstance(events, (pd.DataFrame, pd.Series))
    assert run.frame.index.tolist() == list(events.index if labelled else range(len(sent)))


@pytest.mark.parametrize("model", [on_frame(), on_array()], ids=["on a frame", "on an array"])
@pytest.mark.parametrize("chunk_size", [None, 7])
def test_a_model_may_be_a_service_over_a_table(model, chunk_size):
    nodes = {"root": node("Ensemble", step("iris", name="x"), to("split", name="y"))}
    nodes["split"] = node("Splitter", step("iris", weight=50), step("iris", weight=50))
    run = graph_of(nodes, iris=model).run(IRIS, chunk_size=chunk_size)
    expected = [{"predictions": [label]} for label in model.predict(IRIS.to_numpy() if model is
        on_array() else IRIS).tolist()]  # fmt: skip
    assert run.frame["response"].tolist() == [{"x": body, "y": body} for body in expected]
    assert (pd.Series(expected).map(lambda body: body["predictions"][0]) == SPECIES).mean() > 0.9
    row = IRIS.iloc[[3]]
    for event in (row, row.iloc[0], {"instances": row.to_dict("records")}):
        assert graph_of({"root": node("Sequence", "iris")}, iris=model).test(event) == expected[3]


def test_a_row_that_a_model_refuses_is_a_response_like_any_other():
    events = IRIS.head(3).copy()
    events.iloc[1, 0] = np.nan
    graph = graph_of({"root": node("Sequence", "iris", step("same", data="$response"))},
                     iris=on_frame(), same=same)  # fmt: skip
    frame = graph.run(events).frame
    assert frame["status"].tolist() == [200] * 3
    assert "NaN" in frame["response"][1]["error"]
    assert frame["error"].notna().tolist() == [False, True, False]


def test_a_file_of_json_lines_is_run_line_by_line(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a":1}\r\n\n  \t\nno JSON\n{"a":"\xc3\xa9"}')
    for events in (path, str(path)):
        assert answers_of(one(same), events) == [{"a": 1}, b"no JSON", {"a": "é"}]
    assert Graph("g", same, namespace={}).run(path).frame["response"].tolist() == answers_of(
        one(same), path
    )
    assert one(same).run(path).trace(0)["received"].tolist() == [{"a": 1}] * 2
    mistake(lambda: one(same).run(tmp_path / "none.jsonl"), "none.jsonl", "cannot be read")
    mistake(lambda: one(same).run(tmp_path), ".jsonl")


def answers_of(graph: Graph, events: Any) -> list[Any]:
    return graph.run(events).frame["response"].tolist()


DEEPER = {
    "x": node("Ensemble", "same"),
    "root": node("Sequence", to("x"), step("same", data="$response")),
}


@pytest.mark.parametrize(
    ("nodes", "service"),
    [
        ({"root": node("Sequence", "same")}, lambda body: {"k": 1}),
        ({"root": node("Sequence", "same")}, lambda body: Response(404, {"k": body})),
        ({"root": node("Sequence", "same", step("same", data="$response"))}, same),
        (DEEPER, lambda body: {"k": body}),
    ],
    ids=["answer", "refusal", "echo", "ensemble"],
)
@pytest.mark.parametrize("depth", [100, 450, 600, 900, 985, 990, 100_000])
def test_a_request_that_nests_deep_hurts_no_other(nodes, service, depth):
    graph, deep = graph_of(nodes, same=service), b"[" * depth + b"]" * depth
    both, alone = graph.run([b'{"a":1}', deep]), graph.run([b'{"a":1}'])
    assert both.frame["response"][0] == alone.frame["response"][0]
    assert both.frame["status"][0] == alone.frame["status"][0]
    assert len(both.frame) == 2
