"""MLRun's serving graph answers as recorded, through the public API."""

from __future__ import annotations

from typing import Any

import pytest

from .cases import SOUND, TWINS, Asked, same

_STAGES = ["declare", "build", "request"]


@pytest.mark.parametrize("case", SOUND, ids=[case["name"] for case in SOUND])
def test_answers_as_recorded(case: dict[str, Any]) -> None:
    asked = Asked(case)
    theirs = case["response"]
    if "body" in theirs:
        if asked.error is not None and not asked.answers:
            raise asked.error
        assert "body" in asked.answers[-1], asked.answers[-1]["error"]
        assert same(asked.answers[-1]["body"], theirs["body"]), asked.answers[-1]["body"]
    else:
        _assert_fails(asked, case)
    for ours, prior in zip(asked.answers, theirs.get("prior_responses", []), strict=False):
        if "$object" not in str(prior):
            assert same(ours.get("body"), prior.get("body"))
    if "trace" in theirs:
        assert same([list(t) if isinstance(t, tuple) else t for t in asked.namespace["TRACE"]],
                    [t["$tuple"] if isinstance(t, dict) and "$tuple" in t else t
                     for t in theirs["trace"]])  # fmt: skip


def _assert_fails(asked: Asked, case: dict[str, Any]) -> None:
    if asked.error is None:
        twins = [t["response"]["body"] for t in TWINS[case["group"]] if "body" in t["response"]]
        assert any(same(asked.answers[-1]["body"], body) for body in twins), asked.answers[-1]
        return
    assert str(asked.error)
    stage = case["response"]["error"]["stage"]
    assert _STAGES.index(asked.stage) <= _STAGES.index(stage), asked.error
