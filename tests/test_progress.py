"""Progress: a bar when it takes long, nothing when it does not, the same answers always."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import Graph, Model, Splitter, Step, VotingEnsemble
from graph_magics.engine import local, progress
from graph_magics.engine.local import ALL_AT_ONCE, GRID
from graph_magics.engine.progress import Progress


class Terminal(io.StringIO):
    """A standard error that somebody sees."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def terminal() -> Iterator[Terminal]:
    seen = Terminal()
    with contextlib.redirect_stderr(seen):
        yield seen


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)


def left_in(seen: Terminal) -> str:
    """What a terminal still shows."""
    line = ""
    for written in seen.getvalue().split("\r"):
        line = written + line[len(written) :]
    return line.strip()


def half(event: int) -> float:
    return 1 / (event % 2)


# --- the bar --------------------------------------------------------------------------------


def test_nothing_is_shown_or_imported_in_a_quick_run():
    code = (
        "import sys; from graph_magics import Graph\n"
        "Graph('g', abs).run([1, 2, 3], chunk_size=1)\n"
        "assert not [name for name in sys.modules if name.startswith('tqdm')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == done.stdout == b""


def test_a_long_run_shows_events_rate_and_errors(impatient):
    with terminal() as seen:
        Graph("g", half).run(list(range(8)), chunk_size=2)
    shown = seen.getvalue()
    assert "2.00/8.00" in shown
    assert "events/s" in shown
    assert "1 error" in shown


def test_the_bar_is_gone_when_the_run_is_done(impatient):
    with terminal() as seen:
        Graph("g", abs).run(list(range(8)), chunk_size=2)
    assert left_in(seen) == ""


def test_the_bar_is_gone_after_an_error(impatient):
    with terminal() as seen, pytest.raises(ZeroDivisionError), Progress(3) as bar:
        bar.done(1)
        raise ZeroDivisionError
    assert "1.00/3.00" in seen.getvalue()
    assert left_in(seen) == ""


def test_it_can_be_turned_off(impatient):
    with terminal() as seen:
        Graph("g", abs).run(list(range(8)), chunk_size=2, progress=False)
    assert seen.getvalue() == ""


def test_it_can_be_shown_at_once():
    with terminal() as seen:
        Graph("g", abs).run([1], progress=True)
    assert "0.00/1.00" in seen.getvalue()


def test_no_bar_goes_where_nobody_sees_it(impatient):
    with contextlib.redirect_stderr(io.StringIO()) as log:
        Graph("g", abs).run(list(range(8)), chunk_size=2)
    assert log.getvalue() == ""


def test_a_test_shows_no_bar(impatient):
    with terminal() as seen:
        Graph("g", abs).test(-1)
    assert seen.getvalue() == ""


def test_no_event_needs_no_bar():
    with terminal():
        assert len(Graph("g", abs).run([], progress=True).frame) == 0


def test_it_leaves_no_thread():
    before = threading.active_count()
    with terminal(), Progress(2, shown=True) as bar:
        bar.done(1)
    assert threading.active_count() == before


# --- chunks ---------------------------------------------------------------------------------


class Sizes:
    """A model that notes how many rows it was given."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def predict(self, rows: Any) -> np.ndarray:
        self.seen.append(len(rows))
        return np.asarray(rows)[:, 0]


def rows_of(number: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(number, dtype=float)})


def test_few_events_are_one_chunk():
    model = Sizes()
    Graph("g", model).run(rows_of(ALL_AT_ONCE))
    assert model.seen == [ALL_AT_ONCE]


def test_many_events_go_in_chunks_that_end_where_any_others_would(monkeypatch):
    monkeypatch.setattr(local, "SECONDS", 0.0)
    model, total = Sizes(), ALL_AT_ONCE + 1
    run = Graph("g", model).run(rows_of(total))
    assert model.seen == [GRID + total % GRID, *[GRID] * (total // GRID - 1)]
    assert (run.frame["response"] == np.arange(total)).all()


def test_a_function_over_a_table_is_given_all_of_it():
    centred = Step(lambda table: table["x"] - table["x"].mean(), batch=True)
    total = ALL_AT_ONCE + 1
    assert abs(Graph("g", centred).run(rows_of(total)).frame["response"].sum()) < 1e-3


def test_rounding_is_the_same_however_long_chunks_take(monkeypatch):
    from sklearn.neural_network import MLPClassifier

    draw = np.random.default_rng(0)
    rows = draw.normal(size=(ALL_AT_ONCE + 777, 20))
    model = MLPClassifier((50,), max_iter=1)
    with pytest.warns(UserWarning):
        model.fit(rows[:500], rows[:500, 0] > 0)
    graph = Graph("g", Model(model, method="predict_proba"))
    frames = []
    for seconds in (0.0, 10.0):
        monkeypatch.setattr(local, "SECONDS", seconds)
        frames.append(graph.run(rows).frame)
    pd.testing.assert_frame_equal(*frames, check_exact=True)


KINDS = [1, 2.5, True, None, "a", [1], {"y": 1}, {"y": "b"}]


@given(st.lists(st.sampled_from(range(len(KINDS) + 1)), max_size=12), st.integers(1, 5))
def test_chunks_change_no_answer(places, size):
    def answer(event: dict[str, int]) -> Any:
        return KINDS[event["place"]]

    graph = Graph("g", Splitter(a=answer, b=lambda e: e["place"], name="s") >> Step(lambda x: x))
    events = [{"place": place} for place in places]
    whole, parts = graph.run(events, seed=3), graph.run(events, seed=3, chunk_size=size)
    pd.testing.assert_frame_equal(whole.frame, parts.frame)
    pd.testing.assert_frame_equal(whole.errors, parts.errors)


@given(st.integers(1, 40), st.integers(1, 9))
def test_chunks_change_no_vote(number, size):
    vote = VotingEnsemble(
        a=lambda rows: rows, b=lambda rows: rows * 2, vote_type="regression", name="v"
    )
    table = rows_of(number)["x"]
    graph = Graph("g", vote)
    frames = [graph.run(table, chunk_size=each).frame for each in (None, size)]
    pd.testing.assert_frame_equal(*frames)
