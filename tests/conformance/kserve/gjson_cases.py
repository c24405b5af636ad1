"""Reads the recorded answers of gjson 1.18."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Case:
    """A document and a path, and what gjson answered."""

    name: str
    document: bytes
    path: str
    valid: bool
    exists: bool
    type: str
    raw: bytes
    str: bytes
    router_match: bool


def cases() -> list[Case]:
    """All recorded cases."""
    text = Path(__file__).with_name("gjson_cases.json").read_text("utf-8")
    return [
        Case(
            name=record["name"],
            document=_bytes(record, "json"),
            path=record["path"],
            raw=_bytes(record, "raw"),
            str=_bytes(record, "str"),
            **{key: record[key] for key in ("valid", "exists", "type", "router_match")},
        )
        for record in json.loads(text)
    ]


def _bytes(record: dict[str, Any], key: str) -> bytes:
    """What was recorded as text, or in base64 where it is no UTF-8."""
    encoded = record.get(f"{key}_b64")
    return record[key].encode() if encoded is None else base64.b64decode(encoded)
