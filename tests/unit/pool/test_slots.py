"""Which parked worktrees are taken, which removed, and what keeps worktrees from being kept."""

from pathlib import Path

import pytest

from chant_tasks.git.runner import Oid
from chant_tasks.pool.conditions import find_hindrance
from chant_tasks.pool.slots import Removal, Slot, Wanted, plan_choice, plan_removal
from chant_tasks.pool.standing import Standing, parse_standing, render_standing

OLD, NEW = Oid("a" * 40), Oid("b" * 40)


def _slot(name: str, commit: Oid | None = OLD, key: str = "key") -> Slot:
    standing = Standing(commit=commit, key=key, since=1) if commit is not None else None
    return Slot(folder=Path("/slots") / name, tree=Path("/trees") / name.removesuffix(".new"), standing=standing)


def test_what_is_known_of_files_is_read_back_and_nothing_else_is() -> None:
    standing = Standing(commit=OLD, key="key", since=1_700_000_000_123_456_789)

    assert parse_standing(render_standing(standing)) == standing
    assert [parse_standing(text) for text in ("", "a\nb\n", "a\nb\nc\n", "\nb\n3\n", "a\nb\n3\nd\n")] == [None] * 5


def test_one_that_has_the_commit_is_taken_first_and_none_under_other_conditions() -> None:
    slots = (_slot("old"), _slot("other", NEW, "other"), _slot("half", None), _slot("new", NEW), _slot("unsure", NEW))
    names = frozenset(("old", "other", "half", "new"))

    chosen = plan_choice(slots, Wanted(path=Path("/p"), head="", commit=NEW, key="key", names=names))

    assert [slot.folder.name for slot in chosen] == ["new", "old"]


@pytest.mark.parametrize(("most", "kept"), [(0, 0), (1, 1), (9, 2)])
def test_halves_go_and_all_but_as_many_as_are_to_stay(most: int, kept: int) -> None:
    whole = (_slot("one"), _slot("two", NEW))
    halves = (_slot("half.new", None), _slot("other", OLD, "other"), _slot("gone"))
    trees = (*(slot.tree for slot in whole), Path("/trees/half"), Path("/trees/other"), Path("/trees/alone"))

    removal = plan_removal((*whole, *halves), trees, "key", most)

    assert removal == Removal(
        slots=tuple(slot.folder for slot in (*whole[kept:], *halves)),
        trees=(*(slot.tree for slot in whole[kept:]), *trees[2:]),
    )


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, ""),
        ({"core.fsmonitor": "false", "filter.lfs.smudge": "git-lfs smudge -- %f"}, ""),
        ({"core.fsmonitor": "true"}, "core.fsmonitor is set"),
        ({"core.worktree": "../elsewhere"}, "core.worktree is set"),
        ({"extensions.refstorage": "reftable"}, "extensions.refstorage is reftable"),
        ({"extensions.refstorage": "files", "extensions.objectformat": "sha256"}, ""),
        ({"core.sparsecheckout": "TRUE"}, "core.sparsecheckout is set"),
    ],
)
def test_settings_with_which_git_does_not_look_keep_worktrees_from_being_kept(
    settings: dict[str, str], why: str
) -> None:
    assert find_hindrance(settings) == why
