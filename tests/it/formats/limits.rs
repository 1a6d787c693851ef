//! Data that no format shows, and the maximum size of each.

use std::fmt::Write;
use std::time::{Duration, Instant};

use dwctl::plan::format::{Format, MARKDOWN_LIMIT, Options, render};
use dwctl::plan::review::Review;
use dwctl::plan::{Action, Change, RiskLabel, Selection};

use super::corpus::{Case, many};
use super::filed::filed;
use super::notation::outside_of_code;
use crate::account::Account;

#[test]
fn no_format_shows_any_of_twenty_secrets() {
    let mut stack = String::new();
    let mut secrets: Vec<String> = Vec::new();
    let mut secret = || {
        let text = format!("Pl4nted-{}-x{}", secrets.len(), secrets.len() * 7919);
        secrets.push(text.clone());
        text
    };
    let variables: Vec<String> = (0..10).map(|_| secret()).collect();
    for (index, value) in variables.iter().enumerate() {
        let _ = write!(stack, "[variable.v{index}]\nsensitive = true\ndefault = \"{value}\"\n");
    }
    for index in 0..5 {
        let _ = write!(
            stack,
            "[secretsmanager_secret.s{index}]\nname = \"s{index}\"\ndescription = \"${{var.v{index}}}\"\nsecret_string = \"{}\"\n",
            secret()
        );
    }
    for index in 0..5 {
        let _ = write!(
            stack,
            "[glue_job.j{index}]\nname = \"j{index}\"\nrole = \"r\"\ncommand = {{ script_location = \"s3://a/b\" }}\n\
             default_arguments = {{ \"--password\" = \"${{var.v{}}}\", \"--plain\" = \"1\" }}\n\
             source_control_details = {{ auth_strategy = \"PERSONAL_ACCESS_TOKEN\", auth_token = \"{}\" }}\n",
            index + 5,
            secret()
        );
    }
    stack
        .push_str("[sns_topic.t]\nname = \"t\"\ndisplay_name = \"${var.v0}\"\n[output]\no = \"${var.v2}\"\n");
    assert_eq!(secrets.len(), 20);
    let other = stack.replace("Pl4nted", "Ch4nged").replace("\"--plain\" = \"1\"", "\"--plain\" = \"2\"");
    let destroy = Selection { destroy: true, ..Selection::default() };
    let account = || Account::after(&stack);
    let drifted = (0..5).fold(account(), |account, index| {
        account.set(&format!("secretsmanager_secret.s{index}"), "description", "x")
    });
    let plans = [
        ("created", Account::after("").planned(&stack, &Selection::default())),
        ("changed", account().planned(&other, &Selection::default())),
        ("unchanged", account().planned(&stack, &Selection::default())),
        ("destroyed", account().planned(&stack, &destroy)),
        ("no longer declared", account().planned("", &Selection::default())),
        ("drifted", drifted.planned(&stack, &Selection::default())),
    ];
    for (name, plan) in plans {
        let plan = plan.expect("a plan");
        for drift in [false, true] {
            let plan = if drift { plan.clone().drift() } else { plan.clone() };
            let (file, read) = filed(&plan);
            for secret in &secrets {
                let changed = secret.replace("Pl4nted", "Ch4nged");
                assert!(
                    !file.contains(secret) && !file.contains(&changed),
                    "{secret} is in the file of {name}"
                );
            }
            let case = Case { name, plan, drift };
            let again = Case { name, plan: read, drift };
            for format in Format::ALL {
                let mut options = case.options();
                options.text.details = true;
                let text = render(format, &case.plan, &options) + &render(format, &again.plan, &options);
                for secret in &secrets {
                    let changed = secret.replace("Pl4nted", "Ch4nged");
                    assert!(
                        !text.contains(secret) && !text.contains(&changed),
                        "{secret} is in {} of {name}",
                        format.name()
                    );
                }
            }
        }
    }
}

#[test]
fn a_comment_on_5_000_changes_fits_and_counts_the_omitted() {
    let plan = many(5_000);
    let began = Instant::now();
    let text = render(
        Format::Markdown,
        &plan,
        &Options { commands: vec!["dwctl apply".to_owned()], ..Options::default() },
    );
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(text.len() <= MARKDOWN_LIMIT, "{}", text.len());
    assert!(text.len() > MARKDOWN_LIMIT * 9 / 10, "room is wasted: {}", text.len());
    let plain = outside_of_code(&text);
    assert!(plain.contains("A comment has at most 65,536 characters. Left out here: "), "{plain}");
    assert!(text.trim_end().ends_with("```") && text.contains("dwctl apply\n"), "the commands are there");
    // Changes that lose data are named first, all of them.
    let review = Review::new(&plan, false);
    let grave: Vec<&Change> = review.at_risk(RiskLabel::DataLoss).map(|item| item.change).collect();
    let key = |change: &&Change| format!("[\"{}\"]", change.address.key.as_deref().unwrap_or_default());
    let named = grave.iter().filter(|change| text.contains(&key(change))).count();
    assert!(named > 250, "{named} of {}", grave.len());
    assert!(!text.contains("update in place"), "less grave ones are named, and {named} of {}", grave.len());
}

