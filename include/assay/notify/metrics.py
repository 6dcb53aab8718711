"""Metrics to Amazon CloudWatch, which its alarms look at (`docs/aws/alarms.json`); off unless a namespace is configured."""

from __future__ import annotations

import logging
from enum import StrEnum

from assay.settings import Settings

TIMEOUT_S = 5

log = logging.getLogger(__name__)


class Metric(StrEnum):
    """What is counted; the alarms know these names."""

    UPLOAD_FAILURES = "UploadFailures"
    QUARANTINED = "RecordingsQuarantined"
    DIFFERENCES = "Differences"


def put_metric(settings: Settings, metric: Metric, value: int) -> bool:
    """Send one value to the namespace of the settings; whether it was sent.

    Credentials and region come from the environment, as for S3. A metric that cannot be sent is logged and stops nothing.
    """
    if settings.metrics_namespace is None:
        return False
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 3, "mode": "standard"})
    try:
        boto3.client("cloudwatch", region_name=settings.storage_region, config=patience).put_metric_data(
            Namespace=settings.metrics_namespace, MetricData=[{"MetricName": metric.value, "Value": value, "Unit": "Count"}]
        )
    except (BotoCoreError, ClientError) as error:
        log.error("CloudWatch was not told that %s is %d: %s", metric, value, error)
        return False
    return True
