"""A file that is damaged, or is not what it claims to be, is refused before anything changes."""

import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Stage, number
from tests.proofs import ledger
from tests.proofs.backup.forgery import FORGED, damaged, forged, remade
from tests.proofs.backup.sameness import registry
from tests.proofs.ledger import Ledger
from zoapets.core.owner.backup import file as backup_file
from zoapets.core.owner.backup import importing
from zoapets.core.owner.backup.file import opened
from zoapets.core.owner.backup.importing import restore
from zoapets.core.owner.backup.manifest import UnfitFileError
from zoapets.core.owner.hospitals import RefusedError

SEED = 20260713
PLACES = ledger.pick(15, 300)
# Of the forgeries, one in so many.
EVERY = 1
BOMB = ledger.pick(1 << 22, (1 << 30) + (1 << 20))
MOST_MEMORY = 1 << 22


class Trusting:
    """What is found is whatever was claimed."""

    def __ne__(self, _: object) -> bool:
        return False


async def wrongs(owner: Any, stage: Stage, files: Iterable[tuple[str, Path]]) -> list[str]:
    """What was not refused, or not in words that help, or not without a change; and how many there were, last."""
    found, tried = [], 0
    before = await registry(owner)
    for what, path in files:
        tried += 1
        try:
            await restore(owner, path, slug=f"forjado-{number()}", now=stage.now, heard=lambda _: None)
        except UnfitFileError as error:
            if not str(error).isprintable() or not error.advice.startswith("Nothing was changed. "):
                found.append(f"{what}: said {error!r}")
        except RefusedError as error:
            if not str(error).isprintable():
                found.append(f"{what}: said {error!r}")
        except Exception as error:  # noqa: BLE001 - whatever else it is, it is wrong
            found.append(f"{what}: {error!r}")
        else:
            found.append(f"{what}: taken")
        if await registry(owner) != before:
            found.append(f"{what}: something changed")
            before = await registry(owner)
    assert tried
    return found


async def test_a_file_that_is_cut_off_or_has_a_wrong_bit_is_refused(
    owner: Any, installation: Stage, small_file: Path, tmp_path: Path, proof: Ledger
) -> None:
    assert await wrongs(owner, installation, damaged(small_file, tmp_path / "damaged.zip", SEED, PLACES)) == [], SEED
    proof.shown("a file that is cut off or has a wrong bit is refused, and nothing changes", places=PLACES, seed=SEED)


async def test_a_file_that_is_not_what_it_claims_is_refused(
    owner: Any, installation: Stage, small_file: Path, tmp_path: Path, proof: Ledger
) -> None:
    # Its own forger must not be what makes it unfit.
    with opened(remade(small_file, tmp_path / "same.zip", lambda *_: None), lambda _: None) as copy:
        assert copy.manifest.rows
    tried = [0]

    def each() -> Iterable[tuple[str, Path]]:
        for one in forged(small_file, tmp_path / "forged.zip", largest=BOMB, every=EVERY):
            tried[0] += 1
            yield one

    assert await wrongs(owner, installation, each()) == []
    proof.shown("a forged file whose checksums fit is refused, and nothing changes", kinds=tried[0], bomb_mb=BOMB >> 20)


async def test_a_bomb_takes_no_memory(small_file: Path, tmp_path: Path, proof: Ledger) -> None:
    bomb = remade(small_file, tmp_path / "bomb.zip", FORGED["a bomb of 16 MB"])

    tracemalloc.start()
    with pytest.raises(UnfitFileError, match="cut off"), opened(bomb, lambda _: None):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < MOST_MEMORY
    proof.shown("a file that unpacks to 16 MB of one row is read in little memory", peak_mb=round(peak / 2**20, 1))


async def test_what_is_refused_for_its_slug_says_so(owner: Any, installation: Stage, small_file: Path) -> None:
    for slug, said in (("vizinho", "taken"), ("Não Serve", "lower case"), ("plataforma", "platform")):
        with pytest.raises(RefusedError, match=said):
            await restore(owner, small_file, slug=slug, now=installation.now, heard=lambda _: None)


async def test_damage_sees_an_import_that_ignores_the_checksum_of_the_whole(
    owner: Any, installation: Stage, small_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    monkeypatch.setattr(backup_file, "_sealed", lambda *_: "0" * 64)

    # The first places are those that no other check looks at.
    found = await wrongs(owner, installation, damaged(small_file, tmp_path / "damaged.zip", SEED, 6))

    assert [fault for fault in found if fault.endswith("taken")]
    proof.seen("an import that ignores the checksum of the whole file", taken=sum(f.endswith("taken") for f in found))


async def test_damage_sees_an_import_that_ignores_the_checksums_of_tables(
    owner: Any, installation: Stage, small_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(backup_file, "_entry", lambda *_: Trusting())
    monkeypatch.setattr(importing, "_compare", nothing)
    changed = "a value changed"

    found = await wrongs(owner, installation, [(changed, remade(small_file, tmp_path / "forged.zip", FORGED[changed]))])

    assert found == [f"{changed}: taken", f"{changed}: something changed"]
    proof.seen("an import that ignores the checksums of tables", taken=1)


async def test_what_is_stored_is_compared_even_where_the_file_was_believed(
    owner: Any, installation: Stage, small_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    changed = "a value changed"
    monkeypatch.setattr(backup_file, "_entry", lambda *_: Trusting())

    assert (
        await wrongs(owner, installation, [(changed, remade(small_file, tmp_path / "forged.zip", FORGED[changed]))])
        == []
    )
    proof.shown("rows are compared once they are stored, apart from the checksums of the file", kinds=1)
