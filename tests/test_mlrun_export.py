"""A graph is written as MLRun's calls, and what they declare is the same graph."""

from __future__ import annotations

import ast
import functools
import json
import math
import re
import sys
import types
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graph_magics import (
    Ensemble,
    Graph,
    GraphError,
    Model,
    ParallelRun,
    Remote,
    Route,
    Sequence,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
    mlrun,
)
from graph_magics.formats.mlrun.instances import arguments_of
from graph_magics.formats.mlrun.paths import theirs
from graph_magics.formats.mlrun.pytext import Call, literal, statement
from graph_magics.mlrun.declaring import QueueStep, RootFlowStep, RouterStep, TaskStep
from graph_magics.mlrun.face import FunctionSpec

from .conformance.mlrun.cases import SOUND, Asked, declared, same, source_of
from .models import IRIS, NAMES, Constant, has_words, on_array, on_frame

# --- the same declaration


class _Function:
    """What ``mlrun.new_function`` gives: its topology is a graph of ours."""

    def __init__(self, name: str, namespace: dict[str, Any]) -> None:
        self.name, self.namespace, self.spec = name, namespace, FunctionSpec()
        self.graph: Any = None

    def set_topology(self, topology: str, class_name: Any = None, **options: Any) -> Graph:
        graph = Graph(self.name, namespace=self.namespace)
        self.graph = graph.set_topology(topology, class_name, **options)
        self.graph._served.spec = self.spec
        return self.graph


def declared_anew(text: str, namespace: dict[str, Any] | None = None) -> Graph:
    """Run a written text, with our classes in place of MLRun's."""
    made = []

    def new_function(name: str, kind: str) -> _Function:
        assert kind == "serving"
        made.append(_Function(name, namespace or {}))
        return made[-1]

    fake = types.ModuleType("mlrun")
    fake.new_function = new_function  # type: ignore[attr-defined]
    fake.serving = mlrun  # type: ignore[attr-defined]
    code = compile(text, "<written>", "exec")
    known = sys.modules.get("mlrun")
    sys.modules["mlrun"] = fake
    try:
        exec(code, {"__name__": "written"})
    finally:
        if known is None:
            del sys.modules["mlrun"]
        else:
            sys.modules["mlrun"] = known
    (function,) = made
    graph: Graph = function.graph
    return graph


def structure(graph: Graph) -> Any:
    """All that is declared, as plain data."""
    assert graph._served is not None
    spec = {**vars(graph.spec)}
    if callable(spec["graph_initializer"]):
        spec["graph_initializer"] = spec["graph_initializer"].__name__
    return [spec, _of(graph._served.declared)]


def _of(step: Any) -> dict[str, Any]:
    told = {"kind": type(step).__name__, "after": step.after, "on_error": step.on_error}
    if isinstance(step, RootFlowStep):
        steps = [(name, _of(one)) for name, one in step.steps.items()]
        return {**told, "engine": step.engine, "steps": steps}
    if isinstance(step, QueueStep):
        return {**told, "path": step.path, "options": step.options, "function": step.function}
    assert isinstance(step, TaskStep)
    kept = ("name", "full_event", "function", "responder", "input_path", "result_path", "shape")
    told |= {key: getattr(step, key) for key in (*kept, "creation_strategy")}
    made_of, args = step.class_name, step.class_args
    if made_of is not None and not isinstance(made_of, (str, type)):
        made_of, args = type(made_of), arguments_of(made_of)
    if isinstance(made_of, type):
        made_of = made_of.__name__
    handler = step.handler
    told["class_name"] = made_of and made_of.rpartition(".")[2].replace("$remote", "RemoteStep")
    told["class_args"] = {key: value for key, value in args.items() if value is not None}
    told["handler"] = handler.__name__ if callable(handler) else handler
    told["before"] = getattr(step, "before", None)
    if isinstance(step, RouterStep):
        told["full_event"] = None  # A router always gets the whole event.
        told["routes"] = [(name, _of(route)) for name, route in step.routes.items()]
    return told


#: Those that MLRun lets anybody declare.
WRITABLE = [
    case
    for case in SOUND
    if case["declaration"]
    and case["response"].get("error", {}).get("stage") != "declare"
    and "name" not in case["topology"]
]


