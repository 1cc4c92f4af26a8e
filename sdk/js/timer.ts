import { done } from "./conn";
import { check, millis } from "./error";
import * as raw from "./raw";

/** Has onTimer called once, so many milliseconds from now. The same name again sets the timer anew. */
export function setTimer(name: string, ms: number): void {
  check(raw.timerSet(0, name, millis(ms, "setTimer")), "setTimer");
}

/** The host's time in nanoseconds since 1970, UTC. Date.now() gives the same in milliseconds. */
export function now(): bigint {
  return BigInt(raw.now());
}

/** Clears a timer of the channel. False if there was none. */
export function clearTimer(name: string): boolean {
  return done(raw.timerClear(0, name), "clearTimer");
}
