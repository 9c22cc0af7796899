"""The seed "Fix parallel execution not finalizing spec metadata": each docstring quotes what it asks for.

Its last criterion, "All existing tests pass", is what the gate of this repository does.
"""

import re
from collections.abc import Mapping

import pytest

from tests.e2e.sandbox import Ran, Sandbox
from tests.e2e.sights import TICK_ALL, find_leftovers, lines_of, load_head, load_seen, load_states, parse_head

A, B = "2026-01-01-001-aaa", "2026-01-02-001-bbb"

_TWO_COMMITS = f"""echo one > one.txt && git add one.txt && git commit -qm "first"
echo two > two.txt && git add two.txt && git commit -qm "second"
{TICK_ALL}
"""


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sandbox, Ran]:
    """Two specs that were worked in parallel, with what doit printed; tests only look at it."""
    sandbox = Sandbox(tmp_path_factory.mktemp("worked"))
    sandbox.add_spec(A, ["model: sonnet"], run=_TWO_COMMITS)
    sandbox.add_spec(B, run=f"echo b > b.txt\n{TICK_ALL}")
    sandbox.commit()
    return sandbox, sandbox.doit("-n", "2")


def _record(head: Mapping[str, object]) -> tuple[object, object, bool, bool]:
    """What of a record can be compared between two runs: commits and times differ."""
    commits, completed_at = head["commits"], head["completed_at"]
    assert isinstance(commits, list)
    return head["status"], head["model"], bool(commits), re.fullmatch(_TIME, str(completed_at)) is not None


_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_both_modes_finalize_the_same_way(sandbox: Sandbox) -> None:
    """ "Identify where sequential execution calls finalize" and "Match sequential execution behavior exactly".

    DESIGN.md settles it (rule 6): there is one path, both take the same third step.
    """
    sandbox.add_spec(A)
    sandbox.add_spec(B)
    sandbox.commit()

    alone = sandbox.doit(A)
    beside = sandbox.doit("-n", "2", B)

    assert (alone.status, beside.status) == (0, 0), alone.text + beside.text
    first, second = load_head(sandbox, A), load_head(sandbox, B)
    assert list(first) == list(second)
    assert _record(first) == _record(second) == ("completed", "script", True, True)


def test_each_spec_that_succeeds_is_finalized(worked: tuple[Sandbox, Ran]) -> None:
    """ "Add finalize_spec() call in parallel execution path"; "Call finalize_spec() for each successfully completed
    spec"."""
    sandbox, ran = worked

    assert ran.status == 0, ran.text
    assert sandbox.git("log", "--first-parent", "--format=%s", "-2").splitlines()[::-1] in (
        [f"chant({A}): Work {A}", f"chant({B}): Work {B}"],
        [f"chant({B}): Work {B}", f"chant({A}): Work {A}"],
    )


def test_a_spec_that_fails_is_not_finalized(sandbox: Sandbox) -> None:
    """ "if spec_result.success": what did not succeed keeps its status and gets no record."""
    sandbox.add_spec(A, run="echo half > half.txt\nexit 3")
    sandbox.add_spec(B)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    head = load_head(sandbox, A)
    assert ran.status == 1
    assert head["status"] == "pending"
    assert not {"commits", "completed_at", "model"} & head.keys()
    assert f"Finalized {A}" not in ran.text
    assert load_head(sandbox, B)["status"] == "completed"


def test_the_commits_are_those_of_the_specs_branch(worked: tuple[Sandbox, Ran]) -> None:
    """ "Extract commits from spec branch after parallel work".

    What the agent left uncommitted, here its ticks, was committed for it, and counts too.
    """
    sandbox, _ = worked
    commits = load_head(sandbox, A)["commits"]
    assert isinstance(commits, list)

    subjects = [sandbox.git("show", "-s", "--format=%s", str(commit)) for commit in commits]
    landing = sandbox.git("log", "-1", "--format=%H", "--merges", f"--grep=Chant-Spec: {A}")
    on_branch = sandbox.git("rev-list", "--reverse", f"{landing}^1..{landing}^2").splitlines()

    assert subjects == ["first", "second", f"chant({A}): Work {A}"]
    assert [commit for commit in on_branch if commit in {sandbox.git("rev-parse", str(c)) for c in commits}] == [
        sandbox.git("rev-parse", str(commit)) for commit in commits
    ]


