"""JSON Schema 2020-12 of the shapes that go in and out: what msgspec enforces and what our encoder writes.

`msgspec.json.schema_components` would say less and, of us, the wrong thing: it shows a decimal as text, an instant
without its format, and the words of an enum in alphabetical order.
"""

from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_origin

import msgspec
import msgspec.inspect as kinds
from msgspec import NODEFAULT

from zoapets.common.schema import Normal, Number, Read

Schema = dict[str, Any]

# A class's docstring is for those who read the code; this is for those who call the API.
SAYINGS = {
    "Cep": "CEP, com ou sem pontuação; é guardado só com os 8 dígitos.",
    "Crmv": "Número do CRMV, sem a UF.",
    "Documento": "CPF ou CNPJ, com ou sem pontuação; é guardado sem ela.",
    "Email": "Endereço de e-mail; é guardado em minúsculas.",
    "Microchip": "Código do microchip: 15 dígitos (ISO 11784), ou 9 a 10 caracteres nos antigos.",
    "Telefone": "Telefone com DDD, ou com + e o código do país; é guardado em E.164.",
    "Uf": "Sigla do estado.",
}
LEAVES: dict[type[kinds.Type], Schema] = {
    kinds.AnyType: {},
    kinds.RawType: {},
    kinds.NoneType: {"type": "null"},
    kinds.BoolType: {"type": "boolean"},
    kinds.BytesType: {"type": "string", "contentEncoding": "base64"},
    kinds.DecimalType: {"type": "number"},
    kinds.UUIDType: {"type": "string", "format": "uuid"},
    kinds.DateTimeType: {"type": "string", "format": "date-time"},
    kinds.DateType: {"type": "string", "format": "date"},
    # The format `time` has an offset; a wall clock has none.
    kinds.TimeType: {"type": "string", "examples": ["08:00:00"]},
    kinds.TimeDeltaType: {"type": "string", "format": "duration"},
}


class Schemas:
    """Schemas of types. A struct or an enum stands once in `components`, and is referred to from everywhere else."""

    def __init__(self, names: dict[Any, str] | None = None) -> None:
        self.components: dict[str, Schema] = {}
        self._names: dict[Any, str] = dict(names or {})

    def of(self, annotation: Any) -> Schema:
        """The schema of `annotation`; TypeError for a type that no shape of ours has."""
        return self._schema(kinds.type_info(annotation))

    def parameters(self, model: type[msgspec.Struct]) -> list[Schema]:
        """A query string's struct as OpenAPI parameters. A query string knows no null: absent is absent."""
        found = []
        shape = kinds.type_info(model)
        if not isinstance(shape, kinds.StructType):
            raise TypeError(f"{model!r} is no struct")
        for field in shape.fields:
            schema = self._schema(_without_none(field.type))
            _show_default(schema, field)
            parameter = {"name": field.encode_name, "in": "query", "required": field.required, "schema": schema}
            if description := schema.pop("description", None):
                parameter["description"] = description
            found.append(parameter)
        return found

    def _schema(self, kind: kinds.Type) -> Schema:  # noqa: PLR0911 - one line a type
        match kind:
            case kinds.Metadata(type=inner, extra_json_schema=extra):
                return {**self._schema(inner), **(extra or {})}
            case kinds.StructType() | kinds.EnumType():
                return {"$ref": f"#/components/schemas/{self._component(kind)}"}
            case kinds.UnionType(types=options):
                return self._union(options)
            case kinds.CollectionType(item_type=item, min_length=least, max_length=most):
                return _given({"type": "array", "items": self._schema(item)}, minItems=least, maxItems=most)
            case kinds.DictType(value_type=value, min_length=least, max_length=most):
                properties = {"type": "object", "additionalProperties": self._schema(value)}
                return _given(properties, minProperties=least, maxProperties=most)
            case kinds.LiteralType(values=values):
                return {"enum": list(values)}
            case kinds.CustomType(cls=cls):
                return _custom(cls)
            case _:
                return _leaf(kind)

    def _union(self, options: tuple[kinds.Type, ...]) -> Schema:
        schemas = [self._schema(option) for option in options if not isinstance(option, kinds.NoneType)]
        nullable = len(schemas) < len(options)
        if nullable and len(schemas) == 1 and "type" in schemas[0] and "enum" not in schemas[0]:
            return {**schemas[0], "type": [schemas[0]["type"], "null"]}
        if nullable:
            schemas.append({"type": "null"})
        return {"anyOf": schemas}

    def _component(self, kind: kinds.StructType | kinds.EnumType) -> str:
        name = self._names.setdefault(kind.cls, self._free_name(kind.cls))
        if name not in self.components:
            # Taken before it is filled: a shape may hold itself.
            self.components[name] = {}
            self.components[name].update(_enum(kind.cls) if isinstance(kind, kinds.EnumType) else self._struct(kind))
        return name

    def _free_name(self, cls: Any) -> str:
        """The class's name; where two rooms use one name, the second is called by its room too."""
        taken = {name for other, name in self._names.items() if other != cls}
        name = _name(cls)
        if name in taken:
            room = (get_origin(cls) or cls).__module__.removesuffix(".schemas").rpartition(".")[2]
            name = f"{room.capitalize()}{name}"
        if name in taken:
            raise ValueError(f"two shapes called {name}")
        return name

    def _struct(self, kind: kinds.StructType) -> Schema:
        properties: dict[str, Schema] = {}
        required: list[str] = []
        # What goes out has all of its fields, also those that the code may leave to their default.
        always = issubclass(get_origin(kind.cls) or kind.cls, Read)
        for field in kind.fields:
            properties[field.encode_name] = schema = self._schema(field.type)
            if field.required or (always and _has_default(field)):
                required.append(field.encode_name)
            if not always:
                _show_default(schema, field)
        schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if kind.forbid_unknown_fields:
            schema["additionalProperties"] = False
        return schema


