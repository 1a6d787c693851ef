//! Modules: folders that a stack calls, with inputs and outputs.

use std::path::Path;

use dwctl::eval::{EvalContext, Facts};
use dwctl::kind::Owner;
use dwctl::stack;
use dwctl::value::Value;

use crate::harness::Project;
use crate::paper::{dwctl, folder, headed, load, problems_of};

/// A stack and its modules, each a folder with one file.
fn stack(text: &str, modules: &[(&str, &str)]) -> tempfile::TempDir {
    let headed = headed(text);
    let mut files: Vec<(String, &str)> = vec![("stack.toml".to_owned(), &headed)];
    files.extend(modules.iter().map(|(name, text)| (format!("modules/{name}/main.toml"), *text)));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    folder(&files)
}

/// The errors of `validate`, without the path of the folder.
fn problems(folder: &Path) -> String {
    problems_of(folder).replace(&format!("{}/", folder.display()), "")
}

fn refused(text: &str, modules: &[(&str, &str)], words: &[&str]) {
    let folder = stack(text, modules);
    let said = problems(folder.path());
    for word in words {
        assert!(said.contains(word), "nothing of `{word}`:\n{said}");
    }
}

/// The outputs of a stack without AWS, and the addresses of its resources with what each needs.
fn evaluated(folder: &Path) -> (Value, Vec<(String, Vec<String>)>) {
    let stack = load(folder).unwrap_or_else(|(problems, sources)| {
        panic!("{}", dwctl::diag::render_all(&problems, &sources, false))
    });
    let mut problems = Vec::new();
    let variables = stack::variables(&stack, &[], &mut problems);
    let eval = EvalContext::new(&stack, Facts::offline(&stack), variables);
    let eval = eval
        .unwrap_or_else(|problems| panic!("{}", dwctl::diag::render_all(&problems, &stack.sources, false)));
    let instances = eval.evaluate_all(&mut problems);
    let outputs = Value::Map(eval.outputs(&mut problems));
    assert!(problems.is_empty(), "{}", dwctl::diag::render_all(&problems, &stack.sources, false));
    let needs = instances
        .iter()
        .map(|one| (one.address.to_string(), one.needs.iter().map(ToString::to_string).collect()));
    (outputs, needs.collect())
}

/// A queue for a name, and what is known of it.
const QUEUE: &str = r#"
[variable.name]
type = "string"
[variable.days]
type = "number"
default = 4
[sqs_queue.data]
queue_name = "${var.name}"
message_retention_period = "${var.days * 86400}"
[output]
arn = "${sqs_queue.data.arn}"
name = "${sqs_queue.data.queue_name}"
days = "${var.days}"
"#;

#[test]
fn outputs_have_the_values_of_their_instances() {
    let text = r#"
        [local]
        names = { a = "x", "b.c" = "y" }
        [module.each]
        source = "./modules/queue"
        for_each = "${local.names}"
        name = '${each.key == "a" ? "first" : each.value}'
        [module.one]
        source = "./modules/queue"
        name = '${module.each["b.c"].name}-next'
        days = "7"
        [module.off]
        source = "./modules/queue"
        when = false
        name = "off"
        [output]
        names = "${[for one in values(module.each) : one.name]}"
        keys = "${keys(module.each)}"
        splat = "${values(module.each)[*].days}"
        one = "${module.one}"
        dotted = "${module.each.a.name}"
        off = "${try(module.off.name, null)}"
    "#;
    let folder = stack(text, &[("queue", QUEUE)]);
    let (outputs, needs) = evaluated(folder.path());
    let arn = "arn:aws:sqs:us-east-1:000000000000:y-next";
    let one = Value::map([("arn", Value::from(arn)), ("days", 7.into()), ("name", "y-next".into())]);
    let expected = Value::map([
        ("names", Value::list(["first", "y"])),
        ("keys", Value::list(["a", "b.c"])),
        ("splat", Value::list([4, 4])),
        ("one", one),
        ("dotted", "first".into()),
        ("off", Value::Null),
    ]);
    assert_eq!(outputs, expected);
    // An instance needs only the one whose output it uses.
    assert_eq!(
        needs,
        [
            ("module.each[\"a\"].sqs_queue.data".to_owned(), vec![]),
            ("module.each[\"b.c\"].sqs_queue.data".to_owned(), vec![]),
            ("module.one.sqs_queue.data".to_owned(), vec!["module.each[\"b.c\"].sqs_queue.data".to_owned()]),
        ]
    );
}

