"""The ledger: where each session stands. The only state; every step is idempotent against it.

Each call is one transaction: killed at any point and run again, it gives the same state. Writers of one dataset take turns.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, text

from assay.database import (
    approvals,
    archives,
    arrivals,
    batches,
    decisions,
    deliveries,
    fingerprint,
    listing,
    progress,
    queries,
    recordings,
    runs,
    snapshots,
    statistics,
)
from assay.database.archives import VolumeFacts
from assay.database.arrivals import Arrival, Registered
from assay.database.queries import Accounting
from assay.database.words import State, Verdict
from assay.errors import DatabaseUnavailable
from assay.session import Manifest

__all__ = ["Accounting", "Arrival", "Ledger", "Registered", "State", "Verdict"]

_BATCHES, _RAW = "\x1fbatches", "\x1fraw"
"""The files of all datasets lie in one store: one lock for all of them. No dataset has an empty name."""


class Ledger:
    """The ledger of one dataset."""

    def __init__(self, engine: Engine, dataset: str) -> None:
        self.engine, self.dataset = engine, dataset

    def open_dataset(self, licence: str | None = None) -> None:
        """Make the dataset if it is not there. Without a licence, the first session fixes it."""
        with self._write() as connection:
            arrivals.open_dataset(connection, self.dataset, licence)

    def licence(self) -> str | None:
        """The licence of the dataset; None until it is fixed."""
        with self._read() as connection:
            query = text("SELECT licence FROM assay.datasets WHERE dataset = :dataset")
            licence: str | None = connection.scalar(query, {"dataset": self.dataset})
            return licence

    def register(self, manifest: Manifest, manifest_sha256: str, prefix: str, source_file: str = "", run: str = "") -> bool:
        """Enter one session that lies whole in raw storage. True: it is new. See `register_many`."""
        return bool(self.register_many([Arrival(manifest, manifest_sha256, prefix, source_file, run)]).new)

    def register_many(self, given: Iterable[Arrival]) -> Registered:
        """Enter sessions; those that are there stay as they are.

        Raises DatasetConflict, and enters nothing, when a session is meant for another dataset or has another licence than the
        dataset. A session id that is taken by other files becomes a rejection that says so, and is named in the answer.
        """
        with self._write() as connection:
            return arrivals.register(connection, self.dataset, given)

    def reject(self, source_file: str, reason: str, sha256: str, run: str = "") -> None:
        """Note bytes that cannot form a session; the same bytes from the same file count once, and not if they are a session."""
        with self._write() as connection:
            arrivals.reject(connection, self.dataset, source_file, reason, sha256, run)

    def known(self, sessions: Iterable[str]) -> set[str]:
        """Those of the session ids that the ledger has."""
        with self._read() as connection:
            return queries.known(connection, self.dataset, sessions)

    def sessions(
        self,
        *,
        states: Iterable[str] | None = None,
        verdicts: Iterable[str] | None = None,
        kind: str | None = None,
        only: Iterable[str] | None = None,
    ) -> pd.DataFrame:
        """Sessions by state, verdict, kind and id, oldest first; columns and types as assay.database.queries.SESSION_COLUMNS."""
        with self._read() as connection:
            return queries.sessions(connection, self.dataset, states, verdicts, kind, only)

    def raw_files(self, sessions: Iterable[str] | None = None) -> pd.DataFrame:
        """The raw files of sessions (all, where none are named): session, path, size in bytes, sha256."""
        with self._read() as connection:
            return queries.raw_files(connection, self.dataset, sessions)

    def findings(self, sessions: Iterable[str] | None = None) -> pd.DataFrame:
        """What the rules found in sessions (all, where none are named): FINDING_COLUMNS of assay.check.rule, and stage."""
        with self._read() as connection:
            return queries.findings(connection, self.dataset, sessions)

    def rejections(self) -> pd.DataFrame:
        """What could not become a session: source_file, sha256, reason, run, rejected_at."""
        with self._read() as connection:
            return queries.rejections(connection, self.dataset)

    def accounting(self, run: str | None = None) -> Accounting:
        """Where everything went, in total or of what one run registered: read = accepted + quarantined + rejected + pending."""
        with self._read() as connection:
            return queries.accounting(connection, self.dataset, run)

    def mark_verified(self, sessions: Iterable[str]) -> None:
        """Arrived sessions become verified; so do those that were held at verify and have no such finding any more.

        Record the findings of the stage first: a session with a reason for quarantine among them stays held.
        """
        with self._write() as connection:
            progress.mark_verified(connection, self.dataset, sessions)

    def mark_read(self, batches: Mapping[str, str], profiles: Mapping[str, Mapping[str, Any]]) -> None:
        """Note where the rows of sessions lie and what they say of their machine; they wait to be judged, or to be judged again.

        Record the findings of the stage first: a session with a reason for quarantine among them stays held.
        """
        with self._write() as connection:
            progress.mark_read(connection, self.dataset, batches, profiles)

    def batches(self) -> pd.DataFrame:
        """In which file of the processed layer the rows of every session lie that was read: session, batch."""
        with self._read() as connection:
            return batches.batches(connection, self.dataset)

    def announce_batch(self, batch: str) -> None:
        """Note a file of the processed layer before it is written: it is removed some day unless a session comes to name it."""
        with self._write() as connection:
            batches.announce(connection, batch)

    def move_batches(self, moves: pd.DataFrame) -> int:
        """Note that the rows of sessions lie in other files now (columns session, old, new); their state stays.

        A session whose rows do not lie in `old` any more is left alone. Gives the number of sessions that moved.
        """
        with self._write() as connection:
            return batches.move(connection, self.dataset, moves)

    def loose_batches(self) -> list[str]:
        """Files that compaction replaced or began and that no session of any dataset names: they may be removed."""
        with self._read() as connection:
            return batches.loose(connection)

    def forget_batches(self, gone: Iterable[str]) -> None:
        """Note that loose files were removed."""
        with self._write() as connection:
            batches.forget(connection, gone)

    def record_findings(self, stage: str, sessions: Iterable[str], findings: pd.DataFrame) -> None:
        """Replace what a stage found in these sessions; at verify and read, a reason for quarantine ends their path there.

        `findings`: columns as FINDING_COLUMNS; more are ignored. Raises ValueError when a finding is of another session,
        AssayError when a session is not in the ledger.
        """
        with self._write() as connection:
            progress.record_findings(connection, self.dataset, stage, sessions, findings)

    def record_verdicts(self, verdicts: pd.DataFrame) -> None:
        """Sessions that were read become judged (columns session, verdict). Those held at verify or read stay quarantined."""
        with self._write() as connection:
            progress.record_verdicts(connection, self.dataset, verdicts)

    def record_judgement(self, verdicts: pd.DataFrame, findings: pd.DataFrame) -> None:
        """Findings of the stage `check` and the verdicts that follow from them, for the same sessions, in one transaction."""
        with self._write() as connection:
            progress.record_findings(connection, self.dataset, "check", verdicts["session"], findings)
            progress.record_verdicts(connection, self.dataset, verdicts)

    def replace_variables(self, sessions: Iterable[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """The metadata variables of these recordings (rows as VARIABLE_COLUMNS of assay.database.recordings), replacing all."""
        with self._write() as connection:
            recordings.replace_variables(connection, self.dataset, sessions, rows)

    def variables(self, sessions: Iterable[str] | None = None) -> pd.DataFrame:
        """The metadata variables of recordings (all, where none are named), columns VARIABLE_COLUMNS."""
        with self._read() as connection:
            return recordings.variables(connection, self.dataset, sessions)

    def record_processed(self, session: str, done: Iterable[recordings.Processing], findings: pd.DataFrame) -> None:
        """Write down what processors did with files of a session and what they found in it, in one transaction."""
        with self._write() as connection:
            for one in done:
                recordings.record_processing(connection, self.dataset, one)
            progress.record_findings(connection, self.dataset, "preprocess", [session], findings)

    def unprocessed(self, *, again: bool = False) -> pd.DataFrame:
        """Data files of accepted recordings that no processor was given yet, or all: session, prefix, path, sha256."""
        with self._read() as connection:
            return recordings.unprocessed(connection, self.dataset, again=again)

    def processing(self, sessions: Iterable[str] | None = None) -> pd.DataFrame:
        """What processors did with raw files, one row a file and version."""
        with self._read() as connection:
            return recordings.processing(connection, self.dataset, sessions)

    def processed_files(self, sessions: Iterable[str] | None = None) -> pd.DataFrame:
        """The files that processors made, with the SHA-256 of the raw file that each was made from."""
        with self._read() as connection:
            return recordings.processed_files(connection, self.dataset, sessions)

    def decide(self, session: str, decision: str, *, who: str, why: str) -> None:
        """Write down what a person decided about a session (`released` or `rejected`); it counts against all rules of `check`.

        Raises AssayError when the session is not known, no reason is given, or there is nothing to release.
        """
        with self._write() as connection:
            decisions.decide(connection, self.dataset, session, decision, who, why)

    def decisions(self) -> pd.DataFrame:
        """Every decision, oldest first: session, number, decision, who, why, decided_at."""
        with self._read() as connection:
            return decisions.decisions(connection, self.dataset)

    def record_run(self, run: str, what: str, *, started_at: datetime, ended_at: datetime, already_there: int = 0) -> Accounting:
        """Write down the accounting of a run, from what it registered and rejected, and give it; again: brought up to date."""
        with self._write() as connection:
            return runs.record_run(connection, self.dataset, run, what, started_at, ended_at, already_there)

    def runs(self) -> pd.DataFrame:
        """Every run and its accounting, oldest first."""
        with self._read() as connection:
            return runs.runs(connection, self.dataset)

    def replace_statistics(self, frame: pd.DataFrame) -> int:
        """Load statistics by COPY in place of all that were there, in one transaction; give the number of rows."""
        with self._write() as connection:
            return statistics.replace_statistics(connection, self.dataset, frame)

    def statistics(self) -> pd.DataFrame:
        """The statistics as they were loaded, ordered by aggregation key."""
        with self._read() as connection:
            return statistics.statistics(connection, self.dataset)

    def begin_snapshot(
        self,
        name: str,
        *,
        content_digest: str,
        sessions: Iterable[str],
        last_updated: datetime | None = None,
        target: str = "",
        approved_by: str = "",
    ) -> None:
        """Note that a snapshot is being built, in place of any other that was begun and not committed.

        Begun again with the same content it goes on where it is; a name that is committed never changes: DatasetConflict.
        """
        with self._write() as connection:
            snapshots.begin_snapshot(
                connection,
                self.dataset,
                name,
                content_digest=content_digest,
                sessions=sessions,
                last_updated=last_updated,
                target=target,
                approved_by=approved_by,
            )

    def commit_snapshot(self, name: str, *, commit: str, manifest_sha256: str) -> None:
        """Note that the target holds the snapshot. Again with the same commit: nothing; with another: DatasetConflict."""
        with self._write() as connection:
            snapshots.commit_snapshot(connection, self.dataset, name, commit=commit, manifest_sha256=manifest_sha256)

    def finish_snapshot(self, name: str, channels: Iterable[str] = ()) -> None:
        """Note that the snapshot was read back and is whole: it is published. Raises AssayError if it was not committed.

        `channels`: who is to be told, if it was not published before; see `deliveries`.
        """
        with self._write() as connection:
            snapshots.publish_snapshot(connection, self.dataset, name, channels)

    def damage_snapshot(self, name: str, fault: str) -> None:
        """Note that what was read back of a committed or published snapshot is not what was sent, until it is read back well."""
        with self._write() as connection:
            snapshots.damage_snapshot(connection, self.dataset, name, fault)

    def record_approval(
        self, content_digest: str, since: str, *, answer: str, who: str, signed_as: str = "", why: str = ""
    ) -> None:
        """Write down what was answered when it was asked whether a content may be published in place of the snapshot `since`.

        `answer`: a word of assay.database.words.Answer. `signed_as`: the name for the commit. `why`: why it was asked.
        """
        with self._write() as connection:
            approvals.record_approval(
                connection, self.dataset, content_digest, since, answer=answer, who=who, signed_as=signed_as, why=why
            )

    def newest_approval(self, content_digest: str, since: str) -> Mapping[str, Any] | None:
        """The last answer to that question: number, answer, who, signed_as, why, answered_at; None if it was never answered."""
        with self._read() as connection:
            return approvals.newest_approval(connection, self.dataset, content_digest, since)

    def approvals(self) -> pd.DataFrame:
        """Every answer, oldest first; columns as in assay.database.approvals."""
        with self._read() as connection:
            return approvals.approvals(connection, self.dataset)

    def note_delivery(self, name: str, channel: str, error: str = "") -> None:
        """Note that a channel was told of a snapshot, or why it could not be."""
        with self._write() as connection:
            deliveries.note_delivery(connection, self.dataset, name, channel, error)

    def deliveries(self) -> pd.DataFrame:
        """Who is to be told of which snapshot, and who was; columns as in assay.database.deliveries."""
        with self._read() as connection:
            return deliveries.deliveries(connection, self.dataset)

    def discard_snapshot(self, name: str) -> None:
        """Forget a snapshot that was begun and not committed; no error if there is none."""
        with self._write() as connection:
            snapshots.discard_snapshot(connection, self.dataset, name)

    def snapshots(self) -> pd.DataFrame:
        """Every snapshot, oldest first: SNAPSHOT_COLUMNS of assay.database.snapshots, and `sessions`, how many went in."""
        with self._read() as connection:
            return snapshots.snapshots(connection, self.dataset)

    def sessions_of_snapshot(self, snapshot: str, held: Iterable[str], *, archived: bool) -> Iterator[dict[str, Any]]:
        """The sessions of a snapshot and those of `held`, as assay.database.archives says, one by one.

        `archived`: those that a proven archive holds whole; else the others. Memory does not grow with their number.
        """
        with self._read() as connection:
            yield from archives.sessions_of_snapshot(connection, self.dataset, snapshot, held, archived)

    def note_archive(
        self,
        snapshot: str,
        *,
        place: str,
        index_sha256: str,
        volumes: Sequence[VolumeFacts],
        sessions: Iterable[pd.DataFrame],
    ) -> None:
        """Enter an archive that was read back and proven, its volumes and the sessions in them, in one transaction."""
        with self._write() as connection:
            archives.note_archive(
                connection,
                self.dataset,
                snapshot,
                place=place,
                index_sha256=index_sha256,
                volumes=volumes,
                sessions=sessions,
            )

    def archives(self) -> pd.DataFrame:
        """Every proven archive, oldest first: snapshot, place, index_sha256, sessions, verified_at."""
        with self._read() as connection:
            return archives.archives(connection, self.dataset)

    def archive_volumes(self) -> dict[tuple[str, str], VolumeFacts]:
        """Every proven volume, by archive and name."""
        with self._read() as connection:
            return archives.volumes(connection, self.dataset)

    def archived(self, sessions: Iterable[str]) -> pd.DataFrame:
        """Of these sessions those that a proven archive holds: session, archive, volume, cleaned_at, place."""
        with self._read() as connection:
            return archives.archived(connection, self.dataset, sessions)

    def manifests(self, sessions: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Prefix and SHA-256 of the manifest of those of the sessions that the ledger knows."""
        with self._read() as connection:
            return archives.manifests(connection, self.dataset, sessions)

    def count_raw_by_reason(self, days: int) -> dict[str, tuple[int, int, int]]:
        """Sessions, objects and bytes of raw files by why they are kept or may be deleted; `days`: the retention."""
        with self._read() as connection:
            return archives.count_by_reason(connection, self.dataset, days)

    def sessions_to_clean(self, days: int) -> Iterator[dict[str, Any]]:
        """The sessions whose raw objects may be deleted, by volume and key, one by one."""
        with self._read() as connection:
            yield from archives.sessions_to_clean(connection, self.dataset, days)

    def still_to_clean(self, days: int, sessions: Iterable[str]) -> set[str]:
        """Those of the sessions whose raw objects may be deleted now."""
        with self._read() as connection:
            return archives.still_to_clean(connection, self.dataset, days, sessions)

    def note_cleaned(self, sessions: Iterable[str]) -> None:
        """Note that the raw objects of sessions were deleted."""
        with self._write() as connection:
            archives.note_cleaned(connection, self.dataset, sessions)

    def note_restored(self, sessions: Iterable[str]) -> None:
        """Note that the raw objects of sessions are there again."""
        with self._write() as connection:
            archives.note_restored(connection, self.dataset, sessions)

    def fingerprint(self) -> str:
        """Another text after every committed change, else the same: whether something that was computed is still true."""
        with self._read() as connection:
            return fingerprint.fingerprint(connection, self.dataset)

    def list_sessions(self, wanted: listing.Wanted, *, limit: int, offset: int = 0) -> tuple[int, pd.DataFrame]:
        """How many sessions there are of those wanted, and a page of them, newest first: see assay.database.listing."""
        with self._read() as connection:
            return listing.list_sessions(connection, self.dataset, wanted, limit=limit, offset=offset)

    def count_unpublished(self) -> int:
        """Accepted sessions that are in no published snapshot yet."""
        with self._read() as connection:
            return listing.count_unpublished(connection, self.dataset)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """One process at a time does what `name` says for this dataset; the others wait. A process that dies lets go.

        Raises DatabaseUnavailable at the end if the connection that held the lock was lost in between.
        """
        with self._held(f"{self.dataset}\x1f{name}", "pg_advisory_lock", "pg_advisory_unlock", name):
            yield

    @contextlib.contextmanager
    def keeping_batches(self) -> Iterator[None]:
        """No file of the processed layer is removed meanwhile, of whatever dataset. Any number of processes may hold this."""
        with self._held(_BATCHES, "pg_advisory_lock_shared", "pg_advisory_unlock_shared", "batches"):
            yield

    @contextlib.contextmanager
    def removing_batches(self) -> Iterator[bool]:
        """True: nobody keeps batches, and whoever wants to waits. False, at once: somebody does; remove nothing."""
        with self._held(_BATCHES, "pg_try_advisory_lock", "pg_advisory_unlock", "batches") as held:
            yield held

    @contextlib.contextmanager
    def keeping_raw(self) -> Iterator[None]:
        """No raw object is deleted meanwhile, of whatever dataset. Any number of processes may hold this."""
        with self._held(_RAW, "pg_advisory_lock_shared", "pg_advisory_unlock_shared", "raw"):
            yield

    @contextlib.contextmanager
    def removing_raw(self) -> Iterator[None]:
        """Nobody takes what lies in raw storage for granted meanwhile: waits until nobody does, and makes others wait."""
        with self._held(_RAW, "pg_advisory_lock", "pg_advisory_unlock", "raw"):
            yield

    @contextlib.contextmanager
    def _held(self, key: str, take: str, give_back: str, name: str) -> Iterator[bool]:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # The functions that wait return nothing; the one that tries says whether it got the lock.
            got = connection.scalar(text(f"SELECT {take}(hashtextextended(:key, 0))"), {"key": key}) is not False
            try:
                yield got
            except BaseException:
                # The pool would keep the connection, and with it the lock; closed, it lets go.
                connection.invalidate()
                raise
            if got and not connection.scalar(text(f"SELECT {give_back}(hashtextextended(:key, 0))"), {"key": key}):
                raise DatabaseUnavailable(f"the lock {name!r} was lost in between: the database was restarted. Run again.")

    @contextlib.contextmanager
    def _write(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            query = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1))")
            connection.execute(query, {"key": self.dataset})
            yield connection

    @contextlib.contextmanager
    def _read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection
