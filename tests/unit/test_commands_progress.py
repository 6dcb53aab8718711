"""What a person at a terminal sees of long work, and that a pipe sees nothing of it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

PROGRAM = """
import logging, time
from assay.commands.options import progress, transferred

log = logging.getLogger("assay.anything")
with progress() as tell:
    log.info("read %d sessions", 12)
    time.sleep(0.3)
    tell("checking [all] of them")
    time.sleep(0.3)
    with tell.paused():
        print("a question", flush=True)
        time.sleep(0.3)
        answer = input("Publish? ")
log.info("afterwards")
with transferred(2_000_000) as tick:
    tick(1_000_000)
print("answered", answer)
"""


def seen_at_a_terminal() -> str:
    """All that the program writes where a person who answers `yes` is watching."""
    watched, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    ) as running:
        os.close(terminal)
        os.write(watched, b"yes\n")
        parts = []
        while True:
            try:
                part = os.read(watched, 65_536)
            except OSError:  # Linux says so when the program has ended
                part = b""
            if not part:
                break
            parts.append(part)
    os.close(watched)
    assert running.returncode == 0
    return b"".join(parts).decode()


def test_a_terminal_shows_the_steps_leaves_questions_alone_and_counts_bytes() -> None:
    seen = seen_at_a_terminal()
    assert "read 12 sessions" in seen
    assert "checking [all] of them" in seen
    assert "afterwards" not in seen
    assert "1.0/2.0 MB" in seen
    assert "a question\r\nPublish? " in seen, "nothing is drawn over it"


def test_a_pipe_sees_the_result_alone() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], input="yes\n", capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("a question\nPublish? answered yes\n", "")
