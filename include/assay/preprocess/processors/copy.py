"""Any other file: copied as it is, and flagged, since nothing in it was looked at."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from assay.preprocess.processor import BYTES, COPIED, Made, Output, RawInput

NAME = "copy"
VERSION = "1"
APART = False


def accepts(path: str, head: bytes) -> bool:
    """Everything: it is asked last."""
    return True


def process(raw: RawInput, folder: Path) -> Made:
    """The bytes under their own name."""
    copied = folder / PurePosixPath(raw.path).name
    shutil.copyfile(raw.file, copied)
    return Made((Output(copied.name, copied, BYTES),), (COPIED,), {"bytes": copied.stat().st_size})
