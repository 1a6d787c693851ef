//! `glue_classifier`.

use std::collections::{HashMap, HashSet};

use aws_sdk_glue::types;

use crate::kind::prelude::*;

/// An AWS Glue classifier: describes to crawlers what their data looks like, where AWS's own classifiers
/// do not find out. It has one of the four tables. A crawler uses it by its name in `classifiers`.
///
/// A classifier has no tags: only the ledger records who owns it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-one-of" = [["csv_classifier", "grok_classifier", "json_classifier", "xml_classifier"]]))]
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
    /// For JSON whose records are nested in something else.
    #[schemars(extend("x-dwctl" = [REPLACE_WHEN_COME_OR_GONE]))]
    pub json_classifier: Option<JsonClassifier>,
    /// For XML, by the element that holds a row.
    #[schemars(extend("x-dwctl" = [REPLACE_WHEN_COME_OR_GONE]))]
    pub xml_classifier: Option<XmlClassifier>,
}

/// How to read comma-separated values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CsvClassifier {
    /// Whether the first line of a file names its columns: `PRESENT`, `ABSENT`, or `UNKNOWN`: Glue then
    /// guesses, and finds no header if all columns are texts.
    #[serde(default = "unknown")]
    #[schemars(extend("enum" = ["UNKNOWN", "PRESENT", "ABSENT"]))]
    pub contains_header: String,
    /// Names of the columns, if the files do not contain them.
    #[serde(default)]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub header: Vec<String>,
    /// The character between two columns. Absent: unchanged; Glue guesses that of a new classifier.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), regex(pattern = r"^[^\r\n]$"), length(min = 1, max = 1))]
    pub delimiter: Option<String>,
    /// The character around a value that may hold delimiters. Absent: unchanged; Glue guesses that of a new
    /// classifier.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), regex(pattern = r"^[^\r\n]$"), length(min = 1, max = 1))]
    pub quote_symbol: Option<String>,
    /// What reads the tables' files: `OpenCSVSerDe` (values in quotes; every column is a text),
    /// `LazySimpleSerDe`, or `None`: the crawler then chooses.
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

defaults! {
    unknown: String = "UNKNOWN";
}

/// AWS decides no attribute of a classifier that others need.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {}

/// The kind `glue_classifier`.
pub struct GlueClassifier;

/// Classifiers that are read by name rather than by the pages of all.
const FEW: usize = 2;

impl Kind for GlueClassifier {
    const CFN: Option<&'static str> = Some("AWS::Glue::Classifier");
    const TERRAFORM: Terraform = Terraform::of("aws_glue_classifier", &[]);
    const ACTIONS: Actions = Actions {
        read: &["glue:GetClassifier", "glue:GetClassifiers"],
        create: &["glue:CreateClassifier"],
        update: &["glue:UpdateClassifier"],
        delete: &["glue:DeleteClassifier"],
    };
    const TAGGABLE: bool = false;
    const ID: Option<&'static str> = Some("name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check(spec)
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let names = lookups.iter().map(|lookup| lookup.id).collect();
        answer(lookups, classifiers(cx, names).await)
    }

    async fn create(cx: &Cx, want: &Spec, _: &NewResource<'_>) -> Result<Created<Self>> {
        let mut request = cx.aws.glue().create_classifier();
        if let Some(csv) = &want.csv_classifier {
            let csv = set!(types::CreateCsvClassifierRequest::builder().name(&want.name), csv =>
                contains_header, header, delimiter, quote_symbol, serde, disable_value_trimming,
                allow_single_column, custom_datatype_configured, custom_datatypes
            );
            request = request.csv_classifier(csv.build().built()?);
        }
        if let Some(grok) = &want.grok_classifier {
            let grok = set!(types::CreateGrokClassifierRequest::builder().name(&want.name), grok =>
                classification, grok_pattern, custom_patterns
            );
            request = request.grok_classifier(grok.build().built()?);
        }
        if let Some(json) = &want.json_classifier {
            let json =
                set!(types::CreateJsonClassifierRequest::builder().name(&want.name), json => json_path);
            request = request.json_classifier(json.build().built()?);
        }
        if let Some(xml) = &want.xml_classifier {
            let xml = set!(types::CreateXmlClassifierRequest::builder().name(&want.name), xml => classification, row_tag);
            request = request.xml_classifier(xml.build().built()?);
        }
        request.send().await?;
        Ok(want.name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, _: &Spec, want: &Spec) -> Result<()> {
        // Nothing says whether what is left out stays
        // (<https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateClassifier.html>), so all is sent.
        let mut request = cx.aws.glue().update_classifier();
        if let Some(csv) = &want.csv_classifier {
            let csv = set!(types::UpdateCsvClassifierRequest::builder().name(id), csv =>
                contains_header, delimiter, quote_symbol, serde, disable_value_trimming, allow_single_column,
                custom_datatype_configured; header, custom_datatypes
            );
            request = request.csv_classifier(csv.build().built()?);
        }
        if let Some(grok) = &want.grok_classifier {
            let grok = set!(types::UpdateGrokClassifierRequest::builder().name(id), grok =>
                classification, grok_pattern; custom_patterns
            );
            request = request.grok_classifier(grok.build().built()?);
        }
        if let Some(json) = &want.json_classifier {
            let json = set!(types::UpdateJsonClassifierRequest::builder().name(id), json => json_path);
            request = request.json_classifier(json.build().built()?);
        }
        if let Some(xml) = &want.xml_classifier {
            let xml =
                set!(types::UpdateXmlClassifierRequest::builder().name(id), xml => classification, row_tag);
            request = request.xml_classifier(xml.build().built()?);
        }
        request.send().await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.glue().delete_classifier().name(id).send().await.or_gone().map(Deletion::of)
    }
}

