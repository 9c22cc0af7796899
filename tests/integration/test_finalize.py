"""The third step's judgement: what agents may leave behind, and what becomes of it."""

import json
import shutil
from pathlib import Path

import pytest

from chant_tasks.journal.process import is_alive
from chant_tasks.state import Kind
from chant_tasks.steps import listening
from tests.integration.repository import Repository

COMMIT = "git add -A && git commit -q -m 'my own words'"


def test_committed_work_lands_with_the_finalized_file_in_one_commit(repository: Repository) -> None:
    spec_id = repository.add_spec("a", f"echo work > a.txt\n{COMMIT}")
    start = repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.COMPLETED, "")
    assert repository.read("a.txt") == "work\n"
    spec = repository.spec(spec_id)
    [landing, *parents] = repository.git("rev-list", "-1", "--parents", "main").split()
    assert parents[0] == start
    assert spec.commits == (
        repository.git("rev-parse", "--short", "main^2^"),
        repository.git("rev-parse", "--short", "main^2"),
    )
    assert spec.completed_at is not None
    assert [criterion.is_ticked for criterion in spec.criteria] == [True]
    assert repository.show(repository.spec_path(spec_id), landing) == repository.read(repository.spec_path(spec_id))
    assert repository.status() == []
    repository.assert_no_traces()


def test_the_landing_commit_says_what_landed(repository: Repository) -> None:
    spec_id = repository.add_spec("a", keys="model: some-model")
    repository.commit()

    repository.work(spec_id)

    message = repository.git("log", "-1", "--format=%B", "main").splitlines()
    assert message[0] == f"chant({spec_id}): Do a"
    assert message[2:6] == [
        f"Chant-Spec: {spec_id}",
        "Chant-Attempt: 1",
        "Chant-Model: some-model",
        "Chant-Agent: script",
    ]


def test_what_an_agent_left_uncommitted_is_committed_for_it(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.git("log", "-1", "--format=%s", "main^2") == f"chant({spec_id}): Do a"
    assert repository.files() == {"README.md", "a.txt"}


def test_work_that_is_partly_committed_lands_whole(repository: Repository) -> None:
    spec_id = repository.add_spec(
        "a", f"echo 1 > one.txt\n{COMMIT}\necho 2 > two.txt\ngit add two.txt\necho 3 > three.txt"
    )
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "one.txt", "two.txt", "three.txt"}


def test_a_change_within_the_second_of_the_checkout_is_saved(repository: Repository) -> None:
    script = """\
git config core.trustctime false
touch -d 2020-01-01 README.md && git update-index --refresh
touch -d 2020-01-01 "$(git rev-parse --git-path index)"
echo HELLO > README.md
touch -d 2020-01-01 README.md"""
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.show("README.md") == "HELLO\n"


def test_no_change_is_no_evidence(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "true")
    start = repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "nothing was changed but the spec itself")
    assert repository.tip("main") == start
    repository.assert_no_traces()


def test_a_spec_that_allows_it_needs_no_change(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "true", keys="allow_no_changes: true")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_boxes_left_open_are_listed_and_the_work_is_kept(repository: Repository) -> None:
    half = """sed -i 's/- \\[ \\] one/- [x] one/' "$CHANT_SPEC_FILE\""""
    spec_id = repository.add_spec("a", f"echo work > a.txt\n{half}", criteria=("one", "two", "three"), ticks=False)
    start = repository.commit()

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert state.reason == '2 of 3 acceptance criteria are unticked: "two", "three"'
    kept = f"refs/chant/attempts/{spec_id}/1"
    assert repository.record(spec_id).kept == kept
    assert repository.show("a.txt", kept) == "work\n"
    assert repository.tip("main") == start
    assert "- [ ] one" in repository.read(repository.spec_path(spec_id))
    repository.assert_no_traces()


