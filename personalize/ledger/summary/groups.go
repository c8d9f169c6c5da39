package summary

import (
	"cmp"
	"slices"
	"strings"

	"github.com/simbind/simbind/personalize/ledger"
)

// Group are the cards of one reader, station or operator: those that were there last. Cards are counted, not attempts, but for PutInAgain.
type Group struct {
	Station     string   `json:"station,omitempty"`
	Reader      string   `json:"reader,omitempty"`
	Operator    string   `json:"operator,omitempty"`
	Good        int      `json:"good"`
	Rejected    int      `json:"rejected"`
	Quarantined int      `json:"quarantined"`
	Open        int      `json:"open"`
	Percent     *float64 `json:"percent,omitempty"` // good of good, rejected and quarantined
	Attempts    int      `json:"attempts"`
	PutInAgain  int      `json:"put_in_again"`     // attempts here that let the card go, to be tried again
	P50         *float64 `json:"p50_ms,omitempty"` // of good cards
	P95         *float64 `json:"p95_ms,omitempty"`
}

// grouping is a group under way.
type grouping struct {
	Group
	times []int64
}

func (t *Tally) groups(key func(place) place) []Group {
	by := map[place]*grouping{}
	of := func(p *place) *grouping {
		k := key(*p)
		if by[k] == nil {
			by[k] = &grouping{Group: Group{Station: k.station, Reader: k.reader, Operator: k.operator}}
		}
		return by[k]
	}
	for p, n := range t.runs {
		of(p).Attempts += n
	}
	for p, n := range t.reseats {
		of(p).PutInAgain += n
	}
	for _, c := range t.cards {
		if c.at != nil {
			of(c.at).count(c)
		}
	}
	out := make([]Group, 0, len(by))
	for _, g := range by {
		out = append(out, g.filled())
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(natural(a.Station, b.Station), natural(a.Reader, b.Reader), natural(a.Operator, b.Operator))
	})
	return out
}

func (g *grouping) count(c *card) {
	switch c.outcome {
	case ledger.Good:
		g.Good++
		if c.took > 0 {
			g.times = append(g.times, c.took)
		}
	case ledger.Rejected:
		g.Rejected++
	case ledger.Quarantined:
		g.Quarantined++
	case ledger.Underway:
		g.Open++
	}
}

func (g *grouping) filled() Group {
	g.Percent = share(g.Good, g.Good+g.Rejected+g.Quarantined)
	if len(g.times) > 0 {
		times := sorted(g.times)
		p50, p95 := ms(Percentile(times, 50)), ms(Percentile(times, 95))
		g.P50, g.P95 = &p50, &p95
	}
	return g.Group
}

// natural compares texts as people order them: slot 2 before slot 10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		m, n := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(a, b)
}

// digits are those a text begins with.
func digits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}
