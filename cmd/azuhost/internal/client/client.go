// Package client calls the HTTP API of a running azuhost. The answers decode into types of package host.
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

// Client calls the API of one azuhost. Its methods may be called concurrently.
type Client struct {
	address string
	token   string
	http    *http.Client
}

// New returns a client of the internal listener at an address such as http://127.0.0.1:4001. token may be empty.
func New(address, token string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || !isAddress(u) {
		return nil, fmt.Errorf("%q is not an address: write one such as http://127.0.0.1:4001", address)
	}
	return &Client{
		address: strings.TrimSuffix(address, "/"),
		token:   token,
		// A redirect is not followed: it could send the token to another host, or drop it.
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// isAddress reports whether u is an HTTP URL without a user, a query and a fragment.
func isAddress(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	return u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// Problem is the error that the API answers with.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Delivery says where a publication went before it failed. It is nil if it went nowhere.
	Delivery *host.Delivery `json:"delivery,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// Get sends a GET request and decodes the answer into answer. An error of the API is a *Problem.
func (c *Client) Get(ctx context.Context, path string, query url.Values, answer any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, answer)
}

// Post sends a POST request with body as JSON and decodes the answer into answer. An error of the API is a *Problem.
func (c *Client) Post(ctx context.Context, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, b, answer)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.address+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.requestError(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.address, err)
	}
	switch kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); {
	case kind == "application/problem+json":
		p := &Problem{}
		if json.Unmarshal(b, p) == nil {
			return p
		}
	case res.StatusCode == http.StatusOK && kind == "application/json":
		if err := json.Unmarshal(b, answer); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s is not the internal listener of azuhost: it answers with %s", c.address, res.Status)
}

// requestError returns err, an error of http.Client.Do, with the address once.
func (c *Client) requestError(err error) error {
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		err = ue.Err // without the URL
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer in time: %w", c.address, err)
	}
	return fmt.Errorf("no azuhost answers at %s: %w", c.address, err)
}

// List calls each for the items of a list, which the API answers in pages, until each returns false.
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
