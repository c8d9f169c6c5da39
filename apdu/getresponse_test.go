package apdu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/internal/vectors"
)

// script is a card that answers one line after the other and remembers what it was sent.
type script struct {
	answers []Response
	sent    []string
}

func (s *script) Transmit(_ context.Context, c Command) (Response, error) {
	b, err := c.Bytes()
	if err != nil {
		return Response{}, err
	}
	s.sent = append(s.sent, fmt.Sprintf("%X", b))
	if len(s.sent) > len(s.answers) {
		return Response{}, errors.New("the script is over")
	}
	return s.answers[len(s.sent)-1], nil
}

func (s *script) play(t *testing.T, c Command, omitLe bool) (Response, error) {
	t.Helper()
	r, err := WithGetResponse(s, omitLe).Transmit(context.Background(), c)
	if len(s.sent) != len(s.answers) {
		t.Errorf("%d commands for %d answers: %q", len(s.sent), len(s.answers), s.sent)
	}
	return r, err
}

// commands of the traces, by name.
var commands = map[string]Command{
	"GET STATUS":            {CLA: 0x80, INS: 0xF2, P1: 0x40, P2: 0x02, Data: []byte{0x4F, 0x00}, Le: 256},
	"INSTALL":               {CLA: 0x80, INS: 0xE6, P1: 0x0C, Data: []byte{1, 2, 3}, Le: 256},
	"READ BINARY":           {INS: 0xB0, Le: 256},
	"INITIALIZE UPDATE":     {CLA: 0x80, INS: 0x50, Data: make([]byte, 8), Le: 256},
	"EXTERNAL AUTHENTICATE": {CLA: 0x84, INS: 0x82, P1: 1, Data: make([]byte, 16)},
	"SELECT":                {INS: 0xA4, P1: 4, Data: []byte{0xA0, 0, 0, 0, 3}, Le: 256},
	"":                      {INS: 0xA4, P1: 4, Le: 256},
}

type step struct {
	CommandName string `json:"command_name"`
	Command     vectors.Hex
	Data        vectors.Hex
	DataLength  int  `json:"data_length"`
	DataPresent bool `json:"data_present"`
	SW          vectors.Hex
}

func (s step) answer() Response {
	n := s.DataLength
	if s.DataPresent {
		n = 256
	}
	data := []byte(s.Data)
	if n > 0 {
		data = bytes.Repeat([]byte{0xDA}, n)
	}
	return Response{Data: data, SW: SW(s.SW[0])<<8 | SW(s.SW[1])}
}

// TestVectorsTraces plays every trace of real cards and holds the outcome against its rule.
func TestVectorsTraces(t *testing.T) {
	var v struct {
		Traces []struct {
			ID, Rule string
			Steps    []step
		}
	}
	vectors.Load(t, "t0_behaviour.json", &v)
	type outcome struct {
		bytes int
		sw    SW
	}
	rules := map[string]outcome{
		"H1":   {255, 0x6310}, // the page, and that there is more: GET STATUS asks on with P2|01
		"H2":   {1, 0x9000},
		"H3":   {768, 0x9000},
		"H4":   {0, 0x6A88},
		"H5-1": {0, 0x6982}, "H5-2": {0, 0x6983}, "H5-3": {0, 0x6985},
		"H6-1": {0, 0x6300}, "H6-2": {0, 0x6982},
		"H7-1": {0, 0x6E00}, "H7-2": {0, 0x6D00},
		"H8": {256, 0x6283}, // locked, and the data is there all the same
	}
	for _, trace := range v.Traces {
		t.Run(trace.ID, func(t *testing.T) {
			defer vectors.Use(t, trace.ID)
			steps := trace.Steps
			for len(steps) > 0 {
				one := steps
				for n := 1; n < len(steps); n++ {
					if steps[n].CommandName != "" { // a command of the host's own: the one before is over
						one = steps[:n]
						break
					}
				}
				steps = steps[len(one):]
				r, sent, err := playTrace(t, one)
				for n, s := range one[1:] {
					if want := fmt.Sprintf("%X", []byte(s.Command)); sent[n+1] != want {
						t.Errorf("command %d is %s, want %s", n+2, sent[n+1], want)
					}
				}
				if len(steps) > 0 {
					continue
				}
				if trace.ID == "H2a" { // the outcome is unknown: no answer at all, not the word of GET RESPONSE
					var lost *ResponseLostError
					if !errors.As(err, &lost) || lost.SW != 0x6F00 || lost.Promised != 0x6101 || errors.Is(err, SWNoDiagnosis) {
						t.Errorf("%v, %v", r, err)
					}
					return
				}
				want, known := rules[trace.ID]
				if !known || err != nil || len(r.Data) != want.bytes || r.SW != want.sw {
					t.Errorf("%d bytes, %s, %v; rule: %s", len(r.Data), r.SW, err, trace.Rule)
				}
			}
		})
	}
}

