"""What a machine is told, how it is named, and how its end is judged: pure functions."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from assay.collect.ec2.failure import FailureClass, error_class, state_class
from assay.collect.ec2.ground import Image
from assay.collect.ec2.inventory import Machine
from assay.collect.ec2.start import Start, start_request
from assay.collect.fleet.arrive import check_claims
from assay.collect.fleet.launch import Launched, offers
from assay.collect.fleet.names import client_token, inbox, machine_tags, read_deadline, run_name
from assay.collect.fleet.plan import Place, PlannedMachine
from assay.collect.fleet.reap import overdue
from assay.collect.fleet.request import Market
from assay.collect.fleet.user_data import MAX_USER_DATA_BYTES, Grant, MachineOrder, user_data
from assay.collect.fleet.watch import View, judge
from assay.errors import FleetRefused, ManifestError
from assay.session import Manifest, RawFile, SessionKind, Source, format_time
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
PLACES = (
    Place("us-east-1", "us-east-1b", 0.1, 0.03),
    Place("us-east-1", "us-east-1a", 0.1, None),
    Place("eu-west-1", "eu-west-1a", 0.1, 0.05),
)
MACHINE = PlannedMachine("m7i.large-1", "m7i.large", "x86_64", 2, Market.SPOT, PLACES, 30.0, 69, 0.02, 0.12)
LAUNCHED = Launched(
    run="run-1",
    slot="m7i.large-1",
    attempt=1,
    instance_type="m7i.large",
    region="us-east-1",
    zone="us-east-1b",
    instance_id="i-1",
    market="spot",
    launched_at=format_time(NOW),
    deadline=format_time(NOW + timedelta(minutes=79)),
    emulated=False,
)
GRANT = Grant(
    "https://b.s3.amazonaws.com/", "lab/incoming/run-1/m7i.large-1/1/", {"policy": "p" * 1500, "x-amz-security-token": "t" * 1800}
)
ORDER = MachineOrder(
    "https://b.s3.amazonaws.com/agent?X=1", "0" * 64, GRANT, "m7i.large", 6, 10, "default", "CC BY 4.0", "it's $(us) `me`"
)


def test_the_first_command_of_the_user_data_arms_the_shutdown() -> None:
    lines = user_data(ORDER, 69).decode().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert lines[1].startswith("shutdown -P +69 || ")
    assert "sleep 4140; poweroff -f" in lines[1]


def test_the_user_data_fits_with_the_longest_credentials_and_is_the_same_for_the_same_order() -> None:
    raw = user_data(ORDER, 69)
    assert len(raw) < MAX_USER_DATA_BYTES
    assert raw == user_data(ORDER, 69)
    with pytest.raises(FleetRefused, match="EC2 takes 16384"):
        user_data(replace(ORDER, attribution="x" * 20_000), 69)


def test_the_user_data_is_a_shell_script_and_its_order_is_data(tmp_path: Any) -> None:
    script = tmp_path / "user-data"
    script.write_bytes(user_data(ORDER, 69))
    for shell in filter(shutil.which, ("sh", "dash", "bash")):
        subprocess.run([shell, "-n", str(script)], check=True)
    text = script.read_text()
    begin, end = text.index("<<'END_OF_ORDER'\n") + 17, text.index("\nEND_OF_ORDER\n")
    assert json.loads(text[begin:end])["attribution"] == "it's $(us) `me`", "quoted: the shell reads nothing in it"
    with pytest.raises(FleetRefused, match="END_OF_ORDER"):
        user_data(replace(ORDER, labels={"x": "\nEND_OF_ORDER\nrm -rf /"}), 69)


@pytest.mark.parametrize("market", list(Market))
def test_a_machine_is_asked_for_so_that_it_cannot_stay_and_cannot_be_entered(market: Market) -> None:
    image = Image("ami-1", "/dev/xvda", "debian-13-amd64")
    asked = start_request(Start("m7i.large", "us-east-1b", market, image, "sg-1", b"#!/bin/sh\n", "t" * 64, {"assay:run": "r"}))
    assert asked["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert asked["MetadataOptions"]["HttpTokens"] == "required"
    assert asked["SecurityGroupIds"] == ["sg-1"]
    assert "KeyName" not in asked
    assert "IamInstanceProfile" not in asked, "it has no permission in AWS at all"
    (disk,) = asked["BlockDeviceMappings"]
    assert (disk["Ebs"]["Encrypted"], disk["Ebs"]["DeleteOnTermination"]) == (True, True)
    assert (asked["MinCount"], asked["MaxCount"]) == (1, 1)
    tagged = {each["ResourceType"] for each in asked["TagSpecifications"]}
    assert tagged == {"instance", "volume"} | ({"spot-instances-request"} if market is Market.SPOT else set())
    assert ("InstanceMarketOptions" in asked) is (market is Market.SPOT)


def test_spot_is_tried_in_every_zone_that_sells_it_then_on_demand_then_the_next_region() -> None:
    tried = [(market.value, place.zone) for market, place in offers(MACHINE, 1)]
    assert tried == [
        ("spot", "us-east-1b"),
        ("on-demand", "us-east-1b"),
        ("on-demand", "us-east-1a"),
        ("spot", "eu-west-1a"),
        ("on-demand", "eu-west-1a"),
    ]
    assert {market for market, _ in offers(MACHINE, 2)} == {Market.ON_DEMAND}, "after an interruption"


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_run_has_a_name_for_tags_and_keys_and_no_two_runs_share_it(one: str, other: str) -> None:
    name = run_name(one)
    assert 1 <= len(name) <= 69
    assert all(char.isalnum() or char in ".-" for char in name)
    assert not name.startswith(("-", "."))
    assert inbox(name, "m7i.large-1", 1).count("/") == 4
    assert (run_name(other) == name) is (one == other)


def test_a_client_token_is_the_same_for_the_same_machine_only() -> None:
    tokens = {client_token("r", slot, attempt, zone, "spot") for slot in "ab" for attempt in (1, 2) for zone in "xy"}
    assert len(tokens) == 8
    assert {len(token) for token in tokens} == {64}, "as long as EC2 allows"
    assert client_token("r", "a", 1, "x", "spot") in tokens


@pytest.mark.parametrize(("origin", "said"), [("dag/manual__2026-11-21T18:00:00+00:00", True), ("", False), ("ü?", False)])
def test_the_origin_is_a_tag_where_a_tag_can_say_it(origin: str, said: bool) -> None:
    assert ("assay:origin" in machine_tags("r", "s", 1, "assay", NOW, origin)) is said


def test_a_deadline_is_read_back_from_the_tags() -> None:
    tags = machine_tags("r", "s", 1, "assay", NOW)
    assert read_deadline(tags) == NOW
    assert read_deadline({}) is None
    assert read_deadline({"assay:deadline": "tomorrow"}) is None


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("VcpuLimitExceeded", 400, FailureClass.QUOTA),
        ("MaxSpotInstanceCountExceeded", 400, FailureClass.QUOTA),
        ("InsufficientInstanceCapacity", 500, FailureClass.INSUFFICIENT_CAPACITY),
        ("Unsupported", 400, FailureClass.UNSUPPORTED),
        ("RequestLimitExceeded", 503, FailureClass.THROTTLED),
        ("SomethingNew", 502, FailureClass.THROTTLED),
        ("SomethingNew", 400, FailureClass.UNCLASSIFIED),
        ("", 400, FailureClass.UNCLASSIFIED),
    ],
)
def test_errors_are_classified_by_code(code: str, status: int, kind: FailureClass) -> None:
    assert error_class(code, status) is kind


def test_the_end_of_a_machine_is_classified_by_ec2s_reason() -> None:
    assert state_class("Server.SpotInstanceTermination") is FailureClass.INTERRUPTED
    assert state_class("Client.InstanceInitiatedShutdown") is FailureClass.LOST
    assert state_class("") is FailureClass.LOST


def machine(state: str = "running", reason: str = "", **tags: str) -> Machine:
    return Machine("i-1", "m7i.large", "us-east-1", "us-east-1b", state, reason, NOW, True, {"assay:run": "run-1", **tags})


def view(*machines: Machine, keys: tuple[str, ...] = (), minutes: float = 5) -> View:
    return View({each.instance_id: each for each in machines}, frozenset(keys), NOW + timedelta(minutes=minutes))


MANIFEST = "incoming/run-1/m7i.large-1/1/manifest.json"


@pytest.mark.parametrize(
    ("seen", "progress", "outcome"),
    [
        (view(machine()), {}, ""),
        (view(machine("pending")), {}, ""),
        (view(machine()), {"state": "running", "tool": "hpl", "step": 1, "steps": 9}, ""),
        (view(machine(), keys=(MANIFEST,)), {"state": "uploading"}, "uploaded"),
        (view(machine("terminated"), keys=(MANIFEST,)), {"state": "uploaded"}, "uploaded"),
        (view(keys=(MANIFEST,)), {}, "uploaded"),
        (view(machine("terminated", "Server.SpotInstanceTermination")), {"state": "running"}, "INTERRUPTED"),
        (view(machine("shutting-down", "Client.UserInitiatedShutdown")), {}, "LOST"),
        (view(machine("stopped")), {}, "LOST"),
        (view(minutes=0.5), {}, ""),
        (view(minutes=1.5), {}, "LOST"),
        (view(machine()), {"state": "failed", "text": "no packages"}, "CHECK_FAILED"),
        (view(machine()), {"state": "interrupted"}, "INTERRUPTED"),
        (view(machine(), minutes=70), {"state": "interrupted"}, "COMMAND_TIMEOUT"),
        (view(machine(), minutes=80), {"state": "running"}, "COMMAND_TIMEOUT"),
        (view(machine(), keys=(MANIFEST.replace("/1/", "/2/"),)), {}, ""),
    ],
)
def test_where_a_machine_stands(seen: View, progress: dict[str, Any], outcome: str) -> None:
    assert judge(LAUNCHED, seen, progress).outcome == outcome


@given(
    st.dictionaries(st.sampled_from(["state", "tool", "step", "steps", "text"]), st.one_of(st.text(), st.integers(), st.none()))
)
def test_whatever_a_machine_reports_the_judgement_stands(progress: dict[str, Any]) -> None:
    found = judge(LAUNCHED, view(machine()), progress)
    assert len(found.says) < 1_000
    assert found.outcome in ("", "CHECK_FAILED", "INTERRUPTED")


@pytest.mark.parametrize(
    ("found", "run_over", "reason"),
    [
        (machine(**{"assay:deadline": format_time(NOW + timedelta(minutes=1))}), False, None),
        (machine(**{"assay:deadline": format_time(NOW + timedelta(minutes=1))}), True, "its run is over"),
        (machine(**{"assay:deadline": format_time(NOW - timedelta(minutes=1))}), False, "outlived"),
        (machine(), False, "no deadline"),
        (machine("stopped"), False, "no deadline"),
        (machine("terminated"), True, None),
        (machine("shutting-down"), True, None),
    ],
)
def test_what_must_be_ended(found: Machine, run_over: bool, reason: str | None) -> None:
    why = overdue(found, NOW, lambda tags: run_over and tags["assay:run"] == "run-1")
    assert why is None if reason is None else reason in (why or "")


def manifest(**values: Any) -> Manifest:
    plain = Manifest(
        kind=SessionKind.INSTANCE_BENCHMARK,
        subject="m7i.large",
        started_at=NOW,
        ended_at=NOW,
        source=Source("assay-agent", "1", "CC BY 4.0", "us"),
        files=(RawFile("profile.json", 1, "0" * 64),),
        labels={"run": "run-1", "slot": "m7i.large-1"},
    )
    return replace(plain, **values)


def test_a_machine_cannot_pass_for_another_type_run_or_dataset() -> None:
    check_claims(manifest(), LAUNCHED, "default")
    labels = {"run": "run-1", "slot": "m7i.large-1", "emulated": "m7i.large"}
    check_claims(manifest(subject="host-1a2b3c4d", labels=labels), replace(LAUNCHED, emulated=True), "default")
    for wrong, launched in (
        (manifest(subject="m7i.48xlarge"), LAUNCHED),
        (manifest(subject="host-1a2b3c4d", labels=labels), LAUNCHED),
        (manifest(labels=labels), replace(LAUNCHED, emulated=True)),
        (manifest(labels={"run": "run-2", "slot": "m7i.large-1"}), LAUNCHED),
        (manifest(labels={"run": "run-1", "slot": "c7g.large-1"}), LAUNCHED),
        (manifest(dataset="other"), LAUNCHED),
    ):
        with pytest.raises(ManifestError, match="expected"):
            check_claims(wrong, launched, "default")