@pytest.mark.parametrize("case", WRITABLE, ids=[case["name"] for case in WRITABLE])
def test_a_recorded_graph_is_declared_the_same_again(case):
    namespace = source_of(case)
    graph = declared(case, namespace)
    text = graph.to_mlrun()
    again = declared_anew(text, namespace)
    assert structure(again) == structure(graph)
    assert again.to_mlrun() == text.replace(f"'{graph.name}'", f"'{again.name}'")


@pytest.mark.parametrize("name", ["flow/diamond", "errors/", "nested/", "voting/", "storey/"])
def test_what_is_declared_again_answers_the_same(name):
    cases = [case for case in WRITABLE if case["name"].startswith(name)][:3]
    for case in cases:
        asked = Asked(case)
        namespace = source_of(case)
        again = declared_anew(declared(case, namespace).to_mlrun(), namespace)
        request = case["request"]
        if asked.error is None and not case.get("prior_requests"):
            answer = again.test(
                request["path"], request.get("body"), request["method"], event_id="evt-1"
            )
            assert same(answer, case["response"]["body"])


def test_every_class_of_ours_has_a_place_in_mlrun():
    for name in set(mlrun.__all__) - {"errors"}:
        assert theirs(name).partition(".")[0] in ("mlrun", "storey", "$remote"), name
        if name != "RemoteStep":
            assert theirs(name) != f"mlrun.serving.{name}" or name in {
                *("V2ModelServer", "ErrorStep", "QueueStep", "RouterStep", "TaskStep"),
                "GraphContext",
            }


# --- what is written


