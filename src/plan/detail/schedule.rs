//! Describes schedules in words, with their next runs, in UTC
//! (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>).

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::diag::counted;
use crate::value::Value;

/// The days in which the next run is searched for: at worst, February 29 comes every eight years.
const LONGEST_LOOK: usize = 8 * 366;
/// The number of next runs that are shown.
const RUNS: usize = 3;

/// Describes a schedule before and after, with the next runs.
pub(super) fn notes(before: Option<&Value>, after: Option<&Value>, now: Option<Timestamp>) -> Vec<String> {
    let text = |value: Option<&'_ Value>| value.and_then(Value::as_str).map(str::to_owned);
    let (before, after) = (text(before), text(after));
    let mut notes = Vec::new();
    match (before.as_deref().and_then(words), after.as_deref().and_then(words)) {
        (Some(before), Some(after)) => notes.push(format!("{before} → {after}")),
        (None, Some(only)) | (Some(only), None) => notes.push(only),
        (None, None) => {}
    }
    if let (Some(after), Some(now)) = (after, now) {
        match Cron::parse(&after).map(|cron| cron.next(now)) {
            Some(runs) if runs.is_empty() => notes.push("never runs again".to_owned()),
            Some(runs) => {
                let runs: Vec<String> =
                    runs.iter().map(|run| run.strftime("%Y-%m-%d %H:%M").to_string()).collect();
                notes.push(format!("next runs {} UTC", runs.join(" · ")));
            }
            None => {}
        }
    }
    notes
}

/// Describes a schedule: `every day at 02:00 UTC`; `None` if the text is not one.
fn words(text: &str) -> Option<String> {
    if let Some(rate) = text.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')) {
        let (count, unit) = rate.split_once(' ')?;
        return Some(match count {
            "1" => format!("every {}", unit.trim()),
            count => format!("every {count} {}", unit.trim()),
        });
    }
    Some(Cron::parse(text)?.words())
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A parsed `cron(minutes hours day-of-month month day-of-week year)`.
struct Cron<'t> {
    fields: [&'t str; 6],
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    months: BTreeSet<u16>,
    years: BTreeSet<u16>,
}

impl<'t> Cron<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let cron = text.strip_prefix("cron(")?.strip_suffix(')')?;
        let fields: [&str; 6] = cron.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            fields,
            minutes: set(fields[0], 0, 59, &[])?,
            hours: set(fields[1], 0, 23, &[])?,
            months: set(fields[3], 1, 12, &MONTHS)?,
            years: set(fields[5], 1970, 2199, &[])?,
        })
    }

    fn next(&self, now: Timestamp) -> Vec<DateTime> {
        let now = now.to_zoned(TimeZone::UTC).datetime();
        let mut runs = Vec::new();
        let mut date = now.date();
        for _ in 0..LONGEST_LOOK {
            if self.is_on(date) {
                for &hour in &self.hours {
                    for &minute in &self.minutes {
                        let run = date.at(hour as i8, minute as i8, 0, 0);
                        if run > now && runs.len() < RUNS {
                            runs.push(run);
                        }
                    }
                }
            }
            match date.tomorrow() {
                Ok(tomorrow) if runs.len() < RUNS => date = tomorrow,
                _ => break,
            }
        }
        runs
    }

    fn is_on(&self, date: Date) -> bool {
        let [_, _, day_of_month, _, day_of_week, _] = self.fields;
        self.months.contains(&(date.month().unsigned_abs().into()))
            && self.years.contains(&date.year().unsigned_abs())
            && (day_of_month == "?" || day_of_month.split(',').any(|item| is_day_of_month(item, date)))
            && (day_of_week == "?" || day_of_week.split(',').any(|item| is_day_of_week(item, date)))
    }

    fn words(&self) -> String {
        let [minutes, hours, day_of_month, month, day_of_week, year] = self.fields;
        let times = self.minutes.len() * self.hours.len();
        let time = match (minutes.split_once('/'), hours) {
            (Some(("0" | "*", "1")), "*") => "every minute".to_owned(),
            (Some(("0" | "*", step)), "*") => format!("every {}", counted(step, "minute")),
            _ if times <= 4 => {
                let times = self
                    .hours
                    .iter()
                    .flat_map(|hour| self.minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")));
                format!("at {} UTC", times.collect::<Vec<_>>().join(" and "))
            }
            _ if self.minutes.len() == 1 && hours == "*" => {
                format!("every hour at minute {minutes}")
            }
            _ => format!("at minutes {minutes} of hours {hours} UTC"),
        };
        let day = match (day_of_month, day_of_week) {
            ("*" | "?", "*" | "?") => "every day".to_owned(),
            ("?", days) => format!("on {}", days_of_week(days)),
            ("L", _) => "on the last day of the month".to_owned(),
            ("LW", _) => "on the last weekday of the month".to_owned(),
            (days, _) => match days.strip_suffix('W') {
                Some(day) if !days.contains(',') => format!("on the weekday nearest to day {day}"),
                _ => format!("on day {days} of the month"),
            },
        };
        let mut text =
            if time.starts_with("every") && day == "every day" { time } else { format!("{day} {time}") };
        if month != "*" {
            let names = self.months.iter().filter_map(|month| MONTHS.get(usize::from(*month) - 1).copied());
            text.push_str(&format!(" in {}", names.collect::<Vec<_>>().join(", ")));
        }
        if year != "*" {
            text.push_str(&format!(" of {year}"));
        }
        text
    }
}

