"""`doit spec-doctor` as a person sees it, in real repositories."""

import json
import os
import signal
from pathlib import Path

from tests.e2e.repository import Repository, make_repository
from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import TICK_ALL
from tests.processes import wait_until

ONE, OTHER = "2026-01-01-001-one", "2026-01-01-002-two"
HEALTHY = "nothing is wrong"


def test_a_repository_after_the_demo_is_healthy(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    repository = Repository(tmp_path / "x")
    made = repository.doit("spec-demo", "--dir", str(tmp_path / "demo"))
    assert made.status == 0, made.stderr

    done = repository.doit("spec-doctor", cwd=tmp_path / "demo")

    assert (done.status, HEALTHY in done.stderr) == (0, True)
    assert [line.split()[0] for line in done.lines if line[:1].isalpha()] == ["journal", "kept", "worktrees"]


def test_a_repository_after_a_kill_and_another_doit_is_healthy(sandbox: Sandbox) -> None:
    began = sandbox.outside / "began"
    sandbox.add_spec(
        ONE, run=f"echo work > work.txt\nif [ ! -e {began} ]; then touch {began}; sleep 60; fi\n{TICK_ALL}"
    )
    sandbox.add_spec(OTHER)
    sandbox.commit()
    with sandbox.start("-n", "2") as doit:
        wait_until(began.exists, "the agent works")
        os.killpg(doit.pid, signal.SIGKILL)

    midway = sandbox.doit("spec-doctor")
    ran = sandbox.doit("-n", "2")
    after = sandbox.doit("spec-doctor")

    assert midway.status == 0
    assert f"note: {ONE}: attempt 1 was stopped midway: the next doit goes on from there" in midway.out
    assert ran.status == 0, ran.err
    assert (after.status, HEALTHY in after.err, after.out.count("problem")) == (0, True, 0)


def test_what_is_found_is_shown_with_what_to_do_and_mended_where_that_loses_nothing(sandbox: Sandbox) -> None:
    sandbox.add_spec(ONE)
    sandbox.commit()
    assert sandbox.doit("-n", "2").status == 0
    commit = sandbox.git("commit-tree", "-m", "work", "HEAD^{tree}", "-p", "HEAD")
    sandbox.git("branch", f"spec/{ONE}", "HEAD")
    sandbox.git("update-ref", "refs/chant/attempts/gone/1", commit)

    shown, mended, again = (
        sandbox.doit("spec-doctor"),
        sandbox.doit("spec-doctor", "--fix"),
        sandbox.doit("spec-doctor"),
    )

    assert shown.out.splitlines()[:9] == [
        "problem: work of gone, which is gone; nothing else may hold it",
        "  where  refs/chant/attempts/gone/1",
        "  next   doit spec-attempts --restore gone/1",
        f"         git update-ref -d refs/chant/attempts/gone/1 {commit}   # where you need nothing of it",
        f"problem: the branch of {ONE}, which is completed, is left; all of it has landed",
        f"  where  spec/{ONE}",
        f"  next   git branch -D spec/{ONE}",
        "",
        next(line for line in shown.out.splitlines() if line.startswith("journal")),
    ]
    assert (shown.status, shown.err.strip()) == (1, "2 problems; doit spec-doctor --fix mends what loses nothing (1)")
    assert (mended.status, mended.err.strip()) == (1, "1 mended, 1 problem")
    assert f"mended: the branch of {ONE}" in mended.out
    assert (again.status, again.err.strip()) == (1, "1 problem")
    restored = sandbox.repository.shell("doit spec-attempts --restore gone/1")
    assert restored.status == 0, restored.stderr
    assert sandbox.git("rev-parse", "restored/gone-1") == commit


def test_names_choose_and_json_has_keys_that_stay(sandbox: Sandbox) -> None:
    for spec in (ONE, OTHER):
        sandbox.add_spec(spec)
    sandbox.commit()
    assert sandbox.doit("-n", "2").status == 0
    for spec in (ONE, OTHER, "gone"):
        sandbox.git("update-ref", f"refs/chant/landing/{spec}", "HEAD")

    chosen = json.loads(sandbox.doit("spec-doctor", "--json", "two").out)
    gone = sandbox.doit("spec-doctor", "gone")
    unknown = sandbox.doit("spec-doctor", "nothing")

    assert [found["where"] for found in chosen["findings"]] == [f"refs/chant/landing/{OTHER}"]
    keys = {"kind", "severity", "spec", "what", "where", "next", "can_be_mended", "is_mended", "outcome"}
    assert chosen["findings"][0].keys() == keys
    assert (gone.status, gone.out.count("where")) == (1, 1)
    assert (unknown.status, "Traceback" in unknown.err) == (3, False)
    everything = json.loads(sandbox.doit("spec-doctor", "--json", "--fix").out)
    assert [found["is_mended"] for found in everything["findings"]] == [True] * 3
    assert {use["name"] for use in everything["disk"]} == {"journal", "kept work", "worktrees"}
    assert sandbox.doit("spec-doctor").status == 0


def test_mending_leaves_alone_what_a_doit_works_on(sandbox: Sandbox) -> None:
    began, go = sandbox.outside / "began", sandbox.outside / "go"
    sandbox.add_spec(ONE, run=f"echo x > x.txt; touch {began}; while [ ! -e {go} ]; do sleep 0.05; done\n{TICK_ALL}")
    sandbox.commit()
    with sandbox.start("-n", "2") as doit:
        wait_until(began.exists, "the agent works")
        mended = sandbox.doit("spec-doctor", "--fix")
        go.touch()
        _, said = doit.communicate(timeout=60)

    assert (mended.status, mended.err.strip()) == (0, HEALTHY), mended.text
    assert (doit.returncode, sandbox.status_of(ONE)) == (0, "completed"), said
    assert sandbox.doit("spec-doctor").status == 0


def test_an_agent_may_look_and_not_mend(sandbox: Sandbox) -> None:
    sandbox.add_spec(ONE)
    sandbox.commit()

    looked = sandbox.doit("spec-doctor", environ={"CHANT_SPEC_ID": ONE})
    mended = sandbox.doit("spec-doctor", "--fix", environ={"CHANT_SPEC_ID": ONE})

    assert (looked.status, mended.status) == (0, 1)
    assert "spec-doctor is for people" in mended.err


def test_a_database_of_doits_that_cannot_be_read_is_said(sandbox: Sandbox) -> None:
    sandbox.add_spec(ONE)
    sandbox.commit()
    (sandbox.root / ".doit.db").write_bytes(b"{half")

    ran = sandbox.doit("spec-doctor")

    assert (ran.status, ran.err.strip()) == (1, "1 problem")
    assert ran.out.startswith("problem: doit's database cannot be read (")
    assert (sandbox.root / ".doit.db").read_bytes() == b"{half"


def test_a_repository_that_cannot_be_worked_is_one_line(tmp_path: Path) -> None:
    bare = make_repository(tmp_path / "project")
    bare.git("config", "core.bare", "true")
    bare.add_spec(ONE)
    (tmp_path / "nothing").mkdir()

    odd = bare.doit("spec-doctor")
    none = bare.doit("spec-doctor", cwd=tmp_path / "nothing")

    assert (odd.status, none.status) == (1, 1)
    assert "core.bare is set" in odd.stdout
    assert none.stderr.startswith("chant_tasks: there is no .chant/specs")
    assert "Traceback" not in odd.stderr + none.stderr
