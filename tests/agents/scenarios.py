"""What can happen to an agent, as short plays against the service on loopback, and what each of the seven makes of it.

`docs/agents.md` holds the table that comes of playing all of them.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from chant_tasks.agents.contract import Denied, Finished, GaveUp, Postponed
from chant_tasks.agents.loopback import Drop, Refuse, Say, Script, serve
from chant_tasks.agents.loopback.pointed import KEY
from chant_tasks.agents.loopback.protocols import Turn
from tests.agents.installed import PROMPT, Run, Work, checkup_of, has_tools, make_place

COMMIT = "echo hello > hello.txt && git add -A && git commit -q -m 'Say hello'"
ANSWER = "I write it.\n\nhello.txt\n```\nhello\n```\n"  # what an agent without tools makes a file of
BROKEN = "the-build-is-broken"
CANNOT = "cannot: "
PATIENCE = 40.0  # seconds, for those that try again for minutes and cannot be told not to
TRYING = f"tries on after {PATIENCE:.0f} s"
STUBBORN = ("opencode", "qwen", "aider")

Play = Callable[[str, Path], str]  # an agent and an empty folder to what was seen


def script_of(agent: str, *turns: Turn) -> Script:
    return Script(turns, has_tools=has_tools(agent))


def say_commit(agent: str) -> Sequence[Say]:
    """Return the turns in which a file is written and committed."""
    if has_tools(agent):
        return (Say("I write it.", run=COMMIT), Say("Done: hello.txt is there."))
    return (Say(ANSWER), Say("Say hello"))


def describe(run: Run) -> str:
    """Return how a run ended in the words of the table."""
    if run.exit.ended_by == "wall timeout":
        return TRYING
    match run.outcome:
        case Finished():
            return "finished"
        case Postponed(_, error, until):
            return f"postponed: {error.value}" + (" until its end" if until else "")
        case GaveUp(_, error):
            return f"gave up: {error.value}"
    return "stopped"


def play_nothing(agent: str, folder: Path) -> str:
    place = make_place(agent, folder)
    with serve(script_of(agent, Say("There is nothing to do."))) as script:
        run = place.work(script)
    assert place.git("rev-list", "--count", "HEAD") == "1"
    assert place.git("status", "--porcelain") == ""
    return describe(run)


def play_failing_tool(agent: str, folder: Path) -> str:
    """The command's words and status come back to the model; no agent takes them for its own failure."""
    with serve(script_of(agent, Say("I try.", run=f"echo {BROKEN} >&2; exit 3"), Say("It failed."))) as script:
        run = make_place(agent, folder).work(script)
    assert str(script.requests[-1]).count(BROKEN) > str(script.requests[-2]).count(BROKEN)
    return describe(run)


DENYING_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "claude": ("--disallowedTools", "Bash(git *)"),
    "copilot": ("--deny-tool=shell(git:*)",),
}
DENYING_FILES: Mapping[str, Mapping[str, str]] = {
    "codex": {
        ".codex/rules/default.rules": 'prefix_rule(pattern=["git"], decision="forbidden", justification="no")\n',
    },
    "gemini": {
        ".gemini/policies/no.toml": (
            '[[rule]]\ntoolName = "run_shell_command"\ncommandPrefix = "git"\ndecision = "deny"\npriority = 999\n'
        ),
    },
    "opencode": {
        ".config/opencode/opencode.json": json.dumps({"permission": {"bash": {"*": "allow", "git *": "deny"}}}),
    },
    "qwen": {".qwen/settings.json": json.dumps({"permissions": {"deny": ["Bash(git *)"]}})},
}


def play_denied_tool(agent: str, folder: Path) -> str:
    """Nobody is let use git by its user's own rules, and the model says "done" all the same."""
    place = make_place(agent, folder, home=DENYING_FILES.get(agent))
    command = "git commit -q --allow-empty -m mine"
    with serve(script_of(agent, Say("I commit.", run=command), Say("Done."))) as script:
        run = place.work(script, Work(args=DENYING_ARGUMENTS.get(agent, ())))
    assert place.git("rev-list", "--count", "HEAD") == "1"
    return describe(run) + (", the denial told" if any(isinstance(event, Denied) for event in run.events) else "")


def play_refusal(refuse: Callable[[str], Refuse | Drop]) -> Play:
    """Return the play in which the service answers every request so."""

    def play(agent: str, folder: Path) -> str:
        with serve(script_of(agent, refuse(agent))) as script:
            run = make_place(agent, folder).work(script, Work(wall=find_patience(agent)))
        assert script.requests
        return describe(run)

    return play


def play_limit(agent: str, folder: Path) -> str:
    """The account's limit is reached; claude tells until when only to those who have logged in."""
    env = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": KEY} if agent == "claude" else {}
    with serve(script_of(agent, refuse_until(agent))) as script:
        return describe(make_place(agent, folder).work(script, Work(env=env, wall=find_patience(agent))))


def find_patience(agent: str) -> float:
    return PATIENCE if agent in STUBBORN else Work.wall


