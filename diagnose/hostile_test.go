package diagnose

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/simbind/simbind/apdu"
)

// hostile is a card that answers every command with the next bytes of a stream: a length, as many bytes, a status word.
type hostile struct {
	apdu.Transmitter
	stream   []byte
	commands int
}

func (h *hostile) Reader() string                    { return "hostile" }
func (h *hostile) ATR() []byte                       { return h.take(20) }
func (h *hostile) Reset(context.Context, bool) error { return nil }
func (h *hostile) take(n int) []byte {
	n = min(n, len(h.stream))
	out := h.stream[:n]
	h.stream = h.stream[n:]
	return out
}

func (h *hostile) Transmit(context.Context, apdu.Command) (apdu.Response, error) {
	if h.commands++; h.commands > mostCommands {
		panic("the card is asked without end")
	}
	sw := apdu.SWOK
	n := 0
	if head := h.take(3); len(head) == 3 {
		n = int(head[0])
		if head[1]&0xF0 == 0x60 { // most answers are good ones, or the card would not get far
			sw = apdu.SW(head[1])<<8 | apdu.SW(head[2])
		}
	}
	return apdu.Response{Data: h.take(n), SW: sw}, nil
}

// mostCommands is more than any card can make the doctor ask.
const mostCommands = 400

// FuzzRead: whatever a card says, reading it ends, and what is made of it can be shown.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x3B\x9F\x96\x80\x1F\x87\x80\x31\xE0\x73\xFE\x21\x1B\x67\x4A\x4C\x75\x30\x34\x05\x0A\x90\x00\x98\x88\x12\x01\x00\x00\x40\x03\x10\xF0"), true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, stream []byte, reveal bool) {
		h := &hostile{stream: stream}
		facts, err := Read(context.Background(), h, Options{AID: []byte{0xF0, 0x53, 0x49, 0x4D, 0x42}})
		if err != nil || facts == nil {
			return
		}
		show := Show{Reveal: reveal}
		found := facts.Findings(show)
		for _, x := range found {
			if x.ID == "" || x.Evidence == "" || x.Next == "" {
				t.Fatalf("%+v", x)
			}
		}
		if v := facts.Judge(found, show); v.Answer == "" || v.Reason == "" {
			t.Fatalf("%+v", v)
		}
		if _, err := json.Marshal(facts.View(show)); err != nil {
			t.Fatal(err)
		}
		_, _ = Files(context.Background(), &hostile{stream: stream}, []byte{0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02})
	})
}
