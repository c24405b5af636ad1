"""Graphs declared by MLRun's calls: what is declared, what is refused, what stays."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from graph_magics import Ensemble, Graph, Step
from graph_magics.mlrun import ErrorStep, QueueStep, RouterStep, TaskStep
from tests.models import Constant, mistake


def increase(x):
    return x + 1


def double(x):
    return x * 2


class Chain:
    """Adds its name."""

    def __init__(self, context=None, name=None):
        self.name = name

    def do(self, names):
        return [*names, self.name]


def sync() -> Graph:
    return Graph("g", engine="sync")


# --- order --------------------------------------------------------------------------------------


def test_steps_follow_each_other_as_they_are_declared():
    graph = sync()
    graph.to(name="a", handler="increase").to(name="b", handler=double).respond()
    assert graph.test(body=5) == 12


def test_a_step_is_put_in_between():
    graph = sync()
    graph.add_step(class_name="Chain", name="first")
    graph.add_step(class_name="Chain", name="last", after="$prev").respond()
    graph.add_step(class_name="Chain", name="middle", after="first", before="last")
    assert graph.test(body=[]) == ["first", "middle", "last"]


def test_a_list_of_steps_to_come_before_puts_it_before_all():
    graph = Graph("g")
    graph.add_step(name="b", handler="increase")
    graph.add_step(name="c", handler="double").respond()
    graph.add_step(name="a", handler="double", before=["b", "c"])
    assert graph.test(body=5) == 20
    assert graph["b"].after == ["a"] and graph["c"].after == ["a"]


def test_a_step_that_is_handed_over_is_the_step():
    graph = sync()
    step = TaskStep(handler="increase", name="more", result_path="y", input_path="x")
    assert graph.add_step(step) is step
    step.respond()
    assert graph.test(body={"x": 1}) == {"x": 1, "y": 2}


def test_a_flow_may_be_declared_at_once():
    graph = sync()
    graph.set_flow([{"name": "a", "handler": "increase"}, Chain])
    assert repr(graph) == "Graph 'g': a >> Chain"
    mistake(lambda: graph.set_flow([]), "graph 'g'", "force=True")
    graph.set_flow([{"name": "b", "handler": "double"}], force=True)
    assert graph.test(body=4) == 8


def test_what_is_declared_after_a_test_counts_from_then_on():
    graph = sync()
    step = graph.to(name="a", handler="increase")
    assert graph.test(body=1) == 2
    step.to(name="b", handler="double")
    assert graph.test(body=1) == 4
    graph.clear_children(["b"])
    assert graph.test(body=1) == 2


def test_an_object_lives_as_long_as_its_declaration():
    class Counter:
        def __init__(self, name):
            self.seen = 0

        def do(self, x):
            self.seen += 1
            return self.seen

    graph = sync()
    graph.to(class_name=Counter, name="counter").respond()
    assert [graph.test(body=0), graph.test(body=0)] == [1, 2]
    assert graph.run([0, 0, 0]).frame["response"].tolist() == [3, 4, 5]


def test_steps_are_had_by_key_and_by_attribute():
    graph = Graph("g")
    step = graph.add_step(class_name="Chain", name="a")
    router = graph.add_step("*", name="r", after="a")
    route = router.add_route("m", handler="double")
    assert graph["a"] is graph.a is step and graph["r"]["m"] is route
    assert {"a", "r"} <= set(dir(graph))
    assert graph._ipython_key_completions_() == ["a", "r"]
    mistake(lambda: graph["b"], "graph 'g'", "no step is called 'b'", "'a', 'r'")
    mistake(lambda: router["n"], "node 'r'", "no route is called 'n'", "'m'")


# --- what may stand where a class is expected ---------------------------------------------------


def test_a_fitted_model_a_node_and_a_graph_may_stand_for_a_class():
    inner = Graph("inner", Step(double))
    graph = Graph("g")
    graph.to(Step(increase), name="a").to(inner, name="b").respond()
    assert graph.test(body=1) == 4
    model = Graph("m")
    model.to(Constant(7), name="constant").respond()
    assert model.run(pd.DataFrame({"x": [1, 2]})).frame["constant"].tolist() == [7, 7]


def test_a_graph_so_declared_may_be_a_step_of_another():
    inner = sync()
    inner.to(name="a", handler="increase").respond()
    outer = Graph("outer", Ensemble(one=inner, two=Step(double)))
    assert outer.test(5) == {"one": 6, "two": 10}


def test_a_dotted_path_is_imported():
    graph = sync()
    graph.to(name="root", handler="math.sqrt").to(name="text", handler="json.dumps").respond()
    assert graph.test(body=16) == "4.0"
    assert math.isclose(float(graph.test(body=2)), 2**0.5)


def test_arguments_that_are_functions_are_found_by_name():
    class Applies:
        def __init__(self, fn):
            self.fn = fn

        def do(self, x):
            return self.fn(x)

    graph = Graph("g", engine="sync", namespace={"Applies": Applies, "double": double})
    graph.to("Applies", name="a", _fn="double").to("Applies", name="b", _fn="(event + 1)").respond()
    assert graph.test(body=3) == 7


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda g: g.to("Chian", name="a"), ["node 'a'", "no class 'Chian'", "'Chain'"]),
        (lambda g: g.to(name="a", handler="incraese"), ["node 'a'", "'incraese'", "'increase'"]),
        (lambda g: g.to(name="a", handler="(event +"), ["node 'a'", "parentheses"]),
        (lambda g: g.to(name="a", handler="(event +)"), ["node 'a'", "no expression"]),
        (lambda g: g.to(name="a", handler="no_such_module.f"), ["node 'a'", "no_such_module.f"]),
        (lambda g: g.to("Chain", name="a", handler="doo"), ["node 'a'", "no method 'doo'", "'do'"]),
        (lambda g: g.to("Chain", name="a", wrong=1), ["node 'a'", "Chain", "wrong"]),
        (lambda g: g.to(name="a", handler=7), ["node 'a'", "an int"]),
        (lambda g: g.to("math", name="a"), ["node 'a'"]),
        (lambda g: g.to(dict, name="a"), ["node 'a'", "neither do nor do_event"]),
        (
            lambda g: g.to("*mlrun.VotinEnsemble", "a").add_route("m", handler="double"),
            ["no class 'mlrun.VotinEnsemble'", "'VotingEnsemble'"],
        ),
        (
            lambda g: g.to("*VotingEnsemble", "a", vote_typ="x").add_route("m", handler="double"),
            ["node 'a'", "no option 'vote_typ'", "'vote_type'"],
        ),
    ],
    ids=["class", "function", "open", "syntax", "module", "method", "argument", "number",
         "a module", "no step", "router", "option"],
)  # fmt: skip
def test_what_is_not_there_is_told_with_what_is_near(declare, words):
    graph = sync()
    declare(graph)
    mistake(lambda: graph.test(body=1), "graph 'g'", *words)


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda g: g.to(), ["class_name or a handler"]),
        (lambda g: g.to(handler="double"), ["needs a name"]),
        (lambda g: g.to(handler="double", name="a.b"), ["without a dot", "'a.b'"]),
        (lambda g: g.to(handler="double", name="status"), ["'status'", "column"]),
        (lambda g: g.add_step(name="b", handler="double", after="x"), ["after='x'", "no step"]),
        (lambda g: g.add_step(name="b", handler="double", before="x"), ["before='x'", "no step"]),
        (lambda g: g.add_step(name="b", handler="double", after="a", before="a"), ["cycle", "'a'"]),
        (lambda g: g.add_route("m", handler="double"), ["add_route needs a router"]),
        (lambda g: g.add_model("m", class_name="Chain"), ["add_model needs a router"]),
        (lambda g: g.error_handler(), ["class_name or a handler"]),
        (lambda g: g.error_handler(name="e", handler="double", before="a"), ["before="]),
        (lambda g: g.clear_children(["x"]), ["no step is called 'x'", "'a'"]),
        (lambda g: g.set_topology("star"), ["exist_ok"]),
        (lambda g: g.add_step(">>"), ["queue needs a name"]),
        (lambda g: g.add_step("*", name="r").add_route("m"), ["route 'm'", "class_name="]),
        (lambda g: g.add_step("$queue", "q").to(name="x", handler="double"), ["function="]),
    ],
    ids=["nothing", "unnamed", "dot", "reserved", "after", "before", "both", "route", "model",
         "handler", "goes on", "clear", "topology", "queue", "no route", "after a queue"],
)  # fmt: skip
def test_a_call_that_cannot_be_is_refused_at_once_and_changes_nothing(declare, words):
    graph = sync()
    graph.to(name="a", handler="increase")
    mistake(lambda: declare(graph), *words)
    added = [name for name in graph._ipython_key_completions_() if name != "a"]
    if added:  # The call before the one that was refused.
        graph.clear_children(added)
    assert graph.test(body=1) == 2


def test_a_cycle_is_named():
    graph = Graph("g")
    graph.add_step(name="a", handler="increase")
    graph.add_step(name="b", handler="increase", after="a")
    graph["a"].after_step("b")
    mistake(lambda: graph.test(body=1), "graph 'g'", "cycle", "a >> b >> a")


def test_a_graph_without_steps_says_how_to_declare_one():
    mistake(lambda: Graph("g").test(body=1), "graph 'g'", "no steps", "graph.add_step")


def test_only_one_step_responds():
    graph = Graph("g")
    graph.to(name="a", handler="increase").respond()
    graph.to(name="b", handler="increase").respond()
    mistake(lambda: graph.test(body=1), "graph 'g'", "'a'", "'b'", "respond")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"topology": "star"}, ["router", "flow", "'star'"]),
        ({"engine": "fast"}, ["sync", "async", "'fast'"]),
        ({"class_name": "VotingEnsemble"}, ["topology flow"]),
        ({"topology": "router", "class_name": Chain()}, ["router"]),
        ({"root": Step(double), "engine": "sync"}, ["root"]),
    ],
    ids=["topology", "engine", "class", "no router", "root"],
)
def test_a_topology_that_cannot_be_is_refused(options, words):
    mistake(lambda: Graph("g", **options), "graph 'g'", *words)


def test_calls_are_for_graphs_that_are_declared_by_them():
    graph = Graph("g", Step(double))
    mistake(lambda: graph.add_step(name="a", handler="double"), "graph 'g'", "Python nodes")


@pytest.mark.parametrize("engine", ["sync", "async"])
def test_the_sync_engine_refuses_branches_that_the_async_engine_runs(engine):
    graph = Graph("g", engine=engine)
    graph.to(name="a", handler="increase")
    graph["a"].to(name="b", handler="double").respond()
    graph["a"].to(name="c", handler="double")
    if engine == "sync":
        mistake(lambda: graph.test(body=1), "node 'a'", "'b' and 'c'", "async")
    else:
        assert graph.test(body=1) == 4


# --- the cell -----------------------------------------------------------------------------------


def test_the_calls_of_a_cell_declare_the_graph():
    body = 'graph = fn.set_topology("flow", engine="sync")\ngraph.to(name="a", handler="f")\n'
    graph = Graph.from_cell("g", f"{body}def f(x):\n    return x * k\n", {"k": 3})
    assert repr(graph) == "Graph 'g': a" and graph.test(body=2) == 6


def test_names_of_the_cell_stand_before_those_of_the_notebook():
    body = 'def f(x):\n    return "cell"\ngraph.to(name="a", handler="f").respond()'
    graph = Graph.from_cell("g", body, {"f": lambda x: "notebook"})
    assert graph.test(body=1) == "cell"


def test_a_variable_called_fn_stays_the_notebooks():
    graph = Graph.from_cell("g", "Step(fn)", {"fn": double})
    assert graph.test(4) == 8


def test_nodes_beside_the_calls_are_refused():
    body = 'graph.to(name="a", handler="f")\nstep = Step(f)'
    mistake(lambda: Graph.from_cell("g", body, {"f": double}), "graph 'g'", "'step'", "MLRun")
    body = 'graph.to(name="a", handler="f")\nStep(f) >> Step(f)'
    mistake(lambda: Graph.from_cell("g", body, {"f": double}), "graph 'g', line 2", "flow")


def test_a_mistake_in_a_call_tells_its_line():
    body = 'graph.to(name="a", handler="f")\ngraph.add_step(name="b", handler="f", after="x")'
    mistake(lambda: Graph.from_cell("g", body, {"f": double}), "graph 'g', line 2", "'x'")


# --- what stands in a run -----------------------------------------------------------------------


def test_a_run_has_every_steps_answer_and_an_error_in_its_row():
    graph = sync()
    graph.to(name="root", handler="math.sqrt").to(name="more", handler="increase").respond()
    run = graph.run([4, -1, "9"])
    assert run.frame["root"].tolist()[::2] == [2.0, 3.0]
    assert run.frame["more"].tolist()[::2] == [3.0, 4.0]
    assert run.frame["status"].tolist() == [200, 400, 200]
    assert run.errors["step"].tolist() == ["root"]


def test_the_rows_of_a_table_are_objects_to_a_step():
    graph = sync()
    graph.to(name="sum", handler="(event['a'] + event['b'])").respond()
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}, index=["x", "y"])
    run = graph.run(frame)
    assert run.frame["sum"].tolist() == [1.5, 3.5] and list(run.frame.index) == ["x", "y"]


def test_an_error_that_was_handled_is_told_beside_the_answer():
    graph = Graph("g")
    step = graph.to(name="root", handler="math.sqrt")
    step.error_handler(name="catch", handler="(-1)").respond()
    run = graph.run([4, -4])
    assert run.frame["response"].tolist() == [2.0, -1]
    assert run.frame["status"].tolist() == [200, 200]
    assert run.errors["step"].tolist() == ["root"]
    assert "1 answered in spite of an error" in repr(run)


def test_the_response_of_a_step_has_its_status():
    class Refuses:
        def __init__(self, context):
            self.context = context

        def do(self, x):
            return self.context.Response(body="no", status_code=403) if x else {"x": x}

    graph = sync()
    graph.to(class_name=Refuses, name="door").respond()
    assert graph.test(body=1, get_body=False).status_code == 403
    mistake(lambda: graph.test(body=1), "node 'door'", "403")
    assert graph.run([0, 1]).frame["status"].tolist() == [200, 403]


def test_the_function_that_a_step_runs_in_is_drawn():
    graph = sync()
    graph.to(class_name="Chain", name="a", function="other").respond()
    assert "Chain @ other" in graph.draw().svg


def test_an_error_handler_is_drawn_with_its_edge():
    graph = Graph("g")
    graph.to(name="a", handler="increase").error_handler(name="catch", handler="double").respond()
    assert "on error" in graph.draw().svg


def test_declarations_say_what_they_are():
    assert [kind.kind for kind in (TaskStep, RouterStep, QueueStep, ErrorStep)] == [
        "task",
        "router",
        "queue",
        "error_step",
    ]


def test_such_a_graph_is_written_for_mlrun_and_not_for_kserve():
    graph = sync()
    graph.to(name="a", handler="increase").respond()
    mistake(graph.to_kserve, "graph 'g'", "to_mlrun()")
    assert 'handler="increase"' in graph.to_mlrun()
