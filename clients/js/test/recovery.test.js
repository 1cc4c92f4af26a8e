import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Client } from '../dist/azuhost.js';
import { fakes, record, settle } from './fake.js';

async function dial(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.mock.method(Math, 'random', () => 0.5);
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', ...options });
  const events = [];
  client.on('message', (m) => events.push(m.offset === undefined ? m.data : `${m.room}${m.offset}=${m.data}`));
  client.on('recovered', (r) => events.push(`${r.recovered} ${r.room}@${r.epoch}${r.offset} ${r.count}`));
  client.connect();
  await settle();
  const tick = async (ms) => {
    t.mock.timers.tick(ms);
    await settle();
  };
  const again = async (code) => {
    net.last().drop(code);
    await tick(30_000);
    return net.last().welcome();
  };
  const answer = (members) => net.last().control({ type: 'recovered', id: net.last().asked.at(-1).id, room: 'r', epoch: 'e', ...members });
  const refuse = (code) => net.last().control({ type: 'error', id: net.last().asked.at(-1).id, code, message: '' });
  const joined = (offset, epoch = 'e') => net.last().control({ type: 'joined', room: 'r', epoch, offset });
  const took = () => events.splice(0);
  return { ...net, client, tick, again, answer, refuse, joined, took };
}

test('what was missed comes in order, then what was held back', async (t) => {
  const { client, last, again, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  last().say('plain').position('r', 6, 'a').say('plain').position('r', 7).position('r', 8, 'b');
  assert.deepEqual(took(), ['plain', 'r6=a', 'plain', 'r8=b']);
  assert.deepEqual(client.position('r'), { epoch: 'e', offset: 8 });

  await again();
  joined(10);
  assert.deepEqual(last().asked, [{ type: 'recover', id: 1, room: 'r', epoch: 'e', offset: 8, conn: 'n.1' }]);
  last().say('plain').position('r', 11, 'e');
  assert.deepEqual(took(), ['plain'], 'of the room nothing comes meanwhile');
  answer({ recovered: true, offset: 11, count: 3 });
  last().position('r', 9, 'c').position('r', 10); // not for the connection before
  assert.deepEqual(took(), [], 'not before all is there');
  last().position('r', 11, 'e');
  assert.deepEqual(took(), ['true r@e11 2', 'r9=c', 'r11=e']);
  last().position('r', 11, 'e').position('r', 12, 'f');
  assert.deepEqual(took(), ['r12=f'], 'a second time is dropped');
  client.close();
});

test('what the connection before has sent to the others does not come back to it', async (t) => {
  const { client, last, again, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  await again();
  joined(6);
  last().position('r', 7, 'mine'); // the host still worked on what that connection had sent
  answer({ recovered: true, offset: 7, count: 2 });
  last().position('r', 6, 'a').position('r', 7);
  assert.deepEqual(took(), ['true r@e7 1', 'r6=a']);
  client.close();
});

test('nothing was missed', async (t) => {
  const { client, last, again, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  assert.deepEqual(took(), [], 'the first time there is nothing to recover');
  await again();
  joined(5);
  assert.deepEqual(last().asked, []);
  assert.deepEqual(took(), ['true r@e5 0']);
  await again();
  last().position('r', 6, 'a'); // the first position says as much
  assert.deepEqual(took(), ['true r@e5 0', 'r6=a']);
  joined(6);
  assert.deepEqual([last().asked, took()], [[], []]);
  client.close();
});

test('what is lost is said to be, and none of it comes', async (t) => {
  const { client, last, again, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  await again();
  joined(50);
  last().position('r', 51, 'x').position('r', 52, 'y');
  answer({ recovered: false, offset: 51, count: 0 });
  assert.deepEqual(took(), ['false r@e51 0', 'r52=y']);
  await again();
  joined(1, 'f');
  last().position('r', 2, 'z', 'f');
  answer({ recovered: false, epoch: 'f', offset: 1 });
  assert.deepEqual(took(), ['false r@f1 0', 'r2=z']);
  client.close();
});

test('a part is no recovery: cut in the middle, everything is asked for again', async (t) => {
  const { client, last, again, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  await again();
  joined(8);
  answer({ recovered: true, offset: 8, count: 3 });
  last().position('r', 6, 'a').position('r', 7, 'b');
  last().control({ type: 'position', room: 'r', epoch: 'e', offset: 8 }); // its data does not come
  assert.deepEqual(took(), []);
  await again();
  last().say('plain'); // not the data of before
  joined(8);
  assert.deepEqual([last().asked[0].offset, last().asked[0].conn], [5, 'n.1'], 'the connection that was told last');
  answer({ recovered: true, offset: 8, count: 3 });
  last().position('r', 6, 'a').position('r', 7, 'b').position('r', 8, 'c');
  assert.deepEqual(took(), ['plain', 'true r@e8 3', 'r6=a', 'r7=b', 'r8=c']);
  client.close();
});

test('a gap is asked for, and again where that brings nothing, after a while', async (t) => {
  const { client, last, tick, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  last().position('r', 8, 'c').position('r', 9, 'd');
  assert.equal(last().asked.length, 1);
  answer({ recovered: true, offset: 5, count: 0 }); // the node does not know of them yet
  assert.equal(last().asked.length, 1, 'not at once');
  await tick(250);
  assert.equal(last().asked.length, 2);
  answer({ recovered: true, offset: 9, count: 4 });
  last().position('r', 6, 'a').position('r', 7, 'b').position('r', 8, 'c').position('r', 9, 'd');
  assert.deepEqual(took(), ['true r@e5 0', 'true r@e9 4', 'r6=a', 'r7=b', 'r8=c', 'r9=d']);
  client.close();
});

test('answers that are no answer', async (t) => {
  const { client, last, tick, answer, refuse, joined, took, again } = await dial(t);
  last().welcome();
  joined(5);
  last().position('r', 7, 'b');
  refuse('UNAVAILABLE');
  await tick(250);
  refuse('LIMIT');
  assert.equal(last().asked.length, 2);
  await tick(500);
  assert.equal(last().asked.length, 3);
  answer({ recovered: true, offset: 7, count: 2 });
  last().position('r', 6, 'a').position('r', 7, 'b');
  assert.deepEqual(took(), ['true r@e7 2', 'r6=a', 'r7=b']);
  // No history (any more): it goes on where it is.
  last().position('r', 9, 'd');
  refuse('NO_HISTORY');
  assert.deepEqual(took(), ['false r@e9 0']);
  last().position('r', 10, 'e');
  assert.deepEqual(took(), ['r10=e']);
  // Not a member (any more): nothing to remember.
  await again();
  joined(12);
  refuse('NOT_MEMBER');
  assert.equal(client.position('r'), undefined);
  joined(20);
  assert.deepEqual(client.position('r'), { epoch: 'e', offset: 20 });
  last().control({ type: 'left', room: 'r' });
  assert.equal(client.position('r'), undefined);
  client.close();
});

test('what is held back is bounded', async (t) => {
  const { client, last, answer, joined, took } = await dial(t, { maxHeld: 3 });
  last().welcome();
  joined(5);
  for (let o = 7; o <= 10; o++) last().position('r', o, 'x');
  assert.deepEqual(took(), ['false r@e10 0']);
  answer({ recovered: true, offset: 10, count: 5 });
  for (let o = 6; o <= 11; o++) last().position('r', o, 'y');
  assert.deepEqual(took(), ['r11=y']);
  client.close();
});

test('rooms that nobody joins again are forgotten in the end', async (t) => {
  const { client, last, again } = await dial(t);
  last().welcome();
  const join = (room) => last().control({ type: 'joined', room, epoch: 'e', offset: 1 });
  for (let i = 0; i <= 1000; i++) join('r' + i);
  await again();
  join('r0');
  assert.ok(client.position('r1'), 'one connection is no reason to forget');
  await again();
  assert.ok(client.position('r0') && client.position('r2'));
  assert.equal(client.position('r1'), undefined);
  client.close();
});

/**
 * A host with one room, and a network that cuts, loses, repeats and mixes. Every step is one of the actions; the
 * client is then left alone until it is quiet.
 */
class World {
  epoch = 1;
  log = []; // of this epoch: { data, except }
  all = new Map(); // epoch → log
  first = 1; // the oldest offset that is kept
  pending = []; // to be delivered: functions, each a control message or a message with its position
  handled = 0; // requests of this connection
  conns = new Set();

  constructor(net, tick) {
    this.net = net;
    this.tick = tick;
    this.all.set('e1', this.log);
  }

  get socket() {
    return this.net.last();
  }

  get open() {
    return this.socket?.readyState === 1;
  }

  get conn() {
    return 'n.' + this.net.made.length;
  }

  place(offset, skip, epoch = 'e' + this.epoch, log = this.log) {
    const socket = this.socket;
    return () => socket.position('r', offset, skip ? undefined : log[offset - 1].data, epoch);
  }

  connect() {
    this.socket.welcome();
    this.pending = [];
    this.handled = 0;
    this.conns.add(this.conn);
    const { socket } = this;
    const at = { epoch: 'e' + this.epoch, offset: this.log.length };
    this.pending.push(() => socket.control({ type: 'joined', room: 'r', ...at }));
  }

  publish(mine, how) {
    this.log.push({ data: `e${this.epoch}/${this.log.length + 1}`, except: mine ? this.conn : '' });
    if (!this.open || how === 'lost') return;
    const p = this.place(this.log.length, mine);
    this.pending.push(p);
    if (how === 'twice') this.pending.push(p);
  }

  newEpoch() {
    this.log = [];
    this.first = 1;
    this.all.set('e' + ++this.epoch, this.log);
  }

  /** Answers one request; at says where among what is under way its messages end up, in their order. */
  answer(unavailable, at) {
    const q = this.socket.asked[this.handled];
    if (!this.open || !q) return false;
    this.handled++;
    assert.equal(q.type, 'recover');
    const { socket } = this;
    if (unavailable) {
      this.pending.push(() => socket.control({ type: 'error', id: q.id, code: 'UNAVAILABLE', message: '' }));
      return true;
    }
    const offset = this.log.length;
    const ok = q.epoch === 'e' + this.epoch && q.offset + 1 >= this.first && q.offset <= offset;
    const items = [() => socket.control({ type: 'recovered', id: q.id, room: 'r', recovered: ok, epoch: 'e' + this.epoch, offset, count: ok ? offset - q.offset : 0 })];
    for (let o = q.offset + 1; ok && o <= offset; o++) {
      items.push(this.place(o, this.log[o - 1].except !== '' && this.log[o - 1].except === q.conn));
    }
    let i = 0;
    for (const item of items) {
      i = Math.min(this.pending.length, i + (at() % 3));
      this.pending.splice(i++, 0, item);
    }
    return true;
  }

  deliver(n) {
    for (const item of this.pending.splice(0, n)) item();
  }

  async cut() {
    if (this.open) this.socket.drop();
    await this.tick(30_000);
  }

  async rest() {
    for (let quiet = 0, steps = 0; quiet < 2; quiet++) {
      if (!this.open) this.connect();
      while (this.pending.length || this.answer(false, () => 3)) {
        assert.ok(steps++ < 1000, 'it asks for ever');
        this.deliver(Infinity);
        quiet = -1;
      }
      await this.tick(30_000);
    }
  }
}

/** judge says what is wrong with what a client saw of the room. */
function judge(world, events) {
  let at;
  for (const [type, e] of events) {
    if (type === 'joined') {
      at ??= { epoch: e.epoch, offset: e.offset };
    } else if (type === 'recovered') {
      if (!e.recovered) at = { epoch: e.epoch, offset: e.offset };
      else if (e.epoch !== at.epoch) return `recovered into another epoch: ${JSON.stringify(e)}`;
    } else {
      const log = world.all.get(e.epoch);
      if (e.epoch !== at.epoch || e.offset <= at.offset) return `${e.data} after ${JSON.stringify(at)}`;
      for (let o = at.offset + 1; o < e.offset; o++) {
        if (!world.conns.has(log[o - 1].except)) return `${log[o - 1].data} is missing before ${e.data}`;
      }
      if (log[e.offset - 1].data !== e.data) return `${e.data} at ${e.offset}`;
      at.offset = e.offset;
    }
  }
  for (let o = at.offset + 1; o <= world.log.length; o++) {
    if (at.epoch === 'e' + world.epoch && !world.conns.has(world.log[o - 1].except)) return `${world.log[o - 1].data} is missing at the end`;
  }
  return at.epoch === 'e' + world.epoch ? '' : `it ends in ${at.epoch}, and the room in e${world.epoch}`;
}

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('publish'), mine: fc.boolean(), how: fc.constantFrom('', '', '', 'lost', 'twice') }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver'), n: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer'), unavailable: fc.boolean(), at: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cut') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('connect') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tick') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire'), keep: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('newEpoch') }) },
);

test('whatever the network does, every message comes once and in order, or it is said that some are lost', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const tick = async (ms) => {
    t.mock.timers.tick(ms);
    await settle();
  };
  let sawTrue = 0;
  let sawFalse = 0;
  const property = fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
    const net = fakes();
    const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', pingInterval: 0, connectTimeout: 1e9 });
    const events = record(client, 'message', 'recovered', 'joined');
    const world = new World(net, tick);
    client.connect();
    await settle();
    world.connect();
    for (const a of actions) {
      switch (a.do) {
        case 'publish':
          world.publish(a.mine && world.open, a.how);
          break;
        case 'deliver':
          world.deliver(a.n);
          break;
        case 'answer': {
          let i = 0;
          world.answer(a.unavailable, () => a.at[i++ % a.at.length]);
          break;
        }
        case 'cut':
          await world.cut();
          break;
        case 'connect':
          if (!world.open) world.connect();
          break;
        case 'tick':
          await tick(1000);
          break;
        case 'expire':
          world.first = Math.max(world.first, world.log.length - a.keep + 1);
          break;
        case 'newEpoch':
          world.newEpoch();
      }
    }
    // One more message tells the client of what it can not know of yet.
    if (!world.open) world.connect();
    world.publish(false, '');
    await world.rest();
    client.close();
    for (const [type, e] of events) {
      if (type === 'recovered') e.recovered && e.count ? sawTrue++ : e.recovered || sawFalse++;
    }
    assert.equal(judge(world, events), '', events.map(([type, e]) => `${type} ${JSON.stringify(e)}`).join('\n'));
  });
  await fc.assert(property, { numRuns: Number(process.env.RUNS ?? 500), endOnFailure: !!process.env.FAST });
  assert.ok(sawTrue > 20 && sawFalse > 20, `${sawTrue} recoveries, ${sawFalse} losses: too few to prove anything`);
});

test('an answer that does not come is asked for again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require' });
  const got = record(client, 'message');
  client.connect();
  await settle();
  net.last().welcome().position('r', 1, 'a').position('r', 3, 'c');
  assert.equal(net.last().asked.length, 1);
  t.mock.timers.tick(10_000);
  t.mock.timers.tick(30_000);
  assert.equal(net.last().asked.length, 2);
  const { id } = net.last().asked[1];
  net.last().control({ type: 'recovered', id, room: 'r', epoch: 'e', offset: 3, recovered: true }).position('r', 2, 'b').position('r', 3, 'c');
  assert.deepEqual(got.map(([, m]) => m.data), ['a', 'b', 'c']);
  client.close();
});
