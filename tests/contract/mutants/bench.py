"""Applies each mutant of the catalogue to a copy of the tree and runs the suite on it: each must be noticed.

    python -m tests.contract.mutants.bench                    all of them; the result is committed
    python -m tests.contract.mutants.bench --resume           goes on where an interrupted run of the same tree ended
    python -m tests.contract.mutants.bench --only sandbox     those whose id holds the text; writes to reports/ only
    python -m tests.contract.mutants.bench --stock            schemathesis alone on the same mutants, for comparison

Everything that does not belong to the project is imported once, before the first mutant; then each one runs
in a fork of its own. A mutant that cannot even be collected is called invalid, not killed: it has proved nothing.
A suite that hangs counts as killed, but only after several times what the unbroken tree needs.
"""

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.mutants.catalogue import Mutant, catalogue
from tests.contract.report.strength import MODES, RESULTS, Result, Strength, digest, read

PARTS = ("tests/client", "tests/sandbox", "tests/generator", "tests/faults", "tests/repay")
from tests.contract.report.text import strength_table
from tests.contract.support.gaps import is_gap

ROOT = Path(__file__).resolve().parents[3]
COPIED = (
    *(
        "src",
        "generated_client",
        "generator",
        "openapi",
        "pyproject.toml",
        "CHANGELOG.md",
        "benchmarks",
        "examples",
    ),
    "tests",
)
TABLE = RESULTS.with_name("RESULTS.md")
UNFINISHED = ROOT / "reports" / "contract" / "mutants.jsonl"

# In the order of what they cost; the likely killers are tried before. Modules that are not named here come last.
_BY_COST = (
    "test_a_facts",
    "test_c_evidence",
    "test_c_spec",
    "test_a_events",
    "test_a_responses",
    "test_a_requests",
    "test_a_signer",
    "test_b_answers",
    "test_b_faults",
    "test_b_limits",
    "test_b_records",
    "test_b_rules",
    "test_a_errors",
    "test_b_matrix",
    "test_b_time",
    "test_b_stream",
    "test_b_ways_in",
    "test_b_ledger",
    "test_c_generated",
    "test_b_stock",
    # The parts' own checks, by folder.
    "unit",
    "faults",
    "sandbox",
    "generator",
    "repay",
)
# They judge the judge and the report, not the product.
_NOT_ASKED = ("test_d_", "test_e_")


# They are about other things than the product: whole processes that are killed, a model, a page.
_LEFT_OUT = ("repay/test_crash", "repay/test_model", "repay/test_never_twice_page", "sandbox/test_soak")
# Start pytest anew, with the plugin as it is installed: that one is not of the copy.
_NOT_OF_THE_COPY = (
    "tests/sandbox/serving/test_socket.py::test_the_plugin_gives_both_fixtures",
    "tests/sandbox/serving/test_socket.py::test_the_plugin_says_what_to_install",
)


def suite() -> tuple[str, ...]:
    """The modules that a mutant meets: those of the contract by their name, the parts' own with their folder."""
    tests = ROOT / "tests"
    names = [path.stem for path in sorted((tests / "contract").glob("test_*.py"))]
    asked = [name for name in names if not name.startswith(_NOT_ASKED)]
    for part in PARTS:
        own = (path.relative_to(tests).with_suffix("") for path in sorted((ROOT / part).glob("test_*.py")))
        asked += [name for name in map(str, own) if name not in _LEFT_OUT]
    return tuple(sorted(asked, key=_cost))


def _cost(name: str) -> int:
    kind = name.partition("/")[0]
    return _BY_COST.index(kind) if kind in _BY_COST else len(_BY_COST)


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


@dataclass(slots=True, eq=False)  # plugins are kept in sets
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


def copy_tree(copy: Path) -> None:
    """A copy of the tree to break."""
    for part in COPIED:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            (copy / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / part)


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A folder for copies, gone at the end, also of a run that is interrupted."""
    with tempfile.TemporaryDirectory(prefix="paydown-mutants-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


def fingerprint() -> str:
    """What the tree says, so that results of one tree are not taken for those of another."""
    told = hashlib.sha256()
    for part in COPIED:
        paths = sorted((ROOT / part).rglob("*")) if (ROOT / part).is_dir() else [ROOT / part]
        for path in paths:
            if path.is_file() and path.suffix != ".pyc" and path not in (RESULTS, TABLE):
                told.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()


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


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what becomes of a mutated copy."""

    files: tuple[str, ...] = ()  # of the suite; empty: stock schemathesis
    mode: str = ""  # of stock schemathesis
    usual: frozenset[str] = frozenset()  # what stock schemathesis says about the unbroken tree
    limit_s: float = 900.0

    def __call__(self, copy: Path, killers: Sequence[str] = ()) -> tuple[str, str, str]:
        """(outcome, killer, message)"""
        if not self.files:
            told = in_a_fork(lambda: _complaints(copy, self.mode), self.limit_s)
            if not isinstance(told, list):
                return told
            new = [each for each in told if each not in self.usual]
            return ("killed", f"schemathesis, {self.mode}", new[0]) if new else ("survived", "", "")
        likely = [name for name in killers if name in self.files]
        others = [name for name in self.files if name not in killers]
        told = in_a_fork(lambda: _suite(copy, [likely, others]), self.limit_s)
        return (str(told[0]), str(told[1]), str(told[2]).replace(str(copy), ""))


