"""The migrations lead to what the entities say, and `make migration` sees when they do not."""

import shutil
from pathlib import Path

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, Text
from tools.migration import PUBLIC, code, declared, differences, operations, write

from tests.cast import Hospital, Stage
from zoapets.core.owner.migrations import TENANT, TREES


async def test_the_migrations_make_the_registry_that_the_entities_say(stage: Stage) -> None:
    assert await differences(stage.owner_url, PUBLIC) == []
    assert (await operations(stage.owner_url, PUBLIC)).as_diffs() == []


async def test_the_migrations_make_the_hospital_that_the_entities_say(stage: Stage, hospital: Hospital) -> None:
    assert await differences(stage.owner_url, hospital.schema) == []
    assert (await operations(stage.owner_url, hospital.schema)).as_diffs() == []


def changed(schema: str, table: str) -> MetaData:
    metadata = declared(schema)
    metadata.tables[table].append_column(Column("apelido", Text))
    return metadata


async def test_a_column_that_no_migration_adds_is_seen(stage: Stage, hospital: Hospital) -> None:
    for schema, table in ((PUBLIC, "public.tenants"), (hospital.schema, "pets")):
        metadata = changed(schema, table)

        lines = await differences(stage.owner_url, schema, metadata)
        (operation,) = (await operations(stage.owner_url, schema, metadata)).as_diffs()

        assert lines == [f"+ column {table.removeprefix('public.')}.apelido text default  "]
        assert (operation[0], operation[3].name) == ("add_column", "apelido")


async def test_what_alembic_cannot_see_is_seen(stage: Stage, hospital: Hospital) -> None:
    metadata = declared(hospital.schema)
    pets, stays = metadata.tables["pets"], metadata.tables["internacoes"]
    (weight,) = (c for c in metadata.tables["pet_pesos"].constraints if c.name == "ck_pet_pesos_peso")
    assert isinstance(weight, CheckConstraint)
    weight.sqltext = CheckConstraint("peso_kg > 1").sqltext
    pets.c.sexo.server_default = None
    stays.indexes = {index for index in stays.indexes if index.name != "uq_internacoes_pet_aberta"}

    lines = await differences(stage.owner_url, hospital.schema, metadata)

    signs = [
        (line[0], name)
        for line in lines
        for name in ("ck_pet_pesos_peso", "pets.sexo", "uq_internacoes_pet_aberta")
        if name in line
    ]
    assert sorted(signs) == [
        ("+", "ck_pet_pesos_peso"),
        ("+", "pets.sexo"),
        ("-", "ck_pet_pesos_peso"),
        ("-", "pets.sexo"),
        ("-", "uq_internacoes_pet_aberta"),
    ]
    assert len(lines) == len(signs)


async def test_a_new_table_is_written_with_its_rights_and_its_audit(
    stage: Stage, hospital: Hospital, tmp_path: Path
) -> None:
    metadata = declared(hospital.schema)
    Table("vacinas", metadata, Column("id", Integer, primary_key=True), Column("nome", Text, nullable=False))
    shutil.copytree(TREES / TENANT, tmp_path / TENANT)

    upgrade = await operations(stage.owner_url, hospital.schema, metadata)
    path = write(tmp_path / TENANT, "add_vacinas", code(upgrade, hospital.schema))

    assert path.name == f"{int(newest()) + 1:04d}_add_vacinas.py"
    text = path.read_text()
    compile(text, str(path), "exec")
    for line in (
        "op.create_table(",
        'ddl.granted("vacinas")',
        'ddl.audited("vacinas")',
        f'down_revision = "{newest()}"',
    ):
        assert line in text
    assert "postgresql" not in text


def newest() -> str:
    return max(path.name[:4] for path in (TREES / TENANT / "versions").glob("0*.py"))
