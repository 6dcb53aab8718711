"""The AWS emulator with what EC2 does and moto does not: client tokens, quotas, refusals by error code, and a count of calls.

EC2: a second RunInstances with the same client token gives the first machine again, and an error where anything else differs.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Run_Instance_Idempotency.html
"""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from assay.emulator.aws import AwsServer

_QUOTAS = "ServiceQuotasV20190624.ListServiceQuotas"


@dataclass
class Refusal:
    """The answer to the next `times` calls of an action whose parameters have these values."""

    action: str
    code: str
    times: int = 1
    where: dict[str, str] = field(default_factory=dict)
    status: str = "400 Bad Request"


@dataclass
class Ec2Server(AwsServer):
    """`quotas`: value by code, None: asking is not permitted. `calls`: how often each action of EC2 was asked."""

    quotas: dict[str, float] | None = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    asked_quotas: int = 0

    def __post_init__(self) -> None:
        self._tokens: dict[str, tuple[str, list[bytes]]] = {}
        self._turns = threading.Lock()
        super().__post_init__()

    def forget(self) -> None:
        super().forget()
        self.refusals.clear()
        self.calls.clear()
        self.quotas = {}

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") == _QUOTAS:
            return self._list_quotas(environ, start_response)
        if not str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
            return super()._answer(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        action = asked.get("Action", "")
        self.calls[action] += 1
        with self._turns:
            for refusal in self.refusals:
                if refusal.times > 0 and refusal.action == action and refusal.where.items() <= asked.items():
                    refusal.times -= 1
                    return _error(start_response, refusal.code, refusal.status)
            environ["wsgi.input"] = io.BytesIO(body)
            if action != "RunInstances" or "ClientToken" not in asked:
                return list(super()._answer(environ, start_response))
            return self._run_once(asked, environ, start_response)

    def _run_once(self, asked: dict[str, str], environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        token, said = asked["ClientToken"], json.dumps(sorted(asked.items()))
        region = environ.get("HTTP_AUTHORIZATION", "").split("/")[2:3]
        token = f"{region} {token}"
        if token in self._tokens:
            before, answer = self._tokens[token]
            if before != said:
                return _error(start_response, "IdempotentParameterMismatch", "400 Bad Request")
            start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(sum(map(len, answer))))])
            return answer
        status: list[str] = []

        def note(line: str, headers: Any, *rest: Any) -> Any:
            status.append(line)
            return start_response(line, headers, *rest)

        answer = list(super()._answer(environ, note))
        if status[0].startswith("200"):
            self._tokens[token] = said, answer
        return answer

    def _list_quotas(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked_quotas += 1
        answer: dict[str, Any]
        if self.quotas is None:
            status, answer = "400 Bad Request", {"__type": "AccessDeniedException", "Message": "not authorized"}
        else:
            rows = [{"QuotaCode": code, "Value": value, "ServiceCode": "ec2"} for code, value in self.quotas.items()]
            status, answer = "200 OK", {"Quotas": rows}
        raw = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(raw)))])
        return [raw]


def _error(start_response: Callable[..., Any], code: str, status: str) -> list[bytes]:
    raw = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>injected</Message></Error></Errors>"
        "<RequestID>injected</RequestID></Response>"
    ).encode()
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(raw)))])
    return [raw]
