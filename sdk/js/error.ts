/** The names of the host's error numbers. sdk/ABI.md says when each comes. */
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

/** The name of an error number. Unknown ones are called ERRNO_-9. */
export function errorName(errno: number): string {
  return codes[-errno - 1] ?? `ERRNO_${errno}`;
}

/** The number of NOT_FOUND, which most functions answer with undefined instead. */
export const notFound = -2;

/** What the host refused. A hook that lets it pass fails, and nothing of what it asked for happens. */
export class AzuError extends Error {
  override name = "AzuError";
  /** Which error it is, as in `err.code === "LIMIT"`. */
  readonly code: ErrorCode;

  /** @internal */
  constructor(errno: number, what: string) {
    const code = errorName(errno) as ErrorCode;
    super(`${what}: ${code}`);
    this.code = code;
  }
}

/** Throws for negative results. */
export function check(result: number, what: string): number {
  if (result < 0) throw new AzuError(result, what);
  return result;
}

/** Gives milliseconds as the host wants them: whole ones. */
export function millis(ms: number, what: string): number {
  const whole = Math.ceil(ms);
  if (!Number.isSafeInteger(whole)) throw new RangeError(`${what}: ${ms} is no number of milliseconds`);
  return whole;
}

/** Joins names as lines, which is how lists go to the host. */
export function joined(names: string[], what: string): string {
  for (const name of names) {
    if (name === "" || String(name).includes("\n")) throw new AzuError(-1, what);
  }
  return names.join("\n");
}

/** Gives what a getter found; undefined where there is nothing. */
export function found<T extends string | Uint8Array>(result: string | Uint8Array | number, what: string): T | undefined {
  if (typeof result !== "number") return result as T;
  if (result === notFound) return undefined;
  throw new AzuError(result, what);
}

/** Gives a list that came one a line. */
export function lines(result: string | Uint8Array | number, what: string): string[] {
  if (typeof result === "number") throw new AzuError(result, what);
  return result === "" ? [] : (result as string).split("\n");
}

/** Thrown by refuse(). */
export class Refusal extends Error {
  override name = "Refusal";
  constructor(readonly status: number) {
    super(`refused with ${status}`);
  }
}

/**
 * For onConnect: refuses the connection. 400 to 599 answers the handshake with that HTTP status, which browsers do not
 * show to their scripts. 3000 to 4999 upgrades, sends what the hook sent to this connection, and closes with that code.
 */
export function refuse(status: number): never {
  if (!(status >= 400 && status <= 599) && !(status >= 3000 && status <= 4999)) {
    throw new RangeError(`refuse(${status}): want 400 to 599, or 3000 to 4999`);
  }
  throw new Refusal(status);
}
