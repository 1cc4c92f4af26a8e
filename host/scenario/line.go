package scenario

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Script is a scenario that has been read.
type Script struct {
	Name  string
	lines []line
	// What the route is, as far as the script says.
	path   string
	config map[string]any
	grace  time.Duration
}

// line is a line of a script.
type line struct {
	n    int
	text string
	do   func(p *play) error
}

// Error is what is wrong with a line of a script, or what did not come about.
type Error struct {
	File string
	Line int
	Text string // of the line
	// Why; or what was expected, and what there was.
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

// Parse reads a script. name is for errors.
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

// word cuts the first word off.
func word(text string) (first, rest string) {
	first, rest, _ = strings.Cut(text, " ")
	return first, strings.TrimLeft(rest, " ")
}

// parse reads a line. do is nil for what says something about the route.
func (s *Script) parse(text string) (do func(p *play) error, err error) {
	first, rest := word(text)
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
			s.grace = -1 // none; 0 is the default
		}
		return nil, err
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("%q is no time: write 5s, 300ms or 1h", rest)
		}
		return func(p *play) error { return p.world.advance(d) }, nil
	case "publish":
		return parsePublish(rest)
	case "log":
		if pattern, ok := strings.CutPrefix(rest, "has "); ok {
			return func(p *play) error { return p.logHas(pattern) }, nil
		}
		return nil, fmt.Errorf("want: log has TEXT")
	}
	verb, rest := word(rest)
	return s.parseClient(first, verb, rest)
}

// parseClient reads a line about a client.
func (s *Script) parseClient(name, verb, rest string) (func(p *play) error, error) {
	switch verb {
	case "connects":
		return s.parseConnect(name, rest)
	case "sends":
		kind, data, err := message(rest)
		return func(p *play) error { return p.send(name, kind, data) }, err
	case "pings":
		return func(p *play) error { return p.ping(name, rest) }, nil
	case "receives":
		if rest == "nothing" {
			return func(p *play) error { return p.receiveNothing(name) }, nil
		}
		kind, data, err := message(rest)
		return func(p *play) error { return p.receive(name, kind, data) }, err
	case "ignores":
		if rest != "the rest" {
			return nil, fmt.Errorf("want: %s ignores the rest", name)
		}
		return func(p *play) error { return p.ignore(name) }, nil
	case "disconnects":
		code, reason, err := closing(rest)
		return func(p *play) error { return p.disconnect(name, code, reason) }, err
	case "vanishes":
		return func(p *play) error { return p.vanish(name) }, nil
	case "is":
		state, rest := word(rest)
		if with, ok := strings.CutPrefix(rest, "with "); ok && state == "closed" {
			code, reason, err := closing("with " + with)
			return func(p *play) error { return p.closed(name, code, reason) }, err
		}
		if state == "refused" {
			return s.parseRefused(name, rest)
		}
	}
	return nil, fmt.Errorf(
		"this says nothing that is known: a line is NAME connects, sends, receives, pings, ignores the rest, disconnects, vanishes, is closed with, is refused; or wait, publish, log has, path, config, grace; or a # comment",
	)
}

// parseConnect reads: /path?query with Name: value, Name: value
func (s *Script) parseConnect(name, rest string) (func(p *play) error, error) {
	target, headers, err := s.request(rest)
	if err != nil {
		return nil, err
	}
	return func(p *play) error { return p.connect(name, target, headers) }, nil
}

// parseRefused reads: /path?query with 403
func (s *Script) parseRefused(name, rest string) (func(p *play) error, error) {
	before, code, ok := cutLast(rest, " with ")
	status, err := strconv.Atoi(code)
	if !ok || err != nil {
		return nil, fmt.Errorf("want: %s is refused /path with 403", name)
	}
	target, headers, err := s.request(before)
	if err != nil {
		return nil, err
	}
	return func(p *play) error { return p.refused(name, target, headers, status) }, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// request reads a target and headers. The first target gives the route's
// pattern, where the script does not.
func (s *Script) request(text string) (target string, headers map[string]string, err error) {
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

// message reads a message: text, or "bytes" and hexadecimal digits.
func message(text string) (websocket.MessageType, string, error) {
	digits, ok := strings.CutPrefix(text, "bytes")
	if !ok || digits != "" && digits[0] != ' ' {
		return websocket.MessageText, text, nil
	}
	data, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		return 0, "", fmt.Errorf("want hexadecimal digits, as in bytes 00 ff: %w", err)
	}
	return websocket.MessageBinary, string(data), nil
}

// closing reads: with 1000 and a reason
func closing(text string) (code int, reason string, err error) {
	if text == "" {
		return 1000, "", nil
	}
	digits, reason := word(strings.TrimPrefix(text, "with "))
	code, err = strconv.Atoi(digits)
	if err != nil {
		return 0, "", fmt.Errorf("%q is no close code, as in: with 1000 bye", digits)
	}
	return code, reason, nil
}

// parsePublish reads: to room NAME: message, to user NAME: message, to all: message
func parsePublish(rest string) (func(p *play) error, error) {
	to, text, ok := strings.Cut(strings.TrimPrefix(rest, "to "), ": ")
	kind, name := word(to)
	if !ok || kind != "all" && (kind != "room" && kind != "user" || name == "") {
		return nil, fmt.Errorf("want: publish to room NAME: MESSAGE, with user NAME or all in place of the room")
	}
	typ, data, err := message(text)
	return func(p *play) error { return p.publish(kind, name, typ, data) }, err
}
