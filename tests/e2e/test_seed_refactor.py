"""The seed "Refactor Parallel Execution": each docstring quotes what it asks for.

Not here: pushing and pull requests ("Uses `git_ops::{create_or_switch_branch, push_branch}()` for branch/PR
operations", "PR creation flow maintained", "PR creation may fail"), which are tested where they are built; "`just
check` passes" and "No clippy warnings", which are this repository's gate; "`ParallelResult` struct remains unchanged",
which speaks of a type that is not here: what a step returns is a `State`, and that is frozen.
"""

import ast
import graphlib
from pathlib import Path

import pytest

import chant_tasks
from tests.e2e.sandbox import Ran, Sandbox
from tests.e2e.sights import (
    TICK_ALL,
    find_leftovers,
    find_user_changes,
    lines_of,
    load_head,
    load_landings,
    load_states,
)

A, B, C = "2026-01-01-001-aaa", "2026-01-02-001-bbb", "2026-01-03-001-ccc"
MANY = tuple(f"2026-01-04-{number:03}-sp{number:02}" for number in range(12))
PACKAGE = Path(chant_tasks.__file__).parent

# One of the steps fails as no step should, for one spec.
BROKEN_STEP = f"""
from chant_tasks import task_specs
import chant_tasks.steps.{{step}} as step

_worked = step.{{name}}

def _raise(run, attempt):
    if attempt.spec.id == "{A}":
        raise {{error}}
    return _worked(run, attempt)

step.{{name}} = _raise
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sandbox, Ran]:
    """A run with a spec that succeeds, one that fails, and one that a failed one blocks; tests only look at it."""
    sandbox = Sandbox(tmp_path_factory.mktemp("mixed"))
    sandbox.add_spec(A, run="echo half > half.txt\nexit 7")
    sandbox.add_spec(B)
    sandbox.add_spec(C, [f"depends_on: [{A}]"])
    sandbox.commit()
    return sandbox, sandbox.doit("-n", "4")


def test_commits_model_and_record_come_from_one_place_each(sandbox: Sandbox) -> None:
    """ "Uses `commit::get_commits_for_spec()` for commit tracking"; "Uses `finalize::finalize_spec()` for
    finalization"; "Uses `model::get_model_name_with_default()` for model retrieval (no full config in threads)".

    Seen from outside: every spec's record has its own commits, and the model of the config where it names none.
    """
    (sandbox.root / ".chant/config.md").write_text("---\ndefaults:\n  model: haiku\n---\n")
    sandbox.add_spec(A, ["model: opus"])
    sandbox.add_spec(B)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    first, second = load_head(sandbox, A), load_head(sandbox, B)
    assert ran.status == 0, ran.text
    assert (first["model"], second["model"]) == ("opus", "haiku")
    assert str(first["commits"]) != str(second["commits"])


def test_only_ready_specs_are_worked(sandbox: Sandbox) -> None:
    """ "Load and filter ready specs"."""
    ran_file = sandbox.outside / "ran"
    run = f"echo run >> {ran_file}\necho x > x.txt\n{TICK_ALL}"
    sandbox.add_spec(A, run=run)
    for spec_id, status in ((B, "completed"), (C, "cancelled"), (MANY[0], "paused")):
        path = sandbox.add_spec(spec_id, run=run)
        path.write_text(path.read_text().replace("status: pending", f"status: {status}"))
    sandbox.commit()

    ran = sandbox.doit("-n", "4")

    assert ran.status == 0, ran.text
    assert lines_of(ran_file) == ["run"]
    assert ran.err.splitlines()[-3].startswith("1 succeeded, 1 waiting, 2 up to date in ")


def test_labels_reduce_what_is_worked(sandbox: Sandbox) -> None:
    """ "Filter by labels if specified"; "Label filtering reduces spec list correctly"."""
    for spec_id, label in ((A, "auth"), (B, "api"), (C, "ui")):
        sandbox.add_spec(spec_id, [f"labels: [{label}]"])
    sandbox.commit()

    ran = sandbox.doit("-n", "2", "specs", "--label", "auth", "--label", "ui")

    assert ran.status == 0, ran.text
    assert load_states(sandbox) == {A: "completed", B: "ready", C: "completed"}


@pytest.mark.parametrize("arguments", [("specs", "--label", "nothing"), ("specs", "--label", "auht")])
def test_labels_that_no_spec_has_are_said_and_are_no_failure(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """ "Label filtering may result in empty spec list - should handle gracefully"."""
    sandbox.add_spec(A, ["labels: [auth]"])
    sandbox.commit()

    ran = sandbox.doit("-n", "4", *arguments)

    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith(f"no spec has the label `{arguments[-1]}`")
    assert load_states(sandbox) == {A: "ready"}


def test_specs_are_worked_at_the_same_time(sandbox: Sandbox) -> None:
    """ "Create thread pool for parallel execution"; "Each thread resolves spec, executes agent, finalizes"; "Parallel
    execution of multiple ready specs works". Each agent ends only once all others have begun."""
    specs = (A, B, C)
    for spec_id in specs:
        waits = "\n".join(f"until test -e {sandbox.outside}/at-{other}; do sleep 0.02; done" for other in specs)
        sandbox.add_spec(spec_id, run=f"touch {sandbox.outside}/at-{spec_id}\n{waits}\necho x > {spec_id}\n{TICK_ALL}")
    sandbox.commit()

    ran = sandbox.doit("-n", "3")

    assert ran.status == 0, ran.text
    assert ran.err.splitlines()[-1].startswith("3 succeeded in ")


