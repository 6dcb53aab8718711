"""Every recording that packages of the field bring, from a lab's folder on: processed, or in quarantine with a reason."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pyedflib
import pytest
from assay.ingest.arrive import sweep
from assay.process import judge_recordings, preprocess_recordings
from assay.session import Manifest
from assay.workspace import Workspace
from made_labs import LAB, ship, write_folder
from real_recordings import EDF, MSEED

BROKEN = {
    "brokenlastrecord.mseed",
    "corrupt_one_extra_byte_at_end.mseed",
    "infinite-loop.mseed",  # its samples contradict its own check of them
    "microsecond_wrap.mseed",  # begins 1 000 000 us after a second
    "not.mseed",
    "not2.mseed",
    "not3.mseed",
    "not4.mseed",
    "single_record_plus_noise_record.mseed",
    "various_noise_records.mseed",
}
"""Files of obspy that are broken on purpose, most of which say so by their names."""

OTHER = {
    "blockette008.mseed",
    "fullseed.mseed",
    "fullseed_dataquality_M.mseed",
    "fullseed_dataquality_Q.mseed",
    "fullseed_dataquality_R.mseed",
    "rt130_sr0_cropped.mseed",
}
"""Files that are whole, but no MiniSEED with samples: full SEED, which begins with control headers, and a log."""


def bring(workspace: Workspace, files: list[Path], tmp_path: Path) -> dict[str, Manifest]:
    """One session for each file, taken as far as it gets; their manifests by the file's name."""
    shipped = {}
    for number, file in enumerate(files):
        began = datetime(2024, 2, 29, 15, 12, 21, tzinfo=UTC) + timedelta(minutes=number)
        name = f"{began + timedelta(hours=1):%Y%m%d_%H%M%S}"  # in the lab's zone
        folder = write_folder(tmp_path, name, files={file.name: file}, at=began + timedelta(minutes=30))
        shipped[file.name] = ship(workspace, folder)
    assert len(sweep(workspace)) == len(files)
    judge_recordings(workspace)
    preprocess_recordings(workspace)
    return shipped


@pytest.mark.full
def test_every_file_of_others_is_processed_or_quarantined_with_a_reason(workspace: Workspace, tmp_path: Path) -> None:
    files = sorted(file for file in MSEED.iterdir() if file.is_file() and file.stat().st_size < 4_000_000)
    files += sorted([*EDF.parents[1].glob("tests/data/*.?df")])
    shipped = bring(workspace, files, tmp_path)
    labs = workspace.of_dataset(LAB.dataset)
    sessions = labs.ledger.sessions().set_index("session")
    made, done = labs.ledger.processed_files(), labs.ledger.processing().set_index("path")
    held = {}
    for name, manifest in shipped.items():
        findings = labs.ledger.findings([manifest.session])
        if sessions.loc[manifest.session, "verdict"] == "quarantined":
            [finding] = findings[findings["severity"] == "quarantine"].to_dict("records")
            assert (finding["rule"], finding["file"]) == ("preprocess.unreadable", name)
            assert name in finding["message"]
            held[name] = finding["message"]
        else:
            outputs = made[made["path"] == name]
            [raw] = [file.sha256 for file in manifest.files if file.path == name]
            assert len(outputs) > 0
            assert set(outputs["input_sha256"]) == {raw}
            assert done.loc[name, "state"] == "done"
    for message in held.values():
        print(message)
    print(f"{len(files)} files: {len(held)} in quarantine, {done['processor'].value_counts().to_dict()}")
    assert set(held) == BROKEN | OTHER
    assert len(files) - len(held) > 40
    accounting = labs.ledger.accounting()
    assert accounting.read == accounting.accepted + accounting.quarantined == len(files)


@pytest.mark.full
@pytest.mark.enable_socket
def test_the_ecg_of_scipy_goes_all_the_way(workspace: Workspace, tmp_path: Path) -> None:
    """Five minutes of an ECG at 360 Hz (MIT-BIH record 208), as scipy 1.11 brought it; written as EDF, and as the file it is."""
    if (uv := shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))) is None:
        pytest.skip("needs uv, which fetches scipy 1.11.4 from the package index")
    to = tmp_path / "scipy"
    fetch = [uv, "pip", "install", "--quiet", "--target", str(to), "--no-deps", "--python-version", "3.11", "scipy==1.11.4"]
    subprocess.run(fetch, check=True, timeout=300)
    there = to / "scipy" / "misc" / "ecg.dat"
    volts = (np.load(io.BytesIO(there.read_bytes()))["ecg"].astype(int) - 1024) / 200.0  # mV, as scipy.misc.electrocardiogram
    with pyedflib.EdfWriter(str(tmp_path / "ecg.edf"), 1, file_type=pyedflib.FILETYPE_EDF) as writer:
        header = pyedflib.highlevel.make_signal_header("ECG", "mV", 360, physical_min=-5.12, physical_max=5.12)
        writer.setSignalHeaders([header])
        writer.writeSamples([volts])
    shipped = bring(workspace, [tmp_path / "ecg.edf", there], tmp_path / "lab")
    labs = workspace.of_dataset(LAB.dataset)
    assert set(labs.ledger.sessions()["verdict"]) == {"accepted", "accepted with warnings"}
    made = labs.ledger.processed_files().set_index("path")
    [copied] = [file for file in shipped["ecg.dat"].files if file.path == "ecg.dat"]
    assert made.loc["ecg.dat", "sha256"] == copied.sha256
    [table] = [key for key in made.loc["ecg.edf", "key"] if key.endswith(".parquet")]
    found = pq.read_table(io.BytesIO(labs.storage.read(table)))
    assert set(found["unit"].to_pylist()) == {"mV"}
    np.testing.assert_allclose(found["value"].to_numpy(), volts, atol=10.24 / 65_535)
    np.testing.assert_allclose(found["time_s"].to_numpy(), np.arange(len(volts)) / 360, atol=1e-9)
