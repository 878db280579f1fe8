// Package all names the adapters that this build has. It is the one place that knows them all; it holds no logic.
//
//	registry, err := providers.NewRegistry(all.Adapters(), instances, client, nil)
package all
