"""The client on a folder: what stands in the documents stands in the frames, and nothing else."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from assay.client import MAX_COMPARED, ClientError, Corrupt, Dataset, NotPublished, frames
from assay.client import compare as comparing
from assay.client.source import is_url, split_base
from assay.dataset.build import build_documents
from assay.dataset.walk import quantities
from assay.measurement import UNITS
from assay.summarize.rankings import higher_is_better
from dataset_content import fleet, make_content, simple, stream
from published_site import write_tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    series = [
        *fleet(),
        *stream("m7i.xlarge", 48.0),
        simple("m7i.large", "vectorization", "vector_bandwidth", "GB/s", 93.0, threads="one"),
        simple("m7i.large", "vectorization", "scalar_bandwidth", "GB/s", 50.0, threads="one"),
    ]
    return write_tree(tmp_path_factory.mktemp("tree"), build_documents(make_content(series)))


@pytest.fixture
def dataset(tree: Path) -> Dataset:
    return Dataset(tree)


@pytest.fixture
def decoded(tree: Path) -> dict[str, Any]:
    return {file.name: json.loads(file.read_bytes()) for file in (tree / "data/processed/latest").glob("*.json")}


def test_every_published_quantity_is_one_row(dataset: Dataset, decoded: dict[str, Any]) -> None:
    frame = dataset.results()
    rows = {(row.benchmark, row.metric, row.instance, row.provisional): row for row in frame[~frame["derived"]].itertuples()}
    assert len(rows) == (~frame["derived"]).sum()
    found = 0
    for part in ("measured", "provisional"):
        for item in quantities(decoded, part):
            benchmark, _, metric = item.metric.partition(".")
            row = rows[benchmark, metric, item.instance, "confidence_interval" not in item.quantity]
            assert (row.value, row.unit, row.n) == (item.quantity["value"], item.quantity["unit"], item.quantity["sample_size"])
            assert (row.architecture, row.family) == (item.architecture, item.family)
            assert [row.ci_low, row.ci_high] == item.quantity.get("confidence_interval", [row.ci_low, row.ci_high])
            found += 1
    assert found == len(rows) > 60
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()}.keys() == frames.RESULT_COLUMNS.keys()


def test_what_has_no_interval_is_marked_and_can_be_left_out(dataset: Dataset) -> None:
    frame = dataset.results(benchmark="stream", metric="triad_bandwidth")
    few = frame[frame["provisional"]]
    assert list(few["instance"]) == ["c7a.large"]
    assert few["ci_low"].isna().all()
    assert "c7a.large" not in set(dataset.results(provisional=False)["instance"])


def test_derived_ratios_are_rows_without_n(dataset: Dataset) -> None:
    (row,) = dataset.results(metric="vectorization_ratio").itertuples()
    assert (row.instance, row.value, row.unit, row.derived) == ("m7i.large", 1.86, "ratio", True)
    assert pd.isna(row.n)


def test_variants_stand_apart(dataset: Dataset) -> None:
    plain, all_of_them = dataset.results(), dataset.results(variants=True)
    assert len(all_of_them) > len(plain)
    others = all_of_them[all_of_them["variant"]]
    assert set(others["implementation"]) == {"hpcc-stream"}
    assert set(others["family"]) == {"m7i"}


def test_filters_let_pass_one_value_or_several(dataset: Dataset) -> None:
    assert set(dataset.results(architecture="graviton")["instance"]) == {"c7g.large"}
    assert set(dataset.results(family=["m7i", "host"])["instance"]) == {"m7i.large", "m7i.xlarge", "host-1a2b3c4d"}
    assert dataset.results(instance="x9.huge").empty


def test_rankings_are_those_of_the_document(dataset: Dataset, decoded: dict[str, Any]) -> None:
    document = decoded["instance-rankings.json"]["rankings"]
    frame = dataset.rankings("triad_bandwidth")
    assert list(frame["instance"]) == [row["instance"] for row in document["triad_bandwidth"]["ranks"]]
    assert list(frame["rank"]) == [row["rank"] for row in document["triad_bandwidth"]["ranks"]]
    assert len(dataset.rankings()) == sum(len(ranking["ranks"]) for ranking in document.values())
    assert not dataset.rankings("cache_latency.l1_latency")["higher_is_better"].any()
    with pytest.raises(NotPublished, match=r"no such ranking; there are .*"):
        dataset.rankings("speed")


def test_the_best_of_an_architecture_keep_their_ranks(dataset: Dataset) -> None:
    everything, intel = dataset.best("triad_bandwidth"), dataset.best("triad_bandwidth", 2, architecture="intel")
    assert list(intel["instance"]) == ["m7i.xlarge", "m7i.large"]
    assert list(intel["rank"]) == list(everything.set_index("instance").loc[intel["instance"], "rank"])


def test_types_that_noise_does_not_part_are_not_called_better(dataset: Dataset) -> None:
    frame = dataset.compare(["m7i.large", "m7i.xlarge", "c7g.large", "c7a.large"], benchmark="stream", metric="triad_bandwidth")
    said = frame.set_index("instance")
    assert list(frame["instance"]) == ["m7i.large", "m7i.xlarge", "c7g.large", "c7a.large"]
    assert list(said["verdict"]) == ["baseline", "no difference beyond noise", "better", "too few executions to tell"]
    faster = said.loc["c7g.large"]
    assert faster["ratio"] == pytest.approx(55.1 / 47.9, rel=0.02)
    assert 1 < faster["ratio_low"] < faster["ratio"] < faster["ratio_high"]
    even = said.loc["m7i.xlarge"]
    assert even["ratio_low"] < 1 < even["ratio_high"]
    assert math.isnan(said.loc["c7a.large", "ratio_low"])


def row(value: float, low: float, high: float, unit: str = "GB/s", configuration: str = "a") -> dict[str, Any]:
    return {"value": value, "ci_low": low, "ci_high": high, "unit": unit, "configuration": configuration}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (row(20, 19, 21), comparing.BETTER),
        (row(5, 4, 6), comparing.WORSE),
        (row(12, 11, 13), comparing.NO_DIFFERENCE),
        (row(12, 11.001, 13), comparing.BETTER),
        (row(20, 19, 21, configuration="b"), comparing.NOT_COMPARABLE),
        (row(20, 19, 21, unit="MB/s"), comparing.NOT_COMPARABLE),
        (row(20, math.nan, math.nan), comparing.TOO_FEW),
    ],
)
def test_a_verdict_rests_on_the_intervals(other: dict[str, Any], said: str) -> None:
    assert comparing.verdict(row(10, 9, 11), other) == said


def test_of_times_the_smaller_is_the_better() -> None:
    base = row(10, 9, 11, unit="nanoseconds")
    assert comparing.verdict(base, row(5, 4, 6, unit="nanoseconds")) == comparing.BETTER
    assert comparing.verdict(base, row(20, 19, 21, unit="nanoseconds")) == comparing.WORSE
    assert {unit for unit in UNITS if not higher_is_better(unit)} == comparing.LOWER_IS_BETTER


def test_a_comparison_of_too_few_too_many_or_unknown_types_is_refused(dataset: Dataset) -> None:
    with pytest.raises(ClientError, match=rf"found 1 types; expected 2 to {MAX_COMPARED}"):
        dataset.compare(["m7i.large"])
    with pytest.raises(ClientError, match="expected 2 to"):
        dataset.compare([f"m{number}.large" for number in range(MAX_COMPARED + 1)])
    with pytest.raises(ClientError, match="twice"):
        dataset.compare(["m7i.large", "m7i.large"])
    with pytest.raises(NotPublished, match=r"x9\.huge: no such type .* m7i\.large"):
        dataset.compare(["m7i.large", "x9.huge"])


def test_trends_quarantine_prices_and_metadata(dataset: Dataset, decoded: dict[str, Any]) -> None:
    trends = dataset.trends()
    points = sum(len(one["points"]) for series in decoded["trends.json"]["series"].values() for one in series.values())
    assert len(trends) == points > 0
    assert list(dataset.change_points().columns) == list(frames.CHANGE_COLUMNS)
    (kept_out,) = dataset.quarantine().itertuples()
    assert (kept_out.subject, kept_out.rule) == ("t3.micro", "physics.latency-order")
    assert list(dataset.prices().columns) == list(frames.PRICE_COLUMNS)
    assert dataset.metadata["licence"] == "CC BY 4.0"
    assert dataset.attribution == "measured with Assay (CC BY 4.0)"
    assert set(dataset.table("statistics")["subject"]) >= {"m7i.large", "c7g.large"}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc/self/task")
def test_a_table_starts_no_thread_that_could_outlive_a_short_script(tree: Path) -> None:
    program = f"""if True:
    from pathlib import Path
    import pandas, pyarrow.parquet
    from assay.client import Dataset

    dataset, before = Dataset({str(tree)!r}), len(list(Path("/proc/self/task").iterdir()))
    rows = len(dataset.table("statistics"))
    print(rows, len(list(Path("/proc/self/task").iterdir())) - before)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    rows, started = map(int, done.stdout.split())
    assert rows > 0
    assert started == 0


