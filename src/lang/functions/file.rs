//! Files of the stack. Nothing outside of its folder is read.

use std::fs;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use globset::GlobBuilder;

use super::super::{Names, Template};
use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::diag::{FileId, Span};
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
    Function::new("fileset", &["path", "pattern"], Reads::All, fileset),
    Function::new("pathexpand", &["path"], Reads::All, pathexpand),
    Function::new("templatefile", &["path", "variables"], Reads::Surface, templatefile),
];

/// The bytes of the file that the first argument names.
pub(super) fn read_bytes(arguments: &Arguments<'_>) -> Result<Vec<u8>, Problem> {
    let text = arguments.text(0)?;
    let path = inside(arguments.folder, &text)?.ok_or_else(|| missing(&text))?;
    // Reading a pipe or a device could take forever.
    if !path.is_file() {
        return Err(Problem::of(0, format!("`{text}` is not a file")).code("not-a-file"));
    }
    fs::read(path)
        .map_err(|error| Problem::of(0, format!("cannot read `{text}`: {error}")).code("unreadable-file"))
}

fn missing(path: &str) -> Problem {
    Problem::of(0, format!("there is no file `{path}`")).code("no-such-file")
}

fn read_text(arguments: &Arguments<'_>) -> Result<String, Problem> {
    String::from_utf8(read_bytes(arguments)?).map_err(|_| {
        Problem::of(0, "the file is not UTF-8 text; `filebase64` reads files of any content").code("not-utf8")
    })
}

/// Where `text` leads, links followed; `None` if there is nothing. It is an error if
/// that is outside of the folder.
fn inside(folder: &Path, text: &str) -> Result<Option<PathBuf>, Problem> {
    let outside =
        || Problem::of(0, format!("`{text}` is outside of the stack's folder")).code("outside-folder");
    let unreadable = |error: std::io::Error| {
        Problem::of(0, format!("cannot read the stack's folder: {error}")).code("unreadable-file")
    };
    let root = fs::canonicalize(folder).map_err(unreadable)?;
    match fs::canonicalize(root.join(text)) {
        Ok(real) if real.starts_with(&root) => Ok(Some(real)),
        Ok(_) => Err(outside()),
        // What is not there cannot be followed, but must not be asked for elsewhere either.
        Err(_) => {
            let written = std::path::absolute(folder).map_err(unreadable)?;
            let within = |root: &Path| lexical(&root.join(text)).starts_with(lexical(root));
            if within(&root) || within(&written) { Ok(None) } else { Err(outside()) }
        }
    }
}

/// The path without `.` and `..`, as far as its text tells.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    out
}

fn shown(path: &Path) -> Value {
    path.to_string_lossy().replace('\\', "/").into()
}

fn abspath(arguments: &mut Arguments<'_>) -> Outcome {
    let path = arguments.folder.join(&*arguments.text(0)?);
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
    match inside(arguments.folder, &text)? {
        Some(path) if path.is_file() => Ok(true.into()),
        Some(_) => Err(Problem::of(0, format!("`{text}` is not a file")).code("not-a-file")),
        None => Ok(false.into()),
    }
}

fn fileset(arguments: &mut Arguments<'_>) -> Outcome {
    let (text, pattern) = (arguments.text(0)?, arguments.text(1)?);
    let matcher = GlobBuilder::new(&pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| Problem::of(1, format!("not a valid pattern: {}", error.kind())))?
        .compile_matcher();
    let Some(root) = inside(arguments.folder, &text)? else { return Ok(Value::List(Vec::new())) };
    let boundary = fs::canonicalize(arguments.folder).unwrap_or_default();
    let mut found = Vec::new();
    let mut folders = vec![(root, String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let unreadable = |error: std::io::Error| {
            Problem::of(0, format!("cannot list `{text}`: {error}")).code("unreadable-file")
        };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(unreadable)?;
            // Folders behind links are left out: they can lead in circles.
            if kind.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else if matcher.is_match(&name) && is_file_inside(&entry.path(), &boundary) {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(Value::list(found))
}

fn is_file_inside(path: &Path, boundary: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|real| real.is_file() && real.starts_with(boundary))
}

fn templatefile(arguments: &mut Arguments<'_>) -> Outcome {
    if arguments.inside_template_file {
        return Err(Problem::new("a template file cannot read template files").code("recursive-template"));
    }
    let variables = arguments.take_map(1)?;
    let text = read_text(arguments)?;
    // The file is not one of the stack's sources, so its places are told in words.
    let whole = Span::new(FileId(u32::MAX), 0, text.len());
    let names = Names { values: variables, folder: arguments.folder.to_owned() };
    let outcome = Template::parse(&text, whole, true)
        .map_err(|error| vec![error])
        .and_then(|template| template.evaluate_file(&names));
    outcome.map_err(|errors| {
        let path = arguments.text(0).unwrap_or_default();
        let mut problem =
            Problem::of(0, format!("the template `{path}` cannot be evaluated")).code("invalid-template");
        problem.notes = errors
            .into_iter()
            .map(|error| {
                let start = error.primary.as_ref().map_or(0, |label| label.span.start.min(text.len()));
                let before = text.get(..start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                format!("{path}:{line}:{column}: {}", error.message)
            })
            .collect();
        problem
    })
}
