"""The rules of a recording session: what each says, why, and what a finding does on the lab machine and on the server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_SHOWN = 200


class OnLab(StrEnum):
    """What a finding does on the lab machine: the folder stays there, or it ships with a warning."""

    REFUSED = "refused"
    WARNING = "warning"


class OnServer(StrEnum):
    """What the same finding does on the server; the data are kept in either case. Words as assay.check.rule.Severity."""

    QUARANTINE = "quarantine"
    WARNING = "warning"


@dataclass(frozen=True)
class RecordingRule:
    """One named rule of a recording session."""

    id: str
    says: str
    because: str
    on_lab: OnLab
    on_server: OnServer


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that a rule found: file and field that it is about (either may be empty), what was found, what was expected."""

    rule: str
    file: str
    field: str
    value: str
    expected: str
    message: str

    @property
    def severity(self) -> OnLab:
        """What the finding does on the lab machine."""
        return RULES[self.rule].on_lab

    @property
    def on_server(self) -> OnServer:
        """What the finding does on the server."""
        return RULES[self.rule].on_server


def finding(rule: str, file: str, field: str, value: object, expected: str, advice: str = "") -> Finding:
    """A finding whose message names file, field, rule and value: `metadata.txt: fatigue: recording.range: found 11; expected`."""
    shown = shown_value(value)
    where = ": ".join(part for part in (_line(file), _line(field)) if part)
    message = f"{where}: {rule}: found {shown}; expected {expected}"
    return Finding(rule, _line(file), _line(field), shown, expected, f"{message}. {advice}" if advice else message)


def shown_value(value: object) -> str:
    """A value on one line, at most MAX_SHOWN characters long, safe for a terminal, a log and a database."""
    text = _line(value if isinstance(value, str) else repr(value))
    return text or "nothing"


def _line(text: str) -> str:
    safe = "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text).strip()
    return safe if len(safe) <= MAX_SHOWN else f"{safe[: MAX_SHOWN - 3]}..."


def _refused(name: str, says: str, because: str) -> RecordingRule:
    return RecordingRule(f"recording.{name}", says, because, OnLab.REFUSED, OnServer.QUARANTINE)


def _quarantine(name: str, says: str, because: str) -> RecordingRule:
    return RecordingRule(f"recording.{name}", says, because, OnLab.WARNING, OnServer.QUARANTINE)


def _warning(name: str, says: str, because: str) -> RecordingRule:
    return RecordingRule(f"recording.{name}", says, because, OnLab.WARNING, OnServer.WARNING)


_BYTES = (
    "What cannot be read, or would be written outside its place, cannot be shipped; nothing of the folder is sent or changed."
)
_FOUND_BY = "A session is found by what its metadata say; the data are kept, a person or a corrected schema releases them."

_ALL = (
    _refused("folder-unreadable", "The folder can be listed and every file in it can be read.", _BYTES),
    _refused("no-files", "The folder holds at least one file.", "Without a file there is no session."),
    _refused(
        "link-leaves",
        "No link leads out of the folder.",
        "A link could bring any file of the lab machine into the archive.",
    ),
    _refused("not-a-file", "The folder holds files and folders only: no pipe, socket or device.", "Reading one may never end."),
    _refused(
        "unsafe-name",
        "Every name is text that stays inside its folder on every system, and none is `manifest.json`.",
        "The name becomes a key and a path again elsewhere; the manifest is the shipper's, and written last.",
    ),
    _refused(
        "too-large",
        "Number of files, size of each and size of all stay within the limits.",
        "A folder far beyond a session's size is a wrong folder; it would fill the line for hours.",
    ),
    _quarantine(
        "folder-name",
        "The folder's name is a real date and time.",
        "It is the session's start: 20210229_161221 is no day, and a session without its day is found by nobody.",
    ),
    _warning(
        "local-time",
        "The lab's clocks showed the folder's time exactly once.",
        "Where clocks are set back, a local time occurs twice (the first is taken); where they are set forward, never.",
    ),
    _quarantine(
        "file-times",
        "The files were written between the start that the folder's name states and a session's longest duration after it.",
        "Times that disagree are those of another session, or the clock was wrong when it was recorded.",
    ),
    _quarantine(
        "clock-skew",
        "No file was written, and no session began, in the future.",
        "A wrong clock puts a session in the wrong place.",
    ),
    _quarantine("no-schema", "The lab has a schema of its metadata.", _FOUND_BY),
    _quarantine("metadata-missing", "The folder has one metadata file.", _FOUND_BY),
    _quarantine("metadata-several", "The folder has no second metadata file.", "Which of two holds is a guess."),
    _quarantine("metadata-size", "The metadata file is a text of at most 256 KiB and 1,000 keys.", "More is no description."),
    _quarantine(
        "metadata-encoding", "The metadata file is UTF-8, or UTF-16 with its mark.", "Guessed characters are wrong ones."
    ),
    _quarantine(
        "metadata-format",
        "Every line of the metadata file can be read in its format.",
        "A line that is left out may be the one that matters.",
    ),
    _quarantine("duplicate-key", "A key occurs once.", "Which of two values holds is a guess; the first is kept."),
    _quarantine("required-key", "Every key that the lab's schema requires is there, with a value.", _FOUND_BY),
    _quarantine("type", "A numeric variable is a number.", "A text cannot be compared with a number."),
    _quarantine("unit", "A number is in the unit of the schema.", "The same number in another unit is another value."),
    _quarantine(
        "range", "A numeric variable lies within the range of the schema.", "Beyond it the value is an error of writing."
    ),
    _quarantine("choice", "A text variable is one of the schema's choices, or of its pattern and length.", _FOUND_BY),
    _warning("unknown-key", "Every key is in the lab's schema.", "It may be a slip of the pen; it is kept, as text."),
    _quarantine("listed-file", "Every file that the metadata name is there.", "A file that is missing was lost on the way."),
    _quarantine("listed-size", "A file has the size that the metadata state.", "Another size is a file that was cut or changed."),
    _warning("unlisted-file", "Where the metadata name files, they name them all.", "It is kept; nobody said what it is."),
    _warning("empty-file", "No file is empty.", "An empty file is a recording that failed; it is kept."),
    _warning("duplicate-file", "No two files hold the same bytes.", "A file that was copied may stand where another should."),
    _warning("link-skipped", "There are no links within the folder.", "A link is not shipped: what it leads to is."),
)

RULES = {rule.id: rule for rule in _ALL}
"""Every rule, by id."""
