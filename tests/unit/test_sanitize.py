"""Nothing a client sends harms a terminal or a log (FAULTS.md B04-B08, B20, I01-I09, I12-I15)."""

from __future__ import annotations

import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.sanitize import MARK_LIMIT, clean, clean_text, is_clean, is_plain

JOINERS = "\u200c\u200d"
# Signs of the Arabic and Kaithi scripts that Unicode files under "format": they are visible.
VISIBLE_FORMAT = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2" \
                 "\U000110bd\U000110cd"
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]")
PILE = re.compile(rf"[\u0300-\u036f\u20d0-\u20f0\ufe00-\ufe0f{JOINERS}]{{{MARK_LIMIT + 1}}}")


@pytest.mark.parametrize(("raw", "shown"), [
    pytest.param(b"plain text", "plain text", id="plain"),
    pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="B04 invalid UTF-8"),
    pytest.param(b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", id="B06 surrogate"),
    pytest.param(b"\xc0\xaf", "\ufffd\ufffd", id="B06 overlong slash"),
    pytest.param(b"a\r", "a", id="B07 CR of a CRLF"),
    pytest.param(b"a\0b", "ab", id="B08 NUL"),
    pytest.param(b"hi\r\0", "hi", id="B20 CR NUL"),
    pytest.param(b"GET / HTTP/1.1\r", "GET / HTTP/1.1", id="B16 HTTP"),
    pytest.param(b"a\tb", "a b", id="tab"),
    pytest.param(b"\x1b[2Jx", "x", id="I01 clear screen"),
    pytest.param(b"\x1b[38;5;1m\x1b[1;31mred\x1b[0m", "red", id="I01 colours"),
    pytest.param(b"\x1b[?1049h\x1b[>c\x1b[!px", "x", id="I01 private modes"),
    pytest.param(b"x\x1b[31", "x", id="I01 cut off"),
    pytest.param(b"\x1b[31\xc3\xa9", "\xe9", id="I01 broken off by text"),
    pytest.param(b"\x1b]52;c;cm0gLXJm\x07x", "x", id="I02 clipboard"),
    pytest.param(b"\x1b]2;title\x1b\\x", "x", id="I03 title, ST"),
    pytest.param(b"\x1b]2;title\xc2\x9cx", "x", id="I03 title, C1 ST"),
    pytest.param(b"\x1b]2;all this stays", "2;all this stays", id="unterminated OSC"),
    pytest.param(b"\xc2\x9d8;;http://evil\x07x", "x", id="C1 OSC"),
    pytest.param(b"\x1bP1$r0m\x1b\\a\x1b_x\x1b\\b\x1b^x\x1b\\c\x1bXx\x1b\\d", "abcd",
                 id="DCS APC PM SOS"),
    pytest.param(b"\xc2\x90q\xc2\x9cx", "x", id="C1 DCS"),
    pytest.param(b"\x1bc\x1b7\x1b(0\x1b#8x\x1b", "x", id="two and three bytes, lone ESC"),
    pytest.param(b"\xc2\x9b2Jx", "x", id="I05 C1 CSI"),
    pytest.param(b"\x9b2Jx", "\ufffd2Jx", id="I05 raw C1 is no UTF-8"),
    pytest.param(b"\x07" * 100, "", id="I06 bells"),
    pytest.param(b"x\rADMIN: hi", "xADMIN: hi", id="I07 overwriting"),
    pytest.param("\u202ekcatta\u2066x\u2069".encode(), "kcattax", id="I08 bidi"),
    pytest.param("\u200e\u200f\u061cx".encode(), "x", id="I08 marks"),
    pytest.param("a\u2028b\u2029c\x85d".encode(), "abcd", id="I12 line ends of Unicode"),
    pytest.param("\ufeffx\u200b\u2060\u180e\u00ad\ufff9".encode(), "x", id="invisible"),
    pytest.param("x\U000e0041\U000e007f".encode(), "x", id="tags"),
    pytest.param(b"%s %n {0} ${x} [/] [@click=app.quit]", "%s %n {0} ${x} [/] [@click=app.quit]",
                 id="I11, I15 formats and markup are text"),
])
def test_what_could_harm_is_taken_out(raw: bytes, shown: str) -> None:
    assert clean(raw) == shown


@pytest.mark.parametrize("text", [
    "caf\u00e9", "e\u0301", "日本語テキスト", "한국어", "می\u200cخواهم", "क्\u200dष", "שָׁלוֹם",
    "👨\u200d👩\u200d👧\u200d👦", "👍🏽", "❤\ufe0f", "1\ufe0f\u20e3",
    "🇳🇱", "🏳\ufe0f\u200d🌈", "\u0661\u06dd", "a\u00a0b", "a\u3000b", "\ue0b0",
])
def test_honest_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert clean(text.encode()) == text


