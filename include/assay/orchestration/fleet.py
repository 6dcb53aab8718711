"""The bodies of the tasks that measure on EC2: plain data goes in and out, nothing secret is in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from assay.errors import DatabaseUnavailable, StorageError
from assay.orchestration.work import run_step
from assay.workspace import Workspace, open_workspace

EC2 = "EC2"
THIS_HOST = "this host"

log = logging.getLogger(__name__)


def plan_run(params: Mapping[str, Any], run_id: str, dag_id: str) -> list[dict[str, Any]]:
    """Show the plan of a run and give its orders, one for each machine; none on this host and in a dry run.

    Raises AirflowFailException where the plan may not be started, after it was shown.
    """
    if params["target"] != EC2:
        return []
    return run_step(lambda workspace: _plan(workspace, params, run_id, dag_id))


def launch_machine(order: Mapping[str, Any]) -> dict[str, Any]:
    """Start the machine of an order, or find it; gives what was launched. Raises MachineFailed, AwsUnavailable and others."""
    from assay.collect.ec2.failure import MachineFailed
    from assay.collect.fleet.launch import Order, launch
    from assay.collect.fleet.record import record_launched, record_not_started

    def step(workspace: Workspace) -> dict[str, Any]:
        asked = Order.from_document(order)
        try:
            found = launch(workspace.settings, workspace.storage, asked, dataset=workspace.dataset)
        except MachineFailed as failed:
            record_not_started(workspace.engine, workspace.dataset, asked, failed.kind, str(failed))
            raise
        record_launched(workspace.engine, workspace.dataset, asked, found)
        return found.to_document()

    return _open(step)


def store_upload(launched: Mapping[str, Any]) -> str:
    """Take over what a machine has uploaded; gives the session's id."""
    from assay.collect.fleet.arrive import take_over
    from assay.collect.fleet.launch import Launched

    return run_step(lambda workspace: take_over(workspace, Launched(**launched)))


def tell_outcome(launched: Mapping[str, Any], outcome: str, says: str) -> None:
    """Tell the ledger how the wait for a machine ended."""
    from assay.collect.fleet.launch import Launched
    from assay.collect.fleet.record import record_outcome

    _tell(lambda workspace: record_outcome(workspace.engine, Launched(**launched), outcome, says))


def end_machine(order: Mapping[str, Any], attempt: int | None = None) -> list[str]:
    """End every machine of an order, whether or not its launch could say that it succeeded, or that of one attempt; gives their
    ids."""
    from assay.collect.fleet.reap import end_slot
    from assay.collect.fleet.record import record_ended

    run, slot = order["run"], order["machine"]["slot"]
    why = "its task group was over" if attempt is None else "it was interrupted"
    gone = end_slot([ground["region"] for ground in order["grounds"]], run, slot, attempt)
    log.info("%s: %s", slot, f"ended {', '.join(gone)}" if gone else "nothing was left to end")
    _tell(lambda workspace: record_ended(workspace.engine, run, slot, why, attempt))
    return gone


def end_machine_of_run(order: Mapping[str, Any], task: Any, wait: str) -> list[str]:
    """End every machine of an order; gives their ids. Raises AirflowFailException, after that, where the wait was ended from
    outside, so that nobody knows what became of the session.

    `task`: Airflow's instance of the task that runs this; `wait`: the task that waited for the machine. To Airflow a run that was
    marked failed while it waited is a success once its machines are ended, because all that came after the wait was skipped.
    """
    gone = end_machine(order)
    states = task.get_task_states(task.dag_id, map_index=task.map_index, task_ids=[wait], run_ids=[task.run_id])
    if states.get(task.run_id, {}).get(f"{wait}_{task.map_index}") != "success":
        _tell(lambda workspace: _require_outcome(workspace, order["run"], order["machine"]["slot"]))
    return gone


def _require_outcome(workspace: Workspace, run: str, slot: str) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from assay.database.machines import newest_attempt
    from assay.database.words import MachineState

    with workspace.engine.connect() as connection:
        newest = newest_attempt(connection, workspace.dataset, run, slot)
    if newest is not None and newest.state == MachineState.ENDED:
        raise AirflowFailException(
            f"{slot}: the machine was ended before it had a result, as its run was; clear `launch` to measure it"
        )


