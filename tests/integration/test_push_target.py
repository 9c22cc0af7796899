"""The target pushed after landings, onto what others have pushed: against a real remote, with a colleague's clone."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from chant_tasks.journal.pushes import load_target
from chant_tasks.steps.push_target import TargetPush, push_target
from tests.forges import Forge, commit_elsewhere, make_forge
from tests.integration.repository import Repository


@pytest.fixture
def forge(repository: Repository, tmp_path: Path) -> Forge:
    """The remote of a repository whose target is pushed after landings."""
    forge = make_forge(tmp_path)
    repository.git("remote", "add", "origin", str(forge.bare))
    repository.write(".chant/config.md", "---\npush: true\n---\n")
    repository.commit("config")
    repository.git("push", "-q", "origin", "main")
    return forge


def land(repository: Repository, name: str = "a", script: str = "echo work > {name}.txt") -> None:
    spec_id = repository.add_spec(name, script)
    repository.commit(f"spec {name}")
    assert repository.work(spec_id).is_satisfied


def push(repository: Repository) -> TargetPush | None:
    """What pushing the target comes to at the end of a `doit`."""
    return push_target(repository.prepare())


def test_a_landing_is_pushed_once_and_nothing_else_ever(repository: Repository, forge: Forge) -> None:
    repository.write("mine.txt", "mine\n")
    mine = repository.commit("mine")
    untouched = push(repository)
    land(repository)

    pushed, again = push(repository), push(repository)

    assert (untouched, pushed, again) == (None, TargetPush(), None)
    assert forge.heads() == {"main": repository.tip("main")}
    spec = repository.git("log", "-1", "--format=%h", "--grep=^spec a")
    assert f"main goes to origin with 2 commits of your own: {mine[:7]}, {spec}" in repository.notices()


def test_what_others_have_pushed_is_merged_and_nothing_of_either_is_lost(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    clone = forge.clone(tmp_path / "clone")
    land(repository)
    theirs, ours = commit_elsewhere(clone, "main", "theirs.txt", "theirs\n"), repository.tip("main")
    (repository.root / "untracked.txt").write_text("mine\n")

    pushed = push(repository)

    assert pushed == TargetPush()
    assert forge.heads() == {"main": repository.tip("main")}
    assert repository.git("log", "-1", "--format=%P %s", "main") == f"{ours} {theirs} chant: merge origin's main"
    assert (repository.root / "theirs.txt").read_text() == "theirs\n"
    assert repository.status() == ["?? untracked.txt"]
    assert repository.refs("refs/remotes/origin/")["refs/remotes/origin/main"] != theirs
    repository.assert_no_traces()


def test_a_push_between_our_look_and_our_push_is_taken_in_too(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    clone = forge.clone(tmp_path / "clone")
    land(repository)
    hook = repository.top / ".git" / "hooks" / "pre-push"
    hook.write_text(
        f"#!/bin/sh\nrm $0\ncd {clone} && unset GIT_DIR GIT_WORK_TREE\necho late > late.txt\n"
        "git add -A && git -c user.name=R -c user.email=r@x commit -qm late && git push -q origin main\n"
    )
    hook.chmod(0o755)

    pushed = push(repository)

    assert pushed == TargetPush()
    assert forge.heads() == {"main": repository.tip("main")}
    assert repository.files() == {"README.md", "a.txt", "late.txt"}


def test_a_conflict_moves_nothing_and_the_printed_command_leads_on(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    clone = forge.clone(tmp_path / "clone")
    land(repository, script="echo ours > README.md")
    theirs, ours = commit_elsewhere(clone, "main", "README.md", "theirs\n"), repository.tip("main")

    refused = push(repository)

    mend = "git pull --no-rebase origin main"
    assert refused == TargetPush(problem="conflicts with origin's main in README.md", mend=mend)
    assert (forge.heads(), repository.tip("main"), repository.status()) == ({"main": theirs}, ours, [])
    record = load_target(repository.journal)
    assert record is not None
    assert (record.problem, record.new) == (refused.problem, "")
    repository.shell(f"{mend} || (echo both > README.md && git commit -qam both)")
    assert push(repository) == TargetPush()
    assert forge.heads() == {"main": repository.tip("main")}


def test_a_merge_that_fails_the_checks_is_not_moved_to_and_one_that_passes_is(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    flaky = f"test ! -e good.txt -o -e {tmp_path}/once || {{ touch {tmp_path}/once; false; }}"
    checks = f"checks: ['test ! -e a.txt || test ! -e bad.txt', '{flaky}']"
    repository.write(".chant/config.md", f"---\npush: true\n{checks}\n---\n")
    repository.commit("checks")
    repository.git("push", "-q", "origin", "main")
    clone = forge.clone(tmp_path / "clone")
    land(repository)
    theirs, ours = commit_elsewhere(clone, "main", "bad.txt", "bad\n"), repository.tip("main")

    refused = push(repository)
    tips = (forge.heads()["main"], repository.tip("main"))
    repository.git("-C", str(clone), "rm", "-q", "bad.txt")
    commit_elsewhere(clone, "main", "good.txt", "good\n")
    pushed = push(repository)

    assert refused is not None
    assert refused.problem.startswith("with origin's main merged in, `test ! -e a.txt || test ! -e bad.txt` failed")
    assert tips == (theirs, ours)
    assert pushed == TargetPush()
    assert f"`{flaky}` failed once and then succeeded on the same files: flaky" in repository.notices()
    assert forge.heads() == {"main": repository.tip("main")}
    assert repository.files() == {"README.md", "a.txt", "good.txt"}
    repository.assert_no_traces()


def test_a_merge_is_checked_where_a_colleague_landed_last_and_our_own_spec_is_archived(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    repository.write(".chant/config.md", "---\npush: true\nchecks: [test -e a.txt]\n---\n")
    repository.commit("checks")
    repository.git("push", "-q", "origin", "main")
    clone = forge.clone(tmp_path / "clone")
    land(repository)
    repository.shell("mkdir .chant/archive && git mv .chant/specs/*.md .chant/archive && git commit -qm archive")
    landing = (
        "commit",
        "-q",
        "--allow-empty",
        "--date=2100-01-01T00:00:00",
        "-m",
        "chant(b): Do b",
        "-m",
        "Chant-Spec: b",
    )
    repository.git("-C", str(clone), *landing)
    repository.git("-C", str(clone), "push", "-q", "origin", "main")

    assert push(repository) == TargetPush()
    assert forge.heads() == {"main": repository.tip("main")}
    assert repository.refs("refs/chant/landing-target") == {}


def test_a_file_in_the_way_is_named_and_stays(repository: Repository, forge: Forge, tmp_path: Path) -> None:
    clone = forge.clone(tmp_path / "clone")
    land(repository)
    theirs, ours = commit_elsewhere(clone, "main", "new.txt", "theirs\n"), repository.tip("main")
    (repository.root / "new.txt").write_text("mine\n")

    refused = push(repository)

    assert refused is not None
    assert "new.txt" in refused.problem
    assert (forge.heads(), repository.tip("main")) == ({"main": theirs}, ours)
    assert (repository.root / "new.txt").read_text() == "mine\n"
    (repository.root / "new.txt").unlink()
    assert push(repository) == TargetPush()


def test_a_server_that_refuses_is_quoted_and_one_that_is_away_named(repository: Repository, forge: Forge) -> None:
    land(repository)
    hook = forge.bare / "hooks" / "update"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    refused = push(repository)
    forge.bare.rename(forge.bare.with_name("away"))
    away = push(repository)

    assert refused == TargetPush(problem="origin refused it: [remote rejected] (hook declined)")
    assert away is not None
    assert (away.is_unreachable, str(forge.bare) in away.problem) == (True, True)


@pytest.mark.parametrize(
    "death",
    ["after:chant_tasks.steps.update_target:save_target", "after:chant_tasks.landing.checkout:apply_tree"],
)
def test_a_run_that_is_killed_while_the_target_moves_is_finished_by_the_next(
    repository: Repository, forge: Forge, tmp_path: Path, death: str
) -> None:
    clone = forge.clone(tmp_path / "clone")
    land(repository)
    commit_elsewhere(clone, "main", "theirs.txt", "theirs\n")
    command = (sys.executable, "-m", "tests.integration.dying", str(repository.root), "-", death, "push")
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, start_new_session=True, check=False)

    pushed = push(repository)

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert pushed == TargetPush()
    assert forge.heads() == {"main": repository.tip("main")}
    assert repository.files() == {"README.md", "a.txt", "theirs.txt"}
    assert repository.status() == []
    repository.assert_no_traces()


def test_pushes_go_over_the_network_as_well(repository: Repository, forge: Forge, tmp_path: Path) -> None:
    clone = forge.clone(tmp_path / "clone")
    with serve(tmp_path) as port:
        repository.git("remote", "set-url", "origin", f"git://127.0.0.1:{port}/{forge.bare.name}")
        land(repository)
        commit_elsewhere(clone, "main", "theirs.txt", "theirs\n")

        pushed = push(repository)

    assert pushed == TargetPush()
    assert forge.heads() == {"main": repository.tip("main")}
    assert repository.files() == {"README.md", "a.txt", "theirs.txt"}


@contextmanager
def serve(folder: Path) -> Iterator[int]:
    """The port of a server on loopback that takes pushes to the repositories below `folder`: a git daemon for each
    call, since one that listens itself could only be given a port that another may have taken by then."""
    options = ("--inetd", "--log-destination=none", "--export-all", "--enable=receive-pack", f"--base-path={folder}")

    def answer(server: socket.socket) -> None:
        with suppress(OSError):  # it is shut down
            while True:
                call, _ = server.accept()
                with call:
                    subprocess.run(("git", "daemon", *options), stdin=call.fileno(), stdout=call.fileno(), check=False)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
