"""What lands is what was tested: checks on the tree that would land, and what becomes of those that fail."""

from pathlib import Path

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.events import CheckStarted
from chant_tasks.state import Ending, Kind
from tests.integration.repository import Repository, make_repository

# Counts its runs, and fails where two files contradict each other: each alone is good.
CONTRADICTION = (
    "echo run >> {outside}/checks; ! [ -e one.txt -a -e other.txt ] || {{ echo 'they contradict'; exit 3; }}"
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def configure(repository: Repository, *checks: str, more: str = "") -> None:
    lines = "".join(f"  - |\n    {check}\n" for check in checks)
    repository.write(
        ".chant/config.md",
        f"---\nworktrees:\n  path: {repository.worktrees}\ntimeouts:\n  grace: 1s\n{more}checks:\n{lines}---\n",
    )


def count_checks(repository: Repository) -> int:
    path = repository.outside / "checks"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_work_lands_once_its_checks_have_succeeded_on_the_tree_that_lands(repository: Repository) -> None:
    configure(repository, f"git rev-parse HEAD > {repository.outside}/checked", "test -e one.txt -a -e theirs.txt")
    one = repository.add_spec("one")
    repository.commit("specs")

    def land_something_else() -> None:
        repository.write("theirs.txt", "theirs\n")
        repository.commit("theirs")

    state = repository.work(one, land_something_else)

    assert state.kind is Kind.COMPLETED
    assert (repository.outside / "checked").read_text().strip() == repository.tip("main")
    assert [event.spec for event in repository.events if isinstance(event, CheckStarted)] == [one]
    repository.assert_no_traces()


def test_a_red_check_keeps_the_work_on_its_branch_and_says_what_failed(repository: Repository) -> None:
    configure(repository, CONTRADICTION.format(outside=repository.outside))
    one, other = repository.add_spec("one"), repository.add_spec("other")
    repository.commit("specs")
    assert repository.work(one).kind is Kind.COMPLETED
    before = repository.tip("main")

    state = repository.work(other)

    assert (state.kind, repository.tip("main")) == (Kind.ATTENTION, before)
    assert "failed with status 3" in state.reason
    assert ("it said", "they contradict") in state.details
    log = (repository.root / repository.record(other).log).read_text()
    assert "they contradict" in log
    assert repository.record(other).ending is Ending.RED
    repository.assert_no_traces(f"spec/{other}")
    assert repository.state(other) == state


def test_what_a_check_leaves_is_neither_landed_nor_seen_by_the_next_one(repository: Repository) -> None:
    repository.write(".gitignore", "cache/\n")
    leave = "mkdir -p cache new && touch cache/kept new/file && echo changed >> README.md && git rm -q --cached one.txt"
    configure(repository, leave, "test -e cache/kept && ! test -e new && git diff --quiet && git diff --cached --quiet")
    one = repository.add_spec("one")
    repository.commit("specs")

    state = repository.work(one)

    assert (state.kind, state.reason) == (Kind.COMPLETED, "")
    assert repository.files() == {".gitignore", "README.md", "one.txt"}
    assert repository.show("README.md") == "hello\n"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("rm .git", id="its .git file is gone"),
        pytest.param("echo gitdir: ../../.git > .git", id="its .git file names that of the user's checkout"),
        pytest.param("rm .git; git init -q; git add -A; git commit -qm x", id="it is a repository of its own"),
        pytest.param('rm -rf "$CHANT_WORKTREE"', id="its folder is gone"),
        pytest.param("git worktree remove --force .", id="git has forgotten it"),
    ],
)
def test_a_check_that_damages_its_worktree_moves_no_checkout_around_it(repository: Repository, damage: str) -> None:
    configure(repository, damage, "grep -q work one.txt", more="")
    settings = repository.read(".chant/config.md").replace(f"path: {repository.worktrees}", "path: .worktrees")
    repository.write(".chant/config.md", settings)
    repository.write(".gitignore", ".worktrees/\n")
    one = repository.add_spec("one")
    repository.commit("specs")
    repository.write("README.md", "being edited\n")
    repository.write("staged.txt", "staged\n")
    repository.git("add", "staged.txt")
    before = repository.snapshot("README.md", "staged.txt"), repository.git("symbolic-ref", "HEAD")

    state = repository.work(one)

    assert (state.kind, state.reason) == (Kind.COMPLETED, "")
    assert (repository.snapshot("README.md", "staged.txt"), repository.git("symbolic-ref", "HEAD")) == before
    assert repository.status() == [" M README.md", "A  staged.txt"]
    assert list((repository.root / ".worktrees").iterdir()) == []


