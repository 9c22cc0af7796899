"""An interrupted attempt is gone on from: with its work, what it had not committed, and its agent's own session."""

import json
import shlex
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chant_tasks.agents.stop import Stop
from chant_tasks.errors import FileError
from chant_tasks.journal.attempt import load_record
from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.earlier import find_refusal
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.prepare import prepare_run
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import TICK, Repository

# An agent that notes what it finds, and then does what its turn is.
AGENT = """\
cd {outside}; turn=$(($(ls -d turn-* 2>/dev/null | wc -l) + 1)); mkdir turn-$turn; cd - > /dev/null
cat > {outside}/turn-$turn/prompt
printf '%s\\n' "$@" > {outside}/turn-$turn/arguments
pwd > {outside}/turn-$turn/folder
git log --format=%s > {outside}/turn-$turn/log
git status --porcelain --untracked-files=all > {outside}/turn-$turn/status
cat "$CHANT_SPEC_FILE" > {outside}/turn-$turn/spec
. {outside}/do-$turn
"""
TICK_ONE = """sed -i '0,/^- \\[ \\]/s//- [x]/' "$CHANT_SPEC_FILE"\n"""
HALF = f"""\
echo one > one.txt; git add one.txt; git commit -qm 'Do one'
echo two > two.txt; echo changed >> README.md
{TICK_ONE}
touch {{outside}}/up; sleep 60
"""
REST = f"echo three > three.txt\n{TICK}\ngit add -A; git commit -qm 'Do the rest'\n"
CONFIG = "---\nproviders:\n  command:\n    argv: [sh, {agent}]\n---\n"


@dataclass(frozen=True, slots=True)
class Place:
    """A repository with one spec of two criteria that an agent of turns works, and whether that is done in place."""

    repository: Repository
    spec: SpecId
    is_parallel: bool

    def turn(self, number: int, script: str) -> None:
        """What the agent does when it is started for the `number`th time."""
        text = script.replace("{outside}", str(self.repository.outside))
        (self.repository.outside / f"do-{number}").write_text(text)

    def seen(self, number: int, name: str) -> str:
        """What the agent found then: its prompt, arguments, log, status, spec."""
        return (self.repository.outside / f"turn-{number}" / name).read_text()

    def count(self) -> int:
        return len(list(self.repository.outside.glob("turn-*")))

    def prepare(self) -> SpecRun:
        """A run as `doit SPEC` begins it."""
        overview = load_overview(self.repository.root)
        return prepare_run(
            overview,
            self.repository.events.append,
            Stop(),
            frozenset({self.spec}),
            is_parallel=self.is_parallel,
        )

    def work(self, *, is_asked: bool = False) -> State:
        """The state after one `doit SPEC`, or `doit spec-resume SPEC` where it is asked for."""
        run = self.prepare()
        return self._work(replace(run, resumed=frozenset({self.spec})) if is_asked else run)

    def interrupt(self) -> State:
        """The state after a `doit SPEC` that gets Ctrl-C once the agent says that it is up."""
        run, up = self.prepare(), self.repository.outside / "up"
        up.unlink(missing_ok=True)

        def stop() -> None:
            while not up.exists() and not over.is_set():
                time.sleep(0.01)
            run.stop.set()

        over = threading.Event()
        stopper = threading.Thread(target=stop)
        stopper.start()
        try:
            return self._work(run)
        finally:
            over.set()
            stopper.join()

    def _work(self, run: SpecRun) -> State:
        attempt = add_attempt(run, self.spec)
        return finalize(run, run_agent(run, attempt)) if isinstance(attempt, Attempt) else attempt


def make_place(repository: Repository, *, is_parallel: bool, config: str = CONFIG) -> Place:
    agent = repository.outside / "agent"
    agent.write_text(AGENT.replace("{outside}", str(repository.outside)))
    repository.write(".chant/config.md", config.replace("{agent}", str(agent)))
    spec_id = repository.add_spec("a", None, criteria=("first", "second"))
    repository.commit("spec")
    return Place(repository, spec_id, is_parallel)


