package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. In files it is a plain number or has a unit:
// B, KiB, MiB, GiB (powers of 1024), kB, MB, GB (powers of 1000).
type Size int64

const (
	kib Size = 1 << 10
	mib Size = 1 << 20
	gib Size = 1 << 30
)

// sizeUnits is in the order in which suffixes are tried.
var sizeUnits = []struct {
	name string
	size Size
}{
	{"KiB", kib}, {"MiB", mib}, {"GiB", gib},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

var errSize = errors.New(`is not a size: write bytes, or a unit as in "64KiB" or "1MiB"`)

// ParseSize reads a size.
func ParseSize(s string) (Size, error) {
	digits, unit := s, Size(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			digits, unit = strings.TrimRight(rest, " "), u.size
			break
		}
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(digits, "_", ""), 10, 63)
	if err != nil {
		return 0, errSize
	}
	if Size(n) > math.MaxInt64/unit {
		return 0, errors.New("is too large")
	}
	return Size(n) * unit, nil
}

// String writes the size with the largest unit that divides it.
func (s Size) String() string {
	for _, u := range []struct {
		name string
		size Size
	}{{"GiB", gib}, {"MiB", mib}, {"KiB", kib}} {
		if s != 0 && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

func (s *Size) set(text string) (err error) {
	*s, err = ParseSize(text)
	return err
}

// Duration is a time.Duration that files write in Go's style: 50ms, 1m30s.
type Duration time.Duration

// ParseDuration reads a duration, which is not negative.
func ParseDuration(s string) (Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		if _, num := strconv.ParseFloat(s, 64); num == nil {
			return 0, fmt.Errorf(`has no unit: write it as in "%sms" or "%ss"`, s, s)
		}
		return 0, errors.New(`is not a duration: write it as in "50ms", "25s" or "1m30s"`)
	}
	if d < 0 {
		return 0, errors.New("is negative")
	}
	return Duration(d), nil
}

// String writes the duration without units that are zero: 1m, not 1m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (d *Duration) set(text string) (err error) {
	*d, err = ParseDuration(text)
	return err
}

// Path is the path of a file or folder. A relative one in a config file is
// relative to that file's folder, in flags and variables to the working folder.
type Path string

// Secret is a string that is not printed. White space around it does not count:
// it comes with the end of a line, and what it is compared with has none.
type Secret string

const masked = "(set)"

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString hides the secret.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

func (s *Secret) parse(text string) error {
	*s = Secret(strings.TrimSpace(text))
	if *s == "" && text != "" {
		return errors.New("there is only white space in it: write the secret, or leave it out")
	}
	return nil
}
