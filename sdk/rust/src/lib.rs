//! Write the logic of azuhost's real-time channels in Rust.
//!
//! A plugin is a library with the crate type `cdylib`, built for
//! `wasm32-unknown-unknown`. Its channel is a type with the trait [`Channel`],
//! made known by [`register!`]:
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
//! Everything that a hook asks for happens when it returns `Ok`, and not at all
//! when it returns an error or panics. After a panic the instance is thrown away
//! and replaced. The fields of the channel are shared by all connections of the
//! route; what has to outlive an instance is kept in the host, see
//! [`Conn::set_value`] and [`Key`].
//!
//! Natively the crate has a host for tests, [`testing`].

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
