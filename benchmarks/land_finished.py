"""Lands the finished branches of the repository that it is started in, by the steps' own code, and says what it took.

python land_finished.py THREADS OUT.json: with one thread each lands alone; with more, what is ready at once lands
together. What is written: the seconds of it all and of CPU, and of each landing when it was done.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from chant_tasks.agents.stop import Stop
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import AgentEnd, Phase, add_open, attempt_folder, render_record
from chant_tasks.journal.locks import Lock
from chant_tasks.overview import load_overview
from chant_tasks.spec.model import Spec
from chant_tasks.state import Kind
from chant_tasks.steps.attempt import Attempt, plan_record
from chant_tasks.steps.land import land_attempt
from chant_tasks.steps.prepare import prepare_run
from chant_tasks.steps.run import SpecRun


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finished:
    """Work that was found to be done: all that landing it asks for."""

    attempt: Attempt
    end: bytes
    head: Oid


def main(threads: int, out: Path) -> None:
    """Land all, and write down what that took."""
    run = prepare_run(load_overview(Path.cwd()), lambda _: None, Stop(), frozenset())
    finished = [_add_finished(run, spec) for spec in run.overview.folder.specs.values()]
    done: list[float] = []
    landed: list[bool] = []
    begun, cpu = time.perf_counter(), _find_cpu()

    def land(one: _Finished) -> None:
        with run.landings.expecting():
            state = land_attempt(run, one.attempt, one.end, one.head)
        landed.append(state.kind is Kind.COMPLETED)
        done.append(time.perf_counter() - begun)

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(finished), threads):
            for _ in pool.map(land, finished[start : start + threads]):
                pass
    out.write_text(json.dumps({"cpu": _find_cpu() - cpu, "done": sorted(done), "landed": sum(landed)}))


def _add_finished(run: SpecRun, spec: Spec) -> _Finished:
    """The attempt of a spec whose branch is there, in the journal as it is once the work was found to be done."""
    journal, given = run.overview.project.journal_folder, spec.path.read_bytes()
    record = plan_record(run, spec, is_rerun=False, is_ignored=False)
    head = find_commit(run.git, f"refs/heads/{record.branch}")
    base = find_commit(run.git, f"{head}^")
    assert head is not None
    assert base is not None
    record = replace(record, phase=Phase.FINISHED, base=base, head=head, commits=(head[:7],))
    record = replace(record, agent="script", agent_end=AgentEnd.FINISHED, has_started=True)
    folder = attempt_folder(journal, spec.id, record.number)
    folder.mkdir(parents=True)
    for name, data in (("given.md", given), ("end.md", given), ("record.json", render_record(record))):
        (folder / name).write_bytes(data)
    add_open(journal, spec.id)
    return _Finished(attempt=Attempt(spec=spec, record=record, given=given, lock=Lock(-1)), end=given, head=head)


def _find_cpu() -> float:
    """The seconds of CPU of this process and of all that it has waited for."""
    taken = os.times()
    return taken.user + taken.system + taken.children_user + taken.children_system


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
