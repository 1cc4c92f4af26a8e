//! The SDK for Rust: the logic of azuhost's real-time channels.
//!
//! A plugin is a library with the crate type `cdylib`, built for `wasm32-unknown-unknown`. Its channel is a type that
//! implements [`Channel`]. [`register!`] registers it:
//!
//! ```no_run
//! use azuhost::{Channel, Conn, Message, Result};
//!
//! #[derive(Default)]
//! struct Shout;
//!
//! impl Channel for Shout {
//!     fn on_message(&mut self, conn: Conn, message: Message) -> Result {
//!         conn.send(&message.as_str()?.to_uppercase())
//!     }
//! }
//!
//! azuhost::register!(Shout);
//! ```
//!
//! A hook is atomic: its effects (sends, joins, writes and so on) happen if it returns `Ok`. If it returns an error or
//! panics, none of them happens. After a panic the host replaces the instance.
//!
//! All connections of an instance share the fields of the channel. State that outlives an instance is kept in the host:
//! see [`Conn::set_value`] and [`Key`].
//!
//! Names of rooms, users, parameters, keys, timers and metrics are 1 to 255 bytes of UTF-8 without control characters
//! and line separators. Other names give [`Error::Invalid`].
//!
//! On native targets the crate has a fake host for tests: [`testing`].

mod channel;
mod conn;
mod error;
mod get;
#[doc(hidden)]
pub mod hook;
mod log;
mod message;
mod raw;
mod register;
mod room;
mod store;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;

pub use channel::{Channel, OnPing, OnPong, OnPresence, OnPublish, OnTimer, Target};
pub use conn::Conn;
pub use error::{refuse, refuse_close, Error, Result};
pub use log::{counter_add, gauge_set, histogram_observe, info, log, warn, Labels, Level};
pub use message::{Kind, Message};
pub use room::{broadcast, broadcast_except, send_users, users, Room, User};
pub use store::Key;
pub use time::{clear_timer, now, set_timer};
