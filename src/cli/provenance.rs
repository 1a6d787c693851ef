//! Detects the run of GitHub Actions or GitLab CI from the environment. The author of a pull request
//! controls part of it, so only characters that are harmless in a link are accepted.

use std::path::Path;

use crate::files::read_given;
use crate::plan::format::Provenance;

/// Maximum size in bytes of GitHub's event file. GitHub sends no larger event
/// (<https://docs.github.com/en/webhooks/webhook-events-and-payloads>).
const EVENT: u64 = 25 << 20;
/// Longest part of a URL that is accepted.
const LONGEST: usize = 500;

/// The CI run of this process; `None` outside of a known CI.
pub(super) fn of_environment() -> Option<Provenance> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // Reading a pipe might never end.
    of(&variable, &|path| path.is_file().then(|| read_given(path, EVENT).ok()).flatten())
}

/// The CI run described by these variables and files.
fn of(
    variable: &dyn Fn(&str) -> Option<String>,
    file: &dyn Fn(&Path) -> Option<Vec<u8>>,
) -> Option<Provenance> {
    let is_true = |name: &str| variable(name).is_some_and(|value| value == "true");
    if is_true("GITHUB_ACTIONS") {
        Some(github(variable, file))
    } else if is_true("GITLAB_CI") {
        Some(gitlab(variable))
    } else {
        None
    }
}

/// See <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>.
fn github(variable: &dyn Fn(&str) -> Option<String>, file: &dyn Fn(&Path) -> Option<Vec<u8>>) -> Provenance {
    let project = variable("GITHUB_SERVER_URL")
        .zip(variable("GITHUB_REPOSITORY"))
        .and_then(|(server, repository)| url(&format!("{server}/{repository}")));
    let run =
        variable("GITHUB_RUN_ID").filter(|id| is_number(id)).zip(project.clone()).map(|(id, project)| {
            match variable("GITHUB_RUN_ATTEMPT").filter(|attempt| is_number(attempt)) {
                Some(attempt) => format!("{project}/actions/runs/{id}/attempts/{attempt}"),
                None => format!("{project}/actions/runs/{id}"),
            }
        });
    let is_request = variable("GITHUB_EVENT_NAME")
        .is_some_and(|event| matches!(event.as_str(), "pull_request" | "pull_request_target"));
    // `GITHUB_SHA` is a temporary merge commit that means nothing to the reader.
    let head = variable("GITHUB_EVENT_PATH").filter(|_| is_request).and_then(|path| {
        let event: serde_json::Value = serde_json::from_slice(&file(Path::new(&path))?).ok()?;
        Some(event["pull_request"]["head"]["sha"].as_str()?.to_owned())
    });
    let commit = head.filter(|commit| is_commit(commit)).or_else(|| variable("GITHUB_SHA"));
    let commit = commit.filter(|commit| is_commit(commit)).zip(project);
    let commit = commit.map(|(commit, project)| {
        let url = format!("{project}/commit/{commit}");
        (commit, url)
    });
    Provenance { run, commit, is_request }
}

/// See <https://docs.gitlab.com/ci/variables/predefined_variables/>.
fn gitlab(variable: &dyn Fn(&str) -> Option<String>) -> Provenance {
    let project = variable("CI_PROJECT_URL").and_then(|project| url(&project));
    let job = variable("CI_JOB_ID").filter(|id| is_number(id)).zip(project.clone());
    let is_request = variable("CI_MERGE_REQUEST_IID").is_some();
    // In a pipeline of merged results, this is the commit that was pushed.
    let source = variable("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").filter(|commit| is_commit(commit));
    let commit = source.or_else(|| variable("CI_COMMIT_SHA").filter(|commit| is_commit(commit)));
    let commit = commit.zip(project).map(|(commit, project)| {
        let url = format!("{project}/-/commit/{commit}");
        (commit, url)
    });
    Provenance { run: job.map(|(id, project)| format!("{project}/-/jobs/{id}")), commit, is_request }
}

/// Accepts a URL of a server and a path. Its characters must have no meaning in Markdown or HTML, and no
/// browser may interpret them differently.
fn url(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || more.contains(one))
    };
    let is_step = |step: &str| is_plain(step, "._-") && step != "." && step != "..";
    let fits = text.len() <= LONGEST && is_plain(name, ".-") && port.is_none_or(is_number);
    (fits && path.split('/').all(is_step)).then(|| text.to_owned())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|one| one.is_ascii_digit())
}

/// Returns whether a text is a commit id of SHA-1 or SHA-256.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Provenance, of, url};

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
    const HEAD: &str = "89abcdef0123456789abcdef0123456789abcdef";

    fn provenance(variables: &[(&str, &str)], event: &str) -> Option<Provenance> {
        let variable =
            |name: &str| variables.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
        of(&variable, &|path: &Path| (path == Path::new("/event")).then(|| event.as_bytes().to_vec()))
    }

    #[test]
    fn a_pull_request_is_identified_by_its_head() {
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/lake.house"),
            ("GITHUB_RUN_ID", "123"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_SHA", SHA),
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_EVENT_PATH", "/event"),
        ];
        let event = format!("{{\"pull_request\":{{\"head\":{{\"sha\":\"{HEAD}\"}}}}}}");
        let found = provenance(&variables, &event).expect("a provenance");
        assert_eq!(
            found.run.as_deref(),
            Some("https://github.com/acme/lake.house/actions/runs/123/attempts/2")
        );
        let (commit, url) = found.commit.expect("a commit");
        assert_eq!((commit.as_str(), found.is_request), (HEAD, true));
        assert_eq!(url, format!("https://github.com/acme/lake.house/commit/{HEAD}"));
        // A malformed event is ignored.
        for event in ["", "[]", "{\"pull_request\":{\"head\":{\"sha\":\"](https://evil.example)\"}}}"] {
            let found = provenance(&variables, event).expect("a provenance");
            assert_eq!(found.commit.expect("a commit").0, SHA);
        }
    }

    #[test]
    fn a_gitlab_job_is_recognised() {
        let variables = [
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_URL", "https://git.acme.example:8443/data/lake"),
            ("CI_JOB_ID", "7"),
            ("CI_COMMIT_SHA", SHA),
        ];
        let found = provenance(&variables, "").expect("a provenance");
        assert_eq!(found.run.as_deref(), Some("https://git.acme.example:8443/data/lake/-/jobs/7"));
        let url = format!("https://git.acme.example:8443/data/lake/-/commit/{SHA}");
        assert_eq!((found.commit, found.is_request), (Some((SHA.to_owned(), url)), false));
    }

    #[test]
    fn values_that_could_be_notation_are_left_out() {
        for wrong in [
            "javascript:alert(1)//x/y",
            "https://github.com",
            "https://git hub.com/a/b",
            "https://github.com/a/b)[x](https://evil.example",
            "https://user@github.com/a/b",
            "https://github.com/a/../b",
            "https://github.com/a/b?x=<script>",
            "https://github.com:port/a/b",
            "https://github.com/a//b",
            "https://github.com/a/b\n",
        ] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/lake](x"),
            ("GITHUB_RUN_ID", "1"),
            ("GITHUB_SHA", SHA),
        ];
        assert_eq!(provenance(&variables, ""), Some(Provenance::default()));
        assert_eq!(provenance(&[("CI", "true"), ("GITHUB_SHA", SHA)], ""), None);
    }
}
