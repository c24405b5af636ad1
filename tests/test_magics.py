"""The magics, in a real IPython shell: what a cell answers, and what it says of mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from graph_magics import Graph, GraphError, Run
from graph_magics.mlrun.models.files import SETTINGS

from .shells import error_of, run_cell


class Threshold:
    """A model that needs no fitting."""

    def __init__(self, column: str) -> None:
        self.column = column

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Tell whether the column is positive."""
        return (frame[self.column].to_numpy() > 0).astype(int)


@pytest.fixture
def shell(shell: InteractiveShell) -> InteractiveShell:
    shell.user_ns.update(
        first=Threshold("a"),
        second=Threshold("b"),
        third=Threshold("a"),
        double=lambda event: {key: 2 * value for key, value in event.items()},
        X=pd.DataFrame({"a": [1.0, -1.0, 3.0], "b": [1.0, 2.0, -3.0]}, index=[7, 8, 9]),
        y=pd.Series([1, 0, 1], index=[7, 8, 9]),
    )
    return shell


DECLARED = "clean = Step(double)\nvote = VotingEnsemble(first, second, third)\nclean >> vote"


def declare(shell: InteractiveShell, body: str, name: str = "g") -> Any:
    return shell.run_cell_magic("graph", name, body)


def test_a_cell_declares_a_graph_and_names_its_nodes_after_their_variables(shell):
    graph = declare(shell, DECLARED)
    assert repr(graph) == "Graph 'g': clean >> vote[first, second, third]"
    assert shell.user_ns["g"] is graph


def test_what_a_cell_assigns_does_not_leak_into_the_notebook(shell):
    declare(shell, DECLARED + "\nhelper = 3")
    assert not {"clean", "vote", "helper", "Step"} & set(shell.user_ns)


def test_a_cell_shows_the_drawing(shell):
    data, _ = shell.display_formatter.format(declare(shell, DECLARED))
    assert data["image/svg+xml"].startswith("<svg")
    assert data["text/plain"] == "Graph 'g': clean >> vote[first, second, third]"


def test_running_a_cell_again_replaces_the_graph(shell):
    old = declare(shell, DECLARED)
    new = declare(shell, "Step(double)")
    assert shell.user_ns["g"] is new is not old


def test_a_panel_gives_no_weights_to_a_graph_that_was_declared_again(shell):
    declare(shell, DECLARED)
    panel = shell.run_line_magic("graph_weights", "g.vote")
    error_of(shell, "%%graph g\nclean = Step(dubble)")  # It replaces nothing.
    panel.apply()
    new = declare(shell, DECLARED)
    panel.weights = {"first": 2, "second": 1, "third": 1}
    with pytest.raises(GraphError, match="'g' was declared again"):
        panel.apply()
    assert set(new.vote.weights.values()) == {1 / 3}


def test_a_mistake_leaves_the_graph_of_before(shell):
    old = declare(shell, DECLARED)
    error_of(shell, "%%graph g\nclean = Step(dubble)")
    assert shell.user_ns["g"] is old


def test_the_whole_path_from_a_cell_to_a_comparison(shell):
    declare(shell, DECLARED)
    run = shell.run_line_magic("graph_run", "g X --into results")
    assert shell.user_ns["results"] is run
    assert run.frame.index.tolist() == [7, 8, 9]
    names = ["clean", "first", "second", "third", "vote", "response", "status", "error"]
    assert [name for name in names if name in run.frame] == names[1:]
    assert run.frame["vote"].tolist() == [1, 0, 1]
    comparison = shell.run_line_magic("graph_compare", "results y --into c")
    assert shell.user_ns["c"] is comparison
    assert comparison.summary.loc["vote", "accuracy"] == 1
    assert comparison.summary.loc["second", "accuracy"] == pytest.approx(1 / 3)


def test_run_options_reach_the_run(shell):
    declare(shell, "split = Splitter(first, second)")
    shell.user_ns["many"] = pd.concat([shell.user_ns["X"]] * 50)
    routes = [
        shell.run_line_magic("graph_run", f"g many --seed {seed} --chunk-size 7").frame[
            "split.route"
        ]
        for seed in (1, 1, 2)
    ]
    assert routes[0].equals(routes[1])
    assert not routes[0].equals(routes[2])


