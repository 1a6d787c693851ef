//! `cloudtrail_trail`.

use std::collections::HashMap;

use aws_sdk_cloudtrail::types::{self, Tag};

use crate::kind::prelude::*;

/// An AWS CloudTrail trail: it records the API calls of an account and delivers them to a bucket.
///
/// The bucket's policy has to let CloudTrail write before the trail is created: declare it with the bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend(
    "x-dwctl-together" = [["cloud_watch_logs_log_group_arn", "cloud_watch_logs_role_arn"]],
    "x-dwctl-at-most-one" = [["event_selectors", "advanced_event_selectors"]]
))]
pub struct Spec {
    /// Name of the trail, unique in the account and region, and for all regions if it covers them all.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 3, max = 128), regex(pattern = r"(^[a-zA-Z0-9]$)|(^[a-zA-Z0-9]([a-zA-Z0-9\._-])*[a-zA-Z0-9]$)"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when destroyed: API calls are no longer recorded"]))]
    pub trail_name: String,
    /// Record calls. If this is off, the trail remains but delivers nothing.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: API calls are no longer recorded"]))]
    pub is_logging: bool,
    /// Bucket that the log files go to. Its policy lets `cloudtrail.amazonaws.com` write.
    #[schemars(extend("x-dwctl-names" = "bucket"))]
    pub s3_bucket_name: String,
    /// Start of the keys of the log files: `PREFIX/AWSLogs/ACCOUNT/`.
    #[schemars(length(max = 200))]
    pub s3_key_prefix: Option<String>,
    /// SNS topic that is notified of every log file, by its name or ARN. Its policy lets CloudTrail publish.
    #[schemars(length(max = 256), extend("x-dwctl-spelling" = "topic"))]
    pub sns_topic_name: Option<String>,
    /// Log group that events go to as well, by its ARN.
    #[schemars(extend("x-dwctl-spelling" = "log-group", "x-dwctl-names" = "log-group"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: events no longer reach CloudWatch Logs"]))]
    pub cloud_watch_logs_log_group_arn: Option<String>,
    /// Role by which CloudTrail writes to the log group.
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub cloud_watch_logs_role_arn: Option<String>,
    /// KMS key that encrypts the log files: id or ARN. Absent: encrypted by S3.
    #[schemars(extend("x-dwctl-spelling" = "kms-key", "x-dwctl-names" = "kms-key"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: no longer encrypted with a key of the account"]))]
    pub kms_key_id: Option<String>,
    /// Sign digests of the log files, which reveal whether a file was changed or deleted.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: changed log files go unnoticed"]))]
    pub enable_log_file_validation: bool,
    /// Record calls of global services, such as IAM.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: calls of global services such as IAM are no longer recorded"]))]
    pub include_global_service_events: bool,
    /// Record calls in all regions, not only in that of the trail.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: calls in other regions are no longer recorded"]))]
    pub is_multi_region_trail: bool,
    /// Record calls in all accounts of the organization. Only for its management account, or a delegated
    /// administrator.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: calls in other accounts are no longer recorded"]))]
    pub is_organization_trail: bool,
    /// Which events to record, at most 5 selectors. Absent, with `advanced_event_selectors` absent as well: all
    /// management events, and no data events.
    #[serde(default)]
    #[schemars(length(max = 5), extend("x-dwctl" = [SET], "x-dwctl-absent" = [{ "read_write_type": "All" }]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: events that a selector chose may no longer be recorded"]))]
    pub event_selectors: Vec<EventSelector>,
    /// Which events to record, by conditions on their fields. Not together with `event_selectors`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: events that a selector chose may no longer be recorded"]))]
    pub advanced_event_selectors: Vec<AdvancedEventSelector>,
    /// Which unusual activity to look for, by the type of insight.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "insight_type"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: CloudTrail no longer looks for {before}"]))]
    pub insight_selectors: Vec<InsightSelector>,
    /// Which data events to aggregate every five minutes, and how.
    #[serde(default)]
    #[schemars(length(max = 1), extend("x-dwctl-key" = "event_category"))]
    pub aggregation_configurations: Vec<AggregationConfiguration>,
}

