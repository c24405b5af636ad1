"""The weights panel without a browser: its traits, its figures, its buttons, its end."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import ipywidgets
import nbformat
import numpy as np
import pandas as pd
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from sklearn.metrics import accuracy_score, mean_absolute_error

import graph_magics
from graph_magics import Graph, GraphError, Splitter, Step, VotingEnsemble, WeightsPanel, mlrun

from .shells import error_of, run_cell

EVENTS = pd.DataFrame(
    {"a": [0, 1, 1, 0, 1, 0], "b": [1, 1, 0, 0, 1, 1], "c": [0, 0, 1, 0, 1, 0]},
    index=list("uvwxyz"),
)
TRUTH = pd.Series([0, 1, 1, 0, 1, 1], index=EVENTS.index, name="truth")
WIDGET = "application/vnd.jupyter.widget-view+json"


class Column:
    """A model that answers with a column."""

    def __init__(self, name: str) -> None:
        self.name = name

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Answer with it."""
        return frame[self.name].to_numpy()


def models() -> dict[str, Column]:
    return {name: Column(name) for name in "abc"}


def voting(**options: Any) -> Graph:
    vote = VotingEnsemble(**models(), vote_type="classification", name="vote", **options)
    return Graph("g", vote)


def splitting(weights: dict[str, float] | None = None) -> Graph:
    return Graph("g", Splitter(**models(), weights=weights, name="split"))


def opened(graph: Graph, **options: Any) -> WeightsPanel:
    return graph.weights_panel(run=graph.run(EVENTS, seed=3), y=TRUTH, **options)


def asked(panel: WeightsPanel, number: int, weights: dict[str, float]) -> None:
    """What comes in when the browser has moved a slider."""
    panel.set_state({"weights": weights, "_asked": number})


def pressed(panel: WeightsPanel, button: str, weights: dict[str, float] | None = None) -> None:
    panel._handle_custom_msg({"do": button, "weights": weights or panel.weights}, [])


def state(panel: WeightsPanel) -> dict[str, Any]:
    """What the browser has of it: JSON, without a NaN."""
    return json.loads(json.dumps(panel.get_state(), allow_nan=False, default=str))


# ---- Weights ----


def test_it_begins_with_the_weights_of_the_graph():
    assert voting().weights_panel().weights == {"a": 1, "b": 1, "c": 1}
    assert voting(weights={"a": 3, "c": 1}).weights_panel().weights == {"a": 3, "b": 0, "c": 1}
    shares = {"a": 3, "b": 1, "c": 1}
    assert splitting(shares).weights_panel().weights == {"a": 60, "b": 20, "c": 20}


@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=3).filter(lambda some: sum(some) > 1e-3))
def test_shares_of_a_splitter_always_add_up_to_100(some: list[float]):
    panel = splitting().weights_panel()
    panel.weights = dict(zip("abc", some, strict=True))
    assert sum(panel.weights.values()) == pytest.approx(100)
    again = dict(panel.weights)
    panel.weights = again
    assert panel.weights == again
    panel.close()


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"a": -1, "b": 1, "c": 1}, "the weight of 'a' must be a number from 0 on, got -1"),
        ({"a": float("nan"), "b": 1, "c": 1}, "must be a number from 0 on, got nan"),
        ({"a": float("inf"), "b": 1, "c": 1}, "must be a number from 0 on, got inf"),
        ({"a": "1", "b": 1, "c": 1}, "must be a number from 0 on, got '1'"),
        ({"a": 0, "b": 0, "c": 0}, "the weights are all 0"),
        ({"a": 1, "b": 1, "d": 1}, "weights name 'd', which is no route"),
        ([1, 2, 3], "weights must be a dict of route to weight"),
        (None, "dict of route to weight"),
    ],
)
@pytest.mark.parametrize("graph", [voting, splitting])
def test_weights_that_cannot_be_are_told_in_a_line_and_change_nothing(
    graph: Any, bad: Any, told: str
):
    panel = opened(graph())
    before, figures = panel.weights, panel._figures
    with pytest.raises(GraphError, match=told) as raised:
        panel.weights = bad
    assert isinstance(raised.value, traitlets.TraitError)
    (line,) = raised.value._render_traceback_()
    assert "\n" not in line
    assert line.startswith("BadWeights: graph 'g', node ")
    assert (panel.weights, panel._figures) == (before, figures)


