//go:build pkcs11 && cgo && !windows

package keys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// bench is the token of scripts/with-softhsm.
func bench(t testing.TB) *Token {
	t.Helper()
	module, pin := os.Getenv("SIMBIND_SOFTHSM"), os.Getenv("SIMBIND_SOFTHSM_PIN_FILE")
	if module == "" || pin == "" {
		t.Fatal("no token: run this through scripts/with-softhsm")
	}
	return &Token{Module: module, Label: "bench", PINFile: pin}
}

// put makes a master in the token: one that may derive, and as KDF3 wants it encrypt, and is never shown.
func put(t testing.TB, token *Token, label string, value []byte) {
	t.Helper()
	putWith(t, token, label, value, true, token.Diversification == gp.KDF3)
}

func putWith(t testing.TB, token *Token, label string, value []byte, derive, encrypt bool) {
	t.Helper()
	src, err := OpenToken(token, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := src.(*tokenSource)
	h, err := s.lib.OpenSession(s.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	kind, aes := uint(pkcs11.CKK_AES), token.Diversification == gp.KDF3
	if !aes {
		kind = map[int]uint{16: pkcs11.CKK_DES2, 24: pkcs11.CKK_DES3}[len(value)]
	}
	o, err := s.lib.CreateObject(h, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, kind),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_DERIVE, derive), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, encrypt), pkcs11.NewAttribute(pkcs11.CKA_SIGN, false),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, value),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.lib.DestroyObject(h, o), s.lib.CloseSession(h), src.Close()); err != nil {
			t.Error(err)
		}
	})
}

func value(first byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = first + byte(i)*7
	}
	return out
}

