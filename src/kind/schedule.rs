//! Schedule expressions: `rate(…)` and `cron(…)` as EventBridge, Glue and Redshift take
//! them (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>).

use std::ops::RangeInclusive;

/// One of the six fields of a cron expression.
struct Field {
    name: &'static str,
    range: RangeInclusive<u32>,
    /// Names of the values, starting with the smallest value.
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const MINUTES: Field = Field { name: "minutes", range: 0..=59, names: &[] };
const HOURS: Field = Field { name: "hours", range: 0..=23, names: &[] };
const DAY_OF_MONTH: Field = Field { name: "day-of-month", range: 1..=31, names: &[] };
const MONTH: Field = Field { name: "month", range: 1..=12, names: MONTHS };
const DAY_OF_WEEK: Field = Field { name: "day-of-week", range: 1..=7, names: DAYS };
const YEAR: Field = Field { name: "year", range: 1970..=2199, names: &[] };

/// Checks that AWS accepts a schedule: `rate(value unit)` or a `cron(…)` with six fields.
///
/// # Errors
/// The error, as a sentence without a full stop.
pub fn check_schedule(text: &str) -> Result<(), String> {
    if let Some(rate) = text.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')) {
        check_rate(rate)
    } else if let Some(cron) = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')) {
        check_cron(cron)
    } else {
        Err("a schedule is `rate(…)` or `cron(…)`, such as `rate(5 minutes)` or `cron(0 2 * * ? *)`"
            .to_owned())
    }
}

fn check_rate(rate: &str) -> Result<(), String> {
    let mut words = rate.split_whitespace();
    let (Some(value), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return Err("a rate is a number and a unit, such as `rate(5 minutes)`".to_owned());
    };
    let value = number(value)
        .filter(|value| *value > 0)
        .ok_or_else(|| format!("the value of a rate is a positive whole number, not `{value}`"))?;
    let (singular, plural) = match unit {
        "minute" | "minutes" => ("minute", "minutes"),
        "hour" | "hours" => ("hour", "hours"),
        "day" | "days" => ("day", "days"),
        _ => return Err(format!("the unit of a rate is minutes, hours or days, not `{unit}`")),
    };
    let right = if value == 1 { singular } else { plural };
    if unit == right {
        Ok(())
    } else {
        Err(format!("AWS wants `rate({value} {right})`: the singular after 1, else the plural"))
    }
}

fn check_cron(cron: &str) -> Result<(), String> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let &[minutes, hours, day_of_month, month, day_of_week, year] = fields.as_slice() else {
        return Err(format!(
            "a cron expression has six fields (minutes, hours, day-of-month, month, day-of-week, year), not {}",
            fields.len()
        ));
    };
    MINUTES.check(minutes)?;
    HOURS.check(hours)?;
    match (day_of_month, day_of_week) {
        ("?", "?") => {
            return Err("one of day-of-month and day-of-week must be other than `?`".to_owned());
        }
        (_, "?") => check_day_of_month(day_of_month)?,
        ("?", _) => check_day_of_week(day_of_week)?,
        _ => {
            return Err(
                "one of day-of-month and day-of-week must be `?`: AWS does not combine them".to_owned()
            );
        }
    }
    MONTH.check(month)?;
    YEAR.check(year)
}

fn check_day_of_month(text: &str) -> Result<(), String> {
    for item in text.split(',') {
        // `L` is the last day, `15W` the weekday nearest to the 15th, `LW` the last weekday.
        if matches!(item, "L" | "LW") {
            continue;
        }
        match item.strip_suffix('W') {
            Some(day) => DAY_OF_MONTH.value(day).map(drop)?,
            None => DAY_OF_MONTH.item(item)?,
        }
    }
    Ok(())
}

fn check_day_of_week(text: &str) -> Result<(), String> {
    if let Some((day, nth)) = text.split_once('#') {
        if text.contains(',') || nth.contains('#') {
            return Err("day-of-week takes only one `#`, and no list with it".to_owned());
        }
        DAY_OF_WEEK.value(day)?;
        return match number(nth) {
            Some(1..=5) => Ok(()),
            _ => Err(format!("`{text}` in day-of-week: after `#` comes a number from 1 to 5")),
        };
    }
    for item in text.split(',') {
        if item == "L" {
            continue;
        }
        if item.contains('/') {
            return Err(format!("day-of-week takes no steps (`{item}`): list the days instead"));
        }
        match item.strip_suffix('L') {
            Some(day) => DAY_OF_WEEK.value(day).map(drop)?,
            None => DAY_OF_WEEK.item(item)?,
        }
    }
    Ok(())
}

