"""The bucket of recordings: nothing in it can be replaced or deleted for years, by anybody's mistake or by a stolen key.

Four fences, each of which holds alone: versioning (a second write hides nothing), Object Lock (a version cannot be deleted before
its time), a bucket policy (no delete at all, and no write that could replace), and rights of the pipeline without any delete.
What is old moves to colder storage by itself; uploads in parts that nobody goes on with are taken back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from assay.errors import StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DELETES = [
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:BypassGovernanceRetention",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketVersioning",
    "s3:DeleteBucket",
]


@dataclass(frozen=True)
class BucketRules:
    """How long nothing can be deleted, and when it moves to colder storage, in days from its arrival. `mode` as S3 names it:
    COMPLIANCE binds the account's owner too, GOVERNANCE can be lifted with a right of its own."""

    retention_days: int = 3_650
    mode: str = "COMPLIANCE"
    infrequent_days: int = 30
    glacier_days: int = 180
    abandoned_days: int = 7


def object_lock(rules: BucketRules) -> dict[str, Any]:
    """The Object Lock configuration: every version is locked from its arrival."""
    return {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": rules.mode, "Days": rules.retention_days}},
    }


def lifecycle(rules: BucketRules) -> dict[str, Any]:
    """The lifecycle: colder with age, abandoned uploads taken back; nothing expires.

    Manifests and previews stay warm by their size: S3 moves nothing under 128 kB to these classes by default.
    """
    return {
        "Rules": [
            {
                "ID": "colder-with-age",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Transitions": [
                    {"Days": rules.infrequent_days, "StorageClass": "STANDARD_IA"},
                    {"Days": rules.glacier_days, "StorageClass": "GLACIER_IR"},
                ],
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": rules.abandoned_days},
            }
        ]
    }


def bucket_policy(bucket: str, administrator: str | None = None) -> dict[str, Any]:
    """The bucket policy: no delete by anybody but the administrator (an ARN), no write without `If-None-Match`, TLS only.

    `s3:ObjectCreationOperation` keeps the parts of an upload out of the second rule: their completion carries the condition.
    """
    objects, whole = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"
    others: dict[str, Any] = {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": administrator}}} if administrator else {}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "NobodyDeletes", "Effect": "Deny", "Principal": "*", "Action": _DELETES, "Resource": [whole, objects]}
            | others,
            {
                "Sid": "NobodyReplaces",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": objects,
                "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
            },
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [whole, objects],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def role_policies(bucket: str) -> dict[str, dict[str, Any]]:
    """What the roles that use the bucket may do: the ingestion API writes what is new, the pipeline reads. Neither deletes."""
    objects, whole = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"
    reads = [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": objects},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": whole},
    ]
    writes = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return {
        "ingestion-api": {
            "Version": "2012-10-17",
            "Statement": [*reads, {"Effect": "Allow", "Action": writes, "Resource": objects}],
        },
        "pipeline": {"Version": "2012-10-17", "Statement": reads},
    }


def documents(bucket: str, rules: BucketRules, administrator: str | None = None) -> Mapping[str, Any]:
    """Everything that `prepare` sets, and the policies of the roles, by name."""
    return {
        "object-lock": object_lock(rules),
        "lifecycle": lifecycle(rules),
        "bucket-policy": bucket_policy(bucket, administrator),
        "roles": role_policies(bucket),
    }


def prepare(
    bucket: str,
    rules: BucketRules,
    *,
    administrator: str | None = None,
    region: str | None = None,
    endpoint: str | None = None,
) -> None:
    """Make the bucket where it is not there, and set its fences. Once they stand, only the administrator may set them again.

    Raises StorageError when the bucket is there without Object Lock, which must be switched on when a bucket is made, or AWS
    refuses.
    """
    session = boto3.Session(region_name=region)
    client: S3Client = session.client("s3", region_name=session.region_name or "us-east-1", endpoint_url=endpoint)
    try:
        _make(client, bucket, session.region_name or "us-east-1")
        client.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        client.put_bucket_encryption(
            Bucket=bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]
            },
        )
        # The policy last: it forbids to change the others.
        client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=object_lock(rules))  # type: ignore[arg-type]
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=lifecycle(rules))  # type: ignore[arg-type]
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(bucket_policy(bucket, administrator)))
    except (ClientError, BotoCoreError) as error:
        raise StorageError(f"s3://{bucket}: {error}") from error


def _make(client: S3Client, bucket: str, region: str) -> None:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ("404", "NoSuchBucket"):
            raise
        where: dict[str, Any] = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True, **where)
    try:
        found = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["ObjectLockEnabled"]
    except (ClientError, KeyError):
        found = "Disabled"  # type: ignore[assignment]
    if found != "Enabled":
        raise StorageError(
            f"s3://{bucket}: is there without Object Lock, which is switched on when a bucket is made; choose another name"
        )
