"""The middle of the path in one call, for the command line: verify, read, check, summarize, and compact where small files have
gathered. The DAG runs the same steps as tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.check.judge import judge_read, recheck
from assay.check.verify import verify_arrived
from assay.database.recordings import count_quarantined, datasets_with_recordings
from assay.notify.metrics import Metric, put_metric
from assay.preprocess.step import preprocess_accepted
from assay.read.compaction import compact_many
from assay.read.recordings import read_recordings
from assay.read.sessions import read_verified
from assay.summarize.step import refresh_statistics
from assay.workspace import Workspace


def judge_recordings(workspace: Workspace) -> int | None:
    """Take the recordings of every dataset as far as their verdicts; gives how many were judged, None where there is none."""
    datasets = datasets_with_recordings(workspace.engine)
    judged = 0
    for dataset in datasets:
        one = workspace.of_dataset(dataset)
        verify_arrived(one)
        judged += len(read_recordings(one))
        judge_read(one)
    return judged if datasets else None


def preprocess_recordings(workspace: Workspace) -> int:
    """Process the data files of every dataset's accepted recordings that were not processed yet; gives their number."""
    done = sum(preprocess_accepted(workspace.of_dataset(dataset)) for dataset in datasets_with_recordings(workspace.engine))
    put_metric(workspace.settings, Metric.QUARANTINED, count_quarantined(workspace.engine))
    return done


@dataclass(frozen=True)
class Outcome:
    """What a run judged, and the earlier sessions whose verdict it changed. `read = accepted + quarantined + rejected`."""

    read: int
    accepted: int
    quarantined: int
    rejected: int
    changed: tuple[str, ...] = ()


def process_arrived(workspace: Workspace, tell: Callable[[str], None] = lambda doing: None) -> Outcome:
    """Take every session that has arrived as far as its verdict, and bring statistics and files up to date.

    `tell`: told what is being done, as it begins.
    """

    def steps() -> None:
        for doing, step in (
            ("verifying what has arrived", verify_arrived),
            ("reading", read_verified),
            ("reading metadata", read_recordings),
            ("checking", judge_read),
            ("preprocessing recordings", preprocess_accepted),
            ("summarizing", refresh_statistics),
            ("putting small files together", compact_many),
        ):
            tell(doing)
            step(workspace)

    return _outcome(workspace, steps, anew=False)


def recheck_all(workspace: Workspace) -> Outcome:
    """Judge every session anew from what was read, and bring the statistics up to date."""

    def steps() -> None:
        recheck(workspace)
        refresh_statistics(workspace)

    return _outcome(workspace, steps, anew=True)


def _outcome(workspace: Workspace, steps: Callable[[], None], *, anew: bool) -> Outcome:
    before = _verdicts(workspace)
    rejected_before = workspace.ledger.accounting().rejected
    steps()
    after = _verdicts(workspace)
    judged = {session: verdict for session, verdict in after.items() if anew or session not in before}
    quarantined = sum(verdict == "quarantined" for verdict in judged.values())
    rejected = workspace.ledger.accounting().rejected - (0 if anew else rejected_before)
    return Outcome(
        read=len(judged) + rejected,
        accepted=len(judged) - quarantined,
        quarantined=quarantined,
        rejected=rejected,
        changed=tuple(sorted(session for session, verdict in before.items() if after.get(session) != verdict)),
    )


def _verdicts(workspace: Workspace) -> dict[str, str]:
    sessions = workspace.ledger.sessions(states=["judged"])
    return dict(zip(sessions["session"], sessions["verdict"], strict=True))
