// What the exports share. Channels do not need it.

import { Channel, OnPing, OnPong, OnPresence, OnPublish, OnTimer } from "./channel";
import { Kind, Message } from "./message";
import * as raw from "./raw";
import { copy } from "./text";

/** Where the host writes an event's bytes: as large as its default limit of a message. */
const CAPACITY: u32 = 64 << 10;
const inbox = memory.data(65536);

let current: Channel | null = null;

/** Makes a channel the one of this program. Call it once, at the top of the program. */
export function register(channel: Channel): void {
  current = channel;
}

export function channel(): Channel {
  const c = current;
  if (!c) throw new Error("no channel: call register at the top of the program");
  return c;
}

/** The hooks of their own that the program exports. */
export class Exported {
  timer: bool = false;
  presence: bool = false;
  publish: bool = false;
  ping: bool = false;
  pong: bool = false;
}
export const exported = new Exported();

export function version(): u64 {
  const c = channel();
  need(c instanceof OnTimer, exported.timer, "on_timer");
  need(c instanceof OnPresence, exported.presence, "on_presence");
  need(c instanceof OnPublish, exported.publish, "on_publish");
  need(c instanceof OnPing, exported.ping, "on_ping");
  need(c instanceof OnPong, exported.pong, "on_pong");
  return (<u64>inbox << 32) | CAPACITY;
}

/** Makes sure that a method that exists is called, and that one that is called exists. */
function need(method: bool, isExported: bool, hook: string): void {
  if (method && !isExported) throw new Error("the channel has this hook, but it is not exported: export * from \"…/hooks/" + hook + "\"");
  if (isExported && !method) throw new Error("the channel exports " + hook + ", but lacks its interface");
}

// An event that is larger than the inbox is fetched to here, and kept till the next.
let large = new ArrayBuffer(0);

/** Gives where the bytes of the event are. */
export function event(len: u32): usize {
  if (len <= CAPACITY) return inbox;
  if (<u32>large.byteLength < len) large = new ArrayBuffer(len);
  raw.read(changetype<usize>(large), 0, len);
  return changetype<usize>(large);
}

export function text(len: u32): string {
  return String.UTF8.decodeUnsafe(event(len), len);
}

export function bytes(len: u32): Uint8Array {
  return copy(event(len), len);
}

// One for all events: it is valid until the hook returns.
const received = new Message(Kind.Text);

export function message(len: u32, kind: i32): Message {
  return messageAt(event(len), len, kind);
}

export function messageAt(ptr: usize, len: u32, kind: i32): Message {
  received.kind = kind == Kind.Text ? Kind.Text : Kind.Binary;
  received.ptr = ptr;
  received.length = len;
  return received;
}

// Garbage is collected between hooks, when nothing is on the stack: every so many
// of them, and when memory has grown.
const EVERY: u32 = 64;
let hooks: u32 = 0;
let pages = memory.size();

/** Ends a hook. */
export function done(answer: i32): i32 {
  if (++hooks % EVERY == 0 || memory.size() != pages) {
    __collect();
    pages = memory.size();
  }
  return answer;
}
