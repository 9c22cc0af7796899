"""`doit list` in a real repository."""

import json
from pathlib import Path

import pytest

from tests.e2e.repository import BUILD, DODO, Repository, make_repository

A, B, C = "2026-01-24-001-aaa", "2026-01-24-002-bbb", "2026-01-25-001-ccc"

WITHOUT_SPECS = """
def task_build():
    '''Compile'''
    return {"actions": ["true"], "file_dep": ["dodo.py"]}

def task_many():
    for name in "ba":
        yield {"name": name, "actions": ["true"], "doc": name}

def task__hidden():
    return {"actions": ["true"]}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "project", DODO + BUILD)
    made.write(".chant/config.md", "---\ndefaults: {provider: script}\n---\n")
    made.add_spec(A, "Add the module", "labels: [auth]\n")
    made.add_spec(B, "Use the module", f"depends_on: [{A}]\nlabels: [auth, api]\n")
    made.add_spec(C, "Speed up the index", "labels: docs\n")
    made.write(
        ".chant/specs/2026-01-20-001-old.md",
        "---\ntype: code\nstatus: completed\ndepends_on: [2026-01-01-001-gone]\n---\n# Old\n",
    )
    made.commit("specs")
    return made


def test_every_spec_is_listed_with_its_state_beside_other_tasks(repository: Repository) -> None:
    done = repository.doit("list")

    assert done.lines == [
        "build                Compile the extension",
        "2026-01-20-001-old   ● completed   Old",
        "2026-01-24-001-aaa   ○ ready       Add the module",
        "2026-01-24-002-bbb   ⊘ blocked     Use the module   by aaa",
        "2026-01-25-001-ccc   ○ ready       Speed up the index",
    ]
    assert done.status == 0


def test_what_a_run_would_refuse_is_said_beside_the_list(repository: Repository) -> None:
    repository.write(
        ".chant/config.md", "---\ndefaults: {provider: claude}\nproviders: {claude: {executable: gone}}\n---\n"
    )
    without_agent = repository.doit("list").stderr.splitlines()[0]
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: nowhere}\n---\n")
    without_target = repository.doit("list").stderr.splitlines()[0]
    repository.write(".chant/config.md", "")
    repository.git("checkout", "--quiet", "--detach")
    detached = repository.doit("list")

    assert without_agent == "nothing can be worked now: gone is not on PATH"
    assert without_target.startswith("nothing can be worked now: the target branch nowhere is not there")
    assert detached.stderr.splitlines()[0].startswith(
        "nothing can be worked now: HEAD is detached and no target branch"
    )
    assert detached.status == 0
    assert (
        repository.doit("list", "--state", "completed").stderr.splitlines()[0].startswith("2026-01-20-001-old depends")
    )


def test_the_story_goes_to_stderr_with_the_counts_last(repository: Repository) -> None:
    done = repository.doit("list")

    assert done.stderr.splitlines() == [
        "2026-01-20-001-old depends on 2026-01-01-001-gone, which is not there",
        "",
        "4 specs: 1 completed, 2 ready, 1 blocked",
    ]


def test_listing_leaves_nothing_in_the_checkout(repository: Repository) -> None:
    repository.doit("list")

    assert [path.name for path in repository.folder.glob(".doit.db*")] == []


def test_states_and_labels_filter_and_hide_other_tasks(repository: Repository) -> None:
    by_state = repository.doit("list", "--state", "ready")
    by_both = repository.doit("list", "--state", "ready", "--state", "blocked", "--label", "api", "--label", "docs")

    assert [line.split()[0] for line in by_state.lines] == [A, C]
    assert [line.split()[0] for line in by_both.lines] == [B, C]
    assert by_both.stderr.splitlines()[-1] == "2 of 4 specs: 1 ready, 1 blocked"


def test_an_unknown_label_is_said_with_the_nearest_and_is_no_failure(repository: Repository) -> None:
    done = repository.doit("list", "--label", "atuh")

    assert (done.status, done.stdout) == (0, "")
    assert done.stderr == "no spec has the label `atuh` (did you mean `auth`?)\n"


def test_a_filter_that_nothing_fits_is_said(repository: Repository) -> None:
    done = repository.doit("list", "--state", "failed", "--label", "auth")

    assert (done.status, done.stdout, done.stderr) == (0, "", "no spec fits --state failed --label auth\n")


def test_an_unknown_state_is_refused(repository: Repository) -> None:
    done = repository.doit("list", "--state", "redy")

    assert done.status == 3
    assert "unknown state `redy` (did you mean `ready`?)" in done.stderr


def test_names_may_be_short_and_options_may_follow_them(repository: Repository) -> None:
    done = repository.doit("list", "ccc", "build", "-q")

    assert done.lines == ["build                ", "2026-01-25-001-ccc   "]


def test_a_group_stands_for_its_specs(repository: Repository) -> None:
    assert [line.split()[0] for line in repository.doit("list", "label:auth").lines] == [A, B]
    assert len(repository.doit("list", "specs").lines) == 4


def test_an_unknown_name_is_refused_with_what_comes_near(repository: Repository) -> None:
    done = repository.doit("list", "2026-01-25-01-ccc")

    assert done.status == 3
    assert f"Did you mean {C}" in done.stderr


def test_shell_completion_gets_every_name_and_nothing_else(repository: Repository) -> None:
    done = repository.doit("list", "--all", "--quiet")

    assert [line.strip() for line in done.lines] == [
        "build",
        "label:api",
        "label:auth",
        "label:docs",
        "specs",
        "2026-01-20-001-old",
        A,
        B,
        C,
    ]
    assert done.stderr == ""


def test_a_template_is_filled_for_specs_too(repository: Repository) -> None:
    done = repository.doit("list", "--template", "{name}|{doc}|{status}", "-s", "build", "aaa", "old")

    assert done.lines == [
        "build|Compile the extension|R",
        "2026-01-20-001-old|Old|U",
        "2026-01-24-001-aaa|Add the module|R",
    ]


def test_doits_own_status_letters_stand_before_the_columns(repository: Repository) -> None:
    done = repository.doit("list", "-s")

    assert done.lines[:2] == [
        "R build                Compile the extension",
        "U 2026-01-20-001-old   ● completed   Old",
    ]
    assert [line[0] for line in done.lines] == ["R", "U", "R", "R", "R"]


def test_file_dependencies_are_listed_as_doit_does(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project", DODO + WITHOUT_SPECS)
    repository.add_spec(A)

    done = repository.doit("list", "--deps")

    assert done.stdout.splitlines()[:3] == ["build                Compile", " -  dodo.py", ""]


def test_json_is_an_array_of_specs_with_stable_keys(repository: Repository) -> None:
    done = repository.doit("list", "--json", "--label", "api")
    (value,) = json.loads(done.stdout)

    assert (value["id"], value["state"], value["reason"], value["depends_on"]) == (B, "blocked", "by aaa", [A])
    assert list(value) == [
        "id",
        "short",
        "state",
        "reason",
        "title",
        "labels",
        "type",
        "depends_on",
        "needed_by",
        "status",
        "file",
        "attempts",
        "branch",
        "pull_request",
        "stacked_on",
        "next",
        "overlaps",
        "overlap_count",
        "conflicts_with",
    ]
    assert done.stderr == ""


def test_the_config_is_printed_with_what_is_not_used(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults:\n  provider: script\nwatch:\n  poll_interval_ms: 1\n---\n")

    done = repository.doit("list", "--config")

    assert done.status == 0
    assert "defaults.provider            script" in done.lines
    assert done.lines[-1] == "not used here: watch.poll_interval_ms"


def test_a_config_that_cannot_be_read_does_not_hide_the_specs(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults:\n  provder: script\n---\n")

    listed, config = repository.doit("list"), repository.doit("list", "--config")

    assert (listed.status, len(listed.lines)) == (0, 5)
    assert ".chant/config.md:3: unknown key `defaults.provder` (did you mean `provider`?)" in listed.stderr
    assert (config.status, config.stdout) == (1, "")


def test_a_file_without_frontmatter_and_one_that_cannot_be_read_are_told_apart(repository: Repository) -> None:
    repository.write(".chant/specs/notes.md", "# Notes\n")
    repository.write(".chant/specs/2026-01-26-002-abc.md", "---\ntitle: a: b\n---\n# X\n")

    done = repository.doit("list")

    assert ".chant/specs/notes.md: no frontmatter, so it is no spec" in done.stderr
    assert [
        line for line in done.lines if line.startswith("2026-01-26-002-abc") and "✗ broken" in line and ":2:" in line
    ]


def test_a_pipe_and_ci_get_no_control_codes_and_whole_lines(repository: Repository) -> None:
    repository.add_spec(C, "A very long title " * 12)

    for env in ({}, {"COLUMNS": "60"}, {"CI": "true", "TERM": "xterm"}):
        done = repository.doit("list", env=env)
        assert "\x1b" not in done.stdout + done.stderr
        assert ("A very long title " * 12).strip() in done.stdout


def test_colour_can_be_forced_and_columns_then_cut(repository: Repository) -> None:
    done = repository.doit("list", "ccc", env={"FORCE_COLOR": "1", "COLUMNS": "45"})

    assert done.lines == ["2026-01-25-001-ccc   \x1b[36m○ ready\x1b[0m   Speed up the…"]


def test_words_stand_for_icons_where_the_locale_is_not_utf8(repository: Repository) -> None:
    for env in ({"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}):
        assert repository.doit("list", "ccc", env=env).lines == ["2026-01-25-001-ccc   ready   Speed up the index"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-q",),
        ("--all",),
        ("-p", "--all", "-s"),
        ("--deps",),
        ("--sort", "definition"),
        ("build",),
        ("many", "--all"),
        ("nothing",),
        ("--template", "{name}"),
    ],
)
def test_without_specs_the_list_is_doits_own(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    repository = make_repository(tmp_path / "project", WITHOUT_SPECS)

    ours = repository.doit("list", *arguments)
    doits = repository.doit("list", *arguments, env={"CHANT_DOIT": "off"})

    assert ours == doits


def test_a_dodo_that_asks_for_specs_in_a_project_without_any_is_listed_by_doit(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project", DODO + WITHOUT_SPECS)

    assert repository.doit("list") == repository.doit("list", env={"CHANT_DOIT": "off"})


def test_a_folder_without_any_spec_yet_shows_no_empty_group(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project", DODO + BUILD)
    (repository.folder / ".chant" / "specs").mkdir(parents=True)

    done = repository.doit("list", "--all")

    assert (done.status, done.stdout, done.stderr) == (0, "build   Compile the extension\n", "")


def test_outside_of_git_other_tasks_are_listed_and_the_reason_is_said(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project")
    repository.folder.mkdir()
    repository.write("dodo.py", DODO + BUILD)
    repository.add_spec(A)

    done = repository.doit("list")

    assert (done.status, "build" in done.stdout) == (1, True)
    assert "is in no git repository" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(repository: Repository) -> None:
    done = repository.shell("doit list --json --state ready | head -1")

    assert (done.stdout, done.stderr) == ("[\n", "")


COLLIDING = """
def task_gen():
    return {"actions": ["true"], "targets": ["./.chant/specs/2026-01-26-003-tgt.md"]}

