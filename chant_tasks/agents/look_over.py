"""Looks an agent over: its version, its help, its login, and one call against a service of ours on loopback.

Everything it starts is bounded, and ends with it; nothing that it starts gets the user's login, or past loopback.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from chant_tasks.agents.asking import ANSWER_SECONDS, run_briefly
from chant_tasks.agents.checkup import Checkup, find_flags, find_login, find_missing, find_version
from chant_tasks.agents.contract import (
    Exit,
    Launch,
    Provider,
    Request,
    Setting,
    find_checkup,
    keep_events,
    list_arguments,
    render_exit,
)
from chant_tasks.agents.environment import drop_misleading
from chant_tasks.agents.look import Call, Facts, Look, Subject, find_problems
from chant_tasks.agents.loopback import Say, Script, serve
from chant_tasks.agents.loopback.pointed import KEY, add_pointed_home, plan_pointed_environment
from chant_tasks.git.runner import Git
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

_SHARED = "# Rules\n\nYou are looked over.\n\n"
_PROMPT = f"{_SHARED}Say hello. Change nothing.\n"
_SESSION = "5f2c81aa-0000-4000-8000-0000000000d0"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The user's environment and home, who is told what is being done, and for how many seconds each is waited for."""

    environ: Mapping[str, str]
    home: Path
    tell: Tell
    answer_seconds: float = ANSWER_SECONDS
    call_seconds: float = 90.0


def look_over(provider: Provider, settings: Mapping[str, Setting], subject: Subject, around: Surroundings) -> Look:
    """Look an agent over and return what was found; `subject` says what is known of it beforehand.

    One without a checkup is only looked for: how to ask it anything, nobody knows.
    """
    path = shutil.which(subject.command, path=around.environ.get("PATH")) if subject.command else None
    facts = Facts(path=path or "")
    checkup = find_checkup(provider)
    if path is not None and checkup is not None:
        with tempfile.TemporaryDirectory(prefix="chant-look-", ignore_cleanup_errors=True) as folder:
            facts = _Visit(provider, checkup, settings, path, Path(folder)).find_facts(around)
    return Look(subject=subject, facts=facts, problems=find_problems(subject, facts))


@dataclass(frozen=True, slots=True)
class _Visit:
    """One agent that is there, and an empty folder to start it in."""

    provider: Provider
    checkup: Checkup
    settings: Mapping[str, Setting]
    path: str
    folder: Path

    def find_facts(self, around: Surroundings) -> Facts:
        name = self.provider.name
        around.tell(f"{name}: asking for its version and its help")
        flags = find_flags(
            tuple(word for resume in ("", _SESSION) for word in self._plan(self.folder, resume).argv[1:])
        )
        own = find_flags(list_arguments(self.settings))
        exit, told = self._ask(("--version",), around)
        help = "\n".join(self._ask(arguments, around)[1] for arguments in self.checkup.help)
        around.tell(f"{name}: one call on loopback")
        return Facts(
            path=self.path,
            version=find_version(told),
            version_problem=_find_problem(exit, around.answer_seconds),
            flags=len(flags),
            missing=find_missing(flags, help),
            unknown_arguments=find_missing(own, help),
            login=find_login(self.checkup.login, around.environ, around.home),
            call=self._call(around),
        )

    def _ask(self, arguments: tuple[str, ...], around: Surroundings) -> tuple[Exit, str]:
        """Return how the agent ended that was started with these arguments only, and what it printed."""
        env = {**self._plan(self.folder, "").env, **drop_misleading(around.environ)}
        asked = self.folder / "asked"
        asked.mkdir(exist_ok=True)
        exit, told = run_briefly(
            Launch(argv=(self.path, *arguments), env={}, stdin=""), asked, env, around.answer_seconds
        )
        return exit, told or exit.stderr

    def _call(self, around: Surroundings) -> Call:
        home, attempt, repository = (self.folder / name for name in ("home", "attempt", "repository"))
        attempt.mkdir()
        repository.mkdir()
        Git(repository, finds_place=True).run("init", "-q")
        with serve(Script((Say("Hello."),))) as script:
            pointed = self.checkup.point(script.url, KEY)
            script.has_tools = pointed.has_tools
            add_pointed_home(pointed, home)
            launch = self._plan(attempt, "", model=pointed.model, args=pointed.args, cwd=repository)
            for name, text in {**launch.files, "prompt.md": _PROMPT}.items():
                (attempt / name).write_text(text)
            search_path = around.environ.get("PATH", os.defpath)
            env = plan_pointed_environment(pointed, home=home, url=script.url, search_path=search_path)
            exit, told = run_briefly(launch, repository, {**launch.env, **env}, around.call_seconds)
        events = keep_events(event for line in told.splitlines() for event in self.provider.parse_line(line))
        outcome = self.provider.judge(replace(exit, ended_at=datetime.now(UTC)), events)
        return Call(outcome=outcome, requests=len(script.requests), strays=tuple(script.strays))

    def _plan(
        self,
        attempt: Path,
        resume: str,
        *,
        model: str = "some-model",
        args: tuple[str, ...] = (),
        cwd: Path | None = None,
    ) -> Launch:
        # The user's own arguments stay out: they may name what only the user's own home has.
        request = Request(
            spec=SpecId("look"),
            prompt=_PROMPT,
            prompt_file=attempt / "prompt.md",
            cwd=cwd or self.folder,
            model=model,
            run=None,
            session=_SESSION,
            settings={"executable": self.path, "args": args},
            is_root=os.geteuid() == 0,
            resume=resume,
            folder=attempt,
            session_folder=attempt,
            shared=_SHARED,
        )
        return self.provider.plan_launch(request)


def _find_problem(exit: Exit, seconds: float) -> str:
    if exit.ended_by == "wall timeout":
        return f"no answer within {seconds:g} seconds"
    return "" if exit.status == 0 else render_exit(exit)
