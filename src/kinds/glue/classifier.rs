//! `glue_classifier`.

use std::collections::{HashMap, HashSet};

use aws_sdk_glue::types::{
    Classifier, CreateCsvClassifierRequest, CreateGrokClassifierRequest, CreateJsonClassifierRequest,
    CreateXmlClassifierRequest, CsvHeaderOption, CsvSerdeOption, UpdateCsvClassifierRequest,
    UpdateGrokClassifierRequest, UpdateJsonClassifierRequest, UpdateXmlClassifierRequest,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared;
use crate::aws::{Cx, Result, ResultExt, Scope, Tags};
use crate::kind::mark::{AWS_DEFAULT, REPLACE, REPLACE_WHEN_COME_OR_GONE};
use crate::kind::{
    Actions, Identity, Kind, Known, Live, Lookup, NewResource, Problem, Reads, Terraform, answer,
};

/// An AWS Glue classifier: tells crawlers what their data looks like, where AWS's own classifiers
/// do not find out. It has one of the four tables. A crawler uses it by its name in `classifiers`.
///
/// A classifier has no tags: whose it is, the ledger alone tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the classifier, unique in the account and region.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub name: String,
    /// For comma-separated values and the like.
    #[schemars(extend("x-dwctl" = [REPLACE_WHEN_COME_OR_GONE]))]
    pub csv_classifier: Option<CsvClassifier>,
    /// For lines of text such as logs, by a grok pattern.
    #[schemars(extend("x-dwctl" = [REPLACE_WHEN_COME_OR_GONE]))]
    pub grok_classifier: Option<GrokClassifier>,
    /// For JSON whose records are within something else.
    #[schemars(extend("x-dwctl" = [REPLACE_WHEN_COME_OR_GONE]))]
    pub json_classifier: Option<JsonClassifier>,
    /// For XML, by the element that holds a row.
    #[schemars(extend("x-dwctl" = [REPLACE_WHEN_COME_OR_GONE]))]
    pub xml_classifier: Option<XmlClassifier>,
}

/// How to read comma-separated values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CsvClassifier {
    /// Whether the first line of a file names its columns: `PRESENT`, `ABSENT`, or `UNKNOWN`, with
    /// which Glue guesses. It finds no header where all columns are texts.
    #[serde(default = "unknown")]
    #[schemars(extend("enum" = ["UNKNOWN", "PRESENT", "ABSENT"]))]
    pub contains_header: String,
    /// Names of the columns, if the files do not contain them.
    #[serde(default)]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub header: Vec<String>,
    /// The character between two columns. Absent: as it is, and Glue guesses that of a new classifier.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), regex(pattern = r"^[^\r\n]$"), length(min = 1, max = 1))]
    pub delimiter: Option<String>,
    /// The character around a value that may hold delimiters. Absent: as it is, and Glue guesses that
    /// of a new classifier.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), regex(pattern = r"^[^\r\n]$"), length(min = 1, max = 1))]
    pub quote_symbol: Option<String>,
    /// What reads the tables' files: `OpenCSVSerDe` (values in quotes; every column is a text),
    /// `LazySimpleSerDe`, or `None`, with which the crawler chooses.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "enum" = ["OpenCSVSerDe", "LazySimpleSerDe", "None"]))]
    pub serde: Option<String>,
    /// Take values as they are, spaces around them included, to find out the type of a column.
    #[serde(default = "yes")]
    pub disable_value_trimming: bool,
    /// Also accept files with one column.
    #[serde(default)]
    pub allow_single_column: bool,
    /// Allow only the types in `custom_datatypes` for columns.
    #[serde(default)]
    pub custom_datatype_configured: bool,
    /// Types that columns may have, such as `DATE`.
    #[serde(default)]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub custom_datatypes: Vec<String>,
}

/// How to read lines of text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GrokClassifier {
    /// What the data is called: the format of the tables, such as `apache-log`.
    pub classification: String,
    /// Pattern of a line: `%{PATTERN:column}` for each column, in a stack written `%%{PATTERN:column}`.
    #[schemars(length(min = 1, max = 2048))]
    pub grok_pattern: String,
    /// Patterns of your own that `grok_pattern` uses, a line each: a name, a space, a regular
    /// expression.
    #[schemars(length(max = 16000))]
    pub custom_patterns: Option<String>,
}

/// Where the records of JSON are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonClassifier {
    /// JsonPath of the records, such as `$.orders[*]`.
    pub json_path: String,
}