@pytest.fixture(params=[True, False], ids=["in a worktree", "in place"])
def place(repository: Repository, request: pytest.FixtureRequest) -> Place:
    made = make_place(repository, is_parallel=request.param)
    made.turn(1, HALF)
    made.turn(2, REST)
    return made


def test_both_halves_of_the_work_land_together(place: Place) -> None:
    repository, ref = place.repository, f"refs/chant/attempts/{place.spec}/1"

    stopped = place.interrupt()
    listed = repository.state(place.spec)
    state = place.work()

    assert (stopped.kind, listed.reason) == (Kind.READY, f"interrupted; the next doit goes on from {ref}")
    assert state.kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "one.txt", "two.txt", "three.txt"}
    assert repository.git("log", "--format=%s", "--first-parent", "main").splitlines() == [
        f"chant({place.spec}): Do a",
        "spec",
        "start",
    ]
    assert repository.git("log", "--format=%s", "--no-merges", "main^..main").splitlines() == ["Do the rest", "Do one"]
    assert len(repository.spec(place.spec).commits) == 2
    assert (repository.status(), place.count()) == ([], 2)
    repository.assert_no_traces()


def test_the_agent_finds_everything_as_the_earlier_one_left_it(place: Place) -> None:
    place.interrupt()
    place.work()

    assert place.seen(2, "folder") == place.seen(1, "folder")
    assert place.seen(2, "log").splitlines() == ["Do one", "spec", "start"]
    assert place.seen(2, "status").splitlines() == [
        f" M .chant/specs/{place.spec}.md",
        " M README.md",
        "?? two.txt",
    ]
    assert "- [x] first\n- [ ] second\n" in place.seen(2, "spec")


def test_the_prompt_says_what_is_there_already(place: Place) -> None:
    place.interrupt()
    place.work()

    section = place.seen(2, "prompt").partition("## What is there already\n")[2]
    assert "## What is there already" not in place.seen(1, "prompt")
    assert place.seen(2, "prompt").startswith("# Work one spec\n")
    assert "(the run was stopped)" in section
    assert "- 1 commit:\n" in section
    assert "Do one`\n- 3 files changed in all:\n  - `README.md`\n  - `one.txt`\n  - `two.txt`\n" in section
    assert "- 2 of these not committed:\n  - `README.md`\n  - `two.txt`\n- 1 box ticked:\n  - `first`\n" in section
    assert "goes on from attempt 1: 1 commit, 3 files (2 of them not committed)" in place.repository.notices()


def test_an_attempt_may_be_interrupted_again_and_again(place: Place) -> None:
    place.turn(2, "echo more > more.txt; touch {outside}/up; sleep 60\n")
    place.turn(3, "touch {outside}/up; sleep 60\n")
    place.turn(4, REST)

    for _ in range(3):
        place.interrupt()
    state = place.work()

    assert state.kind is Kind.COMPLETED
    assert place.repository.files() == {"README.md", "one.txt", "two.txt", "more.txt", "three.txt"}
    assert place.repository.record(place.spec).continues == 3
    place.repository.assert_no_traces()


def test_the_target_may_have_moved_meanwhile(place: Place) -> None:
    repository = place.repository
    place.interrupt()
    repository.write("other.txt", "theirs\n")
    tip = repository.commit("theirs")

    state = place.work()

    assert state.kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "one.txt", "two.txt", "three.txt", "other.txt"}
    assert repository.git("rev-parse", "main^1") == tip
    assert repository.status() == []


def test_a_spec_that_its_user_edited_meanwhile_keeps_the_edit_and_the_ticks(place: Place) -> None:
    path = place.repository.root / place.repository.spec_path(place.spec)
    place.interrupt()
    path.write_text(path.read_text().replace("Some words.", "Other words."))

    state = place.work()

    assert "Other words.\n" in place.seen(2, "spec")
    assert "- [x] first\n- [ ] second\n" in place.seen(2, "spec")
    assert state.kind is Kind.COMPLETED
    assert "Other words.\n" in path.read_text()


