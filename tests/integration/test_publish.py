"""Branches that are pushed, and their pull requests, against a real remote on the disk and a forge's stand-in."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chant_tasks.journal.pushes import load_push
from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State
from chant_tasks.steps.prepare import prepare_repair
from chant_tasks.steps.publish import Publication, publish
from chant_tasks.steps.restack import Restacked, plan_restack, restack_all
from tests.forges import Forge, commit_elsewhere, make_forge
from tests.integration.repository import Repository

URL = "https://forge.example/pulls/1"


@pytest.fixture(params=["gh"])
def forge(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Forge:
    """The forge that the repository's remote is at, and where pull requests are opened."""
    forge = make_forge(tmp_path, request.param)
    provider = {"gh": "github", "glab": "gitlab"}[request.param]
    monkeypatch.setenv("PATH", f"{forge.programs}{os.pathsep}{os.environ['PATH']}")
    repository.git("remote", "add", "origin", str(forge.bare))
    repository.write(".chant/config.md", f"---\ndefaults:\n  pr: true\ngit:\n  provider: {provider}\n---\n")
    repository.commit("config")
    repository.git("push", "-q", "origin", "main")
    return forge


def add_finalized(repository: Repository, name: str = "a", script: str = "echo work > {name}.txt") -> SpecId:
    """A spec whose work is finalized on its branch."""
    spec_id = repository.add_spec(name, script)
    repository.commit("spec")
    assert repository.work(spec_id).is_unpublished
    return spec_id


def publish_now(repository: Repository, spec_id: SpecId) -> Publication | None:
    """What one `doit SPEC` comes to at the remote."""
    return publish(repository.prepare(), spec_id)


def branch_of(spec_id: SpecId) -> str:
    return f"chant/{spec_id}"


def words_of(state: State) -> list[str]:
    return [step.command for step in state.next]


@pytest.mark.parametrize("forge", ["gh", "glab"], indirect=True)
def test_the_branch_is_pushed_and_a_pull_request_opened_that_its_file_names(
    repository: Repository, forge: Forge
) -> None:
    spec_id = add_finalized(repository, script="git commit -q --allow-empty -m 'think `hard`'; echo a > a.txt")
    branch = branch_of(spec_id)

    done = publish_now(repository, spec_id)

    assert done == Publication(spec=spec_id)
    assert forge.heads()[branch] == repository.tip(branch)
    assert f"pr: {URL}" in forge.show(branch, repository.spec_path(spec_id))
    (pull,) = forge.pulls
    assert (pull["title"], pull["head"], pull["base"]) == ("Do a", branch, "main")
    body = next(pull[key] for key in ("description", "body") if key in pull)
    assert body.startswith("Some words.\n\n## Acceptance Criteria\n\n- [x] it is done\n")
    assert f"- Spec: `.chant/specs/{spec_id}.md`" in body
    assert "`think  hard `" in body
    state = repository.state(spec_id)
    assert (state.kind, state.is_unpublished) == (Kind.WAITING, False)
    assert state.reason == f"completed on branch {branch}, pull request {URL}"
    assert repository.status() == []


def test_publishing_again_does_nothing_and_working_again_updates_the_same_pull_request(
    repository: Repository, forge: Forge
) -> None:
    spec_id = add_finalized(repository)
    publish_now(repository, spec_id)
    first = forge.heads()[branch_of(spec_id)]

    assert publish_now(repository, spec_id) is None
    repository.discard(spec_id)
    assert repository.work(spec_id).is_unpublished
    publish_now(repository, spec_id)

    assert forge.made == ["POST", "PATCH"]
    assert len(forge.pulls) == 1
    assert forge.heads()[branch_of(spec_id)] == repository.tip(branch_of(spec_id)) != first
    assert f"pr: {URL}" in forge.show(branch_of(spec_id), repository.spec_path(spec_id))


