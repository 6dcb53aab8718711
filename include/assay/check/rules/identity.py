"""Who the session says it is, against what the instance catalogue knows. A contradiction is a warning: the catalogue's facts are
published, never the claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from assay.check.found import found, records
from assay.check.machines import machines
from assay.check.rule import Batch, Rule, Severity

VENDORS = {
    "intel": "intel",
    "genuineintel": "intel",
    "amd": "amd",
    "authenticamd": "amd",
    "graviton": "graviton",
}
"""Words for the maker of a processor, and the architecture that each stands for."""

ISAS = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x86": "x86_64",
    "arm64": "arm64",
    "aarch64": "arm64",
    "arm": "arm64",
    "i386": "i386",
}
"""Words for an instruction set, and the one that each stands for."""

_ARM_TARGET = re.compile(r"-m(?:cpu|arch|tune)=(?:neoverse|cortex|armv\d|ampere|apple|thunderx|a64fx|graviton)")
_X86_TARGET = re.compile(
    r"-m(?:avx|sse|fma\b|bmi|prefer-(?:avx|vector-width))"
    r"|-m(?:cpu|arch|tune)=(?:x86-64|skylake|cascadelake|icelake|sapphirerapids|haswell|broadwell|ivybridge|znver|core2|nehalem)"
)
_WORD = re.compile(r"[a-z0-9_]+")
_START_SECOND = "%Y%m%d-%H%M%S"

Row = tuple[Any, str, str, str, str]


def unknown_type(batch: Batch) -> pd.DataFrame:
    """EC2 types that the catalogue does not have."""
    table = batch.once(machines)
    unknown = table[(~table["known"] & ~table["is_host"]).to_numpy()]
    return found(
        (
            session,
            "",
            str(subject),
            "an instance type of the catalogue",
            f"{subject} is not in the instance catalogue; its facts stay absent.",
        )
        for session, subject in records(unknown, "session", "subject")
    )


def instance_family(batch: Batch) -> pd.DataFrame:
    """Sessions that claim another family than their type belongs to."""
    return found(
        row
        for name in ("claimed_instance_family", "claimed_system_family")
        for row in _contradictions(batch, name, "instance_family", lambda claim: claim, lambda claim, fact: claim == fact)
    )


def instance_type(batch: Batch) -> pd.DataFrame:
    """Sessions of which a second place (inner metadata, file name) names another instance type."""
    return found(
        row
        for name in ("claimed_inner_instance_type", "file_name_instance_type")
        for row in _contradictions(batch, name, "subject", lambda claim: claim, lambda claim, fact: claim == fact)
    )


def architecture(batch: Batch) -> pd.DataFrame:
    """Sessions that claim a maker or an instruction set that their type does not have."""
    fields = ("claimed_architecture", "claimed_system_architecture", "claimed_isa", "claimed_vendor")
    rows = {
        row[0]: row for name in reversed(fields) for row in _words_against_machine(batch, name, lambda claim: {claim.lower()})
    }
    return found(rows.values())


def container(batch: Batch) -> pd.DataFrame:
    """Sessions that claim a container image for another maker or instruction set."""
    return found(_words_against_machine(batch, "claimed_container", lambda claim: set(_WORD.findall(claim.lower()))))


def build_flags(batch: Batch) -> pd.DataFrame:
    """Sessions that claim compiler flags for another instruction set."""

    def words(flags: str) -> set[str]:
        arm = {"arm64"} if _ARM_TARGET.search(flags) else set()
        return arm | ({"x86_64"} if _X86_TARGET.search(flags) else set())

    return found(_words_against_machine(batch, "claimed_build_flags", words))


def vcpus(batch: Batch) -> pd.DataFrame:
    """Sessions that claim another number of processors than their type has."""
    return found(_contradictions(batch, "claimed_vcpus", "vcpus", int, lambda claim, fact: claim == int(fact)))


def architecture_vocabulary(batch: Batch) -> pd.DataFrame:
    """Sessions without a maker in a field in which the same source elsewhere names makers."""
    claims = batch.claim("claimed_architecture")
    kind = pd.Series([_vocabulary(claim) for claim in claims], index=claims.index)
    source = batch.sessions["source"]
    mixed = (kind == "vendor").groupby(source).transform("any") & (kind != "vendor")
    rows = batch.sessions.assign(claim=claims, kind=kind)[mixed.to_numpy(dtype=bool)]
    expected = "intel, amd or graviton, as in other results of this source"
    return found(
        (
            session,
            "",
            "nothing" if kind == "absent" else str(claim),
            expected,
            f"The architecture is {'absent' if kind == 'absent' else repr(claim)}; elsewhere the source names makers here.",
        )
        for session, claim, kind in records(rows, "session", "claim", "kind")
    )


def start_not_unique(batch: Batch) -> pd.DataFrame:
    """Sessions whose source names files by the second of their start, which they share with others."""
    sessions = batch.sessions
    stamp = sessions["started_at"].dt.strftime(_START_SECOND)
    named = pd.Series(
        [mark in str(file) for mark, file in zip(stamp, sessions["source_file"], strict=True)], index=sessions.index
    )
    same = sessions.groupby(["source", "started_at"], dropna=False)["session"].transform("size")
    shared = sessions.assign(same=same, stamp=stamp)[(named & (same > 1)).to_numpy(dtype=bool)]
    return found(
        (
            session,
            "",
            stamp,
            "a start of its own, as the file's name suggests",
            f"{same - 1} other sessions of the source start in the same second: the start is no key.",
        )
        for session, same, stamp in records(shared, "session", "same", "stamp")
    )


def private_details(batch: Batch) -> pd.DataFrame:
    """Sessions whose raw files hold addresses or ids of machines."""
    names = {"has_public_ip": "public address", "has_private_ip": "private address", "has_instance_id": "instance id"}
    flags = pd.DataFrame({text: batch.claim(name).eq(True).fillna(False) for name, text in names.items()})
    rows = batch.sessions.loc[flags.any(axis="columns").to_numpy(), ["session"]]
    held = [", ".join(text for text in flags.columns if flags.at[index, text]) for index in rows.index]
    return found(
        (session, "", text, "no address and no id", f"The raw file holds: {text}. None of it is published.")
        for session, text in zip(rows["session"], held, strict=True)
    )


def _vocabulary(claim: Any) -> str:
    if not isinstance(claim, str) or not claim:
        return "absent"
    word = claim.lower()
    return "vendor" if word in VENDORS else "isa" if word in ISAS else "other"


def _words_against_machine(batch: Batch, name: str, words: Callable[[str], Iterable[str]]) -> Iterable[Row]:
    """Findings where a claim's words name a maker or an instruction set that the machine does not have."""
    table = batch.once(machines).assign(claim=batch.claim(name))
    table = table[(table["claim"].notna() & table["architecture"].isin(sorted(set(VENDORS.values())))).to_numpy()]
    meanings = {claim: _meaning(words(str(claim))) for claim in table["claim"].unique()}
    for session, subject, claim, maker, isa in records(table, "session", "subject", "claim", "architecture", "isa"):
        vendors, isas = meanings[claim]
        known = set(isa) if isinstance(isa, list | tuple) else set()
        if (vendors and maker not in vendors) or (known and isas and not isas & known):
            expected = f"{maker}" + (f" ({', '.join(sorted(known))})" if known else "")
            yield session, "", str(claim), expected, f"{_field(name)} is {claim!r}, but {subject} is {expected}."


