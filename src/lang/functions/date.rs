//! Points in time in RFC 3339.

use std::cmp::Ordering;
use std::sync::LazyLock;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use regex::Regex;

use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("formatdate", &["format", "time"], Reads::All, formatdate),
    Function::new("plantimestamp", &[], Reads::All, plantimestamp),
    Function::new("timeadd", &["time", "duration"], Reads::All, timeadd),
    Function::new("timecmp", &["left", "right"], Reads::All, timecmp),
];

/// The time of the plan: the same for every call in a run.
fn plantimestamp(arguments: &mut Arguments<'_>) -> Outcome {
    arguments.planned_at.map(Value::from).ok_or_else(|| Problem::new("there is no plan here"))
}

fn timeadd(arguments: &mut Arguments<'_>) -> Outcome {
    let moment = Moment::of(arguments, 0)?;
    let duration = duration(&arguments.text(1)?)
        .ok_or_else(|| Problem::of(1, "this is not a duration: write one such as \"1h30m\" or \"-24h\""))?;
    // The calendar repeats every 400 years, and that of the library ends with the year 9999.
    let earlier = || moment.local.with().year(moment.local.year() - CYCLE).build().ok();
    let added = match moment.local.checked_add(duration) {
        Ok(local) => Some((local, 0)),
        Err(_) => earlier().and_then(|local| Some((local.checked_add(duration).ok()?, CYCLE))),
    };
    match added {
        Some((local, years)) => Ok(Moment { local, ..moment }.written(years).into()),
        None => Err(Problem::new("the result is not a valid time").code("out-of-range")),
    }
}

fn timecmp(arguments: &mut Arguments<'_>) -> Outcome {
    let (left, right) = (Moment::of(arguments, 0)?, Moment::of(arguments, 1)?);
    Ok(Value::from(match left.cmp_utc(&right) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

/// Converts a time in YAML (`2026-1-31`, `2026-01-31 08:00:00`) to RFC 3339.
pub(super) fn of_yaml(text: &str) -> Option<String> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$",
        )
        .ok()
    });
    let parts = FORM.as_ref()?.captures(text)?;
    let part = |index: usize| parts.get(index).map_or("0", |part| part.as_str());
    // A time with a space has no zone, and one with a `T` has one.
    let zone = match (parts.get(4).map(|part| part.as_str()), parts.get(8)) {
        (None | Some(" "), None) => "Z",
        (Some("T" | "t"), Some(zone)) => zone.as_str(),
        _ => return None,
    };
    let [year, month, day] = [part(1), part(2), part(3)];
    let [hour, minute, second] = [part(5), part(6), part(7)];
    let full = format!("{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}{zone}");
    Moment::parse(&full).map(|moment| moment.written(0))
}

/// Years after which the calendar repeats.
const CYCLE: i16 = 400;

/// A point in time with the offset of its clock.
#[derive(Clone, Copy)]
struct Moment {
    local: DateTime,
    offset: Offset,
}

impl Moment {
    fn of(arguments: &Arguments<'_>, index: usize) -> Result<Self, Problem> {
        arguments.work(16)?;
        Self::parse(&arguments.text(index)?).ok_or_else(|| {
            Problem::of(index, "this is not a time in RFC 3339: write one such as \"2026-01-31T08:00:00Z\"")
        })
    }

    /// Parses RFC 3339 with the capital letters that Terraform requires.
    fn parse(text: &str) -> Option<Self> {
        static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(
                r"^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$",
            )
            .ok()
        });
        let parts = FORM.as_ref()?.captures(text)?;
        let number = |index: usize| parts.get(index).map_or(Some(0), |part| part.as_str().parse::<i8>().ok());
        let year: i16 = parts.get(1)?.as_str().parse().ok()?;
        let nanoseconds: i32 = match parts.get(7) {
            Some(part) => format!("{:0<9.9}", part.as_str()).parse().ok()?,
            None => 0,
        };
        let date = Date::new(year, number(2)?, number(3)?).ok()?;
        let time = Time::new(number(4)?, number(5)?, number(6)?, nanoseconds).ok()?;
        let (hours, minutes) = (i32::from(number(9)?), i32::from(number(10)?));
        if hours > 23 || minutes > 59 {
            return None;
        }
        let seconds = hours * 3600 + minutes * 60;
        let east = parts.get(8).is_none_or(|sign| sign.as_str() == "+");
        let offset = Offset::from_seconds(if east { seconds } else { -seconds }).ok()?;
        Some(Self { local: DateTime::from_parts(date, time), offset })
    }

    /// Compares two points in time whose offsets may differ.
    fn cmp_utc(&self, other: &Self) -> Ordering {
        // Offsets are at most a day, so compare the difference of local times with that of offsets.
        let between = self.local.duration_since(other.local);
        let offsets = i64::from(self.offset.seconds()) - i64::from(other.offset.seconds());
        between.cmp(&SignedDuration::from_secs(offsets))
    }

    /// The time to the second, `years` later.
    fn written(&self, years: i16) -> String {
        let (date, time) = (self.local.date(), self.local.time());
        let year = date.year() + years;
        let sign = if year < 0 { "-" } else { "" };
        format!(
            "{sign}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}",
            year.unsigned_abs(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            self.zone("Z", ":")
        )
    }

    /// The offset, `+01:00`; `zero` for UTC.
    fn zone(&self, zero: &str, colon: &str) -> String {
        let seconds = self.offset.seconds();
        if seconds == 0 && !zero.is_empty() {
            return zero.to_owned();
        }
        let (sign, seconds) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
        format!("{sign}{:02}{colon}{:02}", seconds / 3600, seconds / 60 % 60)
    }
}

