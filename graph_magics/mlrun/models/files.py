"""Files of models: found in folders and at URLs, and loaded if they are trusted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import GraphError, a, listed, one_line
from .places import folder_for, place_of

#: What a file is called that a pickle is expected in, with what packs it taken off.
_PICKLES = (".pkl", ".pickle", ".p", ".joblib", ".cloudpickle", ".dill")
_PACKED = (".gz", ".bz2", ".xz", ".lzma", ".z", ".lz4")
#: In this order, where a folder has several and nobody says which.
_SUFFIXES = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".skops", ".bin", ".tar.gz")
_SPEC = "model_spec.yaml"


@dataclass
class Settings:
    """What holds for all models that do not say otherwise.

    Parameters
    ----------
    allow_pickle : bool
        Whether pickle and joblib files may be loaded: they can run any code.
    """

    allow_pickle: bool = False


SETTINGS = Settings()


@dataclass(frozen=True)
class Feature:
    """An input or an output of a model."""

    name: str
    value_type: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as in ``model_spec.yaml``."""
        told = {"name": self.name, "value_type": self.value_type}
        return {key: value for key, value in told.items() if value is not None}


class Features(list[Feature]):
    """The inputs or the outputs of a model, in their order.

    >>> Features([Feature("age", "int")]).to_dict()
    [{'name': 'age', 'value_type': 'int'}]
    """

    def to_dict(self) -> list[dict[str, Any]]:
        """Give them as in ``model_spec.yaml``."""
        return [feature.to_dict() for feature in self]


@dataclass
class ModelSpec:
    """What stands in ``model_spec.yaml`` beside a model's file (MLRun 1.12)."""

    model_file: str = ""
    inputs: Features = field(default_factory=Features)
    outputs: Features = field(default_factory=Features)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    extra_data: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, text: bytes, where: str) -> ModelSpec:
        """Read the file's text."""
        import yaml

        try:
            told = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise GraphError(f"{where!r} is no YAML: {one_line(error)}") from None
        if isinstance(told, dict) and isinstance(told.get("spec"), dict):
            told = {**told, **told["spec"]}
        if not isinstance(told, dict) or not isinstance(told.get("model_file"), str):
            raise GraphError(f"{where!r} says no model_file")
        kept: dict[str, Any] = {"model_file": told["model_file"]}
        for key in ("parameters", "extra_data", "metrics", "labels"):
            value = told.get(key) or {}
            if not isinstance(value, dict):
                raise GraphError(f"{where!r}: {key} must be a mapping, got {a(value)}")
            kept[key] = value
        for key in ("inputs", "outputs"):
            kept[key] = Features(_feature(each, key, where) for each in told.get(key) or ())
        return cls(**kept)


def _feature(told: Any, key: str, where: str) -> Feature:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise GraphError(f"{where!r}: one of the {key} has no name")
    return Feature(told["name"], told.get("value_type"))


class ExtraFile:
    """A file beside the model's; it is fetched when it is first read.

    Parameters
    ----------
    key : str
    url : str
    folder : callable
        Gives the folder that it is fetched to.
    """

    def __init__(self, key: str, url: str, folder: Callable[[], str]) -> None:
        self.key = key
        self.url = url
        self._folder = folder
        self._path: str | None = None

    def __repr__(self) -> str:
        return f"ExtraFile({self.key!r}, {self.url!r})"

    def local(self) -> str:
        """Give the path of the file on this machine."""
        if self._path is None:
            self._path = place_of(self.url).fetch(self._folder)
        return self._path

    def get(self, encoding: str | None = None) -> Any:
        """Give what it holds: bytes, or text in an encoding."""
        held = Path(self.local()).read_bytes()
        return held if encoding is None else held.decode(encoding)

    def as_df(self) -> Any:
        """Give it as a table: of a CSV, JSON, JSON Lines or Parquet file.

        Raises
        ------
        GraphError
            If it is another kind of file.
        """
        import pandas as pd

        path = self.local()
        suffix = PurePosixPath(path).suffix.lower()
        if suffix == ".csv":
            return pd.read_csv(path)
        if suffix in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if suffix in (".json", ".jsonl"):
            return pd.read_json(path, lines=suffix == ".jsonl")
        raise GraphError(f"{self.url!r} is no table: those are .csv, .json, .jsonl and .parquet")


@dataclass(frozen=True)
class ModelFiles:
    """A model's file on this machine, and what else there is of it."""

    path: str
    extra: dict[str, ExtraFile]
    spec: ModelSpec | None
    url: str


