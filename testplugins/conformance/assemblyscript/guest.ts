// The conformance guest in AssemblyScript. ../README.md describes it.

import {
  broadcast, Channel, clearTimer, Conn, counterAdd, Errno, errorName, fail, gaugeSet, histogramObserve, Key, lastError,
  Level, log, Message, now, OnPing, OnPong, OnPresence, OnPublish, OnTimer, refuse, refuseClose, register, Room,
  sendUsers, setTimer, Target, User, users,
} from "../../../sdk/assemblyscript/assembly";
export * from "../../../sdk/assemblyscript/assembly/hooks";
export * from "../../../sdk/assemblyscript/assembly/hooks/on_timer";
export * from "../../../sdk/assemblyscript/assembly/hooks/on_presence";
export * from "../../../sdk/assemblyscript/assembly/hooks/on_publish";
export * from "../../../sdk/assemblyscript/assembly/hooks/on_ping";
export * from "../../../sdk/assemblyscript/assembly/hooks/on_pong";

class Guest extends Channel implements OnTimer, OnPresence, OnPublish, OnPing, OnPong {
  config: string = "";
  count: i32 = 0;
  event: string = "";
  /** Result of the hook, if a command has ended it. */
  stop: i32 = 0;

  onLoad(config: string): i32 {
    this.config = config;
    const prefix = '{"do":"';
    return config.startsWith(prefix) ? this.run(null, true, config, config.slice(prefix.length, -2), ";", "|") : 0;
  }

  onConnect(conn: Conn, target: string): i32 {
    const script = conn.query("do");
    return script === null ? 0 : this.run(conn, false, target, script, ";", "|");
  }

  onMessage(conn: Conn, message: Message): i32 {
    if (message.length == 0 || load<u8>(message.ptr) == 0x23) return conn.send(message);
    // A string cannot hold bytes that are not UTF-8.
    const script = message.toString();
    if (String.UTF8.byteLength(script) != message.length) return conn.sendText("!" + errorName(Errno.INVALID));
    return this.run(conn, false, (message.isText ? "text " : "binary ") + message.length.toString(), script, ";", "|");
  }

  onClose(conn: Conn, code: i32, reason: string): i32 {
    return this.stored("on_close", conn, true, code.toString() + "|" + reason);
  }

  onTimer(conn: Conn | null, name: string): i32 {
    return this.stored("on_timer", conn, conn === null, name);
  }

  onPresence(room: string, user: string, joined: bool): i32 {
    return this.stored("on_presence", null, true, room + "|" + user + (joined ? "|1" : "|0"));
  }

  onPublish(to: Target, message: Message): i32 {
    const room = to.room, user = to.user;
    const target = room ? "room|" + room.name : user ? "user|" + user.name : "all|";
    const kind = message.isText ? "|text|" : "|binary|";
    return this.stored("on_publish", null, true, target + kind + message.toString());
  }

  onPing(conn: Conn, payload: Uint8Array): i32 {
    return this.stored("on_ping", conn, false, String.UTF8.decode(payload.buffer));
  }

  onPong(conn: Conn, payload: Uint8Array): i32 {
    return this.stored("on_pong", conn, false, String.UTF8.decode(payload.buffer));
  }

  /** Runs the script of a hook from the store, if there is one. */
  stored(hook: string, conn: Conn | null, all: bool, event: string): i32 {
    const script = new Key(hook).get();
    return script === null ? 0 : this.run(conn, all, event, script, ",", "/");
  }

  run(conn: Conn | null, all: bool, event: string, script: string, separator: string, argument: string): i32 {
    this.event = event;
    this.stop = 0;
    const commands = script.split(separator);
    for (let i = 0; i < commands.length; i++) {
      const f = commands[i].split(argument);
      const a = f.length > 1 ? f[1] : "";
      const b = f.length > 2 ? f[2] : "";
      const c = f.length > 3 ? f.slice(3).join(argument) : "";
      const answer = this.command(conn ? conn : new Conn(0), f[0], a, b, c);
      if (this.stop != 0) return this.stop;
      const e = all || !conn ? broadcast(Message.text(answer)) : conn.sendText(answer);
      if (e != Errno.OK) return e;
    }
    return 0;
  }