def test_what_is_wrong_from_the_browser_is_told_in_the_panel():
    panel = opened(voting())
    before = panel.weights
    asked(panel, 1, {"a": 0, "b": 0, "c": 0})
    assert panel.weights == before
    assert panel._said["is_problem"]
    assert "the weights are all 0" in panel._said["text"]
    assert panel._figures["asked"] == 1  # The browser waits for an answer to its question.


def test_other_widgets_can_be_linked_to_the_weights():
    one, two = opened(voting()), opened(voting())
    ipywidgets.link((one, "weights"), (two, "weights"))
    one.weights = {"a": 3, "b": 1, "c": 1}
    assert two.weights == {"a": 3, "b": 1, "c": 1}
    asked(two, 1, {"a": 1, "b": 5, "c": 1})
    assert one.weights == {"a": 1, "b": 5, "c": 1}
    assert one.score == two.score


def test_observers_see_weights_and_figures_together():
    panel, seen = opened(voting()), []
    panel.observe(lambda change: seen.append((dict(panel.weights), change["new"])), "changed")
    panel.weights = {"a": 0, "b": 1, "c": 0}
    assert seen == [({"a": 0, "b": 1, "c": 0}, 3)]


# ---- Figures ----


@settings(max_examples=25)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any))
def test_figures_of_a_vote_are_those_of_a_real_run(some: list[int]):
    graph, weights = voting(), dict(zip("abc", some, strict=True))
    panel = opened(graph)
    before = graph.run(EVENTS).frame["response"]
    panel.weights = weights
    graph.set_weights(weights)
    after = graph.run(EVENTS).frame["response"]
    assert panel.score == pytest.approx(accuracy_score(TRUTH, after))
    assert panel.changed == (before != after).sum()
    panel.close()


@settings(max_examples=25)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any), st.integers(0, 50))
def test_figures_of_a_splitter_are_those_of_a_real_run_and_of_all_draws(some: list[int], seed: int):
    graph, weights = splitting(), dict(zip("abc", some, strict=True))
    run = graph.run(EVENTS, seed=seed)
    panel = graph.weights_panel(run=run, y=TRUTH)
    panel.weights = weights
    graph.set_weights(weights)
    after = graph.run(EVENTS, seed=seed).frame["response"]
    assert panel.score == pytest.approx(accuracy_score(TRUTH, after))
    assert panel.changed == (run.frame["response"] != after).sum()
    assert panel.traffic == pytest.approx(
        {name: some / sum(weights.values()) for name, some in weights.items()}
    )
    expected = run.expected(TRUTH, weights).loc["expected", "accuracy"]
    assert panel._figures["expected"]["value"] == pytest.approx(expected)
    panel.close()


def test_other_splitters_draw_anew_in_what_is_expected_over_all_draws():
    nested = Splitter(good=lambda e: 1, bad=lambda e: 0, name="inner")
    graph = Graph("g", Splitter(a=nested, b=lambda e: 0, name="outer"))
    panel = graph.weights_panel("outer", run=graph.run([1] * 20), y=[1] * 20)
    panel.weights = {"a": 100, "b": 0}
    assert panel._figures["expected"]["value"] == pytest.approx(0.5)
    panel.close()


def test_whole_answers_are_shown_whole_beside_events_without_one():
    def picky(event: dict[str, int]) -> int:
        if event["x"] % 2:
            raise ValueError("odd")
        return 1_234_567

    graph = Graph("g", Splitter(a=picky, b=lambda e: 7_654_321, name="split"))
    run = graph.run(pd.DataFrame({"x": range(20)}))
    panel = graph.weights_panel(run=run, y=[1_234_567] * 20)
    panel.weights = {"a": 100, "b": 0}
    shown = [row["cells"] for row in panel._figures["examples"]["rows"]]
    assert {cells[-1] for cells in shown} == {"1234567", "-"}
    assert {cells[-2] for cells in shown} == {"7654321"}
    right = run.what_if({"a": 1, "b": 0})["response"].notna() & (run.frame["split.route"] == "b")
    assert f"{right.sum()} right instead of wrong, 0 the reverse" in " ".join(
        panel._figures["lines"]
    )
    panel.close()


def test_each_model_stands_beside_as_if_it_answered_alone():
    for graph in (voting(), splitting()):
        panel = opened(graph)
        alone = {row["name"]: row["value"] for row in panel._judged["rows"]}
        for name in "abc":
            assert alone[f"{name} alone"] == pytest.approx(accuracy_score(TRUTH, EVENTS[name]))


