"""Branches that stand on others' branches, and follow when these are rewritten, gone on with, or merged."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.steps.prepare import prepare_repair
from chant_tasks.steps.restack import Contradicts, Restacked, Result, Stays, plan_restack, restack_all
from tests.integration.repository import Repository

# A `doit spec-restack` of all that is killed at a moment that tests.integration.dying knows.
DYING = """
import sys
from pathlib import Path
from tests.integration.dying import arm
arm(sys.argv[2])
from tests.integration.test_restack import restack
from tests.integration.repository import Repository
root = Path(sys.argv[1])
restack(Repository(top=root, root=root, worktrees=root.parent, outside=root.parent))
"""
COMMIT = "git add -A && git commit -q -m"
Specs = Mapping[str, SpecId]


def restack(repository: Repository, *named: SpecId, is_dry: bool = False) -> list[Result]:
    """What `doit spec-restack` comes to."""
    overview = load_overview(repository.root)
    run = prepare_repair(overview, repository.events.append)
    return list(restack_all(run, plan_restack(overview, named), is_dry=is_dry))


def branch_of(spec_id: SpecId) -> str:
    return f"chant/{spec_id}"


def stack(repository: Repository, **needs: str) -> Specs:
    """Specs that are worked one after the other, each on the branches of those that it names, by their names."""
    repository.write(".chant/config.md", "---\ndefaults: {branch: true, stack: true}\n---\n")
    specs = {
        name: repository.add_spec(
            name,
            f"echo {name} > {name}.txt; {COMMIT} 'add {name}'; echo more >> {name}.txt; {COMMIT} 'more {name}'",
            keys=f"depends_on: [{', '.join(f'2026-01-01-001-{need}' for need in needed.split())}]",
        )
        for name, needed in needs.items()
    }
    repository.commit("specs")
    for spec_id in specs.values():
        assert repository.work(spec_id).is_on_branch
    return specs


def amend(repository: Repository, spec_id: SpecId, path: str = "a.txt", text: str = "amended\n") -> str:
    """Where the spec's branch ends, once its last commit was amended by a reviewer."""
    repository.git("switch", "-q", branch_of(spec_id))
    repository.write(path, text)
    repository.git("add", "-A")
    repository.git("commit", "-q", "--amend", "--no-edit")
    repository.git("switch", "-q", "main")
    return repository.tip(branch_of(spec_id))


def subjects(repository: Repository, span: str) -> list[str]:
    return repository.git("log", "--reverse", "--format=%s", span).splitlines()


def test_a_chain_follows_an_amended_branch_and_restacking_twice_does_nothing(repository: Repository) -> None:
    specs = stack(repository, a="", b="a", c="b")
    old = {name: repository.tip(branch_of(spec_id)) for name, spec_id in specs.items()}
    before = subjects(repository, f"{branch_of(specs['b'])}..{branch_of(specs['c'])}")
    tip = amend(repository, specs["a"])

    assert repository.state(specs["b"]).reason.endswith("; a was rewritten: doit spec-restack b")
    dry = restack(repository, is_dry=True)
    assert repository.tip(branch_of(specs["b"])) == old["b"]
    results = restack(repository)

    assert [(result.spec, type(result)) for result in dry] == [(result.spec, type(result)) for result in results]
    assert [type(result) for result in results] == [Restacked, Restacked]
    assert repository.tip(f"{branch_of(specs['b'])}~4") == tip
    assert repository.tip(f"{branch_of(specs['c'])}~4") == repository.tip(branch_of(specs["b"]))
    assert subjects(repository, f"{branch_of(specs['b'])}..{branch_of(specs['c'])}") == before
    assert repository.show("a.txt", branch_of(specs["c"])) == "amended\n"
    for name in "bc":
        assert repository.tip(f"refs/chant/attempts/{specs[name]}/1-restacked-1") == old[name]
        assert repository.state(specs[name]).reason.endswith(f"; stacked on {'ab'['bc'.index(name)]}")
    assert restack(repository) == []


