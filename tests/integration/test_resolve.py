"""The two ways on from a branch that needs attention, typed as they are printed."""

import pytest

from chant_tasks.doctor.look import load_diagnosis
from chant_tasks.doctor.model import Kind as Finding
from chant_tasks.doit_plugin.commands.list_warnings import plan_warnings
from chant_tasks.doit_plugin.screens.list_rows import Filter
from chant_tasks.errors import RepositoryError
from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from tests.integration.repository import Repository


@pytest.fixture
def conflict(repository: Repository) -> SpecId:
    """A spec whose work conflicts with the target in README.md."""
    spec_id = repository.add_spec("a", "echo work > README.md\necho more > a.txt")
    repository.commit("spec")

    def commit() -> None:
        repository.write("README.md", "theirs\n")
        repository.commit("other")

    assert repository.work(spec_id, meanwhile=commit).kind is Kind.ATTENTION
    return spec_id


def _resolve(repository: Repository, spec_id: SpecId) -> None:
    """What a person does who resolves the conflict in their own checkout, on the branch itself."""
    repository.git("switch", "-q", f"spec/{spec_id}")
    repository.git("merge", "-q", "main", ok=(1,))
    repository.write("README.md", "both\n")
    repository.commit("resolved")
    repository.git("switch", "-q", "main")


def test_what_a_person_resolved_lands(repository: Repository, conflict: SpecId) -> None:
    _resolve(repository, conflict)

    assert repository.land(conflict).kind is Kind.COMPLETED
    assert (repository.read("README.md"), repository.read("a.txt")) == ("both\n", "more\n")
    assert repository.spec(conflict).status.value == "completed"
    assert repository.count_runs("a") == 1
    assert repository.status() == []
    repository.assert_no_traces()


def test_a_new_run_is_refused_while_the_branch_exists(repository: Repository, conflict: SpecId) -> None:
    state = repository.work(conflict)

    assert (state.kind, state.reason) == (Kind.ATTENTION, "conflicts with main: README.md")
    assert repository.count_runs("a") == 1


def test_what_is_not_resolved_conflicts_again(repository: Repository, conflict: SpecId) -> None:
    state = repository.land(conflict)

    assert (state.kind, state.reason) == (Kind.ATTENTION, "conflicts with main: README.md")
    repository.assert_no_traces(f"spec/{conflict}")


def test_a_conflicts_marks_that_were_committed_do_not_land(repository: Repository, conflict: SpecId) -> None:
    repository.git("switch", "-q", f"spec/{conflict}")
    repository.git("merge", "-q", "main", ok=(1,))
    repository.commit("oops")
    repository.git("switch", "-q", "main")

    state, again = repository.land(conflict), repository.land(conflict)

    assert (state.kind, state.reason) == (Kind.ATTENTION, "a conflict's marks are left in README.md")
    assert again == state
    assert state.next[0].command == "doit spec-resolve a"


def test_landing_from_the_branch_itself_is_possible_and_says_what_is_left(
    repository: Repository, conflict: SpecId
) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    repository.commit("config")
    repository.git("switch", "-q", f"spec/{conflict}")
    repository.git("merge", "-q", "main", ok=(1,))
    repository.write("README.md", "both\n")
    repository.commit("resolved")

    state = repository.land(conflict)

    assert state.kind is Kind.COMPLETED
    assert f"branch spec/{conflict} is checked out in {repository.top}" in state.reason
    repository.git("switch", "-q", "main")
    repository.prepare()
    repository.assert_no_traces()


def test_resolved_work_without_evidence_stays_on_its_branch(repository: Repository, conflict: SpecId) -> None:
    _resolve(repository, conflict)
    repository.git("switch", "-q", f"spec/{conflict}")
    path = repository.spec_path(conflict)
    repository.write(path, repository.read(path).replace("- [x]", "- [ ]"))
    repository.commit("unticked")
    repository.git("switch", "-q", "main")

    state = repository.land(conflict)

    assert (state.kind, state.reason) == (
        Kind.ATTENTION,
        '1 of 1 acceptance criterion is unticked: "it is done"',
    )
    repository.assert_no_traces(f"spec/{conflict}")


def test_a_resolution_may_edit_the_spec_itself(repository: Repository, conflict: SpecId) -> None:
    _resolve(repository, conflict)
    repository.git("switch", "-q", f"spec/{conflict}")
    path = repository.spec_path(conflict)
    repository.write(path, repository.read(path).replace("Some words.", "Resolved words."))
    repository.commit("words")
    repository.git("switch", "-q", "main")

    assert repository.land(conflict).kind is Kind.COMPLETED
    assert "Resolved words." in repository.read(path)


def test_other_specs_that_came_by_merging_the_target_are_no_foreign_change(
    repository: Repository, conflict: SpecId
) -> None:
    other = repository.add_spec("b")
    repository.commit("another spec")
    repository.work(other)
    _resolve(repository, conflict)

    assert repository.land(conflict).kind is Kind.COMPLETED


