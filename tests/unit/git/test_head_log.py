"""What HEAD's log tells of a branch that was checked out meanwhile."""

from chant_tasks.git.head_log import find_moves

WHO = "Ann Author <ann@example.com> 1700000000 +0000"


def log(*lines: tuple[str, str, str]) -> str:
    return "".join(f"{old} {new} {WHO}\t{words}\n" for old, new, words in lines)


ENTER = ("a", "a", "checkout: moving from main to spec/x")


def test_what_is_done_on_another_branch_moves_nothing() -> None:
    lines = log(ENTER, ("a", "b", "commit: work"), ("b", "a", "checkout: moving from spec/x to main"))

    assert find_moves(lines, "main") == ()


def test_each_commit_reset_and_merge_on_the_branch_is_a_move() -> None:
    lines = log(
        ENTER,
        ("a", "a", "checkout: moving from spec/x to main"),
        ("a", "b", "commit: on main"),
        ("b", "c", "merge spec/x: Fast-forward"),
        ("c", "a", "reset: moving to HEAD~2"),
        ("a", "d", "checkout: moving from main to other"),
        ("d", "e", "commit: elsewhere"),
    )

    assert find_moves(lines, "main") == (("a", "b"), ("b", "c"), ("c", "a"))


def test_a_rebase_moves_its_branch_at_its_end() -> None:
    lines = log(
        ENTER,
        ("a", "b", "checkout: moving from spec/x to main"),
        ("b", "c", "rebase (start): checkout c"),
        ("c", "d", "rebase (pick): one"),
        ("d", "d", "rebase (finish): returning to refs/heads/main"),
        ("d", "e", "commit: more"),
    )

    assert find_moves(lines, "main") == (("b", "d"), ("d", "e"))


def test_a_rebase_of_another_branch_does_not() -> None:
    lines = log(
        ENTER,
        ("a", "c", "rebase (start): checkout main"),
        ("c", "d", "rebase (pick): one"),
        ("d", "d", "rebase (finish): returning to refs/heads/spec/x"),
    )

    assert find_moves(lines, "main") == ()


def test_damaged_lines_say_nothing() -> None:
    assert find_moves("\n\nnothing of git's\n", "main") == ()
