"""Begins a new kind: what AWS's schema and botocore's model say is written, the rest is left to its author.

    new_kind.py WHEEL AWS::SQS::Queue [SCHEMA aws_sqs_queue]

WHEEL is a cfn-lint wheel as facts.py takes it, SCHEMA the schema of Terraform's provider as terraform.py takes it. Run
it with the Python of the emulator, which has botocore's data. It writes the spec (types, bounds, enums, what is
required, what replaces), example, life, mistakes and facts, and registers the kind and, where it is the first of its
service, the service. Every place that waits for the author says TODO or `todo!`, which `tests/it/tidy.rs` lets nobody
leave.
"""
import os
import re
import subprocess
import sys

import facts
import models
from layout import ROOT

# The SDK's crate of a service, if it is not CloudFormation's name in lower case.
CRATES = {
    "CertificateManager": "acm", "Events": "eventbridge", "KinesisFirehose": "firehose", "Logs": "cloudwatchlogs",
    "OpenSearchService": "opensearch", "StepFunctions": "sfn",
}
# The prefix of a service's actions in IAM, if it is not that of its endpoint.
ACTIONS = {"monitoring": "cloudwatch"}
# What the name of an error says, as tests/it/errors.rs reads it.
CLASSES = {
    "gone": "NotFound|NoSuch|NotExist|NonExistent",
    "exists": "AlreadyExists|AlreadyOwned|ResourceExists|NameExists",
    "conflict": "Conflict|Concurrent|(?<!Not)InUse|InvalidState|DeletedRecently",
}


def snake(name):
    """As tests/it/schemas.rs writes it: `KmsMasterKeyId` is kms_master_key_id, `DBName` is db_name."""
    out = ""
    for at, letter in enumerate(name):
        after_small = at > 0 and not name[at - 1].isupper()
        before_small = at > 0 and name[at + 1:at + 2].islower()
        if letter.isupper() and (after_small or before_small):
            out += "_"
        out += letter.lower()
    return out


def pascal(name):
    return "".join(part.capitalize() for part in name.split("_"))


def edit(path, change):
    with open(os.path.join(ROOT, path)) as file:
        before = file.read()
    after = change(before)
    if after == before:
        sys.exit(f"{path} is not as expected: nothing was added")
    with open(os.path.join(ROOT, path), "w") as file:
        file.write(after)


def create(path, text):
    path = os.path.join(ROOT, path)
    if os.path.exists(path):
        sys.exit(f"{path} is there already")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


