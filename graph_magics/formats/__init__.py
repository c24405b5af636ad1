"""Texts to graphs and back: one format a file."""

from __future__ import annotations

import re

_KEY = re.compile(r"[\"']?(apiVersion|kind|metadata|spec|nodes)[\"']?\s*:")


def is_manifest(text: str) -> bool:
    r"""Tell whether the body of a cell is a KServe manifest, YAML or JSON, and not Python.

    >>> is_manifest("# mine\n---\napiVersion: v1"), is_manifest('{"nodes": {}}')
    (True, True)
    >>> is_manifest("vote = VotingEnsemble(a, b)"), is_manifest("kind = Step(f)")
    (False, False)
    """
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith(("#", "%", "---")):
            return line.startswith("{") or _KEY.match(line) is not None
    return False
