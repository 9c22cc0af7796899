"""`doit` goes on with what was interrupted, and `doit spec-resume` with what failed, from what is kept of it."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Sandbox
from tests.processes import wait_until

AGENT = """\
cd {outside}; turn=$(($(ls -d turn-* 2>/dev/null | wc -l) + 1)); mkdir turn-$turn; cd - > /dev/null
cat > {outside}/turn-$turn/prompt
. {outside}/do-$turn
"""
CONFIG = """\
---
providers:
  command:
    argv: [sh, {agent}]
---
"""
HALF = "echo one > one.txt; git add one.txt; git commit -qm 'Do one'; echo two > two.txt\n"
REST = f"echo three > three.txt\n{TICK}git add -A; git commit -qm 'Do the rest'\n"
SPEC = "2026-01-01-001-aaa"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A repository with one spec that an agent of turns works, and one that waits for it."""
    made = Sandbox(tmp_path)
    agent = made.outside / "agent"
    agent.write_text(AGENT.replace("{outside}", str(made.outside)))
    (made.root / ".chant" / "config.md").write_text(CONFIG.replace("{agent}", str(agent)))
    made.repository.add_spec(SPEC, "Do it")
    made.commit()
    _turn(made, 1, HALF + "exit 3\n")
    _turn(made, 2, REST)
    return made


def _turn(sandbox: Sandbox, number: int, script: str) -> None:
    """What the agent does when it is started for the `number`th time."""
    (sandbox.outside / f"do-{number}").write_text(script)


def _prompt(sandbox: Sandbox, number: int) -> str:
    return (sandbox.outside / f"turn-{number}" / "prompt").read_text()


def _files(sandbox: Sandbox) -> set[str]:
    listed = sandbox.git("ls-tree", "-r", "--name-only", "main").splitlines()
    return {name for name in listed if name.endswith(".txt")}


@pytest.mark.parametrize("options", [("-n", "2"), ()], ids=["in a worktree", "in place"])
def test_after_kill_9_both_halves_land_together(sandbox: Sandbox, options: tuple[str, ...]) -> None:
    _turn(sandbox, 1, HALF + f"touch {sandbox.outside}/up; sleep 60\n")
    with sandbox.start(*options) as killed:
        wait_until((sandbox.outside / "up").exists, "the agent works")
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()

    done = sandbox.doit(*options)

    assert done.status == 0, done.text
    assert "goes on from attempt 1: 1 commit, 2 files (1 of them not committed)" in done.err
    assert "(an earlier run stopped midway)" in _prompt(sandbox, 2)
    assert _files(sandbox) == {"one.txt", "two.txt", "three.txt"}
    assert sandbox.git("log", "--format=%s", "--first-parent", "main").splitlines()[0] == f"chant({SPEC}): Do it"
    assert sandbox.git("status", "--porcelain") == ""
    assert sandbox.worktrees() == 1


@pytest.mark.parametrize("options", [("-n", "2"), ()], ids=["in a worktree", "in place"])
def test_spec_resume_goes_on_with_a_failed_spec(sandbox: Sandbox, options: tuple[str, ...]) -> None:
    failed = sandbox.doit(*options)
    resumed = sandbox.doit("spec-resume", "aaa", *options)

    assert failed.status == 1
    slots = "-n 2 " if options else ""
    assert f"doit {slots}aaa               work it again from the start\n" in failed.err
    assert f"doit spec-resume {slots}aaa   go on from what is kept of it\n" in failed.err
    assert resumed.status == 0, resumed.text
    assert "- 1 of these not committed:\n  - `two.txt`\n" in _prompt(sandbox, 2)
    assert _files(sandbox) == {"one.txt", "two.txt", "three.txt"}
    assert sandbox.status_of(SPEC) == "completed"


def test_a_failed_spec_that_is_not_resumed_is_worked_from_the_start(sandbox: Sandbox) -> None:
    sandbox.doit()

    done = sandbox.doit("aaa")

    assert done.status == 0, done.text
    assert _files(sandbox) == {"three.txt"}


def test_spec_resume_that_fails_again_ends_with_1(sandbox: Sandbox) -> None:
    _turn(sandbox, 2, "exit 4\n")
    sandbox.doit()

    done = sandbox.doit("spec-resume", "aaa")

    assert done.status == 1
    assert "the agent gave up: exit status 4" in done.err


def test_spec_resume_works_an_interrupted_spec_too(sandbox: Sandbox) -> None:
    _turn(sandbox, 1, HALF + f"touch {sandbox.outside}/up; sleep 60\n")
    with sandbox.start("-n", "2") as stopped:
        wait_until((sandbox.outside / "up").exists, "the agent works")
        stopped.send_signal(signal.SIGINT)
        stopped.communicate()
    listed = sandbox.doit("list")

    done = sandbox.doit("spec-resume", SPEC, "-n", "2")

    assert f"interrupted; the next doit goes on from refs/chant/attempts/{SPEC}/1" in listed.out
    assert done.status == 0, done.text
    assert _files(sandbox) == {"one.txt", "two.txt", "three.txt"}


