//! The conformance guest in Zig. ../README.md describes it.

const std = @import("std");
const azu = @import("azuhost");

pub const panic = azu.panic;

var config: []const u8 = "";
var event: []const u8 = "";
var count: i64 = 0;

const Guest = struct {
    pub fn onLoad(json: []const u8) !void {
        config = try std.heap.wasm_allocator.dupe(u8, json);
        const prefix = "{\"do\":\"";
        if (!std.mem.startsWith(u8, config, prefix)) return;
        event = config;
        try run(.none, true, config[prefix.len .. config.len - 2], ';', '|');
    }

    pub fn onConnect(conn: azu.Conn, target: []const u8) !void {
        const script = conn.query(azu.arena(), "do") catch return;
        event = target;
        try run(conn, false, script, ';', '|');
    }

    pub fn onMessage(conn: azu.Conn, message: azu.Message) !void {
        if (message.data.len == 0 or message.data[0] == '#') return conn.send(message);
        event = try print("{s} {d}", .{ @tagName(message.kind), message.data.len });
        try run(conn, false, message.data, ';', '|');
    }

    pub fn onClose(conn: azu.Conn, code: u16, reason: []const u8) !void {
        try stored("on_close", conn, true, try print("{d}|{s}", .{ code, reason }));
    }

    pub fn onTimer(conn: azu.Conn, name: []const u8) !void {
        try stored("on_timer", conn, conn == .none, name);
    }

    pub fn onPresence(room: []const u8, user: []const u8, joined: bool) !void {
        try stored("on_presence", .none, true, try print("{s}|{s}|{d}", .{ room, user, @intFromBool(joined) }));
    }

    pub fn onPublish(to: azu.Target, message: azu.Message) !void {
        const name = switch (to) {
            .room, .user => |name| name,
            .all => "",
        };
        const description = try print("{s}|{s}|{s}|{s}", .{ @tagName(to), name, @tagName(message.kind), message.data });
        try stored("on_publish", .none, true, description);
    }

    pub fn onPing(conn: azu.Conn, payload: []const u8) !void {
        try stored("on_ping", conn, false, payload);
    }

    pub fn onPong(conn: azu.Conn, payload: []const u8) !void {
        try stored("on_pong", conn, false, payload);
    }
};

/// Runs the script of a hook from the store, if there is one.
fn stored(hook: []const u8, conn: azu.Conn, all: bool, description: []const u8) !void {
    const script = (azu.Key{ .name = hook }).get(azu.arena()) catch return;
    event = description;
    try run(conn, all, script, ',', '/');
}

fn run(conn: azu.Conn, all: bool, script: []const u8, separator: u8, argument: u8) !void {
    var commands = std.mem.splitScalar(u8, script, separator);
    while (commands.next()) |line| {
        var args = std.mem.splitScalar(u8, line, argument);
        const name = args.first();
        const a = args.next() orelse "";
        const b = args.next() orelse "";
        const text = command(conn, name, a, b, args.rest()) catch |err| switch (err) {
            error.Invalid => "!INVALID",
            error.NotFound => "!NOT_FOUND",
            error.Perm => "!PERM",
            error.Limit => "!LIMIT",
            error.State => "!STATE",
            error.Timeout => "!TIMEOUT",
            error.Unavailable => "!UNAVAILABLE",
            error.Failed => "!FAILED",
            error.Propagated => return propagated,
            else => return err,
        };
        if (all) try azu.broadcast(.text(text), .none) else try conn.send(.text(text));
    }
}

/// The error with which the command propagate ends the hook.
var propagated: azu.GetError = error.Unknown;

fn print(comptime format: []const u8, args: anytype) ![]u8 {
    return std.fmt.allocPrint(azu.arena(), format, args);
}

fn value(text: []const u8) ![]const u8 {
    return print("={s}", .{text});
}

fn number(n: anytype) ![]const u8 {
    return print("={d}", .{n});
}

fn list(names: []u8) ![]const u8 {
    std.mem.replaceScalar(u8, names, '\n', ',');
    return value(names);
}

/// Copies a list, with one name on each line.
fn lines(text: []const u8) ![]u8 {
    const names = try azu.arena().dupe(u8, text);
    std.mem.replaceScalar(u8, names, ',', '\n');
    return names;
}

fn int(text: []const u8) i64 {
    return std.fmt.parseInt(i64, text, 10) catch 0;
}

