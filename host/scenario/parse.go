package scenario

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Script is a parsed scenario.
type Script struct {
	// Name is the file that errors name.
	Name  string
	lines []line

	// The route; zero values where the script says nothing.
	path   string
	config map[string]any
	grace  time.Duration
}

// line is a line of a script.
type line struct {
	n    int // from 1
	text string
	do   step
}

// step plays a line.
type step func(p *player) error

// Error says that a line of a script is wrong (Why), or that something else
// happened than it expects (Expected and Got).
type Error struct {
	File          string
	Line          int
	Text          string // of the line
	Why           string
	Expected, Got string
}

func (e *Error) Error() string {
	out := fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
	if e.Why != "" {
		return out + "\n  " + e.Why
	}
	return fmt.Sprintf("%s\n  expected  %s\n  got       %s", out, e.Expected, e.Got)
}

// Parse parses a script. Errors, which are of type *Error, have name as the file.
func Parse(name, text string) (*Script, error) {
	s := &Script{Name: name}
	for i, text := range strings.Split(text, "\n") {
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		l := line{n: i + 1, text: text}
		var err error
		if l.do, err = s.parse(text); err != nil {
			return nil, &Error{File: name, Line: l.n, Text: text, Why: err.Error()}
		}
		if l.do != nil {
			s.lines = append(s.lines, l)
		}
	}
	return s, nil
}

// cutWord cuts the first word off.
func cutWord(text string) (first, rest string) {
	first, rest, _ = strings.Cut(text, " ")
	return first, strings.TrimLeft(rest, " ")
}

// parse parses a line. do is nil for a line about the route.
func (s *Script) parse(text string) (do step, err error) {
	first, rest := cutWord(text)
	switch first {
	case "path":
		s.path = rest
		return nil, nil
	case "config":
		if err := json.Unmarshal([]byte(rest), &s.config); err != nil {
			return nil, fmt.Errorf("the config is no JSON object: %w", err)
		}
		return nil, nil
	case "grace":
		s.grace, err = time.ParseDuration(rest)
		if s.grace == 0 {
			s.grace = -1 // no grace; 0 means the default
		}
		return nil, err
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("%q is no time: write 5s, 300ms or 1h", rest)
		}
		return func(p *player) error { return p.sim.advance(d) }, nil
	case "publish":
		return parsePublish(rest)
	case "log":
		if pattern, ok := strings.CutPrefix(rest, "has "); ok {
			return func(p *player) error { return p.logHas(pattern) }, nil
		}
		return nil, fmt.Errorf("want: log has TEXT")
	}
	verb, rest := cutWord(rest)
	return s.parseClient(first, verb, rest)
}

var errUnknownLine = errors.New("unknown line: want NAME connects, sends, receives, pings, ignores the rest, " +
	"disconnects, vanishes, is closed with, or is refused; wait, publish, log has, path, config, or grace; or a # comment")

// parseClient parses a line about a client.
func (s *Script) parseClient(name, verb, rest string) (step, error) {
	switch verb {
	case "connects":
		return s.parseConnect(name, rest)
	case "sends":
		m, err := parseMessage(rest)
		return func(p *player) error { return p.send(name, m) }, err
	case "pings":
		return func(p *player) error { return p.ping(name) }, nil
	case "receives":
		if rest == "nothing" {
			return func(p *player) error { return p.receiveNothing(name) }, nil
		}
		m, err := parseMessage(rest)
		return func(p *player) error { return p.receive(name, m) }, err
	case "ignores":
		if rest != "the rest" {
			return nil, fmt.Errorf("want: %s ignores the rest", name)
		}
		return func(p *player) error { return p.ignore(name) }, nil
	case "disconnects":
		code, reason, err := parseClose(rest)
		return func(p *player) error { return p.disconnect(name, code, reason) }, err
	case "vanishes":
		return func(p *player) error { return p.vanish(name) }, nil
	case "is":
		state, rest := cutWord(rest)
		if with, ok := strings.CutPrefix(rest, "with "); ok && state == "closed" {
			code, reason, err := parseClose("with " + with)
			return func(p *player) error { return p.closed(name, code, reason) }, err
		}
		if state == "refused" {
			return s.parseRefused(name, rest)
		}
	}
	return nil, errUnknownLine
}

// parseConnect parses: /path?query with Name: value, Name: value
func (s *Script) parseConnect(name, rest string) (step, error) {
	target, headers, err := s.parseRequest(rest)
	if err != nil {
		return nil, err
	}
	return func(p *player) error { return p.connect(name, target, headers) }, nil
}

// parseRefused parses: /path?query with 403
func (s *Script) parseRefused(name, rest string) (step, error) {
	before, code, ok := cutLast(rest, " with ")
	status, err := strconv.Atoi(code)
	if !ok || err != nil {
		return nil, fmt.Errorf("want: %s is refused /path with 403", name)
	}
	target, headers, err := s.parseRequest(before)
	if err != nil {
		return nil, err
	}
	return func(p *player) error { return p.refused(target, headers, status) }, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// parseRequest parses a target and headers. The path of the first target becomes
// the path of the route, unless the script has one.
func (s *Script) parseRequest(text string) (target string, headers map[string]string, err error) {
	target, with, _ := strings.Cut(text, " with ")
	u, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") {
		return "", nil, fmt.Errorf("%q is no path, as in /rooms/42?name=alice", target)
	}
	if s.path == "" {
		s.path = u.Path
	}
	headers = map[string]string{}
	for pair := range strings.SplitSeq(with, ", ") {
		if pair == "" {
			continue
		}
		k, v, ok := strings.Cut(pair, ": ")
		if !ok {
			return "", nil, fmt.Errorf("%q is no header, as in X-Name: value", pair)
		}
		headers[k] = v
	}
	return target, headers, nil
}

// parseMessage parses a message: text, or "bytes" and hexadecimal digits.
func parseMessage(text string) (message, error) {
	digits, ok := strings.CutPrefix(text, "bytes")
	if !ok || digits != "" && digits[0] != ' ' {
		return message{websocket.MessageText, text}, nil
	}
	data, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		return message{}, fmt.Errorf("want hexadecimal digits, as in bytes 00 ff: %w", err)
	}
	return message{websocket.MessageBinary, string(data)}, nil
}

// parseClose parses: with 1000 and a reason
func parseClose(text string) (code int, reason string, err error) {
	if text == "" {
		return 1000, "", nil
	}
	digits, reason := cutWord(strings.TrimPrefix(text, "with "))
	code, err = strconv.Atoi(digits)
	if err != nil {
		return 0, "", fmt.Errorf("%q is no close code, as in: with 1000 bye", digits)
	}
	return code, reason, nil
}

// parsePublish parses: to room NAME: message, to user NAME: message, to all: message
func parsePublish(rest string) (step, error) {
	to, text, ok := strings.Cut(strings.TrimPrefix(rest, "to "), ": ")
	kind, name := cutWord(to)
	if !ok || kind != "all" && (kind != "room" && kind != "user" || name == "") {
		return nil, fmt.Errorf("want: publish to room NAME: MESSAGE, with user NAME or all in place of the room")
	}
	m, err := parseMessage(text)
	return func(p *player) error { return p.publish(kind, name, m) }, err
}
