"""A run's frame as an Arrow table, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .texts import is_missing, json_text

TEXT = pa.large_string()
_KEY = b"graph_magics"
_JSON = {_KEY: b'{"holds":"json"}'}
#: Kinds of objects that Arrow has a type for.
_KNOWN = (date, datetime, time, timedelta, Decimal, pd.Timestamp, pd.Timedelta)
#: Beyond this, not every integer is a float.
_EXACT = 2**53


def to_table(frame: pd.DataFrame, *, number: int = 0) -> pa.Table:
    """Make a table of a frame of a run.

    Parameters
    ----------
    frame : DataFrame
        Its index becomes columns of the table, the first ones, unless it counts the events.
    number : int
        That of the first event in the run.

    Notes
    -----
    Objects of one plain kind get its type; all others (dicts, lists, unlike kinds in one
    column) become JSON text. Categories that are texts stay categories.

    Examples
    --------
    >>> table = to_table(pd.DataFrame({"vote": [1, None], "response": [{"a": 1}, [2]]}))
    >>> table["response"].to_pylist()
    ['{"a":1}', '[2]']
    >>> to_frame(table)["response"].tolist()
    [{'a': 1}, [2]]
    """
    labels = _labels(frame, number)
    columns = {**labels, **{str(name): frame[name] for name in frame.columns}}
    fields, arrays = [], []
    for name, values in columns.items():
        array, metadata = _array(values)
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=metadata))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, _metadata(frame.index, labels)))


def _labels(frame: pd.DataFrame, number: int) -> dict[str, pd.Series]:
    index = frame.index
    counts = isinstance(index, pd.RangeIndex) and index.step == 1 and index.start == number
    if counts and index.name is None:
        return {}
    labels = {}
    for level in range(index.nlevels):
        own = index.names[level]
        name = "index" if own is None else str(own)
        if own is None and index.nlevels > 1:
            name = f"level_{level}"
        while name in frame.columns or name in labels:
            name = f"index.{name}"
        labels[name] = index.get_level_values(level).to_series()
    return labels


def _metadata(index: pd.Index, labels: Iterable[str]) -> dict[bytes, bytes] | None:
    names = list(labels)
    if not names:
        return None
    own = [None if name is None else str(name) for name in index.names]
    told = {"index": names, "names": [_as_name(name) for name in index.names]}
    # What pandas and others look at to make an index of these columns again.
    columns = [
        {"name": name, "field_name": field, "pandas_type": "empty", "numpy_type": "object",
         "metadata": None}
        for field, name in zip(names, own, strict=True)
    ]  # fmt: skip
    for_pandas = {"index_columns": names, "column_indexes": [], "columns": columns}
    return {_KEY: json.dumps(told).encode(), b"pandas": json.dumps(for_pandas).encode()}


def _as_name(name: Any) -> Any:
    """The name of a level as JSON has it: a tuple is a list, and what it has not is text."""
    if isinstance(name, tuple):
        return [_as_name(part) for part in name]
    return name if name is None or type(name) in (str, int, float, bool) else str(name)


def _name_of(told: Any) -> Any:
    return tuple(map(_name_of, told)) if isinstance(told, list) else told


def _array(values: pd.Series) -> tuple[pa.Array, dict[bytes, bytes] | None]:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = list(dtype.categories)
        if all(type(category) is str for category in categories):
            codes = pa.array(values.cat.codes.to_numpy(np.int32), mask=values.isna().to_numpy())
            array = pa.DictionaryArray.from_arrays(
                codes, pa.array(categories, pa.string()), ordered=bool(dtype.ordered)
            )
            return array, {_KEY: json.dumps({"categories": categories}).encode()}
        return _array(values.astype(dtype.categories.dtype if len(categories) else object))
    if pd.api.types.is_object_dtype(dtype) or dtype.kind == "c":
        return _objects(values.tolist())
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, UnicodeEncodeError, TypeError):
        return _objects(values.astype(object).tolist())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return (array.cast(TEXT) if pa.types.is_string(array.type) else array), None


def _objects(values: list[Any]) -> tuple[pa.Array, dict[bytes, bytes] | None]:
    values = [None if is_missing(value) else value for value in values]
    kinds = set(map(type, values)) - {type(None)}
    try:
        if not kinds:
            return pa.nulls(len(values)), None
        if kinds <= {str}:
            return pa.array(values, TEXT), None
        if kinds <= {bool, np.bool_}:
            return pa.array(values, pa.bool_()), None
        if all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in kinds):
            return pa.array(values, pa.int64()), None
        if all(
            issubclass(kind, (int, float, np.integer, np.floating)) and kind is not bool
            for kind in kinds
        ) and all(v is None or isinstance(v, float) or abs(v) <= _EXACT for v in values):
            return pa.array([v if v is None else float(v) for v in values], pa.float64()), None
        if all(issubclass(kind, bytes) for kind in kinds):
            return pa.array(values, pa.large_binary()), None
        if len(kinds) == 1 and issubclass(next(iter(kinds)), _KNOWN):
            return pa.array(values), None
    except (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError, ValueError):
        pass
    return _json(values), _JSON


def _json(values: list[Any]) -> pa.Array:
    return pa.array([None if value is None else json_text(value) for value in values], TEXT)


def united(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """Give one schema for all chunks of a run.

    Notes
    -----
    The columns are those of all, in the order in which they are first met. A column without
    any value takes the type of the other chunks; whole numbers beside floats are floats; types
    that no type holds both of are JSON text.
    """
    return reduce(_both, schemas)


def _both(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    if one.equals(other, check_metadata=True):
        return one
    names = dict.fromkeys([*one.names, *other.names])
    fields = []
    for name in names:
        if name not in one.names or name not in other.names:
            fields.append((one if name in one.names else other).field(name))
        else:
            fields.append(_wide(one.field(name), other.field(name)))
    return pa.schema(fields, one.metadata or other.metadata)


def _wide(one: pa.Field, other: pa.Field) -> pa.Field:
    if one.equals(other, check_metadata=True):
        return one
    if pa.types.is_null(one.type) or pa.types.is_null(other.type):
        return other if pa.types.is_null(one.type) else one
    if _holds_json(one) or _holds_json(other):
        return json_field(one.name)
    if pa.types.is_dictionary(one.type) and one.type == other.type:
        return _wide_categories(one, other)
    texts = [f for f in (one, other) if pa.types.is_dictionary(f.type) or f.type == TEXT]
    if len(texts) == 2:
        return pa.field(one.name, TEXT)
    signed = {pa.types.is_signed_integer(f.type) for f in (one, other)}
    if all(pa.types.is_integer(f.type) for f in (one, other)) and len(signed) == 2:
        return json_field(one.name)
    if pa.types.is_binary(one.type) or texts:
        return json_field(one.name)
    if any(pa.types.is_decimal(f.type) for f in (one, other)):
        return _wide_decimals(one, other)
    if _kind_of(one.type) != _kind_of(other.type):
        return json_field(one.name)
    try:
        some = [pa.schema([one.remove_metadata()]), pa.schema([other.remove_metadata()])]
        return pa.unify_schemas(some, promote_options="permissive").field(0)
    except pa.ArrowException:
        return json_field(one.name)


def _kind_of(kind: pa.DataType) -> Any:
    """What two types have in common that one type may hold both of."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "numbers"
    return (kind.id, kind.tz) if pa.types.is_timestamp(kind) else kind.id


