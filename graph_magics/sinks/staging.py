"""The place beside its output where a streamed run is written, until it is whole."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..engine.paths import filesystem, is_local
from ..errors import GraphError, counted, listed, one_line
from . import names
from .formats import compressed, read_csv, read_lines, write_csv, write_lines, write_parquet
from .layouts import Forms, Layout
from .tables import to_frame, to_table

_FORMATS: dict[str, Literal["parquet", "csv", "json"]] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "json",
    ".jsonl.gz": "json",
}


class Staging:
    """The output of a streamed run: a folder of Parquet parts, or one file.

    Every chunk becomes a Parquet part in ``<output>.unfinished`` with a note of what it holds;
    part and note are put in place as wholes, so that what is there is done. When all chunks
    are done, the folder is renamed, or one file is made of its parts and then renamed.

    Parameters
    ----------
    into : str or path
        A folder (no suffix, or a slash at the end), or a file: ``.parquet``, ``.jsonl``,
        ``.jsonl.gz``, ``.csv``, ``.csv.gz``. Or a URL of these.

    Raises
    ------
    GraphError
        If it has another suffix.
    """

    def __init__(self, into: Any) -> None:
        self.path = os.fspath(into)
        self.fs, inner = filesystem(self.path)
        self.local = is_local(self.fs)
        self.target = inner.rstrip("/")
        name = posixpath.basename(self.target).lower()
        #: What the output is called where it is told to people.
        self._shown = self.path.rstrip("/")
        if self.local and os.path.islink(self.target):  # Written through, and not replaced.
            self.target = self._shown = os.path.realpath(self.target)
        self.folder = f"{self.target}.unfinished"
        self.format: Literal["parquet", "csv", "json"] | None = None
        if not self.path.endswith(("/", os.sep)) and not self.fs.isdir(inner):
            suffix = next((s for s in sorted(_FORMATS, key=len)[::-1] if name.endswith(s)), None)
            if suffix is None and "." in name.lstrip("."):
                raise GraphError(
                    f"into={self.path!r}: write a folder as 'out/', or a file that ends in "
                    f"{', '.join(_FORMATS)}"
                )
            self.format = None if suffix is None else _FORMATS[suffix]
        self._is_packed = self.format is not None and name.endswith(".gz")
        self.is_whole = False
        self._overwrite = False
        self._parts = 0
        self._forms: list[Forms] = []
        self._columns: Sequence[str] | None = None
        self._layout: Layout | None = None

    @property
    def unfinished(self) -> str:
        """Where the parts are while it is not whole, as it is told to people."""
        return f"{self._shown}.unfinished"

    def begin(
        self, told: Mapping[str, Any], *, resume: bool, overwrite: bool
    ) -> list[tuple[dict[str, Any], pd.DataFrame | None]]:
        """Make the place ready; what is done already, if the run goes on.

        Raises
        ------
        GraphError
            If there is an output already, or an unfinished run that is not asked for or that
            was another one, or something of the user's own where those are to be.
        """
        self._overwrite = overwrite
        self._columns = told.get("columns")
        with self._told("read"):
            self._check_target()
            self._check_folder()
        begun = self._read_json(names.RUN)
        done = list(self._done()) if begun is not None else []
        if done and not resume and not overwrite:
            raise GraphError(
                f"{self.unfinished!r} holds {counted(len(done), 'finished chunk')} of a run that "
                "was broken off; go on with resume=True, or begin anew with overwrite=True"
            )
        if resume and begun is not None:
            for key, was in begun.items():
                now = json.loads(json.dumps(told.get(key)))
                if was != now:
                    raise GraphError(_differs(self.unfinished, key, was, now))
            self._parts = len(done)
            self._forms = [note.get("forms", []) for note, _ in done]
            self._forget_after(len(done))
            return done
        self.remove()
        with self._told():
            self.fs.makedirs(self.folder, exist_ok=True)
        self._write(names.RUN, json.dumps(told).encode())
        return []

    def write(
        self, frame: pd.DataFrame, number: int, note: Mapping[str, Any], errors: pd.DataFrame | None
    ) -> None:
        """Write one chunk, whose first event has this number in the run.

        Its ``forms``, if they are in the note, tell what its columns were made of.
        """
        part = self._parts
        table = to_table(frame, number=number)
        with self._stream(names.part(part)) as stream:
            pq.write_table(table, stream)
        if errors is not None:
            with self._stream(names.errors(part)) as stream:
                pq.write_table(to_table(errors, number=-1), stream)
        size = self._size(names.part(part))
        self._write(names.note(part), json.dumps({**note, "bytes": size}).encode())
        self._parts = part + 1
        self._forms.append(note.get("forms", []))
        self._layout = None

    def finish(self) -> None:
        """Put the output in place; there must be a part."""
        layout = self.layout
        schema = layout.schema
        with self._told():
            self._check_target()  # Again: it may have been made, or added to, meanwhile.
            if self.format is None:
                for part in range(self._parts):
                    if not self._schema_of(part).equals(schema, check_metadata=True):
                        whole = layout.table(self._read(names.part(part)), part)
                        with self._stream(names.part(part)) as stream:
                            pq.write_table(whole, stream)
                        note = self._read_json(names.note(part))
                        note["bytes"] = self._size(names.part(part))
                        note["forms"] = layout.forms(part)
                        self._write(names.note(part), json.dumps(note).encode())
                self._put_folder()
            else:
                writers = {"parquet": write_parquet, "csv": write_csv, "json": write_lines}
                with (
                    self._stream(names.WHOLE) as stream,
                    compressed(stream, self._is_packed) as packed,
                ):
                    writers[self.format](self._tables(), schema, packed)
                self._move(f"{self.folder}/{names.WHOLE}", self.target)
                self.remove()
        self.is_whole = True

    def remove(self) -> None:
        """Remove the place; what is not ours in it stays."""
        with self._told():
            self._remove(self.folder)

    def _remove(self, folder: str) -> None:
        if not self.fs.exists(folder):
            return
        if ours := [path for path, is_ours in self._held(folder) if is_ours]:
            self.fs.rm(ours)
        with contextlib.suppress(OSError):  # It is not empty, or is of a store without folders.
            self.fs.rmdir(folder)

    def _held(self, folder: str) -> list[tuple[str, bool]]:
        """The paths in a folder, each with whether it is of a kind that a run writes."""
        self.fs.invalidate_cache(folder)
        return [
            (
                held["name"],
                held["type"] == "file" and names.is_ours(posixpath.basename(held["name"])),
            )
            for held in self.fs.ls(folder, detail=True)
            if held["name"].rstrip("/") != folder.rstrip("/")
        ]

    @property
    def layout(self) -> Layout:
        """The columns and types of all chunks together."""
        if self._layout is None:
            schemas = [self._schema_of(part) for part in range(self._parts)]
            self._layout = Layout(schemas, self._forms, self._columns)
        return self._layout

    def frame(self) -> pd.DataFrame:
        """Read back all that is written."""
        if not self._parts:
            return pd.DataFrame()
        with self._told("read"), self._readable():
            if not self.is_whole or self.format is None:
                return to_frame(pa.concat_tables(list(self._tables())))
            packed = "gzip" if self._is_packed else None
            with self.fs.open(self.target, "rb", compression=packed) as stream:
                if self.format == "parquet":
                    return to_frame(pq.read_table(stream))
                read = read_csv if self.format == "csv" else read_lines
                return to_frame(read(stream, self.layout.schema))

    def head(self) -> pd.DataFrame:
        """Read back the first events; while it is not whole."""
        return to_frame(self.layout.table(self._read(names.part(0)), 0)).head(5)

    def _tables(self) -> Iterator[pa.Table]:
        layout = self.layout
        for part in range(self._parts):
            yield layout.table(self._read(names.part(part)), part)

    @property
    def _here(self) -> str:
        return self.target if self.is_whole else self.folder

    def _schema_of(self, part: int) -> pa.Schema:
        with self.fs.open(f"{self._here}/{names.part(part)}", "rb") as stream:
            return pq.read_schema(stream)

    def _read(self, name: str) -> pa.Table:
        with self.fs.open(f"{self._here}/{name}", "rb") as stream, pq.ParquetFile(stream) as file:
            return file.read()

    def _done(self) -> Iterator[tuple[dict[str, Any], pd.DataFrame | None]]:
        for part in range(10**9):
            note = self._read_json(names.note(part))
            if note is None or self._size(names.part(part)) != note["bytes"]:
                return
            has_errors = self.fs.exists(f"{self.folder}/{names.errors(part)}")
            yield note, to_frame(self._read(names.errors(part))) if has_errors else None

    def _forget_after(self, part: int) -> None:
        """Remove what was written of a chunk that was not finished."""
        known = {
            name
            for done in range(part)
            for name in (names.part(done), names.note(done), names.errors(done))
        }
        for path, is_ours in self._held(self.folder):
            if is_ours and posixpath.basename(path) not in known | {names.RUN}:
                self.fs.rm(path)

    def _check_target(self) -> None:
        if not self.fs.exists(self.target):
            return
        is_folder = self.fs.isdir(self.target)
        if is_folder and self.format is not None:
            raise GraphError(f"{self.path!r} is a folder; write it as {self.path + '/'!r}")
        if not is_folder and self.format is None:
            raise GraphError(f"{self.path!r} is a file, and the run would be a folder")
        held = self._held(self.target) if is_folder else []
        if is_folder and not held:
            return
        if not self._overwrite:
            raise GraphError(f"{self.path!r} is there already; overwrite=True replaces it")
        # A folder of other things may be anything, a home folder too.
        self._refuse_others(self.path, held)

    def _check_folder(self) -> None:
        if not self.fs.exists(self.folder):
            return
        if not self.fs.isdir(self.folder):
            raise GraphError(
                f"{self.unfinished!r} is a file, and a run keeps its finished chunks in a folder "
                "of that name; move the file away, or write elsewhere"
            )
        held = self._held(self.folder)
        self._refuse_others(self.unfinished, held)
        found = [posixpath.basename(path) for path, _ in held]
        if (
            any(map(names.IS_PART.fullmatch, found))
            and names.RUN not in found
            and not self._overwrite
        ):
            raise GraphError(
                f"{self.unfinished!r} holds parts, and nothing tells of what run; move them away, "
                "or remove them with overwrite=True"
            )

    def _refuse_others(self, where: str, held: list[tuple[str, bool]]) -> None:
        if odd := [posixpath.basename(path.rstrip("/")) for path, is_ours in held if not is_ours]:
            raise GraphError(
                f"{where!r} holds more than parts of a run, such as {odd[0]!r}; move it away "
                "yourself, or write elsewhere"
            )

    def _put_folder(self) -> None:
        found = [posixpath.basename(path) for path, _ in self._held(self.folder)]
        old = None
        if self.fs.exists(self.target):
            old = self._free(f"{self.target}.replaced")
            self._move(self.target, old)
        self._move(self.folder, self.target)
        for name in found:
            if names.IS_BESIDE.fullmatch(name):
                self.fs.rm(f"{self.target}/{name}")
        if old is not None:
            self._remove(old)

    def _free(self, path: str) -> str:
        """A path at which there is nothing: what stands beside the output is the user's own."""
        free = itertools.chain([path], (f"{path}-{number}" for number in itertools.count(2)))
        return next(name for name in free if not self.fs.exists(name))

    def _move(self, source: str, target: str) -> None:
        if self.local:
            os.replace(source, target)
        elif self.fs.isdir(source):
            self.fs.makedirs(target, exist_ok=True)
            for path in sorted(self.fs.ls(source, detail=False)):
                self.fs.mv(path, f"{target}/{posixpath.basename(path)}")
            with contextlib.suppress(OSError):
                self.fs.rmdir(source)
        else:
            self.fs.mv(source, target)

    @contextlib.contextmanager
    def _stream(self, name: str) -> Iterator[Any]:
        """Write a file that is there only when it is whole."""
        path = f"{self.folder}/{name}"
        with self._told():
            if not self.local:  # An object is there when it is closed, and not before.
                with self.fs.open(path, "wb") as stream:
                    yield stream
                return
            with Path(f"{path}.tmp").open("wb") as stream:
                yield stream
            os.replace(f"{path}.tmp", path)

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        """Tell of values that are written, and cannot be made of their text again."""
        try:
            yield
        except (pa.ArrowException, ValueError, KeyError) as error:
            raise GraphError(
                f"{self.path!r} cannot be read back: {one_line(error)}; read it with pandas, or "
                "write Parquet"
            ) from error

    def _write(self, name: str, content: bytes) -> None:
        with self._stream(name) as stream:
            stream.write(content)

    def _read_json(self, name: str) -> Any:
        try:
            return json.loads(self.fs.cat_file(f"{self.folder}/{name}"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

    def _size(self, name: str) -> int:
        try:
            return int(self.fs.info(f"{self.folder}/{name}")["size"])
        except FileNotFoundError:
            return -1

    @contextlib.contextmanager
    def _told(self, done: str = "written") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise GraphError(
                f"{self.path!r} cannot be {done}: {error.strerror or one_line(error)}"
            ) from error


def _differs(where: str, key: str, was: Any, now: Any) -> str:
    if key == "source":
        return (
            f"{where!r} was begun with other events, or they have changed since; begin anew with "
            "overwrite=True"
        )
    if key == "nodes":
        paths = [path for path in {**was, **now} if path and was.get(path) != now.get(path)]
        odd = (
            f"its {listed(paths[:5])} is not the same"
            if paths
            else "its wires or parameters are others"
        )
        return (
            f"{where!r} was begun with another graph: {odd}; use the same, or begin anew with "
            "overwrite=True"
        )
    return (
        f"{where!r} was begun with {key} {was!r}, and this run has {now!r}; use the same, or "
        "begin anew with overwrite=True"
    )