def plain(number: Decimal) -> int | float:
    """An exact number as a JSON document's reader has it."""
    return int(number) if number == number.to_integral_value() else float(number)


def _name(cls: Any) -> str:
    own: str = (get_origin(cls) or cls).__name__
    return own + "".join(_name(arg) for arg in get_args(cls))


def _without_none(kind: kinds.Type) -> kinds.Type:
    if not isinstance(kind, kinds.UnionType):
        return kind
    options = tuple(option for option in kind.types if not isinstance(option, kinds.NoneType))
    return options[0] if len(options) == 1 else kinds.UnionType(options)


def _has_default(field: kinds.Field) -> bool:
    # A field that may be UNSET has neither: it may be left out.
    return field.default is not NODEFAULT or field.default_factory is not NODEFAULT


def _show_default(schema: Schema, field: kinds.Field) -> None:
    """Say the default, where it says more than that the field may be left out."""
    if field.default is NODEFAULT or field.default is None:
        return
    default = plain(field.default) if isinstance(field.default, Decimal) else msgspec.to_builtins(field.default)
    schema["default"] = default


def _enum(cls: type[Enum]) -> Schema:
    words = [member.value for member in cls]
    return {"type": "string", "enum": words} if all(isinstance(word, str) for word in words) else {"enum": words}


def _custom(cls: type) -> Schema:
    if issubclass(cls, Normal):
        # The format is a name of ours, but for `email`: a fuzzer that knows it can write values that are accepted.
        return {
            "type": "string",
            "format": cls.__name__.lower(),
            "description": SAYINGS.get(cls.__name__) or cls.__doc__ or "",
            "examples": [cls.example],
        }
    if issubclass(cls, Number):
        return {
            "type": "number",
            "exclusiveMinimum": plain(cls.above),
            "maximum": plain(cls.most),
            "description": f"Até {cls.places} casas decimais." if cls.places else "Sem casas decimais.",
            "examples": [cls.example],
        }
    raise TypeError(f"no schema for {cls!r}")


def _leaf(kind: kinds.Type) -> Schema:
    match kind:
        case kinds.IntType() | kinds.FloatType():
            return _given(
                {"type": "integer" if isinstance(kind, kinds.IntType) else "number"},
                minimum=kind.ge,
                exclusiveMinimum=kind.gt,
                maximum=kind.le,
                exclusiveMaximum=kind.lt,
                multipleOf=kind.multiple_of,
            )
        case kinds.StrType(min_length=shortest, max_length=longest, pattern=pattern):
            return _given({"type": "string"}, minLength=shortest, maxLength=longest, pattern=pattern)
        case _ if type(kind) in LEAVES:
            return dict(LEAVES[type(kind)])
        case _:
            raise TypeError(f"no schema for {kind!r}")


def _given(schema: Schema, **more: Any) -> Schema:
    return schema | {name: value for name, value in more.items() if value is not None}
