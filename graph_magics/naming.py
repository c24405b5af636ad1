"""Names for nodes: as written by the user, else from the variable, else from the thing itself."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

import executing

from .errors import is_ours


def caller() -> FrameType:
    """Give the nearest frame that is not ours: the code that the user wrote."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not is_ours(frame.f_code):
            return frame
        frame = frame.f_back
    raise RuntimeError("called from no user code")


def written_names(things: Sequence[object]) -> list[str | None]:
    """Give the names that stand in the user's call for each of its positional arguments.

    ``VotingEnsemble(forest, models.logistic)`` gives ``["forest", "logistic"]``; None where no
    name stands there. Without the source text (a bare REPL), variables that hold the very
    object are looked up instead.
    """
    frame = caller()
    node = executing.Source.executing(frame).node
    if isinstance(node, ast.Call):
        return [_name_in(argument) for argument in _until_star(node.args, len(things))]
    if isinstance(node, ast.BinOp) and len(things) == 1:
        return [None]
    return [variable_of(thing, frame.f_locals, frame.f_globals) for thing in things]


def variable_of(thing: object, *namespaces: Mapping[str, Any]) -> str | None:
    """Give the first public variable that holds this very object.

    >>> variable_of(max, {"_": max, "largest": max})
    'largest'
    """
    for namespace in namespaces:
        for name, value in list(namespace.items()):
            if value is thing and not name.startswith("_"):
                return name
    return None


def natural_name(thing: object) -> str:
    """Name a thing after itself: a function's name, else its class in lower case.

    The second is the rule of scikit-learn's ``make_pipeline``.

    >>> natural_name(len), natural_name(lambda x: x), natural_name(ValueError())
    ('len', 'lambda', 'valueerror')
    """
    if isinstance(thing, functools.partial):
        return natural_name(thing.func)
    name = getattr(thing, "__name__", None)
    if not isinstance(name, str):
        return type(thing).__name__.lower()
    return name.strip("<>")


def numbered(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Number the names that repeat, as scikit-learn's ``make_pipeline`` does.

    >>> numbered(["svc", "tree", "svc"])
    ['svc-1', 'tree', 'svc-2']
    """
    names = list(names)
    used = set(taken)
    times = Counter(names)
    again = {name for name in names if times[name] > 1 or name in used}
    used.update(name for name in names if name not in again)
    result = []
    counts: dict[str, int] = {}
    for name in names:
        if name in again:
            stem = name
            while name == stem or name in used:
                counts[stem] = counts.get(stem, 0) + 1
                name = f"{stem}-{counts[stem]}"
            used.add(name)
        result.append(name)
    return result


def _until_star(arguments: list[ast.expr], count: int) -> list[ast.expr | None]:
    """Positional arguments one to one with their values, up to a ``*rest`` that hides them."""
    plain: list[ast.expr | None] = []
    for argument in arguments:
        if isinstance(argument, ast.Starred):
            break
        plain.append(argument)
    return (plain + [None] * count)[:count]


def _name_in(expression: ast.expr | None) -> str | None:
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Attribute):
        return expression.attr
    if isinstance(expression, ast.Subscript) and isinstance(expression.slice, ast.Constant):
        key = expression.slice.value
        return key if isinstance(key, str) else None
    return None


_PATH = re.compile(r"\*?\w+(\.\w+)*")


def named_in(declared: Any, variables: Any) -> dict[str, Any]:
    """Give the variables that a declaration may name, out of a whole notebook's.

    Parameters
    ----------
    declared : str, mapping, sequence, or object of this package
        With texts in it, to any depth: ``"module.function"``, ``"*Class"``, ``"a-service"``,
        ``"project/table:tag"``.
    variables : mapping, or what has ``in`` and ``[]`` as one

    Examples
    --------
    >>> variables = {"clean": len, "shop": None, "m_1": 1, "other": 0}
    >>> sorted(named_in({"handler": " shop.count", "classes": ["*clean", "p/m-1:v2"]}, variables))
    ['clean', 'm_1', 'shop']
    """
    names = {name for text in _texts_in(declared) for name in _names_in(text)}
    return {name: variables[name] for name in sorted(names) if name in variables}


def _texts_in(declared: Any) -> Iterator[str]:
    waiting, seen = [declared], set()
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, str):
            yield thing
        elif id(thing) not in seen:
            seen.add(id(thing))
            if isinstance(thing, Mapping):
                waiting += [*thing.keys(), *thing.values()]
            elif isinstance(thing, (list, tuple, set, frozenset)):
                waiting += thing
            elif type(thing).__module__.startswith(f"{__package__}."):
                waiting += getattr(thing, "__dict__", {}).values()


def _names_in(text: str) -> Iterator[str]:
    if _PATH.fullmatch(text.strip()):
        yield text.strip().lstrip("*").partition(".")[0]
    name = text.rpartition("/")[2].partition(":")[0]
    yield from (name, re.sub(r"\W", "_", name))
