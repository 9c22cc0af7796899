"""What holds for every provider of `chant_tasks.agents.contract`, as tests that a subclass runs against one.

    class TestMine(ProviderContract):
        provider = Mine()

Nothing is started, read or written. pytest collects the subclass; any other runner may call its `test_…` methods.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import ClassVar

from chant_tasks.agents.contract import (
    AgentEvent,
    Exit,
    GaveUp,
    Outcome,
    Postponed,
    Provider,
    Request,
    Setting,
    Stopped,
    keep_events,
)
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

_ARGUMENT_LIMIT = 100_000  # one argument of 128 KB is more than Linux takes
_EARLIER = "11111111-1111-4111-8111-111111111111"
_ODD_LINES = (
    *("", " ", "\t", "\x1b[31mred\x1b[0m", "\x00", "naïve ✓", "�", "x" * 100_000),
    *("{", "}", "[]", "null", "42", '"text"', "NaN", "{}", '{"type":', "[" * 5000),
    *('{"type": null}', '{"type": {}}', '{"type": "result"}', '{"type": "error", "error": []}'),
    *('{"type": "assistant", "message": []}', '{"type": "item.completed", "item": 1}'),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What an agent printed on stdout in one run, how it ended, and what that has to come to."""

    output: str
    exit: Exit
    outcome: Outcome


def make_request(settings: Mapping[str, Setting], model: str | None = "some-model") -> Request:
    """Return what an attempt may ask of an agent; its folders are not there."""
    folder = Path("/nowhere/attempts/001/1")
    return Request(
        spec=SpecId("001"),
        prompt="Do what the spec says.\n",
        prompt_file=folder / "prompt.md",
        cwd=Path("/nowhere/worktree"),
        model=model,
        run="true",
        session="5f2c81aa-0000-4000-8000-000000000000",
        settings=settings,
        is_root=False,
        folder=folder,
        session_folder=folder,
    )


