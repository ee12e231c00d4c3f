"""Applies each mutant of the catalogue to a copy of the tree and runs the suite on it: each must be noticed.

    python -m tests.contract.mutants.bench                    all of them
    python -m tests.contract.mutants.bench --only sandbox     those whose id holds the text
    python -m tests.contract.mutants.bench --stock            schemathesis alone, signed and unsigned

Everything that does not belong to the project is imported once, before the first mutant; then each one runs
in a fork of its own. A mutant that cannot even be collected is called invalid, not killed: it has proved nothing.
"""

import argparse
import contextlib
import importlib
import io
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.contract.mutants.catalogue import Mutant, catalogue

ROOT = Path(__file__).resolve().parents[3]
COPIED = ("src", "generated_client", "generator", "openapi", "tests/contract", "pyproject.toml")

# In the order of what they cost; the likely killers are tried before.
SUITE = (
    "test_a_facts",
    "test_c_evidence",
    "test_c_spec",
    "test_a_responses",
    "test_a_requests",
    "test_a_signer",
    "test_b_rules",
    "test_a_errors",
    "test_b_matrix",
    "test_b_ledger",
    "test_b_stock",
)
STOCK = ("test_b_stock",)

_PRELOADED = (
    "pytest",
    "httpx",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "hypothesis",
    "hypothesis.stateful",
    "jsonschema_rs",
    "yaml",
    "schemathesis",
    "schemathesis.specs.openapi.schemas",
    "schemathesis.engine.core",
    "schemathesis.openapi.loaders",
    "starlette.applications",
    "starlette.routing",
    "starlette.responses",
    "starlette.requests",
    "uvicorn",
    "attrs",
    "requests",
    "asyncio",
    "xdist",
    "anyio",
)


@dataclass(slots=True)
class Result:
    """What became of one mutant."""

    mutant: str
    layer: str
    outcome: str  # killed, survived, stale, invalid
    killer: str = ""
    seconds: float = 0.0
    message: str = ""


