//! Problems of a spec.

/// A violation of a rule that the schema cannot express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the attribute, as in [`Known::get`](super::Known::get).
    pub path: String,
    /// The error, without a full stop.
    pub message: String,
    /// Advice; may be empty.
    pub help: String,
    /// A warning is shown but stops nothing: AWS accepts the value, or may accept it.
    pub warning: bool,
}

impl Problem {
    /// A problem at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), help: String::new(), warning: false }
    }

    /// A value at `path` that AWS accepts, or may accept, but that is hardly intended.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { warning: true, ..Self::new(path, message) }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// The problems whose conditions hold, in order:
///
/// ```ignore
/// problems! {
///     "queue_name" if is_other => "only the name of a FIFO queue ends in `.fifo`", "end it in `.fifo`";
/// }
/// ```
macro_rules! problems {
    ($($path:literal if $broken:expr => $message:expr, $help:expr;)+) => {{
        let mut problems = Vec::new();
        $(if $broken {
            problems.push($crate::kind::Problem::new($path, $message).help($help));
        })+
        problems
    }};
}

pub(crate) use problems;
