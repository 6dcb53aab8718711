"""Nothing that leaves the machine says which machine it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from assay.agent.label import host_label
from assay.agent.mask import Mask, machine_mask
from hypothesis import given
from hypothesis import strategies as st

MASK = Mask({"/home/alice": "{home}", "/home/alice/.cache/builds": "{work}"}, {"lab-7": "{host}", "alice": "{user}"})


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/home/alice/.cache/builds/stream", "{work}/stream"),
        ("/home/alice/bin/hpcc", "{home}/bin/hpcc"),
        ("/home/alice", "{home}"),
        ("/home/alice2/bin", "/home/alice2/bin"),
        ("--sizes 1,2,3", "--sizes 1,2,3"),
    ],
)
def test_the_longest_known_folder_becomes_its_placeholder(text: str, masked: str) -> None:
    assert MASK.paths(text) == masked


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        (b"node lab-7: error", b"node {host}: error"),
        (b"lab-70 and xlab-7 stay", b"lab-70 and xlab-7 stay"),
        (b"user alice in /home/alice/x", b"user {user} in {home}/x"),
        (b"Hostname: 'vm'", b"Hostname: '{host}'"),
        (b"host name = a.example.org", b"host name = {host}"),
        (b"\xff lab-7 \xfe", b"\xff {host} \xfe"),
    ],
)
def test_names_become_placeholders_as_whole_words_and_wherever_a_tool_states_one(raw: bytes, masked: bytes) -> None:
    assert MASK.everything(raw) == masked


@given(st.binary(max_size=200))
def test_any_bytes_pass_and_masking_twice_changes_nothing_more(raw: bytes) -> None:
    once = MASK.everything(raw)
    assert MASK.everything(once) == once


def test_the_mask_of_this_machine_knows_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home-of-somebody"))
    monkeypatch.setenv("LOGNAME", "somebody-special")
    link = tmp_path / "link"
    (tmp_path / "real").mkdir()
    link.symlink_to(tmp_path / "real")
    mask = machine_mask({"work": link})
    assert mask.paths(str(link / "a")) == "{work}/a"
    assert mask.paths(str(tmp_path / "real" / "a")) == "{work}/a"
    assert mask.everything(f"{tmp_path}/home-of-somebody/x somebody-special".encode()) == b"{home}/x {user}"


def test_a_label_is_stable_and_tells_nothing_of_the_id(tmp_path: Path) -> None:
    machine_id = tmp_path / "machine-id"
    machine_id.write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    label = host_label(tmp_path / "home", machine_id)
    assert re.fullmatch(r"host-[0-9a-f]{8}", label)
    assert host_label(tmp_path / "another-home", machine_id) == label
    assert label[5:] not in "3d1219c7c4c5404aaa1f6d2a48adfda4"
    machine_id.write_text("0" * 32)
    assert host_label(tmp_path / "home", machine_id) != label


@pytest.mark.parametrize("content", [None, "", "\n", "uninitialized\n"])
def test_without_a_machine_id_a_random_one_is_kept_in_home(tmp_path: Path, content: str | None) -> None:
    machine_id = tmp_path / "machine-id"
    if content is not None:
        machine_id.write_text(content)
    first = host_label(tmp_path / "one", machine_id)
    assert host_label(tmp_path / "one", machine_id) == first
    assert host_label(tmp_path / "two", machine_id) != first
