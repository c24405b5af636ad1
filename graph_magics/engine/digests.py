"""Digests of events in memory: the same in every process, and others for other events."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID
from zlib import crc32

import numpy as np
import pandas as pd

#: So many bodies, or bytes of an array, are looked at at once.
_AT_ONCE = 1_024
_BYTES = 2**20
#: Before references and interned strings came in, which hang on more than the values.
_MARSHAL = 2
#: Objects whose text tells all of them.
_TOLD = (date, time, timedelta, Decimal, UUID, PurePath, complex, range, slice, np.dtype)


def digest_of(bodies: Any, index: pd.Index) -> str:
    """Give a digest of all events: their values, types, order and labels.

    Parameters
    ----------
    bodies : DataFrame, ndarray, ExtensionArray, Samples or list
    index : Index

    Examples
    --------
    >>> some = digest_of([{"x": 1}, {"x": 2}], pd.RangeIndex(2))
    >>> some == digest_of([{"x": 1}, {"x": 2.0}], pd.RangeIndex(2))
    False
    """
    digest = hashlib.sha256()
    for piece in (*_pieces(bodies), *_index(index)):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(some: Any) -> Iterator[Any]:
    """Whatever buffers tell the values, in order; the bounds between them are no matter."""
    if isinstance(some, pd.DataFrame):
        for place, name in enumerate(some.columns):
            yield _said("column", name)
            yield from _pieces(some.iloc[:, place])
    elif isinstance(some, np.ndarray):
        yield _said("array", some.dtype.str, some.shape)
        yield from _array(some)
    elif isinstance(some, (pd.Series, pd.api.extensions.ExtensionArray)):
        if isinstance(some.dtype, np.dtype):
            yield from _pieces(np.asarray(some))
        else:
            yield _said("values", str(some.dtype), len(some))
            if isinstance(some.dtype, pd.StringDtype):
                yield from _texts(some)
            else:
                yield from _extension(pd.Series(some))
    elif isinstance(some, list):
        yield _said("list", len(some))
        yield from _list(some)
    else:
        yield from _list([some])


def _array(values: np.ndarray) -> Iterator[Any]:
    if values.dtype.char in "gG":  # They have bytes besides those of their values.
        yield from map(_body, values.ravel().tolist())
        return
    if values.dtype.kind not in "biufcmMSU":
        yield from _list(values.tolist())
        return
    rows = max(_BYTES // max(values[:1].nbytes, 1), 1)
    for start in range(0, len(values), rows):
        some = np.ascontiguousarray(values[start : start + rows])
        # Much quicker than a digest of all bytes, and nobody means to deceive here.
        yield crc32(some.reshape(-1).view(np.uint8).data).to_bytes(4, "big")


def _texts(values: Any) -> Iterator[Any]:
    """The lengths of texts, and all of them one after the other, as Arrow has them."""
    import pyarrow as pa  # Which takes its time to import.
    import pyarrow.compute as pc

    arrow = pa.array(values, pa.large_string(), from_pandas=True)
    chunks = arrow.chunks if isinstance(arrow, pa.ChunkedArray) else [arrow]
    # Each from chunk to chunk, as where one ends is no matter.
    check = of_lengths = 0
    for chunk in chunks:
        lengths = pc.fill_null(pc.binary_length(chunk), -1).to_numpy(zero_copy_only=False)
        of_lengths = crc32(np.ascontiguousarray(lengths).view(np.uint8).data, of_lengths)
        texts = chunk.drop_null()
        _, offsets, data = texts.buffers()
        bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        if data is not None and len(bounds):
            check = crc32(memoryview(data)[bounds[0] : bounds[-1]], check)
    yield check.to_bytes(4, "big") + of_lengths.to_bytes(4, "big")


def _extension(values: pd.Series) -> Iterator[Any]:
    try:
        yield pd.util.hash_pandas_object(values, index=False).to_numpy().data
    except TypeError:
        yield from _list(values.tolist())


def _list(values: list[Any]) -> Iterator[bytes]:
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        try:
            yield marshal.dumps(some, _MARSHAL)
        except ValueError:  # One of them is nothing that JSON has.
            yield from map(_body, some)


def _body(body: Any) -> bytes:
    try:
        return marshal.dumps(_plain(body), _MARSHAL)
    except (ValueError, RecursionError):
        return _said("deep", type(body).__name__)


def _plain(value: Any) -> Any:
    """A value in what can be marshalled, with the type of what cannot."""
    if isinstance(value, Mapping):
        return [type(value).__name__, [(_plain(k), _plain(v)) for k, v in value.items()]]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [_plain(item) for item in value]]
    if isinstance(value, (set, frozenset)):
        return ["set", sorted(marshal.dumps(_plain(item), _MARSHAL) for item in value)]
    if type(value) in (type(None), bool, int, float, str, bytes):
        return value
    kind = type(value).__name__
    if isinstance(value, (bytes, bytearray)):
        return [kind, bytes(value)]
    if isinstance(value, np.generic):
        item = value.item()
        return [kind, repr(value) if isinstance(item, np.generic) else _plain(item)]
    if isinstance(value, (np.ndarray, pd.DataFrame, pd.Series)):
        return [kind, b"".join(map(bytes, _pieces(value)))]
    # What another object holds is not known, and its text may have its address.
    return [kind, repr(value) if isinstance(value, _TOLD) else ""]


def _index(index: pd.Index) -> Iterator[Any]:
    yield _said("index", *index.names)
    if isinstance(index, pd.RangeIndex):
        yield _said(index.start, index.stop, index.step)
    elif isinstance(index, pd.MultiIndex):
        for level in range(index.nlevels):
            yield from _pieces(index.get_level_values(level).to_series())
    else:
        yield from _pieces(index.to_series())


def _said(*words: Any) -> bytes:
    return _body(words)