fn days_of_week(text: &str) -> String {
    let name = |day: &str| number(day, &DAYS, 1, 7).and_then(|day| DAYS.get(usize::from(day) - 1).copied());
    let items = text.split(',').map(|item| {
        if let Some((day, nth)) = item.split_once('#') {
            let nth = match nth {
                "1" => "first",
                "2" => "second",
                "3" => "third",
                "4" => "fourth",
                _ => "fifth",
            };
            return name(day).map(|day| format!("the {nth} {day} of the month"));
        }
        if item == "L" {
            return Some("Saturday".to_owned());
        }
        if let Some(day) = item.strip_suffix('L') {
            return name(day).map(|day| format!("the last {day} of the month"));
        }
        match item.split_once('-') {
            Some((from, to)) => Some(format!("{} to {}", name(from)?, name(to)?)),
            None => name(item).map(str::to_owned),
        }
    });
    items.collect::<Option<Vec<_>>>().map_or_else(|| text.to_owned(), |items| items.join(", "))
}

/// Parses a number, or the number of a name such as `"MON"`.
fn number(text: &str, names: &[&str], from: u16, to: u16) -> Option<u16> {
    let named =
        names.iter().position(|name| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(text)));
    match named {
        Some(place) => Some(from + place as u16),
        None => text.parse().ok().filter(|number| (from..=to).contains(number)),
    }
}

/// The values that a field matches.
fn set(text: &str, from: u16, to: u16, names: &[&str]) -> Option<BTreeSet<u16>> {
    let mut found = BTreeSet::new();
    for item in text.split(',') {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(step.parse::<u16>().ok().filter(|step| *step > 0)?)),
            None => (item, None),
        };
        let (first, last) = match base.split_once('-') {
            _ if base == "*" => (from, to),
            Some((first, last)) => (number(first, names, from, to)?, number(last, names, from, to)?),
            None => {
                let first = number(base, names, from, to)?;
                (first, if step.is_some() { to } else { first })
            }
        };
        found.extend((first..=last).step_by(usize::from(step.unwrap_or(1))));
    }
    Some(found)
}

fn is_day_of_month(item: &str, date: Date) -> bool {
    let (day, days) = (date.day(), date.days_in_month());
    // 0 is Sunday.
    let weekday = |day: i8| {
        Date::new(date.year(), date.month(), day).map_or(0, |date| date.weekday().to_sunday_zero_offset())
    };
    match item {
        "L" => return day == days,
        "LW" => {
            let back = match weekday(days) {
                0 => 2,
                6 => 1,
                _ => 0,
            };
            return day == days - back;
        }
        _ => {}
    }
    if let Some(target) = item.strip_suffix('W') {
        let Some(target) = target.parse::<i8>().ok().filter(|target| (1..=days).contains(target)) else {
            return false;
        };
        // The nearest weekday in the same month.
        let nearest = match weekday(target) {
            6 if target == 1 => 3,
            6 => target - 1,
            0 if target == days => target - 2,
            0 => target + 1,
            _ => target,
        };
        return day == nearest;
    }
    set(item, 1, 31, &[]).is_some_and(|days| days.contains(&day.unsigned_abs().into()))
}

