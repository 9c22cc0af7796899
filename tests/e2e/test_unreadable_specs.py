"""A spec whose file may not be read: told in a line, and no other spec's hindrance."""

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import doit_behind, find_unprivileged


def test_a_file_that_may_not_be_read_is_told_in_a_line_and_the_list_goes_on(sandbox: Sandbox) -> None:
    unprivileged = find_unprivileged()
    if unprivileged is None:
        pytest.skip("root may read everything, and there is no setpriv to take that away")
    sandbox.add_spec("closed")
    sandbox.add_spec("other")
    sandbox.commit()
    (sandbox.root / ".chant" / "specs" / "closed.md").chmod(0)

    listed = doit_behind(sandbox, unprivileged, "list")

    rows = {line.split()[0]: line for line in listed.out.splitlines() if line}
    assert (listed.status, "Traceback" in listed.text) == (0, False), listed.text
    assert "closed.md: cannot be read: Permission denied" in rows["closed"]
    assert "ready" in rows["other"]