class Spec:
    """The Rust structs of a schema."""

    def __init__(self, schema, thing):
        # `paths` are those of the attributes, with AWS's beside them.
        self.schema, self.structs, self.made, self.kinds, self.paths = schema, [], set(), set(), {}
        self.tables = []
        hidden = {"Tags", *(path.split("/")[0] for path in facts.paths(schema, "readOnlyProperties"))}
        written = {name: inner for name, inner in schema["properties"].items() if name not in hidden}
        # CloudFormation makes up a name where none is given; dwctl never does.
        self.name = next((name for name in ("Name", f"{thing}Name") if name in written), None)
        required = [*schema.get("required", []), *([self.name] if self.name else [])]
        self.fields = self.object("Spec", written, required, "")

    def resolve(self, node):
        if "$ref" not in node:
            return node, None
        name = node["$ref"].rpartition("/")[2]
        return self.schema["definitions"][name], name

    def object(self, struct, properties, required, path):
        """Adds a struct, and returns its fields: name, type, whether it must be there."""
        # A definition that is used twice is one struct.
        place = None if struct in self.made else len(self.structs)
        if place is not None:
            self.made.add(struct)
            self.structs.append(None)
        lines, fields = [], []
        first = {self.name: 0} | {name: 1 for name in required if name != self.name}
        for name, node in sorted(properties.items(), key=lambda one: (first.get(one[0], 2), one[0])):
            field, must = snake(name), name in required
            self.paths[f"{path}{field}"] = (self.paths[path[:-1]] + "." if path else "") + name
            kind = self.type(node, pascal(field), f"{path}{field}.")
            rust = "r#type" if field == "type" else field
            lines.append(f"    /// TODO: what `{name}` is{'' if must else ', and what its absence means'}.")
            if not must:
                if "Vec<" in kind or "BTreeMap<" in kind or kind == "bool":
                    lines.append("    #[serde(default)]")
                else:
                    kind = f"Option<{kind}>"
            marks = self.marks(node, name if not path else None)
            if marks:
                lines.append(f"    #[schemars({', '.join(marks)})]")
            lines.append(f"    pub {rust}: {kind},")
            fields.append((field, kind, must))
        if place is None:
            return fields
        derive = "Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema"
        if struct != "Spec":
            names = ", ".join("r#type" if field == "type" else field for field, _, _ in fields)
            self.tables.append(f"    {struct} = types::{struct} {{ {names} }}\n")
        self.structs[place] = (f"/// TODO: what it is.\n#[derive({derive})]\n"
                               f"pub struct {struct} {{\n" + "\n".join(lines) + "\n}\n")
        return fields

    def type(self, node, struct, path):
        node, name = self.resolve(node)
        kinds = node["type"] if isinstance(node.get("type"), list) else [node.get("type")]
        if "properties" in node and path.count(".") < 8:
            self.object(pascal(snake(name)) if name else struct, node["properties"], node.get("required", []), path)
            return pascal(snake(name)) if name else struct
        if "object" in kinds:
            if "patternProperties" in node:
                self.kinds.add("BTreeMap")
                return "BTreeMap<String, String>"
            is_policy = struct in ("Policy", "ResourcePolicy", "KeyPolicy") or struct.endswith("PolicyDocument")
            document = "PolicyDocument" if is_policy else "Json"
            self.kinds.add(document)
            return document
        if "array" in kinds:
            return f"Vec<{self.type(node.get('items', {}), struct, path)}>"
        if "boolean" in kinds:
            return "bool"
        if "integer" in kinds:
            return "i32" if node.get("maximum", 0) < 1 << 31 else "i64"
        return "f64" if "number" in kinds else "String"

    def marks(self, node, top):
        """What schemars is told of a field; `top` is its name at the top."""
        node, _ = self.resolve(node)
        own, extended, marks = [], [], []
        if top in {path.split("/")[0] for path in facts.paths(self.schema, "createOnlyProperties")}:
            marks.append("REPLACE")
            self.kinds.add("REPLACE")
        if node.get("enum") and node.get("type") == "string":
            listed = ", ".join(f'"{one}"' for one in node["enum"])
            extended.append(f'"enum" = [{listed}]')
        if node.get("type") == "array" and node.get("insertionOrder") is False:
            item, _ = self.resolve(node.get("items", {}))
            if node.get("uniqueItems") or item.get("type") == "string":
                marks.append("SET")
        if marks:
            extended.append(f'"x-dwctl" = [{", ".join(marks)}]')
        if extended:
            own.append(f"extend({', '.join(extended)})")
        for what, least, most in (("length", "minLength", "maxLength"), ("length", "minItems", "maxItems"),
                                  ("range", "minimum", "maximum")):
            bounds = [f"{word} = {node[key]:_}" for word, key in (("min", least), ("max", most)) if node.get(key)]
            bounds = ["min = 0", *bounds] if what == "range" and node.get(least) == 0 else bounds
            if bounds:
                own.append(f"{what}({', '.join(bounds)})")
        if "pattern" in node and node.get("type") == "string":
            own.append(f'regex(pattern = r#"{node["pattern"]}"#)')
        return own


def operations(model, thing):
    """The operations of the model that are about the thing, by what they do."""
    names = [name for name in model.operation_names if name.replace("Attributes", "").endswith((thing, thing + "s"))]
    verbs = {"read": ("Get", "Describe", "List", "BatchGet"), "create": ("Create", "Put"),
             "update": ("Update", "Modify", "Set", "Put"), "delete": ("Delete",)}
    found = {what: [name for name in names if name.startswith(verb)] for what, verb in verbs.items()}
    tags = {"TagResource", "UntagResource", "TagQueue", "UntagQueue", "ListTagsForResource", "ListQueueTags",
            "AddTags", "RemoveTags", "ListTags", "AddTagsToResource", "RemoveTagsFromResource"}
    found["update"] += [name for name in model.operation_names if name in tags and not name.startswith("List")]
    found["read"] += [name for name in model.operation_names if name in tags and name.startswith("List")]
    return found


def codes(model, names, thing):
    """The codes of the errors of these operations, by what their names say."""
    named = model.metadata["protocol"] in ("query", "ec2", "rest-xml")
    found = {}
    for name in names:
        for shape in model.operation_model(name).error_shapes:
            code = shape.metadata.get("error", {}).get("code", shape.name) if named else shape.name
            for what, words in CLASSES.items():
                # What else is named and not there, such as a key, is decided in the kind's file.
                is_own = what == "conflict" or re.match("Resource|Entity|NotFound|NoSuch", code) or thing in code
                if is_own and re.search(words, code):
                    found.setdefault(what, set()).add(code)
                    break
    return found


