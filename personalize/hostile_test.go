package personalize_test

import (
	"context"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
)

// sayer is a card that says anything: its answers are cut out of one string of bytes, over and over.
type sayer struct {
	t     *testing.T
	words []byte
	sent  int
}

func (s *sayer) ATR() []byte                       { return s.words }
func (s *sayer) Reader() string                    { return "sayer" }
func (s *sayer) Reset(context.Context, bool) error { return nil }

func (s *sayer) Transmit(_ context.Context, c apdu.Command) (apdu.Response, error) {
	if s.sent++; s.sent > 5000 {
		s.t.Fatal("it goes on for ever")
	}
	if len(s.words) < 3 {
		return apdu.Response{SW: apdu.SWOK}, nil
	}
	n := min(int(s.words[0]), len(s.words)-3)
	answer := apdu.Response{Data: s.words[1 : 1+n], SW: apdu.SW(s.words[1+n])<<8 | apdu.SW(s.words[2+n])}
	s.words = append(s.words[3+n:], s.words[:3+n]...)
	return answer, nil
}

// FuzzCardSaysAnything: whatever a card answers, nothing panics and nothing goes on for ever.
func FuzzCardSaysAnything(f *testing.F) {
	iccid := "\x0A\x98\x88\x12\x01\x00\x00\x40\x03\x10\xF0\x90\x00"
	select0 := "\x3F\x6F\x3D\x84\x09\xF0\x53\x49\x4D\x42\x49\x4E\x44\x01\xA5\x30\xE3\x10\x80\x02\x01\x00\x81\x01\x01\x82\x01\x10\x83\x01\x07\x85\x01\x01" +
		"\xE1\x1C\x80\x01\x00\x82\x01\x00\x85\x08\x00\x00\x00\x00\x00\x00\x00\x00\x86\x02\x00\x00\x87\x01\x00\x89\x01\x00\x90\x01\x00\x93\x02\x00\x00\x90\x00"
	f.Add([]byte(iccid + select0))
	f.Add([]byte(iccid + "\x00\x61\x00"))
	f.Add([]byte(iccid + "\x00\x6A\x82" + "\x00\x6C\x05"))
	f.Add([]byte("\x00\x63\x10"))
	f.Fuzz(func(t *testing.T, words []byte) {
		store, err := personalize.OpenStore(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for _, do := range []func(*personalize.Run) error{
			func(r *personalize.Run) error {
				_, err := r.Identify(context.Background(), personalize.Expected{})
				return err
			},
			func(r *personalize.Run) error {
				_, err := r.Status(context.Background(), personalize.Expected{}, true)
				return err
			},
			func(r *personalize.Run) error {
				_, _, err := r.Save(context.Background(), personalize.Expected{}, false)
				return err
			},
			func(r *personalize.Run) error {
				p, err := r.Plan(context.Background(), firstInsert())
				if err == nil {
					_, err = r.Apply(context.Background(), p)
				}
				return err
			},
		} {
			card := &sayer{t: t, words: append([]byte{}, words...)}
			_ = do(&personalize.Run{
				Card: wrapped{card}, Store: store, AID: binding.DefaultAID, Now: func() time.Time { return time.Unix(0, 0) },
				Secrets: func(string) (keys.Card, error) {
					return keys.Card{Keys: gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey()}}, nil
				},
				PINFloor: uicc.DefaultFloor,
			})
		}
	})
}

// wrapped hides the T=0 manner of a sayer, as a connection does.
type wrapped struct{ *sayer }

func (w wrapped) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	return apdu.WithGetResponse(w.sayer, true).Transmit(ctx, c)
}
