r"""Patterns with ``*`` and ``?``, as gjson matches keys and strings with them.

``\`` takes the meaning from the character after it. gjson stops a match that backtracks too
often; here nothing backtracks. The first place where a part between two stars fits is as good
as any later one, so no answer differs (beyond 10,000 stars in one pattern).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..errors import GraphError

#: What a matcher gives is true or not.
Matcher = Callable[[str], object]
#: The length of a pattern times that of a text; patterns up to ``SHORT`` may meet any text.
MOST_STEPS = 1 << 26
SHORT = 64

_TO_RUNE_ERROR = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")


def runes(text: bytes) -> str:
    """The characters of a text; each byte that is no UTF-8 is one replacement character."""
    return text.decode("utf-8", "surrogateescape").translate(_TO_RUNE_ERROR)


def matcher(pattern: bytes) -> Matcher:
    r"""Compile a pattern to a test of whole texts.

    >>> test = matcher(b"pre*t?on")
    >>> bool(test("prediction")), bool(test("predictions"))
    (True, False)
    """
    if pattern == b"*":
        return lambda text: True
    parts = _parts(runes(pattern))
    if parts is None:
        return lambda text: False
    *heads, last = parts
    if heads:
        # Atomic groups: once a part has found its first place it keeps it.
        middle = "".join(f"(?>.*?{part})" for part in heads[1:])
        last = f"{heads[0]}{middle}.*{last}"
    match = re.compile(last, re.DOTALL).fullmatch
    return match if len(pattern) <= SHORT else _bounded(match, len(pattern))


def _bounded(match: Matcher, size: int) -> Matcher:
    most = MOST_STEPS // size

    def test(text: str) -> object:
        if len(text) > most:
            raise GraphError(
                f"a wildcard of {size} bytes is matched with texts of up to {most:,} characters; "
                f"this one has {len(text):,}"
            )
        return match(text)

    return test


def _parts(pattern: str) -> list[str] | None:
    """What stands between the stars, as regular expressions; none where nothing can match."""
    parts, part, at = [], "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append(part)
            part = ""
        elif char == "?":
            part += "."
        elif char != "\\":
            part += re.escape(char)
        elif at < len(pattern):
            part += re.escape(pattern[at])
            at += 1
        elif parts:
            # A backslash at the very end is itself after a star, and nothing before one.
            part += r"\\"
        else:
            return None
    return [*parts, part]
