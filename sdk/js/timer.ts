import { done } from "./conn";
import { check, millis } from "./error";
import * as raw from "./raw";

/**
 * Sets a timer of the channel: the host calls onTimer once without a connection, ms milliseconds from now. A timer
 * with the same name is replaced.
 */
export function setTimer(name: string, ms: number): void {
  check(raw.timerSet(0, name, millis(ms, "setTimer")), "setTimer");
}

/** Returns the time of the host in nanoseconds since 1970, UTC. Date.now() returns it in milliseconds. */
export function now(): bigint {
  return BigInt(raw.now());
}

/** Clears a timer of the channel. Returns false if there was none. */
export function clearTimer(name: string): boolean {
  return done(raw.timerClear(0, name), "clearTimer");
}
