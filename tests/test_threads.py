"""Routes at the same time: in order, none left behind, and ended with whoever waits for them."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graph_magics import Ensemble, Graph, ParallelRun, Route, Sequence, Step
from graph_magics.batch import Batch
from graph_magics.bodies import many_objects
from graph_magics.context import Context
from graph_magics.engine.aio import async_map
from graph_magics.engine.threads import at_once
from graph_magics.nodes import Node

from .models import answers, context, run


class Waits(Node):
    """A step that is asked at the same time as the routes beside it."""

    waits = True

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.step = Step(function)

    def run(self, batch: Batch, here: Context) -> Batch:
        return self.step.run(batch, here)


class LongWait:
    """A call that awaits forever, and knows whether it has begun and whether it was cancelled."""

    def __init__(self) -> None:
        self.begun, self.cancelled = threading.Event(), threading.Event()

    def __call__(self) -> Any:
        return async_map(self.wait, [None])

    async def wait(self, _: Any) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def meeting(number: int) -> Callable[[], Any]:
    """A call that comes to an end only if so many are under way at once."""
    barrier = threading.Barrier(number)
    return lambda: barrier.wait(30)


# --- what they give -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2, 40])
def test_answers_stand_in_the_order_of_the_calls(number):
    calls = [lambda n=n: time.sleep((number - n) / 1000) or n for n in range(number)]
    assert at_once(calls) == list(range(number))


def test_all_are_under_way_at_once():
    assert sorted(at_once([meeting(8)] * 8)) == list(range(8))


def test_calls_may_call_several_at_once_in_their_turn():
    inner = meeting(6)
    one, other = at_once([lambda: at_once([inner] * 3)] * 2)
    assert sorted(one + other) == list(range(6))


def test_context_variables_are_seen_and_not_changed():
    user = contextvars.ContextVar("user", default="nobody")
    token = user.set("ada")

    def rename() -> str:
        before = user.get()
        user.set("bob")
        return before

    try:
        assert at_once([rename, lambda: at_once([rename, rename])]) == ["ada", ["ada", "ada"]]
        assert user.get() == "ada"
    finally:
        user.reset(token)


def test_threads_are_not_left_behind():
    before = threading.active_count()
    at_once([meeting(5)] * 5)
    with pytest.raises(ZeroDivisionError):
        at_once([lambda: 1 // 0, lambda: None])
    while threading.active_count() > before:
        time.sleep(0.01)


# --- what ends them -------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("place", [0, 1], ids=["first", "last"])
def test_where_one_raises_the_others_are_cancelled(error, place):
    def fail() -> None:
        long.begun.wait()
        raise error("this one")

    long = LongWait()
    calls = [long]
    calls.insert(place, fail)
    with pytest.raises(error, match="this one"):
        at_once(calls)
    assert long.cancelled.wait(30)


def test_what_is_awaited_inside_is_cancelled_too():
    def fail() -> None:
        for long in inner:
            long.begun.wait()
        raise ValueError

    inner = [LongWait(), LongWait()]
    with pytest.raises(ValueError):
        at_once([fail, lambda: at_once(inner)])
    assert all(long.cancelled.wait(30) for long in inner)


def interrupt(*after: threading.Event) -> None:
    def strike() -> None:
        for event in after:
            event.wait()
        time.sleep(0.1)  # Python loses a signal that comes just before it waits.
        signal.raise_signal(signal.SIGINT) if os.name == "nt" else os.kill(
            os.getpid(), signal.SIGINT
        )

    threading.Thread(target=strike).start()


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
def test_an_interrupt_ends_all(nested):
    calls = [LongWait(), LongWait()]
    interrupt(*(long.begun for long in calls))
    with pytest.raises(KeyboardInterrupt):
        at_once([lambda: at_once(calls), lambda: None] if nested else calls)
    assert all(long.cancelled.wait(30) for long in calls)


def test_an_interrupt_does_not_wait_for_a_function_that_cannot_be_ended():
    begun, leave = threading.Event(), threading.Event()
    interrupt(begun)
    with pytest.raises(KeyboardInterrupt):
        at_once([lambda: begun.set() or leave.wait()] * 2)
    leave.set()


def test_an_interrupt_ends_a_run_whose_routes_wait():
    long = LongWait()
    run(Ensemble(a=Waits(lambda e: e), b=lambda e: e), [1])  # So that it waits when it is struck.
    interrupt(long.begun)
    with pytest.raises(KeyboardInterrupt):
        run(Ensemble(a=Waits(lambda e: long()), b=lambda e: e), [1])
    assert long.cancelled.wait(30)


# --- routers --------------------------------------------------------------------------------


@pytest.mark.parametrize("router", [Ensemble, ParallelRun])
def test_routes_are_asked_at_once_where_one_waits(router):
    meet = meeting(2)
    routes = {"a": Waits(lambda e: {"x": meet()}), "b": lambda e: {"y": meet()}}
    assert run(router(**routes), [1]).errors.empty


def test_the_record_has_routes_in_their_order():
    routes = {f"r{n}": Waits(lambda e, n=n: time.sleep((3 - n) / 100)) for n in range(3)}
    deep = Ensemble(first=Ensemble(**routes), last=Waits(lambda e: e))
    names = [f"first.r{n}" for n in range(3)]
    path = "ensemble."
    expected = ["ensemble", f"{path}first", *(path + name for name in names), f"{path}last"]
    assert run(deep, [1]).trace(0)["step"].tolist() == expected


def test_what_a_route_raises_fails_its_events_alone():
    routes = {"a": Waits(lambda e: 6 // e), "b": Waits(lambda e: e)}
    given = answers(Ensemble(**routes), [1, 0, 2])
    assert given[::2] == [{"a": 6, "b": 1}, {"a": 3, "b": 2}]
    assert "ZeroDivisionError" in given[1]
    soft = {**routes, "a": Route(routes["a"], dependency="Soft")}
    assert run(Ensemble(**soft), [1, 0, 2]).frame["status"].tolist() == [200] * 3


def test_run_all_gives_each_a_context_of_its_own():
    here = context("node", seed=3)
    seen: list[Any] = []

    def note(twin: Context) -> Batch:
        seen.append(twin)
        twin.chose(["a"], np.zeros(1))
        return Batch([1], np.arange(1))

    assert len(here.run_all([note, note])) == 2
    assert [(twin.path, twin.setup.seed) for twin in seen] == [("node", 3)] * 2
    assert seen[0] is not seen[1]
    assert here.run_all([]) == []


def test_an_async_step_beside_others_runs_on_the_one_loop():
    async def loop(event: Any) -> int:
        return id(asyncio.get_running_loop())

    (given,) = answers(Ensemble(a=Waits(loop), b=Waits(loop), c=loop), [1])
    assert len(set(given.values())) == 1


def test_many_routes_that_wait_in_one_another_come_to_an_end():
    deep: Any = Waits(lambda e: e)
    for _ in range(5):
        deep = Ensemble(a=deep, b=Sequence(c=deep))
    assert Graph("g", deep).test(1)["a"]["b"]["a"]["a"]["a"] == 1


def test_the_garbage_collector_is_as_it_was_after_threads_held_it():
    interval = sys.getswitchinterval()

    def hold() -> None:
        for _ in range(20_000):
            with many_objects(1000):
                pass

    try:
        sys.setswitchinterval(1e-6)
        for _ in range(10):
            at_once([hold, hold])
            assert gc.isenabled()
    finally:
        sys.setswitchinterval(interval)
        gc.enable()
