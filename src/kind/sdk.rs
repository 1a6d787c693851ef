//! Conversions between the tables of a spec and the types of an SDK, declared by the names of their fields.
//!
//! ```ignore
//! table! {
//!     S3Target = types::S3Target { path, exclusions, connection_name, sample_size if is_positive }
//!     Action = types::Action { job_name, timeout_minutes as timeout, scan_all or yes }
//! }
//! let request = set!(glue.create_crawler(), want => name, role, targets, timeout_minutes as timeout);
//! let spec = read!(crawler => Spec { name, role, targets, schedule: schedule_of(crawler) });
//! ```
//!
//! - `a as b`: the SDK calls the field `b`.
//! - `a or default`: what the function returns where AWS returns nothing.
//! - `a if test`: a value that fails the test counts as absent.
//! - `a: value` (only in `read!`): the value, computed from something else.
//!
//! A text that is empty counts as absent, and an empty list or map is not sent unless it is named after a
//! semicolon: `Targets = types::CrawlerTargets { ; s3_targets }`.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::{Json, PolicyDocument, Secret};
use crate::aws::{Class, Error, Result, Tags};

/// A table of a spec that corresponds to a type of an SDK.
pub trait Table<Sdk>: Sized {
    /// Converts what AWS returned.
    ///
    /// # Errors
    /// A document in it cannot be read.
    fn of(sdk: &Sdk) -> Result<Self>;

    /// Converts it for AWS.
    ///
    /// # Errors
    /// The SDK misses a field.
    fn to_sdk(&self) -> Result<Sdk>;
}

/// A type that has [`Table`] for one or more types of an SDK.
pub trait Own {}

/// A field that can be read from what a getter of an SDK returns.
pub trait Read<T>: Sized {
    /// The field.
    ///
    /// # Errors
    /// A document cannot be read.
    fn read(from: T) -> Result<Self>;
}

/// A field that can be written to a setter of an SDK.
pub trait Write<T> {
    /// The setter's value; `None` if there is nothing to send.
    ///
    /// # Errors
    /// The SDK misses a field of a table within it.
    fn write(&self) -> Result<Option<T>>;
}

/// What an SDK's builder returns: a value or, if the type has fields that must be there, a result.
pub trait Built<T> {
    /// The value.
    ///
    /// # Errors
    /// A field is missing.
    fn built(self) -> Result<T>;
}

impl<T, E: std::fmt::Display> Built<T> for std::result::Result<T, E> {
    fn built(self) -> Result<T> {
        self.map_err(|error| Error::finding(Class::Invalid, error.to_string()))
    }
}

impl<T> Built<T> for T {
    fn built(self) -> Result<T> {
        Ok(self)
    }
}

