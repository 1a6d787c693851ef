//! Functions that read files of the stack: only from its folder and the folders that it shares.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::{Names, convert};
use super::function::TEMPLATE_STRING;
use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::diag::a;
use crate::files::lexical;
use crate::limits;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abspath", &["path"], Reads::All, abspath),
    Function::new("basename", &["path"], Reads::All, basename),
    Function::new("dirname", &["path"], Reads::All, dirname),
    Function::new("file", &["path"], Reads::All, |arguments| read_text(arguments).map(Value::String)),
    Function::new("filebase64", &["path"], Reads::All, |arguments| {
        Ok(STANDARD.encode(read_bytes(arguments)?).into())
    }),
    Function::new("fileexists", &["path"], Reads::All, fileexists),
    Function::new("fileset", &["path", "pattern"], Reads::All, super::fileset::fileset),
    Function::new("pathexpand", &["path"], Reads::All, pathexpand),
    Function::new("templatefile", &["path", "variables"], Reads::Surface, templatefile),
    Function::new(TEMPLATE_STRING, &["template", "variables"], Reads::Surface, templatestring),
];

/// The bytes of the file in the first argument.
pub(super) fn read_bytes(arguments: &Arguments<'_>) -> Result<Vec<u8>, Problem> {
    let text = arguments.text(0)?;
    let bytes = arguments
        .files
        .read(&*text, limits::FUNCTION_FILE)
        .map_err(|refusal| Problem::refused(&refusal, &text, arguments.files))?;
    arguments.work(64 + bytes.len() / 256)?;
    arguments.room(bytes.len())?;
    Ok(bytes)
}

fn read_text(arguments: &Arguments<'_>) -> Result<String, Problem> {
    String::from_utf8(read_bytes(arguments)?).map_err(|_| {
        Problem::of(0, "the file is not UTF-8 text; `filebase64` reads files of any content").code("not-utf8")
    })
}

fn shown(path: &Path) -> Value {
    let text = path.to_string_lossy();
    if cfg!(windows) { text.replace('\\', "/").into() } else { text.into_owned().into() }
}

fn abspath(arguments: &mut Arguments<'_>) -> Outcome {
    let path = arguments.files.folder().join(&*arguments.text(0)?);
    let absolute = std::path::absolute(path).map_err(|error| Problem::of(0, error.to_string()))?;
    Ok(shown(&lexical(&absolute)))
}

fn basename(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let trimmed = text.trim_end_matches('/');
    Ok(match trimmed.rsplit('/').next() {
        _ if text.is_empty() => ".".into(),
        _ if trimmed.is_empty() => "/".into(),
        name => name.into(),
    })
}

fn dirname(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let Some((folder, _)) = text.rsplit_once('/') else { return Ok(".".into()) };
    let clean = lexical(Path::new(if folder.is_empty() { "/" } else { folder }));
    Ok(if clean.as_os_str().is_empty() { ".".into() } else { shown(&clean) })
}

fn pathexpand(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let rest = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => return Ok((&*text).into()),
    };
    let home = std::env::home_dir().ok_or_else(|| Problem::of(0, "the home folder is not known"))?;
    Ok(shown(&home.join(rest.trim_start_matches('/'))))
}

fn fileexists(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    arguments
        .files
        .exists(&*text)
        .map(Value::Bool)
        .map_err(|refusal| Problem::refused(&refusal, &text, arguments.files))
}

fn templatefile(arguments: &mut Arguments<'_>) -> Outcome {
    let text = read_text(arguments)?;
    let path = arguments.text(0)?.into_owned();
    // A byte order mark is not part of the text.
    rendered(arguments, &path, text.strip_prefix('\u{feff}').unwrap_or(&text))
}

/// The parser has checked that the template is a reference.
fn templatestring(arguments: &mut Arguments<'_>) -> Outcome {
    let Value::String(text) = arguments.take(0) else {
        return Err(Problem::wrong_type(0, "string", arguments.get(0)));
    };
    let value = rendered(arguments, "template", &text)?;
    match convert::to_text(&value) {
        Some(text) => Ok(text.into_owned().into()),
        None => Err(Problem::of(0, format!("the template returns {}, not a string", a(value.kind_name())))),
    }
}

/// Renders a template with the variables in the second argument.
fn rendered(arguments: &mut Arguments<'_>, path: &str, text: &str) -> Outcome {
    if arguments.inside_template_file {
        return Err(Problem::new("a template cannot evaluate other templates").code("recursive-template"));
    }
    let variables = arguments.take_map(1)?;
    if let Some(name) = variables.keys().find(|name| !is_name(name)) {
        return Err(Problem::of(1, format!("`{name}` cannot be the name of a variable")));
    }
    arguments.work(128 + text.len() / 4)?;
    let names = Names { values: variables, files: arguments.files.clone(), budget: arguments.budget.clone() };
    let problem = match (arguments.render)(text, &names) {
        Ok(Value::Null) => vec!["it returns null".to_owned()],
        Ok(value) => return Ok(value),
        Err(errors) => errors
            .into_iter()
            .map(|error| {
                let start = error.primary.as_ref().map_or(0, |label| label.span.start.min(text.len()));
                let before = text.get(..start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                format!("{path}:{line}:{column}: {}", error.message)
            })
            .collect(),
    };
    let message = format!("the template `{path}` cannot be evaluated");
    Err(Problem { notes: problem, ..Problem::of(0, message).code("invalid-template") })
}

/// Returns whether an expression can refer to a variable with this name.
fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    starts && name.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '-') || !one.is_ascii())
}
