"""What is missing is said before any agent runs."""

from pathlib import Path

import pytest

from chant_tasks.errors import ChantError
from chant_tasks.overview import load_overview
from chant_tasks.state import Kind
from tests.conftest import forget_environment
from tests.integration.repository import Repository


def _refusal(repository: Repository) -> str:
    """Why a run of all specs is refused; nothing has run."""
    spec_ids = load_overview(repository.root).ids
    with pytest.raises(ChantError) as caught:
        repository.prepare(*spec_ids)
    assert repository.count_runs("a") == 0
    return str(caught.value)


def test_a_repository_without_a_commit_is_refused(tmp_path: Path, worktrees_here: None) -> None:
    for name in ("repository", "worktrees", "outside"):
        (tmp_path / name).mkdir()
    top = tmp_path / "repository"
    repository = Repository(top=top, root=top, worktrees=tmp_path / "worktrees", outside=tmp_path / "outside")
    repository.git("init", "-q")
    repository.add_spec("a")

    assert _refusal(repository) == "this repository has no commit yet: git add -A && git commit -m start"


def test_a_target_branch_that_is_not_there_is_refused(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: trunk}\n---\n")
    repository.add_spec("a")
    repository.commit()

    assert _refusal(repository).startswith("the target branch trunk is not there: git branch trunk")
    repository.git("branch", "trunk")
    repository.prepare()


def test_a_detached_head_without_a_target_is_refused(repository: Repository) -> None:
    repository.add_spec("a")
    repository.commit()
    repository.git("checkout", "-q", "--detach")

    assert _refusal(repository).startswith("HEAD is detached and no target branch is set")


def test_a_missing_identity_is_refused(repository: Repository, changed_environment: pytest.MonkeyPatch) -> None:
    repository.add_spec("a")
    repository.commit()
    repository.git("config", "user.useConfigOnly", "true")
    changed_environment.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    forget_environment()

    refusal = _refusal(repository)

    assert refusal.startswith("git does not know who you are, and landing makes commits")
    assert "git config --global user.name" in refusal


def test_signing_that_does_not_work_is_refused(repository: Repository) -> None:
    repository.add_spec("a")
    repository.commit()
    repository.git("config", "commit.gpgsign", "true")
    repository.git("config", "gpg.program", "false")

    refusal = _refusal(repository)

    assert refusal.startswith("git is told to sign commits and cannot")
    assert "git config commit.gpgsign false" in refusal


def test_an_agent_that_is_missing_is_refused(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\nproviders: {command: {argv: [no-such-agent]}}\n---\n")
    repository.add_spec("a")
    repository.commit()

    assert _refusal(repository).startswith("no-such-agent is not on PATH")


def test_a_config_that_cannot_be_read_is_refused(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ncriterias: warn\n---\n")
    repository.add_spec("a")
    repository.commit()

    assert "did you mean `criteria`?" in _refusal(repository)


def test_a_journal_that_is_a_link_is_refused(repository: Repository) -> None:
    repository.add_spec("a")
    repository.commit()
    (repository.top / ".git" / "chant").symlink_to(repository.outside)

    assert f"{repository.journal} is no folder but a link" in _refusal(repository)


def test_the_journal_is_its_owners_alone(repository: Repository) -> None:
    repository.prepare()

    assert repository.journal.stat().st_mode & 0o777 == 0o700


def test_doits_and_pythons_files_are_excluded_once(repository: Repository) -> None:
    repository.prepare()
    repository.prepare()

    lines = (repository.top / ".git" / "info" / "exclude").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["__pycache__/", ".doit.db*"]


def test_specs_whose_agent_needs_nothing_are_worked_beside_a_spec_that_has_its_own(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    other = repository.add_spec("b", keys="provider: command")
    repository.commit()
    run = repository.prepare(spec_id, other)

    assert run.target == "main"
    assert repository.work(spec_id).kind is Kind.COMPLETED


def test_a_journal_that_cannot_be_written_is_refused(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    (repository.top / ".git" / "chant").write_text("a file\n")

    with pytest.raises(ChantError) as raised:
        repository.work(spec_id)
    assert "\n" not in raised.value.reason
    assert repository.count_runs("a") == 0
