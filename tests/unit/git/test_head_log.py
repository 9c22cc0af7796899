"""What git's logs tell of where HEAD and its branch were."""

from chant_tasks.git.head_log import find_left, find_moves

ZERO = "0" * 40
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


MADE = (ZERO, "a", "")


def test_work_that_only_goes_on_leaves_nothing() -> None:
    lines = log(
        MADE,
        ("a", "a", "reset: moving to HEAD"),
        ("a", "b", "commit: one"),
        ("b", "c", "commit (amend): one"),
        ("c", "d", "rebase (finish): returning to refs/heads/spec/x"),
        ("d", "e", "merge main: Fast-forward"),
    )

    assert find_left(lines, "e") == ()


def test_whatever_else_moves_head_leaves_where_it_was() -> None:
    lines = log(
        MADE,
        ("a", "b", "commit: one"),
        ("b", "a", "reset: moving to HEAD~1"),
        ("a", "c", "commit: two"),
        ("c", "a", ""),
    )

    assert find_left(lines, "a") == ("b", "c")


def test_a_gap_between_two_lines_leaves_what_was_before_it() -> None:
    lines = log(MADE, ("a", "b", "commit: one"), (ZERO, "c", "commit (initial): orphan"))

    assert find_left(lines, "c") == ("b",)


def test_the_last_place_is_left_where_head_is_elsewhere() -> None:
    assert find_left(log(MADE, ("a", "b", "commit: one")), "d") == ("b",)


def test_a_log_that_is_empty_or_damaged_leaves_nothing_that_is_no_id() -> None:
    assert find_left("", "a") == ()
    assert find_left("\n\t\n", "a") == ()
