package bindapp

import (
	"fmt"

	"github.com/simbind/simbind/vuicc/plug"
)

// Transient describes what an instance holds in transient memory: two instances with the same persistent memory and the
// same description, waiting for the same answer, behave alike from then on. It is for programs that search the
// states of the model; "" is an applet that is not this model.
func Transient(p plug.Applet) string {
	a, ok := p.(*applet)
	if !ok {
		return ""
	}
	s := a.session
	d := fmt.Sprint(s.running, s.denied, s.busy, s.repeated, s.asking, a.failure, a.broken, a.chain)
	if r := s.refresh; r != nil {
		d += fmt.Sprint(r.qualifier, r.files, r.busy, r.strict)
	}
	return d
}
