"""Which snapshots a person should look at before they are published, why, and what was answered.

An answer is for one content on top of one snapshot: what was approved is what is committed, or it is asked again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from assay.database.words import Answer
from assay.errors import PublicationError
from assay.publish.difference import Difference, difference_of
from assay.publish.plan import Plan
from assay.publish.summary import Section, movement_in_words, summary_of
from assay.publish.wording import counted, in_a_row
from assay.settings import Settings
from assay.workspace import Workspace

MAX_NAMED = 5
MAX_SIGNATURE_CHARS = 60
UNNAMED = "the operator"
"""How a commit calls who approved it and gave no name to be published."""


class Cause(StrEnum):
    """What a person is asked about."""

    MOVED = "moved"
    GONE = "gone"
    SCHEMA = "schema"
    QUARANTINED = "quarantined"
    QUALITY = "quality"


class NotApproved(PublicationError):
    """The snapshot needs approval and does not have it; nothing was published."""


@dataclass(frozen=True)
class Reason:
    """Why it is asked, in a sentence."""

    cause: Cause
    text: str


@dataclass(frozen=True)
class Question:
    """What a person is asked: the snapshot `name` with this content in place of `since`, the reasons, and the summary."""

    name: str
    since: str
    content_digest: str
    reasons: tuple[Reason, ...]
    summary: tuple[Section, ...]

    @property
    def why(self) -> str:
        """The reasons as one line."""
        return "; ".join(reason.text for reason in self.reasons)


@dataclass(frozen=True)
class Reply:
    """An answer. `who` stays in the ledger; `signed_as` is the name that the commit gives, empty for none."""

    answer: Answer
    who: str
    signed_as: str = ""


Ask = Callable[[Question], Reply | None]
"""Asked before anything new is published that needs approval. None: it needs none from this publisher. Raises NotApproved where
nobody can be asked."""


def question_of(planned: Plan, settings: Settings) -> Question:
    """What a planned snapshot gives reason to ask; no reasons where it may be published by itself."""
    difference = difference_of(planned)
    reasons = tuple(reasons_to_ask(difference, settings))
    summary = summary_of(difference, [reason.text for reason in reasons])
    return Question(planned.name, difference.since, difference.content_digest, reasons, summary)


def reasons_to_ask(difference: Difference, settings: Settings) -> list[Reason]:
    """Why a snapshot needs approval: values moved beyond noise, types vanished, the schema changed, too much was quarantined.

    None of it for the first snapshot of a dataset, but a quality under the threshold, if one is set. None at all where the
    content is that of the snapshot before.
    """
    if difference.same_content:
        return []
    reasons = []
    if difference.quality < settings.quality_threshold:
        reasons.append(Reason(Cause.QUALITY, _poor(difference, settings.quality_threshold)))
    if not difference.since:
        return reasons
    since = f"since {difference.since}"
    if moved := difference.moved:
        named = in_a_row(map(movement_in_words, moved), MAX_NAMED, len(moved), between="; ")
        reasons.append(Reason(Cause.MOVED, f"{counted(len(moved), 'value')} moved beyond noise {since}: {named}"))
    if gone := difference.gone:
        reasons.append(Reason(Cause.GONE, f"{counted(len(gone), 'type')} vanished {since}: {in_a_row(gone, MAX_NAMED)}"))
    if difference.schema_version != difference.schema_version_before or difference.schema_files:
        reasons.append(Reason(Cause.SCHEMA, f"the schema changed {since}: {_schema(difference)}"))
    if difference.quarantined and difference.quarantined_share > settings.quarantine_threshold:
        judged = difference.new_sessions + len(difference.quarantined)
        text = (
            f"{len(difference.quarantined)} of {judged} sessions that are new {since} are in quarantine, "
            f"{100 * difference.quarantined_share:.0f} %, more than {100 * settings.quarantine_threshold:g} % "
            "(ASSAY_QUARANTINE_THRESHOLD)"
        )
        reasons.append(Reason(Cause.QUARANTINED, text))
    return reasons


def approval_of(workspace: Workspace, planned: Plan, ask: Ask) -> Reply | None:
    """Who approves a planned snapshot: as the ledger says, or as `ask` answers, which is then written down. None: nobody has to.

    Raises NotApproved where the answer is no.
    """
    question = question_of(planned, workspace.settings)
    if not question.reasons:
        return None
    if (known := approved_before(workspace, question.content_digest, question.since)) is not None:
        return known
    reply = ask(question)
    if reply is not None:
        record(workspace, question, reply)
        if reply.answer != Answer.APPROVED:
            raise NotApproved(f"not approved ({question.why}): nothing was published")
    return reply


def approved_before(workspace: Workspace, content_digest: str, since: str) -> Reply | None:
    """The approval that the ledger holds for this content on top of that snapshot; None if the last answer was not yes."""
    known = workspace.ledger.newest_approval(content_digest, since)
    if known is None or known["answer"] != Answer.APPROVED:
        return None
    return Reply(Answer.APPROVED, known["who"], known["signed_as"])


def record(workspace: Workspace, question: Question, reply: Reply) -> None:
    """Write an answer into the ledger."""
    workspace.ledger.record_approval(
        question.content_digest,
        question.since,
        answer=reply.answer,
        who=reply.who,
        signed_as=reply.signed_as,
        why=question.why,
    )


def unwatched(question: Question) -> None:
    """For publishers who decided themselves: refuses only what is under the quality threshold."""
    poor = [reason.text for reason in question.reasons if reason.cause == Cause.QUALITY]
    if poor:
        raise NotApproved(
            f"{poor[0]}: nothing was published. `assay quarantine list` says what was kept out and why; `assay publish --yes` "
            "publishes all the same"
        )


def only_approved(question: Question) -> None:
    """For what was built a while ago: refuses what nobody approved."""
    raise NotApproved(
        f"{question.why}: snapshot {question.name} was not approved on top of {question.since or 'nothing'}, and nothing was "
        "published. Build it again, then it is asked again"
    )


def signature(name: str) -> str:
    """A name as a commit may give it: one line, no address; who only gave an e-mail address is called by what is before the @."""
    shown = re.sub(r"\s*<[^>]*>?", "", " ".join(name.split()))
    if "@" in shown:
        shown = shown.partition("@")[0]
    return "".join(letter for letter in shown if letter.isprintable()).strip()[:MAX_SIGNATURE_CHARS].strip()


def _poor(difference: Difference, threshold: float) -> str:
    accounting = difference.accounting
    return (
        f"quality_score is {difference.quality:g} ({accounting['accepted']} of {accounting['read']} sessions accepted), "
        f"under the threshold of {threshold:g} (ASSAY_QUALITY_THRESHOLD)"
    )


def _schema(difference: Difference) -> str:
    said = []
    if difference.schema_version != difference.schema_version_before:
        said.append(f"version {difference.schema_version_before or 'unknown'} -> {difference.schema_version}")
    if files := difference.schema_files:
        said.append(f"{in_a_row(files, MAX_NAMED)} {'is' if len(files) == 1 else 'are'} different")
    return "; ".join(said)