def test_graph_alone_lists_the_graphs_of_this_notebook(shell, capsys):
    shell.run_line_magic("graph", "")
    assert "No graph yet" in capsys.readouterr().out
    declare(shell, DECLARED)
    declare(shell, "Step(double)", name="other")
    shell.run_line_magic("graph", "")
    assert capsys.readouterr().out.splitlines() == [
        "g: Graph 'g': clean >> vote[first, second, third]",
        "other: Graph 'other': step",
    ]


def test_graph_with_a_name_shows_it_again(shell):
    assert declare(shell, DECLARED) is shell.run_line_magic("graph", "g")


@pytest.mark.parametrize("magic", ["graph", "graph_run", "graph_compare"])
def test_every_magic_prints_its_help_from_its_parser(shell, capsys, magic):
    assert shell.run_line_magic(magic, "--help") is None
    text = capsys.readouterr().out
    assert text.startswith(f"%{magic}")
    assert "positional arguments" in text


def test_help_of_the_cell_magic_needs_no_body(shell, capsys):
    assert run_cell(shell, "%%graph --help").success
    assert "Declare a graph" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%graph g\n\nclean = = 3", ["'g'", "line 3", "not Python"]),
        ("%%graph g\nclean = Step(dubble)", ["line 2", "'dubble'", "did you mean 'double'?"]),
        ("%%graph g\ndouble >> first", ["line 2", ">>", "Step(f)", "Model(m)"]),
        ("%%graph g\nx = 1\ny = 1 / 0", ["line 3", "ZeroDivisionError"]),
        ("%%graph g\nvote = VotingEnsemble()", ["line 2", "at least one route"]),
        ("%%graph g\nvote = VotingEnsemble(first, 3)", ["line 2", "route 2", "an int"]),
        (
            "%%graph g\nvote = VotingEnsemble(first, weights={'frst': 1})",
            ["line 2", "'frst'", "did you mean 'first'?"],
        ),
        ("%%graph g\na = Step(double)\nb = Step(double)", ["'a', 'b'", "a >> b"]),
        (
            "%%graph g\na = Step(double)\nb = Step(double)\na >> b >> a",
            ["line 4", "cycle", "a >> b >> a"],
        ),
        (
            "%%graph g\na = Step(double)\nb = Step(double)\nc = Step(double)\na >> b",
            ["'c'", "not in the flow"],
        ),
        ("%%graph g\nx = 3", ["declares no step"]),
        ("%%graph X\nStep(double)", ["'X'", "DataFrame"]),
        ("%%graph my-graph\nStep(double)", ["'my-graph'"]),
        ("%%graph\nStep(double)", ["no name"]),
        ("%graph nope", ["'nope'"]),
        ("%graph X", ["'X'", "DataFrame"]),
        ("%graph_run nope X", ["no graph", "'nope'"]),
        ("%graph_run", ["required", "graph_run --help"]),
        ("%graph_run g 'X", ["quotation"]),
        ("%graph_run g X --seed x", ["--seed"]),
    ],
)
def test_a_mistake_is_told_in_one_line_that_says_where(shell, cell, words):
    line = error_of(shell, cell)
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%graph_run g XX", ["'XX'", "did you mean 'X'?"]),
        ("%graph_run g 3", ["DataFrame", "int"]),
        ("%graph_run g X[['a', 'b']]", ["unrecognized arguments"]),
        ("%graph_run g X --into 3x", ["'3x'"]),
        ("%graph_run g X --into g", ["'g'", "a Graph", "another name"]),
        ("%graph_run g X --into double", ["'double'", "a function", "another name"]),
        ("%graph_compare results y --into first", ["'first'", "another name"]),
        ("%graph_compare results y[:2]", ["2 labels", "3 events"]),
        ("%graph_compare X y", ["no run", "DataFrame"]),
    ],
)
def test_a_mistake_in_a_line_is_told_too(shell, line, words):
    declare(shell, DECLARED)
    shell.run_line_magic("graph_run", "g X --into results")
    told = error_of(shell, line)
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    "expression", ["X[X.a.map({1.0:'p'}).isna()]", '\'X[["a", "b"]]\'', "X.query('a>0')", "X"]
)
def test_events_may_be_an_expression_and_stand_in_quotes_if_it_has_spaces(shell, expression):
    declare(shell, DECLARED)
    assert len(shell.run_line_magic("graph_run", f"g {expression} --into r")) > 0


