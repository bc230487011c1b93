"""Which texts are JSON, alone and within an array, and which numbers they hold."""

from decimal import Decimal

import pytest

from timesheets_files.strict_json import MAX_DEPTH, REPEATED, NotJSON, decode_utf8, parse_value

NO_JSON = [
    # No value, or more than one; another language; another encoding.
    *(b" ", b"{", b"{'a': 1}", b"{}{}", b'"1"+"2"', b'"a" /* */', b"007,2017-05-10,StoreZero,5"),
    *(b'\xef\xbb\xbf{"a": "007"}', '{"a": "007"}'.encode("utf-16"), b"\x0c", b"\xc2\xa0"),
    # Numbers.
    *(b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b"+5", b"05", b"5.", b".5", b"0x5", b"1_0"),
    "٥".encode(),
    # Strings.
    *(
        *(b'{"a": "a\x00b"}', b'"a\tb"', b'"a\\x41"', b'"\xff"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"'),
        b'"\xed\xa0\x80"',
    ),
    *(b'"\xed\xa0\xbd\xed\xb8\x80"', rb'"\ud800"', rb'{"\udfff": 1}', rb'"\udc00\ud800"'),
    # Levels.
    *(
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'[{"a":' * 17 + b"1" + b"}]" * 17,
        b"[" * 600_000,
        # The strings have as many brackets as the lists.
        b'["]",' * 33 + b"1" + b',"["]' * 33,
    ),
]


@pytest.mark.parametrize("text", [pytest.param(text, id=str(text[:20])) for text in NO_JSON])
def test_what_is_not_json_is_refused_alone_and_in_an_array(text: bytes) -> None:
    with pytest.raises(NotJSON):
        parse_value(decode_utf8(text))
    with pytest.raises(NotJSON):
        parse_value(decode_utf8(b'["good",' + text + b"]"), MAX_DEPTH + 1)


@pytest.mark.parametrize("text", ['{"a":' * 32 + "1" + "}" * 32, '[{"a":' * 16 + "1" + "}]" * 16])
def test_a_value_may_have_32_levels_alone_and_in_an_array(text: str) -> None:
    assert parse_value(f"[{text}]", MAX_DEPTH + 1) == [parse_value(text)]


@pytest.mark.parametrize("tail", ["", ",]", ",,{}]", " {}]", "}", "]]", "][]", '],{"a":1}', "]\x00"])
def test_a_malformed_array_is_refused(tail: str) -> None:
    with pytest.raises(NotJSON):
        parse_value('["one","two"' + tail)


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', r'{"a":1,"\u0061":1}', '{"b":2,"a":1,"a":2}'], ids=["equal", "escaped", "other"]
)
def test_no_value_of_a_repeated_member_is_taken(text: str) -> None:
    assert parse_value(text)["a"] is REPEATED


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7.250", Decimal("7.250")),
        ("1e400", Decimal("1e400")),
        ("1e99999999999999999999", Decimal("Infinity")),
        ("-1e99999999999999999999", Decimal("-Infinity")),
        ("9" * 5000, Decimal("9" * 5000)),
    ],
)
def test_a_number_keeps_its_digits(text: str, number: Decimal) -> None:
    assert parse_value(text) == number


@pytest.mark.parametrize("text", ['"[\\\\"', '"{{{{"', '"\\"["'])
def test_brackets_inside_a_string_do_not_nest(text: str) -> None:
    assert len(parse_value(f"[{','.join([text] * 40)}]")) == 40
