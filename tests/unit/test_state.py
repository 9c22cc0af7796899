"""A test for each row of the table of states, and for which row comes first."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.spec.model import SpecId, Status
from chant_tasks.state import ICONS, AttemptFacts, Ending, Kind, SpecFacts, State, Worker, find_state
from tests.unit.doit_plugin.overviews import make_spec

ID = SpecId("2026-01-01-001-a")
DONE, READY, FAILED = (State(kind=kind) for kind in (Kind.COMPLETED, Kind.READY, Kind.FAILED))
BRANCH = f"spec/{ID}"
AT_WORK = Worker(pid=42, doing="claude, 3m")


def _facts(status: str = "pending", frontmatter: str = "") -> SpecFacts:
    spec = make_spec(ID, frontmatter=frontmatter)
    return SpecFacts(id=ID, short="a", spec=replace(spec, status=Status(status)), target="main")


def _attempt(ending: Ending | None, reason: str = "") -> AttemptFacts:
    return AttemptFacts(number=1, ending=ending, reason=reason, log=".git/chant/log", target="main")


def _commands(state: State) -> list[str]:
    return [step.command for step in state.next]


def test_every_kind_has_an_icon() -> None:
    assert set(ICONS) == set(Kind)


@pytest.mark.parametrize("status", ["pending", "in_progress", "blocked", "ready"])
def test_a_spec_that_waits_for_nothing_is_ready(status: str) -> None:
    state = find_state(_facts(status))

    assert (state.kind, state.icon, state.reason, _commands(state)) == (Kind.READY, "○", "", ["doit a"])


def test_a_file_that_says_completed_is_completed_where_the_target_is_checked_out() -> None:
    assert find_state(_facts("completed")) == State(kind=Kind.COMPLETED)


def test_a_file_that_says_completed_on_another_branch_says_nothing_of_the_target() -> None:
    assert find_state(replace(_facts("completed"), is_target_checked_out=False)).kind is Kind.READY


def test_a_target_that_says_completed_is_believed_whatever_the_checkout_says() -> None:
    facts = replace(_facts(), is_target_checked_out=False, target_status=Status.COMPLETED)

    assert find_state(facts) == State(kind=Kind.COMPLETED)


def test_a_forgotten_record_counts_no_longer() -> None:
    state = find_state(replace(_facts("completed"), is_forgotten=True, target_status=Status.COMPLETED))

    assert (state.kind, state.reason) == (Kind.READY, "forgotten, will be worked again")


def test_a_landing_in_flight_overrides_what_the_file_says() -> None:
    attempt = replace(_attempt(None), is_proven=True)

    state = find_state(replace(_facts("completed"), attempt=attempt))

    assert (state.kind, state.reason) == (Kind.READY, "stopped midway; the next doit goes on from there")


def test_a_landing_that_failed_midway_overrides_what_the_file_says() -> None:
    attempt = replace(_attempt(Ending.WAITS, "no space left"), is_halfway=True)

    state = find_state(replace(_facts("completed"), attempt=attempt, branch=BRANCH))

    assert (state.kind, state.reason) == (Kind.LANDING_WAITS, "no space left")


def test_a_colleagues_landing_settles_one_of_ours_that_failed_midway() -> None:
    attempt = replace(_attempt(Ending.WAITS, "no space left"), is_halfway=True)

    assert find_state(replace(_facts(), attempt=attempt, target_status=Status.COMPLETED)).kind is Kind.COMPLETED


def test_a_worktree_that_stayed_is_told_beside_completed() -> None:
    attempt = replace(_attempt(Ending.COMPLETED), leftover="worktree /w could not be removed: busy")

    state = find_state(replace(_facts("completed"), attempt=attempt))

    assert (state.kind, state.reason) == (Kind.COMPLETED, "worktree /w could not be removed: busy")
    assert (state.is_satisfied, _commands(state)) == (True, ["doit"])


def test_cancelled_is_what_the_file_says() -> None:
    state = find_state(_facts("cancelled"))

    assert (state.kind, state.icon, state.is_satisfied) == (Kind.CANCELLED, "◌", True)


@pytest.mark.parametrize("field", ["error", "problem"])
def test_what_is_wrong_with_an_unfinished_spec_makes_it_broken(field: str) -> None:
    wrong = {field: "depends on b, which is not there"}

    state = find_state(replace(_facts(), **wrong))  # type: ignore[arg-type]  # the keywords are fields of text

    assert (state.kind, state.icon) == (Kind.BROKEN, "✗")
    assert (state.reason, state.is_failure) == ("depends on b, which is not there", True)


def test_a_spec_that_cannot_be_edited_is_broken() -> None:
    facts = _facts()
    assert facts.spec is not None

    assert find_state(replace(facts, spec=replace(facts.spec, problem="a fence never closes"))).kind is Kind.BROKEN


def test_a_problem_of_a_completed_spec_changes_nothing() -> None:
    assert find_state(replace(_facts("completed"), problem="depends on b, which is not there")) == DONE


def test_a_spec_that_another_process_works_is_in_progress() -> None:
    state = find_state(replace(_facts(), worker=AT_WORK))

    assert (state.kind, state.icon, state.reason) == (Kind.IN_PROGRESS, "◐", "claude, 3m, doit 42")


def test_a_spec_that_is_worked_is_neither_completed_nor_broken_until_then() -> None:
    assert find_state(replace(_facts("completed"), worker=AT_WORK)).kind is Kind.IN_PROGRESS
    assert find_state(replace(_facts(), worker=AT_WORK, problem="odd")).kind is Kind.IN_PROGRESS


@pytest.mark.parametrize(
    ("approval", "reason"),
    [
        ("approval: {required: true}", "for approval"),
        ("approval: {required: true, status: pending}", "for approval"),
        ("approval: {required: true, status: rejected, by: ann}", "rejected by ann"),
        ("approval: {required: true, status: rejected}", "rejected"),
    ],
)
def test_a_spec_without_its_approval_waits(approval: str, reason: str) -> None:
    state = find_state(_facts(frontmatter=approval))

    assert (state.kind, state.icon, state.reason) == (Kind.WAITING, "⏸", reason)
    assert not state.is_failure


@pytest.mark.parametrize("approval", ["approval: {required: true, status: approved}", "approval: {required: false}"])
def test_an_approved_spec_is_ready(approval: str) -> None:
    assert find_state(_facts(frontmatter=approval)).kind is Kind.READY


def test_a_paused_spec_waits() -> None:
    state = find_state(_facts("paused"))

    assert (state.kind, state.reason) == (Kind.WAITING, "paused in its file")


def test_a_spec_waits_for_whoever_is_not_satisfied() -> None:
    state = find_state(replace(_facts(), needs=(("b", DONE), ("c", READY), ("d", FAILED))))

    assert (state.kind, state.icon, state.reason) == (Kind.BLOCKED, "⊘", "by c, d")
    assert not state.is_failure


def test_satisfied_dependencies_block_nobody() -> None:
    assert find_state(replace(_facts(), needs=(("b", DONE), ("c", State(kind=Kind.CANCELLED))))).kind is Kind.READY


def test_a_driver_shows_how_many_of_its_members_are_done() -> None:
    facts = replace(_facts(), needs=(("a.1", DONE), ("a.2", READY)), members=(DONE, READY))

    state = find_state(facts)

    assert (state.kind, state.label) == (Kind.IN_PROGRESS, "1 of 2 done")


def test_a_driver_whose_members_are_not_begun_is_blocked() -> None:
    facts = replace(_facts(), needs=(("a.1", READY),), members=(READY,))

    assert find_state(facts).kind is Kind.BLOCKED


def test_a_failed_attempt_is_failed_with_what_was_kept_and_its_log() -> None:
    attempt = replace(_attempt(Ending.FAILED, "nothing was changed"), kept="refs/chant/attempts/a/1")

    state = find_state(replace(_facts(), attempt=attempt))

    assert (state.kind, state.icon, state.is_failure) == (Kind.FAILED, "✗", True)
    assert state.details == (
        ("failed", "nothing was changed"),
        ("kept", "refs/chant/attempts/a/1"),
        ("log", ".git/chant/log"),
    )
    assert _commands(state) == ["doit a"]


@pytest.mark.parametrize("status", ["failed", "needs_attention"])
def test_a_file_that_says_failed_is_believed_until_the_journal_knows_better(status: str) -> None:
    state = find_state(_facts(status))

    assert (state.kind, state.reason) == (Kind.FAILED, f"its file says {status}")
    assert find_state(replace(_facts(status), attempt=_attempt(Ending.INTERRUPTED))).kind is Kind.READY
    assert find_state(replace(_facts(status), is_forgotten=True)).kind is Kind.READY


def test_an_interrupted_attempt_is_ready_and_says_where_its_work_is() -> None:
    attempt = replace(_attempt(Ending.INTERRUPTED), kept="refs/chant/attempts/a/1", is_resumable=True)

    state = find_state(replace(_facts(), attempt=attempt))

    assert (state.kind, state.reason) == (
        Kind.READY,
        "interrupted; the next doit goes on from refs/chant/attempts/a/1",
    )
    assert _commands(state) == ["doit a", "doit forget a"]


def test_an_interrupted_script_is_worked_anew_and_says_where_its_work_is() -> None:
    attempt = replace(_attempt(Ending.INTERRUPTED), kept="refs/chant/attempts/a/1")

    state = find_state(replace(_facts(), attempt=attempt))

    assert (state.kind, state.reason) == (
        Kind.READY,
        "interrupted, the next doit begins anew; kept at refs/chant/attempts/a/1",
    )


def test_an_interrupted_attempt_that_changed_nothing_goes_on_in_its_session_where_it_has_one() -> None:
    attempt = replace(_attempt(Ending.INTERRUPTED), is_resumable=True)

    state = find_state(replace(_facts(), attempt=attempt))
    nothing = find_state(replace(_facts(), attempt=replace(attempt, is_resumable=False)))

    assert (state.kind, state.reason) == (Kind.READY, "interrupted; the next doit goes on from its agent's session")
    assert (nothing.kind, nothing.reason) == (Kind.READY, "")


def test_a_failed_attempt_of_which_something_is_kept_can_be_worked_again_or_gone_on_with() -> None:
    attempt = replace(_attempt(Ending.FAILED), kept="refs/chant/attempts/a/1", is_resumable=True)

    state = find_state(replace(_facts(), attempt=attempt))
    nothing = find_state(replace(_facts(), attempt=replace(attempt, kept="", is_resumable=False)))

    assert _commands(state) == ["doit a", "doit spec-resume a"]
    assert _commands(nothing) == ["doit a"]


def test_a_conflict_needs_a_person_and_prints_what_to_type() -> None:
    attempt = replace(_attempt(Ending.CONFLICT, "conflicts with main: f"), paths=("f",))

    state = find_state(replace(_facts(), attempt=attempt, branch=BRANCH))

    assert (state.kind, state.icon, state.is_failure) == (Kind.ATTENTION, "⚠", True)
    assert state.details[0] == ("conflicts", "with main: f")
    assert _commands(state) == ["doit spec-resolve a", "doit spec-land a", "doit spec-discard a"]


def test_a_conflict_is_its_agents_as_long_as_it_has_tries_left() -> None:
    attempt = replace(_attempt(Ending.CONFLICT, "conflicts with main: f"), paths=("f",), is_mendable=True)
    facts = replace(_facts(), attempt=attempt, branch=BRANCH, most_conflict_tries=2)
    tried = replace(attempt, conflict_tries=2, conflict_outcome="marks are left")

    state, over = find_state(facts), find_state(replace(facts, attempt=tried))

    assert (state.kind, state.is_mendable, _commands(state)[0]) == (Kind.READY, True, "doit a")
    assert (over.kind, over.is_mendable, _commands(over)[0]) == (Kind.ATTENTION, False, "doit spec-resolve a")
    assert ("its agent", "could not resolve it (2 tries): marks are left") in over.details
    assert find_state(replace(facts, most_conflict_tries=0)).kind is Kind.ATTENTION
    assert find_state(replace(facts, attempt=replace(attempt, is_mendable=False))).kind is Kind.ATTENTION


def test_a_conflict_that_a_person_has_committed_to_is_to_be_landed() -> None:
    attempt = replace(_attempt(Ending.CONFLICT, "conflicts with main: f"), paths=("f",), head="1111")

    state = find_state(replace(_facts(), attempt=attempt, branch=BRANCH, branch_tip="2222"))

    assert (state.kind, state.reason) == (Kind.ATTENTION, f"branch {BRANCH} has new commits, and is to be landed")
    assert state.details[0] == ("before", "conflicts with main: f")
    assert _commands(state) == ["doit spec-land a", "doit spec-discard a"]


def test_work_of_a_person_that_was_refused_is_to_be_mended_and_not_merged() -> None:
    state = find_state(replace(_facts(), attempt=_attempt(Ending.CONFLICT, "nothing was changed"), branch=BRANCH))

    assert state.details[0] == ("refused", "nothing was changed")
    assert _commands(state)[0] == "doit spec-resolve a"


def test_a_conflict_whose_branch_is_gone_needs_nobody() -> None:
    assert find_state(replace(_facts(), attempt=_attempt(Ending.CONFLICT))).kind is Kind.READY


def test_a_checkout_that_was_changed_after_its_agent_had_ended_needs_its_user_until_the_work_is_judged() -> None:
    attempt = replace(_attempt(None, "x.txt was changed in /home/me/project"), paths=("x.txt", "my file"))
    state = find_state(replace(_facts(), attempt=attempt, branch=BRANCH))

    assert (state.kind, state.reason) == (Kind.ATTENTION, attempt.reason)
    assert _commands(state) == [
        "git stash push -u -- x.txt 'my file' && doit",
        "git switch main && doit",
    ]
    assert find_state(replace(_facts(), attempt=replace(attempt, is_proven=True), branch=BRANCH)).kind is Kind.READY


def test_a_branch_that_nobody_knows_is_in_the_way() -> None:
    state = find_state(replace(_facts(), branch=BRANCH))

    assert (state.kind, state.reason) == (Kind.ATTENTION, f"branch {BRANCH} exists already")
    assert _commands(state) == ["doit spec-land a", "doit spec-discard a"]


@pytest.mark.parametrize(("status", "kind"), [(Status.PENDING, Kind.ATTENTION), (None, Kind.WAITING)])
def test_a_finalized_branch_that_was_moved_to_where_its_file_says_otherwise_is_not_completed(
    status: Status | None, kind: Kind
) -> None:
    facts = replace(_facts(), attempt=_attempt(Ending.ON_BRANCH), branch=BRANCH, branch_tip="somewhere")

    state = find_state(replace(facts, branch_status=status))

    assert (state.kind, state.is_on_branch) == (kind, kind is Kind.WAITING)  # None: git may ignore the specs' files
    assert find_state(replace(facts, branch_status=Status.COMPLETED)).is_on_branch


def test_a_landing_that_waits_says_what_for() -> None:
    state = find_state(replace(_facts(), attempt=_attempt(Ending.WAITS, "f is changed"), branch=BRANCH))

    assert (state.kind, state.icon, state.label) == (Kind.LANDING_WAITS, "⚠", "landing waits")
    assert (state.reason, state.is_failure) == ("f is changed", False)
    assert _commands(state) == ["doit a", "doit spec-discard a"]
    assert state.next[0].purpose == "land it; the agent will not run again"


def test_a_landing_that_waits_for_files_says_to_free_them_first() -> None:
    attempt = replace(_attempt(Ending.WAITS, "f is changed"), paths=("f",))

    state = find_state(replace(_facts(), attempt=attempt, branch=BRANCH))

    assert state.next[0].purpose == (
        "once that is committed, stashed or moved away: land it; the agent will not run again"
    )


def test_a_drivers_landing_waits_without_a_branch() -> None:
    state = find_state(replace(_facts(), attempt=_attempt(Ending.WAITS, "f is changed")))

    assert (state.kind, _commands(state)) == (Kind.LANDING_WAITS, ["doit a"])


def test_a_landing_whose_branch_a_person_removed_waits_no_more() -> None:
    attempt = replace(_attempt(Ending.WAITS, "f is changed"), kept=f"refs/heads/{BRANCH}")

    assert find_state(replace(_facts(), attempt=attempt)).kind is Kind.READY


def test_an_open_attempts_branch_is_in_nobodys_way() -> None:
    assert find_state(replace(_facts(), attempt=_attempt(None), branch=BRANCH)).kind is Kind.READY


# Each state wins over all of those behind it.
ROWS: tuple[tuple[Kind, dict[str, object]], ...] = (
    (Kind.IN_PROGRESS, {"worker": AT_WORK}),
    (Kind.COMPLETED, {"target_status": Status.COMPLETED}),
    (Kind.BROKEN, {"problem": "a cycle"}),
    (Kind.WAITING, {"spec": _facts("paused").spec}),
    (Kind.ATTENTION, {"branch": BRANCH, "attempt": _attempt(Ending.FAILED, "no")}),
    (Kind.BLOCKED, {"needs": (("b", READY),)}),
    (Kind.FAILED, {"attempt": _attempt(Ending.FAILED, "no")}),
)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ROWS, 2)))
def test_the_earlier_row_wins(first: tuple[Kind, dict[str, object]], second: tuple[Kind, dict[str, object]]) -> None:
    facts = replace(_facts(), **{**second[1], **first[1]})  # type: ignore[arg-type]  # the keywords are the fields

    assert find_state(facts).kind is first[0]


@given(
    status=st.sampled_from(Status),
    target_status=st.none() | st.sampled_from(Status),
    ending=st.none() | st.sampled_from(Ending),
    has_attempt=st.booleans(),
    is_forgotten=st.booleans(),
    branch=st.sampled_from(("", BRANCH)),
    needs=st.lists(st.sampled_from((DONE, READY, FAILED)), max_size=3),
)
def test_every_combination_has_a_state_that_is_not_completed_without_a_record(
    status: Status,
    target_status: Status | None,
    ending: Ending | None,
    has_attempt: bool,
    is_forgotten: bool,
    branch: str,
    needs: list[State],
) -> None:
    facts = replace(
        _facts(status.value),
        target_status=target_status,
        attempt=_attempt(ending) if has_attempt else None,
        is_forgotten=is_forgotten,
        branch=branch,
        needs=tuple(("b", state) for state in needs),
    )

    state = find_state(facts)

    has_record = Status.COMPLETED in (status, target_status) and not is_forgotten
    assert has_record or state.kind is not Kind.COMPLETED
    assert state.kind is not Kind.READY or all(need.is_satisfied for need in needs)


def test_a_name_that_a_shell_would_run_is_printed_so_that_it_does_not() -> None:
    state = find_state(replace(_facts(), short="x$(touch owned)"))

    assert _commands(state) == ["doit 'x$(touch owned)'"]


def test_a_red_check_says_what_failed_and_how_its_agent_or_a_person_goes_on() -> None:
    attempt = replace(_attempt(Ending.RED, "`make` failed with status 2"), said=("one", "two"), is_resumable=True)

    state = find_state(replace(_facts(), attempt=attempt, branch=BRANCH))

    assert (state.kind, state.can_go_on, state.only_lands) == (Kind.ATTENTION, True, False)
    assert tuple(row for row in state.details if row[1] in ("one", "two")) == (("it said", "one"), ("", "two"))
    assert _commands(state) == ["doit spec-resume a", "doit spec-resolve a", "doit spec-land a", "doit spec-discard a"]


def test_where_the_target_itself_is_red_the_next_run_lands_and_nobody_works() -> None:
    state = find_state(
        replace(_facts(), attempt=_attempt(Ending.TARGET_RED, "main itself fails: `make`"), branch=BRANCH)
    )

    assert (state.kind, state.can_go_on, state.only_lands) == (Kind.ATTENTION, False, True)
    assert _commands(state) == ["doit a", "doit spec-discard a"]
