"""Installs agents into a folder and prints where their commands are, as CHANT_TEST_AGENTS takes it.

    python3 -m tests.agents.install FOLDER [AGENT ...]

Needs the standard library only, npm, and for aider a Python that it runs on. What is there already is left as it is.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Versions that docs/agents.md says what to expect of.
NPM = {
    "claude": "@anthropic-ai/claude-code@2.1.197",
    "codex": "@openai/codex@0.169.0",
    "gemini": "@google/gemini-cli@0.61.0",
    "opencode": "opencode-ai@1.18.33",
    "qwen": "@qwen-code/qwen-code@0.15.10",
    "copilot": "@github/copilot@1.0.102",
}
AIDER = "aider-chat==0.86.2"
AIDER_PYTHONS = ("python3.12", "python3.11", "python3.10")


def main(arguments: Sequence[str]) -> int:
    """Install what is named, all of them where nothing is; 1 where that failed, with the reason on stderr."""
    if not arguments:
        return fail(__doc__ or "", 2)
    folder, names = Path(arguments[0]).absolute(), tuple(arguments[1:]) or (*NPM, "aider")
    if unknown := [name for name in names if name not in (*NPM, "aider")]:
        return fail(f"no such agent: {', '.join(unknown)}; there are {', '.join((*NPM, 'aider'))}", 2)
    try:
        folders = [install_packages(folder, tuple(name for name in names if name in NPM))]
        folders += [install_aider(folder)] if "aider" in names else []
    except (OSError, subprocess.CalledProcessError) as error:
        return fail(f"the agents could not be installed into {folder}: {error}")
    missing = [name for name in names if shutil.which(name, path=os.pathsep.join(map(str, folders))) is None]
    if missing:
        return fail(f"installed into {folder}, and not there: {', '.join(missing)}")
    sys.stdout.write(f"{os.pathsep.join(map(str, folders))}\n")
    return 0


def fail(reason: str, status: int = 1) -> int:
    """Say why, and return the exit status."""
    sys.stderr.write(f"{reason}\n")
    return status


def install_packages(folder: Path, names: Sequence[str]) -> Path:
    """Return the folder of the commands of npm's packages."""
    place = folder / "npm"
    wanted = sorted(NPM[name] for name in names)
    done = place / "installed"
    if wanted and not (done.exists() and set(wanted) <= set(done.read_text().split())):
        place.mkdir(parents=True, exist_ok=True)
        npm = ("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(place))
        subprocess.run((*npm, *wanted), check=True, stdout=sys.stderr)
        done.write_text("\n".join(wanted))
    return place / "node_modules" / ".bin"


def install_aider(folder: Path) -> Path:
    """Return the folder of aider's command, in an environment of its own."""
    place = folder / "aider"
    done = place / "installed"
    if not (done.exists() and done.read_text() == AIDER):
        python = next((path for name in AIDER_PYTHONS if (path := shutil.which(name)) and is_python(path)), None)
        if python is None:
            raise OSError(f"aider needs one of {', '.join(AIDER_PYTHONS)}")
        subprocess.run((python, "-m", "venv", str(place)), check=True, stdout=sys.stderr)
        pip = (str(place / "bin" / "python"), "-m", "pip", "install", "-q", AIDER)
        subprocess.run(pip, check=True, stdout=sys.stderr)
        done.write_text(AIDER)
    return place / "bin"


def is_python(path: str) -> bool:
    """Return whether a Python runs there: a version manager has commands for some that are not chosen."""
    return subprocess.run((path, "-c", ""), capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