impl Field {
    fn check(&self, text: &str) -> Result<(), String> {
        text.split(',').try_for_each(|item| self.item(item))
    }

    /// Checks an item: `*`, a value, a range, or one of these with a step.
    fn item(&self, item: &str) -> Result<(), String> {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(step)),
            None => (item, None),
        };
        if let Some(step) = step
            && number(step).is_none_or(|step| step == 0 || step > *self.range.end())
        {
            return Err(format!(
                "`{item}` in {}: the step after `/` is not a positive number in range",
                self.name
            ));
        }
        if base == "*" {
            return Ok(());
        }
        match base.split_once('-') {
            Some((from, to)) => {
                let (from, to) = (self.value(from)?, self.value(to)?);
                if from > to {
                    return Err(format!("`{item}` in {}: the range ends before it begins", self.name));
                }
                Ok(())
            }
            None => self.value(base).map(drop),
        }
    }

    /// The values of an item that [`Field::item`] accepts.
    fn values(&self, item: &str) -> Vec<u32> {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, number(step).filter(|step| *step > 0)),
            None => (item, None),
        };
        let range = match base.split_once('-') {
            _ if base == "*" => Ok(self.range.clone()),
            Some((from, to)) => self.value(from).and_then(|from| Ok(from..=self.value(to)?)),
            None => self.value(base).map(|from| from..=if step.is_some() { *self.range.end() } else { from }),
        };
        range.map(|range| range.step_by(step.unwrap_or(1) as usize).collect()).unwrap_or_default()
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        if let Some(place) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.range.start() + place as u32);
        }
        number(text).filter(|value| self.range.contains(value)).ok_or_else(|| {
            let names = match (self.names.first(), self.names.last()) {
                (Some(first), Some(last)) => format!(" or {first} to {last}"),
                _ => String::new(),
            };
            format!(
                "`{text}` is not a value of {}: {} to {}{names}",
                self.name,
                self.range.start(),
                self.range.end()
            )
        })
    }
}

/// The shortest interval, in minutes, between two runs of a valid `cron(…)` if it is below an hour;
/// else `None`, also for other texts.
pub fn least_minutes(text: &str) -> Option<u32> {
    let cron = text.strip_prefix("cron(")?.strip_suffix(')')?;
    let mut fields = cron.split_whitespace();
    let (minutes, hours) = (fields.next()?, fields.next()?);
    let mut times: Vec<u32> = minutes.split(',').flat_map(|item| MINUTES.values(item)).collect();
    times.sort_unstable();
    times.dedup();
    let (first, last) = (times.first().copied()?, times.last().copied()?);
    let within = times.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?));
    // The gap between the last run in one hour and the first in the next, if it may run then.
    let across = hours.contains(['*', '/', '-', ',']).then_some(60 + first - last);
    within.chain(across).min().filter(|gap| *gap < 60)
}

/// The reason why a valid `cron(…)` never runs; `None` if it may run, and for other texts.
pub fn never_comes(text: &str) -> Option<String> {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    // Precise enough for a year: an average year has 365.2425 days.
    never_comes_from(text, 1970 + u32::try_from(now / 31_556_952).unwrap_or(0))
}

fn never_comes_from(text: &str, now: u32) -> Option<String> {
    let cron = text.strip_prefix("cron(")?.strip_suffix(')')?;
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let &[_, _, days, months, _, years] = fields.as_slice() else { return None };
    let all = |field: &Field, text: &str| -> Vec<u32> {
        text.split(',').flat_map(|item| field.values(item)).collect()
    };
    let years: Vec<u32> = all(&YEAR, years).into_iter().filter(|year| *year >= now).collect();
    if years.is_empty() {
        return Some(format!("its last year is in the past: this is {now}"));
    }
    // Every month has such days.
    if days.contains(['?', 'L', 'W']) {
        return None;
    }
    let (days, months) = (all(&DAY_OF_MONTH, days), all(&MONTH, months));
    let has = |day: u32| {
        months.iter().any(|month| match month {
            2 if day == 29 => years.iter().any(|year| {
                year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
            }),
            2 => day < 29,
            4 | 6 | 9 | 11 => day <= 30,
            _ => true,
        })
    };
    (!days.into_iter().any(has)).then(|| "none of its months has such a day".to_owned())
}

