"""What was asked of an AWS emulator, as IAM names it, beside a policy: what it does not allow, and what of it was not used."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote

from assay.emulator.ec2 import Ec2Server
from assay.settings import project_root


class Asked(NamedTuple):
    """An action and the ARN of what it is asked of, `*` where the emulator does not say; of a listing the prefix too."""

    action: str
    resource: str
    prefix: str = ""


_FORM = "application/x-www-form-urlencoded"
_KEY = re.compile(rb'name="key"\r\n\r\n([^\r]+)\r\n')
_DELETED = re.compile(r"<Object>(.*?)</Object>", re.DOTALL)
_SUBRESOURCES = {"list-type": "s3:ListBucket", "versions": "s3:ListBucketVersions", "versioning": "s3:GetBucketVersioning"}


@dataclass
class NotingServer(Ec2Server):
    """Notes what is asked, presigned requests included: whoever signed them needs the permission."""

    asked: set[Asked] = field(default_factory=set)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        self.asked.update(_actions(environ, body))
        return super()._answer(environ, start_response)


def _actions(environ: Mapping[str, Any], body: bytes) -> Iterator[Asked]:
    kind, scope = str(environ.get("CONTENT_TYPE", "")), str(environ.get("HTTP_AUTHORIZATION", "")).split("/")
    service = scope[3] if len(scope) > 3 else "s3"
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        yield Asked(f"{service}:{target.rpartition('.')[2]}", "*")
    elif kind.startswith(_FORM):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        yield Asked(f"{service}:{form['Action']}", form.get("TopicArn", "*"))
    elif not environ["PATH_INFO"].startswith("/moto-api"):
        yield from _of_s3(environ, body)


def _of_s3(environ: Mapping[str, Any], body: bytes) -> Iterator[Asked]:
    bucket, _, key = unquote(environ["PATH_INFO"].lstrip("/")).partition("/")
    query, method = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)), environ["REQUEST_METHOD"]
    whole = f"arn:aws:s3:::{bucket}"
    if not key and method == "POST" and "delete" in query:
        for entry in _DELETED.findall(body.decode()):
            named = re.search("<Key>(.*?)</Key>", entry)
            assert named is not None
            yield Asked("s3:DeleteObjectVersion" if "<VersionId>" in entry else "s3:DeleteObject", f"{whole}/{named[1]}")
    elif not key and method == "POST":
        posted = _KEY.search(body)
        assert posted is not None
        yield Asked("s3:PutObject", f"{whole}/{posted[1].decode()}")
    elif not key and method == "GET":
        action = next(action for name, action in _SUBRESOURCES.items() if name in query)
        yield Asked(action, whole, query.get("prefix", ""))
    elif not key:
        yield Asked(f"s3:{method} of a bucket", whole)  # a test prepares it; no role of ours may
    elif "uploadId" in query and method in ("GET", "DELETE"):
        of_parts = {"GET": "s3:ListMultipartUploadParts", "DELETE": "s3:AbortMultipartUpload"}
        yield Asked(of_parts[method], f"{whole}/{key}")
    else:
        actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": "s3:DeleteObject"}
        yield Asked(actions.get(method, "s3:PutObject"), f"{whole}/{key}")


@dataclass(frozen=True)
class Policy:
    """One of docs/iam/, with its placeholders filled in."""

    statements: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, name: str, **values: str) -> Policy:
        text = (project_root() / "docs" / "iam" / f"{name}.json").read_text(encoding="utf-8")
        for placeholder, value in values.items():
            assert placeholder in text, f"{name}.json names {placeholder}"
            text = text.replace(placeholder, value)
        document = json.loads(text)
        assert document["Version"] == "2012-10-17"
        return cls(tuple(document["Statement"]))

    def allowing(self, asked: Asked) -> Iterator[tuple[int, str]]:
        """Which statements allow it, each with the action's name."""
        for number, statement in enumerate(self.statements):
            assert statement["Effect"] == "Allow"
            named = any(fnmatchcase(asked.resource, pattern) for pattern in _listed(statement["Resource"]))
            below = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", "*")
            holds = (named or asked.resource == "*") and fnmatchcase(asked.prefix, below)
            if holds and asked.action in _listed(statement["Action"]):
                yield number, asked.action

    def refused(self, asked: Iterable[Asked]) -> set[Asked]:
        """What was asked and is not allowed."""
        return {each for each in asked if not any(self.allowing(each))}

    def unused(self, asked: Iterable[Asked]) -> set[str]:
        """What is allowed and was never asked, each as `statement: action`."""
        used = {found for each in asked for found in self.allowing(each)}
        return {
            f"{statement['Sid']}: {action}"
            for number, statement in enumerate(self.statements)
            for action in _listed(statement["Action"])
            if (number, action) not in used
        }

    def actions(self) -> set[str]:
        """Everything that it allows somewhere."""
        return {action for statement in self.statements for action in _listed(statement["Action"])}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
