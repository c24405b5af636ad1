"""Async steps: many events under way together, each on its own, beside whatever runs."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import signal
import sys
import threading
import time

import pandas as pd
import pytest

from graph_magics import Graph, Step
from graph_magics.engine.aio import async_map
from graph_magics.limits import CONCURRENCY

from .models import answers, frame_of, has_words, run


def test_async_events_are_under_way_together_but_not_too_many():
    under_way, most = 0, 0

    async def wait(event):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return event * 2

    assert answers(wait, list(range(100))) == [2 * event for event in range(100)]
    assert most == CONCURRENCY


def test_async_answers_stand_in_the_order_of_their_events():
    async def late(event):
        await asyncio.sleep(0.02 - event / 1000)
        return event

    assert answers(late, list(range(20))) == list(range(20))


def test_one_failing_async_event_fails_alone():
    async def divide(event):
        await asyncio.sleep(0)
        return 10 // event

    result = run(divide, [5, 0, 2])
    assert result.frame["response"].tolist()[::2] == [2, 5]
    assert has_words(result.frame["error"][1], ["divide", "ZeroDivisionError"])
    assert "divide" in result.errors["place"].iloc[0]


def test_what_is_cancelled_while_an_event_waits_for_it_fails_that_event_alone():
    async def wait(event):
        task = asyncio.ensure_future(asyncio.sleep(0))
        if event == 1:
            task.cancel()
        await task
        return event

    given = answers(wait, [0, 1, 2])
    assert given[::2] == [0, 2]
    assert has_words(given[1], ["wait", "cancelled"])


def test_an_async_step_sees_the_context_variables_of_the_caller():
    user = contextvars.ContextVar("user")
    token = user.set("ada")

    async def who(event):
        await asyncio.sleep(0)
        return user.get()

    try:
        assert answers(who, [1, 2]) == ["ada", "ada"]
    finally:
        user.reset(token)


async def later(event):
    await asyncio.sleep(0)
    return event + 1


class Callable:
    """An object that is async when it is called."""

    async def __call__(self, event):
        return await later(event)


def wrapped(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)

    return inner


@pytest.mark.parametrize(
    "function",
    [later, Callable(), functools.partial(later), wrapped(later), lambda event: later(event)],
    ids=["plain", "object", "partial", "wrapped", "lambda"],
)
def test_an_async_function_is_awaited_however_it_comes(function):
    assert answers(Step(function, name="s"), [1, 2]) == [2, 3]


def test_who_fails_before_and_who_while_waiting_are_told_apart():
    async def inner(event):
        return 10 // event

    def outer(event):
        return inner(int(event))

    given = answers(outer, ["5", "x", "0", "2"])
    assert given[0] == 2
    assert has_words(given[1], ["ValueError"])
    assert has_words(given[2], ["ZeroDivisionError"])
    assert given[3] == 5


def test_an_async_function_may_take_a_table():
    async def double(frame: pd.DataFrame):
        await asyncio.sleep(0)
        return frame["x"] * 2

    assert answers(double, frame_of(x=[1, 2])) == [2, 4]


def test_an_async_step_may_run_a_graph_with_async_steps():
    async def nested(event):
        return Graph("inner", later).test(event)

    assert answers(nested, [1, 2]) == [2, 3]


def test_a_graph_runs_inside_a_running_event_loop():
    async def notebook():
        return answers(later, [1, 2])

    assert asyncio.run(notebook()) == [2, 3]


def test_an_async_step_that_exits_ends_the_run_and_not_the_loop():
    async def leave(event):
        sys.exit(3)

    with pytest.raises(SystemExit):
        run(leave, [1, 2])
    assert answers(later, [1]) == [2]


def test_an_interrupt_cancels_what_is_under_way():
    begun, cancelled = threading.Event(), threading.Event()

    async def forever(event):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def interrupt():
        begun.wait()
        time.sleep(0.1)  # Python loses a signal that comes just before it waits.
        signal.raise_signal(signal.SIGINT) if os.name == "nt" else os.kill(
            os.getpid(), signal.SIGINT
        )

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(forever, [1, 2])
    assert cancelled.wait(30)


def test_a_limit_of_its_own_is_held():
    under_way, most = 0, 0

    async def wait(event):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1

    async_map(wait, range(20), limit=3)
    assert most == 3
    assert async_map(wait, []) == []


def test_the_events_of_a_batch_share_a_loop_that_is_not_the_callers():
    async def loop_of(event):
        return asyncio.get_running_loop()

    async def here():
        return asyncio.get_running_loop(), async_map(loop_of, [1, 2])

    mine, theirs = asyncio.run(here())
    assert theirs[0] is theirs[1]
    assert theirs[0] is not mine