def test_the_frontmatter_has_every_field(worked: tuple[Sandbox, Ran]) -> None:
    """ "Update spec frontmatter with all metadata fields": "status, commits, completed_at, model"."""
    sandbox, _ = worked

    assert _record(load_head(sandbox, A)) == ("completed", "sonnet", True, True)
    assert _record(load_head(sandbox, B)) == ("completed", "script", True, True)


def test_the_finalized_spec_is_on_disk_and_in_the_landing_commit(worked: tuple[Sandbox, Ran]) -> None:
    """ "Save finalized spec to disk".

    DESIGN.md adds (rule 2) that the commit which lands the work holds the finalized file.
    """
    sandbox, _ = worked

    for spec_id in (A, B):
        path = f".chant/specs/{spec_id}.md"
        landing = sandbox.git("log", "-1", "--format=%H", "--merges", f"--grep=Chant-Spec: {spec_id}")
        assert sandbox.git("status", "--porcelain", path) == ""
        assert parse_head(sandbox.git("show", f"{landing}:{path}"))["status"] == "completed"
        assert "- [x] box 1" in (sandbox.root / path).read_text()


def test_what_was_finalized_is_said(worked: tuple[Sandbox, Ran]) -> None:
    """ "Add logging: "✓ Finalized {spec_id}" "."""
    _, ran = worked

    for spec_id in (A, B):
        assert len([line for line in ran.err.splitlines() if f"✓ Finalized {spec_id}" in line]) == 1


def test_after_parallel_work_the_status_is_completed(worked: tuple[Sandbox, Ran]) -> None:
    """ "Integration test: parallel work -> verify status: completed in frontmatter"."""
    sandbox, _ = worked

    assert [load_head(sandbox, spec_id)["status"] for spec_id in (A, B)] == ["completed", "completed"]


def test_after_parallel_work_commits_time_and_model_are_there(worked: tuple[Sandbox, Ran]) -> None:
    """ "Integration test: parallel work -> verify commits, completed_at, model present"."""
    sandbox, _ = worked

    for spec_id in (A, B):
        head = load_head(sandbox, spec_id)
        assert head["commits"]
        assert re.fullmatch(_TIME, str(head["completed_at"]))
        assert head["model"]


def test_after_parallel_work_the_list_shows_completed(worked: tuple[Sandbox, Ran]) -> None:
    """ "Integration test: parallel work -> chant list shows ● completed"; the list is `doit list`."""
    sandbox, _ = worked

    ran = sandbox.doit("list")

    assert ran.out.splitlines() == [f"{A}   ● completed   Work {A}", f"{B}   ● completed   Work {B}"]


def test_nothing_has_to_be_finalized_by_hand(worked: tuple[Sandbox, Ran]) -> None:
    """ "User did NOT run `chant finalize` manually (assumed it was automatic)"; and "Parallel agents committed code
    but didn't update spec metadata" must not be possible: nothing is left that would have to follow."""
    sandbox, ran = worked

    assert ran.err.splitlines()[-1].startswith("2 succeeded in ")
    assert find_leftovers(sandbox) == []
    assert sandbox.git("status", "--porcelain") == ""


def test_a_completed_spec_is_not_run_again(sandbox: Sandbox) -> None:
    """ "Risk of re-running already-completed specs"."""
    counter = sandbox.outside / "count"
    sandbox.add_spec(A, run=f"echo run >> {counter}\necho a > a.txt\n{TICK_ALL}")
    sandbox.commit()

    runs = [sandbox.doit("-n", "2") for _ in range(3)]

    assert [ran.status for ran in runs] == [0, 0, 0]
    assert lines_of(counter) == ["run"]


def test_there_is_an_audit_trail(worked: tuple[Sandbox, Ran]) -> None:
    """ "No audit trail (missing commits, timestamps, model)": the landing commit and the journal have one."""
    sandbox, _ = worked
    trailers = sandbox.git("log", "-1", "--format=%(trailers:only,unfold)", "--merges", f"--grep=Chant-Spec: {A}")
    seen = load_seen(sandbox)[A]

    assert trailers.splitlines() == [
        f"Chant-Spec: {A}",
        "Chant-Attempt: 1",
        "Chant-Model: sonnet",
        "Chant-Agent: script",
    ]
    assert seen.attempts == 1
    assert seen.log is not None
    assert (sandbox.root / seen.log).is_file()


def test_no_state_stays_open_after_success(worked: tuple[Sandbox, Ran]) -> None:
    """ "Parallel `chant work --parallel` shows ○ ready even after successful completion"."""
    sandbox, _ = worked

    assert load_states(sandbox) == {A: "completed", B: "completed"}
