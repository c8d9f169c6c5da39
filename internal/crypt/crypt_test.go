package crypt

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"testing"

	"github.com/simbind/simbind/internal/vectors"
)

func TestMain(m *testing.M) { vectors.Main(m, "internal/crypt") }

type primitives struct {
	CMAC []struct {
		ID                string
		Key, Message, MAC vectors.Hex
	} `json:"aes_cmac"`
	DESMAC []struct {
		ID, Algorithm       string
		Key, ICV, Data, MAC vectors.Hex
	} `json:"des_mac"`
	Padding []struct {
		ID           string
		Block        int
		Data, Padded vectors.Hex
	}
	ThreeKeys []struct {
		ID            string
		Key, Expanded vectors.Hex
	} `json:"two_key_to_three_key"`
	KCV []struct {
		ID, Cipher string
		Key, KCV   vectors.Hex
	}
}

func load(t testing.TB) primitives {
	t.Helper()
	var v primitives
	vectors.Load(t, "scp_primitives.json", &v)
	if len(v.CMAC)*len(v.DESMAC)*len(v.Padding)*len(v.ThreeKeys) == 0 {
		t.Fatal("a group of scp_primitives.json is empty")
	}
	return v
}

func TestVectorsCMAC(t *testing.T) {
	sizes := map[int]int{}
	for _, v := range load(t).CMAC {
		t.Run(v.ID, func(t *testing.T) {
			defer vectors.Use(t, v.ID)
			got, err := CMAC(v.Key, v.Message)
			if err != nil || !bytes.Equal(got, v.MAC) {
				t.Errorf("%X, %v", got, err)
			}
		})
		sizes[len(v.Key)]++
	}
	if sizes[16] == 0 || sizes[24] == 0 || sizes[32] == 0 {
		t.Errorf("a key size has no row: %v", sizes)
	}
}

func TestVectorsDESMAC(t *testing.T) {
	macs := map[string]func(key, iv, data []byte) ([]byte, error){"retail": RetailMAC, "full-3des": FullTripleDESMAC}
	for _, v := range load(t).DESMAC {
		t.Run(v.ID, func(t *testing.T) {
			defer vectors.Use(t, v.ID)
			mac, known := macs[v.Algorithm]
			if !known {
				t.Fatal(v.Algorithm)
			}
			got, err := mac(v.Key, v.ICV, v.Data)
			if err != nil || !bytes.Equal(got, v.MAC) {
				t.Errorf("%X, %v", got, err)
			}
			if bare, err := mac(v.Key, nil, v.Data); err != nil || bytes.Equal(v.ICV, make([]byte, 8)) != bytes.Equal(bare, v.MAC) {
				t.Errorf("a nil IV is not zero: %X, %v", bare, err)
			}
			other, err := mac(v.Key, []byte{1, 0, 0, 0, 0, 0, 0, 0}, v.Data)
			if err != nil || bytes.Equal(other, v.MAC) {
				t.Errorf("the IV does not count: %v", err)
			}
		})
	}
}

// TestRetailMACOfOneBlock: with at most 7 bytes there is no single DES before the last block.
func TestRetailMACOfOneBlock(t *testing.T) {
	key := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 2)
	key[15] ^= 2
	iv := []byte{8, 7, 6, 5, 4, 3, 2, 1}
	for n := range 8 {
		data := make([]byte, n)
		retail, err := RetailMAC(key, iv, data)
		full, err2 := FullTripleDESMAC(key, iv, data)
		if err != nil || err2 != nil || !bytes.Equal(retail, full) || len(full) != 8 {
			t.Errorf("%d bytes: %X, %X, %v, %v", n, retail, full, err, err2)
		}
	}
	retail, _ := RetailMAC(key, iv, make([]byte, 8))
	full, _ := FullTripleDESMAC(key, iv, make([]byte, 8))
	if bytes.Equal(retail, full) {
		t.Error("two blocks: the MACs do not differ")
	}
}

func TestVectorsPadding(t *testing.T) {
	for _, v := range load(t).Padding {
		t.Run(v.ID, func(t *testing.T) {
			defer vectors.Use(t, v.ID)
			data := append(make([]byte, 0, 64), v.Data...) // room behind it must stay as it is
			padded := Pad80(data, v.Block)
			if !bytes.Equal(padded, v.Padded) || data[:len(data)+1][len(data)] != 0 {
				t.Errorf("%X", padded)
			}
			if back, err := Unpad80(padded); err != nil || !bytes.Equal(back, v.Data) {
				t.Errorf("%X, %v", back, err)
			}
		})
	}
}

func TestPad80Always(t *testing.T) {
	for _, block := range []int{DESBlock, AESBlock} {
		for n := range 40 {
			data := bytes.Repeat([]byte{0x80}, n)
			padded := Pad80(data, block)
			if len(padded)%block != 0 || len(padded) <= n || len(padded) > n+block {
				t.Fatalf("%d bytes to %d", n, len(padded))
			}
			if back, err := Unpad80(padded); err != nil || !bytes.Equal(back, data) {
				t.Errorf("%d: %X, %v", n, back, err)
			}
		}
	}
}

