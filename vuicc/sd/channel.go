package sd

import (
	"crypto/subtle"
	"io"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/vuicc/plug"
)

// channel implements plug.SecureChannel.
type channel struct {
	d   *Domain
	n   int
	aid []byte // of the application that was asked: a pseudo-random challenge depends on it
}

// protocol is the card's side of one session.
type protocol interface {
	// answer is what follows KDD, KVN and protocol in the answer of INITIALIZE UPDATE.
	answer() ([]byte, error)
	// hostCryptogram is what the host has to prove.
	hostCryptogram() ([]byte, error)
	// macSize is 8, in S16 mode 16.
	macSize() int
	// unwrap checks the C-MAC of a command and, at a level that has it, decrypts. begin is EXTERNAL AUTHENTICATE.
	unwrap(c apdu.Command, level byte, begin bool) (apdu.Command, error)
	wrap(r apdu.Response, level byte) (apdu.Response, error)
	levels() []byte
}

type session struct {
	protocol
	set           KeySet
	authenticated bool
	level         byte
}

// Security implements plug.SecureChannel.
func (ch *channel) Security(c apdu.Command) apdu.Response {
	if c.INS == apdu.INSInitializeUpdate {
		return ch.initialize(c)
	}
	return apdu.Response{SW: ch.authenticate(c)}
}

// initialize is INITIALIZE UPDATE. It ends a session that was there.
func (ch *channel) initialize(c apdu.Command) apdu.Response {
	delete(ch.d.sessions, ch.n)
	set, ok := ch.d.find(c.P1)
	switch {
	case !ok:
		return apdu.Response{SW: apdu.SWReferenceNotFound}
	case ch.d.failures(set.KVN) >= ch.d.cfg.Velocity:
		return apdu.Response{SW: apdu.SWBlocked}
	case len(c.Data) != 8 && !(set.s16() && len(c.Data) == 16):
		return apdu.Response{SW: apdu.SWWrongLength}
	}
	p, err := ch.d.begin(set, c.Data, ch.aid)
	if err != nil {
		return apdu.Response{SW: apdu.SWNoDiagnosis}
	}
	tail, err := p.answer()
	if err != nil {
		return apdu.Response{SW: apdu.SWNoDiagnosis}
	}
	ch.d.sessions[ch.n] = &session{protocol: p, set: set}
	head := append(append([]byte{}, ch.d.cfg.KDD...), set.KVN, set.Protocol)
	return apdu.Response{Data: append(head, tail...), SW: apdu.SWOK}
}

func (k KeySet) s16() bool { return k.Protocol == 0x03 && k.I&0x01 != 0 }

// find gives a key set by version; 00 is the first.
func (d *Domain) find(kvn byte) (KeySet, bool) {
	for _, k := range d.keys {
		if kvn == 0 || k.KVN == kvn {
			return k, true
		}
	}
	return KeySet{}, false
}

// failures counts the authentications with a key set that failed since the last one that did not.
func (d *Domain) failures(kvn byte) int {
	if v := d.mem.Get(cellName(kvn, "failures")); len(v) == 1 {
		return int(v[0])
	}
	return 0
}

// Failures is failures, for tests.
func (d *Domain) Failures(kvn byte) int { return d.failures(kvn) }

// authenticate is EXTERNAL AUTHENTICATE: the failure counter goes up before the comparison and to zero after success,
// so that a cut gives no free try.
func (ch *channel) authenticate(c apdu.Command) apdu.SW {
	s := ch.d.sessions[ch.n]
	if s == nil || s.authenticated {
		delete(ch.d.sessions, ch.n)
		return apdu.SWConditions
	}
	delete(ch.d.sessions, ch.n)
	if !apdu.SecureMessaging(c.CLA) || c.P2 != 0 || !contains(s.levels(), c.P1) {
		return apdu.SWWrongP1P2
	}
	if len(c.Data) != 2*s.macSize() {
		return apdu.SWWrongLength
	}
	kvn := s.set.KVN
	failed := ch.d.failures(kvn)
	if ch.d.mem.PutNow(cellName(kvn, "failures"), []byte{byte(failed + 1)}) != nil {
		return apdu.SWMemory
	}
	if !s.proves(c) {
		return apdu.SWAuthenticationFailed
	}
	if ch.d.mem.PutNow(cellName(kvn, "failures"), []byte{0}) != nil {
		return apdu.SWMemory
	}
	if err := ch.d.advance(s.set); err != nil {
		return apdu.SWMemory
	}
	s.authenticated, s.level = true, c.P1
	ch.d.sessions[ch.n] = s
	return apdu.SWOK
}

