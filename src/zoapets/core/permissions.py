"""Who may do what, on one page: the permissions, and the roles every hospital starts with.

A route declares one permission (`requires(Permission.PETS_LER)`); a hospital edits its roles as it likes.
"""

from enum import StrEnum


class Permission(StrEnum):
    """`recurso:acao`. `tenants:*` belong to those who run the installation; no hospital's role can hold them."""

    USERS_LER = "users:ler"
    USERS_ESCREVER = "users:escrever"
    ROLES_LER = "roles:ler"
    ROLES_ESCREVER = "roles:escrever"
    CONFIGURACOES_LER = "configuracoes:ler"
    CONFIGURACOES_ESCREVER = "configuracoes:escrever"
    AUDITORIA_LER = "auditoria:ler"
    TUTORES_LER = "tutores:ler"
    TUTORES_ESCREVER = "tutores:escrever"
    TUTORES_ARQUIVAR = "tutores:arquivar"
    PETS_LER = "pets:ler"
    PETS_ESCREVER = "pets:escrever"
    PETS_PESAR = "pets:pesar"
    PETS_ARQUIVAR = "pets:arquivar"
    MEDICAMENTOS_LER = "medicamentos:ler"
    MEDICAMENTOS_ESCREVER = "medicamentos:escrever"
    MEDICAMENTOS_ARQUIVAR = "medicamentos:arquivar"
    LEITOS_LER = "leitos:ler"
    LEITOS_ESCREVER = "leitos:escrever"
    INTERNACOES_LER = "internacoes:ler"
    INTERNACOES_ADMITIR = "internacoes:admitir"
    INTERNACOES_MOVER = "internacoes:mover"
    INTERNACOES_ALTA = "internacoes:alta"
    PRESCRICOES_LER = "prescricoes:ler"
    PRESCRICOES_PRESCREVER = "prescricoes:prescrever"
    ADMINISTRACOES_LER = "administracoes:ler"
    ADMINISTRACOES_REGISTRAR = "administracoes:registrar"
    ADMINISTRACOES_ANULAR = "administracoes:anular"
    TENANTS_LER = "tenants:ler"
    TENANTS_ESCREVER = "tenants:escrever"


P = Permission
PLATFORM = frozenset({P.TENANTS_LER, P.TENANTS_ESCREVER})
HOSPITAL = frozenset(P) - PLATFORM

_READS = {P.TUTORES_LER, P.PETS_LER, P.MEDICAMENTOS_LER, P.LEITOS_LER, P.INTERNACOES_LER}

ADMINISTRADOR = "Administrador"

ROLES: dict[str, frozenset[Permission]] = {
    ADMINISTRADOR: HOSPITAL,
    "Veterinário": frozenset(
        _READS
        | {
            P.TUTORES_ESCREVER,
            P.PETS_ESCREVER,
            P.PETS_PESAR,
            P.INTERNACOES_ADMITIR,
            P.INTERNACOES_MOVER,
            P.INTERNACOES_ALTA,
            P.PRESCRICOES_LER,
            P.PRESCRICOES_PRESCREVER,
            P.ADMINISTRACOES_LER,
            P.ADMINISTRACOES_REGISTRAR,
            P.ADMINISTRACOES_ANULAR,
        }
    ),
    "Enfermeiro": frozenset(
        _READS
        | {
            P.PETS_PESAR,
            P.INTERNACOES_MOVER,
            P.PRESCRICOES_LER,
            P.ADMINISTRACOES_LER,
            P.ADMINISTRACOES_REGISTRAR,
        }
    ),
    "Recepcionista": frozenset(_READS | {P.TUTORES_ESCREVER, P.PETS_ESCREVER, P.INTERNACOES_ADMITIR}),
    "Farmacêutico": frozenset(
        _READS | {P.MEDICAMENTOS_ESCREVER, P.MEDICAMENTOS_ARQUIVAR, P.PRESCRICOES_LER, P.ADMINISTRACOES_LER}
    ),
    "Financeiro": frozenset({P.TUTORES_LER, P.PETS_LER, P.INTERNACOES_LER}),
}
PLATFORM_ROLE = "Plataforma"
