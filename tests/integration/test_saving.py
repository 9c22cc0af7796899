"""Every way in which saving what an agent left could lose work, each by its name. Repositories inside the worktree have
a file of their own, test_nested.py."""

import pytest

from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.abandoned import save_spares
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from tests.integration.repository import Repository

COMMIT = "git add -A && git commit -q -m 'my own words'"


def test_a_merge_left_unresolved_is_refused_by_name_and_kept(repository: Repository) -> None:
    script = """\
git switch -q -c mine
echo mine > README.md && git commit -q -a -m mine
git switch -q --detach HEAD~1
echo other > README.md && git commit -q -a -m other
git merge -q mine || true"""
    spec_id = repository.add_spec("a", script)
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "a merge was left unresolved in README.md")
    assert "<<<<<<<" in repository.show("README.md", f"refs/chant/attempts/{spec_id}/1")
    repository.assert_no_traces()


@pytest.mark.parametrize("adds", ["true", "git add -A", "git add -A && git commit -q -m linked"])
def test_an_embedded_repository_is_refused_by_name_and_saved_with_its_history(
    repository: Repository, adds: str
) -> None:
    inner = "mkdir inner && cd inner && git init -q && echo deep > f && git add f && git commit -q -m inner && cd .."
    spec_id = repository.add_spec("a", f"{inner}\n{adds}")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "inner is a git repository of its own")
    kept = f"refs/chant/attempts/{spec_id}/1"
    assert repository.show("inner/f", kept) == "deep\n"
    assert "inner/embedded-git/HEAD" in repository.files(kept)
    repository.assert_no_traces()


def test_an_embedded_repository_without_a_commit_is_refused_by_name(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "mkdir inner && git -C inner init -q && echo deep > inner/f")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "inner is a git repository of its own")
    assert repository.show("inner/f", f"refs/chant/attempts/{spec_id}/1") == "deep\n"


def test_work_on_a_branch_of_the_agents_own_lands(repository: Repository) -> None:
    spec_id = repository.add_spec("a", f"git switch -q -c feature\necho work > a.txt\n{COMMIT}")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "work\n"
    repository.assert_no_traces()


def test_work_on_a_detached_head_lands(repository: Repository) -> None:
    spec_id = repository.add_spec("a", f"git checkout -q --detach\necho work > a.txt\n{COMMIT}")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "work\n"
    repository.assert_no_traces()


def test_commits_on_the_specs_branch_that_the_agent_left_are_kept(repository: Repository) -> None:
    script = f"echo one > one.txt\n{COMMIT}\ngit switch -q -c other main\necho two > two.txt"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "two.txt"}
    assert repository.show("one.txt", f"refs/chant/attempts/{spec_id}/1-branch") == "one\n"


def test_commits_that_the_agent_reset_away_are_kept(repository: Repository) -> None:
    script = f"echo one > one.txt\n{COMMIT}\ngit reset -q --hard HEAD~1\necho two > two.txt"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "two.txt"}
    [kept] = repository.refs(f"refs/chant/attempts/{spec_id}/")
    assert repository.show("one.txt", kept) == "one\n"


def test_amended_commits_of_an_agent_are_no_lost_work(repository: Repository) -> None:
    script = f"echo one > one.txt\n{COMMIT}\necho two > two.txt\ngit add two.txt\ngit commit -q --amend --no-edit"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.refs(f"refs/chant/attempts/{spec_id}/") == {}


@pytest.mark.parametrize("again", ["", "git init -q"])
def test_work_is_saved_where_the_agent_removed_the_worktrees_git_file(repository: Repository, again: str) -> None:
    repository.write(".chant/config.md", "---\nworktrees: {path: .trees}\n---\n")
    repository.write(".gitignore", "/.trees\n")
    spec_id = repository.add_spec("a", f"echo one > one.txt\n{COMMIT}\nrm .git\n{again}\necho two > two.txt")
    repository.commit()
    repository.write("mine.txt", "mine")

    state = repository.work(spec_id)

    assert state.kind is (Kind.FAILED if again else Kind.COMPLETED)
    landed = f"refs/chant/attempts/{spec_id}/1" if again else "main"
    assert {"one.txt", "two.txt"} <= repository.files(landed)
    assert "mine.txt" not in repository.files(landed)
    assert repository.status() == ["?? mine.txt"]
    repository.assert_no_traces()