// proves checks cryptogram and C-MAC without telling which was wrong.
func (s *session) proves(c apdu.Command) bool {
	plain, err := s.unwrap(c, plug.CMAC, true)
	if err != nil {
		return false
	}
	want, err := s.hostCryptogram()
	return err == nil && subtle.ConstantTimeCompare(want, plain.Data) == 1
}

func contains(list []byte, v byte) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// advance moves the sequence counter of SCP02 after a successful authentication (GPCS clause E.1.5).
func (d *Domain) advance(k KeySet) error {
	if k.Protocol != 0x02 {
		return nil
	}
	return d.bump(k.KVN, 2)
}

func (d *Domain) sequence(kvn byte, size int) []byte {
	if v := d.mem.Get(cellName(kvn, "sequence")); len(v) == size {
		return v
	}
	return make([]byte, size)
}

func (d *Domain) bump(kvn byte, size int) error {
	v := d.sequence(kvn, size)
	for i := size - 1; i >= 0; i-- {
		if v[i]++; v[i] != 0 {
			break
		}
	}
	return d.mem.PutNow(cellName(kvn, "sequence"), v)
}

func (d *Domain) begin(set KeySet, host, aid []byte) (protocol, error) {
	if set.Protocol == 0x02 {
		challenge := make([]byte, 6)
		if _, err := io.ReadFull(d.cfg.Rand, challenge); err != nil {
			return nil, err
		}
		return newSCP02(set, host, d.sequence(set.KVN, 2), challenge)
	}
	challenge := make([]byte, len(host))
	if set.I&0x10 == 0 {
		if _, err := io.ReadFull(d.cfg.Rand, challenge); err != nil {
			return nil, err
		}
		return newSCP03(set, host, challenge, nil)
	}
	// A pseudo-random challenge needs a counter that never stands twice (Amendment D clause 6.2.2.1).
	if err := d.bump(set.KVN, 3); err != nil {
		return nil, err
	}
	seq := d.sequence(set.KVN, 3)
	challenge, err := kdf(set.ENC, 0x02, len(host)*8, concat(seq, aid))
	if err != nil {
		return nil, err
	}
	return newSCP03(set, host, challenge, seq)
}

// Unwrap implements plug.SecureChannel.
func (ch *channel) Unwrap(c apdu.Command) (apdu.Command, error) {
	s := ch.d.sessions[ch.n]
	if s == nil || !s.authenticated {
		return c, apdu.SWSecurityStatus
	}
	if s.level&plug.CMAC == 0 {
		if apdu.SecureMessaging(c.CLA) {
			delete(ch.d.sessions, ch.n)
			return c, apdu.SWSMUnsupported
		}
		return c, nil
	}
	if !apdu.SecureMessaging(c.CLA) {
		return c, apdu.SWSecurityStatus
	}
	plain, err := s.unwrap(c, s.level, false)
	if err != nil {
		delete(ch.d.sessions, ch.n)
		return c, apdu.SWSecurityStatus
	}
	return plain, nil
}

// Wrap implements plug.SecureChannel.
func (ch *channel) Wrap(r apdu.Response) apdu.Response {
	s := ch.d.sessions[ch.n]
	if s == nil || !s.authenticated || s.level&plug.RMAC == 0 {
		return r
	}
	out, err := s.wrap(r, s.level)
	if err != nil {
		return apdu.Response{SW: apdu.SWNoDiagnosis}
	}
	return out
}

// Level implements plug.SecureChannel.
func (ch *channel) Level() byte {
	s := ch.d.sessions[ch.n]
	if s == nil || !s.authenticated {
		return 0
	}
	return plug.Authenticated | s.level
}

// Reset implements plug.SecureChannel.
func (ch *channel) Reset() { ch.d.EndSession(ch.n) }

// plainClass is the class byte as both sides MAC it: secure messaging, channel 0.
func plainClass(cla byte) byte { return cla&0x80 | 0x04 }

// split takes the MAC off the end of the data.
func split(c apdu.Command, size int) (data, mac []byte, err error) {
	if len(c.Data) < size {
		return nil, nil, apdu.SWWrongLength
	}
	n := len(c.Data) - size
	return c.Data[:n], c.Data[n:], nil
}

func macHead(c apdu.Command, size int) []byte {
	return []byte{plainClass(c.CLA), c.INS, c.P1, c.P2, byte(size)}
}

func unprotected(cla byte) byte {
	out, err := apdu.WithChannel(cla&0x80, apdu.Channel(cla))
	if err != nil {
		return cla & 0x80
	}
	return out
}

// scp02 is the card's side of SCP02 (GPCS annex E), i = 15 or 55.
type scp02 struct {
	enc, mac             []byte
	host, seq, challenge []byte
	icv                  []byte
}

