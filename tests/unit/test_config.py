"""What `.chant/config.md` may say, and how it is told that it may not."""

import os
import pickle
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.config import (
    Config,
    Criteria,
    Defaults,
    LogConfig,
    Parallel,
    ProjectConfig,
    Timeouts,
    Worktrees,
    find_model,
    find_timeouts,
    load_config,
    parse_duration,
    render_duration,
)
from chant_tasks.config.branches import Branch, find_branch_collisions, is_branch_name
from chant_tasks.config.render import render_config
from chant_tasks.duration import parse_size
from chant_tasks.errors import ConfigError
from chant_tasks.spec.model import SpecId, SpecTimeout
from chant_tasks.spec.parse import parse_spec


def load(tmp_path: Path, settings: str | bytes, user_settings: str = "") -> Config:
    """Return the config of a project whose frontmatter is `settings`; bytes are the file whole."""
    folder, home = tmp_path / ".chant", tmp_path / "home"
    folder.mkdir()
    (home / ".config/chant").mkdir(parents=True)
    data = settings if isinstance(settings, bytes) else f"---\n{settings}\n---\n# Notes\n".encode()
    (folder / "config.md").write_bytes(data)
    if user_settings:
        (home / ".config/chant/config.md").write_text(f"---\n{user_settings}\n---\n")
    return load_config(folder, home)


