"""What an agent is told, and what a template may ask for."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.errors import PromptError
from chant_tasks.prompts import (
    BUILT_IN_TEXT,
    CONTEXT_LIMIT,
    Place,
    Template,
    find_prompt_name,
    find_shared,
    load_context,
    load_template,
    plan_variables,
    render_prompt,
)
from chant_tasks.spec.model import Spec, SpecId, Status

PLACE = Place(
    spec_path=".chant/specs/001.md",
    description="# Add retry\n\nRetry {{spec.id}} twice.",
    worktree="/tmp/chant-001",
    branch="spec/001",
    project="shop",
)
SPEC = Spec(
    id=SpecId("2026-01-24-001-abc"),
    path=Path(".chant/specs/001.md"),
    type="code",
    status=Status.PENDING,
    title="Add retry",
    depends_on=(),
    names_dependencies=False,
    labels=(),
    target_files=("src/fetch.py", "docs/fetch.md"),
    context=(),
    task_dep=(),
    prompt=None,
    provider=None,
    model=None,
    run=None,
    allow_no_changes=False,
    approval=None,
    branch=None,
    branch_prefix=None,
    commits=(),
    completed_at=None,
    criteria=(),
    problem=None,
)


def test_every_variable_of_chant_is_filled_in() -> None:
    template = (
        "{{spec.id}}|{{ spec.title }}|{{spec.description}}|{{spec.path}}|{{spec.target_files}}|{{spec.context}}"
        "|{{project.name}}|{{worktree.path}}|{{worktree.branch}}"
    )

    assert render_prompt(template, plan_variables(SPEC, PLACE, "files")) == (
        "2026-01-24-001-abc|Add retry|# Add retry\n\nRetry {{spec.id}} twice.|.chant/specs/001.md"
        "|`src/fetch.py`, `docs/fetch.md`|files|shop|/tmp/chant-001|spec/001"
    )


@given(st.text())
def test_text_of_a_spec_is_never_filled_in_again(text: str) -> None:
    """A spec that writes about prompts must reach the agent as it is."""
    body = f"{text}{{{{spec.title}}}}{{{{no.such}}}}"

    assert render_prompt("<{{a}}>", {"a": body}) == f"<{body}>"


@given(st.text())
def test_a_template_without_double_braces_stays_as_it_is(text: str) -> None:
    plain = text.replace("{{", "")

    assert render_prompt(plain, {}) == plain


@pytest.mark.parametrize("text", ["{{color: red}}", "{{}}", "{{ {a} }}", "{spec.id}", "{{spec.id", "{{a\nb}}"])
def test_what_is_no_name_in_braces_stays(text: str) -> None:
    assert render_prompt(text, {"spec.id": "x"}) == text


def test_what_an_earlier_attempt_left_comes_last_where_the_template_has_no_place_for_it() -> None:
    variables = plan_variables(SPEC, replace(PLACE, earlier="## There\n\n{{spec.id}}\n"), "")

    assert render_prompt("Do {{spec.title}}.\n", variables) == "Do Add retry.\n\n## There\n\n{{spec.id}}\n"
    assert render_prompt("{{ attempt.earlier }}\nGo.", variables) == "## There\n\n{{spec.id}}\nGo."


def test_a_first_attempt_is_told_of_no_earlier_one() -> None:
    variables = plan_variables(SPEC, PLACE, "")

    assert render_prompt("Go.\n{{attempt.earlier}}", variables) == "Go.\n"
    assert render_prompt("Go.\n", variables) == "Go.\n"


def test_an_unknown_variable_is_named_with_its_line_and_the_nearest() -> None:
    template = Template("prompts/mine.md", "one\ntwo {{spec.titel}}\n", first_line=5)

    with pytest.raises(PromptError) as caught:
        render_prompt(template, plan_variables(SPEC, PLACE, ""))

    assert str(caught.value) == "prompts/mine.md:6: unknown variable `spec.titel` (did you mean `spec.title`?)"


def test_an_unknown_variable_with_none_near_lists_all() -> None:
    with pytest.raises(PromptError, match=r"^prompt:1: unknown variable `zzz` \(there are: a, b\)$"):
        render_prompt("{{zzz}}", {"a": "", "b": ""})


def test_the_prompt_is_the_specs_then_the_projects_then_the_standard_one() -> None:
    assert find_prompt_name(replace(SPEC, prompt="own"), "ours") == "own"
    assert find_prompt_name(SPEC, "ours") == "ours"
    assert find_prompt_name(SPEC, None) == "standard"


def test_a_prompts_frontmatter_is_stripped_and_its_lines_still_count(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_bytes(b"\xef\xbb\xbf---\r\nname: mine\r\n---\r\nDo {{x}}.\r\n\r\n---\r\nmore\r\n")

    assert load_template(tmp_path, "mine") == Template(str(tmp_path / "mine.md"), "Do {{x}}.\n\n---\nmore\n", 4)


def test_a_prompt_without_frontmatter_is_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("Do it.\n---\nand that\n---\n")

    assert load_template(tmp_path, "mine").text == "Do it.\n---\nand that\n---\n"


@pytest.mark.parametrize("name", ["standard", "bootstrap"])
def test_the_default_prompt_needs_no_file(tmp_path: Path, name: str) -> None:
    """chant's own default prompt was missing from its releases."""
    assert load_template(tmp_path / "absent", name) == Template("built-in prompt", BUILT_IN_TEXT)


