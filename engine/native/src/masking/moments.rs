//! Dates and times: any of the years 1 to 9999, which is what clients can hold. The years of ISO text; other settings of DateStyle are not read.

use crate::masking::permute::Permuter;

/// Days of 0001-01-01 and 9999-12-31, counted from 2000-01-01 as PostgreSQL does.
const FIRST_DAY: i64 = -730_119;
const LAST_DAY: i64 = 2_921_939;
const DAY: i64 = 86_400_000_000;
/// From 1970-03-01 in the calendar's own count to 2000-01-01.
const SHIFT: i64 = 730_425;

/// A day, to a day.
pub fn day(permuter: &Permuter, days: i64) -> Option<i64> {
    moved(permuter, days, FIRST_DAY, LAST_DAY, "date")
}

/// A moment in microseconds from 2000-01-01, to one. `is_zoned`: of `timestamptz`.
pub fn moment(permuter: &Permuter, micros: i64, is_zoned: bool) -> Option<i64> {
    let last = LAST_DAY.checked_add(1)?.checked_mul(DAY)?.checked_sub(1)?;
    moved(permuter, micros, FIRST_DAY.checked_mul(DAY)?, last, if is_zoned { "timestamptz" } else { "timestamp" })
}

fn moved(permuter: &Permuter, value: i64, first: i64, last: i64, family: &str) -> Option<i64> {
    let size = u128::try_from(last.checked_sub(first)?.checked_add(1)?).ok()?;
    let rank = u128::try_from(value.checked_sub(first)?).ok()?;
    i64::try_from(permuter.below(size, rank, family, b"")?).ok()?.checked_add(first)
}

/// `2026-11-29`, as days.
pub fn parse_day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?);
    let days = days_of(year, month, day)?;
    // What is no day of the calendar comes back as another.
    (print_day(days)? == text).then_some(days)
}

