package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

const (
	envImage     = "MARKETDATA_TEST_POSTGRES_IMAGE"
	defaultImage = "postgres:17-alpine"

	// These bound how long Docker is waited for, and then the pull and the start, before the private server is taken
	// instead. Where the image was chosen, no other will do, and both have the patience of a test.
	answerTimeout    = 2 * time.Second
	containerTimeout = 90 * time.Second
)

// isContainerWanted reports whether somebody chose the image: then another server would prove something else.
func isContainerWanted() bool {
	return os.Getenv(envImage) != "" //nolint:forbidigo // the tests' own setting
}

// container runs PostgreSQL in a container. The error says why there is none.
func container(ctx context.Context) (s server, err error) {
	defer func() { // the library panics on some broken Docker settings
		if r := recover(); r != nil {
			err = fmt.Errorf("docker: %v", r)
		}
	}()
	if err := answers(ctx); err != nil {
		return s, err
	}
	image := os.Getenv(envImage) //nolint:forbidigo // the tests' own setting
	if image == "" {
		image = defaultImage
	}
	ctx, cancel := context.WithTimeout(ctx, within(containerTimeout))
	defer cancel()
	c, err := postgres.Run(ctx, image, postgres.WithDatabase("marketdata"), postgres.WithUsername("marketdata"),
		postgres.WithPassword("marketdata"), postgres.BasicWaitStrategies(),
		testcontainers.WithCmd("postgres", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "jit=off",
			"-c", "max_connections=200"))
	stop := func() {
		_ = testcontainers.TerminateContainer(c) // its data are thrown away
	}
	if err != nil {
		stop()
		return s, fmt.Errorf("image %s: %w", image, err)
	}
	admin, err := c.ConnectionString(ctx, "sslmode=disable")
	if err != nil {
		stop()
		return s, err
	}
	return server{admin: admin, origin: "container of " + image, stop: stop}, nil
}

// within is how long is waited where usual is enough to take another server.
func within(usual time.Duration) time.Duration {
	if isContainerWanted() {
		return patience
	}
	return usual
}

// answers reports whether Docker is there.
func answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within(answerTimeout))
	defer cancel()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return errors.New("docker is not there")
	}
	defer func() { _ = provider.Close() }() // only asked whether it lives
	if err := provider.Health(ctx); err != nil {
		return errors.New("docker does not answer")
	}
	return nil
}
