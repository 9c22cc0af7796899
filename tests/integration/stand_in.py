"""A stand-in for claude that tells its version, prints its help, asks its model and prints what claude prints."""

import sys
from pathlib import Path

STAND_IN = f"""#!{sys.executable}
import json, os, sys, urllib.request

VERSION, HELP, LAST = "2.1.197", {{help!r}}, {{last!r}}
if "--version" in sys.argv:
    {{version}}
    print(VERSION)
elif "--help" in sys.argv:
    print(HELP)
else:
    assert "real-secret" not in str(os.environ)
    tool = dict(name="Bash", input_schema=dict(properties=dict(command=dict(type="string")), required=["command"]))
    body = json.dumps(dict(model="m", tools=[tool])).encode()
    request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", body, method="POST")
    {{call}}
    print(json.dumps(LAST))
"""
HELP = "-p --output-format --verbose --dangerously-skip-permissions --resume --session-id --model"
HELP += " --exclude-dynamic-system-prompt-sections --append-system-prompt[-file]"
DONE = {"type": "result", "subtype": "success", "is_error": False, "result": "Hello."}
ASK = "urllib.request.urlopen(request).read()"


def save_stand_in(
    folder: Path, *, help: str = HELP, last: object = DONE, version: str = "pass", call: str = ASK
) -> None:
    """Write the command; `version` and `call` are lines of Python for when it is asked for that."""
    command = folder / "claude"
    command.write_text(STAND_IN.format(help=help, last=last, version=version, call=call))
    command.chmod(0o755)
