"""Defects of chant's that were found in use or by reading it, each lived through here.

The table in docs/reliability.md has all of them, and which test shows what.
"""

from pathlib import Path

import pytest

from tests.e2e.repository import DODO, TICK
from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import find_leftovers, find_user_changes, lines_of, load_landings, load_seen, load_states

A, B, C, D = "2026-01-01-001-aaa", "2026-01-02-002-bbb", "2026-01-03-003-ccc", "2026-01-04-004-ddd"
BUILD = "\n\ndef task_build():\n    return {'actions': ['true']}\n"


def counted(sandbox: Sandbox, name: str, script: str) -> str:
    """A script that also tells the test each of its runs."""
    return f"echo run >> {sandbox.outside}/{name}.runs\n{script}"


def set_status(sandbox: Sandbox, status: str, *spec_ids: str) -> None:
    """Writes another status into the files of pending specs."""
    for path in (sandbox.specs / f"{spec_id}.md" for spec_id in spec_ids):
        path.write_text(path.read_text().replace("status: pending", f"status: {status}"))


def work(name: str) -> str:
    return f"echo {name} > {name}.txt\n{TICK}"


def runs(sandbox: Sandbox, name: str) -> int:
    return len(lines_of(sandbox.outside / f"{name}.runs"))


@pytest.mark.parametrize("mode", [(), ("-n", "2")], ids=["serial", "threads"])
def test_a_failed_spec_and_a_failed_member_are_tried_once_in_a_run(sandbox: Sandbox, mode: tuple[str, ...]) -> None:
    sandbox.add_spec(A, run=counted(sandbox, "alone", "exit 1"))
    sandbox.add_spec(B, ["type: driver"])
    sandbox.add_spec(f"{B}.1", run=counted(sandbox, "member", "exit 1"))
    sandbox.add_spec(f"{B}.2", run=counted(sandbox, "next", work("next")))
    sandbox.add_spec(C, run=counted(sandbox, "other", work("other")))
    sandbox.commit()

    ran = sandbox.doit(*mode, A, B, C, A)

    assert ran.status == 1, ran.text
    assert {name: runs(sandbox, name) for name in ("alone", "member", "next", "other")} == {
        "alone": 1,
        "member": 1,
        "next": 0,
        "other": 1,
    }


def test_specs_that_git_has_and_one_that_it_has_not_are_worked_at_once_and_all_land(sandbox: Sandbox) -> None:
    for spec_id in (A, B):
        sandbox.add_spec(spec_id)
    sandbox.commit()
    sandbox.add_spec(C)

    ran = sandbox.doit("-n", "3")

    assert ran.status == 0, ran.text
    assert len(load_landings(sandbox)) == 3
    assert load_states(sandbox) == dict.fromkeys((A, B, C), "completed")
    assert (find_user_changes(sandbox), find_leftovers(sandbox)) == ("", [])


def test_a_commit_that_only_mentions_the_spec_is_no_evidence(sandbox: Sandbox) -> None:
    messages = (f"chant({A}): update spec status to in_progress", f"chant({A}): approve spec", f'Revert "chant({A})"')
    commits = "\n".join(f"git commit -q --allow-empty -m '{message}'" for message in messages)
    sandbox.add_spec(A, run=f"{commits}\n{TICK}")
    sandbox.add_spec(f"{B}.1", run=f"git commit -q --allow-empty -m 'chant({B}x1): work'\n{TICK}")
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1, ran.text
    assert load_landings(sandbox) == []
    assert load_states(sandbox) == {A: "failed", f"{B}.1": "failed"}


def test_an_agent_that_adds_everything_takes_no_other_spec_away(sandbox: Sandbox) -> None:
    for spec_id in (B, C):
        sandbox.add_spec(spec_id)
    archived = sandbox.root / ".chant" / "archive" / "2025-12" / f"{D}.md"
    archived.parent.mkdir(parents=True)
    archived.write_text("---\nstatus: completed\n---\n# D\n")
    seen = sandbox.outside / "seen"
    look = f"ls .chant/specs .chant/archive/2025-12 > {seen}; git status --porcelain >> {seen}"
    sandbox.add_spec(A, run=f"{look}\necho a > a.txt\n{TICK}git add -A\ngit commit -q -a -m everything")
    sandbox.commit()
    before = sandbox.git("ls-tree", "-r", "--name-only", "main", ".chant").splitlines()

    ran = sandbox.doit("-n", "2", A)

    assert ran.status == 0, ran.text
    assert lines_of(seen) == [
        ".chant/archive/2025-12:",
        f"{D}.md",
        "",
        ".chant/specs:",
        f"{A}.md",
        f"{B}.md",
        f"{C}.md",
    ]
    assert sandbox.git("ls-tree", "-r", "--name-only", "main", ".chant").splitlines() == before
    assert find_user_changes(sandbox) == ""


