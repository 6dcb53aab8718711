"""The agent's command line: `run`, `profile`, `tools`, and what a machine in the cloud calls: `fleet`, `report`, `send`."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from assay import __version__
from assay.agent.fleet import measure_remotely
from assay.agent.label import host_label
from assay.agent.machine import Machine
from assay.agent.mask import machine_mask
from assay.agent.process import stop_with_parent
from assay.agent.profile import profile_machine
from assay.agent.remote import Reporter, read_order
from assay.agent.repeats import Repeats
from assay.agent.suite import Order, measure, plan_suite
from assay.agent.toolchain import Workshop
from assay.agent.tools import all_tools, chosen_tools
from assay.errors import AssayError

_EXAMPLES = """examples:
  python agent.pyz tools
      which tools would run on this machine, with which sizes, and why others would not
  python agent.pyz run --out session --executions 2 --tool-seconds 3
      a whole session of this machine in the new folder `session`; the manifest is written last
  python agent.pyz run --out session --subject m7i.large --tools stream,hpl,latency --json-progress
      some of the tools, under a given name, with one JSON line for each event
  python agent.pyz run --out session --executions 6 --half-width 2 --most-executions 12 --budget-seconds 1800
      every tool six times, then on until its interval is within 2 % of its median, twelve times or half an hour at most
  python agent.pyz profile
      what would be published of this machine