@pytest.mark.parametrize("name", ["standard", "bootstrap"])
def test_a_file_of_the_project_goes_before_the_built_in_prompt(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.md").write_text("Ours.")

    assert load_template(tmp_path, name).text == "Ours."


def test_a_missing_prompt_lists_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "careful.md").write_text("")

    with pytest.raises(PromptError) as caught:
        load_template(tmp_path, "zzz")
    with pytest.raises(PromptError) as near:
        load_template(tmp_path, "carefull")

    assert str(caught.value) == f"there is no prompt `zzz` in {tmp_path}\n  there are: careful, standard"
    assert near.value.hint == "did you mean `careful`?"


@pytest.mark.parametrize("name", ["", "..", "../secret", "a/b", ".hidden", "a\\b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PromptError, match="is no name of a prompt"):
        load_template(tmp_path / "prompts", name)


def test_a_prompt_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xff\xfe")
    (tmp_path / "b.md").mkdir()

    with pytest.raises(PromptError, match=r"a\.md cannot be read: not UTF-8 text"):
        load_template(tmp_path, "a")
    with pytest.raises(PromptError, match=r"b\.md is no regular file"):
        load_template(tmp_path, "b")


def test_the_built_in_prompt_says_all_that_an_agent_must_know() -> None:
    text = render_prompt(Template("built-in prompt", BUILT_IN_TEXT), plan_variables(SPEC, PLACE, "Context `a`: x"))

    for part in (
        "- its file: `.chant/specs/001.md`",
        "`/tmp/chant-001`",
        'git commit -m "chant(2026-01-24-001-abc): ',
        "only when you have seen that it holds",
        "Change no other spec",
        "own tests",
        "Do not run `doit` on specs",
        "no push",
        "never ask a question",
        "`src/fetch.py`, `docs/fetch.md`",
        "Retry {{spec.id}} twice.",
        "Context `a`: x",
    ):
        assert part in text


def test_what_all_specs_are_told_alike_comes_first_and_names_none_of_them() -> None:
    template = Template("built-in prompt", BUILT_IN_TEXT)

    shared = render_prompt(find_shared(template), plan_variables(SPEC, PLACE, ""))

    assert render_prompt(template, plan_variables(SPEC, PLACE, "")).startswith(shared)
    assert shared.endswith("the project's other tasks are yours to run.\n\n")
    assert "chant-001" not in shared


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("# Rules of {{project.name}}\n\nAll.\n\n## Do\n\n{{spec.title}}", "# Rules of {{project.name}}\n\nAll.\n\n"),
        ("# Do {{spec.title}}\n\n## Rules\n\nAll.", ""),
        ("Do this:\n\n{{spec.description}}", ""),
        ("# Rules\n\n```sh\n# run\nmake {{spec.id}}\n```\n", ""),
        ("# Rules\n\n## More\n\nNo name.", "# Rules\n\n"),
        ("", ""),
    ],
)
def test_only_whole_sections_are_shared(text: str, shared: str) -> None:
    assert find_shared(Template("mine.md", text)).text == shared


def test_context_shows_files_and_says_which_it_cannot_show(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.md").write_text("````\ncode\n````\n")
    (tmp_path / "c.bin").write_bytes(b"a\0b")
    (tmp_path / "d").mkdir()
    (tmp_path / "e.txt").write_bytes(b"caf\xe9\n")

    assert load_context(tmp_path, ["a.py", "b.md", "c.bin", "d", "e.txt", "no", "derived_team=core"]) == (
        "Context `a.py`:\n\n```\nx = 1\n```\n\n"
        "Context `b.md`:\n\n`````\n````\ncode\n````\n`````\n\n"
        "Context `c.bin`: not text, so it is not shown.\n\n"
        "Context `d`: not a file, so it is not shown.\n\n"
        "Context `e.txt`:\n\n```\ncaf\ufffd\n```\n\n"
        "Context `no`: No such file or directory.\n\n"
        "derived_team=core"
    )


def test_a_long_context_is_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("z" * (CONTEXT_LIMIT + 1))

    text = load_context(tmp_path, ["a"])

    assert text.count("z") == CONTEXT_LIMIT
    assert text.endswith("```\n(cut here: only the first 200 kB are shown)")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link"])
def test_context_stays_inside_the_project(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("s")
    (root / "link").symlink_to(tmp_path / "secret")

    with pytest.raises(PromptError, match="is outside of the project"):
        load_context(root, [name])


def test_no_context_is_no_text(tmp_path: Path) -> None:
    assert load_context(tmp_path, ()) == ""


def test_a_prompt_that_would_never_end_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "loop.md").symlink_to("loop.md")
    (tmp_path / "gone.md").symlink_to("nowhere")
    (tmp_path / "nul.md").write_bytes(b"a\0b")
    (tmp_path / "long.md").write_bytes(b"x" * (1 << 20) + b"x")
    said = {}
    for name in ("pipe", "loop", "gone", "nul", "long"):
        with pytest.raises(PromptError) as caught:
            load_template(tmp_path, name)
        said[name] = caught.value.reason.removeprefix(f"{tmp_path}/")

    assert said == {
        "pipe": "pipe.md is no regular file",
        "loop": "loop.md cannot be read: Too many levels of symbolic links",
        "gone": "gone.md links to a file that is not there",
        "nul": "nul.md cannot be read: it holds a NUL byte",
        "long": "long.md has 1,048,577 bytes; 1,048,576 are read at most",
    }


@pytest.mark.parametrize("name", ["9" * 5000, "a\0b"])
def test_a_context_that_no_file_can_be_named_is_said_in_its_place(tmp_path: Path, name: str) -> None:
    assert load_context(tmp_path, (name,)).endswith("cannot be read.")
