"""What a graph is made of, as digests that are the same where it is declared again."""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import inspect
import re
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .gjson import Compiled
from .mlrun.declaring.steps import BaseStep
from .mlrun.face import Served, ServedGraph
from .nodes import Node, walk
from .routers.base import OPTIONS, Route
from .steps import Model

#: What nodes of ours are declared with that may change an answer, where they have it.
_SAID = (
    "function", "_takes", "loop", "timeout", "method", "url", "retries", "backoff_factor",
    "propagate_headers", "_declared", "extend_event", "merger", "conditions", "given_weights",
    "strict", "_keys", "_options", "path", "_levels", "reason", "made_of", "step", "edges",
)  # fmt: skip
#: And declarations of MLRun's.
_DECLARED = (
    "kind", "class_name", "class_args", "handler", "full_event", "responder", "input_path",
    "result_path", "after", "before", "on_error", "path", "options",
)  # fmt: skip
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
#: Objects that nobody changes, whose text tells all of them.
_TOLD = (date, time, timedelta, Decimal, PurePath, range, np.dtype)
_INSTALLED = (
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")),
    Path(__file__).resolve().parent,
)
#: Where an object is made, which is before it is run.
_MAKING = ("__init__", "__post_init__", "__new__")
_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_STORES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF"})
#: With these, the attributes of an object may be set by any name.
_SETTERS = {"setattr", "__setattr__", "__dict__", "vars", "delattr"}


def fingerprint(root: Node, served: Served | None = None) -> dict[str, str]:
    """Give a digest of each node, by its path, and of what is around them under ``""``.

    It tells a node's kind, options, weights and conditions; functions by their code, with that
    of the user's functions and the plain values that they use; of a model its class and
    method, and nothing of what it has learnt. What may change while it runs is left out: what
    lists, dicts and other objects hold, and variables that are set in a function.

    Parameters
    ----------
    root : Node
        Of a graph.
    served : Served, optional
        The declaration, of one that is declared by MLRun's calls.

    Examples
    --------
    >>> from graph_magics import Graph, Step
    >>> one, same, other = (Graph("g", Step(eval(f"lambda event: {text}"), name="f"))
    ...                     for text in ("event + 1", "event + 1", "event + 2"))
    >>> fingerprint(one.root) == fingerprint(same.root)
    True
    >>> fingerprint(one.root)["f"] == fingerprint(other.root)["f"]
    False
    """
    nodes = {"": root, **dict(walk(root))}
    declared = [node.served for node in nodes.values() if isinstance(node, ServedGraph)]
    declared += [served] if served is not None else []
    seen = _Teller(declared, _Changing())
    for node in nodes.values():
        seen.node(node)
    changing = seen.changing
    digests = {p: _digest(_Teller(declared, changing).node(node)) for p, node in nodes.items()}
    told = [_Teller(declared, changing).declared(some) for some in declared]
    return {**digests, "": _digest([digests[""], told])}


class _Changing:
    """The names of what the functions of a graph set as they run."""

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.attributes: set[str] = set()
        #: Whether attributes are set by other names, too.
        self.any = False

    def add(self, code: CodeType) -> None:
        """Look at a function's code."""
        parts = list(_codes(code))
        self.variables |= _named_by(parts, _STORES)
        if code.co_name not in _MAKING:
            self.attributes |= _named_by(parts, {"STORE_ATTR", "DELETE_ATTR"})
            self.any |= any(_SETTERS & set(part.co_names) for part in parts)

    def may(self, attribute: str) -> bool:
        """Whether an attribute of that name may be set."""
        return self.any or attribute in self.attributes


def _digest(told: Any) -> str:
    """A short digest of lists and texts."""
    return hashlib.sha256(repr(told).encode(errors="backslashreplace")).hexdigest()[:16]


