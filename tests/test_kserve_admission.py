"""What a cluster would refuse is refused, for the cluster's own reason."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from graph_magics.errors import GraphError
from graph_magics.formats.kserve.manifests import admit, dump, read, stored_spec


def manifest(nodes: Any, name: Any = "churn", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": name},
        "spec": {"nodes": nodes, **spec},
    }


def node(*steps: Any, kind: str = "Sequence") -> dict[str, Any]:
    return {"root": {"routerType": kind, "steps": [*steps]}}


IRIS = {"serviceName": "iris"}


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(GraphError) as caught:
        admit(document)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- KServe's webhook: the scenarios of its own tests, and what surrounds them


@pytest.mark.parametrize(
    "name", ["Abc-123", "4abc-3", "-abc-3", "abc-3-", "abc.123", "abc 123", ""]
)
def test_a_name_that_no_graph_may_have_is_refused(name: str) -> None:
    said = refusal(manifest(node(IRIS), name=name))
    assert f'The InferenceGraph "{name}" is invalid: a InferenceGraph name must consist of' in said
    assert "[a-z]([-a-z0-9]*[a-z0-9])?" in said


@pytest.mark.parametrize("name", ["foo-bar", "a", "a1", "a--b", "x" * 80])
def test_other_names_are_admitted(name: str) -> None:
    assert admit(manifest(node(IRIS), name=name)) == []


def test_a_name_may_be_left_to_kubernetes() -> None:
    document = manifest(node(IRIS))
    document["metadata"] = {"generateName": "churn-"}
    assert admit(document) == []


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ({}, "root node not found, InferenceGraph needs a node with name 'root' as the root node"),
        ({"Root": node(IRIS)["root"]}, "root node not found"),
        (
            node({**IRIS, "name": "step1"}, {"serviceName": "b", "name": "step1"}),
            'Node "root" of InferenceGraph "churn" contains more than one step with name "step1"',
        ),
        (
            node({"name": "x", "weight": 100}, kind="Splitter"),
            'Step 0 ("x") in node "root" of InferenceGraph "churn" does not specify an inference '
            "target",
        ),
        (
            node(IRIS, {"serviceName": "a", "nodeName": "b"}),
            'Step 1 ("") in node "root" of InferenceGraph "churn" specifies more than one of '
            "nodeName, serviceName, serviceUrl",
        ),
        (node({"serviceUrl": "http://a", **IRIS}), "specifies more than one of"),
        (node({"serviceName": ""}), "does not specify an inference target"),
        (
            node({**IRIS, "weight": 50}, {"serviceName": "test"}, kind="Splitter"),
            "InferenceGraph[churn] Node[root] Route[test] missing the 'Weight'",
        ),
        (node({**IRIS, "weight": None}, kind="Splitter"), "Route[iris] missing the 'Weight'"),
        (
            node({**IRIS, "weight": 80}, {"serviceUrl": "http://b", "weight": 30}, kind="Splitter"),
            "InferenceGraph[churn] Node[root] splitter node: the sum of traffic weights for all "
            "routing targets should be 100",
        ),
        (node(kind="Splitter"), "the sum of traffic weights for all routing targets should be 100"),
    ],
)
def test_what_the_webhook_refuses_is_refused_with_its_reason(nodes: Any, said: str) -> None:
    assert said in refusal(manifest(nodes))


def test_the_webhooks_rules_come_in_its_order() -> None:
    broken = node({"name": "a"}, {"name": "a"}, kind="Splitter")
    assert "is invalid: a InferenceGraph name" in refusal(manifest({"x": broken["root"]}, name="A"))
    assert "root node not found" in refusal(manifest({"x": broken["root"]}))
    assert "more than one step with name" in refusal(manifest(broken))
    broken["root"]["steps"][1]["name"] = "b"
    assert "does not specify" in refusal(manifest(broken))


@pytest.mark.parametrize(
    "nodes",
    [
        node({**IRIS, "weight": 80}, {"serviceName": "b", "weight": 20}, kind="Splitter"),
        node({**IRIS, "weight": 150}, {"serviceName": "b", "weight": -50}, kind="Splitter"),
        node(IRIS, IRIS),  # steps without a name may be alike
        node({**IRIS, "name": ""}, {**IRIS, "name": ""}),
        node({**IRIS, "weight": 3}),  # only a Splitter looks at weights
        node(kind="Ensemble"),
        node(kind="Switch"),
    ],
)
def test_what_the_webhook_admits_is_admitted(nodes: Any) -> None:
    assert admit(manifest(nodes)) == []


# --- Kubernetes: KServe's CustomResourceDefinition


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (manifest(None), "spec.nodes: Required value"),
        (
            manifest([]),
            'spec.nodes: Invalid value: "array": spec.nodes in body must be of type object',
        ),
        (manifest({"root": {}}), "spec.nodes.root.routerType: Required value"),
        (
            manifest({"root": {"routertype": "Switch"}}),
            "spec.nodes.root.routerType: Required value; did you mean 'routertype'?",
        ),
        (
            manifest(node(kind="Sequenze")),
            'spec.nodes.root.routerType: Unsupported value: "Sequenze": '
            'supported values: "Sequence", "Splitter", "Ensemble", "Switch"',
        ),
        (
            manifest(node({**IRIS, "dependency": "hard"})),
            'steps[0].dependency: Unsupported value: "hard"',
        ),
        (
            manifest(node({**IRIS, "weight": "80"})),
            'spec.nodes.root.steps[0].weight: Invalid value: "string": '
            'spec.nodes.root.steps[0].weight in body must be of type integer: "string"',
        ),
        (manifest(node({**IRIS, "weight": 99.5})), "must be of type integer"),
        (manifest(node({**IRIS, "weight": 2**63})), "out of range"),
        (manifest(node({"serviceName": True})), 'must be of type string: "boolean"'),
        (manifest(node({**IRIS, "mapPredictionsToInstances": "true"})), "must be of type boolean"),
        (manifest(node(None)), 'must be of type object: "null"'),
        (manifest(node(IRIS), routerTimeouts={"serviceClient": 0.5}), "must be of type integer"),
        (
            manifest(node(IRIS), scaleMetric="rpm"),
            'supported values: "cpu", "memory", "concurrency", "rps"',
        ),
        (manifest(node(IRIS), maxReplicas=2**31), "out of range"),
        (manifest(node(IRIS), resources={"limits": {"cpu": "lots"}}), "it is no quantity"),
        (
            manifest(node(IRIS), resources={"limits": {"cpu": 0.5}}),
            "must be of type integer,string",
        ),
        (
            manifest(
                node(IRIS),
                affinity={
                    "podAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["a"]}]
                    }
                },
            ),
            "requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value",
        ),
        (manifest(node({"serviceName": 1}, {"weight": "x"})), "(and 1 more problem)"),
        ({**manifest({}), "spec": None}, "root node not found"),
        ({**manifest({}), "kind": "InferenceService"}, "of kind 'InferenceService'"),
        (
            {**manifest({}), "apiVersion": "serving.kserve.io/v1beta1"},
            'no matches for kind "InferenceGraph" in version "serving.kserve.io/v1beta1"',
        ),
        ({"kind": "InferenceGraph"}, "the manifest has no apiVersion"),
        (manifest(node(IRIS), name=True), "metadata.name must be text, not true"),
        (
            {**manifest(node(IRIS)), "metadata": {"name": "a", "annotations": {"inject": False}}},
            "metadata.annotations: the value of 'inject' must be text: put false in quotes",
        ),
    ],
)
def test_what_kubernetes_refuses_is_refused_with_its_reason(
    document: dict[str, Any], said: str
) -> None:
    assert said in refusal(document)


def test_whole_floats_are_whole_numbers_and_null_fields_are_absent() -> None:
    step = {**IRIS, "weight": 100.0, "data": None, "name": None}
    document = manifest(node(step, kind="Splitter"), affinity=None, timeout=None)
    assert admit(document) == []
    stored = stored_spec(document)
    assert stored == {"nodes": node({**IRIS, "weight": 100}, kind="Splitter")}
    assert type(stored["nodes"]["root"]["steps"][0]["weight"]) is int


# --- what is admitted, but not as hoped


def test_unknown_fields_are_kept_and_told() -> None:
    document = manifest(node({**IRIS, "retry": {"maxRetries": 3}, "wieght": 5}), foo=[1])
    told = admit(document)
    assert told[0].startswith('unknown field "spec.nodes.root.steps[0].retry": kubectl refuses it')
    assert told[1].startswith(
        "unknown field \"spec.nodes.root.steps[0].wieght\"; did you mean 'weight'?"
    )
    assert told[2].startswith('unknown field "spec.foo"')
    assert stored_spec(document)["nodes"]["root"]["steps"][0]["retry"] == {"maxRetries": 3}
    assert read(dump(document)) == document


def test_steps_that_lead_nowhere_are_told() -> None:
    assert admit(manifest(node({"nodeName": "ghost"}))) == [
        "node 'root', step 0: there is no node 'ghost'; KServe's router answers 500 here"
    ]


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (node(), "node 'root': it has no steps; KServe's router crashes on each request"),
        (node({"nodeName": "root"}), "the nodes root -> root call each other without a way out"),
    ],
)
def test_an_admitted_graph_that_kills_the_router_is_refused_by_us(nodes: Any, said: str) -> None:
    assert said in refusal(manifest(nodes))


def test_the_manifest_given_is_not_changed() -> None:
    document = manifest(node({**IRIS, "weight": 100.0, "x": [1]}, kind="Splitter"), status=None)
    before = copy.deepcopy(document)
    admit(document)
    stored_spec(document)["nodes"]["root"]["steps"][0]["x"].append(2)
    assert document == before


def test_a_manifest_with_all_that_kserve_knows_is_admitted_without_a_word() -> None:
    document = read(
        """
        apiVersion: serving.kserve.io/v1alpha1
        kind: InferenceGraph
        metadata:
          name: all
          labels: {team: a}
          annotations: {serving.kserve.io/deploymentMode: RawDeployment}
        spec:
          resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {cpu: 1, memory: 1.5Gi}}
          affinity:
            nodeAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms:
                - matchExpressions: [{key: zone, operator: In, values: [a]}]
            podAntiAffinity:
              preferredDuringSchedulingIgnoredDuringExecution:
              - weight: 100
                podAffinityTerm:
                  topologyKey: host
                  labelSelector: {matchLabels: {app: x}}
          timeout: 60
          routerTimeouts: {serverRead: 1, serverWrite: 2, serverIdle: 3, serviceClient: 4}
          minReplicas: 0
          maxReplicas: 3
          scaleTarget: 10
          scaleMetric: rps
          tolerations: [{key: a, operator: Exists, effect: NoSchedule, tolerationSeconds: 3}]
          nodeSelector: {disk: ssd}
          nodeName: n1
          serviceAccountName: sa
          nodes:
            root:
              routerType: Sequence
              steps:
              - {serviceName: a, name: first, data: $request, dependency: Hard}
              - {nodeName: split, data: $response, mapPredictionsToInstances: true, condition: x}
            split:
              routerType: Splitter
              steps: [{serviceUrl: http://b, weight: 60}, {serviceName: c, weight: 40}]
        status: {url: http://x}
        """
    )
    assert admit(document) == []
    assert read(dump(document)) == document