fn is_day_of_week(item: &str, date: Date) -> bool {
    let today = date.weekday().to_sunday_zero_offset().unsigned_abs() as u16 + 1;
    if let Some((day, nth)) = item.split_once('#') {
        let nth_now = (date.day() - 1) / 7 + 1;
        return number(day, &DAYS, 1, 7) == Some(today) && nth.parse() == Ok(nth_now);
    }
    if item == "L" {
        return today == 7;
    }
    if let Some(day) = item.strip_suffix('L').filter(|day| !day.is_empty()) {
        return number(day, &DAYS, 1, 7) == Some(today) && date.day() + 7 > date.days_in_month();
    }
    set(item, 1, 7, &DAYS).is_some_and(|days| days.contains(&today))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_described_in_words() {
        for (text, said) in [
            ("rate(5 minutes)", "every 5 minutes"),
            ("rate(1 day)", "every day"),
            ("cron(0 2 * * ? *)", "every day at 02:00 UTC"),
            ("cron(0/15 * * * ? *)", "every 15 minutes"),
            ("cron(5 * * * ? *)", "every hour at minute 5"),
            ("cron(0 18 ? * MON-FRI *)", "on Monday to Friday at 18:00 UTC"),
            ("cron(0 8 1 * ? *)", "on day 1 of the month at 08:00 UTC"),
            ("cron(0 0 L * ? *)", "on the last day of the month at 00:00 UTC"),
            ("cron(0 9 ? * 2#1 *)", "on the first Monday of the month at 09:00 UTC"),
            (
                "cron(0 9 ? 1,7 5L 2027)",
                "on the last Thursday of the month at 09:00 UTC in January, July of 2027",
            ),
        ] {
            assert_eq!(words(text).as_deref(), Some(said), "{text}");
        }
        assert_eq!(words("every day"), None);
    }

    #[test]
    fn next_runs_are_computed() {
        // A Tuesday.
        let now: Timestamp = "2026-11-24T09:30:00Z".parse().unwrap_or_default();
        for (text, runs) in [
            ("cron(0 2 * * ? *)", ["2026-11-25T02:00:00", "2026-11-26T02:00:00", "2026-11-27T02:00:00"]),
            ("cron(30/15 9 * * ? *)", ["2026-11-24T09:45:00", "2026-11-25T09:30:00", "2026-11-25T09:45:00"]),
            (
                "cron(0 18 ? * FRI-SAT *)",
                ["2026-11-27T18:00:00", "2026-11-28T18:00:00", "2026-12-04T18:00:00"],
            ),
            ("cron(0 0 L * ? *)", ["2026-11-30T00:00:00", "2026-12-31T00:00:00", "2027-01-31T00:00:00"]),
            ("cron(0 0 LW * ? *)", ["2026-11-30T00:00:00", "2026-12-31T00:00:00", "2027-01-29T00:00:00"]),
            ("cron(0 0 1W * ? *)", ["2026-12-01T00:00:00", "2027-01-01T00:00:00", "2027-02-01T00:00:00"]),
            ("cron(0 9 ? * 2#1 *)", ["2026-12-07T09:00:00", "2027-01-04T09:00:00", "2027-02-01T09:00:00"]),
            ("cron(0 9 ? * 6L *)", ["2026-11-27T09:00:00", "2026-12-25T09:00:00", "2027-01-29T09:00:00"]),
            ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00:00", "2032-02-29T00:00:00", ""]),
        ] {
            let found = Cron::parse(text).map(|cron| cron.next(now)).unwrap_or_default();
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            let runs: Vec<&str> = runs.into_iter().filter(|run| !run.is_empty()).collect();
            assert_eq!(found, runs, "{text}");
        }
    }
}