def test_the_finalized_file_names_the_commits_as_they_are_called_now(repository: Repository) -> None:
    specs = stack(repository, a="", b="a")
    amend(repository, specs["a"])

    restack(repository)

    branch = branch_of(specs["b"])
    named = re.findall(r"^- '?(\w+)'?$", repository.show(repository.spec_path(specs["b"]), branch), re.M)
    listed = repository.git("log", "--reverse", "--format=%h", f"{branch_of(specs['a'])}..{branch}~1").splitlines()
    assert named == listed
    assert list(repository.record(specs["b"]).commits) == listed
    authors = repository.git("log", "--format=%an %at", f"{branch}~4..{branch}").splitlines()
    kept = f"refs/chant/attempts/{specs['b']}/1-restacked-1"
    assert authors == repository.git("log", "--format=%an %at", f"{kept}~4..{kept}").splitlines()


def test_a_persons_own_commits_go_along(repository: Repository) -> None:
    specs = stack(repository, a="", b="a")
    repository.shell(f"git switch -q {branch_of(specs['b'])}; echo mine > mine.txt; {COMMIT} mine; git switch -q main")
    amend(repository, specs["a"])

    restack(repository)

    branch = branch_of(specs["b"])
    assert subjects(repository, f"{branch_of(specs['a'])}..{branch}")[-1] == "mine"
    assert repository.files(branch) == {"README.md", "a.txt", "b.txt", "mine.txt"}
    assert repository.record(specs["b"]).landing_commit == repository.tip(f"{branch}~1")


def test_a_branch_into_which_a_person_has_merged_something_keeps_its_commits(repository: Repository) -> None:
    specs = stack(repository, a="", b="a")
    repository.write("main.txt", "moved on\n")
    repository.commit("the target moves on")
    repository.shell(f"git switch -q {branch_of(specs['b'])}; git merge -q --no-edit main; git switch -q main")
    old, tip = repository.tip(branch_of(specs["b"])), amend(repository, specs["a"])

    (result,) = restack(repository)

    branch = branch_of(specs["b"])
    assert isinstance(result, Restacked)
    assert [repository.tip(f"{branch}^1"), repository.tip(f"{branch}^2")] == [old, tip]
    assert repository.show("a.txt", branch) == "amended\n"
    assert restack(repository) == []


@pytest.mark.parametrize(
    "merge",
    [
        "git merge -q --squash {branch} && git commit -qm squashed",
        "git merge -q --squash {branch} && git commit -qm squashed && git branch -qD {branch}",
        "git cherry-pick {branch}~4..{branch}",
    ],
)
def test_once_its_dependency_is_merged_anew_it_stands_on_the_target(repository: Repository, merge: str) -> None:
    specs = stack(repository, a="", b="a")
    repository.write("main.txt", "moved on\n")
    repository.commit("the target moves on")
    repository.shell(merge.format(branch=branch_of(specs["a"])))
    assert repository.state(specs["b"]).reason.endswith("; a was merged: doit spec-restack b")

    (result,) = restack(repository)

    record, branch = repository.record(specs["b"]), branch_of(specs["b"])
    assert isinstance(result, Restacked)
    assert (record.base, record.stacked_on, record.base_branch) == (repository.tip("main"), (), "")
    assert repository.tip(f"{branch}~4") == repository.tip("main")
    assert repository.state(specs["b"]).reason == f"completed on branch {branch}, not merged"
    assert repository.land(specs["b"]).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "a.txt", "b.txt", "main.txt"}


def test_where_its_dependency_landed_as_it_was_nothing_is_made_again(repository: Repository) -> None:
    specs = stack(repository, a="", b="a")
    old = repository.tip(branch_of(specs["b"]))
    with pytest.raises(RepositoryError) as refused:
        repository.land(specs["b"])
    repository.land(specs["a"])

    (result,) = restack(repository)

    assert refused.value.reason == f"{specs['b']} stands on {branch_of(specs['a'])}, which has not landed"
    assert isinstance(result, Restacked)
    assert not result.is_rewritten
    assert repository.tip(branch_of(specs["b"])) == old
    assert repository.record(specs["b"]).stacked_on == ()
    assert repository.land(specs["b"]).kind is Kind.COMPLETED


