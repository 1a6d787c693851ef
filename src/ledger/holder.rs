//! The holder of a lock, as shown to those who wait for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diag::Diagnostic;

/// The content of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Identifies this hold of the lock, for `dwctl ledger unlock`.
    pub id: String,
    /// The command that holds it, such as `dwctl apply`.
    pub command: String,
    /// The caller's ARN, if AWS was asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The machine's name.
    pub host: String,
    /// The process on that machine.
    pub pid: u32,
    /// The page of the CI run, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci: Option<String>,
    /// When the lock was taken, RFC 3339, by the holder's clock.
    pub since: String,
    /// The last heartbeat, RFC 3339, by the holder's clock.
    pub heartbeat: String,
    /// When it expires without a further heartbeat, by the holder's clock.
    pub expires: String,
    /// Seconds without a heartbeat after which it may be taken over; 0 if the system frees it.
    #[serde(default)]
    pub expiry_seconds: u64,
    /// Counts the heartbeats, so that no two texts are alike.
    #[serde(default)]
    pub beat: u64,
}

impl Holder {
    /// Creates the holder for this process and `command`; `owner` is the caller's ARN.
    pub fn new(command: &str, owner: Option<&str>) -> Self {
        let now = super::now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            command: format!("dwctl {command}"),
            owner: owner.map(str::to_owned),
            host: host(),
            pid: std::process::id(),
            ci: ci(|name| std::env::var(name).ok().filter(|value| !value.is_empty())),
            since: now.clone(),
            heartbeat: now.clone(),
            expires: now,
            expiry_seconds: 0,
            beat: 0,
        }
    }

    /// Sets the next heartbeat, which holds for `expiry`.
    pub(super) fn renew(&mut self, expiry: Duration) {
        let now = jiff::Timestamp::now();
        self.heartbeat = super::now();
        self.expires = now.checked_add(expiry).unwrap_or(now).to_string();
        self.expiry_seconds = expiry.as_secs();
        self.beat += 1;
    }

    /// The lock's text.
    pub(super) fn text(&self) -> Vec<u8> {
        // Strings and numbers always have a JSON form.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Parses the text of a lock. An unreadable one is known by `id` alone.
    pub(super) fn parse(text: &[u8], id: &str) -> Self {
        serde_json::from_slice(text).unwrap_or_else(|_| Self {
            id: id.to_owned(),
            command: "unknown".to_owned(),
            owner: None,
            host: "unknown".to_owned(),
            pid: 0,
            ci: None,
            since: String::new(),
            heartbeat: String::new(),
            expires: String::new(),
            expiry_seconds: 0,
            beat: 0,
        })
    }

    /// Returns whether its heartbeat has expired, as far as clocks can be trusted.
    pub(super) fn seems_dead(&self) -> bool {
        let expires: Option<jiff::Timestamp> = self.expires.parse().ok();
        self.expiry_seconds > 0 && expires.is_none_or(|expires| expires < jiff::Timestamp::now())
    }

    /// The holder in one line.
    pub fn words(&self) -> String {
        let mut words = match &self.owner {
            Some(owner) => format!("{owner} on {}", self.host),
            None => self.host.clone(),
        };
        words.push_str(&format!(" (process {}, `{}`)", self.pid, self.command));
        if !self.since.is_empty() {
            words.push_str(&format!(" since {}", self.since));
        }
        if let Some(ci) = &self.ci {
            words.push_str(&format!(", {ci}"));
        }
        words
    }

    /// The error for those who do not get the lock.
    pub(super) fn locked(&self) -> Diagnostic {
        let diagnostic = Diagnostic::error("locked", "another dwctl is changing this stack")
            .note(format!("the lock is held by {}", self.words()));
        let diagnostic = match self.expiry_seconds {
            0 => diagnostic,
            _ => diagnostic.note(format!("it was last renewed at {}", self.heartbeat)),
        };
        let diagnostic =
            diagnostic.note("nothing was changed").help("to wait for it, add --lock-timeout 10m");
        match self.expiry_seconds {
            0 => diagnostic.help("the system releases the lock when the process ends"),
            seconds => diagnostic
                .help(format!("the lock of a dead process expires after {seconds} s"))
                .help(format!("to release it by hand: dwctl ledger unlock {}", self.id)),
        }
    }
}

/// The advice on how to free a lock.
pub(super) fn by_hand(holder: &Holder) -> String {
    format!("to release it by hand: dwctl ledger unlock {}", holder.id)
}

/// Adds when a lock that could not be freed expires.
pub(super) fn frees_itself(error: Diagnostic, expiry: Duration) -> Diagnostic {
    error.note(format!("it expires {} s after its last renewal", expiry.as_secs()))
}

/// The machine's name.
fn host() -> String {
    let name = |text: String| Some(text.trim().to_owned()).filter(|name| !name.is_empty());
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .and_then(name)
        .or_else(|| std::env::var("HOSTNAME").ok().and_then(name))
        .or_else(|| {
            let output = std::process::Command::new("hostname").output().ok()?;
            name(String::from_utf8_lossy(&output.stdout).into_owned())
        })
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The page of this process's CI run.
fn ci(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    // https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    let github = || {
        let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", variable("GITHUB_RUN_ID")?))
    };
    // https://docs.gitlab.com/ci/variables/predefined_variables/ ; Jenkins.
    github().or_else(|| variable("CI_JOB_URL")).or_else(|| variable("BUILD_URL"))
}

#[cfg(test)]
mod tests {
    use super::{Holder, ci};

    #[test]
    fn a_lock_names_the_ci_run_of_its_holder() {
        let github = |name: &str| match name {
            "GITHUB_SERVER_URL" => Some("https://github.com".to_owned()),
            "GITHUB_REPOSITORY" => Some("acme/lake".to_owned()),
            "GITHUB_RUN_ID" => Some("7".to_owned()),
            _ => None,
        };
        assert_eq!(ci(github).as_deref(), Some("https://github.com/acme/lake/actions/runs/7"));
        let gitlab = |name: &str| (name == "CI_JOB_URL").then(|| "https://gitlab.com/j/1".to_owned());
        assert_eq!(ci(gitlab).as_deref(), Some("https://gitlab.com/j/1"));
        assert_eq!(ci(|_| None), None);
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let mut holder = Holder::new("apply", Some("arn:aws:iam::123456789012:user/ann"));
        holder.renew(std::time::Duration::from_secs(60));
        assert_eq!(Holder::parse(&holder.text(), ""), holder);
        assert!(!holder.seems_dead());
        assert_eq!(Holder::parse(b"junk", "etag").id, "etag");
        let words = holder.locked().notes.join("\n");
        assert!(words.contains("user/ann") && words.contains("dwctl apply"), "{words}");
    }
}
