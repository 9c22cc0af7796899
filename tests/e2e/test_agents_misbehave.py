"""Agents as they are: each is seen by exit status, state, refs, summary and log. A well-behaved one works beside it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.sandbox import Ran, Sandbox
from tests.e2e.sights import TICK_ALL, Seen, find_leftovers, find_user_changes, load_landings, load_seen
from tests.processes import is_running

BAD, GOOD = "2026-01-01-001-bad", "2026-01-02-001-good"
LANDED = f"chant({BAD}): Work {BAD}"

CONFIG = "---\ntimeouts:\n  wall: {wall}\n  silence: {silence}\n  grace: 1s\n---\n"


class Worked(NamedTuple):
    """A run with one agent that misbehaves: what was printed, how its spec is listed, and its log."""

    ran: Ran
    seen: Seen
    log: str

    @property
    def counts(self) -> str:
        """The summary's line of counts, without the time."""
        line = next(line for line in self.ran.err.splitlines() if " succeeded" in line or " failed" in line)
        return line.rpartition(" in ")[0]


def _work(sandbox: Sandbox, run: str, boxes: int = 1, more: Sequence[str] = ()) -> Worked:
    sandbox.add_spec(BAD, run=run, boxes=boxes)
    sandbox.add_spec(GOOD, more)
    sandbox.commit()
    ran = sandbox.doit("-n", "2")
    seen = load_seen(sandbox)[BAD]
    assert seen.log is not None
    log = (sandbox.root / seen.log).read_bytes().decode("utf-8")
    return Worked(ran, seen, log)


def _assert_failed(sandbox: Sandbox, worked: Worked, reason: str) -> None:
    """The run failed for this reason, and only for this spec; nothing of it landed, nothing is left."""
    assert worked.ran.status == 1, worked.ran.text
    assert worked.counts == "1 succeeded, 1 failed"
    assert (worked.seen.state, worked.seen.branch) == ("failed", None)
    assert reason in worked.seen.reason
    assert f"failed     {worked.seen.reason}" in worked.ran.err
    assert f"log        {worked.seen.log}" in worked.ran.err
    assert "doit -n 2 bad" in worked.ran.err
    assert load_landings(sandbox) == [f"chant({GOOD}): Work {GOOD}"]
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""


def _kept(sandbox: Sandbox, path: str) -> str:
    return sandbox.git("show", f"refs/chant/attempts/{BAD}/1:{path}")


def test_one_that_succeeds_lands(sandbox: Sandbox) -> None:
    worked = _work(sandbox, f"echo said aloud\necho x > x.txt\ngit add x.txt\ngit commit -qm work\n{TICK_ALL}")

    assert worked.ran.status == 0, worked.ran.text
    assert worked.counts == "2 succeeded"
    assert (worked.seen.state, worked.seen.kept, worked.seen.branch) == ("completed", None, None)
    assert "said aloud" in worked.log
    assert LANDED in load_landings(sandbox)
    assert sandbox.git("for-each-ref", "refs/chant") == ""


def test_one_that_does_nothing_fails(sandbox: Sandbox) -> None:
    worked = _work(sandbox, "echo I am done, all tests pass")

    _assert_failed(sandbox, worked, "nothing was changed; 1 of 1 acceptance criterion is unticked")
    assert worked.seen.kept is None
    assert "I am done" in worked.log


def test_one_that_only_ticks_its_boxes_fails(sandbox: Sandbox) -> None:
    worked = _work(sandbox, TICK_ALL)

    _assert_failed(sandbox, worked, "nothing was changed")
    assert "- [x] box 1" in _kept(sandbox, f".chant/specs/{BAD}.md")


def test_what_is_left_uncommitted_is_committed_and_lands(sandbox: Sandbox) -> None:
    script = f"echo staged > staged.txt\ngit add staged.txt\necho new > new.txt\necho '#' >> dodo.py\n{TICK_ALL}"
    worked = _work(sandbox, script)

    assert worked.ran.status == 0, worked.ran.text
    assert (worked.seen.state, worked.counts) == ("completed", "2 succeeded")
    landing = sandbox.git("log", "-1", "--format=%H", "--merges", f"--grep=Chant-Spec: {BAD}")
    assert sandbox.git("show", "-s", "--format=%s", f"{landing}^2") == LANDED
    assert sandbox.git("show", "--name-only", "--format=", f"{landing}^2").splitlines() == [
        f".chant/specs/{BAD}.md",
        "dodo.py",
        "new.txt",
        "staged.txt",
    ]


def test_one_that_ticks_half_of_its_boxes_is_refused_with_the_list(sandbox: Sandbox) -> None:
    tick_two = TICK_ALL.replace("s/^- \\[ \\]/", "/box [12]/s/^- \\[ \\]/")
    worked = _work(sandbox, f"echo x > x.txt\n{tick_two}", boxes=4)

    _assert_failed(sandbox, worked, '2 of 4 acceptance criteria are unticked: "box 3", "box 4"')
    assert _kept(sandbox, "x.txt") == "x"