def test_open_boxes_are_only_a_notice_where_the_project_says_so(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ncriteria: warn\n---\n")
    spec_id = repository.add_spec("a", ticks=False)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert '1 of 1 acceptance criterion is unticked: "it is done"' in repository.notices()


def test_open_boxes_are_nothing_where_the_project_says_so(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ncriteria: ignore\n---\n")
    spec_id = repository.add_spec("a", ticks=False)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.notices() == []


def test_a_spec_without_criteria_is_worked_and_said_to_have_none(repository: Repository) -> None:
    spec_id = repository.add_spec("a", criteria=())
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.notices() == ["has no acceptance criteria"]


@pytest.mark.parametrize(
    "edit",
    [
        """sed -i 's/it is done/it is nearly done/' "$CHANT_SPEC_FILE\"""",
        """sed -i '/it is done/d' "$CHANT_SPEC_FILE\"""",
        """echo '- [x] another' >> "$CHANT_SPEC_FILE\"""",
    ],
    ids=["changed", "removed", "added"],
)
def test_criteria_must_be_those_of_the_start(repository: Repository, edit: str) -> None:
    spec_id = repository.add_spec("a", f"echo work > a.txt\n{edit}")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (
        Kind.FAILED,
        "the acceptance criteria are not those of the start any more",
    )


def test_an_agent_that_removes_its_spec_is_refused(repository: Repository) -> None:
    spec_id = repository.add_spec("a", 'echo work > a.txt\nrm "$CHANT_SPEC_FILE"', ticks=False)
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "the agent removed the spec's own file")
    assert repository.spec(spec_id).status.value == "pending"


def test_a_spec_file_that_cannot_be_read_any_more_is_refused(repository: Repository) -> None:
    script = 'echo work > a.txt\nprintf "\\377\\376broken" >> "$CHANT_SPEC_FILE"'
    spec_id = repository.add_spec("a", script)
    repository.commit()

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert "cannot be read any more" in state.reason


def test_git_add_all_commits_neither_doits_nor_pythons_own_files(repository: Repository) -> None:
    script = f"mkdir -p pkg/__pycache__\necho x > pkg/__pycache__/m.pyc\necho x > .doit.db\necho work > a.txt\n{COMMIT}"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "a.txt"}


def test_doits_own_files_alone_are_no_change(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "mkdir __pycache__\necho x > __pycache__/m.pyc\necho x > .doit.db.dir")
    repository.commit()

    assert repository.work(spec_id).reason == "nothing was changed but the spec itself"


def test_a_crashed_agents_work_is_kept(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > a.txt\necho no memory >&2\nkill -9 $$", ticks=False)
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "the agent gave up: killed by SIGKILL: no memory")
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "work\n"
    repository.assert_no_traces()


def test_an_agent_that_fails_is_worked_again_as_a_new_attempt(repository: Repository) -> None:
    spec_id = repository.add_spec(
        "a", "test -e ../../outside/b || { touch ../../outside/b; exit 3; }\necho work > a.txt"
    )
    repository.commit()

    assert repository.work(spec_id).reason == "the agent gave up: exit status 3"
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.record(spec_id).number == 2


def test_output_that_is_not_utf8_is_logged_with_replacements(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > a.txt\nprintf 'caf\\351\\n'")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    log = (repository.journal / "attempts" / spec_id / "1" / "log").read_text()
    assert "caf\N{REPLACEMENT CHARACTER}" in log


def test_file_names_that_are_not_utf8_land(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > \"$(printf 'caf\\351')\"")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.top / "caf\udce9").read_text() == "work\n"
    assert repository.status() == []


def test_a_change_to_another_spec_is_refused(repository: Repository) -> None:
    other = repository.add_spec("b")
    spec_id = repository.add_spec("a", f"echo work > a.txt\necho more >> .chant/specs/{other}.md")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (
        Kind.FAILED,
        f"the agent changed .chant/specs/{other}.md, which is not its own spec",
    )


def test_a_change_to_the_config_is_refused(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ncriteria: require\n---\n")
    spec_id = repository.add_spec("a", "echo work > a.txt\nsed -i s/require/ignore/ .chant/config.md")
    repository.commit()

    assert repository.work(spec_id).reason == "the agent changed .chant/config.md, which is not its own spec"
    assert "require" in repository.read(".chant/config.md")


def test_every_reason_is_given_at_once(repository: Repository) -> None:
    other = repository.add_spec("b")
    spec_id = repository.add_spec("a", f"rm .chant/specs/{other}.md", ticks=False)
    repository.commit()

    assert repository.work(spec_id).reason.split("; ") == [
        f"the agent changed .chant/specs/{other}.md, which is not its own spec",
        '1 of 1 acceptance criterion is unticked: "it is done"',
    ]


def test_a_new_spec_lands(repository: Repository) -> None:
    new = ".chant/specs/2026-01-02-001-new.md"
    spec_id = repository.add_spec("a", f"printf -- '---\\nstatus: pending\\n---\\n# New\\n' > {new}")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read(new) == "---\nstatus: pending\n---\n# New\n"
    assert repository.status() == []


def test_a_branch_reset_to_before_its_base_is_no_change(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "git reset -q --hard HEAD~1", criteria=(), ticks=False)
    repository.commit()
    repository.write("later.txt", "later")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "nothing was changed")


def test_an_agent_that_removes_its_worktree_fails_alone(repository: Repository) -> None:
    script = f'echo one > one.txt\n{COMMIT}\nrm -rf "$CHANT_WORKTREE"'
    spec_id = repository.add_spec("a", script, ticks=False)
    repository.commit()

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert "removed its worktree" in state.reason
    assert repository.show("one.txt", f"refs/chant/attempts/{spec_id}/1") == "one\n"
    repository.assert_no_traces()