def fetched(
    model_path: Any,
    suffix: str = "",
    *,
    owner: Any = None,
    allow_pickle: bool = False,
    prefer_skops: bool = False,
) -> ModelFiles:
    """Find the file of a model, and fetch it if it is elsewhere.

    Parameters
    ----------
    model_path : str or path
        A file, a folder, a ``model_spec.yaml``, or a URL of one of these.
    suffix : str
        Which file it is, in a folder.
    owner : object, optional
        What was fetched is kept as long as this is, else as long as the process.
    allow_pickle : bool
        Whether the file may be a pickle.
    prefer_skops : bool
        Whether a skops file in a folder goes before the others, and a pickle is the last.

    Raises
    ------
    GraphError
        If there is no such file, or it is a pickle and those are not allowed.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> size = (folder / "model.txt").write_text("a tree"), (folder / "labels.csv").write_text("a")
    >>> found = fetched(folder, ".txt")
    >>> Path(found.path).name, found.extra["labels.csv"].get()
    ('model.txt', b'a')
    """
    if not isinstance(model_path, (str, os.PathLike)):
        raise GraphError(f"model_path must be a path or a URL, got {a(model_path)}")
    place = base = place_of(os.fspath(model_path))
    folder = folder_for(owner)
    spec, extra = None, {}
    if place.name.lower().endswith((".yaml", ".yml")) and not suffix:
        spec = ModelSpec.read(Path(place.fetch(folder)).read_bytes(), place.url)
        base = place.parent()
    elif place.is_folder():
        names = place.names()
        if _SPEC in names:
            told = place.inside(_SPEC)
            spec = ModelSpec.read(Path(told.fetch(folder)).read_bytes(), told.url)
        else:
            extra = {name: name for name in names}
            order = (".skops", *_SUFFIXES) if prefer_skops else _SUFFIXES
            place = place.inside(_chosen(names, [suffix] if suffix else order, place.url))
    if spec is not None:
        place, extra = base.inside(spec.model_file), dict(spec.extra_data)
    others = {key: ExtraFile(key, base.inside(name).url, folder) for key, name in extra.items()}
    if not allow_pickle and _is_called_pickle(place.name):
        raise _refused(place.url)
    path = place.fetch(folder)
    if not allow_pickle and _begins_as_pickle(path):
        raise _refused(place.url)
    return ModelFiles(path, others, spec, place.url)


def loaded(
    path: str,
    trusted: Sequence[str] | None = None,
    *,
    allow_pickle: bool = False,
    url: str | None = None,
) -> Any:
    """Load a model from its file.

    Parameters
    ----------
    path : str
        A skops file, or one of pickle or joblib.
    trusted : list of str, optional
        Types that may be in a skops file besides those that skops trusts itself.
    allow_pickle : bool
        Whether a pickle may be loaded.
    url : str, optional
        Where the file was fetched from: what errors call it.

    Raises
    ------
    GraphError
        If the file is none of these, is not to be trusted or cannot be read.
    """
    url = url or path
    if _is_called_pickle(path) or _begins_as_pickle(path):
        if not allow_pickle:
            raise _refused(url)
        import joblib

        return _read(url, lambda: joblib.load(path))
    if not path.lower().endswith(".skops"):
        raise GraphError(
            f"{url!r} is no skops file; load it yourself: write load(self) in the class, with "
            "self.get_model()"
        )
    from skops import io

    given = [trusted] if isinstance(trusted, str) else list(trusted or ())
    found = _read(url, lambda: io.get_untrusted_types(file=path))
    untrusted = [kind for kind in found if kind not in given]
    if untrusted:
        raise GraphError(
            f"{url!r} holds types that skops does not trust: {listed(untrusted)}; if you do, "
            f"write trusted={[*given, *untrusted]}"
        )
    return _read(url, lambda: io.load(path, trusted=given))


def _read(url: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:
        raise GraphError(f"{url!r} cannot be loaded: {one_line(error)}") from error


def _is_called_pickle(name: str) -> bool:
    name = name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return name.endswith(_PICKLES)


def _begins_as_pickle(path: str) -> bool:
    """Whether a file, whatever it is called, begins as pickles do since Python 2.3."""
    with open(path, "rb") as file:
        head = file.read(2)
    return len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def _refused(url: str) -> GraphError:
    return GraphError(
        f"{url!r} is a pickle, which can run any code when it is loaded; if you trust it, give "
        "the model allow_pickle=True, or allow all with %config GraphMagics.allow_pickle = True"
    )


def _chosen(names: Sequence[str], suffixes: Iterable[str], url: str) -> str:
    for suffix in suffixes:
        found = [name for name in names if name.endswith(suffix)]
        if found:
            return found[0]
    asked = listed(suffixes)
    has = f"it has {listed(names)}" if names else "it is empty"
    raise GraphError(f"the folder {url!r} has no file that ends with {asked}: {has}")
