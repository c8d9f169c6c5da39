package gp_test

import (
	"context"
	"crypto/cipher"
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
	des    bool
	open   int // sets of keys
	keys   int // session keys
	failed error

	dropped int
}

func (p *place) Card(_ [10]byte, kind gp.KeyKind) (gp.HeldKeys, error) {
	p.des = kind == gp.DES
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

func (h held) Session(p gp.Purpose, messages [][]byte) (gp.SessionKey, error) {
	var v []byte
	for _, m := range messages {
		make := h.CMAC
		if len(m) == 16 { // of SCP02; those of SCP03 have a context behind them
			make = h.CBC
		}
		part, err := make(p, m)
		if err != nil {
			return nil, err
		}
		v = append(v, part...)
	}
	h.keys++
	return &sessionKey{h.place, secret.New(v[:h.Size()])}, nil
}

// sessionKey is one of a place.
type sessionKey struct {
	place *place
	secret.Bytes
}

func (k *sessionKey) block() (cipher.Block, error) {
	if k.place.des {
		return crypt.TripleDES(k.Reveal())
	}
	return crypt.AES(k.Reveal())
}

func (k *sessionKey) CMAC(data []byte) ([]byte, error) { return crypt.CMAC(k.Reveal(), data) }

func (k *sessionKey) Encrypt(iv, data []byte) ([]byte, error) {
	block, err := k.block()
	if err != nil {
		return nil, err
	}
	return crypt.EncryptCBC(block, iv, data)
}

func (k *sessionKey) Decrypt(iv, data []byte) ([]byte, error) {
	block, err := k.block()
	if err != nil {
		return nil, err
	}
	return crypt.DecryptCBC(block, iv, data)
}

func (k *sessionKey) Wipe() { k.Bytes.Wipe(); k.place.keys-- }

func (h held) Drop() { h.dropped++ }

func (h held) Has(p gp.Purpose) bool { return len(h.key(p)) > 0 }
func (h held) Size() int             { return h.set.ENC.Len() }
func (h held) Close() error          { h.open--; return nil }

// TestRecordedSessionsOfHeldKeys: keys that are kept elsewhere say the same, byte for byte, in every recorded session.
func TestRecordedSessionsOfHeldKeys(t *testing.T) {
	var rows []sessionRow
	vectors.Load(t, "scp_sessions.json", &rows)
	for _, row := range rows {
		t.Run(row.ID+"-"+row.Name, func(t *testing.T) {
			p := &place{set: row.keys()}
			s := replay(t, row, gp.KeySet{KVN: row.RequestedKVN[0], Holder: p})
			if p.open != 1 || p.dropped != 1 {
				t.Errorf("%d sets of held keys are open, the static keys were dropped %d times", p.open, p.dropped)
			}
			s.Close()
			if p.open != 0 || p.keys != 0 {
				t.Errorf("after the session %d sets of held keys are open, and %d session keys", p.open, p.keys)
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
