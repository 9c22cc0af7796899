"""What a person sees where specs cannot be worked in a repository: one line and the way on, and never a traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.sandbox import Ran, Sandbox

NOBODY = 65534


def _assert_told(ran: Ran, *words: str) -> None:
    assert ran.status not in (0, 3), ran.text
    assert "Traceback" not in ran.text
    for word in words:
        assert word in ran.text


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_without_git_it_is_said_what_is_missing(sandbox: Sandbox) -> None:
    sandbox.add_spec("one")
    sandbox.commit()

    ran = sandbox.doit("run", environ={"PATH": str(sandbox.outside / "empty")})

    _assert_told(ran, "git", "install git")
    assert not (sandbox.root / "one.txt").exists()


def test_a_git_that_is_too_old_is_refused_with_its_version(sandbox: Sandbox) -> None:
    sandbox.add_spec("one")
    sandbox.commit()
    real = shutil.which("git")
    old = f'#!/bin/sh\ntest "$1" != version || {{ echo git version 2.37.1; exit 0; }}\nexec {real} "$@"\n'
    _write_program(sandbox.outside / "old" / "git", old)

    ran = sandbox.doit("-n", "2", environ={"PATH": f"{sandbox.outside / 'old'}:{os.environ['PATH']}"})

    _assert_told(ran, "git 2.37 is too old", "chant_tasks needs git 2.38 or newer")
    assert not (sandbox.root / "one.txt").exists()


def test_in_a_bare_repository_the_ways_on_are_said(sandbox: Sandbox) -> None:
    sandbox.add_spec("one")
    sandbox.commit()
    bare = sandbox.outside / "bare.git"
    sandbox.git("clone", "--quiet", "--bare", ".", str(bare))
    shutil.copytree(sandbox.root / ".chant", bare / ".chant")
    shutil.copy(sandbox.root / "dodo.py", bare)

    _assert_told(sandbox.doit("run", folder=bare), f"{bare} is a bare repository, without a checkout", "git clone")


def test_settings_that_send_git_elsewhere_are_named_with_the_way_back(sandbox: Sandbox) -> None:
    sandbox.add_spec("one")
    sandbox.commit()
    sandbox.git("config", "core.worktree", str(sandbox.outside))

    ran = sandbox.doit("-n", "2")

    _assert_told(ran, f"sends git to {sandbox.outside}, away from {sandbox.root}", "--unset core.worktree")
    assert not (sandbox.root / "one.txt").exists()


def _plan_mere_mortal() -> tuple[str, ...]:
    """The command before another by which permissions hold for root, too."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv")
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


@pytest.mark.parametrize("part", [".", "refs/heads", "objects"])
def test_a_git_folder_that_cannot_be_written_is_named(sandbox: Sandbox, part: str) -> None:
    sandbox.add_spec("one")
    sandbox.commit()
    folder = sandbox.root / ".git" / part
    closed = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in closed:
        path.chmod(0o555)

    done = subprocess.run(
        (*_plan_mere_mortal(), sys.executable, "-m", "doit", "-n", "2"),
        cwd=sandbox.root,
        env=sandbox.repository.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    for path in closed:
        path.chmod(0o755)
    _assert_told(
        Ran(status=done.returncode, out=done.stdout, err=done.stderr), f"{folder} cannot be written: permission denied"
    )
    assert list(sandbox.temporary.iterdir()) == []
    assert sandbox.status_of("one") == "pending"
    assert sandbox.git("status", "--porcelain", "--untracked-files=no") == ""


@pytest.fixture
def others(sandbox: Sandbox) -> Sandbox:
    """A repository that belongs to another user."""
    if os.geteuid() != 0:
        pytest.skip("only root may give a repository away")
    sandbox.add_spec("one")
    sandbox.commit()
    subprocess.run(("chown", "-R", str(NOBODY), str(sandbox.root)), check=True)
    return sandbox


def test_a_repository_that_git_does_not_trust_is_refused_in_gits_words(others: Sandbox) -> None:
    ran = others.doit("-n", "2")

    _assert_told(ran, "dubious ownership", "safe.directory")
    assert not (others.root / "one.txt").exists()


def test_a_repository_of_another_users_that_git_was_told_to_trust_is_worked(others: Sandbox) -> None:
    trust = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}

    assert others.doit("-n", "2", environ=trust).status == 0
    assert others.status_of("one") == "completed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_another_users_journal_tells_nothing_and_the_list_says_so(sandbox: Sandbox) -> None:
    """Whoever fills the journal decides what the list says."""
    sandbox.add_spec("one", run="exit 3")
    sandbox.commit()
    assert sandbox.doit("-n", "2").status == 1
    journal = sandbox.root / ".git" / "chant"
    os.chown(journal, NOBODY, NOBODY)

    listed, info, ran = sandbox.doit("list"), sandbox.doit("info", "one"), sandbox.doit("-n", "2")

    assert (listed.status, info.status) == (0, 0)
    assert listed.text.count(f"what earlier runs did is not known: {journal} belongs to another user") == 1
    assert "ready" in listed.out
    assert "failed" not in listed.out + info.out
    _assert_told(ran, f"{journal} belongs to another user")
