"""Sources: files, globs, URLs and iterators as events, whole or in chunks."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import Graph, GraphError
from graph_magics.engine.sources import chunks_of, source_of

from .models import IRIS, frame_of, mistake


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def same(event):
    return event


def assert_same_in_chunks(path, expected, sizes=(1, 7, 1000), skips=(0, 5)):
    """Every chunk has the dtypes of the whole, and together they are the whole."""
    pd.testing.assert_frame_equal(source_of(path).whole().bodies, expected)
    for size in sizes:
        for skip in skips:
            frames = [chunk.bodies for chunk in source_of(path).chunks(size, skip)]
            assert {len(frame) for frame in frames[:-1]} <= {size}
            for frame in frames:
                assert frame.dtypes.equals(expected.dtypes)
            if frames or len(expected) > skip:
                pd.testing.assert_frame_equal(pd.concat(frames), expected.iloc[skip:])


# --- Parquet --------------------------------------------------------------------------------


def test_parquet_has_the_dtypes_of_pandas_in_every_chunk():
    frame = frame_of(
        whole=range(40),
        holed=pd.array([*range(39), None], dtype="Int64"),
        nullable=pd.array([*range(39), None]),
        truth=[True] * 40,
        text=[*"ab" * 19, None, "c"],
        moment=pd.date_range("2026", periods=40),
        kind=pd.Categorical([*"ab" * 19, "c", None]),
        cells=[[1, 2]] * 40,
    )
    frame.to_parquet("a.parquet", row_group_size=6)
    assert_same_in_chunks("a.parquet", pd.read_parquet("a.parquet"))


def test_a_null_in_the_last_chunk_makes_floats_of_all():
    plain = pa.table({"n": [*range(20), None], "b": [*[True] * 20, None]})
    for options in ({}, {"write_statistics": False}):
        pq.write_table(plain, "a.parquet", row_group_size=5, **options)
        assert_same_in_chunks("a.parquet", pd.read_parquet("a.parquet"))


def test_categories_that_come_later_are_categories_from_the_first_chunk_on():
    kinds = pa.chunked_array([pa.array(["a"] * 9).dictionary_encode(),
                              pa.array(["b", None]).dictionary_encode()])  # fmt: skip
    pq.write_table(pa.table({"kind": kinds.unify_dictionaries()}), "a.parquet", row_group_size=9)
    assert_same_in_chunks("a.parquet", pd.read_parquet("a.parquet"))


def test_an_index_that_is_kept_in_parquet_is_the_index_of_the_run():
    frame = frame_of(x=range(20)).set_index(pd.Index([f"e{n}" for n in range(20)], name="who"))
    frame.to_parquet("a.parquet")
    assert_same_in_chunks("a.parquet", frame)
    assert Graph("g", same, namespace={}).run("a.parquet").frame.index.equals(frame.index)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(10, 30),
        pd.RangeIndex(100, 60, -2, name="n"),
        pd.RangeIndex(20, name="n"),
        pd.MultiIndex.from_product([[0], range(20)], names=["p", "q"]),
        pd.MultiIndex.from_product([list("ab"), range(10)], names=["p", None]),
        pd.date_range("2026", periods=20, tz="UTC"),
        pd.Index([f"e{n}" for n in range(20)]),
    ],
)
def test_the_index_of_a_parquet_file_is_that_of_pandas_row_by_row(index):
    frame_of(x=range(20)).set_axis(index).to_parquet("a.parquet", row_group_size=6)
    expected = pd.read_parquet("a.parquet").index
    assert source_of("a.parquet").whole().index.equals(expected)
    for size in (1, 7, 20):
        for skip in (0, 5):
            parts = [chunk.index for chunk in source_of("a.parquet").chunks(size, skip)]
            assert all(part.names == expected.names for part in parts)
            assert parts[0].append(parts[1:]).equals(expected[skip:])
            assert len({type(part) for part in parts} | {type(expected)}) == 1
    graph = Graph("g", same, namespace={})
    assert graph.run("a.parquet").frame.index.equals(expected)
    for into in ("out/", "out.csv", "out.jsonl"):
        streamed = graph.run("a.parquet", into=into, chunk_size=7).frame.index
        assert streamed.equals(expected) and streamed.names == expected.names


def test_ranges_of_several_files_are_numbered_through():
    for name, start in (("1", 5), ("2", 9)):
        frame_of(x=range(4)).set_axis(pd.RangeIndex(start, start + 4)).to_parquet(f"{name}.parquet")
    assert_same_in_chunks("?.parquet", frame_of(x=[*range(4)] * 2), sizes=(3,))


def test_a_glob_is_read_in_the_order_of_names_and_a_folder_as_its_parts():
    os.mkdir("in")
    for month in (2, 1, 3):
        frame_of(x=[month, month]).to_parquet(f"in/2026-{month}.parquet")
    expected = frame_of(x=[1, 1, 2, 2, 3, 3])
    paths = [f"in/2026-{month}.parquet" for month in (1, 2, 3)]
    for events in ("in/2026-*.parquet", "in/", "in", Path("in"), paths, [*map(Path, paths)]):
        assert_same_in_chunks(events, expected, sizes=(4,), skips=(0, 3))


def test_whole_numbers_in_one_file_and_floats_in_another_are_floats():
    frame_of(x=[1, 2]).to_parquet("1.parquet")
    frame_of(x=[1.5]).to_parquet("2.parquet")
    assert_same_in_chunks("?.parquet", frame_of(x=[1, 2, 1.5]), skips=(0, 1))


def test_files_that_do_not_go_together_are_refused():
    frame_of(x=[1]).to_parquet("1.parquet")
    frame_of(y=[1]).to_parquet("2.parquet")
    frame_of(x=["a"]).to_parquet("3.parquet")
    frame_of(x=[1]).to_csv("4.csv", index=False)
    frame_of(y=[1]).to_csv("5.csv", index=False)
    for paths, words in (
        (["1.parquet", "2.parquet"], ["'2.parquet'", "'x', 'y'"]),
        (["1.parquet", "3.parquet"], ["'3.parquet'", "x"]),
        (["1.parquet", "4.csv"], ["two kinds", "4.csv"]),
        (["4.csv", "5.csv"], ["columns", "5.csv"]),
    ):
        mistake(lambda paths=paths: source_of(paths).whole(), *words)


def test_a_file_that_is_no_parquet_is_named():
    Path("a.parquet").write_bytes(b"PAR1 not at all PAR1")
    mistake(lambda: source_of("a.parquet").whole(), "'a.parquet'", "cannot be read")


# --- CSV ------------------------------------------------------------------------------------


def test_csv_has_the_dtypes_of_pandas_in_every_chunk():
    rows = [
        f"{n},{n / 4},{n % 2 == 0},t{n},,{2**64 - 1 - n},{'' if n == 35 else n},"
        f"{'' if n == 36 else 'True'},{n if n < 30 else 'x'},{n if n < 30 else 0.5}"
        for n in range(40)
    ]
    Path("a.csv").write_text("i,f,b,t,none,big,hole,bhole,mixed,wide\n" + "\n".join(rows))
    assert_same_in_chunks("a.csv", pd.read_csv("a.csv"))


def test_a_whole_number_of_many_digits_keeps_them_all():
    Path("a.csv").write_text("id\n12345678901234567890123\n2\n")
    assert source_of("a.csv").whole().bodies["id"].tolist() == ["12345678901234567890123", "2"]


CELLS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.integers(-5, 5).map(str),
    st.floats(-5, 5).map(repr),
    st.sampled_from(["", "True", "false", "NA", "a", "nan", "1e3", "x y"]),
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), st.integers(1, 12))
def test_csv_of_any_values_is_one_frame_whatever_the_chunks(tmp_path_factory, rows, size):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("n,a,b\n" + "".join(f"{n},{a},{b}\n" for n, (a, b) in enumerate(rows)))
    whole = source_of(path).whole().bodies
    frames = [chunk.bodies for chunk in source_of(path).chunks(size)]
    assert all(frame.dtypes.equals(whole.dtypes) for frame in frames)
    pd.testing.assert_frame_equal(pd.concat(frames), whole)
    expected = pd.read_csv(path)
    if not any(len(cell.lstrip("-")) > 15 and "." not in cell for row in rows for cell in row):
        pd.testing.assert_frame_equal(whole, expected)


def test_a_row_with_too_few_values_is_told_with_its_line_and_rows_before_it_are_given():
    lines = ["a,b", *(f'{n},"two\nlines"' for n in range(50)), "", "1", *["1,2"] * 50]
    Path("a.csv").write_text("\n".join(lines))
    chunks = source_of("a.csv").chunks(10)
    assert [len(next(chunks)) for _ in range(5)] == [10] * 5
    mistake(lambda: next(chunks), "'a.csv'", "line 103", "1 values", "2 columns")


def test_a_row_that_is_no_text_is_told_with_its_line():
    Path("a.csv").write_bytes(b"a,b\n1,x\n2,\xff\n")
    mistake(lambda: list(source_of("a.csv").chunks(10)), "'a.csv'", "line 3", "UTF8")


@pytest.mark.parametrize(
    ("text", "words"), [("", ["empty"]), ("a,b,a\n1,2,3\n", ["several", "'a'"])]
)
def test_csv_without_usable_names_is_refused(text, words):
    Path("a.csv").write_text(text)
    mistake(lambda: source_of("a.csv").whole(), "'a.csv'", *words)


def test_csv_of_names_alone_has_no_events_but_columns():
    Path("a.csv").write_text("a,b\n")
    assert source_of("a.csv").whole().bodies.columns.tolist() == ["a", "b"]
    assert list(source_of("a.csv").chunks(5)) == []


# --- JSON Lines -----------------------------------------------------------------------------

LINES = b'\xef\xbb\xbf{"a":1}\r\n\n  \t\nno JSON\n{"a":"\xc3\xa9"}'
BODIES = [b'{"a":1}', b"no JSON", b'{"a":"\xc3\xa9"}']


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_json_lines_are_read_as_they_stand_compressed_or_not(suffix, compress):
    Path(f"a.jsonl{suffix}").write_bytes(compress(LINES))
    source = source_of(f"a.jsonl{suffix}")
    assert source.whole().bodies == BODIES
    for skip in range(4):
        chunks = list(source.chunks(2, skip))
        assert [body for chunk in chunks for body in chunk.bodies] == BODIES[skip:]
        assert [label for chunk in chunks for label in chunk.index] == list(range(skip, 3))


def test_all_frames_of_zstandard_are_read():
    once = pa.compress(LINES, "zstd", asbytes=True)
    Path("a.jsonl.zst").write_bytes(once + b"" + once)
    assert len(source_of("a.jsonl.zst").whole().bodies) == 5


def test_a_broken_archive_is_told():
    Path("a.jsonl.gz").write_bytes(gzip.compress(LINES * 100)[:-20])
    mistake(lambda: source_of("a.jsonl.gz").whole(), "'a.jsonl.gz'", "cannot be read")


def test_files_of_a_url_are_read():
    fs = fsspec.filesystem("memory")
    fs.pipe("/sources/1.jsonl", b"1\n2")
    fs.pipe("/sources/2.jsonl", b"3")
    assert source_of("memory://sources/*.jsonl").whole().bodies == [b"1", b"2", b"3"]
    fs.pipe("/sources/a.csv", b"a\n1\n")
    assert source_of("memory://sources/a.csv").whole().bodies["a"].tolist() == [1]
    with fs.open("/sources/a.parquet", "wb") as stream:
        IRIS.to_parquet(stream)
    pd.testing.assert_frame_equal(source_of("memory://sources/a.parquet").whole().bodies, IRIS)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("none.parquet", ["'none.parquet'", "No such file"]),
        ("none-*.csv", ["no file", "none-*.csv"]),
        ("nowhere://a.csv", ["'nowhere://a.csv'", "nowhere"]),
        ("empty/", ["'empty/'", ".parquet"]),
        (Path("a.txt"), ["'a.txt'", ".jsonl", ".csv", ".parquet"]),
    ],
)
def test_files_that_are_not_there_are_told(path, words):
    os.mkdir("empty")
    Path("a.txt").write_text("x")
    mistake(lambda: Graph("g", same, namespace={}).run(path), "'g'", *words)


def test_a_url_whose_driver_is_missing_names_the_package(monkeypatch):
    def url_to_fs(path):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", url_to_fs)
    mistake(lambda: source_of("s3://shop/a.csv"), "'s3://shop/a.csv'", "not installed", "s3fs")


# --- iterators ------------------------------------------------------------------------------


def test_an_iterator_of_frames_is_gathered_and_cut_into_chunks():
    def pieces():
        for start in range(0, 150, 7):
            yield IRIS.iloc[start : start + 7].reset_index(drop=True)

    chunks = list(source_of(pieces()).chunks(40))
    assert [len(chunk) for chunk in chunks] == [40, 40, 40, 30]
    pd.testing.assert_frame_equal(pd.concat([chunk.bodies for chunk in chunks]).reset_index(
        drop=True), IRIS)  # fmt: skip
    assert [label for chunk in chunks for label in chunk.index] == list(range(150))


def test_frames_of_an_iterator_keep_labels_of_their_own():
    labelled = IRIS.set_index(IRIS.index + 1000)
    labelled.index = labelled.index.astype(str)
    chunks = source_of(iter([labelled[:70], labelled[70:]])).chunks(60)
    assert [label for chunk in chunks for label in chunk.index] == labelled.index.tolist()


@pytest.mark.parametrize(
    "pieces",
    [
        lambda: iter([[1, 2], [3], [], [4, 5]]),
        lambda: iter([1, 2, 3, 4, 5]),
        lambda: (number for number in range(1, 6)),
    ],
)
def test_an_iterator_of_bodies_or_of_lists_of_them_is_gathered(pieces):
    chunks = list(source_of(pieces()).chunks(2))
    assert [chunk.bodies for chunk in chunks] == [[1, 2], [3, 4], [5]]
    assert Graph("g", abs).run(pieces()).frame["response"].tolist() == [1, 2, 3, 4, 5]


def test_frames_of_unlike_columns_are_not_put_together():
    pieces = iter([frame_of(x=[1]), frame_of(x=[1.5]), frame_of(y=[1])])
    assert [len(chunk) for chunk in source_of(pieces).chunks(10)] == [1, 1, 1]
    pieces = iter([frame_of(x=[1]), [{"x": 1}]])
    mistake(lambda: source_of(pieces).whole(), "tables and JSON bodies")


def test_an_empty_iterator_has_no_events():
    assert len(source_of(iter([])).whole()) == 0
    assert list(source_of(iter([])).chunks(3)) == []


# --- what is in memory ----------------------------------------------------------------------


def test_a_table_in_memory_is_cut_without_a_copy():
    values = np.arange(20.0).reshape(10, 2)
    chunks = list(source_of(values).chunks(4, skip=4))
    assert [len(chunk) for chunk in chunks] == [4, 2]
    assert np.shares_memory(chunks[0].bodies, values)


def test_texts_that_are_no_paths_are_bodies():
    assert source_of(["a", "b"]).whole().bodies == ["a", "b"]
    mistake(lambda: source_of("X_test"), "'X_test'", ".jsonl")
    mistake(lambda: source_of("a\nb.jsonl"), "got the text", ".jsonl")


def test_a_fingerprint_tells_changed_events():
    frame = frame_of(x=[1, 2])
    assert source_of(frame).fingerprint == source_of(frame.copy()).fingerprint
    for other in (frame_of(x=[1, 3]), frame_of(y=[1, 2]), frame_of(x=[1]), frame.set_axis([5, 6])):
        assert source_of(other).fingerprint != source_of(frame).fingerprint
    assert source_of([1, 2]).fingerprint != source_of([1, 3]).fingerprint
    Path("a.jsonl").write_text("1\n")
    before = source_of("a.jsonl").fingerprint
    Path("a.jsonl").write_text("1\n2\n")
    assert source_of("a.jsonl").fingerprint != before


def test_of_files_the_next_chunk_is_read_meanwhile_and_of_iterators_it_is_not():
    Path("a.jsonl").write_text("1\n2\n3\n")
    assert [chunk.bodies for chunk in chunks_of(source_of("a.jsonl"), 2)] == [[b"1", b"2"], [b"3"]]
    threads = []

    def given():
        for number in range(3):
            threads.append(threading.get_ident())
            yield [number]

    assert [chunk.bodies for chunk in chunks_of(source_of(given()), 1)] == [[0], [1], [2]]
    assert set(threads) == {threading.get_ident()}


# --- CSV as pandas reads it -----------------------------------------------------------------


def write_text(path: str, text: str) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize(
    "text",
    [
        "\na,b\n1,2\n3,4\n",
        "\r\n\r\n\na,b\r\n1,2\r\n\r\n3,4\r\n",
        "\ra,b\r1,2\r3,4\r",
        '\ufeff\n"a\n1",b\n1,2\n3,4\n',
        "\ufeffé,b\n1,2\n",
        "a,b\n+5,1\n 6,2\n+7,3\n",
        "a,b\n+5,1\nNA,2\n",
        "a,b\n+5,+1.5\n6.5,2\n",
        "a,b\n+x,1\n+,2\n",
        "a,b\n+18446744073709551615,1\n1,2\n",
        "a,b\n++5,1\n6,2\n",
        "a,b\n+1.5,+.5\n2.5,1\n",
        'a,b\n1,"\n2"\n" 3\n",4.5\n',
        "a,b",
        "a,b\n",
        "a,b\n\n\n",
        "a,b\nNA,1\n,2\n",
        'a,b\nx"y"z,1\nz"w,2\n"q""r",3\n',
        'a,b\n"x\n",1\n2,"y\n"\n',
        'a,b\n1,"x\n"',
        'a,b\n1,"""x"""',
        'a,b\n1,""\n2,"NA"',
    ],
)
def test_a_csv_file_is_what_pandas_reads(text):
    write_text("a.csv", text)
    assert_same_in_chunks("a.csv", pd.read_csv("a.csv"), sizes=(2, 1000), skips=(0,))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,"2\n3,4\n5,6\n', 2),
        ('a,b\n1,"2\n3,4\n5,6', 2),
        ('a,b\n1,2\n\n3,"4', 4),
        ('a,b\r\n"1\n1",2\r\n3,"4,""x""\r\n', 4),
        ('a,b\n1,"NA', 2),
        ('a,b\n1,"', 2),
        ('a,b\n1,"2""""\n', 2),
        ('"a,b\n1,2\n', 1),
        ('\ufeff"a,b\n1,2\n', 1),
        ('\na,"b', 2),
        ('a,b\n1,"2' + "\n3,4" * 300_000, 2),
        ('"a,b' + "\n3,4" * 300_000, 1),
    ],
)
def test_a_quote_that_does_not_end_is_refused_with_its_line(text, line):
    write_text("a.csv", text)
    for into in (None, "out/"):
        mistake(lambda into=into: Graph("g", same).run("a.csv", into=into),
                f"'a.csv', line {line}", "does not end", "close it")  # fmt: skip
    assert not os.path.exists("out") and not os.path.exists("out.unfinished")


@given(st.text(alphabet='"",1\nx', max_size=14))
def test_a_quote_ends_where_it_does_for_pandas(tmp_path_factory, text):
    path = f"{tmp_path_factory.mktemp('quotes')}/a.csv"
    write_text(path, f"a,b\n{text}")
    try:
        pd.read_csv(path, header=None, names=range(30))
        ends = True
    except pd.errors.ParserError as error:
        ends = "EOF inside string" not in str(error)
    try:
        source_of(path).whole()
    except GraphError as error:
        assert "values where" in str(error) or ("does not end" in str(error) and not ends)
    else:
        assert ends


def test_the_line_of_a_bad_row_is_told_behind_blank_lines_and_long_values():
    write_text("a.csv", '\n\na,b\n\n1,"x\ny"\n\n2\n')
    mistake(lambda: Graph("g", same).run("a.csv"), "'a.csv', line 8", "1 values where 2")
    write_text("a.csv", f"a,b\n1,{'x' * 200_000}\n2\n")
    mistake(lambda: Graph("g", same).run("a.csv"), "'a.csv', line", "1 values where 2")
    write_text("a.csv", f"{'x' * 200_000}\n2\n")
    mistake(lambda: Graph("g", same).run("a.csv"), "'a.csv'", "name the columns")