def test_where_the_edit_contradicts_the_earlier_agent_the_users_text_holds_with_open_boxes(place: Place) -> None:
    path = place.repository.root / place.repository.spec_path(place.spec)
    place.interrupt()
    path.write_text(path.read_text().replace("first", "quite another"))

    place.work()

    assert "- [ ] quite another\n- [ ] second\n" in place.seen(2, "spec")
    assert "1 box ticked" not in place.seen(2, "prompt")


def test_a_forgotten_spec_begins_anew(place: Place) -> None:
    place.turn(2, "echo all > all.txt\n" + TICK)
    place.interrupt()
    place.repository.forget(place.spec)

    state = place.work()

    assert state.kind is Kind.COMPLETED
    assert place.repository.files() == {"README.md", "all.txt"}
    assert place.seen(2, "log").splitlines() == ["spec", "start"]
    assert "What is there already" not in place.seen(2, "prompt")


def test_work_that_git_has_no_more_is_begun_anew_and_that_is_said(place: Place) -> None:
    place.turn(2, "echo all > all.txt\n" + TICK)
    place.interrupt()
    place.repository.git("update-ref", "-d", f"refs/chant/attempts/{place.spec}/1")
    place.repository.git("reflog", "expire", "--expire=now", "--all")
    place.repository.git("gc", "-q", "--prune=now")

    state = place.work()

    assert state.kind is Kind.COMPLETED
    assert place.repository.files() == {"README.md", "all.txt"}
    assert "begins anew: git has no more what attempt 1 left" in place.repository.notices()


def test_where_a_person_deleted_the_ref_of_kept_work_the_way_back_is_said(place: Place) -> None:
    place.turn(2, "echo all > all.txt\n" + TICK)
    place.interrupt()
    ref = f"refs/chant/attempts/{place.spec}/1"
    kept = place.repository.tip(ref)
    place.repository.git("update-ref", "-d", ref)

    place.work()

    [said] = [text for text in place.repository.notices() if text.startswith("begins anew: ")]
    assert said.startswith(f"begins anew: {ref} is gone, with what attempt 1 left; git still has it: ")
    place.repository.shell(said.partition("git still has it: ")[2])
    assert place.repository.tip(ref) == kept


def test_work_that_was_made_for_another_target_is_begun_anew_and_that_is_said(place: Place) -> None:
    place.turn(2, "echo all > all.txt\n" + TICK)
    place.interrupt()
    place.repository.git("switch", "-qc", "develop")

    state = place.work()

    assert state.kind is Kind.COMPLETED
    assert place.repository.files("develop") == {"README.md", "all.txt"}
    kept = f"refs/chant/attempts/{place.spec}/1"
    assert f"begins anew: attempt 1 was made for main, and is kept at {kept}" in place.repository.notices()


def test_a_failed_attempt_is_gone_on_from_only_where_a_person_asks(place: Place) -> None:
    place.turn(1, "echo one > one.txt; git add one.txt; git commit -qm 'Do one'; exit 3\n")
    place.turn(2, "echo two > two.txt; exit 3\n")

    place.work()
    anew = place.work()
    place.turn(3, REST)
    state = place.work(is_asked=True)

    assert place.seen(2, "log").splitlines() == ["spec", "start"]
    assert [step.command for step in anew.next] == ["doit a", "doit spec-resume a"]
    assert place.seen(3, "status").splitlines() == ["?? two.txt"]
    assert "(the agent gave up: exit status 3)" in place.seen(3, "prompt")
    assert state.kind is Kind.COMPLETED
    assert place.repository.files() == {"README.md", "two.txt", "three.txt"}


