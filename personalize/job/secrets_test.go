package job

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/simbind/simbind/personalize/keys"
)

const (
	enc = "000102030405060708090A0B0C0D0E0F"
	mac = "101112131415161718191A1B1C1D1E1F"
)

const withKeys = "iccid,scheme,kvn,enc,mac,pin1,adm1\n" +
	card + ",off,30,\"" + enc + "\"," + mac + ",1234,12345678\n" +
	next + ",first-insert,20," + mac + "," + enc + ",,\n"

// TestKeysAmongTheCards: a file of cards may be its own key file. The job checks the cells, and forgets them.
func TestKeysAmongTheCards(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "cards.csv"), withKeys, 0o600)
	j, err := Load(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkForgotten(t, j)
	f, err := j.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := f.Card(next, "")
	if err != nil || fmt.Sprintf("%X", c.Keys.ENC.Reveal()) != mac || c.Keys.KVN != 0x20 {
		t.Errorf("%+v, %v", c, err)
	}
	if row, ok := j.Row(card); !ok || row.Configuration.Scheme != 0 {
		t.Errorf("%+v", row)
	}
}

func checkForgotten(t *testing.T, j *Job) {
	t.Helper()
	for _, secret := range []string{enc, mac, "1234", "12345678"} {
		if bytes.Contains(j.table.b, []byte(secret)) {
			t.Errorf("the job still holds a secret of %d characters", len(secret))
		}
	}
}

func TestEncryptedCards(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(withKeys)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, filepath.Join(dir, "cards.csv.age"), b.String(), 0o644)
	identity := writeFile(t, filepath.Join(dir, "me.txt"), id.String(), 0o600)
	j, err := Load(path, Options{Identity: identity})
	if err != nil || !j.Form.Encrypted || j.Len() != 2 {
		t.Fatalf("%+v, %v", j, err)
	}
	checkForgotten(t, j)
	f, err := j.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := f.Card(card, ""); err != nil || c.PIN1.Len() != 8 {
		t.Errorf("%+v, %v", c, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Load(path, Options{}); !errors.As(err, new(*keys.Error)) {
		t.Errorf("without identity: %v", err)
	}
}

func TestRefusedKeys(t *testing.T) {
	dir := t.TempDir()
	cards := "iccid,scheme,key\n" + card + ",off,\n" + next + ",off,march\n"
	for _, row := range []struct{ name, settings, cards, keys, want string }{
		{"readable by others", "", withKeys, "", "cards.csv:1:1: it has columns of keys or codes, and mode 0644 lets others read it, 0600 is needed; chmod 600 it, or encrypt it with age"},
		{"two sources", "keys: {file: keys.csv}\n", withKeys, "iccid\n", "cards.csv:1:1: it has columns of keys or codes, and the job names another key source; keep them in one place"},
		{"no row", "keys: {file: keys.csv}\n", cards, "iccid,enc,mac\n8988211320300000028," + enc + "," + mac + "\n", "cards.csv:2:1: iccid: keys.csv has no row for this card; add one, or take the card out of the job\ncards.csv:3:1: key: keys.csv has no row of that name; add one, or take the card out of the job"},
		{"no keys", "keys: {file: keys.csv}\n", cards, "iccid,name,pin1\n" + card + ",,1234\n,march,1234\n", "cards.csv:2:1: iccid: its row in keys.csv has no keys; fill in enc and mac\ncards.csv:3:1: key: its row in keys.csv has no keys; fill in enc and mac"},
	} {
		t.Run(row.name, func(t *testing.T) {
			at := filepath.Join(dir, strings.ReplaceAll(row.name, " ", "-"))
			mode := os.FileMode(0o600)
			if row.name == "readable by others" {
				mode = 0o644
			}
			writeFile(t, filepath.Join(at, "job.yaml"), "name: x\n"+row.settings, 0o644)
			writeFile(t, filepath.Join(at, "cards.csv"), row.cards, mode)
			writeFile(t, filepath.Join(at, "keys.csv"), row.keys, 0o600)
			j, err := Load(at, Options{})
			if err == nil {
				_, err = j.OpenKeys()
			}
			if err == nil {
				t.Fatal("accepted")
			}
			if got := strings.ReplaceAll(err.Error(), at+"/", ""); got != row.want {
				t.Errorf("%s\nwant %s", got, row.want)
			}
		})
	}
}

// TestNamedKeys: masters for every card, and a set that rows call by name.
func TestNamedKeys(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "job.yaml"), "keys: {file: keys.csv}\ndefaults: {scheme: off}\n", 0o644)
	writeFile(t, filepath.Join(dir, "cards.csv"), "iccid,key\n"+card+",\n"+next+",march\n", 0o644)
	writeFile(t, filepath.Join(dir, "keys.csv"), "iccid,name,enc,mac,diversification\n*,,"+enc+","+mac+",kdf3\n,march,"+mac+","+enc+",\n", 0o600)
	j, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := j.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for iccid, want := range map[string]string{card: enc, next: mac} {
		row, _ := j.Row(iccid)
		c, err := f.Card(row.ICCID, row.Key)
		if err != nil || fmt.Sprintf("%X", c.Keys.ENC.Reveal()) != want || c.ICCID != iccid {
			t.Errorf("%s: %+v, %v", iccid, c, err)
		}
		c.Wipe()
		if !c.Keys.ENC.IsZero() {
			t.Error("the keys are still there")
		}
	}
}