def test_a_regression_tells_how_far_answers_move():
    graph = Graph("g", VotingEnsemble(**models(), vote_type="regression", name="vote"))
    panel = opened(graph)
    assert panel.metric == "mae"
    panel.weights = {"a": 2, "b": 1, "c": 1}
    after = (2 * EVENTS["a"] + EVENTS["b"] + EVENTS["c"]) / 4
    assert panel.score == pytest.approx(mean_absolute_error(TRUTH, after))
    assert "by 0.0833 at the median" in panel._figures["lines"][0]


def test_the_first_changed_events_are_shown_with_their_labels():
    panel = opened(voting())
    panel.weights = {"a": 0, "b": 1, "c": 0}
    shown = panel._figures["examples"]
    assert shown["columns"] == ["event", "target", "run", "now"]
    assert [row["cells"] for row in shown["rows"]] == [
        ["u", "0", "0", "1"],
        ["w", "1", "1", "0"],
        ["z", "1", "0", "1"],
    ]
    assert [row["marks"][2:] for row in shown["rows"]] == [
        ["right", "wrong"],
        ["right", "wrong"],
        ["wrong", "right"],
    ]
    assert panel._figures["lines"] == [
        "3 of 6 events would be answered otherwise than in the run: "
        "1 right instead of wrong, 2 the reverse."
    ]


def test_behind_a_step_the_vote_is_judged_and_responses_are_shown():
    vote = VotingEnsemble(**models(), vote_type="classification", name="vote")
    graph = Graph("g", vote >> Step(lambda label: "yes" if label else "no", name="word"))
    panel = opened(graph)
    panel.weights = {"a": 0, "b": 1, "c": 0}
    assert panel.score == pytest.approx(accuracy_score(TRUTH, EVENTS["b"]))
    first = panel._figures["examples"]["rows"][0]
    assert first == {"cells": ["u", "0", "no", "yes"], "marks": ["", "", "", ""]}


class Says(mlrun.V2ModelServer):
    """Answers each sample with one of its numbers."""

    def load(self) -> None:
        """Need no file."""

    def predict(self, body: Any) -> list[int]:
        """Answer with the number at the place that it was made with."""
        return [sample[self.get_param("place")] for sample in body["inputs"]]


def test_an_ensemble_of_mlruns_is_turned_and_judged_by_samples():
    graph = Graph(
        "g", topology="router", class_name="VotingEnsemble", namespace={},
        vote_type="classification",
    )  # fmt: skip
    for place, name in enumerate("abc"):
        graph.add_route(name, class_name=Says, place=place)
    bodies = [{"inputs": EVENTS.iloc[:4].to_numpy().tolist()}, {"inputs": [[1, 1, 1], [0, 1, 0]]}]
    panel = graph.weights_panel(run=graph.run(bodies), y=TRUTH.tolist())
    assert panel.weights == {"a": 1, "b": 1, "c": 1}
    panel.weights = {"a": 0, "b": 1, "c": 0}
    assert panel.score == pytest.approx(accuracy_score(TRUTH, EVENTS["b"]))
    assert panel.changed == 2
    assert panel._figures["examples"]["columns"] == ["event", "run", "now"]
    panel.apply()
    assert graph.test(body=bodies[1])["outputs"] == [1, 1]
    panel.reset()
    assert graph.test(body=bodies[1])["outputs"] == [1, 0]


def test_without_a_run_there_are_weights_and_a_word_of_what_is_missing():
    graph = voting()
    panel = graph.weights_panel()
    panel.weights = {"a": 2, "b": 1, "c": 1}
    assert (panel.metric, panel.score, panel.changed) == (None, None, None)
    assert panel.traffic == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert "--run" in state(panel)["_facts"]["hint"]
    panel.apply()
    assert graph.vote.weights == {"a": 0.5, "b": 0.25, "c": 0.25}


def test_without_labels_it_still_tells_what_changes():
    graph = voting()
    panel = graph.weights_panel(run=graph.run(EVENTS))
    panel.weights = {"a": 0, "b": 1, "c": 0}
    assert (panel.metric, panel.score, panel.changed) == (None, None, 3)
    assert "--labels" in state(panel)["_facts"]["hint"]


