"""What a container has mounted of a folder is seen, and what lies around it is not held against it."""

import pytest

from chant_tasks.journal.mounts import Mount, is_in_use, parse_mounts

_OWN = (
    b"1 0 8:1 / / rw - ext4 /dev/a rw\n"
    b"2 1 0:27 / /tmp rw - tmpfs tmpfs rw\n"
    b"3 1 0:40 /@home /home rw - btrfs /dev/b rw\n"
    b"4 1 8:2 / /tmp/over rw - ext4 /dev/c rw\n"
    b"5 4 8:3 /deep /tmp/over rw - ext4 /dev/d rw\n"
)


@pytest.mark.parametrize(
    ("folder", "other", "is_used"),
    [
        ("/tmp/pool/one", "0:27 /pool/one /app", True),
        ("/tmp/pool/one", "0:27 /pool/one/data /data", True),
        ("/tmp/pool/one", "0:27 /pool/one-more /app", False),
        ("/tmp/pool/one", "0:27 /pool /app", False),
        ("/tmp/pool/one", "8:1 /pool/one /app", False),
        ("/tmp/a b/one", r"0:27 /a\040b/one /app", True),
        ("/home/me/one", "0:40 /@home/me/one /app", True),
        ("/tmp/over/one", "8:3 /deep/one /app", True),
        ("/tmp/over/one", "8:2 /one /app", False),
        ("/var/one", "8:1 /var/one /app", True),
        ("/tmp/pool", "0:27 / /tmp", False),
    ],
)
def test_a_folder_that_a_container_has_is_in_use(folder: str, other: str, is_used: bool) -> None:
    others = parse_mounts(f"9 8 {other} rw - x y rw\n".encode())

    assert is_in_use(folder.encode(), parse_mounts(_OWN), iter(others)) == is_used


def test_a_folder_in_which_something_is_mounted_is_in_use() -> None:
    assert is_in_use(b"/tmp/pool", (*parse_mounts(_OWN), Mount(b"0:50", b"/", b"/tmp/pool/fuse")), iter(()))
    assert is_in_use(b"/tmp", parse_mounts(_OWN), iter(()))
