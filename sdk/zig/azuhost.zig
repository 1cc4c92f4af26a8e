//! Write the logic of azuhost's real-time channels in Zig.
//!
//!     const azu = @import("azuhost");
//!
//!     const Echo = struct {
//!         pub fn onMessage(conn: azu.Conn, message: azu.Message) !void {
//!             try conn.send(message);
//!         }
//!     };
//!
//!     comptime {
//!         azu.register(Echo);
//!     }
//!
//! A hook is atomic: what it asks for happens if it returns, and not at all if it
//! returns an error or panics. Hooks that a channel does not have are not exported.

const std = @import("std");
const raw = @import("raw.zig");

pub const Error = error{
    /// An argument is not allowed: a name, text that is not UTF-8, a kind or code.
    Invalid,
    /// No such connection, parameter, key, value or timer.
    NotFound,
    /// The operator does not allow it on this route.
    Perm,
    /// A limit is reached: effects of a hook, bytes, values, timers.
    Limit,
    /// Not now: headers and query outside onConnect, for example.
    State,
    /// The hook's deadline passed while the host waited.
    Timeout,
    /// A part of the host, such as the store, is out of order.
    Unavailable,
    /// The hook has failed.
    Failed,
    /// A number that this version of the SDK does not know.
    Unknown,
};

/// What getters answer: they also need memory.
pub const GetError = Error || std.mem.Allocator.Error;

/// The error that the host means by a negative result.
pub fn errorFromCode(code: i32) Error {
    return switch (code) {
        -1 => error.Invalid,
        -2 => error.NotFound,
        -3 => error.Perm,
        -4 => error.Limit,
        -5 => error.State,
        -6 => error.Timeout,
        -7 => error.Unavailable,
        -8 => error.Failed,
        else => error.Unknown,
    };
}

fn check(n: i32) Error!void {
    if (n < 0) return errorFromCode(n);
}

fn count(n: i32) Error!usize {
    try check(n);
    return @intCast(n);
}

/// Asks a getter, and again with more memory if it says so.
fn get(allocator: std.mem.Allocator, comptime getter: anytype, args: anytype) GetError![]u8 {
    var buf = try allocator.alloc(u8, 256);
    errdefer allocator.free(buf);
    while (true) {
        const n = try count(@call(.auto, getter, args ++ .{ buf.ptr, buf.len }));
        const fits = n <= buf.len;
        buf = try allocator.realloc(buf, n);
        if (fits) return buf;
    }
}

pub const Kind = enum(i32) { text = 1, binary = 2 };

/// A message of a WebSocket. One that a hook gets is valid until it returns.
pub const Message = struct {
    kind: Kind,
    data: []const u8,

    pub fn text(data: []const u8) Message {
        return .{ .kind = .text, .data = data };
    }

    pub fn binary(data: []const u8) Message {
        return .{ .kind = .binary, .data = data };
    }
};

