//! The SDK for Zig: the logic of azuhost's real-time channels. A plugin registers a type whose
//! functions are its hooks:
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
//! A hook is atomic: its effects (sends, joins, writes and so on) happen if it returns without an
//! error. If it returns an error or panics, none of them happens.
//!
//! Names of rooms, users, parameters, keys, timers and metrics are 1 to 255 bytes of UTF-8 without
//! control characters and line separators. Slices that are passed in are copied. Functions that take
//! an allocator return memory that the caller owns.

const std = @import("std");
const raw = @import("raw.zig");

/// The errors of host functions.
pub const Error = error{
    /// An argument is not allowed: a name, text that is not UTF-8, a kind, a code.
    Invalid,
    /// There is no such connection, parameter, key, value, timer or token.
    NotFound,
    /// The route does not allow the function.
    Perm,
    /// A limit is reached, such as that of effects, bytes, values or timers.
    Limit,
    /// Not possible in this hook, such as `Conn.query` outside of onConnect.
    State,
    /// The deadline of the hook passed while the host waited.
    Timeout,
    /// A part of the host, such as the store, does not work now.
    Unavailable,
    /// The hook has failed.
    Failed,
    /// An error number that this version of the SDK does not know.
    Unknown,
};

/// The errors of getters, which also allocate memory.
pub const GetError = Error || std.mem.Allocator.Error;

/// Returns the error for a negative result of a host function.
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

/// Calls a getter, and again with a larger buffer if the value did not fit.
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

/// The kind of a message.
pub const Kind = enum(i32) { text = 1, binary = 2 };

/// A WebSocket message. The data of a message that a hook receives is valid until the hook returns.
pub const Message = struct {
    kind: Kind,
    data: []const u8,

    /// Makes a text message. Sending it fails with error.Invalid if it is not UTF-8.
    pub fn text(data: []const u8) Message {
        return .{ .kind = .text, .data = data };
    }

    /// Makes a binary message.
    pub fn binary(data: []const u8) Message {
        return .{ .kind = .binary, .data = data };
    }
};

