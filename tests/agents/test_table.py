"""The table of docs/agents.md, the service on loopback, and the network that tests with real agents have."""

import json
import socket
import urllib.error
import urllib.request
from http.client import IncompleteRead
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from chant_tasks.agents.loopback import Drop, Refuse, Say, Script, serve
from chant_tasks.config.schema import AGENTS
from tests.agents.contract import BEGIN, DOCUMENT, END, parse_report, render_table, replace_between
from tests.agents.expected import COMMITTED, EXPECTED, RESUMED, STOPPED
from tests.agents.install import main as install
from tests.agents.network import only_loopback
from tests.agents.notes import NOTE, render_note
from tests.agents.scenarios import PLAYS

REPORT = f"""<testsuites><testsuite><testcase name="one"><properties>
<property name="network" value=""/>
<property name="{NOTE}" value={quoteattr(render_note("claude", "2.1.197", "401", "gave up: auth"))}/>
<property name="{NOTE}" value={quoteattr(render_note("claude", "2.1.197", "429", "seen, too"))}/>
</properties></testcase><testcase name="two"/></testsuite></testsuites>"""


def test_every_play_is_known_to_end_somehow_with_every_agent() -> None:
    assert set(EXPECTED) == {*PLAYS, COMMITTED, RESUMED, STOPPED}
    assert all(tuple(row) == AGENTS for row in EXPECTED.values())


def test_the_table_says_what_was_seen_what_cannot_be_and_what_was_not_run() -> None:
    lines = render_table(parse_report(REPORT)).splitlines()

    assert lines[0].startswith("|  | claude 2.1.197 | codex | ")
    row = next(line for line in lines if line.startswith("| 401 |"))
    assert row.startswith("| 401 | gave up: auth | not run | ")
    assert any(line.startswith("| 429 | seen, too | not run | ") for line in lines)
    assert next(line for line in lines if line.startswith(f"| {RESUMED} |")).endswith("| cannot: has no sessions |")


def test_only_what_is_between_the_marks_is_written() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert replace_between(text, "| new |") == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"
    with pytest.raises(SystemExit, match="are not there"):
        replace_between("no marks", "| new |")


def test_the_document_has_the_marks() -> None:
    text = DOCUMENT.read_text()

    assert text.count(BEGIN) == text.count(END) == 1


def test_an_unknown_agent_is_refused_before_anything_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install([str(tmp_path), "claud"]) == 2
    assert capsys.readouterr().err.startswith("no such agent: claud; there are claude, codex, ")
    assert [*tmp_path.iterdir()] == []


def test_a_test_reaches_the_service_and_nothing_else() -> None:
    with only_loopback() as reason, serve(Script((Say("Hello."),), has_tools=False)) as script:
        if reason:
            pytest.skip(f"no network of its own here: {reason}")
        interfaces = [name for _, name in socket.if_nameindex()]
        answer = ask(script, {"model": "m"})

    assert "lo" in interfaces
    assert "eth0" not in interfaces
    assert answer["content"][0]["text"] == "Hello."


def test_a_refusal_and_a_broken_answer_last() -> None:
    with serve(Script((Refuse(529, "Overloaded"),), has_tools=False)) as script:
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError) as refused:
                ask(script, {})
            assert refused.value.code == 529
            assert json.loads(refused.value.read())["error"]["type"] == "overloaded_error"
    with serve(Script((Drop("and then"),), has_tools=False)) as script:
        for _ in range(2):
            with pytest.raises(IncompleteRead):
                ask(script, {"stream": True})
    assert len(script.requests) == 2


def ask(script: Script, body: dict[str, object]) -> dict[str, list[dict[str, str]]]:
    request = urllib.request.Request(f"{script.url}/v1/messages", json.dumps(body).encode(), method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        found: dict[str, list[dict[str, str]]] = json.loads(answer.read())
        return found
