"""What is read from an agent's version, help and login."""

from pathlib import Path

import pytest

from chant_tasks.agents.checkup import (
    Login,
    LoginFile,
    find_flags,
    find_login,
    find_missing,
    find_untested,
    find_version,
    is_older,
)
from chant_tasks.agents.contract import find_checkup
from chant_tasks.agents.registry import PROVIDERS
from chant_tasks.config.provider_names import INSTALL
from tests.agents.install import AIDER, NPM

TESTED = ("2.1.197", "2.1.329")
LOGIN = Login(
    variables=("MY_TOKEN", "*_API_KEY"),
    files=(LoginFile(variable="MY_HOME", folder=".mine", name="auth.json"),),
    how="run `mine login`",
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.1.197 (Claude Code)\n", "2.1.197"),
        ("codex-cli 0.169.0\n", "0.169.0"),
        ("GitHub Copilot CLI 1.0.102.\nRun 'copilot update'", "1.0.102"),
        ("no number here", ""),
    ],
)
def test_a_version_is_found_in_what_an_agent_says_of_itself(text: str, version: str) -> None:
    assert find_version(text) == version


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2.1.197", ""),
        ("2.1.200", ""),
        ("2.2", "newer than 2.1.329, the newest that was tested"),
        ("2.1.1000", "newer than 2.1.329, the newest that was tested"),
        ("2.1.9", "older than 2.1.197, the oldest that was tested"),
        ("", ""),
    ],
)
def test_a_version_beyond_those_tested_is_known_by_its_numbers(version: str, words: str) -> None:
    assert find_untested(version, TESTED) == words


def test_nothing_is_beyond_where_nothing_was_tested() -> None:
    assert find_untested("9.9", ()) == ""


def test_flags_are_known_without_their_values_and_once() -> None:
    assert find_flags(("run", "-o", "json", "--resume=abc", "--resume", "-", "--", "-o")) == ("-o", "--resume")


def test_a_flag_is_not_found_within_another() -> None:
    help = "  -p, --print   say it\n  --model-list\n  --no-color\n"

    assert find_missing(("-p", "--print", "--model", "--color"), help) == ("--model", "--color")
    assert find_missing(("--prompt", "--prompt-file", "--pro"), "--prompt[-file] <text>") == ("--pro",)


def test_a_version_that_is_not_known_is_older_than_none() -> None:
    assert is_older("2.1.98", "2.1.101")
    assert not is_older("2.1.101", "2.1.101")
    assert not is_older("", "2.1.101")


def test_a_login_is_told_by_where_it_is_and_never_by_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / ".mine" / "auth.json"
    file.parent.mkdir()
    file.write_text("secret")

    assert find_login(LOGIN, {"MY_TOKEN": "secret"}, tmp_path) == "MY_TOKEN is set"
    assert find_login(LOGIN, {"ANY_API_KEY": "secret"}, tmp_path) == "ANY_API_KEY is set"
    assert find_login(LOGIN, {"MY_TOKEN": ""}, tmp_path) == "~/.mine/auth.json is there"
    assert find_login(LOGIN, {"MY_HOME": str(tmp_path)}, tmp_path) == ""
    assert find_login(LOGIN, {"MY_HOME": f"{tmp_path}/.mine"}, Path("/elsewhere")) == f"{file} is there"
    assert find_login(LOGIN, {"MY_HOME": "a\0b"}, tmp_path) == ""


def test_each_known_agent_can_be_looked_over() -> None:
    for name in INSTALL:
        checkup = find_checkup(PROVIDERS[name])

        assert checkup is not None
        assert checkup.login.how
        pointed = checkup.point("http://127.0.0.1:9", "the-key")
        assert "127.0.0.1:9" in f"{pointed.env}{pointed.args}"
        assert "the-key" in str(pointed.env)


def test_the_versions_that_are_installed_for_tests_are_those_that_adapters_name() -> None:
    installed = {name: package.rpartition("@")[2] for name, package in NPM.items()} | {
        "aider": AIDER.partition("==")[2]
    }

    assert set(installed) == set(INSTALL)
    for name, version in installed.items():
        assert version in PROVIDERS[name].tested
