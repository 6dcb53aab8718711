"""The operators around one machine on EC2. Both wait in the triggerer, so that waiting takes no worker.

Imported with the DAG file, so nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator

PAUSE = timedelta(seconds=60)
"""Between two tries to start a machine for which there is no quota or no capacity."""

SPARE = timedelta(minutes=5)
"""After a machine's deadline, for the triggerer to tell."""

MOST_ATTEMPTS = 2


class LaunchMachine(BaseOperator):
    """Starts the machine of an order, in the first place that has capacity, and gives what was launched.

    Where there is no quota or capacity it waits and tries again, for `fleet_wait_minutes`. If it gives up, it makes sure that
    nothing lives: a setup that fails has no teardown.
    """

    template_fields: Sequence[str] = ("order",)

    def __init__(self, *, order: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order

    def execute(self, context: Any) -> Any:
        return self.try_again(context)

    def try_again(self, context: Any, since: str = "", event: Any = None) -> Any:
        """One try; `since`: when the first one was, now if empty."""
        since = since or datetime.now(UTC).isoformat()
        from airflow.sdk.exceptions import AirflowFailException

        from assay.collect.ec2.failure import MachineFailed
        from assay.errors import AssayError
        from assay.orchestration.fleet import end_machine, launch_machine
        from assay.orchestration.work import PASSING

        try:
            return launch_machine(self.order)
        except PASSING:
            if context["ti"].try_number > context["ti"].max_tries:
                end_machine(self.order)  # what was started and could not be told
            raise
        except MachineFailed as failed:
            self._wait_or_fail(failed, since)
        except AssayError as error:
            raise AirflowFailException(str(error)) from None

    def _wait_or_fail(self, failed: Any, since: str) -> None:
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
        from airflow.sdk.exceptions import AirflowFailException

        from assay.collect.ec2.failure import FailureClass
        from assay.settings import Settings

        passing = failed.kind in (FailureClass.QUOTA, FailureClass.INSUFFICIENT_CAPACITY)
        until = datetime.fromisoformat(since) + timedelta(minutes=Settings().fleet_wait_minutes)
        if not passing or datetime.now(UTC) + PAUSE > until:
            raise AirflowFailException(str(failed)) from None
        self.log.warning("%s; it waits, and tries again every %d s until %s UTC", failed, PAUSE.seconds, f"{until:%H:%M}")
        self.defer(trigger=TimeDeltaTrigger(PAUSE), method_name="try_again", kwargs={"since": since})


class WaitForManifest(BaseOperator):
    """Waits until a machine has uploaded its session, and gives what was launched, for who takes it over.

    An interrupted machine is started again, once, on demand; any other end without a session fails the task with its class.
    """

    template_fields: Sequence[str] = ("order", "launched")

    def __init__(self, *, order: Any, launched: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order
        self.launched = launched

    def execute(self, context: Any) -> Any:
        self._wait(self.launched)

    def decide(self, context: Any, event: dict[str, Any]) -> Any:
        """What the trigger's event means: the end, or another machine."""
        from airflow.sdk.exceptions import AirflowFailException

        from assay.collect.ec2.failure import FailureClass, MachineFailed
        from assay.errors import AssayError
        from assay.orchestration.fleet import end_machine, launch_machine, tell_outcome
        from assay.orchestration.work import PASSING

        outcome, says, launched = event["outcome"], event["says"], event["launched"]
        self.log.info("%s", says)
        tell_outcome(launched, outcome, says)
        if outcome == "uploaded":
            return launched
        if outcome == FailureClass.INTERRUPTED and launched["attempt"] < MOST_ATTEMPTS:
            self.log.warning("%s: %s: what was measured is kept; it is started again on demand", launched["slot"], outcome)
            try:
                # Only this one: a try that was killed here may have started the next, which launching finds then.
                end_machine(self.order, launched["attempt"])
                again = launch_machine(self.order)
            except PASSING:
                raise
            except (MachineFailed, AssayError) as error:
                raise AirflowFailException(f"{says}; not started again: {error}") from None
            self._wait(again)
        raise AirflowFailException(f"{outcome}: {says}")

    def _wait(self, launched: dict[str, Any]) -> None:
        from assay.orchestration.triggers import ManifestTrigger
        from assay.session import parse_time

        left = parse_time(launched["deadline"]) + SPARE - datetime.now(UTC)
        self.log.info("%s: %s in %s, until %s", launched["slot"], launched["instance_id"], launched["zone"], launched["deadline"])
        self.defer(
            trigger=ManifestTrigger(launched),
            method_name="decide",
            timeout=max(left, timedelta(minutes=1)),
        )