def refuse_until(agent: str) -> Refuse:
    """Return a limit that ends in three hours, as the agent's own service words it."""
    until = int(time.time()) + 3 * 3600
    if agent == "claude":
        names = {"status": "rejected", "reset": str(until), "representative-claim": "five_hour"}
        headers = {f"anthropic-ratelimit-unified-{name}": value for name, value in names.items()}
        return Refuse(429, "This request would exceed your account's rate limit.", headers=headers)
    if agent == "codex":
        more = {"type": "usage_limit_reached", "plan_type": "plus", "resets_at": until}
        return Refuse(429, "The usage limit has been reached", more=more)
    if agent == "gemini":
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "10800s"}
        more = {"status": "RESOURCE_EXHAUSTED", "details": [info]}
        return Refuse(429, "You exceeded your current quota. Please retry in 10800s.", more=more)
    return Refuse(429, "Rate limit reached, try again in 3 hours.", headers={"Retry-After": "10800"})


def play_nobody_there(agent: str, folder: Path) -> str:
    with serve(script_of(agent)) as script:
        pass  # its port is closed then
    return describe(make_place(agent, folder).work(script, Work(wall=find_patience(agent))))


LIMITING_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "claude": ("--max-turns", "1"),
    "qwen": ("--max-session-turns", "1"),
}


def play_turn_limit(agent: str, folder: Path) -> str:
    """One turn is allowed, and the work takes three."""
    looks = tuple(Say(f"I look at {word}.", run=f"echo {word}") for word in ("this", "that"))
    home = {".gemini/settings.json": _limit_gemini(agent)} if agent == "gemini" else None
    place = make_place(agent, folder, home=home)
    with serve(script_of(agent, *looks, Say("Done."))) as script:
        return describe(place.work(script, Work(args=LIMITING_ARGUMENTS.get(agent, ()))))


def _limit_gemini(agent: str) -> str:
    settings = json.loads(checkup_of(agent).point("", "").home[".gemini/settings.json"])
    return json.dumps({**settings, "model": {"maxSessionTurns": 1}})


def play_leftovers(agent: str, folder: Path) -> str:
    """What an agent has started in a session of its own ends with it, also where all went well."""
    place, seconds = make_place(agent, folder), str(200_000 + os.getpid())
    command = f"setsid sleep {seconds} </dev/null >/dev/null 2>&1 & echo started"
    with serve(script_of(agent, Say("I start it.", run=command), Say("It runs."))) as script:
        run = place.work(script)
    assert "started" in str(script.requests[-1])
    return describe(run) + (", left running" if find_running("sleep", seconds) else ", nothing left")


RULES = "# Rules\n\nAs all specs are told.\n\n"


def play_two_at_once(agent: str, folder: Path) -> str:
    """Two worktrees of one repository, and one home; each has a prompt of its own, which begins with the same rules."""
    places = [make_place(agent, folder, number) for number in (1, 2)]
    scripts = [script_of(agent, *say_commit(agent)) for _ in places]
    with serve(scripts[0]), serve(scripts[1]), ThreadPoolExecutor(2) as pool:
        works = [Work(prompt=f"{RULES}{PROMPT}\n\nIn {place.worktree}.\n", shared=RULES) for place in places]
        runs = [*pool.map(lambda place, script, work: place.work(script, work), places, scripts, works)]
    assert [place.git("log", "-1", "--format=%s") for place in places] == ["Say hello"] * 2, runs
    return ", ".join(sorted({f"both {describe(run)}" for run in runs})) + describe_prefix(scripts)


def describe_prefix(scripts: Sequence[Script]) -> str:
    """Return what of the first requests of two worktrees is the same, so that a service caches it once for both."""
    one, two = (find_prefix(script.requests[0]) for script in scripts)
    assert all("As all specs are told." in str(script.requests[0]) for script in scripts)
    if one != two:
        return ""
    return ", one system prompt" + (" with the rules" if "As all specs are told." in str(one) else "")


def find_prefix(body: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the tools and the system prompt of a request, whatever the service's protocol is."""
    messages = body.get("messages") or body.get("input") or []
    system = [message["content"] for message in messages if message.get("role") in ("system", "developer")]
    return body.get("tools"), body.get("system"), body.get("systemInstruction"), system


def find_running(*argv: str) -> list[str]:
    """Return the processes of this machine that were started so."""
    wanted = b"".join(word.encode() + b"\0" for word in argv)
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and (folder / "cmdline").read_bytes() == wanted:
                found.append(folder.name)
    return found


PLAYS: Mapping[str, Play] = {
    "nothing is done": play_nothing,
    "a tool fails": play_failing_tool,
    "a tool is denied": play_denied_tool,
    "401": play_refusal(lambda _: Refuse(401, "Incorrect API key provided.")),
    "429": play_refusal(lambda _: Refuse(429, "Too many requests, slow down.")),
    "429 with a time": play_limit,
    "529": play_refusal(lambda _: Refuse(529, "Overloaded")),
    "the answer breaks off": play_refusal(lambda _: Drop("I was about to say something long. " * 20)),
    "nobody is there": play_nobody_there,
    "a limit of turns": play_turn_limit,
    "two at once": play_two_at_once,
    "leftovers": play_leftovers,
}
