import { Errno } from "./errno";
import * as raw from "./raw";
import { at, bytesOf } from "./text";

/** The level of a line in the host's log. */
export enum Level {
  Debug = 0,
  Info = 1,
  Warn = 2,
  Error = 3,
}

/** Writes a line to the host's log at once, also if the hook fails later. */
export function log(level: Level, text: string): void {
  const b = bytesOf(text);
  raw.log(level, at(b), b.byteLength);
}

/** Says why the hook fails: `return fail("no luck")`. */
export function fail(text: string): i32 {
  const b = bytesOf(text);
  return raw.fail(at(b), b.byteLength);
}

/**
 * For onConnect: refuses the handshake with an HTTP status, 400 to 599. Browsers do
 * not tell their script the status; refuseClose reaches it.
 */
export function refuse(status: i32): i32 {
  return status >= 400 && status < 600 ? status : Errno.INVALID;
}

/** For onConnect: upgraded, sent what the hook sent to it, and closed with this code, 3000 to 4999. */
export function refuseClose(code: i32): i32 {
  return code >= 3000 && code < 5000 ? code : Errno.INVALID;
}

/** Counts, in a metric of the plugin that only grows. Never use names of rooms or users as labels. */
export function counterAdd(name: string, value: f64 = 1, labels: Map<string, string> | null = null): i32 {
  return metric(0, name, value, labels);
}

/** Sets a metric of the plugin that goes up and down. */
export function gaugeSet(name: string, value: f64, labels: Map<string, string> | null = null): i32 {
  return metric(1, name, value, labels);
}

/** Adds an observation to a histogram of the plugin. */
export function histogramObserve(name: string, value: f64, labels: Map<string, string> | null = null): i32 {
  return metric(2, name, value, labels);
}

function metric(op: i32, name: string, value: f64, labels: Map<string, string> | null): i32 {
  let lines = "";
  if (labels) {
    const names = labels.keys();
    for (let i = 0; i < names.length; i++) {
      const v = labels.get(names[i]);
      if (names[i].includes("=") || names[i].includes("\n") || v.includes("\n")) return Errno.INVALID;
      lines += (i > 0 ? "\n" : "") + names[i] + "=" + v;
    }
  }
  const n = bytesOf(name), l = bytesOf(lines);
  return raw.metric(op, at(n), n.byteLength, at(l), l.byteLength, value);
}

/** The host's time in nanoseconds since 1970, UTC. */
export function now(): i64 {
  return raw.now();
}

/** Has onTimer called once, without a connection, in so many milliseconds. The same name again sets it anew. */
export function setTimer(name: string, after: i64): i32 {
  const b = bytesOf(name);
  return raw.timer_set(0, at(b), b.byteLength, after);
}

/** Clears a timer of the channel. */
export function clearTimer(name: string): i32 {
  const b = bytesOf(name);
  return raw.timer_clear(0, at(b), b.byteLength);
}
