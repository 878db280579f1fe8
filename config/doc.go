// Package config is the typed configuration of every command: one [Config], read by [Load] from four layers, each
// stronger than the one before:
//
//	defaults < YAML file (--config) < environment (MD_…) < flags
//
// A key such as providers.sim_binance.base_url is MD_PROVIDERS__SIM_BINANCE__BASE_URL in the environment: upper case,
// two underscores between levels. Every secret may instead be named by the file that holds it: database.url_file,
// MD_DATABASE__URL_FILE. Unknown keys and wrong values are refused, all of them at once ([Error]), and whatever is
// printed of a Config shows no secret.
//
// The package does not know which adapters exist: callers pass their names ([Sources].Adapters). It is the only place
// that reads the process environment, and koanf does not leave it.
package config
