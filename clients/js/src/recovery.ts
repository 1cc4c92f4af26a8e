import { type Control, isLater } from './control.js';
import type { Host } from './host.js';

/** A place in the history of a room. */
export interface Position {
  epoch: string;
  offset: number;
}

/** A message of the channel. */
export interface Message {
  /** Text, or the bytes of a binary message. */
  data: string | ArrayBuffer;
  /** The room that it was sent to, and its place there: for rooms with a history only. */
  room?: string;
  epoch?: string;
  offset?: number;
}

/** What became of a room after the connection, or a part of the messages, was lost. */
export interface Recovered extends Position {
  room: string;
  /** true: `count` messages follow, all that were missed. false: what was missed is lost, and `offset` is where it goes on. */
  recovered: boolean;
  count: number;
}

interface Room extends Position {
  name: string;
  /** The connection that was told of everything up to the offset. */
  conn: string;
  /** In this connection, too: it is in step. */
  live: boolean;
  /** The newest place that was heard of. */
  newest: Position;
  /** Messages held back while something is missing before them, by their place. */
  held: Map<string, Held>;
  /** What is missing has been asked for. Another one for each time. */
  asked: object | null;
  /** The answer was: it comes, up to this offset. -1: no answer yet. */
  target: number;
  /** Up to this offset everything is held: so many messages. */
  ready: number;
  count: number;
  /** How often it was asked since a message was handed on. */
  tries: number;
}

interface Held extends Position {
  /** null: there is none for this client. */
  message: Message | null;
  /** What was asked for when it came. */
  asked: object | null;
}

const key = (epoch: string, offset: number): string => offset + epoch;

/** So many rooms are remembered over connections in which they were not joined. */
const FORGOTTEN = 1000;

/**
 * Rooms follows the rooms of a channel that have a history: each message of a room is handed on once and in order, or
 * it is said that some are lost. The rules are in docs/PROTOCOL.md, under Recovery.
 */
export class Rooms {
  #rooms = new Map<string, Room>();
  #next: Control | undefined;
  #host: Host;
  #maxHeld: number;

  constructor(host: Host, maxHeld: number) {
    this.#host = host;
    this.#maxHeld = maxHeld;
  }

  /** Where a room stands: after the last message that was handed on. */
  position(room: string): Position | undefined {
    const r = this.#rooms.get(room);
    return r && { epoch: r.epoch, offset: r.offset };
  }

  /** The connection is lost: what was held back will be asked for again. */
  lost(): void {
    this.#next = undefined;
    for (const [name, r] of this.#rooms) {
      if (!r.live && !r.asked && this.#rooms.size > FORGOTTEN) {
        this.#rooms.delete(name);
      }
      r.live = false;
      r.tries = 0;
      r.asked = null;
      r.held.clear();
    }
  }

  data(message: Message): void {
    const p = this.#next;
    this.#next = undefined;
    if (!p) {
      this.#host.emit('message', message);
      return;
    }
    const { room, epoch, offset } = p;
    Object.assign(message, { room, epoch, offset });
    this.#arrive(p, message);
  }

  onPosition(p: Control): void {
    if (p.skip) {
      this.#arrive(p, null);
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
      this.#inStep(r);
      return;
    }
    r.newest = p;
    if (!r.asked) {
      this.#recover(r);
    }
  }

  onLeft(room: string): void {
    this.#rooms.delete(room);
  }

  #add({ room: name, epoch }: Control, offset: number): Room {
    const r: Room = {
      name, epoch, offset, conn: this.#host.conn(), live: true, newest: { epoch, offset }, held: new Map(), asked: null, target: -1, ready: 0, count: 0, tries: 0,
    };
    this.#rooms.set(name, r);
    return r;
  }

  /** Something of a room is here: a message, or only its place. */
  #arrive(p: Control, message: Message | null): void {
    const r = this.#rooms.get(p.room) ?? this.#add(p, p.offset - 1);
    const known = p.epoch === r.epoch;
    r.newest = p;
    if (known && p.offset <= r.offset) {
      return; // it has been handled
    }
    if (!r.asked && known && p.offset === r.offset + 1) {
      this.#inStep(r);
      this.#hand(r, p.offset, message);
      return;
    }
    if (r.held.size >= this.#maxHeld) {
      this.#giveUp(r);
      return;
    }
    r.held.set(key(p.epoch, p.offset), { epoch: p.epoch, offset: p.offset, message, asked: r.asked });
    if (r.asked) {
      this.#complete(r);
    } else {
      this.#recover(r);
    }
  }

  #hand(r: Room, offset: number, message: Message | null): void {
    r.offset = offset;
    r.tries = 0;
    if (message) {
      this.#host.emit('message', message);
    }
  }

  /** The room goes on in this connection. */
  #inStep(r: Room): void {
    r.conn = this.#host.conn();
    if (!r.live) {
      this.#tell(r, true, r.offset);
    }
  }

  #tell(r: Room, recovered: boolean, offset: number, count = 0): void {
    r.asked = null;
    r.live = true;
    r.conn = this.#host.conn();
    this.#host.emit('recovered', { room: r.name, recovered, epoch: r.epoch, offset, count });
  }

  /** Asks for what is missing: at once, and then, where that brought nothing, after longer and longer whiles. */
  #recover(r: Room): void {
    const asked = (r.asked = {});
    r.target = -1;
    const ask = () => {
      if (r.asked === asked) {
        const { name, epoch, offset, conn } = r;
        this.#host.ask('recover', { room: name, epoch, offset, conn }, (answer) => r.asked === asked && this.#answered(r, answer));
      }
    };
    if (r.tries++) {
      this.#host.later(r.tries - 2, ask);
    } else {
      ask();
    }
  }

  #answered(r: Room, answer: Control): void {
    if (answer.type === 'recovered') {
      // What had come from another epoch when this was asked is from one before. Up to the offset all follows, without
      // what was not for the connection before.
      for (const [k, h] of r.held) {
        if (h.epoch === answer.epoch ? h.offset <= answer.offset : h.asked !== r.asked) {
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
      this.#startAt(r, answer);
    } else if (answer.code === 'NOT_MEMBER') {
      this.#rooms.delete(r.name);
    } else if (isLater(answer)) {
      this.#recover(r);
    } else {
      this.#giveUp(r);
    }
  }

  /** Once all that was missed is here, and not before, it is handed on. */
  #complete(r: Room): void {
    for (let h; r.ready < r.target && (h = r.held.get(key(r.epoch, r.ready + 1))); r.ready++) {
      r.count += h.message ? 1 : 0;
    }
    if (r.target >= 0 && r.ready >= r.target) {
      this.#tell(r, true, r.ready, r.count);
      this.#flush(r);
    }
  }

  /** Some messages are lost: the room goes on behind them. */
  #startAt(r: Room, { epoch, offset }: Position): void {
    r.epoch = epoch;
    r.offset = offset;
    this.#tell(r, false, offset);
    this.#flush(r);
  }

  #giveUp(r: Room): void {
    r.held.clear();
    this.#startAt(r, r.newest);
  }

  /** Hands on what was held back, up to where something is missing again. */
  #flush(r: Room): void {
    // A listener may close the client: then nothing is held any more.
    for (let k, next; (next = r.held.get((k = key(r.epoch, r.offset + 1)))); ) {
      r.held.delete(k);
      this.#hand(r, next.offset, next.message);
    }
    for (const [k, { epoch, offset }] of r.held) {
      if (epoch === r.epoch && offset <= r.offset) {
        r.held.delete(k);
      }
    }
    if (r.held.size && r.live && !r.asked) {
      this.#recover(r);
    }
  }
}
