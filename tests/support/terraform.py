"""Lays out what can be written of resources in Terraform: tests/data/terraform_arguments.json.

    terraform.py SCHEMA [KIND=RESOURCE ...]

SCHEMA is what `terraform providers schema -json` prints in a folder that requires hashicorp/aws 5.100.0. `KIND=RESOURCE`
is `sqs_queue=aws_sqs_queue`; the kinds that the file has are laid out again.
"""
import json
import sys

import layout

FILE = layout.data("terraform_arguments.json")


def arguments(block, path=""):
    """The dotted paths of a block's arguments, and of the blocks in it."""
    for name, attribute in sorted(block.get("attributes", {}).items()):
        if attribute.get("required") or attribute.get("optional"):
            yield path + name
    for name, inner in sorted(block.get("block_types", {}).items()):
        yield path + name
        yield from arguments(inner["block"], f"{path}{name}.")


def main():
    with open(sys.argv[1]) as file:
        provider, = json.load(file)["provider_schemas"].values()
    with open(FILE) as file:
        facts = json.load(file)
    resources = {kind: one["resource"] for kind, one in facts["kinds"].items()}
    resources |= dict(pair.split("=") for pair in sys.argv[2:])
    blocks = []
    for kind, resource in sorted(resources.items()):
        listed = arguments(provider["resource_schemas"][resource]["block"])
        lines = ",\n".join(json.dumps(one) for one in listed)
        blocks.append(f'"{kind}": {{\n"resource": "{resource}",\n"arguments": [\n{lines}\n]\n}}')
    layout.write(FILE, facts["origin"], "kinds", blocks)


if __name__ == "__main__":
    main()