func TestUnpad80Refuses(t *testing.T) {
	for _, b := range [][]byte{nil, {0}, {0, 0, 0}, {1}, {0x80, 1}, {0x80, 0, 1, 0}} {
		if out, err := Unpad80(b); !errors.Is(err, ErrInput) {
			t.Errorf("%X: %X, %v", b, out, err)
		}
	}
	for in, want := range map[string]string{"\x80": "", "a\x80": "a", "\x80\x80\x00": "\x80", "ab\x80" + string(make([]byte, 40)): "ab"} {
		if out, err := Unpad80([]byte(in)); err != nil || string(out) != want {
			t.Errorf("%q: %q, %v", in, out, err)
		}
	}
}

func TestVectorsThreeKeys(t *testing.T) {
	for _, v := range load(t).ThreeKeys {
		t.Run(v.ID, func(t *testing.T) {
			defer vectors.Use(t, v.ID)
			two, err := TripleDES(v.Key)
			three, err2 := TripleDES(v.Expanded)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			block := []byte("8 bytes.")
			a, err := EncryptECB(two, block)
			b, err2 := EncryptECB(three, block)
			if err != nil || err2 != nil || !bytes.Equal(a, b) {
				t.Errorf("%X, %X, %v, %v", a, b, err, err2)
			}
			if !bytes.Equal(v.Key, v.Expanded[:16]) {
				t.Error("the key was changed")
			}
		})
	}
}

func TestModesReverse(t *testing.T) {
	aes, err := AES(bytes.Repeat([]byte{7}, 24))
	if err != nil {
		t.Fatal(err)
	}
	des3, err := TripleDES([]byte("0123456789ABCDEF"))
	if err != nil {
		t.Fatal(err)
	}
	des1, err := SingleDES([]byte("0123456789ABCDEF"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]cipher.Block{"AES": aes, "3DES": des3, "DES": des1} {
		n := b.BlockSize()
		plain := bytes.Repeat([]byte{0xA5}, 3*n)
		iv := bytes.Repeat([]byte{9}, n)
		for _, iv := range [][]byte{nil, iv} {
			c, err := EncryptCBC(b, iv, plain)
			back, err2 := DecryptCBC(b, iv, c)
			if err != nil || err2 != nil || !bytes.Equal(back, plain) || bytes.Equal(c[:n], c[n:2*n]) {
				t.Errorf("%s CBC: %X, %v, %v", name, c, err, err2)
			}
		}
		c, err := EncryptECB(b, plain)
		back, err2 := DecryptECB(b, c)
		if err != nil || err2 != nil || !bytes.Equal(back, plain) || !bytes.Equal(c[:n], c[n:2*n]) {
			t.Errorf("%s ECB: %X, %v, %v", name, c, err, err2)
		}
		zero, _ := EncryptCBC(b, make([]byte, n), plain)
		if none, _ := EncryptCBC(b, nil, plain); !bytes.Equal(zero, none) {
			t.Errorf("%s: a nil IV is not zero", name)
		}
	}
}

func TestInputRefused(t *testing.T) {
	b, err := AES(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	second := func(_ any, err error) error { return err }
	for what, err := range map[string]error{
		"AES key of 15":           second(AES(make([]byte, 15))),
		"AES key of 0":            second(AES(nil)),
		"3DES key of 8":           second(TripleDES(make([]byte, 8))),
		"3DES key of 32":          second(TripleDES(make([]byte, 32))),
		"DES key of 7":            second(SingleDES(make([]byte, 7))),
		"CBC of half a block":     second(EncryptCBC(b, nil, make([]byte, 8))),
		"CBC with a short IV":     second(DecryptCBC(b, make([]byte, 8), make([]byte, 16))),
		"CBC with an empty IV":    second(EncryptCBC(b, []byte{}, make([]byte, 16))),
		"ECB of half a block":     second(EncryptECB(b, make([]byte, 8))),
		"ECB back of half":        second(DecryptECB(b, make([]byte, 24))),
		"CMAC key of 8":           second(CMAC(make([]byte, 8), nil)),
		"CMAC key of 0":           second(CMAC(nil, nil)),
		"retail MAC, key of 8":    second(RetailMAC(make([]byte, 8), nil, nil)),
		"retail MAC, key of 0":    second(RetailMAC(nil, nil, nil)),
		"retail MAC, short IV":    second(RetailMAC(make([]byte, 16), make([]byte, 4), nil)),
		"full MAC, key of 17":     second(FullTripleDESMAC(make([]byte, 17), nil, nil)),
		"full MAC, IV of 16":      second(FullTripleDESMAC(make([]byte, 16), make([]byte, 16), nil)),
		"decrypting half a block": second(DecryptCBC(b, nil, make([]byte, 17))),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzUnpad80(f *testing.F) {
	for _, v := range load(f).Padding {
		f.Add([]byte(v.Padded))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := Unpad80(b)
		if err != nil {
			if !errors.Is(err, ErrInput) {
				t.Error(err)
			}
			return
		}
		if !bytes.HasPrefix(b, append(bytes.Clone(out), 0x80)) {
			t.Errorf("%X became %X", b, out)
		}
	})
}

func BenchmarkCMAC(b *testing.B) {
	key, data := make([]byte, 16), make([]byte, 256)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CMAC(key, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRetailMAC(b *testing.B) {
	key, data := []byte("0123456789ABCDEF"), make([]byte, 256)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := RetailMAC(key, nil, data); err != nil {
			b.Fatal(err)
		}
	}
}
