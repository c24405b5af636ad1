"""``%%graph``, ``%graph_run``, ...: parse a line, call one method, display what it gives."""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from collections.abc import Callable, Mapping, Sized
from types import ModuleType
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Bool, TraitError, observe

from .comparable import Comparable
from .engine.paths import is_path
from .errors import GraphError, a, listed, near, one_line
from .formats import is_manifest
from .graph import Graph
from .mlrun.models.files import SETTINGS
from .run import Run, RunInterrupted

if TYPE_CHECKING:
    from .streaming import StreamedRun


@magics_class
class GraphMagics(Magics):
    """The magics of graph-magics."""

    shell: InteractiveShell

    allow_pickle = Bool(
        False,
        help="Whether models may be loaded from pickle and joblib files, which can run any code.",
    ).tag(config=True)

    @observe("allow_pickle")
    def _allow_pickle(self, change: Any) -> None:
        SETTINGS.allow_pickle = change["new"]

    @magic_arguments()
    @argument("name", nargs="?", help="the graph; without one, all graphs are listed")
    @argument(
        "--bind",
        metavar="SERVICE=EXPRESSION",
        action="append",
        default=[],
        help="what answers for a service of a KServe manifest: a function, a model, a graph or "
        "a URL; may be repeated. Otherwise a variable of the service's name, if there is one",
    )
    @line_cell_magic
    def graph(self, line: str, cell: str | None = None) -> Graph | None:
        """Declare a graph in a cell, and draw it; or, as %graph, draw it again.

        The body is Python, or a KServe InferenceGraph as YAML or JSON. Notebook variables
        are in reach; what it assigns stays in the graph. Example:

            %%graph churn
            clean = Step(drop_ids)
            vote = VotingEnsemble(forest, logistic, vote_type="classification")
            clean >> vote
        """
        arguments = _parsed(self.graph, line)
        if arguments is None:
            return None
        if cell is None:
            if arguments.name is None:
                print(self._listing())
                return None
            return self._named(arguments.name, Graph)
        name = arguments.name
        self._check_name(name)
        if is_manifest(cell):
            services = dict(map(self._bound, arguments.bind))
            graph = Graph.from_kserve(cell, services, name=name, namespace=self.shell.user_ns)
        elif arguments.bind:
            raise GraphError("--bind names the services of a KServe manifest, and this is Python")
        else:
            graph = Graph.from_cell(name, cell, self.shell.user_ns, first_line=2)
        for warning in graph.warnings:
            print(f"Note: {warning}")
        held = self.shell.user_ns.get(name)
        if isinstance(held, Graph):
            held.is_replaced = True  # For panels that turn its weights.
        self.shell.push({name: graph})
        return graph

    def _bound(self, text: str) -> tuple[str, Any]:
        """Split ``service=expression`` and look the expression up."""
        service, equals, expression = text.partition("=")
        if not (service and equals and expression):
            raise GraphError(f"--bind wants SERVICE=VARIABLE, got {text!r}")
        if re.match(r"https?://", expression):
            return service, expression
        return service, self._value(expression)

    @magic_arguments()
    @argument("graph", help="the graph")
    @argument(
        "events",
        help="a DataFrame, an array, a list of JSON bodies, an iterator of such; or files, as "
        "data/2026-*.parquet: .jsonl, .csv, .parquet, a folder or a URL",
    )
    @argument(
        "--into",
        metavar="NAME|PATH",
        help="the variable that is to hold the run; or where to write what comes out, chunk by "
        "chunk: a folder (out/), or a file that ends in .parquet, .jsonl or .csv",
    )
    @argument("--seed", type=int, default=0, help="of the draws of Splitters; 0 if absent")
    @argument(
        "--on-error",
        choices=("keep", "raise"),
        default="keep",
        help="whether a failing event keeps its error in its row (the default) or stops the run",
    )
    @argument("--chunk-size", type=int, help="how many events to hand on at once")
    @argument("--columns", metavar="A,B", help="the columns that are kept; all if absent")
    @argument("--resume", action="store_true", help="go on with an output that was broken off")
    @argument("--overwrite", action="store_true", help="replace an output that is there")
    @argument(
        "--engine",
        choices=("local", "dask"),
        default="local",
        help="where it runs: here (the default), or by Dask's scheduler or current client",
    )
    @argument(
        "--executor",
        choices=("thread", "process"),
        help="run as many chunks at the same time as there are cores: on threads or in processes",
    )
    @line_magic
    def graph_run(self, line: str) -> Run | StreamedRun | None:
        """Run a batch of events through a graph.

        Example: %graph_run churn X_test --into results
        Example: %graph_run churn data/2026-*.parquet --into out/ --seed 7
        """
        arguments = _parsed(self.graph_run, line)
        if arguments is None:
            return None
        graph = self._named(arguments.graph, Graph)
        name = path = None
        if arguments.into is not None and ("/" in arguments.into or is_path(arguments.into)):
            path = arguments.into
        else:
            name = arguments.into
        self._check_into(name)
        try:
            run = graph.run(
                self._value(arguments.events),
                seed=arguments.seed,
                on_error=arguments.on_error,
                chunk_size=arguments.chunk_size,
                engine=arguments.engine,
                executor=arguments.executor,
                into=path,
                columns=arguments.columns.split(",") if arguments.columns else None,
                resume=arguments.resume,
                overwrite=arguments.overwrite,
            )
        except RunInterrupted as stop:
            self._assign(name, stop.run)
            raise
        self._assign(name, run)
        return run

    @magic_arguments()
    @argument("run", help="what %%graph_run put its run into")
    @argument("y", help="the target: a label or number for each event")
    @argument("--against", metavar="MODEL", help="the model that all others are held against")
    @argument(
        "--by",
        metavar="COLUMN",
        help="compare within groups: a variable or an expression with a group for each event, or "
        "else a column of the events or of the run's frame",
    )
    @argument("--metric", help="what differences are told of: accuracy or mae if absent")
    @argument("--class-weight", metavar="WEIGHTS", help="balanced, or a dict of label to weight")
    @argument("--sample-weight", metavar="WEIGHTS", help="how much each event counts")
    @argument("--task", choices=("classification", "regression"), help="what the models do")
    @argument("--seed", type=int, default=0, help="of the resamples of the intervals; 0 if absent")
    @argument("--into", metavar="NAME", help="the variable that is to hold the comparison")
    @line_magic
    def graph_compare(self, line: str) -> Any:
        """Hold the answers of every model and every router against the true ones.

        Example: %graph_compare results y_test
        Example: %graph_compare results y_test --against forest --by region --into c
        """
        arguments = _parsed(self.graph_compare, line)
        if arguments is None:
            return None
        self._check_into(arguments.into)
        run = self._named(arguments.run, Comparable, "run")
        comparison = run.compare(
            self._value(arguments.y),
            arguments.against,
            self._groups(arguments.by),
            task=arguments.task,
            metric=arguments.metric,
            sample_weight=self._given(arguments.sample_weight),
            class_weight=self._given(arguments.class_weight, "balanced"),
            seed=arguments.seed,
        )
        self._assign(arguments.into, comparison)
        return comparison

    @magic_arguments()
    @argument("graph", help="the graph")
    @argument("path", nargs="?", help="the file to write; without one, the text is printed")
    @argument("--to", metavar="{kserve,mlrun}", required=True, help="the system it is for")
    @line_magic
    def graph_export(self, line: str) -> None:
        """Write a graph for a cluster: as a KServe InferenceGraph, or as Python for MLRun.

        Example: %graph_export churn --to kserve churn.yaml
        """
        arguments = _parsed(self.graph_export, line)
        if arguments is None:
            return
        graph = self._named(arguments.graph, Graph)
        writers = {"kserve": graph.to_kserve, "mlrun": graph.to_mlrun}
        if arguments.to not in writers:
            raise GraphError(
                f"--to {arguments.to}: no such system{near(arguments.to, writers)}; "
                f"there are {listed(writers)}"
            )
        text = writers[arguments.to](arguments.path)
        if arguments.path is None:
            print(text, end="")

    @magic_arguments()
    @argument("router", help="a graph, or a router in it: churn.vote")
    @argument("--run", help="what %%graph_run put its run into: tells what would change")
    @argument("--labels", metavar="Y", help="the run's target, for the metric and the search")
    @argument("--metric", help="as in a comparison's summary; accuracy or mae if absent")
    @argument("--into", metavar="NAME", help="the variable that is to hold the panel")
    @line_magic
    def graph_weights(self, line: str) -> Any:
        """Turn the weights of a VotingEnsemble or a Splitter by hand.

        Example: %graph_weights churn.vote --run results --labels y_test
        """
        arguments = _parsed(self.graph_weights, line)
        if arguments is None:
            return None
        self._check_into(arguments.into)
        name, _, router = arguments.router.partition(".")
        panel = self._named(name, Graph).weights_panel(
            router or None,
            run=self._named(arguments.run, Run) if arguments.run else None,
            y=self._value(arguments.labels) if arguments.labels else None,
            metric=arguments.metric,
        )
        self._assign(arguments.into, panel)
        return panel

    def _listing(self) -> str:
        graphs = {
            name: value
            for name, value in self.shell.user_ns.items()
            if isinstance(value, Graph) and not name.startswith("_")
        }
        if not graphs:
            return "No graph yet: declare one in a %%graph cell."
        return "\n".join(f"{name}: {graph!r}" for name, graph in graphs.items())

    def _check_name(self, name: str | None) -> None:
        if name is None:
            raise GraphError("the graph has no name; write %%graph NAME")
        if not name.isidentifier():
            raise GraphError(f"{name!r} cannot be a variable; name the graph in letters, digits, _")
        held = self.shell.user_ns.get(name)
        if held is not None and not isinstance(held, Graph):
            raise GraphError(
                f"the notebook has a variable {name!r} already, {a(held)}; name the graph otherwise"
            )

    def _named(self, name: str, kind: type[Any], told: str = "") -> Any:
        """A variable of the notebook that must be of a kind."""
        told = told or kind.__name__.lower()
        held = self.shell.user_ns.get(name)
        if isinstance(held, kind):
            return held
        if held is not None:
            raise GraphError(f"{name!r} is no {told} but {a(held)}")
        names = [key for key, value in self.shell.user_ns.items() if isinstance(value, kind)]
        known = f" There is {listed(names)}." if names else ""
        raise GraphError(f"no {told} is called {name!r}{near(name, names) or '.'}{known}")

    def _value(self, expression: str) -> Any:
        """The value of an expression over the notebook's variables; a file's path is itself."""
        if is_path(expression):
            return expression
        try:
            return self.shell.ev(expression)
        except NameError as error:
            hint = near(error.name or "", self.shell.user_ns)
            raise GraphError(f"{one_line(error)}{hint}") from None
        except Exception as error:
            raise GraphError(f"{expression!r}: {one_line(error)}") from error

    def _groups(self, text: str | None) -> Any:
        """The groups that a word names: what it is in the notebook, if that has many values."""
        if text is None:
            return None
        try:
            value = self.shell.ev(text)
        except Exception:  # Such as that of a column with a space in its name.
            return text
        if isinstance(value, str):
            return value
        return value if isinstance(value, Sized) and not isinstance(value, Mapping) else text

    def _given(self, text: str | None, *words: str) -> Any:
        """The value of an expression; None if there is none, a known word as it is."""
        return text if text is None or text in words else self._value(text)

    def _check_into(self, name: str | None) -> None:
        """Refuse a name that cannot be a variable, or is one that nobody wants to lose."""
        if name is None:
            return
        if not name.isidentifier():
            raise GraphError(f"--into {name!r}: this cannot be a variable")
        held = self.shell.user_ns.get(name)
        if isinstance(held, (Graph, ModuleType)) or callable(held) or hasattr(held, "predict"):
            raise GraphError(
                f"--into {name!r}: the notebook has a variable of that name already, {a(held)}; "
                "take another name"
            )

    def _assign(self, name: str | None, value: Any) -> None:
        if name is None:
            return
        self.shell.push({name: value})


