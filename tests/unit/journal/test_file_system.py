"""On what kind of file system a path is."""

from pathlib import Path

import pytest

from chant_tasks.journal.file_system import find_file_system, parse_file_system

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
none /home/ann/my\\040work 9p rw 0 0
tmpfs /tmp tmpfs rw 0 0
overlay /tmp overlay rw 0 0
odd
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/repository/.git", "ext4 at /"),
        ("/home", "nfs4 at /home"),
        ("/home/ann/other", "nfs4 at /home"),
        ("/homes", "ext4 at /"),
        ("/home/ann/my work/x", "9p at /home/ann/my work"),
        ("/tmp/x", "overlay at /tmp"),
    ],
)
def test_the_nearest_mount_counts_and_of_several_the_last(path: str, expected: str) -> None:
    assert parse_file_system(MOUNTS, Path(path)) == expected


def test_a_table_that_does_not_say_says_nothing() -> None:
    assert parse_file_system("", Path("/x")) == ""


@pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="only Linux says what is mounted")
def test_this_machines_own_table_is_read(tmp_path: Path) -> None:
    assert " at /" in find_file_system(tmp_path)
