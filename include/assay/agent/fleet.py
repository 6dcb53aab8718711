"""A machine in the cloud measures itself: it reports where it stands, uploads its session, and writes the manifest last."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.agent.label import host_label
from assay.agent.remote import RemoteOrder, Reporter
from assay.agent.runner import STARTED
from assay.agent.suite import Order, measure
from assay.agent.tools import all_tools, chosen_tools
from assay.session import MANIFEST_NAME

ARCHIVE, PARTIAL = "session.tar", "partial.tar"


def measure_remotely(order: RemoteOrder, folder: Path) -> str:
    """Measure one session in the folder, which must be empty, upload it, and give its id.

    If it is interrupted or fails, what was measured so far goes up as `partial.tar`, without a manifest, and the report says so.
    Raises AssayError, or whatever interrupted it.
    """
    out = folder / "session"
    reporter = Reporter(order.outbox)

    def report(event: Mapping[str, Any]) -> None:
        if event["event"] == "execution" and event["state"] == STARTED:
            known = ("tool", "threads", "execution", "executions", "step", "steps", "elapsed_s")
            reporter.tell("running", **{name: event[name] for name in known if name in event})

    try:
        manifest = measure(
            Order(
                out=out,
                work=folder / "work",
                cache=folder / "cache",
                subject=order.subject or host_label(folder),
                repeats=order.repeats,
                seconds=order.tool_seconds,
                tools=chosen_tools(order.tools.split(",")) if order.tools else list(all_tools().values()),
                asked_for=bool(order.tools),
                dataset=order.dataset,
                licence=order.licence,
                attribution=order.attribution,
                labels=order.labels,
            ),
            report,
        )
        reporter.tell("uploading", session=manifest.session, files=len(manifest.files))
        order.outbox.put(ARCHIVE, _packed(out, [file.path for file in manifest.files]))
        order.outbox.put(MANIFEST_NAME, manifest.to_bytes())
    except BaseException as error:
        _send_partial(order, out)
        state = "failed" if isinstance(error, Exception) else "interrupted"
        reporter.tell(state, text=str(error)[:500])
        raise
    reporter.tell("uploaded", session=manifest.session)
    return manifest.session


def _send_partial(order: RemoteOrder, out: Path) -> None:
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) if out.is_dir() else []
    if found:
        try:
            order.outbox.put(PARTIAL, _packed(out, found), pauses=(1.0,))
        except Exception as error:  # noqa: BLE001 - the reason why the session ended is the one to be raised
            print(f"agent: {PARTIAL}: {error}", flush=True)


def _packed(folder: Path, paths: list[str]) -> bytes:
    """A tar archive of these files. A session has two megabytes; the machine's name and owner are not in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in paths:
            content = (folder / path).read_bytes()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
