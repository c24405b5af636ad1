"""The columns of a run whose chunks have unlike ones, as they are of the run in memory.

A step's answers are a table in one chunk, if all of them are flat objects of the same fields,
and objects in the next. Of all events together they are objects: then those of the former
chunk are made of its columns.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from .tables import as_schema, json_field, labels_in, to_values, united
from .texts import is_missing, json_text

Forms = Sequence[Mapping[str, Any]]
"""What each output of a chunk is; see `graph_magics.forms.forms_in`."""


def packed(mask: np.ndarray) -> str:
    """Write a mask as text.

    >>> unpacked(packed(np.array([True, False, True])), 3).tolist()
    [True, False, True]
    """
    return base64.b85encode(zlib.compress(np.packbits(mask).tobytes())).decode()


def unpacked(text: str | None, size: int) -> np.ndarray:
    """Read a mask of so many rows; None is all of them."""
    if text is None:
        return np.ones(size, dtype=bool)
    if not size:
        return np.ones(0, dtype=bool)
    bits = np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype=np.uint8)
    return np.unpackbits(bits, count=size).astype(bool)


class Layout:
    """The columns of all chunks together.

    Parameters
    ----------
    schemas : sequence of Schema
        Of each chunk.
    forms : sequence of Forms
        Of each chunk; empty where nothing is known.
    columns : sequence of str or None
        Those that are kept, as `graph_magics.outputs.chosen` takes them.
    """

    def __init__(
        self,
        schemas: Sequence[pa.Schema],
        forms: Sequence[Forms],
        columns: Sequence[str] | None = None,
    ) -> None:
        self._columns = columns
        self._goals: dict[str, Any] = {}
        for chunk in forms:
            for told in chunk:
                goal = self._goals.setdefault(told["column"], told["form"])
                if told["form"] is not None:
                    is_other = goal is not None and told["form"] != goal
                    self._goals[told["column"]] = "objects" if is_other else told["form"]
        self._forms = [{told["column"]: told for told in chunk} for chunk in forms]
        # Those of the chunks with answers; others have a column for what may have come.
        self._names = {
            told["column"]: told["names"]
            for chunk in forms
            for told in chunk
            if told["form"] is not None
        }
        shaped = [
            self._reshaped(pa.Table.from_batches([], schema), place).schema
            for place, schema in enumerate(schemas)
        ]
        whole = united(shaped)
        self.schema = pa.schema([whole.field(n) for n in self._in_order(whole)], whole.metadata)

    def table(self, table: pa.Table, chunk: int) -> pa.Table:
        """Give the table of a chunk these columns."""
        if table.schema.equals(self.schema, check_metadata=True):
            return table
        shaped = self._reshaped(table, chunk)
        if not shaped.column_names:  # And so no rows, for Arrow.
            nothing = [pa.nulls(table.num_rows, field.type) for field in self.schema]
            return pa.Table.from_arrays(nothing, schema=self.schema)
        return as_schema(shaped, self.schema)

    def forms(self, chunk: int) -> list[dict[str, Any]]:
        """What the outputs of a chunk are, when it has these columns."""
        return [
            {"column": column, "form": "values", "names": [column], "responds": told["responds"]}
            if self._goals[column] == "objects"
            else dict(told)
            for column, told in self._forms[chunk].items()
        ]

    def _reshaped(self, table: pa.Table, chunk: int) -> pa.Table:
        """Drop and add what is other than in the run in memory."""
        forms = self._forms[chunk]
        had = set(table.column_names)
        made: dict[str, tuple[pa.Field, Any]] = {}
        dropped: set[str] = set()
        for column, told in forms.items():
            goal = self._goals[column]
            if not self._is_wanted(column):
                # Kept for what another output is made of.
                dropped |= {name for name in told["names"] if not self._is_wanted(name)}
                continue
            if goal != "objects":
                if told["form"] is None and goal is not None:
                    dropped |= set(told["names"]) - set(self._names[column])
            elif told["form"] not in (None, "values"):
                dropped |= set(told["names"])
                source = told if had.issuperset(told["names"]) else self._response(forms, told)
                if source is not None and had.issuperset(source["names"]):
                    made[column] = _objects(table, column, source)
                else:
                    made[column] = pa.field(column, pa.null()), pa.nulls(table.num_rows)
        kept = [name for name in table.column_names if name not in dropped | set(made)]
        fields = [table.schema.field(name) for name in kept] + [field for field, _ in made.values()]
        arrays = [table[name] for name in kept] + [array for _, array in made.values()]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields, table.schema.metadata))

    @staticmethod
    def _response(forms: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The response, if it is what this output answered."""
        return forms["response"] if told["responds"] and told["form"] is not None else None

    def _is_wanted(self, name: str) -> bool:
        return self._columns is None or any(
            name == asked or name.startswith(f"{asked}.") for asked in self._columns
        )

    def _in_order(self, whole: pa.Schema) -> list[str]:
        """The names of the columns in the order of the run in memory."""
        columns = dict.fromkeys(column for forms in self._forms for column in forms)
        if not columns:
            return list(whole.names)
        known = labels_in(whole)
        for column in columns:
            names = self._names.get(column, []) if self._goals[column] != "objects" else []
            known += [*names, column, f"{column}.route"]
        last = ["status", "error"]
        others = [name for name in whole.names if name not in {*known, *last}]
        labels = labels_in(whole)
        return [
            name
            for name in dict.fromkeys([*known, *others, *last])
            if name in whole.names and (name in labels or self._is_wanted(name))
        ]


def _objects(table: pa.Table, column: str, source: Mapping[str, Any]) -> tuple[pa.Field, Any]:
    """The answers of a chunk as objects, made of their columns."""
    values = [to_values(table, name) for name in source["names"]]
    keys, form = source.get("keys"), source["form"]
    texts: list[str | None] = []
    answered = unpacked(source.get("answered"), table.num_rows)
    for is_answered, row in zip(answered, zip(*values, strict=True), strict=True):
        cells: Any = [None if is_missing(value) else value for value in row]
        if keys is not None:
            cells = dict(zip(keys, cells, strict=False))
        elif len(form[1]) > 1:
            cells = np.array(cells, dtype=object).reshape(form[1]).tolist()
        texts.append(json_text(cells) if is_answered else None)
    field = json_field(column)
    return field, pa.array(texts, field.type)
