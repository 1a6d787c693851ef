//! Sources of modules in other git repositories, in Terraform's form:
//! `git::https://HOST/REPOSITORY.git//FOLDER?ref=REVISION`
//! (<https://developer.hashicorp.com/terraform/language/modules/sources#generic-git-repository>).

use std::path::PathBuf;

/// A folder of another git repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remote {
    /// The repository, as git takes it.
    pub url: String,
    /// The folder in it, without `.` and `..`; empty if it is the top.
    pub folder: String,
    /// A branch, tag or commit; `None` for the default branch.
    pub revision: Option<String>,
}

/// Marks the source of a module as a git repository.
const GIT: &str = "git::";

/// Maximum length of a source in bytes.
const MAX_SOURCE: usize = 2_000;

impl Remote {
    /// Returns whether a source names another repository, in this form or in another tool's.
    pub fn is_one(source: &str) -> bool {
        source.starts_with(GIT) || source.contains("://") || source.starts_with("git@")
    }

    /// Parses a source.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn parse(source: &str) -> Result<Self, (&'static str, &'static str)> {
        const FORM: &str = "the form is git::https://HOST/REPOSITORY.git//FOLDER?ref=REVISION";
        let Some(rest) = source.strip_prefix(GIT) else {
            return Err(("does not begin with git::", FORM));
        };
        if source.len() > MAX_SOURCE || rest.chars().any(|one| one.is_whitespace() || one.is_control()) {
            return Err(("is no address of a repository", FORM));
        }
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let revision = match query.map(|query| query.split_once('=')) {
            None => None,
            Some(Some(("ref", revision))) if is_revision(revision) => Some(revision.to_owned()),
            Some(Some(("ref", _))) => {
                return Err(("names no revision", "after ?ref= comes a branch, a tag or a whole commit"));
            }
            Some(_) => return Err(("has other settings than ?ref=", "dwctl takes ?ref=REVISION alone")),
        };
        let (scheme, place) = match rest.split_once("://") {
            Some((scheme @ ("https" | "ssh"), place)) => (Some(scheme), place),
            Some(_) => return Err(("is neither https nor ssh", FORM)),
            None => (None, rest),
        };
        let (repository, folder) = place.split_once("//").unwrap_or((place, ""));
        let (host, path) = match scheme {
            Some(_) => repository.split_once('/').unwrap_or((repository, "")),
            // git@HOST:REPOSITORY
            None => repository.split_once(':').unwrap_or((repository, "")),
        };
        let (user, host) = host.rsplit_once('@').map_or((None, host), |(user, host)| (Some(user), host));
        if user.is_some_and(|user| scheme == Some("https") || user.contains(':')) {
            return Err((
                "contains credentials, which everybody who reads the stack would see",
                "leave them out of it: git takes them from its credential helper, or use ssh",
            ));
        }
        let is_host = !host.is_empty() && !host.starts_with('-') && !host.contains('\\');
        let is_path = !path.trim_matches('/').is_empty() && !user.is_some_and(|user| user.starts_with('-'));
        if !is_host || !is_path || (scheme.is_none() && user.is_none()) {
            return Err(("is no address of a repository", FORM));
        }
        let parts: Vec<&str> = folder.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.iter().any(|part| *part == ".." || part.contains('\\') || part.eq_ignore_ascii_case(".git"))
        {
            return Err((
                "names no folder of the repository",
                "after // comes a path from the repository's top",
            ));
        }
        let url = match scheme {
            Some(scheme) => format!("{scheme}://{repository}"),
            None => repository.to_owned(),
        };
        Ok(Self { url, folder: parts.join("/"), revision })
    }

    /// The folder in messages: `github.com/acme/modules@v1/lake`.
    pub fn shown(&self) -> PathBuf {
        let place = self.url.split_once("://").map_or(self.url.as_str(), |(_, place)| place);
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place).replace(':', "/");
        let place = place.trim_end_matches('/').trim_end_matches(".git");
        let revision = self.revision.as_deref().map(|one| format!("@{one}")).unwrap_or_default();
        PathBuf::from(format!("{place}{revision}")).join(&self.folder)
    }
}

/// Returns whether it can be a branch, tag or commit, and no option of git
/// (<https://git-scm.com/docs/git-check-ref-format>).
fn is_revision(text: &str) -> bool {
    let is_usual = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '_' | '-' | '/' | '+');
    !text.is_empty()
        && text.chars().all(is_usual)
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !text.contains("..")
        && !text.contains("//")
}

#[cfg(test)]
mod tests {
    use super::Remote;

    #[test]
    fn a_source_names_a_repository_a_folder_and_a_revision() {
        for (source, url, folder, revision, shown) in [
            (
                "git::https://github.com/acme/modules.git//lake?ref=v1.2.0",
                "https://github.com/acme/modules.git",
                "lake",
                Some("v1.2.0"),
                "github.com/acme/modules@v1.2.0/lake",
            ),
            ("git::ssh://git@host.org:22/m.git", "ssh://git@host.org:22/m.git", "", None, "host.org/22/m"),
            (
                "git::git@github.com:acme/modules.git//a/./b/?ref=team/next",
                "git@github.com:acme/modules.git",
                "a/b",
                Some("team/next"),
                "github.com/acme/modules@team/next/a/b",
            ),
        ] {
            let remote = Remote::parse(source).unwrap_or_else(|(what, _)| panic!("{source} {what}"));
            assert_eq!((remote.url.as_str(), remote.folder.as_str()), (url, folder), "{source}");
            assert_eq!(remote.revision.as_deref(), revision, "{source}");
            assert_eq!(remote.shown().to_string_lossy().trim_end_matches('/'), shown, "{source}");
        }
    }

    #[test]
    fn hostile_and_secret_sources_are_refused() {
        for (source, words) in [
            ("git::https://user:token@github.com/acme/m.git", "credentials"),
            ("git::https://token@github.com/acme/m.git", "credentials"),
            ("git::ssh://-oProxyCommand=x/acme/m.git", "no address"),
            ("git::ssh://-oProxyCommand=x@host/m.git", "no address"),
            ("git::ext::sh -c touch% x", "no address"),
            ("git::ext::sh", "no address"),
            ("git::file:///etc", "neither https nor ssh"),
            ("git::http://host/m.git", "neither https nor ssh"),
            ("git::https://host/m.git//a/../../b", "no folder"),
            ("git::https://host/m.git//.GIT/hooks", "no folder"),
            ("git::https://host/m.git?ref=--upload-pack=x", "no revision"),
            ("git::https://host/m.git?ref=a..b", "no revision"),
            ("git::https://host/m.git?ref=v1&depth=1", "no revision"),
            ("git::https://host/m.git?sshkey=AAAA", "other settings"),
            ("git::https://host", "no address"),
            ("git::https:///m.git", "no address"),
            ("git::../modules", "no address"),
            ("git::", "no address"),
            ("https://host/m.git", "begin with git::"),
        ] {
            let (what, _) = Remote::parse(source).expect_err(source);
            assert!(what.contains(words), "{source} {what}");
        }
    }
}
