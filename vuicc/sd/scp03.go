package sd

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/vuicc/plug"
)

// scp03 is the card's side of SCP03 (Amendment D) with AES-128, -192 or -256, in S8 or S16 mode.
type scp03 struct {
	enc, mac, rmac []byte // of the session
	dek            []byte // static
	context        []byte // host challenge, card challenge
	challenge, seq []byte // seq only of a pseudo-random challenge
	i              byte
	size           int    // of challenges, cryptograms and MACs: 8, or 16
	chain          []byte // the whole C-MAC of the last command
	counter        uint32 // of commands since EXTERNAL AUTHENTICATE
}

// Derivation constants (Amendment D table 4-1).
const (
	deriveCard      byte = 0x00
	deriveHost      byte = 0x01
	deriveChallenge byte = 0x02
	deriveENC       byte = 0x04
	deriveMAC       byte = 0x06
	deriveRMAC      byte = 0x07
)

// kdf is the derivation of Amendment D clause 4.1.5: AES-CMAC in counter mode over eleven 00, constant, 00, length in bits (2),
// counter (1), context.
func kdf(key []byte, constant byte, bits int, context []byte) ([]byte, error) {
	var out []byte
	for n := byte(1); len(out) < bits/8; n++ {
		head := append(make([]byte, 11), constant, 0, byte(bits>>8), byte(bits), n)
		block, err := crypt.CMAC(key, append(head, context...))
		if err != nil {
			return nil, err
		}
		out = append(out, block...)
	}
	return out[:bits/8], nil
}

// beginSCP03 makes a random challenge, or a pseudo-random one (clause 6.2.2.1): of the static ENC key, the sequence counter, which
// moves before it is used, and the AID of the application.
func (d *Domain) beginSCP03(set keySet, host, aid []byte) (protocol, error) {
	if !set.pseudoRandom() {
		challenge, err := d.random(len(host))
		if err != nil {
			return nil, err
		}
		return newSCP03(set, host, challenge, nil)
	}
	seq, err := d.next(set)
	if err != nil {
		return nil, err
	}
	if d.mem.PutNow(counter(set.KVN, "sequence"), seq) != nil {
		return nil, apdu.SWMemory
	}
	enc, _ := set.key(kidENC)
	challenge, err := kdf(enc.Value, deriveChallenge, len(host)*8, concat(seq, aid))
	if err != nil {
		return nil, err
	}
	return newSCP03(set, host, challenge, seq)
}

// newSCP03 derives the session keys (clause 6.2.1).
func newSCP03(set keySet, host, challenge, seq []byte) (*scp03, error) {
	p := &scp03{context: concat(host, challenge), challenge: challenge, seq: seq, i: set.I, size: len(host), chain: make([]byte, crypt.AESBlock)}
	enc, _ := set.key(kidENC)
	mac, _ := set.key(kidMAC)
	dek, _ := set.key(kidDEK)
	p.dek = bytes.Clone(dek.Value)
	for _, k := range []struct {
		into     *[]byte
		base     []byte
		constant byte
	}{{&p.enc, enc.Value, deriveENC}, {&p.mac, mac.Value, deriveMAC}, {&p.rmac, mac.Value, deriveRMAC}} {
		var err error
		if *k.into, err = kdf(k.base, k.constant, len(k.base)*8, p.context); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// answer is i, challenge, card cryptogram, and the sequence counter (3) behind a pseudo-random challenge.
func (p *scp03) answer() ([]byte, error) {
	cryptogram, err := kdf(p.mac, deriveCard, p.size*8, p.context)
	return concat([]byte{p.i}, p.challenge, cryptogram, p.seq), err
}

func (p *scp03) hostCryptogram() ([]byte, error) { return kdf(p.mac, deriveHost, p.size*8, p.context) }
func (p *scp03) macSize() int                    { return p.size }

// levels: R-MAC and R-ENC only when i offers them (tables 5-1, 7-4).
func (p *scp03) levels() []byte {
	out := []byte{0x00, 0x01, 0x03}
	if p.i&0x20 != 0 {
		out = append(out, 0x11, 0x13)
	}
	if p.i&0x40 != 0 {
		out = append(out, 0x33)
	}
	return out
}

// unwrap: the C-MAC is over the last C-MAC, the header and the encrypted data; then the data is decrypted (clauses 6.2.4, 6.2.6). The
// counter counts every command, also one without data.
func (p *scp03) unwrap(c apdu.Command, level byte, begin bool) (apdu.Command, error) {
	data, mac, err := split(c, p.size)
	if err != nil {
		return c, err
	}
	full, err := crypt.CMAC(p.mac, concat(p.chain, macHead(c, len(c.Data)), data))
	if err != nil || subtle.ConstantTimeCompare(full[:p.size], mac) != 1 {
		return c, apdu.SWSecurityStatus
	}
	p.chain = full
	if !begin {
		p.counter++
	}
	if level&plug.CDecryption != 0 && len(data) > 0 && !begin {
		if data, err = p.decrypt(data); err != nil {
			return c, err
		}
	}
	c.CLA, c.Data = unprotected(c.CLA), data
	return c, nil
}

// iv is the counter under S-ENC; that of an answer has 80 in front (clause 6.2.7).
func (p *scp03) iv(first byte) ([]byte, error) {
	block, err := crypt.AES(p.enc)
	if err != nil {
		return nil, err
	}
	v := make([]byte, crypt.AESBlock)
	binary.BigEndian.PutUint32(v[12:], p.counter)
	v[0] = first
	block.Encrypt(v, v)
	return v, nil
}

func (p *scp03) decrypt(data []byte) ([]byte, error) {
	iv, err := p.iv(0x00)
	if err != nil {
		return nil, err
	}
	block, err := crypt.AES(p.enc)
	if err != nil {
		return nil, err
	}
	plain, err := crypt.DecryptCBC(block, iv, data)
	if err != nil {
		return nil, err
	}
	return crypt.Unpad80(plain)
}

func (p *scp03) encrypt(data []byte) ([]byte, error) {
	iv, err := p.iv(0x80)
	if err != nil {
		return nil, err
	}
	block, err := crypt.AES(p.enc)
	if err != nil {
		return nil, err
	}
	return crypt.EncryptCBC(block, iv, crypt.Pad80(data, crypt.AESBlock))
}

// wrap: the R-MAC is over the last C-MAC, the data as it goes out and the status word; empty data is not encrypted, and an
// error status word goes alone (clauses 6.2.5, 6.2.7).
func (p *scp03) wrap(r apdu.Response, level byte) (apdu.Response, error) {
	if !r.SW.OK() && !r.SW.Warning() {
		return apdu.Response{SW: r.SW}, nil
	}
	data := r.Data
	if level&plug.REncryption != 0 && len(data) > 0 {
		var err error
		if data, err = p.encrypt(data); err != nil {
			return r, err
		}
	}
	mac, err := crypt.CMAC(p.rmac, concat(p.chain, data, []byte{r.SW.SW1(), r.SW.SW2()}))
	if err != nil {
		return r, err
	}
	return apdu.Response{Data: concat(data, mac[:p.size]), SW: r.SW}, nil
}

// decryptKey: AES-CBC with a zero ICV under the static data encryption key (clause 6.2.8).
func (p *scp03) decryptKey(cipher []byte) ([]byte, error) {
	block, err := crypt.AES(p.dek)
	if err != nil {
		return nil, err
	}
	return crypt.DecryptCBC(block, nil, cipher)
}
