"""The pure middle: what a recording session's folder and metadata say, judged by the rules, on lab machine and server alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from assay.recording.date_string import Clock, in_utc, parse_date_string, time_zone
from assay.recording.folder import RecordingFile
from assay.recording.formats import Text, key_of, read_text
from assay.recording.rules import Finding, finding
from assay.recording.schema import METADATA_FILES, LabSchema
from assay.recording.text import MAX_METADATA_BYTES, Undecodable, decode
from assay.recording.values import Variable, typed
from assay.session import format_time

_STAMP_SECONDS = 2
"""File systems keep times to two seconds at worst (FAT)."""


@dataclass(frozen=True)
class Recording:
    """What is known of a session before anything is judged: the folder's name, the lab, its zone, and the files.

    `metadata`: the bytes of the metadata file by its path; more than one path where several lie there, whose bytes may be empty.
    `written`: when the first and the last data file were written, where it is known.
    """

    name: str
    lab: str
    time_zone: str
    files: tuple[RecordingFile, ...]
    metadata: tuple[tuple[str, bytes], ...] = ()
    written: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Judged:
    """What came of judging: findings in a fixed order, typed variables, start and end in UTC, the schema's name."""

    findings: tuple[Finding, ...]
    variables: tuple[Variable, ...]
    started_at: datetime
    ended_at: datetime
    schema: str = ""
    format: str = ""


def metadata_files(files: tuple[RecordingFile, ...], schema: LabSchema | None) -> tuple[str, ...]:
    """The paths of what may be the metadata file: directly in the folder, by the names that the schema gives."""
    names = METADATA_FILES if schema is None else schema.metadata_files
    return tuple(file.path for file in files if file.path.lower() in names)


def judge(recording: Recording, schema: LabSchema | None, now: datetime, clock_seconds: int = 300) -> Judged:
    """Judge a session; pure, and the same everywhere for the same arguments.

    `schema`: of the lab, None where it has none. `now`: UTC. Start is what the folder's name says; where it says nothing, when
    the first file was written, else `now`. Raises ValueError when the lab's time zone is none.
    """
    start, found = _start(recording)
    findings = list(found)
    first, last = recording.written or (None, None)
    started_at = (start or first or now).astimezone(UTC).replace(microsecond=0)
    ended_at = max(started_at, (last or started_at).astimezone(UTC).replace(microsecond=0))
    findings += _times(recording, start, schema, now, clock_seconds)
    findings += _files(recording)
    read, found, path = _metadata(recording)
    findings += found
    variables: list[Variable] = []
    if schema is None:
        findings.append(finding("recording.no-schema", "", "", recording.lab, f"schemas/recording/{recording.lab}/v1.json"))
        variables = [Variable(e.key, False, None, e.value, "", False) for e in (read.entries if read else ())]
    elif read is not None:
        variables, problems = typed(read.entries, schema)
        findings += [_in_file(found, path) for _, found in problems]
        findings += _named_files(recording, read, variables, schema, path)
    ordered = tuple(sorted(set(findings), key=lambda one: (one.rule, one.file, one.field, one.value, one.expected)))
    return Judged(
        ordered,
        tuple(sorted(variables, key=lambda one: one.name)),
        started_at,
        ended_at,
        schema.name if schema else "",
        read.format.value if read else "",
    )


def clock_skew(theirs: datetime, ours: datetime, clock_seconds: int = 300) -> Finding | None:
    """A finding where two clocks differ by more than they may: the lab machine's, and the server's at the same moment."""
    off = (theirs - ours).total_seconds()
    if abs(off) <= clock_seconds:
        return None
    return finding(
        "recording.clock-skew",
        "",
        "clock",
        f"{off:+.0f} s",
        f"at most {clock_seconds} s from the server's",
        "Set the machine's clock.",
    )


def _start(recording: Recording) -> tuple[datetime | None, list[Finding]]:
    try:
        local = parse_date_string(recording.name)
    except ValueError as error:
        expected = str(error).partition("; expected ")[2] or "a real date and time such as 20240229_161221"
        return None, [finding("recording.folder-name", "", "folder", recording.name, expected)]
    moment = in_utc(local, time_zone(recording.time_zone))
    if moment.shown is Clock.ONCE:
        return moment.utc, []
    found = f"{recording.name}, which the clocks in {recording.time_zone} showed {moment.shown}"
    return moment.utc, [finding("recording.local-time", "", "folder", found, f"once; taken as {format_time(moment.utc)}")]


