"""Each of our providers passes the tests that others are given for theirs."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from chant_tasks.agents.command import Command
from chant_tasks.agents.contract import ErrorClass, Exit, Finished, GaveUp, Postponed, Setting
from chant_tasks.agents.registry import PROVIDERS
from chant_tasks.testing import ProviderContract, Transcript


class TestClaude(ProviderContract):
    provider = PROVIDERS["claude"]
    transcripts = (
        Transcript(
            output='{"result": "Done.", "is_error": false, "type": "result"}',
            exit=Exit(status=1),
            outcome=Finished("Done."),
        ),
        Transcript(
            output='{"type":"result","subtype":"success","is_error":true,"api_error_status":529,"result":"Overloaded"}',
            exit=Exit(status=0),
            outcome=Postponed("Overloaded", ErrorClass.OVERLOADED),
        ),
    )


class TestCodex(ProviderContract):
    provider = PROVIDERS["codex"]
    transcripts = (
        Transcript(
            output='{"type":"error","message":"Reconnecting... 2/5 (status 401)"}\n{"type":"turn.completed"}',
            exit=Exit(status=0),
            outcome=Finished(""),
        ),
    )


class TestGemini(ProviderContract):
    provider = PROVIDERS["gemini"]
    transcripts = (
        Transcript(
            output='{"type":"result","status":"error","error":{"message":"[API Error: it went wrong]"}}',
            exit=Exit(status=247),
            outcome=Postponed("[API Error: it went wrong]", ErrorClass.OVERLOADED),
        ),
        Transcript(
            output="Invalid auth method selected.",
            exit=Exit(status=41),
            outcome=GaveUp("it ended without a result (exit status 41)", ErrorClass.AUTH),
        ),
    )


class TestOpencode(ProviderContract):
    provider = PROVIDERS["opencode"]


class TestQwen(ProviderContract):
    provider = PROVIDERS["qwen"]
    transcripts = (
        Transcript(
            output='{"type":"result","subtype":"success","is_error":false,"result":"","usage":{"input_tokens":0}}',
            exit=Exit(status=0),
            outcome=GaveUp("no model answered"),
        ),
    )


class TestCopilot(ProviderContract):
    provider = PROVIDERS["copilot"]
    transcripts = (
        Transcript(
            output='{"type":"assistant.message","data":{"content":"Half of it"}}',
            exit=Exit(status=0),  # as it ends after SIGTERM
            outcome=GaveUp("it ended without a result (exit status 0)", ErrorClass.CRASH),
        ),
    )


class TestAider(ProviderContract):
    provider = PROVIDERS["aider"]
    transcripts = (
        Transcript(
            output="litellm.RateLimitError: slow down\nTokens: 1.2k sent, 42 received.\nCommit 0123456 mend it\n",
            exit=Exit(status=0),
            outcome=Finished("Commit 0123456 mend it"),
        ),
        Transcript(
            output="Tokens: 1.2k sent, 42 received.\nlitellm.RateLimitError: slow down\n",
            exit=Exit(status=0),
            outcome=Postponed("litellm.RateLimitError: slow down", ErrorClass.RATE_LIMIT),
        ),
    )


class TestCommand(ProviderContract):
    provider = PROVIDERS["command"]
    settings: ClassVar[Mapping[str, Setting]] = {"argv": ("my-agent", "--yes")}
    takes_model = False  # it may read CHANT_MODEL
    takes_settings = False
    transcripts = (
        Transcript(output="working\nall done\n", exit=Exit(status=0), outcome=Finished("all done")),
        Transcript(output="", exit=Exit(status=3, stderr="no\n"), outcome=GaveUp("exit status 3: no")),
    )


class TestScript(ProviderContract):
    provider = PROVIDERS["script"]
    takes_prompt = False
    takes_model = False
    takes_settings = False


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_is_tested_here(name: str) -> None:
    assert PROVIDERS[name] in [contract.provider for contract in ProviderContract.__subclasses__()]


def test_a_provider_that_breaks_the_contract_is_told() -> None:
    class Broken(ProviderContract):
        provider = Command(name="SHOUTING !")

    with pytest.raises(AssertionError):
        Broken().test_its_name_is_a_word()
