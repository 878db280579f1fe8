package providers

import (
	"slices"
	"strings"

	"marketdata/market"
)

// Adapter makes the providers of one wire format.
type Adapter struct {
	Name string // as configuration names it
	// New returns the provider of an instance. It makes no request. Errors: invalid.
	New func(Instance, *Client) (Provider, error)
}

// Registry holds the configured provider instances. It does not change and is safe for concurrent use.
type Registry struct {
	byName    map[string]Provider
	instances []market.ProviderInstance
}

// NewRegistry makes the provider of every instance and hands each to decorate, where that is not nil.
// Errors: invalid for an unknown adapter, a name given twice, and what an adapter refuses.
func NewRegistry(adapters []Adapter, instances []Instance, client *Client, decorate func(Provider) Provider) (*Registry, error) {
	r := &Registry{byName: make(map[string]Provider, len(instances))}
	for _, instance := range instances {
		adapter, err := findAdapter(adapters, instance)
		if err != nil {
			return nil, err
		}
		if _, isTaken := r.byName[instance.Name]; isTaken {
			return nil, market.Errorf(market.KindInvalid, "provider %q is configured twice", instance.Name)
		}
		p, err := adapter.New(instance, client)
		if err != nil {
			return nil, market.Errorf(market.KindOf(err), "provider %s: %w", instance.Name, err)
		}
		r.instances = append(r.instances, describe(instance, p.Capabilities()))
		if decorate != nil {
			p = decorate(p)
		}
		r.byName[instance.Name] = p
	}
	slices.SortFunc(r.instances, func(a, b market.ProviderInstance) int { return strings.Compare(a.Name, b.Name) })
	return r, nil
}

// Provider returns the instance's provider, be it enabled or not. Errors: not_found.
func (r *Registry) Provider(name string) (Provider, error) {
	p, ok := r.byName[name]
	if !ok {
		return nil, market.Errorf(market.KindNotFound, "there is no provider %q", name)
	}
	return p, nil
}

// Instances returns all instances by name, with the pacing they are configured with.
func (r *Registry) Instances() []market.ProviderInstance { return slices.Clone(r.instances) }

func findAdapter(adapters []Adapter, instance Instance) (Adapter, error) {
	known := make([]string, 0, len(adapters))
	for _, a := range adapters {
		if a.Name == instance.Adapter {
			return a, nil
		}
		known = append(known, a.Name)
	}
	slices.Sort(known)
	return Adapter{}, market.Errorf(market.KindInvalid, "provider %s: unknown adapter %q: known are %s",
		instance.Name, instance.Adapter, strings.Join(known, ", "))
}

func describe(i Instance, c market.Capabilities) market.ProviderInstance {
	if i.RequestsPerMinute > 0 {
		c.Pacing.RequestsPerMinute = i.RequestsPerMinute
	}
	if i.WeightPerMinute > 0 {
		c.Pacing.WeightPerMinute = i.WeightPerMinute
	}
	return market.ProviderInstance{
		Name: i.Name, Adapter: i.Adapter, Synthetic: i.Synthetic, Enabled: i.Enabled, Capabilities: c,
	}
}