def _times(
    recording: Recording, start: datetime | None, schema: LabSchema | None, now: datetime, clock_seconds: int
) -> Iterator[Finding]:
    latest = now + timedelta(seconds=clock_seconds)
    if start is not None and start > latest:
        yield finding("recording.clock-skew", "", "folder", format_time(start), f"at most {format_time(latest)}", _CLOCK)
    if recording.written is None:
        return
    first, last = recording.written
    if last > latest:
        yield finding("recording.clock-skew", "", "last file", format_time(last), f"at most {format_time(latest)}", _CLOCK)
    if start is None:
        return
    hours = schema.max_hours if schema else LabSchema("", 1, {}).max_hours
    earliest, end = start - timedelta(seconds=clock_seconds + _STAMP_SECONDS), start + timedelta(hours=hours)
    if first < earliest:
        yield finding("recording.file-times", "", "first file", format_time(first), f"not before {format_time(start)}", _COPIED)
    if last > end:
        yield finding(
            "recording.file-times", "", "last file", format_time(last), f"at most {hours:g} h after {format_time(start)}", _COPIED
        )


_CLOCK = "Set the machine's clock."
_COPIED = "Copy with times kept (cp -p, rsync -t), and look at the lab's time zone."


def _files(recording: Recording) -> Iterator[Finding]:
    copies = Counter(file.sha256 for file in recording.files if file.sha256 and file.size)
    first: dict[str, str] = {}
    for file in recording.files:
        if not file.size:
            yield finding("recording.empty-file", file.path, "", "0 bytes", "at least one byte")
        elif copies[file.sha256] > 1:
            if file.sha256 in first:
                yield finding("recording.duplicate-file", file.path, "", f"the bytes of {first[file.sha256]}", "bytes of its own")
            first.setdefault(file.sha256, file.path)


def _metadata(recording: Recording) -> tuple[Text | None, list[Finding], str]:
    """The metadata as read, what was found, and the path of the file that was taken: the first by name."""
    if not recording.metadata:
        expected = f"one of {', '.join(METADATA_FILES)}, or as the lab's schema says"
        return None, [finding("recording.metadata-missing", "", "", "no metadata file", expected)], ""
    path, raw = recording.metadata[0]
    findings = [
        finding("recording.metadata-several", other, "", "a second metadata file", f"{path} alone")
        for other, _ in recording.metadata[1:]
    ]
    if len(raw) > MAX_METADATA_BYTES:
        findings.append(
            finding(
                "recording.metadata-size",
                path,
                "",
                f"more than {MAX_METADATA_BYTES} bytes",
                f"at most {MAX_METADATA_BYTES} bytes",
            )
        )
        return None, findings, path
    try:
        read = read_text(decode(raw), path)
    except Undecodable as error:
        findings.append(finding("recording.metadata-encoding", path, "", str(error), "UTF-8, or UTF-16 with its mark"))
        return None, findings, path
    for problem in read.problems:
        where = f"line {problem.line}" if problem.line else ""
        field = f"{problem.key} ({where})" if problem.key and where else problem.key or where
        rule = "recording.metadata-size" if problem.found.startswith("more than") else "recording.metadata-format"
        findings.append(finding(rule, path, field, problem.found, problem.expected))
    for entry in read.repeated:
        where = f"{entry.written} (line {entry.line})" if entry.line else entry.written
        findings.append(finding("recording.duplicate-key", path, where, entry.value, "every key once; the first is kept"))
    return read, findings, path


def _named_files(
    recording: Recording, read: Text, variables: list[Variable], schema: LabSchema, metadata_file: str
) -> Iterator[Finding]:
    there = {file.path: file.size for file in recording.files}
    sizes = {}
    for entry in read.entries:
        if schema.file_sizes and entry.key.startswith(f"{schema.file_sizes}."):
            sizes[entry.written.split(".", 1)[1]] = entry.value
    named = [one.strip() for v in variables if v.name == schema.names_files for one in v.text.split(",") if one.strip()]
    for path in dict.fromkeys([*named, *sizes]):
        if path not in there:
            field = schema.names_files if path in named else schema.file_sizes
            yield finding("recording.listed-file", metadata_file, field, path, "a file of the session")
    for path, size in sizes.items():
        if path in there and size != str(there[path]):
            yield finding(
                "recording.listed-size", path, key_of(schema.file_sizes), size, f"{there[path]} bytes, which the file has"
            )
    if named or sizes:
        for path in sorted(set(there) - set(named) - set(sizes) - {name for name, _ in recording.metadata}):
            yield finding("recording.unlisted-file", path, "", "a file that the metadata do not name", "every file named")


def _in_file(found: Finding, path: str) -> Finding:
    return replace(found, file=path, message=f"{path}: {found.message}")
