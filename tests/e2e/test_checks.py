"""Checks with doit: tasks of the dodo as checks, and the ways on from a red one, as they are printed."""

from pathlib import Path

import pytest

from tests.e2e.repository import DODO, Repository, make_repository

A, B = "2026-01-24-001-aaa", "2026-01-24-002-bbb"
LINT = '''

def task_test():
    """Named as a command of the shell's"""
    return {"actions": ["! grep -s bad good.txt", "echo the task has run"], "verbosity": 2}
'''
# An agent of one's own: works on, where there is something already, and keeps what it was told.
AGENT = """\
cat > "$HOME/prompt"
if [ -e good.txt ]; then echo good > good.txt; else echo bad > good.txt; fi
sed -i 's/^- \\[ \\]/- [x]/' "$CHANT_SPEC_FILE"
git add -A && git commit -qm work
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "project", f"{DODO}{LINT}")
    (tmp_path / "agent").write_text(AGENT)
    agent = f"providers:\n  command:\n    argv: [sh, {tmp_path}/agent]\ndefaults:\n  provider: command\n"
    made.write(".chant/config.md", f"---\n{agent}checks: test\n---\n")
    made.add_spec(A, "Be good")
    made.commit("specs")
    return made


def next_command(repository: Repository, purpose: str) -> str:
    lines = [line for line in repository.doit("info", A).lines if purpose in line]
    return lines[0].partition(purpose)[0].removeprefix("next").strip()


def test_a_task_of_the_dodos_is_a_check_and_what_it_says_is_in_the_log(repository: Repository) -> None:
    repository.write("good.txt", "there already\n")
    repository.commit("so the agent makes it good")

    done = repository.doit("-n", "2", "specs")

    assert done.status == 0, done.stderr
    assert "checks    `test`" in done.stderr
    assert "the task has run" in repository.doit("spec-log", "aaa").stdout
    assert repository.git("show", "main:good.txt") == "good"
    assert repository.git("status", "--short") == ""


def test_an_agent_goes_on_from_a_red_check_told_what_failed(repository: Repository) -> None:
    first = repository.doit("-n", "2", "specs")
    assert (first.status, repository.git("ls-tree", "--name-only", "main", "good.txt")) == (1, "")
    assert "`test` failed with status 1" in first.stderr
    assert "doit spec-resolve aaa" in first.stderr

    done = repository.shell(
        next_command(repository, "have its agent mend it").replace("spec-resume", "spec-resume -n 2")
    )

    assert done.status == 0, done.stderr
    told = (repository.folder.parent / "home" / "prompt").read_text()
    assert "`test` failed with status 1" in told
    assert "this work merged with main" in told
    assert repository.git("show", "main:good.txt") == "good"
    assert repository.git("for-each-ref", "refs/heads/spec", "refs/chant/landing") == ""


def test_what_a_person_mends_on_the_branch_is_landed_by_the_commands_that_were_printed(repository: Repository) -> None:
    repository.doit("-n", "2", "specs")
    mend, land = (
        next_command(repository, "mend it in a folder of its own"),
        next_command(repository, "then check and land it"),
    )

    assert repository.shell(mend).status == 0
    folder = repository.temporary / f"resolve-{A}"
    (folder / "good.txt").write_text("good\n")
    repository.git("-C", str(folder), "commit", "--quiet", "--all", "--message", "mend")
    done = repository.shell(land)

    assert done.status == 0, done.stderr
    assert done.lines[-1].startswith(f"✓ Finalized {A}, main is at ")
    assert repository.git("status", "--short") == ""


def test_a_red_one_is_discarded_and_worked_again_as_printed(repository: Repository) -> None:
    repository.doit("-n", "2", "specs")

    done = repository.shell(next_command(repository, "set the branch aside"))

    assert done.status == 0, done.stderr
    assert repository.doit("list", "aaa").lines[0].split()[2] == "ready"


def test_in_the_checkout_itself_what_would_land_is_checked_too(repository: Repository) -> None:
    done = repository.doit("specs")

    assert done.status == 1
    assert "`test` failed with status 1" in done.stderr
    assert repository.git("symbolic-ref", "--short", "HEAD") == "main"
    assert not (repository.folder / "good.txt").exists()
    again = repository.shell("doit spec-resume aaa")
    assert again.status == 0, again.stderr
    assert (repository.folder / "good.txt").read_text() == "good\n"


def test_settings_and_keys_that_are_wrong_are_said_in_a_line(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\nchecks: {make: test}\ntimeouts:\n  check: soon\n---\n")
    repository.add_spec(B, frontmatter="checks: none\n")

    done = repository.doit("spec-lint")

    assert done.status == 1
    said = done.stdout + done.stderr
    assert "`checks` must be a text" in said
    assert "`timeouts.check` must be a time" in said
    assert "switches none of them off" in said


def test_a_spec_that_waits_for_others_checks_has_left_its_place_to_the_next_one(tmp_path: Path) -> None:
    made = make_repository(tmp_path / "project")
    third = f"{tmp_path}/third"
    # red, as long as the third spec is not begun while these two are checked, or wait for that
    made.write(
        ".chant/config.md", f"---\nchecks: 'timeout 30 sh -c \"until [ -e {third} ]; do sleep 0.1; done\"'\n---\n"
    )
    for name, run in (
        (A, "echo a > a.txt"),
        (B, "echo b > b.txt"),
        ("2026-01-24-003-ccc", f"touch {third}; echo c > c"),
    ):
        made.add_spec(name, name, run=run)
    made.commit("specs")

    done = made.doit("-n", "2", "specs")

    assert done.status == 0, done.stderr
    assert "3 succeeded" in done.stderr
    assert [place for place in made.temporary.iterdir() if place.name.startswith("chant-")] == []
