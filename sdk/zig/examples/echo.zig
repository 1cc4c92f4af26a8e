//! Echo sends every message back.

const azu = @import("azuhost");

const Echo = struct {
    pub fn onMessage(conn: azu.Conn, message: azu.Message) !void {
        try conn.send(message);
    }
};

comptime {
    azu.register(Echo);
}