class Clean(mlrun.MapClass):
    def __init__(self, factor: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def do(self, event: Any) -> Any:
        return event


class Score(mlrun.V2ModelServer):
    def load(self) -> None:
        self.model = None

    def predict(self, request: dict[str, Any]) -> Any:
        return request["inputs"]


class Forgetful:
    def __init__(self, path: str) -> None:
        self.opened = len(path)

    def do(self, event: Any) -> Any:
        return event


class Speed(StrEnum):
    FAST = "fast"


def clean(event: Any) -> Any:
    return event


def statements(graph: Graph) -> list[str]:
    """The written statements that add to the graph, each on one line."""
    tree = ast.parse(graph.to_mlrun())
    lines = [ast.unparse(statement).replace("'", '"') for statement in tree.body]
    return lines[lines.index('graph = fn.set_topology("flow", engine="async")') + 1 :]


def here(name: str = "g", **options: Any) -> Graph:
    """A graph whose names are those of a notebook that has what stands in this file."""
    return Graph(name, namespace={"__name__": __name__, **globals()}, **options)


def refusal(graph: Graph, *words: str) -> None:
    with pytest.raises(GraphError) as caught:
        graph.to_mlrun()
    assert "\n" not in str(caught.value)
    assert has_words(str(caught.value), [graph.name, *words])


def test_names_of_ours_become_the_paths_of_mlrun():
    graph = here()
    graph.to("Extend", name="a", _fn="({'b': 1})").to("*VotingEnsemble", name="v").add_route(
        "m", class_name="V2ModelServer"
    )
    graph.add_step(mlrun.ChoiceByField, name="c", after="v", field_name="f")
    graph.add_step("RemoteStep", name="r", after="c", url="http://x")
    graph.add_step("mlrun.serving.routers.Merge", name="m", after="r")
    assert statements(graph) == [
        """graph.add_step(class_name="storey.Extend", name="a", _fn="({"b": 1})")""",
        'v = graph.add_step(class_name="*mlrun.serving.routers.VotingEnsemble", name="v", '
        'after="a")',
        'v.add_route("m", class_name="mlrun.serving.V2ModelServer")',
        'graph.add_step(class_name="mlrun.serving.steps.ChoiceByField", name="c", after="v", '
        'field_name="f")',
        'graph.add_step(class_name="$remote", name="r", after="c", url="http://x")',
        'graph.add_step(class_name="mlrun.serving.merger.Merge", name="m", after="r")',
    ]


def test_classes_functions_and_objects_are_written_by_name():
    graph = here()
    graph.to(Clean(factor=3)).to(clean, name="f").to(json.dumps, name="j").to(
        "Score", name="s", key=clean, kind=Clean, _fn=abs
    ).respond()
    assert statements(graph) == [
        'graph.add_step(class_name="Clean", name="Clean", factor=3)',
        'graph.add_step(name="f", handler="clean", after="Clean")',
        'graph.add_step(name="j", handler="json.dumps", after="f")',
        'graph.add_step(class_name="Score", name="s", after="j", _key="clean", _kind="Clean", '
        '_fn="builtins.abs").respond()',
    ]
    comments = [line for line in graph.to_mlrun().splitlines() if line.startswith("# ")]
    assert "#   class Clean: Clean, s" in comments
    assert "#   function clean: f, s" in comments
    assert "#   from mlrun.serving import V2ModelServer" in comments
    assert "#   from storey import MapClass" in comments
    assert not any("json" in line or "abs" in line for line in comments)


def test_functions_of_other_modules_are_written_with_their_module():
    graph = Graph("g", namespace={"clean": clean})
    graph.to(clean, name="c")
    assert 'handler="tests.test_mlrun_export.clean"' in graph.to_mlrun()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.bool_(True), "True"),
        (Speed.FAST, '"fast"'),
        (float("nan"), 'float("nan")'),
        (-math.inf, 'float("-inf")'),
        ((1,), "(1,)"),
        ({}, "{}"),
        (set(), "set()"),
        ({"b", "a"}, '{"a", "b"}'),
        (frozenset({1}), "frozenset({1})"),
        (b'\x00"', "b'\\x00\"'"),
        ('it\'s "so"\n', "'it\\'s \"so\"\\n'"),
        ("it's\n", '"it\'s\\n"'),
        ({1: [None, True]}, "{1: [None, True]}"),
    ],
)
def test_values_are_written_as_literals(value, text):
    assert literal(value) == text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=6)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(st.text(max_size=20), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip


@given(_JSON, st.text(max_size=5))
def test_what_is_written_is_read_as_the_same_value(value, then):
    text = statement(Call("f", [("", value), (then or "x", value)]))
    seen: list[Any] = []
    exec(compile(text, "<written>", "exec"), {"f": lambda *a, **k: seen.extend([*a, *k.values()])})
    assert seen == [value, value]
    assert statement(Call("f", [("", value), (then or "x", value)])) == text


def test_long_calls_are_broken_as_ruff_does():
    call = Call("graph.add_step", [("class_name", "A" * 40), ("name", "b" * 15)], ".respond()")
    assert statement(call) == (
        f'graph.add_step(\n    class_name="{"A" * 40}", name="{"b" * 15}"\n).respond()'
    )
    call = Call("f", [("a", {"b" * 30: [1, 2], "c" * 30: ("d" * 20,)}), ("e", "g" * 40)])
    assert statement(call, "x").split("\n") == [
        "x = f(",
        "    a={",
        f'        "{"b" * 30}": [1, 2],',
        f'        "{"c" * 30}": ("{"d" * 20}",),',
        "    },",
        f'    e="{"g" * 40}",',
        ")",
    ]


def test_arguments_that_no_call_can_name_are_written_all_the_same():
    graph = here()
    graph.add_step(mlrun.TaskStep("Foo", {"name": "x", "after": 1}, handler="go"), name="foo")
    graph.to("Bar", name="bar", **{"class": 1, "a-b": 2})
    assert statements(graph) == [
        'graph.add_step(mlrun.serving.TaskStep(class_name="Foo", class_args={"name": "x", '
        '"after": 1}, handler="go"), name="foo")',
        'graph.add_step(class_name="Bar", name="bar", **{"class": 1, "a-b": 2})',
    ]
    assert structure(declared_anew(graph.to_mlrun())) == structure(graph)


def test_everything_that_can_be_declared_is_declared_again():
    graph = here()
    first = graph.to("A", name="a", function="f", graph_shape="box", full_event=False)
    first.error_handler(name="catch", class_name="C", before=["c", "q"], result_path="x", k=[1])
    graph.add_step(name="c", handler="h", after="a", input_path="x.y", result_path="z")
    graph.add_step(name="b", handler="h2", after="a", before="c")
    graph["c"].error_handler(
        name="catch", class_name="C", before=["c", "q"], result_path="x", k=[1]
    )
    graph.add_step("$queue", name="q", after=["c", "b"], path="", shards=2)
    router = graph["q"].to("*", name="if", function="other", url_prefix="/m")
    router.add_route("m:1", class_name="M", creation_strategy="archive", function="g", k=None)
    router.add_route("deep", mlrun.RouterStep("mlrun.serving.VotingEnsemble", {"vote_type": "x"}))
    router["deep"].add_route("m", mlrun.TaskStep("M", input_path="p", full_event=True))
    router.respond()
    graph.error_handler(name="all", handler="(None)")
    graph.spec.parameters = {"k": {"a": 1}}
    graph.spec.load_mode = "async"
    graph.spec.graph_initializer = clean
    graph.spec.default_content_type = "application/json"
    again = declared_anew(graph.to_mlrun())
    assert structure(again) == structure(graph)
    assert again.to_mlrun() == graph.to_mlrun()


def test_a_router_with_a_name_and_paths_keeps_them():
    # As arguments of set_topology, MLRun 1.12 loses them.
    graph = here(topology="router", class_name="VotingEnsemble", input_path="d", vote_type="x")
    graph.add_route("m", class_name="Score")
    assert "mlrun.serving.RouterStep(" in graph.to_mlrun()
    assert structure(declared_anew(graph.to_mlrun())) == structure(graph)
    named = here(topology="router", class_name=mlrun.VotingEnsemble(name="Ens", weights={"m": 1.0}))
    named.add_route("m", class_name="Score")
    assert structure(declared_anew(named.to_mlrun())) == structure(named)


def test_options_that_only_we_have_are_left_out_and_told():
    graph = here(topology="router")
    graph.add_route("m", class_name="Score", allow_pickle=True, model_path="m.pkl")
    graph.add_route("n", class_name="Unknown", batch=3)
    text = graph.to_mlrun()
    assert 'graph.add_route("m", class_name="Score", model_path="m.pkl")' in text
    assert 'graph.add_route("n", class_name="Unknown", batch=3)' in text
    assert "# Left out, for MLRun has no such thing: allow_pickle= of 'router.m'\n" in text


def test_weights_that_mlrun_cannot_take_are_told():
    graph = here(topology="router", class_name="VotingEnsemble", weights={"a": 0.5, "b": 0.2})
    graph.add_route("a", class_name="Score")
    assert has_words(graph.to_mlrun(), ["Note", "weights add up to 0.7"])


def test_a_fitted_model_is_to_be_saved():
    graph = here(topology="router")
    graph.add_route("lr", class_name=on_frame())
    graph.add_route("own", class_name="Score", model=on_array())
    text = graph.to_mlrun()
    assert 'class_name="mlrun.frameworks.sklearn.SKLearnModelServer"' in text
    assert '"own", class_name="Score", model_path="store://models/PROJECT/own"' in text
    assert has_words(text, ["router.lr: the LogisticRegression", "inputs are the columns"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"table": pd.DataFrame({"a": [1]})}, ["'table'", "DataFrame", "file"]),
        ({"table": [np.arange(2)]}, ["'table'", "holds", "ndarray", "file"]),
        ({"clf": Constant(1)}, ["'clf'", "Constant", "model_path"]),
        ({"f": lambda x: x}, ["lambda", "def"]),
        ({"f": functools.partial(clean)}, ["partial", "def"]),
        ({"f": Clean().do}, ["method do", "Clean", "handler="]),
        ({"o": object()}, ["'o'", "an object", "__init__"]),
        ({"feature_vector_uri": pd.DataFrame()}, ["feature_vector_uri", "store://"]),
    ],
)
def test_what_is_no_literal_is_refused_by_name(options, words):
    graph = here()
    graph.to("Foo", name="foo", **options)
    refusal(graph, "'foo'", *words)


