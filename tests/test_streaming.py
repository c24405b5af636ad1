"""Streamed runs: the answers of a run in memory, flat memory, broken off and gone on with."""

from __future__ import annotations

import errno
import json
import os
import tracemalloc
from datetime import date
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_magics import EventError, Graph, GraphError, Splitter, Step, Switch
from graph_magics.running import run_part
from graph_magics.sinks.texts import json_text
from graph_magics.streaming import StreamedRun

from .models import IRIS, frame_of, mistake
from .shells import error_of

OUTPUTS = ("out/", "out.parquet", "out.jsonl", "out.jsonl.gz", "out.csv", "out.csv.gz")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Bomb:
    """A step that is set off by one event, once."""

    def __init__(self, at: int | None, error: BaseException | None = None) -> None:
        self.at, self.error = at, error or KeyboardInterrupt()

    def __call__(self, event):
        if event["x"] == self.at:
            self.at = None
            raise self.error
        return event


def low(event):
    return event["x"] * 2


def high(event):
    return event["x"] // (event["x"] % 7)


def graph_of(bomb: Bomb | None = None, high=high) -> Graph:
    """Draws, failures, objects, and a step that may break it off."""
    split = Splitter(low=low, high=high, weights={"low": 60, "high": 40})
    step = Step(bomb or Bomb(None))
    return Graph("g", step >> split, namespace={})


def events_of(size: int) -> pd.DataFrame:
    return frame_of(x=np.arange(size), y=np.arange(size) / 2)


def files_of(path: str) -> list[tuple[str, bytes]]:
    found = Path(path)
    files = sorted(found.iterdir()) if found.is_dir() else [found]
    return [(file.name if found.is_dir() else "", file.read_bytes()) for file in files]


def assert_nothing_beside(*names: str) -> None:
    assert sorted(os.listdir()) == sorted(names)


# --- the same answers -----------------------------------------------------------------------


@pytest.mark.parametrize("into", OUTPUTS)
@pytest.mark.parametrize("source", ["a.parquet", "a.csv", "a.jsonl", "frame", "list", "iterator"])
def test_a_streamed_run_answers_as_one_in_memory(source, into):
    frame = events_of(300)
    frame.to_parquet("a.parquet", row_group_size=37)
    frame.to_csv("a.csv", index=False)
    frame.to_json("a.jsonl", orient="records", lines=True)
    events = {
        "frame": frame,
        "list": frame.to_dict("records"),
        "iterator": (frame.iloc[start : start + 41] for start in range(0, 300, 41)),
    }.get(source, source)
    graph = graph_of()
    run = graph.run(events, into=into, seed=3, chunk_size=70)
    is_json = source in ("a.jsonl", "list")
    whole = graph.run(frame.to_dict("records") if is_json else frame, seed=3)
    pd.testing.assert_frame_equal(run.frame, whole.frame)
    pd.testing.assert_frame_equal(run.errors, whole.errors)
    assert isinstance(run, StreamedRun) and run.complete and whole.complete
    assert len(run) == 300 and run.failed == len(whole.errors) > 0
    assert run.path == into
    assert_nothing_beside("a.parquet", "a.csv", "a.jsonl", into.rstrip("/"))


