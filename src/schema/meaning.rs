//! What a field means beyond its shape: the language of a document, and the risks of a
//! change. Kinds declare them by `x-dwctl-document` and `x-dwctl-risk`.
//!
//! A risk is one line of text:
//!
//! ```text
//! SORT when|while [MEMBER] EVENT if PATH = VALUE: WORDS
//!
//! data-loss when shorter: log events are kept {after} days instead of {before} days
//! access while on: reachable from the internet
//! protection when [require_ssl] off: connections without TLS are accepted
//! data-loss while come if force_overwrite_replica_secret = true: overwrites a secret of the same name
//! ```
//!
//! - `SORT` is what it costs: see [`RiskSort`].
//! - `when` is told of a resource that exists and changes. `while` is told of a new one too:
//!   only for what a reviewer wants to see of something brand-new.
//! - `[MEMBER]`, optional, is the member of a table, map or document that the event is about.
//! - `EVENT` is which change it is: see [`When`].
//! - `if`, optional, names another field of the resource and the value that it must have.
//! - `WORDS`, optional, are shown to the reviewer; `{before}` and `{after}` stand for the values.
//!
//! `plan/risk/judge.rs` is the one interpreter. `tests/data/risks.toml` lists every attribute
//! that bears no risk, so that a new attribute needs a decision.

/// What a document, a text or a list is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A state machine: `states-language`.
    StatesLanguage,
    /// A CloudWatch dashboard: `dashboard`.
    Dashboard,
    /// The queues of Redshift's workload management: `wlm`.
    Wlm,
    /// What an event or a message must have, in which a list means any of its values: `pattern`.
    Pattern,
    /// `cron(…)` or `rate(…)`, in UTC: `schedule`.
    Schedule,
    /// What may come in through a firewall: `ingress`.
    Ingress,
    /// What may go out through it: `egress`.
    Egress,
    /// Rules by which objects expire: `lifecycle`.
    Lifecycle,
    /// Rules by which objects are copied: `replication`.
    Replication,
    /// The path of a file of the stack that is put there: `file`.
    File,
    /// The text that is put there: `content`.
    Content,
    /// The checksum of that content: `checksum`.
    Checksum,
}

impl Document {
    /// The document of that name in `x-dwctl-document`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "states-language" => Self::StatesLanguage,
            "dashboard" => Self::Dashboard,
            "wlm" => Self::Wlm,
            "pattern" => Self::Pattern,
            "schedule" => Self::Schedule,
            "ingress" => Self::Ingress,
            "egress" => Self::Egress,
            "lifecycle" => Self::Lifecycle,
            "replication" => Self::Replication,
            "file" => Self::File,
            "content" => Self::Content,
            "checksum" => Self::Checksum,
            _ => return None,
        })
    }

    /// The risk that its reader finds in it, in words for `explain`; empty where it finds none.
    pub fn risk(self) -> &'static str {
        match self {
            Self::StatesLanguage | Self::Dashboard | Self::Wlm | Self::Pattern | Self::Schedule => "",
            Self::File | Self::Content | Self::Checksum => "",
            Self::Ingress | Self::Egress => "wider access when a rule allows more",
            Self::Lifecycle => "data loss when more expires, or sooner",
            Self::Replication => "weaker protection when less is copied",
        }
    }

    /// Whether it is compared as a whole, since its parts are told by what they are and not
    /// by their place.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::StatesLanguage | Self::Dashboard | Self::Wlm)
    }
}

/// A risk of a change of a field: see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskMark {
    /// What it costs.
    pub sort: RiskSort,
    /// Whether it is told of a new resource too: `while`.
    pub of_new: bool,
    /// The member of the field that the event is about; the field itself if `None`.
    pub member: Option<String>,
    /// Which change.
    pub when: When,
    /// Another field, as a dotted path from the resource, and the value it must have.
    pub condition: Option<(String, String)>,
    /// Text for the reviewer. May be empty.
    pub words: String,
}

/// What a change may cost, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum RiskSort {
    /// Data is deleted, now or once its time is over: `data-loss`.
    DataLoss,
    /// It cannot be undone: `irreversible`.
    Irreversible,
    /// The service is interrupted: `downtime`.
    Downtime,
    /// More is allowed, or to more: `access`.
    Access,
    /// Less is encrypted, recorded, kept back or backed up: `protection`.
    Protection,
    /// It costs more: `cost`.
    Cost,
}

impl RiskSort {
    /// All of them, the worst first.
    pub const ALL: [Self; 6] =
        [Self::DataLoss, Self::Irreversible, Self::Downtime, Self::Access, Self::Protection, Self::Cost];

    /// All of them, with the word that a mark has for each.
    const NAMES: [(&'static str, Self); 6] = [
        ("data-loss", Self::DataLoss),
        ("irreversible", Self::Irreversible),
        ("downtime", Self::Downtime),
        ("access", Self::Access),
        ("protection", Self::Protection),
        ("cost", Self::Cost),
    ];

    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::DataLoss => "data loss",
            Self::Irreversible => "irreversible",
            Self::Downtime => "downtime",
            Self::Access => "wider access",
            Self::Protection => "weaker protection",
            Self::Cost => "cost up",
        }
    }
}

