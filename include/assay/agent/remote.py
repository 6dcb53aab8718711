"""From a machine in the cloud to storage: what it was told, and how it writes below its own prefix.

It holds no credentials: its order carries a presigned POST, whose signed policy lets it write there and nowhere else.
"""

from __future__ import annotations

import http.client
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.agent.repeats import Repeats
from assay.errors import AssayError

PAUSES_S = (1.0, 3.0, 10.0, 30.0)
TIMEOUT_S = 120.0
MAX_ORDER_BYTES = 64 * 1024


@dataclass(frozen=True)
class Outbox:
    """Where a machine writes: the address and the form fields of a presigned POST, and its prefix."""

    url: str
    prefix: str
    fields: Mapping[str, str]

    def put(self, name: str, content: bytes, pauses: tuple[float, ...] = PAUSES_S) -> None:
        """Put an object `name` below the prefix, replacing what was there; tried again after each pause (seconds).

        Raises AssayError where S3 refuses or cannot be reached.
        """
        for pause in (*pauses, None):
            try:
                self._post(name, content)
                return
            except urllib.error.HTTPError as error:
                why = f"{error.code} {error.reason}: {error.read(2_000).decode('utf-8', 'replace')}"
                if error.code < 500 and error.code not in (408, 429):
                    break
            except (OSError, http.client.HTTPException) as error:
                why = str(error)
            if pause is not None:
                time.sleep(pause)
        raise AssayError(f"upload of {name}: {why}; nothing is half written")

    def _post(self, name: str, content: bytes) -> None:
        fields = {"key": self.prefix + name, **self.fields}
        boundary = secrets.token_hex(24)
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
            for field, value in fields.items()
        ]
        # S3 reads nothing that comes after the file.
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts += [f"{head}Content-Type: application/octet-stream\r\n\r\n".encode(), content, f"\r\n--{boundary}--\r\n".encode()]
        request = urllib.request.Request(  # noqa: S310 - the address is in the order
            self.url, b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            answer.read(10_000)


@dataclass(frozen=True)
class RemoteOrder:
    """What a machine is told to do."""

    outbox: Outbox
    subject: str
    repeats: Repeats
    tool_seconds: float
    dataset: str
    licence: str
    attribution: str
    labels: Mapping[str, str]
    tools: str


def read_order(path: Path) -> RemoteOrder:
    """The order in a file, as the user data wrote it. Raises AssayError with the field that is missing or wrong."""
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_ORDER_BYTES:
            raise ValueError(f"{len(raw)} bytes; expected at most {MAX_ORDER_BYTES}")
        document: Any = json.loads(raw)
        grant = document["grant"]
        return RemoteOrder(
            outbox=Outbox(str(grant["url"]), str(grant["prefix"]), {str(k): str(v) for k, v in grant["fields"].items()}),
            subject=str(document["subject"]),
            repeats=Repeats(
                least=int(document["executions"]),
                most=int(document["most_executions"]),
                half_width_percent=float(document["half_width_percent"]),
                seconds=60 * float(document["budget_minutes"]),
            ),
            tool_seconds=float(document["tool_seconds"]),
            dataset=str(document["dataset"]),
            licence=str(document["licence"]),
            attribution=str(document["attribution"]),
            labels={str(k): str(v) for k, v in document["labels"].items()},
            tools=str(document["tools"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssayError(f"{path}: not an order of a machine ({error!r}); expected what its user data wrote") from None


class Reporter:
    """Tells storage where this machine stands. A report that cannot be sent is told on stderr and stops nothing."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def tell(self, state: str, **facts: Any) -> None:
        """Replace the last report."""
        document = {"state": state, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **facts}
        try:
            self._outbox.put("progress.json", json.dumps(document).encode(), pauses=(0.5,))
        except AssayError as error:
            print(f"agent: report {state!r}: {error}", file=sys.stderr, flush=True)
