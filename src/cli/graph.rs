//! `dwctl graph`.

use std::fmt::Write;

use super::printer::Printer;
use super::{Exit, Outcome, StackArgs, context};
use crate::eval::Facts;

/// Prints the dependency graph of the stack.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,

    /// Format of the graph.
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Mermaid, as GitHub and GitLab draw it.
    Mermaid,
    /// Graphviz.
    Dot,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables, printer)?;
    let eval = context::eval(&stack, Facts::offline(&stack), variables)?;
    let mut problems = Vec::new();
    let mut instances = eval.evaluate_all(&mut problems);
    instances.sort_by(|left, right| left.address.cmp(&right.address));
    let place = |address: &crate::graph::Address| instances.iter().position(|one| one.address == *address);
    let mut text = String::new();
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    match args.format {
        Format::Mermaid => text.push_str("flowchart LR\n"),
        Format::Dot => text.push_str("digraph stack {\n  rankdir = LR;\n  node [shape = box];\n"),
    }
    for (index, instance) in instances.iter().enumerate() {
        let address = instance.address.to_string();
        // Writing to a string cannot fail.
        let _ = match args.format {
            Format::Mermaid => writeln!(text, "  n{index}[\"{}\"]", address.replace('"', "#quot;")),
            Format::Dot => writeln!(text, "  n{index} [label = \"{}\"];", escape(&address)),
        };
    }
    for (index, instance) in instances.iter().enumerate() {
        for needed in instance.needs.iter().filter_map(place) {
            let _ = match args.format {
                Format::Mermaid => writeln!(text, "  n{index} --> n{needed}"),
                Format::Dot => writeln!(text, "  n{index} -> n{needed};"),
            };
        }
    }
    if args.format == Format::Dot {
        text.push_str("}\n");
    }
    printer.out(&text);
    Ok(Exit::Done)
}
