"""What a copy rests on: rows counted and hashed as they pass, and a file that has its name only when it is whole."""

from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import Hospital, Stage
from zoapets.core.database import prepare
from zoapets.core.owner.backup import exporting, rows, shape
from zoapets.core.owner.backup.exporting import export
from zoapets.core.owner.backup.file import _checksum, written
from zoapets.core.owner.backup.manifest import UnfitFileError
from zoapets.core.owner.backup.rows import NotRowsError, Tally
from zoapets.core.owner.hospitals import HospitalRow, RefusedError, find

VALUES = st.binary(max_size=8).map(lambda text: text.replace(b"\t", b"\\t").replace(b"\n", b"\\n"))
LINES = st.lists(st.tuples(VALUES, VALUES).map(b"\t".join), min_size=1, max_size=20)


def tallied(text: bytes, cuts: list[int]) -> Tally:
    """`text`, cut into pieces at these places."""
    tally = Tally(2)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, stop in pairwise(places):
        tally.take(text[start:stop])
    tally.end()
    return tally


@given(LINES, st.lists(st.integers(min_value=0), max_size=10), st.randoms(use_true_random=False))
def test_rows_come_to_the_same_in_whatever_pieces_and_order(lines: list[bytes], cuts: list[int], chance: Any) -> None:
    text = b"".join(line + b"\n" for line in lines)
    shuffled = list(lines)
    chance.shuffle(shuffled)

    whole, pieces = tallied(text, []), tallied(text, cuts)
    others = tallied(b"".join(line + b"\n" for line in shuffled), cuts)

    assert (whole.rows, whole.bytes, whole.sha256) == (len(lines), len(text), sha256(text).hexdigest())
    assert (pieces.rows, pieces.bytes, pieces.sha256) == (whole.rows, whole.bytes, whole.sha256)
    total = sum(int.from_bytes(sha256(line).digest()) for line in lines) % 2**256
    assert {each.row_hash for each in (whole, pieces, others)} == {f"{total:064x}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a\n", "row 1 has not 2 columns"),
        (b"a\tb\nc\td\te\n", "row 2 has not 2 columns"),
        (b"a\tb\na\tb\nc\n", "row 3 has not 2 columns"),
        (b"a\tb\nc\td", "row 2 is cut off"),
        (b"a\tb\nc\tdddddddddddddddd", "row 2 is longer than any row"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_is_no_row_is_said(text: bytes, said: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LONGEST_ROW", 16)

    with pytest.raises(NotRowsError, match=said):
        tallied(text, list(range(0, len(text), size)))


class Shrinking(BytesIO):
    """Somebody cuts it off while it is read."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return super().seek(offset, whence) + 1000


def test_a_file_that_becomes_shorter_while_it_is_read_is_cut_off() -> None:
    with pytest.raises(EOFError):
        _checksum(Shrinking(b"PK"))


def test_a_file_whose_writing_fails_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(UnfitFileError, match="is no file of"), written(tmp_path / "file.zip", lambda _: None):
        pass  # It is whole, but there is nothing in it: reading it back says so.
    with pytest.raises(KeyboardInterrupt), written(tmp_path / "file.zip", lambda _: None):
        raise KeyboardInterrupt

    assert list(tmp_path.iterdir()) == []


async def exported(stage: Stage, hospital: Hospital, path: Path) -> Any:
    owner = await asyncpg.connect(stage.owner_url)
    try:
        await prepare(owner)
        row: HospitalRow = await find(owner, hospital.slug)
        return await export(owner, row, path, now=stage.now, heard=lambda _: None)
    finally:
        await owner.close()


async def test_a_hospital_that_a_newer_version_migrated_is_not_exported(
    stage: Stage, new_hospital: Hospital, tmp_path: Path
) -> None:
    await new_hospital.sql("update {s}.alembic_version set version_num = '9999'")

    with pytest.raises(RefusedError, match="revision 9999, which this version does not know"):
        await exported(stage, new_hospital, tmp_path / "newer.zip")


async def test_tables_that_change_again_and_again_are_not_waited_for_for_ever(
    stage: Stage, new_hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, asked = shape.tables, []

    async def with_one_that_is_gone(connection: Any, schema: str) -> dict[str, shape.TableShape]:
        asked.append(schema)
        found = await tables(connection, schema)
        return {**found, "gone": shape.TableShape("gone", f"{schema}.gone", {"id": "id"})}

    monkeypatch.setattr(shape, "tables", with_one_that_is_gone)

    with pytest.raises(RefusedError, match="is being migrated"):
        await exported(stage, new_hospital, tmp_path / "gone.zip")
    assert len(asked) == exporting.TRIES
