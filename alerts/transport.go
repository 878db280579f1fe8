package alerts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"syscall"

	"marketdata/market"
)

// transportError says why no answer came, in words of our own: those of net/http hold the URL and the host.
func transportError(ctx context.Context, webhook string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return market.Errorf(market.KindUnavailable, "webhook %s did not answer: %s", webhook, reasonOf(err))
}

func reasonOf(err error) string {
	var timeout net.Error
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return "the name of its host is not known"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it took too long"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &hostname):
		return "its certificate is not trusted"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS"
	}
	return "the connection broke"
}
