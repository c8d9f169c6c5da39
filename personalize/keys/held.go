//go:build pkcs11 && cgo && !windows

package keys

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/miekg/pkcs11"

	"github.com/simbind/simbind/gp"
)

// holder is the masters of a card in a token.
type holder struct {
	source *tokenSource
	labels map[gp.Purpose]string
}

// purposes in the order in which masters are looked for and used, so that the same one is missed first every time.
var purposes = []gp.Purpose{gp.PurposeENC, gp.PurposeMAC, gp.PurposeDEK}

// look finds the masters, and uses none.
func (h *holder) look() error {
	s := h.source
	session, err := s.lib.OpenSession(s.slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return s.fail("C_OpenSession", "", err)
	}
	sizes := map[gp.Purpose]int{}
	for _, p := range purposes {
		if label := h.labels[p]; label != "" && err == nil {
			var m master
			m, err = s.master(session, label)
			sizes[p] = m.size
		}
	}
	if err == nil {
		err = h.sameLength(sizes)
	}
	return errors.Join(err, s.lib.CloseSession(session))
}

// sameLength wants ENC and MAC of one length, from which the session keys are derived; with KDF3 the card's keys are as long as the masters.
func (h *holder) sameLength(sizes map[gp.Purpose]int) error {
	enc, mac := sizes[gp.PurposeENC], sizes[gp.PurposeMAC]
	if enc == mac || h.source.token.Diversification != gp.KDF3 {
		return nil
	}
	return h.source.fail("key "+h.labels[gp.PurposeMAC],
		fmt.Sprintf("%d bytes, and %s has %d: those of ENC and MAC are of one length", mac, h.labels[gp.PurposeENC], enc), nil)
}

// Card derives the card's keys inside the token, as objects of a session of their own that are neither shown nor kept.
func (h *holder) Card(kdd [10]byte, kind gp.KeyKind) (gp.HeldKeys, error) {
	s := h.source
	session, err := s.lib.OpenSession(s.slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return nil, s.fail("C_OpenSession", "", err)
	}
	held := &heldKeys{source: s, session: session, kind: kind, keys: map[gp.Purpose]pkcs11.ObjectHandle{}}
	for _, p := range purposes {
		label := h.labels[p]
		if label == "" {
			continue
		}
		if err := held.derive(p, label, kdd); err != nil {
			return nil, errors.Join(err, held.Close())
		}
	}
	return held, nil
}

// heldKeys are the static keys of one card in a token.
type heldKeys struct {
	source  *tokenSource
	session pkcs11.SessionHandle
	kind    gp.KeyKind
	keys    map[gp.Purpose]pkcs11.ObjectHandle
	size    int // of ENC and MAC
}

func (k *heldKeys) derive(p gp.Purpose, label string, kdd [10]byte) error {
	s := k.source
	m, err := s.master(k.session, label)
	if err != nil {
		return err
	}
	data := s.token.Diversification.Data(p, kdd, m.size)
	mechanism, size := uint(pkcs11.CKM_DES3_ECB_ENCRYPT_DATA), 16 // of a DES master of any length come 16 bytes
	if s.token.Diversification == gp.KDF3 {
		mechanism, size = pkcs11.CKM_AES_ECB_ENCRYPT_DATA, m.size
		if err := k.whiten(m.handle, data); err != nil {
			return err
		}
	}
	handle, err := s.deriveKey(k.session, mechanism, nil, data, m.handle, template(k.kind, size, true))
	if err != nil {
		return s.fail("C_DeriveKey with "+label, "", err)
	}
	k.keys[p] = handle
	if p != gp.PurposeDEK {
		k.size = size
	}
	return nil
}

// whiten turns whole blocks into what AES-ECB encrypts to their AES-CMACs: a CMAC of one whole block is the encryption of the
// block with the first subkey over it (NIST SP 800-38B clause 6.2). The subkey comes of the encryption of zeros.
func (k *heldKeys) whiten(master pkcs11.ObjectHandle, blocks []byte) error {
	subkey, err := k.encrypt(pkcs11.CKM_AES_ECB, nil, master, make([]byte, 16))
	if err != nil {
		return err
	}
	defer clear(subkey)
	top := subkey[0] >> 7
	for i := range subkey {
		subkey[i] <<= 1
		if i+1 < len(subkey) {
			subkey[i] |= subkey[i+1] >> 7
		}
	}
	subkey[15] ^= top * 0x87
	for i := range blocks {
		blocks[i] ^= subkey[i%16]
	}
	return nil
}