#[test]
fn a_resource_waits_only_for_what_reaches_it() {
    let pair = r#"
        [variable.topic]
        [variable.name]
        [sqs_queue.apart]
        queue_name = "${var.name}-apart"
        [sqs_queue.fed]
        queue_name = "${var.name}-fed"
        tags = { topic = "${var.topic}" }
        [module.inner]
        source = "../inner"
        for_each = ["x", "y"]
        name = "${var.name}-${each.key}"
        queue = "${sqs_queue.apart.arn}"
        [sns_topic.after]
        name = "${var.name}-after"
        display_name = '${module.inner["y"].name}'
        [output]
        apart = "${sqs_queue.apart.arn}"
    "#;
    let inner = r#"
        [variable.name]
        [variable.queue]
        [sns_topic.it]
        name = "${var.name}"
        display_name = "${var.queue}"
        [output]
        name = "${sns_topic.it.arn}"
    "#;
    let text = r#"
        [sns_topic.alerts]
        for_each = ["a", "b"]
        name = "alerts-${each.key}"
        [module.pair]
        source = "./modules/pair"
        for_each = ["a", "b"]
        name = "${each.key}"
        topic = "${sns_topic.alerts[each.key].arn}"
        [sqs_queue.last]
        for_each = ["a", "b"]
        queue_name = "last-${each.key}"
        tags = { from = "${module.pair[each.key].apart}" }
        [sqs_queue.whole]
        queue_name = "whole"
        depends_on = ['module.pair["b"].module.inner']
    "#;
    let folder = stack(text, &[("pair", pair), ("inner", inner)]);
    let (_, needs) = evaluated(folder.path());
    let of = |address: &str| {
        let found = needs.iter().find(|(one, _)| one == address);
        found.unwrap_or_else(|| panic!("no {address} in {needs:#?}")).1.clone()
    };
    let none: [&str; 0] = [];
    assert_eq!(of("module.pair[\"a\"].sqs_queue.apart"), none);
    assert_eq!(of("module.pair[\"a\"].sqs_queue.fed"), ["sns_topic.alerts[\"a\"]"]);
    assert_eq!(
        of("module.pair[\"b\"].module.inner[\"x\"].sns_topic.it"),
        ["module.pair[\"b\"].sqs_queue.apart"]
    );
    assert_eq!(
        of("module.pair[\"b\"].sns_topic.after"),
        ["module.pair[\"b\"].module.inner[\"y\"].sns_topic.it"]
    );
    assert_eq!(of("sqs_queue.last[\"b\"]"), ["module.pair[\"b\"].sqs_queue.apart"]);
    let inner = ["x", "y"].map(|key| format!("module.pair[\"b\"].module.inner[\"{key}\"].sns_topic.it"));
    assert_eq!(of("sqs_queue.whole"), inner);
}

#[test]
fn a_module_sees_nothing_of_its_caller() {
    let caller = "[variable.secret]\ndefault = 1\n[local]\nl = 1\n[sqs_queue.q]\nqueue_name = \"q\"\n\
                  [module.m]\nsource = \"./modules/m\"\n";
    for (expression, words) in [
        ("var.secret", "the module has no variable `secret`"),
        ("local.l", "the module has no local `l`"),
        ("sqs_queue.q.arn", "the module has no resource `sqs_queue.q`"),
        ("module.m.x", "the module has no module `m`"),
        ("each.key", "there is no `for_each` here"),
    ] {
        let module = format!("[output]\nx = '${{{expression}}}'\n");
        refused(caller, &[("m", &module)], &[words, "modules/m/main.toml:2:8"]);
    }
    // Facts of the run are the same everywhere.
    let module = "[output]\nx = '${env}-${stack.name}-${aws.region}-${path.module}'\n";
    let folder = stack(&format!("{caller}[output]\nx = \"${{module.m.x}}\"\n"), &[("m", module)]);
    assert_eq!(evaluated(folder.path()).0.get("x"), Some(&"default-shop-us-east-1-.".into()));
}

