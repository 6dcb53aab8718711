"""Metadata text in five formats: the same entries, nothing dropped silently, and no text that breaks the reader."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from assay.recording.formats import MAX_KEYS, Format, key_of, read_text
from assay.recording.text import Undecodable, decode
from hypothesis import given, settings
from hypothesis import strategies as st

LINES = "# by hand\nFatigue: 3\nHardware Model: X1\n\n; more\nnotes: left ear = loose: see photo\n"
EQUALS = "Fatigue=3\nHardware-Model = X1\nnotes=left ear = loose: see photo\n"
JSON = '{"fatigue": 3, "hardware_model": "X1", "notes": "left ear = loose: see photo"}'
YAML = 'fatigue: 3\nhardware_model: X1\nnotes: "left ear = loose: see photo"\n'
EXPECTED = {"fatigue": "3", "hardware_model": "X1", "notes": "left ear = loose: see photo"}

words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12).filter(lambda text: key_of(text) == text)
values = st.text(st.characters(categories=["L", "N", "P"], exclude_characters="#;"), max_size=30).map(str.strip)
mappings = st.dictionaries(words, values, max_size=8)


def entries(text: str, name: str) -> dict[str, str]:
    read = read_text(text, name)
    assert not read.problems
    assert not read.repeated
    return {entry.key: entry.value for entry in read.entries}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (LINES, "metadata.txt"),
        (EQUALS, "metadata.txt"),
        (EQUALS, "metadata.ini"),
        (JSON, "metadata.json"),
        (JSON, "metadata.txt"),
        (YAML, "metadata.yaml"),
        (f"---\n{YAML}", "metadata.txt"),
    ],
)
def test_every_format_says_the_same(text: str, name: str) -> None:
    assert entries(text, name) == EXPECTED


@given(mappings)
def test_any_mapping_is_the_same_from_every_format(mapping: dict[str, str]) -> None:
    assert entries(json.dumps(mapping), "m.json") == mapping
    assert entries(yaml.safe_dump(mapping, allow_unicode=True, default_style='"'), "m.yaml") == mapping
    assert entries("".join(f"{key}: {value}\n" for key, value in mapping.items()), "m.ini") == mapping
    assert entries("".join(f"{key}={value}\n" for key, value in mapping.items()), "m.ini") == mapping


@given(st.text(max_size=400), st.sampled_from(["m.txt", "m.ini", "m.json", "m.yaml"]))
@settings(max_examples=300)
def test_any_text_is_read_or_told_never_dropped(text: str, name: str) -> None:
    read = read_text(text, name)
    for entry in read.entries:
        assert entry.key
        assert entry.key == key_of(entry.key)
    if read.format is Format.LINES:
        lines = [line.strip() for line in text.split("\n")]
        wanted = [line for line in lines if line and line[0] not in "#;" and not (line[0] == "[" and line[-1] == "]")]
        assert len(wanted) <= len(read.entries) + len(read.repeated) + len(read.problems)


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_the_place_is_told(raw: bytes) -> None:
    try:
        text = decode(raw)
    except Undecodable as error:
        told = str(error)
    else:
        told = "line" if "\0" not in text and "\r" not in text else ""
    assert "byte" in told or "line" in told


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"a: 1\nb: \xff\n", "line 2, byte 8: 0xff is not utf-8"),
        (b"\xef\xbb\xbfa: \xe4", "line 1, byte 6: 0xe4 is not utf-8"),
        (b"a: 1\n\x00\x00", "line 2: holds a NUL"),
        (b"\xff\xfea", "not utf-16"),
    ],
)
def test_a_wrong_byte_is_named_with_its_place(raw: bytes, where: str) -> None:
    with pytest.raises(Undecodable, match=where):
        decode(raw)


def test_utf_16_with_its_mark_and_windows_line_ends_are_text() -> None:
    assert decode("ä: 1\r\nb: 2".encode("utf-16")) == "ä: 1\nb: 2"


def test_sections_and_nesting_join_their_keys() -> None:
    assert entries("[Recorder]\nSerial No: 7\n", "m.ini") == {"recorder.serial_no": "7"}
    assert entries('{"Recorder": {"Serial No": 7}, "files": ["a.edf", "b.edf"]}', "m.json") == {
        "recorder.serial_no": "7",
        "files": "a.edf, b.edf",
    }
    assert entries("Recorder:\n  Serial No: 7\nfiles: [a.edf, b.edf]\n", "m.yaml") == {
        "recorder.serial_no": "7",
        "files": "a.edf, b.edf",
    }


def test_a_key_without_a_value_is_kept() -> None:
    assert entries('{"a": {}, "b": [], "c": ""}', "m.json") == {"a": "", "b": "", "c": ""}
    assert entries("a: {}\nb: []\nc:\nd: ~\n", "m.yaml") == {"a": "", "b": "", "c": "", "d": ""}
    assert entries("a:\nb=\n", "m.txt") == {"a": "", "b": ""}


def test_values_stay_what_was_written() -> None:
    assert entries("answer: no\nlength: 1:30\nserial: 007\nrate: 1.50\n", "m.yaml") == {
        "answer": "no",
        "length": "1:30",
        "serial": "007",
        "rate": "1.50",
    }
    assert entries('{"serial": 1.50, "answer": false, "none": null}', "m.json") == {
        "serial": "1.50",
        "answer": "false",
        "none": "",
    }


@pytest.mark.parametrize(
    ("text", "name"), [("a: 1\nA: 2\n", "m.txt"), ('{"a": 1, "A": 2}', "m.json"), ("a: 1\na: 2\n", "m.yaml")]
)
def test_a_repeated_key_keeps_its_first_value_and_is_told(text: str, name: str) -> None:
    read = read_text(text, name)
    assert [(e.key, e.value) for e in read.entries] == [("a", "1")]
    assert [(e.key, e.value) for e in read.repeated] == [("a", "2")]


@pytest.mark.parametrize(
    ("text", "name", "line", "found"),
    [
        ("a: 1\njust words\n", "m.txt", 2, "just words"),
        ("a: 1\n: 2\n", "m.txt", 2, ": 2"),
        ('{"a": 1,\n "b" 2}', "m.json", 2, "Expecting"),
        ("[1, 2]", "m.json", 1, "list"),
        ("a: 1\nb: [1, [2]]\n", "m.yaml", 2, "list"),
        ("a: &x 1\nb: *x\n", "m.yaml", 2, "alias"),
        ("a: 1\n b: 2\n", "m.yaml", 2, "mapping values"),
        ("- a\n", "m.yaml", 1, "list"),
        ('{"a": ' * 6 + "1" + "}" * 6, "m.json", 0, "an object"),
        ('{"a": ' * 3 + "1", "m.json", 1, "Expecting"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, name: str, line: int, found: str) -> None:
    problems = read_text(text, name).problems
    assert len(problems) == 1
    assert problems[0].line == line
    assert found in problems[0].found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[" * 100_000, "m.json"),
        ('{"a":' * 50_000, "m.json"),
        ("[" * 20_000, "m.yaml"),
        ("a: &a [x,x]\nb: &b [*a,*a]\n", "m.yaml"),
        ("\n".join(f"k{n}: 1" for n in range(5_000)), "m.txt"),
        (f"a: {'x' * 100_000}\n", "m.txt"),
        (f"{'k' * 100_000}: 1\n", "m.txt"),
    ],
)
def test_a_text_made_to_hurt_is_told_in_a_moment(text: str, name: str) -> None:
    began = time.monotonic()
    read = read_text(text, name)
    assert read.problems
    assert len(read.entries) <= MAX_KEYS + 1
    assert time.monotonic() - began < 60
