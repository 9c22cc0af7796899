"""What an agent is given so that it asks the service on loopback, with nothing of the user's and no way past it."""

import os
from collections.abc import Mapping
from pathlib import Path

from chant_tasks.agents.checkup import Pointed

KEY = "sk-of-nobody-for-loopback"


def plan_pointed_environment(pointed: Pointed, *, home: Path, url: str, search_path: str) -> dict[str, str]:
    """Return the whole environment of an agent: nothing of its user's but the way to programs.

    Its proxy is the service itself, which refuses and notes what is meant for other hosts.
    """
    names = [f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    identity = dict(zip(names, ("Ann Author", "ann@example.com") * 2, strict=True))
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), url)
    return {
        "PATH": search_path,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **(proxies if pointed.has_proxy else {}),
        **identity,
        **pointed.env,
    }


def add_pointed_home(pointed: Pointed, home: Path, more: Mapping[str, str] | None = None) -> None:
    """Make the agent's home with the files that it needs there; `more` go beside or over them."""
    (home / "tmp").mkdir(parents=True)
    for path, text in {**pointed.home, **(more or {})}.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