/// Which events a trail records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventSelector {
    /// Calls that only read, that change something, or all.
    #[serde(default = "all")]
    #[schemars(extend("enum" = ["All", "ReadOnly", "WriteOnly"]))]
    pub read_write_type: String,
    /// Record management events: what was done to resources.
    #[serde(default = "yes")]
    pub include_management_events: bool,
    /// Services whose management events are left out: `kms.amazonaws.com`, `rdsdata.amazonaws.com`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), inner(regex(pattern = r"^(kms|rdsdata)\.amazonaws\.com$")))]
    pub exclude_management_event_sources: Vec<String>,
    /// Resources whose data events are recorded, such as reads of objects; at most 250 over all selectors.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "type"))]
    pub data_resources: Vec<DataResource>,
}

/// Resources whose data events are recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataResource {
    /// Type of the resources. Other types need advanced selectors.
    #[schemars(extend("enum" = ["AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::S3::Object"]))]
    pub r#type: String,
    /// ARNs, or prefixes of ARNs: `arn:aws:s3:::lake/raw/`; `arn:aws:s3` and `arn:aws:lambda` mean all.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    pub values: Vec<String>,
}

/// Events that meet all of some conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdvancedEventSelector {
    /// Name of the selector.
    #[schemars(length(min = 1, max = 1_000))]
    pub name: Option<String>,
    /// The conditions. One is on `eventCategory`: `Management`, `Data` or `NetworkActivity`.
    #[schemars(extend("x-dwctl-key" = "field"), length(min = 1))]
    pub field_selectors: Vec<AdvancedFieldSelector>,
}

/// A condition on a field of an event; any of the values suffices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdvancedFieldSelector {
    /// The field, such as `eventCategory`, `readOnly`, `eventName`, `resources.type` or `resources.ARN`.
    #[schemars(length(min = 1, max = 1_000), regex(pattern = r"([\w|\d|\.|_]+)"))]
    pub field: String,
    /// It is one of these.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1), inner(length(min = 1, max = 2_048), regex(pattern = "(.+)")))]
    pub equals: Vec<String>,
    /// It starts with one of these.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1), inner(length(min = 1, max = 2_048), regex(pattern = "(.+)")))]
    pub starts_with: Vec<String>,
    /// It ends with one of these.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1), inner(length(min = 1, max = 2_048), regex(pattern = "(.+)")))]
    pub ends_with: Vec<String>,
    /// It is none of these.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1), inner(length(min = 1, max = 2_048), regex(pattern = "(.+)")))]
    pub not_equals: Vec<String>,
    /// It starts with none of these.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1), inner(length(min = 1, max = 2_048), regex(pattern = "(.+)")))]
    pub not_starts_with: Vec<String>,
    /// It ends with none of these.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1), inner(length(min = 1, max = 2_048), regex(pattern = "(.+)")))]
    pub not_ends_with: Vec<String>,
}

/// Unusual activity that CloudTrail looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InsightSelector {
    /// Unusual numbers of calls that change something, or of errors.
    #[schemars(extend("enum" = ["ApiCallRateInsight", "ApiErrorRateInsight"]))]
    pub insight_type: String,
    /// Events to look at. Absent: management events.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET], "x-dwctl-absent" = ["Management"]), inner(regex(pattern = "^(Management|Data)$")))]
    pub event_categories: Vec<String>,
}

/// Events that are aggregated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AggregationConfiguration {
    /// The events.
    #[schemars(extend("enum" = ["Data"]))]
    pub event_category: String,
    /// What is aggregated: `API_ACTIVITY`, `RESOURCE_ACCESS`, `USER_ACTIONS`.
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1, max = 50))]
    #[schemars(inner(regex(pattern = "^(API_ACTIVITY|RESOURCE_ACCESS|USER_ACTIONS)$")))]
    pub templates: Vec<String>,
}

defaults! {
    all: String = "All";
}

/// The attributes of a trail that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the trail.
    pub arn: String,
    /// Region in which the trail was created.
    pub home_region: String,
    /// ARN of the topic that is notified of log files, if there is one.
    pub sns_topic_arn: Option<String>,
}