@settings(max_examples=25)
@given(
    size=st.integers(0, 60),
    chunk=st.integers(1, 70),
    cut=st.integers(0, 59),
    into=st.sampled_from(OUTPUTS),
    seed=st.integers(0, 3),
)
def test_a_run_that_was_broken_off_anywhere_goes_on_to_the_same_bytes(
    tmp_path_factory, size, chunk, cut, into, seed
):
    folder = tmp_path_factory.mktemp("resumed")
    events = events_of(size)
    graph_of().run(events, into=f"{folder}/whole/{into}", seed=seed, chunk_size=chunk)
    graph, path = graph_of(Bomb(cut)), f"{folder}/parts/{into}"
    if cut < size:
        with pytest.raises(KeyboardInterrupt) as stopped:
            graph.run(events, into=path, seed=seed, chunk_size=chunk)
        part = stopped.value.run
        assert not part.complete and len(part) == cut // chunk * chunk
        whole = graph_of().run(events, seed=seed).frame
        assert (
            part.frame.get("status", pd.Series()).tolist() == whole["status"][: len(part)].tolist()
        )
        assert not os.path.exists(path.rstrip("/"))
    run = graph.run(events, into=path, seed=seed, chunk_size=chunk, resume=True)
    assert files_of(path) == files_of(f"{folder}/whole/{into}")
    memory = graph_of().run(events, seed=seed)
    assert len(run) == size and run.failed == len(memory.errors)
    pd.testing.assert_frame_equal(run.errors, memory.errors)
    assert list(os.listdir(f"{folder}/parts")) == [into.rstrip("/")]


def test_cells_are_json_in_lines_and_json_text_in_tables():
    graph = Graph("g", lambda event: [event["x"], None] if event["x"] else {"a": "é"})
    for into in ("out/", "out.csv", "out.jsonl"):
        run = graph.run(events_of(3), into=into, chunk_size=2)
        assert run.frame["response"].tolist() == [{"a": "é"}, [1, None], [2, None]]
    texts = ['{"a":"é"}', "[1,null]", "[2,null]"]
    assert pd.read_parquet("out")["response"].tolist() == texts
    assert pd.read_csv("out.csv")["response"].tolist() == texts
    assert '"response":{"a":"é"},' in Path("out.jsonl").read_text()


def test_parts_of_a_folder_have_one_schema():
    def answer(event):
        return None if event["x"] < 4 else event["x"] if event["x"] < 6 else "text"

    Graph("g", answer).run(events_of(8), into="out/", chunk_size=2)
    schemas = [pq.read_schema(path) for path in sorted(Path("out").iterdir())]
    assert len(schemas) == 4 and all(schema.equals(schemas[0]) for schema in schemas)
    assert str(schemas[0].field("status").type) == "int16"
    assert pd.read_parquet("out")["response"].tolist()[4:] == ["4", "5", '"text"', '"text"']


def test_labels_of_a_frame_are_kept():
    frame = events_of(20).set_index(pd.Index([f"e{n}" for n in range(20)], name="who"))
    run = graph_of().run(frame, into="out/", chunk_size=6)
    assert run.frame.index.equals(frame.index)
    assert pd.read_parquet("out").index.equals(frame.index)
    assert run.errors.index.equals(graph_of().run(frame).errors.index)


def test_only_the_columns_that_are_wanted_are_kept():
    graph = graph_of()
    whole = graph.run(events_of(20)).frame
    wanted = ["response", "splitter"]
    kept = [name for name in whole if name.split(".")[0] in wanted]
    for run in (
        graph.run(events_of(20), columns=wanted),
        graph.run(events_of(20), columns=wanted, into="out/", chunk_size=6),
    ):
        pd.testing.assert_frame_equal(run.frame, whole[kept])
    mistake(lambda: graph.run(events_of(2), columns=["respons"]), "'respons'", "'response'")
    mistake(lambda: graph.run(events_of(2), columns=["respons"], into="o/"), "did you mean")
    mistake(lambda: graph.run(events_of(2), columns="response"), "a list of names")
    assert_nothing_beside("out")


@pytest.mark.parametrize("into", OUTPUTS)
def test_no_events_are_columns_without_rows(into):
    run = graph_of().run(iter([]), into=into)
    assert run.complete and len(run) == 0 and len(run.frame) == 0
    assert {"response", "status", "error"} <= set(run.frame)


def test_traffic_is_summed_over_the_chunks():
    events = events_of(100)
    run = graph_of().run(events, into="out/", chunk_size=30)
    told = graph_of().run(events)._traffic()
    whole = told.nodes
    assert run._edges == told.edges
    for path, (number, errors, _, refused, filtered) in run._traffic.items():
        seen = whole[path]
        assert (number, errors, refused, filtered) == (
            seen.events, seen.errors, seen.refused, seen.filtered)  # fmt: skip
    assert "100" in run.draw("out.svg").svg
    assert Path("out.svg").exists()


