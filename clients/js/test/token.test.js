import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../dist/azuhost.js';
import { fakes, record, flushPromises } from './fake.js';

async function dial(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1e12 });
  t.mock.method(Math, 'random', () => 0.5);
  const reasons = [];
  const net = fakes();
  const client = new Client('ws://h/?a=1', {
    WebSocket: net.WebSocket,
    protocol: 'require',
    getToken: (reason) => `t${reasons.push(reason)}`,
    ...options,
  });
  const events = record(client, 'error', 'close');
  const tick = async (ms) => {
    t.mock.timers.tick(ms);
    await flushPromises();
  };
  const connected = client.connect();
  await flushPromises();
  const token = () => net.last().url.searchParams.get('token');
  const refreshes = () => net.last().requests.filter((m) => m.type === 'token');
  return { ...net, client, reasons, events, tick, token, refreshes, connected };
}

const inSeconds = (s) => (Date.now() + s * 1000) / 1000;

test('the token is in the query, and is reused', async (t) => {
  const { last, token, reasons, tick, client } = await dial(t);
  assert.equal(last().url.search, '?a=1&token=t1');
  last().welcome();
  last().drop();
  await tick(250);
  assert.equal(token(), 't1');
  assert.deepEqual(reasons, ['connect']);
  client.close();
});

test('the token is in the subprotocols', async (t) => {
  const { last, client } = await dial(t, { tokenIn: 'subprotocol', protocols: ['mine'] });
  assert.equal(last().url.search, '?a=1');
  assert.deepEqual(last().protocols, ['azuhost.v1', 'mine', 'azuhost.token.t1']);
  client.close();
});

test('the query parameter has another name', async (t) => {
  const { last, client } = await dial(t, { tokenParam: 'jwt' });
  assert.equal(last().url.search, '?a=1&jwt=t1');
  client.close();
});

test('the token is refreshed in the connection before it expires', async (t) => {
  const { last, made, refreshes, reasons, tick, client, token, events } = await dial(t);
  last().welcome({ expires_at: inSeconds(100) });
  await tick(79_999);
  assert.equal(refreshes().length, 0);
  await tick(1);
  assert.deepEqual(refreshes(), [{ type: 'token', id: refreshes()[0].id, token: 't2' }]);
  last().control({ type: 'token', id: refreshes()[0].id, expires_at: inSeconds(100) });
  await tick(80_000);
  assert.equal(refreshes()[1].token, 't3');
  assert.deepEqual(reasons, ['connect', 'expiring', 'expiring']);
  last().control({ type: 'token', id: refreshes()[1].id }); // never expires
  assert.equal(made.length, 1);
  last().drop();
  await tick(250);
  assert.equal(token(), 't3', 'the next connection uses the newest');
  assert.deepEqual(events.map(([type]) => type), ['close']);
  client.close();
});

test('a wrong clock does not lead to frequent refreshes', async (t) => {
  const { last, refreshes, tick, client } = await dial(t);
  last().welcome({ expires_at: inSeconds(-600) });
  await tick(9_999);
  assert.equal(refreshes().length, 0);
  await tick(1);
  assert.equal(refreshes().length, 1);
  client.close();
});

test('an expiry beyond the longest timer does not refresh at once', async (t) => {
  const { last, refreshes, tick, client } = await dial(t);
  last().welcome({ expires_at: inSeconds(10 * 365 * 86400) });
  await tick(1000);
  assert.equal(refreshes().length, 0);
  client.close();
});

test('a refused refresh is tried again after a delay', async (t) => {
  const { last, refreshes, tick, client, events } = await dial(t);
  last().welcome({ expires_at: inSeconds(100) });
  await tick(80_000);
  last().control({ type: 'error', id: refreshes()[0].id, code: 'UNAUTHORIZED', message: 'no' });
  assert.equal(events[0][1].code, 'UNAUTHORIZED');
  await tick(1000);
  assert.equal(refreshes()[1].token, 't3');
  last().control({ type: 'token', id: refreshes()[1].id });
  await tick(100_000);
  assert.equal(refreshes().length, 2, 'this token never expires');
  client.close();
});

test('3005: the next connection has another token', async (t) => {
  const { last, token, reasons, tick, client } = await dial(t);
  last().welcome();
  last().drop(3005, 'token expired');
  await tick(250);
  assert.equal(token(), 't2');
  assert.deepEqual(reasons, ['connect', 'expired']);
  client.close();
});

test('3000: one attempt with another token', async (t) => {
  const { last, made, token, reasons, tick, client } = await dial(t);
  last().welcome();
  last().drop(3000);
  await tick(250);
  assert.equal(token(), 't2');
  last().drop(3000);
  await tick(60_000);
  assert.equal(client.state, 'closed');
  assert.equal(made.length, 2);
  assert.deepEqual(reasons, ['connect', 'refused']);
});

test('after a 401 the token is replaced; after another failure only a stale one', async (t) => {
  const { last, token, tick, client } = await dial(t);
  last().drop(1006, '', 'Unexpected server response: 401');
  await tick(250);
  assert.equal(token(), 't2');
  last().drop(1006, '', 'connect ECONNREFUSED');
  await tick(500);
  assert.equal(token(), 't2', 'not for each failed connection');
  await tick(60_000);
  client.close();
});

test('browsers hide a 401: a stale token is replaced', async (t) => {
  const { last, token, tick, client } = await dial(t);
  last().welcome();
  await tick(40_000);
  last().drop();
  await tick(250);
  assert.equal(token(), 't1');
  last().drop();
  await tick(500);
  assert.equal(token(), 't2');
  last().drop();
  await tick(1000);
  assert.equal(token(), 't2');
  client.close();
});

test('a getToken that fails is called again', async (t) => {
  let n = 0;
  const { last, tick, client, events, token } = await dial(t, {
    getToken: () => {
      if (++n < 3) throw new Error('no ' + n);
      return 'good';
    },
  });
  assert.deepEqual(events.map(([type, e]) => [type, e.message ?? e.reason]), [['error', 'no 1'], ['close', 'no token']]);
  await tick(250);
  assert.equal(last(), undefined);
  await tick(500);
  assert.equal(token(), 'good');
  client.close();
});

test('getToken does not run twice at once', async (t) => {
  let now = 0;
  let most = 0;
  const answers = [];
  const { last, tick, client, token } = await dial(t, {
    getToken: () => {
      most = Math.max(most, ++now);
      return new Promise((resolve) => answers.push((v) => (now--, resolve(v))));
    },
  });
  answers.shift()('t1');
  await flushPromises();
  last().welcome({ expires_at: inSeconds(100) });
  await tick(80_000); // the refresh calls it
  last().drop(3005); // and so does the next connection
  await tick(250);
  assert.equal(answers.length, 1);
  answers.shift()('t2');
  await flushPromises();
  assert.equal(token(), 't2');
  assert.equal(most, 1);
  client.close();
});

test('close while getToken runs', async (t) => {
  let answer;
  const { client, made } = await dial(t, { getToken: () => new Promise((resolve) => (answer = resolve)) });
  client.close();
  answer('late');
  await flushPromises();
  assert.equal(made.length, 0);
});
