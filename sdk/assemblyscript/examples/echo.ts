// Echo sends every message back.

import { Channel, Conn, Message, register } from "../assembly";
export * from "../assembly/hooks";

class Echo extends Channel {
  onMessage(conn: Conn, message: Message): i32 {
    return conn.send(message);
  }
}

register(new Echo());
