"""Reading frontmatter, and changing a key of it without changing another byte."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from chant_tasks.errors import SpecError
from chant_tasks.spec.frontmatter import (
    Change,
    edit_frontmatter,
    find_edit_problem,
    parse_frontmatter,
    split_frontmatter,
)
from chant_tasks.spec.yaml_entries import Value
from tests.unit.spec.corpus import load_corpus, needs_corpus

PATH = Path("a.md")
PLAIN = b"---\ntype: code\nstatus: pending\n---\n# Title\n"


def read(data: bytes) -> Mapping[str, Value]:
    frontmatter = split_frontmatter(data)
    assert frontmatter is not None
    return parse_frontmatter(frontmatter, PATH).values


def read_head(head: str) -> Mapping[str, Value]:
    return read(f"---\n{head}\n---\n".encode())


def edit_head(head: str, **changes: Change) -> str:
    edited = edit_frontmatter(f"---\n{head}---\nbody".encode(), changes).decode()
    assert edited.startswith("---\n")
    assert edited.endswith("---\nbody")
    return edited.removeprefix("---\n").removesuffix("---\nbody")


def fail(data: bytes) -> str:
    with pytest.raises(SpecError) as caught:
        read(data)
    return str(caught.value)


class TestSplitting:
    def test_the_parts_are_the_whole_file(self) -> None:
        parts = split_frontmatter(b"\xef\xbb\xbf---  \r\na: b\r\n--- \r\nbody")

        assert parts is not None
        assert (parts.opening, parts.head, parts.closing, parts.body) == (
            b"\xef\xbb\xbf---  \r\n",
            b"a: b\r\n",
            b"--- \r\n",
            b"body",
        )
        assert (parts.newline, parts.head_line, parts.body_line) == ("\r\n", 2, 4)

    def test_both_lines_stand_alone_so_dashes_within_lines_are_text(self) -> None:
        assert read(b"---\nlabels: [a---b]\nx: y ---\n---\n") == {"labels": ("a---b",), "x": "y ---"}

    def test_rules_in_the_body_belong_to_the_body(self) -> None:
        parts = split_frontmatter(b"---\na: b\n---\nx\n\n---\n\ny\n")

        assert parts is not None
        assert parts.body == b"x\n\n---\n\ny\n"

    def test_blank_lines_may_come_first_as_in_chant(self) -> None:
        parts = split_frontmatter(b"\n \n---\na: b\n---\nx")

        assert parts is not None
        assert (parts.head, parts.head_line, parts.body_line) == (b"a: b\n", 4, 6)

    def test_the_closing_line_may_end_the_file(self) -> None:
        parts = split_frontmatter(b"---\na: b\n---")

        assert parts is not None
        assert (parts.closing, parts.body) == (b"---", b"")

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"# Title\n",
            b"text\n---\na: b\n---\n",
            b"---\na: b\n",
            b"----\na: b\n----\n",
            b"--- a: b\n---\n",
            b"---",
        ],
    )
    def test_without_both_lines_there_is_no_frontmatter(self, data: bytes) -> None:
        assert split_frontmatter(data) is None

    @needs_corpus
    def test_real_files_are_cut_without_losing_a_byte(self) -> None:
        for data in load_corpus():
            parts = split_frontmatter(data)
            assert parts is not None
            assert parts.opening + parts.head + parts.closing + parts.body == data


class TestReading:
    @pytest.mark.parametrize(
        "text",
        [
            "1e10203",
            "2026-01-24",
            "2026-01-24T23:35:25Z",
            "00123",
            "0x1f",
            "1_000",
            ".5",
            "1:30",
            "yes",
            "off",
            "6304141",
        ],
    )
    def test_what_looks_like_a_number_or_a_date_stays_text(self, text: str) -> None:
        assert read_head(f"key: {text}\nlist: [{text}]") == {"key": text, "list": (text,)}

    def test_only_null_and_true_and_false_are_more_than_text(self) -> None:
        assert read_head("a:\nb: ~\nc: null\nd: true\ne: False\nf: 'true'\ng: \"\"\nh: 'null'\ni: !!str true") == {
            "a": None, "b": None, "c": None, "d": True, "e": False, "f": "true", "g": "", "h": "null", "i": "true"
        }  # fmt: skip

    def test_nested_values_keep_their_shape(self) -> None:
        assert read_head("approval:\n  required: true\n  by: x\nlist:\n- a\n- [b, c]\n- d: e\n") == {
            "approval": {"required": True, "by": "x"},
            "list": ("a", ("b", "c"), {"d": "e"}),
        }

    def test_nothing_and_comments_alone_are_an_empty_mapping(self) -> None:
        assert read(b"---\n---\n") == read(b"---\n# nothing\n\n---\n") == {}

    def test_a_value_may_be_named_and_used_again(self) -> None:
        assert read_head("a: &x [1, 2]\nb: *x") == {"a": ("1", "2"), "b": ("1", "2")}

    def test_each_key_knows_its_line_in_the_file(self) -> None:
        parts = split_frontmatter("---\r\n# é\u2028\r\na: b\r\n\r\nc: d\r\n---\r\n".encode())

        assert parts is not None
        assert parse_frontmatter(parts, PATH).lines == {"a": 3, "c": 5}

    @pytest.mark.parametrize(
        ("head", "message"),
        [
            ("a: b\nc: d: e", "a.md:3: YAML: mapping values are not allowed in this context"),
            ("a: b\n\n- c", "a.md:4: YAML: did not find expected key"),
            ("a: b\nc: d\na: e", "a.md:4: YAML: the key `a` is there twice"),
            ("a:\n  b: c\n  b: d", "a.md:4: YAML: the key `b` is there twice"),
            ("- a\n- b", "a.md:2: YAML: expected lines of the form `key: value`"),
            ("text", "a.md:2: YAML: expected lines of the form `key: value`"),
            ("a: b\n--- c", "a.md:3: YAML: a second document starts here"),
            ("? [a]\n: b", "a.md:2: YAML: a key must be a text"),
            ("a: b\nc: *d", "a.md:3: YAML: `*d` names no value above it"),
            ("a: &x [*x]", "a.md:2: YAML: `*x` names no value above it"),
            ("a: b\nc: \x07", "a.md:3: YAML: control characters are not allowed"),
            ("a: b\n\tc: d", "a.md:3: YAML: a tab, where YAML takes spaces only"),
        ],
    )
    def test_what_is_wrong_is_said_in_one_line_with_its_place(self, head: str, message: str) -> None:
        assert fail(f"---\n{head}\n---\n".encode()) == message

    def test_a_byte_that_is_not_utf_8_is_named_with_its_line(self) -> None:
        assert fail(b"---\na: b\nc: \xff\n---\n") == "a.md:3: not UTF-8: byte 0xff"

    @pytest.mark.parametrize(
        "head", ["a: " + "[" * 200_000, "a: " + "{b: " * 200_000, "- " * 200_000, "a: " + "? " * 9999]
    )
    def test_endless_nesting_is_refused_and_does_not_crash(self, head: str) -> None:
        assert "YAML: " in fail(f"---\n{head}\n---\n".encode())

    def test_aliases_that_multiply_are_refused(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]

        assert "expands to more than 100000 values" in fail("---\n{}\n---\n".format("\n".join(lines)).encode())


class TestEditing:
    def test_a_changed_key_leaves_every_other_byte(self) -> None:
        data = (
            b"\xef\xbb\xbf--- \r\n# top\r\ntype:   code  # as ever\r\nlabels: [a, # one\r\n  b]\r\n# between\r\n\r\n"
            b"'status' : \"pending\" # soon\r\nnotes: |\r\n  x\r\n\r\n# end\r\n---\r\nbody without a newline"
        )

        assert edit_frontmatter(data, {"status": "completed"}) == data.replace(b'"pending"', b"completed")

    def test_an_equal_value_changes_nothing(self) -> None:
        data = b"---\na: 'x'\nb: [1, \"2\"]\nc: true\n---\n"

        assert edit_frontmatter(data, {"a": "x", "b": ("1", "2"), "c": True, "d": None}) == data

    def test_a_text_does_not_equal_a_flag_that_is_written_alike(self) -> None:
        assert edit_head("a: true\nb: 'true'\n", a="true", b=True) == "a: 'true'\nb: true\n"

    def test_lists_are_written_as_chant_does(self) -> None:
        assert edit_head("status: pending\n", commits=("a155429", "1e10203"), labels=()) == (
            "status: pending\ncommits:\n- a155429\n- '1e10203'\nlabels: []\n"
        )

    def test_a_date_with_its_time_is_written_as_chant_does(self) -> None:
        assert edit_head("a: b\n", completed_at="2026-01-24T23:35:25Z") == "a: b\ncompleted_at: 2026-01-24T23:35:25Z\n"

    @pytest.mark.parametrize(
        "old",
        [
            "key:\n- a\n- b # last\n",
            "key:\n  - a\n\n  # within\n  - b\n",
            "key: [a,\n  b]\n",
            "key: {a: b,\n c: d}\n",
            "key:\n  a: b\n  c:\n  - d\n",
            "key: |\n  a\n\n  b\n",
            "key: >-\n  a\n  b\n",
            "key: |+\n  a\n\n\n",
            "key: a\n  b\n  c\n",
            'key: "a\n\n  b"\n',
            "key:\n",
            "key: # none\n",
            "key:\n  a\n",
            "key:\n-\n-\n",
            "key: !!str\n",
            "? key\n: a\n",
        ],
    )
    def test_all_lines_of_a_value_are_replaced_or_removed_and_no_other(self, old: str) -> None:
        before, after = "# one\na: b\n# two\n", "# three\nz: y\n# four\n"

        assert edit_head(before + old + after, key="new").replace("key: new # none", "key: new") == (
            f"{before}key: new\n{after}"
        )
        assert edit_head(before + old + after, key=("x", "z z")) == f"{before}key:\n- x\n- z z\n{after}"
        assert edit_head(before + old + after, key=None) == before + after
        assert edit_head(before + old, key=None) == before

    def test_blank_lines_below_a_block_text_stay(self) -> None:
        assert edit_head("a: |\n  x\n\n# c\nb: d\n", a=None) == "\n# c\nb: d\n"

    def test_new_keys_come_last_in_the_order_given(self) -> None:
        assert edit_head("b: 1\n# end\n", z="1st", a=False) == "b: 1\n# end\nz: 1st\na: false\n"

    def test_an_indented_mapping_stays_indented(self) -> None:
        assert edit_head("  a: b\n  c: d\n", a=("x",), e="f") == "  a:\n  - x\n  c: d\n  e: f\n"

    def test_an_empty_frontmatter_gets_its_first_key(self) -> None:
        assert edit_head("", a="b") == "a: b\n"

    def test_a_frontmatter_in_braces_is_written_anew_as_lines(self) -> None:
        assert edit_head("{a: b, 'c d': {e: [f, null, true]},\n g: '1'}\n", a="x", h=("y",)) == (
            "a: x\nc d: {e: [f, null, true]}\ng: '1'\nh:\n- 'y'\n"
        )

    def test_without_frontmatter_there_is_nothing_to_edit(self) -> None:
        with pytest.raises(SpecError, match=r"a\.md: has no frontmatter to write to"):
            edit_frontmatter(b"# Title\n", {"a": "b"}, PATH)

    def test_a_value_that_others_refer_to_is_not_changed_under_them(self) -> None:
        data = b"---\nstatus: &x pending\nother: *x\n---\n"

        with pytest.raises(SpecError, match=r"a\.md:2: the frontmatter cannot be edited"):
            edit_frontmatter(data, {"status": "completed"}, PATH)

        assert find_edit_problem(data, ("status",)) is not None
        assert find_edit_problem(data, ("labels",)) is None
        assert find_edit_problem(PLAIN, ("status", "labels")) is None

    def test_a_text_with_a_delimiter_in_it_does_not_end_the_frontmatter(self) -> None:
        edited = edit_frontmatter(PLAIN, {"note": "a\n---\nb", "status": "---"})

        assert read(edited) == {"type": "code", "status": "---", "note": "a\n---\nb"}


TEXTS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet=" -:#'\"[]{},&*!|>%@`\\\n\t\r0123456789eE._+~truefalsnyo\u2028\x85\ufeff", max_size=12),
    st.sampled_from(
        ["1e10203", "2026-01-24", "2026-01-24T23:35:25Z", "0o17", "0x1f", "y", "No", "null", "~", "", "=", "<<"]
    ),
)
CHANGES = st.one_of(TEXTS, st.booleans(), st.lists(TEXTS, max_size=3).map(tuple))
KEYS = st.sampled_from(["status", "labels", "commits", "model", "new key", "other"])
WRITTEN = st.sampled_from(
    [
        ("labels", "labels: [a, b] # c\n"),
        ("labels", "labels:\n- a\n# within\n- 'b'\n"),
        ("status", "status:   pending # why\n"),
        ("status", "'status': \"x\n\n  y\"\n"),
        ("model", "model: |\n  some\n\n   text\n"),
        ("model", "model: >+\n  kept\n\n"),
        ("commits", "commits:\n  - 0123456\n  - 1e10203\n"),
        ("commits", "commits: 2026-01-24\n"),
        ("approval", "approval:\n  required: true\n  # within\n  by: é 𝒳\n"),
        ("other", "other:\n"),
        ("other", "other: {a: [b,\n c], d: }\n"),
        ("last", "last: plain\n  text over\n  lines\n"),
    ]
)
GAPS = st.sampled_from(["", "", "# a comment: here\n", "#\n\n", "#\n  # indented\n"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file in one of the ways in which people write it, in pieces, with the key that a piece is the lines of."""

    pieces: tuple[tuple[str, bytes], ...]

    @property
    def data(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    def around(self, key: str) -> tuple[bytes, bytes]:
        """What stands before and behind the key's own lines, or the place where a new key's lines go."""
        keys = [name for name, _ in self.pieces]
        at = keys.index(key) if key in keys else keys.index("closing")
        behind = at + (key in keys)
        return b"".join(p for _, p in self.pieces[:at]), b"".join(p for _, p in self.pieces[behind:])


@st.composite
def files(draw: st.DrawFn) -> Written:
    chunks = draw(st.lists(st.tuples(GAPS, WRITTEN), max_size=6, unique_by=lambda pair: pair[1][0]))
    pieces = [("", draw(st.sampled_from(["", "\ufeff"])) + "---\n")]
    for gap, written in chunks:
        pieces += [("", gap), written]
    pieces.append(("", draw(GAPS)))
    pieces.append(("closing", draw(st.sampled_from(["---\n", "--- \n"]))))
    pieces.append(("", draw(st.sampled_from(["", "# Title\n", "x\n---\ny", "- [ ] a\n```\n", "\n\n  ", "\x00\x0c\r"]))))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return Written(pieces=tuple((key, piece.replace("\n", newline).encode()) for key, piece in pieces))


def parse_real_file(data: bytes) -> Written:
    """A real file's pieces: there a key's lines are those up to the next line that starts with a letter."""
    head = re.match(rb"---\n(.*?)(?=^---$)", data, re.DOTALL | re.MULTILINE)
    assert head is not None
    lines = re.findall(rb"^(\w+):(.*\n(?:[ -].*\n)*)", head[1], re.MULTILINE)
    entries = tuple((key.decode(), key + b":" + rest) for key, rest in lines)
    assert b"".join(piece for _, piece in entries) == head[1]
    return Written(pieces=(("", b"---\n"), *entries, ("closing", b"---\n"), ("", data[head.end() + 4 :])))


def assert_lossless(written: Written, key: str, value: Change) -> None:
    before = read(written.data)
    edited = edit_frontmatter(written.data, {key: value})
    ahead, behind = written.around(key)

    expected = {**before, key: value}
    if value is None:
        del expected[key]
    assert read(edited) == expected
    assert edited.startswith(ahead)
    assert edited.endswith(behind)
    assert len(edited) >= len(ahead) + len(behind)
    is_equal = key in before and type(before[key]) is type(value) and before[key] == value
    assert (edited == written.data) == (is_equal or (value is None and key not in before))


class TestLosslessness:
    @given(files(), KEYS, CHANGES)
    def test_a_generated_file_changes_only_in_the_keys_own_lines(self, file: Written, key: str, value: Change) -> None:
        assert_lossless(file, key, value)

    @given(files(), KEYS)
    def test_a_removed_key_takes_only_its_own_lines(self, file: Written, key: str) -> None:
        assert edit_frontmatter(file.data, {key: None}) == b"".join(file.around(key))

    @given(files(), KEYS, CHANGES)
    def test_an_added_key_is_removed_without_a_trace(self, file: Written, key: str, value: Change) -> None:
        assume(key not in read(file.data))

        assert edit_frontmatter(edit_frontmatter(file.data, {key: value}), {key: None}) == file.data

    @given(files(), KEYS, st.lists(CHANGES, min_size=1, max_size=3))
    def test_only_the_last_of_several_values_counts(self, file: Written, key: str, values: list[Change]) -> None:
        assume(key not in read(file.data))  # the way in which a value was first written is not remembered
        data = file.data
        for value in values:
            data = edit_frontmatter(data, {key: ()})
            data = edit_frontmatter(data, {key: value})

        assert data == edit_frontmatter(file.data, {key: values[-1]})

    @given(TEXTS)
    def test_every_text_reads_back_for_readers_that_know_numbers_and_dates(self, text: str) -> None:
        assume(text != "2026-01-24T23:35:25Z")
        parts = split_frontmatter(edit_frontmatter(b"---\n---\n", {"key": text, "list": (text,)}))

        assert parts is not None
        assert yaml.safe_load(parts.head) == {"key": text, "list": [text]}

    @needs_corpus
    @given(st.data(), KEYS, CHANGES)
    def test_a_real_file_changes_only_in_the_keys_own_lines(self, data: st.DataObject, key: str, value: Change) -> None:
        assert_lossless(parse_real_file(data.draw(st.sampled_from(load_corpus()))), key, value)

    @needs_corpus
    def test_every_key_of_every_real_file_can_be_set_to_what_it_is_and_to_something_else_and_back(self) -> None:
        for data in load_corpus():
            written = parse_real_file(data)
            values = read(data)
            assert edit_frontmatter(data, {key: value for key, value in values.items() if is_change(value)}) == data
            for key, value in values.items():
                assert_lossless(written, key, "something else: 1")
                assert_lossless(written, key, None)
                if isinstance(value, str) and key != "approval":
                    assert edit_frontmatter(edit_frontmatter(data, {key: "x"}), {key: value}) == data


def is_change(value: Value) -> TypeGuard[str | bool | tuple[str, ...]]:
    return isinstance(value, str | bool) or (isinstance(value, tuple) and all(isinstance(item, str) for item in value))


class TestKeysBelowAKey:
    BLOCK = "a: b\nkey: # why\n   one: 1 # the first\n   # a comment\n   two: ~\n   list:\n   - x\n\nlast: 1\n"

    def test_only_the_lines_of_those_that_differ_change(self) -> None:
        value: Value = {"one": "uno", "two": None, "list": ("x",), "new": True}

        assert edit_head(self.BLOCK, key=value) == (
            "a: b\nkey: # why\n   one: uno # the first\n   # a comment\n   two: ~\n   list:\n   - x\n   new: true\n\n"
            "last: 1\n"
        )

    def test_the_same_value_changes_no_byte(self) -> None:
        assert edit_head(self.BLOCK, key={"one": "1", "two": None, "list": ("x",)}) == self.BLOCK

    def test_where_a_key_goes_the_block_is_written_anew(self) -> None:
        assert edit_head(self.BLOCK, key={"one": "1"}) == "a: b\nkey:\n  one: '1'\n\nlast: 1\n"

    def test_plain_values_are_written_as_lines_and_others_in_braces(self) -> None:
        assert edit_head("a: b\n", key={"x": "w", "z": False}) == "a: b\nkey:\n  x: w\n  z: false\n"
        assert edit_head("a: b\n", key={"x": ("w",)}) == "a: b\nkey: {x: [w]}\n"
        assert edit_head("key: {x: w}\n", key={"x": "v"}) == "key:\n  x: v\n"

    def test_a_value_of_another_kind_is_replaced_as_a_whole(self) -> None:
        assert edit_head("key: a text\n", key={"x": "w"}) == "key:\n  x: w\n"
        assert edit_head(self.BLOCK, key="text") == "a: b\nkey: text\n\nlast: 1\n"

    def test_what_an_alias_stands_for_is_kept(self) -> None:
        head = "a: &it [x]\nkey:\n  one: *it\n  two: 2\n"

        assert edit_head(head, key={"one": ("x",), "two": "3"}) == "a: &it [x]\nkey: {one: [x], two: '3'}\n"
