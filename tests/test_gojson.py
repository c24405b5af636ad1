"""Go's JSON: what the router recorded, what Go's own library said, and what must hold for all."""

from __future__ import annotations

import base64
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.gojson import (
    GoJSONError,
    decode_object,
    encode,
    valid,
    valid_at_any_depth,
)
from graph_magics.goscan import scan

FOLDER = Path(__file__).parent / "conformance" / "kserve"


def recorded(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / name).read_text())


ROUTER = recorded("router_cases.json")
GJSON = recorded("gjson_cases.json")


def one_by_one(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


# --- what the router recorded


def answer_of(service: dict[str, Any], request: bytes) -> tuple[int, bytes] | None:
    """What a mock service answers, if that is the same every time."""
    match service["kind"]:
        case "static":
            body = json.dumps(service["body"], separators=(",", ":"), ensure_ascii=False)
            return service["status"], body.encode()
        case "nonjson":
            return service["status"], service["text"].encode()
        case "echo":
            return 200, request
        case "slow":
            return answer_of(service["then"], request)
    return None


def answers_of(case: dict[str, Any]) -> list[tuple[int, bytes]] | None:
    """What the steps of an Ensemble at the root are answered, or None if it is no such case."""
    if case["category"] in ("startup", "timeout"):
        return None
    root = case["graph"].get("nodes", {}).get("root", {})
    if root.get("routerType") != "Ensemble":
        return None
    request = case["request"].get("body_raw", "").encode()
    found = []
    for step in root["steps"]:
        service = case["services"].get(step.get("serviceUrl", "").removeprefix("http://svc/"))
        answer = service and answer_of(service, request)
        if not answer:
            return None
        found.append(answer)
    return found


ENSEMBLES = [case for case in ROUTER if answers_of(case) is not None]


@one_by_one(ENSEMBLES)
def test_an_ensemble_of_plain_services_is_decoded_and_encoded_as_recorded(
    case: dict[str, Any],
) -> None:
    steps = case["graph"]["nodes"]["root"]["steps"]
    answers = answers_of(case)
    assert answers is not None
    merged: dict[str, Any] = {}
    possible = []  # several where the router's own answer depends on which step is faster
    for i, (step, (status, body)) in enumerate(zip(steps, answers, strict=True)):
        try:
            merged[step.get("name") or str(i)] = decode_object(body)
        except GoJSONError as error:
            cause = encode(str(error))
            possible.append(b'{"error":"Failed to process request","cause":' + cause + b"}")
        else:
            if step.get("dependency") == "Hard" and not 200 <= status < 300:
                possible.append(encode(decode_object(body)))
    assert case["expected"]["body_raw"].encode() in (possible or [encode(merged)])


def test_the_recorded_ensembles_are_not_just_a_few() -> None:
    assert len(ENSEMBLES) >= 50


ERRORS = [
    case
    for case in ROUTER
    if isinstance(body := case["expected"].get("body"), dict) and list(body) == ["error", "cause"]
]


@one_by_one(ERRORS)
def test_the_texts_of_error_bodies_are_escaped_as_recorded(case: dict[str, Any]) -> None:
    body = case["expected"]["body"]
    written = b'{"error":' + encode(body["error"]) + b',"cause":' + encode(body["cause"]) + b"}"
    assert written.decode() == case["expected"]["body_raw"]


@one_by_one([case for case in ROUTER if isinstance(case["expected"].get("body_raw"), str)])
def test_the_router_calls_json_what_is_valid(case: dict[str, Any]) -> None:
    expected = case["expected"]
    assert valid(expected["body_raw"].encode()) == expected["is_json"]
    if expected["content_type"] == "application/json":
        assert expected["is_json"]


@pytest.mark.parametrize("decide", [valid, valid_at_any_depth])
def test_validity_is_decided_as_gjson_recorded_it(decide: Any) -> None:
    wrong = [
        raw
        for case in GJSON
        if decide(raw := base64.b64decode(b) if (b := case.get("json_b64")) else as_bytes(case))
        != case["valid"]
    ]
    assert not wrong


def as_bytes(case: dict[str, Any]) -> bytes:
    return case["json"].encode()


# --- what Go's own library said (1.19.8, and for \b and \f the source of newer ones)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "unexpected end of JSON input"),
        (b'{"a":1', "unexpected end of JSON input"),
        (b"tru", "invalid character ' ' in literal true (expecting 'e')"),
        (b"trux", "invalid character 'x' in literal true (expecting 'e')"),
        (b"nope", "invalid character 'o' in literal null (expecting 'u')"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
        (b'{"a":Infinity}', "invalid character 'I' looking for beginning of value"),
        (b'{"a":-Infinity}', "invalid character 'I' in numeric literal"),
        (b"{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"{} x", "invalid character 'x' after top-level value"),
        (b'{"a":01}', "invalid character '1' after object key:value pair"),
        (b'{"a":1.}', "invalid character '}' after decimal point in numeric literal"),
        (b'{"a":1e+}', "invalid character '}' in exponent of numeric literal"),
        (b'{"a":"\n"}', "invalid character '\\n' in string literal"),
        (b'{"a":"\x00"}', "invalid character '\\x00' in string literal"),
        (b'{"a":"\\x"}', "invalid character 'x' in string escape code"),
        (b'{"a":"\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"),
        (b"\xef\xbb\xbf{}", "invalid character 'ï' looking for beginning of value"),
        (b"\xa0{}", "invalid character '\\u00a0' looking for beginning of value"),
        (b"\xad", "invalid character '\\u00ad' looking for beginning of value"),
        (b"\x7f", "invalid character '\\x7f' looking for beginning of value"),
        (b"\\", "invalid character '\\\\' looking for beginning of value"),
        (b"\x0b{}", "invalid character '\\v' looking for beginning of value"),
        (b"3", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (b"1e400", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (b"[1e400]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b'"x"', "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (b"true", "json: cannot unmarshal bool into Go value of type map[string]interface {}"),
        (
            b'{"a":[1e400,2e400]}',
            "json: cannot unmarshal number 1e400 into Go value of type float64",
        ),
        (b'{"a":1e400,}', "invalid character '}' looking for beginning of object key string"),
    ],
)
def test_a_document_go_refuses_is_refused_in_gos_words(raw: bytes, message: str) -> None:
    with pytest.raises(GoJSONError) as caught:
        decode_object(raw)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (b"null", b"null"),
        (b' {"b":1,"a":2,"b":3} \n', b'{"a":2,"b":3}'),
        (b'{"a":-0,"b":-0.0,"c":-1e-400}', b'{"a":-0,"b":-0,"c":-0}'),
        (
            b'{"a":1e-6,"b":1e-7,"c":1e20,"d":1e21}',
            b'{"a":0.000001,"b":1e-7,"c":100000000000000000000,"d":1e+21}',
        ),
        (
            b'{"a":1e-05,"b":123456e-10,"c":1.5e16}',
            b'{"a":0.00001,"b":0.0000123456,"c":15000000000000000}',
        ),
        (
            b'{"a":9007199254740993,"b":1.7976931348623157e308}',
            b'{"a":9007199254740992,"b":1.7976931348623157e+308}',
        ),
        (
            b'{"1.0":"1e-05, 12345678901234567","a":[1.0]}',
            b'{"1.0":"1e-05, 12345678901234567","a":[1]}',
        ),
        (b'{"a":"\xff\xe2\x82x"}', '{"a":"\ufffd\ufffd\ufffdx"}'.encode()),
        (b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}', ('{"a":"' + "\ufffd" * 6 + '"}').encode()),
        (b'{"a":"\\ud83d\\ude00\\\\ud83d\\ud83d"}', '{"a":"😀\\\\ud83d\ufffd"}'.encode()),
        (b'{"\\ud800":1,"\\udfff":2}', '{"\ufffd":2}'.encode()),
        (b'{"a":"\\b\\f\\n\\u0001\\u007f/\\u2028"}', b'{"a":"\\b\\f\\n\\u0001\x7f/\\u2028"}'),
        (b'{"<":"&","\\u00e9":1,"z":2}', b'{"\\u003c":"\\u0026","z":2,"\xc3\xa9":1}'),
        ('{"￮":1,"😀":2}'.encode(), '{"￮":1,"😀":2}'.encode()),  # by bytes, not by UTF-16
    ],
)
def test_a_document_is_written_again_as_go_writes_it(raw: bytes, written: bytes) -> None:
    assert encode(decode_object(raw)) == written


# --- limits


@pytest.mark.parametrize("size", [400, 501, 999, 9_999, 10_000])
def test_documents_nest_as_deep_as_go_lets_them(size: int) -> None:
    raw = b'{"a":' + b"[" * (size - 1) + b"]" * (size - 1) + b"}"
    assert encode(decode_object(raw)) == raw
    assert valid(raw)


@pytest.mark.parametrize("raw", [b'{"a":' + b"[" * 10_000, b"[" * 100_000, b'{"a":' * 100_000])
def test_deeper_ones_are_gos_own_error_not_ours(raw: bytes) -> None:
    with pytest.raises(GoJSONError, match=r"^invalid character '[\[{]' exceeded max depth$"):
        decode_object(raw)
    assert not valid(raw)


def test_they_are_so_however_deep_python_may_recurse() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        with pytest.raises(GoJSONError, match="exceeded max depth"):
            decode_object(b"[" * 1_000_000)
        assert valid_at_any_depth(b"[" * 1_000_000 + b"]" * 1_000_000)
    finally:
        sys.setrecursionlimit(limit)


def test_numbers_are_float64s_and_ints_only_where_that_is_the_same() -> None:
    found = decode_object(b'{"a":[9007199254740992,9007199254740993,-9007199254740993,1,1.0,-0]}')
    assert found is not None
    assert [repr(number) for number in found["a"]] == [
        "9007199254740992", "9007199254740992.0", "-9007199254740992.0", "1", "1.0", "-0.0",
    ]  # fmt: skip


def test_brackets_in_strings_do_not_nest() -> None:
    assert decode_object(b'{"a":"' + b"[" * 20_000 + b'"}') == {"a": "[" * 20_000}


def test_gjson_knows_no_limit() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert valid_at_any_depth(deep)
    assert not valid_at_any_depth(deep + b"]")


def test_a_number_of_many_digits_is_read_and_refused_as_by_go() -> None:
    digits = b"9" * 10_000
    with pytest.raises(GoJSONError, match=r"^json: cannot unmarshal number 9{10000} into Go"):
        decode_object(b'{"a":' + digits + b"}")
    assert valid(digits)
    assert decode_object(b'{"a":0.' + digits + b"}") == {"a": 1.0}


# --- what else may be given to encode


def test_values_from_python_are_written_as_the_float64s_go_would_have_read() -> None:
    value = {"big": 12345678901234567890, "t": (1, 2.0), "deep": [], "none": None, "yes": True}
    written = b'{"big":12345678901234567000,"deep":[],"none":null,"t":[1,2],"yes":true}'
    assert encode(value) == written
    assert encode(1.0) == b"1"
    assert encode(10**400 // 10**379) == b"1e+21"
    assert encode("<") == b'"\\u003c"'


def test_half_a_surrogate_pair_from_python_is_replaced_and_a_whole_one_joined() -> None:
    assert encode(["\ud83d\ude00", "\ud83dx", "\ude00"]) == '["😀","\ufffdx","\ufffd"]'.encode()


CIRCLE: list[Any] = []
CIRCLE.append({"again": CIRCLE})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "json: unsupported value: NaN"),
        ({"a": [-math.inf]}, "json: unsupported value: -Inf"),
        (CIRCLE, "json: unsupported value: encountered a cycle in list"),
        ({"a": {1, 2}}, "json: unsupported type: set"),
        ({("a",): 1}, "json: unsupported type: tuple as a key"),
        ([10**400], f"json: cannot unmarshal number {10**400} into Go value of type float64"),
    ],
)
def test_what_is_no_json_is_one_clear_error(value: Any, message: str) -> None:
    with pytest.raises(GoJSONError) as caught:
        encode(value)
    assert str(caught.value) == message


def test_a_value_met_twice_is_no_circle() -> None:
    twice = [math.pi]
    nested: Any = [twice, twice]
    for _ in range(2_000):  # too deep for the standard library
        nested = [nested]
    assert encode(nested).count(b"3.141592653589793") == 2


# --- what must hold for all documents

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
wholes = st.integers(-(2**53), 2**53)
floats = st.floats(allow_nan=False, allow_infinity=False)


def nested(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> Any:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=8,
    )


plain = st.dictionaries(
    texts, nested(st.none() | st.booleans() | wholes | texts, texts), max_size=4
)
any_text = st.text(max_size=8)
wild = st.dictionaries(
    any_text, nested(st.booleans() | st.integers() | floats | any_text, any_text), max_size=4
)
documents = wild.map(lambda value: json.dumps(value).encode()) | plain.map(
    lambda value: json.dumps(value, ensure_ascii=False, indent=1).encode()
)


@given(documents)
def test_what_was_written_once_stays_as_it_is(raw: bytes) -> None:
    written = encode(decode_object(raw))
    assert encode(decode_object(written)) == written


@given(plain)
def test_for_plain_data_go_and_python_agree(value: dict[str, Any]) -> None:
    raw = json.dumps(value).encode()
    assert decode_object(raw) == value
    assert json.loads(encode(value)) == value
    assert list(json.loads(encode(value))) == sorted(value, key=str.encode)


@given(floats)
def test_floats_come_back_as_they_were_in_gos_format(value: float) -> None:
    written = encode([value]).decode()[1:-1]
    assert float(written) == value
    assert ("e" in written) == (value != 0 and not 1e-6 <= abs(value) < 1e21)
    assert "e-0" not in written
    assert not written.endswith(".0")


@given(st.binary() | documents.flatmap(lambda raw: st.sampled_from([raw[:-1], raw + b"}", raw])))
def test_the_quick_way_and_the_exact_way_are_one(raw: bytes) -> None:
    try:
        value, too_large = scan(raw)
    except GoJSONError as error:
        assert not valid(raw)
        with pytest.raises(GoJSONError) as caught:
            decode_object(raw)
        assert str(caught.value) == str(error)
    else:
        assert valid(raw)
        if too_large is None and (value is None or isinstance(value, dict)):
            assert encode(decode_object(raw)) == encode(value)