def test_specs_with_nothing_to_go_on_from_are_refused_in_a_line_each_and_none_is_worked(sandbox: Sandbox) -> None:
    sandbox.repository.add_spec("2026-01-01-002-bbb", "Not worked")
    sandbox.repository.add_spec("2026-01-01-003-ccc", "Done")
    sandbox.repository.add_spec("2026-01-01-004-ddd", "Waits", frontmatter="approval:\n  required: true\n")
    sandbox.add_spec("2026-01-01-005-eee", ["provider: script"], run="echo half > half.txt; exit 3")
    path = sandbox.specs / "2026-01-01-003-ccc.md"
    path.write_text(path.read_text().replace("status: pending", "status: completed"))
    sandbox.commit()
    sandbox.doit("aaa", "eee")

    refused = sandbox.doit("spec-resume", "aaa", "bbb", "ccc", "ddd", "eee")

    assert refused.status == 1
    assert refused.err.splitlines() == [
        "chant_tasks: 2026-01-01-002-bbb was never worked here: there is nothing to go on from",
        "  doit bbb",
        "2026-01-01-003-ccc is not resumed: completed",
        "2026-01-01-004-ddd is not resumed: waiting, for approval",
        "  doit spec-approve ddd",
        "2026-01-01-005-eee is worked by a script, which begins at its first line",
        "  doit eee",
    ]
    assert not (sandbox.outside / "turn-2").exists()


def test_a_spec_that_is_being_worked_is_not_resumed(sandbox: Sandbox) -> None:
    _turn(sandbox, 1, HALF + f"touch {sandbox.outside}/up; sleep 60\n")
    with sandbox.start("-n", "2") as running:
        wait_until((sandbox.outside / "up").exists, "the agent works")
        refused = sandbox.doit("spec-resume", "aaa")
        running.send_signal(signal.SIGTERM)
        running.communicate()

    assert refused.status == 1
    assert refused.err.startswith(f"chant_tasks: {SPEC} is not resumed: in progress, command, ")
    assert len(refused.err.splitlines()) == 1


def test_a_forgotten_spec_is_not_resumed(sandbox: Sandbox) -> None:
    sandbox.doit()
    sandbox.doit("forget", "aaa")

    refused = sandbox.doit("spec-resume", "aaa")

    assert refused.status == 1
    assert refused.err.splitlines() == [
        f"chant_tasks: {SPEC} was forgotten: there is nothing to go on from",
        "  doit aaa",
    ]


def test_a_conflict_is_not_resumed_and_its_own_way_on_is_named(sandbox: Sandbox) -> None:
    sandbox.git("branch", f"spec/{SPEC}")

    refused = sandbox.doit("spec-resume", "aaa")

    assert refused.status == 1
    assert refused.err.splitlines() == [
        f"chant_tasks: {SPEC} is not resumed: attention, branch spec/{SPEC} exists already",
        "  doit spec-land aaa",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "spec-resume: name at least one spec."),
        (("zzz",), "zzz"),
        (("aaa", "--nonsense"), "spec-resume: option --nonsense not recognized"),
        (("build",), "build"),
    ],
)
def test_what_names_no_spec_is_refused_before_anything_runs(
    sandbox: Sandbox, arguments: tuple[str, ...], expected: str
) -> None:
    refused = sandbox.doit("spec-resume", *arguments)

    assert refused.status == 3
    assert expected in refused.err
    assert "Traceback" not in refused.err
    assert not (sandbox.outside / "turn-1").exists()


def test_where_specs_are_switched_off_or_an_agent_asks_nothing_is_resumed(sandbox: Sandbox) -> None:
    sandbox.doit()

    off = sandbox.doit("spec-resume", "aaa", environ={"CHANT_DOIT": "off"})
    agent = sandbox.doit("spec-resume", "aaa", environ={"CHANT_SPEC_ID": SPEC})

    assert (off.status, agent.status) == (3, 1)
    assert "CHANT_DOIT=off" in off.err
    assert agent.err == "chant_tasks: spec-resume is for people; an agent at work on a spec cannot use it\n"


def test_settings_of_run_hold_for_spec_resume_too(sandbox: Sandbox) -> None:
    sandbox.doit()
    (sandbox.root / "doit.cfg").write_text("[run]\nreporter = zero\n")
    sandbox.git("add", "doit.cfg")
    sandbox.commit()

    quiet = sandbox.doit("spec-resume", "aaa")

    assert (quiet.status, quiet.out, _files(sandbox)) == (0, "", {"one.txt", "two.txt", "three.txt"})


def test_help_says_what_it_does(sandbox: Sandbox) -> None:
    shown = sandbox.doit("help", "spec-resume")

    assert shown.status == 0
    assert "go on with specs that failed or were interrupted" in shown.out
    assert "--process" in shown.out
