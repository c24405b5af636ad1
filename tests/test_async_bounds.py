"""Async steps: how many events are under way, how long, and on which event loop."""

from __future__ import annotations

import asyncio
import re

import pytest
from jupyter_client.manager import start_new_kernel

from graph_magics import GraphError, Step

from .models import has_words, run


async def sleep(event):
    await asyncio.sleep(event)
    return event


def test_an_event_that_takes_too_long_fails_alone():
    result = run(Step(sleep, timeout=0.5), [0, 60, 0])
    assert result.frame["response"].tolist()[::2] == [0, 0]
    assert has_words(result.frame["error"][1], ["sleep", "within 0.5 seconds"])


def test_the_steps_own_timeout_is_not_taken_for_ours():
    async def late(event):
        async with asyncio.timeout(0.001):
            await asyncio.sleep(60)

    result = run(Step(late, timeout=30), [0])
    assert has_words(result.frame["error"][0], ["TimeoutError"])


def test_no_more_events_are_under_way_than_allowed():
    under_way, most = 0, 0

    async def count(event):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1

    run(Step(count, concurrency=3), list(range(20)))
    assert most == 3


@pytest.mark.parametrize(
    ("f", "options", "words"),
    [
        (len, {"timeout": 1}, ["timeout=", "async def"]),
        (len, {"concurrency": 1}, ["concurrency=", "async def"]),
        (len, {"loop": "kernel"}, ["loop=", "async def"]),
        (sleep, {"loop": "main"}, ["loop", "'kernel'", "'main'"]),
        (sleep, {"timeout": -1}, ["timeout", "above 0"]),
        (sleep, {"concurrency": 0.5}, ["concurrency", "whole number"]),
    ],
)
def test_bounds_that_cannot_be_are_refused(f, options, words):
    with pytest.raises(GraphError) as refused:
        Step(f, **options)
    assert has_words(str(refused.value), words)


# --- whose event loop -----------------------------------------------------------------------------


def test_what_another_loop_has_is_told_with_what_to_write():
    async def notebook():
        made = asyncio.get_running_loop().create_future()

        async def use(event):
            return await made

        return run(Step(use), [1, 2]).frame["error"].tolist()

    for told in asyncio.run(notebook()):
        assert has_words(told, ["use", "another event loop", 'Step(f, loop="kernel")'])


def test_without_a_notebook_its_loop_is_ours():
    assert run(Step(sleep, loop="kernel"), [0]).frame["response"].tolist() == [0]


#: In a real kernel, for how a cell runs inside its loop is nothing to be imitated, and what
#: nest-asyncio patches stays so in a process.
CELLS = [
    """
import asyncio
from graph_magics import Graph, Step
made = asyncio.get_running_loop().create_future()
async def use(event):
    return await made + event
""",
    "print(Graph('g', Step(use)).run([1]).frame['error'][0])",
    """
made = asyncio.get_running_loop().create_future()
asyncio.get_running_loop().call_later(0.01, made.set_result, 5)
print(Graph('g', Step(use, loop='kernel')).run([1, 2]).frame['response'].tolist())
""",
    """
async def late(event):
    await asyncio.sleep(60)
print(Graph('g', Step(late, loop='kernel', timeout=0.01)).run([1]).frame['error'][0])
""",
    "await asyncio.sleep(0); print(await use(3))",
    """
async def forever(event):
    try:
        print("begun", flush=True)
        await asyncio.sleep(60)
    finally:
        print("ended", flush=True)
Graph('g', Step(forever, loop='kernel')).run([1])
""",
    """
await asyncio.sleep(0)
lock = asyncio.Lock()
async def in_turn(event):
    async with lock:
        await asyncio.sleep(0.001)
        return event
print(Graph('g', Step(in_turn, loop='kernel')).run([0, 1, 2, 3, 4]).frame['response'].tolist())
""",
    """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from graph_magics import ParallelRun, Remote
class Two(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"2")
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Two)
threading.Thread(target=server.serve_forever, daemon=True).start()
a = Step(in_turn, loop='kernel')
b = Remote(f"http://127.0.0.1:{server.server_port}", concurrency=1)
print(Graph('g', ParallelRun(a=a, b=b)).run([1, 2]).frame['b'].tolist())
""",
]


@pytest.fixture(scope="module")
def said():
    """What the cells print, one after the other."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        texts = []
        for cell in CELLS:
            parts: list[str] = []

            def hear(message, parts=parts):
                content = message["content"]
                if content.get("text") == "begun\n":
                    manager.interrupt_kernel()
                parts.append(content.get("text") or "\n".join(content.get("traceback", [])))

            client.execute_interactive(cell, timeout=60, output_hook=hear)
            texts.append("".join(parts).strip())
        yield [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in texts]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_step_on_the_notebooks_loop_uses_what_a_cell_has_made_there(said):
    assert has_words(said[1], ['Step(f, loop="kernel")'])
    assert said[2] == "[6, 7]"


def test_a_step_on_the_notebooks_loop_is_bounded_and_the_kernel_goes_on(said):
    assert has_words(said[3], ["within 0.01 seconds"])
    assert said[4] == "8"
    assert said[6] == "[0, 1, 2, 3, 4]"


def test_an_interrupt_ends_a_step_on_the_notebooks_loop(said):
    assert has_words(said[5], ["begun", "ended", "RunInterrupted", "0 of 1"])


def test_routes_beside_one_on_the_notebooks_loop_run_on_its_thread(said):
    assert said[7] == "[2, 2]"