#[test]
fn a_wrong_call_is_located_at_the_caller() {
    let call = |more: &str| format!("[module.m]\nsource = \"./modules/queue\"\n{more}");
    for (more, words) in [
        ("", &["the module `m` needs `name`", "stack.toml:5:9", "modules/queue/main.toml:2:11"][..]),
        (
            "name = \"a\"\ndasy = 3",
            &["the module `m` has no variable `dasy`", "stack.toml:8:1", "did you mean `days`?"],
        ),
        ("nmae = \"a\"", &["has no variable `nmae`", "did you mean `name`?"]),
        (
            "name = [\"a\"]",
            &["var.name of the module `m`: a string is required", "stack.toml:7:8", "declared as string"],
        ),
        (
            "name = \"a\"\ndays = \"x\"",
            &["var.days of the module `m`: a number is required", "stack.toml:8:8"],
        ),
        ("name = \"a\"\ncount = 2", &["`count` of a module is not supported", "use for_each"]),
        ("name = \"a\"\nversion = \"1\"", &["`version` of a module is not supported"]),
        ("name = \"a\"\nfor_each = 3", &["`for_each` must be a list of strings or a map", "stack.toml:8:12"]),
        ("name = \"a\"\nwhen = 3", &["`when` must be a bool"]),
        ("name = \"a\"\nwhen = \"${module.m.days > 1}\"", &["values need each other: module.m"]),
        ("name = \"a\"\ndays = \"${module.m.days}\"", &["values need each other: module.m."]),
        ("name = \"${module.m.name}\"", &["resources need each other: module.m.sqs_queue.data"]),
        ("name = \"a\"\ndepends_on = [\"module.n\"]", &["the stack has no module `n`"]),
        (
            "name = \"a\"\ndepends_on = [\"module.m\"]",
            &["resources need each other: module.m.sqs_queue.data"],
        ),
        (
            "name = \"a\"\n[output]\nx = \"${module.m.nmae}\"",
            &["the module `m` has no output `nmae`", "did you mean `name`?"],
        ),
        ("name = \"a\"\n[output]\nx = \"${module.n.name}\"", &["the stack has no module `n`"]),
        ("name = \"a\"\n[output]\nx = \"${module}\"", &["`module` is not a value by itself"]),
        (
            "name = \"a\"\nwhen = false\n[output]\nx = \"${module.m.name}\"",
            &["there is no `module.m`: its `when` is false"],
        ),
        (
            "name = \"a\"\nfor_each = [\"k\"]\n[output]\nx = \"${module.m.name}\"",
            &["`module.m` has a `for_each`", "write module.m[\"k\"].name"],
        ),
        (
            "name = \"a\"\nfor_each = [\"key\"]\n[output]\nx = '${module.m[\"kay\"].name}'",
            &["`module.m` has no instance \"kay\"", "did you mean \"key\"?"],
        ),
        (
            "name = \"a\"\nfor_each = \"${[ec2_vpc.v.vpc_id]}\"\n[ec2_vpc.v]\ncidr_block = \"10.0.0.0/16\"",
            &[
                "`for_each` must be known before anything is created",
                "stack.toml:8:12",
                "depends on ec2_vpc.v.vpc_id",
            ],
        ),
        (
            "name = \"${sqs_queue.q.arnn}\"\n[sqs_queue.q]\nqueue_name = \"q\"",
            &["sqs_queue has no attribute `arnn`", "stack.toml:7:11"],
        ),
    ] {
        refused(&call(more), &[("queue", QUEUE)], words);
    }
}

#[test]
fn an_error_in_a_module_tells_the_way_to_it() {
    let outer = "[module.inner]\nsource = \"../inner\"\nfor_each = [\"x\"]\n";
    let inner = "[sqs_queue.q]\nqueue_name = \"a b\"\n";
    let text = "[module.outer]\nsource = \"./modules/outer\"\nfor_each = [\"raw\", \"b\"]\n";
    refused(
        text,
        &[("outer", outer), ("inner", inner)],
        &[
            "modules/inner/main.toml:2:14",
            "in module.outer[\"b\"].module.inner[\"x\"], called at modules/outer/main.toml:1:9",
            "in module.outer[\"b\"], called at stack.toml:5:9",
            "and in 1 other module instance",
        ],
    );
    // A validation of a variable is in the module; its value comes from the caller.
    let checked =
        "[variable.n]\nvalidation = { condition = \"${var.n < 5}\", message = \"too many: ${var.n}\" }\n";
    let text = "[module.m]\nsource = \"./modules/m\"\nn = 7\n";
    refused(
        text,
        &[("m", checked)],
        &["variable `n`: too many: 7", "its value is 7", "in module.m, called at stack.toml:5:9"],
    );
}

#[test]
fn what_belongs_to_a_stack_is_refused_in_a_module() {
    let call = "[module.m]\nsource = \"./modules/m\"\n";
    for (table, words) in [
        ("[stack]\nname = \"x\"", "`stack` does not belong in a module"),
        ("[ledger]\nbucket = \"xyz\"", "`ledger` does not belong in a module"),
        ("[[import]]\nto = \"sqs_queue.q\"\nid = \"q\"", "`import` does not belong in a module"),
        ("[variable.for_each]\ndefault = 1", "a module cannot have a variable `for_each`"),
        ("[s3_buckt.x]\nname = \"x\"", "there is no kind `s3_buckt`"),
    ] {
        refused(call, &[("m", table)], &[words, "modules/m/main.toml:1"]);
    }
}

