"""What starts `ingest_recordings`: a clock, and where there is one the queue that the bucket tells of new manifests."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable

from assay.settings import Settings

SECONDS_BETWEEN_LOOKS = 2
"""The trigger's own default is 60 s, which would be the time from a manifest to a run."""


def arrivals(cron: str) -> Any:
    """A schedule: the cron expression alone, or beside it an asset whose watcher looks at `ASSAY_RECORDING_QUEUE`."""
    settings = Settings()
    queue = settings.recording_queue
    if queue is None:
        return cron
    # Imported here: without a queue, no DAG file needs the messaging provider.
    from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger

    trigger = MessageQueueTrigger(
        scheme="sqs", sqs_queue=queue, waiter_delay=SECONDS_BETWEEN_LOOKS, region_name=settings.storage_region
    )
    asset = Asset("recordings", group="assay", watchers=[AssetWatcher(name="manifests", trigger=trigger)])
    return AssetOrTimeSchedule(timetable=CronTriggerTimetable(cron, timezone="UTC"), assets=[asset])