def test_a_diamond_stands_on_a_merge_and_on_what_is_left_of_it(repository: Repository) -> None:
    specs = stack(repository, a="", b="a", c="a", d="b c")
    base = f"chant/base/{specs['d']}"
    assert {repository.tip(f"{base}^1"), repository.tip(f"{base}^2")} == {
        repository.tip(branch_of(specs[name])) for name in "bc"
    }
    assert repository.record(specs["d"]).base_branch == base
    assert repository.files(f"{branch_of(specs['d'])}") == {"README.md", *(f"{name}.txt" for name in specs)}
    amend(repository, specs["a"])
    repository.git("worktree", "add", "-q", str(repository.outside / "base"), base)
    old = repository.tip(base)
    held = restack(repository)[-1]
    assert isinstance(held, Stays)
    assert (held.reason, repository.tip(base)) == (
        f"{base} is checked out in {repository.outside / 'base'}, and has to move",
        old,
    )
    repository.git("worktree", "remove", str(repository.outside / "base"))

    assert [result.spec for result in restack(repository)] == [specs["d"]]
    assert repository.show("a.txt", branch_of(specs["d"])) == "amended\n"
    assert repository.record(specs["d"]).base == repository.tip(base)
    assert restack(repository) == []

    for name in "ab":
        repository.land(specs[name])
    restack(repository)
    tips = {repository.tip(f"{base}^1"), repository.tip(f"{base}^2")}
    assert tips == {repository.tip(branch_of(specs["c"])), repository.tip("main")}  # c lacks what b has landed
    for name in "cd":
        assert repository.land(specs[name]).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_branches_that_conflict_keep_what_depends_on_both_waiting(repository: Repository) -> None:
    specs = dict(stack(repository, a="", b=""))
    repository.shell(f"git switch -q {branch_of(specs['b'])}; echo b > a.txt; {COMMIT} clash; git switch -q main")
    specs["c"] = repository.add_spec("c", keys=f"depends_on: [{specs['a']}, {specs['b']}]")
    repository.commit("another")

    state = repository.work(specs["c"])

    assert (state.kind, repository.count_runs("c")) == (Kind.WAITING, 0)
    both = f"{branch_of(specs['a'])} and {branch_of(specs['b'])}"
    assert state.reason == f"{both}, which it depends on, conflict: a.txt"
    assert repository.state(specs["c"]) == repository.work(specs["c"]) == state
    repository.shell(f"{state.next[0].command} || {{ echo both > a.txt; git commit -qam both; }}; git switch -q main")
    assert repository.work(specs["c"]).is_on_branch
    assert repository.record(specs["c"]).base_branch == branch_of(specs["b"])


def test_a_conflict_needs_a_person_and_the_commands_that_are_printed_resolve_it(repository: Repository) -> None:
    specs = stack(repository, a="", b="a", c="b")
    repository.shell(f"git switch -q {branch_of(specs['b'])}; echo b > a.txt; {COMMIT} clash; git switch -q main")
    restack(repository)
    old = repository.tip(branch_of(specs["b"]))
    amend(repository, specs["a"])

    first, second = restack(repository)

    state = repository.state(specs["b"])
    assert isinstance(first, Contradicts)
    assert isinstance(second, Stays)
    assert (state.kind, state.reason) == (Kind.ATTENTION, f"conflicts with {branch_of(specs['a'])}: a.txt")
    assert second.reason == "it waits for b (attention)"
    assert repository.tip(branch_of(specs["b"])) == old
    assert repository.work(specs["b"]).kind is Kind.ATTENTION
    assert [step.command for step in state.next[:2]] == ["doit spec-resolve b", "doit spec-restack b"]
    place = repository.resolve(specs["b"])
    repository.shell(f"cd {place.folder}; echo both > a.txt; git commit -qam both")
    assert [type(result) for result in restack(repository)] == [Restacked, Restacked]
    assert repository.show("a.txt", branch_of(specs["c"])) == "both\n"
    assert repository.state(specs["b"]).is_on_branch


