"""Makes the dataclasses of reports from the program's JSON."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from typing import Any, Type, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def decode(cls: Type[T], value: Any) -> T:
    """An instance of a dataclass from a JSON object. Fields that it does not know are passed over: a newer program may write them."""
    hints = get_type_hints(cls)
    return cls(**{name: _value(hint, value.get(_camel_case(name))) for name, hint in hints.items()})


def _value(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    arguments = get_args(hint)
    if get_origin(hint) is Union:
        return _value(arguments[0], value)
    if get_origin(hint) is tuple:
        each = arguments[0]
        return tuple(_value(each, item) for item in value)
    return decode(hint, value) if is_dataclass(hint) and isinstance(hint, type) else value


def _camel_case(name: str) -> str:
    """The name of a field in JSON: ``nQueryGroups`` for ``n_query_groups``, and ``from`` for ``from_``."""
    return re.sub(r"_(.)", lambda match: match[1].upper(), name.rstrip("_"))
