package sd

import (
	"bytes"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
)

type primitives struct {
	PutKey []struct {
		ID, SCP      string
		DEK          vectors.Hex
		NewKVN       vectors.Hex `json:"new_kvn"`
		Keys, KCVs   []vectors.Hex
		P2           vectors.Hex
		Data         vectors.Hex
		Command      vectors.Hex
		ResponseData vectors.Hex `json:"response_data"`
	} `json:"put_key"`
	KCV []struct {
		ID, Cipher string
		Key, KCV   vectors.Hex
	}
	KeyEncryption []struct {
		ID, SCP             string
		DEK, Key, Encrypted vectors.Hex
	} `json:"key_encryption"`
	KDF []struct {
		ID                             string
		Key, Constant, Context, Output vectors.Hex
		Bits                           int `json:"length_bits"`
	} `json:"scp03_kdf"`
}

func primitivesOf(t testing.TB) primitives {
	t.Helper()
	var p primitives
	vectors.Load(t, "scp_primitives.json", &p)
	return p
}

// TestPutKeyVectors: the card takes every published PUT KEY under its data encryption key, holds the keys that were meant and answers the
// published bytes; data that is in clear or lacks the inner length is refused.
func TestPutKeyVectors(t *testing.T) {
	for _, row := range primitivesOf(t).PutKey {
		t.Run(row.ID, func(t *testing.T) {
			b := newBench(t)
			b.login(0x30, 0)
			dek := protocol(&scp03{dek: row.DEK})
			if row.SCP == "02" {
				dek = &scp02{dek: row.DEK}
			}
			c := apdu.Command{P1: 0, P2: row.P2[0], Data: row.Data}
			if len(row.Command) > 0 {
				c = command(t, row.Command)
			}
			c.P1 = 0
			c.Data = append([]byte{row.NewKVN[0] ^ 0x40}, c.Data[1:]...) // a version that is free here
			if len(row.DEK) == 0 {
				b.want(map[string]apdu.SW{"E-p1": apdu.SWWrongData, "E-p2": swKeyCheckValue}[row.ID], apdu.INSPutKey, c.P1, c.P2, c.Data)
				return
			}
			b.d.sessions[0].protocol = dek
			r := b.want(apdu.SWOK, apdu.INSPutKey, c.P1, c.P2, c.Data)
			if len(r.Data) != 1+3*len(row.Keys) || len(row.ResponseData) > 0 && !bytes.Equal(r.Data[1:], row.ResponseData[1:]) {
				t.Errorf("answer %X, want %X", r.Data, []byte(row.ResponseData))
			}
			set := b.d.keys[b.d.setOf(c.Data[0])]
			for n, want := range row.Keys {
				if k, _ := set.key(byte(n + 1)); !bytes.Equal(k.Value, want) {
					t.Errorf("key %d is not the one that was sent", n+1)
				}
			}
			if !set.opens() || set.Protocol != row.SCP[1]-'0' {
				t.Errorf("SCP%02X", set.Protocol)
			}
		})
	}
}

// TestRecordedPutKey is the last command of session A4, wrapped, on a domain that has its keys.
func TestRecordedPutKey(t *testing.T) {
	r := sessionsOf(t, "A4")[0]
	d := domainOf(t, r, Config{AID: DefaultAID}, quiet{})
	d.Process(command(t, r.Initialize.Command))
	if got := d.Process(command(t, r.External.Command)); got.SW != apdu.SWOK {
		t.Fatal(got.SW)
	}
	for i, x := range r.Exchanges {
		got := d.Process(command(t, x.Wrapped))
		if i == 1 || i >= 4 { // no application; key information; PUT KEY
			if !bytes.Equal(got.Bytes(), x.Response) {
				t.Errorf("exchange %d answers %X, recorded %X", i, got.Bytes(), []byte(x.Response))
			}
		}
	}
	if k, _ := d.keys[0].key(kidENC); bytes.Equal(k.Value, r.Static.ENC) {
		t.Error("the old key is still there")
	}
	if got := d.sequence(d.keys[0]); !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("sequence %X of new keys", got)
	}
}

func TestPrimitives(t *testing.T) {
	p := primitivesOf(t)
	for _, row := range p.KCV {
		k := key{Type: typeAES, Value: row.Key}
		if row.Cipher == "des3" {
			k.Type = typeDES
		}
		if got, err := k.kcv(); err != nil || !bytes.Equal(got, row.KCV) {
			t.Errorf("%s: %X, %v", row.ID, got, err)
		}
	}
	for _, row := range p.KeyEncryption {
		var dek protocol = &scp02{dek: row.DEK}
		if row.SCP == "03" {
			dek = &scp03{dek: row.DEK}
		}
		if got, err := dek.decryptKey(row.Encrypted); err != nil || !bytes.Equal(got, row.Key) {
			t.Errorf("%s: %X, %v", row.ID, got, err)
		}
	}
	for _, row := range p.KDF {
		if got, err := kdf(row.Key, row.Constant[0], row.Bits, row.Context); err != nil || !bytes.Equal(got, row.Output) {
			t.Errorf("%s: %X, %v", row.ID, got, err)
		}
	}
	if len(p.KCV) < 10 || len(p.KeyEncryption) < 5 || len(p.KDF) < 14 {
		t.Errorf("%d, %d, %d rows", len(p.KCV), len(p.KeyEncryption), len(p.KDF))
	}
}

