"""Tells the operator, by Airflow's notifiers, of a task that failed for good: a mismatch at the read-back for one.

Every task has `tell_operator` as its `on_failure_callback`; whom it tells, the settings say. Parsed with every DAG file: what
costs time to import is imported when something failed.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier

    from assay.settings import Settings

MAX_REASON_CHARS = 2_000
MAX_SUBJECT_CHARS = 100
"""SNS takes no more."""

log = logging.getLogger(__name__)


def tell_operator(context: Mapping[str, Any]) -> None:
    """Tell everybody that the settings name; one who cannot be told keeps nobody else from it, and the task from nothing."""
    from assay.settings import Settings

    subject, message = alarm_text(context)
    for notifier in notifiers(Settings(), subject, message):
        try:
            notifier(context)
        except Exception:  # a callback that raises would hide what the task failed of
            log.exception("the operator could not be told by %s", type(notifier).__name__)


def alarm_text(context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text: which task of which run failed, of what, and where its log is."""
    instance = context["task_instance"]
    reason = " ".join(str(context.get("exception") or "no reason was given").split())[:MAX_REASON_CHARS]
    subject = f"Assay: {instance.dag_id}.{instance.task_id} failed"
    lines = [reason, f"Run: {instance.run_id}, try {instance.try_number}", f"Log: {getattr(instance, 'log_url', '')}"]
    return _plain(subject)[:MAX_SUBJECT_CHARS], "\n".join(_plain(line) for line in lines)


def notifiers(settings: Settings, subject: str, message: str) -> Iterator[BaseNotifier]:
    """Airflow's notifier for each that the settings name."""
    if settings.alarm_sns_topic is not None:
        from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

        region = (settings.alarm_sns_topic.split(":") + [""] * 4)[3] or None
        yield SnsNotifier(
            aws_conn_id=None, target_arn=settings.alarm_sns_topic, message=message, subject=subject, region_name=region
        )
    if settings.alarm_mail is not None:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        body = f"<pre>{html.escape(message)}</pre>"
        yield SmtpNotifier(to=settings.alarm_mail, from_email=settings.alarm_mail_from, subject=subject, html_content=body)


def _plain(text: str) -> str:
    """One line that is no template: notifiers render what they are given, and reasons quote data."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    for mark in "{%#":
        line = line.replace("{" + mark, "{ " + mark)
    return line
