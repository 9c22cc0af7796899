"""The page on reliability: every test that it links is there, and one rule that only reading all of the code shows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/reliability.md").read_text()
TABLE = PAGE.split("## Chant's defects, and why they do not happen here\n", 1)[1].split("\n## ", 1)[0]
ROWS = [line.strip("|").split(" | ") for line in TABLE.splitlines() if re.match(r"\| \d+ \|", line)]
LINKS = sorted(set(re.findall(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)", PAGE)))


def test_all_of_chants_defects_are_there_and_each_is_shown_or_cannot_arise() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 40))
    assert [row[0] for row in ROWS if "test_" not in row[3] and "cannot arise" not in row[2]] == []


@pytest.mark.parametrize(("name", "path"), LINKS, ids=[name for name, _ in LINKS])
def test_each_test_that_is_linked_is_there(name: str, path: str) -> None:
    tree = ast.parse((ROOT / path).read_text())

    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


# What a whole process has one of; threads that work specs side by side must not change it.
_SHARED_CALLS = {
    "os.chdir",
    "os.fchdir",
    "contextlib.chdir",
    "os.putenv",
    "os.unsetenv",
    "os.umask",
    "locale.setlocale",
}
_CHANGES = {"pop", "update", "setdefault", "clear", "popitem"}
_ALLOWED = {
    "chant_tasks/agents/keeper.py",  # processes of their own
    "chant_tasks/doit_plugin/run/nesting.py",  # before the first thread, and after the last
}


def test_no_thread_changes_what_all_threads_share() -> None:
    files = [path for path in (ROOT / "chant_tasks").rglob("*.py") if path.relative_to(ROOT).as_posix() not in _ALLOWED]

    assert [f"{path.relative_to(ROOT)}: {found}" for path in files for found in _find_shared(path)] == []


def _find_shared(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in _SHARED_CALLS or called in {f"os.environ.{name}" for name in _CHANGES}:
                yield f"line {node.lineno}: {called}"
        elif isinstance(node, (ast.Assign, ast.Delete)) and "os.environ" in map(_name_whole, node.targets):
            yield f"line {node.lineno}: os.environ"


def _name_whole(target: ast.expr) -> str:
    return ast.unparse(target).partition("[")[0]
