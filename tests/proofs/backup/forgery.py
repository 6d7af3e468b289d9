"""Files that must not be taken: what chance does to one, and what somebody may do who can reckon checksums too."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from zoapets.core.owner.backup.rows import NotRowsError, Tally

MANIFEST = "manifest.json"
SEAL = 64
Members = dict[str, bytes]
Change = Callable[[dict[str, Any], Members], None]


def sealed(path: Path, body: bytes) -> Path:
    """A file whose last checksum is right."""
    path.write_bytes(body + sha256(body).hexdigest().encode())
    return path


def remade(file: Path, path: Path, change: Change, *, compression: int = ZIP_DEFLATED) -> Path:
    """The file, changed inside, with the checksum of the whole made anew."""
    with ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop(MANIFEST))
    change(manifest, members)
    members.setdefault(MANIFEST, json.dumps(manifest).encode())
    with ZipFile(path, "w", compression) as archive:
        for name, text in members.items():
            # Not by name alone: a name that is no name must go in as it is.
            member = ZipInfo("x")
            member.filename = name
            member.compress_type = compression
            archive.writestr(member, text)
        archive.comment = b"0" * SEAL
    return sealed(path, path.read_bytes()[:-SEAL])


def entry(manifest: dict[str, Any], table: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in manifest["tables"] if each["name"] == table)
    return found


def member(table: str) -> str:
    return f"tables/{table}.tsv"


def counted(manifest: dict[str, Any], members: Members, table: str) -> None:
    """Make the manifest say what there now is of a table: nothing is left for a checksum to find."""
    claimed, text = entry(manifest, table), members[member(table)]
    tally = Tally(len(claimed["columns"]))
    try:
        tally.take(text)
    except NotRowsError:
        tally = Tally(len(claimed["columns"]))
    claimed |= {
        "rows": tally.rows,
        "bytes": len(text),
        "sha256": sha256(text).hexdigest(),
        "row_hash": tally.row_hash,
    }


def without_a_row(file: Path, path: Path, table: str) -> Path:
    """One row less, and everything reckoned anew."""

    def change(manifest: dict[str, Any], members: Members) -> None:
        # Of the oldest pet's tutor, say: one that others refer to.
        members[member(table)] = members[member(table)].partition(b"\n")[2]
        counted(manifest, members, table)

    return remade(file, path, change)


# --- by chance


def damaged(file: Path, path: Path, seed: int, how_many: int) -> Iterator[tuple[str, Path]]:
    """Cut off and with one wrong bit, in turn, at places drawn by `seed`."""
    rng, whole = Random(seed), file.read_bytes()  # noqa: S311 - the same each time
    # The date of the first member, which no reader looks at; the last byte; all but nothing.
    flips, cuts = [10, len(whole) - 1], [0, 1, SEAL, len(whole) - 1]
    for n in range(how_many):
        if n % 3 == 0:
            at = cuts.pop() if cuts else rng.randrange(len(whole))
            path.write_bytes(whole[:at])
            yield f"cut at {at}", path
        else:
            at = flips.pop() if flips else rng.randrange(len(whole))
            wrong = bytes([whole[at] ^ (1 << rng.randrange(8))])
            path.write_bytes(whole[:at] + wrong + whole[at + 1 :])
            yield f"a bit at {at}", path


# --- on purpose


def _set(table: str, **claims: Any) -> Change:
    return lambda manifest, _: entry(manifest, table).update(claims)


def _say(**claims: Any) -> Change:
    return lambda manifest, _: manifest.update(claims)


def _was(**claims: Any) -> Change:
    return lambda manifest, _: manifest["hospital"].update(claims)


def _text(table: str, make: Callable[[bytes], bytes], *, consistent: bool = False) -> Change:
    """Other rows; `consistent`: with every count and hash made to fit."""

    def change(manifest: dict[str, Any], members: Members) -> None:
        members[member(table)] = make(members[member(table)])
        if consistent:
            counted(manifest, members, table)

    return change


def _renamed(name: str) -> Change:
    """A table of another name, in the manifest and in the file."""

    def change(manifest: dict[str, Any], members: Members) -> None:
        order = list(members.items())
        members.clear()
        members.update({member(name) if key == member("alas") else key: text for key, text in order})
        entry(manifest, "alas")["name"] = name

    return change


def _dropped(_: dict[str, Any], members: Members) -> None:
    del members[member("alas")]


def _forgotten(manifest: dict[str, Any], members: Members) -> None:
    del members[member("alas")]
    manifest["tables"].remove(entry(manifest, "alas"))


def _swapped(_: dict[str, Any], members: Members) -> None:
    one, other = member("pets"), member("tutores")
    members[one], members[other] = members[other], members[one]


def _added(_: dict[str, Any], members: Members) -> None:
    members["tables/mais.tsv"] = b""


def _traversing(_: dict[str, Any], members: Members) -> None:
    members["../../tmp/fora.tsv"] = b""


def _twice(manifest: dict[str, Any], _: Members) -> None:
    manifest["tables"].append(entry(manifest, "alas"))


def _no_manifest(_: dict[str, Any], members: Members) -> None:
    members[MANIFEST] = b"{"


def _deep(_: dict[str, Any], members: Members) -> None:
    members[MANIFEST] = b'{"format": 1, "tables": ' + b"[" * 100_000


def _long(_: dict[str, Any], members: Members) -> None:
    members[MANIFEST] = b'{"format": 1}' + b" " * (1 << 24)


def _counter_behind(manifest: dict[str, Any], _: Members) -> None:
    next(each for each in manifest["sequences"] if each["name"] == "auditoria_id_seq")["last"] = 1


def _no_counters(manifest: dict[str, Any], _: Members) -> None:
    manifest["sequences"].clear()


def _bomb(size: int) -> Change:
    return _text("alas", lambda _: b"0" * size, consistent=True)


INJECTION = 'pets"; drop schema public cascade; --'
FORGED: dict[str, Change] = {
    "a member dropped": _dropped,
    "a table forgotten": _forgotten,
    "two members swapped": _swapped,
    "a member added": _added,
    "a table named twice": _twice,
    "a path out of the folder, as a member": _traversing,
    "a path out of the folder, as a table": _renamed("../../../etc/passwd"),
    "an absolute path, as a table": _renamed("/etc/passwd"),
    "SQL as a table": _renamed(INJECTION),
    "a table of the catalog": _renamed("pg_class"),
    "a table of ours that is none of the hospital's": _renamed("alembic_version"),
    "SQL as a column": _set("alas", columns=[INJECTION]),
    "too few columns": _set("alas", columns=["id"]),
    "a column named twice": lambda m, _: entry(m, "alas")["columns"].__setitem__(0, "nome"),
    "a column that is computed": lambda m, _: entry(m, "pets")["columns"].__setitem__(0, "busca"),
    "SQL as a counter": _say(sequences=[{"name": INJECTION, "last": 1, "is_called": True}]),
    "a counter that is behind": _counter_behind,
    "no counters": _no_counters,
    "SQL as a revision": _say(revision="0001'; drop schema public cascade; --"),
    "a revision nobody knows": _say(revision="9999"),
    "a format to come": _say(format=2),
    "a format that is none": _say(format="1"),
    "a field nobody knows": _say(comando="rm -rf /"),
    "SQL as a slug": _was(slug="x'; drop schema public cascade; --"),
    "control characters as a name": _was(nome="\x1b[2Jhospital"),
    "a name without end": _was(nome="x" * 100_000),
    "a zone that is a path": _was(fuso="../../etc/passwd"),
    "a zone nobody knows": _was(fuso="Mars/Base"),
    "SQL as a plan": _was(plano="x' or true"),
    "a plan nobody sells": _was(plano="ouro"),
    "a CNPJ that is none": _was(cnpj="11"),
    "a kind nobody knows": _was(tipo="banco"),
    "a row more than there is": lambda m, _: entry(m, "alas").update(rows=entry(m, "alas")["rows"] + 1),
    "no rows": _set("alas", rows=0),
    "10^18 rows": _set("alas", rows=10**18),
    "2^62 bytes": _set("alas", bytes=2**62),
    "more bytes than a number holds": _set("alas", bytes=10**40),
    "fewer than no rows": _set("alas", rows=-1),
    "another hash of the text": _set("alas", sha256="0" * 64),
    "another hash of the rows": _set("alas", row_hash="0" * 64),
    "a row less": _text("alas", lambda text: text.partition(b"\n")[2]),
    "a value changed": _text("pets", lambda text: text.replace(b"canina", b"felina", 1)),
    "a row cut off": _text("alas", lambda text: text[:-5], consistent=True),
    "a row with too many columns": _text("alas", lambda text: text.replace(b"\n", b"\tx\n", 1), consistent=True),
    "an end in the middle": _text("alas", lambda text: b"\\.\n" + text, consistent=True),
    "no text at all": _text("alas", lambda _: b"\xff\xfe\x00\n", consistent=True),
    "a NUL": _text("tutores", lambda text: text.replace(b"a", b"\x00", 1), consistent=True),
    "bytes that are no UTF-8": _text("tutores", lambda text: text.replace(b"a", b"\xc3\x28", 1), consistent=True),
    "a word that is none": _text("pets", lambda text: text.replace(b"canina", b"dragao", 1), consistent=True),
    "an id that is none": _text("alas", lambda text: b"x" + text[1:], consistent=True),
    "a row twice": _text("alas", lambda text: text + text.partition(b"\n")[0] + b"\n", consistent=True),
    "a row that others refer to left out": _text("users", lambda text: text.partition(b"\n")[2], consistent=True),
    "no manifest": _no_manifest,
    "a manifest too deep": _deep,
    "a manifest too long": _long,
    "a bomb of 16 MB": _bomb(1 << 24),
}


def forged(file: Path, path: Path, *, largest: int, every: int) -> Iterator[tuple[str, Path]]:
    """FORGED, or one in `every`; a bomb of `largest` bytes; what is wrong with the zip itself; and what is none."""
    for what in list(FORGED)[::every]:
        yield what, remade(file, path, FORGED[what])
    yield "not compressed", remade(file, path, lambda *_: None, compression=ZIP_STORED)
    yield "encrypted", _encrypted(file, path)
    yield "overlapping", _overlapping(file, path)
    yield "more than it is long", _too_much(file, path)
    yield f"a bomb of {largest >> 20} MB", remade(file, path, _bomb(largest))
    for what, text in (
        ("empty", b""),
        ("text", b"-- PostgreSQL database dump\n" * 10),
        ("a zip that ends", b"PK\3\4" * 20),
    ):
        path.write_bytes(text)
        yield what, path
    yield "a seal and nothing else", sealed(path, b"PK\3\4")
    yield "a folder", path.parent
    yield "no file", path.with_name("nowhere.zip")


def _directory(body: bytes | bytearray) -> int:
    return body.index(b"PK\1\2")


def _encrypted(file: Path, path: Path) -> Path:
    """The first member's entry in the directory says that it is encrypted."""
    body = bytearray(file.read_bytes()[:-SEAL])
    body[_directory(body) + 8] |= 1
    return sealed(path, bytes(body))


def _overlapping(file: Path, path: Path) -> Path:
    """The second member's entry leads to where the first one is."""
    body = bytearray(file.read_bytes()[:-SEAL])
    first = _directory(body)
    second = body.index(b"PK\1\2", first + 4)
    body[second + 42 : second + 46] = body[first + 42 : first + 46]
    return sealed(path, bytes(body))


def _too_much(file: Path, path: Path) -> Path:
    """The first member's entry says that it takes more of the file than there is."""
    body = bytearray(file.read_bytes()[:-SEAL])
    first = _directory(body)
    body[first + 20 : first + 24] = (2 * len(body)).to_bytes(4, "little")
    return sealed(path, bytes(body))
