//! `glue_database`.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_sdk_glue::types::{
    self, DataLakePrincipal, Database, DatabaseInput, Permission,
    PrincipalPermissions as AwsPrincipalPermissions,
};

use super::shared;
use crate::kind::prelude::*;

/// A database of the AWS Glue Data Catalog: what tables, crawlers, Athena and Redshift
/// Spectrum refer to. Also a link to a database of another account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-at-most-one" = [["target_database", "federated_database"], ["target_database", "location_uri"]]))]
pub struct Spec {
    /// Name of the database, in lower case, unique in its catalog.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub name: String,
    /// Catalog that holds the database. Absent: the account's own.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT, REPLACE]), length(min = 1, max = 255))]
    pub catalog_id: Option<String>,
    /// What the database holds.
    #[schemars(length(max = 2048))]
    pub description: Option<String>,
    /// Where new tables keep their data unless they say otherwise, as an `s3://` URL.
    #[schemars(length(min = 1, max = 1024))]
    pub location_uri: Option<String>,
    /// Properties of the database. Those that AWS, crawlers or other tools add are left
    /// alone: only the ones written here count.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SHARED]))]
    pub parameters: BTreeMap<String, String>,
    /// What Lake Formation grants on new tables. Absent: as the account's data lake
    /// settings say. To grant nothing, one principal without permissions.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT, SET]))]
    #[schemars(extend("x-dwctl-risk" = ["access when come: more permissions are granted on new tables"]))]
    pub create_table_default_permissions: Vec<PrincipalPermissions>,
    /// Makes this a link to another database, often one shared by another account.
    pub target_database: Option<DatabaseIdentifier>,
    /// Makes this a view of a database outside the Data Catalog, through a connection.
    pub federated_database: Option<FederatedDatabase>,
    /// Delete the database with the tables in it. AWS would do so without asking; dwctl otherwise refuses.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [LOCAL]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when on: destroying it deletes the tables in it", "data-loss when destroyed true: the tables in it are deleted from the catalog"]))]
    pub force_destroy: bool,
}

/// What a principal may do with new tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrincipalPermissions {
    /// The principal: an ARN, or `IAM_ALLOWED_PRINCIPALS` for everyone whom IAM policies allow.
    pub principal: Principal,
    /// What: `ALL`, `SELECT`, `ALTER`, `DROP`, `DELETE`, `INSERT`, `CREATE_DATABASE`,
    /// `CREATE_TABLE` or `DATA_LOCATION_ACCESS`. Absent: nothing.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET], "items" = {
        "type": "string",
        "enum": ["ALL", "ALTER", "CREATE_DATABASE", "CREATE_TABLE", "DATA_LOCATION_ACCESS", "DELETE", "DROP", "INSERT", "SELECT"],
    }))]
    pub permissions: Vec<String>,
}

/// A principal of Lake Formation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Principal {
    /// An ARN, or `IAM_ALLOWED_PRINCIPALS`.
    #[schemars(length(min = 1, max = 255))]
    pub data_lake_principal_identifier: String,
}

/// The database that a link leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseIdentifier {
    /// Catalog that holds it, mostly the id of the account that shares it.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(min = 1, max = 255))]
    pub catalog_id: Option<String>,
    /// Its name.
    #[schemars(length(min = 1, max = 255))]
    pub database_name: String,
    /// Its region. Absent: this one.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(min = 1, max = 255))]
    pub region: Option<String>,
}

/// A database outside the Data Catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FederatedDatabase {
    /// Its unique identifier at its source.
    #[schemars(length(min = 1, max = 512))]
    pub identifier: Option<String>,
    /// Name of the Glue connection to its source.
    #[schemars(length(min = 1, max = 255))]
    pub connection_name: Option<String>,
    /// Kind of that connection.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(min = 1, max = 255))]
    pub connection_type: Option<String>,
}

/// The attributes of a database that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the database.
    pub arn: String,
}

/// The kind `glue_database`.
pub struct GlueDatabase;

/// If at most this many databases are missing from the first page of a catalog, each is read by name.
const FEW: usize = 2;

/// The principal that means "IAM decides". By default, Glue grants it all permissions.
const IAM_ALLOWED: &str = "IAM_ALLOWED_PRINCIPALS";

