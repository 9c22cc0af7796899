"""Finalized work that stays on its branch until a person merges it."""

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.state import Ending, Kind
from tests.integration.repository import Repository, make_repository

BRANCH = "branch: true"


def branch_of(spec_id: SpecId, prefix: str = "chant/") -> str:
    return f"{prefix}{spec_id}"


def heads(repository: Repository) -> list[str]:
    return repository.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/").splitlines()


@pytest.fixture(params=["worktree", "none"])
def place(repository: Repository, request: pytest.FixtureRequest) -> Repository:
    """A repository whose agents work in worktrees, or in the checkout."""
    repository.write(".chant/config.md", f"---\nisolation: {request.param}\n---\n")
    repository.commit("config")
    return repository


def test_the_finalized_file_is_the_branchs_last_commit(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo a > a.txt; git add -A; git commit -qm work", keys=BRANCH)
    tip = place.commit("spec")

    state = place.work(spec_id)

    branch = branch_of(spec_id)
    assert (state.kind, state.reason) == (Kind.WAITING, f"completed on branch {branch}, not merged")
    assert place.tip("main") == tip
    subjects = place.git("log", "--format=%s", f"main..{branch}").splitlines()
    assert subjects[0] == f"chant({spec_id}): Do a"
    assert "work" in subjects
    final = place.show(place.spec_path(spec_id), branch)
    assert "status: completed" in final
    assert "completed_at: " in final
    assert "commits:" in final
    assert "- [x] it is done" in final
    assert place.git("diff", "--name-only", f"{branch}~1", branch) == place.spec_path(spec_id)
    assert place.files(branch) == {"README.md", "a.txt"}
    assert heads(place) == [branch, "main"]
    assert place.status() == []
    assert list(place.worktrees.iterdir()) == []
    assert place.spec(spec_id).status is Status.PENDING


@pytest.mark.parametrize(("check", "kind"), [("", Kind.WAITING), ("true", Kind.WAITING), ("false", Kind.ATTENTION)])
def test_nothing_holds_a_commit_that_was_checked_any_more(place: Repository, check: str, kind: Kind) -> None:
    spec_id = place.add_spec("a", keys=f"{BRANCH}\nchecks: [{check}]")
    place.commit("spec")

    assert place.work(spec_id).kind is kind
    assert place.git("for-each-ref", "--format=%(refname)", "refs/chant/landing/") == ""


def test_it_is_not_worked_again(place: Repository) -> None:
    spec_id = place.add_spec("a", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)

    assert place.work(spec_id).kind is Kind.WAITING
    assert place.state(spec_id).kind is Kind.WAITING
    assert [step.command for step in place.state(spec_id).next] == [
        f"git merge {branch_of(spec_id)}",
        "doit spec-land a",
        "doit spec-discard a",
    ]
    assert place.count_runs("a") == 1


@pytest.mark.parametrize(
    "merge",
    [
        "git merge -q --ff-only {branch}",
        "git merge -q --no-ff -m merged {branch}",
        "git merge -q --squash {branch} && git commit -qm squashed",
        "git rebase -q main {branch} && git switch -q main && git merge -q --ff-only {branch}",
        "git merge -q --no-ff -m merged {branch} && git branch -qd {branch}",
        "git merge -q --squash {branch} && git commit -qm squashed && git branch -qD {branch}",
    ],
)
def test_a_persons_merge_of_any_kind_completes_it(place: Repository, merge: str) -> None:
    spec_id = place.add_spec("a", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)
    place.write("other.txt", "moved on\n")
    if "ff-only" not in merge or "rebase" in merge:
        place.commit("the target moves on")
    else:
        (place.root / "other.txt").unlink()

    place.shell(merge.format(branch=branch_of(spec_id)))
    place.prepare()

    assert place.state(spec_id).kind is Kind.COMPLETED
    assert place.work(spec_id).kind is Kind.COMPLETED
    assert place.count_runs("a") == 1
    assert "a.txt" in place.files()


def test_spec_land_merges_it_as_direct_mode_does(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo a > a.txt", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)
    place.write("other.txt", "moved on\n")
    tip = place.commit("the target moves on")

    state = place.land(spec_id)

    assert state.kind is Kind.COMPLETED, state
    assert place.tip("main^1") == tip
    assert place.files() == {"README.md", "a.txt", "other.txt"}
    assert place.spec(spec_id).status is Status.COMPLETED
    assert heads(place) == ["main"]
    place.assert_no_traces()


def test_spec_land_of_a_conflict_needs_attention_and_lands_once_resolved(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo theirs > README.md", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)
    place.write("README.md", "mine\n")
    place.commit("the target moves on")

    state = place.land(spec_id)
    branch = branch_of(spec_id)
    place.shell(f"git switch -q {branch}; git merge -q main || echo both > README.md; git commit -qam merged")
    place.git("switch", "-q", "main")
    resolved = place.land(spec_id)

    assert (state.kind, state.reason) == (Kind.ATTENTION, "conflicts with main: README.md")
    assert resolved.kind is Kind.COMPLETED, resolved
    assert place.read("README.md") == "both\n"
    assert place.count_runs("a") == 1


def test_both_kinds_mix(place: Repository) -> None:
    place.write(
        ".chant/config.md",
        place.read(".chant/config.md").replace(
            "isolation", "defaults:\n  branch: true\n  branch_prefix: topic/\nisolation"
        ),
    )
    kept, direct = place.add_spec("a"), place.add_spec("b", keys="branch: false")
    own, text = place.add_spec("c", keys="branch_prefix: own-"), place.add_spec("d", keys="branch: chant/somewhere")
    place.commit("specs")

    kinds = [place.work(spec_id).kind for spec_id in (kept, direct, own, text)]

    assert kinds == [Kind.WAITING, Kind.COMPLETED, Kind.WAITING, Kind.WAITING]
    assert heads(place) == ["main", branch_of(own, "own-"), branch_of(kept, "topic/"), branch_of(text, "topic/")]
    assert "branch: chant/somewhere" in place.show(place.spec_path(text), branch_of(text, "topic/"))


def test_a_text_in_branch_asks_for_nothing(place: Repository) -> None:
    spec_id = place.add_spec("a", keys="branch: chant/elsewhere\nbranch_prefix: own/")
    place.commit("spec")

    assert place.work(spec_id).kind is Kind.COMPLETED
    assert "branch: chant/elsewhere" in place.show(place.spec_path(spec_id))
    assert heads(place) == ["main"]


def test_a_failed_attempt_leaves_no_branch(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo a > a.txt; exit 3", keys=BRANCH)
    place.commit("spec")

    assert place.work(spec_id).kind is Kind.FAILED
    assert heads(place) == ["main"]
    assert list(place.refs("refs/chant/attempts/")) == [f"refs/chant/attempts/{spec_id}/1"]


def test_a_spec_that_git_ignores_is_completed_once_its_branch_is_merged(place: Repository) -> None:
    place.write(".gitignore", ".chant/specs/\n")
    place.commit("ignore")
    spec_id = place.add_spec("a", "echo a > a.txt", keys=BRANCH)

    state = place.work(spec_id)
    before = place.spec(spec_id).status
    place.shell(f"git merge -q --no-ff -m merged {branch_of(spec_id)}")
    place.prepare()

    assert (state.kind, before) == (Kind.WAITING, Status.PENDING)
    assert place.spec(spec_id).status is Status.COMPLETED
    assert "- [x]" in place.read(place.spec_path(spec_id))
    assert place.files() == {".gitignore", "README.md", "a.txt"}


def test_a_spec_that_git_ignores_lands_by_spec_land(place: Repository) -> None:
    place.write(".gitignore", ".chant/specs/\n")
    place.commit("ignore")
    spec_id = place.add_spec("a", "echo a > a.txt", keys=BRANCH)
    place.work(spec_id)

    state = place.land(spec_id)

    assert state.kind is Kind.COMPLETED, state
    assert place.spec(spec_id).status is Status.COMPLETED
    assert heads(place) == ["main"]


def test_a_branch_that_is_deleted_unmerged_makes_the_spec_ready_again(place: Repository) -> None:
    spec_id = place.add_spec("a", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)
    place.git("branch", "-q", "-D", branch_of(spec_id))

    assert place.state(spec_id).kind is Kind.READY
    assert place.work(spec_id).kind is Kind.WAITING
    assert place.count_runs("a") == 2


def test_discarding_sets_it_aside_and_it_is_worked_again(place: Repository) -> None:
    spec_id = place.add_spec("a", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)

    place.discard(spec_id)

    assert heads(place) == ["main"]
    assert place.state(spec_id).kind is Kind.READY
    assert "a.txt" in place.files(f"refs/chant/attempts/{spec_id}/1")
    assert place.work(spec_id).kind is Kind.WAITING


def test_forgetting_is_refused_while_the_branch_is_there(place: Repository) -> None:
    spec_id = place.add_spec("a", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)

    with pytest.raises(RepositoryError) as error:
        place.forget(spec_id)

    assert "doit spec-discard a" in error.value.hint


def test_once_merged_it_can_be_forgotten_and_worked_again(place: Repository) -> None:
    spec_id = place.add_spec("a", "date +%N >> a.txt", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)
    place.shell(f"git merge -q {branch_of(spec_id)}; git branch -qd {branch_of(spec_id)}")
    place.forget(spec_id)

    state = place.work(spec_id)

    assert state.kind is Kind.WAITING, state
    assert place.count_runs("a") == 2
    place.shell(f"git merge -q {branch_of(spec_id)}")
    assert place.state(spec_id).kind is Kind.COMPLETED


def test_a_merged_branch_that_is_still_there_does_not_hinder_a_rerun_without_a_word(place: Repository) -> None:
    spec_id = place.add_spec("a", "date +%N >> a.txt", keys=BRANCH)
    place.commit("spec")
    place.work(spec_id)
    place.shell(f"git merge -q {branch_of(spec_id)}")
    place.prepare()
    assert place.state(spec_id).kind is Kind.COMPLETED
    place.forget(spec_id)

    state = place.work(spec_id)

    assert state.kind in (Kind.WAITING, Kind.ATTENTION), state
    assert state.next or state.reason


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (
            ("branch: true\nbranch_prefix: x/", "branch: true\nbranch_prefix: x/2026-01-01-001-a/"),
            "git cannot have its branch",
        ),
    ],
)
def test_branches_that_cannot_be_beside_each_other_break_only_their_specs(
    place: Repository, keys: tuple[str, str], reason: str
) -> None:
    first, second = place.add_spec("a", keys=keys[0]), place.add_spec("b", keys=keys[1])
    third = place.add_spec("c")
    place.commit("specs")

    states = {spec_id: place.state(spec_id) for spec_id in (first, second, third)}

    assert states[third].kind is Kind.READY
    broken = [state for state in states.values() if state.kind is Kind.BROKEN]
    assert broken
    assert all(reason in state.reason for state in broken)
    assert place.work(third).kind is Kind.COMPLETED


def test_a_branch_that_would_be_the_target_breaks_only_its_spec(place: Repository) -> None:
    spec_id, other = place.add_spec("a", keys="branch: true\nbranch_prefix: work/"), place.add_spec("b")
    place.commit("specs")
    place.git("switch", "-q", "-c", f"work/{spec_id}")
    place.write(
        ".chant/config.md",
        place.read(".chant/config.md").replace("isolation", f"defaults:\n  main_branch: work/{spec_id}\nisolation"),
    )
    place.commit("target")

    state = place.state(spec_id)

    assert (state.kind, state.reason) == (Kind.BROKEN, f"its branch work/{spec_id} would be the target")
    assert place.work(other).kind is Kind.COMPLETED


def test_a_fresh_clone_knows_of_a_branch_that_was_fetched(place: Repository) -> None:
    spec_id = place.add_spec("a", keys=BRANCH)
    other = place.add_spec("b", keys=f"depends_on: [{spec_id}]")
    place.commit("specs")
    place.work(spec_id)
    folder = place.outside / "clone"
    folder.mkdir()
    clone = make_repository(folder)
    clone.git("remote", "add", "origin", str(place.top))
    clone.git("fetch", "-q", "origin")
    clone.git("reset", "-q", "--hard", "origin/main")

    before = clone.state(spec_id).kind
    clone.git("branch", "-q", branch_of(spec_id), f"origin/{branch_of(spec_id)}")

    assert before is Kind.READY
    assert clone.state(spec_id).reason == f"completed on branch {branch_of(spec_id)}, not merged"
    assert clone.state(other).kind is Kind.BLOCKED
    assert clone.land(spec_id).kind is Kind.COMPLETED
    assert clone.state(other).kind is Kind.READY


def test_a_doit_that_dies_when_the_branch_is_finalized_repeats_no_agent(place: Repository) -> None:
    from tests.integration.test_in_place_recovery import kill

    spec_id = place.add_spec("a", keys=BRANCH)
    place.commit("spec")

    kill(place, spec_id, "after:chant_tasks.git.refs:apply_ref")
    place.prepare()
    state = place.work(spec_id)

    assert state.kind is Kind.WAITING, state
    assert place.record(spec_id).ending is Ending.ON_BRANCH
    assert place.files(branch_of(spec_id)) == {"README.md", "a.txt"}
    assert place.status() == []
