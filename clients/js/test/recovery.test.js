import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Client } from '../dist/azuhost.js';
import { fakes, record, flushPromises } from './fake.js';

async function dial(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.mock.method(Math, 'random', () => 0.5);
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', ...options });
  const events = [];
  client.on('message', (m) => events.push(m.offset === undefined ? m.data : `${m.room}${m.offset}=${m.data}`));
  client.on('recovered', (r) => events.push(`${r.recovered} ${r.room}@${r.epoch}${r.offset} ${r.count}`));
  client.connect();
  await flushPromises();
  const tick = async (ms) => {
    t.mock.timers.tick(ms);
    await flushPromises();
  };
  const again = async (code) => {
    net.last().drop(code);
    await tick(30_000);
    return net.last().welcome();
  };
  const answer = (members) => net.last().control({ type: 'recovered', id: net.last().requests.at(-1).id, room: 'r', epoch: 'e', ...members });
  const refuse = (code) => net.last().control({ type: 'error', id: net.last().requests.at(-1).id, code, message: '' });
  const joined = (offset, epoch = 'e') => net.last().control({ type: 'joined', room: 'r', epoch, offset });
  const took = () => events.splice(0);
  return { ...net, client, tick, again, answer, refuse, joined, took };
}

test('missed messages come in order, then those that were held back', async (t) => {
  const { client, last, again, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  last().deliver('plain').position('r', 6, 'a').deliver('plain').position('r', 7).position('r', 8, 'b');
  assert.deepEqual(took(), ['plain', 'r6=a', 'plain', 'r8=b']);
  assert.deepEqual(client.position('r'), { epoch: 'e', offset: 8 });

  await again();
  joined(10);
  assert.deepEqual(last().requests, [{ type: 'recover', id: 1, room: 'r', epoch: 'e', offset: 8, conn: 'n.1' }]);
  last().deliver('plain').position('r', 11, 'e');
  assert.deepEqual(took(), ['plain'], 'messages of the room are held back');
  answer({ recovered: true, offset: 11, count: 3 });
  last().position('r', 9, 'c').position('r', 10); // excepted: the previous connection sent it
  assert.deepEqual(took(), [], 'not before all are here');
  last().position('r', 11, 'e');
  assert.deepEqual(took(), ['true r@e11 2', 'r9=c', 'r11=e']);
  last().position('r', 11, 'e').position('r', 12, 'f');
  assert.deepEqual(took(), ['r12=f'], 'a duplicate is dropped');
  client.close();
});

test('messages that the previous connection was excepted from do not come', async (t) => {
  const { client, last, again, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  await again();
  joined(6);
  last().position('r', 7, 'mine'); // sent by the previous connection, handled late
  answer({ recovered: true, offset: 7, count: 2 });
  last().position('r', 6, 'a').position('r', 7);
  assert.deepEqual(took(), ['true r@e7 1', 'r6=a']);
  client.close();
});

test('no message was missed', async (t) => {
  const { client, last, again, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  assert.deepEqual(took(), [], 'the first connection has nothing to recover');
  await again();
  joined(5);
  assert.deepEqual(last().requests, []);
  assert.deepEqual(took(), ['true r@e5 0']);
  await again();
  last().position('r', 6, 'a'); // the first position proves it, too
  assert.deepEqual(took(), ['true r@e5 0', 'r6=a']);
  joined(6);
  assert.deepEqual([last().requests, took()], [[], []]);
  client.close();
});

test('lost messages are reported, and none of them comes', async (t) => {
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

test('a recovery that is cut off starts again from the beginning', async (t) => {
  const { client, last, again, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  await again();
  joined(8);
  answer({ recovered: true, offset: 8, count: 3 });
  last().position('r', 6, 'a').position('r', 7, 'b');
  last().control({ type: 'position', room: 'r', epoch: 'e', offset: 8 }); // its data is lost
  assert.deepEqual(took(), []);
  await again();
  last().deliver('plain'); // not the data of that position
  joined(8);
  assert.deepEqual([last().requests[0].offset, last().requests[0].conn], [5, 'n.1'], 'the last connection that was complete');
  answer({ recovered: true, offset: 8, count: 3 });
  last().position('r', 6, 'a').position('r', 7, 'b').position('r', 8, 'c');
  assert.deepEqual(took(), ['plain', 'true r@e8 3', 'r6=a', 'r7=b', 'r8=c']);
  client.close();
});

test('a gap is recovered, and again after a delay if that brought nothing', async (t) => {
  const { client, last, tick, answer, joined, took } = await dial(t);
  last().welcome();
  joined(5);
  last().position('r', 8, 'c').position('r', 9, 'd');
  assert.equal(last().requests.length, 1);
  answer({ recovered: true, offset: 5, count: 0 }); // the node does not have them yet
  assert.equal(last().requests.length, 1, 'not at once');
  await tick(250);
  assert.equal(last().requests.length, 2);
  answer({ recovered: true, offset: 9, count: 4 });
  last().position('r', 6, 'a').position('r', 7, 'b').position('r', 8, 'c').position('r', 9, 'd');
  assert.deepEqual(took(), ['true r@e5 0', 'true r@e9 4', 'r6=a', 'r7=b', 'r8=c', 'r9=d']);
  client.close();
});

test('errors in place of an answer', async (t) => {
  const { client, last, tick, answer, refuse, joined, took, again } = await dial(t);
  last().welcome();
  joined(5);
  last().position('r', 7, 'b');
  refuse('UNAVAILABLE');
  await tick(250);
  refuse('LIMIT');
  assert.equal(last().requests.length, 2);
  await tick(500);
  assert.equal(last().requests.length, 3);
  answer({ recovered: true, offset: 7, count: 2 });
  last().position('r', 6, 'a').position('r', 7, 'b');
  assert.deepEqual(took(), ['true r@e7 2', 'r6=a', 'r7=b']);
  // No history: the room continues at the newest position.
  last().position('r', 9, 'd');
  refuse('NO_HISTORY');
  assert.deepEqual(took(), ['false r@e9 0']);
  last().position('r', 10, 'e');
  assert.deepEqual(took(), ['r10=e']);
  // Not a member: the room is forgotten.
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

test('held messages are bounded', async (t) => {
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

test('rooms that are not joined again are forgotten', async (t) => {
  const { client, last, again } = await dial(t);
  last().welcome();
  const join = (room) => last().control({ type: 'joined', room, epoch: 'e', offset: 1 });
  for (let i = 0; i <= 1000; i++) join('r' + i);
  await again();
  join('r0');
  assert.ok(client.position('r1'), 'not after one connection');
  await again();
  assert.ok(client.position('r0') && client.position('r2'));
  assert.equal(client.position('r1'), undefined);
  client.close();
});

/**
 * A host with one room, behind a network that cuts connections, and loses, repeats and reorders messages. The methods
 * are the actions of the property test.
 */
class FakeHost {
  epoch = 1;
  log = []; // of this epoch: { data, except }
  all = new Map(); // epoch → log
  first = 1; // the oldest offset in the history
  pending = []; // functions that deliver a control message, or a message with its position
  handled = 0; // requests of this connection that were answered
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

  message(offset, skip, epoch = 'e' + this.epoch, log = this.log) {
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
    const p = this.message(this.log.length, mine);
    this.pending.push(p);
    if (how === 'twice') this.pending.push(p);
  }

  newEpoch() {
    this.log = [];
    this.first = 1;
    this.all.set('e' + ++this.epoch, this.log);
  }

  /** Answers one request. at says where its messages go among the pending ones; their order stays. */
  answer(unavailable, at) {
    const q = this.socket.requests[this.handled];
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
      items.push(this.message(o, this.log[o - 1].except !== '' && this.log[o - 1].except === q.conn));
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

  /** Answers and delivers until the client sends no more requests. */
  async drain() {
    for (let quiet = 0, steps = 0; quiet < 2; quiet++) {
      if (!this.open) this.connect();
      while (this.pending.length || this.answer(false, () => 3)) {
        assert.ok(steps++ < 1000, 'the requests do not end');
        this.deliver(Infinity);
        quiet = -1;
      }
      await this.tick(30_000);
    }
  }
}

/** verify returns what is wrong with the events of a client, empty if nothing is. */
function verify(host, events) {
  let at;
  for (const [type, e] of events) {
    if (type === 'joined') {
      at ??= { epoch: e.epoch, offset: e.offset };
    } else if (type === 'recovered') {
      if (!e.recovered) at = { epoch: e.epoch, offset: e.offset };
      else if (e.epoch !== at.epoch) return `recovered into another epoch: ${JSON.stringify(e)}`;
    } else {
      const log = host.all.get(e.epoch);
      if (e.epoch !== at.epoch || e.offset <= at.offset) return `${e.data} after ${JSON.stringify(at)}`;
      for (let o = at.offset + 1; o < e.offset; o++) {
        if (!host.conns.has(log[o - 1].except)) return `${log[o - 1].data} is missing before ${e.data}`;
      }
      if (log[e.offset - 1].data !== e.data) return `${e.data} at ${e.offset}`;
      at.offset = e.offset;
    }
  }
  for (let o = at.offset + 1; o <= host.log.length; o++) {
    if (at.epoch === 'e' + host.epoch && !host.conns.has(host.log[o - 1].except)) return `${host.log[o - 1].data} is missing at the end`;
  }
  return at.epoch === 'e' + host.epoch ? '' : `it ends in ${at.epoch}, and the room in e${host.epoch}`;
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

test('property: every message comes once and in order, or some are reported as lost', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const tick = async (ms) => {
    t.mock.timers.tick(ms);
    await flushPromises();
  };
  let sawTrue = 0;
  let sawFalse = 0;
  const property = fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
    const net = fakes();
    const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', pingInterval: 0, connectTimeout: 1e9 });
    const events = record(client, 'message', 'recovered', 'joined');
    const host = new FakeHost(net, tick);
    client.connect();
    await flushPromises();
    host.connect();
    for (const a of actions) {
      switch (a.do) {
        case 'publish':
          host.publish(a.mine && host.open, a.how);
          break;
        case 'deliver':
          host.deliver(a.n);
          break;
        case 'answer': {
          let i = 0;
          host.answer(a.unavailable, () => a.at[i++ % a.at.length]);
          break;
        }
        case 'cut':
          await host.cut();
          break;
        case 'connect':
          if (!host.open) host.connect();
          break;
        case 'tick':
          await tick(1000);
          break;
        case 'expire':
          host.first = Math.max(host.first, host.log.length - a.keep + 1);
          break;
        case 'newEpoch':
          host.newEpoch();
      }
    }
    // One more message shows the client what it has missed.
    if (!host.open) host.connect();
    host.publish(false, '');
    await host.drain();
    client.close();
    for (const [type, e] of events) {
      if (type === 'recovered') e.recovered && e.count ? sawTrue++ : e.recovered || sawFalse++;
    }
    assert.equal(verify(host, events), '', events.map(([type, e]) => `${type} ${JSON.stringify(e)}`).join('\n'));
  });
  await fc.assert(property, { numRuns: Number(process.env.RUNS ?? 500), endOnFailure: !!process.env.FAST });
  assert.ok(sawTrue > 20 && sawFalse > 20, `${sawTrue} recoveries, ${sawFalse} losses: too few for a valid test`);
});

test('a request without an answer is repeated', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require' });
  const got = record(client, 'message');
  client.connect();
  await flushPromises();
  net.last().welcome().position('r', 1, 'a').position('r', 3, 'c');
  assert.equal(net.last().requests.length, 1);
  t.mock.timers.tick(10_000);
  t.mock.timers.tick(30_000);
  assert.equal(net.last().requests.length, 2);
  const { id } = net.last().requests[1];
  net.last().control({ type: 'recovered', id, room: 'r', epoch: 'e', offset: 3, recovered: true }).position('r', 2, 'b').position('r', 3, 'c');
  assert.deepEqual(got.map(([, m]) => m.data), ['a', 'b', 'c']);
  client.close();
});
