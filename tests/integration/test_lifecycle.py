"""The bucket's lifecycle, docs/aws/lifecycle.json: S3 takes it, its prefixes are those that are written, it loses nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from assay.archive.place import FOLDER as ARCHIVE
from assay.collect.fleet.names import inbox
from assay.read.batches import EXECUTIONS, MEASUREMENTS
from assay.session import SessionKind
from assay.settings import project_root

pytestmark = pytest.mark.enable_socket

WRITTEN = {
    "incoming/": inbox("run", "m7i.large-1", 1),
    "raw/instance_benchmark/": f"raw/{SessionKind.INSTANCE_BENCHMARK}/2024/11/20/",
    "archive/": f"{ARCHIVE}/default/2024-11-20/",
    "processed/": f"{MEASUREMENTS}/",
    "": f"{EXECUTIONS}/",
}


@pytest.fixture(scope="module")
def lifecycle() -> dict[str, Any]:
    text = (project_root() / "docs" / "aws" / "lifecycle.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text.replace("PREFIX/", "lab/"))
    return document


def test_s3_takes_it(lifecycle: dict[str, Any], s3: Any, bucket: str) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=lifecycle)
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [(rule["ID"], rule["Status"], rule["Filter"]["Prefix"]) for rule in found] == [
        (rule["ID"], "Enabled", rule["Filter"]["Prefix"]) for rule in lifecycle["Rules"]
    ]
    assert [rule.get("Transitions") for rule in found] == [rule.get("Transitions") for rule in lifecycle["Rules"]]


def test_its_prefixes_are_those_that_are_written(lifecycle: dict[str, Any]) -> None:
    prefixes = [rule["Filter"]["Prefix"].removeprefix("lab/") for rule in lifecycle["Rules"]]
    assert sorted(prefixes) == sorted(WRITTEN)
    assert all(key.startswith(prefix) for prefix, key in WRITTEN.items())


def test_only_inboxes_expire(lifecycle: dict[str, Any]) -> None:
    expiring = [rule["Filter"]["Prefix"] for rule in lifecycle["Rules"] if "Days" in rule.get("Expiration", {})]
    assert expiring == ["lab/incoming/"], "what is no session yet; everything else goes by a step of the pipeline or stays"
    colder = {entry["StorageClass"] for rule in lifecycle["Rules"] for entry in rule.get("Transitions", [])}
    assert colder == {"GLACIER_IR"}, "read like any object, without a restore"
