"""`doit` without `-n`: specs are worked one after the other, in the user's own checkout."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import end, find_leftovers, find_user_changes, lines_of, load_head, load_seen, load_states
from tests.processes import is_running, wait_until

A, B, C = "2026-01-01-001-aaa", "2026-01-01-002-bbb", "2026-01-01-003-ccc"


def add_slow(sandbox: Sandbox, spec_id: str) -> None:
    """A spec whose agent works until it is stopped, or until there is a file `go`."""
    sandbox.add_spec(
        spec_id,
        run=f"echo work > {spec_id}.txt\necho $$ > {sandbox.outside}/begun\n"
        f"mv {sandbox.outside}/begun {sandbox.outside}/begun-{spec_id}\n"
        f"while [ ! -e {sandbox.outside}/go ]; do sleep 0.05; done\n{TICK}",
    )


def start_slow(sandbox: Sandbox, spec_id: str, *arguments: str) -> "subprocess.Popen[str]":
    process = sandbox.start(*arguments)
    wait_until((sandbox.outside / f"begun-{spec_id}").exists, "its agent works")
    return process


def kill_slow(sandbox: Sandbox, spec_id: str) -> None:
    """A doit that is killed while it works this spec, and whose agent has been ended by its keeper."""
    process = start_slow(sandbox, spec_id)
    process.kill()
    end(process)
    agent = int((sandbox.outside / f"begun-{spec_id}").read_text())
    wait_until(lambda: not is_running(agent), "no agent outlives its doit")


def find_head(sandbox: Sandbox) -> str:
    return sandbox.git("symbolic-ref", "--short", "HEAD")


def test_specs_are_worked_in_order_in_the_checkout_without_a_worktree(sandbox: Sandbox) -> None:
    seen = sandbox.outside / "seen"
    look = f'pwd >> {seen}; ls "$TMPDIR" >> {seen}; git worktree list | wc -l >> {seen}'
    sandbox.add_spec(A, run=f"{look}\necho a > a.txt\n{TICK}")
    sandbox.add_spec(B, [f"depends_on: [{A}]"], run=f"{look}\ncat a.txt > b.txt\n{TICK}")
    sandbox.commit()

    ran = sandbox.doit()

    assert ran.status == 0, ran.text
    assert lines_of(sandbox.outside / "seen") == [str(sandbox.root), "1"] * 2
    assert list(sandbox.temporary.iterdir()) == []
    assert (sandbox.root / "b.txt").read_text() == "a\n"
    assert [line.split()[1:3] for line in ran.err.splitlines() if " checkout " in line] == [
        ["aaa", "checkout"],
        ["bbb", "checkout"],
    ]
    assert "2 succeeded in " in ran.err
    assert (find_head(sandbox), find_user_changes(sandbox), find_leftovers(sandbox)) == ("main", "", [])


def test_the_record_is_key_by_key_that_of_a_parallel_run(tmp_path: Path) -> None:
    heads, bodies, trees = [], [], []
    for name, arguments in (("sequential", []), ("parallel", ["-n", "2"])):
        sandbox = Sandbox(tmp_path / name)
        sandbox.add_spec(
            A,
            ["labels: [x, y]", "# a comment", "depends_on: []", "priority: 3", "target_files: [a.txt]"],
            run=f"echo a > a.txt\ngit add -A\ngit commit -qm one\necho b > b.txt\n{TICK}",
            boxes=2,
        )
        sandbox.commit()
        assert sandbox.doit(*arguments).status == 0
        heads.append(dict(load_head(sandbox, A)))
        bodies.append((sandbox.specs / f"{A}.md").read_text().partition("# Work")[2])
        trees.append(sandbox.git("log", "-1", "--format=%s%n%b").splitlines())
        names = sandbox.git("ls-tree", "-r", "--name-only", "main")
        trees[-1].append(names)

    sequential, parallel = heads
    assert list(sequential) == list(parallel)
    own = ("commits", "completed_at")  # ids and times are each run's own
    assert {key: value for key, value in sequential.items() if key not in own} == {
        key: value for key, value in parallel.items() if key not in own
    }
    assert [len(head["commits"]) for head in heads] == [2, 2]  # type: ignore[arg-type]
    assert [len(str(head["completed_at"])) for head in heads] == [20, 20]
    assert bodies[0] == bodies[1]
    assert trees[0] == trees[1]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("git switch -q -c feature", "chant_tasks: main is not checked out here\n  git switch main, or: doit -n 2\n"),
        (
            "echo '#' >> dodo.py",
            "chant_tasks: dodo.py is changed, and without -n agents work in your checkout\n"
            "  commit or stash it, or: doit -n 2\n",
        ),
    ],
)
def test_where_the_checkout_cannot_be_worked_in_it_is_said_and_the_printed_way_works(
    sandbox: Sandbox, command: str, said: str
) -> None:
    sandbox.add_spec(A)
    (sandbox.root / ".chant" / "config.md").write_text("---\ndefaults:\n  main_branch: main\n---\n")
    sandbox.commit()
    sandbox.repository.shell(command)

    refused = sandbox.doit()
    worked = sandbox.doit("-n", "2")

    assert refused.status == 1
    assert refused.err.startswith(said), refused.err
    assert worked.status == 0, worked.text
    assert load_states(sandbox) == {A: "completed"}


def test_other_tasks_run_where_the_checkout_cannot_be_worked_in(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    (sandbox.root / "dodo.py").write_text(
        "from chant_tasks import task_specs\n\ndef task_build():\n    return {'actions': ['true']}\n"
    )

    ran = sandbox.doit("build")

    assert (ran.status, ran.out) == (0, ".  build\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_attempt_is_saved_and_the_checkout_is_back(
    sandbox: Sandbox, number: signal.Signals, status: int
) -> None:
    add_slow(sandbox, A)
    sandbox.add_spec(B)
    sandbox.commit()
    (sandbox.root / "mine.txt").write_text("mine\n")
    process = start_slow(sandbox, A)

    process.send_signal(number)
    ran = end(process)

    assert ran.status == status, ran.text
    assert find_head(sandbox) == "main"
    assert find_user_changes(sandbox) == "?? mine.txt"
    assert sandbox.git("show", f"refs/chant/attempts/{A}/1:{A}.txt") == "work"
    assert load_states(sandbox) == {A: "ready", B: "ready"}
    (sandbox.outside / "go").touch()
    assert sandbox.doit().status == 0


def test_a_killed_attempt_is_picked_up_by_the_next_doit(sandbox: Sandbox) -> None:
    add_slow(sandbox, A)
    sandbox.commit()
    (sandbox.root / "mine.txt").write_text("mine\n")
    kill_slow(sandbox, A)

    during = find_head(sandbox)
    listed = load_seen(sandbox)[A]
    (sandbox.outside / "go").touch()
    ran = sandbox.doit()

    assert during == f"spec/{A}"
    assert (listed.state, listed.reason) == ("ready", "stopped midway; the next doit goes on from there")
    assert ran.status == 0, ran.text
    assert f"kept at refs/chant/attempts/{A}/1" in ran.err
    assert (find_head(sandbox), find_user_changes(sandbox), find_leftovers(sandbox)) == ("main", "?? mine.txt", [])


def test_after_a_kill_a_checkout_that_its_user_moved_is_left_alone_until_told(sandbox: Sandbox) -> None:
    add_slow(sandbox, A)
    sandbox.commit()
    kill_slow(sandbox, A)
    sandbox.git("switch", "-q", "-c", "feature")

    stopped = sandbox.doit()
    head = find_head(sandbox)
    sandbox.git("switch", "-q", f"spec/{A}")
    (sandbox.outside / "go").touch()
    ran = sandbox.doit()

    assert (stopped.status, head) == (1, "feature")
    assert f"your checkout is on feature, and {A} was being worked in it\n" in stopped.err
    assert f"git switch spec/{A} && doit\n" in stopped.err
    assert ran.status == 0, ran.text
    assert find_head(sandbox) == "main"


def test_a_second_doit_in_the_same_checkout_waits_for_its_turn(sandbox: Sandbox) -> None:
    add_slow(sandbox, A)
    sandbox.add_spec(B)
    sandbox.commit()
    first = start_slow(sandbox, A, A)
    second = sandbox.start(B)

    head = find_head(sandbox)
    (sandbox.outside / "go").touch()
    ended = (end(first), end(second))

    assert head == f"spec/{A}"
    assert [ran.status for ran in ended] == [0, 0], ended
    assert load_states(sandbox) == {A: "completed", B: "completed"}
    assert (find_head(sandbox), find_user_changes(sandbox), find_leftovers(sandbox)) == ("main", "", [])


def test_a_parallel_doit_beside_a_sequential_one_lands_while_the_checkout_is_elsewhere(sandbox: Sandbox) -> None:
    add_slow(sandbox, A)
    sandbox.add_spec(B)
    sandbox.commit()
    first = start_slow(sandbox, A, A)

    second = sandbox.doit("-n", "2", B)
    head = find_head(sandbox)
    (sandbox.outside / "go").touch()
    ran = end(first)

    assert (second.status, head) == (0, f"spec/{A}"), second.text
    assert ran.status == 0, ran.text
    assert load_states(sandbox) == {A: "completed", B: "completed"}
    assert (find_head(sandbox), find_user_changes(sandbox), find_leftovers(sandbox)) == ("main", "", [])
    assert {f"{A}.txt", f"{B}.txt"} <= {path.name for path in sandbox.root.iterdir()}


@pytest.mark.parametrize(
    ("isolation", "arguments", "is_in_place"),
    [
        ("auto", (), True),
        ("auto", ("-n", "2"), False),
        ("auto", ("-n", "1"), False),
        ("worktree", (), False),
        ("worktree", ("-n", "3"), False),
        ("none", (), True),
        ("none", ("-n", "3"), True),
    ],
)
def test_isolation_chooses_where_agents_work(
    sandbox: Sandbox, isolation: str, arguments: tuple[str, ...], is_in_place: bool
) -> None:
    (sandbox.root / ".chant" / "config.md").write_text(f"---\nisolation: {isolation}\n---\n")
    for spec_id in (A, B, C):
        sandbox.add_spec(spec_id, run=f"pwd >> {sandbox.outside}/places; echo x > {spec_id}.txt\n{TICK}")
    sandbox.commit()

    ran = sandbox.doit(*arguments)

    assert ran.status == 0, ran.text
    places = lines_of(sandbox.outside / "places")
    assert len(places) == 3
    assert all((place == str(sandbox.root)) == is_in_place for place in places)
    assert (find_head(sandbox), find_user_changes(sandbox), find_leftovers(sandbox)) == ("main", "", [])


def test_a_linked_worktree_is_a_checkout_like_any_other(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, run=f"pwd > {sandbox.outside}/place; echo a > a.txt; git add -A; git commit -qm all\n{TICK}")
    sandbox.commit()
    linked = sandbox.outside / "linked"
    sandbox.git("worktree", "add", "-q", "-b", "topic", str(linked))
    (linked / "mine.txt").write_text("mine\n")
    (sandbox.root / "README.txt").write_text("other checkout\n")

    ran = sandbox.doit(folder=linked)

    assert ran.status == 0, ran.text
    assert lines_of(sandbox.outside / "place") == [str(linked)]
    assert sandbox.git("-C", str(linked), "symbolic-ref", "--short", "HEAD") == "topic"
    assert sandbox.git("-C", str(linked), "status", "--porcelain") == "?? mine.txt"
    assert sandbox.git("log", "-1", "--format=%s", "topic") == f"chant({A}): Work {A}"
    assert find_head(sandbox) == "main"
    assert find_user_changes(sandbox) == "?? README.txt"


def test_a_forgotten_spec_is_worked_again_in_the_checkout(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, run=f"date +%s%N > a.txt\n{TICK}")
    sandbox.commit()
    sandbox.doit()
    sandbox.doit("forget", "aaa")

    ran = sandbox.doit()

    assert ran.status == 0, ran.text
    assert "1 succeeded" in ran.err
    assert (find_head(sandbox), find_user_changes(sandbox)) == ("main", "")


def test_other_tasks_see_the_target_between_specs(tmp_path: Path) -> None:
    dodo = f"""