/// Where the rows of XML are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct XmlClassifier {
    /// What the data is called: the format of the tables, such as `invoices`.
    pub classification: String,
    /// Name of the element that holds a row. It cannot be one that closes itself, such as `<row/>`.
    pub row_tag: String,
}

fn unknown() -> String {
    "UNKNOWN".to_owned()
}

fn yes() -> bool {
    true
}

/// What AWS decides about a classifier: nothing that others need.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {}

/// The kind `glue_classifier`.
pub struct GlueClassifier;

/// The tables of which a classifier has one.
const SORTS: [&str; 4] = ["csv_classifier", "grok_classifier", "json_classifier", "xml_classifier"];

/// Classifiers that are read by name rather than by the pages of all.
const FEW: usize = 2;

impl Kind for GlueClassifier {
    const NAME: &'static str = "glue_classifier";
    const CFN: Option<&'static str> = Some("AWS::Glue::Classifier");
    const TERRAFORM: Terraform = Terraform::of("aws_glue_classifier", &[]);
    const EXAMPLE: &'static str = include_str!("../../../examples/kinds/glue_classifier.toml");
    const ACTIONS: Actions = Actions {
        read: &["glue:GetClassifier", "glue:GetClassifiers"],
        create: &["glue:CreateClassifier"],
        update: &["glue:UpdateClassifier"],
        delete: &["glue:DeleteClassifier"],
    };
    const TAGGABLE: bool = false;

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, _: &Scope) -> Identity {
        Identity::named(spec.text("name"))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check(spec)
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let names = lookups.iter().map(|lookup| lookup.id).collect();
        answer(lookups, classifiers(cx, names).await)
    }

    async fn create(cx: &Cx, want: &Spec, _: &NewResource<'_>) -> Result<String> {
        let csv = |csv: &CsvClassifier| {
            CreateCsvClassifierRequest::builder()
                .name(&want.name)
                .contains_header(CsvHeaderOption::from(csv.contains_header.as_str()))
                .set_header((!csv.header.is_empty()).then(|| csv.header.clone()))
                .set_delimiter(csv.delimiter.clone())
                .set_quote_symbol(csv.quote_symbol.clone())
                .set_serde(csv.serde.as_deref().map(CsvSerdeOption::from))
                .disable_value_trimming(csv.disable_value_trimming)
                .allow_single_column(csv.allow_single_column)
                .custom_datatype_configured(csv.custom_datatype_configured)
                .set_custom_datatypes(
                    (!csv.custom_datatypes.is_empty()).then(|| csv.custom_datatypes.clone()),
                )
                .build()
                .map_err(shared::incomplete)
        };
        let grok = |grok: &GrokClassifier| {
            CreateGrokClassifierRequest::builder()
                .name(&want.name)
                .classification(&grok.classification)
                .grok_pattern(&grok.grok_pattern)
                .set_custom_patterns(grok.custom_patterns.clone())
                .build()
                .map_err(shared::incomplete)
        };
        let json = |json: &JsonClassifier| {
            CreateJsonClassifierRequest::builder()
                .name(&want.name)
                .json_path(&json.json_path)
                .build()
                .map_err(shared::incomplete)
        };
        let xml = |xml: &XmlClassifier| {
            CreateXmlClassifierRequest::builder()
                .name(&want.name)
                .classification(&xml.classification)
                .row_tag(&xml.row_tag)
                .build()
                .map_err(shared::incomplete)
        };
        cx.aws
            .glue()
            .create_classifier()
            .set_csv_classifier(want.csv_classifier.as_ref().map(csv).transpose()?)
            .set_grok_classifier(want.grok_classifier.as_ref().map(grok).transpose()?)
            .set_json_classifier(want.json_classifier.as_ref().map(json).transpose()?)
            .set_xml_classifier(want.xml_classifier.as_ref().map(xml).transpose()?)
            .send()
            .await?;
        Ok(want.name.clone())
    }

    async fn update(cx: &Cx, id: &str, _: &Spec, want: &Spec) -> Result<()> {
        // Nothing says whether what is left out stays
        // (<https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateClassifier.html>), so all is sent.
        let csv = |csv: &CsvClassifier| {
            UpdateCsvClassifierRequest::builder()
                .name(id)
                .contains_header(CsvHeaderOption::from(csv.contains_header.as_str()))
                .set_header(Some(csv.header.clone()))
                .set_delimiter(csv.delimiter.clone())
                .set_quote_symbol(csv.quote_symbol.clone())
                .set_serde(csv.serde.as_deref().map(CsvSerdeOption::from))
                .disable_value_trimming(csv.disable_value_trimming)
                .allow_single_column(csv.allow_single_column)
                .custom_datatype_configured(csv.custom_datatype_configured)
                .set_custom_datatypes(Some(csv.custom_datatypes.clone()))
                .build()
                .map_err(shared::incomplete)
        };
        let grok = |grok: &GrokClassifier| {
            UpdateGrokClassifierRequest::builder()
                .name(id)
                .classification(&grok.classification)
                .grok_pattern(&grok.grok_pattern)
                .custom_patterns(grok.custom_patterns.clone().unwrap_or_default())
                .build()
                .map_err(shared::incomplete)
        };
        let json = |json: &JsonClassifier| {
            UpdateJsonClassifierRequest::builder()
                .name(id)
                .json_path(&json.json_path)
                .build()
                .map_err(shared::incomplete)
        };
        let xml = |xml: &XmlClassifier| {
            UpdateXmlClassifierRequest::builder()
                .name(id)
                .classification(&xml.classification)
                .row_tag(&xml.row_tag)
                .build()
                .map_err(shared::incomplete)
        };
        cx.aws
            .glue()
            .update_classifier()
            .set_csv_classifier(want.csv_classifier.as_ref().map(csv).transpose()?)
            .set_grok_classifier(want.grok_classifier.as_ref().map(grok).transpose()?)
            .set_json_classifier(want.json_classifier.as_ref().map(json).transpose()?)
            .set_xml_classifier(want.xml_classifier.as_ref().map(xml).transpose()?)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<()> {
        cx.aws.glue().delete_classifier().name(id).send().await.or_gone()?;
        Ok(())
    }
}