def test_an_agent_may_commit_with_the_users_hooks_and_landing_runs_none(repository: Repository) -> None:
    hook = repository.top / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho hook >> {repository.outside}/hooks\nexit 1\n")
    spec_id = repository.add_spec("a", "echo work > a.txt\ngit add -A\ngit commit -q -m refused || true")
    repository.git("add", "-A")
    repository.git("commit", "-q", "--no-verify", "-m", "spec")
    hook.chmod(0o755)

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.outside / "hooks").read_text() == "hook\n"
    assert repository.read("a.txt") == "work\n"


def test_files_outside_of_a_sparse_checkout_are_saved(repository: Repository) -> None:
    repository.write("one/f", "1\n")
    repository.write("two/f", "2\n")
    script = "git sparse-checkout set one .chant\nmkdir -p two\necho new > two/new\necho new > one/new"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "one/f", "one/new", "two/f", "two/new"}


def _kept(repository: Repository, spec_id: SpecId) -> list[str]:
    return [name.rpartition("/")[2] for name in repository.refs(f"refs/chant/attempts/{spec_id}/")]


LOST = {
    "the branch is moved by update-ref": "git update-ref HEAD HEAD~1\ngit reset -q --hard",
    "the branch is renamed and reset": "git branch -M renamed\ngit reset -q --hard HEAD~1",
    "the branch is deleted": "git checkout -q --detach HEAD~1\ngit branch -q -D $CHANT_BRANCH",
    "HEAD is moved without a word": "git symbolic-ref HEAD refs/heads/main\ngit branch -q -D $CHANT_BRANCH\n"
    "git checkout -q -f --detach",
    "the branch is moved from elsewhere": "git checkout -q --detach HEAD~1\ngit branch -q -f $CHANT_BRANCH HEAD",
}


@pytest.mark.parametrize("loss", LOST.values(), ids=LOST.keys())
def test_commits_that_no_ref_holds_any_more_are_kept(repository: Repository, loss: str) -> None:
    script = f"echo one > one.txt\n{COMMIT}\n{loss}\necho two > two.txt"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "two.txt"}
    [kept] = repository.refs(f"refs/chant/attempts/{spec_id}/")
    assert repository.show("one.txt", kept) == "one\n"


def test_commits_of_a_branch_that_was_deleted_for_an_orphan_are_kept(repository: Repository) -> None:
    orphan = f"git checkout -q --orphan other\ngit branch -q -D $CHANT_BRANCH\necho two > two.txt\n{COMMIT}"
    spec_id = repository.add_spec("a", f"echo one > one.txt\n{COMMIT}\n{orphan}")
    repository.commit()

    state = repository.work(spec_id)

    reason = "the agent began a history that shares nothing with main (git checkout --orphan?)"
    assert (state.kind, state.reason) == (Kind.FAILED, reason)
    assert _kept(repository, spec_id) == ["1", "1-abandoned-1"]
    assert repository.show("one.txt", f"refs/chant/attempts/{spec_id}/1-abandoned-1") == "one\n"
    assert repository.show("two.txt", f"refs/chant/attempts/{spec_id}/1") == "two\n"
    repository.assert_no_traces()


def test_logs_that_the_agent_emptied_keep_no_work_from_being_saved(repository: Repository) -> None:
    script = f"echo one > one.txt\n{COMMIT}\ngit reflog expire --expire=now --all\necho two > two.txt"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "one.txt", "two.txt"}