def reap_all(run_state: Callable[[str, str], str]) -> list[dict[str, Any]]:
    """End what outlived its deadline or its run, in all regions; gives what was found. Raises AirflowSkipException without
    credentials. `run_state`: the state of a DAG's run, by the ids of both."""
    from dataclasses import asdict

    from airflow.sdk.exceptions import AirflowSkipException

    from assay.collect.ec2.client import has_credentials
    from assay.collect.fleet.reap import reap
    from assay.settings import Settings

    settings = Settings()
    if not has_credentials():
        raise AirflowSkipException("no AWS credentials: there is no EC2 to look at")
    found = reap(settings.machine_regions, dry_run=False, ended=_over(run_state, settings.fleet_owner))
    log.info("%s", f"ended {len(found)}" if found else "nothing was left over")
    return [asdict(each) for each in found]


def settle_ledger(found: list[dict[str, Any]], run_state: Callable[[str, str], str]) -> list[str]:
    """Bring the machines in the ledger to what EC2 says; gives a sentence for each that changed. `found`: by the reaper."""
    from assay.collect.fleet.reap import Found
    from assay.collect.fleet.settle import settle

    def step(workspace: Workspace) -> list[str]:
        settings = workspace.settings
        reaped = [Found(**each) for each in found]
        return settle(workspace, settings.machine_regions, reaped, _over(run_state, settings.fleet_owner))

    return run_step(step)


def _over(run_state: Callable[[str, str], str], owner: str) -> Callable[[Mapping[str, str]], bool]:
    """Whether the run of a machine with these tags is known to be over; each run is asked for once."""
    from assay.collect.fleet.names import ORIGIN, OWNER

    states: dict[str, str] = {}

    def ended(tags: Mapping[str, str]) -> bool:
        origin = tags.get(ORIGIN, "")
        dag_id, slash, run_id = origin.partition("/")
        if not slash or tags.get(OWNER) != owner:
            return False
        if origin not in states:
            try:
                states[origin] = str(run_state(dag_id, run_id))
            except Exception as error:  # noqa: BLE001 - of another Airflow, or deleted: the deadline decides
                log.warning("run %s is not known here (%s): its machines live until their deadline", origin, error)
                states[origin] = ""
        return states[origin] in ("success", "failed")

    return ended


def alert(found: list[dict[str, Any]]) -> None:
    """Raises AirflowFailException, which names everything, where the reaper has found something."""
    from airflow.sdk.exceptions import AirflowFailException

    if found:
        said = "; ".join(
            f"{each['what']} {each['id']} in {each['region']} of run {each['run']}: {each['reason']}" for each in found
        )
        raise AirflowFailException(f"{len(found)} were left over and have been ended: {said}")


def _plan(workspace: Workspace, params: Mapping[str, Any], run_id: str, dag_id: str) -> list[dict[str, Any]]:
    from assay.collect.fleet import show
    from assay.collect.fleet.launch import prepare
    from assay.collect.fleet.names import run_name
    from assay.collect.fleet.planning import fleet_request, plan_fleet
    from assay.collect.fleet.record import record_planned

    request = fleet_request(
        workspace.settings,
        [params["types"] or ""],
        market=params["market"],
        machines_per_type=params["machines"],
        executions=params["ec2_executions"],
        max_dollars=params["max_dollars"],
        max_instances=params["max_instances"],
    )
    plan = plan_fleet(workspace.engine, request)
    for line in show.as_lines(plan):
        log.info("%s", line)
    if params["dry_run"]:
        log.info("this was a dry run: nothing is started; trigger again without `dry_run`")
        return []
    orders = prepare(workspace.settings, workspace.storage, plan, run_name(run_id), f"{dag_id}/{run_id}")
    record_planned(workspace.engine, workspace.dataset, orders)
    return [order.to_document() for order in orders]


def _open(step: Callable[[Workspace], dict[str, Any]]) -> dict[str, Any]:
    with open_workspace() as workspace:
        return step(workspace)


def _tell(step: Callable[[Workspace], None]) -> None:
    """Tell or ask the ledger what trying again would not mend: where it cannot be reached, the reaper settles it later."""
    try:
        with open_workspace() as workspace:
            step(workspace)
    except (DatabaseUnavailable, StorageError) as error:
        log.warning("the ledger was not told, reap_instances will: %s", error)
