"""The file itself: a zip with a member for each table and the manifest last, and behind it all one checksum.

The checksum is the zip's comment, the last 64 bytes: the SHA-256, in hexadecimal, of every byte before them. One that
is cut off or has a wrong bit anywhere is seen before any of it is read. It is no signature: who can write the file can
also reckon its checksum, so all that it claims is checked once more.
"""

import errno
import os
import secrets
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import msgspec

from zoapets.core.owner.backup.manifest import FORMAT, MANIFEST, Format, Heard, Manifest, Step, Table, UnfitFileError
from zoapets.core.owner.backup.rows import NotRowsError, Tally

SEAL = 64
PIECE = 1 << 18
LONGEST_MANIFEST = 1 << 24
# Deflate can do no better.
MOST_EXPANSION = 1032
_ENCRYPTED = 1
_UNREADABLE = (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, struct.error, zlib.error)

DAMAGED = "Nothing was changed. Fetch the file again, or take another copy of the hospital."
NEWER = "Nothing was changed. Use a zoapets that is at least as new as the one that wrote the file."


class Draft:
    """A file that is being written. `sha256` is there when it has its name."""

    def __init__(self, archive: ZipFile) -> None:
        self._zip = archive
        self.tables: list[Table] = []
        self.sha256 = ""

    @contextmanager
    def table(self, name: str, columns: list[str]) -> Iterator[Callable[[bytes], int]]:
        """A member for a table: takes its rows, in pieces, and answers how many there were until now."""
        tally = Tally(len(columns))
        entry = Table(name, columns, 0, 0, "", "")
        with self._zip.open(entry.member, "w", force_zip64=True) as out:

            def take(piece: bytes) -> int:
                out.write(piece)
                tally.take(piece)
                return tally.rows

            yield take
        tally.end()
        self.tables.append(_entry(name, columns, tally))

    def manifest(self, manifest: Manifest) -> None:
        """Last of all."""
        self._zip.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