def _wide_decimals(one: pa.Field, other: pa.Field) -> pa.Field:
    """Decimals of more digits; beside other numbers, which Python does not mix them with, JSON."""
    if not all(pa.types.is_decimal(f.type) for f in (one, other)):
        return json_field(one.name)
    types: Any = (one.type, other.type)
    scale = max(kind.scale for kind in types)
    digits = max(kind.precision - kind.scale for kind in types) + scale
    if digits > 76:
        return json_field(one.name)
    return pa.field(one.name, (pa.decimal128 if digits <= 38 else pa.decimal256)(digits, scale))


def _wide_categories(one: pa.Field, other: pa.Field) -> pa.Field:
    categories = dict.fromkeys(
        text for field in (one, other) for text in _told(field)["categories"]
    )
    return one.with_metadata({_KEY: json.dumps({"categories": list(categories)}).encode()})


def as_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a table the columns and types of a schema that `united` gave for it."""
    if table.schema.equals(schema, check_metadata=True):
        return table
    arrays = []
    for field in schema:
        if field.name not in table.schema.names:
            arrays.append(pa.nulls(table.num_rows, field.type))
            continue
        own, values = table.schema.field(field.name), table[field.name]
        if _holds_json(field) and not _holds_json(own):
            # As their frame has them, which is how they stand beside objects in one chunk.
            objects = to_values(table, field.name)
            values = _json([None if is_missing(v) else v for v in objects])
        elif values.type != field.type:
            values = values.cast(field.type, safe=False)
        arrays.append(values)
    return pa.Table.from_arrays(arrays, schema=schema)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Make the frame of a run of a table; see `to_table`."""
    columns = {}
    for field in table.schema:
        columns[field.name] = _series(table[field.name].combine_chunks(), field)
    told = _told(table.schema)
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))
    if "index" in told:
        frame = frame.set_index(told["index"])
        frame.index.names = [_name_of(name) for name in told["names"]]
    return frame


def _series(values: Any, field: pa.Field) -> Any:
    kind = field.type
    if _holds_json(field):
        cells = np.full(len(values), np.nan, dtype=object)
        for row, text in enumerate(values.to_pylist()):
            if text is not None:
                cells[row] = json.loads(text)
        return cells
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan, dtype=object)
    if pa.types.is_dictionary(kind):
        return values.to_pandas().cat.set_categories(_told(field)["categories"])
    if kind == TEXT:  # Of missing ones alone, older libraries make objects.
        return _nullable(values, "str")
    if values.null_count and pa.types.is_integer(kind):
        nullable = str(kind).replace("int", "Int").replace("uInt", "UInt")
        return _nullable(values, nullable)
    if values.null_count and pa.types.is_boolean(kind):
        return _nullable(values, "boolean")
    return values.to_pandas()


def _told(some: pa.Field | pa.Schema) -> Any:
    return json.loads((some.metadata or {}).get(_KEY, b"{}"))


def _nullable(values: Any, dtype: str) -> Any:
    made: Any = pd.api.types.pandas_dtype(dtype)
    return made.__from_arrow__(values)


def _holds_json(field: pa.Field) -> bool:
    return field.metadata is not None and field.metadata.get(_KEY) == _JSON[_KEY]


def json_field(name: str) -> pa.Field:
    """Give a column of JSON text."""
    return pa.field(name, TEXT, metadata=_JSON)


def labels_in(schema: pa.Schema) -> list[str]:
    """The columns that are the index."""
    return list(_told(schema).get("index", []))


def to_values(table: pa.Table, name: str) -> list[Any]:
    """A column as Python objects, as its frame has them."""
    values: Any = _series(table[name].combine_chunks(), table.schema.field(name))
    return list(values.tolist())


def holds_json(field: pa.Field) -> bool:
    """Tell whether a column is JSON text."""
    return _holds_json(field)
