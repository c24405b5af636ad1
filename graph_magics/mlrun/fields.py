"""`input_path` and `result_path`: where in a body a step reads and writes (MLRun 1.12)."""

from __future__ import annotations

from typing import Any

_NOT_A_DICT = "{} needs an event that is an object, got {}"


def extracted(path: str | None, body: Any) -> Any:
    """Give what stands at a path of a body; None where nothing does, the body without a path.

    Raises
    ------
    TypeError
        If the body has no fields at all, such as a number.

    Examples
    --------
    >>> extracted("data.b", {"data": {"a": 5, "b": 7}}), extracted("x", {"y": 1})
    (7, None)
    """
    if not path:
        return body
    if not hasattr(body, "__getitem__"):
        raise TypeError(_NOT_A_DICT.format("input_path", type(body).__name__))
    for key in _keys(path):
        if body is None:
            return None
        body = body.get(key) if isinstance(body, dict) else getattr(body, key, None)
    return body


def updated(path: str | None, body: Any, result: Any) -> Any:
    r"""Write a result at a path of a body, and give the body; the result without a path.

    A dot that is part of a name is written with a backslash. What is missing on the way, or
    null, becomes an object (as MLRun's async engine has it).

    Raises
    ------
    TypeError
        If the body has no fields to write to.

    Examples
    --------
    >>> updated("y.z", {"x": 5}, 10), updated(r"a\.b", {}, 1), updated(None, {"x": 5}, 10)
    ({'x': 5, 'y': {'z': 10}}, {'a.b': 1}, 10)
    """
    if not path:
        return result
    if not hasattr(body, "__getitem__"):
        raise TypeError(_NOT_A_DICT.format("result_path", type(body).__name__))
    inner, keys = body, _keys(path)
    for key in keys[:-1]:
        here = inner.get(key)
        if here is None:
            here = inner[key] = {}
        inner = here
    inner[keys[-1]] = result
    return body


def _keys(path: str) -> list[str]:
    if "\\" not in path:
        return path.split(".")
    marked = path.replace("\\\\", "\0").replace("\\.", "\1")
    return [key.replace("\1", ".").replace("\0", "\\") for key in marked.split(".")]
