"""`Exports`: a graph taken away, as text for another system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import GraphError
from .flow import Flow
from .mlrun.face import Served


class Exports:
    """The ways out of a graph; a part of `Graph`."""

    name: str
    root: Any
    manifest: Mapping[str, Any] | None
    _served: Served | None
    _root: Flow | None

    def to_kserve(self, path: str | Path | None = None) -> str:
        """Write the graph as a KServe InferenceGraph that a cluster takes.

        A graph of a manifest is written as it was read, fields unknown to KServe included. Of
        a graph of Python parts, each model and function is a service, which the comments at
        the top of the manifest list.

        Parameters
        ----------
        path : str or Path, optional
            A file to write the text to.

        Returns
        -------
        str
            YAML.

        Raises
        ------
        GraphError
            If KServe cannot express a part of it, or a cluster would refuse it: which, and why.

        Examples
        --------
        >>> from graph_magics import Ensemble, Graph
        >>> print(Graph("both", Ensemble(up=abs, down=round)).to_kserve())
        # Services that must exist beside it:
        ...
        apiVersion: serving.kserve.io/v1alpha1
        kind: InferenceGraph
        ...
        """
        from .formats.kserve.export import export

        if self._served is not None:
            raise GraphError(
                "it was declared by MLRun's calls, and to_mlrun() writes it as such",
                graph=self.name,
            )
        try:
            text = export(self.name, self.root, self.manifest).text
        except GraphError as error:
            raise error.at(graph=self.name) from None
        return self._written(text, path)

    def to_mlrun(self, path: str | Path | None = None) -> str:
        """Write the graph as Python that declares the same in MLRun 1.12.

        What was declared by MLRun's calls is written as such calls again. Of Python's parts,
        functions become handlers and models MLRun's model servers. Comments at the top say
        what the code of the function must have, which models must be saved, and in what
        MLRun answers otherwise.

        Parameters
        ----------
        path : str or Path, optional
            A file to write the text to.

        Returns
        -------
        str
            Python.

        Raises
        ------
        GraphError
            If MLRun has no word for a part of it: which, why, and what to write instead.

        Examples
        --------
        >>> from graph_magics import Graph
        >>> graph = Graph("sizes")
        >>> step = graph.to(name="size", handler="(len(event))").respond()
        >>> print(graph.to_mlrun())
        # The graph 'sizes' for MLRun 1.12.
        import mlrun
        <BLANKLINE>
        fn = mlrun.new_function("sizes", kind="serving")
        graph = fn.set_topology("flow", engine="async")
        graph.add_step(name="size", handler="(len(event))").respond()
        <BLANKLINE>
        """
        from .formats.mlrun.export import export

        if self.manifest is not None:
            raise GraphError(
                "it was made of a manifest, which MLRun has no words for; write it with to_kserve, "
                "or declare the graph by MLRun's calls",
                graph=self.name,
            )
        return self._written(export(self.name, self._root, self._served).text, path)

    def _written(self, text: str, path: str | Path | None) -> str:
        if path is not None:
            try:
                Path(path).expanduser().write_text(text, encoding="utf-8")
            except OSError as error:
                raise GraphError(
                    f"{str(path)!r} cannot be written: {error.strerror or error}", graph=self.name
                ) from None
        return text
