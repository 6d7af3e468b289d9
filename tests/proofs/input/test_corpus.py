"""The hand-made corpus, on every operation: what is invalid is refused by name, what is taken comes back as it was."""

import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.cast import Hospital
from tests.proofs import ledger
from tests.proofs.input import values
from tests.proofs.input.judge import REFUSED, Answer
from tests.proofs.input.operations import Headers, Leaf, Operation, encoded, operations, send
from tests.proofs.input.targets import watched
from tests.proofs.input.watch import Watch
from tests.proofs.ledger import Ledger
from zoapets.common.schema import PRINTABLE

SLICE = 350
ADMIN = "Administrador"
# Each case: what it is called, and a function that throws it and says what was wrong, if anything.
Throw = Callable[[Watch], Awaitable[str | None]]
Case = tuple[str, Throw]


async def thrown(hospital: Hospital, cases: list[Case], *, slice_of: int = SLICE) -> tuple[int, list[str]]:
    """How many cases were thrown, and what was wrong; in a slice, as many as there is time for, always the same."""
    watch = watched(hospital)
    chosen = cases if ledger.is_full() else random.Random(SLICE).sample(cases, min(slice_of, len(cases)))  # noqa: S311
    findings = []
    for name, throw in chosen:
        wrong = await throw(watch)
        findings += [f"{name}: {what}" for what in (wrong, *watch.last) if what]
    return len(chosen), findings


def refused(answer: Answer) -> str | None:
    return None if answer.status >= REFUSED else f"taken ({answer.status})"


# --- bodies


def body_cases(each: Operation) -> Iterator[Case]:
    """Whole bodies: malformed, of other types, too large, with a field too many."""

    def raw(name: str, content: bytes, headers: Headers, expected: Callable[[Answer], str | None]) -> Case:
        async def throw(watch: Watch) -> str | None:
            return expected(await send(watch, each.method, each.path, body=content, headers=headers))

        return f"{each.label} with {name}", throw

    good = encoded(each.body)
    for name, content in (values.NOT_JSON | values.NOT_OBJECTS).items():
        if name == "null" and each.optional:
            continue
        yield raw(name, content, [], refused)
    for kind in values.TYPES:
        yield raw(repr(kind), good, [(b"content-type", kind)], is_(415))
    for kind, content in values.PACKED.items():
        yield raw(repr(kind), content, [(b"content-encoding", kind)], is_(415))
    limit = 2**20
    for size, expected in ((limit - 1, is_not(413)), (limit, is_not(413)), (limit + 1, is_(413))):
        yield raw(f"{size} bytes", good + b" " * (size - len(good)), [], expected)
        chunked = [(b"transfer-encoding", b"chunked"), (b"content-length", None)]
        yield raw(f"{size} bytes in chunks", good + b" " * (size - len(good)), chunked, expected)
    unknown = good[:-1] + b', "zzz": 1}' if good != b"{}" else b'{"zzz": 1}'
    yield raw("an unknown field", unknown, [], names("zzz"))
    for leaf in each.leaves:
        first = leaf.at[0]
        twice = good[:-1] + b', "' + str(first).encode() + b'": {}}'
        yield raw(f"{leaf.name} twice", twice, [], refused)


def is_(status: int) -> Callable[[Answer], str | None]:
    # 429: of the routes that are counted, such as the ways in.
    return lambda answer: None if answer.status in {status, 429} else f"{answer.status}, not {status}"


def is_not(status: int) -> Callable[[Answer], str | None]:
    return lambda answer: f"{status}" if answer.status == status else None


def names(field: str) -> Callable[[Answer], str | None]:
    """422, and the field is named."""

    def check(answer: Answer) -> str | None:
        # What no number can hold is no JSON to us, and the ways in are counted.
        if answer.status in {400, 429}:
            return None
        if answer.status != 422:
            return f"{answer.status}, not 422"
        named = [error["field"] for error in msgspec.json.decode(answer.body).get("errors", [])]
        return None if any(name.startswith(field) for name in named) else f"names {named}, not {field}"

    return check


async def test_every_body_that_is_no_document_of_ours_is_refused(target: Hospital, proof: Ledger) -> None:
    cases = [case for each in await operations(target, ADMIN) if each.body is not None for case in body_cases(each)]

    requests, findings = await thrown(target, cases)

    assert not findings, "\n".join(findings[:40])
    proof.shown("malformed, foreign, oversized and packed bodies are refused on every operation", requests=requests)


# --- fields


def field_cases(each: Operation) -> Iterator[Case]:
    for leaf in each.leaves:
        for name, value in worst(leaf).items():
            yield field_case(each, leaf, name, value, names(leaf.name))
        for name, value in (values.ANY | values.OTHER_KINDS).items():
            yield field_case(each, leaf, name, value, None)


def worst(leaf: Leaf) -> dict[str, str]:
    """What no field of this kind may take."""
    kind = leaf.schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if leaf.schema.get("format") in {"date", "date-time"}:
        dates = dict(values.NO_DATES)
        if leaf.schema["format"] == "date":
            dates = {name: text for name, text in dates.items() if "T" not in text}
        return dates
    if "integer" in kinds or "number" in kinds:
        return values.NO_NUMBERS
    if "string" in kinds:
        # A password may be of spaces; whose it is decides.
        may_be_blank = leaf.schema.get("pattern") == PRINTABLE
        return {name: text for name, text in values.NO_TEXTS.items() if not (may_be_blank and name == "spaces")}
    return {}


