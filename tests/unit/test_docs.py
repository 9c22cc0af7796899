"""What the documentation names is there, and what is there is documented."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from chant_tasks.config import load_config
from chant_tasks.config.schema import AGENTS, CHANT_KEYS, CHANT_SECTIONS, SETTINGS
from chant_tasks.prompts import Place, load_template, plan_variables, render_prompt
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_specs

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

# The first column of the table, so that each key is a test of its own.
KEYS = tuple(
    re.findall(
        r"^\| `([a-z_]+)` \| (?:text|list|true|keys)", (ROOT / "docs/reference/spec-format.md").read_text(), re.M
    )
)

DOIT_COMMANDS = {"clean", "dumpdb", "forget", "help", "ignore", "info", "list", "reset-dep", "run", "strace"}
# Tasks that the pages' examples, and this repository, have.
TASKS = {"agents-contract", "announce", "bench", "build", "check", "fault-soak", "specs", "test", "tidy", "upstream"}
# Specs of the examples, by their short ids.
SPECS = {"bold", "bye", "cor", "doc", "env", "hang", "hel", "hey", "own", "que", "shy"}


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in target]

    assert [target for target in targets if not (page.parent / target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_command_that_is_named_is_there(page: Path) -> None:
    known = DOIT_COMMANDS | our_commands() | TASKS | SPECS

    assert [command for command in find_commands(page.read_text()) if command not in known] == []


def test_every_command_of_ours_is_documented() -> None:
    headings = [
        line for line in (ROOT / "docs/reference/commands.md").read_text().splitlines() if line.startswith("## ")
    ]

    assert our_commands() <= {name for line in headings for name in re.findall(r"`doit ([a-z-]+)", line)}


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.parent != ROOT}

    assert {page for page in pages - {"README.md"} if f"({page})" not in index} == set()


def test_the_settings_that_are_documented_are_those_of_the_schema() -> None:
    documented = first_column("config.md", "Keys")

    assert {key.replace("<agent>", agent) for key in documented for agent in AGENTS} == set(SETTINGS)


def test_the_keys_of_chants_that_are_documented_are_those_that_are_accepted() -> None:
    rows = section_of("config.md", "Keys of chant's").splitlines()
    named = {key for row in rows if row.startswith("| ") for key in re.findall(r"`([^`]+)`", row)}

    assert named == CHANT_SECTIONS | CHANT_KEYS


def test_the_documented_defaults_of_settings_hold(tmp_path: Path) -> None:
    config = load_config(tmp_path, tmp_path)

    rows = {cells[0]: cells[2] for cells in table_of("config.md", "Keys")}
    assert (rows["timeouts.wall"], config.timeouts.wall) == ("none", None)
    assert (rows["timeouts.silence"], config.timeouts.silence) == ("30m", 1800.0)
    assert (rows["timeouts.grace"], config.timeouts.grace) == ("10s", 10.0)
    assert rows["parallel.stagger_delay_ms"] == str(config.parallel.stagger_delay_ms)
    assert rows["criteria"] == config.criteria.value


def test_the_frontmatter_keys_that_are_documented_are_those_that_are_read() -> None:
    of_the_body = {"id", "path", "title", "names_dependencies", "criteria", "body", "problem"}

    assert set(first_column("spec-format.md", "Keys that are read")) == {f.name for f in fields(Spec)} - of_the_body


@pytest.mark.parametrize("key", KEYS)
def test_every_frontmatter_key_that_is_documented_makes_a_difference(key: str) -> None:
    value = {"status": "paused", "timeout": "1h", "allow_no_changes": "true", "approval": "{required: true}"}.get(
        key, "other"
    )

    assert parse(f"---\n{key}: {value}\n---\n") != parse("---\n---\n")


def test_every_status_is_documented() -> None:
    named = re.findall(r"`([a-z_]+)`", "".join(cells[0] for cells in table_of("spec-format.md", "Status", raw=True)))

    assert set(named) == {status.value for status in Status}


def test_the_variables_that_are_documented_are_those_that_are_filled_in() -> None:
    documented = {name.strip("{}") for name in first_column("prompts.md", "Variables")}

    assert documented == set(plan_variables(own_specs()[0], PLACE, ""))


def test_every_variable_that_an_agent_gets_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z_]+)`", section_of("environment.md", "Those that an agent gets")))
    text = (ROOT / "chant_tasks/agents/environment.py").read_text()

    assert set(re.findall(r'"((?:CHANT|GIT_(?:AUTHOR|COMMITTER))_[A-Z_]+)"', text)) <= documented


def test_this_repositorys_own_specs_can_be_read_and_prompted() -> None:
    folder = ROOT / ".chant"
    config = load_config(folder, Path("/nonexistent"))
    template = load_template(folder / "prompts", config.defaults.prompt or "standard")

    loaded = load_specs(folder / "specs")
    assert (loaded.unreadable, loaded.without_frontmatter) == ({}, ())
    assert all(spec.criteria and not spec.problem for spec in own_specs())
    assert all(spec.title in render_prompt(template, plan_variables(spec, PLACE, "")) for spec in own_specs())
    assert (config.project.name, config.unused) == ("chant_tasks", ())


PLACE = Place(
    spec_path=".chant/specs/some.md",
    description="",
    worktree="somewhere",
    branch="spec/some",
    project="chant_tasks",
)


def parse(text: str) -> Spec | None:
    return parse_spec(SpecId("some"), Path("some.md"), text.encode())


def own_specs() -> tuple[Spec, ...]:
    return tuple(load_specs(ROOT / ".chant" / "specs").specs.values())


def our_commands() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return set(settings["project"]["entry-points"]["doit.COMMAND"])


def find_commands(text: str) -> Iterator[str]:
    """What follows `doit` where that is a name: in code spans, and in lines of code that begin with it."""
    spans = re.findall(r"`(doit [^`]+)`", text)
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines() if line.startswith("    ")]
    for command in (*spans, *(line for line in lines if re.match(r"[^|]*\bdoit [a-z]", line))):
        for words in re.findall(r"(?:^|&& |next: |(?<!the )next +|then: +)doit ((?:[^&])*)", command):
            first = words.split()[0]
            if re.fullmatch(r"[a-z][a-z-]+", first):
                yield first


def section_of(page: str, heading: str) -> str:
    text = (ROOT / "docs" / "reference" / page).read_text()
    return re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def table_of(page: str, heading: str, *, raw: bool = False) -> list[list[str]]:
    """The rows of a section's table, below its head."""
    rows = [line for line in section_of(page, heading).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[1:]]
    return cells if raw else [[cell.strip("`") for cell in row] for row in cells]


def first_column(page: str, heading: str) -> list[str]:
    return [row[0] for row in table_of(page, heading)]
