// Chat has rooms that clients subscribe to, and tells who is there: what
// plugins/chat does, in TypeScript.
import { AzuError, type Channel, type Conn, refuse, room, store, user } from "azuhost";

type Incoming = { type?: unknown; room?: unknown; text?: unknown };

/** Names of users in an event, at most: an event goes to everyone on the list. */
const maxListed = 200;

export default {
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
        return say(conn, m!);
      case "ping":
        return conn.sendJSON({ type: "pong" });
    }
    error(conn, "UNKNOWN_TYPE");
  },

  onPresence({ room: name, user, joined }) {
    if (name) room(name).broadcastJSON({ type: "presence", room: name, event: joined ? "join" : "leave", user, users: listed(name) });
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

/** A name that nobody has. */
function guest(): string {
  for (;;) {
    const name = `guest-${store.add("guests")}`;
    if (!user(name).online) return name;
  }
}

function subscribe(conn: Conn, name: string) {
  if (!allowed(conn, () => conn.join(name))) return;
  conn.sendJSON({ type: "subscribed", room: name, users: listed(name) });
}

function unsubscribe(conn: Conn, name: string) {
  if (!allowed(conn, () => conn.leave(name))) return;
  conn.sendJSON({ type: "unsubscribed", room: name });
}

/** A message goes to the room that it names, or to the last one subscribed to. */
function say(conn: Conn, m: Incoming) {
  if (typeof m.text !== "string") return error(conn, "INVALID_MESSAGE");
  const rooms = conn.rooms();
  const name = text(m.room) || rooms.at(-1) || "";
  if (!rooms.includes(name)) return error(conn, "NOT_SUBSCRIBED");
  room(name).broadcastJSON({ type: "message", room: name, user: conn.user ?? "", text: m.text, at: Date.now() });
}

/** Does what the client asked for, or tells it why not. */
function allowed(conn: Conn, ask: () => void): boolean {
  try {
    ask();
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

/** A JSON object, or undefined. */
function parse(message: string | Uint8Array): Incoming | undefined {
  if (typeof message !== "string") return undefined;
  try {
    const m: unknown = JSON.parse(message);
    return typeof m === "object" && m !== null && !Array.isArray(m) ? m : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The users of a room; undefined, which JSON leaves out, if there are too many. */
function listed(name: string): string[] | undefined {
  const users = room(name).users();
  return users.length > maxListed ? undefined : users;
}
