package scp02

import (
	"bytes"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp/macchain"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/secret"
)

func TestMain(m *testing.M) { vectors.Main(m, "gp/scp02") }

// TestMACChain: two commands, the second ICV being the first MAC under single DES.
// over is a session with these session keys.
func over(key secret.Bytes) *Session {
	s := &Session{mac: key, enc: inMemory{key}}
	s.Chain = macchain.New(s.rules())
	return s
}

// begun is one that is authenticated, at a level with C-DECRYPTION.
func begun(t testing.TB, key secret.Bytes) *Session {
	t.Helper()
	s := over(key)
	if _, err := s.Begin(LevelCMAC|LevelCDecryption, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMACChain(t *testing.T) {
	var rows struct {
		Chain []struct {
			ID       string
			Key      vectors.Hex
			Commands []struct{ Plain, Wrapped vectors.Hex }
		} `json:"scp02_mac_chain"`
	}
	vectors.Load(t, "scp_primitives.json", &rows)
	for _, row := range rows.Chain {
		vectors.Use(t, row.ID)
		s := over(secret.New(row.Key))
		for i, x := range row.Commands {
			c, err := apdu.Parse(x.Plain)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 { // EXTERNAL AUTHENTICATE: a zero ICV, as it is
				w, err := s.Begin(c.P1, c.Data)
				if err != nil || !bytes.HasSuffix(x.Wrapped, w.Data) {
					t.Fatalf("%s: %X, %v", row.ID, w.Data, err)
				}
				continue
			}
			w, commit, err := s.Wrap(c)
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.Bytes()
			if err != nil || !bytes.Equal(got, x.Wrapped) {
				t.Errorf("%s: %X, want %X, %v", row.ID, got, []byte(x.Wrapped), err)
			}
			commit()
		}
	}
}

// TestFailedTransmitMovesNothing: only a committed command becomes the next ICV.
func TestFailedTransmitMovesNothing(t *testing.T) {
	key := secret.New(make([]byte, 16))
	s := begun(t, key)
	c := apdu.Command{CLA: 0x80, INS: 0xE2, Data: []byte{1, 2, 3}}
	first, _, err := s.Wrap(c)
	if err != nil {
		t.Fatal(err)
	}
	again, commit, err := s.Wrap(c)
	if err != nil || !bytes.Equal(first.Data, again.Data) {
		t.Errorf("the same command wraps differently: %v", err)
	}
	commit()
	if next, _, err := s.Wrap(c); err != nil || bytes.Equal(first.Data, next.Data) {
		t.Errorf("the committed command did not move the session: %v", err)
	}
}

// TestEmptyDataIsNotEncrypted: GPCS clause E.4.6; a command without data carries its MAC alone.
func TestEmptyDataIsNotEncrypted(t *testing.T) {
	key := secret.New(make([]byte, 16))
	s := begun(t, key)
	w, _, err := s.Wrap(apdu.Command{CLA: 0x80, INS: 0xCA, Le: 256})
	if err != nil || len(w.Data) != 8 {
		t.Errorf("%d bytes, %v", len(w.Data), err)
	}
}

func BenchmarkWrap(b *testing.B) {
	key := secret.New(make([]byte, 16))
	s := begun(b, key)
	c := apdu.Command{CLA: 0x80, INS: 0xE2, Data: make([]byte, 200)}
	b.SetBytes(200)
	for b.Loop() {
		_, commit, err := s.Wrap(c)
		if err != nil {
			b.Fatal(err)
		}
		commit()
	}
}
