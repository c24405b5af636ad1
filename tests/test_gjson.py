"""Paths over documents: what gjson does, on text and on objects alike, and what is refused."""

import json
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph_magics import gjson
from graph_magics.errors import GraphError
from graph_magics.gjson.floats import as_integer, format_float, parse_float
from graph_magics.gjson.modifiers import _MODIFIERS
from graph_magics.gjson.scan import quote, unescape
from graph_magics.gjson.splitting import MODIFIERS
from graph_magics.gjson.validity import is_valid, read
from graph_magics.gjson.values import dump
from graph_magics.gjson.wildcards import matcher

EVENT = {
    "predictions": [
        {"label": "cat", "score": 0.9, "tags": ["a", "b"]},
        {"label": "dog", "score": 0.4, "tags": []},
        {"label": "fox", "score": 0.2, "tags": ["b"]},
    ],
    "model": {"name": "vote", "version": "2", "a.b": 1},
    "empty": [],
    "nothing": None,
    "on": True,
    "off": False,
    "text": 'one "two" [3]',
}


# --- what is found --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model.name", "vote"),
        (r"model.a\.b", 1),
        ("predictions.1.label", "dog"),
        ("predictions.#", 3),
        ("predictions.#.label", ["cat", "dog", "fox"]),
        ("predictions.#.tags.0", ["a", "b"]),
        ("predictions.#.tags|0", ["a", "b"]),
        ("predictions.#(score<0.6)", EVENT["predictions"][1]),
        ("predictions.#(score<0.6).label", "dog"),
        ("predictions.#(score<0.6)#.label", ["dog", "fox"]),
        ("predictions.#(score<0.6)#.label|1", "fox"),
        ("predictions.#(score<0.6)#|#", 2),
        ('predictions.#(label%"?o*")#.label', ["dog", "fox"]),
        ('predictions.#(label!%"?o*")#.label', ["cat"]),
        ('predictions.#(tags.#(=="b"))#.label', ["cat", "fox"]),
        ("predictions.#(tags.0).label", "cat"),
        ("predictions.#(score>9)#", []),
        ("predictions.#(nope==~null)#.label", ["cat", "dog", "fox"]),
        ("predictions.#(score==~true)#|#", 3),
        ("pred*.0.lab?l", "cat"),
        ("empty.#", 0),
        ("empty.#.x", []),
        ("nothing", None),
        ("on", True),
        ("off", False),
        ("..0.model.name", "vote"),
        ("{model.name,predictions.#}", {"name": "vote", "_": 3}),
        ('{"n":model.name,"first":predictions.0.score}', {"n": "vote", "first": 0.9}),
        ("[model.name,on,nope]", ["vote", True]),
        ("model.@keys", ["name", "version", "a.b"]),
        ("model|@values|0", "vote"),
        ("predictions.#.tags.@flatten", [["a", "b"], [], ["b"]]),
        ("predictions.#.tags|@flatten", ["a", "b", "b"]),
        ("predictions.@reverse.0.label", "fox"),
        ("@dig:label", ["cat", "dog", "fox"]),
        ("model.@tostr.@fromstr.name", "vote"),
        ("!true", True),
        ('predictions.#.{label,"s":score}|0', {"label": "cat", "s": 0.9}),
        ("text|0", 3),
    ],
)
def test_found_alike_in_text_and_in_objects(path: str, expected: object) -> None:
    text = json.dumps(EVENT, indent=1)
    for document in (
        EVENT,
        text,
        text.encode(),
        bytearray(text.encode()),
        memoryview(text.encode()),
    ):
        assert gjson.matches(document, path)
        assert gjson.get(document, path).value == expected


@pytest.mark.parametrize(
    "path",
    ["nope", "model.nope", "predictions.3", "predictions.label", "predictions.#(score>9)",
     "on.x", "nothing.x", "predictions.#(nope==null)", "predictions.##", "", "model.name.x"],
)  # fmt: skip
def test_not_found(path: str) -> None:
    for document in (EVENT, json.dumps(EVENT)):
        assert not gjson.matches(document, path)
        found = gjson.get(document, path)
        assert (found.exists, found.type, found.raw, found.str) == (False, "Null", "", "")
        assert found.value is None
        assert repr(found) == "<Result of nothing>"