def test_a_rebased_branch_lands_too(repository: Repository, conflict: SpecId) -> None:
    repository.git("switch", "-q", f"spec/{conflict}")
    repository.git("rebase", "-q", "main", ok=(1,))
    repository.write("README.md", "both\n")
    repository.git("add", "README.md")
    repository.git("-c", "core.editor=true", "rebase", "--continue")
    repository.git("switch", "-q", "main")

    assert repository.land(conflict).kind is Kind.COMPLETED
    assert repository.read("README.md") == "both\n"
    repository.assert_no_traces()


def test_a_branch_that_a_person_merged_alone_is_finalized(repository: Repository, conflict: SpecId) -> None:
    _resolve(repository, conflict)
    repository.git("merge", "-q", f"spec/{conflict}")

    assert repository.land(conflict).kind is Kind.COMPLETED
    assert repository.spec(conflict).status.value == "completed"
    repository.assert_no_traces()


def test_a_discarded_branch_comes_back_as_it_is_printed(repository: Repository, conflict: SpecId) -> None:
    tip = repository.tip(f"spec/{conflict}")

    answer = repository.discard(conflict)

    first, second = answer.splitlines()
    assert first == f"spec/{conflict} is set aside as refs/chant/attempts/{conflict}/1"
    repository.assert_no_traces()
    assert repository.state(conflict).kind is Kind.READY
    repository.shell(second.partition(": ")[2])
    assert repository.tip(f"spec/{conflict}") == tip
    assert repository.state(conflict).kind is Kind.ATTENTION


def test_a_discarded_branch_that_came_back_lands(repository: Repository, conflict: SpecId) -> None:
    repository.shell(repository.discard(conflict).partition("it back: ")[2])
    repository.git("switch", "-q", f"spec/{conflict}")
    repository.git("merge", "-q", "-X", "ours", "main")
    repository.git("switch", "-q", "main")

    assert repository.land(conflict).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_a_spec_is_worked_anew_after_its_branch_was_discarded(repository: Repository, conflict: SpecId) -> None:
    repository.discard(conflict)

    assert repository.work(conflict).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 2
    assert repository.read("README.md") == "work\n"
    repository.assert_no_traces()


def test_a_landing_that_waits_can_be_discarded(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.write("a.txt", "mine\n")
    assert repository.work(spec_id).kind is Kind.LANDING_WAITS

    repository.discard(spec_id)

    assert repository.refs("refs/chant/landing/") == {}
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "work\n"
    repository.assert_no_traces()


def test_a_landing_that_waits_can_be_landed_by_hand(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    place = repository.write("a.txt", "mine\n")
    assert repository.work(spec_id).kind is Kind.LANDING_WAITS
    place.unlink()

    assert repository.land(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_a_branch_that_is_checked_out_is_not_discarded(repository: Repository, conflict: SpecId) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    repository.git("switch", "-q", f"spec/{conflict}")

    with pytest.raises(RepositoryError, match="is checked out in") as caught:
        repository.discard(conflict)

    repository.shell(caught.value.hint)
    assert "set aside" in repository.discard(conflict)


def test_a_branch_that_the_journal_does_not_know_lands_by_the_same_evidence(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("switch", "-q", "-c", f"spec/{spec_id}")
    repository.write("a.txt", "by hand\n")
    repository.commit("by hand")
    repository.git("switch", "-q", "main")

    assert repository.land(spec_id).reason == '1 of 1 acceptance criterion is unticked: "it is done"'
    repository.git("switch", "-q", f"spec/{spec_id}")
    path = repository.spec_path(spec_id)
    repository.write(path, repository.read(path).replace("- [ ]", "- [x]"))
    repository.commit("ticked")
    repository.git("switch", "-q", "main")

    assert repository.land(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "by hand\n"
    repository.assert_no_traces()


def test_without_a_branch_there_is_nothing_to_land_or_discard(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()

    for resolve in (repository.land, repository.discard):
        with pytest.raises(RepositoryError, match=f"{spec_id} has no branch: it is ready"):
            resolve(spec_id)


def test_a_branch_removed_by_hand_lets_the_spec_be_worked_anew(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    place = repository.write("a.txt", "mine\n")
    assert repository.work(spec_id).kind is Kind.LANDING_WAITS
    repository.git("branch", "-q", "-D", f"spec/{spec_id}")
    place.unlink()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 2
    repository.assert_no_traces()


def test_finished_work_of_a_spec_whose_file_is_gone_is_said_and_lands_once_that_is_back(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > README.md")
    repository.commit()
    repository.write("README.md", "mine\n")
    assert repository.work(spec_id).kind is Kind.LANDING_WAITS
    (repository.root / repository.spec_path(spec_id)).unlink()
    overview = load_overview(repository.root)

    [said] = plan_warnings(overview, (), Filter())

    assert said.startswith(f"{spec_id} has no file here any more, and its finished work waits on its branch: ")
    assert [finding.what for finding in load_diagnosis(overview).findings if finding.kind is Finding.REF] == []
    repository.shell(said.partition("branch: ")[2].partition(", then")[0])
    repository.git("restore", "README.md")
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
