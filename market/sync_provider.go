package market

import "slices"

// CanSync reports which provider can keep which interval fresh: one that is enabled and has it.
func CanSync(instances []ProviderInstance) func(provider string, interval Interval) bool {
	return func(provider string, interval Interval) bool {
		return slices.ContainsFunc(instances, func(i ProviderInstance) bool {
			return i.Name == provider && i.Enabled && i.Supports(interval)
		})
	}
}
