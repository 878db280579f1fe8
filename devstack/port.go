package devstack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"syscall"
)

const host = "127.0.0.1"

// Port is a TCP port that the stack needs on the loopback address.
type Port struct {
	Use    string // what it is for, as in "the API"
	Flag   string // how to change it, as in "--api-port"
	Number int    // 0 picks a free one
}

// Address returns host:port.
func (p Port) Address() string { return net.JoinHostPort(host, strconv.Itoa(p.Number)) }

// URL returns the http URL of the port, without a trailing slash.
func (p Port) URL() string { return "http://" + p.Address() }

// PickPorts checks that the ports are free and different, and fills in those that are 0. The error is one line that
// names every port that is in use and its flag.
func PickPorts(ctx context.Context, ports ...*Port) error {
	var taken []string
	owners := make(map[int]*Port)
	for _, p := range ports {
		if other, isTwice := owners[p.Number]; isTwice && p.Number != 0 {
			taken = append(taken, fmt.Sprintf("port %d is asked for twice, by %s and %s", p.Number, other.Flag, p.Flag))
			continue
		}
		owners[p.Number] = p
		listener, err := pick(ctx, p.Number)
		if err != nil {
			taken = append(taken, p.refusal(err))
			continue
		}
		// All stay open until the last is picked, so that no two get the same.
		defer func() { _ = listener.Close() }()
		if address, ok := listener.Addr().(*net.TCPAddr); ok {
			p.Number = address.Port
		}
	}
	if len(taken) > 0 {
		return errors.New(strings.Join(taken, "; "))
	}
	return nil
}

// Free ports are picked from below those that systems hand out to outgoing connections (from 32768 on Linux, 49152
// elsewhere): one of these would be gone again before the child listens.
const (
	lowestFree = 20000
	highest    = 32767
	tries      = 100
)

// pick listens on the port, or on a free one for 0.
func pick(ctx context.Context, port int) (listener net.Listener, err error) {
	if port != 0 {
		return listen(ctx, port)
	}
	for range tries {
		if listener, err = listen(ctx, lowestFree+rand.IntN(highest-lowestFree+1)); err == nil { //nolint:gosec // no secret
			return listener, nil
		}
	}
	return listen(ctx, 0)
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp4", net.JoinHostPort(host, strconv.Itoa(port)))
}

func (p *Port) refusal(err error) string {
	what := "cannot be used (" + err.Error() + ")"
	if errors.Is(err, syscall.EADDRINUSE) {
		what = "is in use"
	}
	return fmt.Sprintf("port %d, for %s, %s: free it or choose another with %s (0 picks a free one)", p.Number, p.Use, what, p.Flag)
}
