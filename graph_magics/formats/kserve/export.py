"""A graph as the manifest of an InferenceGraph: its own, or one written for its Python parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import GraphError
from ...nodes import Node
from .admission import API_VERSION, KIND, admit
from .manifests import check_bare, dump, is_bare
from .plain import plain
from .terms import graph_name
from .writing import Writer


@dataclass(frozen=True)
class Export:
    """A manifest, and what is to be known of it.

    Parameters
    ----------
    manifest : dict
        Plain data.
    text : str
        The same as YAML; what was written for Python parts begins with the services that it
        needs and the notes, as comments.
    services : mapping of str to str
        The name of each service that must exist beside the manifest, to what it must answer as.
    notes : list of str
        In what the manifest differs from the graph.
    """

    manifest: dict[str, Any]
    text: str
    services: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def export(name: str, root: Node, manifest: Mapping[str, Any] | None = None) -> Export:
    """Write a graph as an InferenceGraph that a cluster takes.

    Parameters
    ----------
    name : str
        The graph's.
    root : Node
        The flow of its steps.
    manifest : mapping, optional
        The document that it was made of. A whole manifest comes back as it is; a bare spec
        becomes a whole one.

    Raises
    ------
    GraphError
        If KServe cannot express a part of it, which is named; or with a cluster's own reason,
        where it would refuse the manifest.

    Examples
    --------
    >>> from graph_magics import Graph, Step
    >>> clean, score = Step(lambda event: event), Step(len)
    >>> written = export("churn", Graph("churn", clean >> score).root)
    >>> print(written.text)
    # Services that must exist beside it:
    #   clean: the lambda of the step 'clean'
    #   score: the function len
    apiVersion: serving.kserve.io/v1alpha1
    kind: InferenceGraph
    metadata:
      name: churn
    spec:
      nodes:
        root:
          routerType: Sequence
          steps:
          - name: clean
            serviceName: clean
            dependency: Hard
          - name: score
            serviceName: score
            data: $response
    <BLANKLINE>
    """
    try:
        if manifest is None:
            return _of_parts(name, root)
        if is_bare(manifest):
            document = _whole(name, check_bare(manifest))
            return Export(document, dump(document), notes=admit(document))
    except GraphError as error:
        raise error.at(graph=name) from None
    document = plain(manifest)
    return Export(document, dump(document))


def _of_parts(name: str, root: Node) -> Export:
    written = Writer(root)
    spec: dict[str, Any] = {"nodes": written.nodes}
    if written.timeout is not None:
        spec["routerTimeouts"] = {"serviceClient": written.timeout}
    document = _whole(name, spec)
    notes = [*written.notes, *admit(document)]
    comments = _comments(written.services, notes)
    return Export(document, comments + dump(document), written.services, notes)


def _whole(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": graph_name(name)},
        "spec": spec,
    }


def _comments(services: Mapping[str, str], notes: list[str]) -> str:
    lines = [f"  {name}: {told}" for name, told in services.items()]
    if lines:
        lines.insert(0, "Services that must exist beside it:")
    lines += [f"Note: {note}" for note in notes]
    return "".join(f"# {_on_one_line(line)}\n" for line in lines)


def _on_one_line(text: str) -> str:
    """Without what would end a comment, or cannot stand in YAML: names may have it."""
    return "".join(char if char.isprintable() else " " for char in text)
