//! `dwctl graph`.

use std::collections::HashMap;
use std::fmt::Write;

use super::printer::Printer;
use super::{Exit, Outcome, StackArgs, context};
use crate::eval::Facts;
use crate::graph::{Address, ModulePath, ModuleStep};

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

impl Format {
    /// The end of a module.
    fn end(self) -> &'static str {
        match self {
            Self::Mermaid => "end",
            Self::Dot => "}",
        }
    }

    fn label(self, text: &str) -> String {
        match self {
            Self::Mermaid => text.replace('"', "#quot;"),
            Self::Dot => text.replace('\\', "\\\\").replace('"', "\\\""),
        }
    }
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables, printer)?;
    let eval = context::eval(&stack, Facts::offline(&stack), variables)?;
    let mut problems = Vec::new();
    let mut instances = eval.evaluate_all(&mut problems);
    instances.sort_by(|left, right| left.address.cmp(&right.address));
    let places: HashMap<&Address, usize> =
        instances.iter().enumerate().map(|(index, one)| (&one.address, index)).collect();
    let mut text = String::new();
    match args.format {
        Format::Mermaid => text.push_str("flowchart LR\n"),
        Format::Dot => text.push_str("digraph stack {\n  rankdir = LR;\n  node [shape = box];\n"),
    }
    // The resources of a module are drawn within it. Those of a module follow each other, and those of the
    // modules in it follow them.
    let mut open: &[ModuleStep] = &[];
    let mut count = 0;
    for (index, instance) in instances.iter().enumerate() {
        let address = &instance.address;
        let steps = address.module.steps();
        let shared = open.iter().zip(steps).take_while(|(left, right)| left == right).count();
        for depth in (shared..open.len()).rev() {
            let _ = writeln!(text, "{}{}", "  ".repeat(depth + 1), args.format.end());
        }
        for depth in shared..steps.len() {
            let name = ModulePath::of(steps[..=depth].to_vec()).to_string();
            let indent = "  ".repeat(depth + 1);
            // Writing to a string cannot fail.
            let _ = match args.format {
                Format::Mermaid => {
                    writeln!(text, "{indent}subgraph m{count}[\"{}\"]", args.format.label(&name))
                }
                Format::Dot => writeln!(
                    text,
                    "{indent}subgraph cluster_{count} {{\n{indent}  label = \"{}\";",
                    args.format.label(&name)
                ),
            };
            count += 1;
        }
        open = steps;
        let own = Address { module: ModulePath::default(), ..address.clone() }.to_string();
        let (indent, label) = ("  ".repeat(steps.len() + 1), args.format.label(&own));
        let _ = match args.format {
            Format::Mermaid => writeln!(text, "{indent}n{index}[\"{label}\"]"),
            Format::Dot => writeln!(text, "{indent}n{index} [label = \"{label}\"];"),
        };
    }
    for depth in (0..open.len()).rev() {
        let _ = writeln!(text, "{}{}", "  ".repeat(depth + 1), args.format.end());
    }
    for (index, instance) in instances.iter().enumerate() {
        for needed in instance.needs.iter().filter_map(|need| places.get(need)) {
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
