package providers

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"marketdata/market"
)

// Adapter is a kind of source this build can talk to. Its value is immutable.
type Adapter struct {
	Name         string              // [a-z][a-z0-9_]*
	Capabilities market.Capabilities // by default; an instance's pacing may differ
	// New builds the provider of one instance. Errors: invalid, when the instance lacks or contradicts something.
	New func(Instance, *Client) (Provider, error)
}

// Registry holds the configured provider instances. It is immutable and safe for concurrent use.
type Registry struct {
	names     []string
	providers map[string]Provider
	instances map[string]market.ProviderInstance
}

// RegistryOptions is what a Registry is built from. Decorate surrounds each provider, for instance with its budget;
// nil leaves them as they are.
type RegistryOptions struct {
	Adapters  []Adapter
	Instances []Instance
	Client    *Client
	Decorate  func(Provider) Provider
}

// NewRegistry builds the provider of every instance, also of disabled ones. Errors: invalid, naming every instance that
// cannot be built.
func NewRegistry(o RegistryOptions) (*Registry, error) {
	r := &Registry{providers: map[string]Provider{}, instances: map[string]market.ProviderInstance{}}
	var problems []error
	for _, instance := range o.Instances {
		if err := r.add(o, instance); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, market.Errorf(market.KindInvalid, "%w", errors.Join(problems...))
	}
	slices.Sort(r.names)
	return r, nil
}

func (r *Registry) add(o RegistryOptions, instance Instance) error {
	if !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(instance.Name) {
		return market.Errorf(market.KindInvalid, "provider %q: the name must be lower case letters, digits and _", instance.Name)
	}
	if _, isTaken := r.providers[instance.Name]; isTaken {
		return market.Errorf(market.KindInvalid, "provider %s is configured twice", instance.Name)
	}
	at := slices.IndexFunc(o.Adapters, func(a Adapter) bool { return a.Name == instance.Adapter })
	if at < 0 {
		return market.Errorf(market.KindInvalid, "provider %s: unknown adapter %q: known are %s",
			instance.Name, instance.Adapter, strings.Join(AdapterNames(o.Adapters), " "))
	}
	p, err := o.Adapters[at].New(instance, o.Client)
	if err != nil {
		return market.Errorf(market.KindInvalid, "provider %s: %w", instance.Name, err)
	}
	if o.Decorate != nil {
		p = o.Decorate(p)
	}
	r.names = append(r.names, instance.Name)
	r.providers[instance.Name] = p
	r.instances[instance.Name] = market.ProviderInstance{
		Name: instance.Name, Adapter: instance.Adapter, Synthetic: instance.Synthetic, Enabled: !instance.Disabled,
		Capabilities: p.Capabilities(),
	}
	return nil
}

// Provider returns the provider of an instance, enabled or not. Errors: not_found.
func (r *Registry) Provider(name string) (Provider, error) {
	p, isKnown := r.providers[name]
	if !isKnown {
		return nil, market.Errorf(market.KindNotFound, "there is no provider %q: configured are %s", name, strings.Join(r.names, " "))
	}
	return p, nil
}

// Instances returns all instances, by name.
func (r *Registry) Instances() []market.ProviderInstance {
	instances := make([]market.ProviderInstance, len(r.names))
	for i, name := range r.names {
		instances[i] = r.instances[name]
	}
	return instances
}

// Enabled returns the names of the enabled instances, ascending.
func (r *Registry) Enabled() []string {
	var enabled []string
	for _, name := range r.names {
		if r.instances[name].Enabled {
			enabled = append(enabled, name)
		}
	}
	return enabled
}

// AdapterNames returns the adapters' names in their order.
func AdapterNames(adapters []Adapter) []string {
	names := make([]string, len(adapters))
	for i, a := range adapters {
		names[i] = a.Name
	}
	return names
}

// Paced returns the capabilities with the pacing that the instance overrides.
func (i Instance) Paced(c market.Capabilities) market.Capabilities {
	if i.RequestsPerMinute > 0 {
		c.Pacing.RequestsPerMinute = i.RequestsPerMinute
	}
	if i.WeightPerMinute > 0 {
		c.Pacing.WeightPerMinute = i.WeightPerMinute
	}
	return c
}

// Base returns the instance's base URL, or the adapter's own where none is configured, without a trailing slash.
// Errors: invalid for anything but an absolute http or https URL without query.
func (i Instance) Base(adapters string) (string, error) {
	text := i.BaseURL
	if text == "" {
		text = adapters
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", market.Errorf(market.KindInvalid, "the base URL is not an absolute http or https URL without query")
	}
	return strings.TrimRight(text, "/"), nil
}