def test_a_streamed_run_shows_itself():
    run = graph_of().run(events_of(20), into="out/")
    assert "20 events" in repr(run) and "'out/'" in repr(run)
    html = run._repr_html_()
    assert "<table" in html and "15 more" in html


def test_a_url_is_written_to():
    fs = fsspec.filesystem("memory")
    for into in ("memory://streamed/out/", "memory://streamed/out.csv"):
        bomb = Bomb(15)
        with pytest.raises(KeyboardInterrupt):
            graph_of(bomb).run(events_of(20), into=into, chunk_size=6)
        run = graph_of(bomb).run(events_of(20), into=into, chunk_size=6, resume=True)
        pd.testing.assert_frame_equal(run.frame, graph_of().run(events_of(20)).frame)
    names = [path.removeprefix("/streamed/") for path in sorted(fs.find("/streamed"))]
    assert names == ["out.csv", *(f"out/part-0000{part}.parquet" for part in range(4))]


# --- wherever chunks end --------------------------------------------------------------------


def cells(frame: pd.DataFrame) -> dict[str, list]:
    """The columns, with what JSON has of their cells: it has no NaN, and 1.0 is 1."""
    return {name: [json.loads(json_text(v)) for v in frame[name].tolist()] for name in frame}


ANSWERS = st.lists(
    st.sampled_from(
        [{"a": 1}, {"a": 2}, {"a": None}, {"a": 1, "b": "x"}, {"b": "x", "a": 1}, {"b": 2.5}, {},
         {"a": {"b": 1}}, [1, None], 1, 2.5, True, None, "x", date(2026, 1, 1), "fails"]
    ),
    min_size=1, max_size=9,
)  # fmt: skip


@settings(max_examples=60)
@given(
    st.one_of(ANSWERS, st.lists(st.sampled_from([{"a": 1}, {"a": 2.5}, "fails"]), min_size=1)),
    st.integers(1, 5),
    st.sampled_from(OUTPUTS),
    st.sampled_from(["step", "route", "after a step"]),
    st.integers(0, 8),
    st.booleans(),
)
def test_where_chunks_end_changes_neither_columns_nor_cells(
    tmp_path_factory, answers, chunk, into, place, cut, is_table
):
    stops = {cut}

    def answer(event):
        if event["i"] in stops:
            stops.remove(event["i"])
            raise KeyboardInterrupt
        assert answers[event["i"]] != "fails"
        return answers[event["i"]]

    step = Step(answer, name="s")
    node = {
        "step": step,
        "route": Switch(s=step, conditions={}, name="r"),
        "after a step": Step(lambda event: event, name="first") >> step,
    }[place]
    events = pd.DataFrame({"i": range(len(answers))})
    given = events if is_table else events.to_dict("records")
    folder = tmp_path_factory.mktemp("chunks")
    graph = Graph("g", node, namespace={})
    if cut < len(answers):
        with pytest.raises(KeyboardInterrupt) as stopped:
            graph.run(given, into=f"{folder}/resumed/{into}", chunk_size=chunk)
        part = stopped.value.run.frame
        before = graph.run(given[: len(part)]).frame if len(part) else part
        assert cells(part) == cells(before)
        graph.run(given, into=f"{folder}/resumed/{into}", chunk_size=chunk, resume=True)
    memory = graph.run(given).frame
    run = graph.run(given, into=f"{folder}/{into}", chunk_size=chunk)
    assert cells(run.frame) == cells(memory)
    assert list(run._head) == list(memory)
    if cut < len(answers):
        assert files_of(f"{folder}/resumed/{into}") == files_of(f"{folder}/{into}")


