// What azuhost dev has to say: lines of the log, and what builds fail of.

import { clock, element } from './frames.js';

const kept = 500;
const $ = (id) => document.getElementById(id);

export function showLog() {
  const source = new EventSource('/playground/events');
  source.onopen = () => {
    $('log').hidden = false;
    $('lines').replaceChildren(); // the stream begins with what there was
  };
  source.onmessage = (event) => line(JSON.parse(event.data));
  $('clear-log').addEventListener('click', () => $('lines').replaceChildren());
}

function line({ time, level, plugin, text }) {
  const list = $('lines');
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const item = element('li', level);
  item.append(
    element('time', '', clock(new Date(time))),
    element('b', '', plugin ?? ''),
    element('pre', '', text),
  );
  list.append(item);
  while (list.children.length > kept) list.firstChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}
