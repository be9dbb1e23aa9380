//! A constant's value for people: `16 * 1024` bytes are 16 KiB, `1 << 31` steps are 2,147,483,648 steps.

/// # Arguments
/// * `written` - products, shifts and durations of numbers.
/// * `unit` - what is counted.
pub(super) fn in_words(written: &str, unit: &str) -> String {
    let duration = |of: &str| written.strip_prefix(of)?.strip_prefix('(')?.strip_suffix(')').map(number);
    if let Some(seconds) = duration("Duration::from_secs") {
        return format!("{seconds} s");
    }
    if let Some(milliseconds) = duration("Duration::from_millis") {
        return format!("{milliseconds} ms");
    }
    let value = number(written);
    let binary = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match binary.iter().find(|(_, size)| unit == "bytes" && value.is_multiple_of(*size) && value > 0) {
        Some((name, size)) => format!("{} {name}", value / size),
        None => format!("{} {unit}", in_thousands(value)),
    }
}

fn number(written: &str) -> u64 {
    if let Some((left, right)) = written.split_once(" << ") {
        return number(left) << number(right);
    }
    let factors = written.split(" * ").map(|factor| factor.trim().replace('_', ""));
    factors.map(|factor| factor.parse::<u64>().unwrap_or_else(|_| panic!("no number: {written}"))).product()
}

fn in_thousands(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}
