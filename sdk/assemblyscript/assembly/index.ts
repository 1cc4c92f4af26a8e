// The names that channels import. hooks.ts has the functions that they export.

export { Channel, OnPing, OnPong, OnPresence, OnPublish, OnTimer } from "./channel";
export { Conn } from "./conn";
export { Errno, errorName } from "./errno";
export { register } from "./event";
export {
  clearTimer, counterAdd, fail, gaugeSet, histogramObserve, Level, log, now, refuse, refuseClose, setTimer,
} from "./host";
export { Kind, Message } from "./message";
export { broadcast, Room, sendUsers, Target, User, users } from "./room";
export { Key } from "./store";
export { lastError } from "./text";
