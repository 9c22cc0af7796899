"""What each agent is started with; the tests of real ones show that it takes it so."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.agents.contract import Launch, Report, Request
from chant_tasks.agents.registry import PROVIDERS
from chant_tasks.spec.model import SpecId

SESSION, EARLIER = "5f2c81aa-0000-4000-8000-000000000000", "11111111-1111-4111-8111-111111111111"
REQUEST = Request(
    spec=SpecId("2026-01-24-001-abc"),
    prompt="Do it.",
    prompt_file=Path("/journal/2/prompt.md"),
    cwd=Path("/tmp/chant-001"),
    model="some-model",
    run=None,
    session=SESSION,
    settings={},
    is_root=True,
    folder=Path("/journal/2"),
    session_folder=Path("/journal/1"),
)


def launch(name: str, resume: str = "", model: str | None = "some-model") -> Launch:
    return PROVIDERS[name].plan_launch(replace(REQUEST, resume=resume, model=model))


def test_codex_reads_its_prompt_from_stdin_and_works_without_its_sandbox() -> None:
    settings = ("analytics.enabled=false", "feedback.enabled=false", "check_for_update_on_startup=false")
    more = (*settings, "features.unbounded_connection_retries=false")
    flags = (
        "--json",
        "--dangerously-bypass-approvals-and-sandbox",
        *(word for setting in more for word in ("-c", setting)),
    )

    assert launch("codex") == Launch(
        argv=("codex", "exec", *flags, "-m", "some-model", "-"), env={}, stdin="Do it.", session=""
    )
    assert launch("codex", EARLIER, model=None) == Launch(
        argv=("codex", "exec", "resume", *flags, EARLIER, "-"), env={}, stdin="Do it.", session=EARLIER
    )


@pytest.mark.parametrize(("name", "prefix"), [("gemini", "GEMINI_CLI"), ("qwen", "QWEN_CODE")])
def test_gemini_and_qwen_get_defaults_below_their_users_settings(name: str, prefix: str) -> None:
    planned, path = launch(name), f"/journal/2/{name}-defaults.json"

    assert planned.argv == (name, "-o", "stream-json", "--yolo", "--session-id", SESSION, "-m", "some-model")
    assert planned.env[f"{prefix}_SYSTEM_DEFAULTS_PATH"] == path
    assert planned.env[f"{prefix}_NO_RELAUNCH"] == "true"
    assert (planned.stdin, planned.session) == ("Do it.", SESSION)
    defaults = json.loads(planned.files[f"{name}-defaults.json"])
    assert defaults["general"]["enableAutoUpdate"] is False
    assert defaults["privacy"]["usageStatisticsEnabled"] is False
    assert launch(name, EARLIER, model=None).argv == (name, "-o", "stream-json", "--yolo", "--resume", EARLIER)


def test_qwen_does_not_sign_commits_that_are_its_users() -> None:
    general = json.loads(launch("qwen").files["qwen-defaults.json"])["general"]

    assert general["gitCoAuthor"] == {"commit": False, "pr": False}


def test_opencode_has_a_database_for_each_session() -> None:
    planned = launch("opencode")

    words = ("opencode", "run", "--format", "json", "--auto", "--title", "2026-01-24-001-abc")
    assert planned.argv == (*words, "-m", "some-model")
    assert launch("opencode", EARLIER, model=None).argv == (*words, "--session", EARLIER)
    # What is gone on from lies with the attempt that began it.
    assert planned.env["OPENCODE_DB"] == "/journal/1/opencode.db"
    assert (planned.stdin, planned.session) == ("Do it.", "")


def test_copilot_leaves_a_report_in_the_attempts_folder() -> None:
    planned = launch("copilot")

    assert planned.argv == (
        *("copilot", "--output-format", "json", "--allow-all", "--no-ask-user", "--no-auto-update", "--no-color"),
        *("--usage-output-file", "/journal/2/copilot-usage.json"),
        *(f"--session-id={SESSION}", "--model", "some-model"),
    )
    assert f"--resume={EARLIER}" in launch("copilot", EARLIER).argv
    assert planned.report is not None
    assert planned.report.name == "copilot-usage.json"
    assert planned.report.parse("{cut") == planned.report.parse("[]") == planned.report.parse("") == ()


def test_aider_keeps_its_files_out_of_the_worktree_and_itself_out_of_commits() -> None:
    planned = launch("aider")

    flags = set(planned.argv)
    assert {"--no-attribute-author", "--no-attribute-committer", "--no-attribute-co-authored-by"} <= flags
    assert {"--no-gitignore", "--no-analytics", "--no-check-update", "--yes-always"} <= flags
    assert planned.argv[-2:] == ("--message-file", "/journal/2/prompt.md")
    paths = [word for word in planned.argv if word.startswith("/")]
    assert all(word.startswith("/journal/2/") for word in paths)
    assert isinstance(planned.report, Report)
    assert planned.report.parse("cut {\n[]\n") == ()


SHARED = replace(REQUEST, prompt="# Rules\n\nAll.\n\n# The spec\n", shared="# Rules\n\nAll.\n\n")


def test_claude_is_told_in_its_system_prompt_what_all_specs_are_told() -> None:
    begun = PROVIDERS["claude"].plan_launch(SHARED)
    resumed = PROVIDERS["claude"].plan_launch(replace(SHARED, prompt="Go on.", resume=EARLIER))

    for planned, own in ((begun, "# The spec\n"), (resumed, "Go on.")):
        assert planned.argv[planned.argv.index("--append-system-prompt-file") + 1] == "/journal/2/claude-shared.md"
        assert planned.files == {"claude-shared.md": "# Rules\n\nAll.\n\n"}
        assert planned.stdin == own


def test_qwen_is_told_in_its_system_prompt_what_all_specs_are_told() -> None:
    planned = PROVIDERS["qwen"].plan_launch(SHARED)

    assert "--append-system-prompt=# Rules\n\nAll.\n\n" in planned.argv
    assert planned.stdin == "# The spec\n"


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("claude", replace(SHARED, version="2.1.98")),
        ("claude", replace(SHARED, settings={"args": ("--append-system-prompt", "Mine.")})),
        ("qwen", replace(SHARED, settings={"args": ("--append-system-prompt=Mine.",)})),
        ("qwen", replace(SHARED, shared="x" * 30_000, prompt="x" * 30_000 + "own")),
        *((name, SHARED) for name in ("codex", "gemini", "opencode", "copilot")),
    ],
)
def test_others_are_told_all_of_it_in_the_prompt(name: str, request_: Request) -> None:
    planned = PROVIDERS[name].plan_launch(request_)

    assert planned.stdin == request_.prompt
    assert not any(word.startswith("--append-system-prompt-file") for word in planned.argv)


def test_an_older_claude_is_not_given_flags_that_it_ends_at() -> None:
    flag = "--exclude-dynamic-system-prompt-sections"

    assert flag not in PROVIDERS["claude"].plan_launch(replace(REQUEST, version="2.1.98")).argv
    assert flag in PROVIDERS["claude"].plan_launch(replace(REQUEST, version="2.1.101")).argv


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "opencode", "qwen", "copilot", "aider"])
def test_arguments_of_the_settings_go_behind_ours(name: str) -> None:
    planned = PROVIDERS[name].plan_launch(replace(REQUEST, settings={"args": ("--last", "word")}))
    at = planned.argv.index("--last")

    assert planned.argv[at + 1] == "word"
    ours = [word for word in planned.argv[at + 2 :] if word.startswith("--")]
    assert ours in ([], ["--message-file"])
