package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. A file has it as a plain number or with a unit: B, KiB, MiB, GiB (powers of 1024), kB, MB,
// GB (powers of 1000).
type Size int64

const (
	kib Size = 1 << 10
	mib Size = 1 << 20
	gib Size = 1 << 30
)

// sizeUnits lists the units in the order in which ParseSize tries them as suffixes.
var sizeUnits = []struct {
	name string
	size Size
}{
	{"KiB", kib}, {"MiB", mib}, {"GiB", gib},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

var errSize = errors.New(`is not a size: write bytes, or a unit as in "64KiB" or "1MiB"`)

// ParseSize parses a size.
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

// String returns the size with the largest unit of 1024 that divides it.
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

// Duration is a time.Duration. A file has it in the format of time.ParseDuration: 50ms, 1m30s.
type Duration time.Duration

// ParseDuration parses a duration. A negative one is an error.
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

// String returns the duration without trailing units that are zero: 1m, not 1m0s.
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

// Path is the path of a file or folder. In a config file, a relative path is relative to the folder of the file. In
// variables and flags, it is relative to the working folder.
type Path string

// Secret is a string that is not printed. It has no white space around it, which usually comes from the end of a line.
type Secret string

// masked is printed in place of a secret.
const masked = "(set)"

// String returns a mask, or an empty string if the secret is empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString returns a mask, or an empty string if the secret is empty, in quotes.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

func (s *Secret) parse(text string) error {
	*s = Secret(strings.TrimSpace(text))
	if *s == "" && text != "" {
		return errors.New("it has only white space: write the secret, or remove the key")
	}
	return nil
}