def test_an_attempt_that_was_stopped_before_its_agent_started_keeps_what_it_goes_on_from(place: Place) -> None:
    place.interrupt()
    run = place.prepare()
    attempt = add_attempt(run, place.spec)
    assert isinstance(attempt, Attempt)
    attempt.release()  # as from a crash: the record says that its place is being made

    state = place.work()

    record = load_record(place.repository.journal, place.spec, 2)
    assert record is not None
    assert record.ending is Ending.INTERRUPTED
    assert place.repository.files(record.kept) == {"README.md", "one.txt", "two.txt"}
    assert state.kind is Kind.COMPLETED
    assert place.repository.files() == {"README.md", "one.txt", "two.txt", "three.txt"}
    place.repository.assert_no_traces()


def test_an_attempt_that_failed_before_its_agent_started_does_not_hide_the_interrupted_one(
    repository: Repository,
) -> None:
    broken = repository.outside / "broken"
    setup = f"worktrees:\n  setup: '! test -e {broken}'\n---\n"
    place = make_place(repository, is_parallel=True, config=CONFIG.removesuffix("---\n") + setup)
    place.turn(1, HALF)
    place.turn(2, REST)
    place.interrupt()

    broken.touch()
    failed = place.work()
    refusal = find_refusal(load_overview(repository.root), place.spec)
    broken.unlink()
    state = place.work()

    assert (failed.kind, refusal) == (Kind.FAILED, None)
    assert [(step.command, step.purpose) for step in failed.next] == [
        ("doit a", "work it again"),
        ("doit spec-resume a", "go on from what is kept of it"),
    ]
    assert "goes on from attempt 1: 1 commit, 3 files (2 of them not committed)" in repository.notices()
    assert (state.kind, place.count()) == (Kind.COMPLETED, 2)
    assert (repository.record(place.spec).number, repository.record(place.spec).continues) == (3, 1)
    assert repository.files() == {"README.md", "one.txt", "two.txt", "three.txt"}
    repository.assert_no_traces()


def test_a_spec_that_git_ignores_keeps_its_ticks(place: Place) -> None:
    repository = place.repository
    repository.git("rm", "-q", "--cached", repository.spec_path(place.spec))
    repository.write(".gitignore", ".chant/specs/\n")
    repository.commit("ignore specs")
    place.turn(2, f"echo three > three.txt\n{TICK}")

    place.interrupt()
    state = place.work()

    assert "- [x] first\n- [ ] second\n" in place.seen(2, "spec")
    assert state.kind is Kind.COMPLETED
    assert repository.files() == {".gitignore", "README.md", "one.txt", "two.txt", "three.txt"}


def test_other_specs_and_files_of_the_user_stay_as_they_are(place: Place) -> None:
    repository = place.repository
    other = repository.add_spec("other")
    repository.commit("other spec")
    place.interrupt()
    changed = repository.root / repository.spec_path(other)
    changed.write_text(changed.read_text() + "\nMore.\n")
    new = repository.write(".chant/specs/2026-01-01-002-new.md", "---\nstatus: pending\n---\n# New\n")
    mine = repository.write("mine.txt", "mine\n")
    before = [path.read_bytes() for path in (changed, new, mine)]

    state = place.work()

    assert state.kind is Kind.COMPLETED
    assert [path.read_bytes() for path in (changed, new, mine)] == before
    assert repository.files() == {"README.md", "one.txt", "two.txt", "three.txt"}
    assert sorted(repository.status()) == [
        f" M .chant/specs/{other}.md",
        "?? .chant/specs/2026-01-01-002-new.md",
        "?? mine.txt",
    ]


