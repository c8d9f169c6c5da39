package scp01

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"errors"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/secret"
)

func TestMain(m *testing.M) { vectors.Main(m, "gp/scp01") }

// recorded is a session of scp_sessions.json, or a row of session_keys.
type recorded struct {
	ID, SCP       string
	Level         vectors.Hex
	Static        struct{ ENC, MAC vectors.Hex }
	Session       struct{ ENC, MAC vectors.Hex }
	ENC, MAC      vectors.Hex
	Host          vectors.Hex                   `json:"host_challenge"`
	Card          vectors.Hex                   `json:"card_challenge"`
	CardProof     vectors.Hex                   `json:"card_cryptogram"`
	HostProof     vectors.Hex                   `json:"host_cryptogram"`
	Authenticated struct{ Command vectors.Hex } `json:"external_authenticate"`
	Exchanges     []struct{ Plain, Wrapped vectors.Hex }
}

func (r recorded) open(t *testing.T) *Session {
	t.Helper()
	s, err := New(Keys{ENC: secret.New(r.Static.ENC), MAC: secret.New(r.Static.MAC)}, Option05, r.Host, r.Card)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %X, want %X", what, got, want)
	}
}

func TestSessionKeys(t *testing.T) {
	var p struct {
		Rows []recorded `json:"session_keys"`
	}
	vectors.Load(t, "scp_primitives.json", &p)
	ran := 0
	for _, row := range p.Rows {
		if row.SCP != "01" {
			continue
		}
		ran++
		s := row.open(t)
		same(t, row.ID+" ENC", s.enc.Reveal(), row.ENC)
		same(t, row.ID+" MAC", s.mac.Reveal(), row.MAC)
		vectors.Use(t, row.ID)
	}
	if ran != 1 {
		t.Errorf("%d rows", ran)
	}
}

// TestRecorded: keys, both proofs, EXTERNAL AUTHENTICATE and every command, byte for byte.
func TestRecorded(t *testing.T) {
	var rows []recorded
	vectors.Load(t, "scp_sessions.json", &rows)
	ran := 0
	for _, row := range rows {
		if row.SCP == "01" {
			ran++
			t.Run(row.ID, row.replay)
			vectors.Use(t, row.ID)
		}
	}
	if ran != 3 {
		t.Errorf("%d sessions", ran)
	}
}

func (r recorded) replay(t *testing.T) {
	s := r.open(t)
	same(t, "ENC", s.enc.Reveal(), r.Session.ENC)
	same(t, "MAC", s.mac.Reveal(), r.Session.MAC)
	if ok, err := s.VerifyCard(r.CardProof); !ok || err != nil {
		t.Errorf("the card's cryptogram: %v, %v", ok, err)
	}
	if ok, err := s.VerifyCard(r.HostProof); ok || err != nil {
		t.Errorf("another cryptogram: %v, %v", ok, err)
	}
	proof, err := s.HostCryptogram()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "host cryptogram", proof, r.HostProof)
	c, err := s.Authenticate(r.Level[0])
	if err != nil {
		t.Fatal(err)
	}
	same(t, "EXTERNAL AUTHENTICATE", bytesOf(t, c), r.Authenticated.Command)
	for _, x := range r.Exchanges {
		plain, err := apdu.Parse(x.Plain)
		if err != nil {
			t.Fatal(err)
		}
		w, commit, err := s.Wrap(plain)
		if err != nil {
			t.Fatal(err)
		}
		commit()
		same(t, "wrapped", bytesOf(t, w), x.Wrapped)
	}
}

func bytesOf(t *testing.T, c apdu.Command) []byte {
	t.Helper()
	b, err := c.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	key       = []byte("@ABCDEFGHIJKLMNO")
	keys      = Keys{ENC: secret.New(key), MAC: secret.New(key)}
	challenge = []byte{1, 2, 3, 4, 5, 6, 7, 8}
)

func open(t *testing.T, option, level byte) *Session {
	t.Helper()
	s, _ := begun(t, option, level)
	return s
}

