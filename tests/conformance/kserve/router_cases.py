"""Reads the recorded answers of KServe's router."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer: its body has ``svc`` and ``dead`` where addresses stood."""

    status: int
    content_type: str | None
    body: bytes

    @cached_property
    def cause(self) -> str | None:
        """Why the router could not process a request, if that is what it says."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return None
        return told.get("cause") if isinstance(told, dict) else None


@dataclass(frozen=True)
class Case:
    """A graph, its services and a request, and what the router did."""

    name: str
    category: str
    spec: str
    services: dict[str, Any]
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    propagate: str | None
    repeat: int | None
    starts: bool
    deterministic: bool
    answers: list[Answer]
    calls: list[dict[str, Any]]
    calls_in_order: bool

    @property
    def survives(self) -> bool:
        """Whether the router answers at all."""
        return self.starts and (bool(self.answers) or self.repeat is not None)

    @cached_property
    def root(self) -> dict[str, Any]:
        """The root node."""
        return json.loads(self.spec)["nodes"]["root"]


def cases() -> list[Case]:
    """All recorded cases."""
    text = Path(__file__).with_name("router_cases.json").read_text("utf-8")
    return [_case(record) for record in json.loads(text)]


def _case(record: dict[str, Any]) -> Case:
    request, expected = record["request"], record["expected"]
    spec = record.get("graph_raw", json.dumps(record["graph"]))
    told = [given["answer"] for given in record.get("alternatives", [])]
    if expected.get("status") is not None:
        told.append(expected)
    return Case(
        name=record["name"],
        category=record["category"],
        spec=spec,
        services=record["services"],
        method=request.get("method", "POST"),
        path=request.get("path", "/"),
        headers=[(name, value) for name, value in request.get("headers", [])],
        body=_body(request),
        propagate=record.get("env", {}).get("PROPAGATE_HEADERS"),
        repeat=record.get("repeat"),
        starts=expected.get("router_starts", True),
        deterministic=record["deterministic"],
        answers=[
            Answer(given["status"], given["content_type"], _body(given, "body_norm", "body_raw"))
            for given in told
        ],
        calls=[_call(call) for call in expected.get("calls", [])],
        calls_in_order=record.get("calls_in_fixed_order", True) and "Ensemble" not in spec,
    )


def _call(record: dict[str, Any]) -> dict[str, Any]:
    told = {key: record[key] for key in record if not key.startswith("body")}
    return {**told, "body": _body(record)}


def _body(record: dict[str, Any], *keys: str) -> bytes:
    """What was recorded as text, or in base64 where it is no UTF-8."""
    if "body_b64" in record:
        return base64.b64decode(record["body_b64"])
    text = next((record[key] for key in keys or ("body_raw",) if key in record), "")
    return text.encode()
