//! The command line, with one file per command. It decides nothing about resources.

mod apply;
mod args;
mod audit;
mod completions;
mod context;
mod destroy;
mod diff;
mod drift;
mod exit;
mod explain;
mod facts;
mod files;
mod formats;
mod graph;
mod import;
mod ledger;
mod locking;
mod misplaced;
mod modules;
mod output;
mod plan;
mod printer;
mod progress;
mod provenance;
mod record;
mod revision;
mod sandbox;
mod schema;
mod scratch;
mod show;
mod spinner;
mod stream;
mod switch;
mod totals;
mod validate;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::diag::{self, Diagnostic, Sources};
use crate::signals;
use args::{AwsArgs, SelectArgs, StackArgs};
use exit::{Exit, Failure, Outcome};
use printer::Printer;
use switch::switch;

/// Provisions AWS data warehouses from declarative TOML stacks.
///
/// A stack is a folder with a stack.toml and other *.toml files beside it. `dwctl plan` compares it
/// with live AWS, `dwctl apply` changes AWS to match it.
#[derive(Debug, Parser)]
#[command(name = "dwctl", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done or no changes · 1 error · 2 changes present (--detailed-exitcode) · \
    3 stack invalid · 4 drift · 5 lock held · 6 interrupted, safe to run again · 7 refused"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,

    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, env = "DWCTL_COLOR", value_name = "WHEN", help_heading = "Output")]
    color: Color,

    /// Logs to stderr at this level, such as `debug` or `dwctl=trace`. Never logs a secret.
    #[arg(long, global = true, env = "DWCTL_LOG", value_name = "FILTER", help_heading = "Output")]
    log: Option<String>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Validate(validate::Args),
    Plan(plan::Args),
    Show(show::Args),
    Apply(apply::Args),
    Destroy(destroy::Args),
    Drift(drift::Args),
    Diff(diff::Args),
    Import(import::Args),
    Output(output::Args),
    Graph(graph::Args),
    Modules(modules::Args),
    Ledger(ledger::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Sandbox(sandbox::Args),
    Completions(completions::Args),
}

/// Runs the command line and returns its exit code.
pub fn main() -> ExitCode {
    match completions::answered(Cli::command) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return said(&error),
    }
    signals::listen(cut_off);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return said(&error),
    };
    hide();
    scratch::sweep();
    let printer = Printer::new(match cli.color {
        Color::Auto => None,
        Color::Always => Some(true),
        Color::Never => Some(false),
    });
    if cli.log.is_some() {
        // Log lines may appear at any time.
        printer.is_logged();
    }
    if let Some(filter) = &cli.log
        && let Err(problem) = log_to_stderr(filter)
    {
        printer.diagnostics(&[problem], &Sources::default());
        return ExitCode::from(Exit::Error as u8);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Diagnostic::error("system", "cannot start").note(error.to_string());
            printer.diagnostics(&[problem], &Sources::default());
            return ExitCode::from(Exit::Error as u8);
        }
    };
    let outcome = runtime.block_on(until_stopped(run(cli.verb, &printer), &printer));
    let mut exit = outcome.unwrap_or_else(|failure| {
        printer.diagnostics(&failure.diagnostics, &failure.sources);
        failure.exit
    });
    if signals::is_stopping() && exit != Exit::Interrupted {
        // The same Ctrl-C may also have killed a child process, so a failure counts as interrupted.
        let done = matches!(exit, Exit::Done | Exit::Changes | Exit::Drift);
        printer.note(if done { "Interrupted. Everything was already done." } else { "Interrupted." });
        exit = Exit::Interrupted;
    }
    printer.end(exit as u8);
    if printer.is_cut_short() && matches!(exit, Exit::Done | Exit::Changes | Exit::Drift) {
        exit = Exit::Error;
    }
    // Background work, such as idle connections, has nothing to finish.
    runtime.shutdown_background();
    ExitCode::from(exit as u8)
}