// begun gives EXTERNAL AUTHENTICATE too: its MAC is the first ICV.
func begun(t *testing.T, option, level byte) (*Session, apdu.Command) {
	t.Helper()
	s, err := New(keys, option, challenge, challenge)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Authenticate(level)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// TestEncryptedICV: i = 15 differs from i = 05 in the ICV alone, 3DES under the C-MAC key. No session with i = 15 is published, so that the
// MAC is made here once more.
func TestEncryptedICV(t *testing.T) {
	five, begin5 := begun(t, Option05, LevelCMAC)
	fifteen, begin15 := begun(t, Option15, LevelCMAC)
	same(t, "EXTERNAL AUTHENTICATE", begin15.Data, begin5.Data)
	block, err := des.NewTripleDESCipher(append(bytes.Clone(five.mac.Reveal()), five.mac.Reveal()[:8]...))
	if err != nil {
		t.Fatal(err)
	}
	message := []byte{0x84, 0xF2, 0x20, 0x00, 0x0A, 0x4F, 0x00, 0x80}
	for _, s := range []*Session{five, fifteen} {
		icv := bytes.Clone(begin5.Data[8:])
		if s == fifteen {
			block.Encrypt(icv, icv)
		}
		want := make([]byte, 8)
		cipher.NewCBCEncrypter(block, icv).CryptBlocks(want, message)
		w, _, err := s.Wrap(apdu.Command{CLA: 0x80, INS: 0xF2, P1: 0x20, Data: []byte{0x4F, 0x00}})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "MAC", w.Data[2:], want)
	}
}

// TestRoom: whatever MaxData allows fits a short command, and comes out again behind its length; a byte more is refused.
func TestRoom(t *testing.T) {
	for level, most := range map[byte]int{0: 255, LevelCMAC: 247, LevelCMAC | LevelCDecryption: 239} {
		s := open(t, Option05, level)
		if s.MaxData(apdu.MaxShortData) != most || s.Level() != level {
			t.Errorf("level %02X: %d bytes, want %d", s.Level(), s.MaxData(apdu.MaxShortData), most)
		}
		for n := range most + 1 {
			w, _, err := s.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2, Data: bytes.Repeat([]byte{0xA5}, n)})
			if err != nil || len(w.Data) > apdu.MaxShortData {
				t.Fatalf("level %02X: %d bytes wrap to %d, %v", level, n, len(w.Data), err)
			}
			if level&LevelCDecryption != 0 {
				decrypted(t, s, w.Data[:len(w.Data)-8], n)
			}
		}
		if _, _, err := s.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2, Data: make([]byte, most+1)}); level != 0 && err == nil {
			t.Errorf("level %02X: %d bytes were wrapped", level, most+1)
		}
	}
}

// decrypted: length, data, then nothing or 80 and zeros. Without data there is nothing to encrypt.
func decrypted(t *testing.T, s *Session, data []byte, n int) {
	t.Helper()
	if n == 0 {
		same(t, "nothing", data, nil)
		return
	}
	block, err := crypt.TripleDES(s.enc.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := crypt.DecryptCBC(block, nil, data)
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte{byte(n)}, bytes.Repeat([]byte{0xA5}, n)...)
	if len(want)%8 != 0 {
		want = crypt.Pad80(want, 8)
	}
	same(t, "data", plain, want)
}

// TestFailedTransmitMovesNothing: only a committed command becomes the next ICV.
func TestFailedTransmitMovesNothing(t *testing.T) {
	s := open(t, Option05, LevelCMAC|LevelCDecryption)
	c := apdu.Command{CLA: 0x80, INS: 0xE2, Data: []byte{1, 2, 3}}
	first, _, err := s.Wrap(c)
	if err != nil {
		t.Fatal(err)
	}
	again, commit, err := s.Wrap(c)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "again", again.Data, first.Data)
	commit()
	if next, _, err := s.Wrap(c); err != nil || bytes.Equal(first.Data, next.Data) {
		t.Errorf("the committed command did not move the session: %v", err)
	}
}

// TestChannel: the channel is no part of the MAC and goes out in the class.
func TestChannel(t *testing.T) {
	s := open(t, Option05, LevelCMAC)
	zero, _, err := s.Wrap(apdu.Command{CLA: 0x80, INS: 0xF2})
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := s.Wrap(apdu.Command{CLA: 0x82, INS: 0xF2})
	if err != nil || two.CLA != 0x86 || zero.CLA != 0x84 {
		t.Errorf("classes %02X and %02X, %v", zero.CLA, two.CLA, err)
	}
	same(t, "MAC", two.Data, zero.Data)
}

func TestRefused(t *testing.T) {
	if _, err := New(Keys{ENC: secret.New(key[:5]), MAC: keys.MAC}, Option05, challenge, challenge); !errors.Is(err, ErrKeys) {
		t.Errorf("a key of 5 bytes: %v", err)
	}
	for name, try := range map[string]func() (*Session, error){
		"option":         func() (*Session, error) { return New(keys, 0x55, challenge, challenge) },
		"host challenge": func() (*Session, error) { return New(keys, Option05, challenge[:7], challenge) },
		"card challenge": func() (*Session, error) { return New(keys, Option05, challenge, nil) },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestClose(t *testing.T) {
	s := open(t, Option05, LevelCMAC)
	s.Close()
	if !bytes.Equal(s.enc.Reveal(), make([]byte, 16)) && len(s.enc.Reveal()) != 0 {
		t.Error("the session key is still there")
	}
}
