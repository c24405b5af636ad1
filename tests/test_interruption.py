"""A run that is stopped: ends at once, keeps what is done, and leaves all usable."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from graph_magics import Graph, Run, RunInterrupted, Step

SETUP = """
import gc, os, random, signal, socket, threading, time
import numpy as np
import pandas as pd
from graph_magics import Ensemble, Graph, Remote, RunInterrupted, Splitter, Step

HELD = []
BEGUN = threading.Event()

class Sleeps:
    def predict(self, rows):
        if rows.max() > 0:
            BEGUN.set()
            while True:
                time.sleep(0.05)
        return rows[:, 0]

def loops(event):
    if event:
        BEGUN.set()
    while event:
        event += 1
    return event

async def waits(event):
    import asyncio
    if event:
        BEGUN.set()
        await asyncio.sleep(600)
    return event

async def blocks(event):
    return loops(event)

def hanging():
    def accept():
        HELD.append(server.accept())
        BEGUN.set()
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, daemon=True).start()
    return Remote(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=600)

GRAPHS = {
    "loops": lambda: Graph("g", Step(loops)),
    "model": lambda: Graph("g", Sleeps()),
    "async": lambda: Graph("g", Step(waits)),
    "blocking async": lambda: Graph("g", Step(blocks)),
    "remote": lambda: Graph("g", Ensemble(a=hanging())),
    "threads": lambda: Graph("g", Ensemble(a=hanging(), b=loops, c=loops)),
}

def events_for(kind):
    if kind == "model":
        return np.array([[0], [0], [1], [0]])
    return [0, 0, 1, 0] if kind not in ("remote", "threads") else [1]
"""

#: Kinds of work, and how many of the events are done before it.
KINDS = {"loops": 2, "model": 2, "async": 2, "blocking async": 2, "remote": 0, "threads": 0}


def python(code: str, *args: str, is_quiet: bool = True) -> str:
    """What a script of its own writes; to its standard error nothing, if it is quiet."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + textwrap.dedent(code), *args],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not (is_quiet and done.stderr), done.stderr
    return done.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_ends_a_run_that_would_not_end(kind):
    written = python(
        """
        import sys
        kind = sys.argv[1]
        graph, before = GRAPHS[kind](), gc.isenabled()

        def strike():
            BEGUN.wait()
            time.sleep(0.1)  # Python loses a signal that comes just before it waits.
            os.kill(os.getpid(), signal.SIGINT)

        Graph("warm", Step(waits)).run([0])
        threading.Thread(target=strike).start()
        try:
            graph.run(events_for(kind), chunk_size=2)
        except RunInterrupted as stop:
            assert not stop.run.complete
            assert stop.run.frame["status"].tolist() == [200] * len(stop.run)
            print(len(stop.run), stop.total, gc.isenabled() is before)
        # Nobody goes on in the background: a thread that loops would.
        started = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - started < 0.2
        assert Graph("again", Ensemble(a=waits, b=abs)).run([0, 0]).complete
        """,
        kind,
    )
    done = KINDS[kind]
    assert written.split() == [str(done), "4" if done else "1", "True"]


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_at_any_moment_a_run_ends_and_the_next_is_right():
    written = python(
        """
        async def slowly(event):
            return event["x"]

        def quick(event):
            return {"x": event["x"] + 1}

        class Waits(Ensemble):
            waits = True

        graph = Graph("g", Step(quick) >> Waits(
            a=slowly, b=Step(lambda rows: rows, batch=True), c=Splitter(d=quick, e=slowly)))
        table = pd.DataFrame({"x": range(400)})
        right, enabled, stopped = graph.run(table, chunk_size=150).frame, gc.isenabled(), 0
        started = time.perf_counter()
        graph.run(table, chunk_size=150)
        long = time.perf_counter() - started
        draw = random.Random(7)
        def ring(*_):
            signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGALRM, ring)
        for _ in range(50):
            try:
                signal.setitimer(signal.ITIMER_REAL, max(draw.random() * long, 1e-5))
                run = graph.run(table, chunk_size=150)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt as stop:
                run = getattr(stop, "run", None)
                stopped += 1
            if run is not None:
                answers = run.frame["response"].tolist()
                assert answers == right["response"].tolist()[:len(run)], answers
            assert gc.isenabled() is enabled
            pd.testing.assert_frame_equal(graph.run(table, chunk_size=150).frame, right)
        print(stopped)
        """,
        is_quiet=False,  # Python itself says where it has to ignore an exception.
    )
    assert int(written) > 10


# --- what is left ---------------------------------------------------------------------------