#[test]
fn a_source_is_a_folder_of_the_repository() {
    let queue = QUEUE;
    let with = |source: &str| {
        let text = headed(&format!("[module.m]\nsource = \"{source}\"\nname = \"a\"\n"));
        let place = folder(&[
            ("repository/.git/HEAD", ""),
            ("repository/stacks/shop/stack.toml", &text),
            ("repository/stacks/shop/modules/in/main.toml", queue),
            ("repository/stacks/shop/empty/a.txt", ""),
            ("repository/modules/queue/main.toml", queue),
            ("repository/top.toml", ""),
            ("outside/main.toml", queue),
        ]);
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../../outside", place.path().join("repository/stacks/shop/out"))
            .expect("a link");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../modules", place.path().join("repository/stacks/shop/link"))
            .expect("a link");
        problems(&place.path().join("repository/stacks/shop"))
    };
    for source in ["./modules/in", "../../modules/queue", "./modules/../modules/in/", "./link/queue"] {
        assert_eq!(with(source), "", "{source}");
    }
    for (source, words) in [
        ("../../../outside", "leads out of the git repository"),
        ("../../../nowhere", "leads out of the git repository"),
        ("./out", "leads out of the git repository"),
        ("../..", "contains the stack itself"),
        (".", "contains the stack itself"),
        ("../../.git", "belongs to git or dwctl"),
        ("./nowhere", "does not exist"),
        ("./stack.toml", "is not a folder"),
        ("./empty", "there is no module in"),
        ("/etc", "is not a path from the folder of this file"),
        ("modules/in", "does not begin with ./ or ../"),
        ("git::https://example.com/m.git//lake?ref=v1", "to fetch the module and pin it to a commit"),
        ("https://example.com/m.zip", "does not begin with git::"),
        ("", "`source`"),
    ] {
        let said = with(source);
        assert!(source.is_empty() || said.contains(words), "{source}: {said}");
    }
    // Without a repository, nothing limits what is read but the stack's folder.
    let text = headed("[module.m]\nsource = \"../modules/queue\"\nname = \"a\"\n");
    let place = folder(&[("shop/stack.toml", &text), ("modules/queue/main.toml", queue)]);
    let said = problems(&place.path().join("shop"));
    assert!(said.contains("leads out of the stack's folder, which is in no git repository"), "{said}");
}

#[test]
fn files_of_a_module_are_relative_to_it_and_inside_it() {
    let text = "[module.m]\nsource = \"./modules/m\"\n[output]\nx = \"${module.m.x}\"\n";
    let with = |expression: &str| {
        let place = stack(text, &[("m", &format!("[output]\nx = '${{{expression}}}'\n"))]);
        std::fs::write(place.path().join("modules/m/a.txt"), "in ${what}").expect("written");
        std::fs::write(place.path().join("secret.txt"), "hunter2").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../secret.txt", place.path().join("modules/m/link")).expect("a link");
        place
    };
    for (expression, expected) in [
        ("file(\"a.txt\")", "in ${what}"),
        ("file(\"${path.module}/a.txt\")", "in ${what}"),
        ("templatefile(\"a.txt\", { what = \"it\" })", "in it"),
    ] {
        assert_eq!(evaluated(with(expression).path()).0.get("x"), Some(&expected.into()), "{expression}");
    }
    for expression in ["file(\"../../secret.txt\")", "file(\"link\")", "file(\"../../stack.toml\")"] {
        let place = with(expression);
        let said = problems(place.path());
        assert!(said.contains("outside") && !said.contains("hunter2"), "{expression}: {said}");
        assert!(said.contains("modules/m/main.toml:2:"), "{said}");
    }
}

#[test]
fn circles_and_depths_of_modules_are_refused() {
    let call = |name: &str| format!("[module.next]\nsource = \"../{name}\"\n");
    let text = "[module.a]\nsource = \"./modules/a\"\n";
    refused(
        text,
        &[("a", &call("b")), ("b", &call("c")), ("c", &call("a"))],
        &[
            "modules call each other in a circle: modules/a → modules/b → modules/c → modules/a",
            "modules/c/main.toml:2:10",
        ],
    );
    refused(text, &[("a", &call("a"))], &["modules call each other in a circle: modules/a → modules/a"]);
    let names: Vec<String> = (0..200).map(|at| format!("m{at}")).collect();
    let texts: Vec<String> =
        (1..=200).map(|at| if at < 200 { call(&format!("m{at}")) } else { String::new() }).collect();
    let all: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    refused("[module.a]\nsource = \"./modules/m0\"\n", &all, &["modules are nested more than 64 deep"]);
    // Two calls in each of thirty folders would be a thousand million modules.
    let twice = |at: usize| format!("[module.x]\nsource = \"../m{at}\"\n[module.y]\nsource = \"../m{at}\"\n");
    let texts: Vec<String> = (1..=30).map(|at| if at < 30 { twice(at) } else { String::new() }).collect();
    let all: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    refused("[module.a]\nsource = \"./modules/m0\"\n", &all, &["the stack has more than 10000 modules"]);
    // A million instances.
    let many = "[module.n]\nsource = \"../leaf\"\nfor_each = '${[for one in range(1000) : \"k${one}\"]}'\n";
    let text =
        "[module.m]\nsource = \"./modules/many\"\nfor_each = '${[for one in range(1000) : \"k${one}\"]}'\n";
    refused(
        text,
        &[("many", many), ("leaf", "[sns_topic.t]\nname = \"t\"\n")],
        &["the stack has more than 50000 instances of modules"],
    );
}

