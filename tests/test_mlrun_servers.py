"""Models as MLRun's users write them: event by event, and a whole batch with one prediction."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_magics import EventError, Graph, GraphError
from graph_magics.bodies import Samples
from graph_magics.joining import join
from graph_magics.mlrun import Event, GraphContext, SKLearnModelServer, V2ModelServer
from graph_magics.mlrun.models.rows import Rows
from graph_magics.mlrun.models.stacking import Stack, same


class Server(V2ModelServer):
    """Loads nothing, and notes how many rows each call of predict had."""

    def load(self) -> None:
        self.calls: list[int] = []

    def predict(self, request: Any) -> Any:
        self.calls.append(len(request["inputs"]))
        return self.outputs(request["inputs"])

    def outputs(self, inputs: Any) -> Any:
        return [self.output(row) for row in inputs]

    def output(self, row: Any) -> Any:
        return row


class Doubles(Server):
    def output(self, row: Any) -> Any:
        return [2 * value for value in row] if isinstance(row, list) else 2 * row


class Sums(Server):
    def outputs(self, inputs: Any) -> Any:
        return np.asarray(inputs).sum(axis=-1)


class Items(Server):
    def outputs(self, inputs: Any) -> Any:
        return list(np.asarray(inputs).max(axis=-1))


class Tuples(Server):
    def outputs(self, inputs: Any) -> Any:
        return tuple(map(str, inputs))


class Kinds(Server):
    """Tells what NumPy makes of the rows: no row is to change what another becomes."""

    def outputs(self, inputs: Any) -> Any:
        kind = np.asarray(inputs).dtype.kind
        return [kind] * len(inputs)


class Preset(Server):
    """Answers the same list whatever is asked, as far as it is needed."""

    def outputs(self, inputs: Any) -> Any:
        return [1, 1, 2, 0, 1, 3][: len(inputs)] + [5] * (len(inputs) - 6)


class Centers(Server):
    def outputs(self, inputs: Any) -> Any:
        return [float(np.sum(row)) - float(np.sum(inputs)) for row in inputs]


class Scales(Server):
    def predict(self, request: Any) -> Any:
        try:
            scale = request["scale"]
        except Exception:
            scale = 1
        return [scale * float(np.sum(row)) for row in request["inputs"]]


class Counts(Server):
    def predict(self, request: Any) -> Any:
        return [len(request)] * len(request["inputs"])


class Scalars(Server):
    def outputs(self, inputs: Any) -> Any:
        return {"all": len(inputs)}


class Refuses(Server):
    def output(self, row: Any) -> Any:
        if np.min(row) < 0:
            raise ValueError(f"negative: {row}")
        return float(np.sum(row))


class Spoils(Server):
    """Writes to what it is given."""

    def outputs(self, inputs: Any) -> Any:
        sizes = [np.size(row) for row in inputs]
        for row in inputs:
            if isinstance(row, list):
                row.append(99)
        inputs.clear()
        return sizes


class Hooks(Server):
    def preprocess(self, request: Any, operation: str) -> Any:
        if isinstance(request, list):
            return {"inputs": request}
        request["inputs"] = [np.sum(row).item() + 1 for row in request["inputs"]]
        return request

    def output(self, row: Any) -> Any:
        return [row, type(row).__name__]

    def postprocess(self, response: Any) -> Any:
        response["n"] = 6 // len(response["outputs"])
        return response


class Remembers(Server):
    """Hands something of the request from hook to hook, beside it."""

    def preprocess(self, request: Any, operation: str) -> Any:
        self.scale = request.get("scale", 1)
        return request

    def output(self, row: Any) -> Any:
        return self.scale * float(np.sum(row))


class TellsLater(Server):
    def outputs(self, inputs: Any) -> Any:
        self.sums = [float(np.sum(row)) for row in inputs]
        return [0] * len(inputs)

    def postprocess(self, response: Any) -> Any:
        return {**response, "sums": self.sums}


class OldProtocol(Server):
    def predict(self, request: Any) -> Any:
        return sorted(request)


class Own(Server):
    def do_event(self, event: Any, *args: Any, **kwargs: Any) -> Any:
        event.body = ["own", event.path, event.body]
        return event

    def op_echo(self, event: Any) -> Any:
        return {"echo": event.body}


class Echoes(Doubles):
    def op_echo(self, event: Any) -> Any:
        event.path = "/elsewhere"
        return {"echo": event.body, "id": event.id}


SERVERS = [
    Doubles, Sums, Items, Tuples, Kinds, Preset, Centers, Scales, Counts, Scalars, Refuses, Spoils,
    Hooks, Remembers, TellsLater, OldProtocol, Own, Echoes,
]  # fmt: skip


def graph_of(server: Any, **options: Any) -> Graph:
    graph = Graph("g", engine="sync", namespace={"Server": server})
    graph.to(class_name="Server", name="m:v1", **options)
    return graph


def server_in(graph: Graph) -> Any:
    return graph.root.children["m:v1"].object


def plain(answer: Any) -> Any:
    """An answer with the types of all in it, without the time."""
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items() if key != "timestamp"}
    if isinstance(answer, (list, tuple)):
        return [type(answer).__name__, *map(plain, answer)]
    if isinstance(answer, np.ndarray):
        return ["ndarray", str(answer.dtype), plain(answer.tolist())]
    if isinstance(answer, (float, np.floating)):
        return [type(answer).__name__, "nan" if answer != answer else float(f"{answer:.8g}")]
    return [type(answer).__name__, answer]


def together(graph: Graph, events: Any) -> list[Any]:
    run = graph.run(events)
    told = zip(run.frame["response"], run.frame["error"], strict=True)
    return ["failed" if isinstance(error, str) else plain(body) for body, error in told]


def alone(graph: Graph, event: Any, position: int) -> Any:
    try:
        return plain(graph.test(body=event, method="POST", event_id=str(position)))
    except EventError:
        return "failed"


VALUES = st.one_of(
    st.integers(-5, 50), st.floats(-5, 50, width=32), st.booleans(), st.sampled_from([2**60, 0.1])
)
ROWS = st.one_of(
    st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=3),
    st.lists(VALUES, max_size=3),
    st.lists(st.lists(st.one_of(VALUES, st.none(), st.text(max_size=2)), max_size=2), max_size=2),
)
BODIES = st.one_of(
    st.fixed_dictionaries({"inputs": ROWS}),
    st.fixed_dictionaries({"inputs": ROWS}),
    st.fixed_dictionaries(
        {"inputs": ROWS},
        optional={
            "id": st.sampled_from(["a", 0, None]),
            "scale": st.integers(1, 3),
            "operation": st.sampled_from(["", "predict", "echo", "explain", "none", 5]),
        },
    ),
    st.sampled_from([{}, {"inputs": None}, {"inputs": {}}, {"x": 1}, [1, 2], [[1, 2]], 5, "text"]),
)


@given(st.sampled_from(SERVERS), st.lists(BODIES, min_size=1, max_size=9), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_batch_is_answered_as_its_events_alone(
    server: type, events: list[Any], is_old: bool
) -> None:
    options = {"protocol": "v1"} if is_old or server is OldProtocol else {}
    before = repr(events)
    apart = graph_of(server, **options)
    expected = [alone(apart, event, row) for row, event in enumerate(events)]
    graph = graph_of(server, **options)
    assert together(graph, events) == expected
    assert together(graph, events) == expected  # Now that it is known how the model answers.
    assert repr(events) == before


@given(st.sampled_from(SERVERS), st.lists(BODIES, min_size=2, max_size=6))
@settings(max_examples=100, deadline=None)
def test_so_it_is_where_paths_say_what_is_read_and_written(server: type, bodies: list[Any]) -> None:
    options = {"input_path": "data.in", "result_path": "data.out"}
    events = [{"data": {"in": body}, "k": 1} for body in bodies]
    apart = graph_of(server, **options)
    expected = [alone(apart, event, row) for row, event in enumerate(events)]
    assert together(graph_of(server, **options), events) == expected


@given(st.sampled_from(SERVERS), st.lists(st.tuples(VALUES, st.integers(0, 5)), min_size=1))
@settings(max_examples=100, deadline=None)
def test_a_row_of_a_table_is_a_sample(server: type, rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b"])
    lists = [[a, b] for a, b in zip(frame["a"].tolist(), frame["b"].tolist(), strict=True)]
    events = [{"inputs": [row]} for row in lists]
    assert together(graph_of(server), frame) == together(graph_of(server), events)


def test_a_batch_is_predicted_at_once() -> None:
    graph = graph_of(Doubles)
    graph.run([{"inputs": [[row], [row]]} for row in range(50)])
    # All together; and to see whether that is right the first, the one after, the middle, the
    # last, and the first with a row of another.
    assert server_in(graph).calls == [100, 2, 2, 2, 2, 3]
    graph.run([{"inputs": [[row]]} for row in range(50)])
    assert server_in(graph).calls[6:] == [50]


class ByRest(V2ModelServer):
    """What it answers hangs on the rest of how many rows there are."""

    def load(self):
        pass

    def predict(self, request):
        return [(sum(row) + len(request["inputs"])) % 3 for row in request["inputs"]]


@pytest.mark.parametrize(
    "sizes", [[1, 1, 1, 1, 2, 1], [1, 1, 4, 1], [1, 1, 1, 1], [2, 2, 2, 2, 3, 3, 3, 3, 2, 1, 1]]
)
def test_a_model_that_counts_its_rows_is_found_out_whatever_their_number(sizes: list[int]) -> None:
    lists = [[[place % 2, row] for row in range(size)] for place, size in enumerate(sizes)]
    events = [{"inputs": rows} for rows in [*lists, [[0, 0]], [[0, 0]]]]
    expected = [alone(graph_of(ByRest), event, row) for row, event in enumerate(events)]
    for size in range(1, 6):
        graph = graph_of(ByRest)
        graph.run(events[:size])
        assert together(graph, events) == expected


def test_the_answers_of_a_batch_stay_columns() -> None:
    graph = graph_of(Sums)
    events = [{"inputs": [[row, 1]], "id": row} for row in range(3)]
    bodies = graph.run(events)._visits[-1].answered.bodies
    assert isinstance(bodies, Samples) and bodies.values.tolist() == [1, 2, 3]
    run = graph.run(events)
    last = run.frame["response"].iloc[-1]
    assert list(last) == ["id", "model_name", "outputs", "timestamp"]
    assert last["id"] == 2 and last["model_name"] == "m"
    assert last["outputs"].tolist() == [3] and isinstance(last["outputs"], np.ndarray)


@pytest.mark.parametrize("server", [Preset, Centers, Scales, Counts, Scalars])
def test_who_does_not_answer_by_rows_is_asked_event_by_event(server: type) -> None:
    graph = graph_of(server)
    events = [{"inputs": [[row, 1]], "scale": row} for row in range(20)]
    expected = [alone(graph_of(server), event, row) for row, event in enumerate(events)]
    assert together(graph, events) == expected
    assert graph.root.children["m:v1"]._stacker.by_rows is False
    server_in(graph).calls.clear()
    assert together(graph, events) == expected
    assert set(server_in(graph).calls) <= {1}


def test_a_model_that_answers_always_the_same_is_looked_at_again() -> None:
    graph = graph_of(Preset)
    assert together(graph, [{"inputs": [0]}] * 2) == together(graph, [{"inputs": [0]}] * 2)
    assert graph.root.children["m:v1"]._stacker.by_rows is None
    outputs = [body["outputs"] for body in together(graph, [{"inputs": [0]}] * 9)]
    assert outputs == [["list", ["int", 1]]] * 9


def test_a_class_may_say_how_it_answers() -> None:
    class Never(Doubles):
        batch: ClassVar[bool | None] = False

    class Always(Doubles):
        batch: ClassVar[bool | None] = True

    events = [{"inputs": [[row]]} for row in range(9)]
    for server, options, calls in [
        (Never, {}, [1] * 9), (Always, {}, [9]), (Doubles, {"batch": True}, [9]),
        (Always, {"batch": False}, [1] * 9), (Always, {"batch": 32}, [9]),
    ]:  # fmt: skip
        graph = graph_of(server, **options)
        graph.run(events)
        assert server_in(graph).calls == calls


def test_one_event_has_its_whole_body() -> None:
    class Asks(Server):
        def predict(self, request: Any) -> Any:
            assert type(request) is dict
            return [sorted(request)]

    answer = graph_of(Asks).test(body={"inputs": [1], "k": 2}, event_id="e")
    assert answer["outputs"] == [["inputs", "k"]]


def test_only_the_guilty_event_fails_and_is_found_quickly() -> None:
    graph = graph_of(Refuses)
    events = [{"inputs": [[float(row), 1.0]]} for row in range(1000)]
    graph.run(events)
    server_in(graph).calls.clear()
    events[617] = {"inputs": [[-1.0, 1.0]]}
    run = graph.run(events)
    assert list(run.errors.index) == [617]
    assert "negative" in run.frame["error"].iloc[617]
    assert len(server_in(graph).calls) < 25
    assert run.frame["response"].iloc[618]["outputs"] == [619.0]


def test_a_model_that_takes_single_rows_only_is_found_out() -> None:
    class Single(Server):
        def outputs(self, inputs: Any) -> Any:
            (row,) = inputs
            return [row]

    graph = graph_of(Single)
    events = [{"inputs": [row]} for row in range(64)]
    assert [a["outputs"][1] for a in together(graph, events)] == [["int", r] for r in range(64)]
    calls = server_in(graph).calls
    assert len(calls) < 64 + 10 and graph.root.children["m:v1"]._stacker.by_rows is False


def test_operations_come_from_the_path_and_else_from_the_body() -> None:
    graph = graph_of(Echoes)
    body = {"inputs": [4], "operation": "echo"}
    assert graph.test("/", body, event_id="e") == {"echo": body, "id": "e"}
    assert graph.test("//predict/", body)["outputs"] == [8]
    assert graph.test("/", {"inputs": [4], "operation": ""})["outputs"] == [8]
    with pytest.raises(EventError, match=r"no operation 'ecko'; did you mean 'echo'\? It has 'in"):
        graph.test("/ecko", {"inputs": [4]})
    with pytest.raises(EventError, match="must be a text, got an int"):
        graph.test("/", {"inputs": [4], "operation": 3})


def test_a_get_asks_how_the_model_is() -> None:
    graph = graph_of(Doubles)
    assert graph.test("/", None, "GET") == {
        "name": "m", "model_endpoint_uid": "", "inputs": [], "outputs": [],
    }  # fmt: skip
    ready = graph.test("/ready", None, "GET", event_id="evt-1", get_body=False)
    assert (ready.status_code, ready.content_type) == (200, "text/plain")
    assert ready.body == b"Model m:v1 is ready (event_id = evt-1)"
    with pytest.raises(EventError, match="no operation 'ready'"):
        graph.test("/ready", {"inputs": [1]}, "POST")
    with pytest.raises(EventError, match="POST"):
        graph.test("/", {"inputs": [1]}, "GET")


def test_of_a_get_in_a_sync_flow_no_step_is_asked_any_more() -> None:
    graph = Graph("g", engine="sync")
    graph.to(class_name=Doubles, name="m").to(handler="(event['outputs'])", name="after")
    assert graph.test("/", {"inputs": [1]}) == [2]
    assert graph.test("/", None, "GET")["name"] == "m"


def test_explain_says_the_whole_name_and_no_time() -> None:
    class Explains(Doubles):
        def explain(self, request: Any) -> Any:
            return ["why", request["inputs"]]

    answer = graph_of(Explains).test("/explain", {"inputs": [1]}, event_id="e")
    assert answer == {"id": "e", "model_name": "m:v1", "outputs": ["why", [1]]}
    with pytest.raises(EventError, match=r"write explain\(self, request\) in Doubles"):
        graph_of(Doubles).test("/explain", {"inputs": [1]})


def test_what_load_raises_is_told_when_the_graph_starts() -> None:
    class Broken(Server):
        def load(self) -> None:
            raise OSError("no disk")

    with pytest.raises(GraphError, match="node 'm:v1': load failed: OSError: no disk") as error:
        graph_of(Broken).test(body={"inputs": [1]})
    assert isinstance(error.value.__cause__, OSError)
    with pytest.raises(GraphError, match=r"V2ModelServer has no model: write load\(self\)"):
        graph_of(V2ModelServer).test(body={"inputs": [1]})


def test_a_model_that_loads_aside_is_not_ready_until_it_is() -> None:
    go = threading.Event()
    done = threading.Event()

    class Slow(Doubles):
        def _loaded(self) -> None:
            super()._loaded()
            done.set()

        def load(self) -> None:
            super().load()
            go.wait(10)

    graph = graph_of(Slow)
    graph.spec.load_mode = "async"
    answer = graph.test("/ready", None, "GET", get_body=False)
    assert (answer.status_code, answer.body) == (408, b"model not ready")
    with pytest.raises(EventError, match="'m:v1' is not ready yet"):
        graph.test(body={"inputs": [1]})
    assert together(graph, [{"inputs": [1]}] * 3) == ["failed"] * 3
    go.set()
    assert done.wait(10)
    assert graph.test("/ready", None, "GET", get_body=False).status_code == 200
    assert graph.test(body={"inputs": [1]})["outputs"] == [2]


def test_why_a_model_that_loads_aside_is_not_ready_is_told() -> None:
    server = Doubles(name="m", context=GraphContext())
    server.load = lambda: (_ for _ in ()).throw(OSError("no disk"))  # type: ignore[method-assign]
    server._load_aside()
    with pytest.raises(GraphError, match="not ready: load failed: OSError: no disk"):
        server.do_event(Event({"inputs": [1]}))


def test_a_server_answers_without_a_graph() -> None:
    server = Doubles(name="m:v1", protocol=None, k=3)
    server.post_init()
    event = server.do_event(Event({"inputs": [4], "id": "x"}, path="/infer"))
    assert event.body["outputs"] == [8] and event.body["id"] == "x"
    assert server.get_param("k") == 3 and server.get_param("none", 1) == 1
    server.set_metric("rows", 1)
    assert server.metrics == {"rows": 1} and server.logged_results({}, {}, "infer") == (None, None)
    assert V2ModelServer(model=[]).ready  # A model may have a length of nothing.


def test_an_operation_may_give_back_its_body_where_the_result_is_written_into_it() -> None:
    graph = graph_of(Echoes, result_path="out")
    assert graph.test("/echo", {"inputs": [1]}, event_id="e") == {
        "inputs": [1], "out": {"echo": {"inputs": [1]}, "id": "e"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (None, "must be an object"), ({}, "it is empty"), ({"input": 1}, "it has 'input'"),
        ({"inputs": "ab"}, "must be a list, got a str"), ("inputs", "got a str"),
    ],
)  # fmt: skip
def test_a_request_that_is_none_is_told_in_one_line(body: Any, told: str) -> None:
    with pytest.raises(EventError, match=told):
        graph_of(Doubles).test("/", body, "POST")


def test_objects_become_lists_in_the_order_of_the_features() -> None:
    from sklearn.linear_model import LinearRegression

    table = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
    model = LinearRegression().fit(table, table["a"] * 10 + table["b"])
    graph = graph_of(SKLearnModelServer, model=model)
    answer = graph.test("/predict_dict", {"inputs": [{"b": 1, "a": 2}]})
    assert answer["outputs"] == pytest.approx([21.0])
    with pytest.raises(EventError, match="lack 'b'"):
        graph.test("/infer_dict", {"inputs": [{"a": 2}]})
    with pytest.raises(EventError, match="the order of the model's features"):
        graph_of(Doubles).test("/infer_dict", {"inputs": [{"a": 2}]})


def test_sklearn_models_get_the_names_that_they_were_fitted_with() -> None:
    from sklearn.tree import DecisionTreeClassifier

    table = pd.DataFrame({"a": [0, 1, 2, 3], "b": [1, 0, 1, 0]})
    named = graph_of(SKLearnModelServer, model=DecisionTreeClassifier().fit(table, table["a"] > 1))
    assert named.test(body={"inputs": [[3, 1], [0, 0]]})["outputs"] == [True, False]
    assert named.test(body={"inputs": [{"b": 1, "a": 3}]})["outputs"] == [True]
    assert named.test(body={"inputs": [{"a": [3, 0], "b": [1, 1]}]})["outputs"] == [True, False]
    with pytest.raises(EventError, match="takes 2 features, a row has 3"):
        named.test(body={"inputs": [[1, 2, 3]]})
    bare = graph_of(
        SKLearnModelServer, model=DecisionTreeClassifier().fit(table.to_numpy(), table["a"] > 1)
    )
    run = bare.run(table)
    assert [body["outputs"] for body in run.frame["response"]] == [[False], [False], [True], [True]]
    assert "DecisionTree" in bare.test("/explain", {"inputs": [[1, 2]]})["outputs"]


def test_a_request_for_rows_tells_of_nothing_else() -> None:
    for ask in [
        len, list, dict, repr, sorted, "{}".format, lambda r: r["id"], lambda r: {**r}, str,
        lambda r: "id" in r, lambda r: r.get("id"), lambda r: r.pop("inputs"), lambda r: r | {},
        lambda r: r == {}, lambda r: r.setdefault("id", 1), lambda r: r.update(id=1),
    ]:  # fmt: skip
        request = Rows(inputs=[1])
        with pytest.raises(Exception):  # noqa: B017 - whatever it is, it must be noticed
            ask(request)
        assert request.was_asked
    request = Rows(inputs=[1])
    request["inputs"] = [2]
    assert request and "inputs" in request and request.get("inputs") == [2]
    assert not request.was_asked


@given(st.lists(st.one_of(VALUES, st.none(), st.text(), st.lists(VALUES)), min_size=1))
def test_outputs_in_columns_are_what_they_were(outputs: list[Any]) -> None:
    values, form = Stack(outputs, [1] * len(outputs)).columns()
    bodies = Samples(values, None, "outputs", {}, None, None, form).tolist()
    assert plain([body["outputs"][0] for body in bodies]) == plain(outputs)


@pytest.mark.parametrize("outputs", [
    [np.float32(1), np.float32(2)], [np.int64(1), 2], [np.array([1, 2]), np.array([3, 4])],
    np.array([[1, 2], [3, 4]]), np.array(["a", None], dtype=object), ("a", 1), ["\ud800", "a"],
    [pd.Timestamp("2020"), None], [{"a": 1}, {"a": 2}], [2**70, 1], [[1, 2], [3]], [[], []],
])  # fmt: skip
def test_outputs_of_any_kind_stay_so(outputs: Any) -> None:
    values, form = Stack(outputs, [1, 1]).columns()
    samples = Samples(values, None, "outputs", {}, ["a", "b"], ["t", "t"], form)
    for bodies in (samples.tolist(), samples.take(np.array([1, 0])).tolist()[::-1]):
        assert [body["id"] for body in bodies] == ["a", "b"]
        assert plain([body["outputs"] for body in bodies]) == plain([outputs[:1], outputs[1:]])


def test_samples_of_several_batches_are_joined_with_what_each_body_says() -> None:
    one = Samples(np.array([1, 2]), None, "outputs", {}, ["a", "b"], ["t", "u"], "array")
    other = Samples(np.array([3, 4]), np.array([2]), "outputs", {}, ["c"], ["v"], "array")
    joined: Any = join([(np.array([0, 2]), one), (np.array([1]), other)], 3)
    assert isinstance(joined, Samples)
    assert [(b["id"], b["outputs"].tolist(), b["timestamp"]) for b in joined.tolist()] == [
        ("a", [1], "t"), ("c", [3, 4], "v"), ("b", [2], "u"),
    ]  # fmt: skip
    floats = Samples(np.array([0.5]), None, "outputs", {}, ["c"], ["v"], "array")
    kept: Any = join([(np.array([0, 2]), one), (np.array([1]), floats)], 3)
    assert [str(body["outputs"].dtype) for body in kept.tolist()] == ["int64", "float64", "int64"]


def test_answers_are_the_same_but_for_the_last_digits() -> None:
    assert same({"a": [0.1 + 0.2, float("nan")]}, {"a": [0.3, float("nan")]})
    assert same(float(np.float32(0.1)), float(np.float32(0.1) * np.float32(1.0000002)))
    for one, other in [
        (1, 1.0), (0.1, 0.1 + 1e-7), (1e6, 1e6 + 1), ([1], (1,)), ([1], [1, 2]), (True, 1),
        (np.array([1]), np.array([1.0])), ({"a": 1}, {"b": 1}), ("a", "b"),
    ]:  # fmt: skip
        assert not same(one, other)