const Command = enum {
    // zig fmt: off
    send, send_binary, send_to, broadcast, broadcast_except, broadcast_all, broadcast_all_except,
    send_user, send_users, close, join, leave, room_size, room_members, room_users, rooms, identify,
    user, online, users, param, query, header, remote_addr, subprotocol, claims, value_get,
    value_set, value_delete, store_get, store_set, store_delete, store_add, timer_set, timer_clear,
    channel_timer_set, channel_timer_clear, log, counter_add, gauge_set, histogram_observe, now, id,
    event, config, count, errno, fail, refuse, refuse_close, propagate, trap,
    // zig fmt: on
};

fn command(conn: azu.Conn, name: []const u8, a: []const u8, b: []const u8, c: []const u8) ![]const u8 {
    const mem = azu.arena();
    const room = azu.Room{ .name = a };
    const key = azu.Key{ .name = a };
    switch (std.meta.stringToEnum(Command, name) orelse return "?") {
        .send => try conn.send(.text(a)),
        .send_binary => try conn.send(.binary(a)),
        .send_to => try @as(azu.Conn, @enumFromInt(@as(u64, @bitCast(int(a))))).send(.text(b)),
        .broadcast => try room.broadcast(.text(b), .none),
        .broadcast_except => try room.broadcast(.text(b), conn),
        .broadcast_all => try azu.broadcast(.text(a), .none),
        .broadcast_all_except => try azu.broadcast(.text(a), conn),
        .send_user => try (azu.User{ .name = a }).send(.text(b)),
        .send_users => try azu.sendUsers(try lines(a), .text(b)),
        .close => try conn.close(@intCast(int(a)), b),
        .join => try conn.join(a),
        .leave => try conn.leave(a),
        .room_size => return number(try room.size()),
        .room_members => {
            var text: []const u8 = "=";
            for (try room.members(mem), 0..) |member, i| {
                text = try print("{s}{s}{d}", .{ text, if (i > 0) "," else "", @intFromEnum(member) });
            }
            return text;
        },
        .room_users => return list(try room.users(mem)),
        .rooms => return list(try conn.rooms(mem)),
        .identify => try conn.identify(a),
        .user => return value(try conn.user(mem)),
        .online => return number(@intFromBool(try (azu.User{ .name = a }).online())),
        .users => return list(try azu.users(mem)),
        .param => return value(try conn.param(mem, a)),
        .query => return value(try conn.query(mem, a)),
        .header => return value(try conn.header(mem, a)),
        .remote_addr => return value(try conn.remoteAddr(mem)),
        .subprotocol => return value(try conn.subprotocol(mem)),
        .claims => return value(try conn.claims(mem)),
        .value_get => return value(try conn.value(mem, a)),
        .value_set => try conn.setValue(a, b),
        .value_delete => try conn.deleteValue(a),
        .store_get => return value(try key.get(mem)),
        .store_set => try key.set(b, int(c)),
        .store_delete => try key.delete(),
        .store_add => return number(try key.add(int(b), int(c))),
        .timer_set => try conn.setTimer(a, int(b)),
        .timer_clear => try conn.clearTimer(a),
        .channel_timer_set => try azu.setTimer(a, int(b)),
        .channel_timer_clear => try azu.clearTimer(a),
        .log => azu.log(@enumFromInt(int(a)), b),
        .counter_add => try azu.counterAdd(a, @floatFromInt(int(b)), try lines(c)),
        .gauge_set => try azu.gaugeSet(a, @floatFromInt(int(b)), try lines(c)),
        .histogram_observe => try azu.histogramObserve(a, @floatFromInt(int(b)), try lines(c)),
        .now => return number(azu.now()),
        .id => return number(@intFromEnum(conn)),
        .event => return value(event),
        .config => return value(config),
        .count => {
            count += 1;
            return number(count);
        },
        .errno => return azu.errorFromCode(@intCast(int(a))),
        .fail => return azu.fail(a),
        .refuse => return azu.refuse(@intCast(int(a))),
        .refuse_close => return azu.refuseClose(@intCast(int(a))),
        .propagate => {
            if (conn.value(mem, "missing")) |_| {} else |err| propagated = err;
            return error.Propagated;
        },
        .trap => @panic("trap"),
    }
    return "ok";
}

comptime {
    azu.register(Guest);
}
