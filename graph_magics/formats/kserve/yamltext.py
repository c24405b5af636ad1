"""YAML text to plain data and back, taken as kubectl takes it.

kubectl reads with a YAML 1.1 library of Go's and goes on with JSON. So ``on`` is true, ``012``
is 10 and ``1e3`` is 1000, while ``1:30`` and ``2026-08-01`` stay text; keys are text always.
Nothing is constructed but plain data, and tags that ask for more are refused.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from ...errors import GraphError
from ...gojson import encode
from .plain import MAX_DEPTH, plain

MAX_ALIASED = 10_000
"""How many values the aliases (``*name``) of a text may stand for, all together."""

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"], True),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "off", "Off", "OFF"], False),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys(
        [f"{sign}{inf}" for sign in ("", "+") for inf in (".inf", ".Inf", ".INF")], math.inf
    ),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
_WHOLE = re.compile(r"([-+]?)(?:0[bB]([01]+)|0[oO]?([0-7]+)|0[xX]([0-9a-fA-F]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_KINDS: dict[str, tuple[type, ...]] = {
    _CORE + "int": (int,),
    _CORE + "float": (int, float),
    _CORE + "bool": (bool,),
    _CORE + "null": (type(None),),
}
_OTHER_LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")
_BASES = (2, 8, 16, 10)


def scalar(text: str) -> str | int | float | bool | None:
    """What an unquoted text is.

    Examples
    --------
    >>> [scalar(text) for text in ("on", "012", "1e3", "1:30", "2026-08-01", "100.0", "~")]
    [True, 10, 1000, '1:30', '2026-08-01', 100, None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-0123456789":
        text_of_number = text.replace("_", "")
        whole = _whole(text_of_number)
        if whole is not None:
            return whole
    elif text[0] == ".":
        text_of_number = text
    else:
        return text
    if not _FLOAT.fullmatch(text_of_number) or math.isinf(value := float(text_of_number)):
        return text
    return json.loads(encode(value))  # a whole number if JSON writes it as one


def _whole(text: str) -> int | None:
    found = _WHOLE.fullmatch(text)
    if not found or len(text) > 70:
        return None
    sign, *digits = found.groups()
    base, body = next((b, d) for b, d in zip(_BASES, digits, strict=True) if d)
    value = int(sign + body, base)
    # Larger ones are floats to Go, where their text allows that.
    return value if -(2**63) <= value < (2**63 if sign else 2**64) else None


def load_all(text: str) -> list[Any]:
    """Read the documents of a text.

    Parameters
    ----------
    text : str
        YAML.

    Returns
    -------
    list
        Plain data, a document each.

    Raises
    ------
    GraphError
        With line and column: for broken YAML, a key given twice in a mapping, a tag that is
        not YAML's own, nesting deeper than `MAX_DEPTH`, more than `MAX_ALIASED` aliased values.

    Examples
    --------
    >>> load_all("steps: [{serviceName: iris, weight: 100}]")
    [{'steps': [{'serviceName': 'iris', 'weight': 100}]}]
    """
    try:
        return list(_Documents(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise _at(mark, f"this is no YAML: {problem}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise GraphError(f"line {line}, column {column}: this is no YAML: {error.reason}") from None


def dump(data: Any) -> str:
    r"""Write plain data as YAML, its keys in the order they have.

    >>> print(dump({"name": "yes", "weight": 1, "note": "two\nlines"}), end="")
    name: 'yes'
    weight: 1
    note: |-
      two
      lines
    """
    return yaml.dump(
        plain(data),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=math.inf,
    )


class _Dumper(yaml.SafeDumper):
    """Writes what `load_all` reads back alike, and other readers of YAML too."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_str(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if _OTHER_LINE_ENDS.search(text):
        style = '"'  # PyYAML folds them in other styles
    elif "\n" in text:
        style = "|"
    elif not isinstance(scalar(text), str):  # to kubectl; PyYAML quotes what is none to itself
        style = "'"
    return dumper.represent_scalar(_CORE + "str", text, style=style)


_Dumper.add_representer(str, _represent_str)
_Dumper.add_multi_representer(dict, _Dumper.represent_dict)


@dataclass
class _Open:
    """A mapping or sequence that is being read."""

    value: Any
    anchor: str | None
    key: str | None = None
    merging: bool = False
    lines: dict[str, int] = field(default_factory=dict)  # of the keys so far


class _Documents:
    """The documents of a text, built from the parser's events without recursion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.open: list[_Open] = []
        self.anchors: dict[str, Any] = {}
        self.aliased = 0
        self.document: Any = None

    def __iter__(self) -> Iterator[Any]:
        for event in yaml.parse(self.text, Loader=_PARSER):
            match event:
                case yaml.DocumentStartEvent():
                    self.anchors = {}
                case yaml.DocumentEndEvent():
                    yield self.document
                case yaml.ScalarEvent():
                    self.scalar(event)
                case yaml.AliasEvent():
                    self.alias(event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self.begin(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    ended = self.open.pop()
                    self.place(ended.value, ended.anchor, event)

    def scalar(self, event: yaml.ScalarEvent) -> None:
        around = self.open[-1] if self.open else None
        is_key = around is not None and isinstance(around.value, dict) and around.key is None
        if is_key and around is not None and event.implicit[0] and event.value == "<<":
            around.merging, around.key = True, "<<"
            return
        self.place(_value_of(event), event.anchor, event)

    def alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.anchors:
            self.refuse(
                event, f"there is no &{event.anchor} above that *{event.anchor} could stand for"
            )
        self.place(self.copied(self.anchors[event.anchor], event, len(self.open)), None, event)

    def copied(self, value: Any, event: Any, depth: int) -> Any:
        self.aliased += 1
        if self.aliased > MAX_ALIASED:
            self.refuse(event, f"its aliases stand for more than {MAX_ALIASED:,} values")
        if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
            self.too_deep(event)
        if isinstance(value, dict):
            return {key: self.copied(v, event, depth + 1) for key, v in value.items()}
        if isinstance(value, list):
            return [self.copied(v, event, depth + 1) for v in value]
        return value

    def begin(self, event: Any) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _CORE + ("map" if is_mapping else "seq")):
            self.refuse(event, f"the tag {_shown(event.tag)} has no place in a manifest")
        if len(self.open) >= MAX_DEPTH:
            self.too_deep(event)
        if self.open and isinstance(self.open[-1].value, dict) and self.open[-1].key is None:
            self.refuse(event, "a key must be text")
        self.open.append(_Open({} if is_mapping else [], event.anchor))

    def place(self, value: Any, anchor: str | None, event: Any) -> None:
        """Put a value where it belongs; as a key, if a key is what comes next there."""
        if anchor is not None:
            self.anchors[anchor] = value
        if not self.open:
            self.document = value
            return
        around = self.open[-1]
        if isinstance(around.value, list):
            around.value.append(value)
        elif around.key is None:
            around.key = self.key(value, around, event)
        else:
            if around.merging:
                self.merge(value, around, event)
            else:
                around.value[around.key] = value
            around.key, around.merging = None, False

    def key(self, value: Any, around: _Open, event: Any) -> str:
        line = event.start_mark.line + 1
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, (int, float)):
            value = str(value)
        if not isinstance(value, str):
            self.refuse(event, "a key must be text")
        if value in around.lines:
            self.refuse(event, f"the key {value!r} was given already in line {around.lines[value]}")
        around.lines[value] = line
        return value

    def merge(self, value: Any, around: _Open, event: Any) -> None:
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in merged):
            self.refuse(event, "<< takes a mapping, or a list of them")
        for each in reversed(merged):  # of several the first one counts
            around.value.update(each)

    def too_deep(self, event: Any) -> NoReturn:
        self.refuse(event, f"it nests deeper than {MAX_DEPTH} levels")

    def refuse(self, event: Any, problem: str) -> NoReturn:
        raise _at(event.start_mark, problem)


def _value_of(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if event.tag is None:
        value = scalar(text) if event.implicit[0] else text
    elif event.tag in ("!", _CORE + "str", _CORE + "timestamp"):
        value = text
    elif event.tag == _CORE + "binary":
        value = _decoded(text, event)
    else:
        kinds = _KINDS.get(event.tag)
        if kinds is None:
            raise _at(event.start_mark, f"the tag {_shown(event.tag)} has no place in a manifest")
        value = scalar(text)
        if type(value) not in kinds:
            raise _at(event.start_mark, f"{text!r} is no {_shown(event.tag)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise _at(event.start_mark, f"{text} is a number that JSON, and so kubectl, does not have")
    return value


def _decoded(text: str, event: yaml.ScalarEvent) -> str:
    try:
        return base64.b64decode(text).decode(errors="replace")
    except ValueError:
        raise _at(event.start_mark, "this is no base64, as !!binary asks for") from None


def _shown(tag: str) -> str:
    return tag.replace(_CORE, "!!")


def _at(mark: Any, problem: str) -> GraphError:
    return GraphError(f"line {mark.line + 1}, column {mark.column + 1}: {problem}")
