//! Echo sends every message back.

use azuhost::{Channel, Conn, Message, Result};

#[derive(Default)]
struct Echo;

impl Channel for Echo {
    fn on_message(&mut self, conn: Conn, message: Message) -> Result {
        conn.send(message)
    }
}

azuhost::register!(Echo);
