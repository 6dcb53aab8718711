"""A picture of a published dataset: medians as points, confidence intervals as lines. Drawn offline, by Vega-Lite.

`python -m assay.dataset.picture FOLDER OUT.png` draws the documents in a folder; `.svg` works too.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from assay.dataset.place import CPU, MEMORY, MICROARCH
from assay.dataset.walk import Found, quantities
from assay.summarize.rankings import higher_is_better

MAX_TYPES = 20
"""A panel over types shows the best of these many."""

FEW_TYPES = 3
"""Up to as many types, every metric is shown; from there on, one metric a panel over all types."""

ROW_HEIGHT = 22
WIDTH = 520
PNG_SCALE = 2.0

_BLUE = "#2a6fb0"
_COLORS = [_BLUE, "#c8553d", "#3c8d5a", "#7a5aa6"]


@dataclass(frozen=True)
class Panel:
    """One part of the picture: the metrics that it shows by field, with their labels, on one axis in one unit."""

    title: str
    metrics: Mapping[str, str]
    logarithmic: bool = False
    descending: bool = True


PANELS = (
    Panel(
        "Memory bandwidth (STREAM)",
        {
            "stream.triad_bandwidth": "triad, all threads",
            "stream.copy_bandwidth": "copy, all threads",
            "stream.scale_bandwidth": "scale, all threads",
            "stream.add_bandwidth": "add, all threads",
            "stream.single_thread_triad_bandwidth": "triad, one thread",
            "stream.single_thread_copy_bandwidth": "copy, one thread",
        },
    ),
    Panel("LU solve (HPL rules)", {"hpl.gflops": "all threads", "hpl.single_thread_gflops": "one thread"}),
    Panel(
        "Latency of one load",
        {
            "cache_analysis.dram_latency": "DRAM",
            "cache_analysis.l3_latency": "L3",
            "cache_analysis.l2_latency": "L2",
            "cache_analysis.l1_latency": "L1",
        },
        logarithmic=True,
        descending=False,
    ),
)


def chart(documents: Mapping[str, Any]) -> dict[str, Any]:
    """The Vega-Lite specification for decoded documents, by file name. Only measured values: what is provisional is not drawn."""
    found = list(quantities(documents))
    types = sorted({item.instance for item in found})
    few = len(types) <= FEW_TYPES
    panels = [drawn for panel in PANELS if (drawn := _panel(panel, found, by_metric=few)) is not None]
    if not panels:
        panels = [drawn for panel in _other_panels(found) if (drawn := _panel(panel, found, by_metric=False)) is not None]
    updated = documents.get(MEMORY, {}).get("last_updated", "")
    subtitle = f"Median and confidence interval of the median over all executions; as of {updated[:10]}"
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "title": {
            "text": _title(types),
            "subtitle": subtitle,
            "anchor": "start",
            "fontSize": 16,
            "subtitleColor": "#555",
            "offset": 14,
        },
        "vconcat": panels or [{"data": {"values": [{}]}, "mark": "point", "width": WIDTH, "height": ROW_HEIGHT}],
        "spacing": 18,
        "resolve": {"scale": {"color": "shared"}},
        "config": {"axis": {"labelFontSize": 12, "titleFontSize": 12, "labelLimit": 220}, "view": {"stroke": "#ddd"}},
    }


def draw(specification: Mapping[str, Any], form: str) -> bytes:
    """The picture as bytes. `form`: `png` or `svg`."""
    import vl_convert

    if form == "svg":
        svg: str = vl_convert.vegalite_to_svg(dict(specification))
        return svg.encode()
    png: bytes = vl_convert.vegalite_to_png(dict(specification), scale=PNG_SCALE)
    return png


def _title(types: list[str]) -> str:
    if len(types) <= FEW_TYPES:
        return f"Measured on {', '.join(types)}" if types else "Nothing measured yet"
    return f"Measured on {len(types)} instance types"


def _other_panels(found: list[Found]) -> list[Panel]:
    """For a dataset without the usual benchmarks: the metrics that most types have."""
    types = Counter(item.metric for item in found)
    units = {item.metric: item.quantity["unit"] for item in found}
    usual = sorted(types, key=lambda metric: (-types[metric], metric))[: len(PANELS)]
    return [
        Panel(metric.partition(".")[0], {metric: metric.partition(".")[2]}, descending=higher_is_better(units[metric]))
        for metric in usual
    ]


def _panel(panel: Panel, found: list[Found], *, by_metric: bool) -> dict[str, Any] | None:
    metrics = list(panel.metrics) if by_metric else list(panel.metrics)[:1]
    rows = [row for metric in metrics for row in _rows(panel, metric, found, by_metric=by_metric)]
    if not rows:
        return None
    order = list(dict.fromkeys(row["label"] for row in rows))
    if not by_metric:
        rows.sort(key=lambda row: row["value"], reverse=panel.descending)
        rows = rows[:MAX_TYPES]
        order = [row["label"] for row in rows]
    scale: dict[str, Any] = {"type": "log"} if panel.logarithmic else {"zero": True}
    what = panel.title if by_metric else f"{panel.title}: {panel.metrics[metrics[0]]}"
    y = {"field": "label", "type": "nominal", "sort": order, "title": None}
    x = {"type": "quantitative", "scale": scale, "title": rows[0]["unit"]}
    several = by_metric and len({row["type"] for row in rows}) > 1
    color: dict[str, Any] = {"value": _BLUE}
    if several or not by_metric:
        name, title = ("type", "Type") if by_metric else ("architecture", "Architecture")
        color = {"field": name, "type": "nominal", "title": title, "scale": {"range": _COLORS}}
    layers = [
        {
            "mark": {"type": "rule", "strokeWidth": 5, "opacity": 0.45},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": color},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
            "encoding": {"x": {**x, "field": "value"}, "color": color},
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 11, "color": "#333"},
            "encoding": {"x": {**x, "field": "high"}, "text": {"field": "text", "type": "nominal"}},
        },
    ]
    return {
        "title": {"text": what, "anchor": "start", "fontSize": 13},
        "width": WIDTH,
        "height": {"step": ROW_HEIGHT, "for": "position"} if not several else {"step": 14, "for": "offset"},
        "data": {"values": rows},
        "encoding": {"y": y, **({"yOffset": {"field": "type", "type": "nominal"}} if several else {})},
        "layer": layers,
    }


def _rows(panel: Panel, metric: str, found: list[Found], *, by_metric: bool) -> Iterator[dict[str, Any]]:
    for item in found:
        if item.metric != metric:
            continue
        # Latencies are drawn in one unit: where the document has cycles, the nanoseconds stand beside.
        in_ns = item.quantity["unit"] == "cycles" and "nanoseconds" in item.quantity
        factor = item.quantity["nanoseconds"] / item.quantity["value"] if in_ns else 1.0
        low, high = (bound * factor for bound in item.quantity["confidence_interval"])
        value, unit = item.quantity["value"] * factor, "nanoseconds" if in_ns else item.quantity["unit"]
        yield {
            "label": panel.metrics[metric] if by_metric else item.instance,
            "type": item.instance,
            "architecture": item.architecture,
            "value": value,
            "low": low,
            "high": high,
            "unit": unit,
            "text": f"{_short(value)} (n = {item.quantity['sample_size']})",
        }


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def main() -> None:
    """Draw the documents of a folder."""
    parser = argparse.ArgumentParser(prog="python -m assay.dataset.picture", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="folder with published documents, such as data/processed/latest")
    parser.add_argument("out", type=Path, help="picture to write: .png or .svg")
    arguments = parser.parse_args()
    form = arguments.out.suffix.removeprefix(".")
    if form not in ("png", "svg"):
        parser.error(f"{arguments.out}: expected a name that ends in .png or .svg")
    names = [name for name in (MEMORY, CPU, MICROARCH) if (arguments.folder / name).is_file()]
    if not names:
        parser.error(f"{arguments.folder}: no document of a dataset found; expected files such as {MEMORY}")
    documents = {name: orjson.loads((arguments.folder / name).read_bytes()) for name in names}
    arguments.out.write_bytes(draw(chart(documents), form))


if __name__ == "__main__":
    main()
