"""`doit spec-init`: the first minute with a project."""

import re
from pathlib import Path

import pytest

from tests.e2e.repository import Repository, make_repository

AGENT = """#!/bin/sh
[ "$1" = --version ] && echo "1.2.3 (An Agent)" && exit
cat > /dev/null
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository without a commit and without a dodo."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Repository(folder)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("config", "user.name", "A Person")
    made.git("config", "user.email", "person@example.com")
    return made


def add_agent(repository: Repository, name: str) -> None:
    path = repository.folder.parent / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(AGENT)
    path.chmod(0o755)


def with_agents(repository: Repository) -> dict[str, str]:
    return {"PATH": f"{repository.folder.parent / 'bin'}:/usr/bin:/bin"}


def files(repository: Repository) -> dict[str, str]:
    found = [path for path in repository.folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    kept = [path for path in found if "__pycache__" not in path.parts and not path.name.startswith(".doit.db")]
    return {path.relative_to(repository.folder).as_posix(): path.read_text() for path in kept}


def test_everything_is_written_and_said_with_what_comes_next(repository: Repository) -> None:
    add_agent(repository, "claude")

    done = repository.doit("spec-init", env=with_agents(repository))

    assert done.status == 0, done.stderr
    written, ignored, agent, after = done.lines
    (spec,) = (path for path in files(repository) if path.startswith(".chant/specs/"))
    assert re.fullmatch(r"\.chant/specs/\d{4}-\d\d-\d\d-001-[0-9a-z]{3}\.md", spec)
    assert written == f"wrote .chant/config.md, .chant/prompts/standard.md, {spec} (an example), dodo.py"
    assert ignored == "doit's and Python's own files are ignored from now on (.git/info/exclude)"
    assert agent == "claude 1.2.3 found: it will work the specs"
    assert (
        after == "next: edit the example, then  git add .chant dodo.py && git commit -m specs,  doit list,  doit -n 2"
    )
    assert set(files(repository)) == {".chant/config.md", ".chant/prompts/standard.md", spec, "dodo.py"}


def test_the_commands_that_come_next_work_as_printed(repository: Repository) -> None:
    done = repository.doit("spec-init")

    commit = re.search(r"git add .*?-m specs", done.lines[-1])
    assert commit is not None
    assert repository.shell(commit.group()).status == 0
    listed = repository.shell("doit list")
    assert listed.stderr.splitlines()[-1] == "1 spec: 1 ready"
    assert repository.git("status", "--short") == ""


def test_the_example_is_worked_by_whatever_agent_there_is(repository: Repository) -> None:
    repository.doit("spec-init")
    tick = "sed 's/- \\[ \\]/- [x]/' $CHANT_SPEC_FILE > new; mv new $CHANT_SPEC_FILE"
    script = f"cat > /dev/null; echo It is small. > DEVELOPMENT.md; {tick}"
    argv = f'["sh", "-c", "{script}"]'.replace("\\", "\\\\")
    repository.write(".chant/config.md", f"---\nproviders:\n  command:\n    argv: {argv}\n---\n")
    repository.commit("specs")

    done = repository.doit("-n", "2")

    assert done.status == 0, done.stderr
    assert "DEVELOPMENT.md" in files(repository)


def test_a_second_time_it_says_what_is_there_and_changes_nothing(repository: Repository) -> None:
    repository.doit("spec-init")
    before = files(repository)

    done = repository.doit("spec-init")

    assert done.status == 0
    assert done.lines[0] == (
        "already there: .chant/config.md, .chant/prompts/standard.md, .chant/specs (1 spec), dodo.py"
    )
    assert done.lines[-1] == "next: doit list,  doit -n 2"
    assert files(repository) == before


def test_a_dodo_that_is_there_is_left_alone_and_the_line_is_printed(repository: Repository) -> None:
    repository.write("dodo.py", "def task_build():\n    return {'actions': None}\n")
    before = files(repository)["dodo.py"]

    done = repository.doit("spec-init")

    assert "add this line to dodo.py:  from chant_tasks import task_specs" in done.lines
    assert "git add .chant && git commit" in done.lines[-1]
    assert files(repository)["dodo.py"] == before


def test_specs_of_chants_get_no_example(repository: Repository) -> None:
    repository.add_spec("2026-01-24-001-aaa")

    repository.doit("spec-init")

    assert [path for path in files(repository) if "/specs/" in path] == [".chant/specs/2026-01-24-001-aaa.md"]


def test_without_an_agent_it_says_what_to_install_or_set(repository: Repository) -> None:
    done = repository.doit("spec-init", env=with_agents(repository))

    assert done.status == 0
    assert "no agent found: none of claude, codex, gemini, opencode, qwen, copilot, aider is on PATH" in done.stdout
    assert "name your own in .chant/config.md" in done.stdout


def test_outside_of_git_nothing_is_written(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project")
    repository.folder.mkdir()

    done = repository.doit("spec-init")

    assert (done.status, done.stdout, files(repository)) == (1, "", {})
    assert "is in no git repository\n  git init, then again: doit spec-init" in done.stderr


def test_in_a_folder_below_the_project_is_the_one_above(repository: Repository) -> None:
    repository.doit("spec-init")
    below = repository.folder / "src"
    below.mkdir()

    done = repository.doit("spec-init", cwd=below)

    assert done.lines[0] == f"the project is {repository.folder}"
    assert list(below.iterdir()) == []


def test_a_linked_worktree_ignores_in_the_shared_repository(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project")
    repository.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))

    done = repository.doit("spec-init", cwd=tmp_path / "linked")

    assert done.status == 0
    assert ".doit.db*" in (repository.folder / ".git" / "info" / "exclude").read_text().splitlines()


def test_an_agent_is_refused(repository: Repository) -> None:
    done = repository.doit("spec-init", env={"CHANT_SPEC_ID": "2026-01-24-001-aaa"})

    assert (done.status, files(repository)) == (1, {})


def test_arguments_are_refused(repository: Repository) -> None:
    assert repository.doit("spec-init", "here").status == 3
