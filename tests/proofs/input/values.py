"""What people, programs and attackers have sent to others: bodies, values of fields, queries and headers.

Those in a table named NO_... are invalid for everybody; of the others the field decides, and what it takes must come
back equal.
"""

import gzip
import json
import zlib

DEEP = 10_000
LONG = 900_000

# --- bodies that are no JSON document of ours, whatever the operation

NOT_JSON: dict[str, bytes] = {
    "only spaces": b" \n\t ",
    "cut off": b'{"nome": "An',
    "two documents": b"{} {}",
    "rubbish behind": b'{"nome": "Ana"}x',
    "a comment": b'{"nome": "Ana" /* a */}',
    "single quotes": b"{'nome': 'Ana'}",
    "a trailing comma": b'{"nome": "Ana",}',
    "unquoted": b"{nome: 1}",
    "NaN": b'{"nome": NaN}',
    "Infinity": b'{"nome": -Infinity}',
    "hexadecimal": b'{"nome": 0x1F}',
    "a leading zero": b'{"nome": 007}',
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep lists, open": b"[" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep in a field": b'{"nome":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "UTF-16": '{"nome": "Ana"}'.encode("utf-16"),
    "UTF-16-LE without a mark": '{"nome": "Ana"}'.encode("utf-16-le"),
    "UTF-32": '{"nome": "Ana"}'.encode("utf-32"),
    "latin-1": '{"nome": "João"}'.encode("latin-1"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "half a character": b'{"nome": "\xc3"}',
    "an overlong slash": b'{"nome": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"nome": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"nome": "\xf4\x90\x80\x80"}',
    "a raw NUL": b'{"nome": "A\x00na"}',
    "a raw line feed": b'{"nome": "A\nna"}',
    "a lone surrogate": b'{"nome": "\\ud800"}',
    "a surrogate reversed": b'{"nome": "\\udc00\\ud800"}',
    "a wrong escape": b'{"nome": "\\x41"}',
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "a form": b"nome=Ana&telefone=11987654321",
    "gzip": gzip.compress(b"{}"),
    "random bytes": bytes(range(256)),
}
# Documents, but no object.
NOT_OBJECTS: dict[str, bytes] = {
    name: name.encode() for name in ("null", "true", "0", "1e400", "[]", "[{}]", '""', '"x"', "1" * 40)
}
TYPES: tuple[bytes, ...] = (
    b"text/plain",
    b"text/json",
    b"application/xml",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"application/json; charset=utf-16",
    b"application/json; charset=latin-1",
    b"application/jsonx",
    b"application/json, text/plain",
    b"json",
    b"*/*",
    b"\xff\xfe",
)
BOMB = 20 * 2**20
PACKED: dict[bytes, bytes] = {
    b"gzip": gzip.compress(b" " * BOMB),
    b"deflate": zlib.compress(b"{}"),
    b"br": b"\x0b\x00\x80{}\x03",
    b"gzip, gzip": gzip.compress(gzip.compress(b"{}")),
}

# --- values of a field, as JSON text

# Text that may stand in a name: what is taken must be stored as it came.
TEXTS: dict[str, str] = {
    "accents composed": "Jos\u00e9 Concei\u00e7\u00e3o",
    "accents decomposed": "Jose\u0301 Conceic\u0327a\u0303o",
    "right to left override": "Ana\u202etxt.exe",
    "Arabic and Hebrew": "\u0645\u062d\u0645\u062f \u05e9\u05dc\u05d5\u05dd",
    "zero width": "A\u200bn\u200cn\u200da\u2060",
    "many combining marks": "Z\u0337\u0322\u031b\u0349" * 8,
    "homoglyphs": "\u0410n\u0430 \u0405\u043euza",
    "four bytes": "Rex \U0001f415\u200d\U0001f9ba \U0001d56b\U0001d560\U0001d552",
    "flags and skin tones": "\U0001f1e7\U0001f1f7\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
    "ligatures": "\ufb01nal \u0140 \u00df",
    "Turkish i": "\u0130stanbul \u0131l\u0131k",
    "full width": "\uff21\uff4e\uff41\u3000\uff11\uff12\uff13",
    "wildcards": "100%_\\x",
    "quotes": "a'b\"c`d''",
    "SQL": "'; drop table tutores; --",
    "markup": "<script>alert(1)</script>",
    "a template": "${7*7} {{7*7}} %s {0}",
    "a path": "../../etc/passwd",
    "no-break spaces": "a\u00a0b\u3000c",
    "line ends": "a\r\nb\rc\nd",
    "a noncharacter": "a\uffffb",
    "the last character": "a\U0010ffffb",
    "a byte order mark": "\ufeffAna",
    "null as a word": "null",
    "line separators": "a\u2028b\u2029c",
}
# What no text of ours may hold, or be.
NO_TEXTS: dict[str, str] = {
    "NUL": '"A\\u0000na"',
    "escape": '"A\\u001b[31mna"',
    "delete": '"A\\u007fna"',
    "backspace": '"A\\bna"',
    "long": '"' + "a" * LONG + '"',
    "spaces": '" \\u00a0\\u3000 "',
    "empty": '""',
}
NO_NUMBERS: dict[str, str] = {
    "beyond a float": "1e400",
    "beyond a float, negative": "-1e400",
    "40 digits": "1" * 40,
    "400 digits": "1" * 400,
    "many places": "0." + "3" * 60,
    "beyond 64 bits": str(2**64),
    "negative": "-1",
    "text": '"12"',
    "text with an exponent": '"1e2"',
    "NaN as text": '"NaN"',
    "Infinity as text": '"Infinity"',
    "true": "true",
    "a list": "[1]",
}
NUMBERS: dict[str, str] = {
    "minus zero": "-0",
    "minus zero point zero": "-0.0",
    "an exponent": "1e1",
    "a small exponent": "5E-1",
    "a tiny one": "1e-400",
    "zero": "0",
    "one": "1",
    "one point zero": "1.0",
    "a half": "0.5",
    "2**53 + 1": str(2**53 + 1),
}
NO_DATES: dict[str, str] = {
    "29 February of a common year": '"2023-02-29"',
    "30 February": '"2024-02-30"',
    "month 13": '"2024-13-01"',
    "year 0": '"0000-01-01"',
    "year 10000": '"10000-01-01"',
    "Brazilian": '"31/12/2020"',
    "a number": "1700000000",
    "text of a number": '"1700000000"',
    "negative": '"-2020-01-01"',
    "Arabic digits": '"\\u0662\\u0660\\u0662\\u0660-01-01"',
    "leap second at noon": '"2016-12-31T12:00:60Z"',
    "hour 24": '"2024-01-01T24:00:00Z"',
    "no offset": '"2024-03-01T10:00:00"',
    "offset +24:00": '"2024-03-01T10:00:00+24:00"',
    "a zone's name": '"2024-03-01T10:00:00[America/Sao_Paulo]"',
}
DATES: dict[str, str] = {
    "29 February": '"2024-02-29"',
    "year 1": '"0001-01-01"',
    "year 9999": '"9999-12-31"',
    "29 February, an instant": '"2024-02-29T23:59:59.999999-03:00"',
    "year 1, an instant": '"0001-01-01T00:00:00Z"',
    "year 1, before it in UTC": '"0001-01-01T00:00:00+14:00"',
    "the last instant": '"9999-12-31T23:59:59.999999Z"',
    "the last instant, after it in UTC": '"9999-12-31T23:59:59-12:00"',
    "leap second": '"2016-12-31T23:59:60Z"',
    "offset +14:00": '"2024-03-01T10:00:00+14:00"',
    "offset -12:00": '"2024-03-01T10:00:00-12:00"',
    "offset +23:59": '"2024-03-01T10:00:00+23:59"',
    "in a gap of the clocks": '"2018-11-04T00:30:00-03:00"',
    "nine places": '"2024-03-01T10:00:00.123456789Z"',
    "small letters": '"2024-03-01t10:00:00z"',
    "a space": '"2024-03-01 10:00:00Z"',
}
ANY: dict[str, str] = {name: json.dumps(text, ensure_ascii=False) for name, text in TEXTS.items()} | NUMBERS | DATES
OTHER_KINDS: dict[str, str] = {"null": "null", "false": "false", "a list": "[]", "an object": "{}", "text": '"x"'}

# --- queries and headers, as bytes

QUERY_VALUES: dict[str, bytes] = {
    "empty": b"",
    "NUL": b"a%00b",
    "half a character": b"%c3",
    "no UTF-8": b"%ff%fe",
    "a surrogate": b"%ed%a0%80",
    "a lone percent": b"100%",
    "a wrong escape": b"%zz",
    "raw bytes": b"\xff\xc3",
    "wildcards": b"%25_%5c",
    "plus and space": b"+%20+",
    "NaN": b"NaN",
    "beyond a float": b"1e400",
    "40 digits": b"1" * 40,
    "negative": b"-1",
    "an exponent": b"1e3",
    "null": b"null",
    "Arabic digits": b"%d9%a1",
    "year 1": b"0001-01-01T00:00:00%2b14:00",
    "the last instant": b"9999-12-31T23:59:59-12:00",
    "no offset": b"2024-03-01T10:00:00",
    "emoji": b"%f0%9f%90%95",
    "Turkish i": b"%c4%b0",
    "decomposed": b"Jose%cc%81",
    "8 KB": b"a" * 8192,
    "SQL": b"%27%20or%201%3d1%20--",
    "LIKE's escape": b"%5c",
}
HEADER_VALUES: dict[str, bytes] = {
    "empty": b"",
    "spaces": b"  ",
    "tab": b"a\tb",
    "latin-1": b"caf\xe9",
    "high bytes": b"\xff\xfe\x80",
    "line feed": b"a\r\nx-injected: 1",
    "NUL": b"a\x00b",
    "100 KB": b"a" * 100_000,
    "a version beyond": b'"99999999999999999999"',
    "a list of versions": b'"1", "2"',
    "weak": b'W/"1"',
    "a quote": b'"',
    "emoji": "\U0001f415".encode(),
    "SQL": b"'; reset role; --",
}
PATH_PARTS: dict[str, bytes] = {
    "NUL": b"%00",
    "a dot": b"%2e",
    "two dots": b"%2e%2e",
    "up and away": b"..%2f..%2fetc%2fpasswd",
    "a slash": b"%2f",
    "no UTF-8": b"%ff",
    "a wrong escape": b"%zz",
    "a UUID and more": b"0197a3c4-5e1f-7b62-9d38-4c0f8a1b2e73%20",
    "a UUID without hyphens": b"0197a3c45e1f7b629d384c0f8a1b2e73",
    "a UUID in braces": b"%7b0197a3c4-5e1f-7b62-9d38-4c0f8a1b2e73%7d",
    "no version": b"00000000-0000-0000-0000-000000000000",
    "a number": b"1",
    "long": b"a" * 20_000,
    "SQL": b"1%27--",
    "emoji": b"%f0%9f%90%95",
}
