"""The next version follows from the changes, and the changelog gets a section that replaces its older self."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.diff import changelog
from generator.diff.change import Change, Effect
from generator.problems import GeneratorFault

BREAKS = Change(Effect.BREAKING, "a", "`A.b` is gone.")
ADDS = Change(Effect.ADDITION, "a", "`A.c` is new.")
CHANGES = Change(Effect.CHANGE, "a", "`a()` costs weight 2, was 1.")
WORDS = Change(Effect.TEXT, "a", "other words.")


@pytest.mark.parametrize(
    ("current", "changes", "proposed"),
    [
        ("0.3.7", [], "0.3.7"),
        ("0.3.7", [WORDS], "0.3.8"),
        ("0.3.7", [ADDS], "0.3.8"),
        ("0.3.7", [BREAKS, ADDS], "0.4.0"),
        ("1.3.7", [WORDS], "1.3.8"),
        ("1.3.7", [CHANGES, WORDS], "1.4.0"),
        ("1.3.7", [ADDS], "1.4.0"),
        ("1.3.7", [ADDS, BREAKS], "2.0.0"),
    ],
)
def test_next_version_follows_semantic_versioning(current: str, changes: list[Change], proposed: str) -> None:
    """
    The gravest change decides which number is raised; below 1.0.0 everything moves one place to the right.
    """
    assert changelog.next_version(current, changes) == proposed


def test_a_version_of_another_form_is_a_fault() -> None:
    """
    What is not three numbers cannot be raised.
    """
    with pytest.raises(GeneratorFault, match="not a version of three numbers"):
        changelog.next_version("1.0rc1", [BREAKS])


def test_section_marks_what_breaks_and_leaves_words_out() -> None:
    """
    Each visible change is a line, and a breaking one says so.
    """
    assert changelog.section([BREAKS, ADDS, WORDS]) == (
        "### Exchange API\n- **Breaking:** `A.b` is gone.\n- `A.c` is new."
    )


def test_section_is_put_under_unreleased_and_nothing_else_moves(tmp_path: Path) -> None:
    """
    The section joins what stands under Unreleased, and the rest of the file stays as it was.
    """
    file = tmp_path / "CHANGELOG.md"
    file.write_text(
        "# Changelog\n\n## [Unreleased]\n\n### Fixed\n- A bug.\n\n## [0.1.0]\n\n### Exchange API\n- Old.\n"
    )

    changelog.write(file, [ADDS])

    assert file.read_text() == (
        "# Changelog\n\n## [Unreleased]\n\n### Fixed\n- A bug.\n\n### Exchange API\n- `A.c` is new.\n\n"
        "## [0.1.0]\n\n### Exchange API\n- Old.\n"
    )


def test_writing_again_replaces_the_section(tmp_path: Path) -> None:
    """
    A second run leaves one section, with what holds now.
    """
    file = tmp_path / "CHANGELOG.md"
    file.write_text("# Changelog\n\n## Unreleased\n\n### Exchange API\n- Old.\n\n### Fixed\n- A bug.\n")

    changelog.write(file, [BREAKS])
    changelog.write(file, [ADDS])

    text = file.read_text()
    assert text.count("### Exchange API") == 1
    assert "Old." not in text
    assert "- A bug." in text
    assert text.endswith("### Exchange API\n- `A.c` is new.\n")


def test_a_changelog_without_unreleased_gets_one_on_top(tmp_path: Path) -> None:
    """
    The new section stands above the last release.
    """
    file = tmp_path / "CHANGELOG.md"
    file.write_text("# Changelog\n\nWords.\n\n## [0.1.0]\n\n- First.\n")

    changelog.write(file, [ADDS])

    assert file.read_text() == (
        "# Changelog\n\nWords.\n\n## [Unreleased]\n\n### Exchange API\n- `A.c` is new.\n\n## [0.1.0]\n\n- First.\n"
    )


def test_current_version_is_that_of_the_project() -> None:
    """
    The version is read from pyproject.toml.
    """
    version = changelog.current_version(Path(__file__).parents[2] / "pyproject.toml")

    assert [part.isdigit() for part in version.split(".")] == [True, True, True]