pub fn print_day(days: i64) -> Option<String> {
    let (year, month, day) = date_of(days)?;
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// `2026-11-29 12:30:00.25`, with `+01` or `+05:30` behind it where `is_zoned`, as microseconds.
pub fn parse_moment(text: &str, is_zoned: bool) -> Option<i64> {
    let (day, time) = (parse_day(text.get(..10)?)?, text.get(10..)?);
    let rest = time.strip_prefix(' ')?;
    let at = rest.find(['+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at_checked(at)?;
    if zone.is_empty() == is_zoned {
        return None;
    }
    let offset = if is_zoned { offset(zone)? } else { 0 };
    let (whole, fraction) = clock.split_once('.').map_or((clock, None), |(whole, part)| (whole, Some(part)));
    let micros = match fraction {
        None => 0,
        Some(part) if (1..=6).contains(&part.len()) => number(&format!("{part:0<6}"), 0, 6)?,
        Some(_) => return None,
    };
    let seconds = seconds(whole, true)?.checked_sub(offset)?;
    day.checked_mul(DAY)?.checked_add(seconds.checked_mul(1_000_000)?)?.checked_add(micros)
}

/// The same text of a moment; where `is_zoned` in UTC.
pub fn print_moment(micros: i64, is_zoned: bool) -> Option<String> {
    let day = print_day(micros.div_euclid(DAY))?;
    let within = micros.rem_euclid(DAY);
    let (seconds, part) = (within.checked_div(1_000_000)?, within.checked_rem(1_000_000)?);
    let (hours, minutes) = (seconds.checked_div(3600)?, seconds.checked_div(60)?.checked_rem(60)?);
    let fraction = format!(".{part:06}");
    let fraction = if part == 0 { "" } else { fraction.trim_end_matches('0') };
    let zone = if is_zoned { "+00" } else { "" };
    Some(format!("{day} {hours:02}:{minutes:02}:{:02}{fraction}{zone}", seconds.checked_rem(60)?))
}

fn offset(zone: &str) -> Option<i64> {
    let seconds = seconds(zone.get(1..)?, false)?;
    if zone.starts_with('-') {
        seconds.checked_neg()
    } else {
        Some(seconds)
    }
}

/// `HH:MM:SS`; of a zone `HH` and `HH:MM` too.
fn seconds(text: &str, is_whole: bool) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || (is_whole && parts.len() != 3) || parts.iter().any(|part| part.len() != 2) {
        return None;
    }
    let mut all = 0_i64;
    for (at, most) in [24, 60, 60].into_iter().enumerate() {
        let value = parts.get(at).map_or(Some(0), |part| number(part, 0, 2))?;
        if value >= most {
            return None;
        }
        all = all.checked_mul(60)?.checked_add(value)?;
    }
    Some(all)
}

fn number(text: &str, from: usize, to: usize) -> Option<i64> {
    let digits = text.get(from..to)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Days of a date of the proleptic Gregorian calendar, counted in years that begin with March.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = month.checked_add(9)?.rem_euclid(12).checked_mul(153)?.checked_add(2)?.checked_div(5)?;
    let leaps = of_era.checked_div(4)?.checked_sub(of_era.checked_div(100)?)?;
    let within = of_era.checked_mul(365)?.checked_add(leaps)?.checked_add(of_year)?.checked_add(day)?.checked_sub(1)?;
    era.checked_mul(146_097)?.checked_add(within)?.checked_sub(SHIFT)
}

fn date_of(days: i64) -> Option<(i64, i64, i64)> {
    let shifted = days.checked_add(SHIFT)?;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let leaps =
        day.checked_div(1_460)?.checked_sub(day.checked_div(36_524)?)?.checked_add(day.checked_div(146_096)?)?;
    let year = day.checked_sub(leaps)?.checked_div(365)?;
    let before = year.checked_mul(365)?.checked_add(year.checked_div(4)?)?.checked_sub(year.checked_div(100)?)?;
    let of_year = day.checked_sub(before)?;
    let month = of_year.checked_mul(5)?.checked_add(2)?.checked_div(153)?;
    let of_month = of_year.checked_sub(month.checked_mul(153)?.checked_add(2)?.checked_div(5)?)?.checked_add(1)?;
    let civil = if month < 10 { month.checked_add(3)? } else { month.checked_sub(9)? };
    let year = year.checked_add(era.checked_mul(400)?)?.checked_add(i64::from(civil <= 2))?;
    Some((year, civil, of_month))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    #[test]
    fn days_are_counted_as_postgresql_counts_them() {
        for (text, days) in [
            ("2000-01-01", 0),
            ("1999-12-31", -1),
            ("2000-03-01", 60),
            ("0001-01-01", FIRST_DAY),
            ("9999-12-31", LAST_DAY),
        ] {
            assert_eq!((parse_day(text), print_day(days).as_deref()), (Some(days), Some(text)));
        }
        for bad in
            ["2023-02-29", "2023-13-01", "2023-00-10", "29.11.2026", "infinity", "2026-11-29 BC", "10000-01-01", ""]
        {
            assert_eq!(parse_day(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments_are_read_and_written() {
        assert_eq!(parse_moment("2000-01-01 00:00:01.5", false), Some(1_500_000));
        assert_eq!(parse_moment("2000-01-01 01:00:00+01", true), Some(0));
        assert_eq!(parse_moment("1999-12-31 18:30:00-05:30", true), Some(0));
        assert_eq!(print_moment(-1, false).as_deref(), Some("1999-12-31 23:59:59.999999"));
        assert_eq!(print_moment(0, true).as_deref(), Some("2000-01-01 00:00:00+00"));
        for (bad, is_zoned) in [
            ("2000-01-01 00:00:00", true),
            ("2000-01-01 00:00:00+01", false),
            ("2000-01-01 24:00:00", false),
            ("2000-01-01 00:00", false),
            ("2000-01-01T00:00:00", false),
            ("2000-01-01 00:00:00.", false),
            ("infinity", false),
            ("Sat Jan 01 00:00:00 2000", false),
        ] {
            assert_eq!(parse_moment(bad, is_zoned), None, "{bad}");
        }
    }

    #[test]
    fn what_is_outside_of_the_years_has_no_token() {
        let permuter = Permuter::new(b"a key of sixteen", b"tokenize", b"").expect("a key");
        assert_eq!((day(&permuter, FIRST_DAY.wrapping_sub(1)), day(&permuter, LAST_DAY.wrapping_add(1))), (None, None));
        assert_eq!((moment(&permuter, i64::MAX, true), moment(&permuter, i64::MIN, false)), (None, None));
        for value in [FIRST_DAY, 0, LAST_DAY] {
            assert!(day(&permuter, value).is_some_and(|found| (FIRST_DAY..=LAST_DAY).contains(&found)));
        }
        assert_ne!(moment(&permuter, 0, true), moment(&permuter, 0, false));
    }
}
