"""CSV files as events, a few rows at a time."""

from __future__ import annotations

import codecs
import csv
import functools
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ..errors import GraphError, listed
from .arrow import Plan, rebatched
from .events import Events, rows_at_once
from .paths import File, Files
from .quotes import Ending, opened_on

TEXT = pa.large_string()
#: What pandas takes for a missing value.
_MISSING = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
_TRUE, _FALSE = ["True", "TRUE", "true"], ["False", "FALSE", "false"]
_WHOLE = r"^\s*[+-]?[0-9]+\s*$"


class CSV(Files):
    """CSV files with a line of names each, one after the other.

    They are read twice. The first time tells the dtypes, which are those that
    `pandas.read_csv` gives for the whole: so no chunk has others.
    """

    @property
    def chunk_size(self) -> int:
        """Fewer, the more columns there are."""
        return rows_at_once(len(self._plan.schema))

    def chunks(self, size: int, skip: int = 0) -> Iterator[Events]:
        """Give the rows; those to be skipped are read, and no more."""
        number = skip
        for table in rebatched(self._tables(skip), size):
            yield self._plan.events(table, number)
            number += table.num_rows

    def whole(self) -> Events:
        """Give all rows."""
        return self._plan.whole(self._tables(0))

    def _tables(self, skip: int) -> Iterator[pa.Table]:
        schema = self._plan.schema
        for file, header in zip(self.files, self._headers, strict=True):
            for table in _rows(file, header.size, schema, self._odd):
                if skip < table.num_rows:
                    yield table.slice(skip)
                skip = max(0, skip - table.num_rows)

    @functools.cached_property
    def _headers(self) -> list[Header]:
        return [_header(file) for file in self.files]

    @functools.cached_property
    def _plan(self) -> Plan:
        first = self._headers[0].names
        columns = {name: Column() for name in first}
        for file, header in zip(self.files, self._headers, strict=True):
            if header.names != first:
                raise GraphError(
                    f"the columns of {file.path!r} are not those of {self.files[0].path!r}; run "
                    "files of unlike columns one by one"
                )
            _look(file, header, columns)
        schema = pa.schema([(name, column.type) for name, column in columns.items()])
        with_nulls = {name for name, column in columns.items() if column.has_nulls}
        self._odd = {name for name, column in columns.items() if column.is_odd}
        is_empty = not any(column.has_rows for column in columns.values())
        return Plan(schema, with_nulls, from_csv=True, is_empty=is_empty)


class Column:
    """What a column was found to hold so far."""

    def __init__(self) -> None:
        self.type = pa.null()
        self.has_nulls = False
        self.has_rows = False
        #: Whether numbers have plus signs or line ends, which pyarrow does not read.
        self.is_odd = False

    def add(self, values: pa.Array) -> None:
        """Look at some more of its texts, where those for missing values are null already."""
        self.has_rows |= len(values) > 0
        if values.null_count:
            self.has_nulls = True
            values = values.drop_null()
        if not len(values) or self.type == pa.large_string():
            return
        if not self._fits(values, self.type):
            self.type = self._wider(values)
        if self.has_nulls and self.type == pa.uint64():  # A float would not hold it.
            self.type = pa.large_string()

    def _wider(self, values: pa.Array) -> pa.DataType:
        known = self.type
        if known in (pa.null(), pa.int64()) and pc.all(_is_whole(values)).as_py():
            # Whole numbers: such that no integer holds stay texts, as a float would round them.
            wider = [pa.int64(), pa.uint64()] if known == pa.null() else []
        elif known == pa.null():
            wider = [pa.bool_(), pa.float64()]
        else:
            wider = [pa.float64()] if known == pa.int64() else []
        return next((kind for kind in wider if self._fits(values, kind)), pa.large_string())

    def _fits(self, values: pa.Array, kind: pa.DataType) -> bool:
        if pa.types.is_null(kind):
            return False
        if pa.types.is_boolean(kind):
            return bool(pc.all(pc.is_in(values, pa.array(_TRUE + _FALSE, values.type))).as_py())
        try:
            pc.cast(pc.ascii_trim(values, " \t"), kind)
        except pa.ArrowInvalid:
            try:
                _as_numbers(values, kind)
            except pa.ArrowInvalid:
                return False
            self.is_odd = True
        return True


def _as_numbers(texts: Any, kind: pa.DataType) -> Any:
    """Cast texts that may have plus signs, and line ends around them."""
    trimmed = pc.ascii_trim_whitespace(texts)
    return pc.cast(pc.replace_substring_regex(trimmed, r"^\+([0-9.])", r"\1"), kind)


def _is_whole(values: pa.Array) -> pa.Array:
    return pc.match_substring_regex(values, _WHOLE)


class Header(NamedTuple):
    """The names of a file's columns, and how many bytes they and what is before them take."""

    names: list[str]
    size: int