def test_all_that_cannot_be_written_is_told_at_once():
    endless: list[Any] = []
    endless.append(endless)
    graph = here()
    graph.to("Foo", name="foo", a=endless, b=object()).to(name="bar", handler=lambda x: x)
    refusal(graph, "2 of its parts", "'foo'", "'a'", "'b'", "'bar'", "lambda")


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda graph: None, ["no steps"]),
        (lambda graph: graph.to(Forgetful("p"), name="f"), ["'f'", "Forgetful", "'path'"]),
        (
            lambda graph: (
                graph.to("A", name="a").error_handler(name="c", handler="h"),
                graph.clear_children(["c"]),
            ),
            ["'a'", "'c'", "error_handler"],
        ),
        (
            lambda graph: (
                graph.to("A", name="a").error_handler(name="c", handler="h"),
                graph.clear_children(["a"]),
            ),
            ["'c'", "clear_children"],
        ),
        (lambda graph: (graph.to("A"), graph.spec.parameters.update(a=object())),
         ["parameters", "object"]),
        (lambda graph: graph.to("$queue", name="q", path="", x=object()), ["'q'", "an object"]),
    ],
)  # fmt: skip
def test_what_cannot_be_declared_again_is_refused(declare, words):
    graph = here()
    declare(graph)
    refusal(graph, *words)