#[test]
fn names_of_modules_may_be_those_of_kinds() {
    let text = "[module.sqs_queue]\nsource = \"./modules/queue\"\nname = \"a\"\n\
                [module.module]\nsource = \"./modules/queue\"\nname = \"${module.sqs_queue.name}-b\"\n\
                [sqs_queue.sqs_queue]\nqueue_name = \"${module.module.name}-c\"\n\
                [output]\nname = \"${sqs_queue.sqs_queue.queue_name}\"\n";
    let folder = stack(text, &[("queue", QUEUE)]);
    assert_eq!(evaluated(folder.path()).0.get("name"), Some(&"a-b-c".into()));
    refused("[module.\"a b\"]\nsource = \"./modules/m\"\n", &[("m", "")], &["`a b` cannot be a name"]);
}

#[test]
fn sensitive_and_unknown_values_flow_through_modules() {
    let module = "[variable.password]\nsensitive = true\n[variable.id]\n\
                  [output]\nshown = \"id ${var.id}\"\ntext = \"p-${var.password}\"\n[output.marked]\nvalue = \"v\"\nsensitive = true\n";
    let text = "[ec2_vpc.v]\ncidr_block = \"10.0.0.0/16\"\n[module.m]\nsource = \"./modules/m\"\npassword = \"hunter2\"\nid = \"${ec2_vpc.v.vpc_id}\"\n\
                [output]\nmarked = \"${module.m.marked}\"\nshown = \"${module.m.shown}\"\ntext = \"${module.m.text}\"\n";
    let folder = stack(text, &[("m", module)]);
    let (outputs, _) = evaluated(folder.path());
    let of = |name: &str| outputs.get(name).expect("an output").clone();
    assert!(of("text").contains_secret() && of("marked").contains_secret());
    let unknown = of("shown").first_unknown().map(|one| format!("{}.{}", one.address, one.attribute));
    assert_eq!(unknown.as_deref(), Some("ec2_vpc.v.vpc_id"));
    // A secret must not become a name through a module.
    let module = "[variable.password]\nsensitive = true\n[sqs_queue.q]\nqueue_name = \"${var.password}\"\n";
    refused(
        "[module.m]\nsource = \"./modules/m\"\npassword = \"hunter2\"\n",
        &[("m", module)],
        &["`queue_name` would show a secret"],
    );
}

/// A project with modules beside its stack.
fn project(text: &str, modules: &[(&str, &str)]) -> Project {
    let project = Project::new(&headed(text));
    for (name, text) in modules {
        let folder = project.stack().join("modules").join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("main.toml"), text).expect("written");
    }
    project
}

#[test]
fn a_source_is_not_empty() {
    refused("[module.x]\nsource = \"\"\n", &[], &["`source` is empty", "stack.toml:6:10"]);
}

#[test]
fn null_needs_a_default_or_a_variable_that_takes_it() {
    let module = |more: &str| {
        format!(
            "[variable.n]\ntype = 'string'\n{more}[sns_topic.t]\nname = 't'\ndisplay_name = '${{var.n}}'\n"
        )
    };
    let call = "[module.x]\nsource = \"./modules/m\"\nn = '${null}'\n";
    refused(
        call,
        &[("m", &module("nullable = false\n"))],
        &["var.n of the module `x` must not be null", "stack.toml:7:"],
    );
    for more in ["", "nullable = false\ndefault = 'd'\n"] {
        assert_eq!(problems(stack(call, &[("m", &module(more))]).path()), "", "{more}");
    }
}

