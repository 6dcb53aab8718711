"""Requests made from an API's own OpenAPI document, rightly and wrongly; every answer is held against the document."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def ask(app: FastAPI, examples: int, call: Callable[[schemathesis.Case], Any] = lambda case: case.call()) -> Counter[int]:
    """Ask every operation that many times in each way, by `call`; the statuses that came back. Fails at a fault, or where an
    answer is none that the document describes."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    statuses: Counter[int] = Counter()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for found in schema.get_all_operations():
            operation = found.ok()
            if mode == GenerationMode.NEGATIVE and not [*operation.query, *operation.path_parameters, *operation.body]:
                continue

            @settings(
                max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: schemathesis.Case) -> None:
                response = call(case)
                statuses[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                one()
    return statuses
