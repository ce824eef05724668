#!/usr/bin/env python3
"""Writes src/qkvmigrate/reports.py and verifications.py: the dataclasses of what the program prints with --json, from its schemas.

A test runs it with --check, which writes nothing and fails where a module is not what the schema makes it.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCHEMAS = HERE / "../../schema"

MODULES = {"reports": ("report.v1", "Report"), "verifications": ("verification.v1", "Verification")}
"""Each module's schema, and the name of the class of its document."""

SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


class Module:
    """A module that is made of a schema: classes stand behind those that they use."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.classes: dict[str, str] = {}

    def text(self, source: str, document: str) -> str:
        """The source code."""
        self.add(document, self.schema)
        classes = "\n\n\n".join(self.classes.values())
        summary = self.schema["description"].split(". ")[0]
        return (
            f'"""{summary}. Made from {source} by make_types.py."""\n\n'
            "from __future__ import annotations\n\n"
            "from dataclasses import dataclass\n"
            "from typing import Literal, Optional, Tuple\n\n\n"
            f"{classes}\n"
        )

    def add(self, name: str, schema: dict[str, Any]) -> str:
        """Adds the class of an object, and returns its name."""
        if "description" not in schema:
            raise SystemExit(f"the object of {name} needs a description in the schema: it is what the class's users read")
        lines = [*docstring(schema["description"]), ""]
        for field, value in schema["properties"].items():
            kind = self.kind(field, value)
            lines.append(f"{field_name(field)}: {kind if field in schema['required'] else f'Optional[{kind}]'}")
            # What an object is, its class says.
            if "description" in value and kind not in self.classes:
                lines += docstring(value["description"])
        body = "\n".join(f"    {line}" if line else "" for line in lines)
        made = f"@dataclass(frozen=True)\nclass {name}:\n{body}"
        if self.classes.setdefault(name, made) != made:
            raise SystemExit(f"two different classes would have the name {name}")
        return name

    def kind(self, name: str, schema: dict[str, Any]) -> str:
        """The type of a value that stands under a name."""
        if "allOf" in schema:
            return self.kind(name, schema["allOf"][0])
        if "$ref" in schema:
            target = schema["$ref"].rsplit("/", 1)[1]
            return self.kind(target, self.schema["definitions"][target])
        if "enum" in schema and schema["type"] == "string":
            return f"Literal[{', '.join(json.dumps(word) for word in schema['enum'])}]"
        if schema["type"] == "array":
            item = self.kind(name[:-1] if name.endswith("s") else name, schema["items"])
            return f"Tuple[{item}, {item}]" if schema.get("maxItems") == 2 else f"Tuple[{item}, ...]"
        if schema["type"] == "object":
            return self.add(name[:1].upper() + name[1:], schema)
        return SIMPLE[schema["type"]]


def docstring(text: str) -> list[str]:
    """The lines of a docstring."""
    return textwrap.wrap(f'"""{text}"""', 120, break_long_words=False)


def field_name(name: str) -> str:
    """The name of a field in Python: ``n_query_groups`` for ``nQueryGroups``, and ``from_`` for ``from``."""
    snake_case = re.sub(r"([A-Z])", r"_\1", name).lower()
    return f"{snake_case}_" if snake_case == "from" else snake_case


def main() -> None:
    """Writes the modules, or with --check compares them."""
    differing = []
    for name, (schema, document) in MODULES.items():
        source = f"{schema}.schema.json"
        text = Module(json.loads((SCHEMAS / source).read_text("utf-8"))).text(f"schema/{source}", document)
        path = HERE / "src" / "qkvmigrate" / f"{name}.py"
        if path.exists() and path.read_text("utf-8") == text:
            continue
        differing.append(path.name)
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
    if "--check" in sys.argv and differing:
        raise SystemExit(f"{', '.join(differing)} differ from the schemas: run packaging/python/make_types.py")


if __name__ == "__main__":
    main()
