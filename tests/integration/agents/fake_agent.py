"""An agent with behaviour: `python fake_agent.py BEHAVIOUR [ARGUMENT]` does what the function of that name says."""

# ruff: noqa: T201  # printing is all that an agent does to be seen

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SESSION = "11111111-1111-4111-8111-111111111111"


def emit(**event: object) -> None:
    print(json.dumps(event), flush=True)


def answer(text: str) -> None:
    content = [{"type": "text", "text": text}]
    emit(type="assistant", message={"model": "fake-1", "content": content}, parent_tool_use_id=None)


def result(text: str, *, is_error: bool = False) -> None:
    emit(is_error=is_error, subtype="success", result=text, num_turns=1, total_cost_usd=0.5, type="result")


def claude(prompt: str) -> None:
    """Speak as Claude Code does, and edit a file."""
    emit(type="system", subtype="init", session_id=SESSION, model="fake-1")
    answer(f"I read {len(prompt)} characters.")
    Path("made.txt").write_text(prompt)
    result("All done.")


def claude_fails(_: str) -> None:
    """Say that it went wrong, with the exit status of a success."""
    emit(type="system", subtype="init", session_id=SESSION, model="fake-1")
    result("API Error: 529", is_error=True)


def claude_stays(_: str) -> None:
    """Hang after the last word, which Claude Code has been seen to do."""
    result("All done.")
    time.sleep(300)


def claude_gives_in(_: str) -> None:
    """Say at SIGTERM, in the middle of its work, that all is well: Copilot has been seen to do so."""

    def leave(number: int, _: object) -> None:
        os.write(1, b'{"type": "result", "subtype": "success", "is_error": false, "result": "All done."}\n')
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    answer("I begin.")
    sys.stdout.flush()
    time.sleep(300)


def edits(prompt: str) -> None:
    Path("made.txt").write_text(prompt)
    print("made it")


def reads_environment(_: str) -> None:
    print(json.dumps(dict(os.environ)))


def fails(_: str) -> None:
    print("working")
    print("no such thing", file=sys.stderr)
    sys.exit(3)


def crashes(_: str) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs(_: str) -> None:
    print("hanging", flush=True)
    time.sleep(300)


def hangs_deaf(_: str) -> None:
    """Ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("hanging", flush=True)
    time.sleep(300)


def says_goodbye(_: str) -> None:
    """End at SIGTERM with a last line and a status of its own."""

    def leave(number: int, _: object) -> None:
        os.write(1, b"goodbye\n")  # print fails where the signal comes while the line below is being flushed
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    print("hanging", flush=True)
    time.sleep(300)


def floods(_: str) -> None:
    """Write 1 MB to stderr before anything else, then 1 MB to stdout."""
    sys.stderr.write(("e" * 1023 + "\n") * 1024)
    sys.stdout.write(("o" * 1023 + "\n") * 1024)


def writes_bytes(_: str) -> None:
    sys.stdout.buffer.write(b"caf\xe9 \xf0\x9f\x99\r\nna\xc3\xafve\nno end")
    sys.stderr.buffer.write(b"\xff\n")


def writes_one_line(argument: str) -> None:
    sys.stdout.write("x" * int(argument))


def leaves_child(_: str) -> None:
    """End at once, and leave a child in its group that holds both streams and ignores SIGTERM."""
    _leave_child("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    print("done", flush=True)


def leaves_escaped_child(_: str) -> None:
    """Leave a child in a session of its own that holds both streams."""
    _leave_child("pass", start_new_session=True)
    print("done", flush=True)


def _leave_child(code: str, *, start_new_session: bool = False) -> None:
    rest = "import time; print('up', flush=True); open('child.up', 'w').close(); time.sleep(300)"
    child = subprocess.Popen([sys.executable, "-c", f"{code}; {rest}"], start_new_session=start_new_session)
    Path("child.pid").write_text(str(child.pid))
    while not Path("child.up").exists():
        time.sleep(0.01)


def closes_its_streams(_: str) -> None:
    os.close(1)
    os.close(2)
    time.sleep(0.5)
    Path("made.txt").write_text("late")
    os._exit(0)


if __name__ == "__main__":
    behaviour = globals()[sys.argv[1]]
    # What takes no prompt must not read it: an agent that never reads its stdin is one of the cases.
    takes_prompt = behaviour in (claude, edits)
    behaviour(sys.stdin.read() if takes_prompt else (sys.argv[2:] or [""])[0])
