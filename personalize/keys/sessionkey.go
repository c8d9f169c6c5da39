//go:build pkcs11 && cgo && !windows

package keys

import (
	"github.com/miekg/pkcs11"

	"github.com/simbind/simbind/gp"
)

// Session derives a session key inside the token: by 3DES-CBC of one message, or of the AES-CMACs of several.
func (k *heldKeys) Session(p gp.Purpose, messages [][]byte) (gp.SessionKey, error) {
	s, static := k.source, k.keys[p]
	mechanism, cbc, data := uint(pkcs11.CKM_DES3_CBC_ENCRYPT_DATA), &cbcData{}, messages[0]
	if k.kind == gp.AES {
		var err error
		mechanism, cbc = pkcs11.CKM_AES_ECB_ENCRYPT_DATA, nil
		if data, err = k.lastBlocks(static, messages); err != nil {
			return nil, err
		}
	}
	size := k.size
	if k.kind == gp.DES {
		size = len(data)
	}
	o, err := s.deriveKey(k.session, mechanism, cbc, data, static, template(k.kind, size, false))
	if err != nil {
		return nil, s.fail("C_DeriveKey of a session key", "", err)
	}
	return &sessionKey{k, o}, nil
}

// lastBlocks are what AES encrypts to the CMACs of messages of whole blocks, one block for each: the chain over the blocks before, the
// last block, and the first subkey (NIST SP 800-38B clause 6.2). No part of a session key is among them.
func (k *heldKeys) lastBlocks(static pkcs11.ObjectHandle, messages [][]byte) ([]byte, error) {
	var out []byte
	for _, m := range messages {
		chain := make([]byte, 16)
		for ; len(m) > 16; m = m[16:] {
			xor(chain, m)
			var err error
			if chain, err = k.encrypt(pkcs11.CKM_AES_ECB, nil, static, chain); err != nil {
				return nil, err
			}
		}
		xor(chain, m)
		out = append(out, chain...)
	}
	return out, k.whiten(static, out)
}

func xor(into, block []byte) {
	for i := range into {
		into[i] ^= block[i]
	}
}

// sessionKey is a session key in the token.
type sessionKey struct {
	held   *heldKeys
	object pkcs11.ObjectHandle
}

func (k *sessionKey) CMAC(data []byte) ([]byte, error) { return k.held.sign(k.object, data) }

func (k *sessionKey) mechanism(iv []byte) []*pkcs11.Mechanism {
	mechanism, block := uint(pkcs11.CKM_AES_CBC), 16
	if k.held.kind == gp.DES {
		mechanism, block = pkcs11.CKM_DES3_CBC, 8
	}
	if iv == nil {
		iv = make([]byte, block)
	}
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, iv)}
}

func (k *sessionKey) Encrypt(iv, data []byte) ([]byte, error) {
	m := k.mechanism(iv)[0]
	return k.held.encrypt(m.Mechanism, m.Parameter, k.object, data)
}

func (k *sessionKey) Decrypt(iv, data []byte) ([]byte, error) {
	s := k.held.source
	if err := s.lib.DecryptInit(k.held.session, k.mechanism(iv), k.object); err != nil {
		return nil, s.fail("C_DecryptInit", "", err)
	}
	out, err := s.lib.Decrypt(k.held.session, data)
	if err != nil {
		return nil, s.fail("C_Decrypt", "", err)
	}
	return out, nil
}

// Wipe destroys it.
func (k *sessionKey) Wipe() { _ = k.held.source.lib.DestroyObject(k.held.session, k.object) } // it goes with the session at the latest
