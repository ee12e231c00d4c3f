"""Put one change at a time into a copy of the tree, and ask the tests of its area whether they notice.

Everything that does not belong to the project is imported once, before the first change; then each one is tried in
a fork of its own. A change with which the tests cannot even be collected is called invalid: it has proved nothing.
A test that hangs is ended by its own time limit, and has noticed; a whole run that does not end has proved nothing.
"""

import contextlib
import importlib
import io
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, Final

from tools.mutation.areas import ROOT
from tools.mutation.patterns import NoSuchPlace

# What the tests read. Neither the environments nor what git keeps is needed.
_COPIED: Final = (
    *(
        "src",
        "generated_client",
        "generator",
        "openapi",
        "tests",
        "tools",
        "docs",
        "benchmarks",
        "examples",
        "models",
    ),
    *(
        "pyproject.toml",
        "Makefile",
        "mkdocs.yml",
        "README.md",
        "CHANGELOG.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
    ),
    *("SECURITY.md", "LICENSE", "Dockerfile", "requirements"),
)
_PRELOADED: Final = (
    *(
        "pytest",
        "_pytest.assertion",
        "pytest_timeout",
        "xdist",
        "anyio",
        "asyncio",
        "hypothesis",
        "hypothesis.stateful",
    ),
    *("httpx", "requests", "yaml", "attrs", "jsonschema_rs", "cryptography.hazmat.primitives.asymmetric.rsa"),
    *(
        "schemathesis",
        "schemathesis.specs.openapi.schemas",
        "schemathesis.engine.core",
        "schemathesis.openapi.loaders",
    ),
    *("starlette.applications", "starlette.routing", "starlette.responses", "starlette.requests", "uvicorn"),
)
_PROJECT: Final = ("tests", "tools", "generator", "benchmarks", "docs")


