// Tests against azuhost. AZUHOST is its binary, AZUHOST_PLUGINS the folder of the ready-made plugins.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { Client } from '../dist/azuhost.js';

const { AZUHOST, AZUHOST_PLUGINS } = process.env;
const skip = AZUHOST && AZUHOST_PLUGINS ? false : 'no azuhost: go test ./clients/js builds it';
const SECRET = 'a secret of more than thirty-two bytes';

/** serve starts azuhost until the end of the test. It returns the address of its channels. */
const serve = async (...args) => (await start(...args)).address;

/** start is serve that also returns the process. */
async function start(t, routes, env = {}) {
  const args = ['serve', '--listen', '127.0.0.1:0', '--internal=', '--log-format', 'json', '--watch=false', '--state-dir='];
  for (const [path, plugin] of Object.entries(routes)) args.push('--route', `${path}=${join(AZUHOST_PLUGINS, plugin + '.wasm')}`);
  const defaults = { AZUHOST_DEFAULTS_HISTORY_SIZE: '5000', AZUHOST_DEFAULTS_SHARE_PRESENCE: 'true', AZUHOST_DEFAULTS_PRESENCE_GRACE: '0', AZUHOST_DRAIN_SPREAD: '0' };
  const child = spawn(AZUHOST, args, { env: { ...process.env, AZUHOST: '', AZUHOST_PLUGINS: '', ...clean(), ...defaults, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  const log = [];
  const address = await new Promise((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      log.push(line);
      const { msg, address } = JSON.parse(line);
      if (msg === 'listening') resolve(address);
    });
    child.on('exit', () => reject(new Error('azuhost ended:\n' + log.join('\n'))));
  });
  t.after(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  return { address, child };
}

/** clean removes the variables of the tests from the environment, which azuhost would reject. */
const clean = () => ({ AZUHOST: undefined, AZUHOST_PLUGINS: undefined });

/** proxy forwards connections to an address. It can cut them, silence them, and change the address. */
async function proxy(t, address) {
  let target = address;
  const pairs = new Set();
  const server = net.createServer((down) => {
    const [host, port] = target.split(':');
    const up = net.connect(Number(port), host);
    const pair = { down, up };
    pairs.add(pair);
    const end = () => (pairs.delete(pair), down.destroy(), up.destroy());
    for (const s of [down, up]) s.on('error', end).on('close', end).setNoDelay(true);
    down.pipe(up);
    up.pipe(down);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const { down, up } of pairs) {
      down.resetAndDestroy();
      up.resetAndDestroy();
    }
    pairs.clear();
  };
  // Drops all data from now on. The connections stay open.
  const silence = () => {
    for (const { down, up } of pairs) {
      down.unpipe(up).resume();
      up.unpipe(down).resume();
    }
  };
  t.after(() => (cut(), server.close()));
  return { address: `127.0.0.1:${server.address().port}`, cut, silence, connections: () => pairs.size, to: (next) => (target = next) };
}

/** when waits for an event that meets a condition. */
const when = (client, type, condition = () => true) =>
  new Promise((resolve) => {
    const off = client.on(type, (e) => condition(e) && (off(), resolve(e)));
  });

const dial = (address, path, options) => new Client(`ws://${address}${path}`, { WebSocket, protocol: 'require', minDelay: 10, ...options });

function jwt(sub, seconds) {
  const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub, exp: Math.floor(Date.now() / 1000) + seconds })}`;
  return `${body}.${createHmac('sha256', SECRET).update(body).digest('base64url')}`;
}

test('connections are cut while a room is busy: no message is lost or duplicated', { skip }, async (t) => {
  const TOTAL = 4000;
  const address = await serve(t, { '/rooms/:room_id': 'rooms' });
  const link = await proxy(t, address);
  const reader = dial(link.address, '/rooms/busy', { pingInterval: 100, pingTimeout: 100 });
  const writer = dial(address, '/rooms/busy');
  const got = [];
  const recoveries = { count: 0, messages: 0 };
  let opens = 0;
  reader.on('open', () => opens++);
  reader.on('recovered', (r) => {
    assert.equal(r.recovered, true, JSON.stringify(r));
    recoveries.count++;
    recoveries.messages += r.count;
  });
  let cuts = 0;
  const all = when(reader, 'message', ({ data }) => {
    got.push(Number(data));
    return got.at(-1) === TOTAL;
  });
  await Promise.all([reader.connect(), writer.connect()]);

  // The writer gets its own messages, too. It sends the next ones when the last has come.
  let sent = 0;
  const burst = () => {
    for (let i = 0; i < 20 && sent < TOTAL; i++) writer.send(String(++sent));
  };
  writer.on('message', ({ data }) => Number(data) === sent && sent < TOTAL && setTimeout(burst, 2));
  burst();
  const cutter = setInterval(() => {
    if (reader.state === 'open' && link.connections() > 0) ++cuts % 4 ? link.cut() : link.silence();
  }, 40);
  t.after(() => clearInterval(cutter));
  await when(writer, 'message', ({ data }) => Number(data) === TOTAL);
  clearInterval(cutter);
  await all;
  assert.deepEqual(got, Array.from({ length: TOTAL }, (_, i) => i + 1));
  assert.ok(cuts >= 4 && opens > 3 && recoveries.messages > 0, `${cuts} cuts, ${opens} connections, ${recoveries.messages} recovered: too few for a valid test`);
  t.diagnostic(`${cuts} cuts, ${opens} connections, ${recoveries.count} recoveries of ${recoveries.messages} messages`);
  await Promise.all([reader.close(), writer.close()]);
});

test('messages that the history has dropped are reported as lost', { skip }, async (t) => {
  const address = await serve(t, { '/rooms/:room_id': 'rooms' }, { AZUHOST_DEFAULTS_HISTORY_SIZE: '10' });
  const link = await proxy(t, address);
  const reader = dial(link.address, '/rooms/r', { reconnect: () => 300 });
  const writer = dial(address, '/rooms/r');
  await Promise.all([reader.connect(), writer.connect()]);
  const joined = () => when(writer, 'message', ({ data }) => data === 'end');
  const got = [];
  reader.on('message', ({ data }) => got.push(data));
  let done = when(reader, 'message');
  writer.send('first');
  await done;

  const back = when(reader, 'recovered');
  link.cut();
  done = joined();
  for (let i = 0; i < 20; i++) writer.send('lost ' + i);
  writer.send('end');
  await done;
  const { recovered, offset } = await back;
  assert.deepEqual([recovered, offset], [false, 22]);
  done = when(reader, 'message');
  writer.send('next');
  await done;
  assert.deepEqual(got, ['first', 'next']);
  await Promise.all([reader.close(), writer.close()]);
});

test('presence and its changes, over a lost connection', { skip }, async (t) => {
  const address = await serve(t, { '/chat': 'chat' });
  const link = await proxy(t, address);
  const alice = dial(link.address, '/chat?name=alice');
  const subscribe = (c) => c.on('open', () => c.send('{"type":"subscribe","room":"r"}'));
  subscribe(alice);
  await alice.connect();
  assert.deepEqual(await alice.watch('r'), ['alice']);
  assert.deepEqual(await alice.presence('r'), ['alice']);
  await assert.rejects(alice.presence('other'), { name: 'AzuhostError', code: 'NOT_MEMBER' });

  const bob = dial(address, '/chat?name=bob');
  subscribe(bob);
  let change = when(alice, 'presence');
  await bob.connect();
  assert.deepEqual(await change, { room: 'r', users: ['alice', 'bob'], joined: ['bob'], left: [] });
  const again = when(alice, 'open');
  link.cut();
  await again;
  change = when(alice, 'presence', (p) => p.left.includes('bob'));
  await bob.close();
  assert.deepEqual((await change).users, ['alice']);
  await alice.close();
});

test('tokens are refreshed in the connection, and replaced when refused', { skip }, async (t) => {
  const env = { AZUHOST_AUTH_SECRET: SECRET, AZUHOST_DEFAULTS_AUTH: 'required', AZUHOST_AUTH_LEEWAY: '0s' };
  const address = await serve(t, { '/rooms/:room_id': 'rooms' }, env);
  await Promise.all(
    ['query', 'subprotocol'].map(async (tokenIn) => {
      const reasons = [];
      const closes = [];
      let enough;
      const client = dial(address, '/rooms/r', {
        tokenIn,
        getToken: (reason) => {
          if (reasons.push(reason) === 4) enough();
          return jwt('alice', 5);
        },
      });
      client.on('close', (c) => closes.push(c));
      client.on('error', (err) => closes.push(err));
      const refreshed = new Promise((resolve) => (enough = resolve));
      await client.connect();
      await refreshed; // outlives the first two tokens
      assert.deepEqual([client.state, closes], ['open', []]);
      assert.deepEqual(reasons, ['connect', 'expiring', 'expiring', 'expiring']);
      await client.close();
    }),
  );

  // A bad token, then a good one.
  let n = 0;
  const client = dial(address, '/rooms/r', { getToken: () => (++n === 1 ? 'nonsense' : jwt('alice', 60)) });
  await client.connect();
  assert.equal(n, 2);
  await client.close();
});

test('an expired token is replaced before the reconnect', { skip }, async (t) => {
  const env = { AZUHOST_AUTH_SECRET: SECRET, AZUHOST_DEFAULTS_AUTH: 'required', AZUHOST_AUTH_LEEWAY: '0s', AZUHOST_DEFAULTS_AUTH_REFUSAL: 'close' };
  const address = await serve(t, { '/rooms/:room_id': 'rooms' }, env);
  // A token that expires before it could be refreshed.
  const reasons = [];
  const client = dial(address, '/rooms/r', { getToken: (reason) => (reasons.push(reason), jwt('alice', reasons.length === 1 ? 1 : 60)) });
  const closed = when(client, 'close');
  await client.connect();
  const { code } = await closed;
  assert.equal(code, 3005);
  await when(client, 'open');
  assert.deepEqual(reasons, ['connect', 'expired']);
  await client.close();

  // Refused with 3000: one attempt with another token.
  let n = 0;
  const refused = dial(address, '/rooms/r', { getToken: () => `nonsense ${++n}` });
  await assert.rejects(refused.connect(), { code: 'CLOSED', message: /^closed with 3000/ });
  assert.equal(n, 2);
});

test('a draining node names a delay, after which the client connects to another node', { skip }, async (t) => {
  const routes = { '/rooms/:room_id': 'rooms' };
  const [first, second] = [await start(t, routes, { AZUHOST_DRAIN_RECONNECT: '500ms' }), await start(t, routes)];
  const link = await proxy(t, first.address);
  const client = dial(link.address, '/rooms/r');
  await client.connect();
  const closed = when(client, 'close');
  link.to(second.address);
  first.child.kill('SIGTERM');
  const { code, reason, retryIn } = await closed;
  assert.deepEqual([code, retryIn], [3001, JSON.parse(reason).reconnect_after_ms]);
  assert.equal((await when(client, 'open')).again, true);
  await client.close();
  assert.equal(client.state, 'closed');
});