/// Which change of a field it is. An absent field counts as its default, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// It becomes true: `on`.
    On,
    /// It is true no longer: `off`.
    Off,
    /// A number falls; absent is no number: `less`.
    Less,
    /// A number rises; absent is no number: `more`.
    More,
    /// A duration falls; absent and negative are without end: `shorter`. A table counts by
    /// its `days` and `years`.
    Shorter,
    /// A duration rises, likewise: `longer`.
    Longer,
    /// A date in ISO 8601 comes nearer, or goes: `earlier`.
    Earlier,
    /// It, or an element of it, goes: `gone`.
    Gone,
    /// It, or an element of it, comes: `come`.
    Come,
    /// It is another than before: `changed`.
    Changed,
    /// It becomes this: `to VALUE`.
    To(String),
    /// It falls along this order, where absent is not in it: `lower A > B > C`.
    Lower(Vec<String>),
    /// It rises along this order: `higher A > B > C`.
    Higher(Vec<String>),
    /// A document no longer holds all that it held: `loses`.
    Loses,
    /// The resource is destroyed or replaced while the field is so: `destroyed`,
    /// `destroyed VALUE`, `destroyed finite`.
    Destroyed(Held),
}

/// What a field holds when its resource is destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Anything.
    Any,
    /// This value.
    Value(String),
    /// A duration that ends.
    Finite,
}

impl RiskMark {
    /// Reads a mark; `None` where it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, words) = text.split_once(": ").unwrap_or((text, ""));
        let (head, condition) = match head.split_once(" if ") {
            Some((head, condition)) => {
                let (path, value) = condition.split_once(" = ")?;
                (head, Some((path.to_owned(), value.to_owned())))
            }
            None => (head, None),
        };
        let (sort, event) = head.split_once(' ')?;
        let sort = RiskSort::NAMES.into_iter().find_map(|(name, one)| (name == sort).then_some(one))?;
        let (of_new, event) = match event.split_once(' ')? {
            ("when", event) => (false, event),
            ("while", event) => (true, event),
            _ => return None,
        };
        let (member, event) = match event.strip_prefix('[') {
            Some(rest) => {
                let (member, event) = rest.split_once("] ")?;
                (Some(member.to_owned()), event)
            }
            None => (None, event),
        };
        let when = When::parse(event)?;
        Some(Self { sort, of_new, member, when, condition, words: words.to_owned() })
    }

    /// The mark in a few words: `data loss when shorter`.
    pub fn told(&self) -> String {
        let sort = self.sort.words();
        let member = self.member.as_ref().map_or_else(String::new, |member| format!("{member} "));
        let event = match &self.when {
            When::On => "on".to_owned(),
            When::Off => "off".to_owned(),
            When::Less => "less".to_owned(),
            When::More => "more".to_owned(),
            When::Shorter => "shorter".to_owned(),
            When::Longer => "longer".to_owned(),
            When::Earlier => "earlier".to_owned(),
            When::Gone => "removed".to_owned(),
            When::Come => "added".to_owned(),
            When::Changed => "changed".to_owned(),
            When::To(value) => format!("set to {value}"),
            When::Lower(order) => format!("lowered ({})", order.join(" > ")),
            When::Higher(order) => format!("raised ({})", order.join(" > ")),
            When::Loses => "narrowed".to_owned(),
            When::Destroyed(Held::Any) => "destroyed".to_owned(),
            When::Destroyed(Held::Value(value)) => format!("destroyed while {value}"),
            When::Destroyed(Held::Finite) => "destroyed while it ends".to_owned(),
        };
        let condition =
            self.condition.as_ref().map_or_else(String::new, |(path, value)| format!(" if {path} = {value}"));
        format!("{sort} when {member}{event}{condition}")
    }
}

impl When {
    fn parse(text: &str) -> Option<Self> {
        let order = |text: &str| -> Option<Vec<String>> {
            let order: Vec<String> = text.split(" > ").map(str::to_owned).collect();
            (order.len() > 1 && order.iter().all(|one| !one.is_empty())).then_some(order)
        };
        Some(match text.split_once(' ') {
            Some(("to", value)) => Self::To(value.to_owned()),
            Some(("lower", values)) => Self::Lower(order(values)?),
            Some(("higher", values)) => Self::Higher(order(values)?),
            Some(("destroyed", "finite")) => Self::Destroyed(Held::Finite),
            Some(("destroyed", value)) => Self::Destroyed(Held::Value(value.to_owned())),
            Some(_) => return None,
            None => match text {
                "on" => Self::On,
                "off" => Self::Off,
                "less" => Self::Less,
                "more" => Self::More,
                "shorter" => Self::Shorter,
                "longer" => Self::Longer,
                "earlier" => Self::Earlier,
                "gone" => Self::Gone,
                "come" => Self::Come,
                "changed" => Self::Changed,
                "loses" => Self::Loses,
                "destroyed" => Self::Destroyed(Held::Any),
                _ => return None,
            },
        })
    }
}
