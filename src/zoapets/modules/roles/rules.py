"""What a tenant's roles may hold, and how each permission reads to people."""

from collections.abc import Sequence

from zoapets.common.errors import FieldError
from zoapets.core.permissions import HOSPITAL, PLATFORM, Permission
from zoapets.entities.shared import TenantTipo

_RECURSOS = {
    "users": "usuários",
    "roles": "perfis",
    "configuracoes": "configurações",
    "auditoria": "a auditoria",
    "prescricoes": "prescrições",
    "administracoes": "administrações de doses",
    "internacoes": "internações",
    "tenants": "hospitais da plataforma",
}
_ACOES = {"ler": "Ver", "escrever": "Cadastrar e corrigir", "arquivar": "Arquivar"}
# Where verb and noun do not make the sentence that the hospital would say.
_DESCRICOES = {
    Permission.CONFIGURACOES_ESCREVER: "Mudar as configurações do hospital",
    Permission.PETS_PESAR: "Registrar pesos e alergias de pets",
    Permission.INTERNACOES_ADMITIR: "Internar pets",
    Permission.INTERNACOES_MOVER: "Mudar pets internados de leito",
    Permission.INTERNACOES_ALTA: "Dar alta ou registrar óbito",
    Permission.PRESCRICOES_PRESCREVER: "Prescrever, alterar e suspender prescrições",
    Permission.ADMINISTRACOES_REGISTRAR: "Registrar doses dadas e não dadas",
    Permission.ADMINISTRACOES_ANULAR: "Anular doses registradas por engano",
    Permission.TENANTS_ESCREVER: "Suspender e reativar hospitais da plataforma",
}


def possible(tipo: TenantTipo) -> frozenset[Permission]:
    """What roles may hold there: of the platform's own permissions, none in a hospital."""
    return HOSPITAL | PLATFORM if tipo is TenantTipo.PLATAFORMA else HOSPITAL


def faults(permissoes: Sequence[str], tipo: TenantTipo) -> list[FieldError]:
    """One for each permission that there is not, or that a role there may not hold."""
    held = {permission.value for permission in possible(tipo)}
    return [
        FieldError(f"permissoes[{index}]", "não é uma permissão deste hospital; veja GET /roles/permissoes")
        for index, name in enumerate(permissoes)
        if name not in held
    ]


def describe(permission: Permission) -> str:
    """What it allows, in Portuguese."""
    recurso, _, acao = permission.value.partition(":")
    if permission in _DESCRICOES:
        return _DESCRICOES[permission]
    verbo = _ACOES.get(acao, acao.replace("_", " ").capitalize())
    return f"{verbo} {_RECURSOS.get(recurso, recurso.replace('-', ' '))}"
