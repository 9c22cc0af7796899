"""Files as nobody writes them on purpose: bytes, and real specs of which a part was cut, doubled, moved or replaced."""

from hypothesis import strategies as st

from tests.unit.spec.corpus import load_corpus

_WRITTEN = (
    b"---\nstatus: pending\nlabels: [a, b]\ndepends_on:\n- x\n- y\napproval:\n  required: true\n  status: pending\n"
    b"run: |\n  echo a\n\n  echo b\n---\n# Title\n\n## Acceptance Criteria\n\n- [ ] one\n  two\n- [x] three\n",
    b"\xef\xbb\xbf---\r\n{status: pending, labels: &l [a], context: *l}\r\n---\r\n# T\r\n\r\n```\r\n- [ ] a\r\n```\r\n",
    b"---\ndefaults:\n  provider: claude\ntimeouts: {wall: 30m, grace: 9}\nworktrees:\n  include: [.env]\n---\nProse\n",
)
_SNIPPETS = (
    *(
        b"---\n",
        b"---",
        b"\n",
        b"\t",
        b"\0",
        b"\r",
        b": ",
        b"- ",
        b"- [ ] ",
        b"# ",
        b"## Acceptance Criteria\n",
        b"```\n",
    ),
    *(
        b"&a ",
        b"*a",
        b"<<: ",
        b"!!python/object:os.system ",
        b"{",
        b"[",
        b"}",
        b"]",
        b"'",
        b'"',
        b"|\n",
        b">-\n",
        b"? ",
    ),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x8e\x89", b"\xc2\x85", b"\xe2\x80\xa8", b"%YAML 9\n"),
    *(b"status: completed\n", b"approval: {required: yes}\n", b"...\n", b"<!--\n", b"9" * 400, b"[" * 200, b"- " * 200),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real or a made file of which a few parts were replaced by others."""
    data = draw(st.sampled_from((*_WRITTEN, *load_corpus()[::17])))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, min(len(data), 600)))  # where frontmatters are
        end = draw(st.integers(start, min(len(data), start + 40)))
        data = data[:start] + draw(st.sampled_from(_SNIPPETS) | st.binary(max_size=8)) + data[end:]
    return data


_anything = st.binary(max_size=300) | st.lists(st.sampled_from(_SNIPPETS), max_size=20).map(b"".join)
files = st.integers(0, 3).flatmap(lambda choice: damaged() if choice else _anything)
