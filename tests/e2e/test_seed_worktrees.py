"""The seed "Implement Worktree Creation and Cleanup": each docstring quotes what it asks for.

What it asks of branch mode and of a sequential run without worktrees is tested where these are built.
"""

import json
from pathlib import Path

import pytest

from tests.e2e.sandbox import Ran, Sandbox
from tests.e2e.sights import (
    TICK_ALL,
    doit_behind,
    find_leftovers,
    find_unprivileged,
    find_user_changes,
    lines_of,
    load_head,
    load_seen,
    load_states,
)

A, B = "2026-01-01-001-aaa", "2026-01-02-001-bbb"


def _note_place(sandbox: Sandbox) -> str:
    """A script that writes down where its agent works, then does some work."""
    name = "$(basename $CHANT_SPEC_FILE .md)"
    place = f"{sandbox.outside}/place-{name}"
    return f"""{{ pwd; git rev-parse --abbrev-ref HEAD; echo "$CHANT_WORKTREE"; echo "$CHANT_BRANCH"; }} > "{place}"
git worktree list --porcelain > "{place}-list"
echo work > "{name}.txt"
{TICK_ALL}"""


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sandbox, Ran]:
    """Two specs worked in parallel, each of whose agents wrote down where it was; tests only look at it."""
    sandbox = Sandbox(tmp_path_factory.mktemp("worked"))
    for spec_id in (A, B):
        sandbox.add_spec(spec_id, run=_note_place(sandbox))
    sandbox.commit()
    return sandbox, sandbox.doit("-n", "2")


def test_each_agent_works_in_a_worktree_of_its_spec(worked: tuple[Sandbox, Ran]) -> None:
    """ "Modify `cmd_work_parallel()` to create worktree before spawning thread for each spec"; "Direct commit mode: use
    `spec/{spec_id}`"; "Pass worktree path as `cwd` to `invoke_agent_with_prefix()`"; "Modify thread spawned in parallel
    execution to accept worktree path".

    "Case 1: Parallel spec execution creates `/tmp/chant-{spec_id}` with branch `spec/{spec_id}`"; `/tmp` is what
    `TMPDIR` says.
    """
    sandbox, ran = worked

    assert ran.status == 0, ran.text
    for spec_id in (A, B):
        path, branch = str(sandbox.temporary / f"chant-{spec_id}"), f"spec/{spec_id}"
        assert lines_of(sandbox.outside / f"place-{spec_id}") == [path, branch, path, branch]
        assert f"worktree {path}" in lines_of(sandbox.outside / f"place-{spec_id}-list")


def test_success_merges_the_branch_and_deletes_it(worked: tuple[Sandbox, Ran]) -> None:
    """ "Direct mode: call `worktree::merge_and_cleanup(branch)` to merge and delete branch"; "Case 2: After successful
    execution in direct mode, branch is merged to main and deleted"."""
    sandbox, _ = worked

    assert sandbox.git("branch", "--format=%(refname:short)") == "main"
    for spec_id in (A, B):
        landing = sandbox.git("log", "-1", "--format=%H %P", "--merges", f"--grep=Chant-Spec: {spec_id}").split()
        assert len(landing) == 3
        assert sandbox.git("show", f"main:{spec_id}.txt") == "work"
    assert find_leftovers(sandbox) == []


def test_the_worktrees_path_is_kept_for_tracking(worked: tuple[Sandbox, Ran]) -> None:
    """ "Update `ParallelResult` struct to include worktree path for tracking"; that is the attempt's record in the
    journal, which a later run also finds."""
    sandbox, _ = worked
    record = json.loads((sandbox.root / f".git/chant/attempts/{A}/1/record.json").read_text())

    assert record["worktree"] == str(sandbox.temporary / f"chant-{A}")


def test_where_a_worktree_cannot_be_made_the_agent_is_not_started(sandbox: Sandbox) -> None:
    """ "If `create_worktree()` fails, mark spec as failed in results"; "Do NOT spawn thread if worktree creation
    fails"; "Include error message in result".

    "Case 4: If worktree creation fails, spec result includes error and no thread is spawned". DESIGN.md: the agent is
    not started, the task fails with the reason and the ways on.
    """
    taken = sandbox.temporary / f"chant-{A}"
    taken.mkdir(parents=True)
    (taken / "mine").write_text("mine\n")
    sandbox.add_spec(A, run=f"touch {sandbox.outside}/started\n{TICK_ALL}")
    sandbox.add_spec(B)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1
    assert "1 succeeded, 1 failed in " in ran.err
    assert f"{taken} is there already" in ran.err
    assert f"mv {taken} {taken}.old" in ran.err
    assert not (sandbox.outside / "started").exists()
    assert (taken / "mine").read_text() == "mine\n"
    assert load_states(sandbox)[B] == "completed"
    assert sandbox.git("branch", "--format=%(refname:short)") == "main"


