"""What a written graph needs beside it, what differs there, and what cannot be written."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from ...errors import GraphError, listed
from ...mlrun.lookup import Namespace
from .paths import class_path, function_path, home_of, is_installed, is_ours, text_path
from .pytext import WIDTH

_MOST_COLUMNS = 10


class Needs:
    """Collects, while a graph is written, what its user has to know.

    Parameters
    ----------
    namespace : Namespace
        Where the graph's own names are looked up.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        #: What the function's code must have, and the parts that name it.
        self.code: dict[str, list[str]] = {}
        #: Models that must be saved, by the path of their part.
        self.models: dict[str, str] = {}
        #: In what MLRun will answer otherwise.
        self.notes: list[str] = []
        #: What only we have, by what it is.
        self.left_out: dict[str, list[str]] = {}
        self._imports: dict[str, set[str]] = {}
        self._refused: dict[str, list[str]] = {}

    def refuse(self, where: str, reason: str) -> None:
        """Note that a part cannot be written; all such are told at once."""
        reasons = self._refused.setdefault(where, [])
        if reason not in reasons:
            reasons.append(reason)

    def note(self, told: str) -> None:
        """Note in what MLRun differs, once."""
        if told not in self.notes:
            self.notes.append(told)

    def leave_out(self, what: str, where: str) -> None:
        """Note an option that only we have."""
        self.left_out.setdefault(what, []).append(where)

    def check(self) -> None:
        """Raise if something was refused.

        Raises
        ------
        GraphError
            With every part that cannot be written, and why.
        """
        if not self._refused:
            return
        if len(self._refused) == 1:
            ((where, reasons),) = self._refused.items()
            raise GraphError("; ".join(reasons), node=where or None)
        told = "; ".join(f"{where!r}: {'; '.join(r)}" for where, r in self._refused.items())
        raise GraphError(f"{len(self._refused)} of its parts cannot be written for MLRun: {told}")

    def class_named(self, name: str, where: str) -> tuple[str, Any]:
        """Give the path of a class that a declaration names, and what it is here, if anything."""
        path, found = text_path(name, self.namespace)
        if inspect.isclass(found):
            self._needs_class(path, found, where)
        elif found is None and not path.startswith("$"):
            self._needs(path, f"class {path}", where)
        return path, found

    def class_of(self, made_of: type, where: str) -> str:
        """Give the path of a class."""
        path = class_path(made_of, self.namespace)
        if not is_ours(made_of):
            self._needs_class(path, made_of, where)
        return path

    def function(self, function: Callable[..., Any] | str, where: str) -> str:
        """Give the name of a function, or the expression that stands for one; ``""`` if none."""
        if isinstance(function, str):
            path = function.strip()
            if path.startswith("("):
                return path
        else:
            try:
                path = function_path(function, self.namespace)
            except GraphError as error:
                self.refuse(where, error.message)
                return ""
        self._needs(path, f"function {path}", where)
        return path

    def model(self, model: Any, server: str, where: str) -> str:
        """Note a model that must be saved, and give what is to be filled in for its path."""
        columns = [str(column) for column in getattr(model, "feature_names_in_", ())]
        told = f"the {type(model).__name__}, served by {server}"
        if columns:
            told += f"; its inputs are the columns {listed(columns, _MOST_COLUMNS)}, in this order"
        self.models[where] = told
        return f"store://models/PROJECT/{where.rpartition('.')[2]}"

    def comments(self) -> list[str]:
        """Lines to stand above the text."""
        lines: list[str] = []
        if self.code:
            lines.append("The code of the function must have, under these very names:")
            lines += (f"  {what}: {_told(where)}" for what, where in self.code.items())
        if self._imports:
            lines.append("There, import from MLRun what comes from graph_magics here:")
            for module, names in sorted(self._imports.items()):
                lines.append(f"  from {module} import {', '.join(sorted(names))}")
        if self.models:
            lines.append("Save these models, and fill in the model_path of each:")
            lines += (f"  {path}: {told}" for path, told in self.models.items())
        for what, where in self.left_out.items():
            lines.append(f"Left out, for MLRun has no such thing: {what} of {listed(where)}")
        lines += (f"Note: {note}" for note in self.notes)
        return [comment for line in lines for comment in _comment(line)]

    def _needs_class(self, path: str, made_of: type, where: str) -> None:
        self._needs(path, f"class {path}", where)
        for kind in made_of.__mro__:
            for base in () if is_ours(kind) else kind.__bases__:
                if is_ours(base):
                    self._imports.setdefault(home_of(base.__name__), set()).add(base.__name__)

    def _needs(self, path: str, told: str, where: str) -> None:
        if not is_installed(path):
            places = self.code.setdefault(told, [])
            if where not in places:
                places.append(where)


def _told(where: Iterable[str]) -> str:
    return ", ".join(where)


def _comment(line: str) -> list[str]:
    """A line as comments that are no wider than the text; names may have anything in them."""
    plain = "".join(char if char.isprintable() else " " for char in line)
    indent = " " * (len(plain) - len(plain.lstrip()))
    if plain.strip().startswith("from "):
        return [f"# {plain}"]
    return textwrap.wrap(
        plain,
        WIDTH,
        initial_indent="# ",
        subsequent_indent=f"# {indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
