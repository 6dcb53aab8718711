"""Write the offline price table from public tables of facts: `python -m assay.reference.prices.generate --help`.

- Karpenter's AWS provider publishes what the Price List API said of us-east-1, with its day
  (`pkg/providers/pricing/zz_generated.pricing_aws.go`): every figure is taken.
- Apache Libcloud publishes one figure a type and region (`libcloud/data/pricing.json`): only figures that confirm each other
  are taken (assay.reference.prices.confirm).
- What is offered in which region: `DescribeInstanceTypeOfferings`, as moto carries it, a dependency for development only.

Facts are taken over, with their source; no code and no text.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import importlib.util
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.reference import catalogue
from assay.reference.catalogue import InstanceType
from assay.reference.prices.confirm import confirmed
from assay.reference.prices.offline import DATA_FILE, UNOFFERED, Region
from assay.reference.prices.price import CURRENCY

_OFFERINGS = Path("ec2/resources/instance_type_offerings/region")
_HEAD = re.compile(r"generated at (\d{4}-\d{2}-\d{2})T\S+ for ([a-z0-9-]+)")
_ENTRY = re.compile(r'"([a-z0-9-]+\.[a-z0-9-]+)":\s*([0-9.]+)')
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")

Figures = dict[str, float]


def karpenter_prices(text: str) -> tuple[Region, Figures]:
    """The region, its day, and prices by type. Raises ValueError where the text does not say which day and region."""
    head = _HEAD.search(text)
    if head is None:
        raise ValueError("expected a line 'generated at <day>T<time> for <region>', as Karpenter's price tables begin with")
    about = Region(head[2], "AWS Price List API, as carried by Karpenter's AWS provider (Apache-2.0)", head[1])
    return about, {name: float(figure) for name, figure in _ENTRY.findall(text)}


def libcloud_prices(document: Mapping[str, Any], types: Mapping[str, InstanceType]) -> list[tuple[Region, Figures]]:
    """Per region, the figures that confirm each other, by type."""
    day = f"{datetime.fromtimestamp(document['updated'], UTC):%Y-%m-%d}"
    families: dict[str, dict[str, Figures]] = defaultdict(lambda: defaultdict(dict))
    for name, by_region in document["compute"]["ec2_linux"].items():
        if name in types:
            for region, figure in by_region.items():
                families[region][types[name].instance_family][name] = figure
    source = "AWS price list, as carried by Apache Libcloud (Apache-2.0); only prices that the family's sizes confirm"
    found = []
    for region in sorted(region for region in families if _REGION.fullmatch(region)):
        prices: Figures = {}
        for figures in families[region].values():
            prices |= confirmed(figures, types)
        found.append((Region(region, source, day), prices))
    return found


def offered_by_moto() -> tuple[dict[str, set[str]], str]:
    """The types that EC2 offers, by region, as the installed moto carries it, and where that is from."""
    found = importlib.util.find_spec("moto")
    if found is None or found.origin is None:
        raise SystemExit("moto is not installed; `make setup` installs it")
    offered = {}
    for file in sorted((Path(found.origin).parent / _OFFERINGS).glob("*.json.gz")):
        rows = json.loads(gzip.decompress(file.read_bytes()))
        offered[file.name.removesuffix(".json.gz")] = {row["InstanceType"] for row in rows}
    return offered, f"EC2 DescribeInstanceTypeOfferings, as carried by moto {importlib.metadata.version('moto')}"


def to_bytes(
    tables: Iterable[tuple[Region, Figures]], offered: Mapping[str, set[str]], offerings: str, types: Iterable[str]
) -> bytes:
    """The data file: one type a line. Of two tables of a region the one with the later day is taken.

    A type that no table prices is written as not offered where EC2's offerings of that region are known and lack it.
    """
    by_region: dict[str, tuple[Region, Figures]] = {}
    for about, prices in tables:
        if about.region not in by_region or by_region[about.region][0].as_of < about.as_of:
            by_region[about.region] = (about, prices)
    ordered = [by_region[name] for name in sorted(by_region)]
    lines = []
    for name in sorted({*types, *(name for _, prices in ordered for name in prices)}):
        row = [_cell(name, about.region, prices, offered) for about, prices in ordered]
        lines.append(json.dumps([name, *row], separators=(",", ":")))
    head = {
        "currency": CURRENCY,
        "offerings": offerings,
        "regions": [{"region": about.region, "source": about.source, "as_of": about.as_of} for about, _ in ordered],
    }
    body = ",\n".join(lines)
    return f'{json.dumps(head, indent=1)[:-2]},\n "prices": [\n{body}\n]}}\n'.encode()


def _cell(name: str, region: str, prices: Figures, offered: Mapping[str, set[str]]) -> float | int | None:
    if name in prices:
        return prices[name]
    return int(UNOFFERED) if region in offered and name not in offered[region] else None


def main() -> None:
    """Write the data file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--karpenter", type=Path, action="append", default=[], help="a price table of Karpenter's AWS provider")
    parser.add_argument("--libcloud", type=Path, help="libcloud/data/pricing.json")
    arguments = parser.parse_args()
    types = {name: known for name in catalogue.names() if (known := catalogue.lookup(name)) is not None}
    tables = [karpenter_prices(file.read_text(encoding="utf-8")) for file in arguments.karpenter]
    if arguments.libcloud:
        tables += libcloud_prices(json.loads(arguments.libcloud.read_bytes()), types)
    DATA_FILE.write_bytes(to_bytes(tables, *offered_by_moto(), types))


if __name__ == "__main__":
    main()
