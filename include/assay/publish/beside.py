"""Releases of a local repository: a folder for each beside its refs, `releases/<tag>/` with `notes.md` and `assets/`.

A release appears by renaming its folder, a file by a link to what was written whole under another name.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import PublicationError
from assay.publish.arriving import arriving
from assay.publish.target import Attached, Releases, attachable, file_sha256, require_same

FOLDER, NOTES, ASSETS = "releases", "notes.md", "assets"
STALE_PART_S = 3600.0
"""A part that is older was left by a process that was killed."""


class LocalReleases(Releases):
    """The releases of the repository at a path. Files appear whole, and never change."""

    def __init__(self, repository: Path) -> None:
        self._repository, self._folder = repository, repository / FOLDER

    def make(self, tag: str, title: str, notes: str) -> None:
        """Make the release of a tag that exists, unless there is one."""
        if self._of(tag).is_dir():
            return
        with self._writing():
            self._make(tag, title, notes)

    def attach(self, tag: str, name: str, path: Path, sha256: str) -> None:
        """Attach a file; see GitTarget.attach."""
        wanted = Attached(attachable(name, path, sha256), sha256)
        folder = self._of(tag) / ASSETS
        if not folder.is_dir():
            raise PublicationError(
                f"{self._repository}: there is no release {tag} to attach {name} to; publish the snapshot first"
            )
        if (folder / name).exists():
            require_same(str(self._repository), tag, name, _about(folder / name), wanted)
            return
        _remove_stale(folder, name)
        try:
            with self._writing(), arriving(folder / name, once=True) as part:
                shutil.copyfile(path, part)
                if (found := _about(part)) != wanted:
                    raise PublicationError(
                        f"{self._repository}: {name} was stored as {found}; expected {wanted}. Is the disk sound?"
                    )
        except FileExistsError:  # somebody else attached it meanwhile
            require_same(str(self._repository), tag, name, _about(folder / name), wanted)

    def attached(self, tag: str) -> dict[str, Attached]:
        """The files of a release by name, each read and hashed now."""
        return {name: _about(self._of(tag) / ASSETS / name) for name in self._names(tag)}

    def fetch(self, tag: str, name: str, into: Path) -> None:
        """Write an attached file to a path; see GitTarget.fetch_attached."""
        if name not in self._names(tag):
            raise FileNotFoundError(f"{self._repository}: release {tag} has no file {name}")
        with self._writing(), arriving(into) as part:
            shutil.copyfile(self._of(tag) / ASSETS / name, part)

    def _make(self, tag: str, title: str, notes: str) -> None:
        self._folder.mkdir(exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        try:
            (aside / NOTES).write_text(f"# {title}\n\n{notes.strip()}\n", encoding="utf-8")
            (aside / ASSETS).mkdir()
            aside.chmod(0o755)
            try:
                aside.rename(self._of(tag))
            except OSError:
                if not self._of(tag).is_dir():  # otherwise somebody else made it meanwhile
                    raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise
        except OSError as error:
            raise PublicationError(
                f"{self._repository}: cannot write a release ({error}); is there space, and permission?"
            ) from error

    def _of(self, tag: str) -> Path:
        return self._folder / tag

    def _names(self, tag: str) -> list[str]:
        folder = self._of(tag) / ASSETS
        return sorted(path.name for path in folder.iterdir() if path.name[0] != ".") if folder.is_dir() else []


def _about(path: Path) -> Attached:
    return Attached(path.stat().st_size, file_sha256(path))


def _remove_stale(folder: Path, name: str) -> None:
    for part in folder.glob(f".{name}.*.part"):
        try:
            if time.time() - part.stat().st_mtime > STALE_PART_S:
                part.unlink()
        except FileNotFoundError:
            continue
