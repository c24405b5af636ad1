"""Where files of events are: paths, globs and URLs, opened through fsspec."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from ..errors import GraphError, one_line

Kind = Literal["json", "csv", "parquet"]

_KINDS: dict[str, Kind] = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def kind_of(path: str) -> Kind | None:
    """What a file holds, by its name; None if that does not say it.

    >>> kind_of("a/events.jsonl.gz"), kind_of("X.CSV"), kind_of("a.parquet"), kind_of("X_test")
    ('json', 'csv', 'parquet', None)
    """
    name = path.lower()
    stem, suffix = os.path.splitext(name)
    if suffix in COMPRESSED:
        name = stem
    kind = _KINDS.get(os.path.splitext(name)[1])
    return None if kind == "parquet" and suffix in COMPRESSED else kind


def is_path(text: str) -> bool:
    r"""Tell whether a text names files of events: by its suffix, as a URL, or as a folder.

    >>> is_path("data/2026-*.parquet"), is_path("s3://shop/events"), is_path("out/")
    (True, True, True)
    >>> is_path("X_test"), is_path("a\nb.jsonl")
    (False, False)
    """
    if "\n" in text or not text:
        return False
    return kind_of(text) is not None or "://" in text or text.endswith(("/", os.sep))


def filesystem(path: str) -> tuple[Any, str]:
    """Give what reads and writes a path or URL, and the path there.

    Raises
    ------
    GraphError
        If the URL is of no known kind, or what it needs is not installed.
    """
    import fsspec  # Which takes its time, and most runs need no file.

    try:
        fs, inner = fsspec.core.url_to_fs(os.path.expanduser(path))
    except ImportError as error:
        raise GraphError(
            f"{path!r} needs a package that is not installed: {one_line(error)}"
        ) from None
    except ValueError as error:
        raise GraphError(f"{path!r} cannot be opened: {error}") from None
    return fs, inner


def is_local(fs: Any) -> bool:
    """Tell whether files are of this machine's own file system."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(fs, LocalFileSystem)


class File:
    """One file of events.

    Attributes
    ----------
    path : str
        As it is told to people: of this machine, or a URL.
    """

    def __init__(self, fs: Any, inner: str, path: str) -> None:
        self.fs, self.inner, self.path = fs, inner, path

    @contextmanager
    def open(self) -> Iterator[Any]:
        """Open it for reading bytes, decompressed as its suffix says."""
        # Of several frames of Zstandard, one after the other, fsspec reads the first alone.
        is_zst = self.inner.lower().endswith(".zst")
        packed = None if is_zst else "infer"
        with self.told(), self.fs.open(self.inner, "rb", compression=packed) as stream:
            if not is_zst:
                yield stream
                return
            import pyarrow as pa

            with io.BufferedReader(pa.CompressedInputStream(stream, "zstd")) as unpacked:
                yield unpacked

    @contextmanager
    def told(self) -> Iterator[None]:
        """Name the file in the errors of reading it."""
        try:
            yield
        except (OSError, EOFError) as error:
            why = getattr(error, "strerror", None) or one_line(error)
            raise GraphError(f"{self.path!r} cannot be read: {why}") from None

    def print(self) -> list[Any]:
        """What tells whether it is the same file still: path, size and time of change."""
        with self.told():
            info = self.fs.info(self.inner)
        changed = next((info[k] for k in ("mtime", "ETag", "LastModified") if k in info), None)
        return [self.path, info.get("size"), None if changed is None else str(changed)]


class Files:
    """Events in files, one after the other.

    Parameters
    ----------
    files : list of File
    """

    def __init__(self, files: list[File]) -> None:
        self.files = files

    @property
    def total(self) -> int | None:
        """How many events there are, if that is known before all are read."""
        return None

    @property
    def fingerprint(self) -> list[Any]:
        """Path, size and time of change of each file."""
        return [file.print() for file in self.files]


def files_of(paths: list[str]) -> tuple[list[File], Kind]:
    """Find the files that paths, globs (in the order of their names), folders and URLs name.

    Raises
    ------
    GraphError
        If there are none, or they are not of one kind.
    """
    found = [file for path in paths for file in _found(path)]
    kinds = {file.path: kind_of(file.inner) for file in found}
    for path, kind in kinds.items():
        if kind is None:
            raise GraphError(
                f"{path!r} is no file of events: those are .jsonl, .csv (also .gz, .bz2, .xz, "
                ".zst) and .parquet"
            )
    by_kind = {kind: path for path, kind in reversed(kinds.items())}
    if len(by_kind) > 1:
        first, second = list(by_kind.values())[:2]
        raise GraphError(f"{second!r} and {first!r} are files of two kinds; run each by itself")
    (kind,) = by_kind
    assert kind is not None
    return found, kind


def _found(path: str) -> list[File]:
    fs, inner = filesystem(path)
    local = is_local(fs)

    def file(name: str) -> File:
        return File(fs, name, os.path.relpath(name) if local and _near(name) else _told(fs, name))

    try:
        if any(sign in path for sign in "*?[") and not fs.exists(inner):
            names = sorted(name for name in fs.glob(inner) if fs.isfile(name))
            if not names:
                raise GraphError(f"no file is named {path!r}")
            return [file(name) for name in names]
        if fs.isdir(inner):
            names = sorted(fs.glob(f"{inner.rstrip('/')}/*.parquet"))
            if not names:
                raise GraphError(
                    f"{path!r} is a folder without .parquet files; name others by a glob, such "
                    f"as '{path.rstrip('/')}/*.jsonl'"
                )
            return [file(name) for name in names]
        if not fs.exists(inner):
            raise GraphError(f"{path!r} cannot be read: No such file or directory")
    except (OSError, ImportError) as error:
        raise GraphError(f"{path!r} cannot be read: {one_line(error)}") from None
    return [file(inner)]


def _near(name: str) -> bool:
    return not os.path.relpath(name).startswith("..")


def _told(fs: Any, name: str) -> str:
    return name if is_local(fs) else fs.unstrip_protocol(name)