def test_a_table_is_typed_as_pandas_reads_it(tree: Path, dataset: Dataset) -> None:
    for name in ("statistics", "measurements"):
        (file,) = tree.glob(f"data/processed/latest/{name}.parquet")
        pd.testing.assert_frame_equal(dataset.table(name), pd.read_parquet(file))


def test_prices_give_one_row_a_region_and_metric() -> None:
    document = {
        "currency": "USD",
        "instances": {
            "m7i.large": {
                "us-east-1": {
                    "hourly_price": {"value": 0.1, "source": "x", "as_of": "2025-03-02"},
                    "value_per_dollar": {
                        "triad_bandwidth": {"value": 475.2, "unit": "GB/s per USD/h"},
                        "gflops": {"value": 4.0, "unit": "GFLOPS per USD/h"},
                    },
                },
                "eu-south-2": {"hourly_price": None, "reason": "not offered"},
            }
        },
    }
    frame = frames.prices(document)
    assert list(frame["region"]) == ["us-east-1", "us-east-1", "eu-south-2"]
    assert frame.loc[0, "value_per_dollar"] == 475.2
    assert pd.isna(frame.loc[2, "price"])
    assert frame.loc[2, "reason"] == "not offered"


def test_every_file_of_a_snapshot_is_as_its_manifest_says(dataset: Dataset) -> None:
    assert dataset.verify() == len(dataset.documents) > 20


