"""Specs that touch the same files: shown before they conflict, and worked one after the other where asked for."""

import json
from pathlib import Path

import pytest

from tests.e2e.repository import DODO, Repository, make_repository

A, B, C = "2026-01-24-001-aaa", "2026-01-24-002-bbb", "2026-01-24-003-ccc"
TARGETS = "target_files:\n- src/shared.py\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Three specs, two of which name the same file."""
    made = make_repository(tmp_path / "project", DODO)
    for spec_id, targets in ((A, TARGETS), (B, "target_files: [src/]\n"), (C, "target_files: [docs/c.md]\n")):
        made.add_spec(spec_id, f"Work {spec_id}", targets, run=_script(tmp_path))
    made.commit("specs")
    return made


def _script(folder: Path) -> str:
    """Notes that it has begun and ended, and writes the shared file but for the third spec."""
    log, name = f"'{folder}/order'", "$CHANT_SPEC_ID"
    write = (
        'case "$CHANT_SPEC_ID" in *ccc) echo c > c.txt;; *) mkdir -p src; echo $CHANT_SPEC_ID >> src/shared.py;; esac'
    )
    return f"echo begin {name} >> {log}; {write}; sleep 0.3; echo end {name} >> {log}"


def _order(repository: Repository) -> list[str]:
    return (repository.folder.parent / "order").read_text().split("\n")[:-1]


def _configure(repository: Repository, *lines: str) -> None:
    repository.write(".chant/config.md", "\n".join(["---", *lines, "---", ""]))
    repository.commit("config")


def test_overlaps_are_shown_by_list_info_json_and_lint(repository: Repository) -> None:
    listed, info = repository.doit("list"), repository.doit("info", "aaa")
    values = json.loads(repository.doit("list", "--json", "aaa").stdout)
    lint = repository.doit("spec-lint")

    assert "may run together and touch the same files: aaa and bbb (src/shared.py)" in listed.stderr.splitlines()
    assert any(line.split() == ["overlaps", f"{B}:", "overlaps", "in", "src/shared.py"] for line in info.lines)
    assert values[0]["overlaps"] == [{"spec": B, "path": "src/shared.py"}]
    assert [line for line in lint.lines if "touches the same files as aaa (src/shared.py)" in line]
    assert lint.status == 0


@pytest.mark.parametrize("options", [("-n", "3"), ()])
def test_serialize_overlaps_works_them_one_after_the_other_and_both_land(
    repository: Repository, options: tuple[str, ...]
) -> None:
    _configure(repository, "serialize_overlaps: true")

    done = repository.doit(*options)
    order = _order(repository)

    assert done.status == 0, done.stderr
    assert order.index(f"end {A}") < order.index(f"begin {B}")
    assert (repository.folder / "src" / "shared.py").read_text() == f"{A}\n{B}\n"
    if options:
        assert order.index(f"begin {C}") < order.index(f"end {A}")
        assert "bbb  comes after aaa: both touch src/shared.py" in done.stderr


def test_info_tells_what_a_spec_comes_after_and_lint_has_nothing_to_say(repository: Repository) -> None:
    _configure(repository, "serialize_overlaps: true")

    assert any(line.split()[:2] == ["after", f"{A}:"] for line in repository.doit("info", "bbb").lines)
    assert "same files" not in repository.doit("spec-lint").stdout + repository.doit("list").stderr


def test_a_failure_of_the_earlier_one_blocks_nobody(repository: Repository) -> None:
    _configure(repository, "serialize_overlaps: true")
    repository.add_spec(A, "Fails", TARGETS, run="exit 3")
    repository.commit("one that fails")

    done = repository.doit("-n", "2")

    assert (done.status, "2 succeeded, 1 failed" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("options", [("-n", "2"), ()])
def test_an_order_that_tasks_of_the_dodo_contradict_is_no_deadlock(
    repository: Repository, options: tuple[str, ...]
) -> None:
    _configure(repository, "serialize_overlaps: true")
    build = f"def task_build():\n    return {{'actions': ['true'], 'task_dep': ['{B}']}}\n"
    repository.write("dodo.py", f"{DODO}\n{build}")
    repository.add_spec(A, "Waits for a task", f"{TARGETS}task_dep: [build]\n", run=_script(repository.folder.parent))
    repository.commit("a task between them")

    done = repository.doit(*options)

    assert done.status == 0, done.stderr
    order = _order(repository)
    assert order.index(f"end {B}") < order.index(f"begin {A}")


def test_branches_in_flight_that_conflict_are_told_before_they_land(repository: Repository) -> None:
    _configure(repository, "defaults: {branch: true}")
    repository.doit("-n", "2")

    listed, info = repository.doit("list"), repository.doit("info", "aaa")
    (value,) = json.loads(repository.doit("list", "--json", "aaa").stdout)
    cache = repository.folder / ".git" / "chant" / "merges.json"
    (known,) = [paths for paths in json.loads(cache.read_text()).values() if paths]
    cache.write_text("no JSON")

    assert "branches conflict: aaa and bbb in src/shared.py" in listed.stderr.splitlines()
    assert any(line.split() == ["conflicts", B, "in", "src/shared.py"] for line in info.lines)
    assert value["conflicts_with"] == [{"spec": B, "paths": ["src/shared.py"]}]
    assert known == ["src/shared.py"]
    assert "branches conflict: aaa and bbb" in repository.doit("list").stderr
