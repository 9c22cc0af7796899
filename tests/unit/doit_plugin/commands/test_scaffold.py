"""What `doit spec-init` writes, decided from what is there."""

from datetime import date
from pathlib import Path

from chant_tasks.config import load_config
from chant_tasks.doit_plugin.commands.init import render_next
from chant_tasks.doit_plugin.commands.scaffold import EXAMPLE_TEXT, Present, plan_scaffold
from chant_tasks.prompts import BUILT_IN_TEXT
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.parse import parse_spec

DAY = date(2026, 11, 21)
NOTHING = Present(paths=frozenset(), spec_ids=(), dodo=None)


def first(letters: str) -> str:
    return letters[0]


def last(letters: str) -> str:
    return letters[-1]


def test_an_empty_project_gets_everything() -> None:
    scaffold = plan_scaffold(NOTHING, DAY, last)

    assert [file.shown for file in scaffold.files] == [
        ".chant/config.md",
        ".chant/prompts/standard.md",
        ".chant/specs/2026-11-21-001-zzz.md (an example)",
        "dodo.py",
    ]
    assert (scaffold.kept, scaffold.asks_for_import) == ((), False)
    assert render_next(scaffold, ()) == (
        "next: edit the example, then  git add .chant dodo.py && git commit -m specs,  doit list,  doit -n 2"
    )


def test_what_is_there_stays() -> None:
    paths = frozenset({".chant/config.md", ".chant/prompts/standard.md", "dodo.py"})
    present = Present(paths=paths, spec_ids=("a", "b"), dodo="from chant_tasks import task_specs\n")

    scaffold = plan_scaffold(present, DAY, first)

    assert scaffold.files == ()
    assert scaffold.kept == (".chant/config.md", ".chant/prompts/standard.md", ".chant/specs (2 specs)", "dodo.py")
    assert render_next(scaffold, ()) == "next: doit list,  doit -n 2"


def test_a_dodo_that_does_not_load_specs_is_left_alone_and_the_line_is_asked_for() -> None:
    scaffold = plan_scaffold(Present(paths=frozenset({"dodo.py"}), spec_ids=(), dodo="x = 1\n"), DAY, first)

    assert scaffold.asks_for_import
    assert "dodo.py" not in [file.path for file in scaffold.files]
    assert "git add .chant && git commit" in render_next(scaffold, ())


def test_what_git_ignores_is_not_to_be_added() -> None:
    scaffold = plan_scaffold(NOTHING, DAY, first)

    assert "git add dodo.py && git commit" in render_next(scaffold, [".chant"])
    assert render_next(scaffold, [".chant", "dodo.py"]) == "next: edit the example, then  doit list,  doit -n 2"


def test_the_example_is_a_pending_spec_with_open_criteria() -> None:
    spec = parse_spec(SpecId("x"), Path("x.md"), EXAMPLE_TEXT.encode())

    assert spec is not None
    assert (spec.status, spec.problem, len(spec.criteria)) == (Status.PENDING, None, 3)
    assert not any(criterion.is_ticked for criterion in spec.criteria)


def test_the_files_are_read_back_without_complaint(tmp_path: Path) -> None:
    for file in plan_scaffold(NOTHING, DAY, first).files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_text(file.text)

    assert load_config(tmp_path / ".chant", tmp_path / "home").unused == ()
    assert (tmp_path / ".chant/prompts/standard.md").read_text() == BUILT_IN_TEXT
    compile((tmp_path / "dodo.py").read_text(), "dodo.py", "exec")


def test_each_setting_that_the_config_suggests_is_one(tmp_path: Path) -> None:
    text = plan_scaffold(NOTHING, DAY, first).files[0].text
    head, settings = text.split("#\n", 1)
    uncommented = "\n".join(line.removeprefix("# ") for line in settings.partition("---")[0].splitlines())
    (tmp_path / "config.md").write_text(f"---\n{uncommented}\n---\n")

    config = load_config(tmp_path, tmp_path / "home")

    assert head.startswith("---\n# Every setting")
    assert (config.defaults.provider, config.providers["command"]["argv"]) == ("claude", ("my-agent", "--yes"))
    assert (config.timeouts.silence, config.worktrees.setup) == (1800, "npm ci")
