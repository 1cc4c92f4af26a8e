import { OnPublish } from "../channel";
import { channel, done, event, exported, messageAt } from "../event";
import { Room, Target, User } from "../room";

exported.publish = true;

function line(from: usize, end: usize): usize {
  while (from < end && load<u8>(from) != 0x0a) from++;
  return from;
}

export function on_publish(len: u32, kind: i32): i32 {
  const start = event(len), end = start + len;
  const to = line(start, end), name = line(to + 1, end);
  const what = String.UTF8.decodeUnsafe(start, to - start);
  const whom = String.UTF8.decodeUnsafe(to + 1, name - to - 1);
  const target = new Target(what == "room" ? new Room(whom) : null, what == "user" ? new User(whom) : null);
  return done(changetype<OnPublish>(channel()).onPublish(target, messageAt(name + 1, <u32>(end - name - 1), kind)));
}
