package explore

import "math/rand"

// Stories are the traces of some states of a world, chosen by chance, for tests outside.
func Stories(w World, limit, n int, chance *rand.Rand) ([]string, error) {
	s, err := searched(w, limit)
	if err != nil {
		return nil, err
	}
	var out []string
	for range n {
		out = append(out, s.trace(s.nodes[1+chance.Intn(len(s.nodes)-1)]))
	}
	return out, nil
}
