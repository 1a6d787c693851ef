//! The names of resources, and of the modules that they are in.

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

/// The name of one resource in a stack: `glue_job.orders`, `s3_bucket.lake["raw"]` or, in a module,
/// `module.lake["raw"].s3_bucket.data`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The module instance that it is in.
    pub module: ModulePath,
    /// The kind.
    pub kind: String,
    /// The name within the stack or the module.
    pub name: String,
    /// The key in `for_each`.
    pub key: Option<String>,
}

/// The way from the stack to a module instance: `module.lake["raw"].module.alarms`. It has no steps for
/// the stack itself.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(Option<Arc<[ModuleStep]>>);

/// What an address names: a resource, or a module with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// `module.lake["raw"]`
    Module(ModulePath),
    /// `module.lake["raw"].s3_bucket.data`
    Resource(Address),
}

/// One step of a [`ModulePath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleStep {
    /// The name of the `[module.NAME]` block.
    pub name: String,
    /// The key in its `for_each`.
    pub key: Option<String>,
}

/// The word that begins each step of a [`ModulePath`]. No kind has this name.
const MODULE: &str = "module";

/// Maximum length of an owner's tag.
const TAG: usize = 256;

impl ModulePath {
    /// The steps from the stack on.
    pub fn steps(&self) -> &[ModuleStep] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The path with these steps.
    pub fn of(steps: Vec<ModuleStep>) -> Self {
        Self((!steps.is_empty()).then(|| steps.into()))
    }

    /// Returns whether it is the stack itself.
    pub fn is_root(&self) -> bool {
        self.0.is_none()
    }

    /// The path of an instance of the block `[module.NAME]` in this module.
    #[must_use]
    pub fn child(&self, name: &str, key: Option<String>) -> Self {
        let mut steps = self.steps().to_vec();
        steps.push(ModuleStep { name: name.to_owned(), key });
        Self::of(steps)
    }

    /// The path of the module around this one, and the last step; `None` for the stack itself.
    pub fn split_last(&self) -> Option<(Self, &ModuleStep)> {
        let (last, before) = self.steps().split_last()?;
        Some((Self::of(before.to_vec()), last))
    }

    /// The path of something that is at `below` within this module.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        match (self.is_root(), below.is_root()) {
            (true, _) => below.clone(),
            (_, true) => self.clone(),
            _ => Self::of(self.steps().iter().chain(below.steps()).cloned().collect()),
        }
    }
}

impl Address {
    /// The beginning of the kind in an address of data: `data.ec2_vpc.main` is of the kind `data.ec2_vpc`.
    pub const DATA: &'static str = "data.";

    /// Returns whether it is that of data, which the stack does not own.
    pub fn is_data(&self) -> bool {
        self.kind.starts_with(Self::DATA)
    }

    /// The kind of what it names, without [`Self::DATA`].
    pub fn kind_of_data(&self) -> &str {
        self.kind.strip_prefix(Self::DATA).unwrap_or(&self.kind)
    }

    /// The address of a resource in the stack itself.
    pub fn new(kind: impl Into<String>, name: impl Into<String>, key: Option<String>) -> Self {
        Self { module: ModulePath::default(), kind: kind.into(), name: name.into(), key }
    }

    /// The address of the declaration, without the key: `module.lake["raw"].s3_bucket.data`.
    pub fn declaration(&self) -> String {
        if self.module.is_root() {
            return format!("{}.{}", self.kind, self.name);
        }
        format!("{}.{}.{}", self.module, self.kind, self.name)
    }

