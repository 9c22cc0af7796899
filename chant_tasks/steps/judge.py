"""Which members of a stack may land, by the project's checks."""

from collections.abc import Sequence
from pathlib import Path

from chant_tasks.events import AgentSaid, CheckStarted, Notice
from chant_tasks.git.objects import find_tree
from chant_tasks.git.refs import apply_ref
from chant_tasks.landing.bisect import Search, search_green
from chant_tasks.landing.land import landing_ref
from chant_tasks.landing.stack import Stack
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.attempt import render_path
from chant_tasks.steps.candidate import Batch, Broken
from chant_tasks.steps.check_worktree import find_lender, lend_worktree
from chant_tasks.steps.checks import Red, Trial, find_log, note_in_log, run_checks, shorten_command, word_flaky
from chant_tasks.words import render_count


class Judge:
    """One stack under its checks. `reds` has what failed, by how many members there were: 0 is the target alone."""

    def __init__(self, batch: Batch, stack: Stack) -> None:
        self.reds: dict[int, Red] = {}
        self._batch = batch
        self._stack = stack
        self._lender: SpecId | None = None

    def search(self) -> Search:
        """What may land. Raises CheckStopped, and ChantError or OSError where checks could not be run."""
        self._hold()
        found = search_green(len(self._stack.members), self._is_green)
        if found.was_flaky:
            last = self._last(len(self._stack.members))
            self._batch.run.emit(Notice(spec=last, text=word_flaky(self.reds.values())))
        return found

    def find_broken(self, found: Search) -> dict[SpecId, Broken]:
        """Who does not land because of a check."""
        members = self._stack.members
        if found.is_target_red:
            return {made.request.spec: Broken(red=self.reds[0], is_target=True) for made in members}
        if found.culprit is None:
            return {}
        return {self._last(found.culprit): Broken(red=self.reds[found.culprit])}

    def _hold(self) -> None:
        """Keep git from throwing away what is being checked: a check may take longer than its patience."""
        batch, members = self._batch, self._stack.members
        if not members or not self._find_commands(len(members)):
            return
        tip = self._stack.find_commit(len(members))
        for made in members:
            apply_ref(batch.git, landing_ref(made.request.spec), tip, None, "chant: about to be checked")

    def _is_green(self, count: int) -> bool:
        commands = self._find_commands(count)
        if not commands:
            return True
        commit, run = self._stack.find_commit(count), self._batch.run
        name = f"{find_tree(self._batch.git, commit)} {commands!r}"
        if run.desk.is_green(name):
            return True
        red = self._check(count, commands)
        if red is None:
            run.desk.add_green(name)
        else:
            self.reds[count] = red
        return red is None

    def _find_commands(self, count: int) -> tuple[str, ...]:
        """All checks of the first members; of the target's own the one that fails with the first of them, where that is
        no check of that spec's alone: what it asks for may not be there yet."""
        if not count:
            command = self.reds[1].command
            return (command,) if command in self._batch.run.config.checks else ()
        specs = [made.request.spec for made in self._stack.members[:count]]
        return tuple(dict.fromkeys(command for spec in specs for command in self._batch.find(spec).checks))

    def _check(self, count: int, commands: Sequence[str]) -> Red | None:
        spec = self._last(count)
        self._tell(spec, count, commands)
        worktree = self._lend()
        attempt = self._batch.find(spec).attempt
        trial = Trial(attempt=attempt, worktree=worktree, commit=self._stack.find_commit(count))
        red = run_checks(self._batch.run, trial, commands)
        self._note(trial, count, red)
        return red

    def _note(self, trial: Trial, count: int, red: Red | None) -> None:
        """Note in the log of everybody who was checked how that ended, and whose has what the checks said."""
        run, how = self._batch.run, red.reason if red is not None else "all succeeded"
        words = f"checks {trial.commit[:10]}: {how}; said in {render_path(run, find_log(run, trial.attempt))}"
        for made in self._stack.members[:count]:
            if made.request.spec != trial.attempt.spec.id:
                note_in_log(run, self._batch.find(made.request.spec).attempt, words)

    def _lend(self) -> Path:
        """The worktree for all checks of this stack, taken at the first."""
        batch, members = self._batch, self._stack.members
        if self._lender is None:
            attempts = [batch.find(made.request.spec).attempt for made in reversed(members)]
            lender = find_lender(batch.run, attempts) or attempts[0]
            tip = self._stack.find_commit(len(members))
            batch.note(lender.spec.id, lend_worktree(batch.run, lender, tip))
            self._lender = lender.spec.id
        return Path(batch.find(self._lender).attempt.record.check_worktree)

    def _last(self, count: int) -> SpecId:
        """Of the first members the last, whose log tells what their checks say."""
        return self._stack.members[max(count, 1) - 1].request.spec

    def _tell(self, spec: SpecId, count: int, commands: Sequence[str]) -> None:
        run, members = self._batch.run, self._stack.members
        names = ", ".join(f"`{shorten_command(command)}`" for command in commands)
        together = f" on {render_count(count, 'spec')} together" if count > 1 else ""
        where = together if count else f" on {self._batch.target}"
        again = ", once more: it failed" if count in self.reds else ""
        run.emit(CheckStarted(spec=spec, text=f"{names}{where}{again}"))
        text = f"is checked with {render_count(len(members) - 1, 'other spec')}"
        for made in members:
            if made.request.spec != spec:
                run.emit(AgentSaid(spec=made.request.spec, text=text))