  command(conn: Conn, command: string, a: string, b: string, c: string): string {
    if (command == "send") return ok(conn.sendText(a));
    if (command == "send_binary") return ok(conn.send(Message.binary(Uint8Array.wrap(String.UTF8.encode(a)))));
    if (command == "send_to") return ok(new Conn(<u64>number(a)).sendText(b));
    if (command == "broadcast") return ok(new Room(a).broadcast(Message.text(b)));
    if (command == "broadcast_except") return ok(new Room(a).broadcast(Message.text(b), conn));
    if (command == "broadcast_all") return ok(broadcast(Message.text(a)));
    if (command == "broadcast_all_except") return ok(broadcast(Message.text(a), conn));
    if (command == "send_user") return ok(new User(a).send(Message.text(b)));
    if (command == "send_users") return ok(sendUsers(a.split(","), Message.text(b)));
    if (command == "close") return ok(conn.close(<i32>number(a), b));
    if (command == "join") return ok(conn.join(a));
    if (command == "leave") return ok(conn.leave(a));
    if (command == "room_size") return int(new Room(a).size);
    if (command == "room_members") return "=" + new Room(a).members.map<string>((c) => c.id.toString()).join(",");
    if (command == "room_users") return "=" + new Room(a).users.join(",");
    if (command == "rooms") return "=" + conn.rooms.join(",");
    if (command == "identify") return ok(conn.identify(a));
    if (command == "user") return "=" + conn.user;
    if (command == "online") return new User(a).online ? "=1" : "=0";
    if (command == "users") return "=" + users().join(",");
    if (command == "param") return value(conn.param(a));
    if (command == "query") return value(conn.query(a));
    if (command == "header") return value(conn.header(a));
    if (command == "remote_addr") return "=" + conn.remoteAddr;
    if (command == "subprotocol") return "=" + conn.subprotocol;
    if (command == "claims") return value(conn.claims);
    if (command == "value_get") return value(conn.value(a));
    if (command == "value_set") return ok(conn.setValue(a, b));
    if (command == "value_delete") return ok(conn.deleteValue(a));
    return this.commandOfState(conn, command, a, b, c);
  }

  /** Runs the commands of the store, timers, the log, metrics and the guest itself. */
  commandOfState(conn: Conn, command: string, a: string, b: string, c: string): string {
    if (command == "store_get") return value(new Key(a).get());
    if (command == "store_set") return ok(new Key(a).set(b, number(c)));
    if (command == "store_delete") return ok(new Key(a).delete());
    if (command == "store_add") {
      const key = new Key(a);
      const e = key.add(number(b), number(c));
      return e < 0 ? ok(e) : "=" + key.sum.toString();
    }
    if (command == "timer_set") return ok(conn.setTimer(a, number(b)));
    if (command == "timer_clear") return ok(conn.clearTimer(a));
    if (command == "channel_timer_set") return ok(setTimer(a, number(b)));
    if (command == "channel_timer_clear") return ok(clearTimer(a));
    if (command == "log") {
      log(<Level>number(a), b);
      return "ok";
    }
    if (command == "counter_add") return ok(counterAdd(a, <f64>number(b), labels(c)));
    if (command == "gauge_set") return ok(gaugeSet(a, <f64>number(b), labels(c)));
    if (command == "histogram_observe") return ok(histogramObserve(a, <f64>number(b), labels(c)));
    if (command == "now") return "=" + now().toString();
    if (command == "id") return "=" + conn.id.toString();
    if (command == "event") return "=" + this.event;
    if (command == "config") return "=" + this.config;
    if (command == "count") return "=" + (++this.count).toString();
    if (command == "errno") return "!" + errorName(<i32>number(a));
    if (command == "fail") this.stop = fail(a);
    else if (command == "refuse") this.stop = refuse(<i32>number(a));
    else if (command == "refuse_close") this.stop = refuseClose(<i32>number(a));
    else if (command == "propagate") this.stop = conn.value("missing") === null ? lastError() : 0;
    else if (command == "trap") throw new Error("trap");
    return "?" + command;
  }
}

function number(s: string): i64 {
  return s.length ? I64.parseInt(s) : 0;
}

function ok(e: i32): string {
  return e < 0 ? "!" + errorName(e) : "ok";
}

function int(n: i32): string {
  return n < 0 ? "!" + errorName(n) : "=" + n.toString();
}

function value(text: string | null): string {
  return text === null ? "!" + errorName(lastError()) : "=" + text;
}

function labels(s: string): Map<string, string> {
  const map = new Map<string, string>();
  const pairs = s.split(",");
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i].split("=");
    if (pair.length == 2) map.set(pair[0], pair[1]);
  }
  return map;
}

register(new Guest());
