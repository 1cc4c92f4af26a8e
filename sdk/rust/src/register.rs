/// Registers a type as the channel of this program. The type implements `Default` and [`Channel`](crate::Channel). A
/// list after the type names the hooks that are traits of their own, such as [`OnTimer`](crate::OnTimer):
///
/// ```
/// # use azuhost::{Channel, Conn, OnTimer, Result};
/// #[derive(Default)]
/// struct Clock;
///
/// impl Channel for Clock {}
///
/// impl OnTimer for Clock {
///     fn on_timer(&mut self, _conn: Option<Conn>, name: &str) -> Result {
///         azuhost::broadcast(name)
///     }
/// }
///
/// azuhost::register!(Clock, on_timer);
/// ```
///
/// The program does not compile if a trait is implemented and its hook is not named, or a hook is named and its trait
/// is not implemented:
///
/// ```compile_fail,E0080
/// # use azuhost::{Channel, Conn, OnTimer, Result};
/// # #[derive(Default)]
/// # struct Clock;
/// # impl Channel for Clock {}
/// # impl OnTimer for Clock {
/// #     fn on_timer(&mut self, _conn: Option<Conn>, name: &str) -> Result {
/// #         azuhost::broadcast(name)
/// #     }
/// # }
/// azuhost::register!(Clock);
/// ```
#[macro_export]
macro_rules! register {
    ($channel:ty $(, $hook:ident)* $(,)?) => {
        const _: () = {
            // Probe has an inherent constant for each trait that the channel implements. The compiler prefers it to
            // the constant of the trait NoHooks, which Probe always has.
            struct Probe<T>(core::marker::PhantomData<T>);
            #[allow(dead_code)]
            trait NoHooks {
                const ON_TIMER: bool = false;
                const ON_PRESENCE: bool = false;
                const ON_PUBLISH: bool = false;
                const ON_PING: bool = false;
                const ON_PONG: bool = false;
            }
            impl<T> NoHooks for Probe<T> {}
            #[allow(dead_code)]
            impl<T: $crate::OnTimer> Probe<T> { const ON_TIMER: bool = true; }
            #[allow(dead_code)]
            impl<T: $crate::OnPresence> Probe<T> { const ON_PRESENCE: bool = true; }
            #[allow(dead_code)]
            impl<T: $crate::OnPublish> Probe<T> { const ON_PUBLISH: bool = true; }
            #[allow(dead_code)]
            impl<T: $crate::OnPing> Probe<T> { const ON_PING: bool = true; }
            #[allow(dead_code)]
            impl<T: $crate::OnPong> Probe<T> { const ON_PONG: bool = true; }
            const NAMED: &[&str] = &[$(stringify!($hook)),*];
            assert!(
                !Probe::<$channel>::ON_TIMER || $crate::hook::named(NAMED, "on_timer"),
                "the channel implements OnTimer: name on_timer in register!"
            );
            assert!(
                !Probe::<$channel>::ON_PRESENCE || $crate::hook::named(NAMED, "on_presence"),
                "the channel implements OnPresence: name on_presence in register!"
            );
            assert!(
                !Probe::<$channel>::ON_PUBLISH || $crate::hook::named(NAMED, "on_publish"),
                "the channel implements OnPublish: name on_publish in register!"
            );
            assert!(
                !Probe::<$channel>::ON_PING || $crate::hook::named(NAMED, "on_ping"),
                "the channel implements OnPing: name on_ping in register!"
            );
            assert!(
                !Probe::<$channel>::ON_PONG || $crate::hook::named(NAMED, "on_pong"),
                "the channel implements OnPong: name on_pong in register!"
            );
        };

        // On native targets nothing is exported. This line checks that the type implements Default there, too.
        const _: fn() -> $channel = <$channel as core::default::Default>::default;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            static mut CHANNEL: Option<$channel> = None;

            /// Returns the channel. No other reference exists: a guest has one thread, and runs one hook at a time.
            fn channel() -> &'static mut $channel {
                unsafe { (*core::ptr::addr_of_mut!(CHANNEL)).get_or_insert_with(Default::default) }
            }

            #[no_mangle]
            extern "C" fn azu_v1() -> u64 {
                channel();
                $crate::hook::version()
            }
            #[no_mangle]
            extern "C" fn on_load(len: u32) -> i32 {
                $crate::hook::load(channel(), len)
            }
            #[no_mangle]
            extern "C" fn on_connect(conn: u64, len: u32) -> i32 {
                $crate::hook::connect(channel(), conn, len)
            }
            #[no_mangle]
            extern "C" fn on_message(conn: u64, len: u32, kind: i32) -> i32 {
                $crate::hook::message(channel(), conn, len, kind)
            }
            #[no_mangle]
            extern "C" fn on_close(conn: u64, len: u32, code: i32) -> i32 {
                $crate::hook::close(channel(), conn, len, code)
            }
            $($crate::register!(@$hook);)*
        };
    };
    (@on_timer) => {
        #[no_mangle]
        extern "C" fn on_timer(conn: u64, len: u32) -> i32 {
            $crate::hook::timer(channel(), conn, len)
        }
    };
    (@on_presence) => {
        #[no_mangle]
        extern "C" fn on_presence(len: u32, event: i32) -> i32 {
            $crate::hook::presence(channel(), len, event)
        }
    };
    (@on_publish) => {
        #[no_mangle]
        extern "C" fn on_publish(len: u32, kind: i32) -> i32 {
            $crate::hook::publish(channel(), len, kind)
        }
    };
    (@on_ping) => {
        #[no_mangle]
        extern "C" fn on_ping(conn: u64, len: u32) -> i32 {
            $crate::hook::ping(channel(), conn, len)
        }
    };
    (@on_pong) => {
        #[no_mangle]
        extern "C" fn on_pong(conn: u64, len: u32) -> i32 {
            $crate::hook::pong(channel(), conn, len)
        }
    };
}
