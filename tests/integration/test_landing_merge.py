"""Landing on a target that moved meanwhile, and on a spec's file that somebody else changed."""

from pathlib import Path

import pytest

from chant_tasks.git.filters import is_stored_as_is
from chant_tasks.git.runner import Git
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from tests.integration.repository import Repository


def _spec(repository: Repository, script: str = "echo work > a.txt", keys: str = "") -> SpecId:
    spec_id = repository.add_spec("a", script, keys=keys, criteria=("it is done", "it is tested"))
    repository.commit("spec")
    return spec_id


def _edit(repository: Repository, spec_id: SpecId, old: str, new: str) -> None:
    path = repository.spec_path(spec_id)
    repository.write(path, repository.read(path).replace(old, new))


def _push(repository: Repository, path: str, text: str) -> None:
    """A colleague's commit on main, which no checkout of ours has seen: made in a clone and pushed."""
    clone = repository.outside / "clone"
    repository.git("clone", "-q", str(repository.top), str(clone))
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_text(text)
    repository.git("add", "-A", cwd=clone)
    repository.git("commit", "-q", "-m", "colleague", cwd=clone)
    repository.git("push", "-q", "origin", "HEAD:main", cwd=clone)


def test_a_commit_of_another_file_meanwhile_is_merged(repository: Repository) -> None:
    spec_id = _spec(repository)

    def commit() -> None:
        repository.write("other.txt", "other\n")
        repository.commit("other")

    assert repository.work(spec_id, meanwhile=commit).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "a.txt", "other.txt"}
    assert repository.git("log", "--format=%s", "--first-parent", "main").splitlines() == [
        f"chant({spec_id}): Do a",
        "other",
        "spec",
        "start",
    ]
    assert repository.status() == []


def test_a_push_from_elsewhere_meanwhile_is_merged(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    repository.git("switch", "-q", "-c", "feature")

    state = repository.work(spec_id, meanwhile=lambda: _push(repository, "other.txt", "other\n"))

    assert state.kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "a.txt", "other.txt"}


def test_different_parts_of_one_file_are_merged(repository: Repository) -> None:
    repository.write("shared.txt", "".join(f"{number}\n" for number in range(20)))
    spec_id = _spec(repository, "sed -i 's/^2$/two/' shared.txt")

    def commit() -> None:
        repository.write("shared.txt", repository.read("shared.txt").replace("18\n", "eighteen\n"))
        repository.commit("other")

    assert repository.work(spec_id, meanwhile=commit).kind is Kind.COMPLETED
    assert {"two", "eighteen"} <= set(repository.read("shared.txt").split())


