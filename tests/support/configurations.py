"""Records Terraform's answers to the configurations of tests/data/configurations.toml.

    configurations.py

It needs `terraform` 1.11 on the PATH, but no provider: resources are those of `terraform_data`. An answer is the
values of the outputs, or the summaries of the errors; warnings are recorded beside them.
"""
import json
import os
import subprocess
import tempfile
import tomllib

import layout

TABLE = layout.data("configurations.toml")
FILE = layout.data("terraform_configurations.json")


def conditions(name, all_of):
    return "".join(
        f'{name} {{\ncondition = {one["condition"]}\nerror_message = "{one["message"]}"\n}}\n' for one in all_of
    )


def configuration(row):
    """What a row, or a module of it, declares, in Terraform's language."""
    text = ""
    for name, one in row.get("calls", {}).items():
        folder = "./modules" if "modules" in row else ".."
        text += f'module "{name}" {{\nsource = "{folder}/{one["module"]}"\n'
        # A module takes `for_each` of sets and maps alone.
        each = {"for_each": f"toset({one['for_each']})" if one.get("for_each", "").startswith("[") else one.get("for_each")}
        inputs = {key: value for key, value in (one | each).items() if key != "module" and value is not None}
        text += "".join(f"{key} = {value}\n" for key, value in inputs.items()) + "}\n"
    for name, one in row.get("variables", {}).items():
        text += f'variable "{name}" {{\n'
        text += "".join(f"{member} = {one[member]}\n" for member in ("type", "default") if member in one)
        text += "nullable = false\n" if one.get("nullable") is False else ""
        text += conditions("validation", one.get("validation", [])) + "}\n"
    text += "locals {\n" + "".join(f"{name} = {value}\n" for name, value in row.get("locals", {}).items()) + "}\n"
    for name, one in row.get("resources", {}).items():
        text += f'resource "terraform_data" "{name}" {{\ninput = {one["INPUT"]}\n'
        text += f'for_each = {one["for_each"]}\n' if "for_each" in one else ""
        text += "lifecycle {\n" + conditions("precondition", one.get("precondition", []))
        text += conditions("postcondition", one.get("postcondition", [])) + "}\n}\n"
    for name, all_of in row.get("checks", {}).items():
        text += f'check "{name}" {{\n' + conditions("assert", all_of) + "}\n"
    for name, one in row.get("outputs", {}).items():
        one = one if isinstance(one, dict) else {"value": one}
        text += f'output "{name}" {{\nvalue = {one["value"]}\n'
        text += conditions("precondition", one.get("precondition", [])) + "}\n"
    return text.replace("RES.", "terraform_data.").replace(".INPUT", ".input")


def answer(row):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "main.tf"), "w") as file:
            file.write(configuration(row))
        for name, module in row.get("modules", {}).items():
            os.makedirs(os.path.join(folder, "modules", name))
            with open(os.path.join(folder, "modules", name, "main.tf"), "w") as file:
                file.write(configuration(module))
        given = {f"TF_VAR_{name}": value for name, value in row.get("given", {}).items()}

        def run(*arguments):
            command = ["terraform", *arguments]
            return subprocess.run(
                command, cwd=folder, env=os.environ | given, text=True, capture_output=True, check=False
            )

        begun = run("init", "-input=false", "-no-color")
        if begun.returncode:
            # Errors of this stage have no JSON form.
            lines = [line.removeprefix("Error: ") for line in begun.stderr.splitlines() if line.startswith("Error: ")]
            return {"errors": sorted(set(lines))}
        told = [json.loads(line) for line in run("apply", "-auto-approve", "-input=false", "-json").stdout.splitlines()]
        told = [one["diagnostic"] for one in told if one["type"] == "diagnostic"]
        summaries = {
            severity: sorted({one["summary"] for one in told if one["severity"] == severity})
            for severity in ("error", "warning")
        }
        warnings = {"warnings": summaries["warning"]} if summaries["warning"] else {}
        if summaries["error"]:
            return {"errors": summaries["error"]} | warnings
        outputs = json.loads(run("output", "-json").stdout)
        return {"outputs": {name: one["value"] for name, one in outputs.items()}} | warnings


def main():
    with open(TABLE, "rb") as file:
        rows = tomllib.load(file)["row"]
    version = json.loads(subprocess.run(["terraform", "version", "-json"], text=True, capture_output=True, check=True).stdout)
    origin = f"Terraform {version['terraform_version']}, by tests/support/configurations.py"
    lines = [f'{json.dumps(row["name"])}: {json.dumps(answer(row))}' for row in rows]
    layout.write(FILE, origin, "rows", lines)


main()
