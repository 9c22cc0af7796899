"""Specs that begin on the branches of what they depend on, worked by doit."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import find_user_changes, load_seen, load_states

A, B, C, LAST = "2026-01-01-001-a", "2026-01-01-002-b", "2026-01-01-003-c", "2026-01-01-004-d"
DRIVER = "2026-01-01-005-drv"
MEMBERS = (f"{DRIVER}.1", f"{DRIVER}.2")
PARALLEL, SEQUENTIAL = ("-n", "3"), ()

DODO = f"""
from chant_tasks import task_specs

def task_deploy():
    return {{"actions": ["true"], "task_dep": ["{A}"], "verbosity": 2}}
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A project that stacks."""
    made = Sandbox(tmp_path)
    (made.root / ".chant" / "config.md").write_text("---\ndefaults: {branch: true, stack: true}\n---\n")
    return made


def add_chain(sandbox: Sandbox) -> None:
    """A ← B ← C, and one that lands directly and so waits for A to be merged."""
    sandbox.repository.write("dodo.py", DODO)
    sandbox.add_spec(A)
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.add_spec(C, [f"depends_on: [{B}]"])
    sandbox.add_spec(LAST, [f"depends_on: [{A}]", "branch: false"])
    sandbox.commit()


def files(sandbox: Sandbox, commit: str) -> set[str]:
    """The names of the files that agents made, at a commit."""
    return set(sandbox.git("ls-tree", "--name-only", commit, "--", ".").splitlines()) - {"dodo.py", ".chant"}


@pytest.mark.parametrize("mode", [PARALLEL, SEQUENTIAL], ids=["parallel", "sequential"])
def test_one_doit_works_a_whole_chain_and_each_begins_where_the_one_before_ended(
    sandbox: Sandbox, mode: Sequence[str]
) -> None:
    add_chain(sandbox)
    tip = sandbox.git("rev-parse", "main")

    ran = sandbox.doit(*mode)

    seen = load_seen(sandbox)
    assert ran.status == 0, ran.text
    assert {name: (seen[name].state, seen[name].reason) for name in (A, B, C, LAST)} == {
        A: ("waiting", f"completed on branch chant/{A}, not merged"),
        B: ("waiting", f"completed on branch chant/{B}, not merged; stacked on a"),
        C: ("waiting", f"completed on branch chant/{C}, not merged; stacked on b"),
        LAST: ("blocked", "by a"),
    }
    assert f"chant/{B} from chant/{A} " in ran.err
    assert "⏸ deploy  skipped: it waits for a" in ran.err
    assert sandbox.git("rev-parse", "main") == tip
    assert sandbox.git("merge-base", f"chant/{A}", f"chant/{C}") == sandbox.git("rev-parse", f"chant/{A}")
    assert files(sandbox, f"chant/{C}") == {f"{name}.txt" for name in (A, B, C)}
    assert (find_user_changes(sandbox), sandbox.worktrees()) == ("", 1)
    assert "0 succeeded" not in sandbox.doit(*mode).err
    assert load_seen(sandbox)[C].attempts == 1


def test_a_driver_waits_with_its_members_and_what_depends_on_it_begins_on_all_of_them(sandbox: Sandbox) -> None:
    for member in MEMBERS:
        sandbox.add_spec(member, ["depends_on: []"])
    (sandbox.specs / f"{DRIVER}.md").write_text("---\nstatus: pending\ntype: driver\n---\n# Drive\n")
    sandbox.add_spec(LAST, [f"depends_on: [{DRIVER}]"])
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    seen = load_seen(sandbox)
    assert ran.status == 0, ran.text
    assert seen[DRIVER].reason == "completed on the branches of drv.1, drv.2, not merged"
    assert seen[LAST].reason == f"completed on branch chant/{LAST}, not merged; stacked on drv.1, drv.2"
    assert files(sandbox, f"chant/{LAST}") == {f"{name}.txt" for name in (*MEMBERS, LAST)}
    assert files(sandbox, f"chant/base/{LAST}") == {f"{name}.txt" for name in MEMBERS}
    landed = sandbox.doit("spec-land", "drv.1", "drv.2", "d")
    assert landed.status == 0, landed.text
    assert sandbox.doit().status == 0
    assert set(load_states(sandbox).values()) == {"completed"}
    assert sandbox.git("for-each-ref", "--format=%(refname)", "refs/heads/") == "refs/heads/main"


def test_a_restack_says_what_it_did_and_its_conflict_is_resolved_as_printed(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.add_spec(C, [f"depends_on: [{B}]"])
    sandbox.commit()
    assert "nothing to restack" in sandbox.doit("spec-restack").err
    sandbox.doit("-n", "2")
    below = sandbox.git("rev-parse", "--short=7", f"chant/{A}")
    amend(sandbox, f"echo amended > {A}.txt")

    listed, dry = sandbox.doit("list"), sandbox.doit("spec-restack", "--dry-run")
    moved = sandbox.doit("spec-restack", "b")
    amend(sandbox, f"echo theirs > {B}.txt")
    clash = sandbox.doit("spec-restack")
    state = load_seen(sandbox)[B]

    tip = sandbox.git("rev-parse", "--short=7", f"chant/{A}")
    assert "; a was rewritten: doit spec-restack b" in listed.out
    assert dry.out.splitlines()[1] == f"{C}  would follow chant/{B}"
    assert dry.out.startswith(f"{B}  would move onto chant/{A} ")
    assert (dry.status, moved.status, below != tip) == (0, 0, True), moved.text
    assert [line.split(" onto")[0] for line in moved.out.splitlines()] == [f"✓ Restacked {B}", f"✓ Restacked {C}"]
    assert clash.status == 1
    assert clash.out.splitlines()[0] == f"⚠ {B}  conflicts with chant/{A}: {B}.txt"
    assert f"{C}  stays where it is: it waits for b (attention)" in clash.err
    assert state.state == "attention"
    assert sandbox.doit().status == 1
    place = sandbox.repository.shell("doit spec-resolve b").lines
    assert place[1].endswith("in your checkout: doit spec-restack b")
    assert sandbox.repository.shell(f"{place[0]} && echo both > {B}.txt && git commit -qam both").status == 0
    assert sandbox.repository.shell("doit spec-restack b").status == 0
    assert sandbox.worktrees() == 1
    assert set(load_states(sandbox).values()) == {"waiting"}
    assert sandbox.git("show", f"chant/{C}:{B}.txt") == "both"
    assert any(line.split() == ["stands", "on", f"chant/{B}"] for line in sandbox.doit("info", "c").out.splitlines())
    assert find_user_changes(sandbox) == ""


def amend(sandbox: Sandbox, change: str) -> None:
    """A reviewer's amendment of the branch of A."""
    done = sandbox.repository.shell(
        f"git switch -q chant/{A} && {change} && git add -A -- '*.txt' && git commit -q --amend --no-edit"
        " && git switch -q main"
    )
    assert done.status == 0, done.stderr
