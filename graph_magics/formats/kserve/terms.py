"""Python's terms in those of KServe: names, weights in percent, conditions."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...errors import GraphError
from ...gjson import Compiled
from ...naming import natural_name
from ...routers.conditions import is_path

LONGEST_NAME = 63
"""How many characters a name may have in a cluster, where it becomes part of a host's name."""

_LEGAL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ALMOST = 1e-9  # The shares of 10, 20 and 70 are no whole percents by the last of their bits.
_OPERATORS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def legal_name(text: str, instead: str = "service") -> str:
    """Make a name that a cluster takes.

    >>> legal_name("to_Label"), legal_name("Qualität"), legal_name("3d"), legal_name("_")
    ('to-label', 'qualitat', 'service-3d', 'service')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not name[:1].isalpha():
        name = f"{instead}-{name}".strip("-")
    return name[:LONGEST_NAME].rstrip("-")


def graph_name(name: str) -> str:
    """Make the ``metadata.name`` of a graph's name.

    Raises
    ------
    GraphError
        If a cluster takes none that is near to it.

    Examples
    --------
    >>> graph_name("Churn_2024")
    'churn-2024'
    """
    made = re.sub(r"[_\s]", "-", name.lower())
    if not _LEGAL.fullmatch(made) or len(made) > LONGEST_NAME:
        raise GraphError(
            f"a cluster takes no InferenceGraph called {made!r}: a name begins with a letter, has "
            f"only a to z, digits and '-', which is not its end, and {LONGEST_NAME} characters at "
            f"most; call the graph {legal_name(name, 'graph')!r}"
        )
    return made


class Names:
    """Names of which none is given twice.

    Parameters
    ----------
    taken : iterable of str
        Those that stand for something else.
    legal : callable
        Makes what may be a name of a text.
    """

    def __init__(self, taken: Iterable[str] = (), legal: Callable[[str], str] = str) -> None:
        self._taken = set(taken)
        self._legal = legal

    def of(self, path: str) -> str:
        """Name something after its path: as short as can be, numbered if even that does not do.

        >>> names = Names()
        >>> names.of("vote.forest"), names.of("other.forest"), names.of("other.forest")
        ('forest', 'other-forest', 'other-forest-2')
        """
        parts = path.split(".")
        tried = [self._legal("-".join(parts[-n:])) for n in range(1, len(parts) + 1)]
        name = next((one for one in tried if one not in self._taken), None)
        number = 2
        while name is None:
            suffix = f"-{number}"
            one = tried[-1][: LONGEST_NAME - len(suffix)].rstrip("-") + suffix
            name = one if one not in self._taken else None
            number += 1
        self._taken.add(name)
        return name


def percents(shares: Mapping[str, float]) -> dict[str, int]:
    """Write shares, which add up to 1, as whole percents, which add up to 100.

    Shares that are no whole percents are rounded by the method of the largest remainder.

    Raises
    ------
    GraphError
        If a route that has a share would be left with nothing.

    Examples
    --------
    >>> percents({"old": 0.9, "new": 0.1}), percents({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    ({'old': 90, 'new': 10}, {'a': 34, 'b': 33, 'c': 33})
    """
    exact = {route: 100 * share for route, share in shares.items()}
    whole = {route: int(value + _ALMOST) for route, value in exact.items()}
    by_rest = sorted(exact, key=lambda route: round(whole[route] - exact[route], 9))
    for route in by_rest[: 100 - sum(whole.values())]:
        whole[route] += 1
    for route, value in exact.items():
        if value > 0 and not whole[route]:
            raise GraphError(
                f"the route {route!r} has {value:.3g} % of the events, and KServe's weights are "
                "whole percents; give it 1 % at least, or 0"
            )
    return whole


def is_exact(weights: Mapping[str, int], shares: Mapping[str, float]) -> bool:
    """Whether weights in percent are the very shares that they stand for."""
    return all(abs(weights[route] - 100 * share) < _ALMOST for route, share in shares.items())


def path_of(condition: Any, among: str) -> str:
    """Write a condition as a GJSON path, which is all that KServe knows.

    Parameters
    ----------
    condition : callable, str or compiled path
        As a `Switch` takes it.
    among : str
        The field in which a body has its samples, to suggest a path with.

    Raises
    ------
    GraphError
        If it is none.

    Examples
    --------
    >>> path_of("predictions.#(score<0.6)", "predictions")
    'predictions.#(score<0.6)'
    >>> path_of("age > 30", "instances")
    Traceback (most recent call last):
        ...
    graph_magics.errors.GraphError: KServe decides by GJSON paths, and the condition is the query
    'age > 30'; write 'instances.#(age>30)'
    """
    if isinstance(condition, Compiled):
        return condition.path
    example = f"write a path such as '{among}.#(score<0.6)'"
    if not isinstance(condition, str):
        told = f"the function {natural_name(condition)}"
    elif is_path(condition):
        return condition
    else:
        told, suggested = f"the query {condition!r}", _suggested(condition, among)
        example = f"write {suggested!r}" if suggested else example
    raise GraphError(f"KServe decides by GJSON paths, and the condition is {told}; {example}")


def _suggested(query: str, among: str) -> str | None:
    """The path for a query of one column, compared once."""
    try:
        tree = ast.parse(query.strip(), mode="eval").body
    except SyntaxError:  # It has a column in backticks.
        return None
    match tree:
        case ast.Name(id=column):
            return f"{among}.#({column}==true)"
        case ast.Compare(left=ast.Name(id=column), ops=[sign], comparators=[value]):
            operator = _OPERATORS.get(type(sign))
        case ast.Compare(left=value, ops=[sign], comparators=[ast.Name(id=column)]):
            operator = _OPERATORS.get(type(sign))
            operator = _MIRRORED.get(operator or "", operator)
        case _:
            return None
    try:
        literal = json.dumps(ast.literal_eval(value), ensure_ascii=False, allow_nan=False)
    except ValueError:  # It is another column, or a number that JSON has not.
        return None
    return f"{among}.#({column}{operator}{literal})" if operator else None