def test_a_pile_of_accents_is_cut_down() -> None:
    assert clean_text("Z" + "\u0335" * 5000 + "a") == "Z" + "\u0335" * MARK_LIMIT + "a"


@pytest.mark.parametrize("mark", ["\u0e47", "\u064b", "\u0abc", "\U0001e944", "\U000e0100"])
def test_accents_of_any_script_pile_up_no_higher(mark: str) -> None:
    assert clean_text("x" + mark * 9) == "x" + mark * MARK_LIMIT


def test_joiners_do_not_let_a_pile_grow() -> None:
    tower = "x" + ("\u0301" * MARK_LIMIT + "\u200d") * 50
    assert clean_text(tower) == "x" + "\u0301" * MARK_LIMIT


def test_what_a_control_held_apart_does_not_pile_up() -> None:
    assert clean_text("x" + ("\u0301" * 3 + "\x01") * 9) == "x" + "\u0301" * MARK_LIMIT


def test_nothing_that_is_taken_out_leaves_a_new_sequence_behind() -> None:
    assert clean_text("\x1b\x1b[2J[2Jx") == "[2Jx"
    assert clean_text("\x1b\x01[2Jx") == "[2Jx"


@pytest.mark.parametrize("unit", ["\x9d", "\x1b]", "\x1b[", "\x90x", "\x1b", "\x1b[1;", "\x1b(",
                                  "e" + "\u0301" * 4, "\u0301", "👍", "\x1bP\x1b"])
def test_the_worst_line_grows_no_dearer_than_its_length(unit: str) -> None:
    """Were a scan quadratic, this would take minutes, not an eye's blink."""
    assert FORBIDDEN.search(clean_text(unit * 100_000)) is None


def test_no_combining_mark_and_no_format_character_is_forgotten() -> None:
    for point in range(0x110000):
        char = chr(point)
        kind = category(char)
        if kind in ("Mn", "Me"):
            assert len(clean_text(char * 9)) <= MARK_LIMIT, hex(point)
        elif kind in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert clean_text(char) == (
                " " if char == "\t" else char if char in JOINERS + VISIBLE_FORMAT else ""
            ), hex(point)


hostile = st.lists(
    st.sampled_from(["\x1b", "[", "]", "2J", ";", "\x07", "\\", "\x9b", "\x9d", "\x9c", "P", "\r",
                     "\n", "\0", "\u202e", "\u0301", "\u0301" * 6, "\u200d", "\ufeff", "\ud800",
                     "\U000e0041", "\u2028", "\t", "é", "日", "👍"]) | st.characters(),
    max_size=40).map("".join)


@given(hostile)
def test_no_text_keeps_anything_harmful(text: str) -> None:
    shown = clean_text(text)
    assert FORBIDDEN.search(shown) is None
    assert PILE.search(shown) is None
    assert clean_text(shown) == shown
    shown.encode()


@given(st.binary(max_size=200) | hostile.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_keep_anything_harmful(raw: bytes) -> None:
    shown = clean(raw)
    assert FORBIDDEN.search(shown) is None
    assert clean(shown.encode()) == shown


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_ascii_is_unchanged(text: str) -> None:
    assert clean(text.encode()) == text


ascii_and_more = st.lists(st.sampled_from([b"a", b" ", b"~", b"\n", b"\x7f", b"\x1f", b"\x80",
                                           b"\t", b"\r"]), max_size=12).map(b"".join)


@given(st.binary(max_size=40) | ascii_and_more)
def test_a_plain_chunk_is_one_whose_lines_need_no_cleaning(chunk: bytes) -> None:
    assert is_plain(chunk) == all(byte == 10 or 32 <= byte < 127 for byte in chunk)
    if is_plain(chunk):
        assert [clean(line) for line in chunk.split(b"\n")] == chunk.decode().split("\n")


any_chunk = (st.binary(max_size=40) | ascii_and_more
             | st.lists(hostile | st.just("\n") | st.text(max_size=4)).map(
                 lambda texts: "".join(texts).encode("utf-8", "surrogatepass")))


@given(any_chunk)
def test_a_clean_chunk_is_one_whose_lines_stay_as_they_are(chunk: bytes) -> None:
    if is_clean(chunk):
        assert [clean(line) for line in chunk.split(b"\n")] == chunk.decode().split("\n")


@pytest.mark.parametrize("text", ["été à Genève", "日本語で話す\nそう", "привет, мир", "नमस्ते",
                                  "✓ ok 🎉"])
def test_text_in_any_script_is_clean(text: str) -> None:
    assert is_clean(text.encode())


@pytest.mark.parametrize("chunk", [b"\xff", b"\x1b[2J", b"a\tb", b"a\r\n", "\u202e".encode(),
                                   ("e" + "\u0301" * 9).encode()])
def test_what_has_to_be_cleaned_is_not_clean(chunk: bytes) -> None:
    assert not is_clean(chunk)
