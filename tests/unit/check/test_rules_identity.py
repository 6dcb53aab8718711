"""identity.*: what a session says of its machine, against the instance catalogue."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from made_batches import START, batch, findings_of, found_in, real_batch, session, stream

OK = stream(45.217, 44.819, 42.103, 41.984)
MISTAKEN_M7I = {
    "m7i.large-stream-20250629-213332.json",
    "m7i.large-stream-20250629-231149.json",
    "m7i.large-stream-20250629-232158.json",
    "m7i.large-hpl-20250629-235723.json",
}


def files_with(rule: str, test_data: Path) -> list[str]:
    made, files, _ = real_batch("aws-instance-benchmarks", test_data / "instance-benchmarks")
    return [files[name].rpartition("/")[2] for name in found_in(rule, made)]


def held(rule: str, *profiles: dict[str, object], subject: str = "m7i.large") -> list[int]:
    """The positions of the profiles in which the rule finds something."""
    made = batch(*(session(subject, OK, **profile) for profile in profiles))
    return [list(made.sessions["session"]).index(name) for name in found_in(rule, made)]


def test_identity_architecture_names_the_four_intel_results_that_say_graviton(test_data: Path) -> None:
    assert set(files_with("identity.architecture", test_data)) == MISTAKEN_M7I


def test_identity_architecture_takes_maker_and_instruction_set() -> None:
    claims = ["intel", "x86_64", "graviton", "arm64", "AMD", "something", None]
    assert held("identity.architecture", *({"claimed_architecture": claim} for claim in claims)) == [2, 3, 4]
    assert held("identity.architecture", {"claimed_isa": "aarch64"}, {"claimed_isa": "x86_64"}) == [0]


def test_identity_build_flags_names_the_four_intel_results_with_arm_flags(test_data: Path) -> None:
    assert set(files_with("identity.build-flags", test_data)) == MISTAKEN_M7I


def test_identity_build_flags_looks_at_targets_only() -> None:
    flags = ["-O3 -march=native", "-O3 -mavx2", "-mcpu=neoverse-v1", "-march=armv8.2-a"]
    assert held("identity.build-flags", *({"claimed_build_flags": flag} for flag in flags)) == [2, 3]
    assert held("identity.build-flags", *({"claimed_build_flags": flag} for flag in flags), subject="c7g.large") == [1]


def test_identity_container_names_the_44_results_with_a_foreign_image(test_data: Path) -> None:
    files = files_with("identity.container", test_data)
    assert len(files) == 44
    assert sum(file.split(".")[0].endswith("g") for file in files) == 23


def test_identity_container_reads_the_whole_name() -> None:
    images = ["x/stream:intel-icelake", "x/stream:amd-zen4", "x/stream:latest", "x/arm64/stream:1", "x/amd64/stream:1"]
    assert held("identity.container", *({"claimed_container": image} for image in images)) == [1, 3]


def test_identity_architecture_vocabulary_names_every_result_without_a_maker(test_data: Path) -> None:
    assert len(files_with("identity.architecture-vocabulary", test_data)) == 119


def test_identity_architecture_vocabulary_leaves_a_source_alone_that_keeps_to_one() -> None:
    assert held("identity.architecture-vocabulary", {"claimed_architecture": "x86_64"}, {"claimed_architecture": "arm64"}) == []
    assert held(
        "identity.architecture-vocabulary", {"claimed_architecture": "x86_64"}, {"claimed_architecture": "intel"}, {}
    ) == [0, 2]


def test_identity_instance_family_compares_with_the_catalogue() -> None:
    claims = [{"claimed_instance_family": "m7i"}, {"claimed_instance_family": "m7g"}, {"claimed_system_family": "c5"}]
    assert held("identity.instance-family", *claims) == [1, 2]


def test_identity_instance_type_compares_every_place_that_names_it() -> None:
    claims = [
        {"claimed_inner_instance_type": "m7i.large"},
        {"claimed_inner_instance_type": "m7i.xlarge"},
        {"file_name_instance_type": "c5.large"},
    ]
    assert held("identity.instance-type", *claims) == [1, 2]


def test_identity_vcpus_compares_with_the_catalogue() -> None:
    assert held("identity.vcpus", {"claimed_vcpus": 2}, {"claimed_vcpus": 4}, {}) == [1]


def test_identity_unknown_type_warns_and_hosts_are_no_types() -> None:
    made = batch(session("m7i.large", OK), session("zz99.large", OK), session("host-0a1b2c3d", OK))
    assert found_in("identity.unknown-type", made) == [made.sessions["session"][1]]


def test_identity_start_not_unique_names_the_results_that_share_a_second(test_data: Path) -> None:
    made, _, _ = real_batch("aws-instance-benchmarks", test_data / "instance-benchmarks")
    starts = made.sessions["started_at"].value_counts()
    assert len(starts) == 38
    shared = made.sessions["started_at"].map(starts) > 1
    assert found_in("identity.start-not-unique", made) == sorted(made.sessions.loc[shared, "session"])


def test_identity_start_not_unique_needs_a_file_name_that_uses_it() -> None:
    named = {"source_file": "m7i.large-stream-20250101-000000.json"}
    made = batch(
        session("m7i.large", OK, **named),
        session("c7g.large", OK, source_file="c7g.large-stream-20250101-000000.json"),
        session("c5.large", OK, source_file="run/stdout"),
        session("c5.large", OK, started_at=START + timedelta(seconds=1), source_file="c5.large-stream-20250101-000001.json"),
    )
    assert found_in("identity.start-not-unique", made) == list(made.sessions["session"][:2])


def test_identity_private_details_names_what_is_there_and_shows_none_of_it(test_data: Path) -> None:
    made, _, _ = real_batch("aws-instance-benchmarks", test_data / "instance-benchmarks")
    found = findings_of("identity.private-details", made)
    assert len(found) == 124
    assert found["message"].str.contains("public address").sum() == 116
    assert not found["message"].str.contains(r"\d+\.\d+\.\d+\.\d+|i-[0-9a-f]{8}").any()
