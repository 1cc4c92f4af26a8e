import { OnPublish } from "../channel";
import { channel, done, event, exported, messageAt } from "../event";
import { Room, Target, User } from "../room";

exported.publish = true;

/** Returns the address of the next newline, or end. */
function newline(from: usize, end: usize): usize {
  while (from < end && load<u8>(from) != 0x0a) from++;
  return from;
}

export function on_publish(len: u32, kind: i32): i32 {
  const start = event(len), end = start + len;
  const first = newline(start, end), second = newline(first + 1, end);
  const to = String.UTF8.decodeUnsafe(start, first - start);
  const name = String.UTF8.decodeUnsafe(first + 1, second - first - 1);
  const target = new Target(to == "room" ? new Room(name) : null, to == "user" ? new User(name) : null);
  return done(changetype<OnPublish>(channel()).onPublish(target, messageAt(second + 1, <u32>(end - second - 1), kind)));
}
