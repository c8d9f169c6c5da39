package sd

import (
	"bytes"
	"crypto/subtle"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/vuicc/plug"
)

// scp02 is the card's side of SCP02 with i = 15 or 55 (GPCS annex E): three keys, explicit initiation, C-MAC over the modified
// APDU, ICV encryption, no R-MAC.
type scp02 struct {
	enc, mac, dek        []byte // of the session, 16 bytes
	host, seq, challenge []byte
	icv                  []byte // the C-MAC of the last command
}

// beginSCP02 makes a random challenge, or with i=55 the well-known pseudo-random one: six bytes of the C-MAC over the AID of
// the application (GPCS clause E.4.2.3). The sequence counter stays until EXTERNAL AUTHENTICATE succeeds.
func (d *Domain) beginSCP02(set keySet, host, aid []byte) (protocol, error) {
	if _, err := d.next(set); err != nil {
		return nil, err
	}
	p, err := newSCP02(set, host, d.sequence(set))
	if err != nil {
		return nil, err
	}
	if !set.pseudoRandom() {
		p.challenge, err = d.random(6)
		return p, err
	}
	mac, err := crypt.RetailMAC(p.mac, nil, aid)
	if err != nil {
		return nil, err
	}
	p.challenge = mac[:6]
	return p, nil
}

// newSCP02 derives the session keys (GPCS clause E.4.1): CBC under the static key of constant, sequence counter and zeros.
func newSCP02(set keySet, host, seq []byte) (*scp02, error) {
	p := &scp02{host: bytes.Clone(host), seq: seq, icv: make([]byte, crypt.DESBlock)}
	for _, k := range []struct {
		into     *[]byte
		id       byte
		constant byte
	}{{&p.enc, kidENC, 0x82}, {&p.mac, kidMAC, 0x01}, {&p.dek, kidDEK, 0x81}} {
		base, _ := set.key(k.id)
		block, err := crypt.TripleDES(base.Value)
		if err != nil {
			return nil, err
		}
		data := append([]byte{0x01, k.constant, seq[0], seq[1]}, make([]byte, 12)...)
		if *k.into, err = crypt.EncryptCBC(block, nil, data); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// answer is sequence counter 2, challenge 6, card cryptogram 8.
func (p *scp02) answer() ([]byte, error) {
	mac, err := crypt.FullTripleDESMAC(p.enc, nil, concat(p.host, p.seq, p.challenge))
	return concat(p.seq, p.challenge, mac), err
}

func (p *scp02) hostCryptogram() ([]byte, error) {
	return crypt.FullTripleDESMAC(p.enc, nil, concat(p.seq, p.challenge, p.host))
}

func (p *scp02) macSize() int   { return 8 }
func (p *scp02) levels() []byte { return []byte{0x00, plug.CMAC, plug.CMAC | plug.CDecryption} }

// unwrap: the C-MAC is over the plain data with the Lc of plain data and MAC, so decryption comes first; its ICV is the last
// C-MAC under single DES, zeros at EXTERNAL AUTHENTICATE (GPCS clauses E.3.2, E.4.4, E.4.6). A command without data has nothing encrypted.
func (p *scp02) unwrap(c apdu.Command, level byte, begin bool) (apdu.Command, error) {
	data, mac, err := split(c, p.macSize())
	if err != nil {
		return c, err
	}
	if level&plug.CDecryption != 0 && len(data) > 0 && !begin {
		if data, err = p.decrypt(data); err != nil {
			return c, err
		}
	}
	icv := make([]byte, crypt.DESBlock)
	if !begin {
		block, err := crypt.SingleDES(p.mac)
		if err != nil {
			return c, err
		}
		block.Encrypt(icv, p.icv)
	}
	want, err := crypt.RetailMAC(p.mac, icv, concat(macHead(c, len(data)+p.macSize()), data))
	if err != nil || subtle.ConstantTimeCompare(want, mac) != 1 {
		return c, apdu.SWSecurityStatus
	}
	p.icv = want
	c.CLA, c.Data = unprotected(c.CLA), data
	return c, nil
}

func (p *scp02) decrypt(data []byte) ([]byte, error) {
	block, err := crypt.TripleDES(p.enc)
	if err != nil {
		return nil, err
	}
	plain, err := crypt.DecryptCBC(block, nil, data)
	if err != nil {
		return nil, err
	}
	return crypt.Unpad80(plain)
}

func (p *scp02) wrap(r apdu.Response, _ byte) (apdu.Response, error) { return r, nil }

// decryptKey: 3DES-ECB under the session's data encryption key (GPCS clause E.4.7).
func (p *scp02) decryptKey(cipher []byte) ([]byte, error) {
	block, err := crypt.TripleDES(p.dek)
	if err != nil {
		return nil, err
	}
	return crypt.DecryptECB(block, cipher)
}
