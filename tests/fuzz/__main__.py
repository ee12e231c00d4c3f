"""Fuzz every reader of foreign bytes for some minutes: `make fuzz`.

    python -m tests.fuzz                       every target, 30 seconds each
    python -m tests.fuzz --seconds 600 control one target for ten minutes

With atheris installed (Linux, Python 3.11) coverage guides it: inputs that reach new lines are kept in `.build/fuzz/`
and changed further, and the next run goes on from there. Without it the inputs of the corpus are changed at random.
An input that breaks a promise is written to `.build/fuzz/found/`; copied into `corpus/<target>/`, it is a test for
ever.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
BUILD = ROOT / ".build" / "fuzz"
FOUND = BUILD / "found"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, and return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", help="which; all of them if none is named")
    parser.add_argument("--seconds", type=int, default=30, help="for each target (30)")
    parser.add_argument("--guided", metavar="TARGET", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    guided = importlib.util.find_spec("atheris") is not None
    if options.guided:
        return _guided(options.guided, options.seconds)
    from tests.fuzz.targets import TARGETS

    unknown = sorted(set(options.targets) - set(TARGETS))
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    FOUND.mkdir(parents=True, exist_ok=True)
    found = 0
    for name in options.targets or TARGETS:
        sys.stdout.write(
            f"{name}: {options.seconds} s, {'coverage-guided' if guided else 'without coverage'}\n"
        )
        sys.stdout.flush()
        if guided:
            command = [
                sys.executable,
                "-m",
                "tests.fuzz",
                "--guided",
                name,
                "--seconds",
                str(options.seconds),
            ]
            done = subprocess.run(
                command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            lines = done.stdout.decode(errors="backslashreplace").splitlines()
            shown = (
                [line for line in lines if line.startswith("Done ")] if not done.returncode else lines[-25:]
            )
            sys.stdout.write("".join(f"  {line}\n" for line in shown))
            found += done.returncode != 0
        else:
            found += not _mutate(name, options.seconds)
    sys.stdout.write(
        f"{found} of {len(options.targets or TARGETS)} targets broke; see {FOUND.relative_to(ROOT)}\n"
    )
    return 1 if found else 0


def _guided(name: str, seconds: int) -> int:
    """Run one target under atheris, which ends the process."""
    import atheris  # type: ignore[import-not-found]  # installed by `make fuzz` where there is a wheel

    with atheris.instrument_imports(include=["paydown", "paydown_sandbox", "paydown_contract", "generator"]):
        from tests.fuzz.targets import run_one

    kept = BUILD / "corpus" / name
    kept.mkdir(parents=True, exist_ok=True)
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    limits = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=10",
        "-rss_limit_mb=3000",
        "-print_final_stats=0",
    ]
    places = [f"-artifact_prefix={FOUND}/{name}-", str(kept), str(CORPUS / name)]
    atheris.Setup([sys.argv[0], "-verbosity=0", *limits, *places], lambda data: run_one(name, data))
    atheris.Fuzz()
    return 0


def _mutate(name: str, seconds: int) -> bool:
    """Change the inputs of the corpus at random; return whether every promise held."""
    from tests.fuzz.targets import run_one

    chance = random.Random(time.time_ns())
    seeds = [file.read_bytes() for file in sorted((CORPUS / name).glob("*"))] or [b""]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = changed(chance.choice(seeds), chance.choice(seeds), chance)
        try:
            run_one(name, data)
        except Exception as error:  # noqa: BLE001  (whatever it is, it was not promised)
            file = FOUND / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
            file.write_bytes(data)
            sys.stdout.write(f"  {type(error).__name__}: {str(error)[:200]!r}\n  {file.relative_to(ROOT)}\n")
            return False
    return True


def changed(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return the bytes with a few of them cut, doubled, turned, or replaced by a piece of others."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(made))
        match chance.randrange(5):
            case 0:
                del made[at : at + chance.randint(1, 16)]
            case 1:
                made[at:at] = made[at : at + chance.randint(1, 16)] * chance.choice((1, 2, 64))
            case 2:
                made[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 4)))
            case 3 if made:
                made[at % len(made)] ^= 1 << chance.randrange(8)
            case _:
                start = chance.randint(0, len(other))
                made[at:at] = other[start : start + chance.randint(1, 64)]
    return bytes(made)


if __name__ == "__main__":
    sys.exit(main())