def test_a_target_that_is_red_itself_is_nobodys_fault_and_the_next_run_lands_it_once_that_is_mended(
    repository: Repository,
) -> None:
    configure(repository, "! test -e broken.txt")
    repository.write("broken.txt", "broken\n")
    one = repository.add_spec("one")
    repository.commit("specs")

    state = repository.work(one)

    assert (state.kind, state.reason) == (
        Kind.ATTENTION,
        "main itself fails: `! test -e broken.txt` failed with status 1",
    )
    with pytest.raises(RepositoryError, match="has nothing to resolve: main itself fails"):
        repository.resolve(one)
    (repository.root / "broken.txt").unlink()
    repository.commit("mend")
    assert repository.work(one).kind is Kind.COMPLETED
    assert repository.count_runs("one") == 1
    repository.assert_no_traces()


def test_a_check_that_fails_once_and_then_succeeds_is_called_flaky_and_blames_nobody(repository: Repository) -> None:
    first = f"test -e {repository.outside}/been || {{ touch {repository.outside}/been; exit 1; }}"
    configure(repository, first)
    one = repository.add_spec("one")
    repository.commit("specs")

    assert repository.work(one).kind is Kind.COMPLETED
    assert [text for text in repository.notices() if "flaky" in text]
    told = [event.text for event in repository.events if isinstance(event, CheckStarted)]
    assert [text.endswith("`, once more: it failed") for text in told] == [False, True]


def test_a_specs_own_checks_run_beside_those_of_the_settings_and_only_on_its_work(repository: Repository) -> None:
    configure(repository, f"echo common >> {repository.outside}/checks")
    one = repository.add_spec(
        "one", keys=f"checks:\n  - grep -q work one.txt && echo own >> {repository.outside}/checks"
    )
    two = repository.add_spec("two")
    repository.commit("specs")

    assert [repository.work(spec).kind for spec in (one, two)] == [Kind.COMPLETED, Kind.COMPLETED]
    assert (repository.outside / "checks").read_text().split() == ["common", "own", "common"]


def test_in_branch_mode_the_finalized_branch_is_checked(repository: Repository) -> None:
    configure(repository, "! test -e one.txt", more="defaults:\n  branch: true\n")
    one, two = repository.add_spec("one"), repository.add_spec("two")
    repository.commit("specs")

    red, good = repository.work(one), repository.work(two)

    assert (red.kind, good.kind) == (Kind.ATTENTION, Kind.WAITING)
    assert repository.record(one).ending is Ending.RED
    assert "status: completed" not in repository.show(f".chant/specs/{one}.md", f"chant/{one}")
    assert "status: completed" in repository.show(f".chant/specs/{two}.md", f"chant/{two}")


def test_a_check_that_does_not_end_is_ended(repository: Repository) -> None:
    configure(repository, "sleep 1000 & sleep 1000", more="")
    config = repository.read(".chant/config.md").replace("grace: 1s", "grace: 1s\n  check: 1s")
    repository.write(".chant/config.md", config)
    one = repository.add_spec("one")
    repository.commit("specs")

    assert repository.work(one).reason.endswith("` took longer than 1s (`timeouts.check`)")


def test_what_was_mended_on_the_branch_is_checked_again_in_a_worktree_that_is_furnished(repository: Repository) -> None:
    repository.write(".gitignore", ".env\n")
    repository.write(".worktreeinclude", ".env\n")
    configure(repository, "test -e .env && ! grep -q bad one.txt")
    one = repository.add_spec("one", "echo bad > one.txt")
    repository.write(".env", "KEY=1\n")
    repository.commit("specs")
    assert repository.work(one).kind is Kind.ATTENTION
    assert repository.land(one).kind is Kind.ATTENTION  # as bad as before
    repository.shell(f"git switch -q spec/{one} && echo good > one.txt && git commit -qam mend && git switch -q main")

    state = repository.land(one)

    assert (state.kind, state.reason) == (Kind.COMPLETED, "")
    assert repository.show("one.txt") == "good\n"
    repository.assert_no_traces()
