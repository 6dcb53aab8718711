"""A small server that speaks the AWS Price List API's `GetProducts` over real HTTP: filters, pages, tokens, throttling.

The AWS emulator has no price list. What it sells is what a test puts in: products in the documented form.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

TARGET = "AWSPriceListService.GetProducts"


def product(
    instance: str,
    region: str,
    usd: str,
    *,
    day: str = "2026-11-02",
    tenancy: str = "Shared",
    family: str = "Compute Instance",
    **attributes: str,
) -> dict[str, Any]:
    """An item of the price list as the API documents it; `attributes` replace those of an on-demand Linux machine."""
    sku = f"{instance}-{region}-{tenancy}-{usd}"
    said = {
        "instanceType": instance,
        "regionCode": region,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "tenancy": tenancy,
        **attributes,
    }
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": usd}, "beginRange": "0", "endRange": "Inf"}
    term = {"sku": sku, "effectiveDate": f"{day}T00:00:00Z", "priceDimensions": {f"{sku}.6YS6EN2CT7": dimension}}
    return {
        "product": {"sku": sku, "productFamily": family, "attributes": said},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20261102000000",
        "publicationDate": f"{day}T08:21:57Z",
    }


@dataclass
class PriceList:
    """The server on 127.0.0.1. `products` is what it sells, `page` items an answer; the next `throttle` answers are errors."""

    products: list[dict[str, Any]] = field(default_factory=list)
    page: int = 100
    throttle: int = 0
    endless: bool = False
    requests: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        asked = json.loads(request.get_data())
        self.requests.append(asked)
        if request.headers["X-Amz-Target"] != TARGET or asked["ServiceCode"] != "AmazonEC2":
            return self._error("InvalidParameterException", 400)(environ, start_response)
        if self.throttle:
            self.throttle -= 1
            return self._error("ThrottlingException", 400)(environ, start_response)
        wanted = [item for item in self.products if all(self._matches(item, rule) for rule in asked["Filters"])]
        start = int(asked.get("NextToken", 0))
        size = min(self.page, asked.get("MaxResults", 100))
        answer: dict[str, Any] = {
            "FormatVersion": "aws_v1",
            "PriceList": [item if isinstance(item, str) else json.dumps(item) for item in wanted[start : start + size]],
        }
        if self.endless or start + size < len(wanted):
            answer["NextToken"] = str(start + size)
        response = Response(json.dumps(answer), content_type="application/x-amz-json-1.1")
        return response(environ, start_response)

    @staticmethod
    def _matches(item: dict[str, Any], rule: dict[str, str]) -> bool:
        said = {**item["product"]["attributes"], "productFamily": item["product"]["productFamily"]}
        return bool(rule["Type"] == "TERM_MATCH" and said.get(rule["Field"]) == rule["Value"])

    @staticmethod
    def _error(code: str, status: int) -> Response:
        return Response(json.dumps({"__type": code, "message": code}), status, content_type="application/x-amz-json-1.1")
