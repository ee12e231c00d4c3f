"""The report of a run: what its page shows in a real browser, and how a run with a mistake in it is reported."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.contract.support.keys import signing_key
from tests.contract.support.places import ROOT
from tools.mutation.patterns import replaced
from tools.mutation.runner import copy_tree

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
# A run of the suite inside the first test that asks for it: seconds alone, and a minute where the cores are shared.
pytestmark = pytest.mark.timeout(600)
MISTAKE = (
    "src/paydown_sandbox/operations/margin.py",
    "MarginOperations.repay_loan",
    "$A.write_flow($B, 'REPAY', $C, -$D, $E, $F)",
    "$A.write_flow($B, 'REPAY', $C, $D, $E, $F)",
)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The report of a part of the suite over a copy of the tree with one mistake: the flow of a repayment has the
    wrong sign. Two workers, as in `make contract`."""
    copy = tmp_path_factory.mktemp("broken")
    copy_tree(copy)
    file, name, pattern, becomes = MISTAKE
    (copy / file).write_text(replaced((copy / file).read_text("utf-8"), name, pattern, becomes), "utf-8")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PAYDOWN_"))
    }
    environment |= {
        "PYTHONPATH": os.pathsep.join(str(copy / part) for part in ("src", "generated_client", ".")),
        "PAYDOWN_CONTRACT_REPORT": "reports/contract",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "120",
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/contract/sandbox/test_sandbox_answers.py",
        "-k",
        "flow or loan",
    ]
    command += ["-n", "2", "-q", "-p", "no:cacheprovider", f"--rootdir={copy}"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    (copy / "output.txt").write_text(done.stdout + done.stderr, "utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    return copy


def secrets() -> list[str]:
    """What no report may show."""
    key = signing_key("S1")
    assert isinstance(key.secret, bytes)
    return [key.api_key, key.secret.decode()]


def test_a_mistake_is_reported_with_its_request(broken: Path) -> None:
    """Page, Markdown, JUnit and terminal name the test, the clause and the request as a curl line without secrets."""
    folder = broken / "reports" / "contract"
    output = (broken / "output.txt").read_text("utf-8")
    for text in (
        (folder / "index.html").read_text("utf-8"),
        (folder / "report.md").read_text("utf-8"),
        output,
    ):
        assert "test_every_movement_is_in_the_capital_flow" in text
        assert re.search(r"curl -i -X GET .{1,12}http://127.0.0.1:8087/sapi/v1/margin/capital-flow\?", text)
        assert re.search("signature=[0-9a-f]{4}…", text)
        assert not re.search("signature=[0-9a-f]{16}", text)
        assert "capitalFlow: responses.200" in text
        assert "again: PAYDOWN_CONTRACT" in text or "PAYDOWN_CONTRACT_SEED=1 make contract" in text
        assert [secret for secret in secrets() if secret in text] == []
    assert "the contract is broken; the report: reports/contract/index.html" in output
    assert "a part of the suite" in output
    root = ElementTree.fromstring((folder / "junit.xml").read_text("utf-8"))
    failures = root.findall("./testsuite/testcase/failure")
    assert len(failures) == 1
    assert "curl -i -X GET" in (failures[0].text or "")
    assert sum(int(suite.get("tests", "0")) for suite in root) >= 3


def test_workers_bring_together_what_they_counted(broken: Path) -> None:
    """Both workers' requests are in one table, and the operations that were called have real successes."""
    output = (broken / "output.txt").read_text("utf-8")
    for name in ("marginBorrow", "capitalFlow"):
        (line,) = [line for line in output.splitlines() if line.startswith(f"{name} ")]
        assert int(line.split()[1].replace(",", "")) + int(line.split()[3].replace(",", "")) > 2, line


def test_a_part_that_passes_does_not_speak_for_the_whole(tmp_path: Path) -> None:
    """Where only some tests ran, terminal, page and Markdown claim no more than that what was tried is kept."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PAYDOWN_"))
    }
    environment |= {"PAYDOWN_CONTRACT_REPORT": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/contract/suite/test_suite_vectors.py",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    command += ["-p", "no:xdist"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    page, text = (tmp_path / "index.html").read_text("utf-8"), (tmp_path / "report.md").read_text("utf-8")
    assert "what was tried of the contract is kept; the report:" in done.stdout
    for shown in (done.stdout, page, text):
        assert "of the contract is kept" in shown
        assert "the contract is kept" not in shown.lower().replace("of the contract is kept", "")


class Outside(HTMLParser):
    """Collects every address that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note every address, and every element that could load one."""
        given = dict(attrs)
        for name in ("src", "srcset", "href", "action", "data", "poster"):
            value = given.get(name) or ""
            if value and not value.startswith(("#", "data:,")):
                self.found.append(f"{tag} {name}={value}")
        if tag in ("script", "iframe", "object", "embed"):
            self.found.append(tag)


def test_the_page_stands_alone(broken: Path) -> None:
    """Nothing is loaded, no script runs, and every table scrolls inside."""
    text = (broken / "reports" / "contract" / "index.html").read_text("utf-8")
    outside = Outside()
    outside.feed(text)
    assert outside.found == []
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert text.count("<table>") == text.count('class="scroll"') > 5


MEASURE = """<!doctype html><title>waiting</title><style>body{margin:0}iframe{border:0;display:block}</style>
<iframe id="page" width="%d" height="900" src="%s"></iframe><script>
page.onload = () => { const root = page.contentDocument.documentElement;
  const wide = [...page.contentDocument.querySelectorAll("main > *, article, .tile, pre, details")]
    .filter((each) => each.getBoundingClientRect().right > root.clientWidth + 0.5).length;
  const colours = getComputedStyle(page.contentDocument.body);
  document.body.textContent = "MEASURED " + JSON.stringify({ client: root.clientWidth, scroll: root.scrollWidth, wide,
    title: page.contentDocument.title, back: colours.backgroundColor, text: colours.color,
    loaded: page.contentWindow.performance.getEntriesByType("resource").length }); };
</script>"""


def luminance(colour: str) -> float:
    """Relative luminance of an rgb() colour, as WCAG 2 defines it."""
    parts = [int(text) / 255 for text in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed: the page is not looked at in a browser"
)
@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_in_a_browser(broken: Path, width: int, dark: bool, tmp_path: Path) -> None:
    """No overflow at the side, no message on the console, nothing requested, and text that can be read."""
    assert CHROMIUM is not None
    (tmp_path / "index.html").write_bytes((broken / "reports" / "contract" / "index.html").read_bytes())
    (tmp_path / "measure.html").write_text(MEASURE % (width, "index.html"), "utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--v=0",
        "--virtual-time-budget=5000",
    ]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1000"]
    command += ["--blink-settings=preferredColorScheme=" + ("0" if dark else "1")]
    command += ["--dump-dom", (tmp_path / "measure.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    match = re.search("MEASURED ({.*?})", done.stdout)
    assert match is not None, done.stdout[-500:] + done.stderr[-1500:]
    measured = json.loads(match[1].replace("&amp;", "&"))
    assert "CONSOLE" not in done.stderr, done.stderr[-1500:]
    assert measured["title"] == "Contract report: the contract is broken"
    assert measured["loaded"] == 0
    assert measured["scroll"] <= measured["client"] <= width
    assert measured["wide"] == 0
    light = sorted((luminance(measured["back"]), luminance(measured["text"])))
    assert (light[1] + 0.05) / (light[0] + 0.05) >= 7
    assert (luminance(measured["back"]) < luminance(measured["text"])) is dark


def test_colours_keep_their_contrast() -> None:
    """Each text colour of both schemes is at least 4.5 to 1 on each ground that it may stand on."""
    from tests.contract.report import page

    style = Path(page.__file__).read_text("utf-8")
    schemes = re.findall(r"(--back: #[^}]*)}", style)
    assert len(schemes) == 2
    for scheme in schemes:
        found = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6})", scheme))
        light = {
            name: luminance("rgb(" + ",".join(str(int(code[at : at + 2], 16)) for at in (0, 2, 4)) + ")")
            for name, code in found.items()
        }
        pairs = [(text, ground) for text in ("text", "soft") for ground in ("back", "card")]
        for text, ground in [*pairs, ("good", "good-back"), ("bad", "bad-back")]:
            low, high = sorted((light[text], light[ground]))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


def test_reports_are_not_committed() -> None:
    """What a run writes is ignored by git."""
    assert "reports/" in (ROOT / ".gitignore").read_text("utf-8").split()
