"""Tutores, pets and the formulary."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from zoapets.migrations import ddl

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _tables()
    _rules()


def _tables() -> None:
    op.create_table(
        "medicamentos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("principio_ativo", sa.Text(), nullable=False),
        sa.Column("apresentacao", sa.Text(), nullable=False),
        sa.Column(
            "forma",
            sa.Enum(
                "solucao_injetavel",
                "po_injetavel",
                "comprimido",
                "capsula",
                "suspensao_oral",
                "solucao_oral",
                "colirio",
                "pomada",
                "creme",
                "spray",
                "fluido",
                "outro",
                name="forma",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="outro",
            nullable=False,
        ),
        sa.Column("concentracao", sa.Numeric(precision=14, scale=6), nullable=True),
        sa.Column("concentracao_unidade", sa.Text(), nullable=True),
        sa.Column("vias", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("alta_vigilancia", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "lista_controle",
            sa.Enum(
                "A1",
                "A2",
                "A3",
                "B1",
                "B2",
                "C1",
                "C2",
                "C3",
                "C5",
                name="listacontrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("classe", sa.Text(), nullable=True),
        sa.Column("observacoes", sa.Text(), nullable=True),
        sa.Column(
            "busca",
            sa.Text(),
            sa.Computed("ext.normalizar(nome || ' ' || principio_ativo || ' ' || apresentacao)", persisted=True),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.Column("arquivado_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo_arquivamento", sa.Text(), nullable=True),
        sa.Column("arquivado_por_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(concentracao is null) = (concentracao_unidade is null)",
            name=op.f("ck_medicamentos_concentracao_com_unidade"),
        ),
        sa.CheckConstraint("concentracao > 0", name=op.f("ck_medicamentos_concentracao")),
        sa.ForeignKeyConstraint(["arquivado_por_id"], ["users.id"], name=op.f("fk_medicamentos_arquivado_por_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medicamentos")),
    )
    op.create_index(
        "ix_medicamentos_busca",
        "medicamentos",
        ["busca"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"busca": "ext.gin_trgm_ops"},
    )
    op.create_index(
        "uq_medicamentos_nome", "medicamentos", ["nome"], unique=True, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_table(
        "tutores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("documento", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("telefone", sa.Text(), nullable=False),
        sa.Column("endereco", sa.Text(), nullable=True),
        sa.Column("bairro", sa.Text(), nullable=True),
        sa.Column("cidade", sa.Text(), nullable=True),
        sa.Column("uf", sa.Text(), nullable=True),
        sa.Column("cep", sa.Text(), nullable=True),
        sa.Column("observacoes", sa.Text(), nullable=True),
        sa.Column(
            "busca",
            sa.Text(),
            sa.Computed("ext.normalizar(nome || ' ' || coalesce(documento, '') || ' ' || telefone)", persisted=True),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.Column("arquivado_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo_arquivamento", sa.Text(), nullable=True),
        sa.Column("arquivado_por_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["arquivado_por_id"], ["users.id"], name=op.f("fk_tutores_arquivado_por_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tutores")),
    )
    op.create_index(
        "ix_tutores_busca",
        "tutores",
        ["busca"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"busca": "ext.gin_trgm_ops"},
    )
    op.create_index(
        "ix_tutores_nome", "tutores", ["nome", "id"], unique=False, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_index(
        "uq_tutores_documento", "tutores", ["documento"], unique=True, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_table(
        "medicamento_faixas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("medicamento_id", sa.Uuid(), nullable=False),
        sa.Column(
            "especie",
            sa.Enum(
                "canina",
                "felina",
                "ave",
                "roedor",
                "lagomorfo",
                "reptil",
                "equina",
                "outra",
                name="especie",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "via",
            sa.Enum(
                "IV",
                "IM",
                "SC",
                "VO",
                "IO",
                "IN",
                "TOPICA",
                "OFTALMICA",
                "OTOLOGICA",
                "RETAL",
                "INALATORIA",
                "TRANSDERMICA",
                "EPIDURAL",
                name="via",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("dose_min", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("dose_max", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("unidade", sa.Text(), nullable=False),
        sa.Column("frequencia_horas_min", sa.Integer(), nullable=True),
        sa.Column("frequencia_horas_max", sa.Integer(), nullable=True),
        sa.Column("fonte", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("0 < dose_min and dose_min <= dose_max", name=op.f("ck_medicamento_faixas_dose")),
        sa.ForeignKeyConstraint(
            ["medicamento_id"], ["medicamentos.id"], name=op.f("fk_medicamento_faixas_medicamento_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medicamento_faixas")),
    )
    op.create_index(
        op.f("ix_medicamento_faixas_medicamento_id"), "medicamento_faixas", ["medicamento_id"], unique=False
    )
    op.create_table(
        "pets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tutor_id", sa.Uuid(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column(
            "especie",
            sa.Enum(
                "canina",
                "felina",
                "ave",
                "roedor",
                "lagomorfo",
                "reptil",
                "equina",
                "outra",
                name="especie",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("raca", sa.Text(), nullable=True),
        sa.Column(
            "sexo",
            sa.Enum("macho", "femea", "indefinido", name="sexo", native_enum=False, create_constraint=True, length=40),
            server_default="indefinido",
            nullable=False,
        ),
        sa.Column("castrado", sa.Boolean(), nullable=True),
        sa.Column("pelagem", sa.Text(), nullable=True),
        sa.Column("data_nascimento", sa.Date(), nullable=True),
        sa.Column("microchip", sa.Text(), nullable=True),
        sa.Column("observacoes", sa.Text(), nullable=True),
        sa.Column("obito_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "busca",
            sa.Text(),
            sa.Computed(
                "ext.normalizar(nome || ' ' || coalesce(raca, '') || ' ' || coalesce(microchip, ''))", persisted=True
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.Column("arquivado_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo_arquivamento", sa.Text(), nullable=True),
        sa.Column("arquivado_por_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["arquivado_por_id"], ["users.id"], name=op.f("fk_pets_arquivado_por_id")),
        sa.ForeignKeyConstraint(["tutor_id"], ["tutores.id"], name=op.f("fk_pets_tutor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pets")),
    )
    op.create_index(
        "ix_pets_busca",
        "pets",
        ["busca"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"busca": "ext.gin_trgm_ops"},
    )
    op.create_index(
        "ix_pets_especie_nome",
        "pets",
        ["especie", "nome", "id"],
        unique=False,
        postgresql_where=sa.text("arquivado_em is null"),
    )
    op.create_index(
        "ix_pets_nome", "pets", ["nome", "id"], unique=False, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_index(op.f("ix_pets_tutor_id"), "pets", ["tutor_id"], unique=False)
    op.create_index(
        "uq_pets_microchip", "pets", ["microchip"], unique=True, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_table(
        "pet_alergias",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pet_id", sa.Uuid(), nullable=False),
        sa.Column("substancia", sa.Text(), nullable=False),
        sa.Column("reacao", sa.Text(), nullable=True),
        sa.Column(
            "gravidade",
            sa.Enum(
                "leve", "moderada", "grave", name="gravidade", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("registrada_por_id", sa.Uuid(), nullable=False),
        sa.Column("registrada_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erro_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erro_por_id", sa.Uuid(), nullable=True),
        sa.Column("erro_motivo", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["erro_por_id"], ["users.id"], name=op.f("fk_pet_alergias_erro_por_id")),
        sa.ForeignKeyConstraint(["pet_id"], ["pets.id"], name=op.f("fk_pet_alergias_pet_id")),
        sa.ForeignKeyConstraint(["registrada_por_id"], ["users.id"], name=op.f("fk_pet_alergias_registrada_por_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pet_alergias")),
    )
    op.create_index(op.f("ix_pet_alergias_pet_id"), "pet_alergias", ["pet_id"], unique=False)
    op.create_table(
        "pet_pesos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pet_id", sa.Uuid(), nullable=False),
        sa.Column("peso_kg", sa.Numeric(precision=8, scale=3), nullable=False),
        sa.Column("medido_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origem", sa.Text(), nullable=True),
        sa.Column("registrado_por_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("peso_kg > 0 and peso_kg <= 2000", name=op.f("ck_pet_pesos_peso")),
        sa.ForeignKeyConstraint(["pet_id"], ["pets.id"], name=op.f("fk_pet_pesos_pet_id")),
        sa.ForeignKeyConstraint(["registrado_por_id"], ["users.id"], name=op.f("fk_pet_pesos_registrado_por_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pet_pesos")),
    )
    op.create_index(
        "ix_pet_pesos_pet",
        "pet_pesos",
        ["pet_id", sa.literal_column("medido_em desc"), sa.literal_column("id desc")],
        unique=False,
    )


def _rules() -> None:
    for table in ("tutores", "pets", "medicamentos"):
        op.execute(ddl.granted(table))
    op.execute(ddl.granted("medicamento_faixas", "select, insert, update, delete"))
    # Series: what was written stays; an allergy can only be marked as entered in error.
    op.execute(ddl.granted("pet_pesos", "select, insert"))
    op.execute(ddl.granted("pet_alergias", "select, insert, update (erro_em, erro_por_id, erro_motivo)"))
    for table in ("tutores", "pets", "pet_pesos", "pet_alergias", "medicamentos", "medicamento_faixas"):
        for trigger in ddl.audited(table):
            op.execute(trigger)
