//! The order of a review: modules have sections, and changes of instances that are alike are shown once.

use crate::harness::{action_in, attributes_in};
use crate::paper::{dwctl, folder, headed};

/// A queue with a name and settings of its own.
const QUEUE: &str = r#"
[variable.name]
[variable.days]
type = "number"
default = 4
[variable.text]
default = ""
[sqs_queue.data]
queue_name = "${var.name}"
message_retention_period = "${var.days * 86400}"
tags = { text = "${var.text}", wait = "WAIT" }
[sns_topic.alerts]
name = '${replace(var.name, "-", "_")}'
tags = { wait = "WAIT" }
"#;

/// Two revisions of a stack with one module, compared.
fn diff(old: (&str, &str), new: (&str, &str), arguments: &[&str]) -> String {
    let (old_stack, new_stack) = (headed(old.0), headed(new.0));
    let folder = folder(&[
        ("old/stack.toml", &old_stack),
        ("old/modules/queue/main.toml", old.1),
        ("new/stack.toml", &new_stack),
        ("new/modules/queue/main.toml", new.1),
    ]);
    let run = dwctl(folder.path(), &[&["diff", "old", "new"], arguments].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

/// A call of the module for each of these keys.
fn calls(keys: &[&str]) -> String {
    format!(
        "[sns_topic.root]\nname = \"root\"\n[module.queue]\nsource = \"./modules/queue\"\nfor_each = {keys:?}\n\
         name = \"shop-${{each.key}}\"\n"
    )
}

const TWELVE: [&str; 12] =
    ["orders", "stock", "web-events", "users", "a", "b", "c", "d", "e", "f", "1", "x_y"];

fn waiting(wait: &str) -> String {
    QUEUE.replace("WAIT", wait)
}

#[test]
fn instances_that_change_alike_share_a_section() {
    let (old, new) = (waiting("short"), waiting("long"));
    let none = ("[sns_topic.other]\nname = 'other'\n", old.as_str());
    let twelve = calls(&TWELVE);
    let made = diff(none, (&twelve, &new), &[]);
    let text = &made;
    // The stack itself comes first.
    assert!(text.find("sns_topic.root") < text.find("module.queue"), "{text}");
    assert_eq!(text.matches("\n    + sqs_queue.data").count(), 1, "{text}");
    let heading = "  module.queue[\"1\", \"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"orders\", \"stock\", \"users\", \"web-events\", \"x_y\"]  24 to create, 2 in each\n";
    assert!(text.contains(heading), "{text}");
    assert!(text.contains("25 to create · 1 to destroy"), "{text}");
    for key in TWELVE {
        assert!(action_in(text, &format!("module.queue[\"{key}\"].sqs_queue.data")).is_some(), "{key}");
    }

    let changed = diff((&twelve, &old), (&twelve, &new), &[]);
    let text = &changed;
    assert_eq!(text.matches("tags.wait").count(), 2, "{text}");
    assert!(text.contains("24 to update, 2 in each\n    ~ sns_topic.alerts  update in place\n        tags.wait  \"short\" → \"long\"\n"), "{text}");

    let each = diff((&twelve, &old), (&twelve, &new), &["--details"]);
    assert_eq!(each.matches("\n  module.queue[").count(), 12, "{each}");
    assert_eq!(each.matches("2 to update\n").count(), 12, "{each}");
}

#[test]
fn a_change_that_several_instances_have_in_common_is_shown_once() {
    let (old, new) = (waiting("short"), waiting("long"));
    let stack =
        |days: &str| calls(&["a", "b", "c"]) + &format!("days = '${{each.key == \"c\" ? {days} : 4}}'\n");
    let run = diff((&stack("4"), &old), (&stack("5"), &new), &[]);
    assert_eq!(
        run.split("\n\n").skip(2).take(2).collect::<Vec<_>>(),
        [
            "  module.queue[\"a\", \"b\"]  4 to update, 2 in each\n    \
             ~ sns_topic.alerts  update in place\n        tags.wait  \"short\" → \"long\"\n      \
             and 1 more like it: module.queue[\"c\"].sns_topic.alerts\n    \
             ~ sqs_queue.data    update in place\n        tags.wait  \"short\" → \"long\"",
            "  module.queue[\"c\"]  2 to update · 1 shown above\n    \
             ~ sqs_queue.data    update in place\n        \
             message_retention_period  345600 → 432000\n        tags.wait                 \"short\" → \"long\"",
        ],
        "{run}"
    );
    for key in ["a", "b", "c"] {
        let of_topic = attributes_in(&run, &format!("module.queue[\"{key}\"].sns_topic.alerts"));
        assert_eq!(of_topic, ["tags.wait  \"short\" → \"long\""], "{key}");
        assert_eq!(
            action_in(&run, &format!("module.queue[\"{key}\"].sqs_queue.data")).as_deref(),
            Some("~ update in place")
        );
    }
}

/// Two instances of a `for_each` are alike if their values differ only in what follows from their keys.
#[test]
fn only_values_that_follow_from_the_key_may_differ() {
    let alike = |keys: [&str; 2], value: &str| {
        let stack = format!(
            "[sqs_queue.q]\nfor_each = {keys:?}\nqueue_name = 'q-${{index({keys:?}, each.key)}}'\n\
             message_retention_period = 60\ntags = {{ text = '''{value}''' }}\n"
        );
        // The names differ, but the update does not show them.
        let old =
            stack.replace("= 60", "= 60\nvisibility_timeout = 5").replace("text = ", "old = 1, text = ");
        let other = ("", QUEUE);
        let run = diff((&old.replace(value, "none"), other.1), (&stack, other.1), &[]);
        assert_eq!(run.matches("sqs_queue.q[").count(), 2, "{run}");
        run.contains("and 1 more like it: sqs_queue.q[")
    };
    let (a, b) = (["a", "b"], ["web-events", "orders"]);
    for (keys, value) in [
        (a, "same"),
        (a, "${each.key}"),
        (a, "data-${each.key}/${each.key}"),
        (b, "x_${replace(each.key, \"-\", \"_\")}_y"),
        (b, "${upper(each.key)} and ${each.key}"),
        (["1", "2"], "10.0.${each.key}.0/24 in us-east-1"),
    ] {
        assert!(alike(keys, value), "{keys:?} {value}");
    }
    for (keys, value) in [
        // A part of a word is no key.
        (a, "data${each.key}"),
        (a, "${each.key == \"a\" ? \"one\" : \"other\"}"),
        // The keys in the other order.
        (a, "${each.key == \"a\" ? \"b\" : \"a\"}"),
        // Each form on its own would fit `orders`, but not both.
        (["x-y", "z-w"], "${each.key == \"x-y\" ? \"x_y\" : \"z-w\"}"),
        (["A", "b"], "${each.key == \"A\" ? \"a\" : \"B\"}"),
        // A key that is there by chance in one of three, and not in the others.
        (["1", "2"], "${each.key == \"1\" ? \"us-east-2\" : \"us-east-1\"}"),
        // Numbers are not names.
        (["7", "30"], "${tonumber(each.key) * 2}"),
    ] {
        assert!(!alike(keys, value), "{keys:?} {value}");
    }
}

/// What is a key in one instance must be one in all: `us-east-1` may have the key `1` by chance.
#[test]
fn all_instances_that_are_alike_are_so_for_one_reason() {
    let tags = |last: &str| {
        let one = |key: &str, tag: &str| format!("\"{key}\" = \"{tag}\", ");
        let all = one("1", "az-1") + &one("2", "az-2") + &one("3", last) + &one("4", "az-4");
        format!(
            "[local]\ntags = {{ {all} }}\n[sns_topic.t]\nfor_each = '${{local.tags}}'\nname = 't-${{each.key}}'\n\
             tags = {{ az = '${{each.value}}' }}\n"
        )
    };
    let none = "[sns_topic.x]\nname = 'x'\n";
    let apart = diff((none, QUEUE), (&tags("az-1"), QUEUE), &[]);
    assert!(apart.contains("and 2 more like it: sns_topic.t[\"2\", \"4\"]"), "{apart}");
    let alike = diff((none, QUEUE), (&tags("az-3"), QUEUE), &[]);
    assert!(alike.contains("and 3 more like it: sns_topic.t[\"2\", \"3\", \"4\"]"), "{alike}");
}

#[test]
fn what_needs_attention_is_named_one_by_one() {
    let old = waiting("short");
    let three = calls(&["a", "b", "c"]);
    // A shorter retention loses data.
    let shorter = diff((&three, &old), (&format!("{three}days = 1\n"), &old), &[]);
    assert_eq!(shorter.matches("⚠ data loss: ").count(), 3, "{shorter}");
    assert_eq!(shorter.matches("\n  module.queue[\"").count(), 3, "{shorter}");
    let gone = diff((&three, &old), ("[sns_topic.root]\nname = 'root'\n", &old), &[]);
    assert_eq!(gone.matches("    - sqs_queue.data").count(), 3, "{gone}");
    let renamed = diff((&three, &old), (&three.replace("shop-", "store-"), &old), &[]);
    assert_eq!(renamed.matches("    ± sqs_queue.data").count(), 3, "{renamed}");
    let markdown = diff((&three, &old), (&three.replace("shop-", "store-"), &old), &["--format", "markdown"]);
    assert_eq!(markdown.matches("<details open><summary><code>module.queue[").count(), 3, "{markdown}");
}

#[test]
fn modules_are_folded_in_markdown_and_html() {
    let (old, new) = (waiting("short"), waiting("long"));
    let twelve = calls(&TWELVE);
    let of = |format| diff((&twelve, &old), (&twelve, &new), &["--format", format]);
    let markdown = of("markdown");
    assert!(markdown.contains("<details><summary><code>module.queue[&quot;1&quot;, "), "{markdown}");
    assert!(markdown.contains("· 24 to update, 2 in each</summary>\n\n"), "{markdown}");
    assert_eq!(markdown.matches("tags.wait").count(), 2, "{markdown}");
    assert_eq!(markdown.matches("<details").count(), markdown.matches("</details>").count());
    let html = of("html");
    assert_eq!(html.matches("<details class=\"m\">").count(), 1, "{html}");
    for key in TWELVE {
        // Each resource can be found by its address.
        assert!(
            html.contains(&format!("<code>module.queue[&quot;{key}&quot;].sqs_queue.data</code>")),
            "{key}"
        );
    }
    let json: serde_json::Value = serde_json::from_str(&of("json")).expect("JSON");
    let changes = json["resource_changes"].as_array().expect("changes");
    assert_eq!(changes.iter().filter(|one| one["change"]["actions"][0] == "update").count(), 24);
}

/// Two modules that call one folder are instances of it, too.
#[test]
fn calls_of_one_folder_are_alike_by_their_names() {
    let (old, new) = (waiting("short"), waiting("long"));
    let call = |name: &str| format!("[module.{name}]\nsource = './modules/queue'\nname = 'shop-{name}'\n");
    let both = call("orders") + &call("stock");
    let run = diff((&both, &old), (&both, &new), &[]);
    assert!(run.contains("  module.orders, module.stock  4 to update, 2 in each\n"), "{run}");
    let other = call("orders") + &call("stock").replace("shop-stock", "shop-orders2");
    let created = diff(("[sns_topic.x]\nname = 'x'\n", &old), (&other, &old), &[]);
    assert!(created.contains("  module.orders  2 to create\n"), "{created}");
}

/// As `terraform show -json` writes a plan of the same modules, made of `terraform_data`.
#[test]
fn json_has_the_modules_of_terraforms_format() {
    let inner = "[variable.name]\n[sns_topic.deep]\nfor_each = ['k']\nname = '${var.name}-${each.key}'\n";
    let middle = r#"
        [variable.name]
        [variable.of]
        default = "d"
        [variable.token]
        sensitive = true
        default = ""
        [sqs_queue.it]
        queue_name = "${var.name}-${var.of}"
        [module.inner]
        source = "../inner"
        name = "${sqs_queue.it.queue_name}"
        [output]
        name = "${sqs_queue.it.arn}"
    "#;
    let root = r#"
        [variable.names]
        default = ["a", "b"]
        [sns_topic.root]
        name = "r"
        [module.q]
        source = "./modules/middle"
        for_each = "${var.names}"
        name = "x-${each.key}"
        of = "${sns_topic.root.name}"
        token = "hush"
        depends_on = ["sns_topic.root"]
        [module.single]
        source = "./modules/middle"
        name = "y"
        [output]
        o = "${module.single.name}"
    "#;
    let new = headed(root);
    let folder = folder(&[
        ("old/stack.toml", &headed("")),
        ("new/stack.toml", &new),
        ("new/modules/middle/main.toml", middle),
        ("new/modules/inner/main.toml", inner),
    ]);
    let run = dwctl(folder.path(), &["diff", "old", "new", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let planned = &json["planned_values"]["root_module"];
    assert_eq!(planned["resources"].as_array().map(Vec::len), Some(1));
    let mut lines = Vec::new();
    let mut open = vec![planned];
    while let Some(one) = open.pop() {
        for child in one["child_modules"].as_array().into_iter().flatten().rev() {
            open.push(child);
        }
        for resource in one["resources"].as_array().into_iter().flatten() {
            lines.push(format!("{} in {}", resource["address"], one["address"]));
        }
    }
    assert_eq!(
        lines,
        [
            r#""aws_sns_topic.root" in null"#,
            r#""module.q[\"a\"].aws_sqs_queue.it" in "module.q[\"a\"]""#,
            r#""module.q[\"a\"].module.inner.aws_sns_topic.deep[\"k\"]" in "module.q[\"a\"].module.inner""#,
            r#""module.q[\"b\"].aws_sqs_queue.it" in "module.q[\"b\"]""#,
            r#""module.q[\"b\"].module.inner.aws_sns_topic.deep[\"k\"]" in "module.q[\"b\"].module.inner""#,
            r#""module.single.aws_sqs_queue.it" in "module.single""#,
            r#""module.single.module.inner.aws_sns_topic.deep[\"k\"]" in "module.single.module.inner""#,
        ]
    );
    let deep = json["resource_changes"].as_array().expect("changes").last().expect("a change");
    assert_eq!(deep["module_address"], "module.single.module.inner");
    assert_eq!((&deep["name"], &deep["index"]), (&"deep".into(), &"k".into()));
    let mut root = json["configuration"]["root_module"].clone();
    let mut calls = root["module_calls"].take();
    let module = calls["q"]["module"].take();
    assert_eq!(
        calls["q"],
        serde_json::json!({
            "source": "./modules/middle",
            "expressions": {
                "name": { "references": ["each.key"] },
                "of": { "references": ["aws_sns_topic.root.name", "aws_sns_topic.root"] },
                "token": {},
            },
            "for_each_expression": { "references": ["var.names"] },
            "depends_on": ["aws_sns_topic.root"],
            "module": null,
        })
    );
    assert_eq!(calls["single"]["expressions"], serde_json::json!({ "name": { "constant_value": "y" } }));
    assert_eq!(
        root["outputs"],
        serde_json::json!({ "o": { "expression": { "references": ["module.single.name", "module.single"] } } })
    );
    assert_eq!(
        module["variables"],
        serde_json::json!({ "name": {}, "of": {}, "token": { "sensitive": true } })
    );
    let expression = serde_json::json!({ "references": ["aws_sqs_queue.it.arn", "aws_sqs_queue.it"] });
    assert_eq!(module["outputs"], serde_json::json!({ "name": { "expression": expression } }));
    let addresses = |module: &serde_json::Value| -> Vec<String> {
        let resources = module["resources"].as_array().into_iter().flatten();
        resources.map(|one| one["address"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(addresses(&root), ["aws_sns_topic.root"]);
    assert_eq!(addresses(&module), ["aws_sqs_queue.it"]);
    assert_eq!(addresses(&module["module_calls"]["inner"]["module"]), ["aws_sns_topic.deep"]);
    assert!(!run.stdout.contains("hush"));
}

#[test]
fn a_changed_module_says_what_changed_in_it() {
    let call = |name: &str, source: &str| {
        format!("[module.{name}]\nsource = './modules/{source}'\nname = 'shop-{name}'\n")
    };
    let old = headed(&(call("orders", "queue") + &call("stock", "queue") + &call("users", "other")));
    let new = headed(
        &(call("orders", "queue")
            + &call("stock", "queue")
            + &call("users", "moved")
            + &call("new", "queue")),
    );
    let changed = QUEUE.replace("default = 4", "default = 5");
    let folder = folder(&[
        ("old/stack.toml", &old),
        ("old/modules/queue/main.toml", QUEUE),
        ("old/modules/queue/sql/gone.sql", "select 1"),
        ("old/modules/queue/same.txt", "same"),
        ("old/modules/other/main.toml", QUEUE),
        ("new/stack.toml", &new),
        ("new/modules/queue/main.toml", &changed),
        ("new/modules/queue/sql/load.sql", "select 2"),
        ("new/modules/queue/same.txt", "same"),
        ("new/modules/moved/main.toml", QUEUE),
    ]);
    let of = |format: &str| {
        let run = dwctl(folder.path(), &["diff", "old", "new", "--format", format]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let lines = [
        "./modules/queue of module.orders, module.stock: main.toml changed, sql/gone.sql removed, sql/load.sql added",
        "./modules/moved (was ./modules/other) of module.users: the same files",
    ];
    let text = of("text");
    assert!(text.contains(&format!("\nChanged modules:\n  {}\n  {}\n\n", lines[0], lines[1])), "{text}");
    let (markdown, html) = (of("markdown"), of("html"));
    for line in lines {
        assert!(markdown.contains(&format!("- `{line}`\n")), "{markdown}");
        assert!(html.contains(&format!("<li><code>{line}</code></li>")), "{html}");
    }
    let json: serde_json::Value = serde_json::from_str(&of("json")).expect("JSON");
    let modules = &json["dwctl"]["changed_modules"];
    assert_eq!(modules[0]["files"]["sql/gone.sql"], "removed", "{modules}");
    assert_eq!(modules[1]["before"], "./modules/other", "{modules}");
    // Nothing is said where nothing changed.
    let run = dwctl(folder.path(), &["diff", "old", "old"]);
    assert!(!run.stdout.contains("Changed modules"), "{}", run.stdout);
}
