"""The fuzzer on hypothesis: inputs and promises of `fuzz_readers.py`; what breaks a promise is shrunk before it is shown.

PYTHONPATH=include python tests/fuzz/fuzz_with_hypothesis.py --seconds 3600 --seeds ../shared/data
"""

from __future__ import annotations

import random
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_cases import BITS, MAX_BYTES, Case, Promises, repaired, seeds_from, write_crash
from fuzz_readers import Hang, parser_of_options
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

EXAMPLES_A_ROUND = 300


@st.composite
def cases(draw: st.DrawFn, seeds: list[Case]) -> Case:
    """A seed with one to three pieces of one of its files replaced, or with a file less."""
    case = draw(st.sampled_from(seeds))
    files = dict(case.files)
    name = draw(st.sampled_from(sorted(files)))
    if len(files) > 1 and draw(st.integers(0, 30)) == 30:
        del files[name]
        return replace(case, files=tuple(sorted(files.items())))
    raw = files[name]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)))
        to = draw(st.one_of(st.integers(at, min(len(raw), at + 20)), st.integers(at, len(raw))))
        raw = (
            raw[:at]
            + draw(st.one_of(st.binary(max_size=20), st.sampled_from(BITS), st.text(max_size=8).map(str.encode)))
            + raw[to:]
        )
    files[name] = repaired(raw[:MAX_BYTES], random.Random(0 if draw(st.booleans()) else 1))
    return replace(case, files=tuple(sorted(files.items())))


def main() -> None:
    """Rounds of examples, each with another seed, until the time is up."""
    options = parser_of_options(__doc__).parse_args()
    seeds = [case for case in seeds_from(options.seeds, options.most_seeds, random.Random(options.seed)) if case.files]
    promises, end, count, rounds = Promises(), time.monotonic() + options.seconds, 0, 0
    last: Case | None = None

    def alarm(number: int, frame: FrameType | None) -> None:
        raise Hang(f"longer than {options.hang} s")

    signal.signal(signal.SIGPROF, alarm)

    def one_input(case: Case) -> None:
        nonlocal last, count
        if time.monotonic() > end:
            return
        last = case
        signal.setitimer(signal.ITIMER_PROF, options.hang)
        try:
            promises.check(case.read())
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        last, count = None, count + 1

    while time.monotonic() < end:
        often = settings(
            max_examples=EXAMPLES_A_ROUND,
            deadline=timedelta(seconds=options.hang),
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        try:
            seed(options.seed + rounds)(often(given(cases(seeds))(one_input)))()
        except BaseException:
            if last is not None:
                print(f"hypothesis: the input is in {write_crash(last, options.crashes)}", flush=True)
            raise
        rounds += 1
    print(f"hypothesis: {len(seeds)} seeds, {count} inputs in {rounds} rounds", flush=True)


if __name__ == "__main__":
    main()
