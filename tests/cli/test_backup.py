"""`zoapets tenants export`, `import` and `verify`: what they say, to people and to scripts."""

import hashlib
from pathlib import Path

import pytest

from tests.cli.ground import Ground
from zoapets.core.owner.migrations import TENANT, head


@pytest.fixture
def file(ground: Ground, tmp_path: Path) -> Path:
    """A hospital `origem`, made once, in a new file."""
    if not ground.sql("select from tenants where slug = 'origem'"):
        ground.hospital("origem", "--fuso", "America/Manaus")
    path = tmp_path / "origem.zip"
    assert ground.zoapets("tenants", "export", "origem", str(path)).code == 0
    return path


def test_a_hospital_is_written_verified_and_made_again(ground: Ground, file: Path) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()

    told = ground.done("tenants", "verify", str(file))
    made = ground.done("tenants", "import", str(file), "--slug", "volta", "--nome", "De Volta")

    assert (told["slug"], told["revisao"], told["sha256"]) == ("origem", head(TENANT), digest)
    assert (told["bytes"], told["rows"]) == (file.stat().st_size, sum(told["tables"].values()))
    assert made["copy"] == told
    hospital = made["hospital"]
    assert (hospital["slug"], hospital["nome"], hospital["fuso"]) == ("volta", "De Volta", "America/Manaus")
    assert "volta" in {row["slug"] for row in ground.done("tenants", "list")}
    assert ground.done("tenants", "check")["differing"] == []


def test_people_are_told_what_was_done(ground: Ground, file: Path, tmp_path: Path) -> None:
    exported = ground.zoapets("tenants", "export", "origem", str(tmp_path / "again.zip"))
    verified = ground.zoapets("tenants", "verify", str(file))
    imported = ground.zoapets("tenants", "import", str(file), "--slug", "contada")

    assert exported.out.startswith("exported origem: ")
    assert f"sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}" in verified.out
    assert "whole: origem ('Hospital origem') at " in verified.out
    assert imported.out.startswith("imported contada (Hospital origem), id ")


def test_a_damaged_file_is_refused_with_what_to_do(ground: Ground, file: Path) -> None:
    before = ground.sql("select count(*) from tenants")
    file.write_bytes(file.read_bytes()[:-1])

    for command in (("verify", str(file)), ("import", str(file), "--slug", "nunca")):
        said = ground.zoapets("tenants", *command)
        assert (said.code, said.out) == (1, "")
        assert "its checksum is not that of what is in it" in said.err
        assert "Nothing was changed. Fetch the file again" in said.err
    assert ground.sql("select count(*) from tenants") == before


def test_a_file_needs_no_database_to_be_verified(ground: Ground, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ground.environ:
        monkeypatch.delenv(name)

    assert ground.done("tenants", "verify", str(file))["slug"] == "origem"


def test_what_cannot_be_done_is_said(ground: Ground, file: Path) -> None:
    taken = ground.zoapets("tenants", "import", str(file), "--slug", "origem")
    there = ground.zoapets("tenants", "export", "origem", str(file))
    nobody = ground.zoapets("tenants", "export", "ninguem", str(file))

    assert (taken.code, taken.err) == (1, "error: slug: 'origem' is taken\n")
    assert (there.code, "choose another name" in there.err) == (1, True)
    assert (nobody.code, "tenants list" in nobody.err) == (1, True)


def test_the_platform_comes_back_as_the_platform_where_there_is_none(ground: Ground, tmp_path: Path) -> None:
    ground.hospital("plataforma", "--platform")
    path = str(tmp_path / "plataforma.zip")
    ground.done("tenants", "export", "plataforma", path)

    said = ground.zoapets("tenants", "import", path, "--slug", "outra")
    ground.sql("update tenants set tipo = 'hospital' where slug = 'plataforma'")
    made = ground.done("tenants", "import", path, "--slug", "outra")

    assert (said.code, "there is one already" in said.err) == (1, True)
    assert made["hospital"]["tipo"] == "plataforma"
