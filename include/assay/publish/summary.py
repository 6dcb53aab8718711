"""The difference of a snapshot in words and numbers, as Markdown for Airflow's UI and as text for a terminal.

Both come from the same sections. The length is bounded whatever the dataset's size: a list ends with "and N more".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.publish.difference import Difference, KeptOut, Movement, rules_of
from assay.publish.wording import first_lines

MAX_LISTED = 20
MAX_NAME_CHARS = 80


@dataclass(frozen=True)
class Section:
    """A heading and its lines."""

    title: str
    lines: tuple[str, ...]


def summary_of(difference: Difference, reasons: Sequence[str] = ()) -> tuple[Section, ...]:
    """The sections of the summary that have something to say. `reasons`: why it is asked at all; they come first."""
    since = f"since {difference.since}" if difference.since else "the first snapshot of this dataset"
    sections = [
        Section("Why you are asked", tuple(reasons)),
        Section(f"New types, {since}", first_lines(difference.new, MAX_LISTED)),
        Section(f"Types that vanish, {since}", first_lines(difference.gone, MAX_LISTED)),
        Section(_moved_title(difference), first_lines(map(_movement, difference.moved), MAX_LISTED, len(difference.moved))),
        Section("Other values", _others(difference)),
        Section(_quarantine_title(difference), _quarantined(difference.quarantined)),
        Section("Accounting", _accounting(difference)),
        Section("Schema", _schema(difference)),
        Section("Size", _size(difference)),
    ]
    return tuple(section for section in sections if section.lines)


def as_markdown(sections: Iterable[Section]) -> str:
    """For the UI. What stands in it comes from documents: nothing of it becomes markup."""
    return "\n\n".join(
        f"#### {_plain(part.title)}\n\n" + "\n".join(f"- {_plain(line)}" for line in part.lines) for part in sections
    )


def as_text(sections: Iterable[Section]) -> str:
    """For a terminal, without anything that would command it."""
    return "\n".join("\n".join([_one_line(part.title), *(f"  {_one_line(line)}" for line in part.lines)]) for part in sections)


def movement_in_words(one: Movement) -> str:
    """`m7i.large stream.triad_bandwidth: 47.9 -> 52.3 GB/s (+9.2 %)`."""
    percent = "" if one.percent is None else f" ({one.percent:+.1f} %)"
    return f"{_name(one.instance)} {_name(one.metric)}: {one.before:g} -> {one.now:g} {one.unit}{percent}"


def _movement(one: Movement) -> str:
    share = one.share(one.apart)
    apart = f"{one.apart:.3g} {one.unit}" + ("" if share is None else f" ({share:.1f} %)")
    before, now = (f"{low:g} to {high:g}" for low, high in (one.interval_before, one.interval_now))
    return f"{movement_in_words(one)}; {apart} beyond noise: intervals {before}, now {now}"


def _moved_title(difference: Difference) -> str:
    return f"Values that moved beyond noise: {len(difference.moved)}"


def _others(difference: Difference) -> tuple[str, ...]:
    lines = []
    if difference.moved_within:
        lines.append(f"{difference.moved_within} moved within their noise")
    if difference.replaced:
        lines.append(f"{difference.replaced} come from another configuration now and cannot be compared")
    return tuple(lines)


def _quarantine_title(difference: Difference) -> str:
    judged = difference.new_sessions + len(difference.quarantined)
    return f"Newly in quarantine: {len(difference.quarantined)} of {judged} sessions ({100 * difference.quarantined_share:.0f} %)"


def _quarantined(sessions: tuple[KeptOut, ...]) -> tuple[str, ...]:
    rules = first_lines((f"{rule}: {count}" for rule, count in rules_of(sessions)), MAX_LISTED, len(rules_of(sessions)))
    each = (f"{one.session} ({_name(one.subject)}): {', '.join(one.rules) or 'no rule named'}" for one in sessions)
    return (*rules, *first_lines(each, MAX_LISTED, len(sessions))) if sessions else ()


def _accounting(difference: Difference) -> tuple[str, ...]:
    words = ("read", "accepted", "quarantined", "rejected")
    now, then = difference.accounting, difference.accounting_before
    said = "{} read = {} accepted + {} quarantined + {} rejected".format(*(now[word] for word in words))
    before = "; before: {} = {} + {} + {}".format(*(then[word] for word in words)) if then else ""
    released = (f"{difference.released} released from quarantine",) if difference.released else ()
    return (f"{said}{before}", f"quality score {difference.quality:g}", *released)


def _schema(difference: Difference) -> tuple[str, ...]:
    if not difference.since:
        return (f"version {difference.schema_version}",)
    if difference.schema_version != difference.schema_version_before:
        version = f"version {difference.schema_version_before or 'unknown'} -> {difference.schema_version}"
    else:
        version = f"version {difference.schema_version}, as before"
    changed = [f"{path} is different" for path in difference.schema_files]
    return (version, *first_lines(changed, MAX_LISTED))


def _size(difference: Difference) -> tuple[str, ...]:
    (count, size), (count_before, size_before) = difference.documents, difference.documents_before
    before = f" (before: {count_before} with {size_before / 1e6:.2f} MB)" if count_before else ""
    return (f"{count} documents with {size / 1e6:.2f} MB{before}; {difference.files} files of the repository change",)


def _name(text: str) -> str:
    return text if len(text) <= MAX_NAME_CHARS else f"{text[: MAX_NAME_CHARS - 3]}..."


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: its marks escaped."""
    return "".join(f"\\{mark}" if mark in "\\`*_[]<>#|~!&" else mark for mark in _one_line(text))


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
