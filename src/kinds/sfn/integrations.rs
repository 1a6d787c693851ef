//! The services and actions that a Task state can call
//! (<https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html>).

use crate::kind::prelude::*;

/// Optimized integrations: each service with its actions. `+` marks those that support `.sync`, `*` those
/// that support `.waitForTaskToken`.
const OPTIMIZED: [(&str, &str); 22] = [
    ("apigateway", "invoke*"),
    ("athena", "startQueryExecution+ stopQueryExecution getQueryExecution getQueryResults"),
    ("batch", "submitJob+"),
    ("bedrock", "invokeModel createModelCustomizationJob+"),
    (
        "codebuild",
        "startBuild+ stopBuild batchDeleteBuilds batchGetReports startBuildBatch+ stopBuildBatch retryBuildBatch+ deleteBuildBatch",
    ),
    ("databrew", "startJobRun+"),
    ("dynamodb", "getItem putItem deleteItem updateItem"),
    ("ecs", "runTask+*"),
    (
        "eks",
        "createCluster+ deleteCluster+ createFargateProfile+ deleteFargateProfile+ createNodegroup+ deleteNodegroup+ runJob+ call",
    ),
    (
        "elasticmapreduce",
        "createCluster+ setClusterTerminationProtection terminateCluster+ addStep+ cancelStep modifyInstanceFleetByName modifyInstanceGroupByName",
    ),
    ("emr-containers", "createVirtualCluster deleteVirtualCluster+ startJobRun+"),
    (
        "emr-serverless",
        "createApplication+ startApplication+ stopApplication+ deleteApplication+ startJobRun+ cancelJobRun+",
    ),
    ("events", "putEvents*"),
    ("glue", "startJobRun+"),
    ("http", "invoke"),
    ("lambda", "invoke*"),
    ("mediaconvert", "createJob+"),
    (
        "sagemaker",
        "createEndpoint createEndpointConfig createHyperParameterTuningJob+ createLabelingJob+ createModel createProcessingJob+ createTrainingJob+ createTransformJob+ updateEndpoint",
    ),
    ("sns", "publish*"),
    ("sqs", "sendMessage*"),
    ("states", "startExecution+*"),
    ("aws-sdk", ""),
];

/// Required parameters of optimized integrations, from the APIs that they call.
const NEEDED: [(&str, &[&str]); 22] = [
    ("athena:startQueryExecution", &["QueryString"]),
    ("athena:getQueryExecution", &["QueryExecutionId"]),
    ("athena:getQueryResults", &["QueryExecutionId"]),
    ("athena:stopQueryExecution", &["QueryExecutionId"]),
    ("batch:submitJob", &["JobDefinition", "JobName", "JobQueue"]),
    ("codebuild:startBuild", &["ProjectName"]),
    ("codebuild:startBuildBatch", &["ProjectName"]),
    ("databrew:startJobRun", &["Name"]),
    ("dynamodb:deleteItem", &["TableName", "Key"]),
    ("dynamodb:getItem", &["TableName", "Key"]),
    ("dynamodb:putItem", &["TableName", "Item"]),
    ("dynamodb:updateItem", &["TableName", "Key"]),
    ("ecs:runTask", &["TaskDefinition"]),
    ("emr-containers:startJobRun", &["VirtualClusterId"]),
    ("emr-serverless:startJobRun", &["ApplicationId", "ExecutionRoleArn"]),
    ("events:putEvents", &["Entries"]),
    ("glue:startJobRun", &["JobName"]),
    ("lambda:invoke", &["FunctionName"]),
    ("sagemaker:createTransformJob", &["ModelName", "TransformJobName"]),
    ("sns:publish", &["Message"]),
    ("sqs:sendMessage", &["MessageBody", "QueueUrl"]),
    ("states:startExecution", &["StateMachineArn"]),
];

/// Checks the parameters of a task that calls an integration. Returns the name of a bad one, and what is
/// wrong with it. A name may end in `.$`.
pub(super) fn check_parameters<'p>(
    resource: &str,
    names: &[&'p str],
) -> Vec<(Option<&'p str>, String, String)> {
    let mut parts = resource.splitn(6, ':');
    let (Some("states"), Some(rest)) = (parts.nth(2), parts.nth(2)) else { return Vec::new() };
    if !resource.contains(":states:::") {
        return Vec::new();
    }
    let call = rest.split('.').next().unwrap_or_default();
    let bare = |name: &'p str| name.strip_suffix(".$").unwrap_or(name);
    let mut faults = Vec::new();
    for &name in names {
        let mut letters = bare(name).chars();
        if let Some(first) = letters.next().filter(char::is_ascii_lowercase) {
            let right = format!("{}{}", first.to_ascii_uppercase(), letters.as_str());
            faults.push((
                Some(name),
                format!("`{call}` has no parameter `{}`", bare(name)),
                format!("parameters begin with a capital letter: `{right}`"),
            ));
        }
    }
    let needed = NEEDED.iter().find(|(known, _)| *known == call).map_or(&[][..], |(_, needed)| needed);
    for needed in needed {
        let is_it = |name: &'p str| bare(name).eq_ignore_ascii_case(needed);
        if !names.iter().copied().any(is_it) {
            faults.push((
                None,
                format!("`{call}` needs the parameter `{needed}`"),
                format!("write `{needed}`, or `{needed}.$` for a path"),
            ));
        }
    }
    faults
}

