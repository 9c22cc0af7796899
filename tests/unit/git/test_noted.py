"""Patterns that keep git off a user's paths."""

import pytest

from chant_tasks.git.noted import render_excludes


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("plain.txt", "/plain.txt"),
        ("folder/", "/folder/"),
        ("two words", "/two\\ words"),
        ("trailing ", "/trailing\\ "),
        ("st*r[1]?", "/st\\*r\\[1\\]\\?"),
        ("#hash", "/\\#hash"),
        ("!bang", "/\\!bang"),
        ("back\\slash", "/back\\\\slash"),
        ("line\nend", "/line?end"),
        ("return\r", "/return?"),
    ],
)
def test_a_path_is_taken_literally_and_from_gits_root(path: str, pattern: str) -> None:
    assert render_excludes("", [path]) == f"{pattern}\n"


def test_the_users_own_patterns_come_first_and_whole() -> None:
    assert render_excludes("*.swp", ["a"]) == "*.swp\n/a\n"
    assert render_excludes("*.swp\n", ["a"]) == "*.swp\n/a\n"
