//! Checks a bucket policy: it must be about this bucket, use actions of S3, and be public only if allowed.

use crate::kind::prelude::*;

/// Actions on a bucket, and on a bucket through an access point
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>, September 2026).
const OF_BUCKETS: &str = "AllowVendedLogDeliveryForResource CreateBucket CreateBucketMetadataTableConfiguration \
    DeleteBucket DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite \
    GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS \
    GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification \
    GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus \
    GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite \
    GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration \
    GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration ListBucket \
    ListBucketMultipartUploads ListBucketVersions ListTagsForResource PauseReplication \
    PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS \
    PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls \
    PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning \
    PutBucketWebsite PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration \
    PutLifecycleConfiguration PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource \
    UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration \
    UpdateBucketMetadataJournalTableConfiguration";

/// Actions on objects, from the same list.
const OF_OBJECTS: &str = "AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation \
    DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionAnnotation DeleteObjectVersionTagging GetObject \
    GetObjectAcl GetObjectAnnotation GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging \
    GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAnnotation \
    GetObjectVersionAnnotationForReplication GetObjectVersionAttributes GetObjectVersionForReplication \
    GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts \
    ListObjectAnnotations ListObjectVersionAnnotations ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl \
    PutObjectAnnotation PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl \
    PutObjectVersionAnnotation PutObjectVersionTagging ReplicateDelete ReplicateObject ReplicateObjectAnnotation \
    ReplicateTags RestoreObject UpdateObjectEncryption";

/// The type of resource that an action is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Bucket,
    Object,
}

pub(super) fn check(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let Some(policy) = spec.get("policy") else { return };
    problems.extend(check_policy(policy, "policy", PolicyUse::Resource));
    let blocked = !spec.may_be_set("public_access_block.block_public_policy")
        || spec.flag("public_access_block.block_public_policy") == Some(true);
    problems.extend(check_statements(policy, "policy", |statements| {
        let mut problems = foreign_actions(statements, "s3", "a bucket");
        for statement in statements {
            if let Some(bucket) = spec.text("bucket") {
                check_resources(statement, bucket, &mut problems);
            }
            check_actions(statement, &mut problems);
            // https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
            if blocked && statement.is_public() {
                problems.push(
                    Problem::new(statement.principal_path(), "the bucket refuses policies that allow everybody")
                        .help("name the principals, add a condition such as `aws:PrincipalOrgID`, or set `public_access_block = { block_public_policy = false, restrict_public_buckets = false }`"),
                );
            }
        }
        problems
    }));
}

/// The bucket named by an ARN, and whether the ARN means objects in it.
fn parts(resource: &str) -> Option<(&str, bool)> {
    let rest = resource.split_once(":s3:::")?.1;
    Some(rest.split_once('/').map_or((rest, false), |(bucket, _)| (bucket, true)))
}

fn check_resources(statement: &Statement<'_>, bucket: &str, problems: &mut Vec<Problem>) {
    for name in ["Resource", "NotResource"] {
        for (resource, path) in statement.texts(name) {
            // An IAM `${…}` is only known at request time.
            let other = match parts(resource) {
                Some((named, _)) if named.contains("${") => continue,
                Some((named, _)) => !matches_pattern(named, bucket),
                None => resource != "*" && resource.starts_with("arn:") && !resource.contains('*'),
            };
            if other {
                problems.push(
                    Problem::new(path, format!("a policy of the bucket {bucket} cannot contain {resource}"))
                        .help(format!(
                            "write `arn:aws:s3:::{bucket}`, or `arn:aws:s3:::{bucket}/*` for its objects"
                        )),
                );
            }
        }
    }
}

fn about(action: &str) -> Option<About> {
    let is_one = |list: &str| list.split_whitespace().any(|one| one.eq_ignore_ascii_case(action));
    if is_one(OF_OBJECTS) {
        Some(About::Object)
    } else if is_one(OF_BUCKETS) {
        Some(About::Bucket)
    } else {
        None
    }
}

/// Every action must be one of S3, and fit some resource of its statement. S3 refuses statements that can
/// never apply.
fn check_actions(statement: &Statement<'_>, problems: &mut Vec<Problem>) {
    let resources = statement.texts("Resource");
    let all_known = statement.knows("Resource") && statement.get("Resource").is_some();
    for (action, path) in statement.texts("Action") {
        let Some((service, name)) = action.split_once(':') else { continue };
        if !service.eq_ignore_ascii_case("s3") || name.contains(['*', '?']) {
            continue;
        }
        let Some(about) = about(name) else {
            let all = OF_OBJECTS.split_whitespace().chain(OF_BUCKETS.split_whitespace());
            let help = match nearest(name, all) {
                Some(near) => format!("did you mean `s3:{near}`?"),
                None => "S3 refuses actions that it does not have, or that are not about buckets and objects"
                    .to_owned(),
            };
            problems.push(
                Problem::warning(path, format!("S3 has no action `{action}` on buckets and objects"))
                    .help(help),
            );
            continue;
        };
        let fits = resources.iter().any(|(resource, _)| match parts(resource) {
            // A pattern such as `bucket*` may also match objects.
            Some((named, objects)) => {
                (about == About::Object) == objects || (!objects && named.contains('*'))
            }
            None => true,
        });
        if all_known && !fits {
            let (what, end) = match about {
                About::Object => ("objects", "/*"),
                About::Bucket => ("buckets", ""),
            };
            problems.push(
                Problem::new(path, format!("`{action}` is about {what}, but the statement names none"))
                    .help(format!("add `arn:aws:s3:::BUCKET{end}` to `Resource`")),
            );
        }
    }
}
