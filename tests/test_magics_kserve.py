"""The magics with KServe manifests: pasted, bound, run on a file, traced and written back."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell

from graph_magics import Graph

from .models import has_words
from .shells import error_of, run_cell

CASCADE = """\
# A cascade: the cheap model first.
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata:
  name: cascade
  labels: {team: text}
spec:
  nodes:
    root:
      routerType: Sequence
      steps:
      - serviceName: sentiment
        name: first
      - nodeName: by_language
        data: $request
        condition: "predictions.#(score<0.6)"
    by_language:
      routerType: Switch
      steps:
      - serviceName: text-en
        condition: 'instances.#(lang=="en")'
  resources: {requests: {cpu: 500m}}
"""
JSON = '{"nodes": {"root": {"routerType": "Sequence", "steps": [{"serviceName": "clf"}]}}}'
LINES = """\
{"instances": [{"score": 0.9, "lang": "en"}]}

{"instances": [{"score": 0.1, "lang": "en"}]}
no JSON
{"instances": [{"score": 0.1, "lang": "fr"}]}
"""


@pytest.fixture
def shell(shell: InteractiveShell) -> InteractiveShell:
    shell.user_ns.update(
        clf=lambda body: {"predictions": [{"score": body["instances"][0]["score"]}]},
        text_en=lambda body: {"predictions": ["english"]},
        url="http://localhost:1/x",
    )
    return shell


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text(LINES, encoding="utf-8")
    return path


def declare(shell: InteractiveShell, line: str = "cascade --bind sentiment=clf") -> Graph:
    graph = shell.run_cell_magic("graph", line, CASCADE)
    assert isinstance(graph, Graph)
    return graph


def test_a_pasted_manifest_is_a_graph_whose_services_are_looked_up_or_bound(shell):
    graph = declare(shell)
    assert repr(graph) == "Graph 'cascade': root[first, by_language[text-en]]"
    assert shell.user_ns["cascade"] is graph
    body = {"instances": [{"score": 0.1, "lang": "en"}]}
    assert graph.test(body=body) == {"predictions": ["english"]}


def test_a_graph_is_called_as_its_cell_says(shell):
    assert declare(shell, "mine --bind sentiment=clf").name == "mine"
    assert yaml.safe_load(shell.user_ns["mine"].to_kserve())["metadata"]["name"] == "cascade"


def test_a_bare_spec_may_be_pasted_too(shell):
    graph = shell.run_cell_magic("graph", "plain", JSON)
    assert graph.test(body={"instances": [{"score": 1}]}) == {"predictions": [{"score": 1}]}


def test_a_file_is_run_and_an_event_is_traced(shell, lines):
    declare(shell)
    shell.run_line_magic("graph_run", f"cascade {lines} --into results")
    results = shell.user_ns["results"]
    assert results.frame["status"].tolist() == [200, 200, 200, 500]
    assert results.frame["response"][1] == {"predictions": ["english"]}
    trace = results.trace(1).set_index("step")
    assert trace["received"]["root.by_language"]["instances"][0]["lang"] == "en"
    assert trace["answered"]["root.first"] == {"predictions": [{"score": 0.1}]}
    assert trace["route"]["root.by_language"] == "text-en"
    assert results.trace(3)["status"].tolist() == [500, 200, 404]


def test_a_graph_is_written_back_as_it_was_read(shell, tmp_path, capsys):
    declare(shell)
    path = tmp_path / "cascade.yaml"
    shell.run_line_magic("graph_export", f"cascade --to kserve {path}")
    assert yaml.safe_load(path.read_text("utf-8")) == yaml.safe_load(CASCADE)
    assert capsys.readouterr().out == ""
    shell.run_line_magic("graph_export", "cascade --to kserve")
    assert capsys.readouterr().out == path.read_text("utf-8")


def test_what_has_no_effect_in_a_manifest_is_told(shell, capsys):
    cell = CASCADE.replace("data: $request", "data: $response.predictions")
    shell.run_cell_magic("graph", "cascade --bind sentiment=clf --bind other=clf", cell)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2
    assert has_words(told[0], ["Note", "node 'root', step 1", "$response.predictions"])
    assert has_words(told[1], ["Note", "nothing in the graph", "'other'"])


def test_a_graph_is_drawn_without_its_services_and_names_them_when_it_runs(shell):
    graph = declare(shell, "cascade")
    assert "not bound" in graph.draw().svg
    said = error_of(shell, "%graph_run cascade [{}]")
    assert has_words(said, ["cascade", "bound", "'sentiment'", "--bind"])


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%graph g --bind sentiment\n" + CASCADE, ["--bind", "SERVICE=VARIABLE"]),
        ("%%graph g --bind sentiment=clff\n" + CASCADE, ["clff", "did you mean 'clf'"]),
        ("%%graph g --bind sentiment=3\n" + CASCADE, ["'sentiment'", "an int", "function"]),
        ("%%graph g --bind a=clf\nStep(clf)", ["--bind", "Python"]),
        ("%%graph g\n" + CASCADE.replace("Sequence", "Sequenz"), ["routerType", "Sequenz"]),
        ("%%graph g\n" + CASCADE.replace("steps:", "steps"), ["line", "column"]),
        ("%%graph g\n" + CASCADE.replace("name: cascade", "name: Cas"), ["name", "lower case"]),
        ("%graph_run cascade nowhere.jsonl", ["nowhere.jsonl", "No such file"]),
        ("%graph_export cascade", ["--to"]),
        ("%graph_export cascade --to mars", ["mars", "kserve"]),
        ("%graph_export cascade --to kserve /nowhere/x.yaml", ["/nowhere/x.yaml", "No such"]),
    ],
)
def test_a_mistake_is_told_in_a_line_and_leaves_the_graph(shell, cell, words):
    graph = declare(shell)
    assert has_words(error_of(shell, cell), words)
    assert shell.user_ns["cascade"] is graph
    assert "g" not in shell.user_ns


def test_a_url_may_be_bound_as_it_is_or_by_a_variable(shell):
    for bound in ("url", "http://localhost:1/x"):
        graph = declare(shell, f"cascade --bind sentiment={bound}")
        assert graph.nodes["root.first"].title == "localhost:1/x"


def test_help_shows_how_to_bind(shell, capsys):
    run_cell(shell, "%%graph --help")
    assert "--bind SERVICE=EXPRESSION" in capsys.readouterr().out
