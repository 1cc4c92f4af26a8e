import { OnTimer } from "../channel";
import { Conn } from "../conn";
import { channel, done, exported, text } from "../event";

exported.timer = true;

export function on_timer(conn: u64, len: u32): i32 {
  return done(changetype<OnTimer>(channel()).onTimer(conn ? new Conn(conn) : null, text(len)));
}