def task_same():
    return {"basename": "2026-01-26-004-sam", "actions": ["true"]}
"""


def test_the_list_knows_what_a_run_would_refuse_because_of_other_tasks(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project", DODO + COLLIDING)
    repository.add_spec("2026-01-26-001-unk", frontmatter="task_dep: [biuld]\n", run="true")
    repository.add_spec("2026-01-26-002-cyc", frontmatter="task_dep: [specs]\n", run="true")
    repository.add_spec("2026-01-26-003-tgt", run="true")
    repository.add_spec("2026-01-26-004-sam", run="true")
    repository.add_spec("2026-01-26-005-e=q", run="true")
    repository.add_spec("2026-01-26-006-fin", run="echo 1 > 1.txt", frontmatter="task_dep: [gen]\n")
    repository.commit("specs")

    values = {value["id"]: value for value in json.loads(repository.doit("list", "--json").stdout)}
    info = repository.doit("info", "unk")
    run = repository.doit("-n", "2")

    assert {name[11:]: value["state"] for name, value in values.items()} == {
        "001-unk": "broken",
        "002-cyc": "broken",
        "003-tgt": "broken",
        "004-sam": "broken",
        "005-e=q": "broken",
        "006-fin": "ready",
    }
    assert info.lines[1].startswith("✗ broken")
    missing = [value["reason"] for value in values.values() if value["reason"] not in run.stderr]
    assert missing == []
