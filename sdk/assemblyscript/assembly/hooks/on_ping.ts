import { OnPing } from "../channel";
import { Conn } from "../conn";
import { bytes, channel, done, exported } from "../event";

exported.ping = true;

export function on_ping(conn: u64, len: u32): i32 {
  return done(changetype<OnPing>(channel()).onPing(new Conn(conn), bytes(len)));
}
