import { Errno } from "./errno";
import * as raw from "./raw";
import { at, bytesOf } from "./text";

/** The level of a line in the log of the host. */
export enum Level {
  Debug = 0,
  Info = 1,
  Warn = 2,
  Error = 3,
}

/** Writes a line to the log of the host at once, even if the hook fails later. */
export function log(level: Level, text: string): void {
  const b = bytesOf(text);
  raw.log(level, at(b), b.byteLength);
}

/**
 * Sets the reason of a failure, for the log of the host. The hook fails whatever it returns. Returns Errno.FAILED:
 * `return fail("the config has no rooms")`.
 */
export function fail(text: string): i32 {
  const b = bytesOf(text);
  return raw.fail(at(b), b.byteLength);
}

/**
 * Returns the result with which onConnect refuses the handshake, and onPublish the publication: an HTTP status from
 * 400 to 599. Other numbers give Errno.INVALID, with which the hook fails. Browsers do not show the status of a
 * handshake to their scripts, but the code of refuseClose.
 */
export function refuse(status: i32): i32 {
  return status >= 400 && status < 600 ? status : Errno.INVALID;
}

/**
 * Returns the result with which onConnect refuses a connection after its upgrade. The host sends the messages of the
 * hook to this connection, and closes it with the code, 3000 to 4999. Other numbers give Errno.INVALID.
 */
export function refuseClose(code: i32): i32 {
  return code >= 3000 && code < 5000 ? code : Errno.INVALID;
}

/**
 * Adds to a metric of the plugin that only grows. Every combination of labels is a series, and the host limits the
 * number of series: labels should not contain names of rooms or users.
 */
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

/** Returns the time of the host in nanoseconds since 1970, UTC. */
export function now(): i64 {
  return raw.now();
}

/**
 * Sets a timer of the channel: the host calls onTimer once without a connection, when the time after, in milliseconds,
 * has passed. A timer with the same name is replaced.
 */
export function setTimer(name: string, after: i64): i32 {
  const b = bytesOf(name);
  return raw.timer_set(0, at(b), b.byteLength, after);
}

/** Clears a timer of the channel. Returns Errno.NOT_FOUND if there is none. */
export function clearTimer(name: string): i32 {
  const b = bytesOf(name);
  return raw.timer_clear(0, at(b), b.byteLength);
}
