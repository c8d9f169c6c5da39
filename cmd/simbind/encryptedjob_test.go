package main

import (
	"bytes"
	"context"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// TestEncryptedJob: every verb that takes a job opens an encrypted one with --identity, or says how else to name it.
func TestEncryptedJob(t *testing.T) {
	dir := t.TempDir()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	me, job, card := filepath.Join(dir, "me.txt"), filepath.Join(dir, "job.csv.age"), filepath.Join(dir, "card.json")
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "iccid,scheme,imei\n8988211000000430010,preset,490154203237518\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{me: []byte(id.String() + "\n"), job: sealed.Bytes()} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	call := func(args ...string) (int, string) {
		var talk bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &talk, err: &talk, now: time.Now, rand: rand.New(rand.NewSource(9))}
		return a.execute(context.Background(), append(args, "--state-dir", dir)), talk.String()
	}
	if code, said := call("virtual", "new", card); code != exitDone {
		t.Fatal(said)
	}
	for _, row := range []struct {
		call string
		exit int
		say  string
	}{
		{"batch check JOB --identity ME", exitDone, "valid"},
		{"imei match 490154203237518 --job JOB --identity ME", exitDone, "allowed"},
		{"imei match 490154203237518 --job JOB", exitUsage, "no identity file"},
		{"personalize --job JOB --identity ME --test-keys --dry-run --reader virtual:CARD", exitDone, "planned"},
		{"batch run JOB --identity ME --test-keys --rehearse", exitDone, "good"},
		{"batch run JOB --identity ME --test-keys --idle 1s --reader virtual:" + dir, exitDone, "1 good"},
		{"batch status JOB", exitUsage, "by its name"},
		{"batch report job.csv", exitDone, "good"},
		{"backup --backup-recipient " + id.String(), exitUsage, "no age recipient"},
	} {
		args := strings.Fields(strings.NewReplacer("JOB", job, "ME", me, "CARD", card).Replace(row.call))
		code, said := call(args...)
		if code != row.exit || !strings.Contains(said, row.say) {
			t.Errorf("%s: exit %d\n%s", row.call, code, said)
		}
		if strings.Contains(said, id.String()) {
			t.Errorf("%s: the identity is shown", row.call)
		}
	}
}
