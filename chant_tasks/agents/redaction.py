"""Which values of an environment are secrets, and how text is freed of them before it is logged, shown or kept.

Whatever an agent prints comes through here first: its tools see the environment, and `env` is a common thing to type.
"""

import json
import os.path
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

from chant_tasks.values import dataclass

_MASK = b"***"
_SHORTEST = 8  # what is shorter is found everywhere by chance
_SECRET_PART = re.compile(  # of a name, between underscores; the last words are common within others
    r"(.*(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|JWT)|PAT|PASS|PGPASS|PWD)S?\d*", re.IGNORECASE
)
_SECRET_END = re.compile(r".*AUTH(_?\d+)?", re.IGNORECASE)  # elsewhere it says how: AUTH_METHOD
_NO_SECRETS = frozenset({"PUBLIC", "PUB"})
_URL_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://([^\s:@/]*):?([^\s@/]*)@", re.IGNORECASE)
_HEADER = re.compile(r"authorization:\s*(?:[a-z]+\s+)?(\S+)", re.IGNORECASE)  # as git's http.extraHeader holds it


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be shown: `pattern` finds any of it, each holds one of `parts`, the longest has `longest` bytes."""

    pattern: re.Pattern[bytes] | None
    longest: int
    parts: tuple[bytes, ...] = ()

    def redact(self, text: bytes) -> bytes:
        """Return `text` with `***` in the place of each secret."""
        # A hundred times as fast as the pattern is, and there hardly ever is one.
        if self.pattern is None or not any(part in text for part in self.parts):
            return text
        return self.pattern.sub(_MASK, text)

    def find_cut(self, text: bytes | bytearray, cut: int) -> int:
        """Return `cut`, or a place before it that lies within no secret: `text` may be cut in two there."""
        if self.pattern is None:
            return cut
        for found in self.pattern.finditer(text, max(cut - self.longest, 0), cut + self.longest):
            if found.start() < cut < found.end():
                return found.start() or found.end()
        return cut


NO_SECRETS = Secrets(pattern=None, longest=0)


def find_secrets(environment: Mapping[str, str]) -> Secrets:
    """Return the secrets that an environment holds: values of variables whose names say so, and credentials in URLs."""
    forms = {form for value in _find_values(environment) for form in _plan_forms(value)}
    encoded = sorted((form.encode("utf-8", "surrogateescape") for form in forms), key=len, reverse=True)
    if not encoded:
        return NO_SECRETS
    parts = [form for form in encoded if not any(other in form for other in encoded if other != form)]
    return Secrets(pattern=re.compile(b"|".join(map(re.escape, encoded))), longest=len(encoded[0]), parts=tuple(parts))


def is_secret_name(name: str) -> bool:
    """Whether a variable's name says that its value is a secret: `API_KEY_PROD` does, `PUBLIC_KEY` and `PWD` do not."""
    parts = name.upper().split("_")
    if name == "PWD" or not _NO_SECRETS.isdisjoint(parts):
        return False
    return any(_SECRET_PART.fullmatch(part) for part in parts) or _SECRET_END.fullmatch(name) is not None


def _find_values(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if is_secret_name(name) and not _is_path(value):
            yield value
        for user, password in _URL_CREDENTIALS.findall(value):
            yield from (password, unquote(password)) if password else (user, unquote(user))
        yield from _HEADER.findall(value)


def _is_path(value: str) -> bool:
    # A key's file may be named; a key may begin with a slash, too, but no file has its name.
    return value.startswith(("/", "~")) and os.path.exists(os.path.expanduser(value))  # noqa: PTH110, PTH111


def _plan_forms(value: str) -> Iterator[str]:
    """A secret as it may be printed: each of its lines, as it stands, within JSON, within a URL."""
    for line in value.splitlines():
        if len(line.strip()) >= _SHORTEST:
            yield line.strip()
            yield json.dumps(line.strip())[1:-1]
            yield json.dumps(line.strip(), ensure_ascii=False)[1:-1]
            yield quote(line.strip(), safe="", errors="surrogateescape")
