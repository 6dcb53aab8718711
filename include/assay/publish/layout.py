"""Where things lie in the dataset repository, and what a snapshot is called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

LATEST = "data/processed/latest"
PROCESSED = "data/processed"
VERSIONS = "data/processed/v1.0"
WEEKLY = f"{VERSIONS}/weekly-aggregates"
HISTORICAL = "data/processed/historical"
API_FOLDER = "data/api"
README = "README.md"


def snapshot_name(day: str, taken: Collection[str]) -> str:
    """The name of a new snapshot of a day (`2024-11-20`): the day, then `<day>.2`, `<day>.3`, ..."""
    number = 1
    while (name := day if number == 1 else f"{day}.{number}") in taken:
        number += 1
    return name


def snapshot_folder(name: str) -> str:
    """The folder of a snapshot, which never changes."""
    return f"{VERSIONS}/{name}"


def snapshot_order(name: str) -> tuple[str, int]:
    """Sorts snapshots of a day by their number: `2024-11-20.10` after `2024-11-20.9`."""
    day, _, number = name.partition(".")
    return day, int(number) if number.isdigit() else 1


def snapshot_folders(paths: Collection[str]) -> set[str]:
    """The names of the snapshots whose folders hold any of these paths."""
    below = (PurePosixPath(path).parts for path in paths if path.startswith(f"{VERSIONS}/"))
    return {parts[3] for parts in below if len(parts) > 4} - {PurePosixPath(WEEKLY).name}


def is_history(path: str) -> bool:
    """Whether a path is that of a document over time, which lies outside the folders of snapshots."""
    return path.startswith((f"{WEEKLY}/", f"{HISTORICAL}/"))


def below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files by name -> files by path."""
    return {f"{folder}/{name}": data for name, data in files.items()}


def names_below(folder: str, tree: Mapping[str, str]) -> dict[str, str]:
    """The part of a tree (path -> blob id) below a folder, by name in that folder."""
    prefix = f"{folder}/"
    return {path.removeprefix(prefix): blob for path, blob in tree.items() if path.startswith(prefix)}
