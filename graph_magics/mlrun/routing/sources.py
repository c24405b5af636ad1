"""Where features come from: a variable, a file, a database or a function."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import pandas as pd

from ...errors import GraphError, a, listed, one_line
from ..lookup import Namespace
from .features import AskedFeatures, Features, TableFeatures

_SQLITE = "sqlite:///"
_READERS: Mapping[str, Callable[[str], pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".pq": pd.read_parquet,
    ".csv": pd.read_csv,
}


def features_of(
    uri: Any,
    namespace: Namespace,
    keys: Sequence[str] | None = None,
    label: str | None = None,
    policy: Mapping[str, Any] | None = None,
) -> Features:
    """Find the features that ``feature_vector_uri`` says.

    Parameters
    ----------
    uri : str, Path, DataFrame or callable
        A table or a function, or the name of a variable that is one; the path of a Parquet or
        CSV file; or ``sqlite:///file.db?table=name``. MLRun's ``project/name:tag`` is the
        variable ``name``, with ``_`` for ``-``.
    namespace : Namespace
        Where names are looked up.
    keys, label, policy
        As in `TableFeatures`; of a database the keys are its primary key, if absent.

    Raises
    ------
    GraphError
        If there is no such source, or it cannot be read.
    """
    source = _source(uri, namespace)
    if isinstance(source, pd.DataFrame):
        return TableFeatures(source, keys, label, policy)
    if callable(source):
        return AskedFeatures(source, keys, label, policy)
    text = os.fspath(source)
    if text.startswith(_SQLITE):
        frame, primary = _table_of(text)
        return TableFeatures(frame, keys or primary or None, label, policy)
    return TableFeatures(_read(text), keys, label, policy)


def _source(uri: Any, namespace: Namespace) -> Any:
    if isinstance(uri, (os.PathLike, pd.DataFrame)) or callable(uri):
        return uri
    if not isinstance(uri, str) or not uri:
        raise GraphError(f"feature_vector_uri must name a feature source, got {uri!r}")
    if uri in namespace:
        return _fitting(uri, namespace[uri])
    if uri.startswith(_SQLITE) or Path(uri).suffix.lower() in _READERS:
        return uri
    name = uri.rpartition("/")[2].partition(":")[0]
    for known in (name, name.replace("-", "_")):
        if known in namespace:
            return _fitting(known, namespace[known])
    hint = namespace.near(name.replace("-", "_"), lambda thing: isinstance(thing, pd.DataFrame))
    raise GraphError(
        f"feature_vector_uri {uri!r} is no variable{hint}; it names a table or a function, a "
        f".parquet or .csv file, or {_SQLITE}file.db?table=name"
    )


def _fitting(name: str, thing: Any) -> Any:
    if isinstance(thing, (pd.DataFrame, str, os.PathLike)) or callable(thing):
        return thing
    raise GraphError(f"feature_vector_uri {name!r} is {a(thing)}, no table and no function")


def _read(path: str) -> pd.DataFrame:
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise GraphError(f"the feature source {path!r} is no .parquet and no .csv file")
    try:
        return reader(path)
    except ImportError:
        raise GraphError("reading Parquet needs pyarrow: pip install pyarrow") from None
    except Exception as error:
        raise GraphError(
            f"the feature source {path!r} cannot be read: {one_line(error)}"
        ) from error


def _table_of(uri: str) -> tuple[pd.DataFrame, list[str]]:
    """A table of a database, and its primary key."""
    path, _, query = uri.removeprefix(_SQLITE).partition("?")
    asked = parse_qs(query).get("table", [])
    path = unquote(path)
    if not Path(path).is_file():
        raise GraphError(f"there is no database {path!r}")
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as database:
            found = database.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            )
            tables = [name for (name,) in found if not name.startswith("sqlite_")]
            table = asked[0] if asked else tables[0] if len(tables) == 1 else None
            if table is None or table not in tables:
                raise GraphError(
                    f"the database {path!r} has the tables {listed(tables) or '(none)'}; write "
                    f"{_SQLITE}{path}?table=name"
                )
            quoted = '"' + table.replace('"', '""') + '"'
            fields = database.execute(f"PRAGMA table_info({quoted})").fetchall()
            primary = sorted((field[5], field[1]) for field in fields if field[5])
            frame = pd.read_sql_query(f"SELECT * FROM {quoted}", database)
    except sqlite3.Error as error:
        raise GraphError(f"the database {path!r} cannot be read: {one_line(error)}") from error
    return frame, [name for _, name in primary]
