"""Work that stays on its branch: what a person sees of it, who waits for it, and how it is merged."""

import json
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import find_user_changes, load_seen, load_states

KEPT, DIRECT, AFTER, DRIVER = "2026-01-01-001-kept", "2026-01-01-002-dir", "2026-01-01-003-after", "2026-01-01-004-drv"
MEMBER = f"{DRIVER}.1"
BRANCH, MEMBERS = f"chant/{KEPT}", f"chant/{MEMBER}"

DODO = f"""
from chant_tasks import task_specs

def task_deploy():
    return {{"actions": ["cat {KEPT}.txt"], "task_dep": ["{KEPT}"], "verbosity": 2}}

def task_free():
    return {{"actions": ["true"]}}
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Sandbox:
    """Specs that stay on their branches by the config, one that does not, a driver, and those that wait."""
    sandbox = Sandbox(tmp_path, DODO)
    (sandbox.root / ".chant" / "config.md").write_text("---\ndefaults:\n  branch: true\n---\n")
    sandbox.add_spec(KEPT)
    sandbox.add_spec(DIRECT, ["branch: false"])
    sandbox.add_spec(AFTER, ["branch: false", f"depends_on: [{KEPT}]"])
    sandbox.add_spec(MEMBER)
    (sandbox.specs / f"{DRIVER}.md").write_text("---\nstatus: pending\ntype: driver\n---\n# Drive\n")
    sandbox.commit()
    return sandbox


@pytest.mark.parametrize("mode", [[], ["-n", "2"]], ids=" ".join)
def test_both_kinds_in_one_run_and_all_that_depends_on_a_branch_waits(mixed: Sandbox, mode: list[str]) -> None:
    ran = mixed.doit(*mode)

    seen = load_seen(mixed)
    assert ran.status == 0, ran.text
    assert {spec_id: spec.state for spec_id, spec in seen.items()} == {
        KEPT: "waiting",
        DIRECT: "completed",
        AFTER: "blocked",
        DRIVER: "blocked",
        MEMBER: "waiting",
    }
    assert (seen[KEPT].branch, seen[KEPT].reason) == (BRANCH, f"completed on branch {BRANCH}, not merged")
    assert f"✓ Finalized {KEPT} on its branch, {BRANCH} is at " in ran.err
    assert ran.err.count(f"completed on branch {BRANCH}, not merged") == 1
    assert "1 succeeded, 2 blocked, 2 waiting in " in ran.err
    assert "⏸ deploy  skipped: it waits for kept" in ran.err
    assert sorted(ran.out.splitlines()) == ["!! deploy", ".  free"]
    assert mixed.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/").splitlines() == [
        BRANCH,
        MEMBERS,
        "main",
    ]
    assert mixed.worktrees() == 1
    assert list(mixed.temporary.iterdir()) == []
    assert find_user_changes(mixed) == ""


def test_it_is_not_run_again_and_shown_so(mixed: Sandbox) -> None:
    mixed.doit("-n", "2")

    again = mixed.doit("-n", "2")
    listed = mixed.doit("list", "--state", "waiting")
    info = mixed.doit("info", "kept")

    assert again.status == 0, again.text
    assert load_seen(mixed)[KEPT].attempts == 1
    assert f"⏸ waiting   Work {KEPT}" in listed.out
    assert f"completed on branch {BRANCH}, not merged" in listed.out
    assert [line.removeprefix("next").strip().split("   ")[0] for line in info.out.splitlines()[-3:]] == [
        f"git merge {BRANCH}",
        "doit spec-land kept",
        "doit spec-discard kept",
    ]


@pytest.mark.parametrize("mode", [[], ["-n", "2"]], ids=" ".join)
def test_a_plain_merge_is_seen_and_what_waited_goes_on(mixed: Sandbox, mode: list[str]) -> None:
    mixed.doit(*mode)
    mixed.git("merge", "-q", "--no-edit", BRANCH)
    mixed.git("merge", "-q", "--no-edit", MEMBERS)

    ran = mixed.doit(*mode)

    assert ran.status == 0, ran.text
    assert set(load_states(mixed).values()) == {"completed"}
    assert {".  deploy", KEPT} <= set(ran.out.splitlines())
    assert "2 succeeded" in ran.err
    assert find_user_changes(mixed) == ""


def test_spec_land_merges_it_and_says_so(mixed: Sandbox) -> None:
    mixed.doit("-n", "2")

    landed = mixed.doit("spec-land", "kept", "drv.1")
    ran = mixed.doit("-n", "2")

    assert landed.status == 0, landed.text
    assert ran.status == 0, ran.text
    assert set(load_states(mixed).values()) == {"completed"}
    assert mixed.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/") == "main"


def test_discarding_frees_the_spec_as_printed(mixed: Sandbox) -> None:
    mixed.doit("-n", "2")

    refused = mixed.doit("forget", "kept")
    mixed.doit("spec-discard", "kept")
    mixed.doit("-n", "2", "kept")

    assert refused.status != 0
    assert "doit spec-discard kept" in refused.text
    assert load_seen(mixed)[KEPT].attempts == 2
    assert load_states(mixed)[KEPT] == "waiting"


def test_specs_that_want_one_branch_break_alone(mixed: Sandbox) -> None:
    mixed.add_spec("2026-01-01-005-x", ["branch_prefix: y/"])
    mixed.add_spec("2026-01-01-006-z", ["branch_prefix: y/2026-01-01-005-x/"])
    mixed.add_spec("2026-01-01-007-t", ["branch_prefix: one/"])
    mixed.add_spec("01-01-007-t", ["branch_prefix: one/2026-"])

    ran = mixed.doit("-n", "2", DIRECT)
    states = {spec["id"]: spec for spec in json.loads(mixed.doit("list", "--json").out)}

    assert ran.status == 0, ran.text
    assert {spec_id for spec_id, spec in states.items() if spec["state"] == "broken"} == {
        "2026-01-01-006-z",
        "2026-01-01-007-t",
        "01-01-007-t",
    }
    assert states["01-01-007-t"]["reason"] == "its branch one/2026-01-01-007-t would also be that of 2026-01-01-007-t"
    assert states["2026-01-01-006-z"]["reason"].startswith("git cannot have its branch y/2026-01-01-005-x/")


def test_the_branch_is_merged_by_a_doit_that_never_saw_it(mixed: Sandbox, tmp_path: Path) -> None:
    mixed.doit("-n", "2")
    clone = Sandbox(tmp_path / "elsewhere", DODO, clone_of=mixed.root)
    clone.git("branch", "-q", BRANCH, f"origin/{BRANCH}")

    before = load_states(clone)[KEPT]
    landed = clone.doit("spec-land", KEPT)

    assert before == "waiting"
    assert landed.status == 0, landed.text
    assert load_states(clone)[KEPT] == "completed"
