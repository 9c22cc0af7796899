"""B6: many agents at once, each of which says a little all the time: what doit and what keeps its agents take for it;
and what the start of one takes.

The agents are `cat`s of pipes that this program writes to, so that they take next to nothing themselves. Counted are
doit and the processes between it and its agents (keepers), from the moment in which all agents run to the one in which
they have said all; worktrees and landings are not. Linux only.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Effort, Figure
from benchmarks.processes import Load, find_orchestrator, load_load
from benchmarks.taking import alternate
from benchmarks.workspace import DOIT, add_repository, environment, render_spec, run_git
from chant_tasks.agents.contract import Launch
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.supervise import Limits, run_agent

_LINES_A_SECOND = 10
_PATIENCE = 600.0
_NOTHING = ("sh", "-c", "exit 0")
_CONFIG = """---
parallel: {{stagger_delay_ms: 0, stagger_jitter_ms: 0}}
providers: {{claude: {{executable: {program}}}}}
---
"""
_PROGRAM = """#!/bin/sh
[ "$1" != --version ] || {{ echo "2.1.329 (Claude Code)"; exit 0; }}
cat {feeds}/$CHANT_SPEC_ID
echo $CHANT_SPEC_ID > $CHANT_SPEC_ID.txt
"""
_ANSWER = "I have read the tests of the parser and see why the third one is red: it wants the header's own words. "
_RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "num_turns": 3,
    "result": "Done.",
    "modelUsage": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    name: str
    provider: str
    agents: int
    seconds: int

    @property
    def words(self) -> str:
        return f"{self.agents} agents, {_LINES_A_SECOND} lines a second each, {self.seconds} s, {self.name}"

    def render_line(self, spec: str, number: int) -> str:
        """A line that an agent says, of which no two are alike."""
        if self.provider == "script":
            return f"{number} {spec}: {_ANSWER}"
        content = [{"type": "text", "text": f"{number} {_ANSWER}"}]
        usage = {"input_tokens": 4, "cache_read_input_tokens": 21_000 + number, "output_tokens": 117}
        message = {"id": f"msg_{number}", "role": "assistant", "model": "m", "content": content, "usage": usage}
        return json.dumps({"type": "assistant", "message": message, "session_id": spec, "parent_tool_use_id": None})

    def render_end(self) -> str:
        """The last word."""
        return json.dumps(_RESULT) if self.provider == "claude" else "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What was measured while the agents talked."""

    before: Load
    after: Load
    seconds: float
    idle: float  # CPU seconds a second while they were silent


def measure(effort: Effort) -> Iterator[Figure]:
    """CPU and memory, with lines that are words and with those of an agent that speaks JSON; no line may be lost."""
    yield _measure_start(effort)
    agents, seconds = effort.pick(quick=(20, 10), whole=(200, 60))
    for name, provider in (("words", "script"), ("stream-json", "claude")):
        case = _Case(name=name, provider=provider, agents=agents, seconds=seconds)
        told = _run(effort.folder / f"b6-{provider}", case)
        taken = (told.after.cpu - told.before.cpu) / told.seconds * 100
        yield _figure(case, "CPU, of one core", "%", taken, limit=10.0)
        yield _figure(case, "CPU while all are silent, of one core", "%", told.idle * 100)
        yield _figure(case, "memory of doit and keepers (PSS)", "MB", told.after.memory / 1e6, limit=300.0)


def _measure_start(effort: Effort) -> Figure:
    """An agent that does nothing, from being asked for to its end being known, beside the bare program."""
    folder = effort.folder / "b6-start"
    folder.mkdir()
    stop, environ = Stop(), environment(folder)
    limits = Limits(wall=None, silence=None, grace=5.0, log=1 << 20)
    place = Workplace(cwd=folder, env=environ, log=folder / "log", exit_file=folder / "exit")

    def start_ours() -> float:
        begun = time.perf_counter()
        launch, listener = Launch(argv=_NOTHING, env={}, stdin=""), Listener(on_line=lambda _: False)
        run_agent(launch, place, limits=limits, listener=listener, stop=stop)
        return (time.perf_counter() - begun) * 1000

    def start_bare() -> float:
        begun = time.perf_counter()
        subprocess.run(_NOTHING, cwd=folder, env=environ, capture_output=True, check=True)
        return (time.perf_counter() - begun) * 1000

    start_ours()  # what forks keepers starts with the first of a run
    taken = alternate({"ours": start_ours, "bare": start_bare}, effort.pick(quick=50, whole=200))
    return Figure(
        bench="B6",
        case="an agent that does nothing",
        measure="wall, from its start to its end",
        unit="ms",
        ours=taken["ours"],
        other=taken["bare"],
        other_name="subprocess.run",
    )