// TestDerivedInTheToken holds everything a channel asks of held keys against the same in memory.
func TestDerivedInTheToken(t *testing.T) {
	for _, row := range []struct {
		d     gp.Diversification
		size  int
		kinds []gp.KeyKind
	}{
		{gp.EMV, 16, []gp.KeyKind{gp.DES, gp.AES}}, {gp.EMV, 24, []gp.KeyKind{gp.DES}}, {gp.VISA2, 16, []gp.KeyKind{gp.DES, gp.AES}}, {gp.VISA1, 16, []gp.KeyKind{gp.DES}},
		{gp.KDF3, 16, []gp.KeyKind{gp.AES, gp.DES}}, {gp.KDF3, 24, []gp.KeyKind{gp.AES}}, {gp.KDF3, 32, []gp.KeyKind{gp.AES}},
	} {
		t.Run(fmt.Sprintf("%s-%d", row.d, row.size), func(t *testing.T) {
			token := bench(t)
			token.Diversification, token.KVN, token.ENC, token.MAC, token.DEK = row.d, 0x30, "t-enc", "t-mac", "t-dek"
			masters := gp.KeySet{ENC: secret.New(value(0x11, row.size)), MAC: secret.New(value(0x92, row.size)), DEK: secret.New(value(0xA3, row.size)), Diversification: row.d}
			put(t, token, "t-enc", masters.ENC.Reveal())
			put(t, token, "t-mac", masters.MAC.Reveal())
			put(t, token, "t-dek", masters.DEK.Reveal())
			src, err := OpenToken(token, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			c, err := src.Card(iccid, "")
			if err != nil || c.ICCID != iccid || c.Keys.KVN != 0x30 || c.Keys.Empty() || !c.Keys.ENC.IsZero() {
				t.Fatalf("%+v, %v", c, err)
			}
			for _, kind := range row.kinds {
				compareWith(t, c.Keys.Holder, masters, kind)
			}
			if _, err := c.Keys.Diversify([10]byte{}); !errors.Is(err, gp.ErrHeld) {
				t.Errorf("the keys came out: %v", err)
			}
		})
	}
}

func compareWith(t *testing.T, holder gp.Holder, masters gp.KeySet, kind gp.KeyKind) {
	t.Helper()
	kdd := [10]byte{0x00, 0x00, 0x51, 0x53, 0x98, 0x25, 0x31, 0x98, 0x12, 0x34}
	want, err := masters.Diversify(kdd)
	if err != nil {
		t.Fatal(err)
	}
	held, err := holder.Card(kdd, kind)
	if err != nil {
		t.Fatal(err)
	}
	if held.Size() != want.ENC.Len() {
		t.Errorf("keys of %d bytes, want %d", held.Size(), want.ENC.Len())
	}
	data := value(0x5A, 32)
	for p, key := range map[gp.Purpose]secret.Bytes{gp.PurposeENC: want.ENC, gp.PurposeMAC: want.MAC, gp.PurposeDEK: want.DEK} {
		if !held.Has(p) {
			t.Errorf("no key of purpose %d", p)
		}
		if kind == gp.AES {
			mac, err := crypt.CMAC(key.Reveal(), data)
			same(t, "CMAC", mac, err, held.CMAC, p, data)
			continue
		}
		block, err := crypt.TripleDES(key.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		ecb, err := crypt.EncryptECB(block, data)
		same(t, "ECB", ecb, err, held.ECB, p, data)
		cbc, err := crypt.EncryptCBC(block, nil, data)
		same(t, "CBC", cbc, err, held.CBC, p, data)
	}
	hidden(t, held.(*heldKeys))
	compareSession(t, held, want.ENC.Reveal(), kind)
	held.Drop()
	if held.Has(gp.PurposeENC) {
		t.Error("a static key is there after it was dropped")
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	if _, err := held.CMAC(gp.PurposeMAC, data); err == nil {
		t.Error("a key is there after the session was closed")
	}
}

// compareSession holds a session key of the token against the same in memory.
func compareSession(t *testing.T, held gp.HeldKeys, static []byte, kind gp.KeyKind) {
	t.Helper()
	var messages [][]byte
	var value []byte
	block, err := crypt.TripleDES(static[:min(len(static), 24)])
	if kind == gp.DES {
		messages = [][]byte{bytes.Repeat([]byte{0x18, 0x02}, 8)}
		if err == nil {
			value, err = crypt.EncryptCBC(block, nil, messages[0])
		}
	} else {
		for n := 0; n < len(static); n += 16 {
			m := append(bytes.Repeat([]byte{byte(n + 1)}, 16), bytes.Repeat([]byte{0xC3}, 32-n)...) // of three and of two blocks
			messages = append(messages, m[:len(m)/16*16])
			mac, err := crypt.CMAC(static, messages[len(messages)-1])
			if err != nil {
				t.Fatal(err)
			}
			value = append(value, mac...)
		}
		value = value[:len(static)]
		block, err = crypt.AES(value)
	}
	if kind == gp.DES && err == nil {
		block, err = crypt.TripleDES(value)
	}
	if err != nil {
		t.Fatal(err)
	}
	k, err := held.Session(gp.PurposeENC, messages)
	if err != nil {
		t.Fatal(err)
	}
	iv, data := bytes.Repeat([]byte{0x77}, block.BlockSize()), bytes.Repeat([]byte{0x31, 0x32}, 24)
	for _, v := range [][]byte{nil, iv} {
		want, err := crypt.EncryptCBC(block, v, data)
		got, err2 := k.Encrypt(v, data)
		if err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("session key: %X, want %X; %v, %v", got, want, err, err2)
		}
		if back, err := k.Decrypt(v, got); err != nil || !bytes.Equal(back, data) {
			t.Errorf("session key, back: %X, %v", back, err)
		}
	}
	if kind == gp.AES {
		want, err := crypt.CMAC(value, data)
		if got, err2 := k.CMAC(data); err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("session key: CMAC %X, want %X; %v, %v", got, want, err, err2)
		}
	}
	s := k.(*sessionKey)
	a, err := s.held.source.lib.GetAttributeValue(s.held.session, s.object, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)})
	if !errors.Is(err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE)) {
		t.Errorf("the token shows a session key: %d attributes, %v", len(a), err)
	}
	k.Wipe()
	if _, err := k.Encrypt(nil, data); err == nil {
		t.Error("a session key is there after it was wiped")
	}
}