/// Parses a duration of Go, `1h30m` or `-0.5s`: numbers with units from hours to nanoseconds.
fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|one: char| !one.is_ascii_digit() && one != '.')?;
        let (number, after) = rest.split_at(end);
        let end = after.find(|one: char| one.is_ascii_digit() || one == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit: i64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        // Digits beyond the 18th are less than a nanosecond in any unit.
        let mut part: i128 = 0;
        let mut scale: i128 = 1;
        for digit in fraction.bytes().take(18) {
            part = part * 10 + i128::from(digit - b'0');
            scale *= 10;
        }
        let part = i64::try_from(part * i128::from(unit) / scale).ok()?;
        total = total.checked_add(whole.checked_mul(unit)?)?.checked_add(part)?;
        rest = after;
    }
    Some(SignedDuration::from_nanos(if negative { -total } else { total }))
}

/// Formats a time: runs of a letter are parts of the time, text in single quotes stays as it is
/// (<https://developer.hashicorp.com/terraform/language/functions/formatdate>).
fn formatdate(arguments: &mut Arguments<'_>) -> Outcome {
    let moment = Moment::of(arguments, 1)?;
    let format = arguments.text(0)?;
    let mut written = String::new();
    let mut rest: &str = &format;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (text, after) = quoted(rest).ok_or_else(|| Problem::of(0, "a ' is not closed"))?;
            written.push_str(&text);
            rest = after;
            continue;
        }
        let end = rest.find(|one| one != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if first.is_ascii_alphabetic() {
            written.push_str(&part(run, &moment).ok_or_else(|| {
                Problem::of(0, format!("`{run}` is not part of a time; write text in single quotes"))
            })?);
        } else {
            written.push_str(run);
        }
        rest = after;
    }
    Ok(written.into())
}

/// The quoted text at the start of `rest`, and the text after it; a doubled quote is one quote.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut inside = rest.strip_prefix('\'')?;
    // Two adjacent quotes are one quote.
    if let Some(after) = inside.strip_prefix('\'') {
        return Some(("'".to_owned(), after));
    }
    loop {
        let (before, after) = inside.split_once('\'')?;
        text.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                inside = more;
            }
            None => return Some((text, after)),
        }
    }
}

/// The part of the time for a run of one letter.
fn part(run: &str, moment: &Moment) -> Option<String> {
    let (date, time) = (moment.local.date(), moment.local.time());
    let twelve = if time.hour() % 12 == 0 { 12 } else { time.hour() % 12 };
    let half = if time.hour() < 12 { "am" } else { "pm" };
    Some(match run {
        "YYYY" => format!("{:04}", date.year()),
        "YY" => format!("{:02}", date.year() % 100),
        "MMMM" => date.strftime("%B").to_string(),
        "MMM" => date.strftime("%b").to_string(),
        "MM" => format!("{:02}", date.month()),
        "M" => date.month().to_string(),
        "DD" => format!("{:02}", date.day()),
        "D" => date.day().to_string(),
        "EEEE" => date.strftime("%A").to_string(),
        "EEE" => date.strftime("%a").to_string(),
        "hh" => format!("{:02}", time.hour()),
        "h" => time.hour().to_string(),
        "HH" => format!("{twelve:02}"),
        "H" => twelve.to_string(),
        "AA" => half.to_uppercase(),
        "aa" => half.to_owned(),
        "mm" => format!("{:02}", time.minute()),
        "m" => time.minute().to_string(),
        "ss" => format!("{:02}", time.second()),
        "s" => time.second().to_string(),
        "ZZZZZ" => moment.zone("", ":"),
        "ZZZZ" => moment.zone("", ""),
        "ZZZ" => moment.zone("UTC", ""),
        "Z" => moment.zone("Z", ":"),
        _ => return None,
    })
}
