"""`python -m fuzz`: a coverage-guided fuzzer on the way from bytes to columns, until it finds something.

Arguments are libFuzzer's: -max_total_time=600 (the default), -runs=N, a corpus directory, a file to try
again. What fails is written to crash-… in the working directory. Needs the extra `fuzz`, which `make fuzz`
installs.
"""

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["processor"]):
    from fuzz.check import check

from fuzz.mutate import mutated
from fuzz.seeds import batches

# Between the records of a batch in one input: nothing that JSON holds, or a compressed block is likely to.
SEPARATOR = b"\x00\xfe\x00"
SECONDS = 600
MOST_RECORDS = 8


def one(data: bytes) -> None:
    """An input is a batch: records with SEPARATOR between them."""
    check(data.split(SEPARATOR)[:MOST_RECORDS])


def _mutate(data: bytes, most: int, seed: int) -> bytes:
    """Half of the changes are libFuzzer's own, of bytes, and half are of documents."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        changed: bytes = atheris.Mutate(data, most)
        return changed
    return SEPARATOR.join(mutated(data.split(SEPARATOR), chance))[:most]


def main(arguments: list[str]) -> None:
    """Ends with libFuzzer's exit code: 0 when the time is over, 77 when something was found."""
    with tempfile.TemporaryDirectory(prefix="millrace-fuzz-") as name:
        seeds = Path(name)
        for number, batch in enumerate(batches()):
            (seeds / f"{number:03}").write_bytes(SEPARATOR.join(batch))
        given = arguments or [f"-max_total_time={SECONDS}"]
        own = [] if any(not argument.startswith("-") for argument in given) else [name]
        atheris.Setup([sys.argv[0], *given, *own], one, custom_mutator=_mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
