"""The settings that all worktrees share: an agent that changes them misleads no landing, and the change is said."""

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.state import Kind
from tests.integration.repository import Repository

MISDIRECTED = {
    "core.worktree": "git config core.worktree {outside}",
    "core.bare": "git config --file {top}/.git/config core.bare true",
    "core.hookspath": "git config core.hooksPath {outside}",
}


@pytest.mark.parametrize(("name", "change"), MISDIRECTED.items(), ids=MISDIRECTED.keys())
def test_settings_that_an_agent_changed_are_said_and_mislead_no_landing(
    repository: Repository, name: str, change: str
) -> None:
    change = change.format(top=repository.top, outside=repository.outside)
    spec_id = repository.add_spec("a", f"echo work > a.txt\n{change}")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "work\n"
    assert not (repository.outside / "a.txt").exists()
    [said] = [text for text in repository.notices() if "changed in" in text]
    where = f"{repository.top}/.git/config"
    assert said.startswith(
        f"{name} changed in {where} while it was worked, by an agent, a check or you; to undo that: "
    )
    undo = said.partition("to undo that: ")[2].replace("NAME", name)
    repository.shell(undo)
    assert repository.status() == []
    repository.assert_no_traces()


def test_settings_that_a_check_changed_are_said(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\nchecks: [git config user.name Tester]\n---\n")
    spec_id = repository.add_spec("a")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert [text.partition(" changed in")[0] for text in repository.notices()] == ["user.name"]


@pytest.mark.parametrize("name", ["core.worktree", "core.bare"])
def test_a_repository_whose_settings_send_git_elsewhere_is_refused_with_the_way_back(
    repository: Repository, name: str
) -> None:
    spec_id = repository.add_spec("a", "echo work > a.txt")
    repository.commit()
    repository.git("config", name, str(repository.outside) if name == "core.worktree" else "true")

    with pytest.raises(RepositoryError) as raised:
        repository.work(spec_id)

    assert raised.value.reason.startswith(f"{name} ")
    assert repository.count_runs("a") == 0
    repository.shell(raised.value.hint)
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.read("a.txt"), repository.status()) == ("work\n", [])


def test_what_pushing_and_submodules_write_into_the_settings_is_not_said(repository: Repository) -> None:
    script = "echo work > a.txt\ngit config branch.x.remote origin\ngit config submodule.y.url z"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.notices() == []


def test_where_nobody_knows_what_the_settings_were_none_is_said_to_have_changed(repository: Repository) -> None:
    spec_id = repository.add_spec("a", f"echo work > a.txt\nrm {repository.top}/.git/chant/config")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert [text for text in repository.notices() if "changed in" in text] == []
