// Package client speaks to the HTTP API of a running azuhost. The answers are the
// types of package host.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/azuhost/azuhost/host"
)

// maxAnswer bounds the body of an answer, in bytes.
const maxAnswer = 32 << 20

// Client is where the API is. It may be used concurrently.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New makes a client for the internal listener at an address such as
// http://127.0.0.1:4001. token may be empty.
func New(address, token string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no address: want one such as http://127.0.0.1:4001", address)
	}
	return &Client{
		base:  strings.TrimSuffix(address, "/") + "/api/v1/",
		token: token,
		// A redirect would take the token along, or lose it.
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Problem is what the API answers with when it does not do something.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Delivery is what went out all the same, of a message for several; nil: nothing.
	Delivery *host.Delivery `json:"delivery,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// Get asks for something and decodes the answer into v.
func (c *Client) Get(ctx context.Context, path string, query url.Values, v any) error {
	return c.do(ctx, "GET", path+"?"+query.Encode(), nil, v)
}

// Post has something done and decodes the answer into v.
func (c *Client) Post(ctx context.Context, path string, body, v any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, "POST", path, b, v)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, v any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+strings.TrimSuffix(path, "?"), bytes.NewReader(body))
	if err != nil {
		return err
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ue := (*url.Error)(nil); errors.As(err, &ue) {
			err = ue.Err // it repeats the address
		}
		at := strings.TrimSuffix(c.base, "/api/v1/")
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the time ran out before %s had answered: %w", at, err)
		}
		return fmt.Errorf("no azuhost answers at %s: %w", at, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the answer of %s: %w", c.base, err)
	}
	switch kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); {
	case kind == "application/problem+json":
		p := &Problem{}
		if json.Unmarshal(b, p) == nil {
			return p
		}
	case res.StatusCode == http.StatusOK && kind == "application/json":
		if err := json.Unmarshal(b, v); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s is not the API of azuhost: it answers with %s", c.base, res.Status)
}

// List goes through a list that comes in pages, until each returns false.
func List[T any](ctx context.Context, c *Client, path string, query url.Values, each func(T) bool) error {
	for {
		var page struct {
			Items []T
			Next  string
		}
		if err := c.Get(ctx, path, query, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if !each(item) {
				return nil
			}
		}
		if page.Next == "" {
			return nil
		}
		query.Set("after", page.Next)
	}
}