@pytest.mark.parametrize("columns", [["s"], ["response"], ["s", "status"], ["response.a"]])
def test_columns_that_are_wanted_are_whole_wherever_chunks_end(columns):
    answers = [1 if columns == ["s"] else {"a": 1}, {"a": 2}, 1 / 2, {"a": 3, "b": 4}]
    if columns == ["s", "status"]:
        answers[0] = None
    graph = Graph("g", Step(lambda event: answers[event["i"]], name="s"))
    events = pd.DataFrame({"i": range(4)})
    run = graph.run(events, into="out.jsonl", chunk_size=1, columns=columns)
    assert len(run.frame) == 4
    if columns == ["response.a"]:  # There is none in memory.
        assert run.frame["response.a"].tolist()[:2] == [1, 2]
    else:
        assert cells(run.frame) == cells(graph.run(events, columns=columns).frame)


def test_a_step_in_the_middle_has_what_is_no_table():
    def first(event):
        return {"a": event["i"]} if event["i"] < 2 else [event["i"]]

    graph = Graph("g", Step(first, name="first") >> Step(lambda event: 1, name="s"))
    run = graph.run(pd.DataFrame({"i": range(4)}), into="out.jsonl", chunk_size=2)
    assert cells(run.frame)["first"] == [None, None, [2], [3]]


def test_arrays_of_unlike_widths_are_lists():
    def wide(table):
        return np.ones((len(table), int(table["i"].iloc[0]), 2))

    graph = Graph("g", Step(wide, batch=True, name="s"))
    events = pd.DataFrame({"i": [1, 1, 2]})
    run = graph.run(events, into="out/", chunk_size=2)
    assert cells(run.frame)["response"] == [[[1, 1]], [[1, 1]], [[1, 1], [1, 1]]]


