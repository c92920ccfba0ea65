//go:build !race

package e2e

// buildFlags make the services as the tests are made.
var buildFlags []string