def test_a_reviewers_commit_is_not_overwritten_and_the_printed_command_goes_on(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    spec_id = add_finalized(repository)
    branch = branch_of(spec_id)
    publish_now(repository, spec_id)
    theirs = commit_elsewhere(forge.clone(tmp_path / "clone"), branch, "review.txt", "better\n")
    repository.git("switch", "-q", branch)
    repository.write("more.txt", "mine\n")
    repository.commit("more")
    repository.git("switch", "-q", "main")

    done = publish_now(repository, spec_id)

    problem = f"origin has commits there that are not ours ({theirs[:7]}), and none was overwritten"
    assert done == Publication(spec=spec_id, problem=problem)
    assert forge.heads()[branch] == theirs
    state = repository.state(spec_id)
    assert state.is_unpublished
    assert state.reason == f"completed on branch {branch}, not pushed: {problem}"
    repository.shell(words_of(state)[0])
    assert publish_now(repository, spec_id) == Publication(spec=spec_id)
    assert forge.show(branch, "review.txt") == "better"
    assert forge.show(branch, "more.txt") == "mine"
    assert len(forge.pulls) == 1


def test_a_branch_of_that_name_that_is_not_ours_stays(repository: Repository, forge: Forge, tmp_path: Path) -> None:
    spec_id = add_finalized(repository)
    clone = forge.clone(tmp_path / "clone")
    repository.git("-C", str(clone), "push", "-q", "origin", f"HEAD:refs/heads/{branch_of(spec_id)}")

    done = publish_now(repository, spec_id)

    assert done is not None
    assert done.problem == "origin has a branch of that name that is not ours"
    assert forge.heads()[branch_of(spec_id)] == forge.heads()["main"]
    assert forge.calls == []


def test_a_forge_that_refuses_leaves_the_branch_pushed_and_is_asked_again(
    repository: Repository, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", "ghp_0123456789secret")
    spec_id = add_finalized(repository)
    forge.fail("gh: HTTP 401: Bad credentials ghp_0123456789secret")

    done = publish_now(repository, spec_id)

    assert done is not None
    assert done.problem == "gh: HTTP 401: Bad credentials ***"
    state = repository.state(spec_id)
    assert state.reason == f"completed on branch {branch_of(spec_id)}, no pull request: {done.problem}"
    assert words_of(state) == ["gh auth login", "doit a", "doit spec-land a", "doit spec-discard a"]
    forge.fail("gh: Validation Failed (HTTP 422)")
    publish_now(repository, spec_id)
    assert words_of(repository.state(spec_id))[0] == "doit a"
    forge.recover()
    assert publish_now(repository, spec_id) == Publication(spec=spec_id)
    assert len(forge.pulls) == 1


def test_a_pull_request_that_nobody_heard_of_is_found_again(repository: Repository, forge: Forge) -> None:
    spec_id = add_finalized(repository)
    forge.die_once()

    publish_now(repository, spec_id)
    done = publish_now(repository, spec_id)

    assert done == Publication(spec=spec_id)
    assert forge.made == ["POST", "PATCH"]
    assert [pull["html_url"] for pull in forge.pulls] == [URL]


def test_a_server_that_refuses_is_quoted(repository: Repository, forge: Forge) -> None:
    spec_id = add_finalized(repository)
    hook = forge.bare / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho 'not on Saturdays' >&2\nexit 1\n")
    hook.chmod(0o755)

    done = publish_now(repository, spec_id)

    assert done is not None
    assert done.problem == "origin refused it: [remote rejected] (hook declined): not on Saturdays"
    assert not done.is_unreachable


def test_a_remote_that_is_away_is_said_in_a_line_without_its_password(repository: Repository, forge: Forge) -> None:
    spec_id = add_finalized(repository)
    repository.git("remote", "set-url", "origin", "http://me:hunter2hunter2@127.0.0.1:9/x.git")

    done = publish_now(repository, spec_id)

    assert done is not None
    assert done.is_unreachable
    assert "hunter2" not in done.problem
    assert "127.0.0.1" in done.problem
    record = load_push(repository.journal, spec_id)
    assert record is not None
    assert (record.oid, record.problem) == ("", done.problem)


def test_a_removed_remote_branch_is_not_pushed_anew(repository: Repository, forge: Forge) -> None:
    spec_id = add_finalized(repository)
    forge.fail("gh: nothing works")
    publish_now(repository, spec_id)
    forge.recover()
    repository.git("-C", str(forge.bare), "branch", "-D", branch_of(spec_id))

    done = publish_now(repository, spec_id)

    assert done is not None
    assert done.problem == "origin: its branch was removed there, and no merge of it has been seen"
    assert branch_of(spec_id) not in forge.heads()


def test_the_branch_stays_where_it_is_while_a_person_has_it_checked_out(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    spec_id = add_finalized(repository)
    tip = repository.tip(branch_of(spec_id))
    repository.git("worktree", "add", "-q", str(tmp_path / "look"), branch_of(spec_id))

    done = publish_now(repository, spec_id)

    assert done == Publication(spec=spec_id)
    assert repository.tip(branch_of(spec_id)) == tip
    assert repository.git("status", "--porcelain", cwd=tmp_path / "look") == ""


_PUSH = "chant_tasks.steps.push_branch"
_DEATHS = (
    f"before:{_PUSH}:run_push",
    f"after:{_PUSH}:run_push",
    "before:chant_tasks.steps.publish:apply_pull_request",
    "after:chant_tasks.steps.publish:apply_pull_request",
    f"before:{_PUSH}:apply_ref",
    f"after:{_PUSH}:apply_ref",
    f"after:{_PUSH}:run_push",
)


def test_runs_that_are_killed_at_any_step_lose_and_double_nothing(repository: Repository, forge: Forge) -> None:
    spec_id = add_finalized(repository)

    for death in _DEATHS:
        assert die_publishing(repository, spec_id, death) == -signal.SIGKILL, death
    done = publish_now(repository, spec_id)

    branch = branch_of(spec_id)
    assert done == Publication(spec=spec_id)
    assert [(pull["html_url"], pull["state"]) for pull in forge.pulls] == [(URL, "open")]
    assert forge.heads() == {branch: repository.tip(branch), "main": forge.heads()["main"]}
    subjects = repository.git("log", "--format=%s", f"main..{branch}").splitlines()
    assert subjects[0] == f"chant({spec_id}): note its pull request"
    assert len([subject for subject in subjects if "note its" in subject]) == 1
    assert not repository.state(spec_id).is_unpublished


def die_publishing(repository: Repository, spec_id: SpecId, death: str) -> int:
    """The status of a process that was killed at that moment of publishing."""
    command = (sys.executable, "-m", "tests.integration.dying", str(repository.root), spec_id, death, "publish")
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, start_new_session=True, check=False
    )
    return done.returncode


def test_a_stacked_specs_pull_request_is_to_be_merged_into_its_dependencys_branch(
    repository: Repository, forge: Forge
) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {pr: true, stack: true}\ngit: {provider: github}\n---\n")
    first, other = repository.add_spec("a"), repository.add_spec("b")
    second = repository.add_spec("c", keys=f"depends_on: [{first}]")
    third = repository.add_spec("d", keys=f"depends_on: [{first}, {other}]")
    repository.commit("specs")
    for spec_id in (first, other, second, third):
        assert repository.work(spec_id).is_unpublished, spec_id

    for spec_id in (first, other, second, third):
        assert publish_now(repository, spec_id) == Publication(spec=spec_id)

    own = repository.record(third).base_branch
    bases = {pull["head"]: pull["base"] for pull in forge.pulls}
    assert bases == {
        branch_of(first): "main",
        branch_of(other): "main",
        branch_of(second): branch_of(first),
        branch_of(third): own,
    }
    assert forge.heads()[own] == repository.tip(own)
    assert repository.state(second).reason.endswith("; stacked on a")
    assert publish_now(repository, third) is None


def test_a_command_of_the_users_gets_all_and_answers_with_the_address(
    repository: Repository, forge: Forge, tmp_path: Path
) -> None:
    command = tmp_path / "open-it"
    command.write_text(f'#!/bin/sh\ncat > {tmp_path}/asked\necho "opening"\necho {URL}\n')
    command.chmod(0o755)
    repository.write(".chant/config.md", f"---\ndefaults:\n  pr: true\ngit:\n  command: [{command}, now]\n---\n")
    repository.commit("config")
    spec_id = add_finalized(repository)

    done = publish_now(repository, spec_id)

    assert done == Publication(spec=spec_id)
    asked = (tmp_path / "asked").read_text()
    assert f'"branch": "{branch_of(spec_id)}"' in asked
    assert '"base": "main"' in asked
    assert forge.calls == []


def test_the_pull_request_of_stacked_work_is_for_the_branch_that_it_stands_on(
    repository: Repository, forge: Forge
) -> None:
    settings = repository.read(".chant/config.md")
    repository.write(".chant/config.md", settings.replace("pr: true", "pr: true\n  stack: true"))
    first, second = add_finalized(repository), repository.add_spec("b", keys="depends_on: [2026-01-01-001-a]")
    repository.commit("another")
    assert publish_now(repository, first) == Publication(spec=first)
    assert repository.work(second).is_unpublished
    publish_now(repository, second)

    stands = repository.state(second)
    opened = repository.record(second)
    repository.shell(f"git merge -q --squash {branch_of(first)} && git commit -qm squashed")
    assert restack_all_now(repository) == [second]
    moved = repository.state(second)
    publish_now(repository, second)

    pushed = load_push(repository.journal, second)
    assert pushed is not None
    assert (opened.base_branch, stands.reason) == (branch_of(first), f"{done(second, pushed.url)}; stacked on a")
    assert moved.is_unpublished
    assert (pushed.base, pushed.oid) == ("main", repository.tip(branch_of(second)))
    assert forge.heads()[branch_of(second)] == pushed.oid
    assert repository.state(second).reason == done(second, pushed.url)


def done(spec_id: SpecId, url: str) -> str:
    return f"completed on branch {branch_of(spec_id)}, pull request {url}"


def restack_all_now(repository: Repository) -> list[SpecId]:
    """The specs that one `doit spec-restack` moves."""
    overview = load_overview(repository.root)
    run = prepare_repair(overview, repository.events.append)
    results = list(restack_all(run, plan_restack(overview, ())))
    assert all(isinstance(result, Restacked) for result in results), results
    return [result.spec for result in results]
