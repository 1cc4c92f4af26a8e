use std::fmt;

/// The result of hooks and of functions that call the host.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// An error of the host, or the error with which a hook ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An argument is not allowed, such as a name that is empty, too long or has control characters, a text that is
    /// not UTF-8, or an unknown kind or code.
    Invalid,
    /// There is no such connection, parameter, key, value, timer or token.
    NotFound,
    /// The route does not allow the function.
    Perm,
    /// A limit is reached, such as that of effects, bytes, values or timers.
    Limit,
    /// The function is not possible in this hook, such as [`Conn::query`](crate::Conn::query) outside of `on_connect`.
    State,
    /// The deadline of the hook passed while the host waited.
    Timeout,
    /// A part of the host, such as the store, does not work now.
    Unavailable,
    /// The hook has failed.
    Failed,
    /// An error number that this version of the crate does not know.
    Unknown(i32),
    /// The error of [`refuse`] and [`refuse_close`]: an HTTP status or a close code.
    Refused(u16),
    /// Any other reason of a failure. The host logs the text.
    Other(String),
}

impl Error {
    /// Returns the error for a negative result of a host function.
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
            Error::NotFound => "no such connection, parameter, key, value, timer or token (NOT_FOUND)",
            Error::Perm => "the route does not allow this function: add its capability to allow (PERM)",
            Error::Limit => "a limit is reached (LIMIT)",
            Error::State => "not possible in this hook (STATE)",
            Error::Timeout => "the deadline of the hook passed (TIMEOUT)",
            Error::Unavailable => "a part of the host, such as the store, does not work now (UNAVAILABLE)",
            Error::Failed => "the hook has failed (FAILED)",
            Error::Unknown(_) => "unknown error number",
            Error::Refused(_) => "refused",
            Error::Other(text) => text,
        }
    }

    /// Returns the result of a hook that ends with this error. Passes the reason of a failure to the host.
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

/// Returns the error with which `on_connect` refuses the handshake, and `on_publish` the publication: an HTTP status
/// from 400 to 599. Browsers do not show the status of a handshake to their scripts, but the code of [`refuse_close`].
///
/// # Panics
///
/// Panics if the status is not 400 to 599.
pub fn refuse(status: u16) -> Error {
    assert!((400..600).contains(&status), "refuse takes a status from 400 to 599, not {status}");
    Error::Refused(status)
}

/// Returns the error with which `on_connect` refuses a connection after its upgrade. The host sends the messages of the
/// hook to this connection, and closes it with the code, 3000 to 4999. The other effects of the hook do not happen, and
/// `on_close` is not called.
///
/// # Panics
///
/// Panics if the code is not 3000 to 4999.
pub fn refuse_close(code: u16) -> Error {
    assert!((3000..5000).contains(&code), "refuse_close takes a code from 3000 to 4999, not {code}");
    Error::Refused(code)
}

/// Converts the result of a host function: negative numbers are errors.
pub(crate) fn check(n: i32) -> Result<i32> {
    if n < 0 {
        return Err(Error::from_code(n));
    }
    Ok(n)
}
