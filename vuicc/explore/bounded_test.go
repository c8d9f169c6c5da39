//go:build !race

package explore

// bounded is how many states of each world every test run looks at.
const bounded = 5000