// template is a key of a card: for one session, and never to be seen. static keys derive others.
func template(kind gp.KeyKind, size int, static bool) []*pkcs11.Attribute {
	algorithm := uint(pkcs11.CKK_AES)
	if kind == gp.DES {
		algorithm = map[int]uint{16: pkcs11.CKK_DES2, 24: pkcs11.CKK_DES3}[size]
	}
	out := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, algorithm),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, !static),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, kind == gp.AES),
		pkcs11.NewAttribute(pkcs11.CKA_DERIVE, static),
	}
	if kind == gp.AES {
		out = append(out, pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, size))
	}
	return out
}

// stringData is CK_KEY_DERIVATION_STRING_DATA (PKCS#11 2.40 mechanisms, clause 2.15).
type stringData struct {
	data   unsafe.Pointer
	length uint
}

// cbcData is CK_DES_CBC_ENCRYPT_DATA_PARAMS, with an IV of zeros.
type cbcData struct {
	iv [8]byte
	stringData
}

// deriveKey pins the data, to which the parameter points from outside of Go's memory. With cbc that parameter has an IV of zeros.
func (s *tokenSource) deriveKey(h pkcs11.SessionHandle, mechanism uint, cbc *cbcData, data []byte, base pkcs11.ObjectHandle, t []*pkcs11.Attribute) (pkcs11.ObjectHandle, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&data[0])
	p := stringData{unsafe.Pointer(&data[0]), uint(len(data))}
	parameter := unsafe.Slice((*byte)(unsafe.Pointer(&p)), unsafe.Sizeof(p))
	if cbc != nil {
		cbc.stringData = p
		parameter = unsafe.Slice((*byte)(unsafe.Pointer(cbc)), unsafe.Sizeof(*cbc))
	}
	return s.lib.DeriveKey(h, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, parameter)}, base, t)
}

func (k *heldKeys) encrypt(mechanism uint, iv []byte, key pkcs11.ObjectHandle, data []byte) ([]byte, error) {
	var parameter any
	if iv != nil {
		parameter = iv
	}
	s := k.source
	if err := s.lib.EncryptInit(k.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, parameter)}, key); err != nil {
		return nil, s.fail("C_EncryptInit", "", err)
	}
	out, err := s.lib.Encrypt(k.session, data)
	if err != nil {
		return nil, s.fail("C_Encrypt", "", err)
	}
	return out, nil
}

// ECB is 3DES-ECB.
func (k *heldKeys) ECB(p gp.Purpose, data []byte) ([]byte, error) {
	return k.encrypt(pkcs11.CKM_DES3_ECB, nil, k.keys[p], data)
}

// CBC is 3DES-CBC with a zero IV.
func (k *heldKeys) CBC(p gp.Purpose, data []byte) ([]byte, error) {
	return k.encrypt(pkcs11.CKM_DES3_CBC, make([]byte, 8), k.keys[p], data)
}

// CMAC is AES-CMAC.
func (k *heldKeys) CMAC(p gp.Purpose, data []byte) ([]byte, error) { return k.sign(k.keys[p], data) }

func (k *heldKeys) sign(key pkcs11.ObjectHandle, data []byte) ([]byte, error) {
	s := k.source
	if err := s.lib.SignInit(k.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_CMAC, nil)}, key); err != nil {
		return nil, s.fail("C_SignInit", "", err)
	}
	out, err := s.lib.Sign(k.session, data)
	if err != nil {
		return nil, s.fail("C_Sign", "", err)
	}
	return out, nil
}

// Has tells whether there is a key of that purpose.
func (k *heldKeys) Has(p gp.Purpose) bool { _, ok := k.keys[p]; return ok }

// Size is the length of ENC and MAC in bytes.
func (k *heldKeys) Size() int { return k.size }

// Drop destroys the static keys: the session keys are there.
func (k *heldKeys) Drop() {
	for _, o := range k.keys {
		_ = k.source.lib.DestroyObject(k.session, o) // they go with the session at the latest
	}
	clear(k.keys)
}

// Close destroys the card's keys with their session.
func (k *heldKeys) Close() error { return k.source.lib.CloseSession(k.session) }
