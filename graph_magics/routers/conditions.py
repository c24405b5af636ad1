"""Conditions of a Switch: functions, queries and GJSON paths; never code out of a text."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd

from .. import gjson
from ..batch import Batch
from ..bodies import Bodies, Samples, has_objects, objects
from ..columns import over_columns
from ..context import Context
from ..errors import GraphError, a, near
from ..gjson import Compiled
from ..naming import natural_name
from ..nodes import BadEvent, MissingColumns
from ..steps import Step
from ..wire import with_nulls, written
from .vectors import decided


class Condition(Protocol):
    """Decides events: its answer's bodies are an array of bool, one per event."""

    def run(self, batch: Batch, context: Context) -> Batch:
        """Decide every event of a batch."""
        ...


def as_condition(condition: Any) -> Condition:
    """Make a condition of a function, or of the text of a query or a GJSON path.

    A text is a path where it cannot be a query: it has a ``#`` or a modifier such as
    ``@this``, or names joined by dots and nothing else.

    Raises
    ------
    GraphError
        If it is none of these, or if the text is no query of columns, numbers and texts.
    """
    if isinstance(condition, str):
        if is_path(condition):
            return Lookup(gjson.compile(condition))
        return Query(condition)
    if isinstance(condition, Compiled):
        return Lookup(condition)
    if callable(condition):
        return Decision(condition)
    raise GraphError(
        f"a condition must be a function, a query such as 'age > 30' or a GJSON path such as "
        f"'predictions.#(score<0.6)', got {a(condition)}"
    )


def is_path(text: str) -> bool:
    """Tell whether a text is a GJSON path, and cannot be a query.

    >>> is_path("predictions.#(score<0.6)"), is_path("instances.0.age"), is_path("@this")
    (True, True, True)
    >>> is_path("age > 30.5"), is_path("`a.b` == '#1'"), is_path("smoker")
    (False, False, False)
    """
    unquoted = _QUOTED.sub("", text.strip())
    return "#" in unquoted or _MODIFIER.search(unquoted) is not None or _is_dotted(unquoted)


def _is_dotted(text: str) -> bool:
    return _DOTTED.fullmatch(text) is not None and "__" not in text


_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")
_MODIFIER = re.compile(r"^(\S+[.|])?@[a-z]+\S*$")
_DOTTED = re.compile(r"[^\W\d][\w*?]*([.|][\w*?]+)+")


def label_of(condition: str | Compiled | Callable[..., Any]) -> str:
    """Give what is written on an edge for a condition."""
    if isinstance(condition, Compiled):
        return condition.path
    return condition if isinstance(condition, str) else natural_name(condition)


class Decision:
    """A function of an event, or over a DataFrame, that gives true or false."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._step = Step(function)

    def run(self, batch: Batch, context: Context) -> Batch:
        """Decide every event by the function."""

        def decide(some: Batch) -> Batch:
            answer = self._step.run(some, context)
            return answer.attempt(lambda part: _truth(part.bodies), context.failure)

        return over_columns(batch, context, decide) if self._step.batch else decide(batch)


class Lookup:
    """A GJSON path that must lead to something in the event (KServe router)."""

    def __init__(self, path: Compiled) -> None:
        self._path = path

    def run(self, batch: Batch, context: Context) -> Batch:
        """Decide every event by whether the path exists in it."""

        def decide(some: Batch) -> np.ndarray:
            source, rows = some.source
            if isinstance(source, Samples):
                samples = source if rows is None else source.take(rows)
                holds = decided(self._path.path, samples)
                if holds is not None:
                    return holds
            bodies = some.bodies
            # As they came over the wire, if they did: read, the first of equal keys is lost.
            events = bodies if isinstance(bodies, list) else some.events()
            return np.array([self._exists_in(event) for event in events], dtype=bool)

        return batch.attempt(decide, context.failure)

    def _exists_in(self, event: Any) -> bool:
        try:
            return self._path.matches(event)
        except GraphError:
            # A date, say: it is looked for in what would be sent.
            return self._path.matches(written(with_nulls(event)))


class Query:
    """A comparison of columns, in the syntax of ``DataFrame.query``.

    Only names of columns (in backticks where they have spaces), numbers, texts, comparisons,
    ``and``/``or``/``not``/``in`` and arithmetic: calls, attributes and ``@`` are refused, so
    a query is never code.

    Examples
    --------
    >>> Query("`mean radius` > 14 and smoker == 'no'").columns
    ['mean radius', 'smoker']
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.columns = _columns_in(text)
        self._in_one_line = " ".join(text.split("\n"))

    def run(self, batch: Batch, context: Context) -> Batch:
        """Decide every event by its columns."""

        def decide(some: Batch) -> Batch:
            return some.attempt(
                self._holds,
                context.failure,
                # Columns of one type fail for every event, if they fail for one.
                final=lambda error: (
                    isinstance(error, MissingColumns)
                    or not (isinstance(error, BadEvent) or has_objects(some.source[0]))
                ),
            )

        return over_columns(batch, context, decide)

    def _holds(self, batch: Batch) -> np.ndarray:
        source, rows = batch.source
        if isinstance(source, Samples):
            source, rows = _only_samples(batch.bodies), None
        if not isinstance(source, pd.DataFrame):
            raise MissingColumns(f"the condition {self.text!r} needs events with named columns")
        for name in self.columns:
            if name not in source.columns:
                known = map(str, source.columns)
                raise MissingColumns(
                    f"the condition {self.text!r} asks for the column {name!r}, "
                    f"which the events lack{near(name, known)}"
                )
        # Only the columns asked for are taken out of a selection.
        needed = source[self.columns]
        if rows is not None:
            needed = needed.take(rows)
        holds: Any = needed.eval(self._in_one_line, engine="python", local_dict={}, global_dict={})
        if np.ndim(holds) == 0:
            holds = pd.Series([holds] * len(needed))
        if not pd.api.types.is_bool_dtype(holds.dtype):
            raise GraphError(f"the condition {self.text!r} gives {holds.dtype}, not true or false")
        return holds.to_numpy(dtype=bool, na_value=False)