def _figure(case: _Case, measure: str, unit: str, value: float, limit: float | None = None) -> Figure:
    return Figure(bench="B6", case=case.words, measure=measure, unit=unit, ours=(value,), limit=limit)


def _run(folder: Path, case: _Case) -> _Told:
    feeds = folder.with_name(f"{folder.name}.feeds")
    specs = [f"2026-01-01-{number:04d}-abc" for number in range(case.agents)]
    _prepare(folder, feeds, case, specs)
    said = folder.with_name(f"{folder.name}.said")
    with said.open("wb") as stream:
        argv = (*DOIT, "-n", str(case.agents))
        doit = subprocess.Popen(argv, cwd=folder, env=environment(folder), stdout=stream, stderr=stream)
        try:
            writers = _open_feeds(feeds, specs, doit)
            told = _talk(writers, case, doit.pid)
            status = doit.wait(_PATIENCE)
        except BaseException:
            doit.terminate()
            doit.wait()
            raise
    if status:
        raise RuntimeError(f"doit in {folder} ended with {status}:\n{said.read_text(errors='replace')[-2000:]}")
    for spec in specs:
        _require_all_lines(folder, spec, case)
    return told


def _prepare(folder: Path, feeds: Path, case: _Case, specs: list[str]) -> None:
    feeds.mkdir(parents=True)
    program = feeds / "claude"
    program.write_text(_PROGRAM.format(feeds=feeds))
    program.chmod(0o755)
    for spec in specs:
        os.mkfifo(feeds / spec)
    text = render_spec("Talk", str(program), "").replace("provider: script", f"provider: {case.provider}")
    add_repository(folder, 20, dict.fromkeys(specs, text))
    (folder / ".chant" / "config.md").write_text(_CONFIG.format(program=program))
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "-q", "-m", "settings")


def _open_feeds(feeds: Path, specs: list[str], doit: "subprocess.Popen[bytes]") -> dict[str, int]:
    """A way to write to each agent, once all of them run."""
    writers: dict[str, int] = {}
    deadline = time.monotonic() + _PATIENCE
    while len(writers) < len(specs):
        if doit.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{len(writers)} of {len(specs)} agents were started, doit: {doit.returncode}")
        time.sleep(0.1)
        for spec in specs:
            if spec not in writers:
                try:
                    writers[spec] = os.open(feeds / spec, os.O_WRONLY | os.O_NONBLOCK)
                except OSError:  # nobody reads it yet
                    continue
    return writers


def _talk(writers: dict[str, int], case: _Case, doit: int) -> _Told:
    time.sleep(2.0)  # for what comes with the last start to settle
    pids = find_orchestrator(doit)
    silent = load_load(pids)
    time.sleep(case.seconds / 6)
    before, began = load_load(pids), time.monotonic()
    idle = (before.cpu - silent.cpu) / (case.seconds / 6)
    count, share = case.seconds * _LINES_A_SECOND, 1.0 / _LINES_A_SECOND / case.agents
    for number in range(count):
        for index, (spec, writer) in enumerate(writers.items()):
            # spread over the tenth of a second: agents do not speak in step
            wait = began + number / _LINES_A_SECOND + index * share - time.monotonic()
            if wait > 0.001:
                time.sleep(wait)
            os.write(writer, f"{case.render_line(spec, number)}\n".encode())
    seconds = time.monotonic() - began
    after = load_load(pids)
    for writer in writers.values():
        os.write(writer, f"{case.render_end()}\n".encode())
        os.close(writer)
    return _Told(before=before, after=after, seconds=seconds, idle=idle)


def _require_all_lines(folder: Path, spec: str, case: _Case) -> None:
    """Raises RuntimeError where a line is missing in the log of the agent, or there is one too many."""
    log = (folder / ".git" / "chant" / "attempts" / spec / "1" / "log").read_text().splitlines()
    lines = [case.render_line(spec, number) for number in range(case.seconds * _LINES_A_SECOND)]
    if log != [*lines, case.render_end()]:
        raise RuntimeError(f"{spec}: {len(log)} lines in its log, {len(lines) + 1} were said")
