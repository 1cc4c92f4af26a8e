package auth

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestClaims(t *testing.T) {
	now := time.Now().Unix()
	v := verifier(t, Options{Secret: testSecret})
	for _, c := range []struct {
		change map[string]any
		reason Reason
	}{
		{nil, ""},
		{map[string]any{"exp": nil}, Malformed}, {map[string]any{"exp": "4000000000"}, Malformed}, {map[string]any{"exp": true}, Malformed},
		{map[string]any{"exp": now - 3600}, Expired}, {map[string]any{"exp": 0}, Expired}, {map[string]any{"exp": -1}, Expired},
		{map[string]any{"exp": float64(now) + 60.5}, ""}, {map[string]any{"exp": math.MaxInt64}, Malformed}, {map[string]any{"exp": 1e300}, Malformed},
		{map[string]any{"nbf": now + 3600}, NotYet}, {map[string]any{"nbf": now - 60}, ""}, {map[string]any{"nbf": "x"}, Malformed}, {map[string]any{"nbf": 1e300}, Malformed},
		{map[string]any{"iat": now + 3600}, ""}, {map[string]any{"iat": "x"}, Malformed},
		{map[string]any{"iss": nil}, Issuer}, {map[string]any{"iss": "Me"}, Issuer}, {map[string]any{"iss": "me "}, Issuer}, {map[string]any{"iss": []string{"me"}}, Malformed},
		{map[string]any{"aud": nil}, Audience}, {map[string]any{"aud": "other"}, Audience}, {map[string]any{"aud": []string{}}, Audience},
		{map[string]any{"aud": []string{"x", "other"}}, Audience}, {map[string]any{"aud": []string{"x", "them"}}, ""}, {map[string]any{"aud": []any{"you", 1}}, Malformed},
		{map[string]any{"aud": map[string]any{"you": 1}}, Malformed}, {map[string]any{"aud": "you them"}, Audience},
		{map[string]any{"sub": nil}, Malformed}, {map[string]any{"sub": ""}, Malformed}, {map[string]any{"sub": 42}, Malformed}, {map[string]any{"sub": []string{"alice"}}, Malformed},
	} {
		want(t, v, sign(t, HS256, testSecret, claimsOf(c.change), nil), c.reason)
	}
	strict := verifier(t, Options{Secret: testSecret, Subject: func(s string) bool { return s == "alice" }})
	want(t, strict, sign(t, HS256, testSecret, claimsOf(nil), nil), "")
	want(t, strict, sign(t, HS256, testSecret, claimsOf(map[string]any{"sub": "a\nb"}), nil), Malformed)
}

// TestClaimsAsText: JSON that two readers could read differently is refused, and
// names are compared exactly.
func TestClaimsAsText(t *testing.T) {
	v := verifier(t, Options{Secret: testSecret})
	for text, reason := range map[string]Reason{
		`{"sub":"alice","exp":4000000000,"iss":"me","aud":"you"}`:                      "",
		`{"sub":"bob","sub":"alice","exp":4000000000,"iss":"me","aud":"you"}`:          Malformed,
		`{"sub":"alice","exp":1,"exp":4000000000,"iss":"me","aud":"you"}`:              Malformed,
		`{"sub":"alice","\u0065xp":4000000000,"exp":1,"iss":"me","aud":"you"}`:         Malformed,
		`{"sub":"alice","exp":4000000000,"iss":"me","aud":"you","x":{"a":1,"a":2}}`:    Malformed,
		`{"SUB":"alice","exp":4000000000,"iss":"me","aud":"you"}`:                      Malformed,
		`{"sub":"alice","Exp":4000000000,"iss":"me","aud":"you"}`:                      Malformed,
		`{"sub":"alice","exp":4000000000,"iss":"me","aud":"you","Sub":"root","EXP":1}`: "",
		`{"sub":"alice","exp":null,"iss":"me","aud":"you"}`:                            Malformed,
		`{"sub":null,"exp":4000000000,"iss":"me","aud":"you"}`:                         Malformed,
		`{"sub":"alice","exp":4000000000,"iss":"me","aud":null}`:                       Malformed,
		`{"sub":"alice","exp":4000000000,"iss":"me","aud":"you"} {}`:                   Malformed,
		`{"sub":"alice","exp":4000000000,"iss":"me","aud":"you",}`:                     Malformed,
		"{\"sub\":\"a\xff\",\"exp\":4000000000,\"iss\":\"me\",\"aud\":\"you\"}":        Malformed,
		`[{"sub":"alice","exp":4000000000}]`:                                           Malformed,
		`"alice"`:                                                                      Malformed, `null`: Malformed, ``: Malformed,
	} {
		if _, err := v.Verify(t.Context(), sign(t, HS256, testSecret, text, nil)); (err == nil) != (reason == "") {
			t.Errorf("%s: %v", text, err)
		}
		want(t, v, sign(t, HS256, testSecret, text, nil), reason)
	}
}

func TestNothingPinned(t *testing.T) {
	v, err := New(Options{Secret: testSecret, AllowNoExpiry: true})
	if err != nil {
		t.Fatal(err)
	}
	want(t, v, sign(t, HS256, testSecret, `{"sub":"alice"}`, nil), "")
	want(t, v, sign(t, HS256, testSecret, `{"sub":"alice","iss":"anybody"}`, nil), "")
	want(t, v, sign(t, HS256, testSecret, `{"sub":"alice","aud":"somebody else"}`, nil), Audience)
	if got, _ := v.Verify(t.Context(), sign(t, HS256, testSecret, `{"sub":"alice"}`, nil)); !got.Until.IsZero() {
		t.Errorf("it ends at %s", got.Until)
	}
}

// TestLeeway: the edges, to the nanosecond.
func TestLeeway(t *testing.T) {
	for leeway, effective := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Minute: time.Minute, -1: 0} {
		synctest.Test(t, func(t *testing.T) {
			v := verifier(t, Options{Secret: testSecret, Leeway: leeway})
			start := time.Now()
			exp, nbf := start.Add(time.Hour), start.Add(10*time.Minute)
			token := sign(t, HS256, testSecret, claimsOf(map[string]any{"exp": exp.Unix(), "nbf": nbf.Unix()}), nil)
			for _, step := range []struct {
				at     time.Time
				reason Reason
			}{
				{nbf.Add(-effective - 1), NotYet}, {nbf.Add(-effective), ""},
				{exp.Add(effective - 1), ""}, {exp.Add(effective), Expired}, {exp.Add(effective + time.Hour), Expired},
			} {
				time.Sleep(time.Until(step.at))
				want(t, v, token, step.reason)
			}
		})
	}
}
