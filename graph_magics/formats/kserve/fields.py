"""The fields of an InferenceGraph's spec, and of which type KServe has each.

From KServe's Go types, its full CustomResourceDefinition and the documentation of its SDK, as
of 2026. Both readers of a spec use this table: Kubernetes, with its own rules (``admission``),
and the router, with those of Go's ``encoding/json`` (``startup``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Scalar:
    """Text, a whole number, a boolean, or a quantity such as ``500m``."""

    kind: str
    enum: tuple[str, ...] = ()
    pointer: bool = False  # null takes away what is there, rather than leave it


@dataclass(frozen=True)
class Struct:
    """An object with known fields."""

    fields: Mapping[str, Type]
    required: tuple[str, ...] = ()
    pointer: bool = False


@dataclass(frozen=True)
class Many:
    """A list, or a mapping from any text, of one type."""

    of: Type
    by_name: bool = False


Type = Scalar | Struct | Many

TEXT = Scalar("string")
INT32 = Scalar("int32")
TEXTS = Many(TEXT)
TEXT_BY_NAME = Many(TEXT, by_name=True)
QUANTITY_BY_NAME = Many(Scalar("quantity"), by_name=True)


def _whole(kind: str) -> Scalar:
    return Scalar(kind, pointer=True)


STEP = Struct(
    {
        "name": TEXT,
        "nodeName": TEXT,
        "serviceName": TEXT,
        "serviceUrl": TEXT,
        "data": TEXT,
        "mapPredictionsToInstances": Scalar("boolean"),
        "weight": _whole("int64"),
        "condition": TEXT,
        "dependency": Scalar("string", enum=("Soft", "Hard")),
    }
)
NODE = Struct(
    {
        "routerType": Scalar("string", enum=("Sequence", "Splitter", "Ensemble", "Switch")),
        "steps": Many(STEP),
    },
    required=("routerType",),
)

_EXPRESSIONS = Many(
    Struct({"key": TEXT, "operator": TEXT, "values": TEXTS}, required=("key", "operator"))
)
_NODE_TERM = Struct({"matchExpressions": _EXPRESSIONS, "matchFields": _EXPRESSIONS})
_LABELS = Struct({"matchExpressions": _EXPRESSIONS, "matchLabels": TEXT_BY_NAME}, pointer=True)
_POD_TERM = Struct(
    {
        "labelSelector": _LABELS,
        "matchLabelKeys": TEXTS,
        "mismatchLabelKeys": TEXTS,
        "namespaceSelector": _LABELS,
        "namespaces": TEXTS,
        "topologyKey": TEXT,
    },
    required=("topologyKey",),
)
_SOFTLY = "preferredDuringSchedulingIgnoredDuringExecution"
_STRICTLY = "requiredDuringSchedulingIgnoredDuringExecution"


def _weighed(name: str, term: Struct) -> Many:
    return Many(Struct({name: term, "weight": INT32}, required=(name, "weight")))


_POD_AFFINITY = Struct(
    {_SOFTLY: _weighed("podAffinityTerm", _POD_TERM), _STRICTLY: Many(_POD_TERM)}, pointer=True
)
_NODE_AFFINITY = Struct(
    {
        _SOFTLY: _weighed("preference", _NODE_TERM),
        _STRICTLY: Struct(
            {"nodeSelectorTerms": Many(_NODE_TERM)}, required=("nodeSelectorTerms",), pointer=True
        ),
    },
    pointer=True,
)

SPEC = Struct(
    {
        "nodes": Many(NODE, by_name=True),
        "resources": Struct(
            {
                "claims": Many(Struct({"name": TEXT, "request": TEXT}, required=("name",))),
                "limits": QUANTITY_BY_NAME,
                "requests": QUANTITY_BY_NAME,
            }
        ),
        "affinity": Struct(
            {
                "nodeAffinity": _NODE_AFFINITY,
                "podAffinity": _POD_AFFINITY,
                "podAntiAffinity": _POD_AFFINITY,
            },
            pointer=True,
        ),
        "timeout": _whole("int64"),
        "routerTimeouts": Struct(
            {
                "serverRead": _whole("int64"),
                "serverWrite": _whole("int64"),
                "serverIdle": _whole("int64"),
                "serviceClient": _whole("int64"),
            },
            pointer=True,
        ),
        "minReplicas": _whole("int32"),
        "maxReplicas": INT32,
        "scaleTarget": _whole("int32"),
        "scaleMetric": Scalar("string", enum=("cpu", "memory", "concurrency", "rps"), pointer=True),
        "tolerations": Many(
            Struct(
                {
                    "effect": TEXT,
                    "key": TEXT,
                    "operator": TEXT,
                    "tolerationSeconds": _whole("int64"),
                    "value": TEXT,
                }
            )
        ),
        "nodeSelector": TEXT_BY_NAME,
        "nodeName": TEXT,
        "serviceAccountName": TEXT,
    },
    required=("nodes",),
)