    /// The address in the characters that AWS allows in a tag value, at most 256 of them:
    /// `s3_bucket.lake/raw`, and in a module `module.lake/raw:s3_bucket.data`. Each other byte of a key is
    /// written as `@` and two hexadecimal digits; those of modules also escape `/` and `:`
    /// (<https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>).
    pub fn as_tag(&self) -> String {
        let mut modules = String::new();
        for step in self.module.steps() {
            let _ = write!(modules, "{MODULE}.{}", step.name);
            if let Some(key) = &step.key {
                modules.push('/');
                escape(&mut modules, key, b"_.=+-");
            }
            modules.push(':');
        }
        let mut own = format!("{}.{}", self.kind, self.name);
        if let Some(key) = &self.key {
            own.push('/');
            escape(&mut own, key, b"_.:/=+-");
        }
        let mut text = format!("{modules}{own}");
        if text.len() > TAG {
            let name = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes());
            // A doubled `@` starts no escaped byte, so this is never parsed as an address.
            if !modules.is_empty() {
                // The kind stays readable.
                text = format!("{MODULE}.@@{name}:{own}");
            }
            if text.len() > TAG {
                text.truncate(text.floor_char_boundary(TAG - 38));
                let _ = write!(text, "@@{name}");
            }
        }
        text
    }

    /// Parses an address that [`Self::as_tag`] wrote. Returns `None` for a shortened one, and for
    /// anything else.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let (mut steps, mut rest) = (Vec::new(), tag);
        while let Some((step, after)) = module_of_tag(rest) {
            let (name, key) = keyed(step)?;
            // That of a shortened address.
            if name.contains('@') {
                return None;
            }
            steps.push(ModuleStep { name: name.to_owned(), key });
            rest = after;
        }
        let (declaration, key) = keyed(rest)?;
        let (kind, name) = declaration.split_once('.')?;
        let address =
            Self { module: ModulePath::of(steps), kind: kind.to_owned(), name: name.to_owned(), key };
        (address.as_tag() == tag).then_some(address)
    }

    /// The kind of an address that [`Self::as_tag`] wrote, whole or shortened.
    pub fn kind_of_tag(tag: &str) -> Option<&str> {
        let mut rest = tag;
        while let Some((_, after)) = module_of_tag(rest) {
            rest = after;
        }
        rest.split_once('.').map(|(kind, _)| kind)
    }

    /// Returns whether `selector` names this address, its declaration, its kind (`s3_bucket.lake` selects
    /// `s3_bucket.lake["raw"]`) or a module that it is in. Without a key, a module is selected with all its
    /// instances.
    pub fn is_selected_by(&self, selector: &str) -> bool {
        let mut rest = selector;
        let mut own = self.module.steps().iter();
        while let Some(after) = rest.strip_prefix(MODULE).and_then(|rest| rest.strip_prefix('.')) {
            let Ok((step, after)) = module_step(after) else { return false };
            let Some(own) = own.next() else { return false };
            if step.name != own.name || (step.key.is_some() && step.key != own.key) {
                return false;
            }
            if after.is_empty() {
                return true;
            }
            let Some(after) = after.strip_prefix('.') else { return false };
            rest = after;
        }
        // A kind alone selects its resources in all modules that are left.
        if rest == self.kind {
            return true;
        }
        let Some(rest) = rest.strip_prefix(self.kind.as_str()).and_then(|rest| rest.strip_prefix('.')) else {
            return false;
        };
        let Some(rest) = rest.strip_prefix(self.name.as_str()).filter(|_| own.next().is_none()) else {
            return false;
        };
        // Accepts keys as expressions write them, and as a shell leaves them.
        let names = |key: &str| {
            let inner = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let parsed = inner.and_then(|inner| serde_json::from_str::<String>(inner).ok());
            parsed.as_deref() == Some(key) || inner == Some(key) || rest.strip_prefix('.') == Some(key)
        };
        rest.is_empty() || self.key.as_deref().is_some_and(names)
    }
}

/// Writes the bytes of a key, those that are neither letters, digits nor `plain` as `@` and two digits.
fn escape(text: &mut String, key: &str, plain: &[u8]) {
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "@{byte:02x}");
        }
    }
}

/// The first module of a tag, without its word, and the rest of the tag.
fn module_of_tag(tag: &str) -> Option<(&str, &str)> {
    tag.strip_prefix(MODULE)?.strip_prefix('.')?.split_once(':')
}

/// The name and the key of one step of a tag.
fn keyed(step: &str) -> Option<(&str, Option<String>)> {
    let Some((name, key)) = step.split_once('/') else { return Some((step, None)) };
    let mut bytes = Vec::new();
    let mut rest = key;
    while let Some((plain, escaped)) = rest.split_once('@') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(escaped.get(..2)?, 16).ok()?);
        rest = escaped.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some((name, Some(String::from_utf8(bytes).ok()?)))
}

/// Writes `["key"]` as JSON, so that every key can be parsed again, with control characters escaped, so
/// that none reaches a terminal.
fn write_key(formatter: &mut fmt::Formatter<'_>, key: Option<&String>) -> fmt::Result {
    let Some(key) = key else { return Ok(()) };
    formatter.write_str("[")?;
    for character in serde_json::Value::from(key.as_str()).to_string().chars() {
        match character {
            // JSON does not escape these: delete, and the control characters of Latin-1.
            '\u{7f}'..='\u{9f}' => write!(formatter, "\\u{:04x}", character as u32)?,
            other => formatter.write_char(other)?,
        }
    }
    formatter.write_str("]")
}

