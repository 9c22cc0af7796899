"""What counts as a refusal of the disk, and what as a bug."""

import errno
import os

import pytest

from chant_tasks.doit_plugin.run.guards import find_system_problem

FULL = (errno.ENOSPC, errno.EDQUOT)


@pytest.mark.parametrize("number", [*FULL, errno.EFBIG, errno.EROFS, errno.EIO, errno.EPERM, errno.EMFILE])
def test_a_refusal_of_the_system_is_one_line_with_what_to_do_next(number: int) -> None:
    problem = find_system_problem(OSError(number, os.strerror(number), ".git/chant/open/a"))

    assert problem is not None
    assert problem.reason.lower() == f"{os.strerror(number)}: .git/chant/open/a".lower()
    assert problem.hint.startswith("once that is mended")
    assert ("is the disk full?" in problem.hint) == (number in FULL)


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "none"), OSError("no number"), KeyError(28)])
def test_anything_else_is_no_refusal_of_the_disk(error: Exception) -> None:
    assert find_system_problem(error) is None
