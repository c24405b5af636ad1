"""`Jump` and `NoNode`: nodes that several steps lead to, circles, and what leads nowhere."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from graph_magics import Ensemble, Graph, Sequence, Step
from graph_magics.formats.kserve.building import MOST_NESTED

from .models import frame_of, mistake

Spec = dict[str, Any]


def node(kind: str, *steps: Any) -> Spec:
    """A node of a manifest: a step is a service's name, or its fields."""
    return {
        "routerType": kind,
        "steps": [{"serviceName": step} if isinstance(step, str) else step for step in steps],
    }


def to(target: str, **fields: Any) -> Spec:
    """A step that leads to a node."""
    return {"nodeName": target, **fields}


def graph_of(nodes: Spec, **services: Any) -> Graph:
    return Graph.from_kserve({"nodes": nodes}, services)


def one(service: Any) -> Graph:
    """A graph that does nothing but ask one service."""
    return graph_of({"root": node("Sequence", "only")}, only=service)


def less(body: dict[str, Any]) -> dict[str, Any]:
    """Count down."""
    return {"left": [body["left"][0] - 1]}


def same(body: Any) -> Any:
    return body


MORE = {"condition": "left.#(>0)", "data": "$response"}
COUNTDOWN = {"root": node("Sequence", "less", to("root", **MORE))}
ROUND_FOR_EVER = {"root": node("Sequence", "same", to("root", condition="@this"))}


def left(*numbers: int) -> list[dict[str, Any]]:
    return [{"left": [number]} for number in numbers]


