// Chat is the ready-made plugin plugins/chat in TypeScript: clients subscribe to rooms, and receive their messages and
// presence.
import { AzuError, type Channel, type Conn, refuse, room, store, user } from "azuhost";

type Incoming = { type?: unknown; room?: unknown; text?: unknown };

/** The longest list of users in an event. Longer lists are left out. */
const maxListed = 200;

export default {
  /** Identifies the user by the query parameter name, or by a new guest name. */
  onConnect(conn) {
    identify(conn, conn.query("name")?.trim() || guest());
  },

  onMessage(conn, message) {
    const m = parse(message);
    switch (m?.type) {
      case undefined:
        return error(conn, m ? "UNKNOWN_TYPE" : "INVALID_JSON");
      case "subscribe":
        return subscribe(conn, text(m!.room));
      case "unsubscribe":
        return unsubscribe(conn, text(m!.room));
      case "message":
        return broadcastMessage(conn, m!);
      case "ping":
        return conn.sendJSON({ type: "pong" });
    }
    error(conn, "UNKNOWN_TYPE");
  },

  /** Reports to a room that a user joined or left. */
  onPresence({ room: name, user, joined }) {
    if (!name) return;
    const event = joined ? "join" : "leave";
    room(name).broadcastJSON({ type: "presence", room: name, event, user, users: listUsers(name) });
  },
} satisfies Channel;

function identify(conn: Conn, name: string) {
  if (new TextEncoder().encode(name).length > 64 || name.includes("\uFFFD")) refuse(400);
  try {
    conn.identify(name);
  } catch (e) {
    if (e instanceof AzuError && e.code === "INVALID") refuse(400);
    throw e;
  }
}

/** Returns a guest name that no present user has. */
function guest(): string {
  for (;;) {
    const name = `guest-${store.add("guests")}`;
    if (!user(name).online) return name;
  }
}

function subscribe(conn: Conn, name: string) {
  if (!attempt(conn, () => conn.join(name))) return;
  conn.sendJSON({ type: "subscribed", room: name, users: listUsers(name) });
}

function unsubscribe(conn: Conn, name: string) {
  if (!attempt(conn, () => conn.leave(name))) return;
  conn.sendJSON({ type: "unsubscribed", room: name });
}

/** Sends a text to a room: by default to the last one that the client subscribed to. */
function broadcastMessage(conn: Conn, m: Incoming) {
  if (typeof m.text !== "string") return error(conn, "INVALID_MESSAGE");
  const rooms = conn.rooms();
  const name = text(m.room) || rooms.at(-1) || "";
  if (!rooms.includes(name)) return error(conn, "NOT_SUBSCRIBED");
  room(name).broadcastJSON({ type: "message", room: name, user: conn.user ?? "", text: m.text, at: Date.now() });
}

/** Runs an action. Reports a refused name or a reached limit to the client, and returns false. Throws other errors. */
function attempt(conn: Conn, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (e) {
    if (!(e instanceof AzuError) || (e.code !== "INVALID" && e.code !== "LIMIT")) throw e;
    error(conn, e.code === "LIMIT" ? "LIMIT" : "INVALID_NAME");
    return false;
  }
}

function error(conn: Conn, code: string) {
  conn.sendJSON({ type: "error", code });
}

/** Parses a JSON object. Returns undefined for other messages. */
function parse(message: string | Uint8Array): Incoming | undefined {
  if (typeof message !== "string") return undefined;
  try {
    const m: unknown = JSON.parse(message);
    return typeof m === "object" && m !== null && !Array.isArray(m) ? m : undefined;
  } catch {
    return undefined;
  }
}

/** Returns a string; "" for other values. */
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns the users of a room; undefined, which JSON leaves out, if there are too many. */
function listUsers(name: string): string[] | undefined {
  const users = room(name).users();
  return users.length > maxListed ? undefined : users;
}