func playTrace(t *testing.T, steps []step) (Response, []string, error) {
	t.Helper()
	c, known := commands[steps[0].CommandName]
	if !known {
		t.Fatalf("unknown command %q", steps[0].CommandName)
	}
	s := &script{}
	for _, st := range steps {
		s.answers = append(s.answers, st.answer())
	}
	r, err := s.play(t, c, true)
	return r, s.sent, err
}

func TestGetResponse(t *testing.T) {
	ok := func(data string) Response { return Response{Data: []byte(data), SW: SWOK} }
	sw := func(s SW) Response { return Response{SW: s} }
	sel := Command{INS: 0xA4, P1: 4, Data: []byte{0xA0, 1}, Le: 256}
	read := Command{INS: 0xB0, Le: 256}
	for _, row := range []struct {
		what    string
		c       Command
		omitLe  bool
		answers []Response
		sent    []string
		want    Response
	}{
		{"T=1: one command", sel, false, []Response{ok("fcp")}, []string{"00A4040002A00100"}, ok("fcp")},
		{"T=0: Le left out", sel, true, []Response{sw(0x6103), ok("fcp")}, []string{"00A4040002A001", "00C0000003"}, ok("fcp")},
		{"case 3 has no Le to leave out", Command{INS: 0xD6, Data: []byte{1}}, true, []Response{sw(SWOK)}, []string{"00D600000101"}, sw(SWOK)},
		{"case 2 keeps Le", read, true, []Response{sw(0x6C09), ok("ninebytes")}, []string{"00B0000000", "00B0000009"}, ok("ninebytes")},
		{"data with 61", read, false, []Response{{Data: []byte("ab"), SW: 0x6101}, ok("c")}, []string{"00B0000000", "00C0000001"}, ok("abc")},
		{"91XX behind data", sel, true, []Response{sw(0x6103), {Data: []byte("fcp"), SW: 0x9110}}, []string{"00A4040002A001", "00C0000003"}, Response{[]byte("fcp"), 0x9110}},
		{"9FXX of class A0", Command{CLA: 0xA0, INS: 0xA4, Data: []byte{0x7F, 0x20}}, true, []Response{sw(0x9F17), ok("sim")}, []string{"A0A40000027F20", "A0C0000017"}, ok("sim")},
		{"same channel, no secure messaging", Command{CLA: 0x86, INS: 0xE2, Data: []byte{1}, Le: 256}, true, []Response{sw(0x6101), ok("x")}, []string{"86E200000101", "02C0000001"}, ok("x")},
		{"channel 19", Command{CLA: 0xEF, INS: 0xE2, Data: []byte{1}, Le: 256}, true, []Response{sw(0x6101), ok("x")}, []string{"EFE200000101", "4FC0000001"}, ok("x")},
		{"6C again with the same length ends", read, false, []Response{sw(0x6C09), sw(0x6C09)}, []string{"00B0000000", "00B0000009"}, sw(0x6C09)},
		{"6C00 to Le 256 ends", read, false, []Response{sw(0x6C00)}, []string{"00B0000000"}, sw(0x6C00)},
		{"a warning and no data waiting", sel, true, []Response{sw(0x6283), sw(0x6985)}, []string{"00A4040002A001", "00C0000000"}, sw(0x6283)},
		{"a warning and data waiting", sel, true, []Response{sw(0x6283), sw(0x6C03), ok("fcp")}, []string{"00A4040002A001", "00C0000000", "00C0000003"}, Response{[]byte("fcp"), 0x6283}},
		{"a counter is an answer", Command{INS: 0x20, Data: []byte{1}, Le: 256}, true, []Response{sw(0x63C2)}, []string{"002000000101"}, sw(0x63C2)},
		{"6300 is an answer", Command{INS: 0x82, Data: []byte{1}, Le: 256}, true, []Response{sw(0x6300)}, []string{"008200000101"}, sw(0x6300)},
		{"a warning without Le is an answer", Command{INS: 0xD6, Data: []byte{1}}, true, []Response{sw(0x6282)}, []string{"00D600000101"}, sw(0x6282)},
		{"GET RESPONSE ends with a warning", read, false, []Response{sw(0x6101), {Data: []byte("x"), SW: 0x6282}}, []string{"00B0000000", "00C0000001"}, Response{[]byte("x"), 0x6282}},
		{"6C to a code is an answer", Command{INS: 0x20, P2: 1, Data: []byte{1}}, true, []Response{sw(0x6C08)}, []string{"002000010101"}, sw(0x6C08)},
		{"6C to a cryptogram is an answer", Command{CLA: 0x84, INS: 0x82, Data: []byte{1}}, false, []Response{sw(0x6C08)}, []string{"848200000101"}, sw(0x6C08)},
		{"6C to what a code's answer is fetched with", Command{INS: 0x20, P2: 1, Data: []byte{1}}, true, []Response{sw(0x6100), sw(0x6C01), ok("x")}, []string{"002000010101", "00C0000000", "00C0000001"}, ok("x")},
		{"6C without data", Command{INS: 0xF2}, true, []Response{sw(0x6C01), ok("x")}, []string{"00F20000", "00F2000001"}, ok("x")},
		{"6C where Le was left out", sel, true, []Response{sw(0x6C03), ok("fcp")}, []string{"00A4040002A001", "00A4040002A00103"}, ok("fcp")},
		{"a refusal is an answer", sel, true, []Response{sw(SWFileNotFound)}, []string{"00A4040002A001"}, sw(SWFileNotFound)},
	} {
		t.Run(row.what, func(t *testing.T) {
			s := &script{answers: row.answers}
			r, err := s.play(t, row.c, row.omitLe)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.sent, s.sent); diff != "" {
				t.Error(diff)
			}
			if r.SW != row.want.SW || !bytes.Equal(r.Data, row.want.Data) {
				t.Errorf("%q %s, want %q %s", r.Data, r.SW, row.want.Data, row.want.SW)
			}
		})
	}
}