def _meaning(words: Iterable[str]) -> tuple[set[str], set[str]]:
    words = set(words)
    return {VENDORS[word] for word in words & set(VENDORS)}, {ISAS[word] for word in words & set(ISAS)}


def _contradictions(
    batch: Batch, name: str, fact: str, convert: Callable[[Any], Any], agrees: Callable[[Any, Any], bool]
) -> Iterable[Row]:
    """Findings where a claim differs from a fact of the machine; where either is not known there is none."""
    table = batch.once(machines).assign(claim=batch.claim(name))
    table = table[(table["claim"].notna() & table[fact].notna() & ~table["is_host"]).to_numpy()]
    if fact != "subject":
        table = table[table["known"].to_numpy()]
    for session, subject, claim, known in records(table, "session", "subject", "claim", fact):
        if not agrees(convert(claim), known):
            yield session, "", str(claim), str(known), f"{_field(name)} is {claim!r}, but {subject} has {known!r}."


def _field(name: str) -> str:
    return _FIELDS.get(name, name.removeprefix("claimed_").replace("_", " "))


_FIELDS: Mapping[str, str] = {
    "claimed_inner_instance_type": "instance type in the inner metadata",
    "file_name_instance_type": "instance type in the file's name",
    "claimed_system_family": "instance family of the system",
    "claimed_system_architecture": "architecture of the system",
    "claimed_isa": "architecture that lscpu prints",
    "claimed_vendor": "vendor that lscpu prints",
    "claimed_container": "container image",
    "claimed_build_flags": "compiler flags",
    "claimed_vcpus": "number of processors",
}

