"""Permissions for one machine: to fetch the agent, and to write below its own prefix. Both end by themselves.

A presigned POST carries a signed policy that S3 checks: the key must begin with the machine's prefix and the object may not be
larger than stated. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

from assay.agent.package import zipapp_bytes
from assay.collect.ec2.client import plain_words
from assay.collect.fleet.user_data import Grant
from assay.errors import FleetRefused
from assay.storage import Storage
from assay.storage.s3 import S3Storage

MAX_UPLOAD_BYTES = 64 * 1024 * 1024


def require_s3(storage: Storage) -> S3Storage:
    """The store, if machines on EC2 can reach it. Raises FleetRefused with what to set."""
    if not isinstance(storage, S3Storage):
        raise FleetRefused(
            f"object storage: found {storage.url}; machines on EC2 upload to S3: set ASSAY_STORAGE_URL to s3://bucket/prefix"
        )
    return storage


def store_agent(storage: Storage) -> str:
    """Put the agent where machines fetch it, and give its SHA-256."""
    import hashlib

    raw = zipapp_bytes()
    sha256 = hashlib.sha256(raw).hexdigest()
    storage.write_once(agent_key(sha256), raw, sha256)
    return sha256


def agent_key(sha256: str) -> str:
    """Where the agent with that hash lies."""
    return f"agent/{sha256}.pyz"


def presign_agent(storage: S3Storage, sha256: str, seconds: int) -> str:
    """An address from which the agent can be fetched for that long."""
    with plain_words("presigning the agent's address"):
        return str(
            storage.client().generate_presigned_url(
                "get_object", Params={"Bucket": storage.bucket, "Key": storage.prefix + agent_key(sha256)}, ExpiresIn=seconds
            )
        )


def presign_inbox(storage: S3Storage, prefix: str, seconds: int) -> Grant:
    """A grant to write below the prefix for that long, and no longer than the credentials that sign it live."""
    below = storage.prefix + prefix
    with plain_words("presigning a machine's inbox"):
        post = storage.client().generate_presigned_post(
            Bucket=storage.bucket,
            Key=below + "${filename}",
            Conditions=[["content-length-range", 0, MAX_UPLOAD_BYTES]],
            ExpiresIn=seconds,
        )
    fields = {name: str(value) for name, value in post["fields"].items() if name != "key"}
    return Grant(url=str(post["url"]), prefix=below, fields=fields)
