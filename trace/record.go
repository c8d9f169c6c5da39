package trace

import (
	"context"
	"fmt"
	"io"

	"github.com/simbind/simbind/apdu"
)

// Options of a recording.
type Options struct {
	Reveal bool // identities stand in clear; codes and keys never do
}

// Record writes every exchange to w as a transcript and passes it on. When w fails the conversation goes on.
func Record(t apdu.Transmitter, w io.Writer, opt Options) apdu.Transmitter {
	m := NewMasker(opt)
	return apdu.TransmitterFunc(func(ctx context.Context, c apdu.Command) (apdu.Response, error) {
		r, err := t.Transmit(ctx, c)
		command, response := m.Exchange(c, r)
		if err != nil {
			response = ""
		}
		fmt.Fprintf(w, "# %s\n> %s\n", Name(c), command)
		if err != nil {
			fmt.Fprintf(w, "# no answer\n< \n")
			return r, err
		}
		fmt.Fprintf(w, "< %s\n", response)
		return r, nil
	})
}