def stops_at(number: int) -> Any:
    def step(event: int) -> int:
        if event == number:
            raise KeyboardInterrupt
        return event

    return step


def test_what_is_done_is_kept():
    with pytest.raises(RunInterrupted, match="graph 'g': stopped when 4 of 6 events") as stopped:
        Graph("g", stops_at(5)).run(list(range(6)), chunk_size=2)
    run = stopped.value.run
    assert run.frame["response"].tolist() == [0, 1, 2, 3]
    assert not run.complete
    assert "stopped before the end" in repr(run)
    assert run.trace(3)["answered"].tolist() == [3]


def test_an_interrupt_that_a_step_swallows_ends_the_run_with_the_chunk():
    def stubborn(event: int) -> int:
        if event == 3:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as error:
                raise TypeError("made of it, as NumPy does") from error
        return event

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RunInterrupted) as stopped:
        Graph("g", stubborn).run(list(range(6)), chunk_size=2)
    assert stopped.value.run.frame["response"].tolist() == [0, 1]
    assert signal.getsignal(signal.SIGINT) is before


def test_it_may_be_that_nothing_is_done():
    with pytest.raises(RunInterrupted) as stopped:
        Graph("g", stops_at(0)).run([0])
    run = stopped.value.run
    assert len(run) == len(run.frame) == len(run.errors) == 0
    assert "0 events" in repr(run)


def test_a_whole_run_is_complete():
    assert Graph("g", abs).run([1]).complete


def test_an_interrupt_inside_a_graph_inside_a_graph_ends_the_outer():
    inner = Graph("inner", stops_at(3))
    outer = Graph("outer", Step(lambda event: inner.run([event]).frame["response"][0]))
    with pytest.raises(RunInterrupted, match="'outer': stopped when 2 of 4") as stopped:
        outer.run([1, 2, 3, 4], chunk_size=2)
    assert stopped.value.run.graph == "outer"


# --- in a kernel ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    manager = KernelManager(kernel_name="python3")
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    manager.start_kernel(env={**os.environ, "PYTHONPATH": path})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def told(client: Any, code: str, *, when: Any = None) -> tuple[str, list[str]]:
    """What a cell prints, and the lines of its error; something may be done when it prints."""
    text, error = "", []

    def hook(message: dict[str, Any]) -> None:
        nonlocal text
        content = message["content"]
        if message["msg_type"] == "stream":
            text += content["text"]
            if when is not None and "now" in content["text"]:
                when()
        elif message["msg_type"] == "error":
            error.extend(content["traceback"])

    client.execute_interactive(code, output_hook=hook, timeout=60, allow_stdin=False)
    return text, error


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernels_button_ends_a_run_in_one_line_and_keeps_what_is_done(kernel, kind):
    manager, client = kernel
    told(client, SETUP + "%load_ext graph_magics\n")
    told(client, f"kind = {kind!r}; g = GRAPHS[kind](); events = events_for(kind)")
    told(client, "results = None; BEGUN.clear()")

    def press() -> None:
        manager.interrupt_kernel()

    code = (
        "def tell():\n"
        "    BEGUN.wait()\n"
        "    time.sleep(0.1)\n"
        "    print('now', flush=True)\n"
        "threading.Thread(target=tell).start()\n"
        "%graph_run g events --into results --chunk-size 2"
    )
    _, error = told(client, code, when=press)
    assert len(error) == 1
    assert f"stopped when {KINDS[kind]}" in error[0]
    text, error = told(client, "print(len(results), results.complete, gc.isenabled())")
    assert (text.split(), error) == ([str(KINDS[kind]), "False", "True"], [])
    text, error = told(client, "print(Graph('h', Step(waits)).run([0]).complete)")
    assert (text.split(), error) == (["True"], [])


@pytest.mark.parametrize("widgets", ["there", "missing"])
def test_a_bar_in_a_notebook_is_text_where_widgets_are_missing(kernel, widgets):
    _, client = kernel
    told(client, SETUP + "import sys")
    told(client, "for name in [n for n in sys.modules if 'tqdm' in n]: del sys.modules[name]")
    if widgets == "missing":
        told(client, "sys.modules['ipywidgets'] = None")
    text, error = told(client, "_ = Graph('g', abs).run([1, 2], chunk_size=1, progress=True)")
    assert error == []
    assert "Warning" not in text
    assert ("events/s" in text) is (widgets == "missing")


def test_an_interrupted_run_is_a_run():
    with pytest.raises(RunInterrupted) as stopped:
        Graph("g", stops_at(1)).run([0, 1], chunk_size=1)
    assert isinstance(stopped.value.run, Run)
    assert isinstance(stopped.value, KeyboardInterrupt)
