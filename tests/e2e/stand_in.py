"""A stand-in for the agent claude: a program of that name that prints what the real one prints, turn by turn.

Each login folder (`CLAUDE_CONFIG_DIR`) has turns of its own: what is done there when the agent is started for the first
time, the second, and so on. Beyond them, and where none are given, a turn does the spec's work.
"""

import json
import sys
from pathlib import Path

from tests.e2e.sandbox import Sandbox

_PROGRAM = """\
#!{python}
import json, os, pathlib, subprocess, sys, time, uuid

if sys.argv[1:] == ["--version"]:
    with open({asked!r}, "a") as asked:
        asked.write(os.getcwd() + "\\n")
    sys.exit(print({version!r} + " (Claude Code)"))
home = pathlib.Path(os.environ.get("CLAUDE_CONFIG_DIR") or {default!r})
home.mkdir(exist_ok=True)
number = 1
while True:
    call = home / ("call-%d" % number)
    try:
        call.mkdir()
        break
    except FileExistsError:
        number += 1
arguments = sys.argv[1:]
resumed = "--resume" in arguments
session = arguments[arguments.index("--resume" if resumed else "--session-id") + 1]
sessions = home / "sessions"
known = sessions.read_text().split() if sessions.exists() else []
flag = "--append-system-prompt-file"
shared = pathlib.Path(arguments[arguments.index(flag) + 1]).read_text() if flag in arguments else ""
(call / "shared").write_text(shared)
(call / "prompt").write_text(sys.stdin.read())
(call / "spec").write_text(os.environ["CHANT_SPEC_ID"])
(call / "arguments").write_text(" ".join(arguments))
turn = home / ("turn-%d.json" % number)
plan = json.loads(turn.read_text()) if turn.exists() else {{}}

def say(**values):
    print(json.dumps(values), flush=True)

def end(text, **more):
    say(**{{"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "session_id": session,
        "total_cost_usd": plan.get("cost", 0.25), "result": text,
        "modelUsage": {{"opus": {{"inputTokens": 1000, "outputTokens": 500}}}}, **more}})
    sys.exit(1 if more.get("is_error") else 0)

if resumed and session not in known:
    print("No conversation found with session ID: " + session, file=sys.stderr)
    sys.exit(1)
with sessions.open("a") as file:
    file.write(session + "\\n")
say(type="system", subtype="init", session_id=session, model="opus", claude_code_version="2.1.197")
say(type="assistant", message={{"model": "opus", "content": [{{"type": "text", "text": "I begin."}}]}})
name = os.environ["CHANT_SPEC_ID"]
tick = "sed -i 's/^- \\\\[ \\\\]/- [x]/' \\"$CHANT_SPEC_FILE\\""
default = "echo done > %s.txt; %s; git add -A; git commit -qm work" % (name, tick)
subprocess.run(["sh", "-c", plan.get("run", default)], check=True)
if "limit" in plan:
    if plan["limit"] is not None:
        until = int(time.time()) + plan["limit"]
        say(type="rate_limit_event", rate_limit_info={{"status": "rejected", "resetsAt": until}})
    end("Claude AI usage limit reached", is_error=True, api_error_status=429)
if "status" in plan:
    end("API Error: %d" % plan["status"], is_error=True, api_error_status=plan["status"])
end("Done.")
"""


class StandIn:
    """The program, on PATH in `sandbox`, and its login folders."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.folder = sandbox.outside / "logins"
        self.folder.mkdir()
        self.program = sandbox.outside / "bin" / "claude"
        self.program.parent.mkdir()
        self.update("2.1.197")

    def update(self, version: str) -> None:
        """Put the program of a version there."""
        asked = str(self.sandbox.outside / "asked")
        default = str(self.folder / "main")
        text = _PROGRAM.format(python=sys.executable, default=default, asked=asked, version=version)
        self.program.write_text(text)
        self.program.chmod(0o755)

    def count_questions(self) -> int:
        """How often the program was asked for its version."""
        path = self.sandbox.outside / "asked"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def configure(self, *settings: str, accounts: tuple[str, ...] = ()) -> None:
        """Write the config: these lines, the program, and an account for each name, with a login folder of its own."""
        lines = [f"providers: {{claude: {{executable: {self.program}}}}}", "defaults: {provider: claude}", *settings]
        if accounts:
            lines += ["parallel:", "  agents:"]
            lines += [f"  - {{name: {name}, env: {{CLAUDE_CONFIG_DIR: {self.folder / name}}}}}" for name in accounts]
        text = "\n".join(["---", *lines, "---", ""])
        self.sandbox.repository.write(".chant/config.md", text)

    def add_spec(self, spec_id: str) -> None:
        """Write a spec with one open criterion that an agent works."""
        self.sandbox.repository.add_spec(spec_id, f"Work {spec_id}")

    def plan_turn(self, number: int, login: str = "main", **plan: object) -> None:
        """What happens at a login's `number`th start: `run` is a script, `limit` seconds until the reset of a limit
        that was reached (None: it does not say), `status` an error of the service's, `cost` what the turn costs."""
        folder = self.folder / login
        folder.mkdir(exist_ok=True)
        (folder / f"turn-{number}.json").write_text(json.dumps(plan))

    def calls(self, login: str = "main") -> list[Path]:
        """What is known of each start: files `shared`, `prompt`, `spec` and `arguments`."""
        return sorted((self.folder / login).glob("call-*"), key=lambda call: int(call.name.removeprefix("call-")))

    def sessions(self, login: str = "main") -> list[str]:
        """The session of each start that found or began one."""
        path = self.folder / login / "sessions"
        return path.read_text().split() if path.exists() else []
