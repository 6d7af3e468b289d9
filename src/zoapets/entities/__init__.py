"""The tables: one file per owner room. `shared.py` holds `public.*`; all others live in each hospital's schema."""

from zoapets.entities import (
    configuracoes,
    internacoes,
    medicamentos,
    pets,
    prescricoes,
    registros,
    shared,
    tutores,
    users,
)
from zoapets.entities.base import Entity, SharedEntity

__all__ = [
    "Entity",
    "SharedEntity",
    "configuracoes",
    "internacoes",
    "medicamentos",
    "pets",
    "prescricoes",
    "registros",
    "shared",
    "tutores",
    "users",
]
