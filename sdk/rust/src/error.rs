use std::fmt;

/// The result of hooks and host functions.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why the host refused a request, or why a hook fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An argument is not allowed: a name that is empty, too long or not clean
    /// UTF-8, text that is not UTF-8, an unknown kind or code.
    Invalid,
    /// No such connection, parameter, key, value or timer.
    NotFound,
    /// The operator does not allow it on this route.
    Perm,
    /// A limit is reached: effects of a hook, bytes, values, timers.
    Limit,
    /// Not now: headers and query outside `on_connect`, for example.
    State,
    /// The hook's deadline passed while the host waited.
    Timeout,
    /// A part of the host, such as the store, is out of order.
    Unavailable,
    /// The hook has failed.
    Failed,
    /// A number that this version of the crate does not know.
    Unknown(i32),
    /// The answer of [`refuse`] and [`refuse_close`].
    Refused(u16),
    /// Any other reason, in words for the log of the host.
    Other(String),
}

impl Error {
    /// The error that the host means by a negative result.
    pub fn from_code(code: i32) -> Error {
        match code {
            -1 => Error::Invalid,
            -2 => Error::NotFound,
            -3 => Error::Perm,
            -4 => Error::Limit,
            -5 => Error::State,
            -6 => Error::Timeout,
            -7 => Error::Unavailable,
            -8 => Error::Failed,
            n => Error::Unknown(n),
        }
    }

    fn text(&self) -> &str {
        match self {
            Error::Invalid => "an argument is not allowed (INVALID)",
            Error::NotFound => "there is no such thing (NOT_FOUND)",
            Error::Perm => "not permitted on this route (PERM)",
            Error::Limit => "a limit is reached (LIMIT)",
            Error::State => "not possible in this hook (STATE)",
            Error::Timeout => "the hook's deadline passed (TIMEOUT)",
            Error::Unavailable => "out of order at the moment (UNAVAILABLE)",
            Error::Failed => "the hook has failed (FAILED)",
            Error::Unknown(_) => "an error that this SDK does not know",
            Error::Refused(_) => "refused",
            Error::Other(text) => text,
        }
    }

    /// What a hook that ends with this error returns.
    pub(crate) fn answer(&self) -> i32 {
        if let Error::Refused(code) = self {
            return i32::from(*code);
        }
        let text = self.text();
        unsafe { crate::raw::fail(text.as_ptr(), text.len()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unknown(n) => write!(f, "{} ({})", self.text(), n),
            Error::Refused(n) => write!(f, "{} with {}", self.text(), n),
            _ => f.write_str(self.text()),
        }
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(text: String) -> Error {
        Error::Other(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Error {
        Error::Other(text.to_owned())
    }
}

impl From<std::str::Utf8Error> for Error {
    fn from(_: std::str::Utf8Error) -> Error {
        Error::from("the data is not UTF-8")
    }
}

/// The error with which `on_connect` refuses the handshake: an HTTP status, 400
/// to 599. Browsers do not tell their script the status; [`refuse_close`]
/// reaches it.
///
/// # Panics
///
/// If the status is another.
pub fn refuse(status: u16) -> Error {
    assert!((400..600).contains(&status), "refuse takes a status from 400 to 599");
    Error::Refused(status)
}

/// The error with which `on_connect` has the connection upgraded, sent what the
/// hook sent to it, and closed with a code, 3000 to 4999. Nothing else that the
/// hook asked for happens, and `on_close` is not called.
///
/// # Panics
///
/// If the code is another.
pub fn refuse_close(code: u16) -> Error {
    assert!((3000..5000).contains(&code), "refuse_close takes a code from 3000 to 4999");
    Error::Refused(code)
}

/// Makes a result of what the host answered.
pub(crate) fn check(n: i32) -> Result<i32> {
    if n < 0 {
        return Err(Error::from_code(n));
    }
    Ok(n)
}