/// Reads classifiers: a few by name, many from the pages of all.
async fn classifiers(cx: &Cx, mut missing: HashSet<&str>) -> Result<HashMap<String, Live<GlueClassifier>>> {
    let glue = cx.aws.glue();
    let mut found = HashMap::new();
    if missing.len() > FEW {
        let mut pages = glue.get_classifiers().into_paginator().page_size(100).send();
        while let Some(page) = pages.next().await {
            for (name, live) in page?.classifiers.unwrap_or_default().iter().filter_map(to_live) {
                if missing.remove(name.as_str()) {
                    found.insert(name, live);
                }
            }
            if missing.is_empty() {
                break;
            }
        }
        return Ok(found);
    }
    for name in missing {
        let answer = glue.get_classifier().name(name).send().await.or_gone()?;
        found.extend(answer.and_then(|answer| to_live(&answer.classifier?)));
    }
    Ok(found)
}

fn to_live(classifier: &Classifier) -> Option<(String, Live<GlueClassifier>)> {
    let mut spec = Spec {
        name: String::new(),
        csv_classifier: None,
        grok_classifier: None,
        json_classifier: None,
        xml_classifier: None,
    };
    let incarnation = if let Some(csv) = classifier.csv_classifier() {
        spec.name = csv.name().to_owned();
        spec.csv_classifier = Some(CsvClassifier {
            contains_header: csv.contains_header().map_or_else(unknown, |option| option.as_str().to_owned()),
            header: csv.header().to_vec(),
            delimiter: shared::text(csv.delimiter()),
            quote_symbol: shared::text(csv.quote_symbol()),
            serde: csv.serde().map(|serde| serde.as_str().to_owned()),
            disable_value_trimming: csv.disable_value_trimming().unwrap_or(true),
            allow_single_column: csv.allow_single_column().unwrap_or(false),
            custom_datatype_configured: csv.custom_datatype_configured().unwrap_or(false),
            custom_datatypes: csv.custom_datatypes().to_vec(),
        });
        csv.creation_time()
    } else if let Some(grok) = classifier.grok_classifier() {
        spec.name = grok.name().to_owned();
        spec.grok_classifier = Some(GrokClassifier {
            classification: grok.classification().to_owned(),
            grok_pattern: grok.grok_pattern().to_owned(),
            custom_patterns: shared::text(grok.custom_patterns()),
        });
        grok.creation_time()
    } else if let Some(json) = classifier.json_classifier() {
        spec.name = json.name().to_owned();
        spec.json_classifier = Some(JsonClassifier { json_path: json.json_path().to_owned() });
        json.creation_time()
    } else {
        let xml = classifier.xml_classifier()?;
        spec.name = xml.name().to_owned();
        spec.xml_classifier = Some(XmlClassifier {
            classification: xml.classification().to_owned(),
            row_tag: xml.row_tag().unwrap_or_default().to_owned(),
        });
        xml.creation_time()
    };
    let name = spec.name.clone();
    Some((name, Live::ready(spec, Attrs {}, Tags::new()).with_incarnation(incarnation)))
}

