"""One example for every body, from its schema: a hospital's words, within the bounds, accepted by the struct."""

import re
from typing import Any

import msgspec

from zoapets.common.schema import dec_hook
from zoapets.core.docs.schemas import Schema

AN_ID = "0197a3c4-5e1f-7b62-9d38-4c0f8a1b2e73"
AN_INSTANT = "2026-03-02T13:30:00Z"
A_DATE = "2026-03-02"
FORMATS: dict[str, Any] = {
    "uuid": AN_ID,
    "date-time": AN_INSTANT,
    "date": A_DATE,
    "time": "08:00:00Z",
    "duration": "PT8H",
    "email": "ana@exemplo.com.br",
}
CONSTANTS: dict[Any, Any] = {"boolean": True, "null": None}

# By field, and where fields of one name mean several things, by the beginning of the shape's name too.
WORDS: dict[str, Any] = {
    "acao": "update",
    "accessToken": "eyJhbGciOiJIUzI1NiJ9.acesso.assinatura",
    "advice": "Confira o endereço e o identificador.",
    "ala": "UTI",
    "alergias": "Dipirona",
    "alertas": "Alergia: dipirona",
    "altaVigilancia": False,
    "antecedenciaMaximaMinutos": 60,
    "apresentacao": "Frasco-ampola 500 mg/mL, 50 mL",
    "arquivados": False,
    "autor": "Carla Lima",
    "bairro": "Pinheiros",
    "busca": "thor",
    "causa": "Parada cardiorrespiratória.",
    "cep": "05422012",
    "cidade": "São Paulo",
    "classe": "Analgésico",
    "cnpj": "11222333000181",
    "codigo": "not-found",
    "codigo@Alerta": "dose_fora_da_faixa",
    "codigo@Leito": "UTI-1",
    "concentracao": 500,
    "concentracaoUnidade": "mg/mL",
    "crmv": "12345",
    "crmvUf": "SP",
    "dataNascimento": "2021-05-10",
    "descricao": "Atende na internação.",
    "detail": "Não encontrado.",
    "detalhe": "",
    "dispositivo": "Firefox no Linux",
    "documento": "52998224725",
    "dose": 25,
    "doseCalculada": 310,
    "doseCalculadaUnidade": "mg",
    "doseMax": 30,
    "doseMin": 20,
    "duracaoDias": 5,
    "email": "ana@exemplo.com.br",
    "endereco": "Rua dos Pinheiros, 1000",
    "especie": "canina",
    "expiresIn": 900,
    "field": "nome",
    "file": "docs.css",
    "fonte": "Bulário do hospital, 2026",
    "frequenciaHoras": 8,
    "frequenciaHorasMax": 12,
    "frequenciaHorasMin": 6,
    "fuso": "America/Sao_Paulo",
    "instance": "/pets",
    "ip": "203.0.113.7",
    "isolamento": False,
    "justificativa": "Paciente recusou a via oral.",
    "lastPage": 1,
    "limit": 20,
    "meaning": "Não há nada com este identificador neste hospital, ou o endereço não existe.",
    "medicamento": "Dipirona sódica",
    "mensagem": "A dose passa da faixa do medicamento para a espécie.",
    "message": "é obrigatório",
    "microchip": "076000000000001",
    "minutosAtraso": 45,
    "motivo": "A pedido do responsável técnico.",
    "motivo@AlergiaErro": "Registrada no paciente errado.",
    "motivo@Anulacao": "Registrada no paciente errado.",
    "motivo@Arquivamento": "Cadastro duplicado.",
    "motivo@Internacao": "Vômito e apatia há dois dias.",
    "motivo@Isolamento": "Suspeita de parvovirose.",
    "nome": "Thor",
    "nome@Ala": "UTI",
    "nome@AtorRead": "Carla Lima",
    "nome@Hospital": "Hospital Veterinário Aurora",
    "nome@Medicamento": "Dipirona sódica",
    "nome@MeRead": "Carla Lima",
    "nome@Responsavel": "Carla Lima",
    "nome@Role": "Enfermeiro",
    "nome@Tenant": "Hospital Veterinário Aurora",
    "nome@Tutor": "Ana Souza",
    "nome@Unidade": "Unidade Centro",
    "nome@User": "Carla Lima",
    "novaSenha": "quatro cavalos na chuva",
    "observacoes": "Sem intercorrências.",
    "observacoes@Medicamento": "Guardar ao abrigo da luz.",
    "observacoes@Pet": "Dócil; não aceita focinheira.",
    "observacoes@Tutor": "Prefere contato por mensagem.",
    "orientacoes": "Aplicar lentamente, em 10 minutos.",
    "origem": "Balança da recepção",
    "origem@Auditoria": "203.0.113.7",
    "page": 1,
    "password": "uma frase que ninguém mais sabe",
    "path": "/pets",
    "pelagem": "Curta, caramelo",
    "permissions": "pets:ler",
    "permissoes": "pets:ler",
    "pesoKg": 12.4,
    "pet": "Thor",
    "principioAtivo": "Dipirona",
    "prioridade": "media",
    "raca": "Sem raça definida",
    "reacao": "Edema de face",
    "recurso": "pets",
    "refreshToken": "eyJhbGciOiJIUzI1NiJ9.renovacao.assinatura",
    "registradaPor": "Carla Lima",
    "registradoPor": "Carla Lima",
    "registroId": AN_ID,
    "registros": AN_ID,
    "requestId": AN_ID,
    "requisicaoId": AN_ID,
    "resumo": "Peso registrado: 12,4 kg",
    "roles": "Veterinário",
    "schemaName": "tenant_aurora",
    "senha": "uma frase que ninguém mais sabe",
    "senhaAtual": "uma frase que ninguém mais sabe",
    "sistema": False,
    "slug": "aurora",
    "status": "ok",
    "statusCode": 404,
    "substancia": "Dipirona",
    "tabela": "pets",
    "telefone": "+5511987654321",
    "tenantId": "aurora",
    "timezone": "America/Sao_Paulo",
    "tipo": "peso",
    "tipo@Prescricao": "hospitalar",
    "title": "Não encontrado.",
    "toleranciaAtrasoMinutos": 30,
    "total": 1,
    "type": "/problemas/not-found",
    "uf": "SP",
    "unidade": "mg/kg",
    "validadeDoPesoDias": 30,
    "versao": 3,
    "veterinario": "Carla Lima",
    "via": "IV",
    "vias": "IV",
    "volumeMl": 0.62,
}
# Null in most records: what has not happened to them, and what few of them are.
MOSTLY_NULL = re.compile(
    r"(anulad|arquiv|encerrad|erro|revogad|obito|suspens|substitui)"
    r"|(Alerta|Alta|Anulacao|Arquivamento|Controle|Isolamento|Obito|Status|Suspensao)$"
)


