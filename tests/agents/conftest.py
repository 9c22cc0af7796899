"""What the real agents run in: a network with nothing but loopback; where that is not allowed, the summary says so."""

from collections.abc import Callable, Iterator

import pytest

from tests.agents.installed import FOLDERS, load_version, require_installed
from tests.agents.network import only_loopback
from tests.agents.notes import NOTE, Note, render_note

_NETWORK = "network"


@pytest.fixture(autouse=True)
def network(request: pytest.FixtureRequest) -> Iterator[str]:
    """Why this test could reach beyond loopback, "" where it cannot."""
    with only_loopback() as reason:
        request.node.user_properties.append((_NETWORK, reason))
        yield reason


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """What notes outcomes in the report of the test."""

    def add(agent: str, scenario: str, outcome: str) -> None:
        version = load_version(require_installed(agent))
        record_property(NOTE, render_note(agent, version, scenario, outcome))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    reasons = {
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == _NETWORK and report.when == "call"
    }
    if FOLDERS and reasons:
        why = ", ".join(sorted(filter(None, reasons)))
        held = f"held to loopback by their proxy only ({why})" if why else "in networks with nothing but loopback"
        terminalreporter.write_line(f"agents ran {held}")