def test_in_place_a_file_of_the_users_in_the_way_keeps_the_attempt_waiting_and_is_named(repository: Repository) -> None:
    place = make_place(repository, is_parallel=False)
    place.turn(1, HALF)
    place.turn(2, REST)
    place.interrupt()
    mine = repository.write("two.txt", "mine\n")

    refused = place.work()
    mine.rename(repository.outside / "two.txt")
    state = place.work()

    assert refused.kind is Kind.FAILED
    assert refused.reason == "two.txt is in your checkout, where attempt 1 left its own"
    assert (repository.outside / "two.txt").read_text() == "mine\n"
    assert (state.kind, place.count()) == (Kind.COMPLETED, 2)


def test_in_place_a_disk_that_fails_while_the_work_comes_back_leaves_the_checkout_as_it_was(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_place(repository, is_parallel=False)
    place.turn(1, HALF)
    place.turn(2, REST)
    place.interrupt()

    def fail(path: Path, data: bytes) -> None:
        raise FileError(path, 0, f"cannot be written: no space left for {len(data)} bytes")

    with monkeypatch.context() as patch:
        patch.setattr("chant_tasks.steps.in_place.save_file", fail)
        failed = place.work()
    left = repository.status()
    state = place.work(is_asked=True)

    assert (failed.kind, left, place.count()) == (Kind.FAILED, [], 2)
    assert "no space left" in failed.reason
    assert place.seen(2, "status").splitlines()[1:] == [" M README.md", "?? two.txt"]
    assert state.kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "one.txt", "two.txt", "three.txt"}


def test_a_repository_that_an_earlier_attempt_made_inside_does_not_land_as_files(place: Place) -> None:
    place.turn(1, "git init -q inner; touch {outside}/up; sleep 60\n")
    place.turn(2, "git add -A\n" + REST)
    place.turn(3, "rm -rf inner\n" + REST)
    place.interrupt()

    refused = place.work()
    state = place.work(is_asked=True)

    assert refused.kind is Kind.FAILED
    assert refused.reason == "inner/embedded-git is the git repository that an earlier attempt made there"
    assert f"({refused.reason})" in place.seen(3, "prompt")
    assert state.kind is Kind.COMPLETED
    assert place.repository.files() == {"README.md", "three.txt"}


CLAUDE = """\
---
providers:
  claude:
    executable: {agent}
defaults:
  provider: claude
---
"""
START = """\
session=$(printf '%s\\n' "$@" | grep -A1 -x -e --session-id -e --resume | tail -1)
say() { printf '%s\\n' "$1"; }
say '{"type":"system","subtype":"init","session_id":"'$session'","model":"sonnet"}'
say '{"type":"assistant","message":{"model":"sonnet","content":[{"type":"tool_use","name":"Bash","input":{}}]}}'
"""
RESULT = """say '{"type":"result","subtype":"success","is_error":false,"result":"done","session_id":"'$session'"}'\n"""


@pytest.fixture
def claude(repository: Repository) -> Place:
    """A spec that is worked by a stand-in for claude, in a worktree."""
    made = make_place(repository, is_parallel=True, config=CLAUDE)
    agent = repository.outside / "agent"
    agent.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec echo 2.1.197\n{agent.read_text()}')
    agent.chmod(0o755)
    made.turn(1, START + HALF)
    made.turn(2, START + REST + RESULT)
    return made


def _find_argument(place: Place, number: int, name: str) -> str | None:
    arguments = place.seen(number, "arguments").splitlines()
    return arguments[arguments.index(name) + 1] if name in arguments else None


def test_an_agent_that_can_goes_on_in_its_own_session(claude: Place) -> None:
    claude.interrupt()
    session = claude.repository.record(claude.spec).session
    state = claude.work()

    assert _find_argument(claude, 1, "--session-id") == session
    assert (_find_argument(claude, 2, "--resume"), _find_argument(claude, 2, "--session-id")) == (session, None)
    assert claude.seen(2, "folder") == claude.seen(1, "folder")
    assert state.kind is Kind.COMPLETED
    assert claude.repository.record(claude.spec).session == session


