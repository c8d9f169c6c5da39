//go:build race

package explore

// bounded is smaller with the race detector: it slows a coroutine down tenfold.
const bounded = 800
