"""Landing and the user's checkouts: what moves, what stays, and what landing waits for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chant_tasks.journal.locks import share_tasks_lock
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.steps.finalize import finalize
from tests.integration.repository import Repository, make_repository


def _spec(repository: Repository, script: str = "echo work > a.txt") -> SpecId:
    spec_id = repository.add_spec("a", script)
    repository.commit("spec")
    return spec_id


def _assert_waits_then_lands(
    repository: Repository, spec_id: SpecId, *, reason: str, free: Callable[[], object]
) -> None:
    """The landing waits for `reason`; after `free` the next run lands it, and the agent has run once."""
    tip = repository.tip("main")
    before = repository.status()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.LANDING_WAITS, reason)
    assert repository.state(spec_id) == state
    assert (repository.tip("main"), repository.status()) == (tip, before)
    repository.assert_no_traces(f"spec/{spec_id}")
    free()
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    repository.assert_no_traces()


def test_a_clean_checkout_moves_with_the_target(repository: Repository) -> None:
    spec_id = _spec(repository)

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.status() == []
    assert repository.tip("HEAD") == repository.tip("main")
    assert repository.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_what_is_dirty_elsewhere_is_kept(repository: Repository) -> None:
    repository.write(".gitignore", "*.log\n")
    repository.write("tracked.txt", "old\n")
    repository.write("gone.txt", "old\n")
    spec_id = _spec(repository)
    repository.write("README.md", "staged\n")
    repository.git("add", "README.md")
    repository.write("README.md", "staged and changed\n")
    repository.write("tracked.txt", "changed\n")
    repository.write("untracked.txt", "mine\n")
    repository.write("ignored.log", "mine\n")
    repository.write("added.txt", "mine\n")
    repository.git("add", "added.txt")
    (repository.top / "gone.txt").unlink()
    mine = ("README.md", "tracked.txt", "gone.txt", "untracked.txt", "ignored.log", "added.txt")
    before, status = repository.snapshot(*mine), repository.status()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.snapshot(*mine), repository.status()) == (before, status)
    assert repository.files() == {".gitignore", "README.md", "tracked.txt", "gone.txt", "a.txt"}
    assert repository.show("README.md") == "hello\n"
    repository.assert_no_traces()


def test_staged_files_are_never_swept_in(repository: Repository) -> None:
    spec_id = _spec(repository)
    repository.write("added.txt", "mine\n")
    repository.git("add", "added.txt")
    repository.git("rm", "-q", "--cached", "README.md")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "a.txt"}
    assert repository.git("diff", "--cached", "--name-status") == "D\tREADME.md\nA\tadded.txt"


def test_landing_waits_for_a_changed_file_in_the_way(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > README.md")
    repository.write("README.md", "mine\n")

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="README.md is changed or untracked in your checkout",
        free=lambda: repository.git("checkout", "README.md"),
    )
    assert repository.read("README.md") == "work\n"


def test_landing_waits_for_a_staged_file_in_the_way(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > README.md")
    repository.write("README.md", "mine\n")
    repository.git("add", "README.md")

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="README.md is changed or untracked in your checkout",
        free=lambda: repository.git("reset", "-q", "--hard"),
    )


def test_landing_waits_for_an_untracked_file_in_the_way(repository: Repository) -> None:
    spec_id = _spec(repository)
    repository.write("a.txt", "mine\n")

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="a.txt is changed or untracked in your checkout",
        free=lambda: (repository.top / "a.txt").rename(repository.outside / "a.txt"),
    )
    assert (repository.outside / "a.txt").read_text() == "mine\n"


def test_landing_waits_for_an_ignored_file_in_the_way(repository: Repository) -> None:
    (repository.top / ".git" / "info" / "exclude").write_text("built/\n")
    spec_id = _spec(repository, "mkdir built\necho work > built/a.txt\ngit add -f built")
    repository.write("built/a.txt", "mine\n")

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="built/a.txt is changed or untracked in your checkout",
        free=lambda: (repository.top / "built/a.txt").unlink(),
    )


def test_landing_waits_for_a_removed_file_in_the_way(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > README.md")
    (repository.top / "README.md").unlink()

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="README.md is changed or untracked in your checkout",
        free=lambda: repository.git("checkout", "README.md"),
    )


def test_a_change_within_the_second_of_the_users_last_git_is_seen(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > README.md")

    def change() -> None:
        repository.git("config", "core.trustctime", "false")
        repository.shell("touch -d 2020-01-01 README.md && git update-index --refresh")
        repository.shell("touch -d 2020-01-01 .git/index")
        repository.write("README.md", "HELLO\n")
        repository.shell("touch -d 2020-01-01 README.md")

    state = repository.work(spec_id, meanwhile=change)

    assert (state.kind, state.reason) == (
        Kind.LANDING_WAITS,
        "README.md is changed or untracked in your checkout",
    )
    assert repository.read("README.md") == "HELLO\n"


def test_every_path_in_the_way_is_named(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > README.md\necho work > new.txt")
    repository.write("README.md", "mine\n")
    repository.write("new.txt", "mine\n")

    state = repository.work(spec_id)

    assert state.reason == "README.md, new.txt are changed or untracked in your checkout"
    assert repository.record(spec_id).paths == ("README.md", "new.txt")


def test_a_file_that_was_only_touched_is_not_in_the_way(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > README.md")
    (repository.top / "README.md").touch()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.status() == []


def test_a_user_file_that_equals_the_landed_one_still_makes_landing_wait(repository: Repository) -> None:
    spec_id = _spec(repository)
    repository.write("a.txt", "work\n")

    assert repository.work(spec_id).kind is Kind.LANDING_WAITS
    assert repository.read("a.txt") == "work\n"


def test_a_folder_becomes_a_file_and_a_file_a_folder(repository: Repository) -> None:
    repository.write("folder/one", "1\n")
    repository.write("file", "f\n")
    spec_id = _spec(repository, "rm -r folder file\necho now > folder\nmkdir file\necho now > file/inner")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.read("folder"), repository.read("file/inner")) == ("now\n", "now\n")
    assert repository.status() == []


def test_an_untracked_file_in_a_folder_that_becomes_a_file_makes_landing_wait(repository: Repository) -> None:
    repository.write("folder/one", "1\n")
    spec_id = _spec(repository, "rm -r folder\necho now > folder")
    repository.write("folder/mine", "mine\n")

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="folder/mine is changed or untracked in your checkout",
        free=lambda: (repository.top / "folder/mine").unlink(),
    )


def test_a_users_file_where_a_folder_must_be_makes_landing_wait(repository: Repository) -> None:
    spec_id = _spec(repository, "mkdir new\necho now > new/inner")
    repository.write("new", "mine\n")

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="new is changed or untracked in your checkout",
        free=lambda: (repository.top / "new").unlink(),
    )


def test_a_users_link_where_a_folder_must_be_is_not_followed(repository: Repository) -> None:
    spec_id = _spec(repository, "mkdir new\necho now > new/inner")
    (repository.top / "new").symlink_to(repository.outside)

    assert repository.work(spec_id).kind is Kind.LANDING_WAITS
    assert not (repository.outside / "inner").exists()


def test_another_branch_checked_out_is_left_alone(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    repository.git("switch", "-q", "-c", "feature")
    repository.write("README.md", "mine\n")

    state = repository.work(spec_id)

    assert state.kind is Kind.COMPLETED
    assert repository.state(spec_id).kind is Kind.COMPLETED
    assert repository.git("symbolic-ref", "HEAD") == "refs/heads/feature"
    assert repository.status() == [" M README.md"]
    assert "a.txt" in repository.files("main")
    assert "a.txt" not in repository.files("feature")
    repository.assert_no_traces()


def test_a_detached_checkout_is_left_alone(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    tip = repository.tip()
    repository.git("checkout", "-q", "--detach")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.tip("HEAD"), repository.status()) == (tip, [])
    assert "a.txt" in repository.files("main")


def test_the_target_in_a_second_worktree_moves_that_one(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    repository.git("switch", "-q", "-c", "feature")
    second = repository.outside / "second"
    repository.git("worktree", "add", "-q", str(second), "main")
    (second / "README.md").write_text("mine\n")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (second / "a.txt").read_text() == "work\n"
    assert repository.git("status", "--porcelain", cwd=second) == " M README.md"
    assert repository.status() == []


def test_a_second_worktree_in_the_way_makes_landing_wait(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    repository.git("switch", "-q", "-c", "feature")
    second = repository.outside / "second"
    repository.git("worktree", "add", "-q", str(second), "main")
    (second / "a.txt").write_text("mine\n")

    _assert_waits_then_lands(
        repository,
        spec_id,
        reason="a.txt is changed or untracked in your checkout",
        free=lambda: (second / "a.txt").unlink(),
    )


def test_a_users_worktree_whose_folder_is_gone_stays_registered(repository: Repository) -> None:
    spec_id = _spec(repository)
    second = repository.outside / "second"
    repository.git("worktree", "add", "-q", "-b", "feature", str(second))
    second.rename(repository.outside / "away")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert str(second) in repository.git("worktree", "list")


def test_a_target_that_is_not_named_main_is_the_branch_checked_out(tmp_path: Path, worktrees_here: None) -> None:
    repository = make_repository(tmp_path, branch="feature/trunk")
    spec_id = _spec(repository)

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert "a.txt" in repository.files("feature/trunk")
    assert repository.status() == []
    repository.assert_no_traces()


def test_a_rebase_of_the_target_makes_landing_wait(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    repository.git("branch", "upstream", "HEAD~1")
    repository.git("rebase", "-q", "--force-rebase", "--exec", "false", "upstream", ok=(1,))

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.LANDING_WAITS, "a rebase of main is under way")
    repository.git("rebase", "--abort")
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1


def _diverge(repository: Repository) -> None:
    repository.git("switch", "-q", "-c", "side", "HEAD~1")
    repository.write("side.txt", "side\n")
    repository.commit("side")
    repository.git("switch", "-q", "main")


@pytest.mark.parametrize(
    ("start", "end", "word"),
    [
        (("merge", "-q", "--no-commit", "--no-ff", "side"), ("merge", "--abort"), "merge"),
        (("cherry-pick", "--no-commit", "side"), None, "cherry-pick"),
        (("revert", "--no-commit", "HEAD"), ("revert", "--abort"), "revert"),
    ],
    ids=["merge", "cherry-pick", "revert"],
)
def test_an_operation_under_way_makes_landing_wait(
    repository: Repository, start: tuple[str, ...], end: tuple[str, ...] | None, word: str
) -> None:
    repository.write("early.txt", "early\n")
    repository.commit("early")
    spec_id = _spec(repository)
    _diverge(repository)
    repository.write("last.txt", "last\n")
    repository.commit("last")

    def begin() -> None:
        repository.git(*start)
        if end is None:  # git writes CHERRY_PICK_HEAD only where a pick stops
            (repository.top / ".git" / "CHERRY_PICK_HEAD").write_text(repository.tip("side") + "\n")

    state = repository.work(spec_id, meanwhile=begin)
    status = repository.status()

    assert (state.kind, state.reason) == (Kind.LANDING_WAITS, f"a {word} is under way in your checkout")
    repository.git(*(end or ("cherry-pick", "--abort")), ok=(0, 128))
    repository.git("reset", "-q", "--hard")
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert len(status) == 1
    assert repository.count_runs("a") == 1


def test_a_bisect_of_the_target_makes_landing_wait(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = _spec(repository)
    repository.git("bisect", "start", "-q", "HEAD", "HEAD~1", ok=(0, 1))

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.LANDING_WAITS, "a bisect of main is under way")
    repository.git("bisect", "reset")
    assert repository.work(spec_id).kind is Kind.COMPLETED


def test_a_git_that_holds_the_index_makes_landing_wait(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chant_tasks.landing.checkout._LOCK_PATIENCE_SECONDS", 0.1)
    spec_id = _spec(repository)
    lock = repository.top / ".git" / "index.lock"

    state = repository.work(spec_id, meanwhile=lambda: lock.write_text(""))

    assert (state.kind, state.reason) == (Kind.LANDING_WAITS, f"another git holds {lock}")
    assert lock.exists()
    lock.unlink()
    assert repository.work(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_a_hook_that_vetoes_the_move_makes_landing_wait_with_nothing_moved(repository: Repository) -> None:
    spec_id = _spec(repository)
    tip = repository.tip("main")
    hook = repository.top / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" = prepared ] || exit 0\n! grep -q refs/heads/main\n')
    hook.chmod(0o755)

    state = repository.work(spec_id)

    assert (state.kind, repository.tip("main"), repository.status()) == (Kind.LANDING_WAITS, tip, [])
    assert not (repository.top / "a.txt").exists()
    hook.unlink()
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    repository.assert_no_traces()


def test_line_ends_of_the_checkout_are_those_that_gitattributes_ask_for(repository: Repository) -> None:
    repository.write(".gitattributes", "*.bat eol=crlf\n*.md text\n")
    spec_id = _spec(repository, "printf 'one\\r\\ntwo\\r\\n' > a.bat")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.top / "a.bat").read_bytes() == b"one\r\ntwo\r\n"
    assert repository.git("cat-file", "blob", "main:a.bat") == "one\ntwo"
    assert repository.status() == []


def test_a_checkout_with_autocrlf_stays_clean(repository: Repository) -> None:
    repository.git("config", "core.autocrlf", "true")
    spec_id = _spec(repository, "printf 'work\\r\\n' > a.txt")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.git("cat-file", "blob", f"main:{repository.spec_path(spec_id)}").count("\r") == 0
    assert repository.status() == []


def test_a_stopped_run_lands_nothing_and_keeps_the_work(repository: Repository) -> None:
    spec_id = _spec(repository)
    run, attempt = repository.start(spec_id)

    with share_tasks_lock(repository.journal):  # another task of the dodo runs, so the landing would wait
        run.stop.set()
        state = finalize(run, attempt)

    assert (state.kind, state.reason) == (Kind.LANDING_WAITS, "the run was stopped before it could land")
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
