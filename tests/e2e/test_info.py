"""`doit info` in a real repository."""

from pathlib import Path

import pytest

from tests.e2e.repository import BUILD, DODO, Repository, make_repository

A, B = "2026-01-24-001-aaa", "2026-01-24-002-bbb"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "project", DODO + BUILD)
    made.write(".chant/config.md", "---\ndefaults:\n  provider: script\n---\n")
    made.add_spec(A, "Add the module", "labels: [auth]\n", run="echo a > a.txt")
    made.add_spec(B, "Use the module", f"depends_on: [{A}]\n", run="echo b > b.txt; false")
    made.commit("specs")
    return made


def test_a_short_id_tells_all_about_a_spec(repository: Repository) -> None:
    done = repository.doit("info", "bbb")

    assert done.lines == [
        "2026-01-24-002-bbb   Use the module",
        "⊘ blocked            by aaa",
        "depends on           2026-01-24-001-aaa (○ ready)",
        "file                 .chant/specs/2026-01-24-002-bbb.md",
        "criteria             0 of 1 ticked",
    ]
    assert (done.status, done.stderr) == (0, "")


def test_a_completed_spec_tells_its_attempt_commits_and_log(repository: Repository) -> None:
    assert repository.doit("aaa").status == 0

    rows = {line[:21].strip(): line[21:] for line in repository.doit("info", "aaa").lines}

    assert rows["● completed"] == ""
    assert rows["attempts"].startswith("1  today ")
    assert rows["attempts"].endswith("completed")
    assert rows["model"] == "script"
    assert rows["commits"].startswith("1 commit: ")
    assert (repository.folder / rows["log"]).is_file()


def test_a_failed_spec_tells_why_where_its_work_is_and_what_to_type(repository: Repository) -> None:
    assert repository.doit("bbb").status == 1

    done = repository.doit("info", "bbb")

    assert done.lines[1].startswith("✗ failed")
    assert done.lines[-1].endswith("doit bbb   work it again")
    assert done.status == 0


def test_several_specs_are_told_one_after_the_other(repository: Repository) -> None:
    done = repository.doit("info", "aaa", "bbb")

    assert [line for line in done.lines if line.startswith("2026")] == [
        "2026-01-24-001-aaa   Add the module",
        "2026-01-24-002-bbb   Use the module",
    ]
    assert "" in done.lines


@pytest.mark.parametrize("arguments", [("build",), ("build", "--no-status"), (), ("build", "build")])
def test_other_tasks_are_told_by_doit(repository: Repository, arguments: tuple[str, ...]) -> None:
    ours = repository.doit("info", *arguments)
    doits = repository.doit("info", "--no-status", "build") if "--no-status" in arguments else None
    doits = doits or repository.doit("info", *arguments, env={"CHANT_DOIT": "off"})

    assert ours == doits


def test_an_unknown_name_is_refused_in_words(repository: Repository) -> None:
    done = repository.doit("info", "zzz")

    assert done.status == 3
    assert "Traceback" not in done.stderr


def test_a_broken_spec_tells_what_is_wrong_with_it(repository: Repository) -> None:
    repository.write(".chant/specs/2026-01-26-002-abc.md", "---\ntitle: a: b\n---\n# X\n")

    done = repository.doit("info", "abc")

    assert done.lines[0] == "2026-01-26-002-abc"
    assert done.lines[1].startswith("✗ broken")
    assert "YAML" in done.lines[1]


def test_asking_leaves_nothing_in_the_checkout(repository: Repository) -> None:
    repository.doit("info", "aaa")

    assert [path.name for path in repository.folder.glob(".doit.db*")] == []