impl Kind for GlueDatabase {
    const CFN: Option<&'static str> = Some("AWS::Glue::Database");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_glue_catalog_database",
        &[("create_table_default_permissions", "create_table_default_permission")],
    );
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[("name", "DatabaseName")];
    const ACTIONS: Actions = Actions {
        read: &["glue:GetDatabase", "glue:GetDatabases", "glue:GetTags"],
        create: &["glue:CreateDatabase", "glue:TagResource"],
        update: &["glue:UpdateDatabase", "glue:GetDatabase", "glue:TagResource", "glue:UntagResource"],
        delete: &["glue:GetTables", "glue:DeleteDatabase"],
    };
    const BATCHES_READS: bool = true;
    const TAGS_APART: bool = true;

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, scope: &Scope) -> Identity {
        if spec.is_set("catalog_id") && spec.text("catalog_id").is_none() {
            return Identity::Unknown;
        }
        Identity::named(spec.text("name").map(|name| to_id(spec.text("catalog_id"), name, scope)))
    }

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", Self::identity(spec, scope).id().map(|id| arn(&id, scope)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(name) = spec.text("name") {
            if name.chars().any(char::is_uppercase) {
                problems.push(
                    Problem::new("name", "the name of a database is kept in lower case")
                        .help(format!("write it as `{}`", name.to_lowercase())),
                );
            }
            // Not AWS's rule: in our ids, a colon separates the catalog from the name.
            if name.contains(':') {
                problems.push(Problem::new("name", "the name of a database cannot have a colon"));
            }
        }
        if let Some(location) = spec.text("location_uri").filter(|location| !location.contains(':')) {
            problems.push(
                Problem::warning("location_uri", format!("the location `{location}` has no scheme"))
                    .help("write it as `s3://bucket/folder/`"),
            );
        }
        let mut principals = HashSet::new();
        for (index, grant) in spec.list("create_table_default_permissions").iter().enumerate() {
            let principal = Known(grant).text("principal.data_lake_principal_identifier");
            if principal.is_some_and(|principal| !principals.insert(principal)) {
                problems.push(
                    Problem::new(
                        format!("create_table_default_permissions.{index}"),
                        "a principal is granted its permissions in one element",
                    )
                    .help("put all `permissions` of the principal in one list"),
                );
            }
        }
        problems
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let mut names: BTreeMap<String, HashSet<&str>> = BTreeMap::new();
        for lookup in lookups {
            let (catalog, name) = from_id(lookup.id, &cx.scope);
            names.entry(catalog).or_default().insert(name);
        }
        let mut found: HashMap<String, Result<HashMap<String, Database>>> = HashMap::new();
        for (catalog, names) in names {
            let databases = databases(cx, &catalog, names).await;
            found.insert(catalog, databases);
        }
        let found = lookups
            .iter()
            .map(|lookup| {
                let (catalog, name) = from_id(lookup.id, &cx.scope);
                match found.get(&catalog) {
                    Some(Ok(databases)) => Ok(databases.get(name).cloned()),
                    Some(Err(error)) => Err(error.clone()),
                    None => Ok(None),
                }
            })
            .collect();
        let arn = |id: &str| arn(id, &cx.scope);
        shared::with_tags(cx, lookups, found, arn, |lookup, found, tags| {
            let live = Live::ready(to_spec(&cx.scope, lookup, &found)?, Attrs { arn: arn(lookup.id) }, tags);
            Ok(live.with_incarnation(found.create_time()))
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let permissions = &want.create_table_default_permissions;
        cx.aws
            .glue()
            .create_database()
            .set_catalog_id(want.catalog_id.clone())
            .database_input(input(
                want,
                &want.parameters,
                (!permissions.is_empty()).then(|| grants(permissions)),
            )?)
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        Ok(to_id(want.catalog_id.as_deref(), &want.name, &cx.scope).into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let (catalog, name) = from_id(id, &cx.scope);
        // The new definition replaces the old one, so parameters that the stack does not declare have
        // to be sent, too.
        let now = cx.aws.glue().get_database().catalog_id(&catalog).name(name).send().await?;
        let mut parameters =
            BTreeMap::read(now.database.as_ref().and_then(|database| database.parameters()))?;
        parameters.retain(|name, _| !live.parameters.contains_key(name));
        parameters.extend(want.parameters.clone());
        let permissions = grants(&want.create_table_default_permissions);
        cx.aws
            .glue()
            .update_database()
            .catalog_id(&catalog)
            .name(name)
            .database_input(input(want, &parameters, Some(permissions))?)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        let (catalog, name) = from_id(id, &cx.scope);
        // A link shows the tables of its target, which stay.
        let owns_tables = live.target_database.is_none() && live.federated_database.is_none();
        if owns_tables && !live.force_destroy {
            let tables = tables(cx, &catalog, name, 4).await?;
            if !tables.is_empty() {
                let (shown, more) = (&tables[..tables.len().min(3)], tables.len() > 3);
                return Err(Error::finding(
                    Class::Invalid,
                    format!(
                        "the database holds tables ({}{}) that would be lost with it; delete them first, or apply `force_destroy = true`",
                        shown.join(", "),
                        if more { ", and more" } else { "" }
                    ),
                ));
            }
        }
        cx.aws
            .glue()
            .delete_database()
            .catalog_id(&catalog)
            .name(name)
            .send()
            .await
            .or_gone()
            .map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, &attrs.arn, set, remove).await
    }
}