def test_a_conflict_needs_attention_and_keeps_the_branch(sandbox: Sandbox) -> None:
    """ "If `merge_and_cleanup()` fails (merge conflict), mark spec with status `NeedsAttention` or similar"; "Log
    conflict message"; "Do NOT delete branch on conflict (leave for manual resolution)".

    "**Merge conflict in direct mode:** Branch should be left intact for user to resolve. Test: Create conflict
    scenario, verify branch remains, spec marked for attention"; "Case 5: If merge fails with conflict,
    branch is preserved and spec marked for review". The status is computed, so the spec's file does
    not say it (DESIGN.md rule 1).
    """
    other = sandbox.outside / "landed"
    sandbox.add_spec(A, run=f"echo a > shared.txt\n{TICK_ALL}\nuntil test -e {other}; do sleep 0.05; done")
    sandbox.add_spec(B, run=f"echo b > shared.txt\n{TICK_ALL}")
    with (sandbox.root / "dodo.py").open("a") as dodo:
        dodo.write(f"\ndef task_note():\n    return {{'actions': ['touch {other}'], 'task_dep': ['{B}']}}\n")
    sandbox.commit()

    ran = sandbox.doit("-n", "3")

    seen = load_seen(sandbox)[A]
    assert ran.status == 1
    assert "1 succeeded, 1 needs attention in " in ran.err
    assert "conflicts with main: shared.txt" in ran.err
    assert (seen.state, seen.reason, seen.branch) == ("attention", "conflicts with main: shared.txt", f"spec/{A}")
    assert sandbox.git("show", f"spec/{A}:shared.txt") == "a"
    assert sandbox.git("show", "main:shared.txt") == "b"
    assert load_head(sandbox, A)["status"] == "pending"
    assert sandbox.worktrees() == 1
    assert list(sandbox.temporary.glob("chant-*")) == []


def test_a_branch_that_exists_is_reported_and_stays(sandbox: Sandbox) -> None:
    """ "**Worktree creation fails (branch exists):** If spec is re-run before previous branch is merged, creation
    fails. Verify error is caught and reported."."""
    sandbox.add_spec(A, run=f"touch {sandbox.outside}/started\n{TICK_ALL}")
    sandbox.add_spec(B)
    sandbox.commit()
    sandbox.git("branch", f"spec/{A}")

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1
    assert "1 succeeded, 1 needs attention in " in ran.err
    assert f"branch spec/{A} exists already" in ran.err
    assert "doit spec-discard aaa" in ran.err
    assert not (sandbox.outside / "started").exists()
    assert sandbox.git("rev-parse", f"spec/{A}") == sandbox.git("rev-parse", "main~1")
    assert find_user_changes(sandbox) == ""


def test_the_same_spec_twice_at_once_is_worked_once(sandbox: Sandbox) -> None:
    """ "Test: Run same spec twice in parallel, second should fail with branch-exists error."

    DESIGN.md settles it otherwise (states, "in progress"): the second waits for the first and takes over its result.
    """
    counter = sandbox.outside / "count"
    started = sandbox.outside / "started"
    sandbox.add_spec(A, run=f"echo run >> {counter}\ntouch {started}\nsleep 0.5\necho a > a.txt\n{TICK_ALL}")
    sandbox.commit()

    processes = [sandbox.start("-n", "2", A) for _ in range(2)]
    ends = [process.communicate(timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], ends
    assert lines_of(counter) == ["run"]
    assert load_states(sandbox) == {A: "completed"}
    assert find_leftovers(sandbox) == []


def test_after_a_crash_the_worktree_is_removed(sandbox: Sandbox) -> None:
    """ "**Agent crashes in worktree:** Worktree cleanup should still happen. Test: Simulate agent crash and verify
    worktree is removed via cleanup logic."."""
    sandbox.add_spec(A, run="echo half > half.txt\nkill -9 $$")
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    seen = load_seen(sandbox)[A]
    assert ran.status == 1
    assert find_leftovers(sandbox) == []
    assert seen.state == "failed"
    assert seen.kept is not None
    assert sandbox.git("show", f"{seen.kept}:half.txt") == "half"


def test_a_worktree_that_cannot_be_removed_is_said_and_tried_again(sandbox: Sandbox) -> None:
    """ "**Cleanup fails (permission error):** Worktree removal might fail if files are locked. Propagate error and mark
    spec as needs-attention. Test: Simulate permission error and verify handling."

    DESIGN.md and the issue settle the state: the landing is not undone, the spec stays completed, and list and summary
    say so with path and reason; the next `doit` tries again.
    """
    unprivileged = find_unprivileged()
    if unprivileged is None:
        pytest.skip("root may remove everything, and there is no setpriv to take that away")
    trees = sandbox.root.parent / "trees"
    (sandbox.root / ".chant" / "config.md").write_text("---\nworktrees:\n  path: ../trees\n---\n")
    sandbox.add_spec(A, run=f"echo a > a.txt\n{TICK_ALL}\nchmod 0500 ..")
    sandbox.commit()

    ran = doit_behind(sandbox, unprivileged, "-n", "2")
    (worktree,) = trees.glob(f"chant-{A}")
    listed = sandbox.doit("list")
    state = load_states(sandbox)[A]
    trees.chmod(0o700)
    again = doit_behind(sandbox, unprivileged, "-n", "2")

    reason = f"worktree {worktree} could not be removed: Permission denied"
    assert ran.status == 0, ran.text
    assert "1 succeeded in " in ran.err
    assert reason in ran.err
    assert f"⚠ {A}" in ran.err
    assert reason in listed.out
    assert state == "completed"
    assert sandbox.git("show", "main:a.txt") == "a"
    assert again.status == 0
    assert "cleaned up what an earlier attempt had left" in again.err
    assert not Path(worktree).exists()
    assert find_leftovers(sandbox) == []
