//! What a field means beyond its shape: the language of a document, and what a change of
//! it may cost. Kinds say it by `x-dwctl-document` and `x-dwctl-risk`.

/// What a document, a text or a list is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A state machine: `states-language`.
    StatesLanguage,
    /// A CloudWatch dashboard: `dashboard`.
    Dashboard,
    /// The queues of Redshift's workload management: `wlm`.
    Wlm,
    /// `cron(…)` or `rate(…)`, in UTC: `schedule`.
    Schedule,
    /// What may come in through a firewall: `ingress`.
    Ingress,
    /// What may go out through it: `egress`.
    Egress,
}

impl Document {
    /// The document of that name in `x-dwctl-document`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "states-language" => Self::StatesLanguage,
            "dashboard" => Self::Dashboard,
            "wlm" => Self::Wlm,
            "schedule" => Self::Schedule,
            "ingress" => Self::Ingress,
            "egress" => Self::Egress,
            _ => return None,
        })
    }

    /// Whether it is compared as a whole, since its parts are told by what they are and not
    /// by their place.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::StatesLanguage | Self::Dashboard | Self::Wlm)
    }
}

/// What a change of a field may cost, and when: `security when off: anybody may read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskMark {
    /// What it may cost.
    pub sort: RiskSort,
    /// Which change.
    pub when: When,
    /// In words; `{before}` and `{after}` stand for the values. May be empty.
    pub words: String,
}

/// What a change may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskSort {
    /// Data: `data-loss`.
    DataLoss,
    /// That it can be undone: `irreversible`.
    Irreversible,
    /// The service, for a while: `downtime`.
    Downtime,
    /// More is allowed, or less is recorded or encrypted: `security`.
    Security,
    /// Money: `cost`.
    Cost,
}

/// Which change of a field it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// It becomes true: `on`.
    On,
    /// It becomes false: `off`.
    Off,
    /// A number falls, where absent is no number: `less`.
    Less,
    /// It rises: `more`.
    More,
    /// A duration falls, where absent is without end: `shorter`.
    Shorter,
    /// It rises: `longer`.
    Longer,
    /// It, or an element of it, goes: `gone`.
    Gone,
    /// It, or an element of it, comes: `come`.
    Come,
    /// It is another than before: `changed`.
    Changed,
    /// It becomes this: `to VALUE`.
    To(String),
    /// The resource is removed or made anew while it has this value, or any: `destroyed`,
    /// `destroyed VALUE`.
    Destroyed(Option<String>),
}

impl RiskMark {
    /// Reads `SORT when WHEN` or `SORT when WHEN: WORDS`; `None` where it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, words) = text.split_once(": ").unwrap_or((text, ""));
        let (sort, when) = head.split_once(" when ")?;
        let sort = match sort {
            "data-loss" => RiskSort::DataLoss,
            "irreversible" => RiskSort::Irreversible,
            "downtime" => RiskSort::Downtime,
            "security" => RiskSort::Security,
            "cost" => RiskSort::Cost,
            _ => return None,
        };
        let when = match when.split_once(' ') {
            Some(("to", value)) => When::To(value.to_owned()),
            Some(("destroyed", value)) => When::Destroyed(Some(value.to_owned())),
            Some(_) => return None,
            None => match when {
                "on" => When::On,
                "off" => When::Off,
                "less" => When::Less,
                "more" => When::More,
                "shorter" => When::Shorter,
                "longer" => When::Longer,
                "gone" => When::Gone,
                "come" => When::Come,
                "changed" => When::Changed,
                "destroyed" => When::Destroyed(None),
                _ => return None,
            },
        };
        Some(Self { sort, when, words: words.to_owned() })
    }
}