def test_result_shows_the_text_as_it_stands() -> None:
    document = '{"a": {"b" : [1.50, 1e3 , "\\u00e9"]}}'
    assert gjson.get(document, "a").raw == '{"b" : [1.50, 1e3 , "\\u00e9"]}'
    assert gjson.get(document, "a.b.0").raw == "1.50"
    assert gjson.get(document, "a.b.0").str == "1.5"
    assert gjson.get(document, "a.b.1").str == "1000"
    assert gjson.get(document, "a.b.2").raw == '"\\u00e9"'
    assert gjson.get(document, "a.b.2").str == "é"
    assert repr(gjson.get(document, "a.b.1")) == "<Result Number 1e3>"


def test_result_of_parsed_document_is_its_compact_json() -> None:
    found = gjson.get({"a": {"b": [1.0, "é"]}}, "a")
    assert (found.raw, found.type) == ('{"b":[1.0,"é"]}', "JSON")
    assert gjson.get({"a": 1.0}, "a").str == "1"


def test_value_found_in_kept_text_is_the_callers_own() -> None:
    text = '{"a":[1]}'
    gjson.get(text, "a").value.append(2)
    assert gjson.get(text, "a").value == [1]


def test_bytes_that_are_no_utf8() -> None:
    found = gjson.get(b'{"a":"x\xff","b":1}', "a")
    assert (found.raw_bytes, found.str_bytes) == (b'"x\xff"', b"x\xff")
    assert (found.raw, found.str, found.value) == ('"x�"', "x�", "x�")
    assert gjson.matches(b'{"a":"x\xff","b":1}', "b")


# --- what is odd about gjson ----------------------------------------------------------------


def test_first_of_equal_keys_unless_it_leads_nowhere() -> None:
    text = '{"a":1,"a":2,"d":1,"d":{"e":5}}'
    assert gjson.get(text, "a").value == 1
    assert gjson.get(text, "d.e").value == 5


def test_half_a_surrogate_pair() -> None:
    text = '{"\\ud83d":1,"\\ud83d\\ude01":2,"b":"\\ud83d"}'
    assert gjson.get(text, "\ufffd").value == 1
    assert gjson.get(text, "😁").value == 2
    assert gjson.get(text, "b").str == "\ufffd"


@pytest.mark.parametrize("text", ["{broken", "", "[1,]", '{"a":1} x', "NaN", "'a'", "\ufeff{}"])
def test_broken_text_never_matches_but_is_searched(text: str) -> None:
    assert not gjson.matches(text, "@this")
    assert gjson.get('{"a": tru, "b": [1', "b.0").value == 1
    assert gjson.get('{"a": tru, "b": [1', "b").value is None
    assert gjson.get('{"a": tru}', "a").value is True


def test_numbers_that_python_does_not_read() -> None:
    digits = "9" * 5000
    assert gjson.matches(f'{{"a":{digits}}}', "a")
    assert gjson.get(f'{{"a":{digits}}}', "a").str == digits
    assert gjson.get('{"a":1e999}', "a").str == "+Inf"
    assert gjson.get("[1e99999999999]", "#(>5)").exists


def test_every_modifier_is_there() -> None:
    assert {name.decode() for name in MODIFIERS} == set(_MODIFIERS)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1.0), ("-0.5e1", -5.0), ("1_000", 1000.0), ("0x1p4", 16.0), ("0x1", 0.0), ("0xp1", 0.0),
     ("+inf", np.inf), (" 1", 0.0), ("1 ", 0.0), ("", 0.0), ("\u0661", 0.0), ("1e", 0.0),
     ("+nan", 0.0), (".5", 0.5), ("5.", 5.0), ("-0x1p99999", -np.inf), ("1__0", 0.0)],
)  # fmt: skip
def test_numbers_are_read_as_go_reads_them(text: str, number: float) -> None:
    assert parse_float(text.encode()) == number


def test_numbers_are_written_as_go_writes_them() -> None:
    numbers = [1.0, -0.0, 1e21, 1.5e-7, 123456789.25, float("nan"), float("-inf")]
    assert [format_float(number) for number in numbers] == [
        "1", "-0", "1000000000000000000000", "0.00000015", "123456789.25", "NaN", "-Inf",
    ]  # fmt: skip
    assert as_integer(b"18446744073709551617", False) == 1
    assert as_integer(b"9223372036854775808", True) == -(1 << 63)
    assert as_integer(b"1e30", True) == -(1 << 63)


# --- parsed documents -----------------------------------------------------------------------


