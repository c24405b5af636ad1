"""How KServe's router takes the spec it is started with: as Go's ``encoding/json`` takes it.

Field names match whatever their case, unknown fields are passed over, null leaves a field as
it is, and one value of a wrong type keeps the router from starting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...errors import GraphError
from ...goscan import folded
from .deadends import refuse_dead_end
from .fields import SPEC, Many, Scalar, Struct, Type
from .plain import Repeated, plain

QUANTITY = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))?"
)
_BITS = {"int32": 31, "int64": 63}
_NAMES = {
    "string": "text",
    "boolean": "true or false",
    "int32": "a whole number of 32 bits",
    "int64": "a whole number of 64 bits",
    "quantity": "a quantity such as 500m or 1Gi",
}
_Path = tuple[str | int, ...]


def check_bare(document: Mapping[str, Any]) -> dict[str, Any]:
    """Take a bare spec as KServe's router does at its start.

    Parameters
    ----------
    document : mapping
        A spec, as ``read`` gives it.

    Returns
    -------
    dict
        A copy in which KServe's fields have KServe's names and types: ``nodes`` is a dict of
        dicts, ``steps`` a list of dicts, and a field that was null is absent. Unknown fields
        are kept as they were.

    Raises
    ------
    GraphError
        If the router would not start with it, or could not answer any request.

    Examples
    --------
    >>> check_bare({"NODES": {"root": {"routertype": "Switch", "steps": [None], "x": 1}}})
    {'nodes': {'root': {'routerType': 'Switch', 'steps': [{}], 'x': 1}}}
    """
    spec = _taken(SPEC, plain(document), None, ())
    spec.setdefault("nodes", {})
    refuse_dead_end(spec["nodes"])
    return spec


def fits(kind: str, value: Any) -> bool:
    """Tell whether a value is of a scalar kind; 1.0 is no whole number."""
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "quantity":
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number or (isinstance(value, str) and QUANTITY.fullmatch(value) is not None)
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return -(2 ** _BITS[kind]) <= value < 2 ** _BITS[kind]


def _taken(kind: Type, value: Any, before: Any, path: _Path) -> Any:
    """What a field holds after a value has come for it; `before` is what it held."""
    match kind:
        case Scalar():
            if not fits(kind.kind, value):
                raise _wrong(path, _NAMES[kind.kind], value)
            return value
        case Struct():
            return _struct(kind, value, before or {}, path)
        case Many(by_name=True):
            if not isinstance(value, dict):
                raise _wrong(path, "an object", value)
            taken = dict(before or {})  # a second object adds to the first, name by name
            for name, item in _pairs(value):
                taken[name] = _element(kind.of, item, None, (*path, name))
            return taken
    if not isinstance(value, list):
        raise _wrong(path, "a list", value)
    earlier = [*(before or []), *[None] * len(value)]
    return [
        _element(kind.of, item, was, (*path, i))
        for i, (item, was) in enumerate(zip(value, earlier, strict=False))
    ]


def _element(kind: Type, value: Any, before: Any, path: _Path) -> Any:
    if value is not None:
        return _taken(kind, value, before, path)
    if before is not None:
        return before
    empty: dict[str, Any] = {"string": "", "quantity": "0"}
    return empty[kind.kind] if isinstance(kind, Scalar) else {}


def _struct(kind: Struct, value: Any, before: dict[str, Any], path: _Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    taken = dict(before)
    names = {folded(name): name for name in kind.fields}
    for key, item in _pairs(value):
        name = names.get(folded(key))
        if name is None:
            taken[key] = item
            continue
        field = kind.fields[name]
        if item is not None:
            taken[name] = _taken(field, item, taken.get(name), (*path, name))
        elif isinstance(field, Many) or field.pointer:
            taken.pop(name, None)
    return taken


def _pairs(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return value.pairs if isinstance(value, Repeated) else list(value.items())


def _wrong(path: _Path, wanted: str, value: Any) -> GraphError:
    shown = "an object" if isinstance(value, dict) else _json(value)
    return GraphError(
        f"{_place(path)} must be {wanted}, not {shown}: KServe's router does not start"
    )


def _json(value: Any) -> str:
    return "a list" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)[:60]


def _place(path: _Path) -> str:
    """Where in a spec, in words: ``node 'root', step 0: weight``."""
    match path:
        case ():
            return "a spec"
        case ("nodes", node, "steps", int(step), *rest):
            place = f"node {node!r}, step {step}"
        case ("nodes", node, *rest):
            place = f"node {node!r}"
        case _:
            return ".".join(map(str, path))
    return f"{place}: {'.'.join(map(str, rest))}" if rest else place
