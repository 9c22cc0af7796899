"""What is known of the target's history is what git would say of it, whoever moves the target."""

from dataclasses import dataclass

import pytest

from chant_tasks.git.checkouts import find_checkout, find_checkouts
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.line import Line
from tests.integration.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository, and what is known of its target."""

    repository: Repository
    line: Line

    @property
    def git(self) -> Git:
        return Git(self.repository.top)

    def work(self, name: str, base: str) -> Oid:
        """A branch with two commits since `base`."""
        self.repository.git("switch", "-q", "-c", name, base)
        for number in (1, 2):
            self.repository.write(f"{name}-{number}.txt", name)
            self.repository.commit(f"{name} {number}")
        tip = self.repository.tip()
        self.repository.git("switch", "-q", "main")
        return Oid(tip)

    def is_plain(self, base: str, head: str) -> bool:
        tip = Oid(self.repository.tip("main"))
        return self.line.find_plain(self.git, Oid(base), Oid(head), tip) is not None


@pytest.fixture
def place(repository: Repository) -> Place:
    return Place(repository=repository, line=Line())


def test_work_since_a_commit_that_the_target_has_been_at_is_plain(place: Place) -> None:
    start = place.repository.tip()
    one, other = place.work("one", start), place.work("other", start)
    assert place.is_plain(start, one)

    place.repository.git("merge", "-q", "--no-ff", "-m", "landed", "one")
    late = place.work("late", "main")
    place.repository.commit("more")

    assert place.is_plain(start, other)
    assert place.is_plain(place.repository.tip("main^"), late)


def test_work_is_plain_that_began_before_anybody_looked(place: Place) -> None:
    start = place.repository.tip()
    head = place.work("one", start)
    place.repository.commit("more")

    assert place.is_plain(start, head)


def test_work_is_not_plain_once_it_has_landed_or_a_part_of_it(place: Place) -> None:
    start = place.repository.tip()
    whole, part, before = place.work("whole", start), place.work("part", start), place.work("before", start)
    place.repository.git("merge", "-q", "--no-ff", "-m", "landed", "before")
    assert not place.is_plain(start, before)
    place.repository.git("merge", "-q", "--no-ff", "-m", "landed", "whole")
    place.repository.git("merge", "-q", "--no-ff", "-m", "landed", "part^")

    assert not place.is_plain(start, whole)
    assert not place.is_plain(start, part)


def test_work_is_not_plain_into_which_the_target_was_merged(place: Place) -> None:
    start = place.repository.tip()
    place.work("one", start)
    place.repository.commit("more")
    place.repository.git("switch", "-q", "one")
    place.repository.git("merge", "-q", "-m", "merged", "main")
    head = place.repository.tip()
    place.repository.git("switch", "-q", "main")

    assert not place.is_plain(start, head)


def test_work_is_not_plain_on_commits_that_the_target_has_let_go_of(place: Place) -> None:
    place.repository.commit("first")
    dropped = place.repository.tip()
    head = place.work("one", dropped)
    assert place.is_plain(dropped, head)

    place.repository.git("commit", "-q", "--amend", "--allow-empty", "-m", "another")

    assert not place.is_plain(dropped, head)


def test_what_was_noted_of_a_landing_counts_for_the_next(place: Place) -> None:
    start = place.repository.tip()
    one, other = place.work("one", start), place.work("other", start)
    work = place.line.find_plain(place.git, Oid(start), one, Oid(start))
    place.repository.git("merge", "-q", "--no-ff", "-m", "landed", "one")
    assert work is not None

    place.line.add(Oid(start), work, Oid(place.repository.tip("main")))

    assert not place.is_plain(start, one)
    assert place.is_plain(start, other)


def test_a_checkout_is_found_wherever_the_branch_is(place: Place) -> None:
    repository, git = place.repository, place.git
    beside = repository.worktrees / "beside"
    repository.git("worktree", "add", "-q", "-b", "other", str(beside))

    here, there = find_checkout(git, repository.top, "main"), find_checkout(git, repository.top, "other")

    assert here is not None
    assert there is not None
    assert (here.path, there.path) == (repository.top, beside)
    assert find_checkout(git, repository.top, "nobody") is None


def test_a_rebase_of_the_branch_counts_though_its_head_is_elsewhere(place: Place) -> None:
    repository = place.repository
    beside = repository.worktrees / "beside"
    repository.git("worktree", "add", "-q", "-b", "other", str(beside))
    repository.git("-c", "sequence.editor=sed -i 1ibreak", "rebase", "-q", "-i", "--root", cwd=beside)

    found = find_checkouts(place.git, repository.top, "other")

    assert beside in [worktree.path for worktree in found]
