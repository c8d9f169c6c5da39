package explore

import (
	"fmt"
	"testing"
)

func TestDebug(t *testing.T) {
	w := scratch[2]
	m, _ := newCard(&w)
	r := begin(&w, rest{m, ghost{truth: [2]string{m.file[0], m.file[1]}}})
	for _, x := range []string{"on", "profile", "imei " + imeiA + "8", "reset"} {
		for _, s := range r.stimuli() {
			if s.text == x {
				if x == "on" {
					s.failsAt = 2
				}
				r.perform(s)
				fmt.Printf("%s: %X %+v %X\n", x, r.command, r.ghost, r.now.file)
				break
			}
		}
	}
}