// TestPutKeyRefusals: nothing changes.
func TestPutKeyRefusals(t *testing.T) {
	good := newKeys(t)
	one := good[:1+1+1+17+1+3] // version and the first key
	changed := func(at int, v byte) []byte {
		out := bytes.Clone(good)
		out[at] = v
		return out
	}
	last := len(good) - 1
	for name, row := range map[string]struct {
		p1, p2 byte
		data   []byte
		want   apdu.SW
	}{
		"version in use":          {0, 0x81, changed(0, 0x30), apdu.SWWrongData},
		"version 00":              {0, 0x81, changed(0, 0x00), apdu.SWWrongData},
		"version 80":              {0, 0x81, changed(0, 0x80), apdu.SWWrongData},
		"nothing to replace":      {0x31, 0x81, good, apdu.SWReferenceNotFound},
		"identifier 00":           {0, 0x80, good, apdu.SWWrongP1P2},
		"identifiers past 7F":     {0, 0xFE, good, apdu.SWWrongData},
		"several, said one":       {0, 0x01, good, apdu.SWWrongData},
		"key 4 to replace":        {0x30, 0x04, append([]byte{0x30}, one[1:]...), apdu.SWReferenceNotFound},
		"version of one key":      {0x30, 0x01, one, apdu.SWWrongData},
		"into another version":    {0x20, 0x81, changed(0, 0x30), apdu.SWWrongData},
		"type":                    {0, 0x81, changed(1, 0xA1), swAlgorithmUnknown},
		"key check value":         {0, 0x81, changed(last, good[last]^1), swKeyCheckValue},
		"cipher":                  {0, 0x81, changed(5, good[5]^1), swKeyCheckValue},
		"inner length":            {0, 0x81, changed(3, 0x0F), apdu.SWWrongData},
		"inner length too long":   {0, 0x81, changed(3, 0x11), apdu.SWWrongData},
		"cut":                     {0, 0x81, good[:last], apdu.SWWrongData},
		"version alone":           {0, 0x81, good[:1], apdu.SWWrongData},
		"empty":                   {0, 0x81, nil, apdu.SWWrongData},
		"key check value of four": {0, 0x81, append(bytes.Clone(one[:len(one)-4]), 4, 1, 2, 3, 4), apdu.SWWrongData},
	} {
		b := newBench(t)
		b.login(0x30, 0)
		before := b.mem.Snapshot()
		b.want(row.want, apdu.INSPutKey, row.p1, row.p2, row.data)
		if !bytes.Equal(before[keysCell], b.mem.Snapshot()[keysCell]) {
			t.Errorf("%s: keys changed", name)
		}
	}
}

// TestKeyLife: a new set is added, opens a session, replaces another under a new version, and is deleted; a blocked set that is
// replaced is fresh again; the last set that opens a channel stays.
func TestKeyLife(t *testing.T) {
	b := newBench(t)
	for range 3 {
		b.want(apdu.SWOK, 0x50, 0x20, 0, make([]byte, 8))
		b.d.Process(b.spoilt(0))
	}
	b.want(apdu.SWBlocked, 0x50, 0x20, 0, make([]byte, 8))
	b.login(0x30, 0)
	b.want(apdu.SWOK, apdu.INSPutKey, 0x00, 0x81, newKeys(t))
	b.login(0x31, 0)
	b.login(0x30, 0)
	aes := append([]byte{0x20}, newKeys(t)[1:]...)
	b.want(apdu.SWOK, apdu.INSPutKey, 0x20, 0x81, aes) // now AES, for SCP03
	if b.d.Failures(0x20) != 0 {
		t.Errorf("%d failures of a new set", b.d.Failures(0x20))
	}
	if r := b.want(apdu.SWOK, 0x50, 0x20, 0, make([]byte, 8)); r.Data[11] != 0x03 || r.Data[12] != 0x70 {
		t.Errorf("SCP%02X i=%02X", r.Data[11], r.Data[12])
	}
	b.login(0x30, 0)
	moved := append([]byte{0x32}, newKeys(t)[1:]...)
	b.want(apdu.SWOK, apdu.INSPutKey, 0x20, 0x81, moved)
	b.want(apdu.SWReferenceNotFound, 0x50, 0x20, 0, make([]byte, 8))
	b.login(0x30, 0)
	b.want(apdu.SWOK, apdu.INSDelete, 0, 0, []byte{0xD0, 1, 1, 0xD2, 1, 0x31}) // one key of three
	b.want(apdu.SWReferenceNotFound, 0x50, 0x31, 0, make([]byte, 8))
	b.login(0x30, 0)
	for _, kvn := range []byte{0x31, 0x32} {
		b.want(apdu.SWOK, apdu.INSDelete, 0, 0, []byte{0xD2, 1, kvn})
	}
	b.want(apdu.SWConditions, apdu.INSDelete, 0, 0, []byte{0xD2, 1, 0x30})
	b.open()
	b.login(0x30, 0x01)
}

// TestRoomForKeys: key sets end somewhere.
func TestRoomForKeys(t *testing.T) {
	b := newBench(t)
	b.login(0x30, 0)
	data := newKeys(t)
	for kvn := byte(1); kvn < 0x7F; kvn++ {
		data[0] = kvn
		if kvn == 0x20 || kvn == 0x30 {
			continue
		}
		r := b.process(0x80, apdu.INSPutKey, 0, 0x81, data)
		if r.SW == apdu.SWNoMemory {
			return
		}
		if r.SW != apdu.SWOK {
			t.Fatal(r.SW)
		}
	}
	t.Error("there was always room")
}