from chant_tasks import task_specs

def task_between():
    return {{"actions": ["git symbolic-ref --short HEAD", "cat {A}.txt"], "task_dep": ["{A}"], "verbosity": 2}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.add_spec(B)
    sandbox.commit()

    ran = sandbox.doit("between", B)

    assert ran.status == 0, ran.text
    assert ran.out == f".  between\nmain\n{A}\n"


def test_what_its_user_left_untracked_is_no_work(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, run=f"echo theirs > note.txt\ngit add -f note.txt\ngit commit -qm note\n{TICK}")
    sandbox.commit()
    (sandbox.root / "note.txt").write_text("mine\n")

    ran = sandbox.doit()

    assert ran.status == 1, ran.text
    assert "the agent added note.txt: yours, so taken out again" in ran.err
    assert sandbox.git("ls-tree", "--name-only", "main", "note.txt") == ""
    assert find_user_changes(sandbox) == "?? note.txt"


def test_an_agent_that_removes_the_journal_lands_nothing_of_its_users(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, run=f"rm -rf .git/chant/attempts\necho a > a.txt\n{TICK}")
    sandbox.commit()
    (sandbox.root / "private.txt").write_text("mine\n")

    ran = sandbox.doit()

    assert ran.status == 1, ran.text
    assert "the journal has lost what your checkout held before" in ran.err
    assert "private.txt" not in sandbox.git("log", "--all", "--name-only", "--format=")
    assert (sandbox.root / "private.txt").read_text() == "mine\n"
    assert sandbox.git("diff", "--cached", "--name-only") == ""


def test_a_landing_that_waits_is_only_landed_again(sandbox: Sandbox) -> None:
    sandbox.add_spec(
        A, run=f"echo run >> {sandbox.outside}/runs\necho theirs > note.txt\ngit add -A; git commit -qm note\n{TICK}"
    )
    sandbox.commit()
    hook = sandbox.root / ".git" / "hooks" / "reference-transaction"
    hook.write_text(f"""#!/bin/sh
[ "$1" = prepared ] || exit 0
while read -r old new name; do
  [ "$name" = refs/heads/main ] && [ ! -e {sandbox.outside}/once ] && touch {sandbox.outside}/once && exit 1
done
exit 0
""")
    hook.chmod(0o755)

    waits = sandbox.doit()
    hook.unlink()
    landed = sandbox.doit()

    assert (waits.status, find_head(sandbox)) == (0, "main"), waits.text
    assert "1 landing waits in " in waits.err
    assert landed.status == 0, landed.text
    assert lines_of(sandbox.outside / "runs") == ["run"]
    assert load_states(sandbox) == {A: "completed"}
    assert (find_user_changes(sandbox), find_leftovers(sandbox)) == ("", [])