# --- Python's parts


def to_label(event: Any) -> Any:
    return event


def parts(root: Any) -> Graph:
    return Graph("g", root, namespace={})


def test_a_flow_of_functions_and_a_vote():
    vote = VotingEnsemble(lr=on_frame(), other=on_array(), weights={"lr": 3, "other": 1})
    graph = parts(Step(json.loads) >> vote >> Step(json.dumps))
    server = 'class_name="mlrun.frameworks.sklearn.SKLearnModelServer"'
    assert statements(graph) == [
        'graph.add_step(name="loads", handler="json.loads")',
        'votingensemble = graph.add_step(class_name="*mlrun.serving.routers.VotingEnsemble", '
        'name="votingensemble", after="loads", vote_type="classification", weights={"lr": 0.75, '
        '"other": 0.25}, executor_type="array")',
        f'votingensemble.add_route("lr", {server}, model_path="store://models/PROJECT/lr")',
        f'votingensemble.add_route("other", {server}, model_path="store://models/PROJECT/other")',
        'graph.add_step(name="dumps", handler="json.dumps", after="votingensemble").respond()',
    ]
    text = graph.to_mlrun()
    assert has_words(text, ["Save these models", "votingensemble.other", "LogisticRegression"])
    assert has_words(text, ["Note", '{"inputs": [[...], ...]}', "labels are whole numbers"])


def test_branches_and_their_merge():
    first, second = Step(json.loads, name="first"), Step(json.dumps, name="second")
    graph = parts(Step(abs) >> [first, second] >> Step(len, name="last"))
    assert statements(graph)[-1] == (
        'graph.add_step(name="last", handler="builtins.len", after=["first", "second"]).respond()'
    )
    open_ended = statements(parts(Step(abs) >> [first, second]))
    assert [line.endswith(".respond()") for line in open_ended] == [False, True, False]
    assert "Note: the answer is that of 'first'" in parts(Step(abs) >> [first, second]).to_mlrun()


def test_flows_inside_flows_are_written_as_one():
    inner = Graph("inner", Step(json.loads, name="a") >> Step(json.dumps, name="b"))
    graph = parts(Step(abs, name="a") >> inner >> Sequence(c=len, a=hash) >> Step(hex))
    assert statements(graph) == [
        'graph.add_step(name="a", handler="builtins.abs")',
        'graph.add_step(name="inner-a", handler="json.loads", after="a")',
        'graph.add_step(name="b", handler="json.dumps", after="inner-a")',
        'graph.add_step(name="c", handler="builtins.len", after="b")',
        'graph.add_step(name="sequence-a", handler="builtins.hash", after="c")',
        'graph.add_step(name="hex", handler="builtins.hex", after="sequence-a").respond()',
    ]