def complaints(tmp_path: Path, settings: str | bytes, user_settings: str = "") -> str:
    """Return what the settings are refused with, paths cut to their last part."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, settings, user_settings)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_a_project_without_a_config_has_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path / ".chant", tmp_path) == Config()


def test_the_defaults_are_those_of_the_reference() -> None:
    assert Config() == Config(
        project=ProjectConfig(name=None),
        defaults=Defaults(provider=None, model=None, prompt=None, main_branch=None),
        providers={},
        parallel=Parallel(stagger_delay_ms=200, stagger_jitter_ms=0),
        timeouts=Timeouts(wall=None, silence=1800.0, grace=10.0),
        log=LogConfig(limit=64 << 20),
        worktrees=Worktrees(path=None, include=(), setup=None),
        criteria=Criteria.REQUIRE,
        unused=(),
    )


def test_every_setting_is_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
project: {name: shop}
defaults: {provider: claude, model: sonnet, prompt: careful, main_branch: trunk}
providers:
  command: {argv: [my-agent, --fast]}
  claude: {executable: /opt/claude, args: [--max-turns, 50], model: opus}
parallel: {stagger_delay_ms: 1000, stagger_jitter_ms: 200}
timeouts: {wall: 1h30m, silence: 90, grace: 0.5}
log: {limit: 1.5 MB}
worktrees: {path: ../trees, include: [.env, node_modules/], setup: make deps}
criteria: warn
""",
    )

    assert config == Config(
        project=ProjectConfig(name="shop"),
        defaults=Defaults(provider="claude", model="sonnet", prompt="careful", main_branch="trunk"),
        providers={
            "command": {"argv": ("my-agent", "--fast")},
            "claude": {"executable": "/opt/claude", "args": ("--max-turns", "50"), "model": "opus"},
        },
        parallel=Parallel(stagger_delay_ms=1000, stagger_jitter_ms=200),
        timeouts=Timeouts(wall=5400.0, silence=90.0, grace=0.5),
        log=LogConfig(limit=3 << 19),
        worktrees=Worktrees(path="../trees", include=(".env", "node_modules/"), setup="make deps"),
        criteria=Criteria.WARN,
    )


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("defaults:\n  provder: claude", "3: unknown key `defaults.provder` (did you mean `provider`?)"),
        ("default:\n  provider: claude", "2: unknown key `default` (did you mean `defaults`?)"),
        ("model: opus", "2: unknown key `model` (did you mean `defaults.model`?)"),
        ("defaults:\n  zzz: 1", "3: unknown key `defaults.zzz`"),
        ("providers:\n  claud: {model: a}", "3: unknown key `providers.claud` (did you mean `claude`?)"),
        ("providers: {geminy: {model: a}}", "2: unknown key `providers.geminy` (did you mean `gemini`?)"),
        ("providers: {mine: {modle: a}}", "2: unknown key `providers.mine.modle`"),
        ("providers: {command: {arg: [a]}}", "2: unknown key `providers.command.arg` (did you mean `argv`?)"),
        ("defaults:\n  model: [a]", "3: `defaults.model` must be a text, not a list"),
        ("defaults:\n  model: {a: b}", "3: `defaults.model` must be a text, not a section"),
        ("defaults:\n  provider: yes", "3: `defaults.provider` must be a text, not `yes`"),
        ("defaults:\n  model: ''", "3: `defaults.model` must be a text, not empty"),
        ("defaults: claude", "2: `defaults` must be a section with keys below it, not `claude`"),
        ("providers:\n  command:\n    argv: [[a]]", "4: `providers.command.argv` must be a list of texts"),
        (
            "parallel: {stagger_delay_ms: -1}",
            "2: `parallel.stagger_delay_ms` must be a whole number of milliseconds, not `-1`",
        ),
        (
            "parallel: {stagger_delay_ms: '1'}",
            "2: `parallel.stagger_delay_ms` must be a whole number of milliseconds, not `1`",
        ),
        (
            "timeouts:\n\n  wall: 1:30",
            "4: `timeouts.wall` must be a time such as 30m, 1h30m, 90 or none, not `1:30`",
        ),
        (
            "timeouts: {wall: [30m]}",
            "2: `timeouts.wall` must be a time such as 30m, 1h30m, 90 or none, not a list",
        ),
        ("log: {limit: big}", "2: `log.limit` must be a size such as 64 MB or none, not `big`"),
        ("log: {limit: 10 kB}", "2: `log.limit` must be at least 64 kB, not `10 kB`"),
        (
            "criteria: requir",
            "2: `criteria` must be one of require, warn, ignore, not `requir` (did you mean `require`?)",
        ),
        ("criteria: warn\ncriteria: ignore", "3: `criteria` is there twice"),
        ("- a", "2: the frontmatter must be settings, not a list"),
        ("a: b: c", "2: YAML: mapping values are not allowed in this context"),
        ("isolation: nome", "2: `isolation` must be one of auto, worktree, none, not `nome` (did you mean `none`?)"),
        ("defaults: {branch: maybe}", "2: `defaults.branch` must be true or false, not `maybe`"),
        ("defaults:\n\tmodel: a", "3: YAML: a tab, where YAML takes spaces only"),
        ("criteria: *warn", "2: YAML: found undefined alias"),
        ("criteria: wa\0rn", "2: YAML: control characters are not allowed"),
        ("watch: " + "[" * 100_000 + "]" * 100_000, "2: YAML: nested more than 50 deep"),
        ("watch:\n" + "\n".join(f"{' ' * level}- " for level in range(1, 300)), "52: YAML: nested more than 50 deep"),
        ('project: {name: "a\\e[31m"}', "2: `project.name` holds what cannot be printed: `a [31m`"),
        ("project: {name: ../x}", "2: `project.name` must be part of a folder's name (60 bytes, no `/`), not `../x`"),
        ('defaults: {model: "a\\nb"}', "2: `defaults.model` must be one line, not `a b`"),
        (
            "defaults: {main_branch: a..b}",
            "2: `defaults.main_branch` must be a branch's name, such as main, not `a..b`",
        ),
        (
            "defaults: {main_branch: refs/heads/main}",
            "2: `defaults.main_branch` must be a branch's name, such as main, not `refs/heads/main`",
        ),
        (
            "defaults: {branch_prefix: -}",
            "2: `defaults.branch_prefix` must be the start of a branch's name, such as chant/, not `-`",
        ),
        (
            f"parallel: {{stagger_delay_ms: {'9' * 5000}}}",
            f"2: `parallel.stagger_delay_ms` must be at most 86400000 (a day), not `{'9' * 59}…`",
        ),
        (
            "timeouts: {wall: 36501d}",
            "2: `timeouts.wall` must be a time such as 30m, 1h30m, 90 or none, not `36501d`",
        ),
        (f"log: {{limit: {'9' * 400}}}", f"2: `log.limit` must be a size such as 64 MB or none, not `{'9' * 59}…`"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_the_nearest_key(
    tmp_path: Path, settings: str, complaint: str
) -> None:
    assert complaints(tmp_path, settings) == f".chant/config.md:{complaint}"


def test_a_bomb_of_aliases_is_no_more_than_what_it_is_written_as(tmp_path: Path) -> None:
    letters = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{one}: &{one} [{', '.join([f'*{other}'] * 10)}]" for other, one in pairwise(letters)]

    assert complaints(tmp_path, "\n".join(lines)).splitlines()[-1] == ".chant/config.md:11: unknown key `j`"


def test_of_a_file_that_is_no_config_not_every_line_is_complained_of(tmp_path: Path) -> None:
    said = complaints(tmp_path, "\n".join(f"key{number}: 1" for number in range(5000)))

    assert len(said.splitlines()) == 20


def test_a_config_is_a_regular_file_of_a_length_that_one_can_read(tmp_path: Path) -> None:
    folder = tmp_path / ".chant"
    folder.mkdir()

    def complain() -> str:
        with pytest.raises(ConfigError) as caught:
            load_config(folder, tmp_path)
        return caught.value.reason

    (folder / "config.md").mkdir()
    assert complain() == "is no regular file"
    (folder / "config.md").rmdir()
    os.mkfifo(folder / "config.md")
    assert complain() == "is no regular file"
    (folder / "config.md").unlink()
    (folder / "config.md").symlink_to("nowhere")
    assert complain() == "links to a file that is not there"
    (folder / "config.md").unlink()
    (folder / "config.md").symlink_to("config.md")
    assert complain().startswith("cannot be read: ")
    (folder / "config.md").unlink()
    (folder / "config.md").write_bytes(b"---\n---\n" + b"x" * (1 << 20))
    assert complain() == "has 1,048,584 bytes; 1,048,576 are read at most"


def test_a_config_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / ".chant").mkdir()
    (tmp_path / "shared.md").write_text("---\ncriteria: warn\n---\n")
    (tmp_path / ".chant" / "config.md").symlink_to(tmp_path / "shared.md")

    assert load_config(tmp_path / ".chant", tmp_path).criteria is Criteria.WARN