def test_ignored_files_are_no_work(repository: Repository) -> None:
    repository.write(".gitignore", "*.log\n")
    spec_id = repository.add_spec("a", "echo x > noise.log")
    repository.commit()

    assert repository.work(spec_id).reason == "nothing was changed but the spec itself"


def test_executable_bits_links_renames_and_removals_land(repository: Repository) -> None:
    repository.write("old.txt", "old\n" * 20)
    repository.write("gone.txt", "gone\n")
    repository.write("tool.sh", "#!/bin/sh\n")
    script = "git mv old.txt new.txt\ngit rm -q gone.txt\nchmod +x tool.sh\nln -s new.txt link\nln -s nowhere dangling"
    spec_id = repository.add_spec("a", script)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "new.txt", "tool.sh", "link", "dangling"}
    assert (repository.top / "tool.sh").stat().st_mode & 0o100
    assert (repository.top / "dangling").readlink() == Path("nowhere")
    assert not (repository.top / "old.txt").exists()
    assert repository.status() == []


def test_the_record_tells_what_the_agent_was_and_did(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > a.txt\necho all done", keys="model: some-model")
    repository.commit()

    repository.work(spec_id)

    values = json.loads((repository.journal / "attempts" / spec_id / "1" / "record.json").read_text())
    found = {name: values[name] for name in ("agent", "model_asked", "ending", "phase", "kept", "leftover")}
    assert found == {
        "agent": "script",
        "model_asked": "some-model",
        "ending": "completed",
        "phase": "ended",
        "kept": "",
        "leftover": "",
    }
    assert values["landing_commit"] == repository.tip("main")
    assert repository.spec(spec_id).model == "some-model"


def test_a_driver_is_finalized_without_an_agent_once_its_members_are_done(repository: Repository) -> None:
    driver = repository.add_spec("d", None, keys="type: driver")
    first = repository.add_spec("d.1")
    second = repository.add_spec("d.2", status="cancelled")
    repository.commit()

    assert repository.work_driver(driver).label == "1 of 2 done"
    assert repository.work(first).kind is Kind.COMPLETED
    assert repository.work_driver(driver).kind is Kind.COMPLETED
    assert repository.spec(driver).model == "auto-completed"
    assert repository.spec(second).status.value == "cancelled"
    assert repository.status() == []
    repository.assert_no_traces()


def test_a_driver_in_the_way_waits_and_lands_later(repository: Repository) -> None:
    driver = repository.add_spec("d", None, keys="type: driver")
    member = repository.add_spec("d.1")
    repository.commit()
    repository.work(member)
    (repository.top / ".git" / "MERGE_HEAD").write_text(repository.tip("main") + "\n")

    assert repository.work_driver(driver).kind is Kind.LANDING_WAITS
    (repository.top / ".git" / "MERGE_HEAD").unlink()
    assert repository.work_driver(driver).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_a_worktree_that_cannot_be_removed_does_not_undo_the_landing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()

    def refuse(path: Path) -> None:
        raise OSError(16, "Device or resource busy", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("chant_tasks.git.worktrees.remove_tree", refuse)
        state = repository.work(spec_id)

    left = f"worktree {next(repository.worktrees.iterdir())} could not be removed: Device or resource busy"
    assert (state.kind, state.reason) == (Kind.COMPLETED, left)
    assert repository.state(spec_id).reason == left
    assert repository.read("a.txt") == "work\n"
    shutil.rmtree(next(repository.worktrees.iterdir()))
    repository.git("worktree", "prune")
    repository.git("branch", "-q", "-D", f"spec/{spec_id}")
    assert repository.state(spec_id).reason == ""
    repository.prepare()
    assert repository.state(spec_id).reason == ""
    repository.assert_no_traces()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a bug")])
def test_what_fails_while_an_agent_is_started_leaves_no_worktree(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()

    def fail(*arguments: object, **keywords: object) -> None:
        raise error

    monkeypatch.setattr("chant_tasks.steps.agent.run_process", fail)
    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert ("no space left on device" if isinstance(error, OSError) else str(error)) in state.reason
    repository.assert_no_traces()


def test_an_agent_that_is_gone_before_its_process_is_looked_at_has_worked(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "find_mark", lambda _: None)
    spec_id = repository.add_spec("a", "true")
    repository.commit()

    repository.work(spec_id)

    record = repository.record(spec_id)
    assert record.agent_process is not None
    assert not is_alive(record.agent_process)
    assert record.tries == 1
