"""The real command lines: where they are, and what makes each ask our service instead of its maker's."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chant_tasks.agents.contract import Setting
from chant_tasks.config.schema import AGENTS

# Read at import, for what begins with CHANT_ is dropped from the environment of every test.
FOLDERS = os.environ.get("CHANT_TEST_AGENTS", "")
KEY = "sk-fake-of-the-tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an agent needs beside its launch: a model, variables, arguments, and files in its home.

    One that sends what is for loopback to a proxy, too, gets none.
    """

    model: str
    env: Callable[[str], Mapping[str, str]]
    args: Callable[[str], tuple[str, ...]] = lambda _: ()
    home: Mapping[str, object] = field(default_factory=dict)
    has_tools: bool = True
    has_proxy: bool = True


def _opencode(url: str) -> Mapping[str, str]:
    options = {"baseURL": f"{url}/v1", "apiKey": KEY}
    model = {"limit": {"context": 200000, "output": 32000}, "cost": {"input": 3, "output": 15}}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "Own", "options": options, "models": {"own-model": model}}
    config = {"enabled_providers": ["own"], "provider": {"own": provider}}
    off = ("OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_DEFAULT_PLUGINS")
    return {"OPENCODE_CONFIG_CONTENT": json.dumps(config), **dict.fromkeys(off, "1")}


def _copilot(url: str) -> Mapping[str, str]:
    provider = {"TYPE": "openai", "BASE_URL": f"{url}/v1", "API_KEY": KEY}
    names = {f"COPILOT_PROVIDER_{name}": value for name, value in provider.items()}
    return {**names, "COPILOT_OFFLINE": "true", "COPILOT_MODEL": "gpt-5.4"}


def _codex(url: str) -> tuple[str, ...]:
    provider = f'{{name="own",base_url="{url}/v1",env_key="OWN_KEY",wire_api="responses",request_max_retries=1}}'
    settings = ("model_provider=own", f"model_providers.own={provider}", "features.plugins=false")
    return tuple(part for setting in settings for part in ("-c", setting))


SETUPS: Mapping[str, Setup] = {
    "claude": Setup(
        model="claude-sonnet-4-5",
        env=lambda url: {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
        },
    ),
    "codex": Setup(model="gpt-5.5", env=lambda _: {"OWN_KEY": KEY}, args=_codex),
    "gemini": Setup(
        model="gemini-2.5-pro",
        env=lambda url: {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url},
        # Else it takes the address for a gateway's, for which it has no login.
        home={
            ".gemini/settings.json": {
                "security": {"auth": {"selectedType": "gemini-api-key"}},
                "privacy": {"usageStatisticsEnabled": False},
                "general": {"enableAutoUpdate": False, "maxAttempts": 1},
            }
        },
    ),
    "opencode": Setup(
        model="own/own-model",
        env=_opencode,
        # Else it installs a package into its config folder.
        home={
            ".config/opencode/package-lock.json": {
                "packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}},
            },
            ".config/opencode/node_modules/.keep": {},
        },
    ),
    "qwen": Setup(
        model="qwen3-coder-plus",
        env=lambda url: {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": "qwen3-coder-plus"},
        has_proxy=False,
    ),
    "copilot": Setup(model="gpt-5.4", env=_copilot),
    "aider": Setup(
        model="openai/own-model",
        env=lambda url: {"OPENAI_API_KEY": KEY, "OPENAI_API_BASE": f"{url}/v1"},
        args=lambda _: ("--edit-format", "whole"),
        home={".aider/caches/model_prices_and_context_window.json": {"own": {}}},
        has_tools=False,
    ),
}
assert tuple(SETUPS) == AGENTS


def require_installed(name: str) -> str:
    """Return the agent's command; skips where it is not there."""
    if not FOLDERS:
        pytest.skip("CHANT_TEST_AGENTS names no folders with agents to run")
    command = shutil.which(name, path=FOLDERS)
    if command is None:
        pytest.skip(f"{name} is not in {FOLDERS}")
    return str(Path(command).absolute())


def plan_settings(name: str, command: str, url: str) -> Mapping[str, Setting]:
    """Return what `providers.<name>` has to say."""
    return {"executable": command, "args": SETUPS[name].args(url)}


def plan_variables(name: str, home: Path, url: str) -> dict[str, str]:
    """Return the whole environment of an agent: nothing of this machine's but the way to programs."""
    names = [f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    identity = dict(zip(names, ("Ann Author", "ann@example.com") * 2, strict=True))
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), url)
    return {
        "PATH": f"{FOLDERS}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "GIT_TERMINAL_PROMPT": "0",
        **(proxies if SETUPS[name].has_proxy else {}),
        **identity,
        **SETUPS[name].env(url),
    }


def add_home(name: str, home: Path) -> None:
    """Make the agent's home, with the settings that its setup has."""
    (home / "tmp").mkdir(parents=True)
    for path, content in SETUPS[name].home.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(json.dumps(content))
