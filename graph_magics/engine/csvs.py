"""CSV files as events, a few rows at a time."""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ..errors import GraphError, listed
from .arrow import Plan, rebatched
from .events import Events, rows_at_once
from .paths import File, Files

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
        for file in self.files:
            for table in _rows(file, schema):
                if skip < table.num_rows:
                    yield table.slice(skip)
                skip = max(0, skip - table.num_rows)

    @functools.cached_property
    def _plan(self) -> Plan:
        first = _names(self.files[0])
        columns = {name: Column() for name in first}
        for file in self.files:
            if _names(file) != first:
                raise GraphError(
                    f"the columns of {file.path!r} are not those of {self.files[0].path!r}; run "
                    "files of unlike columns one by one"
                )
            _look(file, first, columns)
        schema = pa.schema([(name, column.type) for name, column in columns.items()])
        with_nulls = {name for name, column in columns.items() if column.has_nulls}
        return Plan(schema, with_nulls, from_csv=True)


class Column:
    """What a column was found to hold so far."""

    def __init__(self) -> None:
        self.type = pa.null()
        self.has_nulls = False

    def add(self, values: pa.Array) -> None:
        """Look at some more of its texts, where those for missing values are null already."""
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

    @staticmethod
    def _fits(values: pa.Array, kind: pa.DataType) -> bool:
        if pa.types.is_null(kind):
            return False
        if pa.types.is_boolean(kind):
            return bool(pc.all(pc.is_in(values, pa.array(_TRUE + _FALSE, values.type))).as_py())
        try:
            pc.cast(pc.ascii_trim_whitespace(values), kind)
        except pa.ArrowInvalid:
            return False
        return True


def _is_whole(values: pa.Array) -> pa.Array:
    return pc.match_substring_regex(values, _WHOLE)


def _names(file: File) -> list[str]:
    with file.open() as stream, _text(stream) as text:
        row = next((row for row in csv.reader(text) if row), None)
    if row is None:
        raise GraphError(f"{file.path!r} is empty: its first line must name the columns")
    names = [name or f"Unnamed: {place}" for place, name in enumerate(row)]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise GraphError(f"{file.path!r} has several columns called {listed(twice)}; rename them")
    return names


def _look(file: File, names: list[str], columns: dict[str, Column]) -> None:
    """Find out what each column of a file holds."""
    texts = {name: pa.large_string() for name in names}
    options = _converting(texts, check_utf8=False)
    with _told(file), file.open() as stream:
        # Rows that cannot be read are told when the run comes to them.
        for batch in _reader(stream, names, options, lambda row: "skip", threads=True):
            for column, values in zip(columns.values(), batch.columns, strict=True):
                column.add(values)


def _rows(file: File, schema: pa.Schema) -> Iterator[pa.Table]:
    """Give the rows of a file, up to the first that cannot be read."""
    bad: list[Any] = []
    options = _converting({column.name: column.type for column in schema})

    def refuse(row: Any) -> str:
        bad.append(row)
        return "skip"

    given = 0
    with _told(file), file.open() as stream:
        for batch in _reader(stream, schema.names, options, refuse, threads=False):
            table = pa.Table.from_batches([batch])
            # The line of names is the first row.
            before = bad[0].number - 2 - given if bad else len(batch)
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
    reading = pacsv.ReadOptions(column_names=names, skip_rows_after_names=1, use_threads=threads)
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
        for row in reader:
            number -= bool(row)
            if not number:
                break
            begin = reader.line_num + 1
    return begin


def _text(stream: Any) -> io.TextIOWrapper:
    # What is no text is told by pyarrow, with its row.
    return io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