_ALLOWED = (
    ast.Expression,
    ast.BoolOp,
    ast.UnaryOp,
    ast.BinOp,
    ast.Compare,
    ast.Name,
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.expr_context,
    ast.boolop,
    ast.unaryop,
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr),
)
_BACKTICKED = re.compile(r"`([^`]*)`")


def _columns_in(text: str) -> list[str]:
    """The columns that a query names; an error if it is anything but a query."""
    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        name = f"_column_{len(quoted)}"
        quoted[name] = match[1]
        return name

    plain = _BACKTICKED.sub(stand_in, text.strip())
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise GraphError(
            f"the condition {text!r} is no query; write a comparison such as 'age > 30', "
            "or gjson.compile(...) for a GJSON path"
        ) from None
    names: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED) or _is_odd(node):
            raise GraphError(
                f"the condition {text!r} has {_told(node)}; a query compares columns, numbers "
                "and texts. For anything else give a function"
            )
        if isinstance(node, ast.Name):
            names.append(quoted.get(node.id, node.id))
    if not names:
        raise GraphError(f"the condition {text!r} names no column")
    return list(dict.fromkeys(names))


def _is_odd(node: ast.AST) -> bool:
    """Whether a part of a query is of an allowed kind, and yet no part of a comparison."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, (bool, int, float, str))
    if isinstance(node, ast.Name):
        return node.id.startswith("__")
    # A text times a number is a long text; it may fill the memory.
    return isinstance(getattr(node, "op", None), ast.Mult) and any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node)
    )


def _told(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return f"the name {node.id!r}, which a column has only in backticks"
    if isinstance(node, (ast.Constant, ast.BinOp)):
        return f"{ast.unparse(node)!r:.40}"
    told = {
        ast.Call: "a call",
        ast.Attribute: "an attribute",
        ast.Subscript: "a subscript",
        ast.Pow: "a power",
        ast.Is: "'is'; write '=='",
        ast.IsNot: "'is not'; write '!='",
    }
    return told.get(type(node), f"a Python {type(node).__name__}")


def _only_samples(bodies: Any) -> Any:
    """The one sample of each event; of several, a route cannot be chosen."""
    if bodies.counts is not None and (bodies.counts != 1).any():
        number = next(count for count in bodies.counts.tolist() if count != 1)
        raise BadEvent(f"a condition decides events of one sample, got {number}")
    return bodies.values


def _truth(bodies: Bodies) -> np.ndarray:
    if isinstance(bodies, Samples):
        bodies = _only_samples(bodies)
    if isinstance(bodies, pd.DataFrame) or getattr(bodies, "ndim", 1) != 1:
        raise GraphError("a condition must give true or false for each event, not a table")
    if isinstance(bodies, np.ndarray) and bodies.dtype == bool and bodies.ndim == 1:
        return bodies
    return np.array([bool(value) for value in objects(bodies)], dtype=bool)
