"""The task that asks a person before a snapshot is published, and passes at once where nobody need be asked.

While it waits it holds no worker and no trigger: Airflow keeps it in the state `awaiting_input`, and the scheduler ends the wait.
Imported by the DAG file; what costs time to import is imported when the task runs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context

    from assay.workspace import Workspace

log = logging.getLogger(__name__)

ANONYMOUS = "Anonymous"
"""Airflow's name for who uses a UI without a login."""

ACCEPT = "accept_changes"
"""The DAG's parameter that answers for everything but a quality under the threshold."""


class AskBeforePublishing(ApprovalOperator):
    """Asks whether the documents with this digest may be published, if there is reason to. No answer in time means no.

    Where the answer is no, what comes after is skipped and the documents are removed; the ledger says who answered what.
    A person's no holds: scheduled runs do not ask about the same content again, a run that somebody triggers does.
    """

    template_fields = (*ApprovalOperator.template_fields, "digest")

    def __init__(self, *, digest: Any, hours: float, **options: Any) -> None:
        self.digest = digest
        super().__init__(
            subject="May this snapshot be published?",
            defaults=ApprovalOperator.REJECT,
            response_timeout=timedelta(hours=hours),
            **options,
        )

    def execute(self, context: Context) -> Any:
        """Pass, skip, or ask and wait."""
        from assay.orchestration.work import run_step

        run = context["dag_run"]
        accept = bool(context["params"].get(ACCEPT))
        who, scheduled = run.triggering_user_name or "", run.run_type == "scheduled"
        asked = run_step(lambda workspace: ask(workspace, self.digest, accept=accept, who=who, scheduled=scheduled))
        if asked is None:
            return None
        self.subject, self.body = asked
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Write the answer down, and skip what comes after if it is no."""
        from assay.orchestration.work import run_step

        if "error" not in event:
            run_step(lambda workspace: answered(workspace, self.digest, event))
        return super().execute_complete(context, event)


def ask(workspace: Workspace, digest: str, *, accept: bool, who: str, scheduled: bool) -> tuple[str, str] | None:
    """Headline and text (Markdown) to ask a person with; None if there is nothing to ask.

    `accept`: whoever triggered the run accepts what changed. Raises AirflowSkipException if a person said no to the same before.
    """
    from assay.database.words import Answer
    from assay.publish.approval import Cause, Reply, approved_before, record
    from assay.publish.snapshot import ask_about_snapshot, forget_snapshot
    from assay.publish.summary import as_markdown

    question = ask_about_snapshot(workspace, digest)
    if question is None:
        log.info("nothing to ask: no value moved beyond noise, no type vanished, the schema is the same, enough was accepted")
        return None
    log.info("%s", question.why)
    if (known := approved_before(workspace, digest, question.since)) is not None:
        log.info("approved already, by %s", known.who)
        return None
    if accept and all(reason.cause != Cause.QUALITY for reason in question.reasons):
        reply = Reply(Answer.APPROVED, *_names(workspace, who))
        record(workspace, question, reply)
        log.info("accepted with the run, by %s", reply.who)
        return None
    last = workspace.ledger.newest_approval(digest, question.since)
    if scheduled and last is not None and last["answer"] == Answer.REFUSED:
        forget_snapshot(workspace, digest)
        raise AirflowSkipException(
            f"{last['who']} said no to the same content on {last['answered_at']:%Y-%m-%d}: trigger the DAG, or run "
            "`assay publish`, to be asked again"
        )
    return f"May snapshot {question.name} be published?", as_markdown(question.summary)


def answered(workspace: Workspace, digest: str, event: Mapping[str, Any]) -> None:
    """Write down what was answered, or that nobody did in time; documents that are not to be published are removed."""
    from assay.database.words import Answer
    from assay.publish.approval import Reply, record
    from assay.publish.snapshot import StaleBuild, ask_about_snapshot, forget_snapshot

    approved = event["chosen_options"] == [ApprovalOperator.APPROVE]
    user = event.get("responded_by_user")
    try:
        question = ask_about_snapshot(workspace, digest)
    except StaleBuild as error:
        forget_snapshot(workspace, digest)
        raise AirflowSkipException(f"the answer came too late: {error}") from None
    if question is None:  # somebody published the same meanwhile
        return
    if user is None:
        reply = Reply(Answer.EXPIRED, "")
    else:
        reply = Reply(Answer.APPROVED if approved else Answer.REFUSED, *_names(workspace, user["name"]))
    record(workspace, question, reply)
    log.info("snapshot %s: %s%s", question.name, reply.answer, f" by {reply.who}" if reply.who else ": nobody answered in time")
    if not approved:
        forget_snapshot(workspace, digest)


def _names(workspace: Workspace, user: str) -> tuple[str, str]:
    """Airflow's user for the ledger, and a name for the commit: the user's, or where there is no login that of the settings."""
    from assay.publish.approval import signature

    return user or ANONYMOUS, signature(workspace.settings.approver or "" if user in ("", ANONYMOUS) else user)