@pytest.mark.parametrize("edit", ["s/box 1/box one/", "/box 2/d", "s/^- .* box 1/&\\n- [x] box 3/"])
def test_one_that_changes_a_criterion_is_refused(sandbox: Sandbox, edit: str) -> None:
    change = TICK_ALL.replace("s/^- \\[ \\]/- [x]/", f"s/^- \\[ \\]/- [x]/;{edit}")
    worked = _work(sandbox, f"echo x > x.txt\n{change}", boxes=2)

    _assert_failed(sandbox, worked, "the acceptance criteria are not those of the start any more")


def test_git_add_all_takes_no_files_of_doit_or_python(sandbox: Sandbox) -> None:
    doit = f"{sys.executable} -m doit"
    script = f"{doit} list > listed.txt\n{doit} own > ran.txt\n{TICK_ALL}\ngit add -A\ngit commit -qm everything"
    with (sandbox.root / "dodo.py").open("a") as dodo:
        dodo.write("\ndef task_own():\n    return {'actions': ['true'], 'file_dep': ['dodo.py']}\n")
    worked = _work(sandbox, script)

    assert worked.ran.status == 0, worked.ran.text
    assert worked.seen.state == "completed"
    assert sandbox.git("ls-tree", "-r", "--name-only", "main").splitlines() == [
        f".chant/specs/{BAD}.md",
        f".chant/specs/{GOOD}.md",
        f"{GOOD}.txt",
        "dodo.py",
        "listed.txt",
        "ran.txt",
    ]
    assert list(sandbox.root.glob(".doit.db*"))
    assert (sandbox.root / "__pycache__").is_dir()


def test_one_that_crashes_keeps_what_it_had_done(sandbox: Sandbox) -> None:
    worked = _work(
        sandbox, f"echo x > x.txt\ngit add x.txt\ngit commit -qm half\necho y > y.txt\n{TICK_ALL}\nkill -9 $$"
    )

    _assert_failed(sandbox, worked, "killed by SIGKILL")
    assert worked.seen.kept == f"refs/chant/attempts/{BAD}/1"
    assert (_kept(sandbox, "x.txt"), _kept(sandbox, "y.txt")) == ("x", "y")


@pytest.mark.parametrize(
    ("wall", "silence", "noise"), [("2s", "none", "echo still here;"), ("none", "2s", "")], ids=["wall", "silence"]
)
def test_one_that_hangs_is_ended(sandbox: Sandbox, wall: str, silence: str, noise: str) -> None:
    """It does not listen to TERM, and what it has started does not either."""
    (sandbox.root / ".chant" / "config.md").write_text(CONFIG.format(wall=wall, silence=silence))
    script = f"echo x > x.txt\ntrap '' TERM\nwhile :; do {noise} sleep 0.1; done"

    worked = _work(sandbox, script)

    _assert_failed(sandbox, worked, "ended by the wall timeout" if noise else "ended by the silence timeout")
    assert ("still here" in worked.log) == bool(noise)
    assert _kept(sandbox, "x.txt") == "x"


@pytest.mark.parametrize("timeout", ["timeout: 2s", "timeout: {wall: none, silence: 2s}"], ids=["wall", "silence"])
def test_one_whose_spec_says_how_long_it_may_take_is_ended_then(sandbox: Sandbox, timeout: str) -> None:
    (sandbox.root / ".chant" / "config.md").write_text(CONFIG.format(wall="50s", silence="none"))
    sandbox.add_spec(BAD, [timeout], run="echo x > x.txt\nsleep 300")
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    kind = "silence" if "silence" in timeout else "wall"
    assert ran.status == 1, ran.text
    assert load_seen(sandbox)[BAD].reason.endswith(f"ended by the {kind} timeout")
    assert _kept(sandbox, "x.txt") == "x"


def test_a_megabyte_on_stderr_is_read_and_logged(sandbox: Sandbox) -> None:
    noise = "import sys; sys.stderr.write(('x' * 99 + chr(10)) * 10_500)"
    worked = _work(sandbox, f'{sys.executable} -c "{noise}"\necho x > x.txt\n{TICK_ALL}')

    assert worked.ran.status == 0, worked.ran.text
    assert worked.seen.state == "completed"
    assert worked.log.count("x" * 99) == 10_500
    assert "xxx" not in worked.ran.text


def test_a_line_of_a_megabyte_does_not_stop_it(sandbox: Sandbox) -> None:
    noise = "import sys; [stream.write('y' * 1_050_000) for stream in (sys.stdout, sys.stderr)]"
    worked = _work(sandbox, f'{sys.executable} -c "{noise}"\necho x > x.txt\n{TICK_ALL}')

    assert worked.ran.status == 0, worked.ran.text
    assert worked.seen.state == "completed"
    assert worked.log.count("y") >= 100_000
    assert all(len(line) < 500 for line in worked.ran.err.splitlines())


