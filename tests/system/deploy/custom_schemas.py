"""JSON schemas of the custom resources in deploy/kubernetes: no more of each than is used there.

Written after the CRDs that KEDA (`keda.sh_scaledobjects.yaml`), its documentation of both triggers, and the Prometheus
operator (`monitoring.coreos.com_podmonitors.yaml`) publish. What is not here is refused: another member has to be
looked up there first.
"""

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}


def closed(required: Schema, **optional: Schema) -> Schema:
    properties = {**required, **optional}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def some(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def resource(api: str, kind: str, spec: Schema) -> Schema:
    metadata = closed({"name": TEXT, "namespace": TEXT}, labels={"type": "object", "additionalProperties": TEXT})
    return closed({"apiVersion": {"const": api}, "kind": {"const": kind}, "metadata": metadata, "spec": spec})


#: What a trigger's metadata has is text, numbers as well.
_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$"}
_NATS: Schema = closed(
    {"natsServerMonitoringEndpoint": TEXT, "account": TEXT, "stream": TEXT, "consumer": TEXT, "lagThreshold": _NUMBER}
)
_PROMETHEUS: Schema = closed({"serverAddress": {**TEXT, "pattern": "^https?://"}, "query": TEXT, "threshold": _NUMBER})
_METRIC: Schema = {"enum": ["AverageValue", "Value"]}


def _trigger(kind: str, metadata: Schema) -> Schema:
    return closed({"type": {"const": kind}, "metadata": metadata, "metricType": _METRIC})


_POLICY = closed({"type": {"enum": ["Pods", "Percent"]}, "value": COUNT, "periodSeconds": COUNT})
_RULES = closed({"policies": some(_POLICY), "stabilizationWindowSeconds": COUNT})
_AUTOSCALER = closed({"behavior": closed({"scaleUp": _RULES, "scaleDown": _RULES})})
_FALLBACK = closed(
    {
        "failureThreshold": COUNT,
        "replicas": COUNT,
        "behavior": {"enum": ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]},
    }
)
SCALED_OBJECT = resource(
    "keda.sh/v1alpha1",
    "ScaledObject",
    closed(
        {
            "scaleTargetRef": closed({"name": TEXT}),
            "triggers": some({"oneOf": [_trigger("nats-jetstream", _NATS), _trigger("prometheus", _PROMETHEUS)]}),
        },
        minReplicaCount=COUNT,
        maxReplicaCount={"type": "integer", "minimum": 1},
        pollingInterval={"type": "integer", "minimum": 1},
        fallback=_FALLBACK,
        advanced=closed({"horizontalPodAutoscalerConfig": _AUTOSCALER}),
    ),
)

_LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
_REQUIREMENT = closed({"key": TEXT, "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}}, values=some(TEXT))
_ENDPOINT = closed(
    {"port": TEXT, "path": TEXT},
    interval={"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
    authorization=closed({"credentials": closed({"name": TEXT, "key": TEXT})}),
    relabelings=some(closed({"targetLabel": TEXT, "replacement": TEXT})),
)
POD_MONITOR = resource(
    "monitoring.coreos.com/v1",
    "PodMonitor",
    closed(
        {
            "selector": closed({}, matchLabels=_LABELS, matchExpressions=some(_REQUIREMENT)),
            "podMetricsEndpoints": some(_ENDPOINT),
        },
        jobLabel=TEXT,
    ),
)
SCHEMAS = {"ScaledObject": SCALED_OBJECT, "PodMonitor": POD_MONITOR}