_CATALOGUE = "What a type is, is a fact that EC2 publishes (DescribeInstanceTypes); what a result file says of it is a label"

RULES = (
    Rule(
        "identity.unknown-type",
        Severity.WARNING,
        "The instance type is in the instance catalogue.",
        "The catalogue is EC2's own description of its types as of a date; a newer type is measured all the same, and "
        "what is not "
        "known of it stays absent.",
        unknown_type,
    ),
    Rule(
        "identity.instance-family",
        Severity.WARNING,
        "The instance family is the one that the type belongs to.",
        f"{_CATALOGUE}.",
        instance_family,
    ),
    Rule(
        "identity.instance-type",
        Severity.WARNING,
        "Every place that names the instance type names the same one.",
        "Where two places differ, one of them was copied from another run.",
        instance_type,
    ),
    Rule(
        "identity.architecture",
        Severity.WARNING,
        "The architecture is that of the instance type.",
        f"{_CATALOGUE}: one public source tests for the letter g and calls every `large` a Graviton.",
        architecture,
    ),
    Rule(
        "identity.architecture-vocabulary",
        Severity.WARNING,
        "A source uses one vocabulary for the architecture.",
        "A field that holds makers here, instruction sets there and elsewhere nothing cannot be filtered by; ours comes from the "
        "catalogue.",
        architecture_vocabulary,
    ),
    Rule(
        "identity.container",
        Severity.WARNING,
        "The container image is one for the machine's architecture.",
        "An image for another instruction set does not run, and one for another maker was tuned for another machine: "
        "the field is "
        "a label, not a record.",
        container,
    ),
    Rule(
        "identity.build-flags",
        Severity.WARNING,
        "The compiler flags are flags for the machine's instruction set.",
        "A compiler for x86 refuses -mcpu=neoverse-v1, and one for ARM refuses -mavx2: such flags were not used (GCC manual, "
        "machine-dependent options).",
        build_flags,
    ),
    Rule(
        "identity.vcpus",
        Severity.WARNING,
        "The machine has as many processors as its type.",
        "Fewer processors than the type has mean a limit (CPU options, a container); more mean another machine.",
        vcpus,
    ),
    Rule(
        "identity.start-not-unique",
        Severity.WARNING,
        "A start time that a source names its files by is the session's own.",
        "A second is too coarse where machines are started together; our session ids carry a digest of the files beside it.",
        start_not_unique,
    ),
    Rule(
        "identity.private-details",
        Severity.WARNING,
        "A raw file holds no address and no id of a machine or an account.",
        "Such details identify machines and people; they stay in raw storage and are cut before anything is published.",
        private_details,
    ),
)