/// A text from AWS. An empty one counts as absent.
pub fn text<T: AsRef<str> + ?Sized>(text: Option<&T>) -> Option<String> {
    text.map(AsRef::as_ref).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The value that an SDK's builder made.
///
/// # Errors
/// A field is missing.
pub fn built<T, E: std::fmt::Display>(made: std::result::Result<T, E>) -> Result<T> {
    made.built()
}

/// Returns whether a number is more than zero; some services return zero for an absent one.
pub fn is_positive(number: &i32) -> bool {
    *number > 0
}

impl Read<&str> for String {
    fn read(from: &str) -> Result<Self> {
        Ok(from.to_owned())
    }
}

impl<E: AsRef<str>> Read<&E> for String {
    fn read(from: &E) -> Result<Self> {
        Ok(from.as_ref().to_owned())
    }
}

impl<E: AsRef<str> + ?Sized> Read<Option<&E>> for String {
    fn read(from: Option<&E>) -> Result<Self> {
        Ok(from.map(|text| text.as_ref().to_owned()).unwrap_or_default())
    }
}

impl<E: AsRef<str> + ?Sized> Read<Option<&E>> for Option<String> {
    fn read(from: Option<&E>) -> Result<Self> {
        Ok(text(from))
    }
}

impl Read<&str> for Option<String> {
    fn read(from: &str) -> Result<Self> {
        Ok(text(Some(from)))
    }
}

impl<E: AsRef<str>> Read<&[E]> for Vec<String> {
    fn read(from: &[E]) -> Result<Self> {
        Ok(from.iter().map(|text| text.as_ref().to_owned()).collect())
    }
}

impl<S: BuildHasher> Read<Option<&HashMap<String, String, S>>> for BTreeMap<String, String> {
    fn read(from: Option<&HashMap<String, String, S>>) -> Result<Self> {
        Ok(from.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

impl<E: for<'a> From<&'a str>> Write<E> for String {
    fn write(&self) -> Result<Option<E>> {
        Ok(Some(E::from(self)))
    }
}

impl<E: for<'a> From<&'a str>> Write<E> for Option<String> {
    fn write(&self) -> Result<Option<E>> {
        Ok(self.as_deref().map(E::from))
    }
}

impl<E: for<'a> From<&'a str>> Write<Vec<E>> for Vec<String> {
    fn write(&self) -> Result<Option<Vec<E>>> {
        Ok((!self.is_empty()).then(|| self.iter().map(|text| E::from(text)).collect()))
    }
}

impl Write<HashMap<String, String>> for BTreeMap<String, String> {
    fn write(&self) -> Result<Option<HashMap<String, String>>> {
        Ok((!self.is_empty()).then(|| self.clone().into_iter().collect()))
    }
}

impl Write<String> for Option<Secret> {
    fn write(&self) -> Result<Option<String>> {
        Ok(self.as_ref().map(|secret| secret.expose().to_owned()))
    }
}

macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Read<$type> for $type {
            fn read(from: $type) -> Result<Self> {
                Ok(from)
            }
        }
        impl Read<Option<$type>> for $type {
            fn read(from: Option<$type>) -> Result<Self> {
                Ok(from.unwrap_or_default())
            }
        }
        impl Read<Option<$type>> for Option<$type> {
            fn read(from: Option<$type>) -> Result<Self> {
                Ok(from)
            }
        }
        impl Read<$type> for Option<$type> {
            fn read(from: $type) -> Result<Self> {
                Ok(Some(from))
            }
        }
        impl Write<$type> for $type {
            fn write(&self) -> Result<Option<$type>> {
                Ok(Some(*self))
            }
        }
        impl Write<$type> for Option<$type> {
            fn write(&self) -> Result<Option<$type>> {
                Ok(*self)
            }
        }
    )+};
}

plain!(bool, i32, i64, f64);

macro_rules! document {
    ($($type:ty),+) => {$(
        impl Read<Option<&str>> for Option<$type> {
            fn read(from: Option<&str>) -> Result<Self> {
                from.filter(|text| !text.is_empty()).map(<$type>::read).transpose()
            }
        }
        impl Read<Option<&str>> for $type {
            fn read(from: Option<&str>) -> Result<Self> {
                Self::read(from.unwrap_or_default())
            }
        }
        impl Read<&str> for $type {
            fn read(from: &str) -> Result<Self> {
                Self::parse(from).map_err(|error| {
                    Error::finding(Class::Other, format!("AWS returned a document that is not JSON: {error}"))
                })
            }
        }
        impl Write<String> for Option<$type> {
            fn write(&self) -> Result<Option<String>> {
                Ok(self.as_ref().map(<$type>::to_text))
            }
        }
        impl Write<String> for $type {
            fn write(&self) -> Result<Option<String>> {
                Ok(Some(self.to_text()))
            }
        }
    )+};
}

document!(Json, PolicyDocument);

impl<S, T: Own + Table<S>> Read<&S> for T {
    fn read(from: &S) -> Result<Self> {
        T::of(from)
    }
}

impl<S, T: Own + Table<S> + Default> Read<Option<&S>> for T {
    fn read(from: Option<&S>) -> Result<Self> {
        from.map_or_else(|| Ok(T::default()), T::of)
    }
}

impl<S, T: Own + Table<S>> Read<Option<&S>> for Option<T> {
    fn read(from: Option<&S>) -> Result<Self> {
        from.map(T::of).transpose()
    }
}

impl<S, T: Own + Table<S>> Read<&[S]> for Vec<T> {
    fn read(from: &[S]) -> Result<Self> {
        from.iter().map(T::of).collect()
    }
}

impl<S, T: Own + Table<S>> Write<S> for T {
    fn write(&self) -> Result<Option<S>> {
        self.to_sdk().map(Some)
    }
}

impl<S, T: Own + Table<S>> Write<S> for Option<T> {
    fn write(&self) -> Result<Option<S>> {
        self.as_ref().map(T::to_sdk).transpose()
    }
}

impl<S, T: Own + Table<S>> Write<Vec<S>> for Vec<T> {
    fn write(&self) -> Result<Option<Vec<S>>> {
        let all = self.iter().map(T::to_sdk).collect::<Result<Vec<_>>>()?;
        Ok((!all.is_empty()).then_some(all))
    }
}

/// Declares that tables of a spec correspond to types of an SDK; see the [module](self).
macro_rules! table {
    ($($own:ty = $sdk:ty { $(
        $name:ident $(as $there:ident)? $(or $default:ident)? $(if $keep:ident)?
    ),* $(,)? $(; $($always:ident $(as $called:ident)?),+ $(,)?)? })+) => {$(
        impl $crate::kind::sdk::Own for $own {}

        $crate::kind::sdk::table_too! { $own = $sdk {
            $($name $(as $there)? $(or $default)? $(if $keep)?),* $(; $($always $(as $called)?),+)?
        } }
    )+};
}

/// As [`table!`], for a further type of an SDK.
macro_rules! table_too {
    ($own:ty = $sdk:ty { $(
        $name:ident $(as $there:ident)? $(or $default:ident)? $(if $keep:ident)?
    ),* $(,)? $(; $($always:ident $(as $called:ident)?),+ $(,)?)? }) => {
        impl $crate::kind::sdk::Table<$sdk> for $own {
            fn of(sdk: &$sdk) -> $crate::aws::Result<Self> {
                Ok($crate::kind::sdk::read!(sdk => Self {
                    $($name $(as $there)? $(or $default)? $(if $keep)?,)* $($($always $(as $called)?,)+)?
                }))
            }

            fn to_sdk(&self) -> $crate::aws::Result<$sdk> {
                use $crate::kind::sdk::Built;
                let builder = $crate::kind::sdk::set!(<$sdk>::builder(), self =>
                    $($name $(as $there)?),* $(; $($always $(as $called)?),+)?
                );
                builder.build().built()
            }
        }
    };
}

/// Sets the fields of a request or builder that are called as the settings of `$from`. Lists and maps after
/// a semicolon are sent even if they are empty.
macro_rules! set {
    ($builder:expr, $from:expr =>
        $($name:ident $(as $there:ident)?),* $(,)? $(; $($always:ident $(as $called:ident)?),+ $(,)?)?
    ) => {{
        let builder = $builder;
        $(let builder = $crate::kind::sdk::set!(@one builder $from, $name [$($there)?] []);)*
        $($(let builder = $crate::kind::sdk::set!(@one builder $from, $always [$($called)?] [.unwrap_or_default()]);)+)?
        builder
    }};
    (@one $builder:ident $from:expr, $name:ident [] $empty:tt) => {
        $crate::kind::sdk::set!(@one $builder $from, $name [$name] $empty)
    };
    (@one $builder:ident $from:expr, $name:ident [$there:ident] []) => {
        pastey::paste! { $builder.[<set_ $there>]($crate::kind::sdk::Write::write(&$from.$name)?) }
    };
    (@one $builder:ident $from:expr, $name:ident [$there:ident] [$($empty:tt)+]) => {
        pastey::paste! { $builder.[<set_ $there>](Some($crate::kind::sdk::Write::write(&$from.$name)?$($empty)+)) }
    };
}

/// As [`set!`], but only for settings that differ between `$live` and `$want`.
macro_rules! set_changed {
    ($builder:expr, $live:expr, $want:expr => $($name:ident $(as $there:ident)?),+ $(,)?) => {{
        let builder = $builder;
        $(let builder = $crate::kind::sdk::set_changed!(@one builder $live, $want, $name $($there)?);)+
        builder
    }};
    (@one $builder:ident $live:expr, $want:expr, $name:ident) => {
        $crate::kind::sdk::set_changed!(@one $builder $live, $want, $name $name)
    };
    (@one $builder:ident $live:expr, $want:expr, $name:ident $there:ident) => {
        pastey::paste! { $builder.[<set_ $there>](match $live.$name == $want.$name {
            true => None,
            false => $crate::kind::sdk::Write::write(&$want.$name)?,
        }) }
    };
}

/// Reads a table from the getters of what AWS returned.
macro_rules! read {
    ($sdk:expr => $own:ident { $(
        $name:ident $(as $there:ident)? $(or $default:ident)? $(if $keep:ident)? $(: $value:expr)?
    ),+ $(,)? }) => {{
        let sdk = $sdk;
        let _ = &sdk;
        $own { $(
            $name: $crate::kind::sdk::read!(
                @one sdk $name [$($there)?] [$($default)?] [$($keep)?] [$($value)?]
            )
        ),+ }
    }};
    (@one $sdk:ident $name:ident [] [] [] [$value:expr]) => { $value };
    (@one $sdk:ident $name:ident [] $default:tt $keep:tt []) => {
        $crate::kind::sdk::read!(@one $sdk $name [$name] $default $keep [])
    };
    (@one $sdk:ident $name:ident [$there:ident] [] [] []) => {
        $crate::kind::sdk::Read::read($sdk.$there())?
    };
    (@one $sdk:ident $name:ident [$there:ident] [$default:ident] [] []) => {{
        let given: Option<_> = $crate::kind::sdk::Read::read($sdk.$there())?;
        given.unwrap_or_else($default)
    }};
    (@one $sdk:ident $name:ident [$there:ident] [] [$keep:ident] []) => {{
        let given: Option<_> = $crate::kind::sdk::Read::read($sdk.$there())?;
        given.filter($keep)
    }};
}

/// A tag in the type of an SDK.
pub trait SdkTag: Sized {
    /// Makes one.
    ///
    /// # Errors
    /// The SDK misses a part of it.
    fn of(key: &str, value: &str) -> Result<Self>;
    /// Its key and value.
    fn pair(&self) -> (&str, &str);
}

/// The tags of a resource in what an SDK takes and returns: a list or a map.
pub trait SdkTags: Sized {
    /// Makes them.
    ///
    /// # Errors
    /// The SDK misses a part of a tag.
    fn of(tags: &Tags) -> Result<Self>;
}

impl<T: SdkTag> SdkTags for Vec<T> {
    fn of(tags: &Tags) -> Result<Self> {
        tags.iter().map(|(key, value)| T::of(key, value)).collect()
    }
}

impl SdkTags for HashMap<String, String> {
    fn of(tags: &Tags) -> Result<Self> {
        Ok(tags.clone().into_iter().collect())
    }
}

/// Converts tags for a request; `None` if there are none.
///
/// # Errors
/// The SDK misses a part of a tag.
pub fn sdk_tags<T: SdkTags>(tags: &Tags) -> Result<Option<T>> {
    (!tags.is_empty()).then(|| T::of(tags)).transpose()
}

/// Tags that AWS returned.
pub trait AnswerTags {
    /// Their keys and values.
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)>;
}

