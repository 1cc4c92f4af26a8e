// The code that the exports of a plugin share. A channel only uses register, which index.ts exports.

import { Channel, OnPing, OnPong, OnPresence, OnPublish, OnTimer } from "./channel";
import { Kind, Message } from "./message";
import * as raw from "./raw";
import { copy } from "./text";

/**
 * The size in bytes of the inbox, where the host writes the bytes of an event. It is the default limit of a message.
 */
const CAPACITY: u32 = 64 << 10;
const inbox = memory.data(65536);

let current: Channel | null = null;

/** Registers the channel of this program. A program calls it once, at its top level. */
export function register(channel: Channel): void {
  current = channel;
}

/** Returns the registered channel. */
export function channel(): Channel {
  const c = current;
  if (!c) throw new Error("there is no channel: call register at the top level of the program");
  return c;
}

/** The optional hooks that the program exports. Each module in hooks/ sets its field. */
export class Exported {
  timer: bool = false;
  presence: bool = false;
  publish: bool = false;
  ping: bool = false;
  pong: bool = false;
}
export const exported = new Exported();

/** Returns the result of azu_v1: the address and the capacity of the inbox. */
export function version(): u64 {
  const c = channel();
  checkHook(c instanceof OnTimer, exported.timer, "on_timer");
  checkHook(c instanceof OnPresence, exported.presence, "on_presence");
  checkHook(c instanceof OnPublish, exported.publish, "on_publish");
  checkHook(c instanceof OnPing, exported.ping, "on_ping");
  checkHook(c instanceof OnPong, exported.pong, "on_pong");
  return (<u64>inbox << 32) | CAPACITY;
}

/** Throws if the channel implements a hook that the program does not export, or the other way round. */
function checkHook(implemented: bool, isExported: bool, hook: string): void {
  if (implemented && !isExported) {
    throw new Error("the channel implements " + hook + ": add export * from \"azuhost/assembly/hooks/" + hook + "\"");
  }
  if (isExported && !implemented) {
    throw new Error("the program exports " + hook + ": the channel must implement its interface");
  }
}

// The memory for an event larger than the inbox. It is kept for the next one.
let large = new ArrayBuffer(0);

/** Returns the address of the bytes of the event. They are valid until the hook returns. */
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

// The message of the event. All events share the object.
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

// Garbage is collected at the end of a hook, when the stack has no references: after every 64th hook, and when memory
// has grown. The runtime "minimal" does not collect by itself.
const COLLECT_EVERY: u32 = 64;
let hooks: u32 = 0;
let pages = memory.size();

/** Ends a hook: returns its result, and collects garbage from time to time. */
export function done(result: i32): i32 {
  if (++hooks % COLLECT_EVERY == 0 || memory.size() != pages) {
    __collect();
    pages = memory.size();
  }
  return result;
}
