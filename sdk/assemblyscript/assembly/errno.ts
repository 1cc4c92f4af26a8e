/** Results of functions. Negative numbers are errors. */
export enum Errno {
  OK = 0,
  /**
   * An argument is not allowed, such as a name that is empty, too long or has control characters, or an unknown code.
   */
  INVALID = -1,
  /** There is no such connection, parameter, key, value, timer or token. */
  NOT_FOUND = -2,
  /** The route does not allow the function. */
  PERM = -3,
  /** A limit is reached, such as that of effects, bytes, values or timers. */
  LIMIT = -4,
  /** The function is not possible in this hook, such as conn.query outside of onConnect. */
  STATE = -5,
  /** The deadline of the hook passed while the host waited. */
  TIMEOUT = -6,
  /** A part of the host, such as the store, does not work now. */
  UNAVAILABLE = -7,
  /** The hook has failed. */
  FAILED = -8,
}

/** Returns the name of an error number, such as "NOT_FOUND". */
export function errorName(e: i32): string {
  switch (e) {
    case Errno.OK: return "OK";
    case Errno.INVALID: return "INVALID";
    case Errno.NOT_FOUND: return "NOT_FOUND";
    case Errno.PERM: return "PERM";
    case Errno.LIMIT: return "LIMIT";
    case Errno.STATE: return "STATE";
    case Errno.TIMEOUT: return "TIMEOUT";
    case Errno.UNAVAILABLE: return "UNAVAILABLE";
    case Errno.FAILED: return "FAILED";
  }
  return "UNKNOWN";
}