def test_nothing_that_is_set_drives_a_terminal_when_it_is_shown(tmp_path: Path) -> None:
    shown = render_config(load(tmp_path, 'worktrees: {setup: "make\\n  deps"}\nwatch: {"\\e[31m": 1}'))

    assert "worktrees.setup              make deps\n" in shown
    assert shown.endswith("not used here: watch. [31m\n")


def test_all_that_is_wrong_is_said_at_once_in_both_files(tmp_path: Path) -> None:
    said = complaints(tmp_path, "a1: 1\ncriteria: nope", user_settings="project: 4")

    assert said.splitlines() == [
        "home/.config/chant/config.md:2: `project` must be a section with keys below it, not `4`",
        ".chant/config.md:2: unknown key `a1`",
        ".chant/config.md:3: `criteria` must be one of require, warn, ignore, not `nope`",
    ]


def test_an_error_with_others_survives_pickling() -> None:
    error = ConfigError(Path("a"), 1, "x", "y", (ConfigError(Path("b"), 2, "z"),))

    assert str(pickle.loads(pickle.dumps(error))) == "a:1: x\n  y\nb:2: z"


def test_the_project_is_above_the_user_key_by_key(tmp_path: Path) -> None:
    """chant replaced whole sections: a project that set one key lost all others of the user's file."""
    config = load(
        tmp_path,
        "defaults: {model: opus}\nproviders: {claude: {args: [a]}}\nwatch: {poll_interval_ms: 1}",
        user_settings=(
            "defaults: {provider: claude, model: haiku}\nproviders: {claude: {args: [b, c], model: x}}\n"
            "watch: {poll_interval_ms: 2}\nproject: {prefix: p}"
        ),
    )

    assert config == Config(
        defaults=Defaults(provider="claude", model="opus"),
        providers={"claude": {"args": ("a",), "model": "x"}},
        unused=("watch.poll_interval_ms", "project.prefix"),
    )


