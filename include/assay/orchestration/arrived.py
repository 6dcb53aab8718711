"""From a recording that is complete in raw storage to a run of `ingest_recordings`, where the API server itself is told of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.database.uploads import Upload

log = logging.getLogger(__name__)

INGEST_DAG = "ingest_recordings"


def start_ingestion(upload: Upload) -> None:
    """Queue the run that takes the session in, once for each session: its id is in the run's id.

    Raises DagNotFound where Airflow does not know the DAG (yet); its sweep finds the session later.
    """
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import DagRunAlreadyExists
    from airflow.utils.types import DagRunTriggeredByType

    try:
        trigger_dag(
            INGEST_DAG,
            triggered_by=DagRunTriggeredByType.REST_API,
            run_id=f"arrived__{upload.session}",
            conf={"session": upload.session},
            note=f"Recording of {upload.lab}, complete in {upload.prefix}",
        )
    except DagRunAlreadyExists:
        log.info("session %s: its run of %s is there already", upload.session, INGEST_DAG)
