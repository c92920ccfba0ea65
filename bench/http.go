package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client is that of the measurements which need to look at answers. Those which
// need as many as there can be use wrk.
type client struct{ http.Client }

func newClient() *client {
	return &client{http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections},
	}}
}

// do sends JSON, or nothing if in is nil, and returns the body of an answer with
// the wanted status.
func (c *client) do(ctx context.Context, method, url string, in any, want int) ([]byte, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("%s %s: %s: %.200s", method, url, res.Status, out)
	}
	return out, err
}

func (c *client) get(ctx context.Context, url string, out any) error {
	body, err := c.do(ctx, http.MethodGet, url, nil, http.StatusOK)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, out)
}

// create sends JSON and returns the id of what was made of it.
func (c *client) create(ctx context.Context, url string, in any) (id string, err error) {
	body, err := c.do(ctx, http.MethodPost, url, in, http.StatusCreated)
	if err != nil {
		return "", err
	}
	var made struct{ ID string }
	err = json.Unmarshal(body, &made)
	return made.ID, err
}
