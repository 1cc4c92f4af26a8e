import * as raw from "./raw";
import { stackOf } from "./stack";

/** Shows a value in a line of the log, or as the reason of a hook that failed. */
export function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return stackOf(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, plain) ?? String(value);
  } catch {
    return String(value); // a cycle
  }
}

/** What JSON leaves out, or can not have, within a value. */
function plain(_: string, value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === "bigint" ? `${value}n` : value;
}

function line(level: number): (...values: unknown[]) => void {
  return (...values) => {
    raw.log(level, values.map(show).join(" "));
  };
}

/** Lines for the host's log. They go out at once, also if the hook fails. */
export const log = { debug: line(0), info: line(1), warn: line(2), error: line(3) };
