"""What a cluster says of an InferenceGraph before it stores it: Kubernetes first, then KServe.

Kubernetes holds it against KServe's CustomResourceDefinition; KServe's webhook has rules of
its own. The reasons given are those that ``kubectl apply`` would print.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import GraphError, counted, near
from .deadends import ROOT, refuse_dead_end, warnings_of
from .fields import SPEC, Many, Scalar, Struct, Type
from .plain import plain
from .startup import QUANTITY, fits

API_VERSION = "serving.kserve.io/v1alpha1"
KIND = "InferenceGraph"

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_TARGETS = ("nodeName", "serviceName", "serviceUrl")
_OPENAPI = {"int32": "integer", "int64": "integer"}
_JSON = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def admit(document: Mapping[str, Any]) -> list[str]:
    """Ask of a whole manifest what a cluster with KServe would say to it.

    Parameters
    ----------
    document : mapping
        A manifest, as ``read`` gives it.

    Returns
    -------
    list of str
        Warnings: unknown fields, steps that go nowhere or say what has no effect. The
        manifest is admitted all the same.

    Raises
    ------
    GraphError
        With the cluster's own reason, where it would refuse the manifest; or where KServe's
        router could not answer any request of the graph it admitted.

    Examples
    --------
    >>> admit({"apiVersion": "serving.kserve.io/v1alpha1", "kind": "InferenceGraph",
    ...        "metadata": {"name": "churn"}, "spec": {"nodes": {"main": {}}}})
    Traceback (most recent call last):
        ...
    graph_magics.errors.GraphError: The InferenceGraph "churn" is invalid:
    spec.nodes.main.routerType: Required value
    """
    name = _header(document)
    spec = document.get("spec")
    problems = [*_problems(spec, SPEC, "spec")] if spec is not None else []
    if problems:
        more = f" (and {counted(len(problems) - 1, 'more problem')})" if problems[1:] else ""
        raise GraphError(f'The {KIND} "{name}" is invalid: {problems[0]}{more}')
    nodes = stored_spec(document)["nodes"]
    _webhook(name, nodes)
    refuse_dead_end(nodes)
    return [*_unknown(spec, SPEC, "spec"), *warnings_of(nodes)]


def stored_spec(document: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of an admitted manifest as the router gets it, a copy.

    Null fields are absent, and whole numbers are ints. Unknown fields are kept.

    >>> stored_spec({"spec": {"nodes": {"root": {"steps": [{"weight": 100.0, "data": None}]}}}})
    {'nodes': {'root': {'steps': [{'weight': 100}]}}}
    """
    return {"nodes": {}, **_stored(plain(document.get("spec") or {}), SPEC)}


def _stored(value: Any, kind: Type | None) -> Any:
    match kind:
        case None:
            return value
        case Scalar():
            return int(value) if kind.kind in _OPENAPI else value
        case Struct():
            fields = kind.fields
            return {
                key: _stored(item, fields.get(key))
                for key, item in value.items()
                if item is not None or key not in fields
            }
        case Many(by_name=True):
            return {k: _stored(item, kind.of) for k, item in value.items() if item is not None}
    return [_stored(item, kind.of) for item in value]


def _header(document: Mapping[str, Any]) -> str:
    """Check what stands beside the spec; the graph's name."""
    for field in ("apiVersion", "kind"):
        if not document.get(field):
            raise GraphError(f"the manifest has no {field}; a bare spec has neither of the two")
    api_version, kind = document["apiVersion"], document["kind"]
    if kind != KIND:
        raise GraphError(f"this manifest is of kind {kind!r}, not {KIND!r}")
    if api_version != API_VERSION:
        raise GraphError(
            f'no matches for kind "{KIND}" in version "{api_version}"; it is {API_VERSION}'
        )
    metadata = document.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise GraphError("metadata must be a mapping with a name")
    for field in ("labels", "annotations"):
        texts = metadata.get(field) or {}
        if not isinstance(texts, Mapping):
            raise GraphError(f"metadata.{field} must be a mapping")
        for key, value in texts.items():
            if not isinstance(value, str):
                shown = json.dumps(value)
                raise GraphError(
                    f"metadata.{field}: the value of {key!r} must be text: put {shown} in quotes"
                )
    name = metadata.get("name")
    if name is None and isinstance(metadata.get("generateName"), str):
        return f"{metadata['generateName']}x"  # Kubernetes appends some letters
    if not isinstance(name, (str, type(None))):
        raise GraphError(f"metadata.name must be text, not {json.dumps(name)}")
    return name or ""


# --- Kubernetes: the CustomResourceDefinition


