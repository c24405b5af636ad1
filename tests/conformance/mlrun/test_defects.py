"""Where MLRun is wrong, ours gives the sensible answer or a clear error."""

from __future__ import annotations

from typing import Any

import pytest

from .cases import DEFECTS, INSTEAD, Asked, same


def test_there_is_an_answer_for_each_defect():
    assert {case["name"] for case in DEFECTS} == set(INSTEAD)


@pytest.mark.parametrize("case", DEFECTS, ids=[case["name"] for case in DEFECTS])
def test_a_defect_is_not_copied(case: dict[str, Any]) -> None:
    asked, instead = Asked(case), INSTEAD[case["name"]]
    if "error" in instead:
        assert str(asked.error) == instead["error"]
        return
    if asked.error is not None:
        raise asked.error
    body = asked.answers[-1]["body"]
    assert same(body, instead["body"]), body
