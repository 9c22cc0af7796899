"""`doit` with pull requests and a pushed target, as a person sees it: a remote on the disk, a forge's stand-in."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import end, find_user_changes, load_seen
from tests.forges import Forge, commit_elsewhere, make_forge
from tests.processes import is_running, wait_until

ONE, TWO, PLAIN = "2026-01-01-001-one", "2026-01-01-002-two", "2026-01-01-003-pla"
URLS = ["https://forge.example/pulls/1", "https://forge.example/pulls/2"]


class Project:
    """A project whose specs get pull requests, but for one that lands."""

    def __init__(self, folder: Path, settings: str = "defaults: {pr: true}\ngit: {provider: github}\n") -> None:
        self.sandbox = Sandbox(folder / "project")
        self.forge: Forge = make_forge(folder)
        self.environ = {"PATH": f"{self.forge.programs}{os.pathsep}{os.environ['PATH']}"}
        (self.sandbox.root / ".chant" / "config.md").write_text(f"---\n{settings}---\n")

    def begin(self) -> None:
        """Commit what there is, and push it."""
        self.sandbox.commit()
        self.sandbox.git("remote", "add", "origin", str(self.forge.bare))
        self.sandbox.git("push", "-q", "origin", "main")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.sandbox.add_spec(ONE)
    project.sandbox.add_spec(TWO)
    project.sandbox.add_spec(PLAIN, ["branch: false"])
    project.begin()
    return project


def test_a_run_pushes_what_it_finalizes_and_says_where(project: Project) -> None:
    ran = project.sandbox.doit("-n", "2", environ=project.environ)

    seen = load_seen(project.sandbox)
    assert ran.status == 0, ran.text
    assert sorted(pull["title"] for pull in project.forge.pulls) == [f"Work {ONE}", f"Work {TWO}"]
    assert sorted(project.forge.heads()) == [f"chant/{ONE}", f"chant/{TWO}", "main"]
    assert {seen[spec_id].state for spec_id in (ONE, TWO)} == {"waiting"}
    assert seen[PLAIN].state == "completed"
    assert sorted(seen[spec_id].reason.rpartition(" ")[2] for spec_id in (ONE, TWO)) == URLS
    assert ran.err.count("✓ Pushed chant/2026") == 2
    assert "1 succeeded, 2 waiting in " in ran.err


def test_what_cannot_be_pushed_is_counted_fails_the_run_and_is_tried_again_alone(project: Project) -> None:
    away = project.forge.bare.with_name("away")
    project.forge.bare.rename(away)

    failed = project.sandbox.doit("-n", "2", environ=project.environ)
    listed = project.sandbox.doit("list", environ=project.environ)
    away.rename(project.forge.bare)
    again = project.sandbox.doit(environ=project.environ)

    assert failed.status == 1, failed.text
    assert "1 succeeded, 2 not pushed in " in failed.err
    assert f"⏸ {ONE}  Work {ONE}\n  not pushed  origin: " in failed.err
    assert "doit -n 2 one" in failed.err
    assert f"completed on branch chant/{ONE}, not pushed: origin: " in listed.out
    assert again.status == 0, again.text
    assert len(project.forge.pulls) == 2
    assert {spec.attempts for spec in load_seen(project.sandbox).values()} == {1}


def test_ctrl_c_ends_a_push_that_hangs_and_the_next_doit_pushes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", project.environ["PATH"])
    begun, hook = tmp_path / "begun", project.sandbox.root / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\necho $$ > {begun}.new\nmv {begun}.new {begun}\nexec sleep 1000\n")
    hook.chmod(0o755)

    running = project.sandbox.start("-n", "2", ONE)
    wait_until(begun.exists, "the push begins")
    os.killpg(running.pid, signal.SIGINT)
    stopped = end(running)
    hook.unlink()
    again = project.sandbox.doit(ONE)

    assert stopped.status == 130, stopped.text
    assert "not pushed: the run was stopped" in stopped.err
    assert not is_running(int(begun.read_text()))
    assert again.status == 0, again.text
    assert [pull["title"] for pull in project.forge.pulls] == [f"Work {ONE}"]
    assert load_seen(project.sandbox)[ONE].attempts == 1


def test_a_merged_pull_request_lets_what_depends_on_it_go_on_in_the_same_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.sandbox.add_spec(ONE)
    project.sandbox.add_spec(TWO, [f"depends_on: [{ONE}]", "branch: false"], run=f"cat {ONE}.txt > two.txt\n{TICK}")
    project.begin()
    project.sandbox.doit("-n", "2", environ=project.environ)
    project.forge.merge(f"chant/{ONE}")

    ran = project.sandbox.doit("-n", "2", environ=project.environ)

    assert ran.status == 0, ran.text
    assert {spec.state for spec in load_seen(project.sandbox).values()} == {"completed"}
    assert (project.sandbox.root / "two.txt").read_text() == f"{ONE}\n"
    assert project.sandbox.git("branch", "--format=%(refname:lstrip=2)") == "main"
    assert find_user_changes(project.sandbox) == ""


def test_landings_are_pushed_and_a_target_that_cannot_be_fails_the_run_until_it_is(tmp_path: Path) -> None:
    project = Project(tmp_path, "push: true\n")
    project.sandbox.add_spec(ONE)
    project.sandbox.add_spec(TWO, run=f"echo ours > dodo.txt\n{TICK}")
    project.begin()
    first = project.sandbox.doit("-n", "2", ONE, environ=project.environ)
    commit_elsewhere(project.forge.clone(tmp_path / "clone"), "main", "dodo.txt", "theirs\n")

    refused = project.sandbox.doit("-n", "2", environ=project.environ)
    listed = project.sandbox.doit("list", environ=project.environ)
    project.sandbox.repository.shell("git pull -q --no-rebase --no-edit -s ours origin main")
    pushed = project.sandbox.doit(environ=project.environ)

    assert first.status == 0, first.text
    assert "✓ Pushed main to origin, at " in first.err
    assert refused.status == 1, refused.text
    assert "1 succeeded, 1 up to date in " in refused.err
    assert "⚠ main is not pushed: conflicts with origin's main in dodo.txt\n  next " in refused.err
    assert "git pull --no-rebase origin main   mend that, then" in refused.err
    assert "main is not pushed: conflicts with origin's main in dodo.txt" in listed.err
    assert pushed.status == 0, pushed.text
    assert project.forge.heads()["main"] == project.sandbox.git("rev-parse", "main")
    assert project.sandbox.doit("list").err.count("is not pushed") == 0
