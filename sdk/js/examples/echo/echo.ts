import type { Channel } from "azuhost";

export default {
  onMessage(conn, message) {
    conn.send(message);
  },
} satisfies Channel;