impl<T: SdkTag> AnswerTags for &[T] {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().map(T::pair)
    }
}

impl AnswerTags for Option<&HashMap<String, String>> {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().flat_map(|map| map.iter()).map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The tags that AWS returned, without those of AWS itself (`aws:*`).
pub fn tags_from<T: AnswerTags>(tags: T) -> Tags {
    let own = tags.pairs().filter(|(key, _)| !key.starts_with("aws:"));
    own.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A text that a getter returns, whether or not the SDK knows that it is always there.
pub trait Text<'a> {
    /// The text; empty if there is none.
    fn plain(self) -> &'a str;
}

impl<'a> Text<'a> for &'a str {
    fn plain(self) -> &'a str {
        self
    }
}

impl<'a> Text<'a> for Option<&'a str> {
    fn plain(self) -> &'a str {
        self.unwrap_or_default()
    }
}

/// Declares how a service lists, sets and removes tags. It makes the functions `tag` and, if a call lists
/// tags, `tags`:
///
/// ```ignore
/// tagging!(sns(resource_arn): tag_resource.set_tags, untag_resource.set_tag_keys, list_tags_for_resource.tags);
/// ```
macro_rules! tagging {
    ($client:ident($id:ident): $tag:ident.$set:ident, $untag:ident.$unset:ident) => {
        /// Sets and removes tags of a resource.
        pub(super) async fn tag(
            cx: &$crate::aws::Cx,
            id: &str,
            set: &$crate::aws::Tags,
            remove: &[String],
        ) -> $crate::aws::Result<()> {
            let client = cx.aws.$client();
            if !remove.is_empty() {
                client.$untag().$id(id).$unset(Some(remove.to_vec())).send().await?;
            }
            if !set.is_empty() {
                client.$tag().$id(id).$set($crate::kind::sdk::sdk_tags(set)?).send().await?;
            }
            Ok(())
        }
    };
    ($client:ident($id:ident): $tag:ident.$set:ident, $untag:ident.$unset:ident, $list:ident.$tags:ident) => {
        $crate::kind::sdk::tagging!($client($id): $tag.$set, $untag.$unset);

        /// The tags of a resource, from the index if that knows them; `None` if the resource does not exist.
        pub(super) async fn tags(
            cx: &$crate::aws::Cx,
            lookup: &$crate::kind::Lookup<'_>,
            id: &str,
        ) -> $crate::aws::Result<Option<$crate::aws::Tags>> {
            use $crate::aws::ResultExt;
            if let Some(tags) = lookup.tags {
                return Ok(Some(tags.clone()));
            }
            let answer = cx.aws.$client().$list().$id(id).send().await.or_gone()?;
            Ok(answer.map(|answer| $crate::kind::sdk::tags_from(answer.$tags())))
        }
    };
}