// TestEndlessCards: whatever a card keeps promising, one command ends.
func TestEndlessCards(t *testing.T) {
	full := make([]byte, 256)
	for what, card := range map[string]func(n int) Response{
		"6100 without data":  func(int) Response { return Response{SW: 0x6100} },
		"6100 with data":     func(int) Response { return Response{Data: full, SW: 0x6100} },
		"9F00":               func(int) Response { return Response{SW: 0x9F00} },
		"6C, always another": func(n int) Response { return Response{SW: 0x6C00 | SW(n%200)} },
		"61 and 6C in turns": func(n int) Response { return Response{SW: []SW{0x6110, 0x6C20}[n%2]} },
		"64 kB at once":      func(int) Response { return Response{Data: make([]byte, 65536), SW: 0x6100} },
	} {
		t.Run(what, func(t *testing.T) {
			n, sent := 0, 0
			endless := TransmitterFunc(func(context.Context, Command) (Response, error) {
				n++
				r := card(n)
				sent += len(r.Data)
				return r, nil
			})
			r, err := WithGetResponse(endless, true).Transmit(context.Background(), Command{INS: 0xB0, Le: 256})
			var limit *ResponseLimitError
			if !errors.As(err, &limit) || n > maxRounds || sent > maxCollection+65536 || r.Data != nil {
				t.Errorf("%d commands, %d bytes, %v", n, sent, err)
			}
		})
	}
}

func TestLinkErrorPasses(t *testing.T) {
	gone := errors.New("card gone")
	for _, at := range []int{1, 2} {
		n := 0
		card := TransmitterFunc(func(context.Context, Command) (Response, error) {
			if n++; n == at {
				return Response{}, gone
			}
			return Response{Data: []byte{1}, SW: 0x6110}, nil
		})
		_, err := Do(context.Background(), WithGetResponse(card, true), "READ BINARY EF_IMSI", Command{INS: 0xB0, Le: 9})
		var link *LinkError
		if !errors.As(err, &link) || !errors.Is(err, gone) || link.Name != "READ BINARY EF_IMSI" {
			t.Errorf("%v", err)
		}
	}
}

func TestDo(t *testing.T) {
	card := func(r Response) Transmitter {
		return TransmitterFunc(func(context.Context, Command) (Response, error) { return r, nil })
	}
	if r, err := Do(context.Background(), card(Response{Data: []byte{1}, SW: 0x910B}), "X", Command{}); err != nil || r.SW != 0x910B {
		t.Error(r, err)
	}
	r, err := Do(context.Background(), card(Response{Data: []byte{1}, SW: 0x6283}), "SELECT ADF.USIM", Command{})
	if !errors.Is(err, SWFileDeactivated) || len(r.Data) != 1 || err.Error() != "SELECT ADF.USIM: 6283: selected file deactivated" {
		t.Error(r, err)
	}
}
