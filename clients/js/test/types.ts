// Programs that the types of dist have to accept or reject: tsc -p test.
import { WebSocket } from 'ws';
import { AzuhostError, Client, type Message, type Options } from '../dist/index.js';

const options: Options = { WebSocket, getToken: async (reason) => (reason === 'expiring' ? 'b' : 'a'), queue: { full: 'drop-oldest' } };
const client = new Client(new URL('ws://h/'), options);
new Client('ws://h/', { WebSocket: globalThis.WebSocket, reconnect: ({ code }) => (code === 4001 ? 100 : undefined) });

const off: () => void = client.on('message', (m: Message) => client.send(m.data));
client.once('close', ({ retryIn }) => retryIn?.toFixed());
client.on('recovered', (r) => r.recovered && r.count > 0);
client.off('state', off);
export async function all(): Promise<string> {
  for await (const { data } of client) {
    if (typeof data === 'string') return data;
  }
  throw new AzuhostError('CLOSED', 'it ended');
}
const users: Promise<string[]> = client.watch('r');
void users.then(all);

// @ts-expect-error no such event
client.on('nonsense', () => {});
// @ts-expect-error numbers cannot be sent
client.send(1);
// @ts-expect-error no such policy
new Client('ws://h/', { queue: { full: 'block' } });