func same(t *testing.T, what string, want []byte, err error, do func(gp.Purpose, []byte) ([]byte, error), p gp.Purpose, data []byte) {
	t.Helper()
	got, err2 := do(p, data)
	if err != nil || err2 != nil || !bytes.Equal(got, want) {
		t.Errorf("%s under key %d: %X, want %X; %v, %v", what, p, got, want, err, err2)
	}
}

// hidden asks the token for the keys of the card, and for the masters.
func hidden(t *testing.T, k *heldKeys) {
	t.Helper()
	s := k.source
	objects := []pkcs11.ObjectHandle{k.keys[gp.PurposeENC], k.keys[gp.PurposeMAC]}
	m, err := s.object(k.session, "t-enc")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range append(objects, m) {
		a, err := s.lib.GetAttributeValue(k.session, o, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)})
		if !errors.Is(err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE)) {
			t.Errorf("the token shows a key: %d attributes, %v", len(a), err)
		}
	}
}

// TestMastersOfSeveralLengths: ENC and MAC are of one length; that of the DEK is its own.
func TestMastersOfSeveralLengths(t *testing.T) {
	token := bench(t)
	token.Diversification, token.ENC, token.MAC, token.DEK = gp.KDF3, "t-enc", "t-mac", "t-dek"
	masters := gp.KeySet{ENC: secret.New(value(0x11, 16)), MAC: secret.New(value(0x92, 16)), DEK: secret.New(value(0xA3, 32)), Diversification: gp.KDF3}
	put(t, token, "t-enc", masters.ENC.Reveal())
	put(t, token, "t-mac", masters.MAC.Reveal())
	put(t, token, "t-dek", masters.DEK.Reveal())
	put(t, token, "t-long", value(0x55, 32))
	src, err := OpenToken(token, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	c, err := src.Card(iccid, "")
	if err != nil {
		t.Fatal(err)
	}
	compareWith(t, c.Keys.Holder, masters, gp.AES)
	held, err := c.Keys.Holder.Card([10]byte{}, gp.AES)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close() //nolint:errcheck // it was looked at
	if held.Size() != 16 {
		t.Errorf("a key has %d bytes, want 16", held.Size())
	}
	token.MAC = "t-long"
	want := `token "bench": key t-long: 32 bytes, and t-enc has 16: those of ENC and MAC are of one length`
	if _, err := src.Card(iccid, ""); fmt.Sprint(err) != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestLoggedOut: a token that was pulled and put back is not logged in any more, and shows no key. That is no card without keys.
func TestLoggedOut(t *testing.T) {
	token := bench(t)
	token.Diversification, token.ENC, token.MAC = gp.EMV, "nowhere", "nowhere"
	src, err := OpenToken(token, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := src.Card(iccid, ""); !errors.Is(err, ErrNoCard) {
		t.Errorf("logged in: %v", err)
	}
	s := src.(*tokenSource)
	if err := s.lib.Logout(s.login); err != nil {
		t.Fatal(err)
	}
	_, err = src.Card(iccid, "")
	var refused *TokenError
	if !errors.As(err, &refused) || errors.Is(err, ErrNoCard) || !strings.Contains(err.Error(), "not logged in any more") {
		t.Errorf("logged out: %v", err)
	}
}

// TestNoPIN: a file without a PIN costs no try.
func TestNoPIN(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "blank": " \n2468\n", "endless": strings.Repeat("2", 2000)} {
		token := bench(t)
		token.Diversification, token.ENC, token.MAC = gp.EMV, "e", "m"
		token.PINFile = write(t, "pin", text, 0o600)
		src, err := OpenToken(token, nil)
		if err == nil {
			src.Close()
		}
		var e *Error
		if !errors.As(err, &e) || e.File != token.PINFile {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManyAtOnce: eight readers, one token.
func TestManyAtOnce(t *testing.T) {
	token := bench(t)
	token.Diversification, token.ENC, token.MAC = gp.KDF3, "{key}-enc", "{key}-mac"
	masters := gp.KeySet{ENC: secret.New(value(1, 16)), MAC: secret.New(value(2, 16)), Diversification: gp.KDF3}
	put(t, token, "march-enc", masters.ENC.Reveal())
	put(t, token, "march-mac", masters.MAC.Reveal())
	src, err := OpenToken(token, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var wait sync.WaitGroup
	for reader := range 8 {
		wait.Go(func() {
			for n := range 20 {
				c, err := src.Card(iccid, "march")
				if err != nil {
					t.Error(err)
					return
				}
				kdd := [10]byte{byte(reader), byte(n)}
				held, err := c.Keys.Holder.Card(kdd, gp.AES)
				if err != nil {
					t.Error(err)
					return
				}
				want, _ := masters.Diversify(kdd)
				mac, _ := crypt.CMAC(want.MAC.Reveal(), []byte("x"))
				if got, err := held.CMAC(gp.PurposeMAC, []byte("x")); err != nil || !bytes.Equal(got, mac) || held.Has(gp.PurposeDEK) {
					t.Errorf("reader %d, card %d: %v", reader, n, err)
				}
				if err := held.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if _, err := src.Card(iccid, ""); !errors.Is(err, ErrNoCard) || !strings.Contains(err.Error(), "its row has none") {
		t.Errorf("a card without the name of its keys: %v", err)
	}
	if _, err := src.Card(iccid, "april"); !errors.Is(err, ErrNoCard) || !strings.Contains(err.Error(), `no secret key "april-`) {
		t.Errorf("a name that the token does not know: %v", err)
	}
}

func TestTokenRefuses(t *testing.T) {
	asked := 0
	ask := func(pin string) func() (string, error) {
		return func() (string, error) { asked++; return pin, nil }
	}
	for _, row := range []struct {
		name   string
		change func(*Token)
		ask    func() (string, error)
		want   string
	}{
		{"module", func(k *Token) { k.Module = "/nowhere/lib.so" }, nil, `token "bench": module: /nowhere/lib.so cannot be loaded`},
		{"label", func(k *Token) { k.Label = "benhc" }, nil, `token "benhc": C_GetSlotList: 0 tokens of this label, one is needed`},
		{"nobody to ask", func(k *Token) { k.PINFile = "" }, nil, `token "bench": PIN: no file names it, and nobody can be asked`},
		{"wrong PIN", func(k *Token) { k.PINFile = "" }, ask("1111"), `token "bench": C_Login: wrong PIN; it is not tried again (pkcs11: 0xA0: CKR_PIN_INCORRECT)`},
		{"PIN file that others read", func(k *Token) { k.PINFile = write(t, "pin", "2468\n", 0o644) }, nil, "mode 0644 lets others read it, 0600 is needed"},
		{"no PIN file", func(k *Token) { k.PINFile = "/nowhere/pin" }, nil, "key file /nowhere/pin: no such file or directory"},
		{"two of a label", func(k *Token) {
			k.ENC, k.MAC = "double", "double"
			put(t, k, "double", value(1, 16))
			put(t, k, "double", value(2, 16))
		}, nil, `token "bench": C_FindObjects: several secret keys are called "double"`},
		{"a master that may not derive", func(k *Token) {
			k.ENC, k.MAC = "idle", "idle"
			putWith(t, k, "idle", value(1, 16), false, false)
		}, nil, `token "bench": key idle: CKA_DERIVE is not set, which emv needs`},
		{"a master that may not encrypt", func(k *Token) {
			k.ENC, k.MAC, k.Diversification = "shy", "shy", gp.KDF3
			putWith(t, k, "shy", value(1, 16), true, false)
		}, nil, `token "bench": key shy: CKA_ENCRYPT is not set, which kdf3 needs`},
	} {
		t.Run(row.name, func(t *testing.T) {
			token := bench(t)
			token.Diversification, token.ENC, token.MAC = gp.EMV, "e", "m"
			row.change(token)
			src, err := OpenToken(token, row.ask)
			if err == nil {
				_, err = src.Card(iccid, "")
				if closed := src.Close(); closed != nil {
					t.Error(closed)
				}
			}
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v\nwant %s", err, row.want)
			}
		})
	}
	if asked != 1 {
		t.Errorf("asked for the PIN %d times", asked)
	}
}

// TestWrongKindOfMaster: a derivation with AES keys takes no other, and the other way round.
func TestWrongKindOfMaster(t *testing.T) {
	for _, row := range []struct {
		put, derive gp.Diversification
		want        string
	}{
		{gp.EMV, gp.KDF3, "kdf3 derives with AES keys, and this is none"},
		{gp.KDF3, gp.VISA2, "visa2 derives with triple DES keys, and this is none"},
	} {
		t.Run(row.derive.String(), func(t *testing.T) {
			token := bench(t)
			token.Diversification = row.put
			put(t, token, "kind", value(1, 16))
			token.Diversification, token.ENC, token.MAC = row.derive, "kind", "kind"
			src, err := OpenToken(token, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := src.Card(iccid, ""); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %s", err, row.want)
			}
			if err := src.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLengthOfMaster: what a token says of a length is not believed beyond what AES has.
func TestLengthOfMaster(t *testing.T) {
	s := &tokenSource{token: &Token{Label: "bench"}}
	for size, want := range map[uint]string{
		16: "<nil>", 24: "<nil>", 32: "<nil>", 0: `token "bench": key k: an AES key has 16, 24 or 32 bytes, and this one is said to have 0`,
		^uint(0): `token "bench": key k: an AES key has 16, 24 or 32 bytes, and this one is said to have 18446744073709551615`,
	} {
		if got := fmt.Sprint(s.aesLength("k", size)); got != want {
			t.Errorf("%d: %s, want %s", size, got, want)
		}
	}
}

// TestLastTry: what the token says of its PIN is heeded.
func TestLastTry(t *testing.T) {
	s := &tokenSource{token: &Token{Label: "bench"}}
	for flags, want := range map[uint]string{
		0: "<nil>", pkcs11.CKF_USER_PIN_COUNT_LOW: "<nil>",
		pkcs11.CKF_USER_PIN_FINAL_TRY | pkcs11.CKF_USER_PIN_COUNT_LOW: `token "bench": C_Login: one try is left for its PIN, and it is not made`,
		pkcs11.CKF_USER_PIN_LOCKED | pkcs11.CKF_USER_PIN_FINAL_TRY:    `token "bench": C_Login: its PIN is locked`,
	} {
		if got := fmt.Sprint(s.mayTry(flags)); got != want {
			t.Errorf("%X: %s, want %s", flags, got, want)
		}
	}
}

// BenchmarkCardInToken is what the token has to do for one card of SCP03: two keys of the card, three of the session, forty commands.
func BenchmarkCardInToken(b *testing.B) {
	token := bench(b)
	token.Diversification, token.ENC, token.MAC = gp.KDF3, "b-enc", "b-mac"
	put(b, token, "b-enc", value(1, 16))
	put(b, token, "b-mac", value(2, 16))
	src, err := OpenToken(token, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	message := [][]byte{value(9, 32)}
	for b.Loop() {
		c, err := src.Card(iccid, "")
		if err != nil {
			b.Fatal(err)
		}
		held, err := c.Keys.Holder.Card([10]byte{1}, gp.AES)
		if err != nil {
			b.Fatal(err)
		}
		for range 3 {
			k, err := held.Session(gp.PurposeMAC, message)
			if err != nil {
				b.Fatal(err)
			}
			for range 40 {
				if _, err := k.CMAC(message[0]); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := held.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