class _Teller:
    """Tells values as lists and texts, each thing once."""

    def __init__(self, served: Iterable[Served], changing: _Changing) -> None:
        self._variables = [some.namespace for some in served]
        self.changing = changing
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []

    def declared(self, served: Served) -> Any:
        """Tell what a graph declared by MLRun's calls has besides its steps."""
        engine = getattr(served.declared, "engine", None)
        return [
            engine,
            self.value(served.declared, deep=True),
            self.value(vars(served.spec), deep=True),
        ]

    def node(self, node: Node) -> Any:
        """Tell a node, but not those inside it."""
        cls = type(node)
        told: list[Any] = [_name_of(cls)]
        if not _is_installed(cls):
            told.append(self.value(cls))
        if isinstance(node, Model):
            told.append(self.value(type(node.model)))  # Nothing of what it has learnt.
        for option in _SAID:
            if option in vars(node) or isinstance(getattr(cls, option, None), property):
                value = getattr(node, option)
                if option == "made_of" and not inspect.isclass(value):
                    value = type(value)  # Of an object, as the graph itself puts things in it.
                told.append([option, self.value(value, deep=True)])
        return told

    def value(self, value: Any, *, deep: bool = False) -> Any:
        """Tell a value; ``deep`` where nobody changes what lists and dicts hold."""
        if type(value) in _PLAIN:
            return [type(value).__name__, repr(value)]
        if isinstance(value, enum.Enum):
            return [_name_of(type(value)), value.name]
        if isinstance(value, np.generic) or type(value) in _TOLD or isinstance(value, PurePath):
            return [type(value).__name__, repr(value)]
        if isinstance(value, re.Pattern):
            return ["pattern", repr(value.pattern), value.flags]
        if isinstance(value, Compiled):
            return ["path", value.path]
        if isinstance(value, tuple):
            return ["tuple", [self.value(item, deep=deep) for item in value]]
        if isinstance(value, frozenset) or (deep and isinstance(value, set)):
            return ["set", sorted(repr(self.value(item)) for item in value)]
        if deep and isinstance(value, Mapping):
            items = [[self.value(k), self.value(v, deep=True)] for k, v in value.items()]
            return ["dict", sorted(items, key=repr)]
        if deep and isinstance(value, list):
            return ["list", [self.value(item, deep=True) for item in value]]
        if isinstance(value, ModuleType):
            return ["module", value.__name__]
        if isinstance(value, (BuiltinFunctionType, np.ufunc)):
            return ["builtin", getattr(value, "__qualname__", value.__name__)]
        # Functions call each other, and themselves.
        if id(value) in self._seen:
            return ["again", self._seen[id(value)]]
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)  # Or another might come to have its id.
        try:
            return self._thing(value)
        except Exception:  # It nests too deep, or is an object that does not let itself be asked.
            return ["unknown", type(value).__name__]

    def _thing(self, value: Any) -> Any:
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType):
            return ["method", self.value(value.__func__), self.value(value.__self__)]
        if isinstance(value, functools.partial):
            given = sorted(value.keywords.items())
            return ["partial", self.value(value.func), self.value(value.args), self.value(
                tuple(given))]  # fmt: skip
        if inspect.isclass(value):
            return self._class(value)
        if isinstance(value, Node):
            inside = [[path, self.node(node)] for path, node in walk(value)]
            return ["node", self.node(value), inside]
        if isinstance(value, Route):
            return ["route", [[o, self.value(value.given(o), deep=True)] for o in OPTIONS]]
        if isinstance(value, BaseStep):
            return self._declaration(value)
        wrapped = getattr(value, "__wrapped__", None)
        if isinstance(wrapped, FunctionType):
            return [_name_of(type(value)), self.value(wrapped)]
        return self._object(value)

    def _function(self, function: FunctionType) -> Any:
        if _is_of_library(function.__code__):
            return ["function", function.__module__, function.__qualname__]
        code = function.__code__
        told: list[Any] = ["function", function.__qualname__, self._code(code)]
        told.append(self.value(function.__defaults__))
        told.append(self.value(tuple(sorted((function.__kwdefaults__ or {}).items()))))
        self.changing.add(code)
        stored = self.changing.variables
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            if name not in stored:
                told.append([name, self._in_cell(cell)])
        for name in sorted(_named_by(_codes(code), _LOADS) - stored):
            if name in function.__globals__:
                told.append([name, self.value(function.__globals__[name])])
        return told

    def _in_cell(self, cell: Any) -> Any:
        try:
            return self.value(cell.cell_contents)
        except ValueError:
            return "empty"

    def _code(self, code: CodeType) -> Any:
        consts = [
            self._code(const) if isinstance(const, CodeType) else self.value(const)
            for const in code.co_consts
        ]
        names = [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
        counts = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags]
        return [code.co_name, code.co_code.hex(), consts, names, counts]

    def _class(self, cls: type) -> Any:
        told: list[Any] = ["class", _name_of(cls)]
        for base in cls.__mro__:
            if _is_installed(base):
                continue
            told.append(base.__qualname__)
            for name, value in sorted(vars(base).items(), key=lambda item: item[0]):
                if isinstance(value, (staticmethod, classmethod)):
                    value = value.__func__
                if isinstance(value, property):
                    told.append([name, [self.value(f) for f in (value.fget, value.fset)]])
                elif isinstance(value, (FunctionType, functools.partialmethod)) or (
                    isinstance(value, (*_PLAIN, tuple))
                    and not name.startswith("__")
                    and not self.changing.may(name)
                ):
                    told.append([name, self.value(value)])
        return told

    def _object(self, value: Any) -> Any:
        """An object by its class, and of a class of the user's by what no function sets."""
        cls = type(value)
        told: list[Any] = ["object", self.value(cls)]
        if _is_installed(cls):
            return told
        for name, own in sorted(getattr(value, "__dict__", {}).items(), key=lambda item: item[0]):
            kept = getattr(cls, name, None)
            if not (self.changing.may(name) or isinstance(kept, functools.cached_property)):
                told.append([name, self.value(own)])
        return told

    def _declaration(self, step: Any) -> Any:
        told: list[Any] = ["declared"]
        for option in _DECLARED:
            if hasattr(step, option):
                value = getattr(step, option)
                told.append([option, self.value(value, deep=True), self._named(value)])
        args = getattr(step, "class_args", {})
        named = [[k, self._named(v)] for k, v in sorted(args.items()) if k.startswith("_")]
        return [*told, named]

    def _named(self, name: Any) -> Any:
        """The user's function or class that a declaration names as a text."""
        if isinstance(name, str):
            for variables in self._variables:
                if name in variables:
                    found = variables[name]
                    if isinstance(found, FunctionType) or inspect.isclass(found):
                        return self.value(found)
        return None


