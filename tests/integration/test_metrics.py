"""Metrics and their alarms in CloudWatch, over HTTP against the emulator: what is sent is what the alarms look at."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from assay.notify.metrics import Metric, put_metric
from assay.serve.ingest.app import ingest_app
from assay.settings import Settings, project_root
from assay.workspace import Workspace
from made_recordings import Client, make_key
from starlette.testclient import TestClient

pytestmark = pytest.mark.enable_socket

TOPIC = "arn:aws:sns:us-east-1:123456789012:operators"


def summed(metric: str, namespace: str) -> float:
    now = datetime.now(UTC)
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])


def test_a_failure_that_a_lab_machine_reports_reaches_the_metric_of_its_alarm(aws: str, workspace: Workspace) -> None:
    settings = workspace.settings.model_copy(update={"metrics_namespace": "Assay-test"})
    with TestClient(ingest_app(settings, lambda: contextlib.nullcontext(workspace))) as http:
        client = Client(http, make_key(workspace.engine)).login()
        for _ in range(2):
            answer = client.ask("POST", "/v1/failures", {"folder": "20240229_161221", "message": "cannot be read"})
            assert answer.status_code == 200
    assert summed("UploadFailures", "Assay-test") == 2


def test_nothing_is_sent_unless_it_is_configured_and_an_unreachable_cloudwatch_stops_nothing(
    aws: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert put_metric(settings, Metric.DIFFERENCES, 1) is False
    configured = settings.model_copy(update={"metrics_namespace": "Assay-off"})
    assert put_metric(configured, Metric.DIFFERENCES, 3) is True
    assert summed("Differences", "Assay-off") == 3
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert put_metric(configured, Metric.DIFFERENCES, 1) is False


def resolved(value: Any, parameters: dict[str, Any]) -> Any:
    """A property of the template with its references to parameters filled in."""
    if isinstance(value, list):
        return [resolved(each, parameters) for each in value]
    return parameters[value["Ref"]] if isinstance(value, dict) else value


def test_the_template_has_an_alarm_for_every_metric_and_cloudwatch_takes_each(aws: str) -> None:
    # The emulator's CloudFormation knows no alarms; its CloudWatch does, and a template's properties are named as the API's.
    template = json.loads((project_root() / "docs" / "aws" / "alarms.json").read_text())
    parameters = {name: about.get("Default") for name, about in template["Parameters"].items()}
    parameters |= {"Topic": TOPIC, "Namespace": "Mine"}
    cloudwatch = boto3.client("cloudwatch")
    for name, resource in template["Resources"].items():
        assert resource["Type"] == "AWS::CloudWatch::Alarm"
        cloudwatch.put_metric_alarm(
            AlarmName=name, **{key: resolved(one, parameters) for key, one in resource["Properties"].items()}
        )
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    assert {alarm["MetricName"] for alarm in alarms} == {metric.value for metric in Metric}
    for alarm in alarms:
        assert (alarm["Namespace"], alarm["AlarmActions"], alarm["ComparisonOperator"]) == (
            "Mine",
            [TOPIC],
            "GreaterThanThreshold",
        )