/// See <https://docs.aws.amazon.com/glue/latest/dg/custom-classifier.html>.
fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let set: Vec<&str> = SORTS.into_iter().filter(|sort| spec.is_set(sort)).collect();
    match set[..] {
        [] => problems.push(Problem::new("name", "the classifier does not say what it classifies").help(
            "it needs one of `csv_classifier`, `grok_classifier`, `json_classifier` and `xml_classifier`",
        )),
        [_] => {}
        [first, ref others @ ..] => problems.extend(others.iter().map(|other| {
            Problem::new(
                *other,
                format!("a classifier has one type of data, but this one already has `{first}`"),
            )
            .help("declare another `glue_classifier` for it, and name both in the crawler's `classifiers`")
        })),
    }
    let delimiter = spec.text("csv_classifier.delimiter");
    if delimiter.is_some() && delimiter == spec.text("csv_classifier.quote_symbol") {
        problems.push(Problem::new(
            "csv_classifier.quote_symbol",
            "the quote character must differ from the delimiter",
        ));
    }
    if !spec.list("csv_classifier.custom_datatypes").is_empty()
        && !spec.may_be_set("csv_classifier.custom_datatype_configured")
    {
        problems.push(
            Problem::warning(
                "csv_classifier.custom_datatypes",
                "these types have no effect while they are off",
            )
            .help("add `custom_datatype_configured = true`"),
        );
    }
    if let Some(path) = spec.text("json_classifier.json_path")
        && !path.starts_with('$')
    {
        problems.push(
            Problem::new(
                "json_classifier.json_path",
                format!("`{path}` is not a JsonPath, which begins with `$`"),
            )
            .help("such as `$[*]` for the elements of a list, or `$.orders[*]`"),
        );
    }
    if let Some(pattern) = spec.text("grok_classifier.grok_pattern")
        && !pattern.contains("%{")
    {
        problems.push(
            Problem::warning("grok_classifier.grok_pattern", "the pattern names no column")
                .help("each column is `%{PATTERN:column}`, in a stack written `%%{PATTERN:column}`"),
        );
    }
    if let Some(tag) = spec.text("xml_classifier.row_tag")
        && tag.contains(['<', '>', '/'])
    {
        problems.push(
            Problem::new("xml_classifier.row_tag", format!("`{tag}` is not the name of an element"))
                .help("write the name alone, such as `row` of `<row>…</row>`"),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::GlueClassifier;
    use crate::kind::{Kind, Known};
    use crate::value::Value;

    fn told(spec: serde_json::Value) -> Vec<(String, bool)> {
        let problems = GlueClassifier::check(Known(&Value::from_json(&spec)));
        problems.into_iter().map(|problem| (problem.path, problem.warning)).collect()
    }

    #[test]
    fn one_sort_of_data_that_can_be_told_apart() {
        let none: [(String, bool); 0] = [];
        let error = |path: &str| vec![(path.to_owned(), false)];
        let warning = |path: &str| vec![(path.to_owned(), true)];
        let csv = |csv: serde_json::Value| json!({ "name": "a", "csv_classifier": csv });
        assert_eq!(told(csv(json!({}))), none);
        assert_eq!(told(json!({ "name": "a" })), error("name"));
        assert_eq!(
            told(json!({ "name": "a", "csv_classifier": {}, "json_classifier": { "json_path": "$" } })),
            error("json_classifier")
        );
        assert_eq!(told(csv(json!({ "delimiter": "|", "quote_symbol": "'" }))), none);
        assert_eq!(
            told(csv(json!({ "delimiter": "'", "quote_symbol": "'" }))),
            error("csv_classifier.quote_symbol")
        );
        assert_eq!(
            told(csv(json!({ "custom_datatypes": ["DATE"] }))),
            warning("csv_classifier.custom_datatypes")
        );
        assert_eq!(
            told(csv(json!({ "custom_datatypes": ["DATE"], "custom_datatype_configured": true }))),
            none
        );
        assert_eq!(
            told(json!({ "name": "a", "json_classifier": { "json_path": "orders[*]" } })),
            error("json_classifier.json_path")
        );
        let grok = |pattern: &str| json!({ "name": "a", "grok_classifier": { "grok_pattern": pattern } });
        assert_eq!(told(grok("%{IPORHOST:client} .*")), none);
        assert_eq!(told(grok(".*")), warning("grok_classifier.grok_pattern"));
        assert_eq!(
            told(json!({ "name": "a", "xml_classifier": { "row_tag": "<row>" } })),
            error("xml_classifier.row_tag")
        );
    }
}
