"""What `doit spec-doctor --agents` shows."""

import json
from dataclasses import replace

from chant_tasks.agents.contract import Finished
from chant_tasks.agents.look import Call, Facts, Look, Problem, Subject, Weight
from chant_tasks.doit_plugin.screens.agents_screen import render_looks, render_looks_count, render_looks_json
from chant_tasks.doit_plugin.screens.terminal import PLAIN

FACTS = Facts(
    path="/bin/claude",
    version="2.1.197",
    flags=8,
    missing=(),
    login="KEY is set",
    call=Call(outcome=Finished("Hello."), requests=1, strays=()),
)
FINE = Look(subject=Subject(name="claude", command="claude", is_used=True, account="main"), facts=FACTS, problems=())
ODD = replace(FINE, problems=(Problem(Weight.WARNING, "it is new", "watch it"),))
GONE = Look(
    subject=Subject(name="codex", command="codex", is_used=False),
    facts=Facts(),
    problems=(Problem(Weight.ERROR, "codex is not there", "install it"),),
)
OWN = Look(subject=Subject(name="command", command="mine", is_used=True), facts=Facts(path="/bin/mine"), problems=())


def test_each_agent_has_a_line_and_below_it_what_to_do() -> None:
    assert [*render_looks((FINE, ODD, GONE, OWN), PLAIN)] == [
        "✓ claude 2.1.197 for main, in use, /bin/claude, all 8 flags known, KEY is set, answered on loopback",
        "⚠ claude 2.1.197 for main, in use, /bin/claude, all 8 flags known, KEY is set, answered on loopback",
        "  warning: it is new",
        "    watch it",
        "✗ codex",
        "  error: codex is not there",
        "    install it",
        "✓ command, in use, /bin/mine, nothing more is known of it",
    ]


def test_without_icons_there_are_words() -> None:
    style = replace(PLAIN, has_unicode=False)

    assert [line.partition(" claude")[0] for line in render_looks((FINE, ODD), style) if "claude" in line] == [
        "fine:",
        "look:",
    ]
    assert next(iter(render_looks((GONE,), style))) == "cannot be used: codex"


def test_the_end_says_how_many_can_be_used() -> None:
    assert render_looks_count((FINE, GONE)) == "2 agents: 1 can be used, 1 cannot"


def test_json_has_null_where_nobody_knows() -> None:
    fine, gone = json.loads(render_looks_json((FINE, GONE)))

    assert fine == {
        "agent": "claude",
        "account": "main",
        "in_use": True,
        "usable": True,
        "command": "claude",
        "path": "/bin/claude",
        "version": "2.1.197",
        "tested": [],
        "missing_flags": [],
        "login": "KEY is set",
        "call": "answered",
        "problems": [],
    }
    assert (gone["path"], gone["missing_flags"], gone["call"], gone["usable"]) == (None, None, None, False)
    assert gone["problems"] == [{"level": "error", "reason": "codex is not there", "hint": "install it"}]
