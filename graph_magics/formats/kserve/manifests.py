"""KServe's InferenceGraph manifests: text, files or dicts to plain data, and back to text.

What Kubernetes and KServe think of one is asked with `admit`, and for a bare spec, which is
what KServe's router itself is started with, with `check_bare`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from ...errors import GraphError, a, listed
from ...gojson import depth_of
from ...goscan import text_of
from . import yamltext
from .admission import admit, stored_spec
from .plain import MAX_DEPTH, Repeated, plain
from .startup import check_bare

__all__ = ["MAX_SIZE", "admit", "check_bare", "dump", "is_bare", "read", "stored_spec"]

MAX_SIZE = 1_572_864
"""How many bytes a manifest may have: 1.5 MiB, the most that Kubernetes' etcd stores."""

_SUFFIXES = (".yaml", ".yml", ".json")
_KIND = "InferenceGraph"

dump = yamltext.dump


def read(manifest: Mapping[str, Any] | str | bytes | os.PathLike[str]) -> dict[str, Any]:
    """Read an InferenceGraph as plain data.

    Parameters
    ----------
    manifest : str, bytes, path or mapping
        YAML or JSON text, the path of a file that has it (as a str if it ends in ``.yaml``,
        ``.yml`` or ``.json``), or a mapping, which is copied. A bare spec, without
        ``apiVersion`` and ``kind``, must be JSON, as it must for KServe's router.

    Returns
    -------
    dict
        Every field, known to KServe or not, in the order given.

    Raises
    ------
    GraphError
        If it is none, with line and column where there are any; if it is larger than
        `MAX_SIZE`, or has not exactly one InferenceGraph among several documents.

    Examples
    --------
    >>> graph = read('''
    ... apiVersion: serving.kserve.io/v1alpha1
    ... kind: InferenceGraph
    ... metadata: {name: churn}
    ... spec: {nodes: {root: {routerType: Sequence, steps: [{serviceName: iris}]}}}
    ... ''')
    >>> graph["spec"]["nodes"]["root"]["steps"]
    [{'serviceName': 'iris'}]
    """
    if isinstance(manifest, Mapping):
        return plain(manifest)
    if isinstance(manifest, os.PathLike) or (isinstance(manifest, str) and _is_path(manifest)):
        return _parsed(_file(Path(manifest)))
    if isinstance(manifest, str):
        return _parsed(manifest.encode(errors="replace"))
    if isinstance(manifest, (bytes, bytearray, memoryview)):
        return _parsed(bytes(manifest))
    raise GraphError(f"a manifest is YAML or JSON text, a path or a dict, not {a(manifest)}")


def is_bare(document: Mapping[str, Any]) -> bool:
    """Tell whether a document is a bare spec: it has neither ``apiVersion`` nor ``kind``.

    >>> is_bare({"nodes": {}}), is_bare({"kind": "InferenceGraph"})
    (True, False)
    """
    return "apiVersion" not in document and "kind" not in document


def _is_path(text: str) -> bool:
    return "\n" not in text and len(text) < 4096 and text.strip().endswith(_SUFFIXES)


def _file(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(MAX_SIZE + 1)
    except OSError as error:
        raise GraphError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None


def _parsed(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_SIZE:
        raise GraphError(
            f"the manifest is larger than {MAX_SIZE / 2**20:.1f} MiB, the most Kubernetes stores"
        )
    if raw.strip() == b"null":  # with which the router starts, and knows no node
        return {}
    document = _json(raw)
    if document is not None and (is_bare(document) or not _repeats(document)):
        return _only_graph([document])
    graph = _only_graph(_yaml(raw))
    if is_bare(graph):
        raise GraphError(
            "this has neither apiVersion nor kind, so it is the bare spec that KServe's router "
            "is started with, and that must be JSON: write it as JSON, or as a whole manifest"
        )
    return graph


def _json(raw: bytes) -> dict[str, Any] | None:
    """The object that a JSON text is; None for all other text, which may be YAML."""
    if raw.lstrip()[:1] != b"{" or depth_of(raw) > MAX_DEPTH:
        return None
    try:
        return plain(
            json.loads(text_of(raw), object_pairs_hook=_object, parse_constant=_no_constant)
        )
    except ValueError:
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeated = Repeated(value)
    repeated.pairs = pairs
    return repeated


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _repeats(value: Any) -> bool:
    """Tell whether a key comes twice in one of the objects."""
    if isinstance(value, list):
        return any(map(_repeats, value))
    return isinstance(value, Repeated) or (
        isinstance(value, dict) and any(map(_repeats, value.values()))
    )


def _yaml(raw: bytes) -> list[Any]:
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise GraphError(f"line {line}: the manifest is no UTF-8 text") from None
    return [document for document in yamltext.load_all(text) if document is not None]


def _only_graph(documents: list[Any]) -> dict[str, Any]:
    documents = [item for document in documents for item in _items(document)]
    if not documents:
        raise GraphError("the manifest is empty")
    if len(documents) > 1:
        graphs = [d for d in documents if isinstance(d, dict) and d.get("kind") == _KIND]
        if len(graphs) != 1:
            names = [_name(graph) for graph in graphs]
            raise GraphError(
                f"one of the {len(documents)} documents must be an {_KIND}, "
                + (f"and {len(graphs)} are: {listed(names)}" if graphs else "and none is")
            )
        documents = graphs
    if not isinstance(documents[0], dict):
        what = "a list" if isinstance(documents[0], list) else repr(documents[0])[:60]
        raise GraphError(f"a manifest is a mapping such as 'kind: {_KIND}', and this is {what}")
    return documents[0]


def _items(document: Any) -> list[Any]:
    """What stands in a List, as ``kubectl get -o yaml`` writes it; else the document itself."""
    if isinstance(document, dict) and document.get("kind") in ("List", f"{_KIND}List"):
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [document]


def _name(graph: dict[str, Any]) -> Any:
    metadata = graph.get("metadata")
    return metadata.get("name") if isinstance(metadata, dict) else None
