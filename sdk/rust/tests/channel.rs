//! Tests of a channel that uses most of the crate, on the fake host.

use azuhost::testing::Host;
use azuhost::{refuse, refuse_close, Channel, Conn, Error, Key, Kind, Message, OnTimer, Result, Room, User};
use std::time::Duration;

#[derive(Default)]
struct Rooms {
    messages: usize,
}

impl Channel for Rooms {
    fn on_connect(&mut self, conn: Conn, _target: &str) -> Result {
        match conn.query("user").as_deref() {
            Ok("nobody") => return Err(refuse(401)),
            Ok("gone") => return Err(refuse_close(3000)),
            Ok(user) => conn.identify(user)?,
            Err(Error::NotFound) => {}
            Err(e) => return Err(e.clone()),
        }
        conn.join(&conn.param("room_id")?)
    }

    fn on_message(&mut self, conn: Conn, message: Message) -> Result {
        self.messages += 1;
        let room = conn.param("room_id")?;
        match message.as_str()? {
            "fail" => {
                Room(&room).broadcast("never seen")?;
                Err("no luck".into())
            }
            "count" => conn.send(&Key("hits").add(2, Duration::ZERO)?.to_string()),
            "members" => {
                assert_eq!(Room(&room).members()?.len(), Room(&room).size()?);
                conn.send(&Room(&room).users()?.join(","))
            }
            "later" => conn.set_timer("later", Duration::from_secs(5)),
            "bye" => conn.close(1000, "bye"),
            "query" => conn.query("user").map(drop),
            "long" => conn.send(&Message::text(&conn.value("long")?).as_str()?.len().to_string()),
            "keep" => conn.set_value("long", "x".repeat(1000)),
            "panic" => {
                conn.set_value("long", "x")?;
                panic!("as requested")
            }
            "repeat" => conn.set_timer("repeat", Duration::ZERO),
            "overflow" => {
                Key("most").add(i64::MAX, Duration::ZERO).and_then(|_| Key("most").add(1, Duration::ZERO)).map(drop)
            }
            text => Room(&room).broadcast_except(text, conn),
        }
    }

    fn on_close(&mut self, conn: Conn, code: u16, reason: &str) -> Result {
        for room in conn.rooms()? {
            Room(&room).broadcast(&format!("{} left: {} {}", conn.user()?, code, reason))?;
        }
        Ok(())
    }
}

impl OnTimer for Rooms {
    fn on_timer(&mut self, conn: Option<Conn>, name: &str) -> Result {
        let conn = conn.ok_or(Error::NotFound)?;
        if name == "repeat" {
            conn.set_timer(name, Duration::ZERO)?;
        }
        conn.send(name)
    }
}

azuhost::register!(Rooms, on_timer);

fn host() -> Host<Rooms> {
    Host::with_config(Rooms::default(), "/rooms/:room_id", "{}").unwrap()
}

#[test]
fn rooms_and_users() {
    let mut host = host();
    let alice = host.connect("/rooms/1?user=alice").unwrap();
    let bob = host.connect("/rooms/1?user=b%6fb").unwrap();
    host.connect("/rooms/2?user=carol").unwrap();
    host.message(alice, "hello").unwrap();
    host.message(alice, "members").unwrap();
    assert_eq!(host.received(alice), ["alice,bob"]);
    assert_eq!(host.received(bob), ["hello"]);
    assert!(User("carol").online().unwrap());
    assert!(!User("dave").online().unwrap());
    host.message(bob, "bye").unwrap();
    assert_eq!(host.received(alice), ["bob left: 1000 bye"]);
    assert_eq!(host.closed(bob), Some((1000, "bye".into())));
    assert_eq!(bob.send("x"), Err(Error::NotFound));
    assert_eq!(alice.join(&"r".repeat(256)), Err(Error::Invalid));
}

#[test]
fn a_failed_hook_has_no_effects() {
    let mut host = host();
    let alice = host.connect("/rooms/1?user=alice").unwrap();
    assert_eq!(host.message(alice, "fail"), Err(Error::Other("no luck".into())));
    assert!(host.received(alice).is_empty());
    assert_eq!(host.message(alice, "query"), Err(Error::State));
    assert_eq!(host.channel.messages, 2);
}

#[test]
fn a_hook_that_panics_has_no_effects() {
    let mut host = host();
    let alice = host.connect("/rooms/1?user=alice").unwrap();
    host.message(alice, "keep").unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.message(alice, "panic")));
    assert!(panicked.is_err());
    host.message(alice, "long").unwrap();
    assert_eq!(host.received(alice), ["1000"]);
}

#[test]
fn messages_before_a_close_arrive() {
    let mut host = host();
    let alice = host.connect("/rooms/1?user=alice").unwrap();
    host.message(alice, "count").unwrap();
    host.message(alice, "bye").unwrap();
    assert_eq!(host.received_messages(alice), [(Kind::Text, b"2".to_vec())]);
    assert_eq!(host.closed(alice), Some((1000, "bye".into())));
}

#[test]
fn a_timer_that_sets_itself_waits_a_millisecond() {
    let mut host = host();
    let alice = host.connect("/rooms/1?user=alice").unwrap();
    host.message(alice, "repeat").unwrap();
    host.advance(Duration::from_millis(2)).unwrap();
    assert_eq!(host.received(alice), ["repeat", "repeat", "repeat"]);
}

#[test]
fn refusals() {
    let mut host = host();
    assert_eq!(host.connect("/rooms"), Err(Error::Refused(404)));
    assert_eq!(host.connect("/halls/1"), Err(Error::Refused(404)));
    assert_eq!(host.connect("/rooms/1?user=nobody"), Err(Error::Refused(401)));
    assert_eq!(host.connect("/rooms/1?user=gone"), Err(Error::Refused(3000)));
}

#[test]
fn store_values_and_time() {
    let mut host = host();
    let alice = host.connect("/rooms/1?user=alice").unwrap();
    assert_eq!(host.message(alice, "overflow"), Err(Error::Limit));
    for text in ["count", "count", "keep", "long", "later"] {
        host.message(alice, text).unwrap();
    }
    assert_eq!(host.received(alice), ["2", "4", "1000"]);
    host.advance(Duration::from_secs(4)).unwrap();
    assert!(host.received(alice).is_empty());
    host.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(host.received(alice), ["later"]);
}

#[test]
fn errors_have_their_numbers() {
    for (code, name) in [
        (-1, "INVALID"),
        (-2, "NOT_FOUND"),
        (-3, "PERM"),
        (-4, "LIMIT"),
        (-5, "STATE"),
        (-6, "TIMEOUT"),
        (-7, "UNAVAILABLE"),
        (-8, "FAILED"),
        (-9, "-9"),
    ] {
        let text = Error::from_code(code).to_string();
        assert!(text.contains(&format!("({name})")), "{code}: {text}");
    }
}
