"""What `doit spec-lint` finds, in overviews made by hand."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.config import Config, Defaults
from chant_tasks.doit_plugin.commands.lint import render_counts, render_findings, render_findings_json
from chant_tasks.doit_plugin.commands.lint_rules import Finding, Level, find_line, load_findings
from chant_tasks.doit_plugin.screens.terminal import PLAIN
from chant_tasks.errors import ConfigError, SpecError
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State
from tests.unit.doit_plugin.overviews import ROOT, make_overview, make_spec

A, B = SpecId("2026-01-24-001-aaa"), SpecId("2026-01-24-002-bbb")
DONE = State(kind=Kind.COMPLETED)
CRITERIA = "## Acceptance Criteria\n\n- [ ] one\n"
PATH_A = ROOT / ".chant" / "specs" / f"{A}.md"
E = Level.ERROR
W = Level.WARNING


def find(overview: Overview, chosen: Sequence[SpecId] | None = None) -> tuple[Finding, ...]:
    return load_findings(overview, lambda command: f"/bin/{command}", chosen)


def summarize(overview: Overview) -> list[tuple[Level, str]]:
    return [(finding.level, finding.reason) for finding in find(overview)]


def one(frontmatter: str = "", body: str = CRITERIA, state: State | None = None) -> Overview:
    return make_overview(make_spec(A, frontmatter=frontmatter, body=body), states={A: state} if state else None)


def test_where_all_is_well_nothing_is_said() -> None:
    assert find(one()) == ()
    assert render_counts(1, ()) == "1 spec: nothing wrong"


def test_a_dependency_that_is_missing_stops_a_spec_and_is_only_odd_for_a_finished_one() -> None:
    broken = one("depends_on: [gone]")
    finished = replace(
        one("depends_on: [gone]", state=DONE),
        graph=replace(broken.graph, problems={}, warnings=broken.graph.problems),
    )

    assert summarize(broken) == [(E, f"{A} depends on gone, which is not there")]
    assert summarize(finished) == [(W, f"{A} depends on gone, which is not there")]


def test_each_spec_of_a_cycle_is_named_where_it_stands() -> None:
    overview = make_overview(
        make_spec(A, frontmatter=f"depends_on: [{B}]", body=CRITERIA),
        make_spec(B, frontmatter=f"depends_on: [{A}]", body=CRITERIA),
    )

    assert [(finding.spec, finding.level) for finding in find(overview)] == [(A, E), (B, E)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", (W, "no acceptance criteria")),
        ("## Acceptance Criteria\n\n- [ ] \n", (W, "a criterion without text")),
        ("```\n## Acceptance Criteria\n", (E, "the section `## Acceptance Criteria` (line 8) is inside a code fence")),
    ],
)
def test_criteria_that_promise_nothing_are_found(body: str, expected: tuple[Level, str]) -> None:
    ((level, reason),) = summarize(one(body=body))

    assert (level, reason[: len(expected[1])]) == expected


def test_a_driver_needs_neither_criteria_nor_an_agent() -> None:
    overview = make_overview(make_spec(A, frontmatter="provider: nobody"), make_spec(f"{A}.1", body=CRITERIA))

    assert find(overview) == ()


def test_of_finished_specs_only_oddities_are_told() -> None:
    assert find(one("provider: nobody\nprompt: none", body="", state=DONE)) == ()


@pytest.mark.parametrize(
    ("frontmatter", "reason"),
    [
        ("provider: script", "no `run:`, which the provider `script` needs"),
        ("provider: claud", "unknown provider `claud` (did you mean `claude`?)"),
        ("provider: ollama", "the provider `ollama` is not supported"),
        ("provider: command", "the provider `command` has no command"),
        ("prompt: nowhere", f"there is no prompt `nowhere` in {ROOT}/.chant/prompts"),
        ("context: [../secret]", "context `../secret` is outside of the project"),
        ("labels: [a=b]", "its label `a=b` holds `=`, which doit cannot have in a task's name"),
    ],
)
def test_what_an_agent_or_doit_could_not_take_is_an_error(frontmatter: str, reason: str) -> None:
    assert summarize(one(frontmatter)) == [(E, reason)]


def test_an_agent_that_is_not_installed_and_a_file_that_is_not_there_yet_are_warnings() -> None:
    overview = one("context: [not/there.py]")

    found = load_findings(overview, lambda _: None)

    assert [finding.level for finding in found] == [W, W]
    assert "no agent found" in found[0].reason
    assert found[1].reason == "context `not/there.py` is no file here"


def test_what_comes_from_the_settings_is_told_once_and_there() -> None:
    specs = (make_spec(A, body=CRITERIA), make_spec(B, body=CRITERIA))
    overview = replace(make_overview(*specs), config=Config(defaults=Defaults(prompt="mine")))

    (finding,) = find(overview)

    assert (finding.path, finding.spec) == (ROOT / ".chant" / "config.md", None)


def test_every_unknown_variable_of_a_prompt_that_is_used_is_found(tmp_path: Path) -> None:
    prompts = tmp_path / ".chant" / "prompts"
    prompts.mkdir(parents=True)
    (prompts / "mine.md").write_text("---\na: b\n---\n{{spec.id}} {{spec.idd}}\n\n{{other}}\n")
    (prompts / "unused.md").write_text("{{whatever}}\n")
    overview = one("prompt: mine")
    overview = replace(overview, project=replace(overview.project, root=tmp_path, top=tmp_path))

    found = find(overview)

    assert [(finding.path, finding.line) for finding in found] == [(prompts / "mine.md", 4), (prompts / "mine.md", 6)]
    assert found[0].reason == "unknown variable `spec.idd` (did you mean `spec.id`?)"


def test_broken_settings_are_told_line_by_line_whatever_is_asked_for() -> None:
    path = ROOT / ".chant" / "config.md"
    error = ConfigError(path, 3, "one", "", (ConfigError(path, 5, "two"),))
    overview = replace(one(), config=None, config_error=error)

    found = find(overview, [A])

    assert [(finding.line, finding.reason) for finding in found] == [(3, "one"), (5, "two")]


def test_only_the_chosen_specs_are_looked_at() -> None:
    overview = make_overview(make_spec(A), make_spec(B))

    assert [finding.spec for finding in find(overview, [B])] == [B]


def test_a_file_without_frontmatter_is_a_warning_and_an_unreadable_one_an_error() -> None:
    overview = one()
    broken = {B: SpecError(ROOT / ".chant" / "specs" / f"{B}.md", 4, "YAML: mapping values are not allowed here")}
    notes = ROOT / ".chant" / "specs" / "notes.md"
    overview = replace(
        overview,
        folder=replace(overview.folder, unreadable=broken, without_frontmatter=(notes,)),
        states={**overview.states, B: State(kind=Kind.BROKEN, reason="unreadable")},
    )

    found = [(finding.level, finding.path, finding.line) for finding in find(overview)]

    assert found == [(E, broken[B].path, 4), (W, notes, 0)]


def test_whatever_else_breaks_a_spec_is_an_error_in_its_states_own_words() -> None:
    assert summarize(one(state=State(kind=Kind.BROKEN, reason="for a new reason"))) == [(E, "for a new reason")]


def test_a_name_that_neither_doit_nor_git_can_have_is_said_once() -> None:
    name = SpecId("a*b")
    overview = make_overview(make_spec(name, body=CRITERIA))
    problem = "git cannot have a branch named spec/a*b: rename its file"

    assert summarize(replace(overview, problems={name: problem})) == [
        (E, "its name holds `*`, which doit cannot have in a task's name: rename its file")
    ]


def test_a_key_that_was_mistyped_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("---\nstatus: pending\ndepend_on: [x]\ncustomer: Ann\nmembers: [y]\nTarget-Files: z\n---\n# T\n")
    spec = replace(make_spec(A, body=CRITERIA), path=path)

    assert [(finding.line, finding.reason) for finding in find(make_overview(spec))] == [
        (3, "nothing acts on the key `depend_on` (did you mean `depends_on`?)"),
        (6, "nothing acts on the key `Target-Files` (did you mean `target_files`?)"),
    ]


def test_a_pipe_in_a_specs_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")

    assert find_line(tmp_path / "a.md", "depends_on") == 0


def test_the_line_of_a_key_is_0_where_it_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\na: b\nc: d\n---\n")
    (tmp_path / "b.md").write_text("no frontmatter")

    assert [find_line(tmp_path / name, "c") for name in ("a.md", "b.md", "c.md")] == [3, 0, 0]


def test_a_finding_has_the_form_that_editors_know_and_a_hint_comes_once() -> None:
    other = ROOT / ".chant" / "specs" / f"{B}.md"
    findings = [
        Finding(level=E, reason="bad", spec=A, path=PATH_A, line=3, hint="mend it"),
        Finding(level=W, reason="odd", spec=B, path=other, hint="mend it"),
        Finding(level=W, reason="around"),
    ]

    assert list(render_findings(findings, ROOT, PLAIN)) == [
        f".chant/specs/{A}.md:3: error: bad",
        "  mend it",
        f".chant/specs/{B}.md: warning: odd",
        "warning: around",
    ]
    assert render_counts(2, findings) == "2 specs: 1 error, 2 warnings"
    assert json.loads(render_findings_json(findings, ROOT))[0] == {
        "level": "error",
        "reason": "bad",
        "hint": "mend it",
        "spec": A,
        "path": f".chant/specs/{A}.md",
        "line": 3,
    }