/// A connection, known by its id. Once it is gone its methods answer
/// error.NotFound; ids are not used again. Lists and values belong to the caller; what
/// `arena` allocates is freed after the hook.
pub const Conn = enum(u64) {
    none = 0,
    _,

    pub fn send(conn: Conn, m: Message) Error!void {
        return check(raw.send(@intFromEnum(conn), @intFromEnum(m.kind), m.data.ptr, m.data.len));
    }

    /// Closes after what was sent before, with 1000, 1001, 1003, 1007 to 1013, or
    /// 3000 to 4999. The reason is at most 123 bytes.
    pub fn close(conn: Conn, code: u16, reason: []const u8) Error!void {
        return check(raw.close(@intFromEnum(conn), code, reason.ptr, reason.len));
    }

    /// Rooms need not be made: one exists as long as it has members.
    pub fn join(conn: Conn, room: []const u8) Error!void {
        return check(raw.join(@intFromEnum(conn), room.ptr, room.len));
    }

    pub fn leave(conn: Conn, room: []const u8) Error!void {
        return check(raw.leave(@intFromEnum(conn), room.ptr, room.len));
    }

    /// The rooms, one a line, in the order of joining: see `lines`.
    pub fn rooms(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.rooms, .{@intFromEnum(conn)});
    }

    /// Says which user the connection belongs to; an empty name takes it back. Who
    /// the user is has to be proved to the plugin: the host believes it.
    pub fn identify(conn: Conn, name: []const u8) Error!void {
        return check(raw.identify(@intFromEnum(conn), name.ptr, name.len));
    }

    /// Whom the connection belongs to; empty where it is nobody.
    pub fn user(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.user, .{@intFromEnum(conn)});
    }

    /// A parameter of the path: "/rooms/:room_id" has "room_id".
    pub fn param(conn: Conn, allocator: std.mem.Allocator, name: []const u8) GetError![]u8 {
        return get(allocator, raw.param, .{ @intFromEnum(conn), name.ptr, name.len });
    }

    /// A query parameter of the request, decoded; in onConnect only.
    pub fn query(conn: Conn, allocator: std.mem.Allocator, name: []const u8) GetError![]u8 {
        return get(allocator, raw.query, .{ @intFromEnum(conn), name.ptr, name.len });
    }

    /// A header of the request; in onConnect only.
    pub fn header(conn: Conn, allocator: std.mem.Allocator, name: []const u8) GetError![]u8 {
        return get(allocator, raw.header, .{ @intFromEnum(conn), name.ptr, name.len });
    }

    /// The client's IP address, without the port.
    pub fn remoteAddr(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.remote_addr, .{@intFromEnum(conn)});
    }

    /// What client and host agreed on; empty where it is nothing.
    pub fn subprotocol(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.subprotocol, .{@intFromEnum(conn)});
    }

    /// The claims of the connection's verified token, as JSON.
    pub fn claims(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.claims, .{@intFromEnum(conn)});
    }

    /// What `setValue` keeps under a key.
    pub fn value(conn: Conn, allocator: std.mem.Allocator, key: []const u8) GetError![]u8 {
        return get(allocator, raw.value_get, .{ @intFromEnum(conn), key.ptr, key.len });
    }

    /// Keeps a value with the connection, for as long as it lives: in the host, so
    /// that every instance and every version of the plugin finds it.
    pub fn setValue(conn: Conn, key: []const u8, data: []const u8) Error!void {
        return check(raw.value_set(@intFromEnum(conn), key.ptr, key.len, data.ptr, data.len));
    }

    pub fn deleteValue(conn: Conn, key: []const u8) Error!void {
        return check(raw.value_delete(@intFromEnum(conn), key.ptr, key.len));
    }

    /// Has onTimer called once with this connection. The same name again sets it anew.
    pub fn setTimer(conn: Conn, name: []const u8, after_ms: i64) Error!void {
        return check(raw.timer_set(@intFromEnum(conn), name.ptr, name.len, after_ms));
    }

    pub fn clearTimer(conn: Conn, name: []const u8) Error!void {
        return check(raw.timer_clear(@intFromEnum(conn), name.ptr, name.len));
    }
};

/// Takes the names of a list one after the other.
pub fn lines(list: []const u8) std.mem.TokenIterator(u8, .scalar) {
    return std.mem.tokenizeScalar(u8, list, '\n');
}

/// A room of the channel, by its name.
pub const Room = struct {
    name: []const u8,

    /// Sends a message to every member of the room but one; `.none`: to all.
    pub fn broadcast(room: Room, m: Message, except: Conn) Error!void {
        return check(raw.broadcast(room.name.ptr, room.name.len, @intFromEnum(m.kind), m.data.ptr, m.data.len, @intFromEnum(except)));
    }

    /// Counts the connections in the room.
    pub fn size(room: Room) Error!usize {
        return count(raw.room_size(room.name.ptr, room.name.len));
    }

    /// Lists the connections in the room.
    pub fn members(room: Room, allocator: std.mem.Allocator) GetError![]Conn {
        const bytes = try get(allocator, raw.room_members, .{ room.name.ptr, room.name.len });
        defer allocator.free(bytes);
        const list = try allocator.alloc(Conn, bytes.len / 8);
        for (list, 0..) |*conn, i| conn.* = @enumFromInt(std.mem.readInt(u64, bytes[8 * i ..][0..8], .little));
        return list;
    }

    /// Lists the users present in the room, one a line, sorted.
    pub fn users(room: Room, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.room_users, .{ room.name.ptr, room.name.len });
    }
};

/// Sends a message to every connection of the channel but one; `.none`: to all.
pub fn broadcast(m: Message, except: Conn) Error!void {
    return check(raw.broadcast_all(@intFromEnum(m.kind), m.data.ptr, m.data.len, @intFromEnum(except)));
}

/// A user of the channel, by the name given to `Conn.identify`.
pub const User = struct {
    name: []const u8,

    /// Sends a message to every connection of the user. One who is not there is no error.
    pub fn send(user: User, m: Message) Error!void {
        return check(raw.send_user(user.name.ptr, user.name.len, @intFromEnum(m.kind), m.data.ptr, m.data.len));
    }

    pub fn online(user: User) Error!bool {
        return try count(raw.online(user.name.ptr, user.name.len)) == 1;
    }
};

