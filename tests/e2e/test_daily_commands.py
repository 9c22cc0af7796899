"""Adding, approving, cancelling and linting specs, as a person types it."""

import json
import re
from datetime import date, datetime, time
from pathlib import Path

import pytest

from tests.e2e.repository import DODO, Done, Repository, make_repository
from tests.processes import wait_until

A, B, C = "2026-01-24-001-aaa", "2026-01-24-002-bbb", "2026-01-25-001-ccc"
WRITERS = (
    ("spec-add", "A title"),
    ("spec-approve", "aaa"),
    ("spec-reject", "aaa", "--why", "no"),
    ("spec-cancel", "aaa"),
    ("spec-attempts", "--prune", "1d"),
    ("spec-attempts", "--restore", "aaa"),
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Three specs; `B` waits for `A`, and `C` for an approval."""
    made = make_repository(tmp_path / "project", DODO)
    made.write(".chant/config.md", "---\ndefaults:\n  provider: script\n---\n")
    made.add_spec(A, run="echo a > a.txt")
    made.add_spec(B, run="echo b > b.txt", frontmatter=f"depends_on: [{A}]\n")
    made.add_spec(C, run="echo c > c.txt", frontmatter="approval:\n  required: true # by the team\n  status: pending\n")
    made.commit("specs")
    return made


def read(repository: Repository, spec_id: str) -> str:
    return (repository.folder / ".chant" / "specs" / f"{spec_id}.md").read_text()


def states(repository: Repository) -> dict[str, str]:
    return {spec["id"]: spec["state"] for spec in json.loads(repository.doit("list", "--json").stdout)}


def added(done: Done) -> list[str]:
    assert done.status == 0, done.stderr
    return [line.split("  ")[0] for line in done.lines]


def undo(done: Done) -> str:
    """The commands that a screen names for taking back what was done, as one line for a shell."""
    lines = done.stderr.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("undo: "))
    return " && ".join(line[6:] for line in lines[start:])


@pytest.fixture
def today() -> str:
    """The date that a new spec gets; it does not change within a minute."""
    wait_until(lambda: datetime.now().time() < time(23, 59), "midnight is over", seconds=100)
    return str(date.today())


class TestAdding:
    def test_the_file_is_written_and_the_screen_says_what_comes_next(self, repository: Repository, today: str) -> None:
        done = repository.doit("spec-add", "Add retry to fetch", "--label", "net", "--depends-on", "aaa", "--label=x")

        (spec_id,) = added(done)
        assert re.fullmatch(rf"{today}-001-[0-9a-z]{{3}}", spec_id)
        assert done.stdout == f"{spec_id}  .chant/specs/{spec_id}.md\n"
        short = spec_id.rpartition("-")[2]
        assert done.stderr.splitlines() == [
            f"next: write into .chant/specs/{spec_id}.md what is wanted and how one sees that it is done, "
            f"then  doit {short}",
            f"undo: rm .chant/specs/{spec_id}.md",
        ]
        assert read(repository, spec_id) == (
            f"---\ntype: code\nstatus: pending\ndepends_on:\n- {A}\nlabels:\n- net\n- x\n---\n\n# Add retry to fetch\n"
        )
        assert states(repository)[spec_id] == "blocked"

    def test_the_text_comes_from_a_pipe_or_a_file(self, repository: Repository) -> None:
        text = "It is slow.\\n\\n## Acceptance Criteria\\n\\n- [ ] it is fast\\n"

        piped = repository.shell(f"printf '{text}' | doit spec-add 'Make it fast'")
        repository.write("text.md", "From a file.\n")
        from_file = repository.shell("doit spec-add 'Another one' < text.md")

        assert read(repository, *added(piped)).endswith(
            "# Make it fast\n\nIt is slow.\n\n## Acceptance Criteria\n\n- [ ] it is fast\n"
        )
        assert read(repository, *added(from_file)).endswith("# Another one\n\nFrom a file.\n")
        assert piped.stderr.startswith("next: doit ")

    def test_several_titles_make_several_specs_in_order(self, repository: Repository) -> None:
        first, second = added(repository.doit("spec-add", "The first", "Second", "--type", "docs"))
        (third,) = added(repository.doit("spec-add", "The third"))

        assert [spec_id.split("-")[3] for spec_id in (first, second, third)] == ["001", "002", "003"]
        assert "type: docs\n" in read(repository, second)

    def test_archived_specs_count_and_can_be_depended_on(self, repository: Repository, today: str) -> None:
        gone = f"{today}-00z-old"
        repository.write(f".chant/archive/{gone}.md", "---\nstatus: completed\n---\n# Old\n")

        (spec_id,) = added(repository.doit("spec-add", "A new one", "--depends-on", "old"))

        assert spec_id.startswith(f"{today}-010-")
        assert states(repository)[spec_id] == "ready"

    def test_a_member_is_numbered_behind_the_others_and_its_driver_is_named(self, repository: Repository) -> None:
        done = repository.doit("spec-add", "A part", "--member-of", "ccc")
        again = repository.doit("spec-add", "Another part", "--member-of", "ccc")

        assert (added(done), added(again)) == ([f"{C}.1"], [f"{C}.2"])
        assert f"{C} is a driver from now on" in done.stderr
        assert "is a driver" not in again.stderr

    def test_an_editor_gets_a_skeleton_and_its_result_is_looked_at(self, repository: Repository) -> None:
        done = repository.doit("spec-add", "To be edited", "--edit", env={"VISUAL": "sed -i 's/- \\[ \\] /&it works/'"})
        broken = repository.doit("spec-add", "To be broken", "--edit", env={"EDITOR": "sed -i s/status:/:/"})

        assert read(repository, *added(done)).endswith("## Acceptance Criteria\n\n- [ ] it works\n")
        assert broken.status == 1
        assert f".chant/specs/{broken.lines[0].split()[0]}.md:" in broken.stderr

    def test_without_an_editor_or_with_one_that_fails_it_says_so(self, repository: Repository) -> None:
        none = repository.doit("spec-add", "A title", "--edit", env={"EDITOR": "", "VISUAL": ""})
        missing = repository.doit("spec-add", "A title", "--edit", env={"EDITOR": "no-such-editor", "VISUAL": ""})
        failing = repository.doit("spec-add", "A title", "--edit", env={"EDITOR": "false", "VISUAL": ""})

        assert (none.status, none.stdout) == (1, "")
        assert none.stderr == "chant_tasks: no editor is set\n  export EDITOR=vi, or leave --edit away\n"
        assert "chant_tasks: the editor `no-such-editor` cannot be started" in missing.stderr
        assert "chant_tasks: the editor `false` ended with status 1" in failing.stderr

    def test_what_doit_would_take_for_variables_is_part_of_a_title(self, repository: Repository) -> None:
        (spec_id,) = added(repository.doit("spec-add", "--label", "a b=c", "Allow x = y"))

        assert read(repository, spec_id).endswith("labels:\n- a b=c\n---\n\n# Allow x = y\n")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "name a title"),
            (("   ",), "name a title"),
            (("Add", "retry"), "put the title in quotes:  doit spec-add 'Add retry'"),
            (("A title", "--depends-on", "zzz"), "`zzz`"),
            (("A title", "--member-of", "zzz"), "`zzz`"),
            (("A title", "--nonsense"), "nonsense"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, repository: Repository, arguments: list[str], said: str) -> None:
        done = repository.doit("spec-add", *arguments)

        assert (done.status, done.stdout) == (3, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert repository.git("status", "--short", ".chant") == ""

    def test_one_text_is_not_given_to_several_specs_and_must_be_text(self, repository: Repository) -> None:
        several = repository.shell("echo text | doit spec-add 'The one' 'The other'")
        binary = repository.shell("printf '\\377\\000' | doit spec-add 'The one'")

        assert (several.status, binary.status) == (3, 1)
        assert "not UTF-8" in binary.stderr
        assert repository.git("status", "--short", ".chant") == ""

    def test_what_it_names_for_undoing_works(self, repository: Repository) -> None:
        done = repository.doit("spec-add", "The first", "The second")

        assert repository.shell(undo(done)).status == 0
        assert repository.git("status", "--short", ".chant") == ""

    def test_what_was_added_is_worked_as_printed(self, repository: Repository) -> None:
        done = repository.shell("printf 'no criteria' | doit spec-add 'A title' --type task")
        (spec_id,) = added(done)
        path = f".chant/specs/{spec_id}.md"
        text = read(repository, spec_id).replace("status: pending", "status: pending\nrun: echo done > d.txt")
        repository.write(path, text)

        ran = repository.shell(done.stderr.splitlines()[0].removeprefix("next: "))

        assert ran.status == 0, ran.stderr
        assert states(repository)[spec_id] == "completed"


class TestDeciding:
    def test_an_approval_lets_a_spec_go(self, repository: Repository) -> None:
        done = repository.doit("spec-approve", "ccc")

        assert done.stdout == f"{C} is approved by A Person: .chant/specs/{C}.md\n"
        assert done.stderr.splitlines() == ["next: doit ccc", f"undo: git restore .chant/specs/{C}.md"]
        assert "approval:\n  required: true # by the team\n  status: approved\n  by: A Person\n  at: " in read(
            repository, C
        )
        assert re.search(
            r"\n\n## Approval Discussion\n\n\*\*A Person\*\* - \d{4}-\d\d-\d\d \d\d:\d\d - APPROVED\n$",
            read(repository, C),
        )
        assert repository.shell("doit ccc").status == 0
        assert states(repository)[C] == "completed"

    def test_a_rejection_holds_specs_back_with_its_reason(self, repository: Repository) -> None:
        done = repository.doit("spec-reject", "bbb", "--by", "Bob", "aaa", "--why", "a = b, and too large")

        assert done.lines == [f"{spec_id} is rejected by Bob: .chant/specs/{spec_id}.md" for spec_id in (B, A)]
        assert read(repository, A).endswith(" - REJECTED\na = b, and too large\n")
        assert states(repository) == {A: "waiting", B: "waiting", C: "waiting"}

    def test_a_decision_on_a_committed_file_is_undone_by_git(self, repository: Repository) -> None:
        for arguments in (("spec-approve", "ccc"), ("spec-reject", "aaa", "ccc", "--why", "no")):
            assert repository.shell(undo(repository.doit(*arguments))).status == 0

            assert repository.git("status", "--short", ".chant") == ""

    def test_a_decision_on_a_changed_or_new_file_is_undone_by_the_other_one(self, repository: Repository) -> None:
        (new,) = added(repository.doit("spec-add", "A new one"))
        repository.write(f".chant/specs/{A}.md", read(repository, A) + "\nmore\n")

        rejected = repository.doit("spec-reject", new, A, "--why", "no")
        assert repository.shell(undo(rejected)).status == 0
        assert states(repository)[A] == states(repository)[new] == "ready"

        approved = repository.doit("spec-approve", C)
        back = repository.doit("spec-reject", C, "--why", "no")
        assert "git restore" in undo(approved)
        assert undo(back) == "doit spec-approve ccc"

    def test_what_is_decided_already_is_said(self, repository: Repository) -> None:
        repository.doit("spec-approve", "ccc")
        before = read(repository, C)

        again = repository.doit("spec-approve", "ccc", "--by", "Bob")

        assert (again.status, again.stdout, again.stderr) == (0, "", f"{C} is approved already\n")
        assert read(repository, C) == before

    def test_nothing_is_written_where_one_of_several_cannot_be(self, repository: Repository) -> None:
        repository.write(f".chant/specs/{B}.md", "---\nstatus: [\n---\n# B\n")

        done = repository.doit("spec-approve", "ccc", "bbb")

        assert done.status == 1
        assert done.stderr.startswith(f"chant_tasks: .chant/specs/{B}.md:")
        assert "APPROVED" not in read(repository, C)

    def test_a_reason_a_name_and_an_open_spec_are_needed(self, repository: Repository) -> None:
        no_reason = repository.doit("spec-reject", "aaa")
        no_name = repository.doit("spec-approve")
        repository.git("config", "user.name", "")
        no_user = repository.doit("spec-approve", "ccc")
        repository.doit("spec-cancel", "aaa")
        closed = repository.doit("spec-reject", "aaa", "--why", "no", "--by", "Bob")

        assert [done.status for done in (no_reason, no_name, no_user, closed)] == [3, 3, 1, 1]
        assert "give --by NAME" in no_user.stderr
        assert closed.stderr == f"chant_tasks: {A} is cancelled already\n"


class TestCancelling:
    def test_a_cancelled_spec_lets_go_of_those_that_wait_for_it_and_comes_back(self, repository: Repository) -> None:
        done = repository.doit("spec-cancel", "aaa")

        assert done.stdout == f"{A} is cancelled: .chant/specs/{A}.md\n"
        assert done.stderr.splitlines() == ["no longer waiting for it: bbb", "undo: doit spec-cancel --undo aaa"]
        assert states(repository) == {A: "cancelled", B: "ready", C: "waiting"}

        back = repository.shell(undo(done))

        assert back.stdout == f"{A} is pending: .chant/specs/{A}.md\n"
        assert states(repository) == {A: "ready", B: "blocked", C: "waiting"}
        assert repository.git("status", "--short", ".chant") == ""

    def test_one_that_was_never_committed_comes_back_too(self, repository: Repository) -> None:
        (new,) = added(repository.doit("spec-add", "A new one"))
        before = read(repository, new)

        repository.shell(undo(repository.doit("spec-cancel", new)))

        assert read(repository, new) == before

    def test_what_is_completed_or_not_cancelled_is_refused_and_nothing_is_written(self, repository: Repository) -> None:
        repository.doit("-n", "2", "aaa")
        before = repository.git("status", "--short", ".chant")

        completed = repository.doit("spec-cancel", "bbb", "aaa")
        not_cancelled = repository.doit("spec-cancel", "--undo", "bbb")

        assert (completed.status, not_cancelled.status) == (1, 1)
        assert f"{A} is completed; its work is on main" in completed.stderr
        assert not_cancelled.stderr == f"chant_tasks: {B} is ready, not cancelled\n"
        assert repository.git("status", "--short", ".chant") == before

    def test_twice_is_no_harm(self, repository: Repository) -> None:
        repository.doit("spec-cancel", "aaa")

        again = repository.doit("spec-cancel", "aaa")

        assert (again.status, again.stdout) == (0, f"{A} is already cancelled: .chant/specs/{A}.md\n")
        assert again.stderr == ""

    def test_members_stay_as_they_are(self, repository: Repository) -> None:
        repository.doit("spec-add", "A part", "--member-of", "aaa")

        assert "its members stay as they are: aaa.1" in repository.doit("spec-cancel", "aaa").stderr


class TestLinting:
    def test_errors_end_with_status_1_each_with_its_place(self, repository: Repository) -> None:
        repository.write(".chant/specs/2026-01-26-001-ddd.md", "---\nstatus: pending\nprompt: none\n---\n# D\n")

        done = repository.doit("spec-lint")

        assert done.status == 1
        place = ".chant/specs/2026-01-26-001-ddd.md"
        assert [line for line in done.lines if not line.startswith("  ")] == [
            f"{place}: warning: no acceptance criteria",
            f"{place}: error: no `run:`, which the provider `script` needs",
            f"{place}:3: error: there is no prompt `none` in {repository.folder}/.chant/prompts",
        ]
        assert done.stderr == "4 specs: 2 errors, 1 warning\n"

    def test_warnings_alone_end_with_status_0(self, repository: Repository) -> None:
        repository.write(".chant/specs/notes.md", "# Notes\n")

        done = repository.doit("spec-lint")

        assert (done.status, done.lines) == (0, [".chant/specs/notes.md: warning: no frontmatter, so it is no spec"])

    def test_where_all_is_well_stdout_is_silent(self, repository: Repository) -> None:
        done = repository.doit("spec-lint")

        assert (done.status, done.stdout, done.stderr) == (0, "", "3 specs: nothing wrong\n")

    def test_only_named_specs_are_looked_at_and_paths_are_seen_from_here(self, repository: Repository) -> None:
        repository.write(".chant/specs/2026-01-26-001-ddd.md", "---\ndepends_on: gone\n---\n# D\n")
        folder = repository.folder / "src"
        folder.mkdir()

        well = repository.doit("spec-lint", "aaa", "bbb")
        broken = repository.doit("spec-lint", "ddd", cwd=folder)

        assert well.status == 0
        assert "../.chant/specs/2026-01-26-001-ddd.md:2: error: " in broken.stdout

    def test_json_is_whole_also_where_nothing_is_wrong(self, repository: Repository) -> None:
        assert json.loads(repository.doit("spec-lint", "--json").stdout) == []

        repository.write(".chant/config.md", "---\nnonsense: 1\n---\n")
        done = repository.doit("spec-lint", "--json", "aaa")

        assert done.status == 1
        assert [(found["path"], found["line"]) for found in json.loads(done.stdout)] == [(".chant/config.md", 2)]

    def test_it_works_where_the_dodo_does_not(self, repository: Repository) -> None:
        repository.write("dodo.py", "raise SystemExit('broken')\n")

        assert repository.doit("spec-lint").status == 0


@pytest.mark.parametrize("arguments", WRITERS)
def test_an_agent_writes_nothing_with_them(repository: Repository, arguments: tuple[str, ...]) -> None:
    done = repository.doit(*arguments, env={"CHANT_SPEC_ID": A})

    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == f"chant_tasks: {arguments[0]} is for people; an agent at work on a spec cannot use it\n"
    assert repository.git("status", "--short", ".chant") == ""


@pytest.mark.parametrize("arguments", [*WRITERS, ("spec-lint",), ("spec-log", "aaa"), ("spec-attempts",)])
def test_outside_of_a_project_the_way_in_is_said(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    repository = make_repository(tmp_path / "empty")

    done = repository.doit(*arguments)

    assert (done.status, done.stdout) == (1, "")
    assert "doit spec-init makes one" in done.stderr


def test_doits_own_help_shows_each_of_them(repository: Repository) -> None:
    for command in dict.fromkeys([*(arguments[0] for arguments in WRITERS), "spec-log", "spec-lint"]):
        done = repository.doit("help", command)

        assert done.status == 0, done.stderr
        assert f" {command} " in done.stdout
