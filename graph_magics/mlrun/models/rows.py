"""The rows of many requests: put together, and told apart by what they look like."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, NoReturn

from ...bodies import many_objects
from ...copying import copies

_ATOMS = frozenset({int, float, str, bool, type(None)})
_NUMBERS = frozenset({int, float})
_FLOATS = frozenset({float})


class Rows(dict[str, Any]):
    """A request that is nothing but its ``inputs``: those of many events.

    A model that asks it for more does not answer row by row, and is told so.

    Attributes
    ----------
    was_asked : bool
        Whether it was asked for more; the model may have hidden the exception.

    Examples
    --------
    >>> request = Rows(inputs=[1, 2])
    >>> request["inputs"], "inputs" in request
    ([1, 2], True)
    >>> request.get("id")
    Traceback (most recent call last):
    graph_magics.mlrun.models.rows.AsksForMore
    """

    was_asked = False

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.was_asked = True
        raise AsksForMore

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key) if key == "inputs" else self._refuse()

    def get(self, key: str, default: Any = None) -> Any:
        """Give the inputs."""
        return super().__getitem__(key) if key == "inputs" else self._refuse()

    def __contains__(self, key: object) -> bool:
        return True if key == "inputs" else self._refuse()

    def __setitem__(self, key: str, value: Any) -> None:
        if key != "inputs":
            self._refuse()
        super().__setitem__(key, value)

    def __bool__(self) -> bool:
        return True


for _names in (
    ("__iter__", "__len__", "__eq__", "__ne__", "__or__", "__ror__", "__ior__", "__delitem__"),
    ("__reversed__", "__repr__", "__reduce_ex__", "keys", "values", "items", "copy", "pop"),
    ("popitem", "setdefault", "update", "clear"),
):
    for _name in _names:
        setattr(Rows, _name, Rows._refuse)


class AsksForMore(Exception):
    """A model asked a request for something besides its inputs."""


class RowLists:
    """The rows of many requests; what is found out of them is kept.

    Parameters
    ----------
    lists : sequence of list or None
        The rows of each event; None for an event that has none, or is to be asked alone.
    are_alike : bool
        Whether they are known to look alike, such as the rows of a table.
    """

    def __init__(self, lists: Sequence[list[Any] | None], *, are_alike: bool = False) -> None:
        self.lists = lists
        self._are_alike = are_alike

    def __len__(self) -> int:
        return len(self.lists)

    @cached_property
    def groups(self) -> list[list[int]]:
        """Events whose rows look alike: what a row becomes must not hang on those beside it."""
        if self._are_alike or (self._is_full and self._look.is_one):
            return [list(range(len(self.lists)))]
        return list(_alike(self.lists, self._look if self._is_full else None).values())

    def sizes(self, events: list[int]) -> list[int]:
        """How many rows some events have."""
        return self._sizes if len(events) == len(self) else [len(self._own(e)) for e in events]

    def rows(self, events: list[int]) -> list[Any]:
        """The rows of some events, which a model may change."""
        if len(events) == len(self):
            return self._look.copied(self._rows)
        rows = list(chain.from_iterable(map(self._own, events)))
        return _Look.at(rows).copied(rows)

    def _own(self, event: int) -> list[Any]:
        return self.lists[event] or []

    @cached_property
    def _is_full(self) -> bool:
        return None not in self.lists

    @cached_property
    def _sizes(self) -> list[int]:
        return [len(own or ()) for own in self.lists]

    @cached_property
    def _rows(self) -> list[Any]:
        return list(chain.from_iterable([own or () for own in self.lists]))

    @cached_property
    def _look(self) -> _Look:
        return _Look.at(self._rows)


@dataclass(frozen=True, slots=True)
class _Look:
    """What rows look like: how long lists are at each depth, and of what kinds all is in the end.

    So is ``[[1.5, 2.5]]``: lists of two floats.
    """

    lengths: tuple[frozenset[int], ...]
    kinds: frozenset[Hashable]

    @classmethod
    def at(cls, rows: list[Any]) -> _Look:
        """Look at some rows."""
        lengths = []
        kinds: frozenset[Hashable] = frozenset(map(type, rows))
        while kinds == {list}:
            lengths.append(frozenset(map(len, rows)))
            rows = list(chain.from_iterable(rows))
            kinds = frozenset(map(type, rows))
        if dict in kinds:
            objects = [row for row in rows if type(row) is dict]
            values = chain.from_iterable(row.values() for row in objects)
            kinds = frozenset([*kinds, *map(tuple, objects), *map(type, values)])
        return cls(tuple(lengths), kinds)

    @property
    def is_one(self) -> bool:
        """Whether each of the rows looks like all of them."""
        return len(self.kinds) == 1 and self.is_even

    @property
    def is_even(self) -> bool:
        """Whether lists at one depth have one length."""
        return all(len(lengths) == 1 for lengths in self.lengths)

    def copied(self, rows: list[Any]) -> list[Any]:
        """Rows that look so, for a model that may change them."""
        if self.kinds <= _ATOMS and len(self.lengths) < 2:
            with many_objects(len(rows)):
                return list(map(list, rows)) if self.lengths else list(rows)
        return copies(rows)


def _alike(
    lists: Sequence[list[Any] | None], look: _Look | None = None
) -> dict[Hashable, list[int]]:
    """Events by what their rows look like; whole numbers beside others are taken as such."""
    groups: dict[Hashable, list[int]] = {}
    if look is not None and look.kinds == _NUMBERS and len(look.lengths) == 1 and look.is_even:
        for event, own in enumerate(lists):
            has_float = any(float in map(type, row) for row in own or ())
            groups.setdefault(has_float, []).append(event)
        return groups
    for event, own in enumerate(lists):
        if own is not None:
            look = _Look.at(own)
            kinds = _FLOATS if look.kinds == _NUMBERS else look.kinds
            groups.setdefault((look.lengths, kinds), []).append(event)
    return groups
