"""The picture of a graph: everything is in it, as it is called, and where it belongs."""

from __future__ import annotations

import shutil
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_magics import (
    Graph,
    GraphError,
    ParallelRun,
    Route,
    Sequence,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
    mlrun,
)
from graph_magics.drawing.looks import element_id, human_seconds, width_of
from graph_magics.drawing.picture import Drawing

SVG = "{http://www.w3.org/2000/svg}"


def groups(drawing: Drawing) -> dict[str, ElementTree.Element]:
    """Give the parts of a drawing by their id."""
    root = ElementTree.fromstring(drawing.svg)
    return {group.get("id", ""): group for group in root.iter(f"{SVG}g")}


def texts(group: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in group.findall(f"{SVG}text") + group.findall(f".//{SVG}a")]


def height(group: ElementTree.Element) -> float:
    text = group.find(f"{SVG}text")
    assert text is not None
    return float(text.get("y", "nan"))


def identity(event):
    return event


def fails_on_odd(event):
    if event["x"] % 2:
        raise ValueError("odd")
    return event


@pytest.fixture
def graph() -> Graph:
    split = Splitter(old=identity, new=identity, weights={"old": 80, "new": 20})
    switch = Switch(few=Sequence(fails_on_odd, identity), many=split, conditions={"few": "x < 10"})
    both = ParallelRun(one=identity, two=identity)
    return Graph("g", Step(identity, name="first") >> switch >> both)


def test_every_node_is_drawn_with_its_name_and_what_it_is_made_of(graph):
    drawn = groups(graph.draw())
    for path, node in graph.nodes.items():
        name = path.rpartition(".")[2]
        lines = texts(drawn[element_id("node", *path.split("."))])
        assert lines[0] == name
        if node.children:
            assert node.kind in lines[1]


def test_weights_and_conditions_stand_on_the_edges_to_their_routes(graph):
    drawn = groups(graph.draw())
    assert texts(drawn["route:switch:few"]) == ["x < 10"]
    assert texts(drawn["route:switch:many"]) == ["otherwise"]
    assert texts(drawn["route:switch.many:old"]) == ["80 %"]


def test_routes_stand_from_top_to_bottom_as_declared():
    vote = VotingEnsemble(c=identity, a=identity, b=identity)
    drawn = groups(Graph("g", vote).draw())
    heights = [height(drawn[f"node:vote.{name}"]) for name in "cab"]
    assert heights == sorted(heights)


def test_branches_stand_from_top_to_bottom_as_declared():
    first, z, y = (Step(identity, name=name) for name in ("first", "z", "y"))
    drawn = groups(Graph("g", first >> [z, y]).draw())
    assert height(drawn["node:z"]) < height(drawn["node:y"])


def test_vote_weights_are_drawn_where_they_differ():
    equal = Graph("g", VotingEnsemble(a=identity, b=identity, name="v"))
    other = Graph(
        "g", VotingEnsemble(a=Route(identity, weight=3), b=Route(identity, weight=1), name="v")
    )
    assert texts(groups(equal.draw())["route:v:a"]) == []
    assert texts(groups(other.draw())["route:v:a"]) == ["0.75"]


def test_a_run_draws_events_errors_and_time(graph):
    run = graph.run([{"x": number} for number in range(30)], seed=1)
    drawn = groups(run.draw())
    assert texts(drawn["node:first"])[-1].startswith("30 events · ")
    few = texts(drawn["node:switch.few.fails_on_odd"])
    assert few[-2].startswith("10 events · ") and few[-1] == "5 errors"
    assert texts(drawn["route:switch:few"]) == ["x < 10", "10 · 33.3 %"]
    routes = run.frame["split.route" if "split.route" in run.frame else "many.route"]
    chosen = routes.value_counts()
    share = f"{100 * chosen['old'] / chosen.sum():.3g} %"
    assert texts(drawn["route:switch.many:old"]) == ["80 %", f"{chosen['old']} · {share}"]
    assert texts(drawn["route:both:one"]) == ["25"]


def test_the_share_of_a_route_is_of_what_came_to_its_router():
    split = Splitter(a=identity, b=identity, weights={"a": 50, "b": 50})
    conditions = {"few": lambda event: event < 100}
    few = Switch(few=split, other=identity, conditions=conditions)
    run = Graph("g", few).run(list(range(1_000)))
    drawn, number = groups(run.draw()), int(run.frame["few.few.route"].eq("a").sum())
    assert texts(drawn["route:few.few:a"]) == ["50 %", f"{number} · {number:.3g} %"]


def width(group: ElementTree.Element) -> float:
    line = group.find(f"{SVG}path")
    assert line is not None
    return float(line.get("stroke-width", "1"))


def test_edges_are_as_thick_as_their_share_of_the_traffic():
    split = Splitter(a=identity, b=identity, c=identity, weights={"a": 90, "b": 10, "c": 0})
    graph = Graph("g", split)
    run = graph.run(list(range(1_000)), seed=2)
    share = (run.frame["split.route"] == "a").mean()
    drawn = groups(run.draw())
    assert width(drawn["route:split:a"]) == pytest.approx(width_of(share), abs=0.01)
    assert width(drawn["route:split:b"]) == pytest.approx(width_of(1 - share), abs=0.01)
    assert "unused" in drawn["route:split:c"].get("class", "")
    assert texts(drawn["route:split:c"]) == ["0 %"]


