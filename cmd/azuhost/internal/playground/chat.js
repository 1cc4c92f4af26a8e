// The chat view, for channels with the chat protocol (subscribe, subscribed,
// message, presence).

import { element } from './frames.js';

const MAX_MESSAGES = 300;

const messages = document.getElementById('messages');
const online = document.getElementById('online');
const onlineCount = document.getElementById('online-count');
const roomInput = document.getElementById('room');
const textInput = document.getElementById('text');
const sendButton = document.querySelector('#say button');

export const chat = {
  room: '', // the room on display; empty before the first "subscribed"
  name: '', // of the user

  // reset clears the view for a new connection.
  reset(name) {
    this.room = '';
    this.name = name;
    messages.replaceChildren();
    showUsers([]);
    this.enable(false);
  },

  enable(on) {
    textInput.disabled = sendButton.disabled = !on;
  },

  subscribe(send) {
    const room = roomInput.value.trim();
    if (room) send(JSON.stringify({ type: 'subscribe', room }));
  },

  say(send) {
    const text = textInput.value;
    if (!text.trim() || !this.room) return;
    send(JSON.stringify({ type: 'message', room: this.room, text }));
    textInput.value = '';
  },

  // receive shows a frame. It returns true if the frame proves that the channel
  // has the chat protocol.
  receive(data) {
    const m = parse(data);
    if (!m) return false;
    switch (m.type) {
      case 'subscribed':
        this.room = String(m.room ?? '');
        messages.replaceChildren();
        note(`you are in ${this.room}`);
        showUsers(m.users, this.name);
        this.enable(true);
        textInput.focus({ preventScroll: true });
        return true;
      case 'message':
        if (m.room === this.room && typeof m.text === 'string') message(m, this.name);
        return false;
      case 'presence':
        if (m.room !== this.room) return false;
        note(`${m.user} ${m.event === 'join' ? 'is here' : 'left'}`);
        showUsers(m.users, this.name);
        return false;
      case 'error':
        note(`error: ${m.code ?? m.message ?? 'unknown'}`);
        return false;
    }
    return false;
  },
};

function parse(data) {
  if (typeof data !== 'string') return null;
  try {
    const m = JSON.parse(data);
    return m && typeof m === 'object' ? m : null;
  } catch {
    return null;
  }
}

// add appends a line, and scrolls to it if the list is at its end.
function add(line) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  messages.append(line);
  while (messages.childElementCount > MAX_MESSAGES) messages.firstElementChild.remove();
  if (atEnd) messages.scrollTop = messages.scrollHeight;
}

function note(text) {
  add(element('li', 'note', text));
}

function message(m, own) {
  const line = element('li', m.user === own ? 'own' : '');
  const who = element('b', '', String(m.user ?? ''));
  const at = new Date(typeof m.at === 'number' ? m.at : Date.now());
  who.append(element('time', '', at.toTimeString().slice(0, 5)));
  line.append(who, m.text);
  add(line);
}

function showUsers(users, own) {
  if (!Array.isArray(users)) return;
  online.replaceChildren(...users.map((u) => element('li', u === own ? 'own' : '', String(u))));
  onlineCount.textContent = users.length ? `(${users.length})` : '';
}
