//! What a Task state can call
//! (<https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html>).

use crate::kind::nearest;

/// Optimized integrations: the service, then its actions. `+` marks those that can be waited
/// for (`.sync`), `*` those that may be answered by a token (`.waitForTaskToken`).
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

/// What is wrong with the `Resource` of a task: what, advice, and whether AWS surely refuses it.
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
    let help = if ways.is_empty() { "drop it".to_owned() } else { format!("it has {}", ways.join(" and ")) };
    fault(format!("`{service}:{action}` has no `.{pattern}`"), help)
}

/// Actions of the SDK begin in lower case, and are waited for by a token alone
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