def try_mutant(mutant: Mutant, copy: Path, judge: Judge) -> Result:
    """Apply one mutant, ask the judge, and take the mutant back."""
    path = copy / mutant.file
    kept = path.read_text("utf-8")
    broken = mutated(kept, mutant)

    def result(outcome: str, killer: str = "", message: str = "") -> Result:
        seconds = round(time.perf_counter() - begun, 1)
        return Result(mutant.id, mutant.layer, outcome, killer, seconds, message, digest(mutant))

    begun = time.perf_counter()
    if broken is None:
        return result("stale", message=f"{mutant.file} no longer holds the text exactly once")
    generated, spare = copy / "generated_client", copy / "generated_client.kept"
    path.write_text(broken, "utf-8")
    try:
        if mutant.regenerates:
            shutil.copytree(generated, spare)
            refused = regenerate(copy)
            if refused:
                return result("killed", "generator", refused[:300])
        return result(*judge(copy, mutant.killers))
    finally:
        path.write_text(kept, "utf-8")
        if spare.exists():
            shutil.rmtree(generated)
            spare.rename(generated)


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


def in_a_fork(work: Callable[[], Any], limit_s: float) -> Any:
    """What `work` returns in a child process that has everything foreign loaded already."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)

    def child_main() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # workers ignore it; tests of interrupts must not
        mine.close()
        theirs.send(work())
        os._exit(0)

    child = context.Process(target=child_main)
    child.start()
    theirs.close()
    try:
        if mine.poll(limit_s):
            return mine.recv()
        return ("killed", "time-out", f"the suite did not end within {limit_s:.0f} s")
    except EOFError:
        return ("killed", "crash", "the process died")
    finally:
        if child.is_alive():
            child.join(5)
            child.kill()
        child.join()


def _enter(copy: Path) -> None:
    """From here on the project is that of the copy."""
    os.chdir(copy)
    os.environ["PAYDOWN_CONTRACT_PROFILE"] = "fast"
    os.environ["PAYDOWN_CONTRACT_NO_SHRINK"] = "1"  # that it fails is all there is to know
    for name in ("PAYDOWN_CONTRACT_SEED", "PAYDOWN_CONTRACT_REPORT", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        os.environ.pop(name, None)
    # Programs that tests start are those of the copy, too.
    places = [str(copy / part) for part in ("src", "generated_client", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(places)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    for name in list(sys.modules):
        if name.split(".")[0] in ("tests", "generator") or name.startswith("paydown"):
            del sys.modules[name]
    sys.path[:0] = places


def _complaints(copy: Path, mode: str) -> Any:
    _enter(copy)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return importlib.import_module("tests.contract.mutants.stock_alone").complaints(mode)
    except Exception as error:  # noqa: BLE001  a broken tree may fail in any way
        return ("invalid", "", f"{type(error).__name__}: {error}"[:300])


def _suite(copy: Path, turns: Sequence[Sequence[str]]) -> tuple[str, str, str]:
    """Ask the modules of each turn: the first that notices is enough, and later ones are not even read."""
    _enter(copy)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for files in turns:
        told = _ask(copy, files) if files else ("survived", "", "")
        if told[0] != "survived":
            return told
    return "survived", "", ""


def _ask(copy: Path, files: Sequence[str]) -> tuple[str, str, str]:
    import pytest

    watch = Watch()
    paths = [f"tests/{name}.py" if "/" in name else f"tests/contract/{name}.py" for name in files]
    # Plain asserts: rewriting every test anew would take longer than most mutants live.
    quiet = ["-x", "-q", "--no-header", "--assert=plain", "--tb=short", "-p", "no:cacheprovider"]
    quiet += [f"--rootdir={copy}", "-p", "pytest_timeout", "-m", "not deep and not interop"]
    quiet += [f"--deselect={name}" for name in _NOT_OF_THE_COPY]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main([*quiet, *paths], plugins=[watch])
    if code == 0:
        return "survived", "", ""
    if watch.failed:
        killer = watch.failed[0].removeprefix("tests/contract/")
        return "killed", killer, watch.message or _last_words(said.getvalue())
    return "invalid", "", f"pytest ended with {code}: {_last_words(said.getvalue())}"


def _last_words(text: str) -> str:
    """The lines of a failure that say why."""
    reasons = [line for line in text.splitlines() if line.startswith(("E  ", "ERROR"))]
    return " | ".join(line.lstrip("E ").strip() for line in reasons[:3])[:300]


def run(mutants: Sequence[Mutant], jobs: int, judge: Judge, tell: Callable[[Result], None]) -> list[Result]:
    """Try mutants, several at a time; each worker breaks a copy of its own."""
    if not mutants:
        return []
    context = multiprocessing.get_context("fork")
    waiting: multiprocessing.Queue[Mutant | None] = context.Queue()
    results: multiprocessing.Queue[Result | str] = context.Queue()
    for mutant in mutants:
        waiting.put(mutant)
    found: list[Result] = []
    with workspace() as folder:
        workers = []
        for number in range(min(jobs, len(mutants))):
            copy = folder / str(number)
            copy_tree(copy)
            waiting.put(None)
            workers.append(context.Process(target=_worker, args=(waiting, results, copy, judge)))
        try:
            for worker in workers:
                worker.start()
            while len(found) < len(mutants):
                result = results.get()
                if isinstance(result, str):
                    raise RuntimeError(f"a worker of the bench failed: {result}")
                found.append(result)
                tell(result)
        finally:
            for worker in workers:
                if worker.is_alive() and len(found) < len(mutants):
                    worker.terminate()
                worker.join()
    order = {mutant.id: number for number, mutant in enumerate(mutants)}
    return sorted(found, key=lambda result: order[result.mutant])


def _stop(number: int, frame: object) -> None:
    """End as Ctrl-C does, so that children and copies are cleaned up."""
    raise SystemExit(128 + number)


def _worker(
    waiting: "multiprocessing.Queue[Mutant | None]",
    results: "multiprocessing.Queue[Result | str]",
    copy: Path,
    judge: Judge,
) -> None:
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and says SIGTERM
    try:
        while (mutant := waiting.get()) is not None:
            results.put(try_mutant(mutant, copy, judge))
    except Exception as error:  # noqa: BLE001  whatever it is, the parent must hear it, or it waits for ever
        results.put(f"{type(error).__name__}: {error}")


def measured(judge: Judge) -> tuple[Any, float]:
    """What the judge says about an unbroken copy, and how long that takes."""
    begun = time.perf_counter()
    with workspace() as folder:
        copy_tree(folder / "0")
        told = judge(folder / "0")
    return told, time.perf_counter() - begun


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 0 if every mutant was killed or is accepted as one that nobody could notice."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.contract.mutants.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", help="only mutants whose id holds this text")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--stock", action="store_true", help="schemathesis alone, for comparison")
    parser.add_argument(
        "--resume", action="store_true", help="keep what an interrupted run of this tree found"
    )
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    for name in _PRELOADED:
        importlib.import_module(name)
    mutants = [mutant for mutant in catalogue() if chosen.only in mutant.id]
    return _compare(mutants, chosen) if chosen.stock else _measure(mutants, chosen)


class Progress:
    """Says each result as it comes, and keeps it for a run that goes on later."""

    def __init__(self, total: int, keep: Path | None, tree: str) -> None:
        self.total, self.keep, self.tree, self.done = total, keep, tree, 0

    def __call__(self, result: Result) -> None:
        self.done += 1
        mark = {"killed": "✓", "survived": "✗ SURVIVED"}.get(result.outcome, f"? {result.outcome.upper()}")
        print(
            f"{self.done:3d}/{self.total} {mark} {result.mutant}  {result.killer}  {result.seconds:.1f} s",
            flush=True,
        )
        if self.keep is not None:
            self.keep.parent.mkdir(parents=True, exist_ok=True)
            with self.keep.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"tree": self.tree, **asdict(result)}, ensure_ascii=False) + "\n")


def _kept(tree: str) -> dict[str, Result]:
    """Results that an interrupted run of the same tree has left."""
    if not UNFINISHED.exists():
        return {}
    rows = [json.loads(line) for line in UNFINISHED.read_text("utf-8").splitlines()]
    return {row["mutant"]: Result(**row) for row in rows if row.pop("tree") == tree}


def _measure(mutants: Sequence[Mutant], chosen: argparse.Namespace) -> int:
    tree = fingerprint()
    kept = _kept(tree) if chosen.resume else {}
    if not chosen.resume and not chosen.only:
        UNFINISHED.unlink(missing_ok=True)
    begun = time.perf_counter()
    (outcome, killer, message), seconds = measured(Judge(suite()))
    if outcome != "survived":
        print(f"the unbroken tree fails: {killer} {message}")
        return 2
    judge = Judge(suite(), limit_s=max(120.0, 5 * seconds))
    print(f"the unbroken tree passes in {seconds:.0f} s; a mutant may take {judge.limit_s:.0f} s", flush=True)
    rest = [mutant for mutant in mutants if mutant.id not in kept]
    progress = Progress(len(rest), None if chosen.only else UNFINISHED, tree)
    fresh = {result.mutant: result for result in run(rest, chosen.jobs, judge, progress)}
    results = [fresh.get(mutant.id) or kept[mutant.id] for mutant in mutants]
    seconds = round(time.perf_counter() - begun, 1)
    if chosen.only:
        print("a part of the catalogue: nothing is written")
    else:
        before = read()
        same = {result.mutant for result in before.results if _digests().get(result.mutant) == result.digest}
        stock = {
            mode: {name: told for name, told in before.stock.get(mode, {}).items() if name in same}
            for mode in MODES
        }
        write(Strength(tuple(results), stock, (), seconds))
        UNFINISHED.unlink(missing_ok=True)
    return _say(results, seconds)


def _compare(mutants: Sequence[Mutant], chosen: argparse.Namespace) -> int:
    from tests.contract.mutants.stock_alone import SEEN_LAYERS

    before = read()
    seen = [mutant for mutant in mutants if mutant.layer in SEEN_LAYERS]
    stock: dict[str, dict[str, str]] = {}
    for mode in MODES:
        with workspace() as folder:
            copy_tree(folder / "0")
            usual = in_a_fork(lambda copy=folder / "0", mode=mode: _complaints(copy, mode), 900.0)
        if not isinstance(usual, list):
            print(f"schemathesis does not end on the unbroken tree: {usual}")
            return 2
        print(f"{mode}: {len(usual)} complaints about the unbroken tree, which count for nothing", flush=True)
        judge = Judge(mode=mode, usual=frozenset(usual))
        results = run(seen, chosen.jobs, judge, Progress(len(seen), None, ""))
        # What the generator refuses, no check of schemathesis has seen.
        stock[mode] = {
            result.mutant: "refused by the generator" if result.killer == "generator" else result.outcome
            for result in results
        }
    if not chosen.only:
        write(Strength(before.results, stock, (), before.seconds))
    for mode in MODES:
        print(
            f"{mode}: {sum(told == 'killed' for told in stock[mode].values())} of {len(stock[mode])} noticed"
        )
    return 0


def _digests() -> dict[str, str]:
    return {mutant.id: digest(mutant) for mutant in catalogue()}


def write(strength: Strength) -> None:
    """Write the results where they are committed: for machines, and as a table for people."""
    content = {
        "seconds": strength.seconds,
        "stock": {mode: dict(sorted(told.items())) for mode, told in strength.stock.items()},
        "results": [asdict(result) for result in strength.results],
    }
    RESULTS.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    lines = [
        "# What the contract suite notices",
        "",
        "Written by `make mutants`: one wrong idea at a time in a copy of the tree. The columns beside it are the checks that",
        "schemathesis brings along, alone (`make mutants-stock`); a mutant of the client is out of their sight.",
        "",
        *strength_table(strength),
        "",
        "| mutant | outcome | killed by | seconds |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(result.mutant)} | {result.outcome} | {_cell(result.killer)} | {result.seconds} |"
        for result in strength.results
    ]
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _say(results: Sequence[Result], seconds: float) -> int:
    for layer in dict.fromkeys(result.layer for result in results):
        mine = [result for result in results if result.layer == layer]
        killed = sum(result.outcome == "killed" for result in mine)
        print(f"{layer:12s} {killed:3d} of {len(mine):3d} killed")
    bad = [result for result in results if result.outcome != "killed" and not is_gap("mutant", result.mutant)]
    for result in bad:
        print(f"{result.outcome}: {result.mutant} {result.message}")
    killed = sum(result.outcome == "killed" for result in results)
    print(f"{killed} of {len(results)} killed in {seconds:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
