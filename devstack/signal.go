package devstack

import (
	"fmt"
	"syscall"
)

// PID returns the process id of a child that runs.
func (s *Stack) PID(name string) (int, error) {
	c := s.child(name)
	if c == nil {
		return 0, fmt.Errorf("%s does not run", name)
	}
	return c.process.PID, nil
}

// Kill ends a child, if it runs, at once and without a word, as a crash would, and returns when its process is gone. It
// is not started again.
func (s *Stack) Kill(name string) {
	c := s.child(name)
	if c == nil {
		return
	}
	c.isStopping.Store(true)
	select {
	case <-c.ended: // its pid may be another's by now
	default:
		signalGroup(c.process.PID, syscall.SIGKILL)
		<-c.ended
	}
	s.forget(c)
}

// Freeze stops a child where it stands, without its noticing, until Thaw; StopChild, Kill and Close end it all the same.
func (s *Stack) Freeze(name string) error { return s.signal(name, syscall.SIGSTOP) }

// Thaw lets a frozen child go on.
func (s *Stack) Thaw(name string) error { return s.signal(name, syscall.SIGCONT) }

func (s *Stack) signal(name string, signal syscall.Signal) error {
	c := s.child(name)
	if c == nil {
		return fmt.Errorf("%s does not run", name)
	}
	select {
	case <-c.ended:
		return c.failure()
	default:
		signalGroup(c.process.PID, signal)
		return nil
	}
}
