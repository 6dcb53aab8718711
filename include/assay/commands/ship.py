"""`assay ship`: recordings from a lab machine to the server."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.commands.options import AsJson, print_json, print_table
from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.recording import Lab
    from assay.settings import Settings
    from assay.ship.api import Api
    from assay.ship.find import Found
    from assay.ship.loop import Rules
    from assay.ship.send import Work

app = typer.Typer(
    no_args_is_help=True,
    help="Sends the recordings of a lab machine to the server. Needs ASSAY_SHIP_URL and ASSAY_SHIP_KEY; no database, no Airflow.",
)

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG]?)(?:B|B/s)?")
_FACTORS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}

Directory = Annotated[
    Path, typer.Argument(help="Directory in which each recording is a folder.", exists=True, file_okay=False, resolve_path=True)
]
Quiet = Annotated[float, typer.Option(min=0, help="A folder is complete when nothing in it changed for so many seconds.")]
Marker = Annotated[
    str | None, typer.Option(help="A folder is complete when a file of this name lies in it, whatever --quiet says.")
]
Bandwidth = Annotated[str | None, typer.Option(help="At most so many bytes a second, such as 500k or 12.5M. Default: no limit.")]
AtOnce = Annotated[int, typer.Option(min=1, max=16, help="Files, or parts of a large file, that are sent at once.")]


@app.command()
def once(
    directory: Directory, quiet: Quiet = 300.0, marker: Marker = None, bandwidth: Bandwidth = None, at_once: AtOnce = 4
) -> None:
    """Ship every complete folder that is not shipped yet, then end: for cron.

    Exits with 1 when a folder could not be shipped; `assay ship status` says why.

    Example: `assay ship once /data/recordings --quiet 600 --bandwidth 12.5M`
    """
    from assay.ship.loop import Rules, ship_once

    with _working(bandwidth, at_once, Rules(directory, quiet, marker)) as (work, rules, doing):
        outcome = ship_once(work, rules, doing=doing)
    counts = f"shipped {len(outcome.shipped)}, put off {len(outcome.put_off)}, failed {len(outcome.failed)}"
    typer.echo(counts)
    if outcome.failed or outcome.put_off:
        raise AssayError(f"{counts}; `assay ship status` says why; the folders stay where they are, run again")


@app.command()
def watch(
    directory: Directory,
    quiet: Quiet = 300.0,
    marker: Marker = None,
    bandwidth: Bandwidth = None,
    at_once: AtOnce = 4,
    look_every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the directory.")] = 15.0,
) -> None:
    """Ship every folder when it is complete, until stopped: for systemd. A restart goes on where it stopped.

    Example: `assay ship watch /data/recordings --marker done.txt`
    """
    from assay.ship.loop import Rules, ship_always

    with _working(bandwidth, at_once, Rules(directory, quiet, marker)) as (work, rules, doing):
        ship_always(work, rules, work.stop, look_every=look_every, doing=doing)
    typer.echo("stopped", err=True)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show every folder that was seen: shipped, on its way, put off, or failed, and why. Exits with 1 when one failed.

    Example: `assay ship status --json | jq '.[] | select(.state != "shipped")'`
    """
    from assay.settings import Settings
    from assay.ship.journal import FolderState, Journal

    journal = Journal(_state_folder(Settings()) / "journal.sqlite3")
    entries = journal.entries()
    journal.close()
    rows: list[dict[str, Any]] = [
        {
            "folder": Path(entry.folder).name,
            "state": entry.state.value,
            "session": entry.session,
            "bytes": entry.bytes,
            "attempts": entry.attempts,
            "changed_at": entry.changed_at,
            "told_server": entry.reported,
            "message": entry.message or "; ".join(entry.warnings),
        }
        for entry in entries
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ("folder", "state", "session", "bytes", "attempts", "changed_at", "message")
        print_table("Folders", columns, rows, empty="no folder was complete yet: `assay ship once DIR` looks")
    failed = [row["folder"] for row in rows if row["state"] in (FolderState.REFUSED, FolderState.FAILED)]
    if failed:
        raise AssayError(f"{len(failed)} folders could not be shipped: {', '.join(failed[:5])}; the messages above say why")


def _state_folder(settings: Settings) -> Path:
    return settings.home / "ship"


@contextlib.contextmanager
def _working(bandwidth: str | None, at_once: int, rules: Rules) -> Iterator[tuple[Work, Rules, Callable[[Found], None]]]:
    import logging
    from logging.handlers import RotatingFileHandler

    from assay.recording import load_schema
    from assay.recording.schema import is_lab_name
    from assay.settings import Settings, project_root
    from assay.ship.api import Api
    from assay.ship.journal import Journal, only_one
    from assay.ship.progress import progress
    from assay.ship.send import Work
    from assay.ship.throttle import Throttle

    settings = Settings()
    if settings.ship_url is None or settings.ship_key is None:
        raise AssayError(
            "ASSAY_SHIP_URL, ASSAY_SHIP_KEY: found nothing; expected the address of the ingestion API and an API key of "
            "`assay keys create`"
        )
    rate = _rate(bandwidth)
    state = _state_folder(settings)
    stop = threading.Event()
    with only_one(state):
        handler = RotatingFileHandler(state / "ship.log", maxBytes=5_000_000, backupCount=5, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        shipping = logging.getLogger("assay.ship")
        shipping.setLevel(logging.INFO)
        shipping.addHandler(handler)
        journal = Journal(state / "journal.sqlite3")
        api = Api(settings.ship_url, settings.ship_key.get_secret_value(), connections=at_once + 1)
        try:
            lab, schema = _lab(api, settings), None
            if is_lab_name(lab.name):
                schema = load_schema(project_root() / "schemas" / "recording", lab.name)
            with progress() as (doing, tick), _stopping(stop):
                yield Work(api, journal, lab, schema, Throttle(rate), at_once, tick, stop), rules, doing
        finally:
            api.close()
            journal.close()
            shipping.removeHandler(handler)
            handler.close()


def _lab(api: Api, settings: Settings) -> Lab:
    """Who we are: the server knows lab and dataset from the key."""
    from assay.recording import Lab
    from assay.recording.date_string import time_zone

    who = api.whoami()
    try:
        time_zone(settings.ship_time_zone)
    except ValueError as error:
        raise AssayError(f"ASSAY_SHIP_TIME_ZONE: {error}") from None
    return Lab(who["lab"], settings.ship_time_zone, who["dataset"], settings.ship_licence, settings.ship_attribution)


def _rate(text: str | None) -> int | None:
    if text is None:
        return None
    found = _RATE.fullmatch(text.strip())
    rate = float(found[1]) * _FACTORS[found[2]] if found else 0.0
    if rate < 1:
        raise AssayError(f"--bandwidth: found {text!r}; expected bytes a second such as 500k or 12.5M")
    return int(rate)


@contextlib.contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """SIGTERM, as systemd sends it, and Ctrl-C end the work at the next piece; what was sent is kept."""
    seen: list[int] = []

    def note(number: int, _: object) -> None:
        seen.append(number)
        stop.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGINT in seen:
        raise KeyboardInterrupt