def test_an_agent_that_goes_on_in_its_session_gets_a_message_of_its_own(claude: Place) -> None:
    claude.interrupt()
    claude.work()

    prompt = claude.seen(2, "prompt")
    assert prompt.startswith(f"You were stopped before the spec `.chant/specs/{claude.spec}.md` was done")
    assert "- 2 of these not committed:\n" in prompt
    kept = claude.repository.journal / "attempts" / claude.spec / "2" / "prompt.md"
    assert kept.read_text() == prompt


def test_a_session_that_changed_nothing_is_gone_on_with_too(claude: Place) -> None:
    claude.turn(1, START + "touch {outside}/up; sleep 60\n")
    claude.interrupt()
    listed = claude.repository.state(claude.spec)

    state = claude.work()

    assert listed.reason == "interrupted; the next doit goes on from its agent's session"
    assert _find_argument(claude, 2, "--resume") == _find_argument(claude, 1, "--session-id")
    assert "- nothing was changed\n" in claude.seen(2, "prompt")
    assert state.kind is Kind.COMPLETED


def test_an_unknown_session_is_tried_once_and_then_a_new_one_begun_with_the_whole_prompt(claude: Place) -> None:
    claude.turn(2, "echo 'No conversation found with session ID' >&2; exit 1\n")
    claude.turn(3, START + REST + RESULT)
    claude.interrupt()
    session = claude.repository.record(claude.spec).session

    state = claude.work()

    assert _find_argument(claude, 2, "--resume") == session
    assert _find_argument(claude, 3, "--session-id") not in (None, session)
    assert "## What is there already\n" in claude.seen(3, "prompt")
    assert [text for text in claude.repository.notices() if "session" in text] == [
        "its session could not be resumed (it ended without a result (exit status 1: No conversation found with "
        "session ID)), so it begins a new one"
    ]
    assert (state.kind, claude.count()) == (Kind.COMPLETED, 3)
    assert claude.repository.record(claude.spec).number == 2


def test_a_new_session_that_fails_too_is_a_failure(claude: Place) -> None:
    for number in (2, 3, 4):
        claude.turn(number, "echo 'out of order' >&2; exit 1\n")
    claude.interrupt()

    state = claude.work()

    assert (state.kind, claude.count()) == (Kind.FAILED, 3)


def test_an_error_that_a_new_session_would_meet_too_is_no_reason_to_begin_one(claude: Place) -> None:
    refused = {
        "type": "result",
        "subtype": "success",
        "is_error": True,
        "api_error_status": 401,
        "result": "API Error: 401 invalid x-api-key",
    }
    claude.turn(2, f"printf '%s\\n' {shlex.quote(json.dumps(refused))}; exit 1\n")
    claude.interrupt()

    state = claude.work()

    assert (state.kind, claude.count()) == (Kind.FAILED, 2)
    assert [step.command for step in state.next] == ["doit a", "doit spec-resume a"]


def test_a_session_of_another_agent_is_not_resumed(claude: Place) -> None:
    claude.interrupt()
    agent = claude.repository.outside / "agent"
    claude.repository.write(".chant/config.md", CONFIG.replace("{agent}", str(agent)))
    claude.turn(2, REST)

    state = claude.work()

    assert claude.seen(2, "arguments").strip() == ""
    assert "## What is there already\n" in claude.seen(2, "prompt")
    assert state.kind is Kind.COMPLETED


def test_a_worktree_that_is_elsewhere_now_gets_no_session_of_the_old_one(
    claude: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Some agents find a session by the folder that it was in, and one of them hangs for ever in another."""
    claude.interrupt()
    text = (claude.repository.root / ".chant/config.md").read_text()
    claude.repository.write(".chant/config.md", text.replace("defaults:", "worktrees:\n  path: elsewhere\ndefaults:"))
    claude.repository.write(".gitignore", "elsewhere/\n")

    state = claude.work()

    assert _find_argument(claude, 2, "--resume") is None
    assert claude.seen(2, "folder") != claude.seen(1, "folder")
    assert state.kind is Kind.COMPLETED