impl fmt::Display for ModuleStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{MODULE}.{}", self.name)?;
        write_key(formatter, self.key.as_ref())
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps().iter().enumerate() {
            write!(formatter, "{}{step}", if index == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl fmt::Debug for ModulePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(formatter, "{}.", self.module)?;
        }
        write!(formatter, "{}.{}", self.kind, self.name)?;
        write_key(formatter, self.key.as_ref())
    }
}

/// Parses the name and the key of a module, after its word. Returns the rest of the text, too.
fn module_step(text: &str) -> Result<(ModuleStep, &str), ()> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.contains(['"', ']', '@', '/', ':']) {
        return Err(());
    }
    let (key, rest) = match rest.strip_prefix('[') {
        None => (None, rest),
        Some(inner) if inner.starts_with('"') => {
            let mut keys = serde_json::Deserializer::from_str(inner).into_iter::<String>();
            let key = keys.next().and_then(Result::ok).ok_or(())?;
            let rest = inner.get(keys.byte_offset()..).and_then(|rest| rest.strip_prefix(']'));
            (Some(key), rest.ok_or(())?)
        }
        // A shell removes the quotes of `lake["raw"]`.
        Some(inner) => {
            let (key, rest) = inner.split_once(']').ok_or(())?;
            if key.is_empty() || key.contains(['"', '[']) {
                return Err(());
            }
            (Some(key.to_owned()), rest)
        }
    };
    Ok((ModuleStep { name: name.to_owned(), key }, rest))
}

/// Parses the modules at the start of an address. Returns the rest without the dot between.
fn modules(text: &str) -> Result<(ModulePath, &str), ()> {
    let (mut steps, mut rest) = (Vec::new(), text);
    while let Some(after) = rest.strip_prefix(MODULE).and_then(|rest| rest.strip_prefix('.')) {
        let (step, after) = module_step(after)?;
        steps.push(step);
        rest = match after.strip_prefix('.') {
            Some(after) => after,
            None if after.is_empty() => after,
            None => return Err(()),
        };
    }
    Ok((ModulePath::of(steps), rest))
}

impl FromStr for ModulePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match modules(text) {
            Ok((path, "")) if !path.is_root() && !text.ends_with('.') => Ok(path),
            _ => Err(format!("`{text}` is not the address of a module such as module.lake[\"raw\"]")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(path) => path.fmt(formatter),
            Self::Resource(address) => address.fmt(formatter),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(path) => Ok(Self::Module(path)),
            Err(_) => text.parse().map(Self::Resource),
        }
    }
}

impl Place {
    /// Returns whether this place is, or contains, an address; every key if it is written without one.
    pub fn contains(&self, address: &Address) -> bool {
        address.is_selected_by(&self.to_string())
    }

    /// The key of its last step.
    pub fn key(&self) -> Option<&String> {
        match self {
            Self::Module(path) => path.steps().last().and_then(|step| step.key.as_ref()),
            Self::Resource(address) => address.key.as_ref(),
        }
    }

    /// The same with another key in its last step.
    #[must_use]
    pub fn with_key(&self, key: Option<String>) -> Self {
        match self {
            Self::Module(path) => Self::Module(match path.split_last() {
                Some((around, last)) => around.child(&last.name, key),
                None => path.clone(),
            }),
            Self::Resource(address) => Self::Resource(Address { key, ..address.clone() }),
        }
    }

    /// The module that it is in or is.
    pub fn module(&self) -> &ModulePath {
        match self {
            Self::Module(path) => path,
            Self::Resource(address) => &address.module,
        }
    }

    /// The same without any key.
    #[must_use]
    pub fn without_keys(&self) -> Self {
        let steps = self.module().steps().iter();
        let module = steps.map(|step| ModuleStep { name: step.name.clone(), key: None });
        self.in_module(ModulePath::of(module.collect())).with_key(None)
    }

    /// The place as it is called within the module of its first steps; `None` for that module itself.
    pub fn below(&self, steps: usize) -> Option<Self> {
        let rest = self.module().steps().get(steps..)?;
        let is_module = matches!(self, Self::Module(_));
        (!is_module || !rest.is_empty()).then(|| self.in_module(ModulePath::of(rest.to_vec())))
    }

    /// The place that is called so within a module.
    #[must_use]
    pub fn within(&self, module: &ModulePath) -> Self {
        self.in_module(module.join(self.module()))
    }

