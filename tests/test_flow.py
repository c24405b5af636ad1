"""Flows: what ``>>`` makes, and how events run through it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import Ensemble, Graph, GraphError, Step, Switch, VotingEnsemble
from graph_magics.flow import Flow

from .models import IRIS, answers, frame_of, has_words, mistake, on_frame, run


def add(number: int) -> Step:
    return Step(lambda x: x + number, name=f"add{number}")


# --- joining --------------------------------------------------------------------------------


def test_steps_run_one_after_the_other():
    assert answers(add(1) >> Step(lambda x: x * 10) >> add(2), [1, 2]) == [22, 32]


@pytest.mark.parametrize(
    "joined",
    [
        lambda: add(1) >> abs >> hex,
        lambda: abs >> add(1) >> hex,
        lambda: Step(abs) >> (add(1) >> hex),
        lambda: [abs] >> add(1) >> [hex],
        lambda: [[abs]] >> add(1) >> ([hex],),
        lambda: Graph("inner", abs) >> add(1) >> Graph("last", hex),
    ],
    ids=["right", "left", "grouped", "lists", "nested lists", "graphs"],
)
def test_whatever_may_stand_for_a_step_may_be_joined(joined):
    flow = joined()
    assert isinstance(flow, Flow)
    assert answers(flow, [-3 if len(flow.steps) else 0])[0] in ("0x2", "0x4")


def test_joining_makes_a_new_flow_and_leaves_the_old_ones_alone():
    a, b, c = add(1), add(2), add(3)
    first = a >> b
    second = first >> c
    assert first.steps == (a, b)
    assert second.steps == (a, b, c)
    assert answers(first, [0]) == [3]


def test_a_node_is_true_so_that_it_can_be_asked_for():
    assert bool(add(1))
    assert bool(Ensemble(abs))


# --- branches -------------------------------------------------------------------------------


def test_the_first_branch_declared_gives_the_answer_and_all_of_them_run():
    one, two = add(1), add(2)
    frame = run(add(0) >> [one, two], [5]).frame
    assert frame["response"].tolist() == [6]
    assert frame[["add1", "add2"]].values.tolist() == [[6, 7]]
    assert answers(add(0) >> [two, one], [5]) == [7]


def test_a_list_alone_is_a_graph_of_branches():
    assert answers([add(2), add(1)], [5]) == [7]


def test_a_step_behind_branches_runs_for_each_and_the_first_counts():
    seen = []

    def last(x):
        seen.append(x)
        return x * 10

    assert answers(add(0) >> [add(1), add(2)] >> last, [5, 6]) == [60, 70]
    assert seen == [6, 7, 7, 8]


def test_a_branch_may_be_longer_than_its_neighbour():
    start, end = add(0), Step(repr)
    flow = start >> [add(1) >> add(10) >> add(100), add(2)] >> end
    assert answers(flow, [0]) == ["111"]


def test_a_step_runs_after_everything_that_it_waits_for_however_it_is_declared():
    a, b, c = add(1), add(10), add(100)
    flow = Flow([c, b, a], [(b, c), (a, b)])
    assert answers(flow, [0]) == [111]


def test_an_event_that_fails_on_any_branch_fails():
    given = answers([lambda x: x, lambda x: 10 // x], [5, 0])
    assert given[0] == 5
    assert has_words(given[1], ["step-2", "ZeroDivisionError"])


def test_a_failed_event_reaches_no_later_step():
    seen = []
    result = run(Step(lambda x: 1 // x, name="first") >> (lambda x: seen.append(x) or x), [1, 0])
    assert seen == [1]
    assert result.errors["step"].tolist() == ["first"]


@given(st.lists(st.integers(-2, 2), max_size=6), st.integers(1, 3))
def test_branches_answer_event_by_event_as_they_do_together(events, size):
    flow = [Step(lambda x: 10 // x), Step(lambda x: 10 // (x - 1)) >> (lambda x: -x)]
    together = answers(flow, events, chunk_size=size)
    assert together == [answers(flow, [event])[0] for event in events]


# --- nesting --------------------------------------------------------------------------------


def test_a_flow_may_be_a_route_and_a_graph_a_step():
    inner = Graph("inner", add(1) >> add(2))
    graph = Graph("g", Ensemble(a=inner, b=add(5) >> add(6)) >> (lambda body: body["a"]))
    assert graph.test(0) == 3
    assert list(graph.nodes) == [
        "ensemble",
        "ensemble.a",
        "ensemble.a.add1",
        "ensemble.a.add2",
        "ensemble.b",
        "ensemble.b.add5",
        "ensemble.b.add6",
        "step",
    ]


def test_a_graph_inside_keeps_its_name_and_its_own_names():
    clean = Step(abs)
    inner = Graph("inner", clean)
    outer = Graph("outer", inner >> VotingEnsemble(m=lambda x: x))
    assert list(outer.nodes) == ["inner", "inner.clean", "votingensemble", "votingensemble.m"]
    assert list(inner.nodes) == ["clean"]


def test_a_step_may_stand_in_several_graphs():
    shared = add(1)
    first, second = Graph("a", shared >> add(2)), Graph("b", shared >> add(3))
    assert (first.test(0), second.test(0)) == (3, 4)
    assert first["add1"] is second["add1"]


def test_the_same_graph_may_be_declared_twice_with_the_same_parts():
    clean, vote = Step(lambda row: row), VotingEnsemble(on_frame())
    graphs = [Graph("g", clean >> vote) for _ in range(2)]
    assert repr(graphs[0]) == repr(graphs[1])
    assert graphs[0].run(IRIS).frame.equals(graphs[1].run(IRIS).frame)


# --- names ----------------------------------------------------------------------------------


def test_steps_that_repeat_are_numbered_and_a_name_that_was_given_stays():
    flow = Step(abs) >> abs >> Step(hex, name="abs-1")
    assert list(Graph("g", flow).nodes) == ["abs-2", "abs-3", "abs-1"]


def test_two_steps_of_one_name_are_refused():
    mistake(lambda: Graph("g", Step(abs, name="x") >> Step(hex, name="x")), "'x'", "rename")


def test_a_flow_names_its_steps_before_it_is_in_a_graph():
    assert list((add(1) >> abs >> abs).children) == ["add1", "abs-1", "abs-2"]


# --- what cannot be -------------------------------------------------------------------------


def test_a_cycle_is_refused_and_told_in_the_order_of_its_arrows():
    a, b, c, aside = add(1), add(2), add(3), add(4)
    error = mistake(lambda: aside >> a >> b >> c >> a, "cycle")
    turns = ["add1 >> add2 >> add3 >> add1", "add2 >> add3 >> add1 >> add2"]
    turns.append("add3 >> add1 >> add2 >> add3")
    assert any(error.message.endswith(turn) for turn in turns)
    mistake(lambda: a >> a, "cycle", "add1 >> add1")


def test_a_cycle_is_told_by_the_names_of_the_variables():
    first, second = Step(abs), Step(hex)
    mistake(lambda: first >> second >> first, "cycle")
    with pytest.raises(GraphError, match=r"first >> second >> first|second >> first >> second"):
        first >> second >> first


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: add(1) >> 5, ["an int cannot be a step"]),
        (lambda: None >> add(1), ["None cannot be a step"]),
        (lambda: add(1) >> "abs", ["'abs'", "cannot be a step"]),
        (lambda: add(1) >> [], ["empty list"]),
        (lambda: add(1) >> [abs, 5], ["an int cannot be a step"]),
        (lambda: add(1) >> dict, ["class dict", "instance"]),
        (lambda: add(1) >> {"a": abs}, ["a dict cannot be a step"]),
    ],
)
def test_what_is_no_step_cannot_be_joined(declare, words):
    mistake(declare, *words)


def test_frames_flow_through_as_columns():
    half = Switch(
        low=lambda row: {"x": row["x"], "is": "low"},
        high=lambda row: {"x": -row["x"], "is": "high"},
        conditions={"low": "x < 3"},
    )
    result = run(half >> (lambda row: f"{row['is']}{row['x']}"), frame_of(x=[1, 5, 2]))
    assert result.frame["response"].tolist() == ["low1", "high-5", "low2"]