/// Sends a message to every connection of some users, named one a line.
pub fn sendUsers(names: []const u8, m: Message) Error!void {
    return check(raw.send_users(names.ptr, names.len, @intFromEnum(m.kind), m.data.ptr, m.data.len));
}

/// Lists the users present in the channel, one a line, sorted.
pub fn users(allocator: std.mem.Allocator) GetError![]u8 {
    return get(allocator, raw.users, .{});
}

/// Whom a message is for that was published from outside.
pub const Target = union(enum) {
    room: []const u8,
    user: []const u8,
    all,

    /// Sends a message to whom it is for: lets it pass.
    pub fn send(target: Target, m: Message) Error!void {
        return switch (target) {
            .room => |name| (Room{ .name = name }).broadcast(m, .none),
            .user => |name| (User{ .name = name }).send(m),
            .all => broadcast(m, .none),
        };
    }
};

/// A key of the channel's store. Times to live are in milliseconds, 0 is without end.
pub const Key = struct {
    name: []const u8,

    pub fn get(key: Key, allocator: std.mem.Allocator) GetError![]u8 {
        return getStored(allocator, key);
    }

    pub fn set(key: Key, data: []const u8, ttl_ms: i64) Error!void {
        return check(raw.store_set(key.name.ptr, key.name.len, data.ptr, data.len, ttl_ms));
    }

    pub fn delete(key: Key) Error!void {
        return check(raw.store_delete(key.name.ptr, key.name.len));
    }

    /// Adds to a number, from 0 where there is none, and gives the sum.
    pub fn add(key: Key, delta: i64, ttl_ms: i64) Error!i64 {
        var sum: i64 = 0;
        try check(raw.store_add(key.name.ptr, key.name.len, delta, ttl_ms, &sum));
        return sum;
    }
};

fn getStored(allocator: std.mem.Allocator, key: Key) GetError![]u8 {
    return get(allocator, raw.store_get, .{ key.name.ptr, key.name.len });
}

/// Has onTimer called once, without a connection. The same name again sets it anew.
pub fn setTimer(name: []const u8, after_ms: i64) Error!void {
    return check(raw.timer_set(0, name.ptr, name.len, after_ms));
}

pub fn clearTimer(name: []const u8) Error!void {
    return check(raw.timer_clear(0, name.ptr, name.len));
}

pub const Level = enum(i32) { debug = 0, info = 1, warn = 2, err = 3 };

/// Writes a line to the host's log at once, also if the hook fails later.
pub fn log(level: Level, text: []const u8) void {
    _ = raw.log(@intFromEnum(level), text.ptr, text.len);
}

/// Counts, in a metric of the plugin. Labels are lines of name=value; never use names
/// of rooms or users: the host bounds the number of series.
pub fn counterAdd(name: []const u8, value: f64, labels: []const u8) Error!void {
    return check(raw.metric(0, name.ptr, name.len, labels.ptr, labels.len, value));
}

pub fn gaugeSet(name: []const u8, value: f64, labels: []const u8) Error!void {
    return check(raw.metric(1, name.ptr, name.len, labels.ptr, labels.len, value));
}

pub fn histogramObserve(name: []const u8, value: f64, labels: []const u8) Error!void {
    return check(raw.metric(2, name.ptr, name.len, labels.ptr, labels.len, value));
}

/// Nanoseconds since 1970, UTC.
pub fn now() i64 {
    return raw.now();
}

var arena_state: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Allocates what is needed until the hook returns.
pub fn arena() std.mem.Allocator {
    return arena_state.allocator();
}

var answer: i32 = 0;

/// What a hook returns that was refused or has said why it failed.
pub const Stop = error{Stopped};

/// Ends a hook with a reason for the host's log: `return azu.fail("no luck");`
pub fn fail(why: []const u8) Stop {
    answer = raw.fail(why.ptr, why.len);
    return error.Stopped;
}

/// Ends onConnect, and refuses the handshake with an HTTP status, 400 to 599.
pub fn refuse(status: u16) Stop {
    answer = if (status >= 400 and status < 600) status else -1;
    return error.Stopped;
}

/// Ends onConnect: the connection is upgraded, sent what the hook sent to it, and
/// closed with this code, 3000 to 4999.
pub fn refuseClose(code: u16) Stop {
    answer = if (code >= 3000 and code < 5000) code else -1;
    return error.Stopped;
}

/// For `pub const panic` in the root file: writes the reason to the host's log.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(text: []const u8, _: ?usize) noreturn {
    log(.err, text);
    @trap();
}

/// Where the host writes an event's bytes: as large as its default limit of a message.
var inbox: [64 << 10]u8 = undefined;

/// An event that is larger is fetched to here, and kept until the next.
var large: []u8 = &.{};