def main():
    wheel, cfn = sys.argv[1:3]
    terraform = sys.argv[3:5]
    schema = facts.Schemas(wheel).of(cfn)
    _, service, thing = cfn.split("::")
    crate = CRATES.get(service, service.lower())
    if crate not in models.crates():
        sys.exit(f"there is no crate aws-sdk-{crate}: add the one of {service} to CRATES in tests/support/new_kind.py")
    module = snake(thing)
    kind, struct = f"{crate}_{module}", pascal(f"{crate}_{module}")
    model = models.of(crate)
    iam = ACTIONS.get(model.metadata["endpointPrefix"], model.metadata["endpointPrefix"])
    spec, does = Spec(schema, thing), operations(model, thing)
    lists = {what: ", ".join(f'"{iam}:{name}"' for name in dict.fromkeys(names)) for what, names in does.items()}
    name = spec.name and snake(spec.name)
    attrs = [path for path in facts.paths(schema, "readOnlyProperties") if "/" not in path]
    taggable = schema.get("tagging", {}).get("taggable", "Tags" in schema["properties"])
    maps = "use std::collections::BTreeMap;\n\n" if "BTreeMap" in spec.kinds else ""
    inside = "".join(f"    /// TODO: what `{one}` is.\n    pub {snake(one)}: String,\n" for one in attrs)
    calls = {name.removesuffix("Resource").removesuffix(thing): name for name in does["read"] + does["update"]}
    tags, tagging = "", ""
    if taggable and {"Tag", "Untag"} <= set(calls):
        # TODO: the members of the calls, as kind/sdk.rs shows; `tag_type!` where the service has its own type of tags.
        tagging = (f"tagging!({crate}(resource_arn): {snake(calls['Tag'])}.set_tags, "
                   f"{snake(calls['Untag'])}.set_tag_keys);\n\n")
    if taggable:
        how = "tag(cx, id, set, remove).await"
        if not tagging:
            how = 'todo!("set the tags {set:?} of {id} and remove {remove:?}, by {:?}", cx.scope)'
        tags = f"""
    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {{
        {how}
    }}
"""
    constants = "" if taggable else "    const TAGGABLE: bool = false;\n"
    constants += f'    const ID: Option<&\'static str> = Some("{name}");\n' if name else ""
    if "Arn" in attrs and name:
        constants += f"""    // TODO: its form.
    const PREDICTED: &'static [(&'static str, &'static str)] =
        &[("arn", "arn:{{partition}}:{iam}:{{region}}:{{account_id}}:{module}/{{{name}}}")];
"""
    tables = f"table! {{\n{''.join(spec.tables)}}}\n\n" if spec.tables else ""
    types = f"use aws_sdk_{crate}::types;\n\n" if spec.tables else ""
    create(f"src/kinds/{crate}/{module}.rs", f'''//! `{kind}`.

{maps}{types}use crate::kind::prelude::*;

{chr(10).join(spec.structs)}
/// TODO: the attributes that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {{
{inside}}}

{tables}{tagging}/// The kind `{kind}`.
pub struct {struct};

impl Kind for {struct} {{
    const CFN: Option<&'static str> = Some("{cfn}");
    const TERRAFORM: Terraform = Terraform::of("{terraform[1] if terraform else f"aws_{kind}"}", &[]);
    const ACTIONS: Actions = Actions {{
        read: &[{lists["read"]}],
        create: &[{lists["create"]}],
        update: &[{lists["update"]}],
        delete: &[{lists["delete"]}],
    }};
{constants}
    type Spec = Spec;
    type Attrs = Attrs;

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {{
        each(lookups, 10, |lookup| read(cx, lookup)).await
    }}

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {{
        todo!("make {{:?}} with the tags {{:?}}, by {{:?}}", want, new.tags, cx.scope)
    }}

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {{
        todo!("make {{id}} from {{live:?}} to {{want:?}}, by {{:?}}", cx.scope)
    }}

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {{
        todo!("delete {{id}}; gone already is success, by {{:?}}", cx.scope)
    }}
{tags}}}

async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<{struct}>>> {{
    todo!("read {{}}, by {{:?}}", lookup.id, cx.scope)
}}
''')
    table = "".join(f"# TODO: {field} = ...\n" for field, _, must in spec.fields if must)
    stack = "example-" + kind.replace("_", "-")
    create(f"examples/kinds/{kind}.toml", f"""# TODO: a complete stack.
[stack]
name   = "{stack}"
region = "us-east-1"

[{kind}.example]
{table}""")
    replaced = {snake(path.split("/")[0]) for path in facts.paths(schema, "createOnlyProperties")}
    steps = ["[[life.change]]\n"]
    steps += [f"# TODO: set.{field} = ...\n" for field, _, _ in spec.fields if field not in replaced]
    steps += [f"\n[[life.replace]]\n# TODO: set.{field} = ...\n" for field, _, _ in spec.fields if field in replaced]
    harmless = "".join(f'    "{path}",\n' for path in sorted(spec.paths))
    named = "".join(f'"{theirs}" = "{ours}"\n' for ours, theirs in sorted(spec.paths.items(), key=lambda one: one[1]))
    tagged = '"Tags" = "tags"\n' if taggable else ""
    create(f"tests/kinds/{kind}.toml", f"""# What the tests know of `{kind}`. tests/it/kind_file.rs explains the sections.

{"".join(steps)}
[[mistakes]]
base = '''
[{kind}.a]
{table}'''
rows = [
  # TODO: {{ wrong = '...', right = '...', says = '...' }},
]

# TODO: those with a risk get a mark instead.
[risks]
harmless = [
{harmless}]

# TODO: what Terraform calls otherwise, as the test says.
[terraform]

[cloudformation]
{named}{tagged}
# TODO: remove this if AWS's answers to its reads are recorded (tests/support/recorded.py).
[recorded]
none = true
""")

    title = model.metadata["serviceFullName"]

    def listed(text):
        found = re.search(r"(        \$made! \{\n)(.*?)(        \}\n)", text, re.S)
        lines = sorted([*found[2].splitlines(), f"            {kind}: {crate}::{module}::{struct},"])
        text = text[:found.start(2)] + "\n".join(lines) + "\n" + text[found.end(2):]
        own = re.search(rf"(?m)^pub mod {crate} \{{\n", text)
        if own:
            return text[:own.end()] + f"    pub mod {module};\n" + text[own.end():]
        services = list(re.finditer(r"(?m)^/// .*\npub mod (\w+) \{\n", text))
        after = [one.start() for one in services if one[1] > crate]
        head = after[0] if after else text.index("/// Calls a macro with the name and the type of every kind")
        return text[:head] + f"/// {title}.\npub mod {crate} {{\n    pub mod {module};\n}}\n\n" + text[head:]

    edit("src/kinds/mod.rs", listed)
    with open(os.path.join(ROOT, "src/aws/clients.rs")) as file:
        is_new = f"    {crate}: aws_sdk_{crate}" not in file.read()
    if is_new:
        found = codes(model, sum(does.values(), []), thing)
        quoted = {what: ", ".join(f'"{one}"' for one in sorted(found[what])) for what in CLASSES if what in found}
        inside = "".join(f"        {what}: [{of}],\n" for what, of in quoted.items())
        entry = f"    /// {title}.\n    {crate}: aws_sdk_{crate} => {{\n{inside}    }};\n"

        def with_client(text):
            services = re.finditer(r"(?m)^(?:    ///.*\n)+    (\w+): aws_sdk_", text)
            last = re.search(r"(?ms)^clients! \{\n.*?^(?=\}\n)", text).end()
            at = next((one.start() for one in services if one[1] > crate), last)
            return text[:at] + entry + text[at:]

        edit("src/aws/clients.rs", with_client)
    support = os.path.join(ROOT, "tests", "support")
    subprocess.run([sys.executable, os.path.join(support, "facts.py"), wheel, cfn], check=True)
    if terraform:
        pair = f"{kind}={terraform[1]}"
        subprocess.run([sys.executable, os.path.join(support, "terraform.py"), terraform[0], pair], check=True)
    print(f"""{kind} is begun. Yours is every TODO and `todo!` in src/kinds/{crate}/{module}.rs,
examples/kinds/{kind}.toml and tests/kinds/{kind}.toml. Then: cargo fmt, cargo test {kind}.""")
    if is_new:
        print(f"Its crate: cargo add aws-sdk-{crate} --no-default-features -F rt-tokio")


if __name__ == "__main__":
    main()