@dataclass(slots=True)
class Watch:
    """A pytest plugin that remembers the first failure."""

    failed: list[str] = field(default_factory=list)
    message: str = ""

    def pytest_runtest_logreport(self, report: object) -> None:
        """Note a failed test."""
        if getattr(report, "failed", False):
            self.failed.append(str(getattr(report, "nodeid", "")))
            crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
            self.message = self.message or str(getattr(crash, "message", ""))[:300]


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A copy of the tree to break."""
    with tempfile.TemporaryDirectory(prefix="paydown-mutants-") as name:
        copy = Path(name)
        for part in COPIED:
            source = ROOT / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(source, copy / part, ignore=ignored)
            else:
                shutil.copy2(source, copy / part)
        yield copy


def mutated(text: str, mutant: Mutant) -> str | None:
    """The file with the wrong idea in it, or None if it no longer fits."""
    if mutant.old == mutant.new:
        return None
    pieces = text.split(mutant.old)
    if mutant.nth:
        if len(pieces) <= mutant.nth:
            return None
        return mutant.old.join(pieces[: mutant.nth]) + mutant.new + mutant.old.join(pieces[mutant.nth :])
    return mutant.new.join(pieces) if len(pieces) == 2 else None


def try_mutant(mutant: Mutant, copy: Path, files: Sequence[str], environment: dict[str, str]) -> Result:
    """Apply one mutant, run the suite until something notices, and take the mutant back."""
    path = copy / mutant.file
    kept = path.read_text("utf-8")
    broken = mutated(kept, mutant)
    if broken is None:
        return Result(
            mutant.id, mutant.layer, "stale", message=f"{mutant.file} no longer holds the text exactly once"
        )
    generated = copy / "generated_client"
    begun = time.perf_counter()
    path.write_text(broken, "utf-8")
    try:
        if mutant.regenerates:
            spare = copy / "generated_client.kept"
            shutil.copytree(generated, spare)
            refused = regenerate(copy)
            if refused:
                return Result(
                    mutant.id, mutant.layer, "killed", "generator", time.perf_counter() - begun, refused[:300]
                )
        ordered = [
            *[name for name in mutant.killers if name in files],
            *[name for name in files if name not in mutant.killers],
        ]
        outcome, killer, message = in_a_fork(copy, ordered, environment)
        return Result(mutant.id, mutant.layer, outcome, killer, time.perf_counter() - begun, message)
    finally:
        path.write_text(kept, "utf-8")
        if mutant.regenerates and (copy / "generated_client.kept").exists():
            shutil.rmtree(generated)
            (copy / "generated_client.kept").rename(generated)


def regenerate(copy: Path) -> str:
    """Write the generated client anew; the generator's complaint if it refuses."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(copy / part) for part in ("src", "generated_client", ".")),
    }
    done = subprocess.run(
        [sys.executable, "-m", "generator"],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip().replace(str(copy), "") or "refused" if done.returncode else ""


def in_a_fork(copy: Path, files: Sequence[str], environment: dict[str, str]) -> tuple[str, str, str]:
    """Run the suite of a copy in a child process that has everything foreign loaded already."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(copy, files, environment, theirs))
    child.start()
    theirs.close()
    try:
        told = (
            mine.recv()
            if mine.poll(900)
            else ("killed", "time-out", "the suite did not end within 15 minutes")
        )
    except EOFError:
        told = ("killed", "crash", "the process died")
    if child.is_alive():
        child.join(10)
        child.kill()
    child.join()
    outcome, killer, message = told
    return str(outcome), str(killer), str(message).replace(str(copy), "")


def _child(copy: Path, files: Sequence[str], environment: dict[str, str], answers: object) -> None:
    import pytest

    os.chdir(copy)
    os.environ.update(environment)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    for name in [
        name
        for name in sys.modules
        if name.split(".")[0] in ("tests", "generator") or name.startswith("paydown")
    ]:
        del sys.modules[name]
    sys.path[:0] = [str(copy / "src"), str(copy / "generated_client"), str(copy)]
    watch = Watch()
    arguments = [
        f"tests/contract/{name}.py" for name in files if (copy / f"tests/contract/{name}.py").exists()
    ]
    # Plain asserts: rewriting every test anew would take longer than most mutants live.
    quiet = [
        "-x",
        "-q",
        "--no-header",
        "--assert=plain",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        f"--rootdir={copy}",
    ]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    quiet += ["-p", "pytest_timeout", "-m", "not deep"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main([*quiet, *arguments], plugins=[watch])
    if code == 0:
        told = ("survived", "", "")
    elif watch.failed:
        told = ("killed", watch.failed[0].removeprefix("tests/contract/"), watch.message)
    else:
        told = ("invalid", "", f"pytest ended with {code}")
    told = (told[0], told[1], told[2] or _last_words(said.getvalue()))
    answers.send(told)  # type: ignore[attr-defined]  # a Connection, which typeshed does not name for both ends
    os._exit(0)


def _last_words(text: str) -> str:
    """The lines of a failure that say why."""
    reasons = [line for line in text.splitlines() if line.startswith(("E  ", "ERROR"))]
    return " | ".join(line.lstrip("E ").strip() for line in reasons[:3])[:300]


def run(
    mutants: Sequence[Mutant], jobs: int, files: Sequence[str], environment: dict[str, str], tell: bool = True
) -> list[Result]:
    """Try mutants, several at a time."""
    for name in _PRELOADED:
        importlib.import_module(name)
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[Mutant | None] = context.Queue()
    results: multiprocessing.Queue[Result] = context.Queue()
    for mutant in mutants:
        queue.put(mutant)
    workers = [
        context.Process(target=_worker, args=(queue, results, files, environment))
        for _ in range(min(jobs, len(mutants)))
    ]
    for worker in workers:
        queue.put(None)
        worker.start()
    found: list[Result] = []
    while len(found) < len(mutants):
        result = results.get()
        found.append(result)
        if tell:
            mark = {"killed": "✓", "survived": "✗ SURVIVED", "stale": "? STALE", "invalid": "? INVALID"}[
                result.outcome
            ]
            print(
                f"{len(found):3d}/{len(mutants)} {mark} {result.mutant}  {result.killer}  {result.seconds:.1f} s",
                flush=True,
            )
    for worker in workers:
        worker.join()
    order = {mutant.id: number for number, mutant in enumerate(mutants)}
    return sorted(found, key=lambda result: order[result.mutant])


def _worker(
    queue: "multiprocessing.Queue[Mutant | None]",
    results: "multiprocessing.Queue[Result]",
    files: Sequence[str],
    environment: dict[str, str],
) -> None:
    with workspace() as copy:
        while (mutant := queue.get()) is not None:
            results.put(try_mutant(mutant, copy, files, environment))


def clean_run(files: Sequence[str], environment: dict[str, str]) -> tuple[str, str, str]:
    """The suite on an unbroken copy: it must pass, or no kill means anything."""
    with workspace() as copy:
        return in_a_fork(copy, files, environment)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 0 if every mutant was killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract.mutants.bench", description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose id holds this text")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--stock", action="store_true", help="schemathesis alone, for comparison")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "contract" / "mutants.json")
    parser.add_argument("--no-clean-run", action="store_true", help="trust that the unbroken tree passes")
    chosen = parser.parse_args(arguments)
    mutants = [mutant for mutant in catalogue() if chosen.only in mutant.id]
    files = STOCK if chosen.stock else SUITE
    environment = {"PAYDOWN_CONTRACT_PROFILE": "fast"}
    for name in _PRELOADED:
        importlib.import_module(name)
    if not chosen.no_clean_run:
        outcome, killer, message = clean_run(files, environment)
        if outcome != "survived":
            print(f"the unbroken tree fails: {killer} {message}")
            return 2
    begun = time.perf_counter()
    results = run(mutants, chosen.jobs, files, environment)
    return report(results, time.perf_counter() - begun, chosen.out)


def report(results: Sequence[Result], seconds: float, out: Path) -> int:
    """Write the results down and say what survived."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        json.dumps(
            {"seconds": round(seconds, 1), "results": [asdict(result) for result in results]}, indent=1
        )
        + "\n",
        "utf-8",
    )
    layers = list(dict.fromkeys(result.layer for result in results))
    for layer in layers:
        mine = [result for result in results if result.layer == layer]
        killed = sum(result.outcome == "killed" for result in mine)
        print(f"{layer:12s} {killed:3d} of {len(mine):3d} killed")
    bad = [result for result in results if result.outcome != "killed"]
    for result in bad:
        print(f"{result.outcome}: {result.mutant} {result.message}")
    print(f"{len(results) - len(bad)} of {len(results)} killed in {seconds:.0f} s; written to {out}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