def test_changed_bytes_are_refused_before_a_number_is_read(tree: Path, tmp_path: Path) -> None:
    documents = {file.name: file.read_bytes() for file in (tree / "data/processed/latest").iterdir()}
    documents["memory-benchmarks.json"] = documents["memory-benchmarks.json"].replace(b"47.", b"48.")
    changed = Dataset(write_tree(tmp_path, documents))
    with pytest.raises(Corrupt, match=r"memory-benchmarks\.json .* SHA-256 [0-9a-f]{64}; the manifest says"):
        changed.results()


def test_a_folder_of_documents_is_a_dataset_too(tree: Path) -> None:
    folder = tree / "data/processed/latest"
    assert len(Dataset(folder).results()) == len(Dataset(tree).results())
    assert Dataset(folder.as_uri()).snapshot == "latest"


def test_documents_without_the_tree_around_them_open_as_well(tree: Path, tmp_path: Path) -> None:
    for file in (tree / "data/processed/latest").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert not Dataset(tmp_path).results().empty


def test_what_is_not_there_is_said(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(NotPublished, match="no such folder"):
        Dataset(tmp_path / "nowhere")
    with pytest.raises(NotPublished, match=r"manifest\.json: no such file"):
        Dataset(tmp_path).results()
    with pytest.raises(NotPublished, match=r"v1\.0/2020-01-01"):
        Dataset(tree, snapshot="2020-01-01").results()
    with pytest.raises(NotPublished, match=r"nothing\.json: no such document"):
        Dataset(tree).document("nothing.json")
    with pytest.raises(NotPublished, match="no name of a document"):
        Dataset(tree).read("../../../../etc/passwd")
    with pytest.raises(ClientError, match="snapshot: found"):
        Dataset(tree, snapshot="../..")
    with pytest.raises(ClientError, match="more than 0"):
        Dataset(tree, timeout_s=0)


def test_a_document_over_the_limit_is_not_read(tree: Path) -> None:
    with pytest.raises(Corrupt, match="larger than 1000 bytes"):
        Dataset(tree, max_bytes=1000).results()


@pytest.mark.parametrize(
    ("base", "root", "snapshot"),
    [
        ("https://host/x", "https://host/x/", None),
        ("https://host/x/data/processed/latest/", "https://host/x/", "latest"),
        ("https://host/data/processed/v1.0/2024-11-20.2", "https://host/", "2024-11-20.2"),
        ("data/processed/latest", "./", "latest"),
        ("/data/processed/latest", "/", "latest"),
    ],
)
def test_a_snapshots_folder_is_a_base_as_well_as_the_root(base: str, root: str, snapshot: str | None) -> None:
    assert split_base(base) == (root, snapshot)


@pytest.mark.parametrize("base", ["ftp://host/x", "https://me:secret@host/x", "https://host/x?y=1"])
def test_an_address_that_cannot_be_a_base_is_refused_without_its_secret(base: str) -> None:
    with pytest.raises(ClientError) as refused:
        is_url(base)
    assert "secret" not in str(refused.value)


def test_the_client_needs_pandas_and_nothing_else_of_assay() -> None:
    program = "import sys, assay.client; print([n for n in sys.modules if n.startswith('assay.') and '.client' not in n])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['assay.errors']"
