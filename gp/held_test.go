package gp_test

import (
	"context"
	"errors"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/secret"
)

// place keeps static keys as a token would, and counts what is open.
type place struct {
	set    gp.KeySet
	open   int
	failed error
}

func (p *place) Card(_ [10]byte, _ gp.KeyKind) (gp.HeldKeys, error) {
	if p.failed != nil {
		return nil, p.failed
	}
	p.open++
	return held{p}, nil
}

type held struct{ *place }

func (h held) key(p gp.Purpose) []byte {
	return map[gp.Purpose]secret.Bytes{gp.PurposeENC: h.set.ENC, gp.PurposeMAC: h.set.MAC, gp.PurposeDEK: h.set.DEK}[p].Reveal()
}

func (h held) ECB(p gp.Purpose, data []byte) ([]byte, error) {
	block, err := crypt.TripleDES(h.key(p))
	if err != nil {
		return nil, err
	}
	return crypt.EncryptECB(block, data)
}

func (h held) CBC(p gp.Purpose, data []byte) ([]byte, error) {
	block, err := crypt.TripleDES(h.key(p))
	if err != nil {
		return nil, err
	}
	return crypt.EncryptCBC(block, nil, data)
}

func (h held) CMAC(p gp.Purpose, data []byte) ([]byte, error) { return crypt.CMAC(h.key(p), data) }
func (h held) Has(p gp.Purpose) bool                          { return len(h.key(p)) > 0 }
func (h held) Size() int                                      { return h.set.ENC.Len() }
func (h held) Close() error                                   { h.open--; return nil }

// TestRecordedSessionsOfHeldKeys: keys that are kept elsewhere say the same, byte for byte, in every recorded session.
func TestRecordedSessionsOfHeldKeys(t *testing.T) {
	var rows []sessionRow
	vectors.Load(t, "scp_sessions.json", &rows)
	for _, row := range rows {
		t.Run(row.ID+"-"+row.Name, func(t *testing.T) {
			p := &place{set: row.keys()}
			replay(t, row, gp.KeySet{KVN: row.RequestedKVN[0], Holder: p})
			if p.open != 0 {
				t.Errorf("%d sets of held keys are still open", p.open)
			}
		})
	}
}

// TestHolderFails: nothing goes out after INITIALIZE UPDATE when the keys cannot be had.
func TestHolderFails(t *testing.T) {
	var rows []sessionRow
	vectors.Load(t, "scp_sessions.json", &rows)
	row := rows[0]
	gone := errors.New("the token was pulled")
	card := &recordedCard{t: t, talk: []exchange{row.Initialize}}
	_, err := gp.Open(context.Background(), card, gp.KeySet{KVN: row.RequestedKVN[0], Holder: &place{failed: gone}}, row.options())
	if !errors.Is(err, gone) || !errors.Is(err, gp.ErrKey) || errors.As(err, new(*apdu.LinkError)) {
		t.Errorf("%v", err)
	}
}
