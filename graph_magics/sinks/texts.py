"""Values as JSON text, as they stand in a cell or a line of a file."""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any

import numpy as np
import pandas as pd


def is_missing(value: Any) -> bool:
    """Tell whether a cell holds nothing.

    >>> is_missing(None), is_missing(float("nan")), is_missing([]), is_missing("")
    (True, True, False, False)
    """
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and value != value)
    )


def json_text(value: Any) -> str:
    r"""Write any value as JSON; what JSON has not, such as NaN or infinity, is null.

    >>> json_text({"a": np.float64(1.5), "b": [float("nan"), "é"]})
    '{"a":1.5,"b":[null,"é"]}'
    >>> json_text(b"no JSON"), json_text({(1, 2): {3}})
    ('"no JSON"', '{"(1, 2)":"{3}"}')
    """
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError):
        text = _ENCODER.encode(_cleaned(value))
    except RecursionError:
        return _ENCODER.encode(f"a deep {type(value).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:  # Half a surrogate pair, which no file can hold but escaped.
        return json.dumps(json.loads(text), separators=(",", ":"))
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode(errors="backslashreplace")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return None if is_missing(value) else str(value)


_ENCODER = json.JSONEncoder(
    default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")
)


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {k if type(k) is str else str(k): _cleaned(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _cleaned(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if isinstance(value, (str, int, type(None))) else _plain(value)