/// Reads classifiers: a few by name, many from the pages of all.
async fn classifiers(cx: &Cx, mut missing: HashSet<&str>) -> Result<HashMap<String, Live<GlueClassifier>>> {
    let glue = cx.aws.glue();
    let mut found = HashMap::new();
    if missing.len() > FEW {
        let mut pages = glue.get_classifiers().into_paginator().page_size(100).send();
        while let Some(page) = pages.next().await {
            for classifier in page?.classifiers.unwrap_or_default() {
                found.extend(to_live(&classifier)?.filter(|(name, _)| missing.remove(name.as_str())));
            }
            if missing.is_empty() {
                break;
            }
        }
        return Ok(found);
    }
    for name in missing {
        let answer = glue.get_classifier().name(name).send().await.or_gone()?;
        if let Some(classifier) = answer.and_then(|answer| answer.classifier) {
            found.extend(to_live(&classifier)?);
        }
    }
    Ok(found)
}

fn to_live(classifier: &types::Classifier) -> Result<Option<(String, Live<GlueClassifier>)>> {
    let (csv, grok) = (classifier.csv_classifier(), classifier.grok_classifier());
    let (json, xml) = (classifier.json_classifier(), classifier.xml_classifier());
    let names = [
        csv.map(|it| it.name()),
        grok.map(|it| it.name()),
        json.map(|it| it.name()),
        xml.map(|it| it.name()),
    ];
    let Some(name) = names.into_iter().flatten().next().map(str::to_owned) else { return Ok(None) };
    let born = csv.and_then(|it| it.creation_time()).or(grok.and_then(|it| it.creation_time()));
    let born = born.or(json.and_then(|it| it.creation_time())).or(xml.and_then(|it| it.creation_time()));
    let spec = read!(classifier => Spec {
        name: name.clone(),
        csv_classifier: csv.map(|csv| -> Result<_> { Ok(read!(csv => CsvClassifier {
            contains_header or unknown, header, delimiter, quote_symbol, serde,
            disable_value_trimming or yes, allow_single_column, custom_datatype_configured, custom_datatypes,
        })) }).transpose()?,
        grok_classifier: grok.map(|grok| -> Result<_> { Ok(read!(grok => GrokClassifier {
            classification, grok_pattern, custom_patterns
        })) }).transpose()?,
        json_classifier: json.map(|json| JsonClassifier { json_path: json.json_path().to_owned() }),
        xml_classifier: xml.map(|xml| XmlClassifier {
            classification: xml.classification().to_owned(),
            row_tag: xml.row_tag().unwrap_or_default().to_owned(),
        }),
    });
    Ok(Some((name, Live::ready(spec, Attrs {}, Tags::new()).with_incarnation(born))))
}

/// See <https://docs.aws.amazon.com/glue/latest/dg/custom-classifier.html>.
fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let delimiter = spec.text("csv_classifier.delimiter");
    if delimiter.is_some() && delimiter == spec.text("csv_classifier.quote_symbol") {
        problems.push(Problem::new(
            "csv_classifier.quote_symbol",
            "the quote character must differ from the delimiter",
        ));
    }
    if !spec.list("csv_classifier.custom_datatypes").is_empty()
        && spec.flag("csv_classifier.custom_datatype_configured") == Some(false)
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
    use crate::kind::problems_of;
    use crate::value::Value;

    fn problems(spec: serde_json::Value) -> Vec<(String, bool)> {
        let problems = problems_of::<GlueClassifier>(&Value::from_json(&spec));
        problems.into_iter().map(|problem| (problem.path, problem.warning)).collect()
    }

    #[test]
    fn a_classifier_has_one_format_with_distinct_symbols() {
        let none: [(String, bool); 0] = [];
        let error = |path: &str| vec![(path.to_owned(), false)];
        let warning = |path: &str| vec![(path.to_owned(), true)];
        let csv = |csv: serde_json::Value| json!({ "name": "a", "csv_classifier": csv });
        assert_eq!(problems(csv(json!({}))), none);
        assert_eq!(problems(json!({ "name": "a" })), error(""));
        assert_eq!(
            problems(json!({ "name": "a", "csv_classifier": {}, "json_classifier": { "json_path": "$" } })),
            error("json_classifier")
        );
        assert_eq!(problems(csv(json!({ "delimiter": "|", "quote_symbol": "'" }))), none);
        assert_eq!(
            problems(csv(json!({ "delimiter": "'", "quote_symbol": "'" }))),
            error("csv_classifier.quote_symbol")
        );
        assert_eq!(
            problems(csv(json!({ "custom_datatypes": ["DATE"] }))),
            warning("csv_classifier.custom_datatypes")
        );
        assert_eq!(
            problems(csv(json!({ "custom_datatypes": ["DATE"], "custom_datatype_configured": true }))),
            none
        );
        assert_eq!(
            problems(json!({ "name": "a", "json_classifier": { "json_path": "orders[*]" } })),
            error("json_classifier.json_path")
        );
        let grok = |pattern: &str| json!({ "name": "a", "grok_classifier": { "grok_pattern": pattern } });
        assert_eq!(problems(grok("%{IPORHOST:client} .*")), none);
        assert_eq!(problems(grok(".*")), warning("grok_classifier.grok_pattern"));
        assert_eq!(
            problems(json!({ "name": "a", "xml_classifier": { "row_tag": "<row>" } })),
            error("xml_classifier.row_tag")
        );
    }
}
