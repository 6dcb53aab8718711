"""A folder on the lab machine: what is refused, what ships with a warning, and that the server judges the same."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from assay.errors import ManifestError
from assay.recording import (
    Lab,
    LabSchema,
    Limits,
    OnLab,
    Validated,
    judge,
    load_schema,
    recording_manifest,
    recording_of,
    validate,
)
from assay.recording.judge import clock_skew
from assay.recording.manifest import written
from assay.recording.rules import RULES
from assay.session import Manifest, hash_folder

SCHEMAS = Path(__file__).parents[3] / "schemas" / "recording"
LAB = Lab("example-lab", "Europe/Berlin")
START = datetime(2024, 2, 29, 15, 12, 21, tzinfo=UTC)
NOW = datetime(2024, 2, 29, 18, 0, tzinfo=UTC)
METADATA = "Fatigue: 3\nHardware Model: X1\ndata_files: a.edf, b.bin\n[sizes]\na.edf = 5\n"


def schema() -> LabSchema:
    found = load_schema(SCHEMAS, "example-lab")
    assert found is not None
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "20240229_161221"
    made.mkdir()
    for name, content in (("a.edf", b"01234"), ("b.bin", b"other"), ("metadata.txt", METADATA.encode())):
        write(made / name, content)
    return made


def write(path: Path, content: bytes, at: datetime = START + timedelta(minutes=30)) -> None:
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))


def validated(folder: Path, **fields: object) -> Validated:
    return validate(folder, LAB, schema(), **{"now": NOW, **fields})  # type: ignore[arg-type]


def rules(found: Validated) -> list[str]:
    return [one.rule for one in found.findings]


def test_a_good_folder_has_no_finding_and_its_variables_are_typed(folder: Path) -> None:
    found = validated(folder)
    assert not found.findings
    assert found.judged is not None
    assert found.judged.started_at == START
    assert found.judged.ended_at == START + timedelta(minutes=30)
    assert {v.name: (v.number if v.numeric else v.text) for v in found.judged.variables} == {
        "fatigue": 3.0,
        "hardware_model": "X1",
        "data_files": "a.edf, b.bin",
    }


def change(text: str) -> Callable[[Path], None]:
    return lambda folder: write(folder / "metadata.txt", text.encode())


GOOD = "fatigue: 3\nhardware_model: X1\n"
WARNED: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "metadata-missing": (lambda folder: (folder / "metadata.txt").unlink(), "", "", "no metadata file"),
    "metadata-several": (lambda folder: write(folder / "metadata.json", b"{}"), "metadata.txt", "", "second metadata file"),
    "metadata-encoding": (lambda f: write(f / "metadata.txt", b"a: 1\nb: \xff"), "metadata.txt", "", "line 2, byte 8"),
    "metadata-size": (lambda f: write(f / "metadata.txt", b"#" * 300_000), "metadata.txt", "", "bytes"),
    "metadata-format": (change(f"{GOOD}nothing here\n"), "metadata.txt", "line 3", "nothing here"),
    "duplicate-key": (change(f"{GOOD}Fatigue: 4\n"), "metadata.txt", "Fatigue (line 3)", "4"),
    "required-key": (change("fatigue: 3\n"), "metadata.txt", "hardware_model", "nothing"),
    "type": (change("fatigue: very\nhardware_model: X1\n"), "metadata.txt", "fatigue (line 1)", "very"),
    "unit": (change(f"{GOOD}sampling_rate: 5 kHz\n"), "metadata.txt", "sampling_rate (line 3)", "5 kHz"),
    "range": (change("fatigue: 11\nhardware_model: X1\n"), "metadata.txt", "fatigue (line 1)", "11"),
    "choice": (change("fatigue: 3\nhardware_model: the new one\n"), "metadata.txt", "hardware_model (line 2)", "the new one"),
    "unknown-key": (change(f"{GOOD}colour: red\n"), "metadata.txt", "colour (line 3)", "colour"),
    "listed-file": (change(f"{GOOD}data_files: a.edf, b.bin, c.edf\n"), "metadata.txt", "data_files", "c.edf"),
    "listed-size": (change(f"{GOOD}data_files: a.edf, b.bin\n[sizes]\na.edf = 6\n"), "a.edf", "sizes", "6"),
    "unlisted-file": (change(f"{GOOD}data_files: a.edf\n"), "b.bin", "", "do not name"),
    "empty-file": (lambda folder: write(folder / "a.edf", b""), "a.edf", "", "0 bytes"),
    "link-skipped": (lambda folder: (folder / "again.edf").symlink_to("a.edf"), "again.edf", "", "a link to a.edf"),
    "clock-skew": (lambda f: write(f / "a.edf", b"01234", NOW + timedelta(hours=1)), "", "last file", "2024-02-29T19:00:00Z"),
    "file-times": (lambda f: write(f / "a.edf", b"01234", START - timedelta(days=1)), "", "first file", "2024-02-28T15:12:21Z"),
}


@pytest.mark.parametrize("rule", WARNED)
def test_bad_metadata_ships_with_a_warning_that_names_file_field_value_and_rule(folder: Path, rule: str) -> None:
    spoil, file, field, value = WARNED[rule]
    spoil(folder)
    result = validated(folder)
    assert result.refused == ()
    assert result.judged is not None
    mine = [one for one in result.findings if one.rule == f"recording.{rule}"]
    assert len(mine) == 1, result.findings
    assert (mine[0].file, mine[0].field) == (file, field)
    assert value in mine[0].value
    assert mine[0].rule in mine[0].message
    assert mine[0].value in mine[0].message
    assert mine[0].file in mine[0].message


def refuse_link(folder: Path) -> None:
    (folder / "out").symlink_to("/etc/passwd")


def refuse_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def refuse_socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("socket")
    finally:
        os.chdir(here)


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link out": (refuse_link, "recording.link-leaves"),
    "a link to a folder outside": (lambda folder: (folder / "up").symlink_to(".."), "recording.link-leaves"),
    "a link up and away": (lambda folder: (folder / "sub").symlink_to("../../../x"), "recording.link-leaves"),
    "a pipe": (refuse_pipe, "recording.not-a-file"),
    "a socket": (refuse_socket, "recording.not-a-file"),
    "a control character": (lambda folder: write(folder / "a\nb", b"x"), "recording.unsafe-name"),
    "a backslash": (lambda folder: write(folder / "a\\b", b"x"), "recording.unsafe-name"),
    "a name that is not UTF-8": (
        lambda folder: write(Path(os.fsdecode(bytes(folder) + b"/\xff")), b"x"),
        "recording.unsafe-name",
    ),
    "a manifest of its own": (lambda folder: write(folder / "manifest.json", b"{}"), "recording.unsafe-name"),
    "nothing": (empty, "recording.no-files"),
}


@pytest.mark.enable_socket
@pytest.mark.parametrize("case", REFUSED)
def test_an_unsafe_folder_is_refused(folder: Path, case: str) -> None:
    spoil, rule = REFUSED[case]
    spoil(folder)
    result = validated(folder)
    assert [one.rule for one in result.refused] == [rule]
    assert result.judged is None


@pytest.mark.parametrize("limits", [Limits(files=2), Limits(file_bytes=10), Limits(bytes=20)])
def test_a_folder_beyond_the_limits_is_refused(folder: Path, limits: Limits) -> None:
    assert {one.rule for one in validated(folder, limits=limits).refused} == {"recording.too-large"}


def test_a_folder_that_is_a_link_or_none_is_refused(folder: Path) -> None:
    link = folder.parent / "20240229_161222"
    link.symlink_to(folder)
    for path in (link, folder / "a.edf", folder / "not there"):
        assert rules(validated(path)) == ["recording.folder-unreadable"]


@pytest.mark.parametrize("name", ["20210229_161221", "session 7", "20240229"])
def test_a_name_that_is_no_date_ships_and_starts_with_its_first_file(folder: Path, name: str) -> None:
    renamed = folder.rename(folder.parent / name)
    result = validated(renamed)
    assert rules(result) == ["recording.folder-name"]
    assert result.judged is not None
    assert result.judged.started_at == START + timedelta(minutes=30)
    assert name in result.findings[0].message


def test_a_lab_without_a_schema_keeps_every_key_as_text(folder: Path) -> None:
    result = validate(folder, LAB, None, now=NOW)
    assert "recording.no-schema" in rules(result)
    assert result.judged is not None
    assert {v.name: v.text for v in result.judged.variables}["fatigue"] == "3"


def test_copies_are_found_where_the_hashes_are_known(folder: Path) -> None:
    write(folder / "b.bin", b"01234")
    hashes = {file.path: file.sha256 for file in hash_folder(folder)}
    result = validated(folder, hashes=hashes)
    assert [(one.rule, one.file, one.value) for one in result.findings] == [
        ("recording.duplicate-file", "b.bin", "the bytes of a.edf")
    ]


@pytest.mark.parametrize("spoil", [None, *(name for name in WARNED if name != "link-skipped")])
def test_the_server_judges_what_arrived_as_the_lab_machine_did(folder: Path, spoil: str | None) -> None:
    if spoil is not None:
        WARNED[spoil][0](folder)
    files = hash_folder(folder)
    result = validated(folder, hashes={file.path: file.sha256 for file in files})
    assert result.judged is not None
    manifest = recording_manifest(folder.name, LAB, result.judged, files, written(result.files, schema()), "1")
    arrived = Manifest.parse(manifest.to_bytes())
    metadata = [(f.path, (folder / f.path).read_bytes()) for f in arrived.files if f.path.startswith("metadata")]
    again = judge(recording_of(arrived, metadata), schema(), NOW)
    assert again.findings == result.findings
    assert again.variables == result.judged.variables
    assert arrived.started_at == again.started_at


def test_the_same_folder_gives_the_same_manifest_at_any_time(folder: Path) -> None:
    def made(now: datetime) -> bytes:
        result = validated(folder, now=now)
        assert result.judged is not None
        return recording_manifest(
            folder.name, LAB, result.judged, hash_folder(folder), written(result.files, schema()), "1"
        ).to_bytes()

    assert made(NOW) == made(NOW + timedelta(days=90))


@pytest.mark.parametrize(
    "labels",
    [{}, {"folder": "x"}, {"folder": "x", "time_zone": "Mars"}, {"folder": "x", "time_zone": "UTC", "first_written": "?"}],
)
def test_a_manifest_without_its_labels_is_told(folder: Path, labels: dict[str, str]) -> None:
    result = validated(folder)
    assert result.judged is not None
    manifest = recording_manifest(folder.name, LAB, result.judged, hash_folder(folder), None, "1")
    with pytest.raises(ManifestError, match="labels"):
        recording_of(Manifest(**{**manifest.__dict__, "labels": labels}), [])


@pytest.mark.parametrize(("seconds", "told"), [(0, False), (300, False), (-301, True), (301, True)])
def test_clocks_that_differ_are_told(seconds: int, told: bool) -> None:
    assert (clock_skew(NOW + timedelta(seconds=seconds), NOW) is not None) == told


def test_only_what_is_unreadable_or_unsafe_is_refused() -> None:
    refused = {rule.id.partition(".")[2] for rule in RULES.values() if rule.on_lab is OnLab.REFUSED}
    assert refused == {"folder-unreadable", "no-files", "link-leaves", "not-a-file", "unsafe-name", "too-large"}


def test_a_value_cannot_write_into_a_log(folder: Path) -> None:
    write(folder / "metadata.txt", "fatigue: \x1b[31m9\u2028x\nhardware_model: X1\n".encode())
    for one in validated(folder).findings:
        assert one.message.isprintable()