/// A connection, known by its id. After it has closed, its functions return error.NotFound. Ids are not
/// reused.
pub const Conn = enum(u64) {
    /// No connection.
    none = 0,
    _,

    /// Sends a message to the connection.
    pub fn send(conn: Conn, m: Message) Error!void {
        return check(raw.send(@intFromEnum(conn), @intFromEnum(m.kind), m.data.ptr, m.data.len));
    }

    /// Closes the connection after the messages that were sent to it before. The code is 1000, 1001,
    /// 1003, 1007 to 1013, or 3000 to 4999. The reason is at most 123 bytes.
    pub fn close(conn: Conn, code: u16, reason: []const u8) Error!void {
        return check(raw.close(@intFromEnum(conn), code, reason.ptr, reason.len));
    }

    /// Makes the connection a member of a room. A room exists as long as it has members. Does nothing
    /// if the connection is a member already.
    pub fn join(conn: Conn, room: []const u8) Error!void {
        return check(raw.join(@intFromEnum(conn), room.ptr, room.len));
    }

    /// Ends the membership in a room. Does nothing if the connection is not a member. A connection that
    /// closes leaves its rooms.
    pub fn leave(conn: Conn, room: []const u8) Error!void {
        return check(raw.leave(@intFromEnum(conn), room.ptr, room.len));
    }

    /// Returns the names of the rooms of the connection, in the order of joining, joined by '\n'.
    /// `lines` iterates over them.
    pub fn rooms(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.rooms, .{@intFromEnum(conn)});
    }

    /// Sets the user of the connection. An empty name removes it. The host does not verify the user,
    /// so the plugin must.
    pub fn identify(conn: Conn, name: []const u8) Error!void {
        return check(raw.identify(@intFromEnum(conn), name.ptr, name.len));
    }

    /// Returns the user of the connection: empty if it has none.
    pub fn user(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.user, .{@intFromEnum(conn)});
    }

    /// Returns a parameter of the path: the path "/rooms/:room_id" has the parameter "room_id".
    pub fn param(conn: Conn, allocator: std.mem.Allocator, name: []const u8) GetError![]u8 {
        return get(allocator, raw.param, .{ @intFromEnum(conn), name.ptr, name.len });
    }

    /// Returns the first query parameter of a name, decoded. Returns error.State outside of onConnect.
    pub fn query(conn: Conn, allocator: std.mem.Allocator, name: []const u8) GetError![]u8 {
        return get(allocator, raw.query, .{ @intFromEnum(conn), name.ptr, name.len });
    }

    /// Returns a header of the request. The values of a repeated header are joined by ", ". Returns
    /// error.State outside of onConnect.
    pub fn header(conn: Conn, allocator: std.mem.Allocator, name: []const u8) GetError![]u8 {
        return get(allocator, raw.header, .{ @intFromEnum(conn), name.ptr, name.len });
    }

    /// Returns the IP address of the client, without the port.
    pub fn remoteAddr(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.remote_addr, .{@intFromEnum(conn)});
    }

    /// Returns the agreed subprotocol: empty if there is none.
    pub fn subprotocol(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.subprotocol, .{@intFromEnum(conn)});
    }

    /// Returns the claims of the connection's verified token, as JSON. Returns error.NotFound if there
    /// is no token.
    pub fn claims(conn: Conn, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.claims, .{@intFromEnum(conn)});
    }

    /// Returns the value that `setValue` has set. Returns error.NotFound if there is none.
    pub fn value(conn: Conn, allocator: std.mem.Allocator, key: []const u8) GetError![]u8 {
        return get(allocator, raw.value_get, .{ @intFromEnum(conn), key.ptr, key.len });
    }

    /// Sets a value of the connection, for the life of the connection. The host keeps it: all instances
    /// and versions of the plugin share it.
    pub fn setValue(conn: Conn, key: []const u8, data: []const u8) Error!void {
        return check(raw.value_set(@intFromEnum(conn), key.ptr, key.len, data.ptr, data.len));
    }

    /// Deletes a value. Returns error.NotFound if there is none.
    pub fn deleteValue(conn: Conn, key: []const u8) Error!void {
        return check(raw.value_delete(@intFromEnum(conn), key.ptr, key.len));
    }

    /// Sets a timer: the host calls onTimer once with this connection, after_ms milliseconds from now.
    /// A timer with the same name is replaced. The timer ends with the connection.
    pub fn setTimer(conn: Conn, name: []const u8, after_ms: i64) Error!void {
        return check(raw.timer_set(@intFromEnum(conn), name.ptr, name.len, after_ms));
    }

    /// Clears a timer. Returns error.NotFound if there is none.
    pub fn clearTimer(conn: Conn, name: []const u8) Error!void {
        return check(raw.timer_clear(@intFromEnum(conn), name.ptr, name.len));
    }
};

/// Iterates over the names of a list that a getter returned.
pub fn lines(list: []const u8) std.mem.TokenIterator(u8, .scalar) {
    return std.mem.tokenizeScalar(u8, list, '\n');
}

/// A room of the channel, known by its name. It exists as long as it has members.
pub const Room = struct {
    name: []const u8,

    /// Sends a message to every member of the room except one connection. `.none` excludes none.
    pub fn broadcast(room: Room, m: Message, except: Conn) Error!void {
        const kind = @intFromEnum(m.kind);
        return check(raw.broadcast(room.name.ptr, room.name.len, kind, m.data.ptr, m.data.len, @intFromEnum(except)));
    }

    /// Returns the number of connections in the room.
    pub fn size(room: Room) Error!usize {
        return count(raw.room_size(room.name.ptr, room.name.len));
    }

    /// Returns the connections in the room.
    pub fn members(room: Room, allocator: std.mem.Allocator) GetError![]Conn {
        const bytes = try get(allocator, raw.room_members, .{ room.name.ptr, room.name.len });
        defer allocator.free(bytes);
        const list = try allocator.alloc(Conn, bytes.len / 8);
        for (list, 0..) |*conn, i| conn.* = @enumFromInt(std.mem.readInt(u64, bytes[8 * i ..][0..8], .little));
        return list;
    }

    /// Returns the names of the users present in the room, sorted, joined by '\n'. `lines` iterates
    /// over them.
    pub fn users(room: Room, allocator: std.mem.Allocator) GetError![]u8 {
        return get(allocator, raw.room_users, .{ room.name.ptr, room.name.len });
    }
};