def _name_of(cls: type) -> str:
    # A notebook's module has another name in a script.
    return (
        cls.__qualname__
        if _module_of(cls) == "__main__"
        else f"{_module_of(cls)}.{cls.__qualname__}"
    )


def _module_of(cls: type) -> str:
    return str(getattr(cls, "__module__", None))


def _is_installed(cls: type) -> bool:
    """Whether a class is Python's own, ours or an installed one, whose code is not looked at."""
    module = sys.modules.get(_module_of(cls))
    if module is None or module.__name__ == "__main__":
        return False
    file = getattr(module, "__file__", None)
    return file is None or _is_installed_file(file)


def _is_of_library(code: CodeType) -> bool:
    return code.co_filename.startswith("<frozen") or _is_installed_file(code.co_filename)


@functools.lru_cache(maxsize=1_000)
def _is_installed_file(file: str) -> bool:
    path = Path(file).resolve()
    known = any(path.is_relative_to(folder) for folder in _INSTALLED)
    return known or bool({"site-packages", "dist-packages"} & set(path.parts))


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions inside it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _named_by(codes: Iterable[CodeType], operations: Collection[str]) -> set[str]:
    """The names that operations of Python's have in some codes."""
    return {
        str(step.argval)
        for code in codes
        for step in dis.get_instructions(code)
        if step.opname in operations
    }
