"""Manifests are read as kubectl reads them, within limits, and come back as they were."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.errors import GraphError
from graph_magics.formats.kserve.manifests import MAX_SIZE, dump, is_bare, read
from graph_magics.formats.kserve.plain import MAX_DEPTH
from graph_magics.formats.kserve.yamltext import MAX_ALIASED

GRAPH = """\
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata:
  name: churn
  annotations: {note: "on", "012": 'yes'}
spec:
  resources: {requests: {cpu: 500m, memory: 1Gi}}
  nodes:
    root:
      routerType: Splitter
      steps:
      - {serviceName: iris, name: first, weight: 20}
      - serviceUrl: http://other/v1/models/m:predict?x=1
        weight: 80
        condition: predictions.#(score<0.6)
        future: {field: [1, 2.5, null, true]}
"""


def one_line_error(manifest: Any) -> str:
    with pytest.raises(GraphError) as caught:
        read(manifest)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


def values(text: str) -> Any:
    """What stands under `v` in a whole manifest."""
    return read(f"kind: InferenceGraph\nv: {text}\n")["v"]


# --- where a manifest comes from


def test_text_bytes_paths_and_dicts_give_the_same(tmp_path: Path) -> None:
    document = read(GRAPH)
    path = tmp_path / "graph.yaml"
    path.write_text(GRAPH)
    as_json = tmp_path / "graph.json"
    as_json.write_text(json.dumps(document))
    other_name = tmp_path / "graph"
    other_name.write_text(GRAPH)
    manifests: list[Any] = [
        GRAPH.encode(), "\ufeff" + GRAPH, GRAPH.encode("utf-16"), GRAPH.replace("\n", "\r\n"),
        path, str(path), as_json, str(as_json), other_name, json.dumps(document), document,
    ]  # fmt: skip
    assert [read(manifest) for manifest in manifests] == [document] * len(manifests)


def test_a_dict_is_copied_and_made_plain() -> None:
    given_dict = {"a": ({"w": np.int64(3)}, np.float64(0.5)), "d": datetime.date(2026, 8, 1)}
    before = copy.deepcopy(given_dict)
    document = read(given_dict)
    assert document == {"a": [{"w": 3}, 0.5], "d": "2026-08-01"}
    assert [type(v) for v in (document["a"][0]["w"], document["a"][1])] == [int, float]
    document["a"][0]["w"] = 4
    assert given_dict == before


CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("no/such/graph.yaml", "'no/such/graph.yaml' cannot be read: No such file"),
        (Path("no/such"), "'no/such' cannot be read: No such file"),
        (Path("/"), "'/' cannot be read"),
        (3, "not an int"),
        ("", "the manifest is empty"),
        ("# only a comment\n---\n", "the manifest is empty"),
        ("just words", "this is 'just words'"),
        ("[1, 2]", "this is a list"),
        ({"a": {1: 2}}, "the keys of a must be text, and 1 is an int"),
        ({"a": [{1, 2}]}, "a[0] is a set"),
        ({"a": float("nan")}, "a is nan"),
        (CIRCLE, f"nests deeper than {MAX_DEPTH} levels"),
        (b"a: \xff", "line 1: the manifest is no UTF-8"),
    ],
)
def test_what_is_no_manifest_is_one_clear_line(manifest: Any, said: str) -> None:
    assert said in one_line_error(manifest)


def test_null_is_the_empty_spec_that_it_is_to_the_router() -> None:
    assert read(" null\n") == {}


# --- one among several documents

SERVICE = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n"


def test_the_one_graph_among_other_documents_is_taken() -> None:
    assert read(f"---\n{SERVICE}---\n{GRAPH}---\n") == read(GRAPH)


def test_a_list_as_kubectl_writes_it_is_looked_into() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [read(GRAPH)]}
    assert read(json.dumps(listed)) == read(GRAPH)
    assert read(yaml.safe_dump(listed)) == read(GRAPH)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (GRAPH + "---\n" + GRAPH.replace("churn", "other"), "and 2 are: 'churn', 'other'"),
        (f"{SERVICE}---\n{SERVICE}", "and none is"),
    ],
)
def test_none_or_two_graphs_are_refused(manifest: str, said: str) -> None:
    assert said in one_line_error(manifest)


# --- limits


def test_a_large_manifest_is_refused(tmp_path: Path) -> None:
    large = GRAPH + "# " + "x" * 10_000_000
    path = tmp_path / "large.yaml"
    path.write_text(large)
    for manifest in (large, large.encode(), path, json.dumps({"x": large})):
        assert "larger than 1.5 MiB" in one_line_error(manifest)
    assert read(GRAPH + "# " + "x" * (MAX_SIZE - len(GRAPH) - 2)) == read(GRAPH)


def test_an_alias_bomb_is_refused() -> None:
    layers = "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
    )
    said = one_line_error("kind: InferenceGraph\na: &a [lol, lol]\n" + layers)
    assert said.startswith("line ")
    assert f"aliases stand for more than {MAX_ALIASED:,} values" in said


@pytest.mark.parametrize(
    "text",
    ["a: &a {b: *a}", "a: &a [*a]", "a: *b", "&a [*a]: 1"],
)
def test_aliases_of_what_is_not_there_or_not_finished_are_refused(text: str) -> None:
    assert "no &" in one_line_error(text) or "a key must be text" in one_line_error(text)


def test_modest_anchors_work_and_share_nothing() -> None:
    document = read(
        "kind: InferenceGraph\n"
        "base: &base {serviceName: iris, more: [1]}\n"
        "steps:\n- *base\n- {<<: *base, serviceName: other}\n- <<: [{a: 1}, {a: 2, b: 3}]\n"
    )
    assert document["steps"] == [
        {"serviceName": "iris", "more": [1]},
        {"serviceName": "other", "more": [1]},
        {"a": 1, "b": 3},
    ]
    document["steps"][0]["more"].append(2)
    assert document["base"]["more"] == [1]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", '{"a":', "? "])
@pytest.mark.parametrize("count", [MAX_DEPTH + 1, 700, 100_000])
def test_deep_nesting_is_one_clear_error(opening: str, count: int) -> None:
    text = opening * count
    assert one_line_error(text)
    assert one_line_error(f"kind: InferenceGraph\na:\n - {text}")
    closed = '{"kind":"x","a":' + "[" * count + "]" * count + "}"
    assert "nests deeper" in one_line_error(closed)


def test_a_manifest_may_nest_as_deep_as_said() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    for text in (
        f"{{kind: InferenceGraph, a: {deep}}}",
        f'{{"kind": "InferenceGraph", "a": {deep}}}',
        f'{{"nodes": {deep}}}',
    ):
        assert read(text)
        assert "nests deeper" in one_line_error(text.replace("[]", "[[]]"))


def test_a_manifest_of_the_largest_size_is_read() -> None:
    step = "      - {serviceName: iris, weight: 1}\n"
    text = GRAPH + step * ((MAX_SIZE - len(GRAPH)) // len(step))
    assert len(read(text)["spec"]["nodes"]["root"]["steps"]) > 40_000


# --- broken text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: InferenceGraph\na: b: c\n", "line 2, column 5: "),
        ("kind: InferenceGraph\n\tx: 1\n", "line 2, column 1: "),
        ("kind: [InferenceGraph\n", "line 2, column 1: "),
        ("kind: 'x\n", "line "),
        ("kind: InferenceGraph\nkey\x01: 1\n", "line 2, column 4: "),
        ('{"nodes": {}} x', "line 1, column "),
        ("kind: x\nspec:\n  nodes: 1\n  nodes: 2\n",
         "line 4, column 3: the key 'nodes' was given already in line 3"),
        ("kind: x\nyes: 1\non: 2\n",
         "line 3, column 1: the key 'true' was given already in line 2"),
        ('{"kind": "x",\n"a": 1,\n"a": 2}', "line 3, column 1: the key 'a' was given already"),
        ("kind: x\na: !!python/object/apply:os.system [echo]\n",
         "line 2, column 4: the tag !!python/object/apply:os.system has no place in a manifest"),
        ("kind: x\na: !!python/name:os.system x\n", "line 2, column 4: the tag !!python/name"),
        ("kind: x\na: !mine {b: 1}\n", "line 2, column 4: the tag !mine has no place"),
        ("kind: x\na: !!int abc\n", "line 2, column 4: 'abc' is no !!int"),
        ("kind: x\na: !!binary '***a'\n", "line 2, column 4: this is no base64"),
        ("kind: x\n[1]: 2\n", "line 2, column 1: a key must be text"),
        ("kind: x\n~: 2\n", "line 2, column 1: a key must be text"),
        ("kind: x\na: .inf\n", "line 2, column 4: .inf is a number that JSON"),
        ("kind: x\na: {<<: 3}\n", "line 2, column 9: << takes a mapping"),
    ],
)  # fmt: skip
def test_broken_text_is_one_line_with_line_and_column(text: str, said: str) -> None:
    assert said in one_line_error(text)


# --- what kubectl's YAML means (its Go library was asked: sigs.k8s.io/yaml 1.3, yaml.v2 2.4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", True), ("Yes", True), ("y", True), ("off", False), ("N", False), ("true", True),
        ("~", None), ("Null", None), ("", None),
        ("012", 10), ("08", 8), ("0o17", 15), ("0x1F", 31), ("-0b11", -3), ("1_000", 1000),
        ("100", 100), ("100.0", 100), ("1e3", 1000), ("+.5", 0.5), ("5.", 5), ("1e-7", 1e-7),
        ("9223372036854775807", 2**63 - 1), ("18446744073709551615", 2**64 - 1),
        ("123456789012345678901", 123456789012345680000), ("1e21", 1e21), ("1e400", "1e400"),
        ("1:30", "1:30"), ("1:30:00", "1:30:00"), ("2026-08-01", "2026-08-01"),
        ("2026-08-01T10:00:00Z", "2026-08-01T10:00:00Z"), ("1.2.3", "1.2.3"), ("0x", "0x"),
        ("'on'", "on"), ('"012"', "012"), ("!!str 1e3", "1e3"), ("! 12", "12"),
        ("!!int '12'", 12), ("!!float 3", 3), ("!!binary aGk=", "hi"), ("=", "="),
        ("$response", "$response"),
        ("predictions.#(a==\"b\")", 'predictions.#(a=="b")'),
        ('"\\u00e9"', "é"), ("|\n  a\n   b\n", "a\n b\n"), (">-\n  a\n  b\n", "a b"),
    ],
)  # fmt: skip
def test_a_value_means_what_it_means_to_kubectl(text: str, value: Any) -> None:
    found = values(text)
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert values("{on: 1, 12: 2, 0x10: 3, 2026-08-01: 4, 1.5: 5, n: 6}") == {
        "true": 1, "12": 2, "16": 3, "2026-08-01": 4, "1.5": 5, "false": 6,
    }  # fmt: skip


# --- bare specs

BARE = '{"nodes":{"root":{"routerType":"Sequence","steps":[{"serviceUrl":"http://a"}]}}}'


def test_a_bare_spec_has_neither_api_version_nor_kind() -> None:
    assert is_bare(read(BARE))
    assert not is_bare(read(GRAPH))
    assert not is_bare({"apiVersion": "serving.kserve.io/v1alpha1"})


@pytest.mark.parametrize(
    "text",
    [
        "nodes: {}",
        "{nodes: {}}",
        BARE.replace('"', "'"),
        "\ufeff" + BARE,
        "# x\n" + BARE,
        BARE[:-1] + ",}",
    ],
)
def test_a_bare_spec_that_the_router_could_not_read_is_refused(text: str) -> None:
    assert "must be JSON" in one_line_error(text)


def test_json_is_read_as_go_reads_it() -> None:
    assert read('{"a": 100.0, "b": 1e2, "c": 9007199254740993, "d": "\\ud83d", "a": 2}') == {
        "a": 2, "b": 100.0, "c": 9007199254740993, "d": "\ufffd",
    }  # fmt: skip
    assert type(read('{"a": 100.0}')["a"]) is float
    assert "no manifest" in one_line_error({"a": float("inf")})
    assert one_line_error('{"nodes": NaN}')


# --- back to text


def test_what_was_read_is_written_back_unchanged() -> None:
    document = read(GRAPH)
    assert read(dump(document)) == document
    assert [*read(dump(document))["spec"]] == ["resources", "nodes"]  # in the order given
    assert dump(document).startswith("apiVersion: serving.kserve.io/v1alpha1\nkind: Inf")


def test_special_texts_are_quoted_and_lines_kept_readable() -> None:
    texts = [
        "yes",
        "y",
        "012",
        "1e3",
        "0o17",
        "1:30",
        "2026-08-01",
        "~",
        "",
        " x",
        "x ",
        "a: b",
        "#",
    ]
    texts += [
        "- a",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "{a",
        "null",
        "é😀",
        "a\tb",
        "\x85",
        "\u2028",
    ]
    texts += [
        "a\nb",
        "a\nb\n",
        "\na",
        "a\n\n",
        " a\n b",
        "a\n\tb",
        "a \nb",
        "\n",
        "---\na",
        "a\r\nb",
    ]
    document = {"kind": "InferenceGraph", "texts": texts, "keys": dict.fromkeys(texts, 1)}
    written = dump(document)
    assert read(written) == document
    assert "- |-\n  a\n  b\n" in written
    # Other readers of YAML 1.1 see the same texts.
    assert yaml.safe_load(written) == document


def test_writing_shares_no_anchors_and_changes_nothing() -> None:
    shared = {"a": [1]}
    document = {"x": shared, "y": shared}
    written = dump(document)
    assert "&" not in written
    assert "*" not in written
    assert document == {"x": shared, "y": shared}


texts = st.text() | st.text(
    "yn0123456789.:-+_eEoxObB~ \n\t#'\"&*!|>%@`é\r\x85\u2028\ud800", max_size=8
)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(texts, plain_json, max_size=4))
def test_reading_what_was_written_gives_the_same(value: dict[str, Any]) -> None:
    first = read(dump({**value, "kind": "InferenceGraph"}))
    again = read(dump(first))
    assert again == first
    assert json.dumps(again) == json.dumps(first)  # types and order too
    assert read(json.dumps(first)) == first


@given(st.text() | st.text("{}[]:,-&*!|>'\"\n #?ab1", max_size=20))
def test_any_text_is_a_manifest_or_one_clear_line(text: str) -> None:
    try:
        assert isinstance(read(text), dict)
    except GraphError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_manifest_or_one_clear_line(raw: bytes) -> None:
    try:
        assert isinstance(read(raw), dict)
    except GraphError as error:
        assert "\n" not in str(error)
