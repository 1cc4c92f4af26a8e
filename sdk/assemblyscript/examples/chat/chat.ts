// Chat is the ready-made plugin plugins/chat in AssemblyScript: clients subscribe to rooms, and receive their messages
// and presence.

import { Channel, Conn, Errno, Key, Message, now, OnPresence, refuse, register, Room, User } from "../../assembly";
import { Kind, parse, Reply, Value } from "./json";
export * from "../../assembly/hooks";
export * from "../../assembly/hooks/on_presence";

/** The longest name of a user, in bytes. */
const MAX_USER = 64;

/** The longest list of users in an event. Longer lists are left out. */
const MAX_LISTED = 200;

class Chat extends Channel implements OnPresence {
  /** Identifies the user by the query parameter name, or by a new guest name. */
  onConnect(conn: Conn, target: string): i32 {
    const query = conn.query("name");
    let name = query === null ? "" : query.trim();
    if (name.length == 0) name = guest();
    if (String.UTF8.byteLength(name) > MAX_USER) return refuse(400);
    const e = conn.identify(name);
    return e == Errno.INVALID ? refuse(400) : e;
  }

  onMessage(conn: Conn, message: Message): i32 {
    const msg = message.isText ? parse(message.toString()) : null;
    if (!msg || msg.kind != Kind.Object) return error(conn, "INVALID_JSON");
    const type = msg.get("type").text, room = msg.get("room").text;
    if (type == "subscribe") return subscribe(conn, new Room(room));
    if (type == "unsubscribe") return unsubscribe(conn, room);
    if (type == "message") return broadcastMessage(conn, room, msg.get("text"));
    if (type == "ping") return conn.sendText('{"type":"pong"}');
    return error(conn, "UNKNOWN_TYPE");
  }

  /** Reports to a room that a user joined or left. */
  onPresence(room: string, user: string, joined: bool): i32 {
    if (room.length == 0) return Errno.OK;
    const r = new Room(room);
    const reply = new Reply("presence").str("room", room).str("event", joined ? "join" : "leave").str("user", user);
    return r.broadcast(Message.text(users(reply, r).toString()));
  }
}

/** Returns a guest name that no present user has. */
function guest(): string {
  const guests = new Key("guests");
  let name: string;
  do {
    guests.add(1);
    name = "guest-" + guests.sum.toString();
  } while (new User(name).online);
  return name;
}

function subscribe(conn: Conn, room: Room): i32 {
  const e = conn.join(room.name);
  if (e != Errno.OK) return refused(conn, e);
  return conn.sendText(users(new Reply("subscribed").str("room", room.name), room).toString());
}

function unsubscribe(conn: Conn, room: string): i32 {
  const e = conn.leave(room);
  if (e != Errno.OK) return refused(conn, e);
  return conn.sendText(new Reply("unsubscribed").str("room", room).toString());
}

/** Sends a text to a room: by default to the last one that the client subscribed to. */
function broadcastMessage(conn: Conn, room: string, text: Value): i32 {
  if (text.kind != Kind.String) return error(conn, "INVALID_MESSAGE");
  const rooms = conn.rooms;
  if (room.length == 0 && rooms.length > 0) room = rooms[rooms.length - 1];
  if (!rooms.includes(room)) return error(conn, "NOT_SUBSCRIBED");
  const at = (now() / 1_000_000).toString();
  const reply = new Reply("message").str("room", room).str("user", conn.user).str("text", text.text).raw("at", at);
  return new Room(room).broadcast(Message.text(reply.toString()));
}

function users(reply: Reply, room: Room): Reply {
  const list = room.users;
  return list.length > MAX_LISTED ? reply : reply.list("users", list);
}

function error(conn: Conn, code: string): i32 {
  return conn.sendText(new Reply("error").str("code", code).toString());
}

/** Reports a refused name or a reached limit to the client. Other errors fail the hook. */
function refused(conn: Conn, e: i32): i32 {
  if (e == Errno.INVALID) return error(conn, "INVALID_NAME");
  return e == Errno.LIMIT ? error(conn, "LIMIT") : e;
}

register(new Chat());