@contextlib.contextmanager
def within(seconds: int) -> Iterator[None]:
    """Interrupt what does not come to an end, where that can be done."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def strike(*_: object) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, strike)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# --- one node, several ways to it -----------------------------------------------------------


def shared() -> Graph:
    nodes = {
        "root": node("Ensemble", to("b", name="one"), to("c", name="two")),
        "b": node("Sequence", "up", to("c", data="$response")),
        "c": node("Sequence", "up"),
    }
    return graph_of(nodes, up=lambda body: {"x": body["x"] + 1})


def test_a_node_that_two_steps_lead_to_answers_both():
    assert shared().test({"x": 1}) == {"one": {"x": 3}, "two": {"x": 2}}


def test_a_node_stands_where_it_is_first_led_to_and_others_jump_there():
    graph = shared()
    kinds = {path: made.kind for path, made in graph.nodes.items()}
    assert kinds == {
        "root": "Ensemble",
        "root.one": "Sequence",
        "root.one.up": "Step",
        "root.one.c": "Sequence",
        "root.one.c.up": "Step",
        "root.two": "Jump",
    }
    assert graph.nodes["root.two"].title == "to root.one.c"
    assert graph.nodes["root.two"].target is graph.nodes["root.one.c"]
    assert "to root.one.c" in graph.draw().svg


def test_a_trace_has_the_jump_and_where_it_led():
    trace = shared().run([{"x": 1}]).trace(0)
    expected = ["root", "root.one", "root.one.up", "root.one.c", "root.one.c.up"]
    assert trace["step"].tolist() == [*expected, "root.two", "root.one.c", "root.one.c.up"]
    assert trace["answered"].tolist()[-3:] == [{"x": 2}] * 3


# --- circles --------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_size", [None, 1, 2])
def test_events_go_round_as_long_as_the_condition_holds(chunk_size):
    run = graph_of(COUNTDOWN, less=less).run(left(3, 1, 20), chunk_size=chunk_size)
    assert run.frame["response"].tolist() == left(0, 0, 0)
    rounds = [(run.trace(place)["step"] == "root.less").sum() for place in range(3)]
    assert rounds == [3, 1, 20]
    assert run.frame["less"].tolist() == left(2, 0, 19)  # What it first answered.


def test_a_graph_with_a_circle_may_stand_in_another():
    inner = Graph.from_kserve({"nodes": COUNTDOWN}, {"less": less}, name="down")
    graph = Graph("outer", Step(same, name="first") >> Sequence(inner, same, name="then"))
    run = graph.run(left(2, 1))
    assert run.frame["response"].tolist() == left(0, 0)
    assert set(run.trace(0)["step"]) <= set(graph.nodes)
    assert (run.trace(0)["step"] == "then.down.root.less").sum() == 2


def test_a_circle_without_end_fails_its_events_alone():
    frame = graph_of(COUNTDOWN, less=less).run(left(2, 10**6, 1)).frame
    assert frame["response"].tolist()[::2] == left(0, 0)
    assert frame["status"].tolist() == [200, 500, 200]
    assert "came here through 250 nodes" in frame["error"][1]
    assert "condition that once holds no more" in frame["error"][1]


def test_going_round_is_not_forgiven():
    nodes = {
        "root": node("Sequence", to("b", dependency="Soft"), "same"),
        "b": node("Sequence", "same", to("b", condition="@this", dependency="Soft")),
    }
    assert graph_of(nodes, same=same).run([{}]).frame["status"].tolist() == [500]


def chain(size: int, kind: str) -> Spec:
    """Nodes inside each other, of which the innermost leads back to the root."""
    fields: Spec = {"condition": "@this"} if kind == "Switch" else {}
    fields |= {"weight": 100} if kind == "Splitter" else {}
    names = ["root", *(f"n{number}" for number in range(1, size))]
    nodes = {name: node(kind, to(then, **fields)) for name, then in pairwise(names)}
    return nodes | {names[-1]: node("Sequence", "same", to("root", condition="@this"))}


@pytest.mark.parametrize("kind", ["Sequence", "Switch", "Splitter", "Ensemble"])
@pytest.mark.parametrize("size", [1, 3, 40, MOST_NESTED])
def test_the_bound_on_circles_is_reached_before_pythons_own(size, kind):
    run = graph_of(chain(size, kind), same=same).run([{"a": 1}])
    assert run.frame["status"].tolist() == [500]
    assert "came here through 250 nodes" in run.frame["error"][0]


@pytest.mark.parametrize("depth", [100, 300, 500])
def test_how_deep_the_caller_stands_changes_no_answer(depth):
    graph = graph_of(ROUND_FOR_EVER, same=same)

    def deeper(levels: int) -> Any:
        return deeper(levels - 1) if levels else graph.run([{"a": 1}]).frame["error"][0]

    assert "came here through 250 nodes" in deeper(depth)


class Enough(BaseException):
    """Nothing takes it for an error of an event."""


def patient() -> Callable[[Any], Any]:
    """A service that answers what it is sent, 2,000 times."""
    asked = itertools.count(1)

    def count(body: Any) -> Any:
        if next(asked) > 2_000:
            raise Enough("one event was sent to one service more than 2,000 times")
        return body

    return count


def test_a_circle_that_doubles_in_each_round_is_bounded():
    nodes = {
        "root": node("Sequence", "same", to("both", condition="@this")),
        "both": node("Ensemble", to("root", name="a"), to("root", name="b")),
    }
    with within(20):
        assert graph_of(nodes, same=patient()).run([{"a": 1}]).frame["status"].tolist() == [500]


def test_many_steps_may_lead_to_one_node_where_none_leads_back():
    nodes = {"root": node("Sequence", *[to("b")] * 1_500), "b": node("Sequence", "same")}
    assert graph_of(nodes, same=same).run([{"a": 1}]).frame["status"].tolist() == [200]


@pytest.mark.parametrize("kind", ["Sequence", "Ensemble"])
def test_ways_that_double_at_each_node_come_to_an_end(kind, monkeypatch):
    monkeypatch.setattr("graph_magics.context.MAX_JUMPS", 500)
    names = ["root", *(f"n{number}" for number in range(30))]
    nodes = {name: node(kind, to(then), to(then)) for name, then in pairwise(names)}
    graph = graph_of(nodes | {names[-1]: node("Sequence", "count")}, count=patient())
    frame = graph.run([{"a": 1}]).frame
    assert frame["status"].tolist() == [500]
    assert "too often" in frame["error"][0]


# --- draws ----------------------------------------------------------------------------------

LEAVE_OR_STAY = {"root": node("Splitter", {"serviceName": "same", "weight": 50}, {
    "nodeName": "root", "weight": 50})}  # fmt: skip


def rounds(run: Any, place: int) -> int:
    return int((run.trace(position=place)["step"] == "root").sum())


def test_a_splitter_draws_anew_in_each_round():
    graph = graph_of(LEAVE_OR_STAY, same=same)
    run = graph.run([{}] * 400, seed=3)
    assert run.frame["status"].eq(200).all()
    counts = pd.Series([rounds(run, place) for place in range(400)]).value_counts(normalize=True)
    assert counts[1] == pytest.approx(0.5, abs=0.1)
    assert counts[2] == pytest.approx(0.25, abs=0.1)
    alone = graph.run([{}] * 400, seed=3, chunk_size=1)
    assert [rounds(alone, place) for place in range(50)] == [
        rounds(run, place) for place in range(50)
    ]


def test_a_splitter_draws_apart_for_each_way_that_leads_to_it():
    nodes = {
        "root": node("Ensemble", to("s", name="one"), to("s", name="two")),
        "s": node("Splitter", {"serviceName": "a", "weight": 50}, {
            "serviceName": "b", "weight": 50}),
    }  # fmt: skip
    graph = graph_of(nodes, a=lambda body: {"is": "a"}, b=lambda body: {"is": "b"})
    answers = graph.run([{}] * 1000).frame["response"].tolist()
    alike = sum(answer["one"] == answer["two"] for answer in answers)
    assert 400 < alike < 600


# --- nowhere --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ({"root": node("Sequence", to("nope"))}, "invalid route type: "),
        (
            {"root": node("Sequence", to("x")), "x": node("Parallel")},
            "invalid route type: Parallel",
        ),
    ],
)
def test_what_leads_nowhere_fails_each_event_and_can_be_drawn(nodes, reason):
    graph = graph_of(nodes)
    frame = graph.run(frame_of(a=[1, 2])).frame
    assert frame["status"].tolist() == [500, 500]
    assert frame["error"].str.endswith(reason).all()
    response = graph.test({}, get_body=False)
    told = b'{"error":"Failed to process request","cause":"%s"}' % reason.encode()
    assert (response.status_code, response.body) == (500, told)
    assert graph.draw().svg
    assert next(made for made in graph.nodes.values() if not made.children).title == reason


@pytest.mark.parametrize("make", [lambda part: part, lambda part: Ensemble(a=part)])
def test_a_part_that_jumps_out_of_itself_cannot_be_a_graph_of_its_own(make: Callable[[Any], Any]):
    nodes = {
        "root": node("Sequence", "less", to("b", **MORE)),
        "b": node("Sequence", "less", to("root", **MORE)),
    }
    graph = graph_of(nodes, less=less)
    assert graph.run(left(5)).frame["response"].tolist() == left(0)
    mistake(lambda: Graph("part", make(graph["root"]["b"])).run(left(5)).frame, "root")


def test_circles_can_be_drawn_with_what_a_run_saw():
    assert "root" in graph_of(COUNTDOWN, less=less).run(left(3)).draw().svg
