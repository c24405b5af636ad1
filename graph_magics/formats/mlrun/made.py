"""`Made`: what one part of a graph is made of, in MLRun's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Made:
    """What one step or route is made of.

    Parameters
    ----------
    class_name, handler : str, optional
        As MLRun looks them up.
    arguments : mapping
        Of the class.
    is_router : bool
    routes : mapping of str to TaskStep or Node
    """

    class_name: str | None = None
    handler: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    is_router: bool = False
    routes: Mapping[str, Any] = field(default_factory=dict)