/// Makes a service's own type of tags usable by [`sdk_tags`] and [`tags_from`].
macro_rules! tag_type {
    ($tag:ty) => {
        $crate::kind::sdk::tag_type!($tag, key, value);
    };
    ($tag:ty, $key:ident, $value:ident) => {
        impl $crate::kind::sdk::SdkTag for $tag {
            fn of(key: &str, value: &str) -> $crate::aws::Result<Self> {
                use $crate::kind::sdk::Built;
                <$tag>::builder().$key(key).$value(value).build().built()
            }

            fn pair(&self) -> (&str, &str) {
                use $crate::kind::sdk::Text;
                (self.$key().plain(), self.$value().plain())
            }
        }
    };
}

pub(crate) use {read, set, set_changed, table, table_too, tag_type, tagging};

#[cfg(test)]
mod tests {
    use super::{Table, is_positive, sdk_tags, tags_from};
    use crate::aws::{Error, Tags};

    /// A type as an SDK generates it.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Rule {
        kind: Option<String>,
        days: Option<i32>,
        names: Option<Vec<String>>,
        parts: Option<Vec<Rule>>,
    }

    impl Rule {
        fn builder() -> Self {
            Self::default()
        }
        fn kind(&self) -> Option<&str> {
            self.kind.as_deref()
        }
        fn days(&self) -> Option<i32> {
            self.days
        }
        fn names(&self) -> &[String] {
            self.names.as_deref().unwrap_or_default()
        }
        fn parts(&self) -> &[Rule] {
            self.parts.as_deref().unwrap_or_default()
        }
        fn set_kind(self, kind: Option<String>) -> Self {
            Self { kind, ..self }
        }
        fn set_days(self, days: Option<i32>) -> Self {
            Self { days, ..self }
        }
        fn set_names(self, names: Option<Vec<String>>) -> Self {
            Self { names, ..self }
        }
        fn set_parts(self, parts: Option<Vec<Rule>>) -> Self {
            Self { parts, ..self }
        }
        fn build(self) -> Result<Self, std::fmt::Error> {
            if self.kind.as_deref() == Some("broken") { Err(std::fmt::Error) } else { Ok(self) }
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Own {
        kind: String,
        days: Option<i32>,
        names: Vec<String>,
    }

    #[derive(Debug, PartialEq)]
    struct Whole {
        title: Option<String>,
        parts: Vec<Own>,
    }

    fn usual() -> String {
        "usual".to_owned()
    }

    table! {
        Own = Rule { kind or usual, days if is_positive; names }
        Whole = Rule { title as kind, parts }
    }

    #[test]
    fn a_table_survives_a_round_trip_to_the_sdk() -> Result<(), Error> {
        let part = Own { kind: "a".to_owned(), days: Some(3), names: vec!["n".to_owned()] };
        let whole = Whole { title: Some("t".to_owned()), parts: vec![part] };
        assert_eq!(Whole::of(&whole.to_sdk()?)?, whole);
        // What AWS leaves out, returns as zero, or returns empty.
        let own = Own::of(&Rule { days: Some(0), ..Rule::default() })?;
        assert_eq!(own, Own { kind: usual(), days: None, names: Vec::new() });
        assert_eq!(Whole::of(&Rule { kind: Some(String::new()), ..Rule::default() })?.title, None);
        // A list after a semicolon is sent even if it is empty, another is not.
        assert_eq!(own.to_sdk()?.names, Some(Vec::new()));
        assert_eq!(Whole { title: None, parts: Vec::new() }.to_sdk()?.parts, None);
        let broken = Own { kind: "broken".to_owned(), ..own };
        assert!(Whole { title: None, parts: vec![broken] }.to_sdk().is_err());
        Ok(())
    }

    #[test]
    fn only_changed_members_are_set() -> Result<(), Error> {
        let live = Own { kind: "a".to_owned(), days: Some(3), names: Vec::new() };
        let want = Own { days: Some(4), ..live.clone() };
        let changed = set_changed!(Rule::builder(), live, want => kind, days);
        assert_eq!(changed, Rule { days: Some(4), ..Rule::default() });
        Ok(())
    }

    #[test]
    fn reserved_aws_tags_are_left_out() -> Result<(), Error> {
        let tags =
            Tags::from([("aws:stack".to_owned(), "s".to_owned()), ("team".to_owned(), "t".to_owned())]);
        let map: Option<std::collections::HashMap<String, String>> = sdk_tags(&tags)?;
        assert_eq!(tags_from(map.as_ref()), Tags::from([("team".to_owned(), "t".to_owned())]));
        assert_eq!(sdk_tags::<std::collections::HashMap<String, String>>(&Tags::new())?, None);
        Ok(())
    }
}