def test_the_prompt_and_the_specs_file_are_where_the_agent_is(sandbox: Sandbox) -> None:
    """No prompt of the project's own, nothing in the checkout to reach for: all is on stdin and in the worktree."""
    agent = sandbox.outside / "agent"
    agent.write_text(f"#!/bin/sh\ncat > {sandbox.outside}/prompt\npwd > {sandbox.outside}/where\n{work('done')}")
    agent.chmod(0o755)
    config = f"---\ndefaults: {{provider: command}}\nproviders: {{command: {{argv: [{agent}]}}}}\n---\n"
    sandbox.repository.write(".chant/config.md", config)
    (sandbox.specs / f"{A}.md").write_text(
        "---\nstatus: pending\n---\n# Say hello\n\n## Acceptance Criteria\n\n- [ ] x\n"
    )
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    prompt = (sandbox.outside / "prompt").read_text()
    assert "Say hello" in prompt
    assert f".chant/specs/{A}.md" in prompt
    assert str(sandbox.root) not in prompt
    assert lines_of(sandbox.outside / "where") == [str(sandbox.temporary / f"chant-{A}")]


def test_each_of_several_attempts_keeps_its_work_and_none_is_in_the_way_of_the_next(sandbox: Sandbox) -> None:
    dirty = "mkdir -p out; echo log > out/ignored; echo left > left.txt"
    counter = f"{sandbox.outside}/again.runs"
    script = f'{dirty}\nn=$(wc -l < {counter})\necho "try $n" > try.txt\n[ "$n" -ge 3 ] || exit 1\n{TICK}'
    sandbox.add_spec(A, ["branch: chant/elsewhere"], run=counted(sandbox, "again", script))
    sandbox.repository.write(".gitignore", "out/\n")
    sandbox.commit()

    statuses = [sandbox.doit("-n", "2").status for _ in range(3)]

    assert statuses == [1, 1, 0]
    for number in (1, 2):
        kept = f"refs/chant/attempts/{A}/{number}"
        assert sandbox.git("show", f"{kept}:try.txt") == f"try {number}"
        assert sandbox.git("show", f"{kept}:left.txt") == "left"
    assert sandbox.git("show", "main:try.txt") == "try 3"
    assert sandbox.git("branch", "--format=%(refname:short)") == "main"
    assert find_leftovers(sandbox) == []


def test_a_spec_that_chant_left_in_progress_is_worked_and_nothing_of_it_is_destroyed(sandbox: Sandbox) -> None:
    path = sandbox.add_spec(A, run=counted(sandbox, "a", work("a")))
    sandbox.add_spec(B, run=f"echo part > part.txt\n[ -e {sandbox.outside}/go ] || exit 1\n{TICK}")
    sandbox.commit()
    assert sandbox.doit("-n", "2", B).status == 1
    set_status(sandbox, "in_progress", A, B)
    (sandbox.outside / "go").touch()

    forgotten = sandbox.doit("forget", A, B)
    kept = sandbox.git("show", f"refs/chant/attempts/{B}/1:part.txt")
    ran = sandbox.doit("-n", "2")

    assert forgotten.status == 0, forgotten.text
    assert kept == "part"
    assert ran.status == 0, ran.text
    assert path.read_text().count("status: completed") == 1
    assert load_states(sandbox) == {A: "completed", B: "completed"}
    assert runs(sandbox, "a") == 1


def test_more_specs_than_slots_are_all_worked_whatever_the_config_says_of_agents(sandbox: Sandbox) -> None:
    sandbox.repository.write(".chant/config.md", "---\nparallel: {stagger_delay_ms: 1}\n---\n")
    names = [f"2026-01-01-{number:03}-n{number}" for number in range(5)]
    for name in names:
        sandbox.add_spec(name)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert "5 succeeded in " in ran.err


def test_a_driver_that_names_its_own_members_is_worked_in_threads(sandbox: Sandbox) -> None:
    """chant's split made each driver depend on its members, and then no group ran."""
    sandbox.add_spec(A, ["type: driver", f"depends_on: [{A}.1, {A}.2]"])
    for number in (1, 2, 10):
        sandbox.add_spec(f"{A}.{number}", ["type: task"])
    sandbox.commit()

    ran = sandbox.doit("-n", "3")

    assert ran.status == 0, ran.text
    assert "4 succeeded in " in ran.err
    assert sandbox.git("log", "-1", "--format=%s", "main").startswith(f"chant({A}): ")