def fill_disk(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the disk be full when so many parts are to be written from now on."""
    write, calls = pq.write_table, []

    def full(*arguments, **options):
        calls.append(1)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*arguments, **options)

    monkeypatch.setattr(pq, "write_table", full)


@pytest.mark.parametrize("broken", range(5, 10))
def test_a_crash_while_the_parts_are_given_their_columns_loses_nothing(monkeypatch, broken):
    answers = [{"a": 1}, {"a": 1, "b": 2}, 3, 1 / 2, None]
    graph = Graph("g", Step(lambda event: answers[event["i"]], name="s"))
    events = pd.DataFrame({"i": range(5)})
    graph.run(events, into="whole/", chunk_size=1)
    fill_disk(monkeypatch, broken)
    mistake(lambda: graph.run(events, into="out/", chunk_size=1), "No space left")
    graph.run(events, into="out/", chunk_size=1, resume=True)
    assert files_of("out/") == files_of("whole/")


def test_what_a_run_wrote_can_be_run():
    Graph("g", lambda event: event["x"] + 1).run(events_of(10), into="out/", chunk_size=4)
    again = Graph("g", lambda event: event["response"] * 2).run("out/")
    assert again.frame["response"].tolist() == [2 * (n + 1) for n in range(10)]


# --- broken off -----------------------------------------------------------------------------


def test_an_interrupt_leaves_the_finished_chunks_and_says_how_to_go_on():
    with pytest.raises(KeyboardInterrupt) as stopped:
        graph_of(Bomb(25)).run(events_of(40), into="out/", chunk_size=10)
    run = stopped.value.run
    assert not run.complete and len(run) == len(run.frame) == 20
    for word in ("20 events", "'out.unfinished'", "resume=True"):
        assert word in str(stopped.value)
    assert "broken off" in repr(run)
    assert_nothing_beside("out.unfinished")


def test_nothing_is_left_where_no_chunk_was_finished():
    with pytest.raises(KeyboardInterrupt) as stopped:
        graph_of(Bomb(5)).run(events_of(40), into="out/", chunk_size=10)
    assert len(stopped.value.run) == len(stopped.value.run.frame) == 0
    assert_nothing_beside()


def test_a_failure_that_is_to_stop_the_run_keeps_the_chunks_before_it():
    failing = graph_of().run(events_of(40)).errors.index[-1]
    with pytest.raises(EventError) as stopped:
        graph_of().run(events_of(40)[:], into="out/", chunk_size=1, on_error="raise")
    assert stopped.value.run.failed == 0
    assert len(stopped.value.run) <= failing
    assert isinstance(stopped.value.__cause__, ZeroDivisionError)


def test_an_unreadable_row_keeps_the_chunks_before_it_and_is_run_anew_when_it_is_mended():
    lines = ["x,y", *(f"{n},0.5" for n in range(30))]
    lines[18] = "17"
    Path("a.csv").write_text("\n".join(lines))
    error = mistake(
        lambda: graph_of().run("a.csv", into="out.csv", chunk_size=5),
        "'a.csv'", "line 19", "15 events", "resume=True", "mended", "overwrite=True",
    )  # fmt: skip
    assert len(error.run) == 15
    # Mended, it is another file: that cannot be told from other events.
    lines[18] = "17,0.5"
    Path("a.csv").write_text("\n".join(lines))
    mistake(lambda: graph_of().run("a.csv", into="out.csv", chunk_size=5, resume=True), "changed")
    assert len(graph_of().run("a.csv", into="out.csv", overwrite=True)) == 30


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_file_that_vanishes_is_told_and_the_chunks_before_it_are_kept(kind):
    def remove(event):
        if event["x"] == 3 and os.path.exists(f"2.{kind}"):
            os.remove(f"2.{kind}")
        return event["x"]

    for name in "12":
        path, frame = f"{name}.{kind}", events_of(10)
        if kind == "csv":
            frame.to_csv(path, index=False)
        elif kind == "jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_parquet(path)
    error = mistake(
        lambda: Graph("g", remove).run(f"?.{kind}", into="out/", chunk_size=5),
        f"'2.{kind}'", "cannot be read", "No such file", "resume=True",
    )  # fmt: skip
    assert len(error.run) == 10


@pytest.mark.parametrize("into", ["out/", "out.csv"])
@pytest.mark.parametrize("broken", [2, 4])
def test_a_full_disk_keeps_what_is_written_and_the_run_goes_on(monkeypatch, into, broken):
    graph = Graph("g", lambda event: event["x"])
    graph.run(events_of(20), into=f"whole-{into}", chunk_size=5)
    fill_disk(monkeypatch, broken)
    error = mistake(
        lambda: graph.run(events_of(20), into=into, chunk_size=5), "No space left", "resume=True"
    )
    assert len(error.run) == len(error.run.frame) == 5 * (broken - 1)
    graph.run(events_of(20), into=into, chunk_size=5, resume=True)
    assert files_of(into) == files_of(f"whole-{into}")


def test_a_crash_while_the_file_is_put_together_loses_nothing(monkeypatch):
    called = []
    graph = Graph("g", lambda event: called.append(event) or event["x"])
    graph.run(events_of(20), into="whole.csv", chunk_size=5)
    with monkeypatch.context() as patch:
        patch.setattr("graph_magics.sinks.staging.write_csv", lambda *_: 1 / 0)
        error = mistake(lambda: graph.run(events_of(20), into="out.csv", chunk_size=5), "Zero")
    assert len(error.run) == 20 and not error.run.complete
    assert not os.path.exists("out.csv")
    called.clear()
    graph.run(events_of(20), into="out.csv", chunk_size=5, resume=True)
    assert files_of("out.csv") == files_of("whole.csv") and not called


def test_a_chunk_that_was_half_written_is_done_again():
    bomb = Bomb(17)
    graph = graph_of(bomb)
    with pytest.raises(KeyboardInterrupt):
        graph.run(events_of(20), into="out/", chunk_size=5)
    last = Path("out.unfinished/part-00002.parquet")
    last.write_bytes(last.read_bytes()[:50])
    run = graph.run(events_of(20), into="out/", chunk_size=5, resume=True)
    pd.testing.assert_frame_equal(run.frame, graph_of().run(events_of(20)).frame)
    assert len(run.errors) == run.failed


# --- what is refused ------------------------------------------------------------------------


def broken_off(into: str = "out/", **options) -> Graph:
    graph = graph_of(Bomb(15))
    with pytest.raises(KeyboardInterrupt):
        graph.run(events_of(20), into=into, chunk_size=5, **options)
    return graph


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 8}, ["seed 7", "8"]),
        ({"chunk_size": 6}, ["chunk_size 5", "6"]),
        ({"columns": ["response"]}, ["columns None", "response"]),
        ({"events": events_of(21)}, ["other events"]),
        ({"events": events_of(20) * 2}, ["other events"]),
        ({"events": events_of(20).replace(7, -1)}, ["other events"]),
        ({"events": events_of(20).set_index("y", drop=False)}, ["other events"]),
        ({"graph": Graph("h", low)}, ["graph", "'h'"]),
        ({"graph": graph_of(Bomb(15), high=low)}, ["another graph", "'splitter.high'"]),
    ],
)
def test_another_run_cannot_go_on_with_it(changed, words):
    graph = broken_off(seed=7)
    options = {"seed": 7, "chunk_size": 5, "events": events_of(20), "graph": graph, **changed}
    graph, events = options.pop("graph"), options.pop("events")
    mistake(
        lambda: graph.run(events, into="out/", resume=True, **options),
        "out.unfinished", "overwrite=True", *words,
    )  # fmt: skip


def test_an_unfinished_run_is_not_thrown_away_unasked():
    graph = broken_off()
    mistake(lambda: graph.run(events_of(20), into="out/"), "3 finished chunks", "resume=True")
    assert len(graph.run(events_of(20), into="out/", overwrite=True)) == 20
    assert_nothing_beside("out")


@pytest.mark.parametrize("into", OUTPUTS)
def test_an_output_is_replaced_only_if_asked(into):
    graph_of().run(events_of(3), into=into)
    for resume in (False, True):
        mistake(lambda resume=resume: graph_of().run(events_of(9), into=into, resume=resume),
                "is there already", "overwrite=True")  # fmt: skip
    assert len(graph_of().run(events_of(9), into=into, overwrite=True).frame) == 9
    assert_nothing_beside(into.rstrip("/"))


def test_a_folder_of_other_things_is_never_replaced():
    os.mkdir("home")
    Path("home/letter.txt").write_text("dear")
    mistake(lambda: graph_of().run(events_of(3), into="home/", overwrite=True), "letter.txt")
    mistake(lambda: graph_of().run(events_of(3), into="home", overwrite=True), "letter.txt")
    assert Path("home/letter.txt").read_text() == "dear"
    os.mkdir("empty")
    graph_of().run(events_of(3), into="empty")


@pytest.mark.parametrize("place", ["out.unfinished", "memory://own/out.unfinished"])
@pytest.mark.parametrize(
    "own", ["letter.txt", "_notes.json", "part-1.parquet", "more/part-00000.parquet"]
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_the_users_own_is_not_taken_for_an_unfinished_run(place, own, overwrite):
    fs, path = fsspec.core.url_to_fs(f"{place}/{own}")
    fs.makedirs(os.path.dirname(path), exist_ok=True)
    fs.pipe_file(path, b"dear")
    into = place.removesuffix(".unfinished")
    for resume in (False, True):
        mistake(
            lambda resume=resume: graph_of().run(
                events_of(9), into=into, resume=resume, overwrite=overwrite
            ),
            f"'{place}'", "more than parts", own.partition("/")[0], "move it away",
        )  # fmt: skip
    assert fs.cat_file(path) == b"dear" and not fs.exists(into)
    fs.rm(os.path.dirname(path), recursive=True)


def test_a_file_where_the_unfinished_run_would_be_is_told():
    Path("f.csv.unfinished").write_text("dear")
    mistake(lambda: graph_of().run(events_of(9), into="f.csv", overwrite=True),
            "'f.csv.unfinished' is a file", "move the file away")  # fmt: skip
    assert Path("f.csv.unfinished").read_text() == "dear"


@pytest.mark.parametrize("into", ["f/out.csv", "f/out/"])
def test_a_file_that_stands_where_a_folder_is_needed_is_told(into):
    Path("f").write_text("dear")
    mistake(lambda: graph_of().run(events_of(3), into=into), f"'{into}' cannot be written")
    assert_nothing_beside("f")


def test_parts_of_nobody_knows_what_run_are_removed_only_if_asked():
    os.mkdir("out.unfinished")
    Path("out.unfinished/part-00000.parquet").write_text("mine")
    mistake(lambda: graph_of().run(events_of(9), into="out"), "'out.unfinished'", "overwrite=True")
    graph_of().run(events_of(9), into="out", overwrite=True)
    assert_nothing_beside("out")


def test_what_stands_beside_a_replaced_folder_is_left_alone():
    graph_of().run(events_of(3), into="out")
    os.mkdir("out.replaced")
    Path("out.replaced/part-00000.parquet").write_text("mine")
    Path("out.replaced-2").write_text("mine")
    assert len(graph_of().run(events_of(9), into="out", overwrite=True).frame) == 9
    assert Path("out.replaced/part-00000.parquet").read_text() == "mine"
    assert_nothing_beside("out", "out.replaced", "out.replaced-2")


@pytest.mark.parametrize("into", ["out/", "out.csv"])
def test_what_the_user_puts_there_while_it_runs_is_not_removed(into):
    def put(event):
        if event["x"] == 7:
            Path("out.csv").write_text("dear")
            os.mkdir("out")
            Path("out/letter.txt").write_text("dear")
            Path(f"{into.rstrip('/')}.unfinished/letter.txt").write_text("dear")
        return event["x"]

    graph = Graph("g", put)
    error = mistake(lambda: graph.run(events_of(9), into=into, chunk_size=3), "is there already")
    assert len(error.run) == 9 and Path("out/letter.txt").read_text() == "dear"
    assert Path("out.csv").read_text() == "dear"
    os.remove(f"{into.rstrip('/')}.unfinished/letter.txt")
    if into == "out.csv":
        graph.run(events_of(9), into=into, chunk_size=3, resume=True, overwrite=True)
        assert len(pd.read_csv("out.csv")) == 9


@pytest.mark.parametrize("into", ["out", "out.csv", "out.jsonl.gz"])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_link_is_written_through(into, is_there):
    os.mkdir("elsewhere")
    os.symlink("elsewhere/real", into)
    if is_there:
        graph_of().run(events_of(3), into=into)
        assert os.path.islink(into) and os.path.exists("elsewhere/real")
        mistake(lambda: graph_of().run(events_of(3), into=into), f"'{into}' is there already")
    with pytest.raises(KeyboardInterrupt) as stopped:
        graph_of(Bomb(15)).run(events_of(20), into=into, chunk_size=5, overwrite=is_there)
    assert f"'{os.path.abspath('elsewhere/real.unfinished')}'" in str(stopped.value)
    run = graph_of().run(events_of(20), into=into, chunk_size=5, overwrite=True)
    pd.testing.assert_frame_equal(run.frame, graph_of().run(events_of(20)).frame)
    assert os.path.islink(into) and os.listdir("elsewhere") == ["real"]
    assert_nothing_beside("elsewhere", into)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"into": "out.txt"}, ["'out.txt'", ".parquet", ".jsonl"]),
        ({"into": "none://out/"}, ["none://out/"]),
        ({"resume": True}, ["into="]),
        ({"overwrite": True}, ["into="]),
        ({"into": "out/", "engine": "dask"}, ["Dask"]),
    ],
)
def test_what_cannot_be_asked_for_is_told(options, words):
    mistake(lambda: graph_of().run(events_of(3), **options), *words)


def test_an_iterator_cannot_be_gone_on_with_and_the_error_says_so():
    mistake(lambda: graph_of().run(iter([]), into="out/", resume=True), "iterator")
    with pytest.raises(KeyboardInterrupt) as stopped:
        graph_of(Bomb(15)).run(iter([events_of(20)]), into="out/", chunk_size=5)
    assert "overwrite=True" in str(stopped.value)


class Counts:
    """A step of MLRun's manner that remembers how many events it has seen."""

    def __init__(self) -> None:
        self.seen = 0

    def do(self, event):
        self.seen += 1
        if self.seen == 17:
            raise KeyboardInterrupt
        return self.seen


def test_steps_that_remember_are_not_gone_on_with_in_the_midst_of_what_they_have_seen():
    graph = Graph("g", topology="flow", engine="sync", namespace={"Counts": Counts})
    graph.to("Counts", name="counts").respond()
    with pytest.raises(KeyboardInterrupt) as stopped:
        graph.run(events_of(20), into="out/", chunk_size=5)
    assert "overwrite=True" in str(stopped.value) and "resume" not in str(stopped.value)
    mistake(
        lambda: graph.run(events_of(20), into="out/", chunk_size=5, resume=True),
        "'counts'", "remember", "overwrite=True",
    )  # fmt: skip


# --- memory ---------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_number_of_events():
    def total(frame: pd.DataFrame) -> np.ndarray:
        return frame.to_numpy().sum(axis=1)

    graph = Graph("g", Step(total, batch=True))
    peaks = []
    for chunks in (5, 50):
        pieces = (frame_of(x=np.random.default_rng(n).random(4096)) for n in range(chunks))
        tracemalloc.start()
        graph.run(pieces, into=f"out-{chunks}/", chunk_size=4096)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_errors_are_told_up_to_a_number_and_counted_all(monkeypatch):
    monkeypatch.setattr("graph_magics.streaming.MOST_ERRORS", 7)
    run = Graph("g", lambda event: 1 / 0).run(events_of(30), into="out/", chunk_size=5)
    assert run.failed == 30 and run.errors.index.tolist() == list(range(7))
    empty = Graph("g", abs).run([1], into="none/")
    assert len(empty.errors) == 0
    assert empty.errors.dtypes.equals(run.errors.dtypes)


# --- the magic ------------------------------------------------------------------------------


def test_the_magic_writes_to_a_path_and_goes_on(shell):
    IRIS.to_parquet("2026-1.parquet")
    IRIS.to_parquet("2026-2.parquet")
    shell.user_ns["g"] = Graph("g", lambda row: len(row), namespace={})
    run = shell.run_line_magic("graph_run", "g 2026-*.parquet --into out/ --columns response")
    assert run.complete and len(run) == 300 and list(run.frame) == ["response"]
    assert "is there already" in error_of(shell, "%graph_run g 2026-*.parquet --into out/")
    again = shell.run_line_magic("graph_run", "g 2026-1.parquet --into out.jsonl --resume")
    assert len(again) == 150
    shell.run_line_magic("graph_run", "g 2026-1.parquet --into out.jsonl --overwrite")
    in_memory = shell.run_line_magic("graph_run", "g 2026-1.parquet --into results")
    assert shell.user_ns["results"] is in_memory


def test_an_error_of_a_stream_is_one_line(shell):
    shell.user_ns["g"] = graph_of()
    assert "no file is named" in error_of(shell, "%graph_run g none-*.csv --into out/")
    assert isinstance(GraphError("x"), Exception)


def test_wide_tables_and_slow_steps_go_in_smaller_chunks(monkeypatch):
    sizes = []

    def seen(graph, events, *args, **options):
        sizes.append(options["chunk_size"])
        return run_part(graph, events, *args, **options)

    monkeypatch.setattr("graph_magics.streaming.run_part", seen)
    quick, slow = Step(lambda table: table.sum(axis=1), batch=True), Step(lambda event: 1)
    narrow, wide = (pd.DataFrame(np.zeros((3, columns))) for columns in (10, 1_000))
    for step, events in ((quick, narrow), (quick, wide), (slow, narrow), (quick, [[1], [2]])):
        Graph("g", step).run(events, into="out.jsonl", overwrite=True)
    assert sizes == [262_144, 4_096, 8_192, 8_192]
