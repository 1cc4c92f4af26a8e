//! Runs the conformance guest on the SDK's fake host. It reads commands from the standard input, one a
//! line, and answers each with one line. The words of a line are separated by spaces. Texts and data are in
//! hexadecimal, after a dot. ../backend_rust_test.go is the other end.

use azuhost::testing::Host;
use azuhost::{now, Conn, Error, Kind, Level, Message, Target};
use std::io::{stdin, stdout, BufRead, Write};
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::time::{Duration, UNIX_EPOCH};

#[path = "guest.rs"]
mod guest;

fn main() {
    set_hook(Box::new(|_| {})); // a guest that panics is one of the behaviors
    let mut host = None;
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        let words = line.split(' ').collect::<Vec<_>>();
        let answer = match catch_unwind(AssertUnwindSafe(|| run(&mut host, &words))) {
            Ok(Ok(answer)) => answer,
            Ok(Err(Error::Refused(code))) => format!("refused {}", code),
            Ok(Err(e)) => format!("failed {}", encode(e.to_string())),
            Err(_) => format!("failed {}", encode("panic")),
        };
        writeln!(stdout(), "{}", answer).unwrap();
    }
}

/// Runs a command and returns its answer.
fn run(host: &mut Option<Host<guest::Guest>>, words: &[&str]) -> azuhost::Result<String> {
    if words[0] == "load" {
        *host = Some(Host::with_config(Default::default(), &text(words[1]), &text(words[2]))?);
        return Ok("ok".into());
    }
    let host = host.as_mut().expect("the first command is load");
    let conn = || Conn(words[1].parse().unwrap());
    match words[0] {
        "connect" => {
            let headers = words[2..].chunks(2).map(|h| (text(h[0]), text(h[1]))).collect::<Vec<_>>();
            let headers = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>();
            return Ok(format!("ok {}", host.connect_with(&text(words[1]), &headers)?.0));
        }
        "message" => host.message(conn(), message(words[2], &decode(words[3])))?,
        "close" => host.close(conn(), words[2].parse().unwrap(), &text(words[3]))?,
        "ping" => host.ping(conn(), &decode(words[2]))?,
        "pong" => host.pong(conn(), &decode(words[2]))?,
        "publish" => {
            let name = text(words[2]);
            let target = match words[1] {
                "room" => Target::Room(&name),
                "user" => Target::User(&name),
                _ => Target::All,
            };
            host.publish(target, message(words[3], &decode(words[4])))?;
        }
        "advance" => host.advance(Duration::from_millis(words[1].parse().unwrap()))?,
        "receive" => {
            let messages = host.received_messages(conn());
            let words = messages.iter().map(|(kind, data)| format!(" {} {}", *kind as i32, encode(data)));
            return Ok(format!("ok{}", words.collect::<String>()));
        }
        "closed" => {
            return Ok(match host.closed(conn()) {
                Some((code, reason)) => format!("ok {} {}", code, encode(reason)),
                None => "ok".into(),
            })
        }
        "log" => {
            let lines = host.logged_lines();
            let words = lines.iter().map(|(level, line)| format!(" {} {}", level_name(*level), encode(line)));
            return Ok(format!("ok{}", words.collect::<String>()));
        }
        "now" => return Ok(format!("ok {}", now().duration_since(UNIX_EPOCH).unwrap().as_nanos())),
        word => panic!("unknown command {}", word),
    }
    Ok("ok".into())
}

fn message<'a>(kind: &str, data: &'a [u8]) -> Message<'a> {
    let kind = if kind == "1" { Kind::Text } else { Kind::Binary };
    Message { kind, data }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    }
}

fn encode(data: impl AsRef<[u8]>) -> String {
    let hex = data.as_ref().iter().map(|b| format!("{:02x}", b)).collect::<String>();
    format!(".{}", hex)
}

fn decode(word: &str) -> Vec<u8> {
    let hex = word.strip_prefix('.').expect("data begins with a dot");
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn text(word: &str) -> String {
    String::from_utf8(decode(word)).unwrap()
}
