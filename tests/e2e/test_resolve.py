"""`doit spec-land` and `doit spec-discard`: the ways on from a conflict, as they are printed."""

from pathlib import Path

import pytest

from tests.e2e.repository import DODO, Repository, make_repository

A, B = "2026-01-24-001-aaa", "2026-01-24-002-bbb"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two specs that wrote the same line; `A` landed first, `B` is in conflict on its branch."""
    made = make_repository(tmp_path / "project", DODO)
    made.write(".chant/config.md", "---\ndefaults:\n  provider: script\n---\n")
    meet = "touch '{here}/{me}'; while ! [ -e '{here}/{other}' ]; do sleep 0.05; done; echo {me} > shared.txt"
    made.add_spec(A, run=meet.format(here=tmp_path, me="a", other="b"))
    made.add_spec(B, run=meet.format(here=tmp_path, me="b", other="a") + "; sleep 1")
    made.commit("specs")
    made.doit("-n", "2")
    assert state(made, B) == "attention"
    return made


def state(repository: Repository, spec_id: str) -> str:
    (line,) = repository.doit("list", spec_id).lines
    return line.split()[2]


def next_command(repository: Repository, purpose: str) -> str:
    lines = [line for line in repository.doit("info", B).lines if purpose in line]
    return lines[0].removeprefix("next").strip().partition("   ")[0]


def test_what_a_person_resolved_on_the_branch_is_landed_by_the_commands_that_were_printed(
    repository: Repository,
) -> None:
    resolve, land = next_command(repository, "resolve it there"), next_command(repository, "then land it")

    place = repository.shell(resolve).lines[0]
    assert repository.shell(f"{place} && echo a and b > shared.txt && git commit -qam resolve").status == 0
    done = repository.shell(land)

    assert done.status == 0, done.stderr
    assert done.lines[-1].startswith(f"✓ Finalized {B}, main is at ")
    assert state(repository, B) == "completed"
    assert "1 commit, 2 files" in repository.doit("spec-attempts", B).lines[0]  # nothing of what main brought
    assert (repository.folder / "shared.txt").read_text() == "a and b\n"
    assert repository.git("for-each-ref", "refs/heads/spec") == ""
    assert repository.git("status", "--short") == ""


def test_landing_what_still_conflicts_says_why_and_loses_nothing(repository: Repository) -> None:
    before = repository.git("rev-parse", f"spec/{B}")

    done = repository.doit("spec-land", "bbb")

    assert done.status == 1
    assert done.lines[0].startswith(f"⚠ {B}  conflict")
    assert any("doit spec-discard bbb" in line for line in done.lines)
    assert repository.git("rev-parse", f"spec/{B}") == before


def test_discarded_work_can_be_had_back_as_printed_and_the_spec_is_worked_again(repository: Repository) -> None:
    head = repository.git("rev-parse", f"spec/{B}")

    done = repository.shell(next_command(repository, "set the branch aside"))

    assert done.status == 0, done.stderr
    assert repository.git("for-each-ref", "refs/heads/spec") == ""
    restore = done.lines[-1].partition("get it back: ")[2]
    assert state(repository, B) == "ready"
    assert repository.shell(restore).status == 0
    assert repository.git("rev-parse", f"spec/{B}") == head


def test_they_work_without_a_dodo_and_from_a_folder_below(repository: Repository) -> None:
    (repository.folder / "dodo.py").unlink()
    below = repository.folder / "some" / "folder"
    below.mkdir(parents=True)

    assert repository.doit("spec-discard", "bbb", cwd=below).status == 0


@pytest.mark.parametrize("command", ["spec-land", "spec-discard"])
def test_an_agent_is_refused_in_one_line(repository: Repository, command: str) -> None:
    done = repository.doit(command, "bbb", env={"CHANT_SPEC_ID": A})

    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == f"chant_tasks: {command} is for people; an agent at work on a spec cannot use it\n"
    assert state(repository, B) == "attention"


@pytest.mark.parametrize("command", ["spec-land", "spec-discard"])
def test_a_spec_without_a_branch_and_a_name_that_is_none_are_refused(repository: Repository, command: str) -> None:
    no_branch, no_spec, nothing = (repository.doit(command, *names) for names in (["aaa"], ["zzz"], []))

    is_land = command == "spec-land"
    assert (no_branch.status, no_spec.status, nothing.status) == (0 if is_land else 1, 3, 3)
    assert ("has landed already" if is_land else "has no branch") in no_branch.stdout + no_branch.stderr
    assert "Traceback" not in no_spec.stderr + nothing.stderr


@pytest.mark.parametrize("command", ["spec-land", "spec-discard"])
def test_inside_a_task_they_are_refused_instead_of_hanging(repository: Repository, command: str) -> None:
    repository.write("dodo.py", f"{DODO}\ndef task_nightly():\n    return {{'actions': ['doit {command} bbb']}}\n")
    repository.commit("a task")

    done = repository.shell("doit nightly")

    assert done.status == 1
    assert "this doit runs inside a task of another one" in done.stderr
    assert f"run doit {command} beside it" in done.stderr
    assert state(repository, B) == "attention"


def test_outside_of_a_project_the_way_in_is_said(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "empty")

    done = repository.doit("spec-land", "bbb")

    assert done.status == 1
    assert "doit spec-init makes one" in done.stderr
