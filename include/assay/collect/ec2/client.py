"""Clients of AWS, made in one place: bounded in time, patient with throttling, and led elsewhere by AWS_ENDPOINT_URL."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from assay.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_making = threading.Lock()
"""Clients may be used by many threads; a session may not."""

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def ec2_client(region: str) -> EC2Client:
    """A client of EC2 in a region. Raises AwsUnavailable where boto3 finds no credentials."""
    return cast("EC2Client", _client("ec2", region))


def quota_client(region: str) -> Any:
    """A client of Service Quotas in a region. Raises AwsUnavailable where boto3 finds no credentials."""
    return _client("service-quotas", region)


def has_credentials() -> bool:
    """Whether boto3 finds credentials, wherever it looks for them."""
    with _making:
        return _session().get_credentials() is not None


def is_emulated(client: Any) -> bool:
    """Whether a client speaks to a server that is not Amazon's: what is measured there is no EC2 instance."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return not host.endswith(_AMAZON)


def in_batches(names: Iterable[str], most: int) -> Iterator[list[str]]:
    """Names in order, each once, at most so many at a time: calls of AWS bound their lists."""
    waiting = iter(sorted(set(names)))
    while some := list(islice(waiting, most)):
        yield some


@contextlib.contextmanager
def plain_words(doing: str) -> Iterator[None]:
    """What boto3 raises becomes an AwsUnavailable of one sentence that begins with what was being done."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise AwsUnavailable(f"{doing}: no AWS credentials; {_ADVICE}") from None
    except ClientError as error:
        said = error.response.get("Error", {})
        raise AwsUnavailable(f"{doing}: AWS says {said.get('Code', 'nothing')}: {said.get('Message', error)}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise AwsUnavailable(f"{doing}: {str(error)[:500]}") from error


_ADVICE = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; docs/fleet.md says which permissions they need"


def _client(service: str, region: str) -> Any:
    from botocore.config import Config

    # Adaptive: after a throttled answer every later request of the client waits as well, which is what EC2 asks for.
    config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 5, "mode": "adaptive"})
    session = _session()
    with _making:
        if session.get_credentials() is None:
            raise AwsUnavailable(f"{service} in {region}: no AWS credentials; {_ADVICE}")
        return session.client(service, region_name=region, config=config)


@cache
def _session() -> Any:
    """One for the process: the description of EC2 that every client is made from takes a second to read."""
    import boto3

    return boto3.Session()