/// Parses digits only: `u32::from_str` would also accept a sign.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{check_schedule, least_minutes, never_comes_from};

    #[test]
    fn schedules_that_never_fire_are_found() {
        for (text, never) in [
            ("cron(0 3 31 2 ? *)", true),
            ("cron(0 3 30-31 FEB ? *)", true),
            ("cron(0 3 31 4,6,9,11 ? *)", true),
            ("cron(0 3 29 2 ? 2027)", true),
            ("cron(0 3 1 * ? 2024-2025)", true),
            ("cron(0 3 ? * MON 2020)", true),
            ("cron(0 3 29 2 ? *)", false),
            ("cron(0 3 31 2,3 ? *)", false),
            ("cron(0 3 L 2 ? *)", false),
            ("cron(0 3 ? 2 MON *)", false),
            ("cron(0 3 1 * ? 2026)", false),
            ("cron(0 3 1 * ? 2024/2)", false),
            ("rate(1 day)", false),
        ] {
            assert_eq!(check_schedule(text), Ok(()), "{text}");
            assert_eq!(never_comes_from(text, 2026).is_some(), never, "{text}");
        }
    }

    #[test]
    fn the_minutes_between_runs_within_an_hour_are_found() {
        for (text, gap) in [
            ("cron(* * * * ? *)", Some(1)),
            ("cron(*/3 2 * * ? *)", Some(3)),
            ("cron(0/5 * * * ? *)", Some(5)),
            ("cron(0,58 * * * ? *)", Some(2)),
            ("cron(0,58 3 * * ? *)", Some(58)),
            ("cron(10-12 3 * * ? *)", Some(1)),
            ("cron(15 2 * * ? *)", None),
            ("cron(15 * * * ? *)", None),
            ("rate(1 minute)", None),
        ] {
            assert_eq!(least_minutes(text), gap, "{text}");
        }
    }

    #[test]
    fn documented_schedules_are_accepted() {
        for text in [
            "rate(1 minute)",
            "rate(5 minutes)",
            "rate(1 hour)",
            "rate(24 hours)",
            "rate(1 day)",
            "cron(0 10 * * ? *)",
            "cron(15 12 * * ? *)",
            "cron(0 18 ? * MON-FRI *)",
            "cron(0 8 1 * ? *)",
            "cron(0/15 * * * ? *)",
            "cron(0/10 * ? * MON-FRI *)",
            "cron(0/5 8-17 ? * MON-FRI *)",
            "cron(0/30 0-2,20-23 ? * MON-FRI *)",
            "cron(0 9 ? * 2#1 *)",
            "cron(0 9 ? * FRI#2 2026-2030)",
            "cron(0 0 L * ? *)",
            "cron(0 0 3W jan,JUL ? 2027/2)",
            "cron(0 0 ? * 5L *)",
        ] {
            assert_eq!(check_schedule(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn schedules_that_aws_refuses_are_refused() {
        for (text, why) in [
            ("every day", "`rate(…)` or `cron(…)`"),
            ("rate(5 minute)", "`rate(5 minutes)`"),
            ("rate(1 hours)", "`rate(1 hour)`"),
            ("rate(0 minutes)", "positive"),
            ("rate(-5 minutes)", "positive"),
            ("rate(30 seconds)", "unit"),
            ("rate(5)", "number and a unit"),
            ("cron(0 10 * * ?)", "six fields"),
            ("cron(0 10 * * * *)", "must be `?`"),
            ("cron(0 10 ? * ? *)", "other than `?`"),
            ("cron(60 10 * * ? *)", "minutes: 0 to 59"),
            ("cron(0 24 * * ? *)", "hours"),
            ("cron(0 10 0 * ? *)", "day-of-month"),
            ("cron(0 10 ? * 0 *)", "1 to 7 or SUN to SAT"),
            ("cron(0 10 ? * 3#1,6#3 *)", "only one `#`"),
            ("cron(0 10 ? * 3#6 *)", "1 to 5"),
            ("cron(0 10 ? * 1/2 *)", "no steps"),
            ("cron(*/0 10 * * ? *)", "step"),
            ("cron(+5 10 * * ? *)", "minutes"),
            ("cron(30-10 10 * * ? *)", "ends before"),
            ("cron(0 10 * * ? 1969)", "year"),
            ("cron(? 10 * * ? *)", "minutes"),
            ("cron(0, 10 * * ? *)", "minutes"),
        ] {
            let refusal = check_schedule(text).err().unwrap_or_default();
            assert!(refusal.contains(why), "{text}: {refusal}");
        }
    }
}
