import * as raw from "./raw";
import { stackOf } from "./stack";

/** Formats a value for a line of the log, or as the reason of a failed hook. */
export function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return stackOf(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, plain) ?? String(value);
  } catch {
    return String(value); // JSON.stringify throws for cycles
  }
}

/** Replaces values that JSON.stringify leaves out or rejects. */
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

/** Writes lines to the log of the host at once, even if the hook fails later. */
export const log = { debug: line(0), info: line(1), warn: line(2), error: line(3) };
