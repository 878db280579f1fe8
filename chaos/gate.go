package chaos

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// gate is the way from the workers to the simulator. While it is shut the provider is down: connections break off and no
// new one is taken, but the simulator keeps its log of requests.
type gate struct {
	address, target string
	latency         time.Duration // of every request: the distance to a provider

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]struct{}
}

// Open takes connections.
func (g *gate) Open(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", g.address)
	if err != nil {
		return fmt.Errorf("the way to the simulator: %w", err)
	}
	g.mu.Lock()
	g.listener, g.open = listener, map[net.Conn]struct{}{}
	g.mu.Unlock()
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil { // shut
				return
			}
			go g.carry(from, listener)
		}
	}()
	return nil
}

// Shut ends every connection and takes no new one.
func (g *gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener == nil {
		return
	}
	_ = g.listener.Close() // nothing was written
	g.listener = nil
	for c := range g.open {
		_ = c.Close() // cutting it off is the purpose
	}
	g.open = nil
}

// carry copies both ways until an end closes.
func (g *gate) carry(from net.Conn, through net.Listener) {
	defer func() { _ = from.Close() }()  // the other end has gone, or the gate is shut
	to, err := net.Dial("tcp", g.target) //nolint:noctx // on this machine
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }() // as above
	if !g.keep(through, from, to) {
		return
	}
	defer g.drop(from, to)
	done := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(to, distant{from, g.latency}) // an end closed
		done <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(from, to) // as above
		done <- struct{}{}
	}()
	<-done
}

// distant is a reader whose data arrive late.
type distant struct {
	io.Reader

	latency time.Duration
}

func (d distant) Read(into []byte) (int, error) {
	n, err := d.Reader.Read(into)
	if n > 0 && d.latency > 0 {
		<-time.After(d.latency)
	}
	return n, err
}

// keep remembers the connections, unless the gate was shut meanwhile.
func (g *gate) keep(through net.Listener, connections ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != through {
		return false
	}
	for _, c := range connections {
		g.open[c] = struct{}{}
	}
	return true
}

func (g *gate) drop(connections ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range connections {
		delete(g.open, c)
	}
}
