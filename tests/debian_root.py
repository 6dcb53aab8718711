"""A fresh Debian 13 as debootstrap makes it, in which a machine's user data runs unchanged, with real packages.

Only what would end this host is a shim: `shutdown` and `poweroff`. The rest of the machine is a mount and process namespace of
its own around the new root; the network is the host's, so that the emulated AWS on 127.0.0.1 and Debian's mirror can be reached.
Needs root, debootstrap and a mirror. `ASSAY_DEBIAN_MIRROR` names one; without it debootstrap takes its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
CLOUD_IMAGE = "ca-certificates,python3"
"""What the official image brings and the user data needs before it installs anything: cloud-init, which runs it, is Python."""

USER_DATA = "var/lib/cloud/user-data"
SAID = "run/said"
"""Where the shims write down that they were called, and what the user data itself printed."""

_KEPT_DAYS = 30
_OFFLINE = ("Failed getting release file", "Couldn't download", "Couldn't find valid", "Unable to connect")
_SHIMS = {
    "shutdown": f'echo "$@" >>/{SAID}/shutdown\ncase "$*" in *now*) touch /{SAID}/off ;; esac',
    "poweroff": f"touch /{SAID}/off",
}
_BOOT = f"""
mount -t proc proc /proc && mount -t sysfs -o ro sysfs /sys || exit 97
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm || exit 97
mkdir -p /{SAID} && mount --bind /var/said /{SAID} || exit 98
exec /{USER_DATA}
"""


class NoDebian(Exception):
    """A Debian cannot be made on this machine; the message says why."""


class DebianMachine:
    """One booted machine: the processes of its user data, within its root."""

    def __init__(self, root: Path, user_data: bytes) -> None:
        self.root = root
        script = root / USER_DATA
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_bytes(user_data)
        script.chmod(0o700)
        self._said.mkdir()
        for name, body in _SHIMS.items():
            (root / "usr/local/sbin" / name).write_text(f"#!/bin/sh\n{body}\n")
            (root / "usr/local/sbin" / name).chmod(0o755)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        apart = ("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", f"--root={root}", "--wd=/")
        self.process = subprocess.Popen([*apart, "/bin/sh", "-c", _BOOT], env={"PATH": path, "HOME": "/root"}, process_group=0)

    @property
    def _said(self) -> Path:
        return self.root / "var/said"

    @property
    def off(self) -> bool:
        """Whether it has switched itself off."""
        return (self._said / "off").exists()

    @property
    def shutdowns(self) -> list[str]:
        """The arguments of every call of `shutdown`, in order."""
        path = self._said / "shutdown"
        return path.read_text().splitlines() if path.exists() else []

    def log(self) -> str:
        """What the user data and everything that it ran have printed."""
        return "\n".join(path.read_text(errors="replace") for path in self.root.glob("var/tmp/assay.*/boot.log"))

    def installed(self) -> set[str]:
        """The packages that are installed, whole and configured, as dpkg names them."""
        listed = subprocess.run(
            ["chroot", str(self.root), "dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n"],
            capture_output=True,
            text=True,
            check=True,
        )
        return {line.split()[1] for line in listed.stdout.splitlines() if line.startswith("ii ")}

    def end(self) -> None:
        """As when the power fails; its mounts go with it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def debian_root(folder: Path) -> Iterator[Path]:
    """The new root file system in the new folder `folder`, which is gone afterwards. Raises NoDebian."""
    packed = _packed_root()
    folder.mkdir(parents=True)
    try:
        folder.chmod(0o755)
        subprocess.run(["tar", "-C", str(folder), "--numeric-owner", "-xpf", str(packed)], check=True)
        shutil.copyfile("/etc/resolv.conf", folder / "etc/resolv.conf")
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def debian_machine(folder: Path, user_data: bytes) -> Iterator[DebianMachine]:
    """A machine with this user data, in the new folder `folder`, which is gone afterwards. Raises NoDebian."""
    with debian_root(folder) as root:
        machine = DebianMachine(root, user_data)
        try:
            yield machine
        finally:
            machine.end()


def would_install(root: Path, architecture: str, packages: tuple[str, ...]) -> set[str]:
    """The packages that apt would install on an empty machine of this architecture, by the mirror's own index.

    Raises AssertionError with apt's words where it finds no way.
    """
    state = root / "var/tmp" / architecture
    (state / "lists/partial").mkdir(parents=True)
    (state / "status").touch()
    inside = f"/{state.relative_to(root)}"
    options = [f"APT::Architecture={architecture}", f"APT::Architectures={architecture}", "Acquire::Languages=none"]
    options += [f"Dir::State::lists={inside}/lists", f"Dir::State::status={inside}/status"]
    apt = ["chroot", str(root), "apt-get", "-q", *(word for option in options for word in ("-o", option))]
    subprocess.run([*apt, "update"], capture_output=True, check=True)
    said = subprocess.run([*apt, "-s", "install", "--no-install-recommends", *packages], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return {line.split()[1] for line in said.stdout.splitlines() if line.startswith("Inst ") and f"[{architecture}]" in line}


def _packed_root() -> Path:
    """The new root as a tar archive; kept between runs for a month. Raises NoDebian."""
    if os.geteuid() != 0:
        raise NoDebian("only root can make a root file system and enter it")
    for program in ("debootstrap", "unshare", "chroot", "tar"):
        if shutil.which(program) is None:
            raise NoDebian(f"no {program} on PATH; install the package {'debootstrap' if program == 'debootstrap' else program}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay-tests"
    packed = cache / f"debian-{SUITE}.tar.gz"
    if packed.is_file() and time.time() - packed.stat().st_mtime < _KEPT_DAYS * 86400:
        return packed
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / f"debian-{SUITE}.{os.getpid()}"
    mirror = [word for word in (os.environ.get("ASSAY_DEBIAN_MIRROR"),) if word]
    command = ["debootstrap", "--variant=minbase", f"--include={CLOUD_IMAGE}", SUITE, str(root), *mirror]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=1_200, check=False)
        said = (made.stdout + made.stderr)[-2_000:]
        if made.returncode != 0 and any(word in said for word in _OFFLINE):
            raise NoDebian(f"no mirror of Debian can be reached: {said.strip().splitlines()[-1]}; set ASSAY_DEBIAN_MIRROR")
        assert made.returncode == 0, said
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        partial = packed.with_suffix(f".{os.getpid()}")
        subprocess.run(
            ["tar", "-C", str(root), "--numeric-owner", "--use-compress-program=gzip -1", "-cpf", str(partial), "."], check=True
        )
        partial.replace(packed)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return packed