def test_parallel_routes_and_remotes():
    remote = Remote("http://x/y", timeout=5, concurrency=2, propagate_headers="X-.*")
    graph = parts(ParallelRun(a=vars, b=remote, extend_event=True, name="class"))
    assert statements(graph) == [
        'router_class = graph.add_step(class_name="*mlrun.serving.routers.ParallelRun", '
        'name="class", extend_event=True, executor_type="array").respond()',
        'router_class.add_route("a", handler="builtins.vars")',
        'router_class.add_route("b", class_name="$remote", url="http://x/y", method="POST", '
        "retries=0, timeout=5, max_in_flight=2)",
    ]
    assert has_words(graph.to_mlrun(), ["Left out", "propagate_headers="])


def test_a_model_alone_and_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit([[0.0], [1.0]], [0, 1])
    graph = parts(Model(pipeline, name="m"))
    assert statements(graph) == [
        'graph.add_step(class_name="mlrun.frameworks.sklearn.SKLearnModelServer", name="m", '
        'model_path="store://models/PROJECT/m").respond()'
    ]


@pytest.mark.parametrize(
    ("root", "words"),
    [
        (Splitter(a=abs, b=hex), ["splitter", "weight", "Choice"]),
        (Switch(a=Route(abs, condition="x > 1"), b=abs), ["switch", "condition", "Choice"]),
        (Ensemble(a=abs, b=abs), ["ensemble", "ParallelRun"]),
        (Sequence(a=abs, b=Route(abs, data="$request")), ["sequence", ">>"]),
        (Step(lambda event: event), ["lambda", "def"]),
        (Step(functools.partial(clean)), ["partial", "def"]),
        (Step(clean, batch=True), ["clean", "one event", "batch=True"]),
        (Model(Constant(1), name="m"), ["'m'", "Constant", "V2ModelServer"]),
        (Model(on_array(), "predict_proba", name="m"), ["'m'", "predict_proba"]),
        (VotingEnsemble(a=on_array(), b=on_array(), vote_type="soft"), ["soft vote", "logic"]),
        (VotingEnsemble(a=VotingEnsemble(b=on_array())), ["votingensemble.a", "path"]),
        (VotingEnsemble(a=Graph("i", Step(abs) >> Step(hex))), ["votingensemble.a", "one step"]),
        (
            VotingEnsemble(a=GaussianNB().fit(IRIS.to_numpy(), NAMES)),
            ["votingensemble.a", "whole numbers", "setosa", "LabelEncoder"],
        ),
        (ParallelRun(a=on_array()), ["parallelrun.a", '"outputs"', "VotingEnsemble"]),
        (ParallelRun(a=abs, merger=lambda body, results: body), ["parallelrun", "merger("]),
        (Graph("i", namespace={}), ["graphs in graphs", "to_mlrun"]),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else None,
)
def test_what_mlrun_has_no_word_for_is_refused_with_what_to_write_instead(root, words):
    if isinstance(root, Graph):
        root.to(name="x", handler="(event)")
    refusal(parts(root), *words)


def test_a_graph_of_a_manifest_is_refused():
    manifest = '{"nodes": {"root": {"routerType": "Sequence", "steps": [{"serviceName": "a"}]}}}'
    refusal(Graph.from_kserve(manifest, name="g"), "manifest", "to_kserve")


# --- the text


@pytest.mark.parametrize("name", ["churn", "a b\nimport os", "É" * 80, "'''", "2x", "_", "\ud800"])
def test_a_text_is_python_whatever_the_names_are(name):
    graph = Graph(name, namespace={})
    graph.to(name="x", handler="f\n# no" if name == "_" else "f")
    text = graph.to_mlrun()
    compile(text, "<written>", "exec")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    function = ast.parse(text).body[1]
    assert isinstance(function, ast.Assign)
    assert isinstance(function.value, ast.Call)
    assert re.fullmatch("[a-z0-9][-a-z0-9]{,62}", ast.literal_eval(function.value.args[0]))
    assert text == graph.to_mlrun()


def test_it_is_written_to_a_file(tmp_path):
    graph = parts(Step(abs))
    path = tmp_path / "g.py"
    assert graph.to_mlrun(path) == path.read_text("utf-8")
    with pytest.raises(GraphError, match=r"graph 'g': '/nowhere/g\.py' cannot be written: No such"):
        graph.to_mlrun("/nowhere/g.py")
