"""Go's regular expressions, as far as Python's can say the same."""

from __future__ import annotations

import re
from functools import lru_cache

# A step through a pattern: what is taken as a whole, and in this order looked for.
_STEP = re.compile(
    r"""
      \\Q(?P<literal>.*?)(?:\\E|\Z)
    | \\(?P<escaped>.)
    | (?P<class>\[\^?)
    | \(\?(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)])
    | \(\?P?<(?P<name>[A-Za-z_][A-Za-z0-9_]*)>
    | (?P<beyond>\(\?)
    | (?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)
    | (?P<brace>\{)
    | (?P<bracket>[(|)])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_CLASS = re.compile(
    r"\[:(?P<not>\^?)(?P<named>[a-z]+):\]|\\(?P<escaped>.)|(?P<other>.)", re.DOTALL
)
_NAMED = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t-\r ",
    "upper": "A-Z",
    "word": r"0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
# What a letter behind a backslash may be in both.
_SAME = frozenset("afnrtvxdDsSwW")
_OUTSIDE = {"A": r"\A", "z": r"\Z", "b": r"\b", "B": r"\B"}
_MOST = 1000  # repetitions, in Go


class NotInBoth(ValueError):
    """A pattern that Go refuses, or that Python cannot say."""


@lru_cache(256)
def compiled(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern of Go's ``regexp`` for a search in ASCII text.

    Parameters
    ----------
    pattern : str

    Raises
    ------
    NotInBoth
        If Go refuses it, such as for a look-ahead, or Python has no way to say it, such as for
        the letters of a script.

    Examples
    --------
    >>> bool(compiled("X-[[:upper:]]+|(?i)y$").search("my"))
    True
    >>> compiled("(?=X)")
    Traceback (most recent call last):
        ...
    graph_magics.gohttp.patterns.NotInBoth: (?=X)
    """
    try:
        return re.compile(_translated(pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise NotInBoth(pattern) from error


def _translated(pattern: str) -> str:
    written: list[str] = []
    # For each open group, the flags that were set within it: they end with the group, and
    # hold for its further alternatives.
    flags: list[str] = [""]
    at, repeated = 0, False
    while at < len(pattern):
        step = _STEP.match(pattern, at)
        assert step is not None
        at, was_repeated, repeated = step.end(), repeated, False
        match step.lastgroup:
            case "literal":
                written.append(re.escape(step["literal"]))
            case "escaped":
                written.append(_escape(step["escaped"], pattern, _OUTSIDE))
            case "class":
                text, at = _class(pattern, at)
                written.append(step["class"] + text)
            case "end":
                group = f"(?{step['flags'].replace('U', '').rstrip('-')}:"
                written.append(group)
                if step["end"] == ")":
                    flags[-1] += group
                else:
                    flags.append("")
            case "name":
                written.append(f"(?P<{step['name']}>")
                flags.append("")
            case "beyond":
                raise NotInBoth(pattern)
            case "repeat":
                repeated = True
                if was_repeated or _times(step["repeat"]) > _MOST:
                    raise NotInBoth(pattern)
                written.append(step["repeat"])
            case "brace":
                written.append(r"\{")
            case "bracket":
                written.append(_bracket(step["bracket"], flags, pattern))
            case _:
                written.append(step[0])
    return "".join(written) + _closed(flags[-1])


def _bracket(bracket: str, flags: list[str], pattern: str) -> str:
    if bracket == "(":
        flags.append("")
        return "("
    if bracket == "|":
        return f"{_closed(flags[-1])}|{flags[-1]}"
    if len(flags) == 1:
        raise NotInBoth(pattern)
    return _closed(flags.pop()) + ")"


def _closed(flags: str) -> str:
    return ")" * flags.count("(")


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Translate what stands in brackets, from behind the first; say where it ends."""
    start = at
    written: list[str] = []
    while at < len(pattern):
        step = _IN_CLASS.match(pattern, at)
        assert step is not None
        if step["other"] == "]" and at > start:
            return "".join(written) + "]", step.end()
        at = step.end()
        if step["named"]:
            if step["not"] or step["named"] not in _NAMED:
                raise NotInBoth(pattern)
            written.append(_NAMED[step["named"]])
        elif step["escaped"]:
            written.append(_escape(step["escaped"], pattern, {}))
        else:
            if step["other"] == "-" and written[-1:] == ["-"]:
                raise NotInBoth(pattern)  # Python warns, and will take it for something else
            # Escaped, lest Python warn of sets in sets.
            written.append("-" if step["other"] == "-" else re.escape(step["other"]))
    raise NotInBoth(pattern)


def _escape(letter: str, pattern: str, more: dict[str, str]) -> str:
    if letter in more:
        return more[letter]
    if letter not in _SAME and (letter.isalnum() or not letter.isascii()):
        raise NotInBoth(pattern)
    return f"\\{letter}"


def _times(repeat: str) -> int:
    return max(map(int, re.findall("[0-9]{1,9}", repeat)), default=0)