def test_events_without_an_answer_are_no_nan_in_what_goes_to_the_browser():
    def some_fail(event: dict[str, int]) -> int:
        return 1 // event["a"]

    for router in (VotingEnsemble, Splitter):
        graph = Graph("g", router(x=some_fail, y=lambda event: 1, name="router"))
        run = graph.run(EVENTS)
        panel = graph.weights_panel(run=run, y=TRUTH)
        panel.weights = {"x": 20, "y": 80}
        state(panel)
    expected = run.expected(TRUTH, {"x": 20, "y": 80}).loc["expected", "accuracy"]
    assert panel._figures["expected"]["value"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"y": [1, 0]}, "2 labels, the run has 6 events"),
        ({"y": TRUTH.set_axis(range(10, 16))}, "is not that of the run"),
        ({"y": [None] * 6}, "no event has a target"),
        ({"y": TRUTH, "metric": "acuracy"}, "no metric 'acuracy' of a classification; did you"),
        ({"metric": "f1"}, "the metric 'f1' needs labels"),
        ({"router": "votes"}, "no router is called 'votes'; did you mean 'vote'?"),
        ({"router": "vote.a"}, "'vote.a' is a Model without weights"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(options: dict[str, Any], told: str):
    graph = voting()
    with pytest.raises(GraphError, match=told) as raised:
        graph.weights_panel(options.pop("router", None), run=graph.run(EVENTS), **options)
    assert str(raised.value).startswith("graph 'g'")
    assert "\n" not in str(raised.value)


def test_a_run_that_is_not_the_graphs_is_refused():
    graph = voting()
    other = Graph("h", VotingEnsemble(**models())).run(EVENTS)
    with pytest.raises(GraphError, match="the run is of another graph, 'h'"):
        graph.weights_panel(run=other)
    changed = Graph("g", VotingEnsemble(**models(), d=Column("a"), name="vote"))
    with pytest.raises(GraphError, match="declared otherwise after the run: run the events again"):
        graph.weights_panel(run=changed.run(EVENTS))
    with pytest.raises(GraphError, match="run must be a Run, of events in memory"):
        graph.weights_panel(run=EVENTS)
    with pytest.raises(GraphError, match="need the run that they are of"):
        graph.weights_panel(y=TRUTH)


# ---- To and fro ----


def test_each_question_of_the_browser_is_answered_with_its_number():
    panel = opened(voting())
    asked(panel, 1, {"a": 0, "b": 1, "c": 0})
    assert panel._figures["asked"] == 1
    assert panel._figures["weights"] == {"a": 0, "b": 1, "c": 0}
    assert panel.changed == 3
    asked(panel, 2, {"a": 0, "b": 1, "c": 0})  # The same again: it waits for an answer, too.
    assert panel._figures["asked"] == 2


def test_weights_are_told_once_however_often_they_are_asked_for(monkeypatch: pytest.MonkeyPatch):
    panel, told = opened(voting()), []
    of = panel._judge.of
    monkeypatch.setattr(panel._judge, "of", lambda weights: told.append(weights) or of(weights))
    asked(panel, 1, {"a": 0, "b": 1, "c": 0})
    asked(panel, 2, {"a": 0, "b": 1, "c": 0})
    assert told == [{"a": 0, "b": 1, "c": 0}]


def test_a_button_counts_with_the_weights_that_it_was_pressed_with():
    graph = voting()
    panel = opened(graph)
    asked(panel, 1, {"a": 5, "b": 1, "c": 1})
    pressed(panel, "apply", {"a": 0, "b": 1, "c": 3})
    assert panel.weights == {"a": 0, "b": 1, "c": 3}
    assert graph.vote.weights == {"a": 0, "b": 0.25, "c": 0.75}
    assert panel._said["text"] == "Applied: g.vote has these weights now."


def test_an_unknown_message_does_nothing():
    panel = opened(voting())
    before = panel.weights
    for content in ({"do": "close"}, {"do": None}, {}, {"do": "apply", "weights": {"a": -1}}):
        panel._handle_custom_msg(content, [])
    assert panel.weights == before


# ---- Buttons ----


def test_apply_and_reset_change_the_graph_and_put_it_back():
    graph = voting(weights={"a": 2, "b": 1, "c": 1})
    panel = opened(graph)
    panel.weights = {"a": 0, "b": 1, "c": 0}
    assert graph.vote.weights == {"a": 0.5, "b": 0.25, "c": 0.25}
    panel.apply()
    assert graph.run(EVENTS).frame["vote"].tolist() == EVENTS["b"].tolist()
    panel.reset()
    assert panel.weights == {"a": 2, "b": 1, "c": 1}
    assert graph.vote.weights == {"a": 0.5, "b": 0.25, "c": 0.25}


def test_reset_leaves_a_graph_alone_that_was_given_nothing():
    graph = voting()
    panel = opened(graph)
    graph.set_weights({"a": 9, "b": 1, "c": 0})
    panel.reset()
    assert graph.vote.weights == {"a": 0.9, "b": 0.1, "c": 0}


def test_a_manifest_takes_whole_percents_and_others_are_told():
    services = {name: (lambda body: {"predictions": [1]}) for name in "ab"}
    steps = [{"serviceName": "a", "weight": 70}, {"serviceName": "b", "weight": 30}]
    spec = {"nodes": {"root": {"routerType": "Splitter", "steps": steps}}}
    graph = Graph.from_kserve(spec, services)
    panel = graph.weights_panel()
    assert panel.weights == {"a": 70, "b": 30}
    assert panel._facts["grain"] == 1
    pressed(panel, "apply", {"a": 45, "b": 55})
    assert graph.root.root.weights == {"a": 0.45, "b": 0.55}
    pressed(panel, "apply", {"a": 45.5, "b": 54.5})
    assert panel._said["is_problem"]
    assert "whole percent" in panel._said["text"]


def test_a_search_takes_the_best_weights_and_says_what_they_gain():
    graph = voting()
    run = graph.run(pd.concat([EVENTS] * 40, ignore_index=True))
    truth = pd.concat([TRUTH] * 40, ignore_index=True)
    panel = graph.weights_panel(run=run, y=truth)
    panel.search().join()
    best = run.best_weights(truth)
    assert panel.weights == best.weights
    assert panel._said["text"] == f"These are the best weights found. {best.verdict}"
    assert not panel._searching


def test_a_search_leaves_the_kernel_free_and_is_not_begun_twice(monkeypatch: pytest.MonkeyPatch):
    panel, go_on = opened(voting()), threading.Event()
    monkeypatch.setattr(panel._judge.run, "best_weights", lambda *_, **__: go_on.wait(30))
    thread = panel.search()
    assert panel._searching
    panel.weights = {"a": 2, "b": 1, "c": 1}
    assert panel.changed is not None
    with pytest.raises(GraphError, match="it is searching already"):
        panel.search()
    go_on.set()
    thread.join()
    assert not panel._searching
    assert panel._said["is_problem"]  # What it was given is no result.


@pytest.mark.filterwarnings("error")
def test_a_search_that_cannot_be_is_told():
    with pytest.raises(GraphError, match="a search needs a run and its labels"):
        voting().weights_panel().search()
    panel = opened(splitting())
    panel.search().join()
    assert "a Splitter sends each event to one route" in panel._said["text"]


# ---- Several of them, and their end ----


def test_several_panels_of_a_graph_do_not_disturb_each_other():
    graph = voting()
    one, two = opened(graph), opened(graph)
    one.weights = {"a": 0, "b": 1, "c": 0}
    assert two.weights == {"a": 1, "b": 1, "c": 1}
    assert (one.changed, two.changed) == (3, 0)
    one.apply()
    assert two.weights == {"a": 1, "b": 1, "c": 1}
    assert two._said["number"] == 0
    one.close()
    two.weights = {"a": 0, "b": 1, "c": 0}
    assert two.changed == 3


def test_a_closed_panel_lets_go_of_all_that_it_held():
    graph = voting()
    run = graph.run(EVENTS)
    panel = graph.weights_panel(run=run, y=TRUTH)
    panel._repr_mimebundle_()
    judge = weakref.ref(panel._judge)
    held = [weakref.ref(thing) for thing in (graph, run)]
    panel.close()
    del graph, run
    gc.collect()
    assert [one() for one in (*held, judge)] == [None] * 3
    gone = weakref.ref(panel)
    del panel
    gc.collect()
    assert gone() is None


def test_a_closed_panel_says_so():
    panel = opened(voting())
    panel.close()
    assert repr(panel) == "A panel of weights that is closed"
    for action in (panel.apply, panel.reset, panel.search):
        with pytest.raises(GraphError, match="the panel is closed"):
            action()
    with pytest.raises(GraphError, match="the panel is closed"):
        panel.weights = {"a": 1, "b": 1, "c": 1}


# ---- Without a front end ----


def test_its_text_is_the_same_each_time_and_has_no_ids():
    first, second = opened(voting()), opened(voting())
    assert repr(first) == repr(second)
    assert first.model_id not in repr(first)
    assert repr(first) == (
        "Weights of g.vote (VotingEnsemble, classification)\n"
        "  weight   share accuracy alone\n"
        "a      1  33.3 %         0.8333\n"
        "b      1  33.3 %         0.6667\n"
        "c      1  33.3 %         0.6667\n"
        "accuracy 0.8333; with the weights of the run 0.8333.\n"
        "None of 6 events would be answered otherwise than in the run."
    )


def test_its_still_picture_shows_the_weights_and_escapes_names():
    routes = {"<b>&": Column("a"), "b": Column("b")}
    panel = Graph('<i>"', VotingEnsemble(name="vote", **routes)).weights_panel()
    panel.weights = {"<b>&": 3, "b": 1}
    data, _ = panel._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", WIDGET}
    assert "<b>" not in data["text/html"]
    assert "<i>" not in data["text/html"]
    assert "&lt;b&gt;&amp;" in data["text/html"]
    assert ">0.75<" in data["text/html"]
    assert "<svg" in data["text/html"]


def test_an_executed_notebook_is_a_page_with_a_still_picture(tmp_path: Path):
    code = """
from graph_magics import Graph, VotingEnsemble
graph = Graph("g", VotingEnsemble(a=abs, b=round, name="vote"))
graph.weights_panel()
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(
        notebook, kernel_name="python3", store_widget_state=False,
        extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": tmp_path}},
    ).execute()  # fmt: skip
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert "Weights of g.vote (VotingEnsemble)" in page
    assert "50.0 %" in page
    assert ">0.5<" in page


def test_the_state_of_a_panel_is_small():
    panel = opened(voting())
    sizes = {name: len(json.dumps(value, default=str)) for name, value in panel.get_state().items()}
    code = sizes.pop("_esm") + sizes.pop("_css")
    assert code < 40_000
    assert sum(sizes.values()) < 30_000


def test_importing_the_package_does_not_import_widgets():
    code = "import sys, graph_magics; print({'anywidget', 'ipywidgets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert graph_magics.WeightsPanel is WeightsPanel
    with pytest.raises(AttributeError, match="no attribute 'WeightPanel'"):
        graph_magics.WeightPanel  # noqa: B018


# ---- The magic ----


@pytest.fixture
def notebook(shell: InteractiveShell) -> InteractiveShell:
    shell.user_ns.update(a=Column("a"), b=Column("b"), c=Column("c"), X=EVENTS, y=TRUTH)
    shell.run_cell_magic("graph", "g", 'vote = VotingEnsemble(a, b, c, vote_type="classification")')
    run_cell(shell, "%graph_run g X --into results")
    return shell


def test_the_magic_shows_a_panel(notebook: InteractiveShell):
    line = "%graph_weights g.vote --run results --labels y --metric f1 --into panel"
    panel = run_cell(notebook, line).result
    assert isinstance(panel, WeightsPanel)
    assert notebook.user_ns["panel"] is panel
    assert panel.metric == "f1"
    assert run_cell(notebook, "%graph_weights g").result.weights == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%graph_weights", "the following arguments are required: router"),
        ("%graph_weights h.vote", "no graph is called 'h'"),
        ("%graph_weights g.votes", "no router is called 'votes'; did you mean 'vote'?"),
        ("%graph_weights g --run result", "no run is called 'result'; did you mean 'results'?"),
        ("%graph_weights g --run X", "'X' is no run but a DataFrame"),
        ("%graph_weights g --labels y", "labels and a metric need the run"),
        ("%graph_weights g --run results --labels yy", "name 'yy' is not defined"),
        ("%graph_weights g --run results --labels y[:2]", "the run has 6 events"),
    ],
)
def test_mistakes_in_the_line_are_told_in_a_line(notebook: InteractiveShell, line: str, told: str):
    assert told in error_of(notebook, line)


def test_the_magic_tells_its_use(notebook: InteractiveShell, capsys: pytest.CaptureFixture[str]):
    run_cell(notebook, "%graph_weights --help")
    assert "--labels" in capsys.readouterr().out