/// The id of a database: its name, or `catalog:name` if the catalog is not the account's own.
fn to_id(catalog: Option<&str>, name: &str, scope: &Scope) -> String {
    match catalog {
        Some(catalog) if catalog != scope.account_id => format!("{catalog}:{name}"),
        _ => name.to_owned(),
    }
}

/// Splits an id into catalog and name. The id of a catalog may have colons, a name has none.
fn from_id<'a>(id: &'a str, scope: &Scope) -> (String, &'a str) {
    match id.rsplit_once(':') {
        Some((catalog, name)) => (catalog.to_owned(), name),
        None => (scope.account_id.clone(), id),
    }
}

/// The ARN `…:account:database/name`. The catalog's name precedes the database's, unless it is the root
/// catalog, whose id is the account id
/// (<https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html>).
fn arn(id: &str, scope: &Scope) -> String {
    let (catalog, name) = from_id(id, scope);
    let (account, path) = match catalog.split_once(':') {
        Some((account, path)) => (account, path),
        None if catalog.len() == 12 && catalog.bytes().all(|byte| byte.is_ascii_digit()) => {
            (catalog.as_str(), "")
        }
        None => (scope.account_id.as_str(), catalog.as_str()),
    };
    let part = if path.is_empty() { "" } else { "/" };
    format!("arn:{}:glue:{}:{account}:database/{path}{part}{name}", scope.partition, scope.region)
}

/// The names of a database's tables, at least `most` if there are that many. AWS removes tables that the
/// caller may not see after it has cut the pages, so an empty page may be followed by more.
async fn tables(cx: &Cx, catalog: &str, database: &str, most: usize) -> Result<Vec<String>> {
    let tables = cx.aws.glue().get_tables().catalog_id(catalog).database_name(database);
    let mut pages = tables.into_paginator().page_size(4).send();
    let mut names = Vec::new();
    while names.len() < most
        && let Some(page) = pages.next().await
    {
        let Some(page) = page.or_gone()? else { break };
        names.extend(page.table_list.unwrap_or_default().into_iter().map(|table| table.name));
    }
    Ok(names)
}

/// The requested databases of a catalog, by name.
async fn databases(cx: &Cx, catalog: &str, names: HashSet<&str>) -> Result<HashMap<String, Database>> {
    let glue = cx.aws.glue();
    let mut found = HashMap::new();
    let mut missing = names;
    if missing.len() > 1 {
        let mut pages = glue.get_databases().catalog_id(catalog).into_paginator().page_size(100).send();
        while let Some(page) = pages.next().await {
            // The catalog itself may not exist.
            let Some(page) = page.or_gone()? else { return Ok(found) };
            for database in page.database_list {
                if missing.remove(database.name()) {
                    found.insert(database.name().to_owned(), database);
                }
            }
            // Reading a few by name is cheaper than the pages of a large catalog.
            if missing.len() <= FEW {
                break;
            }
        }
    }
    for name in missing {
        let answer = glue.get_database().catalog_id(catalog).name(name).send().await.or_gone()?;
        if let Some(database) = answer.and_then(|answer| answer.database) {
            found.insert(name.to_owned(), database);
        }
    }
    Ok(found)
}

fn to_spec(scope: &Scope, lookup: &Lookup<'_>, database: &Database) -> Result<Spec> {
    let (catalog, name) = from_id(lookup.id, scope);
    let mut spec = read!(database => Spec {
        name: name.to_owned(), catalog_id: Some(catalog), description, location_uri, parameters,
        create_table_default_permissions: to_grants(database.create_table_default_permissions()),
        target_database if is_link,
        federated_database, force_destroy: false,
    });
    spec.parameters.retain(|name, _| is_ours(lookup, name));
    Ok(spec)
}