def test_whatever_is_listed_as_ready_can_be_worked(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.add_spec(C, ["type: driver"])
    sandbox.add_spec(f"{C}.2", ["depends_on: []"])  # the first of its siblings is missing
    sandbox.add_spec(f"{C}.3")
    sandbox.add_spec(f"{C}.4", [f"depends_on: [{C}.3]"])
    sandbox.add_spec(D, ["type: conflict"])
    set_status(sandbox, "cancelled", A, f"{C}.3")
    set_status(sandbox, "ready", D)
    sandbox.commit()
    ready = {name for name, state in load_states(sandbox).items() if state == "ready"}

    statuses = {name: sandbox.doit("-n", "2", name).status for name in sorted(ready)}

    assert ready == {B, f"{C}.2", f"{C}.4", D}
    assert statuses == dict.fromkeys(ready, 0)


def test_an_archived_dependency_counts_and_one_of_another_repository_is_named(sandbox: Sandbox) -> None:
    sandbox.repository.write(f".chant/archive/2025-12/{A}.md", "---\nstatus: completed\n---\n# A\n")
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.add_spec(C, [f'depends_on: ["other:{D}"]'])
    sandbox.commit()

    ran = sandbox.doit("-n", "2")
    seen = load_seen(sandbox)

    assert ran.status == 1, ran.text
    assert seen[B].state == "completed"
    assert seen[C].state == "broken"
    assert f"other:{D}" in seen[C].reason


def test_a_rule_of_equal_signs_is_no_conflict(sandbox: Sandbox) -> None:
    rule = "\n".join(("=======", "========= 5 passed =========", ">>>>>>> quoted", "======="))
    path = sandbox.add_spec(A, run=f"printf '%s\\n' '{rule}' > report.txt\n{TICK}")
    path.write_text(f"{path.read_text()}\n## Notes\n\n{rule}\n")
    sandbox.commit()
    path.write_text(path.read_text().replace("## Notes", "## My notes"))  # merged with what the agent ticks

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert sandbox.git("show", "main:report.txt") == rule
    assert f"## My notes\n\n{rule}\n" in path.read_text()
    assert find_leftovers(sandbox) == []


def test_there_is_a_way_on_from_every_state_that_stops(sandbox: Sandbox) -> None:
    ends = f"[ -e {sandbox.outside}/go ] || exit 1"
    sandbox.add_spec(A, run=f"{ends}\n{work('a')}")
    paused = sandbox.add_spec(B)
    set_status(sandbox, "paused", B)
    sandbox.commit()
    assert sandbox.doit("-n", "2").status == 1

    cancelled = sandbox.doit("spec-cancel", "aaa")
    listed = sandbox.doit("list", "--state", "cancelled", "--json").out
    undone = sandbox.doit("spec-cancel", "--undo", "aaa")
    waiting = sandbox.doit("list", "--state", "waiting").out
    paused.write_text(paused.read_text().replace("status: paused", "status: pending"))
    (sandbox.outside / "go").touch()
    ran = sandbox.doit("-n", "2")

    assert (cancelled.status, undone.status) == (0, 0), cancelled.text + undone.text
    assert A in listed
    assert B in waiting
    assert ran.status == 0, ran.text
    assert load_states(sandbox) == {A: "completed", B: "completed"}


def test_what_is_computed_of_a_spec_is_written_nowhere(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, run="exit 1")
    blocked = sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.commit()
    before = {path: path.read_bytes() for path in sandbox.specs.iterdir()}

    ran = sandbox.doit("-n", "2")
    listed = load_states(sandbox)

    assert ran.status == 1, ran.text
    assert listed == {A: "failed", B: "blocked"}
    assert {path: path.read_bytes() for path in sandbox.specs.iterdir()} == before
    assert blocked in before
    assert find_user_changes(sandbox) == ""


def test_a_prompt_that_is_missing_fails_its_spec_and_the_run(sandbox: Sandbox) -> None:
    sandbox.repository.write(".chant/config.md", "---\nproviders: {command: {argv: ['true']}}\n---\n")
    body = "# X\n\n## Acceptance Criteria\n\n- [ ] x\n"
    (sandbox.specs / f"{A}.md").write_text(f"---\nstatus: pending\nprovider: command\nprompt: nowhere\n---\n{body}")
    sandbox.add_spec(B, ["provider: script"])
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1, ran.text
    assert "there is no prompt `nowhere`" in ran.err
    assert load_states(sandbox)[B] == "completed", ran.text


def test_only_working_a_spec_starts_an_agent(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, DODO + BUILD)
    sandbox.add_spec(A, run=counted(sandbox, "a", work("a")))
    sandbox.commit()

    for arguments in (
        ("list",),
        ("list", "--json"),
        ("info", "aaa"),
        ("ignore", "aaa"),
        ("forget", "aaa"),
        ("clean",),
        ("reset-dep",),
        ("help",),
        ("spec-lint",),
        ("spec-attempts",),
        ("build",),
    ):
        ran = sandbox.doit(*arguments)
        assert "Traceback" not in ran.text

    assert runs(sandbox, "a") == 0
    assert load_states(sandbox) == {A: "ready"}
