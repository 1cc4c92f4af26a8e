import type { Connection } from './connection.js';
import { type Control, isTemporary, toError } from './control.js';
import { AzuhostError } from './error.js';

interface Watch {
  users: Set<string>;
  /** The host reports changes to this connection. */
  live: boolean;
  /** Identifies the request that is pending; null: none is. */
  request: object | null;
  /** The calls of watch that wait for the answer. */
  waiting: { resolve: (users: string[]) => void; reject: (err: Error) => void }[];
}

/** Watches holds the watched rooms. It renews the watches in each connection. */
export class Watches {
  #rooms = new Map<string, Watch>();
  #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  watch(room: string): Promise<string[]> {
    let w = this.#rooms.get(room);
    if (!w) {
      this.#rooms.set(room, (w = { users: new Set(), live: false, request: null, waiting: [] }));
    }
    if (w.live) {
      return Promise.resolve([...w.users].sort());
    }
    return new Promise((resolve, reject) => {
      if (w.waiting.push({ resolve, reject }) === 1) {
        this.#request(room, w, 0);
      }
    });
  }

  unwatch(room: string): void {
    const w = this.#rooms.get(room);
    if (w) {
      this.#delete(room, w, new AzuhostError('CLOSED', 'unwatch was called'));
      this.#connection.request('presence', { room, watch: false }, () => {});
    }
  }

  /** Renews all watches in a new connection. */
  opened(): void {
    for (const [room, w] of this.#rooms) {
      this.#request(room, w, 0);
    }
  }

  joined(room: string): void {
    const w = this.#rooms.get(room);
    if (w && !w.live) {
      this.#request(room, w, 0);
    }
  }

  left(room: string): void {
    const w = this.#rooms.get(room);
    if (w) {
      this.#delete(room, w, new AzuhostError('NOT_MEMBER', 'the connection has left the room'));
    }
  }

  /** Ends the watches of this connection. */
  reset(): void {
    for (const w of this.#rooms.values()) {
      w.live = false;
      w.request = null;
    }
  }

  /** Ends all watches for good. */
  end(err: Error): void {
    for (const [room, w] of this.#rooms) {
      this.#delete(room, w, err);
    }
  }

  onChange({ type, room, user }: Control): void {
    const w = this.#rooms.get(room);
    if (!w?.live) {
      return;
    }
    const users = new Set(w.users);
    type === 'presence_join' ? users.add(user) : users.delete(user);
    this.#set(room, w, users);
  }

  #request(room: string, w: Watch, attempt: number): void {
    const request = (w.request = {});
    this.#connection.request('presence', { room, watch: true }, (c) => w.request === request && this.#onAnswer(room, w, c, attempt, request));
  }

  #onAnswer(room: string, w: Watch, c: Control, attempt: number, request: object): void {
    if (c.type === 'presence') {
      w.request = null;
      w.live = true;
      this.#set(room, w, new Set(c.users));
      for (const { resolve } of w.waiting.splice(0)) {
        resolve(c.users);
      }
      return;
    }
    const err = toError(c);
    // In a new connection the channel may not have joined the room yet.
    if (isTemporary(c) || (c.code === 'NOT_MEMBER' && !w.waiting.length)) {
      this.#connection.retry(attempt, () => w.request === request && this.#request(room, w, attempt + 1));
    } else {
      if (!w.waiting.length) {
        this.#connection.emit('error', err);
      }
      this.#delete(room, w, err);
    }
  }

  /** Sets the users, and emits the difference. */
  #set(room: string, w: Watch, users: Set<string>): void {
    const without = (a: Set<string>, b: Set<string>) => [...a].filter((u) => !b.has(u));
    const joined = without(users, w.users);
    const left = without(w.users, users);
    w.users = users;
    if (joined.length || left.length) {
      this.#connection.emit('presence', { room, users: [...users].sort(), joined, left });
    }
  }

  #delete(room: string, w: Watch, err: Error): void {
    this.#rooms.delete(room);
    w.request = null;
    for (const { reject } of w.waiting.splice(0)) {
      reject(err);
    }
  }
}