/// Prints clap's own output, such as help or a parse error.
fn said(error: &clap::Error) -> ExitCode {
    let printer = Printer::new(None);
    let words = error.render();
    let help = misplaced::help(error, &Cli::command(), &std::env::args().collect::<Vec<_>>());
    let help = help.map(|help| format!("\nhelp: {help}\n")).unwrap_or_default();
    let words = |coloured| if coloured { words.ansi().to_string() } else { words.to_string() } + &help;
    if error.use_stderr() {
        printer.refusal(words);
    } else {
        printer.out(&words(printer.colour()));
    }
    // Not clap's own 2, which a pipeline would take for "there are changes".
    let is_error = error.use_stderr() || printer.is_cut_short();
    ExitCode::from(if is_error { Exit::Error } else { Exit::Done } as u8)
}

async fn run(verb: Verb, printer: &Printer) -> Outcome {
    match verb {
        Verb::Validate(args) => validate::run(args, printer),
        Verb::Plan(args) => plan::run(args, printer).await,
        Verb::Show(args) => show::run(args, printer).await,
        Verb::Apply(args) => apply::run(args, printer).await,
        Verb::Destroy(args) => destroy::run(args, printer).await,
        Verb::Drift(args) => drift::run(args, printer).await,
        Verb::Diff(args) => diff::run(args, printer),
        Verb::Import(args) => import::run(args, printer).await,
        Verb::Output(args) => output::run(args, printer).await,
        Verb::Graph(args) => graph::run(args, printer),
        Verb::Modules(args) => modules::run(args, printer),
        Verb::Ledger(args) => ledger::run(args, printer).await,
        Verb::Explain(args) => explain::run(args, printer),
        Verb::Schema(args) => schema::run(args, printer),
        Verb::Sandbox(args) => sandbox::run(args, printer).await,
        Verb::Completions(args) => completions::run(args, printer),
    }
}

/// Works until it is done, or until a signal came and nothing is running or held.
async fn until_stopped(work: impl Future<Output = Outcome>, printer: &Printer) -> Outcome {
    let mut work = std::pin::pin!(work);
    let mut is_announced = false;
    loop {
        tokio::select! {
            biased;
            outcome = &mut work => return outcome,
            () = signals::free() => return Err(signals::interrupted().note("nothing was changed").into()),
            () = signals::first(), if !is_announced => {
                is_announced = true;
                // If nothing is running, the command ends at once.
                if signals::is_working() {
                    printer.stopping();
                }
            }
        }
    }
}

/// Ends the process if the main thread does not end in time. That thread may hold the lock of stderr, so
/// nothing here waits for it.
fn cut_off() -> ! {
    let (finished, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        printer::last_words("\nInterrupted.\n");
        // If it took too long, the receiver is gone.
        finished.send(()).ok();
    });
    // A failure to print in time is no reason to stay.
    heard.recv_timeout(std::time::Duration::from_millis(100)).ok();
    std::process::exit(Exit::Interrupted as i32)
}

/// Registers the credentials of the environment as secrets, and redacts panic messages.
fn hide() {
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
        if let Ok(secret) = std::env::var(name) {
            diag::learn(&secret);
        }
    }
    std::panic::set_hook(Box::new(|panic| {
        use std::io::Write;
        let trace = std::backtrace::Backtrace::capture();
        // If stderr cannot be written, there is nowhere to report that.
        let words = format!("dwctl has a bug: {panic}\n{trace}\n");
        drop(printer::MaskedStderr.write_all(words.as_bytes()));
    }));
}

fn log_to_stderr(filter: &str) -> Result<(), Diagnostic> {
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = if filter.contains('=') { filter.to_owned() } else { format!("dwctl={filter}") };
    if filter.split(',').any(|part| !part.starts_with("dwctl") && part.contains('=')) {
        return Err(Diagnostic::error("invalid-argument", "--log takes a level, or dwctl=LEVEL")
            .note("the events of the AWS SDK contain request bodies, and so secrets"));
    }
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        Diagnostic::error("invalid-argument", "--log is not a valid filter").note(error.to_string())
    })?;
    // Request bodies may hold secrets, and the SDK logs them at `debug` and below. So only dwctl's own
    // events are written, whatever the filter says.
    let own = filter_fn(|about| about.target() == "dwctl" || about.target().starts_with("dwctl::"));
    let writer = tracing_subscriber::fmt::layer().with_writer(|| printer::MaskedStderr);
    tracing_subscriber::registry().with(writer.with_filter(own.and(filter))).init();
    Ok(())
}
