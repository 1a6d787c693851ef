"""Lays out what AWS's CloudFormation schemas say of types of resources: tests/data/cloudformation.json.

    facts.py WHEEL [TYPE ...]

WHEEL is a cfn-lint wheel, or the folder it was installed in (`pip download --no-deps cfn-lint==1.51.0`): it carries
the schemas that AWS publishes for each region. A TYPE is AWS::SQS::Queue; those that the file has are laid out again.
Of a schema is kept what tests/it/schemas.rs compares.
"""
import json
import os
import runpy
import sys
import tempfile
import zipfile

import layout

FILE = layout.data("cloudformation.json")
REGION = "us-east-1"
BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "insertionOrder")


class Schemas:
    """The schemas of a wheel."""

    def __init__(self, wheel):
        if os.path.isfile(wheel):
            self.unpacked = tempfile.TemporaryDirectory()
            zipfile.ZipFile(wheel).extractall(self.unpacked.name)
            wheel = self.unpacked.name
        self.folder = os.path.join(wheel, "cfnlint", "data", "schemas")
        listed = runpy.run_path(os.path.join(self.folder, "providers", REGION.replace("-", "_") + ".py"))
        self.names = listed["types"]
        versions = [name for name in os.listdir(wheel) if name.startswith("cfn_lint-") and name.endswith(".dist-info")]
        self.version = versions[0].removeprefix("cfn_lint-").removesuffix(".dist-info") if versions else "?"

    def of(self, name):
        if name not in self.names:
            sys.exit(f"{name} is no type of resource in {REGION}")
        with open(os.path.join(self.folder, "resources", self.names[name] + ".json")) as file:
            return json.load(file)


def paths(schema, name):
    """`/properties/Name/Part` as `Name/Part`."""
    return sorted(path.removeprefix("/properties/") for path in schema.get(name, ()))


def node(schema):
    """What is compared of a property."""
    found = {"ref": schema["$ref"].rpartition("/")[2]} if "$ref" in schema else {}
    found |= {name: schema[name] for name in ("type", "pattern", "enum", *BOUNDS) if name in schema}
    # Others are cfn-lint's own.
    if schema.get("format") == "json":
        found["format"] = "json"
    if isinstance(schema.get("items"), dict):
        found["items"] = node(schema["items"])
    if "required" in schema:
        found["required"] = schema["required"]
    if "properties" in schema:
        found["props"] = {name: node(inner) for name, inner in sorted(schema["properties"].items())}
    if "patternProperties" in schema:
        found["patternProps"] = {name: node(inner) for name, inner in schema["patternProperties"].items()}
    return found


def refs(schema):
    """The definitions that a part of a schema refers to, wherever it does."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for inner in schema.values():
            yield from refs(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from refs(inner)


def used(schema):
    """The definitions that the properties need."""
    definitions, found, left = schema.get("definitions", {}), {}, [*refs(schema["properties"])]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = node(definitions[name])
            left.extend(refs(definitions[name]))
    return dict(sorted(found.items()))


def facts(schema):
    return {
        "conditionalCreateOnly": paths(schema, "conditionalCreateOnlyProperties"),
        "required": sorted(schema.get("required", [])),
        "createOnly": paths(schema, "createOnlyProperties"),
        "readOnly": paths(schema, "readOnlyProperties"),
        "properties": {name: node(inner) for name, inner in sorted(schema["properties"].items())},
        "defs": used(schema),
    }


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def block(name, fact):
    """A type, with a property a line."""
    lines = [f' "{key}": {json.dumps(fact[key])}' for key in fact if key not in ("properties", "defs")]
    for key in ("properties", "defs"):
        inner = ",\n".join(f'  "{one}": {compact(value)}' for one, value in fact[key].items())
        lines.append(f' "{key}": {{\n{inner}}}' if inner else f' "{key}": {{}}')
    return f'"{name}": {{\n' + ",\n".join(lines) + "\n}"


def main():
    schemas = Schemas(sys.argv[1])
    with open(FILE) as file:
        names = sorted({*json.load(file)["types"], *sys.argv[2:]})
    origin = (f"AWS's CloudFormation resource provider schemas of {REGION}, as the cfn-lint {schemas.version} wheel "
              "carries them: what is compared, nothing else")
    layout.write(FILE, origin, "types", [block(name, facts(schemas.of(name))) for name in names])


if __name__ == "__main__":
    main()