#[test]
fn a_comment_drops_details_before_names() {
    let plan = many(500);
    let text = render(Format::Markdown, &plan, &Options::default());
    assert!(text.len() <= MARKDOWN_LIMIT, "{}", text.len());
    let plain = outside_of_code(&text);
    assert!(plain.contains("Without their details: ") && !plain.contains("Left out here"), "{plain}");
    for change in &plan.changes {
        if matches!(change.action, Action::Delete | Action::Replace { .. }) {
            assert!(text.contains(change.address.key.as_deref().unwrap_or_default()), "{}", change.address);
        }
    }
}

#[test]
fn all_formats_of_1_000_changes_are_small_and_quick() {
    let plan = many(1_000);
    let began = Instant::now();
    for format in Format::ALL {
        let text = render(format, &plan, &Options::default());
        let most = if format == Format::Json { 12_000_000 } else { 3_000_000 };
        assert!(text.len() < most, "{}: {} bytes", format.name(), text.len());
    }
    // Generous for an unoptimised build that runs beside other tests; a quadratic algorithm would take
    // minutes.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

/// Names, reasons and commands of any length, in characters that grow when they are escaped.
#[test]
fn every_format_stays_within_its_hosts_limits() {
    for (length, count, letters) in [
        (200_000, 1, &["A", "`"][..]),
        (5_000, 40, &["A", "`", "<", "𝒳"][..]),
        (300, 150, &["\"", "日", "&"][..]),
    ] {
        for letter in letters {
            let long = letter.repeat(length / letter.len());
            let quoted = long.replace('"', "\\\"");
            let keys: Vec<String> =
                (0..count).map(|number| format!("\"{quoted}{number}\" = \"{number}\"")).collect();
            let stack = format!(
                "[sns_topic.t]\nfor_each = {{ {} }}\nname = \"t-${{each.value}}\"\n\
                 [redshift_cluster_parameter_group.p]\nfor_each = {{ {} }}\nparameter_group_name = \"p-${{each.value}}\"\n\
                 parameter_group_family = \"redshift-1.0\"\ndescription = \"of ${{sns_topic.t[each.key].name}}\"\n",
                keys.join(", "),
                keys.join(", ")
            );
            let everything = |selection: Selection, before: &str, after: &str| {
                Account::after(before).planned(after, &selection).expect("a plan")
            };
            let plain = Selection::default;
            let other = stack.replace("\"of $", "\"now of $");
            let plans = [
                ("created", everything(plain(), "", &stack)),
                ("destroyed", everything(plain(), &stack, "")),
                ("replaced", everything(plain(), &stack, &other)),
            ];
            let earlier = render(Format::Json, &plans[0].1, &Options::default());
            let earlier = dwctl::plan::since::Snapshot::parse(&earlier).expect("its own JSON");
            for (name, plan) in plans {
                let command = format!("dwctl apply --target 'sns_topic.t[\"{long}\"]'");
                let options =
                    Options { commands: vec![command], since: Some(earlier.clone()), ..Options::default() };
                let rendered = |format| render(format, &plan, &options);
                let what = format!("{name}: {count} × {length} × {letter}");
                let markdown = rendered(Format::Markdown);
                assert!(markdown.len() <= MARKDOWN_LIMIT, "{what}: {} bytes", markdown.len());
                let says = ["…", "Left out here: ", "Without their details: "];
                let is_cut = says.iter().any(|words| markdown.contains(words));
                assert!(is_cut, "{what}: it does not say that it is cut");
                let fences = markdown.lines().filter(|line| line.starts_with("```")).count();
                assert!(*letter == "`" || fences % 2 == 0, "{what}: a block is open");
                let mermaid = rendered(Format::Mermaid);
                assert!(mermaid.encode_utf16().count() < 50_000, "{what}: {}", mermaid.len());
                assert!(mermaid.matches(" --> ").count() < 500, "{what}");
                let sarif = rendered(Format::Sarif);
                assert!(sarif.len() < 10_000_000, "{what}: {}", sarif.len());
            }
        }
    }
}