def _header(file: File) -> Header:
    sizes: list[int] = []

    def lines(text: io.TextIOWrapper) -> Iterator[str]:
        for line in text:
            sizes.append(len(line))
            yield line

    # A character for each byte, so that these are counted.
    with file.open() as stream, io.TextIOWrapper(stream, "latin-1", newline="") as text:
        try:
            row = next((row for row in csv.reader(_unmarked(lines(text))) if row), None)
        except csv.Error as error:
            _check_quotes(file)
            raise GraphError(
                f"{file.path!r} cannot be read: its first line must name the columns, and is none "
                f"of CSV: {error}"
            ) from None
    if row is None:
        raise GraphError(f"{file.path!r} is empty: its first line must name the columns")
    cells = [cell.encode("latin-1").decode(errors="replace") for cell in row]
    names = [name or f"Unnamed: {place}" for place, name in enumerate(cells)]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise GraphError(f"{file.path!r} has several columns called {listed(twice)}; rename them")
    _check_quotes(file, sum(sizes))
    return Header(names, sum(sizes))


def _check_quotes(file: File, size: int | None = None) -> None:
    """Refuse a file, or so many bytes of it, with a quote that does not end."""
    with file.open() as stream:
        line = opened_on(stream if size is None else io.BytesIO(stream.read(size)))
    if line is not None:
        raise GraphError(
            f"{file.path!r}, line {line}: a quoted value begins here and does not end before the "
            "file does; close it with a quote"
        )


def _unmarked(lines: Iterator[str]) -> Iterator[str]:
    mark = codecs.BOM_UTF8.decode("latin-1")
    for number, line in enumerate(lines):
        yield line.removeprefix(mark) if number == 0 else line


@contextmanager
def _after(file: File, size: int) -> Iterator[Any]:
    """Open a file behind its names; None, if there is nothing more."""
    with file.open() as stream:
        rest = io.BufferedReader(_Rest(stream), 2**20)
        rest.read(size)
        yield rest if rest.peek(1) else None


class _Rest(io.RawIOBase):
    """What is left of a stream."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        some = self._stream.read(len(buffer))
        buffer[: len(some)] = some
        return len(some)


def _look(file: File, header: Header, columns: dict[str, Column]) -> None:
    """Find out what each column of a file holds."""
    texts = {name: pa.large_string() for name in header.names}
    options = _converting(texts, check_utf8=False)
    with _told(file), _after(file, header.size) as stream:
        if stream is None:
            return
        ending, last = Ending(stream), None
        try:
            # Rows that cannot be read are told when the run comes to them.
            for batch in _reader(ending, header.names, options, lambda row: "skip", threads=True):
                for column, values in zip(columns.values(), batch.columns, strict=True):
                    column.add(values)
                last = batch.columns[-1][-1] if len(batch) else last
        except pa.ArrowException:
            _check_quotes(file)
            raise
    if last is not None and ending.may_be_open(last.as_buffer() if last.is_valid else None):
        _check_quotes(file)


def _rows(file: File, start: int, schema: pa.Schema, odd: set[str]) -> Iterator[pa.Table]:
    """Give the rows of a file, up to the first that cannot be read."""
    bad: list[Any] = []
    options = _converting(
        {column.name: TEXT if column.name in odd else column.type for column in schema}
    )

    def refuse(row: Any) -> str:
        bad.append(row)
        return "skip"

    given = 0
    with _told(file), _after(file, start) as stream:
        if stream is None:
            return
        for batch in _reader(stream, schema.names, options, refuse, threads=False):
            table = pa.Table.from_batches([batch])
            for place, column in enumerate(schema):
                if column.name in odd and column.type != TEXT:
                    numbers = _as_numbers(table[column.name], column.type)
                    table = table.set_column(place, column, numbers)
            before = bad[0].number - 1 - given if bad else len(batch)
            yield table.slice(0, max(0, min(before, len(batch))))
            given += len(batch)
            if before < len(batch):
                break
    if bad:
        row = bad[0]
        raise GraphError(
            f"{file.path!r}, line {_line(file, row.number)}: {row.actual_columns} values where "
            f"{row.expected_columns} columns are named: {row.text[:60]!r}"
        )


def _converting(types: dict[str, pa.DataType], **options: Any) -> pacsv.ConvertOptions:
    return pacsv.ConvertOptions(
        column_types=types,
        null_values=_MISSING,
        true_values=_TRUE,
        false_values=_FALSE,
        strings_can_be_null=True,
        **options,
    )


def _reader(
    stream: Any, names: list[str], options: pacsv.ConvertOptions, invalid: Any, *, threads: bool
) -> Iterator[pa.RecordBatch]:
    # With threads pyarrow does not know the numbers of rows.
    reading = pacsv.ReadOptions(column_names=names, use_threads=threads)
    parsing = pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=invalid)
    yield from pacsv.open_csv(stream, reading, parsing, options)


@contextmanager
def _told(file: File) -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        text = str(error).splitlines()[0]
        row = re.search(r"Row #(\d+): ?", text)
        if row is None:
            raise GraphError(f"{file.path!r} cannot be read: {text}") from None
        line = _line(file, int(row[1]))
        raise GraphError(f"{file.path!r}, line {line}: {text.replace(row[0], '')}") from None


def _line(file: File, number: int) -> int:
    """The line on which a row begins: rows may have several, and there are empty ones."""
    with file.open() as stream, _text(stream) as text:
        reader = csv.reader(text)
        begin = 1
        # A row with a very long value is as far as Python can count.
        with suppress(csv.Error):
            for row in reader:
                number -= bool(row)
                if number < 0:  # The line of names is a row, too.
                    break
                begin = reader.line_num + 1
    return begin


def _text(stream: Any) -> io.TextIOWrapper:
    # What is no text is told by pyarrow, with its row.
    return io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
