package gp_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/secret"
)

// TestEndlessPages: a card that says 6310 for ever is left after a bounded number of pages, in both forms.
func TestEndlessPages(t *testing.T) {
	for name, wrong := range map[string]bool{"TLV": false, "old form": true} {
		asked := 0
		card := apdu.TransmitterFunc(func(_ context.Context, c apdu.Command) (apdu.Response, error) {
			if asked++; asked > 1000 {
				t.Fatalf("%s: still asking", name)
			}
			if wrong && c.P2&0x02 != 0 {
				return apdu.Response{SW: apdu.SWWrongP1P2}, nil
			}
			return apdu.Response{Data: make([]byte, 256), SW: apdu.SWMoreData}, nil
		})
		if _, err := gp.Registry(context.Background(), card, gp.Applications); !errors.Is(err, gp.ErrRegistry) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEntryWithoutAID: what stands before the first AID of a template belongs to no entry, not to that of the template before.
func TestEntryWithoutAID(t *testing.T) {
	first := []byte{0xE3, 0x0B, 0x4F, 0x05, 1, 2, 3, 4, 5, 0x9F, 0x70, 0x01, 0x07}
	second := []byte{0xE3, 0x04, 0x9F, 0x70, 0x01, 0x83}
	if e, err := gp.ParseStatus(first); err != nil || len(e) != 1 || e[0].State != 0x07 {
		t.Fatalf("%+v, %v", e, err)
	}
	if e, err := gp.ParseStatus(append(bytes.Clone(first), second...)); !errors.Is(err, gp.ErrRegistry) {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestResourcesThatSayNothing are refused: a number that is missing is not 0 bytes free.
func TestResourcesThatSayNothing(t *testing.T) {
	for _, b := range [][]byte{
		{0xFF, 0x21, 0x00},
		{0xFF, 0x21, 0x06, 0x81, 0x01, 0x01, 0x83, 0x01, 0x01},
		{0xFF, 0x21, 0x05, 0x81, 0x01, 0x01, 0x82, 0x00},
		{0xFF, 0x21, 0x0D, 0x81, 0x01, 0x01, 0x82, 0x05, 0, 0, 0, 0, 1, 0x83, 0x01, 0x01},
	} {
		if r, err := gp.ParseResources(b); !errors.Is(err, gp.ErrObject) {
			t.Errorf("%X: %+v, %v", b, r, err)
		}
	}
}

// TestParametersOutOfBounds: what a length byte cannot say is refused, not wrapped round.
func TestParametersOutOfBounds(t *testing.T) {
	for name, p := range map[string]gp.InstallParameters{
		"menu entries":     {Toolkit: &gp.Toolkit{Menu: make([][2]byte, 256)}},
		"TARs":             {Toolkit: &gp.Toolkit{TARs: make([][3]byte, 86)}},
		"SPI":              {Toolkit: &gp.Toolkit{SecurityLevel: make([]byte, 2)}},
		"SIM menu entries": {SIM: &gp.SIMToolkit{Domain: gp.NoAccess, Menu: make([][2]byte, 256)}},
		"quota below 0":    {Quota: &gp.Quota{Volatile: -1}},
	} {
		if b, err := p.Encode(); !errors.Is(err, gp.ErrContent) {
			t.Errorf("%s: %X, %v", name, b, err)
		}
	}
}

// TestPutKeysRefused: a replaced version whose first bit means something else, and keys of two lengths.
func TestPutKeysRefused(t *testing.T) {
	key := func(n int) secret.Bytes { return secret.New(make([]byte, n)) }
	plain := func(k []byte) ([]byte, error) { return k, nil }
	whole := gp.KeySet{KVN: 0x31, ENC: key(16), MAC: key(16), DEK: key(16)}
	if _, err := gp.PutKeys(plain, 0x30, gp.AES, whole); err != nil {
		t.Fatal(err)
	}
	if c, err := gp.PutKeys(plain, 0xFF, gp.AES, whole); !errors.Is(err, gp.ErrKey) || !strings.Contains(err.Error(), "cannot name version FF") {
		t.Errorf("%+v, %v", c, err)
	}
	mixed := whole
	mixed.DEK = key(32)
	if c, err := gp.PutKeys(plain, 0x30, gp.AES, mixed); !errors.Is(err, gp.ErrKey) || !strings.Contains(err.Error(), "of one length") {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestRefusedAuthentication says what the card told: nothing, how many tries are left, or that the set is blocked, when the keys may be right.
func TestRefusedAuthentication(t *testing.T) {
	for sw, say := range map[apdu.SW]string{
		0x6300: "the MAC key is wrong; one try spent", 0x63C2: "the MAC key is wrong, 2 left; one try spent",
		0x63C0: "(SCP02, KVN 20): the key set is blocked; one try spent", 0x6983: "(SCP02, KVN 20): the key set is blocked; one try spent",
	} {
		err := &gp.SessionError{Failure: gp.FailureAuthenticate, Protocol: gp.SCP02, KVN: 0x20, SW: sw, TriesSpent: 1}
		if !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", sw, err)
		}
	}
	if left, told := (&gp.SessionError{Failure: gp.FailureBlocked, SW: apdu.SWBlocked}).TriesLeft(); told {
		t.Errorf("INITIALIZE UPDATE tells no tries: %d", left)
	}
}

// TestPutKeysAnswerOfAnyLength: a card knows the keys it was sent. What it answers beyond check values is not repeated in an error.
func TestPutKeysAnswerOfAnyLength(t *testing.T) {
	own := bytes.Repeat([]byte{0xA5}, 16)
	set := gp.KeySet{KVN: 0x30, ENC: secret.New(own), MAC: gp.TestKey(), DEK: gp.TestKey()}
	for _, answer := range [][]byte{nil, {0x30}, append([]byte{0x30}, own...), make([]byte, 65536)} {
		err := gp.PutKeysAnswer(gp.AES, set, answer)
		if err == nil || len(err.Error()) > 200 || strings.Contains(err.Error(), "A5A5A5A5") {
			t.Errorf("an answer of %d bytes: %v", len(answer), err)
		}
	}
}

// TestLevelLeftOutIsTold: a card of SCP02 gets no R-MAC, and whoever asked for it is told which level is in force.
func TestLevelLeftOutIsTold(t *testing.T) {
	row := load(t).Initialize[0]
	keys := gp.KeySet{ENC: secret.New(row.Static.ENC), MAC: secret.New(row.Static.MAC)}
	for asked, want := range map[gp.Level]gp.Level{0x33: 0x03, 0x11: 0x01, 0x03: 0x03} {
		s, err := gp.Open(context.Background(), &oneAnswer{t: t, answer: row.Response, more: true}, keys, gp.Options{Level: asked, Rand: bytes.NewReader(row.Host)})
		if err != nil {
			t.Fatal(err)
		}
		if s.Level() != want || (len(s.Warnings()) > 0) != (asked != want) {
			t.Errorf("asked %02X: level %02X, %v", byte(asked), byte(s.Level()), s.Warnings())
		}
	}
}
