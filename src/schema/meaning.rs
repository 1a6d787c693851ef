//! The meaning of a field beyond its shape: the language of a document, and the risks of a
//! change. Kinds declare them with `x-dwctl-document` and `x-dwctl-risk`.
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
//! - `SORT` is the cost: see [`RiskSort`].
//! - `when` reports the risk only for an existing resource that changes. `while` reports it for a new
//!   one, too: use it only for what a reviewer wants to see of a brand-new resource.
//! - `[MEMBER]`, optional, is the member of a table, map or document that the event concerns.
//! - `EVENT` is the sort of change: see [`When`].
//! - `if`, optional, names another field of the resource and the value that it must have; `null` is an
//!   absent one.
//! - `WORDS`, optional, are shown to the reviewer; `{before}` and `{after}` stand for the values.
//!
//! Only `plan/risk/judge.rs` interprets the marks. The files in `tests/kinds` list every
//! attribute without a risk, so that a new attribute needs a decision.

/// The language or role of a document, a text or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A state machine: `states-language`.
    StatesLanguage,
    /// A CloudWatch dashboard: `dashboard`.
    Dashboard,
    /// The queues of Redshift's workload management: `wlm`.
    Wlm,
    /// The pattern of an event or a message, where a list means any of its values: `pattern`.
    Pattern,
    /// `cron(…)` or `rate(…)`, in UTC: `schedule`.
    Schedule,
    /// Firewall rules for incoming traffic: `ingress`.
    Ingress,
    /// Firewall rules for outgoing traffic: `egress`.
    Egress,
    /// Routes of a route table: `routes`.
    Routes,
    /// Rules by which objects expire: `lifecycle`.
    Lifecycle,
    /// Rules by which objects are copied: `replication`.
    Replication,
    /// The path of a file of the stack that is uploaded: `file`.
    File,
    /// The text that is uploaded: `content`.
    Content,
    /// The checksum of that content: `checksum`.
    Checksum,
    /// A table that AWS takes as JSON text, as Terraform does: `json`.
    Json,
}

impl Document {
    /// The document with this name in `x-dwctl-document`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "states-language" => Self::StatesLanguage,
            "dashboard" => Self::Dashboard,
            "wlm" => Self::Wlm,
            "pattern" => Self::Pattern,
            "schedule" => Self::Schedule,
            "ingress" => Self::Ingress,
            "egress" => Self::Egress,
            "routes" => Self::Routes,
            "lifecycle" => Self::Lifecycle,
            "replication" => Self::Replication,
            "file" => Self::File,
            "content" => Self::Content,
            "checksum" => Self::Checksum,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// The risk that the document's own analysis can find, in words for `explain`; empty if there is
    /// no such analysis.
    pub fn risk(self) -> &'static str {
        match self {
            Self::StatesLanguage | Self::Dashboard | Self::Wlm | Self::Pattern | Self::Schedule => "",
            Self::File | Self::Content | Self::Checksum | Self::Json => "",
            Self::Ingress | Self::Egress => "wider access when a rule allows more",
            Self::Routes => {
                "wider access when all traffic goes to an internet gateway, downtime when a route changes"
            }
            Self::Lifecycle => "data loss when more expires, or sooner",
            Self::Replication => "weaker protection when less is copied",
        }
    }

    /// Returns whether it is compared as a whole, because its parts are identified by what they are
    /// and not by their position.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::StatesLanguage | Self::Dashboard | Self::Wlm)
    }
}

/// A risk of changing a field; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskMark {
    /// The cost.
    pub sort: RiskSort,
    /// True if it is reported for a new resource, too: `while`.
    pub of_new: bool,
    /// The member of the field that the event concerns; `None` means the field itself.
    pub member: Option<String>,
    /// The sort of change.
    pub when: When,
    /// Another field, as a dotted path from the resource, and the value that it must have.
    pub condition: Option<(String, String)>,
    /// Text for the reviewer. May be empty.
    pub words: String,
}

/// The cost of a change, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum RiskSort {
    /// Data is deleted, now or once its time is over: `data-loss`.
    DataLoss,
    /// It cannot be undone: `irreversible`.
    Irreversible,
    /// The service is interrupted: `downtime`.
    Downtime,
    /// More actions are allowed, or to more principals: `access`.
    Access,
    /// Less is encrypted, recorded, retained or backed up: `protection`.
    Protection,
    /// It costs more: `cost`.
    Cost,
}

impl RiskSort {
    /// All sorts, the worst first.
    pub const ALL: [Self; 6] =
        [Self::DataLoss, Self::Irreversible, Self::Downtime, Self::Access, Self::Protection, Self::Cost];

    /// All sorts, each with its name in a mark.
    const NAMES: [(&'static str, Self); 6] = [
        ("data-loss", Self::DataLoss),
        ("irreversible", Self::Irreversible),
        ("downtime", Self::Downtime),
        ("access", Self::Access),
        ("protection", Self::Protection),
        ("cost", Self::Cost),
    ];

    /// The words shown to users.
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

/// The sort of change of a field. An absent field counts as its default, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// It becomes true: `on`.
    On,
    /// It is no longer true: `off`.
    Off,
    /// A number decreases; absent is no number: `less`.
    Less,
    /// A number increases; absent is no number: `more`.
    More,
    /// A duration decreases; absent and negative mean endless: `shorter`. A table counts by its `days`
    /// and `years`.
    Shorter,
    /// A duration increases, by the same rules: `longer`.
    Longer,
    /// A date in ISO 8601 becomes earlier, or is removed: `earlier`.
    Earlier,
    /// It, or an element of it, is removed: `gone`.
    Gone,
    /// It, or an element of it, is added: `come`.
    Come,
    /// Its value changes: `changed`.
    Changed,
    /// It becomes this value: `to VALUE`.
    To(String),
    /// It decreases in this order; an absent value is not part of it: `lower A > B > C`.
    Lower(Vec<String>),
    /// It increases in this order: `higher A > B > C`.
    Higher(Vec<String>),
    /// A document loses some of its content: `loses`.
    Loses,
    /// The resource is destroyed or replaced while the field has such a value: `destroyed`,
    /// `destroyed VALUE`, `destroyed finite`.
    Destroyed(Held),
}

/// The value of a field when its resource is destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Anything.
    Any,
    /// This value.
    Value(String),
    /// A duration with an end.
    Finite,
}

impl RiskMark {
    /// Parses a mark; `None` if it is malformed.
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

    /// A short form of the mark for users: `data loss when shorter`.
    pub fn short_form(&self) -> String {
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