/// A problem with the `Resource` of a task: message, advice, and whether AWS surely refuses it.
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: String,
    pub(super) sure: bool,
}

/// Checks a resource that names an integration: `arn:aws:states:::service:action…`.
pub(super) fn check(resource: &str) -> Option<Fault> {
    let mut parts = resource.splitn(6, ':');
    let (service, rest) = (parts.nth(2)?, parts.nth(2)?);
    let is_integration = service == "states" && resource.contains(":states:::");
    if !is_integration {
        return None;
    }
    let fault = |message: String, help: String| Some(Fault { message, help, sure: true });
    let (service, action) = rest.split_once(':')?;
    if service == "aws-sdk" {
        return of_sdk(action);
    }
    let Some((_, actions)) = OPTIMIZED.iter().find(|(known, _)| *known == service) else {
        let help = nearest(service, OPTIMIZED.iter().map(|(known, _)| *known)).map_or_else(
            || format!("call it by `arn:aws:states:::aws-sdk:{service}:…`"),
            |near| format!("did you mean `{near}`?"),
        );
        return Some(Fault {
            message: format!("Step Functions has no integration `{service}`"),
            help,
            sure: false,
        });
    };
    let (action, pattern) = action.split_once('.').unwrap_or((action, ""));
    let bare = |one: &'static str| one.trim_end_matches(['+', '*']);
    let Some(known) = actions.split_whitespace().find(|one| bare(one) == action) else {
        let help = match nearest(action, actions.split_whitespace().map(bare)) {
            Some(near) => format!("did you mean `{service}:{near}`?"),
            None => format!(
                "it has {}; all others by `arn:aws:states:::aws-sdk:{service}:{action}`",
                actions.split_whitespace().map(bare).collect::<Vec<_>>().join(", ")
            ),
        };
        return fault(format!("the integration `{service}` has no action `{action}`"), help);
    };
    let fits = match pattern {
        "" => true,
        "sync" => known.contains('+'),
        "sync:2" => service == "states",
        "waitForTaskToken" => known.contains('*'),
        _ => false,
    };
    if fits {
        return None;
    }
    let ways: Vec<&str> = [("+", "`.sync`"), ("*", "`.waitForTaskToken`")]
        .into_iter()
        .filter(|(mark, _)| known.contains(mark))
        .map(|(_, way)| way)
        .collect();
    let help =
        if ways.is_empty() { "remove it".to_owned() } else { format!("it has {}", ways.join(" and ")) };
    fault(format!("`{service}:{action}` has no `.{pattern}`"), help)
}

/// Checks an SDK integration. Actions begin in lower case, and can only be waited for by a task token
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html>).
fn of_sdk(rest: &str) -> Option<Fault> {
    let fault = |message: String, help: String| Some(Fault { message, help, sure: true });
    let Some((service, action)) = rest.split_once(':') else {
        return fault(
            "a call of the SDK names a service and an action".to_owned(),
            "such as `arn:aws:states:::aws-sdk:redshiftdata:executeStatement`".to_owned(),
        );
    };
    let (action, pattern) = action.split_once('.').unwrap_or((action, ""));
    if service.chars().any(|one| one.is_ascii_uppercase()) {
        return fault(
            format!("the service `{service}` is in lower case"),
            format!("write `aws-sdk:{}:{action}`", service.to_ascii_lowercase()),
        );
    }
    if let Some(first) = action.chars().next().filter(char::is_ascii_uppercase) {
        let right = format!("{}{}", first.to_ascii_lowercase(), action.get(1..).unwrap_or_default());
        return fault(
            format!("the action `{action}` begins in lower case"),
            format!("write `{service}:{right}`"),
        );
    }
    if !matches!(pattern, "" | "waitForTaskToken") {
        return fault(
            format!("calls of the SDK have no `.{pattern}`"),
            "use an optimized integration such as `glue:startJobRun.sync`, or ask in a loop whether it is done".to_owned(),
        );
    }
    None
}