fn event(len: u32) []const u8 {
    if (len <= inbox.len) return inbox[0..len];
    if (large.len < len) {
        std.heap.wasm_allocator.free(large);
        large = &.{};
        large = std.heap.wasm_allocator.alloc(u8, len) catch @trap();
    }
    _ = raw.read(large.ptr, 0, len);
    return large[0..len];
}

fn received(kind: i32, data: []const u8) Message {
    return .{ .kind = if (kind == 1) .text else .binary, .data = data };
}

/// Ends a hook: gives its answer, and frees what it allocated.
fn done(result: anyerror!void) i32 {
    defer _ = arena_state.reset(.{ .retain_with_limit = 64 << 10 });
    result catch |err| {
        if (err == error.Stopped) return answer;
        const name = @errorName(err);
        return raw.fail(name.ptr, name.len);
    };
    return 0;
}

/// Makes the hooks of a type the exports of this program. Call it once, in a
/// comptime block. The hooks are functions of the type:
///
///     onLoad(config: []const u8)
///     onConnect(conn: Conn, target: []const u8)
///     onMessage(conn: Conn, message: Message)
///     onClose(conn: Conn, code: u16, reason: []const u8)
///     onTimer(conn: Conn, name: []const u8)          .none: a timer of the channel
///     onPresence(room: []const u8, user: []const u8, joined: bool)
///     onPublish(to: Target, message: Message)
///     onPing(conn: Conn, payload: []const u8)
///     onPong(conn: Conn, payload: []const u8)
pub fn register(comptime Channel: type) void {
    const exports = struct {
        fn azu_v1() callconv(.c) u64 {
            return @as(u64, @intFromPtr(&inbox)) << 32 | inbox.len;
        }
        fn onLoad(len: u32) callconv(.c) i32 {
            return done(Channel.onLoad(event(len)));
        }
        fn onConnect(conn: u64, len: u32) callconv(.c) i32 {
            return done(Channel.onConnect(@enumFromInt(conn), event(len)));
        }
        fn onMessage(conn: u64, len: u32, kind: i32) callconv(.c) i32 {
            return done(Channel.onMessage(@enumFromInt(conn), received(kind, event(len))));
        }
        fn onClose(conn: u64, len: u32, code: i32) callconv(.c) i32 {
            return done(Channel.onClose(@enumFromInt(conn), @intCast(code), event(len)));
        }
        fn onTimer(conn: u64, len: u32) callconv(.c) i32 {
            return done(Channel.onTimer(@enumFromInt(conn), event(len)));
        }
        fn onPing(conn: u64, len: u32) callconv(.c) i32 {
            return done(Channel.onPing(@enumFromInt(conn), event(len)));
        }
        fn onPong(conn: u64, len: u32) callconv(.c) i32 {
            return done(Channel.onPong(@enumFromInt(conn), event(len)));
        }
        fn onPresence(len: u32, joined: i32) callconv(.c) i32 {
            var parts = std.mem.splitScalar(u8, event(len), '\n');
            const room = parts.first();
            return done(Channel.onPresence(room, parts.rest(), joined == 1));
        }
        fn onPublish(len: u32, kind: i32) callconv(.c) i32 {
            var parts = std.mem.splitScalar(u8, event(len), '\n');
            const to = parts.first();
            const name = parts.next() orelse "";
            const target: Target = if (std.mem.eql(u8, to, "room")) .{ .room = name } else if (std.mem.eql(u8, to, "user")) .{ .user = name } else .all;
            return done(Channel.onPublish(target, received(kind, parts.rest())));
        }
    };
    @export(&exports.azu_v1, .{ .name = "azu_v1" });
    if (@hasDecl(Channel, "onLoad")) @export(&exports.onLoad, .{ .name = "on_load" });
    if (@hasDecl(Channel, "onConnect")) @export(&exports.onConnect, .{ .name = "on_connect" });
    if (@hasDecl(Channel, "onMessage")) @export(&exports.onMessage, .{ .name = "on_message" });
    if (@hasDecl(Channel, "onClose")) @export(&exports.onClose, .{ .name = "on_close" });
    if (@hasDecl(Channel, "onTimer")) @export(&exports.onTimer, .{ .name = "on_timer" });
    if (@hasDecl(Channel, "onPresence")) @export(&exports.onPresence, .{ .name = "on_presence" });
    if (@hasDecl(Channel, "onPublish")) @export(&exports.onPublish, .{ .name = "on_publish" });
    if (@hasDecl(Channel, "onPing")) @export(&exports.onPing, .{ .name = "on_ping" });
    if (@hasDecl(Channel, "onPong")) @export(&exports.onPong, .{ .name = "on_pong" });
}