class Examples:
    """Examples of schemas whose references lead to `components`."""

    def __init__(self, components: dict[str, Schema]) -> None:
        self._components = components

    def of(self, schema: Schema) -> Any:
        """A value that the schema accepts."""
        return self._value(schema, "", ())

    def of_request(self, schema: Schema, model: Any) -> Any:
        """A body that `model` accepts. Where its fields exclude each other, those that come first stay."""
        full = self.of(schema)
        if not isinstance(full, dict) or accepts(model, full):
            return full
        needed = self._resolved(schema).get("required", [])
        kept = {name: full[name] for name in needed}
        for name, value in full.items():
            if accepts(model, {**kept, name: value}) or not accepts(model, kept):
                kept[name] = value
        return kept

    def _value(self, schema: Schema, name: str, inside: tuple[str, ...]) -> Any:  # noqa: PLR0911 - one line a keyword
        if reference := schema.get("$ref"):
            owner = reference.rpartition("/")[2]
            return self._value({**self._components[owner], **_without_ref(schema)}, name, (*inside, owner))
        if "examples" in schema and schema.get("type") != "number":
            return schema["examples"][0]
        if options := schema.get("anyOf"):
            return self._option(options, name, inside)
        kind = schema.get("type")
        if isinstance(kind, list):
            return None if MOSTLY_NULL.search(name) else self._value({**schema, "type": kind[0]}, name, inside)
        if kind == "object":
            return self._object(schema, name, inside)
        if kind == "array":
            return self._array(schema, name, inside)
        return _leaf(schema, name, inside[-1] if inside else "")

    def _option(self, options: list[Schema], name: str, inside: tuple[str, ...]) -> Any:
        nullable = {"type": "null"} in options
        first = options[0]
        if nullable and (MOSTLY_NULL.search(name) or first.get("$ref", "").rpartition("/")[2] in inside):
            return None
        return self._value(first, name, inside)

    def _object(self, schema: Schema, name: str, inside: tuple[str, ...]) -> Any:
        if "properties" not in schema:
            more = schema.get("additionalProperties")
            return {"chave": self._value(more, name, inside)} if isinstance(more, dict) else {}
        return {field: self._value(inner, field, inside) for field, inner in schema["properties"].items()}

    def _array(self, schema: Schema, name: str, inside: tuple[str, ...]) -> Any:
        items = schema["items"]
        if items.get("$ref", "").rpartition("/")[2] in inside:
            return []
        return [self._value(items, name, inside)] * max(1, schema.get("minItems", 1))

    def _resolved(self, schema: Schema) -> Schema:
        while reference := schema.get("$ref"):
            schema = self._components[reference.rpartition("/")[2]]
        return schema