"""

_SENT_BYTES = 1024 * 1024
"""Of a log, the end."""

_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Interrupted(BaseException):
    """The agent was told to stop; whatever runs is killed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did what it was asked, 1 with one line on stderr when not, 128 + signal when it was stopped."""
    options = _parser().parse_args(arguments)
    for number in _STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves SIGHUP
            signal.signal(number, _interrupt)
    try:
        if options.command == "run":
            return _run(options)
        if options.command in ("fleet", "report", "send"):
            return _remote(options)
        return _profile() if options.command == "profile" else _tools(options)
    except AssayError as error:
        print(f"agent: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"agent: {error}; the session is not complete and has no manifest", file=sys.stderr)
        return 1
    except Interrupted as stopped:
        print(f"agent: {stopped}; the session is not complete and has no manifest", file=sys.stderr)
        return 128 + stopped.number


def _run(options: argparse.Namespace) -> int:
    if options.stop_with_parent:
        stop_with_parent(options.stop_with_parent)
    tools = chosen_tools(options.tools.split(",")) if options.tools else list(all_tools().values())
    out = options.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.work-", dir=out.parent))
    try:
        measure(
            Order(
                out=out,
                work=work,
                cache=(options.cache or work / "cache").absolute(),
                subject=options.subject or host_label(out.parent),
                repeats=Repeats(
                    least=options.executions,
                    most=options.most_executions or options.executions,
                    half_width_percent=options.half_width,
                    seconds=options.budget_seconds,
                ),
                seconds=options.tool_seconds,
                tools=tools,
                asked_for=bool(options.tools),
                compiler=options.compiler,
                dataset=options.dataset,
                licence=options.licence,
                attribution=options.attribution,
                url=options.url,
                labels=dict(options.label),
            ),
            _print_json if options.json_progress else _print_line,
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


def _remote(options: argparse.Namespace) -> int:
    order = read_order(options.order)
    if options.command == "fleet":
        with tempfile.TemporaryDirectory(prefix="session.", dir=options.order.absolute().parent) as folder:
            print(f"session {measure_remotely(order, Path(folder))}", flush=True)
    elif options.command == "report":
        Reporter(order.outbox).tell(options.state, text=options.text)
    else:
        for path in options.files:
            order.outbox.put(path.name, path.read_bytes()[-_SENT_BYTES:])
    return 0


def _profile() -> int:
    print(json.dumps(profile_machine(), indent=2, ensure_ascii=False))
    return 0


def _tools(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="assay-agent-") as folder:
        workshop = Workshop((options.cache or Path(folder)).absolute(), options.compiler)
        machine = Machine.of(profile_machine())
        mask = machine_mask({"work": Path(folder)})
        for planned in plan_suite(list(all_tools().values()), machine, workshop, options.tool_seconds, mask):
            print(f"{planned.tool.NAME}: {planned.tool.SAYS}")
            if planned.missing:
                print(f"    not on this machine: {planned.missing}")
            for run in planned.runs:
                built = f", {run.build.compiler} {run.build.version}" if run.build else ""
                size = "" if run.problem_size is None else f", size {run.problem_size} ({run.size_policy})"
                print(
                    f"    {run.tool}, threads {run.threads} ({run.thread_count}): {run.implementation} {run.version}{built}{size}"
                )
    return 0


def _print_json(event: Mapping[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _print_line(event: Mapping[str, Any]) -> None:
    if event["event"] == "execution":
        what = f"tool {event['tool_number']} of {event['tools']}, {event['tool']} (threads {event['threads']}), "
        what += f"execution {event['execution']} of {event['executions']}"
        took = f" in {event['seconds']:.1f} s" if "seconds" in event else ""
        why = f": {event['error']}" if event.get("error") else ""
        print(f"{event['elapsed_s']:6.1f} s  {what}: {event['state']}{took}{why}", flush=True)
    else:
        print(f"{event['elapsed_s']:6.1f} s  {event['event']} {event.get('session', '')}".rstrip(), flush=True)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    for later in _STOPS:
        signal.signal(later, signal.SIG_IGN)  # the clean-up is short and must not be stopped in the middle
    raise Interrupted(number)


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected NAME=VALUE")
    return name, value


def _positive(text: str) -> float:
    value = float(text)
    if not 0.05 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"found {text}; expected 0.05 to 86400 seconds")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 50:
        raise argparse.ArgumentTypeError(f"found {text}; expected 0.01 to 50 percent")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"found {text}; expected 1 to 1000")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agent.pyz",
        description="Measures the machine it runs on and keeps all that the tools printed. Needs nothing but Python 3.11.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"assay agent {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--tool-seconds", type=_positive, default=10.0, metavar="S", help="most that one execution should take (10)"
    )
    shared.add_argument("--compiler", default="auto", help="C compiler to build with: auto, none, or a command (auto)")
    shared.add_argument("--cache", type=Path, metavar="DIR", help="where builds are kept for the next session (nowhere)")
    run = commands.add_parser(
        "run",
        parents=[shared],
        help="measure a session",
        description="Measure one session into a new folder.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the session; new or empty")
    run.add_argument("--subject", help="what is measured: an instance type or a host label (a label made from the machine id)")
    run.add_argument("--executions", type=_count, default=2, metavar="N", help="runs of every tool, at least (2)")
    run.add_argument(
        "--half-width",
        type=_share,
        default=0.0,
        metavar="P",
        help="repeat until half the interval of the median is at most P percent of it (no more than --executions)",
    )
    run.add_argument(
        "--most-executions", type=_count, default=0, metavar="N", help="with --half-width: runs of a tool at most (--executions)"
    )
    run.add_argument(
        "--budget-seconds",
        type=_positive,
        default=0.0,
        metavar="S",
        help="with --half-width: after that time only --executions are still run (no limit)",
    )
    run.add_argument("--tools", metavar="A,B", help="only these tools; `tools` lists them (all that the machine can run)")
    run.add_argument("--json-progress", action="store_true", help="one JSON object a line for each event, on stdout")
    run.add_argument("--dataset", default="default", help="dataset that the session belongs to (default)")
    run.add_argument("--licence", default="CC BY 4.0", help="licence that the data may be published under (CC BY 4.0)")
    run.add_argument("--attribution", default="measured with Assay", help="credit that goes with the data")
    run.add_argument("--url", default="", help="where the source is described")
    run.add_argument(
        "--label", action="append", type=_label, default=[], metavar="NAME=VALUE", help="a label for the manifest; repeatable"
    )
    run.add_argument(
        "--stop-with-parent", type=int, metavar="PID", help="end when the process with this id, which started the agent, ends"
    )
    fleet = commands.add_parser(
        "fleet", help="measure a session as an order says and upload it", description="What a machine in the cloud does."
    )
    report = commands.add_parser("report", help="tell storage where this machine stands", description="One report.")
    send = commands.add_parser("send", help="upload the end of files as they are", description="Logs, for who looks why.")
    for command in (fleet, report, send):
        command.add_argument("order", type=Path, help="the order, as the machine's user data wrote it")
    report.add_argument("state", choices=("booted", "failed"))
    report.add_argument("text", nargs="?", default="", help="why")
    send.add_argument("files", type=Path, nargs="+")
    commands.add_parser(
        "profile", help="print the machine's profile as JSON", description="Print what would be published of this machine."
    )
    commands.add_parser(
        "tools", parents=[shared], help="print what would run here, and why not", description="Print what would run here."
    )
    return parser
