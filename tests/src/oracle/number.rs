//! Exact numbers as sign and decimal digits, compared the way one compares them on paper.

use std::cmp::Ordering;

/// A number without rounding and without bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Number {
    is_negative: bool,
    /// Without leading zeros.
    whole: String,
    /// Without trailing zeros.
    fraction: String,
    /// Whether it was written with a point.
    has_point: bool,
}

impl Number {
    /// Reads `-12.50`: an optional minus, digits, and optionally a point with more digits; 38 digits at the most.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (is_negative, magnitude) = match text.strip_prefix('-') {
            Some(magnitude) => (true, magnitude),
            None => (false, text),
        };
        let (whole, fraction) = match magnitude.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (magnitude, ""),
        };
        let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !are_digits(whole)
            || !are_digits(fraction)
            || whole.len() + fraction.len() > 38
        {
            return None;
        }
        Some(Self::of(is_negative, whole, fraction, magnitude.contains('.')))
    }

    /// `unscaled / 10^scale`.
    pub(super) fn from_unscaled(unscaled: i128, scale: usize) -> Self {
        let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        Self::of(unscaled < 0, whole, fraction, scale > 0)
    }

    fn of(is_negative: bool, whole: &str, fraction: &str, has_point: bool) -> Self {
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        // Zero has one sign.
        let is_zero = whole.is_empty() && fraction.is_empty();
        Self { is_negative: is_negative && !is_zero, whole, fraction, has_point }
    }

    /// Whether it was written with a point, also if nothing but zeros follows.
    pub(super) fn has_point(&self) -> bool {
        self.has_point
    }

    /// The order of the values.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.order_of_magnitudes(other),
            (true, true) => other.order_of_magnitudes(self),
        }
    }

    fn order_of_magnitudes(&self, other: &Self) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        by_length.then_with(|| self.whole.cmp(&other.whole)).then_with(|| self.fraction.cmp(&other.fraction))
    }

    /// The nearest double.
    pub(super) fn nearest_f64(&self) -> f64 {
        self.text().parse().unwrap_or(f64::NAN)
    }

    /// This number as a single-precision float, if one has exactly this value.
    pub(super) fn exact_f32(&self) -> Option<f32> {
        let nearest: f32 = self.text().parse().ok()?;
        // Any finite f32 has at most 149 digits after the point.
        let digits = format!("{:.149}", f64::from(nearest));
        let (whole, fraction) = digits.trim_start_matches('-').split_once('.')?;
        let exact = Self::of(digits.starts_with('-'), whole, fraction, true);
        (exact.order(self) == Ordering::Equal).then_some(nearest)
    }

    fn text(&self) -> String {
        let sign = if self.is_negative { "-" } else { "" };
        format!("{sign}0{}.{}0", self.whole, self.fraction)
    }
}
