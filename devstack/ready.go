package devstack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = 500 * time.Millisecond
	oneCheck  = 5 * time.Second // the longest a single check may take
)

// poll calls check, ever less often, until it returns nil, within has passed, ctx ends or ended is closed. The error is
// check's last.
func poll(ctx context.Context, within time.Duration, check func(context.Context) error, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		once, stop := context.WithTimeout(ctx, oneCheck)
		err := check(once)
		stop()
		if err == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ended:
			timer.Stop()
			return err
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("not ready after %s: %w", within, err)
		}
	}
}

// HTTPReady returns a check that the URL answers with 200.
func HTTPReady(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// TCPReady returns a check that the address takes connections.
func TCPReady(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}
