import { OnPresence } from "../channel";
import { channel, done, exported, text } from "../event";

exported.presence = true;

export function on_presence(len: u32, event: i32): i32 {
  const names = text(len).split("\n");
  return done(changetype<OnPresence>(channel()).onPresence(names[0], names[1], event == 1));
}
