import type { Connection } from './connection.js';
import { type Control, isTemporary } from './control.js';
import type { Message, Position } from './types.js';

interface Room extends Position {
  name: string;
  /** The last connection that got everything up to the offset. */
  conn: string;
  /** The room continues in this connection. */
  live: boolean;
  /** The newest position that the host has sent. */
  newest: Position;
  /** Messages held back while earlier ones are missing, by position. */
  held: Map<string, Held>;
  /** Identifies the recovery that is in progress; null: none is. */
  recovery: object | null;
  /** The offset up to which the answer promises all messages; -1: there is no answer yet. */
  target: number;
  /** The offset up to which all messages are held, and their number. */
  ready: number;
  count: number;
  /** Recoveries since the last message was emitted. */
  tries: number;
}

interface Held extends Position {
  /** null: the client does not get the message. */
  message: Message | null;
  /** The recovery that was in progress when it came. */
  recovery: object | null;
}

const key = (epoch: string, offset: number): string => offset + epoch;

/** With more rooms than this, those that were not joined in the last connection are forgotten. */
const MAX_REMEMBERED = 1000;

/**
 * Rooms follows the rooms that have a history. It emits each message of a room once and in order, or reports that some
 * are lost. docs/PROTOCOL.md describes the rules, in the section Recovery.
 */
export class Rooms {
  #rooms = new Map<string, Room>();
  #next: Control | undefined; // the position of the next data message
  #connection: Connection;
  #maxHeld: number;

  constructor(connection: Connection, maxHeld: number) {
    this.#connection = connection;
    this.#maxHeld = maxHeld;
  }

  /** Returns the position of the last message that was emitted. */
  position(room: string): Position | undefined {
    const r = this.#rooms.get(room);
    return r && { epoch: r.epoch, offset: r.offset };
  }

  /** Drops what was held back, since the connection is lost. The next connection asks for it again. */
  reset(): void {
    this.#next = undefined;
    for (const [name, r] of this.#rooms) {
      if (!r.live && !r.recovery && this.#rooms.size > MAX_REMEMBERED) {
        this.#rooms.delete(name);
      }
      r.live = false;
      r.tries = 0;
      r.recovery = null;
      r.held.clear();
    }
  }

  onData(message: Message): void {
    const p = this.#next;
    this.#next = undefined;
    if (!p) {
      this.#connection.emit('message', message);
      return;
    }
    const { room, epoch, offset } = p;
    Object.assign(message, { room, epoch, offset });
    this.#receive(p, message);
  }

  onPosition(p: Control): void {
    if (p.skip) {
      this.#receive(p, null);
    } else {
      this.#next = p;
    }
  }

  onJoined(p: Control): void {
    const r = this.#rooms.get(p.room);
    if (!r) {
      this.#add(p, p.offset);
      return;
    }
    if (p.epoch === r.epoch && (p.offset === r.offset || (r.live && p.offset < r.offset))) {
      this.#continue(r);
      return;
    }
    r.newest = p;
    if (!r.recovery) {
      this.#recover(r);
    }
  }

  onLeft(room: string): void {
    this.#rooms.delete(room);
  }

