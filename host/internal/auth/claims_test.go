package auth

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestClaims(t *testing.T) {
	type claim = map[string]any
	now := time.Now().Unix()
	v := verifier(t, Options{Secret: testSecret})
	for _, c := range []struct {
		change map[string]any
		reason Reason
	}{
		{nil, ""},
		{claim{"exp": nil}, Malformed}, {claim{"exp": "4000000000"}, Malformed}, {claim{"exp": true}, Malformed},
		{claim{"exp": now - 3600}, Expired}, {claim{"exp": 0}, Expired}, {claim{"exp": -1}, Expired},
		{claim{"exp": float64(now) + 60.5}, ""},
		{claim{"exp": math.MaxInt64}, Malformed}, {claim{"exp": 1e300}, Malformed},
		{claim{"nbf": now + 3600}, NotYet}, {claim{"nbf": now - 60}, ""},
		{claim{"nbf": "x"}, Malformed}, {claim{"nbf": 1e300}, Malformed},
		{claim{"iat": now + 3600}, ""}, {claim{"iat": "x"}, Malformed},
		{claim{"iss": nil}, Issuer}, {claim{"iss": "Me"}, Issuer}, {claim{"iss": "me "}, Issuer},
		{claim{"iss": []string{"me"}}, Malformed},
		{claim{"aud": nil}, Audience}, {claim{"aud": "other"}, Audience}, {claim{"aud": []string{}}, Audience},
		{claim{"aud": []string{"x", "other"}}, Audience}, {claim{"aud": []string{"x", "them"}}, ""},
		{claim{"aud": []any{"you", 1}}, Malformed}, {claim{"aud": claim{"you": 1}}, Malformed},
		{claim{"aud": "you them"}, Audience},
		{claim{"sub": nil}, Malformed}, {claim{"sub": ""}, Malformed}, {claim{"sub": 42}, Malformed},
		{claim{"sub": []string{"alice"}}, Malformed},
	} {
		want(t, v, sign(t, HS256, testSecret, claimsOf(c.change), nil), c.reason)
	}
	strict := verifier(t, Options{Secret: testSecret, Subject: func(s string) bool { return s == "alice" }})
	want(t, strict, sign(t, HS256, testSecret, claimsOf(nil), nil), "")
	want(t, strict, sign(t, HS256, testSecret, claimsOf(map[string]any{"sub": "a\nb"}), nil), Malformed)
}

// TestClaimsAsText: ambiguous JSON is refused, and names are compared exactly.
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
		`"alice"`:                                                                      Malformed,
		`null`:                                                                         Malformed,
		``:                                                                             Malformed,
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
		t.Errorf("the token is valid until %s, want no end", got.Until)
	}
}

// TestLeeway checks the limits of validity, to the nanosecond.
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