/// Sends a message to every connection of the channel except one. `.none` excludes none.
pub fn broadcast(m: Message, except: Conn) Error!void {
    return check(raw.broadcast_all(@intFromEnum(m.kind), m.data.ptr, m.data.len, @intFromEnum(except)));
}

/// A user of the channel, known by the name that `Conn.identify` set.
pub const User = struct {
    name: []const u8,

    /// Sends a message to every connection of the user. Does nothing if there is none.
    pub fn send(user: User, m: Message) Error!void {
        return check(raw.send_user(user.name.ptr, user.name.len, @intFromEnum(m.kind), m.data.ptr, m.data.len));
    }

    /// Returns true if the user is present in the channel: connected, or within the grace of the route
    /// after the last connection has closed.
    pub fn online(user: User) Error!bool {
        return try count(raw.online(user.name.ptr, user.name.len)) == 1;
    }
};

/// Sends a message to every connection of several users. The names are joined by '\n'.
pub fn sendUsers(names: []const u8, m: Message) Error!void {
    return check(raw.send_users(names.ptr, names.len, @intFromEnum(m.kind), m.data.ptr, m.data.len));
}

/// Returns the names of the users present in the channel, sorted, joined by '\n'. `lines` iterates over
/// them.
pub fn users(allocator: std.mem.Allocator) GetError![]u8 {
    return get(allocator, raw.users, .{});
}

/// The target of a publication.
pub const Target = union(enum) {
    room: []const u8,
    user: []const u8,
    all,

    /// Sends a message to the target.
    pub fn send(target: Target, m: Message) Error!void {
        return switch (target) {
            .room => |name| (Room{ .name = name }).broadcast(m, .none),
            .user => |name| (User{ .name = name }).send(m),
            .all => broadcast(m, .none),
        };
    }
};

/// A key of the channel's store. All instances and versions of the plugin share the store. ttl_ms is the
/// time to live in milliseconds; 0 is without end.
pub const Key = struct {
    name: []const u8,

    /// Returns the value. Returns error.NotFound if there is none.
    pub fn get(key: Key, allocator: std.mem.Allocator) GetError![]u8 {
        return getStored(allocator, key);
    }

    /// Sets the value.
    pub fn set(key: Key, data: []const u8, ttl_ms: i64) Error!void {
        return check(raw.store_set(key.name.ptr, key.name.len, data.ptr, data.len, ttl_ms));
    }

    /// Deletes the value. Returns error.NotFound if there is none.
    pub fn delete(key: Key) Error!void {
        return check(raw.store_delete(key.name.ptr, key.name.len));
    }

    /// Adds delta to the value, a decimal number, and returns the sum. A key without a value counts as
    /// 0. ttl_ms counts from the creation of the value.
    pub fn add(key: Key, delta: i64, ttl_ms: i64) Error!i64 {
        var sum: i64 = 0;
        try check(raw.store_add(key.name.ptr, key.name.len, delta, ttl_ms, &sum));
        return sum;
    }
};

fn getStored(allocator: std.mem.Allocator, key: Key) GetError![]u8 {
    return get(allocator, raw.store_get, .{ key.name.ptr, key.name.len });
}

/// Sets a timer of the channel: the host calls onTimer once without a connection, after_ms milliseconds
/// from now. A timer with the same name is replaced.
pub fn setTimer(name: []const u8, after_ms: i64) Error!void {
    return check(raw.timer_set(0, name.ptr, name.len, after_ms));
}

/// Clears a timer of the channel. Returns error.NotFound if there is none.
pub fn clearTimer(name: []const u8) Error!void {
    return check(raw.timer_clear(0, name.ptr, name.len));
}

