// The exports of every plugin: `export * from "azuhost/assembly/hooks"`.

import { Conn } from "./conn";
import { channel, done, message, text, version } from "./event";

export function azu_v1(): u64 {
  return version();
}

export function on_load(len: u32): i32 {
  return done(channel().onLoad(text(len)));
}

export function on_connect(conn: u64, len: u32): i32 {
  return done(channel().onConnect(new Conn(conn), text(len)));
}

export function on_message(conn: u64, len: u32, kind: i32): i32 {
  return done(channel().onMessage(new Conn(conn), message(len, kind)));
}

export function on_close(conn: u64, len: u32, code: i32): i32 {
  return done(channel().onClose(new Conn(conn), code, text(len)));
}
