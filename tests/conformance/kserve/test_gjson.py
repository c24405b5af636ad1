"""Every recorded answer of gjson 1.18: on the document as bytes, as text and parsed."""

import pytest

from graph_magics import gjson
from graph_magics.gjson.validity import Reading, read_bytes

from .gjson_cases import Case, cases

CASES = cases()


def is_utf8(case: Case) -> bool:
    return case.document.decode("utf-8", "replace").encode() == case.document


def parsed(case: Case) -> Reading:
    """The document in Python objects, as far as they can say the same; a string is a text."""
    reading = read_bytes(case.document)
    return reading._replace(faithful=reading.faithful and not isinstance(reading.value, str))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_on_bytes(case: Case) -> None:
    check(case, case.document)


@pytest.mark.parametrize("case", [*filter(is_utf8, CASES)], ids=lambda case: case.name)
def test_on_text(case: Case) -> None:
    check(case, case.document.decode())


@pytest.mark.parametrize(
    "case", [case for case in CASES if parsed(case).faithful], ids=lambda case: case.name
)
def test_decision_on_parsed_document(case: Case) -> None:
    assert gjson.matches(parsed(case).value, case.path) is case.router_match


def check(case: Case, document: bytes | str) -> None:
    assert gjson.matches(document, case.path) is case.router_match
    found = gjson.get(document, case.path)
    assert (found.exists, found.type) == (case.exists, case.type)
    assert (found.raw_bytes, found.str_bytes) == (case.raw, case.str)


def test_all_cases_are_read() -> None:
    assert len(CASES) == 1588
    assert read_bytes(b"{}").faithful
