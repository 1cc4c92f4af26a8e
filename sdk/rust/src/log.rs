use crate::error::check;
use crate::{raw, Error, Result};

/// The level of a line in the log of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// Writes a line to the log of the host at once, even if the hook fails later. The host adds the time, the route and
/// the plugin.
pub fn log(level: Level, text: &str) {
    unsafe { raw::log(level as i32, text.as_ptr(), text.len()) };
}

/// Writes a line with [`Level::Info`].
pub fn info(text: &str) {
    log(Level::Info, text)
}

/// Writes a line with [`Level::Warn`].
pub fn warn(text: &str) {
    log(Level::Warn, text)
}

/// The labels of a metric: pairs of a name and a value. Every combination of values is a series, and the host limits
/// the number of series: labels should not contain names of rooms or users.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// Adds to a metric of the plugin that only grows.
pub fn counter_add(name: &str, value: f64, labels: Labels) -> Result {
    metric(0, name, value, labels)
}

/// Sets a metric of the plugin that goes up and down.
pub fn gauge_set(name: &str, value: f64, labels: Labels) -> Result {
    metric(1, name, value, labels)
}

/// Adds an observation to a histogram of the plugin.
pub fn histogram_observe(name: &str, value: f64, labels: Labels) -> Result {
    metric(2, name, value, labels)
}

fn metric(op: i32, name: &str, value: f64, labels: Labels) -> Result {
    let mut lines = String::new();
    for (label, v) in labels {
        if label.contains(['=', '\n']) || v.contains('\n') {
            return Err(Error::Invalid);
        }
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(label);
        lines.push('=');
        lines.push_str(v);
    }
    check(unsafe { raw::metric(op, name.as_ptr(), name.len(), lines.as_ptr(), lines.len(), value) }).map(drop)
}
