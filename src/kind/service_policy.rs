//! The policies of resources whose actions are those of one service.

use super::{Known, PolicyUse, Problem, check_actions, check_policy, check_statements};

/// By service: its resource, and the actions that the resource's policy may name.
const ACTIONS: &[(&str, &str, &str)] = &[
    // SNS refuses others as "out of service scope"
    // (<https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html>).
    (
        "sns",
        "a topic",
        "Publish Subscribe AddPermission ConfirmSubscription DeleteTopic GetDataProtectionPolicy \
         GetSubscriptionAttributes GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource \
         PutDataProtectionPolicy Receive RemovePermission SetTopicAttributes TagResource UntagResource",
    ),
    // <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html>
    (
        "sqs",
        "a queue",
        "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility GetQueueAttributes GetQueueUrl \
         SetQueueAttributes PurgeQueue ListDeadLetterSourceQueues ListQueueTags TagQueue UntagQueue AddPermission \
         RemovePermission CreateQueue DeleteQueue StartMessageMoveTask CancelMessageMoveTask ListMessageMoveTasks",
    ),
];

/// Problems of the policy of a resource at `path`: in IAM's grammar, and in actions that are not of the service.
pub fn check_service_policy(spec: Known<'_>, path: &str, service: &str) -> Vec<Problem> {
    let Some(policy) = spec.get(path) else { return Vec::new() };
    let mut problems = check_policy(policy, path, PolicyUse::Resource);
    if let Some((_, resource, actions)) = ACTIONS.iter().find(|(one, ..)| *one == service) {
        problems.extend(check_statements(policy, path, |statements| {
            check_actions(statements, service, resource, actions)
        }));
    }
    problems
}