@contextmanager
def written(path: Path, heard: Heard) -> Iterator[Draft]:
    """A new file, for its owner's eyes alone. It has its name when it is whole, was read back and is on the disk.

    Until then it is beside `path` under another one, and is removed when the block, or the reading back, fails.

    Raises:
        FileExistsError: another file has the name.
    """
    _refuse_taken(path)
    draft_path = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    handle = os.open(draft_path, os.O_RDWR | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(handle, "w+b") as file:
            with ZipFile(file, "w", ZIP_DEFLATED) as archive:
                archive.comment = b"0" * SEAL
                draft = Draft(archive)
                yield draft
            digest, _ = _checksum(file)
            file.write(digest.encode())
            file.flush()
            os.fsync(file.fileno())
        with opened(draft_path, heard) as copy:
            draft.sha256 = copy.sha256
        _refuse_taken(path)
        draft_path.rename(path)
    except BaseException:
        draft_path.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_taken(path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, "there is such a file already; choose another name")


class Copy:
    """A file that was found whole. `sha256` is the whole file's, as `sha256sum` prints it."""

    def __init__(self, archive: ZipFile, manifest: Manifest, digest: str) -> None:
        self._zip = archive
        self.manifest = manifest
        self.sha256 = digest

    def table(self, table: Table, heard: Heard, doing: str) -> Iterator[bytes]:
        """The rows of a table, a piece at a time. UnfitFileError when they are not what the manifest says of them."""
        tally = Tally(len(table.columns))
        with _readable(f"the rows of {table.name}"), self._zip.open(table.member) as rows:
            while piece := rows.read(PIECE):
                tally.take(piece)
                heard(Step(doing, table.name, tally.rows, is_done=False))
                yield piece
            tally.end()
        if _entry(table.name, table.columns, tally) != table:
            raise UnfitFileError(f"the rows of {table.name} are not those that the file says it has", DAMAGED)
        heard(Step(doing, table.name, tally.rows, is_done=True))


@contextmanager
def opened(path: Path, heard: Heard) -> Iterator[Copy]:
    """A file that was read from beginning to end, and is whole.

    Raises:
        UnfitFileError: it is not, or is none of ours, or of a version to come.
    """
    with ExitStack() as until_closed:
        with _readable(f"{path}"):
            file = until_closed.enter_context(path.open("rb"))
            digest = _sealed(path, file)
            archive = until_closed.enter_context(ZipFile(file))
            copy = Copy(archive, _manifest(archive, file.seek(0, os.SEEK_END)), digest)
        for table in copy.manifest.tables:
            for _ in copy.table(table, heard, "verifying"):
                pass
        yield copy


def _sealed(path: Path, file: BinaryIO) -> str:
    """The SHA-256 of a whole file whose checksum is right."""
    if file.read(4) != b"PK\3\4":
        raise UnfitFileError(f"{path} is no file of zoapets tenants export, or its beginning is damaged", DAMAGED)
    if file.seek(0, os.SEEK_END) <= SEAL:
        raise UnfitFileError(f"{path} is cut off", DAMAGED)
    digest, whole = _checksum(file)
    if file.read(SEAL) != digest.encode():
        raise UnfitFileError(f"{path} is damaged or cut off: its checksum is not that of what is in it", DAMAGED)
    return whole


def _checksum(file: BinaryIO) -> tuple[str, str]:
    """The SHA-256 of all but the seal, and of the whole; `file` is left at the seal."""
    left = file.seek(0, os.SEEK_END) - SEAL
    file.seek(0)
    digest = sha256()
    while left:
        if not (piece := file.read(min(PIECE, left))):
            raise EOFError("it became shorter while it was read")
        digest.update(piece)
        left -= len(piece)
    whole = digest.copy()
    whole.update(file.read(SEAL))
    file.seek(-SEAL, os.SEEK_END)
    return digest.hexdigest(), whole.hexdigest()


def _entry(name: str, columns: list[str], tally: Tally) -> Table:
    return Table(name, columns, tally.rows, tally.bytes, tally.sha256, tally.row_hash)


def _manifest(archive: ZipFile, size: int) -> Manifest:
    """The manifest, when the members are those that it names, and no member claims what it cannot hold."""
    members = archive.infolist()
    if not members or members[-1].filename != MANIFEST or members[-1].file_size > LONGEST_MANIFEST:
        raise UnfitFileError("the file has no manifest", DAMAGED)
    text = archive.read(members[-1])
    try:
        if (version := msgspec.json.decode(text, type=Format).format) != FORMAT:
            raise UnfitFileError(f"the file has format {version}; this version reads format {FORMAT}", NEWER)
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise UnfitFileError(f"the manifest is unfit: {error}", DAMAGED) from error
    names = [table.member for table in manifest.tables]
    if [member.filename for member in members] != [*names, MANIFEST] or len(set(names)) != len(names):
        raise UnfitFileError("the members of the file are not those that its manifest names", DAMAGED)
    for table, held in zip(manifest.tables, members, strict=False):
        if (
            held.compress_type != ZIP_DEFLATED
            or held.flag_bits & _ENCRYPTED
            or held.file_size != table.bytes
            or table.bytes > MOST_EXPANSION * (held.compress_size + 1)
        ):
            raise UnfitFileError(f"the member of {table.name} is not what the manifest says of it", DAMAGED)
    if sum(member.compress_size for member in members) > size:
        raise UnfitFileError("the file claims to hold more than it does", DAMAGED)
    return manifest


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """What can go wrong with reading is the file's fault."""
    try:
        yield
    except NotRowsError as error:
        raise UnfitFileError(f"{what}: {error}", DAMAGED) from error
    except _UNREADABLE as error:
        raise UnfitFileError(f"{what}: cannot be read: {error or type(error).__name__}", DAMAGED) from error