class ProviderContract:
    """The tests. A subclass names its provider, the settings that it needs to be started, and what it can do without.

    `takes_prompt` and `takes_model` are False for one that has no use for them; `takes_settings` where it knows none of
    `executable` and `args`. `transcripts` are what the agent was seen to print.
    """

    provider: ClassVar[Provider]
    settings: ClassVar[Mapping[str, Setting]] = {}
    takes_prompt: ClassVar[bool] = True
    takes_model: ClassVar[bool] = True
    takes_settings: ClassVar[bool] = True
    transcripts: ClassVar[tuple[Transcript, ...]] = ()

    def test_its_name_is_a_word(self) -> None:
        assert self.provider.name.replace("-", "").replace("_", "").isalnum()
        assert self.provider.name == self.provider.name.lower()
        assert self.provider.default_model != ""
        assert all(self.provider.tested)

    def test_the_command_that_is_looked_for_is_the_one_that_is_started(self) -> None:
        launch = self.provider.plan_launch(make_request(self.settings))

        assert launch.argv[0] == self.provider.executable(self.settings)

    def test_planning_the_same_twice_gives_the_same(self) -> None:
        request = make_request(self.settings)

        assert self.provider.plan_launch(request) == self.provider.plan_launch(request)

    def test_a_launch_can_be_started(self) -> None:
        asked = ((is_root, version) for is_root in (False, True) for version in ("", "0.1", "999.9.9"))
        for is_root, version in asked:
            request = replace(make_request(self.settings), is_root=is_root, version=version)
            launch = self.provider.plan_launch(request)

            texts = (*launch.argv, *launch.env, *launch.env.values())
            assert all(isinstance(text, str) and "\0" not in text for text in texts)
            assert not any(name.startswith(("CHANT_", "GIT_")) for name in launch.env)  # these are not a provider's

    def test_files_and_report_stay_in_the_attempts_folder(self) -> None:
        launch = self.provider.plan_launch(make_request(self.settings))

        for name in (*launch.files, *((launch.report.name,) if launch.report else ())):
            path = PurePosixPath(name)
            assert not path.is_absolute()
            assert ".." not in path.parts
            assert name not in ("record.json", "given.md", "end.md", "final.md", "prompt.md", "log", "exit")

    def test_a_long_prompt_reaches_the_agent(self) -> None:
        request = replace(make_request(self.settings), prompt="Do it. " * 50_000)
        launch = self.provider.plan_launch(request)

        assert all(len(argument) < _ARGUMENT_LIMIT for argument in launch.argv)
        if self.takes_prompt:
            assert request.prompt in launch.stdin or any(str(request.prompt_file) in word for word in launch.argv)

    def test_what_all_specs_are_told_reaches_the_agent_once(self) -> None:
        shared = "Rules of all specs.\n"
        request = replace(make_request(self.settings), shared=shared, prompt=f"{shared}Do this one.\n")
        launch = self.provider.plan_launch(request)

        if self.takes_prompt:
            told = "\n".join((*launch.argv, launch.stdin, *launch.files.values()))
            is_in_file = any(str(request.prompt_file) in word for word in launch.argv)
            assert is_in_file or (told.count(shared.strip()), told.count("Do this one.")) == (1, 1)

    def test_the_model_is_asked_for_where_one_is_named(self) -> None:
        named = self.provider.plan_launch(make_request(self.settings, model="some-model"))
        unnamed = self.provider.plan_launch(make_request(self.settings, model=None))

        if self.takes_model:
            assert any("some-model" in word for word in (*named.argv, *named.env.values()))
            assert named != unnamed
        assert "None" not in unnamed.argv

    def test_settings_name_the_executable_and_add_arguments(self) -> None:
        if not self.takes_settings:
            return
        settings = {**self.settings, "executable": "/opt/other", "args": ("--mine", "1")}
        launch = self.provider.plan_launch(make_request(settings))

        assert launch.argv[0] == self.provider.executable(settings) == "/opt/other"
        assert "--mine 1" in " ".join(launch.argv)

    def test_a_session_is_gone_on_from_by_its_id(self) -> None:
        request = make_request(self.settings)
        launch = self.provider.plan_launch(replace(request, resume=_EARLIER))

        if self.provider.can_resume:
            assert any(_EARLIER in word for word in launch.argv)
            assert not any(request.session in word for word in launch.argv)
            assert launch.session == _EARLIER
        else:
            assert launch == self.provider.plan_launch(request)

    def test_no_line_breaks_the_reading(self) -> None:
        for line in _ODD_LINES:
            events = self.provider.parse_line(line)

            assert isinstance(events, tuple)
            assert all(isinstance(event, AgentEvent) and is_readable(event) for event in events)

    def test_a_stopped_agent_is_stopped(self) -> None:
        for exit in (Exit(status=0, ended_by="stopped"), Exit(status=None, signal=15, ended_by="stopped")):
            assert isinstance(self.provider.judge(exit, ()), Stopped)

    def test_an_agent_whose_time_is_up_has_not_finished(self) -> None:
        for exit in (Exit(status=0, ended_by="wall timeout"), Exit(status=None, signal=9, ended_by="silence timeout")):
            outcome = self.provider.judge(exit, ())

            assert isinstance(outcome, GaveUp)
            assert exit.ended_by is not None
            assert exit.ended_by in outcome.reason

    def test_a_crash_is_given_up_with_its_way(self) -> None:
        outcome = self.provider.judge(Exit(status=None, signal=11, stderr="boom"), ())

        assert isinstance(outcome, GaveUp)
        assert "SIGSEGV" in outcome.reason
        assert "boom" in outcome.reason

    def test_a_failure_without_a_word_has_a_reason(self) -> None:
        for status in (1, 2, 53, 126, 127, 255, None):
            outcome = self.provider.judge(Exit(status=status), ())

            assert isinstance(outcome, GaveUp | Postponed)
            assert outcome.reason

    def test_each_transcript_comes_to_what_it_was(self) -> None:
        for transcript in self.transcripts:
            lines = transcript.output.splitlines()
            events = [event for line in lines for event in self.provider.parse_line(line)]

            assert self.provider.judge(transcript.exit, keep_events(events)) == transcript.outcome


def is_readable(event: AgentEvent) -> bool:
    """Return whether what an event says is one line, without what would move a terminal's cursor."""
    texts = [value for name in ("text", "detail", "summary") if isinstance(value := getattr(event, name, ""), str)]
    return not any(ord(character) < 32 or 127 <= ord(character) < 160 for text in texts for character in text)
