"""The exceptions, and how their messages are put together."""

from __future__ import annotations

import difflib
import os
import sysconfig
from collections.abc import Iterable
from types import CodeType, TracebackType

_PACKAGE_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_PATHS = sysconfig.get_paths()
_NOT_THE_USERS = (
    _PACKAGE_FOLDER,
    *(_PATHS[key] + os.sep for key in ("stdlib", "purelib", "platlib")),
    "<frozen",
)


class GraphError(Exception):
    """A mistake in a graph, its events or a question about them, told in one line.

    Parameters
    ----------
    message : str
        What is wrong and what to write instead.
    graph, node : str, optional
        Where: the graph's name and the node's dotted path.
    line : int, optional
        The line of the ``%%graph`` cell, counted from 1.

    Examples
    --------
    >>> print(GraphError("it has no routes", graph="churn", node="vote"))
    graph 'churn', node 'vote': it has no routes
    """

    def __init__(
        self,
        message: str,
        *,
        graph: str | None = None,
        node: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.graph = graph
        self.node = node
        self.line = line

    def at(
        self, *, graph: str | None = None, node: str | None = None, line: int | None = None
    ) -> GraphError:
        """Say where, unless that is already said; returns the same error."""
        self.graph = self.graph or graph
        self.node = self.node or node
        self.line = self.line or line
        return self

    def within(self, node: str) -> GraphError:
        """Say in which node the node stands; returns the same error.

        >>> print(GraphError("no model", node="forest").within("vote"))
        node 'vote.forest': no model
        """
        self.node = f"{node}.{self.node}" if self.node else node
        return self

    def __str__(self) -> str:
        places = [
            f"graph {self.graph!r}" if self.graph else "",
            f"line {self.line}" if self.line else "",
            f"node {self.node!r}" if self.node else "",
        ]
        where = ", ".join(place for place in places if place)
        return f"{where}: {self.message}" if where else self.message

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook: the frames in between are not the user's."""
        return [f"{type(self).__name__}: {self}"]


class EventError(GraphError):
    """An event failed and the run was to stop at the first failure.

    The step's own exception is the ``__cause__``.
    """


class Unanswered(GraphError):
    """A service gave no answer at all: it was not reached, took too long or broke off."""


def one_line(error: BaseException) -> str:
    r"""Type and first line of an exception.

    >>> one_line(ValueError("too long\nby far"))
    'ValueError: too long'
    """
    if isinstance(error, GraphError):
        return error.message
    first = next(iter(text_of(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def text_of(error: BaseException) -> str:
    """What an exception says; nothing, if it fails to say it."""
    try:
        return str(error)
    except Exception:
        return ""


def is_ours(code: CodeType) -> bool:
    """Tell whether code is of this package, not of the user or of another library."""
    return code.co_filename.startswith(_PACKAGE_FOLDER)


def place_of(traceback: TracebackType | None) -> str | None:
    """Where in the user's own code, neither ours nor a library's, an exception was raised.

    The innermost such place, as ``line 3 of clean``.
    """
    place = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith(_NOT_THE_USERS):
            place = f"line {traceback.tb_lineno} of {code.co_qualname}"
        traceback = traceback.tb_next
    return place


def near(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'forest'?`` where a known name is near, else nothing.

    >>> near("forst", ["forest", "logistic"])
    "; did you mean 'forest'?"
    >>> near("x", ["forest"])
    ''
    """
    found = difflib.get_close_matches(str(name), [str(k) for k in known], n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def a(thing: object) -> str:
    """The type of a thing, with its article.

    >>> a(3), a("x"), a(None)
    ('an int', 'a str', 'None')
    """
    kind = type(thing).__name__
    if thing is None:
        return "None"
    return f"an {kind}" if kind[:1].lower() in "aeiou" else f"a {kind}"


def listed(names: Iterable[object], most: int = 5) -> str:
    """Names in quotes with commas, cut after ``most``.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    quoted = [repr(str(name)) for name in names]
    if len(quoted) <= most:
        return ", ".join(quoted)
    return f"{', '.join(quoted[:most])} and {len(quoted) - most} more"


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "event"), counted(1500, "event")
    ('1 event', '1,500 events')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
