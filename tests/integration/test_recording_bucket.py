"""The bucket of recordings on the AWS emulator: what came cannot be deleted, and a second write hides nothing."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from assay.errors import StorageError
from assay.storage.recording_bucket import BucketRules, bucket_policy, prepare, role_policies

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def locked(prepared: str, s3: Any) -> str:
    """Without the policy: the emulator knows no conditions and would deny every write. Object Lock must hold alone."""
    s3.delete_bucket_policy(Bucket=prepared)
    return prepared


@pytest.fixture(params=["COMPLIANCE", "GOVERNANCE"])
def prepared(aws: str, request: pytest.FixtureRequest) -> str:
    name = f"recordings-{uuid.uuid4().hex[:12]}"
    for _ in range(2):
        prepare(name, BucketRules(retention_days=30, mode=request.param), endpoint=aws)
    return name


def test_a_version_cannot_be_deleted_and_a_plain_delete_loses_nothing(locked: str, s3: Any) -> None:
    s3.put_object(Bucket=locked, Key="a", Body=b"first", ChecksumAlgorithm="SHA256")
    version = s3.head_object(Bucket=locked, Key="a")["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=locked, Key="a", VersionId=version)
    s3.delete_object(Bucket=locked, Key="a")
    assert s3.get_object(Bucket=locked, Key="a", VersionId=version)["Body"].read() == b"first"


def test_a_second_write_is_refused_and_without_the_condition_hides_nothing(locked: str, s3: Any) -> None:
    s3.put_object(Bucket=locked, Key="a", Body=b"first", IfNoneMatch="*", ChecksumAlgorithm="SHA256")
    version = s3.head_object(Bucket=locked, Key="a")["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=locked, Key="a", Body=b"other", IfNoneMatch="*", ChecksumAlgorithm="SHA256")
    s3.put_object(Bucket=locked, Key="a", Body=b"other", ChecksumAlgorithm="SHA256")  # the policy forbids it on AWS
    assert s3.get_object(Bucket=locked, Key="a", VersionId=version)["Body"].read() == b"first"


def test_the_policy_denies_every_delete(locked: str, s3: Any) -> None:
    s3.put_object(Bucket=locked, Key="a", Body=b"first", ChecksumAlgorithm="SHA256")
    policy = bucket_policy(locked)
    policy["Statement"] = policy["Statement"][:1]
    s3.put_bucket_policy(Bucket=locked, Policy=json.dumps(policy))
    with pytest.raises(s3.exceptions.ClientError, match="403"):
        s3.delete_object(Bucket=locked, Key="a")
    assert s3.get_object(Bucket=locked, Key="a")["Body"].read() == b"first"


def test_all_of_it_is_set(prepared: str, s3: Any) -> None:
    assert s3.get_bucket_versioning(Bucket=prepared)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=prepared)["Rules"]
    assert [each["StorageClass"] for each in rule["Transitions"]] == ["STANDARD_IA", "GLACIER_IR"]
    assert (rule["AbortIncompleteMultipartUpload"], "Expiration" in rule) == ({"DaysAfterInitiation": 7}, False)
    assert json.loads(s3.get_bucket_policy(Bucket=prepared)["Policy"]) == bucket_policy(prepared)
    assert all(s3.get_public_access_block(Bucket=prepared)["PublicAccessBlockConfiguration"].values())


def test_a_bucket_without_object_lock_is_refused(bucket: str, aws: str) -> None:
    with pytest.raises(StorageError, match="without Object Lock"):
        prepare(bucket, BucketRules(), endpoint=aws)


def test_no_role_may_delete(prepared: str) -> None:
    for role, policy in role_policies(prepared).items():
        actions = [action for statement in policy["Statement"] for action in statement["Action"]]
        assert not [action for action in actions if "Delete" in action or "*" in action], role
    assert "s3:PutObject" not in str(role_policies(prepared)["pipeline"])