def test_in_the_checkout_it_begins_on_the_branch_too_and_what_is_its_users_stays(repository: Repository) -> None:
    specs = dict(stack(repository, a=""))
    repository.write(".chant/config.md", "---\ndefaults: {branch: true, stack: true}\nisolation: none\n---\n")
    repository.commit("in the checkout")
    specs["b"] = repository.add_spec("b", keys=f"depends_on: [{specs['a']}]")  # not committed
    other = repository.add_spec("other")
    repository.write("notes.txt", "mine\n")
    repository.write("a.txt", "in the way\n")
    before = repository.status()

    refused = repository.work(specs["b"])
    (repository.root / "a.txt").unlink()
    done = repository.work(specs["b"])

    branch = branch_of(specs["b"])
    assert refused.kind is Kind.FAILED
    assert refused.reason == f"a.txt is in your checkout, where {branch_of(specs['a'])} has its own"
    assert done.is_on_branch, done
    assert repository.files(branch) == {"README.md", "a.txt", "b.txt"}
    assert repository.record(specs["b"]).base == repository.tip(branch_of(specs["a"]))
    assert repository.status() == [line for line in before if "a.txt" not in line]
    assert repository.spec(specs["b"]).status.value == repository.spec(other).status.value == "pending"
    assert repository.git("symbolic-ref", "--short", "HEAD") == "main"


def test_a_branch_that_is_checked_out_stays_where_it_is(repository: Repository) -> None:
    specs = stack(repository, a="", b="a")
    amend(repository, specs["a"])
    repository.git("worktree", "add", "-q", str(repository.outside / "there"), branch_of(specs["b"]))
    old = repository.tip(branch_of(specs["b"]))

    (result,) = restack(repository)

    assert isinstance(result, Stays)
    assert result.reason == f"{branch_of(specs['b'])} is checked out in {repository.outside / 'there'}"
    assert repository.tip(branch_of(specs["b"])) == old


def test_what_is_worked_again_holds_the_branches_above_until_it_is_completed(repository: Repository) -> None:
    specs = stack(repository, a="", b="a")
    repository.discard(specs["a"])
    gone = repository.state(specs["b"]).reason
    (held,) = restack(repository)
    repository.work(specs["a"])

    (result,) = restack(repository)

    assert gone.endswith("; a is not completed any more")
    assert isinstance(held, Stays)
    assert (held.reason, held.hint) == ("it waits for a (ready)", "doit a")
    assert isinstance(result, Restacked)
    assert repository.tip(f"{branch_of(specs['b'])}~4") == repository.tip(branch_of(specs["a"]))


@pytest.mark.parametrize(
    "moment",
    [
        "before:chant_tasks.git.refs:apply_ref",
        "after:chant_tasks.git.refs:apply_ref",
        "before:chant_tasks.journal.attempt:save_record",
        "after:chant_tasks.journal.attempt:save_record",
    ],
)
def test_a_kill_in_the_middle_leaves_the_branch_and_its_record_before_or_after(
    repository: Repository, moment: str
) -> None:
    specs = stack(repository, a="", b="a")
    tip, branch = amend(repository, specs["a"]), branch_of(specs["b"])
    before, old = repository.record(specs["b"]), repository.tip(branch)

    died = subprocess.run((sys.executable, "-c", DYING, str(repository.root), moment), check=False)
    repository.prepare()
    record = repository.record(specs["b"])
    restack(repository)

    assert died.returncode == -signal.SIGKILL
    assert (record.base, record.head) in ((before.base, old), (tip, repository.tip(branch)))
    assert repository.record(specs["b"]).base == tip
    assert repository.tip(f"{branch}~4") == tip
    assert restack(repository) == []
    assert repository.files(branch) == {"README.md", "a.txt", "b.txt"}
    assert not list(repository.journal.rglob("restack.json"))
