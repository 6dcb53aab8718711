"""How long a machine takes and what it costs: an estimate for people, and a bound that limits are held against.

The estimate is what the parts usually take. The bound is the machine's whole time to live, after which it switches itself off,
at the on-demand price: a machine cannot cost more, whatever goes wrong on it.
"""

from __future__ import annotations

from assay.agent.repeats import Repeats

BOOT_MINUTES = 2.0
INSTALL_MINUTES = 3.0
UPLOAD_MINUTES = 0.5

RUNS_PER_EXECUTION = 12
"""Commands in one round of the suite that use their time budget, where every tool is installed; the others take a second."""

OVER_BUDGET = 2.0
"""What a round takes over the sum of its time budgets: builds, the fixed parts of hpcc, verification of results."""

MARGIN = 2.0
SPARE_MINUTES = 10.0
"""Time to live = estimate x MARGIN + SPARE_MINUTES, so that a slow machine is not cut off."""

VOLUME_GIB = 16
EXTRAS_PER_HOUR = 0.005 + VOLUME_GIB * 0.08 / 730
"""USD: a public IPv4 address (https://aws.amazon.com/vpc/pricing/) and a gp3 volume (https://aws.amazon.com/ebs/pricing/), as of
2026-11 in us-east-1."""


def minutes_of(executions: int, tool_seconds: int, repeats: Repeats | None = None) -> float:
    """Minutes from start to end of a machine that measures one session, where no interval is narrow before time ends."""
    each = RUNS_PER_EXECUTION * tool_seconds * OVER_BUDGET / 60
    measuring = executions * each
    if repeats is not None:
        measuring = max(measuring, min(repeats.limit * each, repeats.seconds / 60))
    return BOOT_MINUTES + INSTALL_MINUTES + measuring + UPLOAD_MINUTES


def life_minutes(estimated: float) -> int:
    """Minutes after which a machine is ended, whatever it does."""
    return round(estimated * MARGIN + SPARE_MINUTES)


def dollars(minutes: float, hourly_price: float) -> float:
    """What a machine costs in that time, with its volume and address. EC2 bills by the second, a minute at least."""
    return max(minutes, 1.0) / 60 * (hourly_price + EXTRAS_PER_HOUR)
