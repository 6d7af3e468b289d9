"""Shapes that go in and out, the bounds every input has, and every fault of an input at once, in Portuguese."""

import re
import types
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar, Self, Union, dataclass_transform, get_args, get_origin

import msgspec
from msgspec import Meta

from zoapets.common import documents
from zoapets.common.errors import FieldError


# What msgspec inherits from a base, a type checker must be told: subclasses are frozen, and Write takes names only.
@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class _Frozen(msgspec.StructMeta):
    pass


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _FrozenByName(msgspec.StructMeta):
    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        # Of all options, msgspec does not inherit this one.
        return super().__new__(cls, name, bases, namespace, **{"kw_only": True, **config})


class Read(msgspec.Struct, metaclass=_Frozen, frozen=True, rename="camel", gc=False):
    """A shape that goes out: a frozen value that refers to nothing but values, so the collector need not look."""


class JsonStruct(msgspec.Struct, frozen=True, rename="camel"):
    """A shape that the database holds, or gives, as JSON."""


class Write(msgspec.Struct, metaclass=_FrozenByName, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A shape that comes in: unknown fields are refused."""


# No control characters: PostgreSQL refuses NUL, and nothing a hospital writes needs the others.
PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
# Spaces, something else, anything: written without looking ahead, which is slow to match and to make examples of.
NOT_BLANK = r"^[^\S\x0b\x0c\x1c-\x1f]*[^\s\x00-\x08\x0e-\x1f\x7f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=NOT_BLANK)]
Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
Note = Annotated[str, Meta(min_length=1, max_length=2000, pattern=NOT_BLANK)]
Reason = Annotated[str, Meta(min_length=3, max_length=500, pattern=NOT_BLANK, description="O motivo, por escrito.")]
Search = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=NOT_BLANK, description="Parte do texto; acentos não importam.")
]


class Normal(str):
    """Text that is checked and brought to one form as it comes in. A subclass names the rule in `normalize`."""

    __slots__ = ()
    normalize: ClassVar[Any]
    example: ClassVar[str]

    @classmethod
    def parse(cls, value: object) -> Self:
        """`value` in its normal form; ValueError, in Portuguese, when it has none."""
        if not isinstance(value, str):
            raise ValueError("deve ser um texto")  # noqa: TRY004 - msgspec reports a ValueError as invalid input
        return cls(cls.normalize(value))


class Documento(Normal):
    """CPF or CNPJ, digits (and the letters of a new CNPJ) only."""

    normalize = staticmethod(documents.cpf_or_cnpj)
    example = "52998224725"


class Telefone(Normal):
    """A phone number in E.164."""

    normalize = staticmethod(documents.phone)
    example = "+5511987654321"


class Email(Normal):
    normalize = staticmethod(documents.email)
    example = "ana@exemplo.com.br"


class Microchip(Normal):
    normalize = staticmethod(documents.microchip)
    example = "076000000000001"


class Cep(Normal):
    normalize = staticmethod(documents.cep)
    example = "01310100"


class Uf(Normal):
    normalize = staticmethod(documents.uf)
    example = "SP"


class Crmv(Normal):
    normalize = staticmethod(documents.crmv)
    example = "12345"


class Number(Decimal):
    """An exact number with bounds: above `above`, at most `most`, with at most `places` decimal places."""

    __slots__ = ()
    above: ClassVar[Decimal] = Decimal(0)
    most: ClassVar[Decimal]
    places: ClassVar[int] = 3
    example: ClassVar[float] = 1.5

    @classmethod
    def parse(cls, value: object) -> Self:
        """`value` (a JSON number) as an exact number; ValueError, in Portuguese, when it does not fit."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("deve ser um número")  # noqa: TRY004 - msgspec reports a ValueError as invalid input
        number = Decimal(str(value))
        if not number.is_finite() or not cls.above < number <= cls.most:
            raise ValueError(f"deve ser maior que {cls.above} e no máximo {cls.most}")
        if -int(number.normalize().as_tuple().exponent) > cls.places:
            raise ValueError(f"deve ter no máximo {cls.places} casas decimais")
        return cls(number)


def dec_hook(kind: Any, value: Any) -> Any:
    """How msgspec reads the types above."""
    if isinstance(kind, type) and issubclass(kind, Normal | Number):
        return kind.parse(value)
    raise NotImplementedError(kind)


class Query(Write):
    """A query string. Unknown parameters are refused: a misspelt filter must not return everything."""

    def asked(self) -> dict[str, Any]:
        """The parameters by name, for a service's `search`."""
        return msgspec.structs.asdict(self)


def changes(data: msgspec.Struct) -> dict[str, Any]:
    """The fields of a PATCH that were sent, by column name."""
    return {name: value for name in data.__struct_fields__ if (value := getattr(data, name)) is not msgspec.UNSET}


def explain(raw: Any, model: Any, *, strict: bool = True) -> list[FieldError]:
    """Every fault of `raw` (decoded JSON, or a query's dict with `strict=False`) against the type `model`.

    msgspec stops at the first one; this is asked only after it has refused, so it may take its time.
    """
    return list(_faults(raw, model, "", strict=strict))


def misread(text: str, value: Any) -> str | None:
    """Why `text` of a query string is not the `value` that msgspec has read in it, when it is not."""
    if value is None:
        return "não pode ser null: para não filtrar, não envie"
    # A number would be read as seconds since 1970; what is a date has its first hyphen after the year.
    if isinstance(value, date) and text[4:5] != "-":
        return "deve ser data e hora com fuso" if isinstance(value, datetime) else "deve ser uma data (AAAA-MM-DD)"
    return None


def _faults(raw: Any, annotation: Any, path: str, *, strict: bool) -> Iterator[FieldError]:
    model, inside = _inner(annotation)
    try:
        read = msgspec.convert(raw, annotation, strict=strict, dec_hook=dec_hook)
        if not strict and inside == "struct":
            yield from _struct_faults(raw, model, path, strict=strict)
        elif not strict and (saying := misread(raw, read)):
            yield FieldError(path, saying)
    except msgspec.ValidationError as error:
        if inside == "struct" and isinstance(raw, Mapping):
            yield from _struct_faults(raw, model, path, strict=strict) or [
                FieldError(path or "corpo", _say(error, model))
            ]
        elif inside == "list" and isinstance(raw, list):
            faults = [
                fault
                for index, item in enumerate(raw[:100])
                for fault in _faults(item, model, f"{path}[{index}]", strict=strict)
            ]
            # The fault is the list's own, its length.
            yield from faults or [FieldError(path, _say(error, list))]
        else:
            yield FieldError(path or "corpo", _say(error, model))


def _struct_faults(raw: Mapping[str, Any], model: Any, path: str, *, strict: bool) -> list[FieldError]:
    prefix = f"{path}." if path else ""
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    faults: list[FieldError] = []
    for name, field in fields.items():
        if name in raw:
            faults += _faults(raw[name], field.type, prefix + name, strict=strict)
        elif field.required:
            faults.append(FieldError(prefix + name, "é obrigatório"))
    if model.__struct_config__.forbid_unknown_fields:
        faults += [FieldError(f"{prefix}{name}"[:100], "campo desconhecido") for name in raw if name not in fields][
            :100
        ]
    return faults


def _inner(annotation: Any) -> tuple[Any, str]:
    """What a type is about, under Annotated, None and UNSET: a struct, a list (then of what), or a leaf."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        options = [arg for arg in get_args(annotation) if arg not in (type(None), msgspec.UnsetType)]
        return _inner(options[0]) if len(options) == 1 else (annotation, "leaf")
    if get_origin(annotation) is list:
        item = get_args(annotation)[0]
        return item, "list"
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation, "struct"
    return annotation, "leaf"


_KINDS = {
    "int": "um número inteiro",
    "float": "um número",
    "decimal": "um número",
    "str": "um texto",
    "bool": "true ou false",
    "array": "uma lista",
    "object": "um objeto",
    "null": "null",
    "uuid": "um UUID",
    "datetime": "uma data com hora",
    "date": "uma data",
}
_SAYINGS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"Expected `str` of length >= (\d+)"), "deve ter ao menos {0} caractere(s)"),
    (re.compile(r"Expected `str` of length <= (\d+)"), "deve ter no máximo {0} caracteres"),
    (re.compile(r"Expected `array` of length >= (\d+)"), "deve ter ao menos {0} item(ns)"),
    (re.compile(r"Expected `array` of length <= (\d+)"), "deve ter no máximo {0} itens"),
    (re.compile(r"Expected `\w+` >= (\S+)"), "deve ser no mínimo {0}"),
    (re.compile(r"Expected `\w+` <= (\S+)"), "deve ser no máximo {0}"),
    (re.compile(r"Expected `\w+` > (\S+)"), "deve ser maior que {0}"),
    (re.compile(r"Expected `\w+` < (\S+)"), "deve ser menor que {0}"),
    (re.compile(r"matching regex"), "está em branco ou tem caracteres inválidos"),
    (re.compile(r"Invalid UUID"), "deve ser um UUID"),
    (re.compile(r"Invalid (RFC3339|ISO8601)? ?encoded datetime|timezone component"), "deve ser data e hora com fuso"),
    (re.compile(r"Invalid (RFC3339|ISO8601)? ?encoded date"), "deve ser uma data (AAAA-MM-DD)"),
    (re.compile(r"Invalid epoch"), "deve ser uma data, não um número"),
    (re.compile(r"Integer value out of range|out of range"), "está fora do intervalo"),
    (re.compile(r"Invalid decimal"), "deve ser um número"),
]


def _say(error: msgspec.ValidationError, model: Any) -> str:
    """Msgspec's message in Portuguese."""
    text = str(error).partition(" - at `")[0]
    if isinstance(model, type) and issubclass(model, Enum):
        return "deve ser um de: " + ", ".join(str(member.value) for member in model)
    for pattern, saying in _SAYINGS:
        if found := pattern.search(text):
            return saying.format(*found.groups())
    if found := re.match(r"Expected `([\w |]+)`", text):
        kinds = [kind.strip() for kind in found[1].split("|")]
        return "deve ser " + " ou ".join(_KINDS.get(kind, kind) for kind in kinds)
    # What is left is ours: the text of a ValueError, in Portuguese already; or news of msgspec's, which is not.
    return "não é um valor aceito" if text.startswith(("Invalid", "Expected", "Object")) else text