def test_values_that_are_json_in_disguise() -> None:
    document = {
        "tuple": (1, 2),
        "array": np.array([[1.5, 2.5]]),
        "number": np.int64(7),
        "flag": np.bool_(True),
        "ordered": OrderedDict(a=np.float64(0.5)),
        "rows": [OrderedDict(x=1), {"x": np.int64(5)}, (9,)],
        1: "one",
        None: "none",
    }
    for path, raw in {
        "tuple.1": "2", "tuple.#": "2", "array.0.1": "2.5", "array.#.0": "[1.5]", "number": "7",
        "flag": "true", "ordered.a": "0.5", "1": '"one"', "null": '"none"', "rows.#(x>3).x": "5",
        "rows.#.x": "[1,5]", "tuple": "[1,2]", "n*r": "7", "rows.#(>8)": "",
        "ordered.@keys": '["a"]',
    }.items():  # fmt: skip
        found = gjson.get(document, path)
        assert found.raw == raw
        assert gjson.get(dump(document), path).raw == raw
        assert gjson.get(dump(document), path).type == found.type


def test_documents_are_not_changed() -> None:
    document = json.loads(json.dumps(EVENT))
    for path in ("predictions.@reverse", "predictions.#.tags|@flatten", "@dig:tags", "pred*.#"):
        gjson.get(document, path)
    assert document == EVENT


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        ({"a": object()}, "a.b", "an object in a document is no JSON"),
        ({"a": {1, 2}}, "@this", "cannot be written as JSON|a set in a document is no JSON"),
        (3 + 4j, "a", "a complex in a document is no JSON"),
        ({}, "a" * 8193, "a GJSON path has up to 8,192 bytes; this one has 8,193"),
        ({}, 3, "a GJSON path is text, not an int"),
        ({}, None, "a GJSON path is text, not None"),
        ({}, ["a"], "a GJSON path is text, not a list"),
    ],
)
def test_what_is_refused(document: object, path: Any, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        gjson.get(document, path).raw  # noqa: B018
    with pytest.raises(GraphError, match=message):
        gjson.matches(document, path)


def test_compiled_paths_are_kept_and_travel() -> None:
    compiled = gjson.compile("predictions.#(score<0.6)#.label")
    assert gjson.compile("predictions.#(score<0.6)#.label") is compiled
    assert pickle.loads(pickle.dumps(compiled)) is compiled
    assert compiled.matches(EVENT)
    assert compiled.get(EVENT).value == ["dog", "fox"]
    assert repr(compiled) == "<GJSON path 'predictions.#(score<0.6)#.label'>"


# --- bounds ---------------------------------------------------------------------------------

DEEP = 20_000
BOUNDLESS = {
    "brackets": b"[" * DEEP + b"]" * DEEP,
    "open brackets": b"[" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "both": b'[{"a":' * DEEP + b"1" + b"}]" * DEEP,
    "quotes": b'["' + b'\\"' * DEEP,
    "equal keys": b"{" + b",".join([b'"a":{}'] * DEEP) + b"}",
    "long key": b'{"' + b"a" * DEEP + b'":1}',
    "long text": b'[{"a":"' + b"a" * DEEP + b'"}]',
}
PATHS = {
    "keys": "a." * 4000 + "a",
    "indexes": "0." * 4000 + "0",
    "wildcards": "*." * 4000 + "*",
    "hashes": "#." * 4000 + "#",
    "open queries": "#(" * 4000,
    "nested queries": "#(" * 2000 + "a" + ")" * 2000,
    "nested multipaths": "[" * 2000 + "@this" + "]" * 2000,
    "pipes": "a|" * 4000 + "a",
    "modifiers": "@this|" * 1300 + "a",
    "doubling": "[@this,@this]|" * 500 + "0",
    "quoting": "@tostr|" * 1000 + "a",
    "digging": "@dig:a",
    "digging again": "@dig:" * 1000 + "a",
    "flattening": '@flatten:{"deep":true}',
    "pretty": '@pretty:{"sortKeys":true,"width":1000000}',
    "stars": "*a" * 4000 + "b",
    "stars in a query": '#(a%"' + "*a" * 4000 + 'b")#',
    "queries in queries": "#(a.#(a.#(a>1)))#",
    "a long number": "9" * 8000,
    "open literal": "!" + "[" * 8000,
    "lines": "..0.0.0",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("document", BOUNDLESS.values(), ids=BOUNDLESS)
def test_nothing_made_to_hang_or_to_blow_the_stack_does(document: bytes, path: str) -> None:
    try:
        gjson.get(document, path).str  # noqa: B018
    except GraphError as error:
        assert len(str(error)) < 200


def test_deep_python_objects() -> None:
    document: Any = 1
    for _ in range(20_000):
        document = {"a": document}
    assert gjson.matches(document, "a.a.a")
    assert gjson.matches(document, ".".join("a" * 4000))
    with pytest.raises(GraphError, match="nested too deeply to be written"):
        gjson.get(document, "a.@keys")


def test_bounds_are_told() -> None:
    with pytest.raises(GraphError, match="nested more than 100 deep"):
        gjson.get("[" * 200, "#." * 150 + "#")
    with pytest.raises(GraphError, match="reads more than 16 MiB and 32 times the document"):
        gjson.get("[1]", "[@this,@this]|" * 40 + "0")
    with pytest.raises(GraphError, match="a wildcard of 8000 bytes"):
        gjson.get({"a" * 10_000: 1}, "*a" * 4000)


def test_wildcards_do_not_backtrack() -> None:
    assert not matcher(b"*a" * 30 + b"b")("a" * 10_000)
    assert matcher(b"*a" * 30)("a" * 10_000)


# --- laws -----------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", "", "0", "1", "#", "a.b", "é", "@this", "*"])
TEXTS = st.sampled_from(["", "a", "abc", "1", "true", "F", "[1]", '{"a":1}', "é", 'q"', "\\", "<"])
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
OPERANDS = st.sampled_from(
    ["", "1", "0.5", '"a"', "a", "true", "false", "null", "~true", "~false", "~null", "~*", '"*"',
     '"a*"', "?", "-1", "1e3", "~x", '"\\"', "1e400"]
)  # fmt: skip
OPERATORS = st.sampled_from(["=", "==", "!=", "<", "<=", ">", ">=", "%", "!%", "!"])
MODIFIER = st.sampled_from(sorted(_MODIFIERS)).map("@{}".format)
PARTS = st.deferred(
    lambda: (
        KEYS
        | KEYS.map(lambda key: "".join(f"\\{char}" for char in key))
        | st.sampled_from(["*", "?", "a*", "#", "#", "0", "1", "-1", "..", "!true", "@nope", "\\"])
        | MODIFIER
        | st.builds("@dig:{}".format, PATH_TEXTS)
        | st.builds(
            "#({}{}{}){}".format, PATH_TEXTS, OPERATORS, OPERANDS, st.sampled_from(["", "#"])
        )
        | st.builds("#({})".format, PATH_TEXTS)
        | st.builds("[{},{}]".format, PATH_TEXTS, PATH_TEXTS)
        | st.builds('{{"x":{},{}}}'.format, PATH_TEXTS, PATH_TEXTS)
    )
)
PATH_TEXTS = st.builds(
    lambda parts, separators: "".join(
        part + separator for part, separator in zip(parts, [*separators, ""], strict=False)
    ),
    st.lists(PARTS, min_size=1, max_size=4),
    st.lists(st.sampled_from("..|"), min_size=3, max_size=3),
)


@given(DOCUMENTS.filter(lambda document: not isinstance(document, str)), PATH_TEXTS)
@example({"a": {"b": None}, "c": [1]}, "*.#(x)#")
@example([["[7]"]], "#.#.0")
def test_objects_answer_as_their_text_does(document: Any, path: str) -> None:
    in_objects, in_text = gjson.get(document, path), gjson.get(dump(document), path)
    assert in_objects.raw_bytes == in_text.raw_bytes
    assert in_objects.str_bytes == in_text.str_bytes
    assert (in_objects.exists, in_objects.type) == (in_text.exists, in_text.type)
    assert gjson.matches(document, path) is gjson.matches(dump(document), path) is in_text.exists


@given(
    DOCUMENTS.map(lambda document: json.dumps(document, indent=1).encode()) | st.binary(),
    PATH_TEXTS | st.text('a0.|#()[]{}@!*?\\":~=<>% ,é\ud83d') | st.text(),
)
def test_any_path_on_any_text_gives_an_answer_or_a_clear_error(document: bytes, path: str) -> None:
    for cut in (document, document[: len(document) // 2]):
        try:
            found = gjson.get(cut, path)
            assert gjson.matches(cut, path) is (found.exists and is_valid(cut))
            assert isinstance(found.raw, str)
            assert isinstance(found.str, str)
            assert found.value is None or found.exists
        except GraphError as error:
            assert str(error)


@given(st.text() | DOCUMENTS.map(json.dumps))
def test_validity_is_that_of_the_standard_library(text: str) -> None:
    try:
        json.loads(text, parse_constant=pytest.fail)
        valid = True
    except (ValueError, pytest.fail.Exception):
        valid = False
    assert is_valid(text.encode("utf-8", "surrogatepass")) is valid is read(text).valid


@given(st.text(st.characters(codec="utf-8")))
def test_quoting_is_undone_by_unescaping(text: str) -> None:
    quoted = quote(text.encode())
    assert json.loads(quoted) == text
    assert unescape(quoted[1:-1]).decode() == text
