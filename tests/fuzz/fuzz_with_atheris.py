"""The fuzzer on libFuzzer (atheris): the same inputs and promises as `fuzz_readers.py`, guided by branches and compared values.

    PYTHONPATH=include python tests/fuzz/fuzz_with_atheris.py --seconds 3600 --seeds ../shared/data

A broken promise, an exception or a hang is written to `--crashes` and ends it with another exit code than 0.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent))

with atheris.instrument_imports(include=["assay.read", "assay.session"], enable_loader_override=False):
    import assay.session
    from assay.read.registry import source_readers, tool_readers

    readers = [*source_readers(), *tool_readers()]

from fuzz_cases import MAX_BYTES, Case, Promises, changed, repaired, seeds_from, write_crash
from fuzz_readers import parser_of_options

MAX_CASE_BYTES = 2_000_000


def mutate(raw: bytes, largest: int, seed: int) -> bytes:
    """Half of the changes are ours, half are libFuzzer's on the bytes of one file; what would not fit stays as it was."""
    chance = random.Random(seed)
    case = Case.from_bytes(raw)
    if not case.files or chance.random() < 0.5:
        new = changed(case, chance, [case])
    else:
        files = dict(case.files)
        name = chance.choice(sorted(files))
        files[name] = repaired(bytes(atheris.Mutate(files[name], MAX_BYTES)), chance)
        new = Case(case.source, case.task, tuple(sorted(files.items())))
    out = new.to_bytes()
    return out if len(out) <= largest else raw


def main() -> None:
    """Fuzz until the time is up; libFuzzer ends the process."""
    options = parser_of_options(__doc__).parse_args()
    seeds = seeds_from(options.seeds, options.most_seeds, random.Random(options.seed))
    options.crashes.mkdir(parents=True, exist_ok=True)
    promises = Promises()

    def one_input(raw: bytes) -> None:
        try:
            case = Case.from_bytes(raw)
        except ValueError:
            return  # libFuzzer begins with the empty input
        try:
            promises.check(case.read())
        except Exception:
            print(f"atheris: the input is in {write_crash(case, options.crashes)}", flush=True)
            raise

    with tempfile.TemporaryDirectory() as corpus:
        for number, case in enumerate(seeds):
            (Path(corpus) / f"{number:04d}").write_bytes(case.to_bytes())
        print(f"atheris: {len(seeds)} seeds, {len(readers)} readers instrumented from {assay.session.__name__} on", flush=True)
        arguments = [sys.argv[0], corpus, f"-max_total_time={int(options.seconds)}", f"-timeout={int(options.hang)}"]
        arguments += [f"-max_len={MAX_CASE_BYTES}", "-len_control=0", "-cross_over=0", "-print_final_stats=1", "-verbosity=0"]
        arguments += [f"-seed={options.seed + 1}", "-rss_limit_mb=4096", f"-artifact_prefix={options.crashes}/"]
        atheris.Setup(arguments, one_input, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
