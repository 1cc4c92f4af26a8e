import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../dist/azuhost.js';
import { fakes, record, flushPromises } from './fake.js';

async function dial(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.mock.method(Math, 'random', () => 0.5);
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', ...options });
  const events = record(client, 'presence', 'error');
  client.connect();
  await flushPromises();
  const tick = async (ms) => {
    t.mock.timers.tick(ms);
    await flushPromises();
  };
  const answer = (users) => net.last().control({ type: 'presence', id: net.last().requests.at(-1).id, room: 'r', users });
  const refuse = (code) => net.last().control({ type: 'error', id: net.last().requests.at(-1).id, code, message: 'm' });
  return { ...net, client, events, tick, answer, refuse };
}

test('presence returns the users of a room', async (t) => {
  const { client, last, answer, refuse } = await dial(t);
  await assert.rejects(client.presence('r'), { code: 'DISCONNECTED' });
  last().welcome();
  const got = client.presence('r');
  assert.deepEqual(last().requests, [{ type: 'presence', id: 1, room: 'r' }]);
  answer(['a', 'b']);
  assert.deepEqual(await got, ['a', 'b']);
  const no = client.presence('r');
  refuse('NOT_SHARED');
  await assert.rejects(no, { name: 'AzuhostError', code: 'NOT_SHARED', message: 'm' });
  const lost = client.presence('r');
  last().drop();
  await assert.rejects(lost, { code: 'DISCONNECTED' });
  client.close();
});

test('a watched room reports changes, also after a reconnect', async (t) => {
  const { client, last, answer, events, tick } = await dial(t);
  const first = client.watch('r'); // before the connection is open
  last().welcome();
  assert.equal(last().requests.at(-1).watch, true);
  last().control({ type: 'presence_join', room: 'r', user: 'early' }); // before the answer, which includes it
  answer(['b', 'early']);
  assert.deepEqual(await first, ['b', 'early']);
  last().control({ type: 'presence_join', room: 'r', user: 'a' });
  last().control({ type: 'presence_join', room: 'r', user: 'a' }); // a duplicate
  last().control({ type: 'presence_leave', room: 'r', user: 'b' });
  last().control({ type: 'presence_leave', room: 'other', user: 'b' });
  assert.deepEqual(await client.watch('r'), ['a', 'early'], 'without a request');
  last().drop();
  await tick(250);
  last().welcome();
  answer(['c', 'early']);
  assert.deepEqual(events.map(([, e]) => e), [
    { room: 'r', users: ['b', 'early'], joined: ['b', 'early'], left: [] },
    { room: 'r', users: ['a', 'b', 'early'], joined: ['a'], left: [] },
    { room: 'r', users: ['a', 'early'], joined: [], left: ['b'] },
    { room: 'r', users: ['c', 'early'], joined: ['c'], left: ['a'] },
  ]);
  client.unwatch('r');
  assert.equal(last().requests.at(-1).watch, false);
  last().control({ type: 'presence_join', room: 'r', user: 'z' });
  last().drop();
  await tick(500);
  last().welcome();
  assert.deepEqual([last().requests, events.length], [[], 4]);
  client.close();
});

test('a watch is renewed when the channel joins the room late', async (t) => {
  const { client, last, answer, refuse, tick, events } = await dial(t);
  last().welcome();
  const first = client.watch('r');
  answer(['a']);
  await first;
  last().drop();
  await tick(250);
  last().welcome();
  refuse('NOT_MEMBER');
  await tick(250);
  assert.equal(last().requests.length, 2);
  refuse('NOT_MEMBER');
  last().control({ type: 'joined', room: 'r', epoch: 'e', offset: 0 });
  assert.equal(last().requests.length, 3);
  answer(['a', 'b']);
  await tick(100_000);
  assert.equal(last().requests.filter((m) => m.type === 'presence').length, 3);
  assert.deepEqual(events.at(-1)[1].joined, ['b']);
  last().control({ type: 'left', room: 'r' });
  last().control({ type: 'presence_join', room: 'r', user: 'z' });
  assert.equal(events.length, 2);
  client.close();
});

test('a refused watch rejects', async (t) => {
  const { client, last, refuse, answer, tick, events } = await dial(t);
  last().welcome();
  for (const code of ['NOT_SHARED', 'NOT_MEMBER', 'INVALID']) {
    const watch = client.watch('r');
    refuse(code);
    await assert.rejects(watch, { code });
  }
  const later = client.watch('r');
  refuse('UNAVAILABLE');
  await tick(250);
  answer(['a']);
  assert.deepEqual(await later, ['a']);
  last().drop();
  await tick(250);
  last().welcome();
  refuse('NOT_SHARED'); // no call waits for it
  assert.deepEqual(events.at(-1)[1].code, 'NOT_SHARED');
  const ended = client.watch('other');
  client.close();
  await assert.rejects(ended, { code: 'CLOSED' });
});

test('a server without azuhost.v1 has no presence', async (t) => {
  const { client, last, tick } = await dial(t, { protocol: 'auto' });
  const watch = client.watch('r');
  last().drop();
  await tick(250);
  last().accept(); // it is up: azuhost.v1 is tried once more
  await tick(0);
  last().drop();
  await tick(1000);
  last().accept();
  await assert.rejects(watch, { code: 'NO_PROTOCOL' });
  client.close();
});