@dataclass(frozen=True, slots=True)
class Change:
    """Hold one change to try.

    Attributes:
        id: Its name.
        area: The area that it belongs to.
        path: The file that changes.
        apply: Makes the changed text from the text.
        first: The tests to ask first.
        wider: The tests to ask when those notice nothing.
        regenerates: Whether the client must be generated anew.
        likely: The test that noticed it the last time; it is asked before all others, and may be gone.
    """

    id: str
    area: str
    path: str
    apply: Callable[[str], str]
    first: tuple[str, ...]
    wider: tuple[str, ...]
    regenerates: bool = False
    likely: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold what became of one change.

    Attributes:
        id: The change.
        area: Its area.
        result: `noticed`, `survived`, `invalid` (no test could be collected, or they did not end) or `stale` (its
            place is not there).
        noticed_by: The first test that failed, or `generator` where that refused the document.
        message: How it failed.
        seconds: How long it took.
    """

    id: str
    area: str
    result: str
    noticed_by: str = ""
    message: str = ""
    seconds: float = 0.0


@dataclass(slots=True, eq=False)  # plugins are kept in sets
class _Watch:
    """Remember the first failure, as a plugin of pytest."""

    failed: list[str] = field(default_factory=list[str])
    message: str = ""

    def pytest_runtest_logreport(self, report: object) -> None:
        """Note a failed test."""
        if getattr(report, "failed", False):
            self.failed.append(str(getattr(report, "nodeid", "")))
            crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
            self.message = self.message or str(getattr(crash, "message", ""))[:300]


def copy_tree(copy: Path) -> None:
    """Make a copy of the tree that may be changed.

    Args:
        copy: The folder to fill; it must exist.
    """
    for part in _COPIED:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif source.exists():
            shutil.copy2(source, copy / part)


def preload() -> None:
    """Import what the tests need of others, so that each fork has it already."""
    for name in _PRELOADED:
        importlib.import_module(name)


@dataclass(frozen=True, slots=True)
class Runner:
    """Try changes, several at a time, each worker in a copy of its own.

    Attributes:
        jobs: How many workers.
        not_asked: Tests that are never asked.
        limit_s: How long one change may take.
    """

    jobs: int
    not_asked: tuple[str, ...]
    limit_s: float = 1200.0

    def run(
        self, changes: Sequence[Change], report: Callable[[Outcome], None], ends_at: float
    ) -> list[Outcome]:
        """Try the changes in their order.

        Args:
            changes: What to try.
            report: Called with each outcome as it comes.
            ends_at: No change is begun after this time of `time.monotonic()`.

        Returns:
            The outcomes of those that were tried, in the order of the changes.
        """
        if not changes:
            return []
        context = multiprocessing.get_context("fork")
        begun = context.Value("i", 0)
        results: multiprocessing.Queue[Outcome | str | None] = context.Queue()
        found: list[Outcome] = []
        with _workspace() as folder:
            workers: list[ForkProcess] = []
            for number in range(min(self.jobs, len(changes))):
                copy = folder / str(number)
                copy.mkdir()
                copy_tree(copy)
                arguments = (self, changes, begun, results, copy, ends_at)
                workers.append(context.Process(target=_work, args=arguments))
            try:
                for worker in workers:
                    worker.start()
                left = len(workers)
                while left:
                    outcome = results.get()
                    if isinstance(outcome, str):
                        raise RuntimeError(f"a worker failed: {outcome}")
                    if outcome is None:
                        left -= 1
                    else:
                        found.append(outcome)
                        report(outcome)
            finally:
                for worker in workers:
                    if worker.is_alive():
                        worker.terminate()
                    worker.join()
        order = {change.id: number for number, change in enumerate(changes)}
        return sorted(found, key=lambda outcome: order[outcome.id])

    def try_change(self, change: Change, copy: Path) -> Outcome:
        """Apply one change to a copy, ask the tests, and take the change back.

        Args:
            change: What to change.
            copy: The copy of the tree.
        """
        begun = time.perf_counter()
        path = copy / change.path
        kept = path.read_text("utf-8")
        generated, spare = copy / "generated_client", copy / "generated_client.kept"

        def outcome(result: str, noticed_by: str = "", message: str = "") -> Outcome:
            seconds = round(time.perf_counter() - begun, 1)
            return Outcome(
                change.id, change.area, result, noticed_by, message.replace(str(copy), ""), seconds
            )

        try:
            path.write_text(change.apply(kept), "utf-8")
            if change.regenerates:
                shutil.copytree(generated, spare)
                refused = _regenerate(copy)
                if refused:
                    return outcome("noticed", "generator", refused[:300])
            return outcome(*_in_a_fork(lambda: self._ask(copy, change), self.limit_s))
        except NoSuchPlace as error:
            return outcome("stale", "", str(error))
        finally:
            path.write_text(kept, "utf-8")
            if spare.exists():
                shutil.rmtree(generated)
                spare.rename(generated)

    def _ask(self, copy: Path, change: Change) -> tuple[str, str, str]:
        """Ask the tests of each turn; the first that notices is enough, and later ones are not even read."""
        _enter(copy)
        if "::" in change.likely:
            answer = self._pytest(copy, [change.likely])
            if answer[0] == "noticed":
                return answer
        asked: set[str] = set()
        for turn in (change.first, change.wider):
            paths = [path for path in turn if path not in asked]
            asked.update(paths)
            answer = self._pytest(copy, paths) if paths else ("survived", "", "")
            if answer[0] != "survived":
                return answer
        return "survived", "", ""

    def _pytest(self, copy: Path, paths: Sequence[str]) -> tuple[str, str, str]:
        import pytest

        watch = _Watch()
        # Plain asserts: to rewrite the asserts of every test takes longer than most changes live.
        quiet = ["-x", "-q", "--no-header", "--assert=plain", "--tb=short", "-p", "no:cacheprovider"]
        quiet += [f"--rootdir={copy}", "-p", "pytest_timeout"]
        quiet += ["-m", "not deep and not interop", *(f"--deselect={name}" for name in self.not_asked)]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = pytest.main([*quiet, *paths], plugins=[watch])
        if code == 0:
            return "survived", "", ""
        reasons = [line for line in printed.getvalue().splitlines() if line.startswith(("E  ", "ERROR"))]
        message = watch.message or " | ".join(line.lstrip("E ").strip() for line in reasons[:3])[:300]
        if watch.failed:
            return "noticed", watch.failed[0], message
        return "invalid", "", f"pytest ended with {code}: {message}"


@contextlib.contextmanager
def _workspace() -> Generator[Path]:
    """Give a folder for copies that is gone at the end, also of a run that is interrupted."""
    with tempfile.TemporaryDirectory(prefix="paydown-mutants-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


def _work(
    runner: Runner,
    changes: Sequence[Change],
    begun: Any,
    results: "multiprocessing.Queue[Outcome | str | None]",
    copy: Path,
    ends_at: float,
) -> None:
    """Try one change after another, until there is none or the time is over."""
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends its workers by SIGTERM
    try:
        while True:
            with begun.get_lock():
                number = int(begun.value)
                begun.value = number + 1
            if number >= len(changes) or time.monotonic() >= ends_at:
                break
            results.put(runner.try_change(changes[number], copy))
        results.put(None)
    except Exception as error:  # noqa: BLE001  without a word about it, the parent would wait for ever
        results.put(f"{type(error).__name__}: {error}")


def stop(number: int, frame: object) -> None:
    """End the process as Ctrl-C does, so that children and copies are cleaned up.

    Args:
        number: Number of the signal.
        frame: Frame that was interrupted; not used.
    """
    raise SystemExit(128 + number)


def _regenerate(copy: Path) -> str:
    """Write the generated client anew; return the generator's complaint if it refuses."""
    done = subprocess.run(
        [sys.executable, "-m", "generator"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_places(copy))},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip() or "refused" if done.returncode else ""


def _places(copy: Path) -> list[str]:
    return [str(copy / part) for part in ("src", "generated_client", "")]


def _in_a_fork(work: Callable[[], tuple[str, str, str]], limit_s: float) -> tuple[str, str, str]:
    """Return what `work` returns in a child process that has everything foreign loaded already."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)

    def child_main() -> None:
        os.setpgid(0, 0)  # what its tests start ends with it
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
            found: tuple[str, str, str] = mine.recv()
            return found
        return (
            "invalid",
            "",
            f"the tests did not end within {limit_s:.0f} s",
        )  # on a busy machine that proves nothing
    except EOFError:
        return "noticed", "crash", "the process that ran the tests died"
    finally:
        if child.is_alive():
            child.join(5)
        if child.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        child.join()


def _enter(copy: Path) -> None:
    """Make the project that of the copy, for this process and for programs that its tests start."""
    os.chdir(copy)
    os.environ["PAYDOWN_CONTRACT_PROFILE"] = "fast"
    os.environ["PAYDOWN_CONTRACT_NO_SHRINK"] = "1"  # that it fails is all there is to know
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["PYTHONPATH"] = os.pathsep.join(_places(copy))
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in ("PAYDOWN_CONTRACT_SEED", "PAYDOWN_CONTRACT_REPORT", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        os.environ.pop(name, None)
    sys.dont_write_bytecode = True
    for name in list(sys.modules):
        if name.split(".")[0] in _PROJECT or name.startswith("paydown"):
            del sys.modules[name]
    sys.path[:0] = _places(copy)
