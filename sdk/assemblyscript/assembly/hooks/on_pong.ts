import { OnPong } from "../channel";
import { Conn } from "../conn";
import { bytes, channel, done, exported } from "../event";

exported.pong = true;

export function on_pong(conn: u64, len: u32): i32 {
  return done(changetype<OnPong>(channel()).onPong(new Conn(conn), bytes(len)));
}
