/** What functions answer: OK or more, or why the host refused. */
export enum Errno {
  OK = 0,
  /** An argument is not allowed: a name that is empty, too long or not clean, an unknown kind or code. */
  INVALID = -1,
  /** No such connection, parameter, key, value or timer. */
  NOT_FOUND = -2,
  /** The operator does not allow it on this route. */
  PERM = -3,
  /** A limit is reached: effects of a hook, bytes, values, timers. */
  LIMIT = -4,
  /** Not now: headers and query outside onConnect, for example. */
  STATE = -5,
  /** The hook's deadline passed while the host waited. */
  TIMEOUT = -6,
  /** A part of the host, such as the store, is out of order. */
  UNAVAILABLE = -7,
  /** The hook has failed. */
  FAILED = -8,
}

/** The name of an error number, for logs. */
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