def test_a_conflict_keeps_the_branch_and_names_the_files(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > README.md\necho work > both.txt")

    def commit() -> None:
        repository.write("README.md", "theirs\n")
        repository.write("both.txt", "theirs\n")
        repository.commit("other")

    state = repository.work(spec_id, meanwhile=commit)

    assert (state.kind, state.reason) == (Kind.ATTENTION, "conflicts with main: README.md, both.txt")
    assert repository.show("README.md", f"spec/{spec_id}") == "work\n"
    assert repository.read("README.md") == "theirs\n"
    assert repository.spec(spec_id).status.value == "pending"
    assert repository.status() == []
    repository.assert_no_traces(f"spec/{spec_id}")


def test_a_conflict_keeps_nobody_else_from_landing(repository: Repository) -> None:
    first = repository.add_spec("a", "echo work > README.md")
    second = repository.add_spec("b")
    repository.commit()

    def commit() -> None:
        repository.write("README.md", "theirs\n")
        repository.commit("other")

    assert repository.work(first, meanwhile=commit).kind is Kind.ATTENTION
    assert repository.work(second).kind is Kind.COMPLETED


def test_two_specs_that_change_the_same_line_conflict_once(repository: Repository) -> None:
    first = repository.add_spec("a", "echo a > README.md")
    second = repository.add_spec("b", "echo b > README.md")
    repository.commit()

    state = repository.work(first, meanwhile=lambda: repository.work(second))

    assert (state.kind, repository.state(second).kind) == (Kind.ATTENTION, Kind.COMPLETED)
    assert repository.read("README.md") == "b\n"


def test_specs_that_are_worked_at_once_all_land(repository: Repository) -> None:
    first, second, third = (repository.add_spec(name) for name in "abc")
    repository.commit()

    repository.work(first, meanwhile=lambda: repository.work(second, lambda: repository.work(third)))

    assert repository.files() == {"README.md", "a.txt", "b.txt", "c.txt"}
    assert {repository.spec(spec_id).status.value for spec_id in (first, second, third)} == {"completed"}
    assert repository.status() == []
    repository.assert_no_traces()


def test_the_users_edit_of_the_spec_meanwhile_is_kept_beside_the_record(repository: Repository) -> None:
    spec_id = _spec(repository)

    state = repository.work(spec_id, lambda: _edit(repository, spec_id, "Some words.", "Better words."))

    assert state.kind is Kind.COMPLETED
    text = repository.read(repository.spec_path(spec_id))
    assert "Better words." in text
    assert text.startswith("---\nstatus: completed\n")
    assert "- [x] it is done" in text
    assert "Better words." not in repository.show(repository.spec_path(spec_id))
    assert repository.status() == [f" M {repository.spec_path(spec_id)}"]
    repository.assert_no_traces()


def test_an_edit_next_to_a_ticked_box_is_kept(repository: Repository) -> None:
    spec_id = _spec(repository)

    state = repository.work(
        spec_id, lambda: _edit(repository, spec_id, "- [ ] it is done\n", "- [ ] it is done\n- [ ] it is new\n")
    )

    assert state.kind is Kind.COMPLETED
    text = repository.read(repository.spec_path(spec_id))
    assert "- [x] it is done\n- [ ] it is new\n- [x] it is tested\n" in text
    assert repository.spec(spec_id).status.value == "completed"


def test_a_contradicting_edit_of_the_spec_makes_landing_wait(repository: Repository) -> None:
    spec_id = _spec(repository)
    path = repository.spec_path(spec_id)

    state = repository.work(spec_id, lambda: _edit(repository, spec_id, "- [ ] it is done", "- [ ] it is great"))

    assert (state.kind, state.reason) == (
        Kind.LANDING_WAITS,
        f"{path} is changed in your checkout where the agent changed it",
    )
    assert "- [ ] it is great" in repository.read(path)
    repository.git("checkout", "--", path)
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    repository.assert_no_traces()


def test_a_staged_edit_of_the_spec_that_differs_from_its_file_makes_landing_wait(repository: Repository) -> None:
    spec_id = _spec(repository)
    path = repository.spec_path(spec_id)

    def edit() -> None:
        _edit(repository, spec_id, "Some words.", "Staged words.")
        repository.git("add", path)
        _edit(repository, spec_id, "Staged words.", "Later words.")

    state = repository.work(spec_id, edit)

    assert (state.kind, state.reason) == (
        Kind.LANDING_WAITS,
        f"{path} is staged in your checkout with another text than its file has",
    )
    assert "Staged words." in repository.git("show", f":{path}")


def test_a_spec_that_was_staged_before_lands(repository: Repository) -> None:
    spec_id = _spec(repository)
    _edit(repository, spec_id, "Some words.", "Staged words.")
    repository.git("add", repository.spec_path(spec_id))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert "Staged words." in repository.show(repository.spec_path(spec_id))
    assert repository.status() == []


def test_a_new_spec_that_was_staged_lands(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.git("add", repository.spec_path(spec_id))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.status() == []


def test_an_untracked_spec_edited_meanwhile_keeps_both(repository: Repository) -> None:
    spec_id = repository.add_spec("a")

    state = repository.work(spec_id, lambda: _edit(repository, spec_id, "Some words.", "Better words."))

    assert state.kind is Kind.COMPLETED
    assert "Better words." in repository.read(repository.spec_path(spec_id))
    assert "Some words." in repository.show(repository.spec_path(spec_id))
    assert repository.spec(spec_id).status.value == "completed"


def test_a_spec_removed_from_the_checkout_meanwhile_makes_landing_wait(repository: Repository) -> None:
    spec_id = _spec(repository)
    path = repository.spec_path(spec_id)

    state = repository.work(spec_id, (repository.top / path).unlink)

    assert state.kind is Kind.BROKEN  # there is no such spec in the checkout now
    assert repository.record(spec_id).reason == f"{path} was removed from your checkout"
    assert not (repository.top / path).exists()
    repository.git("checkout", "--", path)
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1


@pytest.mark.parametrize("is_pushed", [False, True], ids=["committed here", "pushed"])
def test_a_colleagues_edit_of_the_same_spec_is_merged(repository: Repository, is_pushed: bool) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    path = repository.spec_path(spec_id)
    if is_pushed:
        repository.git("switch", "-q", "-c", "feature")

    def change() -> None:
        text = repository.read(path).replace("Some words.", "Colleague's words.")
        if is_pushed:
            _push(repository, path, text)
        else:
            repository.write(path, text)
            repository.commit("colleague")

    assert repository.work(spec_id, change).kind is Kind.COMPLETED
    landed = repository.show(path)
    assert "Colleague's words." in landed
    assert "status: completed" in landed
    assert "- [x] it is done" in landed
    assert repository.status() == []


def test_a_colleagues_contradicting_edit_of_the_spec_is_a_conflict(repository: Repository) -> None:
    spec_id = _spec(repository)

    def change() -> None:
        _edit(repository, spec_id, "- [ ] it is done", "- [ ] it is great")
        repository.commit("colleague")

    state = repository.work(spec_id, change)

    assert (state.kind, state.reason) == (Kind.ATTENTION, f"conflicts with main: {repository.spec_path(spec_id)}")
    assert repository.status() == []


def test_a_spec_that_git_ignores_is_finalized_in_the_checkout(repository: Repository) -> None:
    repository.write(".gitignore", "/.chant/\n")
    repository.git("rm", "-q", "-r", "--cached", ".chant")
    spec_id = _spec(repository, keys="model: some-model")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    spec = repository.spec(spec_id)
    assert (spec.status.value, [criterion.is_ticked for criterion in spec.criteria]) == ("completed", [True, True])
    assert repository.git("ls-tree", "-r", "--name-only", "main").splitlines() == [".gitignore", "README.md", "a.txt"]
    trailers = repository.git("log", "-1", "--format=%(trailers)", "main")
    assert f"Chant-Completed-At: {spec.completed_at}" in trailers
    assert f"Chant-Commits: {' '.join(spec.commits)}" in trailers
    assert "Chant-Model-Used: some-model" in trailers
    assert repository.status() == []
    repository.assert_no_traces()


@pytest.mark.parametrize("new", ["- [ ] it is done\n\nAn aside.\n", "- [ ] it is great\n"])
def test_the_users_edit_of_an_ignored_spec_is_kept(repository: Repository, new: str) -> None:
    repository.write(".gitignore", "/.chant/\n")
    repository.git("rm", "-q", "-r", "--cached", ".chant")
    spec_id = _spec(repository)

    state = repository.work(spec_id, lambda: _edit(repository, spec_id, "- [ ] it is done\n", new))

    assert state.kind is Kind.COMPLETED
    text = repository.read(repository.spec_path(spec_id))
    assert new.split()[-1] in text
    assert text.startswith("---\nstatus: completed\n")


def test_a_signing_users_landing_is_signed(repository: Repository) -> None:
    gpg = repository.outside / "gpg"
    gpg.write_text(
        "#!/bin/sh\ncat > /dev/null\n"
        "printf '\\n[GNUPG:] SIG_CREATED D 1 8 00 1 ABC\\n' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nfake\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    gpg.chmod(0o755)
    spec_id = _spec(repository)
    repository.git("config", "commit.gpgsign", "true")
    repository.git("config", "gpg.program", str(gpg))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert "gpgsig" in repository.git("cat-file", "commit", "main")


def test_attributes_of_the_work_decide_how_it_is_merged(repository: Repository) -> None:
    repository.write(".gitattributes", "list.txt merge=union\n")
    repository.write("list.txt", "zero\n")
    spec_id = _spec(repository, "echo work >> list.txt")

    def commit() -> None:
        repository.write("list.txt", "zero\ntheirs\n")
        repository.commit("other")

    assert repository.work(spec_id, commit).kind is Kind.COMPLETED
    assert set(repository.read("list.txt").split()) == {"zero", "theirs", "work"}


def test_the_file_of_a_spec_that_both_sides_added_is_merged(repository: Repository) -> None:
    spec_id = repository.add_spec("a")

    assert repository.work(spec_id, lambda: repository.commit("spec")).kind is Kind.COMPLETED
    assert "status: completed" in repository.show(repository.spec_path(spec_id))
    assert repository.status() == []


def test_no_landing_leaves_a_file_of_the_users_unreadable(repository: Repository) -> None:
    place = repository.write("tool.sh", "#!/bin/sh\n")
    place.chmod(0o755)
    spec_id = _spec(repository, "echo 'echo more' >> tool.sh")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert Path(place).stat().st_mode & 0o700 == 0o700


def test_a_finalized_file_goes_through_its_users_filter(repository: Repository) -> None:
    repository.git("config", "filter.loud.clean", "sed 's/^completed_at:/& /'")
    repository.write(".gitattributes", "*.md filter=loud\n")
    spec = repository.add_spec("a")
    repository.commit("spec")

    state = repository.work(spec)

    assert state.kind is Kind.COMPLETED
    assert "\ncompleted_at:  " in repository.show(repository.spec_path(spec))


def test_a_program_that_an_agent_sets_up_for_files_is_seen_at_once(repository: Repository) -> None:
    git = Git(repository.top)
    before = is_stored_as_is(git, b"known", b"data")
    repository.git("config", "filter.crypt.clean", "rev")

    assert (before, is_stored_as_is(git, b"known", b"data")) == (True, False)