def field_case(
    each: Operation, leaf: Leaf, name: str, value: str, expected: Callable[[Answer], str | None] | None
) -> Case:
    async def throw(watch: Watch) -> str | None:
        body = encoded(leaf.put(each.body, msgspec.Raw(value.encode())))
        answer = await send(watch, each.method, each.path, body=body)
        if expected is not None:
            return expected(answer)
        if answer.status >= REFUSED or not answer.body.startswith(b"{"):
            return None
        return altered(leaf, msgspec.json.decode(value), msgspec.json.decode(answer.body))

    return f"{each.label} with {leaf.name}: {name}", throw


def altered(leaf: Leaf, sent: Any, answer: dict[str, Any]) -> str | None:
    """How what came back differs from what was sent, where a field of that name comes back."""
    [name, *deeper] = leaf.at
    # A format of ours has one normal form, which is what comes back.
    is_ours = leaf.schema.get("format") not in {None, "date", "date-time"}
    if deeper or is_ours or name not in answer or sent is None:
        return None
    back = answer[name]
    return None if same(sent, back) else f"sent {str(sent)[:80]!r}, got {str(back)[:80]!r}"


def same(sent: Any, back: Any) -> bool:
    if isinstance(sent, str) and isinstance(back, str) and back.endswith("Z"):
        try:
            return instant(sent) == instant(back)
        except ValueError:
            return sent == back
    if bool not in {type(sent), type(back)} and isinstance(sent, int | float) and isinstance(back, int | float):
        return Decimal(str(sent)) == Decimal(str(back))
    return bool(sent == back)


def instant(text: str) -> datetime:
    return msgspec.convert(text.upper().replace(" ", "T"), datetime)


async def test_every_field_refuses_what_it_must_and_keeps_what_it_takes(target: Hospital, proof: Ledger) -> None:
    cases = [case for each in await operations(target, ADMIN) for case in field_cases(each)]

    requests, findings = await thrown(target, cases)

    assert not findings, "\n".join(findings[:40])
    proof.shown("every field refuses what is invalid, by name, and keeps what it takes as it came", requests=requests)


# --- queries, paths and headers


def query_cases(each: Operation) -> Iterator[Case]:
    def asked(name: str, query: bytes, expected: Callable[[Answer], str | None] | None) -> Case:
        async def throw(watch: Watch) -> str | None:
            answer = await send(watch, each.method, each.path, query=query)
            return expected(answer) if expected is not None else None

        return f"{each.label}?{name}", throw

    for name in each.query:
        for what, value in values.QUERY_VALUES.items():
            yield asked(f"{name}: {what}", name.encode() + b"=" + value, None)
        yield asked(f"{name} twice", f"{name}=1&{name}=1".encode(), is_(400))
        yield asked(f"{name} as a list", f"{name}[]=1".encode(), refused)
    if each.query:
        many = b"&".join(b"p%d=1" % number for number in range(10_000))
        yield asked("10,000 parameters", many, refused)
        yield asked("10,000 of one", b"&".join([b"page=1"] * 10_000), refused)
        yield asked("an unknown one", b"zzz=1", names("zzz"))
        yield asked("a NUL in a name", b"a%00=1", refused)
        yield asked("only separators", b"&&==&;", refused)


def path_cases(each: Operation) -> Iterator[Case]:
    def asked(path: bytes) -> Throw:
        async def throw(watch: Watch) -> str | None:
            plain = path.decode("latin-1")
            body = encoded(each.body) if each.body is not None else None
            answer = await send(watch, each.method, plain, body=body, raw_path=path)
            return refused(answer)

        return throw

    for what, part in values.PATH_PARTS.items():
        head, _, last = each.path.rpartition("/")
        if "{" in each.template:
            shown = part if not what.startswith("a UUID") else b"zz" + part
            ids = [piece for piece in each.path.split("/") if len(piece) == 36]
            for known in ids:
                yield f"{each.label} at {what}", asked(each.path.replace(known, "\0", 1).encode().replace(b"\0", shown))
        yield f"{each.label} below {what}", asked(f"{head}/".encode() + part + b"/" + last.encode())


def header_cases(each: Operation) -> Iterator[Case]:
    def asked(name: str, value: bytes) -> Throw:
        async def throw(watch: Watch) -> str | None:
            body = encoded(each.body) if each.body is not None else None
            answer = await send(watch, each.method, each.path, body=body, headers=[(name.encode(), value)])
            said = answer.headers["x-request-id"]
            return None if said.isprintable() and len(said) <= 64 else "a wild request id came back"

        return throw

    for name in ("x-request-id", "accept", "if-none-match", "cookie", "x-forwarded-for", *each.headers):
        for what, value in values.HEADER_VALUES.items():
            yield f"{each.label}, {name}: {what}", asked(name, value)


@pytest.mark.parametrize("cases_of", [query_cases, path_cases, header_cases])
async def test_nothing_in_a_query_a_path_or_a_header_breaks_an_operation(
    target: Hospital, proof: Ledger, cases_of: Callable[[Operation], Iterator[Case]]
) -> None:
    cases = [case for each in await operations(target, ADMIN) for case in cases_of(each)]

    requests, findings = await thrown(target, cases)

    assert not findings, "\n".join(findings[:40])
    proof.shown(f"no {cases_of.__name__.removesuffix('_cases')} breaks an operation", requests=requests)
