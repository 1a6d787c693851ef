//! `cloudwatch_dashboard`.

use aws_sdk_cloudwatch::error::SdkError;
use aws_sdk_cloudwatch::operation::put_dashboard::PutDashboardError;

use super::shared::{tag, tags};
use crate::kind::prelude::*;

/// A dashboard of Amazon CloudWatch: graphs, logs, alarms and text on one page. Dashboards belong to
/// the account, not to a region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the dashboard, unique in the account.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub dashboard_name: String,
    /// The dashboard: its `widgets`, and `start`, `end`, `periodOverride` and `variables`, as
    /// [Dashboard body structure and syntax](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html)
    /// spells them.
    #[schemars(extend("x-dwctl-document" = "dashboard"))]
    pub dashboard_body: Json,
}

/// The attributes of a dashboard that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the dashboard.
    pub arn: String,
}

/// The kind `cloudwatch_dashboard`.
pub struct Dashboard;

impl Kind for Dashboard {
    const CFN: Option<&'static str> = Some("AWS::CloudWatch::Dashboard");
    const TERRAFORM: Terraform = Terraform::of("aws_cloudwatch_dashboard", &[]);
    const ACTIONS: Actions = Actions {
        read: &["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"],
        create: &["cloudwatch:PutDashboard", "cloudwatch:TagResource"],
        update: &["cloudwatch:PutDashboard", "cloudwatch:TagResource", "cloudwatch:UntagResource"],
        delete: &["cloudwatch:DeleteDashboards"],
    };
    // `PutDashboard` replaces the content of a dashboard of the same name
    // (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html>).
    const ON_EXISTING: OnExisting = OnExisting::Overwrites;
    const TAGS_APART: bool = true;
    const ID: Option<&'static str> = Some("dashboard_name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("dashboard_name").map(|name| arn(scope, name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        match spec.get("dashboard_body") {
            Some(Value::String(text)) => match Json::parse(text) {
                Ok(body) => check_body(&Value::from_json(body.as_value())),
                // Not JSON: the schema says so.
                Err(_) => Vec::new(),
            },
            Some(body) => check_body(body),
            None => Vec::new(),
        }
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        // CloudWatch returns bodies and tags of one dashboard at a time.
        each(lookups, 10, |lookup| read(cx, lookup)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        cx.aws
            .cloudwatch()
            .put_dashboard()
            .dashboard_name(&want.dashboard_name)
            .dashboard_body(want.dashboard_body.to_text())
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await
            .map_err(explained)?;
        Ok(want.dashboard_name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        if live.dashboard_body != want.dashboard_body {
            cx.aws
                .cloudwatch()
                .put_dashboard()
                .dashboard_name(id)
                .dashboard_body(want.dashboard_body.to_text())
                .send()
                .await
                .map_err(explained)?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.cloudwatch().delete_dashboards().dashboard_names(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, &attrs.arn, set, remove).await
    }
}

/// Dashboards have no region
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html>).
fn arn(scope: &Scope, name: &str) -> String {
    scope.global_arn("cloudwatch", format!("dashboard/{name}"))
}

async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<Dashboard>>> {
    let arn = arn(&cx.scope, lookup.id);
    let dashboard =
        async { cx.aws.cloudwatch().get_dashboard().dashboard_name(lookup.id).send().await.or_gone() };
    let both = lookup.both(dashboard, tags(cx, &lookup, &arn)).await?;
    let Some((dashboard, tags)) = both else { return Ok(None) };
    let spec = read!(dashboard => Spec { dashboard_name: lookup.id.to_owned(), dashboard_body });
    Ok(Some(Live::ready(spec, Attrs { arn }, tags)))
}

/// The error with what CloudWatch has against the body, which its own message only counts.
fn explained(error: SdkError<PutDashboardError>) -> Error {
    let reasons: Vec<String> = match error.as_service_error() {
        Some(PutDashboardError::DashboardInvalidInputError(invalid)) => invalid
            .dashboard_validation_messages()
            .iter()
            .map(|reason| match (reason.data_path(), reason.message()) {
                (Some(path), Some(message)) if !path.is_empty() => format!("{path}: {message}"),
                (_, message) => message.unwrap_or_default().to_owned(),
            })
            .collect(),
        _ => Vec::new(),
    };
    let mut error = Error::from(error);
    if !reasons.is_empty() {
        error.message = format!("{}: {}", error.message.as_it_came(), reasons.join("; ")).into();
    }
    error
}

