"""Which repositories were saved as plain files."""

from chant_tasks.landing.nested import find_embedded


def test_a_saved_repository_is_found_by_its_head() -> None:
    paths = (
        "a.txt",
        "sub/embedded-git/HEAD",
        "sub/embedded-git/refs/heads/main",
        "sub/deep/embedded-git-2/HEAD",
        "embedded-git/HEAD",
        "docs/HEAD",
        "embedded-git/notes",
    )

    assert find_embedded(paths) == ("sub", "sub/deep", ".")