def test_what_chant_knows_and_we_do_not_act_on_is_accepted_and_named(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
project: {name: a, prefix: b, silent: true}
defaults: {prompt_extensions: [x], split_model: opus}
providers: {ollama: {endpoint: http://localhost, max_retries: 3}, openai: {retry_delay_ms: 5}}
parallel: {max_workers: 3, stagger_delay_ms: 5}
repos: [{name: a, path: b}]
enterprise: {derived: {team: {from: path}}, required: [team]}
approval: {rejection_action: manual}
lint: {thresholds: {complexity_words: 3}}
watch: {failure: {max_retries: 3}}
site: {title: T}
validation:
silent: true
""",
    )

    assert config.unused == (
        "project.prefix",
        "project.silent",
        "defaults.prompt_extensions",
        "defaults.split_model",
        "providers.ollama.endpoint",
        "providers.ollama.max_retries",
        "providers.openai.retry_delay_ms",
        "parallel.max_workers",
        "repos",
        "enterprise.derived",
        "enterprise.required",
        "approval.rejection_action",
        "lint.thresholds",
        "watch.failure",
        "site.title",
        "validation",
        "silent",
    )
    assert config.parallel == Parallel(stagger_delay_ms=5)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# Only prose\n\n---\n\nother: x\n",
        b"---\n---\n",
        b"---\n# nothing set\n---\nprose\n",
        b"---\ndefaults:\n---\n",
        b"---\ndefaults: {model: }\n---\n",
        b"----\na: b\n",
    ],
)
def test_a_file_that_sets_nothing_leaves_the_defaults(tmp_path: Path, data: bytes) -> None:
    assert load(tmp_path, data) == Config()


def test_a_byte_order_mark_and_crlf_are_no_obstacle(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf---\r\nproject:\r\n  name: shop\r\n---\r\n# Notes\r\n---\r\n"

    assert load(tmp_path, data) == Config(project=ProjectConfig(name="shop"))


def test_a_file_that_cannot_be_read_as_text_is_named(tmp_path: Path) -> None:
    assert complaints(tmp_path, b"---\nproject: \xff\n---\n") == ".chant/config.md: this is not UTF-8 text"


def test_a_frontmatter_that_never_closes_is_named(tmp_path: Path) -> None:
    assert complaints(tmp_path, b"---\na: b\n") == ".chant/config.md:1: the frontmatter has no closing `---`"


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".chant/config.md").mkdir(parents=True)

    with pytest.raises(ConfigError, match=r"config\.md: is no regular file"):
        load_config(tmp_path / ".chant", tmp_path)


@pytest.mark.parametrize("name", ["1.0", "2026", "2026-01-24", "0x1f", "release/2"])
def test_a_branch_that_looks_like_a_number_stays_as_written(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, f"defaults: {{main_branch: {name}}}").defaults.main_branch == name


def test_a_single_text_is_a_list_of_one(tmp_path: Path) -> None:
    assert load(tmp_path, "worktrees: {include: .env}").worktrees.include == (".env",)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("90", 90.0),
        ("90s", 90.0),
        ("0.5", 0.5),
        ("2d", 172800.0),
        ("1m30", 90.0),
        ("0", None),
        ("none", None),
        ("off", None),
        ("0s", None),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:30", "30 minutes", "m", "30m1h", "1.5h", "nan", "inf", "٣"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**8).map(lambda tenths: tenths / 10))
def test_a_time_survives_being_written_and_read(seconds: float) -> None:
    assert parse_duration(render_duration(seconds)) == pytest.approx(seconds)


def test_off_switches_a_timeout_off(tmp_path: Path) -> None:
    config = load(tmp_path, "timeouts: {wall: 0, silence: off, grace: none}", user_settings="timeouts: {wall: 5m}")

    assert config.timeouts == Timeouts(wall=None, silence=None, grace=0.0)


def test_the_model_is_the_first_that_is_named() -> None:
    config = Config(defaults=Defaults(model="config"), providers={"claude": {"model": "own"}})
    environ = {"CHANT_MODEL": "chant", "ANTHROPIC_MODEL": "anthropic"}

    assert find_model("spec", environ, config, "provider", "claude") == "spec"
    assert find_model(None, environ, config, "provider", "claude") == "chant"
    assert find_model(None, {"CHANT_MODEL": "", "ANTHROPIC_MODEL": "anthropic"}, config, None) == "anthropic"
    assert find_model(None, {}, config, "provider", "claude") == "own"
    assert find_model(None, {}, config, "provider", "command") == "config"
    assert find_model(None, {}, Config(), "provider") == "provider"
    assert find_model(None, {}, Config(), None) is None


def test_the_list_of_settings_says_what_holds_and_names_the_unused_once() -> None:
    config = Config(
        project=ProjectConfig(name="shop"),
        providers={"command": {"argv": ("my-agent", "-x")}},
        worktrees=Worktrees(include=(".env", "*.local")),
        unused=("project.prefix", "watch.failure"),
    )

    assert render_config(config) == (
        "project.name                 shop\n"
        "defaults.provider            command\n"
        "defaults.model               the provider's\n"
        "defaults.prompt              standard\n"
        "defaults.main_branch         the branch that is checked out\n"
        "defaults.branch              false\n"
        "defaults.branch_prefix       chant/\n"
        "defaults.stack               false\n"
        "defaults.pr                  false\n"
        "providers.command.argv       my-agent, -x\n"
        "parallel.stagger_delay_ms    200\n"
        "parallel.stagger_jitter_ms   0\n"
        "limits.pause                 15m\n"
        "limits.longest_pause         1h\n"
        "limits.backoff               30s\n"
        "limits.tries                 5\n"
        "budget.usd                   none\n"
        "budget.tokens                none\n"
        "budget.per_spec_usd          none\n"
        "attempts                     3\n"
        "timeouts.wall                none\n"
        "timeouts.silence             30m\n"
        "timeouts.grace               10s\n"
        "timeouts.push                2m\n"
        "timeouts.check               none\n"
        "log.limit                    64 MB\n"
        "worktrees.path               the folder for temporary files\n"
        "worktrees.include            .env, *.local\n"
        "worktrees.setup              -\n"
        "worktrees.pool               while a run goes on\n"
        "checks                       -\n"
        "record_cost                  false\n"
        "criteria                     require\n"
        "isolation                    auto\n"
        "on_conflict                  attention\n"
        "conflict_attempts            2\n"
        "push                         false\n"
        "git.provider                 as the remote's address tells\n"
        "git.remote                   origin\n"
        "git.command                  -\n"
        "serialize_overlaps           false\n"
        "\n"
        "not used here: project.prefix, watch.failure\n"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("providers: {command: {argv: [a]}}\n", 1),
        ("# Settings\n\ndefaults:\n  provider: command\n", 3),
        ("---\ncriteria: warn\n---\n\nprose\n\nproviders: {command: {argv: [a]}}\n", 7),
    ],
)
def test_a_setting_outside_of_the_frontmatter_is_named_instead_of_ignored(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "config.md").write_text(text)

    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, tmp_path / "home")

    assert caught.value.line == line
    assert "between two `---`" in caught.value.reason


def test_prose_may_name_settings_within_a_line(tmp_path: Path) -> None:
    (tmp_path / "config.md").write_text("---\n---\nThe key `criteria: warn` is not set.\n")

    assert load_config(tmp_path, tmp_path / "home") == Config()


@pytest.mark.parametrize(
    "name", ["a..b", "x~", "x^1", "c:x", "x.lock", "q?", "[b]", "x@{y", "a b", "a*", ".x", "x.", "a\\b", "a//b", "a\tb"]
)
def test_a_spec_whose_branch_git_cannot_have_is_told_so(name: str) -> None:
    branches = {SpecId(name): Branch(name=f"spec/{name}", is_kept=False)}

    assert find_branch_collisions(branches, ()) == {
        SpecId(name): f"git cannot have a branch named spec/{name}: rename its file"
    }


def test_names_as_chant_makes_them_are_branches() -> None:
    assert is_branch_name("spec/2026-01-24-01x-v06.2")
    assert is_branch_name("chant/übung-1")


def test_a_config_that_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.md")

    with pytest.raises(ConfigError, match="is no regular file"):
        load_config(tmp_path, tmp_path / "home")


def test_a_provider_of_another_package_has_settings_as_ours_have(tmp_path: Path) -> None:
    (tmp_path / "config.md").write_text("---\nproviders: {mine: {executable: /opt/mine, args: [-x], model: m}}\n---\n")

    assert load_config(tmp_path, tmp_path).providers == {
        "mine": {"executable": "/opt/mine", "args": ("-x",), "model": "m"}
    }


@pytest.mark.parametrize(
    ("provider", "model"), [("claude", "opus"), ("command", "opus"), ("codex", None), ("aider", None)]
)
def test_a_model_of_anthropics_is_asked_of_nobody_elses_agent(provider: str, model: str | None) -> None:
    assert find_model(None, {"ANTHROPIC_MODEL": "opus"}, Config(), None, provider) == model


@pytest.mark.parametrize(
    ("own", "wall", "silence"),
    [
        (SpecTimeout(), 3600.0, 1800.0),
        (SpecTimeout(wall=60.0), 60.0, 1800.0),
        (SpecTimeout(wall=0.0, silence=5.0), None, 5.0),
        (SpecTimeout(silence=0.0), 3600.0, None),
    ],
)
def test_a_spec_goes_before_the_settings_in_how_long_its_agent_may_take(
    own: SpecTimeout, wall: float | None, silence: float | None
) -> None:
    config = Config(timeouts=Timeouts(wall=3600.0, silence=1800.0, grace=2.0))
    spec = parse_spec(SpecId("a"), Path("a.md"), b"---\nstatus: pending\n---\n# A\n")
    assert spec is not None

    timeouts = find_timeouts(replace(spec, timeout=own), config)

    assert timeouts == Timeouts(wall=wall, silence=silence, grace=2.0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("64 MB", 64 << 20), ("1.5gb", 3 << 29), ("100k", 102400), ("1000", 1000), ("none", None), ("off", None)],
)
def test_a_size_is_read_as_people_write_it(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "64 XB", "1..5 MB", "1e3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        parse_size(text)
