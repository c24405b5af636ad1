"""JSON as Go's ``encoding/json`` has it, as far as KServe's router shows it.

The standard library's decoder and encoder do the work. Around them stand checks that cost
little and find the documents about which the two languages differ; those alone go the exact,
slower way.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from itertools import accumulate
from operator import itemgetter
from typing import Any, NoReturn

from .goscan import MAX_DEPTH, GoJSONError, number, scan, text_of

__all__ = [
    "MAX_DEPTH",
    "GoJSONError",
    "decode_object",
    "depth_of",
    "encode",
    "no_object",
    "valid",
    "valid_at_any_depth",
]

# The standard library recurses. So deep it may, on any Python and in any thread.
_SHALLOW = 500
# Numbers about which the languages differ. The patterns begin with what is rare in a table of
# numbers, and are searched for one by one: that is ten times faster than to look at each digit.
_DECODED_OTHERWISE = (
    re.compile(r"[ \t\n\r\[,:-][0-9]{16}"),  # whole, and perhaps rounded by a float64
    re.compile(r"e\+?[0-9]{3}"),  # perhaps out of a float64's range
    re.compile(r"E\+?[0-9]{3}"),
    re.compile(r"-0(?![.eE])"),
)
_ENCODED_OTHERWISE = (
    re.compile(r"\.0(?![0-9])"),  # Go writes 1 for Python's 1.0
    re.compile(r"e[-+][0-9]"),  # 0.00001 for 1e-05, 1e-7 for 1e-07
    re.compile(r"[\[,:-][0-9]{16}"),  # 12345678901234568 for 12345678901234567
)
_STRINGS = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")')
_BYTE_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_POINT_ZERO = re.compile(r"\.0(?![0-9])")
_WIDE = re.compile(r"([\[,:]-?)([0-9.]++e[-+][0-9]+|[0-9]{16,}(?![.0-9]))")
_DEEPER_AND_BACK = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HTML = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
_LINE_ENDS = (("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
_first = itemgetter(0)
_KINDS = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}


class _OutOfRange(ValueError):
    """A number that no float64 can hold."""


def _in_range(literal: str) -> int | float:
    value = number(literal)
    if isinstance(value, float) and math.isinf(value):
        raise _OutOfRange(literal)
    return value


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which only Python takes


_DECODER = json.JSONDecoder(parse_constant=_not_json)
_EXACT_DECODER = json.JSONDecoder(
    parse_constant=_not_json, parse_int=_in_range, parse_float=_in_range
)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False,
    check_circular=False,  # a circle is found where it matters: by _encode_deep
    allow_nan=False,
    sort_keys=True,
    separators=(",", ":"),
)


def decode_object(raw: bytes) -> dict[str, Any] | None:
    r"""What ``json.Unmarshal`` makes of a document for a ``map[string]interface{}``.

    Parameters
    ----------
    raw : bytes
        The document.

    Returns
    -------
    dict or None
        The object; None for ``null``. Of equal keys the last one counts. Numbers are float64s:
        those that a float64 holds exactly and that are written without point and exponent
        are ints here, all others floats.

    Raises
    ------
    GoJSONError
        If it is no object, with Go's own message.

    Examples
    --------
    >>> decode_object(b'{"a": [1, 12345678901234567890], "b": "\\ud83d"}')
    {'a': [1, 1.2345678901234567e+19], 'b': '\ufffd'}
    >>> decode_object(b"[1]")
    Traceback (most recent call last):
        ...
    graph_magics.goscan.GoJSONError: json: cannot unmarshal array into Go value of type ...
    """
    try:
        value = _decode(raw)
        too_large = None
    except (ValueError, RecursionError):
        value, too_large = scan(raw)
    if value is not None and not isinstance(value, dict):
        raise GoJSONError(no_object(value))
    if too_large is not None:
        raise GoJSONError(_too_large(too_large))
    return value


def no_object(value: Any) -> str:
    """What Go says of a value where an object should be.

    >>> no_object([1])
    'json: cannot unmarshal array into Go value of type map[string]interface {}'
    """
    kind = next((_KINDS[kind] for kind in type(value).__mro__ if kind in _KINDS), _go_type(value))
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


def encode(value: Any) -> bytes:
    r"""Write a value as ``json.Marshal`` writes it.

    Parameters
    ----------
    value : any
        What `decode_object` gave, or other JSON data whose keys are strings. Numbers are
        written as the float64s that Go would have read.

    Returns
    -------
    bytes
        Keys in the order of their bytes, no blanks, ``<``, ``>``, ``&``, U+2028 and U+2029
        escaped.

    Raises
    ------
    GoJSONError
        If it holds NaN, an infinity, itself, or what is no JSON.

    Examples
    --------
    >>> encode({"b": [1.0, 1e-07, 1e21], "a": "<é>"})
    b'{"a":"\\u003c\xc3\xa9\\u003e","b":[1,1e-7,1e+21]}'
    """
    if isinstance(value, (int, float)):
        return _scalar(value).encode()
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError):
        text = _encode_deep(value)
    else:
        if any(pattern.search(text) for pattern in _ENCODED_OTHERWISE):
            text = _with_go_numbers(text)
    for character, escaped in _HTML:
        if character in text:
            text = text.replace(character, escaped)
    if text.isascii():
        return text.encode()
    for character, escaped in _LINE_ENDS:
        if character in text:
            text = text.replace(character, escaped)
    try:
        return text.encode()
    except UnicodeEncodeError:  # halves of surrogate pairs; what is whole is joined
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def valid(raw: bytes) -> bool:
    """Tell whether a document is JSON, as ``json.Valid`` does.

    The router gives its answer a content type only where this holds. gjson, which it asks
    before a condition, decides alike for all but documents nested deeper than `MAX_DEPTH`:
    see `valid_at_any_depth`.

    Examples
    --------
    >>> valid(b'{"a": 1}'), valid(b"{'a': 1}"), valid(b"NaN")
    (True, False, False)
    """
    return _valid(raw, MAX_DEPTH)


def valid_at_any_depth(raw: bytes) -> bool:
    """Tell whether a document is JSON, as ``gjson.ValidBytes`` does.

    >>> deep = b"[" * 20_000 + b"]" * 20_000
    >>> valid(deep), valid_at_any_depth(deep)
    (False, True)
    """
    return _valid(raw, math.inf)


def depth_of(raw: bytes) -> int:
    """How deep a document nests, found without looking at each of its characters.

    >>> depth_of(b'{"a": [[1], "[[["]}')
    3
    """
    brackets = _BYTE_STRINGS.sub(b"", raw).translate(_DEEPER_AND_BACK, _NO_BRACKETS)
    return max(accumulate(memoryview(brackets).cast("b")), default=0)


def _valid(raw: bytes, max_depth: float) -> bool:
    try:
        _decode(raw)
    except (ValueError, RecursionError):
        try:
            scan(raw, max_depth)
        except GoJSONError:
            return False
    return True


def _decode(raw: bytes) -> Any:
    """Decode the usual document; raise an error of whatever kind where another way is needed."""
    if raw.count(b"[") + raw.count(b"{") > _SHALLOW and depth_of(raw) > _SHALLOW:
        raise RecursionError
    text = text_of(raw).strip(" \t\n\r")
    odd = any(pattern.search(text) for pattern in _DECODED_OTHERWISE)
    decoder = _EXACT_DECODER if odd else _DECODER
    value, end = decoder.raw_decode(text)
    if end != len(text):
        raise ValueError("more than one value")
    return value


def _with_go_numbers(text: str) -> str:
    parts = _STRINGS.split(text)  # every second one is a string, and stays
    numbers = _POINT_ZERO.sub("", "," + '"'.join(parts[::2]))  # each number has one in front
    numbers = _WIDE.sub(lambda wide: wide[1] + _go_number(wide[2]), numbers)
    parts[::2] = numbers[1:].split('"')
    return "".join(parts)


def _go_number(literal: str) -> str:
    value = float(literal)
    if math.isinf(value):
        raise GoJSONError(_too_large(literal))
    return _go_float(value)


def _go_float(value: float) -> str:
    value = float(value)  # A float of NumPy's is told otherwise.
    if math.isinf(value) or math.isnan(value):
        name = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise GoJSONError(f"json: unsupported value: {name}")
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return _POINT_ZERO.sub("", format(Decimal(repr(value)), "f"))
    return repr(value).replace("e-0", "e-")


def _too_large(literal: str) -> str:
    return f"json: cannot unmarshal number {literal} into Go value of type float64"


def _encode_deep(value: Any) -> str:
    """Write what the standard library refuses to write, or tell what is wrong with it."""
    written: list[str] = []
    # What is still to be written: values in one-tuples, texts as they are, and at the end of
    # each array and object its id, which takes it from those that must not come again.
    waiting: list[Any] = [(value,)]
    around: set[int] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            written.append(item)
            continue
        if isinstance(item, int):
            around.discard(item)
            continue
        (item,) = item
        if not isinstance(item, (dict, list, tuple)):
            written.append(_scalar(item))
            continue
        if id(item) in around:
            raise GoJSONError(f"json: unsupported value: encountered a cycle in {_go_type(item)}")
        around.add(id(item))
        texts = [""] * len(item)
        children = item
        if isinstance(item, dict):
            pairs = sorted(((_key(key), child) for key, child in item.items()), key=_first)
            texts = [f"{_scalar(key)}:" for key, _ in pairs]
            children = [child for _, child in pairs]
        begin, end = "{}" if isinstance(item, dict) else "[]"
        written.append(begin)
        waiting += [id(item), end]
        for i in reversed(range(len(texts))):
            waiting += [(children[i],), f",{texts[i]}" if i else texts[i]]
    return "".join(written)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        try:
            return _go_float(float(value))
        except OverflowError:
            # Python writes no more digits than some thousands.
            shown = str(value) if value.bit_length() < 10_000 else "of many digits"
            raise GoJSONError(_too_large(shown)) from None
    if isinstance(value, float):
        return _go_float(value)
    raise GoJSONError(f"json: unsupported type: {_go_type(value)}")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, (bool, int, float)):  # as the standard library takes them
        return json.dumps(key)
    raise GoJSONError(f"json: unsupported type: {_go_type(key)} as a key")


def _go_type(value: Any) -> str:
    return type(value).__name__