def test_results_are_collected_into_a_summary(mixed: tuple[Sandbox, Ran]) -> None:
    """ "Collect results and report summary"; "Summary reporting at end (X succeeded, Y failed)"; "Final summary shows
    correct counts". A spec that another one blocks is not counted as failed."""
    _, ran = mixed

    assert ran.status == 1
    assert "1 succeeded, 1 failed, 1 blocked in " in ran.err
    assert f"✗ {A}  Work {A}" in ran.err
    assert f"⊘ {C}  blocked by aaa (failed)" in ran.err


def test_errors_in_threads_stay_with_their_spec(mixed: tuple[Sandbox, Ran]) -> None:
    """ "Error handling in parallel threads preserved"; "Failed spec in one thread doesn't block others"."""
    sandbox, ran = mixed

    assert "exit status 7" in ran.err
    assert load_states(sandbox) == {A: "failed", B: "completed", C: "blocked"}


def test_no_worktree_is_left(mixed: tuple[Sandbox, Ran]) -> None:
    """ "Worktree creation and cleanup still works"; "No stale worktrees left after completion"."""
    sandbox, _ = mixed

    assert find_leftovers(sandbox) == []


def test_worktrees_are_isolated(sandbox: Sandbox) -> None:
    """ "Worktrees created in isolated directories"; "Worktree isolation prevents git conflicts". Both agents write the
    same new file at the same time, stage it and look at it again: neither sees the other's, and git never fails."""
    specs = (A, B)
    for spec_id in specs:
        other = B if spec_id == A else A
        script = f"""echo {spec_id} > own.txt && git add own.txt
touch {sandbox.outside}/wrote-{spec_id}
until test -e {sandbox.outside}/wrote-{other}; do sleep 0.02; done
test "$(cat own.txt)" = {spec_id}
test "$(git diff --cached --name-only)" = own.txt
git commit -qm own && git mv own.txt {spec_id}.txt && git commit -qm moved
{TICK_ALL}"""
        sandbox.add_spec(spec_id, run=script)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert [sandbox.git("show", f"main:{spec_id}.txt") for spec_id in specs] == list(specs)


def test_threads_that_race_on_git_all_land(sandbox: Sandbox) -> None:
    """ "Multiple threads may race on git operations - must use proper locking/isolation (worktrees should isolate)"."""
    for spec_id in MANY:
        sandbox.add_spec(spec_id)
    sandbox.commit()

    ran = sandbox.doit("-n", "12")

    assert ran.status == 0, ran.text
    assert sorted(load_landings(sandbox)) == [f"chant({spec_id}): Work {spec_id}" for spec_id in MANY]
    assert [sandbox.git("show", f"main:{spec_id}.txt") for spec_id in MANY] == list(MANY)
    assert find_user_changes(sandbox) == ""
    assert find_leftovers(sandbox) == []


def test_a_worktree_that_is_half_made_keeps_no_landing_waiting(sandbox: Sandbox) -> None:
    """ "Multiple threads may race on git operations": while one lands, others' worktrees come and go, and git fails in
    those that are half there."""
    half = sandbox.outside / "half"
    sandbox.add_spec(A)
    sandbox.commit()
    sandbox.git("worktree", "add", "-q", "-b", "half", str(half))
    (half / ".git").write_text("")

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert load_states(sandbox) == {A: "completed"}


