"""From a task to a step: open the workspace, run, and turn what Assay refuses into a failure that says what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from airflow.sdk.exceptions import AirflowFailException

from assay.errors import (
    AssayError,
    AwsUnavailable,
    DatabaseUnavailable,
    NotificationFailed,
    PricesUnavailable,
    ProcessorDied,
    StorageError,
)
from assay.workspace import Workspace, open_workspace

PASSING = (AwsUnavailable, DatabaseUnavailable, NotificationFailed, PricesUnavailable, ProcessorDied, StorageError)
"""What may be over in a moment: these are left to Airflow's retries; every other AssayError fails the task at once."""

Result = TypeVar("Result")
log = logging.getLogger(__name__)
logging.getLogger("alembic").setLevel(logging.WARNING)  # its dozen lines at every start would bury ours


def run_step(step: Callable[[Workspace], Result]) -> Result:
    """Run one step of the path on the configured dataset and give what it gives.

    Raises AirflowFailException, with the error's own message, where a retry cannot help.
    """
    try:
        with open_workspace() as workspace:
            return step(workspace)
    except PASSING:
        log.warning("this may pass: the task is tried again, and goes on where it stopped")
        raise
    except AssayError as error:
        raise AirflowFailException(str(error)) from None
