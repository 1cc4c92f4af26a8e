/** The names of the error numbers of the host. sdk/ABI.md describes them. */
export type ErrorCode =
  | "INVALID"
  | "NOT_FOUND"
  | "PERM"
  | "LIMIT"
  | "STATE"
  | "TIMEOUT"
  | "UNAVAILABLE"
  | "FAILED";

const codes: ErrorCode[] = ["INVALID", "NOT_FOUND", "PERM", "LIMIT", "STATE", "TIMEOUT", "UNAVAILABLE", "FAILED"];

/** Returns the name of an error number, such as "LIMIT". The name of an unknown one contains the number: "ERRNO_-9". */
export function errorName(errno: number): string {
  return codes[-errno - 1] ?? `ERRNO_${errno}`;
}

/** The number of NOT_FOUND. Most functions return undefined or false for it. */
export const notFound = -2;

/** An error of the host. A hook that does not catch it fails. */
export class AzuError extends Error {
  override name = "AzuError";
  /** The name of the error, as in `err.code === "LIMIT"`. */
  readonly code: ErrorCode;

  /** @internal */
  constructor(errno: number, caller: string) {
    const code = errorName(errno) as ErrorCode;
    super(`${caller}: ${code}`);
    this.code = code;
  }
}

/** Returns the result of a host function. Throws an error that names the function if the result is negative. */
export function check(result: number, caller: string): number {
  if (result < 0) throw new AzuError(result, caller);
  return result;
}

/** Rounds milliseconds up to an integer, for the host. */
export function millis(ms: number, caller: string): number {
  const whole = Math.ceil(ms);
  if (!Number.isSafeInteger(whole)) throw new RangeError(`${caller}: ${ms} is not a number of milliseconds`);
  return whole;
}

/** Joins names by newlines, for the host. Throws INVALID if a name is empty or has a newline. */
export function joined(names: string[], caller: string): string {
  for (const name of names) {
    if (name === "" || String(name).includes("\n")) throw new AzuError(-1, caller);
  }
  return names.join("\n");
}

/** The result of a getter: the value or an error number. */
type GetterResult = string | Uint8Array | number;

/** Returns the value of a getter; undefined for NOT_FOUND. Throws other errors. */
export function found<T extends string | Uint8Array>(result: GetterResult, caller: string): T | undefined {
  if (typeof result !== "number") return result as T;
  if (result === notFound) return undefined;
  throw new AzuError(result, caller);
}

/** Returns the names of a list that a getter has joined by newlines. Throws if the getter failed. */
export function lines(result: GetterResult, caller: string): string[] {
  if (typeof result === "number") throw new AzuError(result, caller);
  return result === "" ? [] : (result as string).split("\n");
}

/** The exception of refuse(). */
export class Refusal extends Error {
  override name = "Refusal";
  constructor(readonly status: number) {
    super(`refused with ${status}`);
  }
}

/**
 * Ends onConnect, and refuses the connection; or ends onPublish, and refuses the publication. A status from 400 to 599
 * is an HTTP status, which browsers do not show to the scripts of a handshake. 3000 to 4999 is a close code for
 * onConnect: the host upgrades the connection, sends the messages of the hook to it, and closes it with the code.
 */
export function refuse(status: number): never {
  if (!(status >= 400 && status <= 599) && !(status >= 3000 && status <= 4999)) {
    throw new RangeError(`refuse takes a status from 400 to 599 or a code from 3000 to 4999, not ${status}`);
  }
  throw new Refusal(status);
}
