"""The AWS emulator with traps: when a stated call arrives, something happens, and the call is answered as the trap says."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from assay.emulator.ec2 import Ec2Server
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

GO_ON, CUT = "go on", "cut"
UNAVAILABLE = ("503 Service Unavailable", "ServiceUnavailable")
THROTTLED = ("503 Service Unavailable", "RequestLimitExceeded")
FORBIDDEN = ("403 Forbidden", "AccessDenied")

_KEY = re.compile(rb'name="key"\r\n\r\n([^\r]+)\r\n')


@dataclass
class Trap:
    """Springs at the next `times` calls that `call` (a regular expression) is found in: `ec2 RunInstances`, `s3 PUT raw/`.

    `after`: when the call was done and is not answered yet; else before it is done. `then`: GO_ON, CUT (the connection, without
    an answer) or a status with a code. `when`: whether it may spring now. `lasts`: until an operator does something.
    """

    call: str
    after: bool = False
    do: Callable[[], None] = lambda: None
    then: str | tuple[str, str] = GO_ON
    times: int = 1
    when: Callable[[], bool] = lambda: True
    lasts: bool = False
    sprung: int = 0


@dataclass
class TrapServer(Ec2Server):
    """`traps`: what happens; one that is used up stays in the list, so that a test can see that it sprang."""

    traps: list[Trap] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._springing = threading.Lock()
        super().__post_init__()

    def interrupt(self, instance_id: str, region: str = "us-east-1") -> None:
        """End a machine as EC2 ends a spot instance whose capacity it wants back."""
        backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
        backend.terminate_instances([instance_id])
        instance = backend.get_instance(instance_id)
        instance.state_reason.code = "Server.SpotInstanceTermination"

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name = _name(environ)
        if (trap := self._due(name, after=False)) is not None and (answer := _spring(trap, start_response)) is not None:
            return answer
        said: list[Any] = []
        body = list(super()._answer(environ, lambda *line: said.append(line)))
        if (trap := self._due(name, after=True)) is not None and (answer := _spring(trap, start_response)) is not None:
            return answer
        start_response(*said[-1])
        return body

    def _due(self, name: str, *, after: bool) -> Trap | None:
        with self._springing:
            for trap in self.traps:
                if trap.sprung < trap.times and trap.after == after and re.search(trap.call, name) and trap.when():
                    trap.sprung += 1
                    return trap
        return None


def _spring(trap: Trap, start_response: Callable[..., Any]) -> list[bytes] | None:
    trap.do()
    if trap.then == GO_ON:
        return None
    if trap.then == CUT:
        raise ConnectionAbortedError("a trap cuts the connection")
    status, code = trap.then
    body = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>injected</Message></Error></Errors>"
        f"<Code>{code}</Code><Message>injected</Message><RequestID>injected</RequestID></Response>"
    ).encode()
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _name(environ: dict[str, Any]) -> str:
    """What is asked: `ec2 <action>`, or `s3 <method> <key>`; a POST's key is in its form."""
    kind = str(environ.get("CONTENT_TYPE", ""))
    if environ["REQUEST_METHOD"] != "POST":
        return f"s3 {environ['REQUEST_METHOD']} {environ['PATH_INFO'].lstrip('/').partition('/')[2]}"
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    if kind.startswith("application/x-www-form-urlencoded"):
        return "ec2 " + parse_qs(body.decode()).get("Action", [""])[0]
    found = _KEY.search(body)
    return f"s3 POST {found[1].decode() if found else ''}"