def _parsed(magic: Callable[..., Any], line: str) -> Namespace | None:
    """The arguments of a line; None if it asked for help, which is then printed."""
    parser = magic.parser  # type: ignore[attr-defined]
    try:
        words = _words(line)
        if "--help" in words or "-h" in words:
            print(parser.format_help().removeprefix("::\n").strip())
            return None
        return parser.parse_intermixed_args(words)
    except (UsageError, ValueError) as error:
        # Not as a UsageError: nbval takes that for success in its lax mode.
        raise GraphError(f"%{magic.__name__}: {error}; see %{magic.__name__} --help") from None


def _words(line: str) -> list[str]:
    """Split a line at its spaces; an expression with spaces stands in quotes.

    Quotes inside a word stay: they are Python's, as in ``y.map({0: "no"})``.
    """
    lexer = shlex.shlex(line, posix=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    return [
        word[1:-1] if len(word) > 1 and word[0] in "'\"" and word[-1] == word[0] else word
        for word in lexer
    ]


def _help_without_body(lines: list[str]) -> list[str]:
    """Let ``%%graph --help`` stand alone: IPython refuses a cell magic without a body."""
    text = "".join(lines).strip()
    if text.startswith("%%graph ") and "\n" not in text and text.split()[-1] in ("--help", "-h"):
        return [text[1:] + "\n"]
    return lines


def load(ipython: InteractiveShell) -> None:
    """Register the magics; again is the same as once."""
    unload(ipython)
    try:
        ipython.register_magics(GraphMagics)
    except TraitError:  # A wrong value that %config was given once stays in the shell's.
        ipython.config.pop(GraphMagics.__name__, None)
        unload(ipython)
        ipython.register_magics(GraphMagics)
    ipython.input_transformers_cleanup.append(_help_without_body)


def unload(ipython: InteractiveShell) -> None:
    """Take back all that `load` registered."""
    manager = ipython.magics_manager
    for kind, names in GraphMagics.magics.items():
        for name in names:
            manager.magics[kind].pop(name, None)
    magics = manager.registry.pop(GraphMagics.__name__, None)
    if magics is not None:
        SETTINGS.allow_pickle = False
    known = ipython.configurables  # Where %config finds it.
    known[:] = [each for each in known if not isinstance(each, GraphMagics)]
    cleanups = ipython.input_transformers_cleanup
    cleanups[:] = [each for each in cleanups if each is not _help_without_body]
