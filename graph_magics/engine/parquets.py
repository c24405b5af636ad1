"""Parquet files as events, a few rows at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import GraphError, listed, one_line
from .arrow import Plan, has_index, rebatched
from .events import Events, rows_at_once
from .paths import File, Files, is_local


class Parquet(Files):
    """Parquet files of one and the same set of columns, one after the other.

    Dtypes are those that `pandas.read_parquet` gives for the whole: whether a column of whole
    numbers lacks a value somewhere is asked of the files' statistics before the first chunk.
    """

    @property
    def chunk_size(self) -> int:
        """Fewer, the more columns there are."""
        return rows_at_once(len(self._plan.schema))

    @property
    def total(self) -> int:
        """How many rows all files have."""
        return self._plan.rows

    def chunks(self, size: int, skip: int = 0) -> Iterator[Events]:
        """Give the rows; row groups that are all skipped are not read."""
        number = skip
        for table in rebatched(self._tables(size, skip), size):
            yield self._plan.events(table, number)
            number += table.num_rows

    def whole(self) -> Events:
        """Give all rows."""
        return self._plan.whole(self._tables(1_000_000, 0))

    def _tables(self, size: int, skip: int) -> Iterator[pa.Table]:
        schema = self._plan.schema
        for file in self.files:
            with _opened(file) as parquet:
                for group in range(parquet.metadata.num_row_groups):
                    rows = parquet.metadata.row_group(group).num_rows
                    if rows <= skip:
                        skip -= rows
                        continue
                    # One by one: of many, pyarrow keeps what it has read until the last.
                    for batch in parquet.iter_batches(size, row_groups=[group]):
                        table = pa.Table.from_batches([batch]).select(schema.names)
                        if skip < table.num_rows:
                            yield _cast(table.slice(skip), schema, file)
                        skip = max(0, skip - table.num_rows)

    @functools.cached_property
    def _plan(self) -> Plan:
        schema: pa.Schema | None = None
        with_nulls: set[str] = set()
        categories: dict[str, dict[Any, None]] = {}
        rows = 0
        for file in self.files:
            with _opened(file) as parquet:
                own = parquet.schema_arrow
                rows += parquet.metadata.num_rows
                schema = own if schema is None else _united(schema, own, file)
                with_nulls |= _with_nulls(parquet)
                for column in own:
                    if pa.types.is_dictionary(column.type):
                        seen = categories.setdefault(column.name, {})
                        for batch in parquet.iter_batches(columns=[column.name]):
                            seen.update(dict.fromkeys(batch.column(0).dictionary.to_pylist()))
        assert schema is not None
        return Plan(
            schema,
            with_nulls,
            {name: [v for v in seen if v is not None] for name, seen in categories.items()},
            own_index=has_index(schema.metadata, rows),
            rows=rows,
        )


@contextmanager
def _opened(file: File) -> Iterator[pq.ParquetFile]:
    with file.told():
        try:
            if is_local(file.fs):
                with pq.ParquetFile(file.inner) as parquet:
                    yield parquet
            else:
                with file.fs.open(file.inner, "rb") as stream, pq.ParquetFile(stream) as parquet:
                    yield parquet
        except pa.ArrowException as error:
            raise GraphError(f"{file.path!r} cannot be read: {one_line(error)}") from None


def _united(schema: pa.Schema, other: pa.Schema, file: File) -> pa.Schema:
    if set(schema.names) != set(other.names):
        odd = sorted(set(schema.names) ^ set(other.names))
        raise GraphError(
            f"{file.path!r} has other columns than the files before it: {listed(odd)}; run files "
            "of unlike columns one by one"
        )
    try:
        return pa.unify_schemas([schema, other], promote_options="permissive")
    except pa.ArrowException as error:
        raise GraphError(
            f"{file.path!r} does not go with the files before it: {one_line(error)}"
        ) from None


def _cast(table: pa.Table, schema: pa.Schema, file: File) -> pa.Table:
    if table.schema.equals(schema):
        return table.replace_schema_metadata(schema.metadata)
    try:
        return table.cast(schema)
    except pa.ArrowException as error:
        raise GraphError(f"{file.path!r}: {one_line(error)}") from None


def _with_nulls(parquet: pq.ParquetFile) -> set[str]:
    """The columns of whole numbers and truth values that lack a value somewhere."""
    asked = {
        column.name
        for column in parquet.schema_arrow
        if column.nullable
        and (pa.types.is_integer(column.type) or pa.types.is_boolean(column.type))
    }
    found, untold = set(), set()
    for group in range(parquet.metadata.num_row_groups if asked else 0):
        row_group = parquet.metadata.row_group(group)
        for place in range(row_group.num_columns):
            column = row_group.column(place)
            name = column.path_in_schema
            if name not in asked or name in found:
                continue
            statistics = column.statistics
            if statistics is None or not statistics.has_null_count:
                untold.add(name)
            elif statistics.null_count:
                found.add(name)
    for name in untold - found:
        if any(batch.column(0).null_count for batch in parquet.iter_batches(columns=[name])):
            found.add(name)
    return found