#[test]
fn a_module_lives_as_its_resources_do() {
    let call = "[module.lake]\nsource = \"./modules/queue\"\nfor_each = [\"raw\", \"a/b: é\"]\nname = '${each.key == \"raw\" ? \"raw\" : \"other\"}'\n";
    let project = project(call, &[("queue", QUEUE)]);
    project.run(&["plan"]).plans("module.lake[\"raw\"].sqs_queue.data", "+ create").says("2 to create");
    project.run(&["plan", "--target", "module.lake[raw]"]).says("1 to create");
    project.run(&["plan", "--target", "module.lake"]).says("2 to create");
    project.apply();
    let address = "module.lake[\"a/b: é\"].sqs_queue.data";
    let tags = project.live(address).expect("it exists").tags;
    assert_eq!(
        tags.get(Owner::ADDRESS).map(String::as_str),
        Some("module.lake/a@2fb@3a@20@c3@a9:sqs_queue.data")
    );
    project.settled();

    // The ledger is found again from the tags.
    std::fs::remove_file(project.ledger_file()).expect("removed");
    project.run(&["ledger", "recover"]).exits(0);
    assert!(project.ledger().resources.keys().any(|one| one.to_string() == address));
    project.settled();

    // A changed input changes its instances; a key that goes destroys one.
    project.write(&headed(&format!("{}days = 5\n", call.replace(", \"a/b: é\"", ""))));
    let plan = project.run(&["plan"]);
    plan.plans("module.lake[\"raw\"].sqs_queue.data", "~ update in place").plans(address, "- destroy");
    project.apply();
    // A block that goes destroys all.
    project.write(&headed(""));
    project.run(&["plan"]).says("module.lake[\"raw\"].sqs_queue.data").says("1 to destroy");
    project.apply();
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn moves_into_out_of_and_between_modules_make_nothing_anew() {
    let vpc = "[ec2_vpc.main]\ncidr_block = \"10.1.0.0/16\"\nempty_default_security_group = false\n";
    let network = &[("net", vpc)];
    let project = project(vpc, network);
    project.apply();
    let id = project.id("ec2_vpc.main");
    let call = |name: &str, more: &str| format!("[module.{name}]\nsource = \"./modules/net\"\n{more}");
    let moved = |from: &str, to: &str| format!("[[moved]]\nfrom = '{from}'\nto = '{to}'\n");
    for (text, from, to, address) in [
        (call("a", ""), "ec2_vpc.main", "module.a.ec2_vpc.main", "module.a.ec2_vpc.main"),
        (call("b", ""), "module.a", "module.b", "module.b.ec2_vpc.main"),
        (call("b", "for_each = [\"k\"]\n"), "module.b", "module.b[\"k\"]", "module.b[\"k\"].ec2_vpc.main"),
        (call("c", "for_each = [\"k\"]\n"), "module.b", "module.c", "module.c[\"k\"].ec2_vpc.main"),
        (vpc.to_owned(), "module.c[\"k\"].ec2_vpc.main", "ec2_vpc.main", "ec2_vpc.main"),
    ] {
        project.write(&headed(&format!("{text}{}", moved(from, to))));
        project.run(&["plan"]).plans(address, "> move").says("1 to move");
        project.apply();
        assert_eq!(project.id(address), id, "{from} to {to}");
        let tags = project.live(address).expect("it exists").tags;
        let expected = address.parse::<dwctl::graph::Address>().expect("an address").as_tag();
        assert_eq!(tags.get(Owner::ADDRESS), Some(&expected));
        project.settled();
    }
    // Given up with its module.
    project.write(&headed(&format!("{}{}", call("a", ""), moved("ec2_vpc.main", "module.a.ec2_vpc.main"))));
    project.apply();
    project.write(&headed(&format!("{}[[removed]]\nfrom = \"module.a\"\n", call("a", ""))));
    project.run(&["plan"]).exits(3).says("module.a is removed, and is still declared");
    project.write(&headed("[[removed]]\nfrom = \"module.a\"\n"));
    project.apply();
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn a_diff_reads_the_modules_of_both_revisions() {
    let place = folder(&[
        ("stacks/shop/stack.toml", &headed("[module.m]\nsource = \"../../modules/queue\"\nname = \"a\"\n")),
        ("modules/queue/main.toml", QUEUE),
    ]);
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(arguments)
            .current_dir(place.path())
            .output()
            .expect("git");
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "one"]);
    let module = place.path().join("modules/queue/main.toml");
    std::fs::write(&module, QUEUE.replace("default = 4", "default = 5")).expect("written");
    let run = dwctl(&place.path().join("stacks/shop"), &["diff", "HEAD"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let action = crate::harness::action_in(&run.stdout, "module.m.sqs_queue.data");
    assert_eq!(action.as_deref(), Some("~ update in place"), "{}", run.stdout);
    assert!(run.stdout.contains("message_retention_period"), "{}", run.stdout);
    let changed = "\nChanged modules:\n  ../../modules/queue of module.m: main.toml changed\n";
    assert!(run.stdout.contains(changed), "{}", run.stdout);
}

/// As in Terraform, addresses in a module are those within it, and a move is one in each of its instances.
#[test]
fn a_module_moves_and_removes_what_is_in_each_of_its_instances() {
    let vpc = |name: &str| {
        format!("[ec2_vpc.{name}]\ncidr_block = '${{var.block}}'\nempty_default_security_group = false\n")
    };
    let head = "[variable.block]\n";
    let net = format!("{head}{}", vpc("main"));
    let call = "[module.net]\nsource = './modules/net'\nfor_each = ['10.1.0.0/16', '10.2.0.0/16']\nblock = '${each.key}'\n";
    let project = project(call, &[("net", &net), ("inner", &net)]);
    let write = |text: &str| {
        std::fs::write(project.stack().join("modules/net/main.toml"), text).expect("written");
    };
    project.apply();
    let address = |block: &str, rest: &str| format!("module.net[\"{block}\"].{rest}");
    let blocks = ["10.1.0.0/16", "10.2.0.0/16"];
    let ids = blocks.map(|block| project.id(&address(block, "ec2_vpc.main")));

    // To another name, and then into a module in it.
    write(&format!("{head}{}[[moved]]\nfrom = 'ec2_vpc.main'\nto = 'ec2_vpc.other'\n", vpc("other")));
    project.run(&["plan"]).exits(0).says("2 to move");
    project.apply();
    let inner = "[module.inner]\nsource = '../inner'\nblock = '${var.block}'\n";
    write(&format!("{head}{inner}[[moved]]\nfrom = 'ec2_vpc.other'\nto = 'module.inner.ec2_vpc.main'\n"));
    project.apply();
    for (block, id) in blocks.iter().zip(&ids) {
        assert_eq!(project.id(&address(block, "module.inner.ec2_vpc.main")), *id, "{block}");
    }
    project.settled();

    // What is declared has neither moved nor been removed, and `validate` says so without AWS.
    for wrong in [
        "[[removed]]\nfrom = 'module.inner'\n",
        "[[removed]]\nfrom = 'module.inner.ec2_vpc.main'\n",
        "[[moved]]\nfrom = 'module.inner'\nto = 'module.new'\n[module.new]\nsource = '../inner'\nblock = 'x'\n",
    ] {
        write(&format!("{head}{inner}{wrong}"));
        for verb in ["validate", "plan"] {
            project.run(&[verb]).exits(3).says("and is still declared").says("modules/net/main.toml");
        }
    }
    write(&format!("{head}[[removed]]\nfrom = 'module.inner'\n"));
    project.run(&["plan"]).exits(0).says("2 to forget");
    project.apply();
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn validate_refuses_to_remove_what_is_declared() {
    let queue = "[sqs_queue.q]\nfor_each = ['a']\nqueue_name = 'q'\n";
    for (from, is_wrong) in [
        ("sqs_queue.q", true),
        ("sqs_queue.q[\"a\"]", true),
        ("sqs_queue.q[\"b\"]", false),
        ("sqs_queue.r", false),
    ] {
        let folder = stack(&format!("{queue}[[removed]]\nfrom = '{from}'\n"), &[]);
        let said = problems(folder.path());
        assert_eq!(
            said.contains(&format!("{from} is removed, and is still declared")),
            is_wrong,
            "{from}: {said}"
        );
        assert_eq!(said.is_empty(), !is_wrong, "{said}");
    }
}

/// Each step of such a move would lead to a longer address.
#[test]
fn a_module_cannot_move_into_itself() {
    let net = &[("net", "[ec2_vpc.main]\ncidr_block = '10.1.0.0/16'\n")];
    for moves in [
        "[[moved]]\nfrom = 'module.a'\nto = 'module.a.module.b'\n",
        "[[moved]]\nfrom = 'module.a'\nto = 'module.b.module.c'\n[[moved]]\nfrom = 'module.b'\nto = 'module.a.module.d'\n",
    ] {
        let calls = "[module.z]\nsource = './modules/net'\n";
        refused(&format!("{calls}{moves}"), net, &["the [[moved]] blocks form a cycle"]);
    }
}

#[test]
fn the_ledger_moves_lists_shows_and_forgets_whole_modules() {
    let net = "[ec2_vpc.main]\ncidr_block = '10.1.0.0/16'\nempty_default_security_group = false\n[sns_topic.alerts]\nname = '${var.name}'\n[variable.name]\n";
    let call = |name: &str| {
        format!(
            "[module.{name}]\nsource = './modules/net'\nfor_each = ['x', 'y']\nname = 'n-${{each.key}}'\n"
        )
    };
    let project = project(&format!("[sns_topic.root]\nname = 'r'\n{}", call("a")), &[("net", net)]);
    project.apply();
    let ids: Vec<String> = project.ledger().resources.values().map(|entry| entry.id.clone()).collect();
    project
        .run(&["ledger", "list", "module.a[x]"])
        .exits(0)
        .says("module.a[\"x\"].ec2_vpc.main")
        .says_not("\"y\"");
    project
        .run(&["ledger", "list", "module.a"])
        .exits(0)
        .says("module.a[\"y\"].ec2_vpc.main")
        .says_not("root");
    project
        .run(&["ledger", "list", "module.b"])
        .exits(1)
        .says("the ledger has no `module.b`")
        .says("module.a");
    project.run(&["show", "module.a[x]"]).exits(0).says("cidr_block").says_not("\"y\"");
    project
        .run(&["ledger", "move", "module.a", "sns_topic.r"])
        .exits(7)
        .says("a module cannot become an sns_topic");
    project.run(&["ledger", "move", "module.a[x]", "module.a[y]"]).exits(7).says("is taken");
    project
        .run(&["ledger", "move", "module.a", "module.a.module.b"])
        .exits(7)
        .says("the ledger was left as it is");
    project.run(&["ledger", "move", "module.a", "module.b"]).exits(0).says("4 resources");
    project.write(&headed(&format!("[sns_topic.root]\nname = 'r'\n{}", call("b"))));
    project.apply();
    project.settled();
    let now: Vec<String> = project.ledger().resources.values().map(|entry| entry.id.clone()).collect();
    assert_eq!(now, ids);
    project.run(&["ledger", "forget", "module.b[y]"]).exits(0).says("2 resources forgotten");
    assert_eq!(project.ledger().resources.len(), 3);
    let graph = project.run(&["graph"]).exits(0);
    graph.says("subgraph m0[\"module.b[#quot;x#quot;]\"]\n    n1[\"ec2_vpc.main\"]\n    n2[\"sns_topic.alerts\"]\n  end\n");
}

#[test]
fn a_module_reads_no_file_outside_its_folder() {
    let module = "[sns_topic.t]\nname = 't'\ndisplay_name = '${file(\"../text.txt\")}'\n";
    let words =
        ["`../text.txt` is outside the module's folder", "pass the text to it", "modules/m/main.toml:3:24"];
    refused("[module.m]\nsource = './modules/m'\n", &[("m", module), ("text.txt", "")], &words);
}

/// The example is applied, planned without changes, changed by a saved plan, and destroyed.
#[test]
fn the_example_is_applied_changed_and_destroyed() {
    let project = Project::new("");
    crate::harness::copy(&crate::paper::root().join("examples/modules"), &project.stack());
    project.run(&["apply", "--yes"]).exits(0).says("13 created");
    project.settled();
    project.run(&["output", "--name", "orders"]).exits(0).says("/datasets-orders/runs");

    // What was reviewed is one section for all instances, and is applied in each.
    let module = project.stack().join("modules/dataset/main.toml");
    let text = std::fs::read_to_string(&module).expect("the module");
    std::fs::write(&module, text.replace("period              = 300", "period = 600")).expect("written");
    project.run(&["plan", "--out", "p.dwplan"]).exits(0).says(
        "  module.dataset[\"customers\", \"events\", \"orders\"]  3 to update, 1 in each\n    \
         ~ cloudwatch_alarm.failures  update in place\n",
    );
    let stale = text.replace("period              = 300", "period = 900");
    std::fs::write(&module, &stale).expect("written");
    let refused = project.run(&["apply", "p.dwplan", "--yes"]).exits(7);
    refused.says("modules/dataset/main.toml");
    std::fs::write(&module, text.replace("period              = 300", "period = 600")).expect("written");
    project.run(&["show", "p.dwplan"]).exits(0).says("3 to update, 1 in each");
    project.run(&["apply", "p.dwplan", "--yes"]).exits(0).says("3 updated");
    project.settled();

    // One instance less: its resources go one by one.
    let stack = project.stack().join("stack.toml");
    let text = std::fs::read_to_string(&stack).expect("the stack");
    std::fs::write(&stack, text.replace("customers = {}, ", "")).expect("written");
    let plan = project.run(&["plan"]).exits(0);
    plan.plans("module.dataset[\"customers\"].s3_bucket.data", "- destroy")
        .says("  module.dataset[\"customers\"]  4 to destroy\n");
    project.run(&["apply", "--yes", "--allow", "data-loss,downtime,destroy"]).exits(0).says("4 destroyed");
    project.run(&["destroy", "--yes"]).exits(0);
    assert!(project.ledger().resources.is_empty());
}