/// The rules of
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>.
fn check_body(body: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Value::Map(members) = body else {
        if !matches!(body, Value::Unknown(_) | Value::Secret(_)) {
            problems.push(
                Problem::new("dashboard_body", "a dashboard is a table")
                    .help("write `dashboard_body = { widgets = [ … ] }`"),
            );
        }
        return problems;
    };
    let widgets = match members.get("widgets") {
        Some(Value::List(widgets)) => widgets,
        Some(Value::Unknown(_) | Value::Secret(_)) => return problems,
        Some(_) => {
            problems.push(Problem::new("dashboard_body.widgets", "the widgets of a dashboard are a list"));
            return problems;
        }
        None => {
            problems.push(
                Problem::new("dashboard_body", "the dashboard has no `widgets`")
                    .help("`widgets = []` is an empty dashboard"),
            );
            return problems;
        }
    };
    if widgets.len() > 500 {
        problems.push(Problem::new(
            "dashboard_body.widgets",
            format!("a dashboard has at most 500 widgets, this one has {}", widgets.len()),
        ));
    }
    for (index, widget) in widgets.iter().enumerate() {
        check_widget(widget, &format!("dashboard_body.widgets.{index}"), &mut problems);
    }
    problems
}

fn check_widget(widget: &Value, path: &str, problems: &mut Vec<Problem>) {
    let known = Known(widget);
    match widget {
        Value::Map(_) => {}
        Value::Unknown(_) | Value::Secret(_) => return,
        _ => {
            problems.push(Problem::new(path, "a widget is a table"));
            return;
        }
    }
    // The grid is 24 units wide.
    for (member, least, most) in [("x", 0, 23), ("y", 0, i64::MAX), ("width", 1, 24), ("height", 1, 1000)] {
        if let Some(size) = known.integer(member)
            && !(least..=most).contains(&size)
        {
            let help = if most == i64::MAX { "0 or more".to_owned() } else { format!("{least} to {most}") };
            problems.push(
                Problem::new(format!("{path}.{member}"), format!("a widget cannot have the {member} {size}"))
                    .help(help),
            );
        }
    }
    if let (Some(x), Some(width)) = (known.integer("x"), known.integer("width"))
        && (0..24).contains(&x)
        && (1..=24).contains(&width)
        && x + width > 24
    {
        problems.push(
            Problem::new(format!("{path}.width"), "the widget reaches beyond the grid")
                .help("`x` and `width` may add up to 24"),
        );
    }
    if !known.may_be_set("type") {
        problems.push(
            Problem::new(path, "the widget has no `type`")
                .help("alarm, custom, explorer, log, metric or text"),
        );
        return;
    }
    // One of the named properties each.
    let needed: &[&[&str]] = match known.text("type") {
        None => return,
        Some("metric") => &[&["region"], &["metrics", "annotations"]],
        Some("log") => &[&["region"], &["query"]],
        Some("text") => &[&["markdown"]],
        Some("alarm") => &[&["alarms"]],
        Some("custom") => &[&["endpoint"]],
        Some("explorer") => &[&["metrics"], &["labels"]],
        Some(other) => {
            problems.push(
                Problem::new(format!("{path}.type"), format!("CloudWatch has no widget of type `{other}`"))
                    .help("alarm, custom, explorer, log, metric or text"),
            );
            return;
        }
    };
    let kind = known.text("type").unwrap_or_default();
    if let Some(Value::Unknown(_) | Value::Secret(_)) = widget.get("properties") {
        return;
    }
    for names in needed {
        if !names.iter().any(|name| known.may_be_set(&format!("properties.{name}"))) {
            let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            problems.push(Problem::new(
                format!("{path}.properties"),
                format!("a widget of type `{kind}` needs the property {names}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check_body;
    use crate::value::Value;

    fn paths(body: serde_json::Value) -> Vec<String> {
        check_body(&Value::from_json(&body)).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn bodies_that_cloudwatch_refuses_are_reported() {
        let body = serde_json::json!({ "widgets": [
            { "type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": { "markdown": "# Loads" } },
            { "type": "metric", "x": 18, "width": 12, "properties": { "metrics": [["AWS/Redshift", "HealthStatus"]] } },
            { "type": "pie", "properties": {} },
            { "x": 24 },
        ] });
        assert_eq!(
            paths(body),
            [
                "dashboard_body.widgets.1.width",
                "dashboard_body.widgets.1.properties",
                "dashboard_body.widgets.2.type",
                "dashboard_body.widgets.3.x",
                "dashboard_body.widgets.3",
            ]
        );
        assert_eq!(paths(serde_json::json!({})), ["dashboard_body"]);
        assert!(paths(serde_json::json!({ "widgets": [] })).is_empty());
    }
}
