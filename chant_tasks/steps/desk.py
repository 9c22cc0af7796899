"""What the agents of one run work on at the moment, what they have used so far, and which of it was found to be good:
shared by its threads."""

import math
import threading
from collections import Counter
from datetime import datetime

from chant_tasks.journal.ledger import Entry
from chant_tasks.journal.versions import Program


class Desk:
    """How many agents work, and were started, on each account, and the ledger's entries of this run.

    `lock` is held while an account is chosen and taken, so that two agents never take the last place of one; `asking`
    while an agent is asked for its version, so that none is asked twice: `versions` are what they told in this run.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.last_start = -math.inf  # of an agent, in monotonic seconds
        self.asking = threading.Lock()
        self.versions: dict[Program, str] = {}
        self.working: Counter[str] = Counter()
        self.started: Counter[str] = Counter()
        self._entries: list[Entry] = []
        self._said: set[str] = set()
        self._green: set[str] = set()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What each run of an agent has used, oldest first."""
        with self.lock:
            return tuple(self._entries)

    def begin(self, account: str) -> None:
        """Note that an agent is about to work on an account."""
        with self.lock:
            self.working[account] += 1
            self.started[account] += 1

    def end(self, account: str) -> None:
        """Note that an agent works on an account no more."""
        with self.lock:
            self.working[account] -= 1

    def add_entry(self, entry: Entry) -> None:
        """Note what a run of an agent has used."""
        with self.lock:
            self._entries.append(entry)

    def add_green(self, name: str) -> None:
        """Note that checks have succeeded: `name` is that of the files and of the commands."""
        with self.lock:
            self._green.add(name)

    def is_green(self, name: str) -> bool:
        """Whether these checks have succeeded on these files in this run."""
        with self.lock:
            return name in self._green

    def is_news(self, text: str) -> bool:
        """Whether that was not said in this run yet; now it is."""
        with self.lock:
            is_new = text not in self._said
            self._said.add(text)
            return is_new


def find_local_time() -> datetime:
    """This moment, in the machine's own zone."""
    return datetime.now().astimezone()