def test_many_commits_that_were_left_together_take_one_ref(repository: Repository) -> None:
    commits = "".join(f"echo {number} > {number}.txt\n{COMMIT}\n" for number in range(4))
    spec_id = repository.add_spec("a", f"{commits}git reset -q --hard HEAD~2\ngit reset -q --hard HEAD~2\necho w > w")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert _kept(repository, spec_id) == ["1-abandoned-1"]


def test_what_was_kept_before_is_never_replaced(repository: Repository) -> None:
    git, first = Git(repository.top), Oid(repository.tip())
    second = Oid(repository.commit("second"))

    save_spares(git, "refs/chant/attempts/a/1-abandoned", (first,), "one")
    save_spares(git, "refs/chant/attempts/a/1-abandoned", (first, second), "two")

    assert repository.refs("refs/chant/attempts/a/") == {
        "refs/chant/attempts/a/1-abandoned-1": first,
        "refs/chant/attempts/a/1-abandoned-2": second,
    }


@pytest.mark.parametrize("filters", [("clean",), ("clean", "process")])
def test_files_that_a_required_filter_refuses_are_saved_as_they_are(
    repository: Repository, filters: tuple[str, ...]
) -> None:
    repository.write(".gitattributes", "*.bin filter=large\n")
    repository.write("old.txt", "old\n")
    spec_id = repository.add_spec("a", "echo heavy > a.bin\necho work > a.txt\nrm old.txt")
    repository.commit()
    for name in filters:
        repository.git("config", f"filter.large.{name}", "no-such-filter")
    repository.git("config", "filter.large.required", "true")

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert state.reason.startswith("git could not add the work as its settings ask (git add: ")
    kept = f"refs/chant/attempts/{spec_id}/1"
    assert repository.show("a.bin", kept) == "heavy\n"
    assert repository.files(kept) == {".gitattributes", "README.md", "a.bin", "a.txt"}
    repository.assert_no_traces()


def test_files_whose_line_ends_git_would_not_bring_back_are_saved(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "printf 'one\\r\\ntwo\\n' > mixed.txt")
    repository.commit()
    repository.git("config", "core.autocrlf", "input")
    repository.git("config", "core.safecrlf", "true")

    assert repository.work(spec_id).kind is Kind.FAILED
    assert "mixed.txt" in repository.files(f"refs/chant/attempts/{spec_id}/1")