    /// The same in another module.
    #[must_use]
    pub fn in_module(&self, module: ModulePath) -> Self {
        match self {
            Self::Module(_) => Self::Module(module),
            Self::Resource(address) => Self::Resource(Address { module, ..address.clone() }),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed =
            || format!("`{text}` is not an address such as glue_job.orders or s3_bucket.lake[\"raw\"]");
        let (module, own) = modules(text).map_err(|()| malformed())?;
        let of_data = own.strip_prefix(Self::DATA).and_then(|own| own.find('.'));
        let kind =
            of_data.map(|end| end + Self::DATA.len()).or_else(|| own.find('.')).ok_or_else(malformed)?;
        let (kind, rest) = (&own[..kind], &own[kind + 1..]);
        let (name, key) = match rest.split_once('[') {
            Some((name, key)) => {
                let key = key.strip_suffix(']').ok_or_else(malformed)?;
                // A shell removes the quotes of `lake["raw"]`.
                let key = match serde_json::from_str(key) {
                    Ok(key) => key,
                    Err(_) if key.is_empty() || key.contains(['"', '[', ']']) => return Err(malformed()),
                    Err(_) => key.to_owned(),
                };
                (name, Some(key))
            }
            None => (rest, None),
        };
        if kind.is_empty() || name.is_empty() || name.contains(['"', ']', '.']) {
            return Err(malformed());
        }
        Ok(Self { module, kind: kind.to_owned(), name: name.to_owned(), key })
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Address, ModulePath, ModuleStep};

    #[test]
    fn addresses_are_read_as_they_are_printed() {
        for text in ["glue_job.orders", "s3_bucket.lake[\"raw\"]", "s3_bucket.lake[\"a \\\"b\\\" [c].d\"]"] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "glue_job", ".a", "a.", "a.b[]", "a.b[\"raw\"", "a.b[\"raw]", "a.b[c]]", "a.b.c"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        // As a shell leaves it.
        let bare: Address = "a.b[raw]".parse().expect("an address");
        assert_eq!(bare.to_string(), "a.b[\"raw\"]");
        for selector in ["a", "a.b", "a.b[\"raw\"]", "a.b[raw]", "a.b.raw"] {
            assert!(bare.is_selected_by(selector), "{selector}");
        }
        for selector in ["a.b[ra]", "a.b.raw.c", "a.bb", "a.b["] {
            assert!(!bare.is_selected_by(selector), "{selector}");
        }
    }

    #[test]
    fn tags_hold_what_aws_allows_and_tell_addresses_apart() {
        let tag = |text: &str| text.parse::<Address>().expect("an address").as_tag();
        assert_eq!(tag("s3_bucket.lake[\"raw\"]"), "s3_bucket.lake/raw");
        assert_eq!(tag("s3_object.code[\"a b@c.py\"]"), "s3_object.code/a@20b@40c.py");
        for text in ["s3_bucket.lake", "s3_bucket.lake[\"raw\"]", "s3_object.code[\"a b/@c é.py\"]"] {
            let address: Address = text.parse().expect("an address");
            assert_eq!(Address::of_tag(&address.as_tag()), Some(address));
        }
        for tag in ["", "lake", "s3_object.code/@zz", "s3_object.code/@4"] {
            assert_eq!(Address::of_tag(tag), None, "{tag}");
        }
        let long = |end: &str| Address::new("k", "n", Some("x".repeat(400) + end));
        assert_eq!(long("a").as_tag().len(), 256);
        assert_ne!(long("a").as_tag(), long("b").as_tag());
        // The hexadecimal end of a shortened address may start with any digits.
        for number in 0..64 {
            assert_eq!(Address::of_tag(&long(&number.to_string()).as_tag()), None);
        }
    }

    #[test]
    fn modules_are_parts_of_an_address() {
        for text in [
            "module.lake.s3_bucket.raw",
            "module.lake[\"a\"].s3_bucket.raw[\"b\"]",
            "module.lake[\"a].module.\\\"b\"].module.s3_bucket.s3_bucket.raw[\"b.c\"]",
        ] {
            let address: Address = text.parse().expect("an address");
            assert_eq!(address.to_string(), text);
            assert_eq!(Address::of_tag(&address.as_tag()).as_ref(), Some(&address));
            assert_eq!(Address::kind_of_tag(&address.as_tag()), Some("s3_bucket"));
        }
        let tag = |text: &str| text.parse::<Address>().expect("an address").as_tag();
        assert_eq!(
            tag("module.lake[\"a/b:c\"].s3_bucket.raw[\"d/e\"]"),
            "module.lake/a@2fb@3ac:s3_bucket.raw/d/e"
        );
        assert_eq!(tag("module.a.module.b.s3_bucket.raw"), "module.a:module.b:s3_bucket.raw");
        for text in [
            "module.lake",
            "module.lake.",
            "module.lake.raw",
            "module..a.b",
            "module.a[\"x\"]b.c",
            "module.a[].b.c",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        assert_eq!(
            "module.a[b].module.c".parse::<ModulePath>().map(|path| path.to_string()),
            Ok("module.a[\"b\"].module.c".to_owned())
        );
        for text in ["", "module", "module.", "module.a.", "a.b", "module.a.b.c", "module.a[\"b\"]c"] {
            assert!(text.parse::<ModulePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_module_selects_what_is_in_it() {
        let address: Address =
            "module.lake[\"a.b\"].module.alarms.s3_bucket.raw[\"x\"]".parse().expect("an address");
        for selector in [
            "module.lake",
            "module.lake[a.b]",
            "module.lake[\"a.b\"]",
            "module.lake.module.alarms",
            "module.lake.module.alarms.s3_bucket",
            "module.lake.module.alarms.s3_bucket.raw",
            "module.lake.module.alarms.s3_bucket.raw[x]",
            "module.lake[\"a.b\"].module.alarms.s3_bucket.raw[\"x\"]",
            "module.lake[\"a.b\"].module.alarms.s3_bucket.raw.x",
            "s3_bucket",
        ] {
            assert!(address.is_selected_by(selector), "{selector}");
        }
        for selector in [
            "module",
            "module.lak",
            "module.lakes",
            "module.lake[a]",
            "module.lake.s3_bucket.raw",
            "module.lake[\"a.b\"].module.alarms[\"x\"]",
            "module.lake.module.alarms.module.x",
            "module.lake.",
            "s3_bucket.raw",
            "s3_bucket.raw[x]",
        ] {
            assert!(!address.is_selected_by(selector), "{selector}");
        }
        let root: Address = "s3_bucket.raw".parse().expect("an address");
        assert!(!root.is_selected_by("module.lake") && !root.is_selected_by("module.lake.s3_bucket.raw"));
    }

    #[test]
    fn a_long_way_through_modules_keeps_the_kind_in_its_tag() {
        let steps = |end: &str| {
            let step = |at: usize| ModuleStep { name: format!("m{at}"), key: Some("é".repeat(20) + end) };
            ModulePath::of((0..20).map(step).collect())
        };
        let long = |end: &str, key: &str| Address {
            module: steps(end),
            ..Address::new("s3_bucket", "raw", Some(key.to_owned()))
        };
        for (one, other) in
            [(long("a", "k"), long("b", "k")), (long("a", &"k".repeat(300)), long("a", &"k".repeat(301)))]
        {
            let (one, other) = (one.as_tag(), other.as_tag());
            assert!(one.len() <= 256 && other.len() <= 256 && one != other, "{one} {other}");
            assert_eq!(Address::kind_of_tag(&one), Some("s3_bucket"));
            assert_eq!(Address::of_tag(&one), None);
        }
        let name = "é".repeat(200);
        assert!(Address::new("s3_bucket", name, None).as_tag().len() <= 256);
    }

    fn name() -> impl Strategy<Value = String> {
        "[a-zé_][a-z0-9é_-]{0,6}|module|s3_bucket"
    }

    fn any_address() -> impl Strategy<Value = Address> {
        let key = || prop::option::of("[a-c\"\\[\\]./:@ \\\\é\u{85}\n🙂-]{0,6}|module\\.a|raw");
        let step = (name(), key()).prop_map(|(name, key)| ModuleStep { name, key });
        let kind = "s3_bucket|glue_job|sqs_queue";
        (prop::collection::vec(step, 0..4), kind, name(), key())
            .prop_map(|(steps, kind, name, key)| Address { module: ModulePath::of(steps), kind, name, key })
    }

    proptest! {
        #[test]
        fn an_address_survives_each_way_to_write_it(one in any_address(), other in any_address()) {
            prop_assert_eq!(one.to_string().parse::<Address>(), Ok(one.clone()));
            let tag = one.as_tag();
            prop_assert_eq!(Address::of_tag(&tag), Some(one.clone()));
            prop_assert!(tag.chars().all(|one| one.is_alphanumeric() || "_.:/=+-@".contains(one)), "{}", tag);
            prop_assert_eq!(one == other, tag == other.as_tag());
            prop_assert_eq!(one == other, one.to_string() == other.to_string());
            prop_assert!(one.is_selected_by(&one.to_string()) && one.is_selected_by(&one.declaration()));
            prop_assert!(one.module.is_root() || one.is_selected_by(&one.module.to_string()));
            let selects = other.is_selected_by(&one.to_string());
            let is_part = (&one.module, &one.kind, &one.name) == (&other.module, &other.kind, &other.name);
            if selects && !one.module.steps().iter().any(|step| step.key.is_none()) {
                prop_assert!(is_part && (one.key.is_none() || one.key == other.key));
            }
        }
    }
}