def test_without_a_run_edges_are_as_thick_as_the_weights_say():
    split = Splitter(a=identity, b=identity, weights={"a": 75, "b": 25})
    drawn = groups(Graph("g", split).draw())
    assert width(drawn["route:split:a"]) == pytest.approx(width_of(0.75), abs=0.01)
    vote = VotingEnsemble(a=lambda e: 1, b=lambda e: 1, weights={"a": 3, "b": 1}, name="v")
    drawn = groups(Graph("g", vote).draw())
    thick, thin = (width(drawn[f"route:v:{name}"]) for name in "ab")
    assert thick == pytest.approx(width_of(0.75, is_chosen=False), abs=0.01) and thick > thin


def test_after_a_choice_each_edge_tells_its_own_traffic():
    class Picks(mlrun.Choice):
        def select_outlets(self, event):
            return ["left"] if event["x"] < 3 else ["left", "right"]

    graph = Graph("g", engine="async")
    last = graph.to(Picks, name="pick")
    last.to(name="left", handler="(event)")
    last.to(name="right", handler="(event)")
    graph.add_step(name="end", handler="(event)", after=["left", "right"]).respond()
    run = graph.run([{"x": number} for number in range(10)])
    edges = run._traffic().edges
    assert edges["pick", "left"].events == 10 and edges["pick", "right"].events == 7
    assert edges["left", "end"].events == 10 and edges["right", "end"].events == 7


@settings(max_examples=40)
@given(st.lists(st.text(st.characters(exclude_characters="."), min_size=1), min_size=2, max_size=4,
                unique=True))  # fmt: skip
def test_every_node_and_every_route_has_an_id_of_its_own(written):
    named = [name for name in written if name not in ("response", "status", "error")]
    if len(named) < 2:
        return
    routes = {name: Step(identity, name=name) for name in named}
    split = Splitter(*[Route(node, weight=1) for node in routes.values()], name="split")
    svg = ElementTree.fromstring(Graph("g", Step(identity, name="first") >> split).draw().svg)
    ids = [element.get("id") for element in svg.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {element_id("route", "split", name) for name in named} <= set(ids)
    assert {element_id("node", "split", name) for name in named} <= set(ids)


def test_what_no_event_reached_says_so(graph):
    drawn = groups(graph.run([{"x": 0}]).draw())
    assert texts(drawn["node:switch.many.old"])[-1] == "no events"
    assert "unused" in drawn["node:switch.many.old"].get("class", "")


names = st.text(min_size=1, max_size=12).filter(lambda name: name.strip() and "." not in name)


@settings(max_examples=60)
@given(names)
def test_any_name_is_drawn_as_written(name):
    shown = "".join(" " if c.isspace() else c if c.isprintable() else "\ufffd" for c in name)
    if name in ("response", "status", "error"):
        return
    graph = Graph("g", Step(identity, name=name), namespace={})
    # Of several spaces all but the first are hard ones, which a browser does not swallow.
    found = [line for group in groups(graph.draw()).values() for line in texts(group)]
    assert shown.strip() in [line.replace("\u00a0", " ") for line in found]


@pytest.mark.parametrize("name", ["<b>", 'a"b', "a:b", "a\\nb", "\\N", "🎉", "&amp;", "<b>x</b>"])
def test_names_that_mean_something_to_graphviz_or_html_mean_nothing(name):
    drawn = groups(Graph(name, Sequence(Step(identity, name=name), name="box")).draw())
    assert texts(drawn[element_id("node", "box", name)])[0] == name


def test_a_long_name_is_shortened_and_stands_whole_in_the_tooltip():
    name = "x" * 200
    group = groups(Graph("g", Step(identity, name=name)).draw())[element_id("node", name)]
    assert texts(group)[0] == "x" * 39 + "…"
    title = group.find(f"{SVG}title")
    assert title is not None and title.text == name


def test_the_same_graph_is_the_same_picture_to_the_byte(graph):
    assert graph.draw().svg == graph.draw().svg


def test_svg_is_written_without_the_dot_program(graph, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    drawing = graph.draw(tmp_path / "g.svg")
    assert (tmp_path / "g.svg").read_text() == drawing.svg


@pytest.mark.parametrize("asked", [{"path": "g.png"}, {"path": "g.svg", "renderer": "dot"}])
def test_a_missing_dot_program_is_told_with_what_to_do(graph, tmp_path, monkeypatch, asked):
    monkeypatch.setenv("PATH", "")
    path = tmp_path / asked.pop("path")
    with pytest.raises(GraphError, match=r"dot program.*missing.*install Graphviz"):
        graph.draw(path, **asked)
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [("g.gif", r"'\.svg', '\.png', '\.pdf'"), ("no/g.svg", "no such folder"), ("g", "must end")],
)
def test_a_file_that_cannot_be_drawn_is_told(graph, tmp_path, name, words):
    with pytest.raises(GraphError, match=words):
        graph.draw(tmp_path / name)


def test_an_unknown_renderer_is_told(graph):
    with pytest.raises(GraphError, match='"wasm" or "dot"'):
        graph.draw(renderer="svg")


@pytest.mark.needs_dot
def test_the_dot_program_draws_png_pdf_and_svg(graph, tmp_path):
    graph.draw(tmp_path / "g.png")
    graph.draw(tmp_path / "g.pdf")
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "g.pdf").read_bytes().startswith(b"%PDF")
    assert shutil.which("dot")
    assert set(groups(graph.draw(renderer="dot"))) == set(groups(graph.draw()))


def test_durations_are_written_as_people_say_them():
    written = [human_seconds(s) for s in (3.4e-7, 1.2e-6, 9.996e-4, 0.0153, 2.1, 95, 7200)]
    assert written == ["340 ns", "1.2 µs", "1.0 ms", "15 ms", "2.1 s", "1.6 min", "2.0 h"]