def _problems(value: Any, kind: Type, path: str) -> Iterator[str]:
    match kind:
        case Scalar():
            yield from _scalar_problems(value, kind, path)
        case Struct():
            if not isinstance(value, dict):
                yield _invalid(value, "object", path)
                return
            for name in kind.required:
                if value.get(name) is None:
                    yield f"{path}.{name}: Required value{near(name, value)}"
            for name, field in kind.fields.items():
                if value.get(name) is not None:  # Kubernetes drops fields that are null
                    yield from _problems(value[name], field, f"{path}.{name}")
        case Many(by_name=True):
            if not isinstance(value, dict):
                yield _invalid(value, "object", path)
                return
            for name, item in value.items():
                if item is not None:
                    yield from _problems(item, kind.of, f"{path}.{name}")
        case Many():
            if not isinstance(value, list):
                yield _invalid(value, "array", path)
                return
            for i, item in enumerate(value):
                yield from _problems(item, kind.of, f"{path}[{i}]")


def _scalar_problems(value: Any, kind: Scalar, path: str) -> Iterator[str]:
    if kind.kind == "quantity":
        if isinstance(value, str) and not QUANTITY.fullmatch(value):
            yield f"{path}: Invalid value: {json.dumps(value)}: it is no quantity such as 500m"
        elif not isinstance(value, (int, str)) or isinstance(value, bool):
            yield _invalid(value, "integer,string", path)
        return
    if kind.kind in _OPENAPI and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not fits(kind.kind, value):
        yield _invalid(value, _OPENAPI.get(kind.kind, kind.kind), path)
    elif kind.enum and value not in kind.enum:
        supported = ", ".join(map(json.dumps, kind.enum))
        yield (
            f"{path}: Unsupported value: {json.dumps(value)}: supported values: {supported}"
            f"{near(value, kind.enum)}"
        )


def _invalid(value: Any, wanted: str, path: str) -> str:
    given = "null" if value is None else _JSON.get(type(value), "object")
    if given == wanted == "integer":
        return f"{path}: Invalid value: {value}: it is out of range"
    return f'{path}: Invalid value: "{given}": {path} in body must be of type {wanted}: "{given}"'


def _unknown(value: Any, kind: Type, path: str) -> Iterator[str]:
    if isinstance(kind, Many) and isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unknown(
                item, kind.of, f"{path}.{key}" if kind.by_name else f"{path}[{key}]"
            )
    elif isinstance(kind, Struct) and isinstance(value, dict):
        for name, item in value.items():
            if name in kind.fields:
                yield from _unknown(item, kind.fields[name], f"{path}.{name}")
            else:
                yield (
                    f'unknown field "{path}.{name}"{near(name, kind.fields)}: kubectl refuses it '
                    "unless told --validate=warn, and KServe drops it"
                )


# --- KServe: the webhook


def _webhook(name: str, nodes: Mapping[str, Any]) -> None:
    """Apply KServe's rules in KServe's order, each to all nodes."""
    if not _NAME.fullmatch(name):
        raise GraphError(
            f'The {KIND} "{name}" is invalid: a {KIND} name must consist of lower case '
            "alphanumeric characters or '-', and must start with alphabetical character "
            f"and end with no '-' (regex used for validation is '{_NAME.pattern}')"
        )
    if ROOT not in nodes:
        raise GraphError(
            f"root node not found, {KIND} needs a node with name 'root' as the root node of the "
            f"graph{near(ROOT, nodes)}"
        )
    every = [(n, node, node.get("steps") or []) for n, node in nodes.items()]
    for node_name, _, steps in every:
        seen = set()
        for step in steps:
            step_name = step.get("name")
            if step_name and step_name in seen:
                raise GraphError(
                    f'Node "{node_name}" of {KIND} "{name}" contains more than one step with '
                    f'name "{step_name}"'
                )
            seen.add(step_name)
    for node_name, _, steps in every:
        for i, step in enumerate(steps):
            targets = [field for field in _TARGETS if step.get(field)]
            if len(targets) != 1:
                what = (
                    "specifies more than one of nodeName, serviceName, serviceUrl"
                    if targets
                    else "does not specify an inference target"
                )
                raise GraphError(
                    f'Step {i} ("{step.get("name", "")}") in node "{node_name}" of {KIND} '
                    f'"{name}" {what}'
                )
    for node_name, node, steps in every:
        if node["routerType"] != "Splitter":
            continue
        place = f"{KIND}[{name}] Node[{node_name}]"
        for i, step in enumerate(steps):
            if step.get("weight") is None:
                route = step.get("serviceName", "")
                raise GraphError(f"{place} Route[{route}] missing the 'Weight' (step {i})")
        total = sum(step["weight"] for step in steps)
        if total != 100:
            raise GraphError(
                f"{place} splitter node: the sum of traffic weights for all routing targets "
                f"should be 100, and here it is {total}"
            )
