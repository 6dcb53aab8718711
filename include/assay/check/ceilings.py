"""What a machine can do at most, from its profile; where the profile does not say, from the best that is made.

A ceiling must never be too low: it is there for numbers that cannot be, not for surprising ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.check.machines import machines
from assay.check.rule import Batch
from assay.check.work import BYTES

SOCKET_GB_S = {"DDR3": 4 * 2.133 * 8, "DDR4": 8 * 3.2 * 8, "DDR5": 12 * 8.8 * 8}
"""Channels x 10^9 transfers a second x 8 bytes: the most channels of a socket, and the fastest modules, of each kind of
memory."""

UNKNOWN_SOCKET_GB_S = 12 * 8.8 * 8
VCPUS_PER_SOCKET = 48
"""Fewest processors of a full socket of today's EC2 types: where sockets are not known, more processors may mean more sockets."""

FASTEST_GHZ = 6.0
CLOCK_MARGIN = 1.1
WIDEST_BITS = 512
_BANDWIDTHS, _SOLVES = ("stream", "stream_cache", "numa"), ("hpl", "hpl_mkl", "dgemm")
CACHE_BYTES_A_CYCLE = 3 * 64
"""Two loads and one store of 64 bytes in a cycle, the most that a core does today."""


def bandwidth_ceilings(batch: Batch) -> pd.DataFrame:
    """Bandwidths of memory and caches: session, file, metric, `rate` and `ceiling` in GB/s, and `how` that was computed."""
    values = batch.values
    rows = values[(values["benchmark"].isin(_BANDWIDTHS) & values["unit"].isin(list(BYTES))).to_numpy()]
    table = _with_machine(batch, rows)
    cores = _cores(table)
    sockets = pd.to_numeric(table["sockets"], errors="coerce").fillna(np.ceil(table["vcpus"] / VCPUS_PER_SOCKET)).fillna(8.0)
    by_socket = table["memory_type"].map(SOCKET_GB_S).astype("float64").fillna(UNKNOWN_SOCKET_GB_S)
    memory = by_socket * sockets.clip(lower=1.0)
    caches = cores * _clock(batch, table) * CACHE_BYTES_A_CYCLE
    variant = table["size_policy"].str.contains("variant", regex=False).fillna(False).to_numpy(dtype=bool)
    in_cache = variant | (table["benchmark"] == "stream_cache").to_numpy(dtype=bool)
    kind = table["memory_type"].astype(object).where(table["memory_type"].notna(), "the fastest memory")
    how = np.where(
        in_cache,
        "loads and stores of its cores",
        [f"{name}, {int(count)} sockets" for name, count in zip(kind, sockets, strict=True)],
    )
    rate = table["value"] * table["unit"].map(BYTES).astype("float64") / 1e9
    return table[["session", "file", "metric"]].assign(
        rate=rate, ceiling=np.where(in_cache, caches, np.minimum(memory, caches)), how=how
    )


def flops_ceilings(batch: Batch) -> pd.DataFrame:
    """LU solves and matrix products: session, file, metric, `rate` and `ceiling` in GFLOPS, and `how` that was computed."""
    values = batch.values
    rows = values[(values["benchmark"].isin(_SOLVES) & (values["unit"] == "GFLOPS")).to_numpy()]
    table = _with_machine(batch, rows)
    cores, clock = _cores(table), _clock(batch, table)
    bits = pd.to_numeric(table["vector_bits"], errors="coerce").fillna(WIDEST_BITS).astype("float64")
    # Two fused multiply-adds a cycle on vectors of this width: 2 x 2 x bits / 64 operations.
    ceiling = cores * clock * bits / 16
    how = [
        f"{count:g} cores x {ghz:.2f} GHz x {width / 16:g} a cycle" for count, ghz, width in zip(cores, clock, bits, strict=True)
    ]
    return table[["session", "file", "metric"]].assign(rate=table["value"].astype("float64"), ceiling=ceiling, how=how)


def _with_machine(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    facts = batch.once(machines)[["session", "vcpus", "memory_type", "sockets", "vector_bits", "max_clock_khz"]]
    table = rows.merge(facts, on="session", how="left")
    table["vcpus"] = pd.to_numeric(table["vcpus"], errors="coerce").astype("float64")
    return table


def _cores(table: pd.DataFrame) -> pd.Series[float]:
    """Cores that may have worked: one in the mode `one`, else all processors of the machine, 1,024 where they are not known."""
    every = table["vcpus"].fillna(1024.0).clip(lower=1.0)
    return every.where((table["threads"] != "one").to_numpy(), 1.0)


def _clock(batch: Batch, table: pd.DataFrame) -> pd.Series[float]:
    """The clock in GHz: the fastest that the session measured or its kernel allows, and a tenth more; else the fastest there
    is."""
    measured = batch.measurements[(batch.measurements["metric"] == "sustained_clock").to_numpy()]
    fastest = measured.groupby("session")["value"].max()
    clock = table["session"].map(fastest).astype("float64")
    allowed = pd.to_numeric(table["max_clock_khz"], errors="coerce").astype("float64") / 1e6
    known = np.fmax(clock.to_numpy(), allowed.to_numpy())
    return pd.Series(np.where(known > 0, CLOCK_MARGIN * known, FASTEST_GHZ), index=table.index)