def test_a_thread_that_panics_is_caught_and_reported(tmp_path: Path) -> None:
    """ "Thread panic must be caught and reported, not crash entire execution"."""
    sandbox = Sandbox(tmp_path, BROKEN_STEP.format(step="agent", name="run_agent", error="ZeroDivisionError('why')"))
    for spec_id in (A, B):
        sandbox.add_spec(spec_id)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1
    assert "1 succeeded, 1 failed in " in ran.err
    assert "unexpected error: ZeroDivisionError: why" in ran.err
    assert "Traceback" not in ran.text
    assert "ZeroDivisionError" in (sandbox.root / f".git/chant/errors/{A}.log").read_text()


def test_after_a_panic_the_next_run_works_the_spec(tmp_path: Path) -> None:
    """ "Thread panic must be caught and reported, not crash entire execution": and nothing of it stays in the way."""
    sandbox = Sandbox(tmp_path, BROKEN_STEP.format(step="finalize", name="finalize", error="ZeroDivisionError"))
    sandbox.add_spec(A)
    sandbox.commit()
    first = sandbox.doit("-n", "2")
    (sandbox.root / "dodo.py").write_text("from chant_tasks import task_specs\n")

    second = sandbox.doit("-n", "2")

    assert (first.status, second.status) == (1, 0), first.text + second.text
    assert load_states(sandbox) == {A: "completed"}
    assert find_leftovers(sandbox) == []


def test_a_finalization_that_fails_blocks_no_other_spec(tmp_path: Path) -> None:
    """ "Finalization failures in one spec must not block other specs"."""
    error = "OSError(28, 'No space left on device')"
    sandbox = Sandbox(tmp_path, BROKEN_STEP.format(step="finalize", name="finalize", error=error))
    for spec_id in (A, B, C):
        sandbox.add_spec(spec_id, [f"depends_on: [{B}]"] if spec_id == C else [])
    sandbox.commit()

    ran = sandbox.doit("-n", "3")

    assert ran.status == 1
    assert "2 succeeded, 1 failed in " in ran.err
    assert "no space left on device" in ran.err


@pytest.mark.parametrize("branch", ["spec", f"spec/{A}/more"])
def test_a_branch_that_takes_the_prefix_is_reported(sandbox: Sandbox, branch: str) -> None:
    """ "Branch prefix conflicts between parallel specs must be handled".

    Two specs cannot have one branch, since ids are file names; a branch of the user's can stand where theirs must be.
    """
    started = sandbox.outside / "started"
    sandbox.add_spec(A, run=f"echo run >> {started}\n{TICK_ALL}")
    sandbox.commit()
    sandbox.git("branch", branch)

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1
    assert branch in ran.err
    assert "next" in ran.err
    assert not started.exists()
    assert sandbox.git("branch", "--format=%(refname:short)").splitlines() == ["main", branch]
    assert sandbox.worktrees() == 1


def test_commit_messages_name_the_spec(sandbox: Sandbox) -> None:
    """ "Commit message generation must include spec ID for proper tracking": the landing's, and that of the commit
    which is made for an agent that left its work uncommitted."""
    sandbox.add_spec(A)
    sandbox.commit()

    sandbox.doit("-n", "2")

    assert sandbox.git("show", "-s", "--format=%s", "main", "main^2").splitlines() == [f"chant({A}): Work {A}"] * 2


def test_no_module_is_long() -> None:
    """ "`cmd_work_parallel()` is under 600 lines", and "ensure it remains under 600 lines": no file here has 400."""
    long = {path.name: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}

    assert {name: count for name, count in long.items() if count > 400} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """ "No circular dependencies between modules"; "All imports are correct from extracted modules"."""
    modules = {_name_module(path): path for path in PACKAGE.rglob("*.py")}
    imports = {name: _find_imports(path) & modules.keys() for name, path in modules.items()}

    order = tuple(graphlib.TopologicalSorter(imports).static_order())

    assert set(order) == set(modules)


def _name_module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _find_imports(path: Path) -> frozenset[str]:
    """What a module imports when it is imported itself: not what its functions import later."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)