def accepts(model: Any, body: Any) -> bool:
    """Whether `body` would be read as a `model`."""
    try:
        msgspec.json.decode(msgspec.json.encode(body), type=model, dec_hook=dec_hook)
    except msgspec.ValidationError:
        return False
    return True


def _without_ref(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "$ref"}


def _leaf(schema: Schema, name: str, owner: str) -> Any:
    word = _word(name, owner)
    if words := schema.get("enum"):
        return word if word in words else words[0]
    if word is not None and _fits(word, schema):
        return word
    if "format" in schema:
        return FORMATS.get(schema["format"], "texto")
    if schema.get("type") == "string":
        return "texto".ljust(schema.get("minLength", 0), "o")[: schema.get("maxLength")]
    return _number(schema) if schema.get("type") in {"integer", "number"} else CONSTANTS.get(schema.get("type"), {})


def _word(name: str, owner: str) -> Any:
    for key, word in WORDS.items():
        field, _, prefix = key.partition("@")
        if prefix and field == name and owner.startswith(prefix):
            return word
    return WORDS.get(name)


def _fits(word: Any, schema: Schema) -> bool:
    kind = schema.get("type")
    if kind == "string" and isinstance(word, str):
        is_long_enough = schema.get("minLength", 0) <= len(word) <= schema.get("maxLength", len(word))
        return is_long_enough and bool(re.search(schema.get("pattern", ""), word)) and _has_format(word, schema)
    if kind == "number" and isinstance(word, int | float):
        return _in_bounds(word, schema)
    if kind == "integer" and isinstance(word, int):
        return _in_bounds(word, schema)
    return kind == "boolean" and isinstance(word, bool)


def _has_format(word: str, schema: Schema) -> bool:
    """Whether a word from the table has this format; of formats of ours, all have."""
    wanted = schema.get("format")
    if wanted == "uuid":
        return word == AN_ID
    return wanted not in {"date-time", "date", "time", "duration"} or bool(re.match(r"\d{4}-\d\d-\d\d", word))


def _number(schema: Schema) -> int | float:
    """1, or what else is nearest to the bounds."""
    edges = [schema[name] for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if name in schema]
    tried = [1, *edges, *(edge + step for edge in edges for step in (1, -1, 0.5, -0.5))]
    if schema["type"] == "integer":
        tried = [value for value in tried if isinstance(value, int)]
    return next((value for value in tried if _in_bounds(value, schema)), 1)


def _in_bounds(value: float, schema: Schema) -> bool:
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    least, most = schema.get("minimum"), schema.get("maximum")
    is_high_enough = (above is None or value > above) and (least is None or value >= least)
    return is_high_enough and (below is None or value < below) and (most is None or value <= most)
