// Package alerts says what is worth telling people, in which words, and tells webhooks. It knows neither the database nor
// Temporal: activities feed it with what is so, and bring its messages out.
package alerts
