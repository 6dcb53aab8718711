"""The scratch folder: gone afterwards, and what a killed run left is gone with the next one; that of one that runs is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from assay.preprocess.scratch import scratch_folder

HOLD = """
import sys
from pathlib import Path
from assay.preprocess.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "input").write_bytes(b"x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_run_left_is_removed_and_what_another_uses_is_not(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with scratch_folder(tmp_path) as ours:
            assert ours != theirs
            assert (theirs / "input").is_file()
        assert not ours.exists()
        other.kill()
    assert theirs.is_dir()
    with scratch_folder(tmp_path) as ours:
        assert not theirs.exists()
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["lock"]
