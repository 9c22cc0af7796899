"""Pull requests that were merged at the remote, in each of the ways that forges have."""

import os
import subprocess
from pathlib import Path

import pytest

from chant_tasks.journal.locks import share_tasks_lock
from chant_tasks.journal.pushes import load_push
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.steps.merged import take_over_merged
from chant_tasks.steps.publish import publish
from tests.forges import Forge, make_forge
from tests.integration.repository import Repository

SQUASH = "git merge -q --squash {branch} && git commit -qm squashed"
WAYS = {
    "merge": "git merge -q --no-ff -m merged {branch}",
    "squash": SQUASH,
    "rebase": "git commit -q --allow-empty -m other && git rebase -q main {branch} && git switch -q main"
    " && git merge -q --ff-only {branch}",
}


@pytest.fixture
def forge(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forge:
    """The forge at which the repository's pull requests are opened."""
    forge = make_forge(tmp_path)
    monkeypatch.setenv("PATH", f"{forge.programs}{os.pathsep}{os.environ['PATH']}")
    repository.git("remote", "add", "origin", str(forge.bare))
    repository.write(".chant/config.md", "---\ndefaults:\n  pr: true\ngit:\n  provider: github\n---\n")
    repository.commit("config")
    return forge


def publish_spec(repository: Repository, keys: str = "") -> SpecId:
    """A spec whose pull request is open."""
    spec_id = repository.add_spec("a", keys=keys)
    repository.commit("spec")
    repository.git("push", "-q", "origin", "main")
    repository.work(spec_id)
    done = publish(repository.prepare(), spec_id)
    assert done is not None
    assert not done.problem
    return spec_id


def merge_there(forge: Forge, folder: Path, spec_id: SpecId, way: str = SQUASH) -> None:
    """Merge the pull request as the forge's button does, and remove its branch there."""
    clone, branch = forge.clone(folder / "reviewer"), f"chant/{spec_id}"
    who = "git config user.name Rae && git config user.email rae@example.com"
    fetch = f"git branch -q {branch} origin/{branch}"
    last = f"git push -q origin main && git push -q origin :{branch}"
    command = f"{who} && {fetch} && {way.format(branch=branch)} && {last}"
    subprocess.run(("sh", "-e", "-c", command), cwd=clone, check=True, capture_output=True)


def begin(repository: Repository, spec_id: SpecId) -> None:
    """What the beginning of one `doit` does about it."""
    take_over_merged(repository.prepare(), (spec_id,))


@pytest.mark.parametrize("way", WAYS)
def test_it_is_completed_here_and_its_branch_removed(
    repository: Repository, forge: Forge, tmp_path: Path, way: str
) -> None:
    spec_id = publish_spec(repository)
    work = repository.tip(f"chant/{spec_id}")
    repository.git("update-ref", f"refs/chant/remotes/origin/chant/{spec_id}", work)
    (repository.root / "untracked.txt").write_text("mine\n")
    merge_there(forge, tmp_path, spec_id, WAYS[way])

    begin(repository, spec_id)

    assert repository.state(spec_id).kind is Kind.COMPLETED
    assert repository.tip("main") == forge.heads()["main"]
    assert (repository.root / "a.txt").read_text() == "work\n"
    assert repository.status() == ["?? untracked.txt"]
    assert repository.refs("refs/heads/").keys() == {"refs/heads/main"}
    assert repository.refs("refs/chant/remotes/").keys() == {"refs/chant/remotes/origin/main"}
    assert load_push(repository.journal, spec_id) is None
    assert work in repository.git("log", "--all", "--format=%H").splitlines()
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1


def test_a_target_with_commits_of_its_own_waits_for_its_user(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    spec_id = publish_spec(repository)
    merge_there(forge, tmp_path, spec_id)
    repository.write("mine.txt", "mine\n")
    mine = repository.commit("mine")

    begin(repository, spec_id)

    state = repository.state(spec_id)
    assert repository.tip("main") == mine
    assert (state.kind, state.is_unpublished) == (Kind.WAITING, False)
    assert state.reason.endswith("not on main here: main and origin's main have diverged")
    repository.shell(state.next[0].command)
    begin(repository, spec_id)
    assert repository.state(spec_id).kind is Kind.COMPLETED
    assert repository.refs("refs/heads/").keys() == {"refs/heads/main"}


def test_a_spec_that_is_worked_again_goes_over_what_is_left_of_its_branch_there(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    spec_id = publish_spec(repository)
    left = forge.heads()[f"chant/{spec_id}"]
    merge_there(forge, tmp_path, spec_id)
    begin(repository, spec_id)
    repository.git("push", "-q", "origin", f"{left}:refs/heads/chant/{spec_id}")
    forge.close(1)

    repository.forget(spec_id)
    repository.work(spec_id)
    done = publish(repository.prepare(), spec_id)

    assert done is not None
    assert not done.problem
    assert forge.heads()[f"chant/{spec_id}"] == repository.tip(f"chant/{spec_id}") != left
    assert [pull["state"] for pull in forge.pulls] == ["closed", "open"]
    assert repository.state(spec_id).reason.endswith("https://forge.example/pulls/2")


def test_a_branch_that_a_person_has_gone_on_with_stays(repository: Repository, forge: Forge, tmp_path: Path) -> None:
    spec_id = publish_spec(repository)
    branch = f"chant/{spec_id}"
    merge_there(forge, tmp_path, spec_id)
    repository.git("worktree", "add", "-q", str(tmp_path / "more"), branch)
    repository.git("commit", "-q", "--allow-empty", "-m", "more", cwd=tmp_path / "more")
    more = repository.tip(branch)

    begin(repository, spec_id)
    repository.git("worktree", "remove", str(tmp_path / "more"))
    begin(repository, spec_id)

    assert repository.state(spec_id).kind is Kind.COMPLETED
    assert repository.tip(branch) == more


def test_a_spec_that_was_never_committed_is_completed_too(repository: Repository, forge: Forge, tmp_path: Path) -> None:
    spec_id = repository.add_spec("a")
    repository.git("push", "-q", "origin", "main")
    repository.work(spec_id)
    publish(repository.prepare(), spec_id)
    merge_there(forge, tmp_path, spec_id)

    begin(repository, spec_id)

    assert repository.state(spec_id).kind is Kind.COMPLETED
    assert repository.status() == []


def test_a_task_of_the_dodo_that_runs_is_not_waited_for_long(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    repository.write(
        ".chant/config.md",
        "---\ndefaults:\n  pr: true\ngit:\n  provider: github\ntimeouts:\n  push: 2\n---\n",
    )
    spec_id = publish_spec(repository)
    merge_there(forge, tmp_path, spec_id)

    with share_tasks_lock(repository.journal):
        begin(repository, spec_id)
    waiting = repository.state(spec_id)
    begin(repository, spec_id)

    assert waiting.reason.endswith("a task of the dodo, or a landing, is under way")
    assert repository.state(spec_id).kind is Kind.COMPLETED


def test_a_remote_that_is_away_keeps_nothing_from_working(repository: Repository, forge: Forge) -> None:
    spec_id = publish_spec(repository)
    forge.bare.rename(forge.bare.with_name("away"))

    begin(repository, spec_id)

    assert repository.state(spec_id).kind is Kind.WAITING
    assert repository.notices()[-1].startswith("whether pull requests were merged is not known: origin: ")