DAMAGE = {
    "overwritten": "echo 'no index at all, but some text' > $(git rev-parse --git-dir)/index",
    "cut": "truncate -s 100 $(git rev-parse --git-dir)/index",
    "removed": "rm $(git rev-parse --git-dir)/index",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_work_is_saved_where_the_agent_damaged_the_index(repository: Repository, damage: str) -> None:
    repository.write(".gitignore", "*.log\n")
    repository.write("kept.log", "tracked all the same\n")
    repository.git("add", "-f", "kept.log")
    spec_id = repository.add_spec("a", f"echo one > one.txt\n{COMMIT}\necho two > two.txt\nrm README.md\n{damage}")
    repository.commit()

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert state.reason.startswith("the index was ")
    assert repository.files(f"refs/chant/attempts/{spec_id}/1") == {".gitignore", "kept.log", "one.txt", "two.txt"}
    repository.assert_no_traces()


def test_a_damaged_index_of_a_sparse_worktree_takes_no_file_away(repository: Repository) -> None:
    repository.write("one/f", "1\n")
    repository.write("two/f", "2\n")
    script = f"git sparse-checkout set one .chant\necho new > one/new\n{DAMAGE['removed']}"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.FAILED
    assert repository.files(f"refs/chant/attempts/{spec_id}/1") == {"README.md", "one/f", "one/new", "two/f"}


def test_work_is_saved_where_the_agent_led_the_worktree_to_another_repository(repository: Repository) -> None:
    other = repository.outside / "other"
    repository.git("init", "-q", str(other))
    spec_id = repository.add_spec("a", f"echo work > a.txt\necho gitdir: {other}/.git > .git")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "work\n"
    assert repository.git("for-each-ref", cwd=other) == ""
    repository.assert_no_traces()


def test_work_is_saved_where_the_repository_forgot_the_worktree(repository: Repository) -> None:
    forget = "mv .git ../away\ngit -C $TOP worktree prune"
    spec_id = repository.add_spec(
        "a", f"TOP={repository.top}\necho one > one.txt\n{COMMIT}\n{forget}\necho two > two.txt"
    )
    repository.commit()

    assert repository.work(spec_id).kind is Kind.FAILED
    assert repository.files(f"refs/chant/attempts/{spec_id}/1") == {"README.md", "one.txt", "two.txt"}
    repository.assert_no_traces()


def test_locks_that_an_agents_killed_git_left_keep_no_work_from_being_saved(repository: Repository) -> None:
    own, common = "$(git rev-parse --git-dir)", "$(git rev-parse --git-common-dir)"
    locks = f"touch {own}/index.lock {own}/HEAD.lock {common}/refs/heads/$CHANT_BRANCH.lock"
    spec_id = repository.add_spec("a", f"echo work > a.txt\n{locks}")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "work\n"
    repository.assert_no_traces()


@pytest.mark.parametrize("script", ["mkfifo .gitignore", "mkfifo .gitattributes", "rm README.md && mkfifo README.md"])
def test_a_pipe_where_git_reads_a_file_is_named_and_all_else_is_saved(repository: Repository, script: str) -> None:
    spec_id = repository.add_spec("a", f"echo work > a.txt\nmkdir run && mkfifo run/pipe\n{script}")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, f"{script.split()[-1]} was a pipe")
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "work\n"
    repository.assert_no_traces()


def test_a_pipe_that_git_passes_by_is_nobodys_concern(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > a.txt\nmkfifo pipe")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "work\n"


@pytest.mark.parametrize(
    "script",
    [
        'git worktree move "$PWD" "$PWD-other"',
        'mv "$PWD" "$PWD-other"',
        'mv "$PWD" "$PWD-other" && ln -s "$PWD-other" "$PWD"',
    ],
)
def test_a_worktree_that_its_agent_moved_is_brought_back_and_lands(repository: Repository, script: str) -> None:
    tick = """sed -i 's/^- \\[ \\]/- [x]/' "$CHANT_SPEC_FILE\""""
    spec_id = repository.add_spec("a", f"echo work > a.txt\n{tick}\n{script}", ticks=False)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    place = repository.worktrees / f"chant-{spec_id}"
    assert f"its agent had moved the worktree to {place}-other: brought back" in repository.notices()
    assert repository.read("a.txt") == "work\n"
    repository.assert_no_traces()


def test_where_an_agent_put_a_link_for_its_worktree_nothing_happens_to_what_it_leads_to(
    repository: Repository,
) -> None:
    spec_id = repository.add_spec(
        "a", f'echo work > a.txt\n{COMMIT}\nrm -r "$PWD"; ln -s {repository.top} "$PWD"', ticks=False
    )
    repository.commit()
    repository.write("mine.txt", "mine\n")

    state = repository.work(spec_id)

    place = repository.worktrees / f"chant-{spec_id}"
    assert (state.kind, state.reason) == (Kind.FAILED, f"the agent removed its worktree {place}, or moved it away")
    assert (repository.top / ".git").is_dir()
    assert repository.status() == ["?? mine.txt"]
    assert not place.is_symlink()
    repository.assert_no_traces()


def test_what_was_committed_on_a_detached_head_of_a_removed_worktree_is_kept(repository: Repository) -> None:
    script = f'git checkout -q --detach\necho work > a.txt\n{COMMIT}\nrm -r "$PWD"'
    spec_id = repository.add_spec("a", script, ticks=False)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.FAILED
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "work\n"
    repository.assert_no_traces()