  #add({ room: name, epoch }: Control, offset: number): Room {
    const r: Room = {
      name, epoch, offset, conn: this.#connection.id(), live: true, newest: { epoch, offset }, held: new Map(), recovery: null, target: -1, ready: 0, count: 0, tries: 0,
    };
    this.#rooms.set(name, r);
    return r;
  }

  /** Handles a message of a room, or a position without a message. */
  #receive(p: Control, message: Message | null): void {
    const r = this.#rooms.get(p.room) ?? this.#add(p, p.offset - 1);
    const sameEpoch = p.epoch === r.epoch;
    r.newest = p;
    if (sameEpoch && p.offset <= r.offset) {
      return; // a duplicate
    }
    if (!r.recovery && sameEpoch && p.offset === r.offset + 1) {
      this.#continue(r);
      this.#emit(r, p.offset, message);
      return;
    }
    if (r.held.size >= this.#maxHeld) {
      this.#giveUp(r);
      return;
    }
    r.held.set(key(p.epoch, p.offset), { epoch: p.epoch, offset: p.offset, message, recovery: r.recovery });
    if (r.recovery) {
      this.#complete(r);
    } else {
      this.#recover(r);
    }
  }

  #emit(r: Room, offset: number, message: Message | null): void {
    r.offset = offset;
    r.tries = 0;
    if (message) {
      this.#connection.emit('message', message);
    }
  }

  /** Continues the room in this connection, which has missed nothing. */
  #continue(r: Room): void {
    r.conn = this.#connection.id();
    if (!r.live) {
      this.#finish(r, true, r.offset);
    }
  }

  /** Ends a recovery, and emits its result. */
  #finish(r: Room, recovered: boolean, offset: number, count = 0): void {
    r.recovery = null;
    r.live = true;
    r.conn = this.#connection.id();
    this.#connection.emit('recovered', { room: r.name, recovered, epoch: r.epoch, offset, count });
  }

  /** Asks for the missing messages: at once, and after growing delays if that brought nothing. */
  #recover(r: Room): void {
    const recovery = (r.recovery = {});
    r.target = -1;
    const request = () => {
      if (r.recovery === recovery) {
        const { name, epoch, offset, conn } = r;
        this.#connection.request('recover', { room: name, epoch, offset, conn }, (c) => r.recovery === recovery && this.#onAnswer(r, c));
      }
    };
    if (r.tries++) {
      this.#connection.retry(r.tries - 2, request);
    } else {
      request();
    }
  }

  #onAnswer(r: Room, answer: Control): void {
    if (answer.type === 'recovered') {
      // Held messages of another epoch that came before this recovery belong to an earlier epoch. The answer brings all
      // messages up to its offset, without those that the previous connection was excepted from.
      for (const [k, h] of r.held) {
        if (h.epoch === answer.epoch ? h.offset <= answer.offset : h.recovery !== r.recovery) {
          r.held.delete(k);
        }
      }
    }
    if (answer.type === 'recovered' && answer.recovered && answer.epoch === r.epoch) {
      r.target = answer.offset;
      r.ready = r.offset;
      r.count = 0;
      this.#complete(r);
    } else if (answer.type === 'recovered') {
      this.#restart(r, answer);
    } else if (answer.code === 'NOT_MEMBER') {
      this.#rooms.delete(r.name);
    } else if (isTemporary(answer)) {
      this.#recover(r);
    } else {
      this.#giveUp(r);
    }
  }

  /** Emits the missed messages once all of them are held. */
  #complete(r: Room): void {
    for (let h; r.ready < r.target && (h = r.held.get(key(r.epoch, r.ready + 1))); r.ready++) {
      r.count += h.message ? 1 : 0;
    }
    if (r.target >= 0 && r.ready >= r.target) {
      this.#finish(r, true, r.ready, r.count);
      this.#flush(r);
    }
  }

  /** Continues the room at a later position. The messages before it are lost. */
  #restart(r: Room, { epoch, offset }: Position): void {
    r.epoch = epoch;
    r.offset = offset;
    this.#finish(r, false, offset);
    this.#flush(r);
  }

  #giveUp(r: Room): void {
    r.held.clear();
    this.#restart(r, r.newest);
  }

  /** Emits held messages up to the next gap. */
  #flush(r: Room): void {
    // A listener may close the client. Then no messages are held.
    for (let k, next; (next = r.held.get((k = key(r.epoch, r.offset + 1)))); ) {
      r.held.delete(k);
      this.#emit(r, next.offset, next.message);
    }
    for (const [k, { epoch, offset }] of r.held) {
      if (epoch === r.epoch && offset <= r.offset) {
        r.held.delete(k);
      }
    }
    if (r.held.size && r.live && !r.recovery) {
      this.#recover(r);
    }
  }
}
