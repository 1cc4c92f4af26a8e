import { type Control, isLater, refused } from './control.js';
import type { Host } from './host.js';
import { AzuhostError } from './error.js';

/** Who is in a watched room, and who came and went. */
export interface Presence {
  room: string;
  /** Everyone, sorted. */
  users: string[];
  joined: string[];
  left: string[];
}

interface Watch {
  users: Set<string>;
  /** The host tells of changes in this connection. */
  live: boolean;
  asked: object | null;
  /** Those who have called watch, and wait. */
  waiting: { resolve: (users: string[]) => void; reject: (err: Error) => void }[];
}

/** Watches keeps watching rooms, over all connections. */
export class Watches {
  #rooms = new Map<string, Watch>();
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  watch(room: string): Promise<string[]> {
    let w = this.#rooms.get(room);
    if (!w) {
      this.#rooms.set(room, (w = { users: new Set(), live: false, asked: null, waiting: [] }));
    }
    if (w.live) {
      return Promise.resolve([...w.users].sort());
    }
    return new Promise((resolve, reject) => {
      if (w.waiting.push({ resolve, reject }) === 1) {
        this.#ask(room, w, 0);
      }
    });
  }

  unwatch(room: string): void {
    const w = this.#rooms.get(room);
    if (w) {
      this.#forget(room, w, new AzuhostError('CLOSED', 'not watched any more'));
      this.#host.ask('presence', { room, watch: false }, () => {});
    }
  }

  /** There is a connection: watch everything in it, too. */
  opened(): void {
    for (const [room, w] of this.#rooms) {
      this.#ask(room, w, 0);
    }
  }

  joined(room: string): void {
    const w = this.#rooms.get(room);
    if (w && !w.live) {
      this.#ask(room, w, 0);
    }
  }

  left(room: string): void {
    const w = this.#rooms.get(room);
    if (w) {
      this.#forget(room, w, new AzuhostError('NOT_MEMBER', 'it has left the room'));
    }
  }

  lost(): void {
    for (const w of this.#rooms.values()) {
      w.live = false;
      w.asked = null;
    }
  }

  /** The client is closed, or the server does not know presence. */
  end(err: Error): void {
    for (const [room, w] of this.#rooms) {
      this.#forget(room, w, err);
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

  #ask(room: string, w: Watch, attempt: number): void {
    const asked = (w.asked = {});
    this.#host.ask('presence', { room, watch: true }, (c) => w.asked === asked && this.#answered(room, w, c, attempt, asked));
  }

  #answered(room: string, w: Watch, c: Control, attempt: number, asked: object): void {
    if (c.type === 'presence') {
      w.asked = null;
      w.live = true;
      this.#set(room, w, new Set(c.users));
      for (const { resolve } of w.waiting.splice(0)) {
        resolve(c.users);
      }
      return;
    }
    const err = refused(c);
    // After a new connection it may take the channel a while to join the room.
    if (isLater(c) || (c.code === 'NOT_MEMBER' && !w.waiting.length)) {
      this.#host.later(attempt, () => w.asked === asked && this.#ask(room, w, attempt + 1));
    } else {
      if (!w.waiting.length) {
        this.#host.emit('error', err);
      }
      this.#forget(room, w, err);
    }
  }

  #set(room: string, w: Watch, users: Set<string>): void {
    const without = (a: Set<string>, b: Set<string>) => [...a].filter((u) => !b.has(u));
    const joined = without(users, w.users);
    const left = without(w.users, users);
    w.users = users;
    if (joined.length || left.length) {
      this.#host.emit('presence', { room, users: [...users].sort(), joined, left });
    }
  }

  #forget(room: string, w: Watch, err: Error): void {
    this.#rooms.delete(room);
    w.asked = null;
    for (const { reject } of w.waiting.splice(0)) {
      reject(err);
    }
  }
}
