"""Every result of the batch as a vector of its metrics, grouped with those that it can be compared with.

A result is what one execution of a benchmark gave: STREAM's four kernels, the latencies of all levels. Two results are of one
kind when they are of the same benchmark and have the same metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.check.fabrication.digits import Printed, printed, resolution
from assay.check.fabrication.numbers import combined
from assay.check.machines import machines
from assay.check.rule import Batch
from assay.summarize.sorted_rows import Numbers, by_number, group_numbers, run_starts

_NUMBERED = ("session", "subject", "source", "hardware", "content")
_EXECUTION = ("session", "benchmark", "implementation", "version", "threads", "size_policy", "build_flags")


@dataclass(frozen=True)
class Kind:
    """Results of one kind, a row each; `metrics` names the columns of the arrays.

    `rows`: session, subject, benchmark, file. `session`, `subject`, `source`, `hardware`, `content`: numbers of the session, the
    subject, the source, the machine's processor and the bytes of the raw file (-1: not known), in the order of their names.
    """

    rows: pd.DataFrame
    metrics: tuple[str, ...]
    values: NDArray[np.float64]
    shown: Printed
    resolution: NDArray[np.float64]
    session: NDArray[np.int64]
    subject: NDArray[np.int64]
    source: NDArray[np.int64]
    hardware: NDArray[np.int64]
    content: NDArray[np.int64]


def kinds(batch: Batch) -> list[Kind]:
    """All kinds of which there are at least two results."""
    return list(_kinds(batch))


def _kinds(batch: Batch) -> Iterator[Kind]:
    rows = batch.values
    if rows.empty:
        return
    result = result_numbers(rows)
    label, names = _labels(rows, result)
    unit = pd.factorize(rows["unit"], use_na_sentinel=False)[0].astype(np.int64)
    order = by_number(result, by_number(label))
    result, label, unit = result[order], label[order], unit[order]
    value = rows["value"].to_numpy(dtype=np.float64, na_value=np.nan)[order]
    starts = run_starts(result)
    length = np.diff(np.append(starts, len(result)))
    about = _about(batch, rows.iloc[order[starts]])
    codes = {name: pd.factorize(about[name], sort=True)[0].astype(np.int64) for name in _NUMBERED}
    for members in _same_kind(about["benchmark"], label, unit, starts, length):
        at = starts[members][:, None] + np.arange(int(length[members[0]]))
        values = value[at]
        shown = printed(values)
        yield Kind(
            rows=about.iloc[members],
            metrics=tuple(names[code] for code in label[at[0]]),
            values=values,
            shown=shown,
            resolution=resolution(shown, values, unit[at[0]]),
            **{name: code[members] for name, code in codes.items()},
        )


def result_numbers(rows: pd.DataFrame) -> NDArray[np.int64]:
    """A number for the result that each row belongs to: one execution of one benchmark."""
    number, _ = group_numbers(rows, _EXECUTION)
    execution = rows["execution"].to_numpy(dtype=np.int64, na_value=-1)
    return combined(number, execution)


def _labels(rows: pd.DataFrame, result: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """A number and a name for what each row measures: its metric; where a result has a metric twice, with the problem size."""
    metric: Numbers
    metric, names = pd.factorize(rows["metric"], sort=True, use_na_sentinel=False)
    pair = result * max(len(names), 1) + metric
    repeated = np.zeros(len(names), dtype=bool)
    repeated[metric[pd.Series(pair).duplicated(keep=False).to_numpy()]] = True
    if not repeated.any():
        return metric.astype(np.int64), [str(name) for name in names]
    size = rows["problem_size"].to_numpy(dtype=np.int64, na_value=-1)
    size[~repeated[metric]] = -1
    text = np.array([str(name) for name in names], dtype=object)[metric]
    sized = np.where(size >= 0, text + " at " + size.astype(str).astype(object), text)
    number, labels = pd.factorize(pd.Series(sized, dtype="string"), sort=True)
    return number.astype(np.int64), [str(label) for label in labels]


def _about(batch: Batch, first: pd.DataFrame) -> pd.DataFrame:
    about = first[["session", "subject", "benchmark", "file"]].reset_index(drop=True)
    about = about.merge(batch.once(machines)[["session", "source", "hardware"]], on="session", how="left")
    about["hardware"] = about["hardware"].fillna(about["subject"])
    contents = batch.files[["session", "path", "sha256"]].rename(columns={"path": "file", "sha256": "content"})
    return about.merge(contents.drop_duplicates(["session", "file"]), on=["session", "file"], how="left")


def _same_kind(
    benchmark: pd.Series[str],
    label: NDArray[np.int64],
    unit: NDArray[np.int64],
    starts: NDArray[np.int64],
    length: NDArray[np.int64],
) -> Iterator[NDArray[np.int64]]:
    """Positions of the results of each kind, in the order of the batch."""
    if len(starts) == 0:
        return
    # A set of labels is known by the sum of their 64-bit hashes: it does not depend on order, and sums do not meet by chance.
    mixed = pd.util.hash_array(label * (int(unit.max()) + 1) + unit)
    total = np.add.reduceat(mixed, starts)
    code, _ = pd.factorize(benchmark, use_na_sentinel=False)
    table = pd.DataFrame({"benchmark": code, "length": length, "total": total})
    kind = table.groupby(list(table.columns), sort=False).ngroup().to_numpy()
    order = by_number(kind)
    for members in np.split(order, run_starts(kind[order])[1:]):
        if len(members) > 1:
            yield members