def test_what_is_no_utf8_is_replaced_in_the_log_and_kept_in_files(sandbox: Sandbox) -> None:
    worked = _work(sandbox, f"printf 'a\\377\\376b\\n'\nprintf 'c\\303\\n' >&2\nprintf '\\377' > x.bin\n{TICK_ALL}")

    assert worked.ran.status == 0, worked.ran.text
    assert worked.seen.state == "completed"
    assert "a\ufffd\ufffdb" in worked.log
    assert "c\ufffd" in worked.log
    assert (sandbox.root / "x.bin").read_bytes() == b"\xff"


def test_a_spec_that_is_no_utf8_any_more_is_refused(sandbox: Sandbox) -> None:
    worked = _work(sandbox, f"echo x > x.txt\n{TICK_ALL}\nprintf '\\377\\n' >> \"$CHANT_SPEC_FILE\"")

    _assert_failed(sandbox, worked, "the spec's file cannot be read any more")
    assert "\n" not in worked.seen.reason


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (f".chant/specs/{GOOD}.md", "echo more >> {path}"),
        (f".chant/specs/{GOOD}.md", "rm {path}"),
        (".chant/config.md", "echo more > {path}"),
    ],
)
def test_one_that_changes_another_spec_or_the_config_is_refused(sandbox: Sandbox, path: str, change: str) -> None:
    worked = _work(sandbox, f"echo x > x.txt\n{change.format(path=path)}\n{TICK_ALL}")

    _assert_failed(sandbox, worked, f"the agent changed {path}, which is not its own spec")
    assert _kept(sandbox, "x.txt") == "x"


def test_new_specs_of_an_agent_land(sandbox: Sandbox) -> None:
    new = "2026-01-03-001-new"
    script = f"""printf -- '---\\nstatus: pending\\n---\\n# Follow up\\n' > .chant/specs/{new}.md
echo x > x.txt
{TICK_ALL}"""
    worked = _work(sandbox, script)

    assert worked.ran.status == 0, worked.ran.text
    assert load_seen(sandbox)[new].state == "ready"


def test_one_that_types_doit_starts_no_spec_and_runs_other_tasks(tmp_path: Path) -> None:
    dodo = """
from chant_tasks import task_specs

def task_own():
    return {"actions": ["pwd > own.txt"], "targets": ["own.txt"]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    (sandbox.root / ".gitignore").write_text("own.txt\n")
    doit = f"{sys.executable} -m doit"
    said = sandbox.outside / "said"
    script = f"""{{ {doit} -n 2; echo "status $?"; {doit} {GOOD}; echo "status $?"; }} > {said} 2>&1
{{ {doit} forget {GOOD} || echo "refused"; }} >> {said} 2>&1
env -u CHANT_SPEC_ID {doit} -n 2 own {GOOD} >> {said} 2>&1
cp own.txt seen.txt
{TICK_ALL}"""
    worked = _work(sandbox, script, more=[f"depends_on: [{BAD}]"])

    assert worked.ran.status == 0, worked.ran.text
    assert worked.counts == "2 succeeded"
    lines = said.read_text().splitlines()
    assert lines[:3] == [".  own", "status 0", "status 0"]
    assert "refused" in lines
    assert "worktree" not in said.read_text()
    assert sorted(load_landings(sandbox)) == [LANDED, f"chant({GOOD}): Work {GOOD}"]
    assert sandbox.git("show", "main:seen.txt") == str(sandbox.temporary / f"chant-{BAD}")


def test_one_that_conflicts_needs_attention(tmp_path: Path) -> None:
    landed = tmp_path / "landed"
    dodo = f"""
from chant_tasks import task_specs

def task_note():
    return {{"actions": ["touch {landed}"], "task_dep": ["{GOOD}"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    script = f"echo mine > {GOOD}.txt\n{TICK_ALL}\necho waiting\nuntil test -e {landed}; do sleep 0.02; done"
    worked = _work(sandbox, script)

    assert worked.ran.status == 1
    assert worked.counts == "1 succeeded, 1 needs attention"
    assert (worked.seen.state, worked.seen.branch) == ("attention", f"spec/{BAD}")
    assert worked.seen.reason == f"conflicts with main: {GOOD}.txt"
    assert worked.seen.kept == f"refs/heads/spec/{BAD}"
    assert "waiting" in worked.log
    assert load_landings(sandbox) == [f"chant({GOOD}): Work {GOOD}"]
    assert find_leftovers(sandbox) == [f"refs/heads/spec/{BAD}"]
    assert find_user_changes(sandbox) == ""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows who started a process")
def test_what_an_agent_leaves_running_in_a_session_of_its_own_ends_with_it(sandbox: Sandbox) -> None:
    left = sandbox.outside / "left.pid"
    daemon = f"setsid sh -c 'echo $$ > {left}; exec sleep 600' > /dev/null 2>&1 < /dev/null &\n"
    wait = f"while [ ! -s {left} ]; do sleep 0.05; done\n"

    worked = _work(sandbox, f"{daemon}{wait}echo x > x.txt\n{TICK_ALL}")

    assert worked.ran.status == 0, worked.ran.text
    assert not is_running(int(left.read_text()))
    assert find_leftovers(sandbox) == []