def test_a_failing_event_that_stops_the_run_names_graph_node_event_and_the_users_line(shell):
    run_cell(shell, "def halve(event):\n    return 1 / (event['a'] - 1)")
    declare(shell, "half = Step(halve)")
    line = error_of(shell, "%graph_run g X --on-error raise")
    assert "'g'" in line and "'half'" in line and "event 7" in line
    assert "ZeroDivisionError" in line and "line 2 of halve" in line


def test_the_users_own_exception_is_the_cause(shell):
    run_cell(shell, "def fail(event):\n    raise KeyError('x')")
    declare(shell, "Step(fail)")
    error = run_cell(shell, "%graph_run g X --on-error raise").error_in_exec
    assert isinstance(error.__cause__, KeyError)


def test_failing_events_are_told_when_a_run_is_shown(shell):
    run_cell(shell, "def halve(event):\n    return 1 / (event['a'] - 1)")
    declare(shell, "half = Step(halve)")
    run = shell.run_line_magic("graph_run", "g X")
    assert repr(run) == (
        "Run of 'g': 3 events, 2 answered, 1 failed; "
        "half: ZeroDivisionError: float division by zero"
    )


def test_the_notebooks_own_router_class_wins_over_ours(shell):
    run_cell(
        shell,
        "from graph_magics import VotingEnsemble as Ours\n"
        "class VotingEnsemble(Ours):\n    kind = 'Mine'",
    )
    assert declare(shell, "vote = VotingEnsemble(first, second)").vote.kind == "Mine"


def test_a_variable_of_the_notebook_that_shares_a_name_with_ours_does_not_disturb(shell):
    run_cell(shell, "from typing import Sequence\nModel = 3")
    graph = declare(shell, "both = Sequence(double, Model(first))")
    assert graph.both.kind == "Sequence"


def test_a_step_made_in_an_earlier_cell_keeps_its_variables_name(shell):
    run_cell(shell, "from graph_magics import Step\nearlier = Step(double)")
    assert repr(declare(shell, "vote = VotingEnsemble(first)\nearlier >> vote")) == (
        "Graph 'g': earlier >> vote[first]"
    )


def test_reloading_leaves_no_duplicate_and_unloading_nothing(shell):
    transformers = len(shell.input_transformers_cleanup)
    shell.run_line_magic("reload_ext", "graph_magics")
    assert len(shell.input_transformers_cleanup) == transformers
    assert isinstance(declare(shell, DECLARED), Graph)
    shell.run_line_magic("unload_ext", "graph_magics")
    assert len(shell.input_transformers_cleanup) == transformers - 1
    for kind in ("line", "cell"):
        assert not [name for name in shell.magics_manager.magics[kind] if "graph" in name]
    shell.run_line_magic("load_ext", "graph_magics")
    assert isinstance(shell.run_line_magic("graph_run", "g X"), Run)


def test_pickles_are_allowed_by_config_until_the_extension_is_unloaded(shell):
    shell.run_line_magic("config", "GraphMagics.allow_pickle = True")
    assert SETTINGS.allow_pickle
    run_cell(shell, "%config GraphMagics.allow_pickle = 'perhaps'")  # Told by IPython.
    assert SETTINGS.allow_pickle
    shell.run_line_magic("reload_ext", "graph_magics")
    assert not SETTINGS.allow_pickle
    names = [type(each).__name__ for each in shell.configurables]
    assert names.count("GraphMagics") == 1


def test_a_cell_of_mlruns_calls_declares_a_graph_and_tells_what_may_surprise(shell, capsys):
    graph = declare(shell, 'graph.to(name="more", handler="(event + 1)")')
    assert repr(graph) == "Graph 'g': more"
    assert "Note: no step responds" in capsys.readouterr().out
    graph = declare(shell, 'graph.to(name="more", handler="(event + 1)").respond()')
    assert capsys.readouterr().out.count("Note") == 0
    assert graph.test(body=1) == 2


def test_a_class_that_is_not_there_is_told_by_the_cell_with_the_near_one(shell):
    run_cell(shell, "class PreProcess:\n    def do(self, x):\n        return x")
    cell = '%%graph g\ngraph.to(class_name="PreProces", name="pre").respond()'
    error = error_of(shell, cell)
    assert "graph 'g', node 'pre'" in error and "'PreProcess'" in error
