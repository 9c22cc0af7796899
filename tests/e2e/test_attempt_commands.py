"""`doit spec-attempts` and `doit spec-log`, as a person types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.repository import DODO, TICK, Repository, make_repository
from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import end
from tests.processes import wait_until

A, B = "2026-01-24-001-aaa", "2026-01-24-002-bbb"
REF = f"refs/chant/attempts/{B}/1"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """`A` failed once and then landed; `B` failed twice."""
    made = make_repository(tmp_path / "project", DODO)
    made.write(".chant/config.md", "---\ndefaults:\n  provider: script\n---\n")
    made.add_spec(A, run=f"echo a > a.txt; [ -e '{tmp_path}/again' ] || exit 3")
    made.add_spec(B, run="echo said one; echo b > b.txt; echo more > more.txt; exit 4")
    made.commit("specs")
    made.doit("-n", "2")
    (tmp_path / "again").touch()
    made.doit("-n", "2")
    return made


def attempts(repository: Repository, *arguments: str) -> list[tuple[str, int, str]]:
    listed = json.loads(repository.doit("spec-attempts", "--json", *arguments).stdout)
    return sorted((attempt["spec"], attempt["number"], attempt["ending"]) for attempt in listed)


def refs(repository: Repository) -> list[str]:
    return repository.git("for-each-ref", "--format=%(refname)", "refs/chant/").split()


class TestAttempts:
    def test_each_is_a_line_the_newest_first(self, repository: Repository) -> None:
        done = repository.doit("spec-attempts")

        assert done.status == 0
        assert len(done.lines) == 4
        assert [line.split()[1] for line in done.lines if line.startswith(A)] == ["2", "1"]
        assert [line.split()[1] for line in done.lines if line.startswith(B)] == ["2", "1"]
        (line,) = (line for line in done.lines if line.startswith(f"{B}   1"))
        assert "   1 commit, 2 files   script   failed: the agent gave up: exit status 4" in line
        assert line.endswith(f"   {REF}")
        assert "4 attempts" in done.stderr

    def test_named_specs_only_and_as_json(self, repository: Repository) -> None:
        assert attempts(repository, "aaa") == [(A, 1, "failed"), (A, 2, "completed")]
        (first, _) = sorted(
            json.loads(repository.doit("spec-attempts", "bbb", "--json").stdout), key=lambda found: int(found["number"])
        )
        assert (first["kept"], first["commits"], first["files"], first["is_running"]) == (REF, 1, 2, False)

    def test_where_nothing_was_worked_it_says_so(self, tmp_path: Path) -> None:
        repository = make_repository(tmp_path / "other")
        repository.add_spec(A)

        done = repository.doit("spec-attempts")

        assert (done.status, done.stdout) == (0, "")
        assert done.stderr == "no attempts: nothing of this was worked here\n"

    def test_those_of_a_spec_whose_file_is_gone_are_still_there(self, repository: Repository) -> None:
        (repository.folder / ".chant" / "specs" / f"{B}.md").unlink()

        assert attempts(repository, "bbb") == [(B, 1, "failed"), (B, 2, "failed")]

    def test_a_ref_without_a_journal_is_an_attempt_too(self, repository: Repository) -> None:
        repository.shell(f"rm -r .git/chant/attempts/{B}")

        (first, second) = json.loads(repository.doit("spec-attempts", "bbb", "--json").stdout)

        assert {first["kept"], second["kept"]} == {REF, f"refs/chant/attempts/{B}/2"}
        assert first["started_at"] is not None


class TestPruning:
    def test_old_attempts_of_landed_specs_go_and_git_has_them_still(self, repository: Repository) -> None:
        oid = repository.git("rev-parse", f"refs/chant/attempts/{A}/1")
        repository.git("update-ref", f"refs/chant/attempts/{A}/1-branch", "main~1")
        repository.git("update-ref", f"refs/chant/attempts/{A}/1-abandoned-1", "main~1")
        spare = repository.git("rev-parse", "main~1")

        done = repository.doit("spec-attempts", "--prune", "0.01s")

        assert sorted(done.lines) == [
            f"dropped attempt 1 of {A}, back with: git branch restored/{A}-1 {oid} "
            f"&& git branch restored/{A}-1-abandoned-1 {spare} && git branch restored/{A}-1-branch {spare}",
            f"dropped attempt 2 of {A}",
        ]
        assert attempts(repository) == [(B, 1, "failed"), (B, 2, "failed")]
        assert refs(repository) == [REF, f"refs/chant/attempts/{B}/2"]
        back = next(line for line in done.lines if "back with" in line).partition("back with: ")[2]
        assert repository.shell(back).status == 0
        assert repository.git("show", f"restored/{A}-1:a.txt") == "a"
        assert "completed" in repository.doit("list", "aaa").stdout

    def test_what_is_young_or_not_named_stays(self, repository: Repository) -> None:
        young = repository.doit("spec-attempts", "--prune", "30d")
        other = repository.doit("spec-attempts", "bbb", "--prune", "0.01s")

        assert (young.status, young.stdout, other.status, other.stdout) == (0, "", 0, "")
        assert young.stderr == "nothing to drop: no attempt that old of a spec whose work has landed\n"
        assert len(attempts(repository)) == 4

    def test_a_file_that_only_says_that_it_is_completed_lets_nothing_go(self, repository: Repository) -> None:
        path = repository.folder / ".chant" / "specs" / f"{B}.md"
        path.write_text(path.read_text().replace("status: pending", "status: completed"))

        assert repository.doit("spec-attempts", "--prune", "0.01s", "bbb").stdout == ""
        assert len(refs(repository)) == 3

    def test_a_forgotten_spec_keeps_its_attempts(self, repository: Repository) -> None:
        repository.doit("forget", "aaa")

        assert repository.doit("spec-attempts", "--prune", "0.01s").stdout == ""


class TestRestoring:
    def test_an_attempt_becomes_a_branch_that_blocks_nothing(self, repository: Repository) -> None:
        done = repository.doit("spec-attempts", "--restore", "bbb/1", "--restore", "aaa/1")

        assert done.status == 0, done.stderr
        assert repository.git("rev-parse", f"restored/{B}-1") == repository.git("rev-parse", REF)
        assert repository.git("show", f"restored/{A}-1:a.txt") == "a"
        assert "failed" in repository.doit("list", "bbb").stdout
        shown = [line.removeprefix("next: ") for line in done.stderr.splitlines() if line.startswith("next: ")]
        assert "more.txt" in repository.shell(f"{shown[0]} --stat").stdout
        assert repository.shell(done.stderr.splitlines()[-1].removeprefix("undo: ")).status == 0
        assert repository.git("branch", "--list", "restored/*") == ""

    def test_without_a_number_it_is_the_last_one(self, repository: Repository) -> None:
        repository.doit("spec-attempts", "--restore", "bbb")

        assert repository.git("branch", "--list", "--format=%(refname:short)", "restored/*") == f"restored/{B}-2"

    def test_a_branch_that_is_there_with_other_commits_stays(self, repository: Repository) -> None:
        repository.git("branch", f"restored/{B}-1", "main")

        done = repository.doit("spec-attempts", "--restore", "bbb/1")

        assert (done.status, done.stdout) == (1, "")
        assert f"git branch -m restored/{B}-1 NEW-NAME" in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [
            (("--restore", "bbb/9"), 1),
            (("--restore", "bbb/x"), 3),
            (("--restore", "zzz"), 3),
            (("bbb", "--restore", "bbb"), 3),
            (("--prune", "30"), 3),
            (("zzz",), 3),
        ],
    )
    def test_what_cannot_be_meant_is_refused(
        self, repository: Repository, arguments: tuple[str, ...], status: int
    ) -> None:
        done = repository.doit("spec-attempts", *arguments)

        assert (done.status, done.stdout) == (status, "")
        assert "Traceback" not in done.stderr


class TestLogs:
    def test_the_last_attempts_log_is_printed_as_it_is(self, repository: Repository) -> None:
        done = repository.doit("spec-log", "bbb")

        assert (done.status, done.stdout, done.stderr) == (0, "said one\n", "")
        assert repository.doit("spec-log", "--attempt", "1", "bbb").stdout == "said one\n"

    def test_several_are_told_apart_and_one_that_said_nothing_is_named(self, repository: Repository) -> None:
        repository.write(f".git/chant/attempts/{B}/1/log", "other\n")

        done = repository.doit("spec-log", "bbb", "aaa")

        assert (done.status, done.stdout) == (0, f"==> {B}, attempt 2 <==\nsaid one\n")
        assert done.stderr == f"attempt 2 of {A} has put out nothing\n"

    def test_bytes_that_are_no_text_are_replaced(self, repository: Repository) -> None:
        (repository.folder / f".git/chant/attempts/{B}/2/log").write_bytes(b"caf\xe9 \xff\nend")

        assert repository.doit("spec-log", "bbb").stdout == "caf\ufffd \ufffd\nend\n"

    def test_what_is_not_there_is_said(self, repository: Repository) -> None:
        repository.add_spec("2026-01-24-003-ccc")
        (repository.folder / f".git/chant/attempts/{B}/2/log").unlink()

        never, number, missing = (
            repository.doit("spec-log", *arguments) for arguments in (["ccc"], ["bbb", "--attempt=7"], ["bbb"])
        )

        assert (never.status, number.status, missing.status) == (1, 1, 1)
        assert never.stderr == "chant_tasks: 2026-01-24-003-ccc was never worked here\n"
        assert number.stderr == f"chant_tasks: {B} has no attempt 7 (there are: 1, 2)\n"
        assert "has no log" in missing.stderr
        assert repository.doit("spec-log").status == 3

    def test_a_reader_that_leaves_ends_it_quietly(self, repository: Repository) -> None:
        (repository.folder / f".git/chant/attempts/{B}/2/log").write_bytes(b"line\n" * 200_000)

        done = repository.shell("doit spec-log bbb | head -n 1")

        assert (done.stdout, done.stderr) == ("line\n", "")

    def test_an_ended_attempt_is_not_followed(self, repository: Repository) -> None:
        assert repository.doit("spec-log", "-f", "bbb").stdout == "said one\n"


def test_a_running_attempt_is_followed_to_its_end(sandbox: Sandbox) -> None:
    go = sandbox.outside / "go"
    sandbox.add_spec(A, run=f"echo early; while ! [ -e '{go}' ]; do sleep 0.05; done; echo late; exit 1")
    sandbox.commit()
    running = sandbox.start("-n", "2")
    log = sandbox.root / ".git" / "chant" / "attempts" / A / "1" / "log"
    wait_until(lambda: log.is_file() and log.read_bytes() == b"early\n", "the agent speaks")
    assert json.loads(sandbox.doit("spec-attempts", "--json").out)[0]["is_running"]

    follower = sandbox.start("spec-log", "-f", "aaa")
    assert follower.stdout is not None
    first = follower.stdout.readline()
    refused = sandbox.doit("spec-cancel", "aaa"), sandbox.doit("spec-reject", "aaa", "--why", "no")
    go.touch()

    ended = end(follower)
    end(running)
    assert (first, ended.out, ended.err, ended.status) == ("early\n", "late\n", "", 0)
    assert [ran.status for ran in refused] == [1, 1]
    assert "is in progress" in refused[0].err
    assert "is being worked by another doit" in refused[1].err


def test_while_an_agent_works_in_the_checkout_no_other_specs_file_is_changed(sandbox: Sandbox) -> None:
    go, started = sandbox.outside / "go", sandbox.outside / "started"
    sandbox.add_spec(A, run=f"touch '{started}'; while ! [ -e '{go}' ]; do sleep 0.05; done; echo a > a.txt\n{TICK}")
    sandbox.add_spec(B)
    sandbox.commit()
    running = sandbox.start("aaa")
    wait_until(started.exists, "the agent works")

    done = sandbox.doit("spec-cancel", "bbb")
    go.touch()

    assert end(running).status == 0
    assert (done.status, done.err) == (
        1,
        "chant_tasks: an agent works in this checkout itself\n  wait for it, or stop it\n",
    )
    assert sandbox.doit("spec-cancel", "bbb").status == 0


def test_following_ends_quietly_at_ctrl_c(sandbox: Sandbox) -> None:
    go = sandbox.outside / "go"
    sandbox.add_spec(A, run=f"echo early; while ! [ -e '{go}' ]; do sleep 0.05; done")
    sandbox.commit()
    running = sandbox.start("-n", "2")
    log = sandbox.root / ".git" / "chant" / "attempts" / A / "1" / "log"
    wait_until(lambda: log.is_file() and log.read_bytes() == b"early\n", "the agent speaks")
    follower = sandbox.start("spec-log", "--follow", "aaa")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "early\n"

    os.kill(follower.pid, 2)

    ended = end(follower)
    go.touch()
    end(running)
    assert (ended.status, ended.out, ended.err) == (130, "", "")


def test_a_stdin_that_is_closed_is_no_obstacle_to_adding(sandbox: Sandbox) -> None:
    done = subprocess.run(
        ("sh", "-c", f"exec {sys.executable} -m doit spec-add 'A title' <&-"),
        cwd=sandbox.root,
        env=sandbox.repository.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(list(sandbox.specs.iterdir())) == 1