tag_type!(Tag);
table! {
    EventSelector = types::EventSelector {
        read_write_type, include_management_events, exclude_management_event_sources, data_resources,
    }
    DataResource = types::DataResource { r#type, values }
    AdvancedEventSelector = types::AdvancedEventSelector { name, field_selectors }
    AdvancedFieldSelector = types::AdvancedFieldSelector {
        field, equals, starts_with, ends_with, not_equals, not_starts_with, not_ends_with,
    }
    InsightSelector = types::InsightSelector { insight_type, event_categories }
    AggregationConfiguration = types::AggregationConfiguration { event_category, templates }
}

/// The kind `cloudtrail_trail`.
pub struct CloudtrailTrail;

impl Kind for CloudtrailTrail {
    const CFN: Option<&'static str> = Some("AWS::CloudTrail::Trail");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_cloudtrail",
        &[
            ("trail_name", "name"),
            ("is_logging", "enable_logging"),
            ("cloud_watch_logs_log_group_arn", "cloud_watch_logs_group_arn"),
            ("event_selectors", "event_selector"),
            ("event_selectors.data_resources", "data_resource"),
            ("advanced_event_selectors", "advanced_event_selector"),
            ("advanced_event_selectors.field_selectors", "field_selector"),
            ("insight_selectors", "insight_selector"),
        ],
    );
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[("", "audit_log"), ("trail_name", "name")];
    const ACTIONS: Actions = Actions {
        read: &[
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:GetEventSelectors",
            "cloudtrail:GetInsightSelectors",
            "cloudtrail:GetEventConfiguration",
            "cloudtrail:ListTags",
        ],
        create: &[
            "cloudtrail:CreateTrail",
            "cloudtrail:AddTags",
            // The role that writes to the log group, and the role of CloudTrail in an organization.
            "iam:PassRole",
            "iam:CreateServiceLinkedRole",
            "organizations:EnableAWSServiceAccess",
        ],
        update: &[
            "cloudtrail:UpdateTrail",
            "cloudtrail:StartLogging",
            "cloudtrail:StopLogging",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:PutInsightSelectors",
            "cloudtrail:PutEventConfiguration",
            "cloudtrail:AddTags",
            "cloudtrail:RemoveTags",
            "iam:PassRole",
        ],
        delete: &["cloudtrail:DeleteTrail"],
    };
    const BATCHES_READS: bool = true;
    const ID: Option<&'static str> = Some("trail_name");
    const PREDICTED: &'static [(&'static str, &'static str)] = &[
        ("arn", "arn:{partition}:cloudtrail:{region}:{account_id}:trail/{trail_name}"),
        ("home_region", "{region}"),
    ];
    const TAGS_APART: bool = true;
    const LINKS: &'static [Link] = &[
        Link::to("s3_bucket_name", "s3_bucket"),
        Link::to("sns_topic_name", "sns_topic"),
        Link::to("cloud_watch_logs_log_group_arn", "cloudwatchlogs_log_group"),
        Link::to("cloud_watch_logs_role_arn", "iam_role"),
        Link::to("kms_key_id", "kms_key"),
    ];

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = problems! {
            "include_global_service_events" if spec.flag("is_multi_region_trail") == Some(true)
                && spec.flag("include_global_service_events") == Some(false) =>
                "a trail of all regions records global services as well",
                "drop `include_global_service_events`, or `is_multi_region_trail`";
            "kms_key_id" if spec.text("kms_key_id").is_some_and(|key| key.contains("alias/")) =>
                "CloudTrail returns the key that an alias names, so that an alias always differs",
                "name the key by its id or ARN";
        };
        for (index, selector) in spec.list("advanced_event_selectors").iter().enumerate() {
            let path = format!("advanced_event_selectors.{index}.field_selectors");
            problems.extend(check_selector(Known(selector), path));
        }
        problems
    }

    /// One `DescribeTrails` for all trails; the rest is asked for where it says that there is something.
    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let names = lookups.iter().map(|lookup| lookup.id.to_owned()).collect();
        let asked = cx.aws.cloudtrail().describe_trails().set_trail_name_list(Some(names));
        let found = asked.include_shadow_trails(false).send().await.map_err(Error::from).map(|answer| {
            let trails = answer.trail_list.unwrap_or_default().into_iter();
            trails.filter_map(|trail| Some((trail.name.clone()?, trail))).collect::<HashMap<_, _>>()
        });
        each_found(lookups, 10, found, |lookup, trail| read(cx, lookup, trail)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let request =
            cx.aws.cloudtrail().create_trail().name(&want.trail_name).set_tags_list(sdk_tags(new.tags)?);
        let request = set!(request, want => s3_bucket_name, s3_key_prefix, sns_topic_name,
            cloud_watch_logs_role_arn, kms_key_id, enable_log_file_validation, include_global_service_events,
            is_multi_region_trail, is_organization_trail);
        request.set_cloud_watch_logs_log_group_arn(log_streams(want)).send().await?;
        Ok(want.trail_name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let cloudtrail = cx.aws.cloudtrail();
        // An absent setting stays as it is; an empty text unsets it
        // (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html).
        let request = |spec: &Spec| -> Result<_> {
            let request = set!(cloudtrail.update_trail().name(id), spec => s3_bucket_name,
                enable_log_file_validation, include_global_service_events, is_multi_region_trail,
                is_organization_trail; s3_key_prefix, sns_topic_name, cloud_watch_logs_role_arn, kms_key_id);
            Ok(request.cloud_watch_logs_log_group_arn(log_streams(spec).unwrap_or_default()))
        };
        let (before, after) = (request(live)?, request(want)?);
        if before.as_input() != after.as_input() {
            after.send().await?;
        }
        let selectors = |spec: &Spec| (spec.event_selectors.clone(), spec.advanced_event_selectors.clone());
        if selectors(live) != selectors(want) {
            let mut want = want.clone();
            if want.event_selectors.is_empty() && want.advanced_event_selectors.is_empty() {
                // A selector of defaults alone: all management events.
                want.event_selectors.push(from_attributes(&Attributes::new())?);
            }
            let request = cloudtrail.put_event_selectors().trail_name(id);
            set!(request, want => event_selectors, advanced_event_selectors).send().await?;
        }
        if live.insight_selectors != want.insight_selectors {
            let request = cloudtrail.put_insight_selectors().trail_name(id);
            set!(request, want => ; insight_selectors).send().await?;
        }
        if live.aggregation_configurations != want.aggregation_configurations {
            let request = cloudtrail.put_event_configuration().trail_name(id);
            set!(request, want => ; aggregation_configurations).send().await?;
        }
        match (live.is_logging, want.is_logging) {
            (false, true) => drop(cloudtrail.start_logging().name(id).send().await?),
            (true, false) => drop(cloudtrail.stop_logging().name(id).send().await?),
            _ => {}
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.cloudtrail().delete_trail().name(id).send().await.or_gone().map(Deletion::of)
    }

    fn kept_after_delete(spec: Known<'_>, _: Known<'_>, _: Option<&str>) -> Option<String> {
        let bucket = spec.text("s3_bucket_name")?;
        Some(format!("its log files stay in the bucket {bucket}"))
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        let cloudtrail = cx.aws.cloudtrail();
        if !remove.is_empty() {
            let keys = remove.iter().map(|key| built(Tag::builder().key(key).build()));
            let keys = keys.collect::<Result<Vec<_>>>()?;
            cloudtrail.remove_tags().resource_id(&attrs.arn).set_tags_list(Some(keys)).send().await?;
        }
        if !set.is_empty() {
            cloudtrail.add_tags().resource_id(&attrs.arn).set_tags_list(sdk_tags(set)?).send().await?;
        }
        Ok(())
    }
}

/// The ARN of the log group as CloudTrail takes it, with `:*`.
fn log_streams(spec: &Spec) -> Option<String> {
    let arn = spec.cloud_watch_logs_log_group_arn.as_deref()?;
    Some(if arn.ends_with(":*") { arn.to_owned() } else { format!("{arn}:*") })
}

/// Each selector is of one category of events, and one of data events is of one type of resource.
fn check_selector(selector: Known<'_>, path: String) -> Option<Problem> {
    let fields = selector.list("field_selectors");
    if fields.is_empty() || fields.iter().any(|field| Known(field).text("field").is_none()) {
        return None;
    }
    let of = |name: &str| fields.iter().map(Known).find(|field| field.text("field") == Some(name));
    let Some(category) = of("eventCategory") else {
        let help = "such as `{ field = \"eventCategory\", equals = [\"Management\"] }`";
        return Some(Problem::new(path, "no field selector names the category of events").help(help));
    };
    let is_hidden = |field: Known<'_>| field.get("equals").is_none() && field.may_be_set("equals");
    let is_of_one = |field: Known<'_>| field.list("equals").len() == 1 || is_hidden(field);
    let categories: Option<Vec<&str>> = category.list("equals").iter().map(Value::as_str).collect();
    match categories?.as_slice() {
        ["Management" | "NetworkActivity"] => None,
        ["Data"] if of("resources.type").is_some_and(is_of_one) => None,
        ["Data"] => Some(
            Problem::new(path, "a selector of data events has exactly one resource type")
                .help("such as `{ field = \"resources.type\", equals = [\"AWS::S3::Object\"] }`"),
        ),
        [] if is_hidden(category) => None,
        _ => Some(
            Problem::new(path, "a selector has exactly one category of events")
                .help("`Management`, `Data` or `NetworkActivity`"),
        ),
    }
}

async fn read(cx: &Cx, lookup: Lookup<'_>, trail: types::Trail) -> Result<Option<Live<CloudtrailTrail>>> {
    let cloudtrail = cx.aws.cloudtrail();
    let name = lookup.id;
    let arn = trail.trail_arn().unwrap_or_default().to_owned();
    let Some(status) = cloudtrail.get_trail_status().name(name).send().await.or_gone()? else {
        return Ok(None);
    };
    let tags = match lookup.tags {
        Some(tags) => tags.clone(),
        None => {
            let listed = cloudtrail.list_tags().resource_id_list(&arn).send().await.or_gone()?;
            let Some(listed) = listed else { return Ok(None) };
            let all: Vec<Tag> = listed
                .resource_tag_list
                .into_iter()
                .flatten()
                .flat_map(|one| one.tags_list.unwrap_or_default())
                .collect();
            tags_from(all.as_slice())
        }
    };
    let mut spec = read!(&trail => Spec {
        trail_name: name.to_owned(), is_logging: status.is_logging() == Some(true), s3_bucket_name, s3_key_prefix,
        sns_topic_name as sns_topic_arn, cloud_watch_logs_log_group_arn, cloud_watch_logs_role_arn, kms_key_id,
        enable_log_file_validation as log_file_validation_enabled, include_global_service_events,
        is_multi_region_trail, is_organization_trail, event_selectors: Vec::new(),
        advanced_event_selectors: Vec::new(), insight_selectors: Vec::new(), aggregation_configurations: Vec::new(),
    });
    if trail.has_custom_event_selectors() == Some(true) {
        let found = cloudtrail.get_event_selectors().trail_name(name).send().await?;
        spec.event_selectors = Read::read(found.event_selectors())?;
        spec.advanced_event_selectors = Read::read(found.advanced_event_selectors())?;
    }
    if trail.has_insight_selectors() == Some(true) {
        let found = cloudtrail.get_insight_selectors().trail_name(name).send().await?;
        spec.insight_selectors = Read::read(found.insight_selectors())?;
    }
    if lookup.wants("aggregation_configurations") {
        let found = cloudtrail.get_event_configuration().trail_name(name).send().await?;
        spec.aggregation_configurations = Read::read(found.aggregation_configurations())?;
    }
    let sns_topic_arn = spec.sns_topic_name.clone();
    let attrs = Attrs { arn, home_region: trail.home_region().unwrap_or_default().to_owned(), sns_topic_arn };
    Ok(Some(Live::ready(spec, attrs, tags)))
}