/// The level of a line in the log of the host.
pub const Level = enum(i32) { debug = 0, info = 1, warn = 2, err = 3 };

/// Writes a line to the log of the host at once, even if the hook fails later.
pub fn log(level: Level, text: []const u8) void {
    _ = raw.log(@intFromEnum(level), text.ptr, text.len);
}

/// Adds to a metric of the plugin that only grows. Labels are "name=value", joined by '\n'. Every
/// combination of labels is a series, and the host limits the number of series: labels should not
/// contain names of rooms or users.
pub fn counterAdd(name: []const u8, value: f64, labels: []const u8) Error!void {
    return check(raw.metric(0, name.ptr, name.len, labels.ptr, labels.len, value));
}

/// Sets a metric of the plugin that goes up and down.
pub fn gaugeSet(name: []const u8, value: f64, labels: []const u8) Error!void {
    return check(raw.metric(1, name.ptr, name.len, labels.ptr, labels.len, value));
}

/// Adds an observation to a histogram of the plugin.
pub fn histogramObserve(name: []const u8, value: f64, labels: []const u8) Error!void {
    return check(raw.metric(2, name.ptr, name.len, labels.ptr, labels.len, value));
}

/// Returns the time of the host in nanoseconds since 1970, UTC.
pub fn now() i64 {
    return raw.now();
}

var arena_state: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Returns an allocator whose memory is freed when the hook returns.
pub fn arena() std.mem.Allocator {
    return arena_state.allocator();
}

/// The result of the hook that returns error.Stopped.
var answer: i32 = 0;

/// The error of hooks that end with `fail`, `refuse` or `refuseClose`.
pub const Stop = error{Stopped};

/// Makes the hook fail, with a reason for the log of the host:
/// `return azu.fail("the config has no rooms");`
pub fn fail(why: []const u8) Stop {
    answer = raw.fail(why.ptr, why.len);
    return error.Stopped;
}

/// Makes onConnect refuse the handshake, or onPublish the publication, with an HTTP status from 400 to
/// 599. With another status the hook fails. Browsers do not show the status to their scripts.
pub fn refuse(status: u16) Stop {
    answer = if (status >= 400 and status < 600) status else -1;
    return error.Stopped;
}

/// Makes onConnect refuse the connection after its upgrade. The host sends the messages of the hook to
/// this connection, and closes it with the code, 3000 to 4999. With another code the hook fails.
pub fn refuseClose(code: u16) Stop {
    answer = if (code >= 3000 and code < 5000) code else -1;
    return error.Stopped;
}

/// A panic handler that writes the reason to the log of the host. The root file enables it with
/// `pub const panic = azu.panic;`.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(text: []const u8, _: ?usize) noreturn {
    log(.err, text);
    @trap();
}

/// The memory where the host writes the bytes of an event. Its size is the default limit of a message.
var inbox: [64 << 10]u8 = undefined;

/// The memory for an event larger than the inbox. It is kept for the next one.
var large: []u8 = &.{};

/// Returns the bytes of the event. They are valid until the hook returns.
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

/// Ends a hook: returns its result for the host, and frees the memory of `arena`.
fn done(result: anyerror!void) i32 {
    defer _ = arena_state.reset(.{ .retain_with_limit = 64 << 10 });
    result catch |err| {
        if (err == error.Stopped) return answer;
        const name = @errorName(err);
        return raw.fail(name.ptr, name.len);
    };
    return 0;
}

/// Registers a type as the channel of this program: exports those of the functions below that the type
/// has. A program calls it once, in a comptime block.
///
///     onLoad(config: []const u8)
///     onConnect(conn: Conn, target: []const u8)
///     onMessage(conn: Conn, message: Message)
///     onClose(conn: Conn, code: u16, reason: []const u8)
///     onTimer(conn: Conn, name: []const u8)          conn is .none for a timer of the channel
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
            const target: Target = if (std.mem.eql(u8, to, "room"))
                .{ .room = name }
            else if (std.mem.eql(u8, to, "user"))
                .{ .user = name }
            else
                .all;
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
