import * as raw from "./raw";
import { stackOf } from "./stack";

/** Shows a value in a line of the log. */
function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return stackOf(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // a cycle, or a bigint
  }
}

function line(level: number): (...values: unknown[]) => void {
  return (...values) => {
    raw.log(level, values.map(show).join(" "));
  };
}

/** Lines for the host's log. They go out at once, also if the hook fails. */
export const log = { debug: line(0), info: line(1), warn: line(2), error: line(3) };
