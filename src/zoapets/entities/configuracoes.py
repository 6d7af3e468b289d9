"""What a hospital decides about itself: one row."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from zoapets.entities.base import Dated, Entity, Versioned


class Configuracao(Dated, Versioned, Entity):
    __tablename__ = "configuracoes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    tolerancia_atraso_minutos: Mapped[int] = mapped_column(server_default="30")
    antecedencia_maxima_minutos: Mapped[int | None]
    exigir_if_match: Mapped[bool] = mapped_column(server_default="false")
    verificar_faixas_de_dose: Mapped[bool] = mapped_column(server_default="false")
    validade_do_peso_dias: Mapped[int] = mapped_column(server_default="30")

    __table_args__ = (
        CheckConstraint("id = 1", name="uma_linha"),
        CheckConstraint("tolerancia_atraso_minutos between 0 and 720", name="tolerancia"),
        CheckConstraint("antecedencia_maxima_minutos between 0 and 10080", name="antecedencia"),
        CheckConstraint("validade_do_peso_dias between 1 and 3650", name="validade_do_peso"),
    )
