"""Sessions that every stage of the path takes up, again and again: results in the form of a public source, imported."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable
from pathlib import Path

from assay.collect.imports import import_folder
from assay.workspace import Workspace
from importer_samples import shape_b, stream, write_result

SOURCE = "aws-instance-benchmarks"
LEVELS = {"m7i.large": 21.0, "c7g.large": 34.0, "r7a.large": 27.0}
DAY = "2025-06-29"


def arrive(
    workspace: Workspace, numbers: Iterable[int], *, broken: Iterable[int] = (), rejected: int = 0, day: str = DAY
) -> None:
    """Import a session for each number: the same number is the same session. Broken ones lack a metric; the rejected are none."""
    lacking = set(broken)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in sorted({*numbers, *lacking}):
            subject = list(LEVELS)[number % len(LEVELS)]
            noise = random.Random(number)
            kernels = ("copy", "scale", "add", "triad")
            values = {kernel: round(LEVELS[subject] * noise.gauss(1, 0.01), 4) for kernel in kernels}
            payload = stream(**{kernel: {"bandwidth": value, "unit": "GB/s"} for kernel, value in values.items()})
            if number in lacking:
                del payload["triad"]
            document = shape_b(subject, stream=payload)
            document["metadata"]["timestamp"] = f"{day}T12:{number // 60 % 60:02d}:{number % 60:02d}Z"
            write_result(folder, document, f"{subject}-stream-{number:04}.json")
        for number in range(rejected):
            write_result(folder, b"{}", f"none-{number}.json")
        import_folder(workspace, SOURCE, folder)
