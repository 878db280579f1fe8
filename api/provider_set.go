package api

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

// providerSet is the configured provider instances.
type providerSet []market.ProviderInstance

// find returns the instance of the name, whether enabled or not.
func (p providerSet) find(name string) (market.ProviderInstance, bool) {
	for _, instance := range p {
		if instance.Name == name {
			return instance, true
		}
	}
	return market.ProviderInstance{}, false
}

// names lists the instances for people.
func (p providerSet) names() string {
	if len(p) == 0 {
		return "none"
	}
	names := make([]string, len(p))
	for i, instance := range p {
		names[i] = instance.Name
	}
	return strings.Join(names, ", ")
}

type providerSetKey struct{}

// provideInstances is a middleware of operations whose body is checked against the configured providers: checks of a
// body run inside huma, which hands them the request's context only, so that all its faults are told at once.
func (s *server) provideInstances(ctx huma.Context, next func(huma.Context)) {
	next(huma.WithValue(ctx, providerSetKey{}, s.providers))
}

// instancesOf returns what provideInstances left.
func instancesOf(ctx context.Context) providerSet {
	instances, _ := ctx.Value(providerSetKey{}).(providerSet)
	return instances
}