fn is_link(target: &DatabaseIdentifier) -> bool {
    !target.database_name.is_empty()
}

table! {
    DatabaseIdentifier = types::DatabaseIdentifier { catalog_id, database_name, region }
    FederatedDatabase = types::FederatedDatabase { identifier, connection_name, connection_type }
}

/// Returns whether a parameter belongs to the stack: it is declared, or was applied before. Others also
/// write parameters to a database.
fn is_ours(lookup: &Lookup<'_>, parameter: &str) -> bool {
    lookup.wants(&format!("parameters.{parameter}"))
}

/// AWS's grants. An empty list becomes a principal without permissions, to distinguish it from a stack
/// that declares nothing.
fn to_grants(grants: &[AwsPrincipalPermissions]) -> Vec<PrincipalPermissions> {
    let grants: Vec<PrincipalPermissions> = grants
        .iter()
        .filter_map(|grant| {
            Some(PrincipalPermissions {
                principal: Principal {
                    data_lake_principal_identifier: text(
                        grant.principal()?.data_lake_principal_identifier(),
                    )?,
                },
                permissions: grant
                    .permissions()
                    .iter()
                    .map(|permission| permission.as_str().to_owned())
                    .collect(),
            })
        })
        .filter(|grant| !grant.permissions.is_empty())
        .collect();
    if grants.is_empty() {
        let principal = Principal { data_lake_principal_identifier: IAM_ALLOWED.to_owned() };
        return vec![PrincipalPermissions { principal, permissions: Vec::new() }];
    }
    grants
}

/// Converts grants for the SDK. A principal without permissions becomes no grant.
fn grants(grants: &[PrincipalPermissions]) -> Vec<AwsPrincipalPermissions> {
    grants
        .iter()
        .filter(|grant| !grant.permissions.is_empty())
        .map(|grant| {
            AwsPrincipalPermissions::builder()
                .principal(
                    DataLakePrincipal::builder()
                        .data_lake_principal_identifier(&grant.principal.data_lake_principal_identifier)
                        .build(),
                )
                .set_permissions(Some(
                    grant
                        .permissions
                        .iter()
                        .map(|permission| Permission::from(permission.as_str()))
                        .collect(),
                ))
                .build()
        })
        .collect()
}

fn input(
    want: &Spec,
    parameters: &BTreeMap<String, String>,
    permissions: Option<Vec<AwsPrincipalPermissions>>,
) -> Result<DatabaseInput> {
    set!(types::DatabaseInput::builder(), want => name, description, location_uri, target_database, federated_database)
        .set_parameters(parameters.write()?)
        .set_create_table_default_permissions(permissions)
        .build()
        .built()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{arn, from_id, is_ours, to_id};
    use crate::aws::Scope;
    use crate::kind::Lookup;

    fn scope() -> Scope {
        Scope {
            partition: "aws".to_owned(),
            account_id: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    #[test]
    fn an_id_contains_catalog_and_name() {
        for (catalog, id, resource) in [
            (None, "sales", "111122223333:database/sales"),
            (Some("111122223333"), "sales", "111122223333:database/sales"),
            (Some("444455556666"), "444455556666:sales", "444455556666:database/sales"),
            (Some("111122223333:lake"), "111122223333:lake:sales", "111122223333:database/lake/sales"),
        ] {
            assert_eq!(to_id(catalog, "sales", &scope()), id);
            assert_eq!(from_id(id, &scope()), (catalog.unwrap_or("111122223333").to_owned(), "sales"));
            assert_eq!(arn(id, &scope()), format!("arn:aws:glue:eu-west-1:{resource}"));
        }
    }

    #[test]
    fn undeclared_parameters_are_ignored() {
        let wanted = ["name", "parameters.owner", "parameters.old"].map(str::to_owned);
        let wanted = BTreeSet::from(wanted);
        let lookup = Lookup::of("sales", Some(&wanted));
        assert!(is_ours(&lookup, "owner") && is_ours(&lookup, "old") && !is_ours(&lookup, "CreatedByJob"));
        assert!(is_ours(&Lookup::of("sales", None), "CreatedByJob"));
    }
}
