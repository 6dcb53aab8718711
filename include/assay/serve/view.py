"""The live view: the documents that a snapshot made now would hold, built by the function that builds snapshots.

Built when it is first asked for, and again only when the ledger has changed; whoever asks meanwhile waits for the same build.
"""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import pandas as pd

from assay.dataset.build import RANKINGS, digest_of
from assay.dataset.cost import of_measured
from assay.dataset.encode import sha256
from assay.dataset.place import CPU, MEMORY, MICROARCH
from assay.dataset.select import MIN_SAMPLE
from assay.dataset.subject import describe
from assay.dataset.tables import STATISTICS
from assay.dataset.walk import quantities
from assay.errors import PublicationError
from assay.measurement import RANKING_KEY
from assay.publish.snapshot import build, open_target
from assay.serve.problems import Refusal, unavailable
from assay.summarize.rankings import RANKING_COLUMNS
from assay.workspace import Workspace

PATIENCE_S = 60.0
"""How long a request waits for a build that another request began."""

LOOK_AGAIN_S = 1.0
"""The ledger is asked at most this often whether it has changed."""

_ATTEMPTS = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """The documents of the dataset as of one state of the ledger. `fingerprint`: that state."""

    documents: dict[str, bytes]
    fingerprint: str

    @cached_property
    def digest(self) -> str:
        """The content digest, as a snapshot's manifest states it."""
        return digest_of(self.documents)

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of each document, hex."""
        return {name: sha256(data) for name, data in self.documents.items()}

    @cached_property
    def rankings(self) -> dict[str, Any]:
        """The rankings of measured values as published, by name."""
        return of_measured(orjson.loads(self.documents[RANKINGS])["rankings"])

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """Every member of every ranking: columns as RANKING_COLUMNS, and `name`, `instance_family`, `architecture`."""
        samples = self.statistics.groupby([*RANKING_KEY, "unit", "subject"], observed=True)["n"].max().to_dict()
        rows = []
        for name, ranking in self.rankings.items():
            key = {part: str(ranking["key"].get(part, "")) for part in RANKING_KEY}
            for member in ranking["ranks"]:
                subject, value = member["instance"], member["value"]
                low, high = member.get("confidence_interval", (value, value))
                family, architecture = self.machine(subject)
                # What is in no table of executions, such as a ratio, has an interval and so at least MIN_SAMPLE of them.
                n = samples.get((*key.values(), ranking["unit"], subject), MIN_SAMPLE)
                machine = {"instance_family": family, "architecture": architecture, "name": name}
                numbers = {"median": value, "ci_low": low, "ci_high": high, "n": n, "quality": member.get("quality")}
                rows.append({**key, "unit": ranking["unit"], "subject": subject, **numbers, **machine})
        columns = [column for column in RANKING_COLUMNS if column not in ("higher_is_better", "rank")]
        return pd.DataFrame(rows, columns=[*columns, "instance_family", "architecture", "name"])

    @cached_property
    def machines(self) -> dict[str, tuple[str, str]]:
        """Family and architecture of every instance in the core documents."""
        core = {name: orjson.loads(self.documents[name]) for name in (MEMORY, CPU, MICROARCH)}
        return {
            found.instance: (found.family, found.architecture)
            for part in ("provisional", "measured")
            for found in quantities(core, part)
        }

    @cached_property
    def statistics(self) -> pd.DataFrame:
        """The published table of statistics, with `instance_family` and `architecture` of each subject."""
        frame = pd.read_parquet(io.BytesIO(self.documents[STATISTICS]))
        machines = {subject: self.machine(subject) for subject in frame["subject"].unique()}
        frame["instance_family"] = frame["subject"].map({subject: family for subject, (family, _) in machines.items()})
        frame["architecture"] = frame["subject"].map({subject: arch for subject, (_, arch) in machines.items()})
        return frame

    def machine(self, subject: str) -> tuple[str, str]:
        """Family and architecture of an instance type or host label."""
        if subject in self.machines:
            return self.machines[subject]
        known = describe(subject, {})
        return known["instance_family"], known["architecture"]


class LiveView:
    """Keeps the view of one dataset up to date. Safe to ask from many threads at once; opens its workspace on first use."""

    def __init__(
        self,
        open_workspace: Callable[[], AbstractContextManager[Workspace]],
        dataset: str,
        *,
        look_again: float = LOOK_AGAIN_S,
    ) -> None:
        self._open, self.dataset, self._look_again = open_workspace, dataset, look_again
        self._stack = contextlib.ExitStack()
        self._workspace: Workspace | None = None
        self._opening, self._building = threading.Lock(), threading.Lock()
        self._view: View | None = None
        self._looked = float("-inf")

    @property
    def workspace(self) -> Workspace:
        """The workspace, opened when it is first needed. Raises DatabaseUnavailable or StorageError."""
        with self._opening:
            if self._workspace is None:
                self._workspace = self._stack.enter_context(self._open())
            return self._workspace

    def close(self) -> None:
        """Let go of the workspace; an embedded database stops with its last user."""
        with self._opening:
            self._workspace = None
            self._stack.close()

    def now(self) -> View:
        """The view of the ledger as it is. Raises Refusal when there is nothing yet, or it is not consistent right now."""
        view = self._view
        if view is not None and time.monotonic() - self._looked < self._look_again:
            return view
        if not self._building.acquire(timeout=PATIENCE_S):
            raise unavailable("The documents are being built; that takes longer than a minute.")
        try:
            if self._view is None or time.monotonic() - self._looked >= self._look_again:
                self._refresh()
            assert self._view is not None
            return self._view
        finally:
            self._building.release()

    def _refresh(self) -> None:
        ledger = self.workspace.ledger
        for _ in range(_ATTEMPTS):
            before = ledger.fingerprint()
            if self._view is None or self._view.fingerprint != before:
                documents = self._build()
                if ledger.fingerprint() != before:
                    continue  # what was read in several queries may be of two states
                self._view = View(documents, before)
            self._looked = time.monotonic()
            return
        raise unavailable("Sessions are being processed right now: the ledger changed while the documents were built.")

    def _build(self) -> dict[str, bytes]:
        workspace = self.workspace
        if workspace.ledger.statistics().empty:
            raise Refusal(404, "nothing-yet", "Nothing is published or accepted yet", "No session has been accepted so far.")
        try:
            return build(workspace, open_target(workspace))
        except PublicationError as error:
            log.warning("live view not built: %s", error)
            raise unavailable("The statistics are older than the last verdicts and are being brought up to date.") from error