func newSCP02(set KeySet, host, seq, challenge []byte) (*scp02, error) {
	p := &scp02{host: host, seq: seq, challenge: challenge, icv: make([]byte, 8)}
	for _, k := range []struct {
		into *[]byte
		base []byte
		c    byte
	}{{&p.enc, set.ENC, 0x82}, {&p.mac, set.MAC, 0x01}} {
		block, err := crypt.TripleDES(k.base)
		if err != nil {
			return nil, err
		}
		data := append([]byte{0x01, k.c, seq[0], seq[1]}, make([]byte, 12)...)
		if *k.into, err = crypt.EncryptCBC(block, nil, data); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *scp02) answer() ([]byte, error) {
	mac, err := crypt.FullTripleDESMAC(p.enc, nil, concat(p.host, p.seq, p.challenge))
	return concat(p.seq, p.challenge, mac), err
}

func (p *scp02) hostCryptogram() ([]byte, error) {
	return crypt.FullTripleDESMAC(p.enc, nil, concat(p.seq, p.challenge, p.host))
}

func (p *scp02) macSize() int   { return 8 }
func (p *scp02) levels() []byte { return []byte{0x00, 0x01, 0x03} }

// unwrap: the C-MAC is over the plain data with the Lc of plain data and MAC, so that decryption comes first; its ICV is
// the last C-MAC under single DES, zeros at EXTERNAL AUTHENTICATE.
func (p *scp02) unwrap(c apdu.Command, level byte, begin bool) (apdu.Command, error) {
	data, mac, err := split(c, 8)
	if err != nil {
		return c, err
	}
	if level&plug.CDecryption != 0 && len(data) > 0 && !begin {
		if data, err = p.decrypt(data); err != nil {
			return c, err
		}
	}
	icv := make([]byte, 8)
	if !begin {
		block, err := crypt.SingleDES(p.mac)
		if err != nil {
			return c, err
		}
		block.Encrypt(icv, p.icv)
	}
	want, err := crypt.RetailMAC(p.mac, icv, concat(macHead(c, len(data)+8), data))
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

func concat(parts ...[]byte) []byte {
	out := []byte{}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// scp03 is the card's side of SCP03 (Amendment D).
type scp03 struct {
	enc, mac, rmac []byte
	context        []byte
	challenge, seq []byte
	i              byte
	size           int
	chain          []byte
	counter        uint32
}

// kdf is the derivation of Amendment D clause 4.1.5.
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

func newSCP03(set KeySet, host, challenge, seq []byte) (*scp03, error) {
	p := &scp03{context: concat(host, challenge), challenge: challenge, seq: seq, i: set.I, size: len(host), chain: make([]byte, 16)}
	var err error
	if p.enc, err = kdf(set.ENC, 0x04, len(set.ENC)*8, p.context); err != nil {
		return nil, err
	}
	if p.mac, err = kdf(set.MAC, 0x06, len(set.MAC)*8, p.context); err != nil {
		return nil, err
	}
	p.rmac, err = kdf(set.MAC, 0x07, len(set.MAC)*8, p.context)
	return p, err
}

func (p *scp03) answer() ([]byte, error) {
	cryptogram, err := kdf(p.mac, 0x00, p.size*8, p.context)
	return concat([]byte{p.i}, p.challenge, cryptogram, p.seq), err
}

func (p *scp03) hostCryptogram() ([]byte, error) { return kdf(p.mac, 0x01, p.size*8, p.context) }
func (p *scp03) macSize() int                    { return p.size }

// levels: R-MAC and R-ENC only when i offers them (table 5-1).
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

// iv is the counter under S-ENC; responses set the first bit.
func (p *scp03) iv(first byte) ([]byte, error) {
	block, err := crypt.AES(p.enc)
	if err != nil {
		return nil, err
	}
	v := make([]byte, 16)
	v[0] = first
	v[12], v[13], v[14], v[15] = byte(p.counter>>24), byte(p.counter>>16), byte(p.counter>>8), byte(p.counter)
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

// wrap: an error status word goes alone.
func (p *scp03) wrap(r apdu.Response, level byte) (apdu.Response, error) {
	if !r.SW.OK() && !r.SW.Warning() {
		return apdu.Response{SW: r.SW}, nil
	}
	data := r.Data
	if level&plug.REncryption != 0 && len(data) > 0 {
		iv, err := p.iv(0x80)
		if err != nil {
			return r, err
		}
		block, err := crypt.AES(p.enc)
		if err != nil {
			return r, err
		}
		if data, err = crypt.EncryptCBC(block, iv, crypt.Pad80(data, 16)); err != nil {
			return r, err
		}
	}
	mac, err := crypt.CMAC(p.rmac, concat(p.chain, data, []byte{r.SW.SW1(), r.SW.SW2()}))
	if err != nil {
		return r, err
	}
	return apdu.Response{Data: concat(data, mac[:p.size]), SW: r.SW}, nil
}
