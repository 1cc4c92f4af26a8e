package config

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for s, want := range map[string]Size{
		"0": 0, "1": 1, "64KiB": 65536, "1MiB": 1 << 20, "2GiB": 2 << 30, "5kB": 5000, "5MB": 5e6, "7 B": 7, "1_000": 1000,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "KiB", "-1", "1.5MiB", "1 TiB", "9223372036854775808", "9007199254740992KiB", "0x10"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("ParseSize(%q) = %d", s, got)
		}
	}
}

func TestSizeString(t *testing.T) {
	for s, want := range map[Size]string{
		0: "0", 1: "1", 1000: "1000", 1024: "1KiB", 1536: "1536", 64 * mib: "64MiB", 2 * gib: "2GiB",
	} {
		if got := s.String(); got != want {
			t.Errorf("%d: %s, want %s", int64(s), got, want)
		}
		if back, err := ParseSize(s.String()); err != nil || back != s {
			t.Errorf("%s does not read back: %d, %v", s, back, err)
		}
	}
}

func TestDurationString(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", time.Hour: "1h", 90 * time.Second: "1m30s", 50 * time.Millisecond: "50ms",
		10 * time.Minute: "10m", 20 * time.Second: "20s",
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
		if back, err := ParseDuration(Duration(d).String()); err != nil || time.Duration(back) != d {
			t.Errorf("%v does not read back: %v, %v", d, back, err)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"listen", "internal", "log", "allowed_hosts", "max_connections", "max_connections_per_address"}
	for s, want := range map[string]string{
		"listne": "listen", "Listen": "listen", "lgo": "log", "allowed_host": "allowed_hosts",
		"maxconnections": "max_connections", "zzz": "", "": "", "qwertyuiop": "",
	} {
		if got, _ := nearestName(s, names); got != want {
			t.Errorf("nearestName(%q) = %q, want %q", s, got, want)
		}
	}
}
