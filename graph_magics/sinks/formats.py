"""A streamed run as one file: Parquet, CSV or JSON Lines, written and read back."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from .tables import TEXT, holds_json
from .texts import json_text

#: A span of time as pandas writes it: "-1 days +23:59:59.5".
_SPAN = re.compile(r"(-?\d+) days \+?(\d+):(\d+):(\d+)(?:\.(\d+))?")


def write_parquet(tables: Iterable[pa.Table], schema: pa.Schema, stream: Any) -> None:
    """Write tables, a row group for each."""
    with pq.ParquetWriter(stream, schema) as writer:
        for table in tables:
            writer.write_table(table)


def write_csv(tables: Iterable[pa.Table], schema: pa.Schema, stream: Any) -> None:
    """Write tables with one line of names."""
    plain = pa.schema([pa.field(field.name, _in_csv(field.type)) for field in schema])
    with pacsv.CSVWriter(stream, plain) as writer:
        for table in tables:
            columns = [_for_csv(table[name], plain.field(name).type) for name in plain.names]
            writer.write_table(pa.Table.from_arrays(columns, schema=plain))


def _in_csv(kind: pa.DataType) -> pa.DataType:
    is_written = (
        pa.types.is_primitive(kind) and not pa.types.is_duration(kind)
    ) or pa.types.is_null(kind)
    return kind if is_written and not pa.types.is_float16(kind) else TEXT


def _for_csv(values: Any, kind: pa.DataType) -> Any:
    if values.type == kind:
        return values
    if pa.types.is_duration(values.type):
        return pa.chunked_array([pa.array(_spans(values), kind)])
    try:
        return values.cast(kind)
    except pa.ArrowException:  # Bytes that are no text, and types that have none.
        texts = [v if v is None or isinstance(v, str) else json_text(v) for v in values.to_pylist()]
        return pa.chunked_array([pa.array(texts, kind)])


def write_lines(tables: Iterable[pa.Table], schema: pa.Schema, stream: Any) -> None:
    """Write a JSON object in each line; JSON text of cells becomes part of it."""
    names = [json_text(name) for name in schema.names]
    line = "{" + ",".join(f"{name.replace('%', '%%')}:%s" for name in names) + "}\n"
    for table in tables:
        columns = [_texts(table[field.name], field) for field in schema]
        rows = zip(*columns, strict=True) if columns else ()
        stream.write("".join([line % row for row in rows]).encode())


def _spans(values: Any) -> list[str | None]:
    """Spans of time as pandas writes them."""
    spans = values.to_pandas()
    return [
        None if missing else str(span) for span, missing in zip(spans, spans.isna(), strict=True)
    ]


def _texts(values: Any, field: pa.Field) -> list[str]:
    if holds_json(field):
        return [text or "null" for text in values.to_pylist()]
    if pa.types.is_boolean(field.type):
        return ["null" if v is None else ("true" if v else "false") for v in values.to_pylist()]
    if pa.types.is_integer(field.type):
        return ["null" if v is None else str(v) for v in values.to_pylist()]
    if pa.types.is_floating(field.type):
        finite = pc.if_else(pc.is_finite(values), values, None)
        return ["null" if v is None else repr(v) for v in finite.to_pylist()]
    if pa.types.is_duration(field.type):
        return ["null" if text is None else json_text(text) for text in _spans(values)]
    if pa.types.is_temporal(field.type):
        values = values.cast(TEXT)
    return ["null" if v is None else json_text(v) for v in values.to_pylist()]


@contextmanager
def compressed(stream: Any, is_packed: bool) -> Iterator[Any]:
    """Compress what is written, if it is to be; without a time, which changes the bytes."""
    if not is_packed:
        yield stream
        return
    with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed:
        yield packed


def read_csv(stream: Any, schema: pa.Schema) -> pa.Table:
    """Read what `write_csv` wrote; without quotes nothing is a missing value."""
    types = {field.name: _in_csv(field.type) for field in schema}
    read = pacsv.read_csv(
        stream,
        # A line without anything is a row whose only cell is missing.
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    columns = [_from_text(read[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def read_lines(stream: Any, schema: pa.Schema) -> pa.Table:
    """Read what `write_lines` wrote."""
    bodies = [json.loads(line) for line in stream]
    columns = []
    for field in schema:
        values = [body[field.name] for body in bodies]
        if holds_json(field):
            texts = [None if value is None else json_text(value) for value in values]
            columns.append(pa.array(texts, TEXT))
        else:
            columns.append(_from_json(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _from_json(values: list[Any], kind: Any) -> Any:
    """Make a column of what stands in the lines of JSON."""
    if isinstance(kind, pa.BaseExtensionType):  # As pandas has of its periods and intervals.
        return pa.ExtensionArray.from_storage(kind, _from_json(values, kind.storage_type))
    if pa.types.is_struct(kind):
        inside = [[v if v is None else v[field.name] for v in values] for field in kind]
        arrays = [_from_json(some, field.type) for some, field in zip(inside, kind, strict=True)]
        missing = pa.array([value is None for value in values])
        return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=missing)
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    if all(value is None or isinstance(value, str) for value in values):
        return _from_text(pa.array(values, TEXT), kind)
    return pa.array(values, kind)


def _span(text: str, unit: str) -> int:
    """How many units a span of time has, which may be beyond what pandas reads."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no span of time")
    days, hours, minutes, seconds = map(int, found.group(1, 2, 3, 4))
    whole = ((24 * days + hours) * 60 + minutes) * 60 + seconds
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    return whole * 10**digits + int((found[5] or "").ljust(digits, "0")[:digits] or 0)


def _from_text(values: Any, kind: pa.DataType) -> Any:
    """Make a column of what stands in the cells of CSV, but for what pyarrow reads itself."""
    if values.type == kind:
        return values
    if pa.types.is_dictionary(kind):
        return values.cast(pa.string()).dictionary_encode().cast(kind)
    if pa.types.is_duration(kind):
        spans = [text if text is None else _span(text, kind.unit) for text in values.to_pylist()]
        return pa.array(spans, pa.int64()).cast(kind)
    if pa.types.is_time(kind):
        return pa.array(
            [v if v is None else time.fromisoformat(v) for v in values.to_pylist()], kind
        )
    try:
        return values.cast(kind)
    except pa.ArrowNotImplementedError:  # Lists, objects, and what is made of such.
        bodies = [value if value is None else json.loads(value) for value in values.to_pylist()]
        if any(isinstance(body, str) for body in bodies):
            raise
        return _from_json(bodies, kind) if any(bodies) else pa.nulls(len(bodies), kind)
